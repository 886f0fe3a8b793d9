// Shows the shares anew when something is chosen; without this script the button does.
(() => {
  const form = document.getElementById("market");
  let waiting, running;
  // Fields named among the problems are marked, and the parts that hold them opened.
  const mark = () => {
    const wrong = new Set([...document.querySelectorAll("#problems a")].map((a) => a.hash.slice(1)));
    for (const field of form.elements) {
      if (!wrong.has(field.id)) { field.removeAttribute("aria-invalid"); continue; }
      field.setAttribute("aria-invalid", "true");
      for (let part = field.closest("details"); part; part = part.parentElement.closest("details")) {
        part.open = true;
      }
    }
  };
  const show = async () => {
    const address = `${form.action}?${new URLSearchParams(new FormData(form))}`;
    running?.abort();
    running = new AbortController();
    const results = document.getElementById("results");
    results.setAttribute("aria-busy", "true");
    try {
      const reply = await fetch(address, { credentials: "same-origin", signal: running.signal });
      const fresh = new DOMParser().parseFromString(await reply.text(), "text/html");
      if (!reply.ok || fresh.getElementById("results") === null) { location.href = address; return; }
      for (const part of document.querySelectorAll("[data-live]")) {
        const now = fresh.getElementById(part.id);
        if (now !== null && part.innerHTML !== now.innerHTML) part.replaceChildren(...now.childNodes);
      }
      document.getElementById("query").value = fresh.getElementById("query").value;
      document.title = fresh.title;
      history.replaceState(null, "", address);
      results.removeAttribute("aria-busy");
      mark();
    } catch (error) {
      if (error.name !== "AbortError") location.href = address;
    }
  };
  form.addEventListener("change", () => { clearTimeout(waiting); waiting = setTimeout(show, 200); });
})();
