// Shows the shares anew when something is chosen; without this script the button does.
(() => {
  const form = document.getElementById("market");
  let waiting, running;
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
    } catch (error) {
      if (error.name !== "AbortError") location.href = address;
    }
  };
  form.addEventListener("change", () => { clearTimeout(waiting); waiting = setTimeout(show, 200); });
})();
