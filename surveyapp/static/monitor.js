// Keeps the figures of the field monitor up to date while the page is seen; without this script
// the link "Look again" does the same.
(() => {
  const figures = document.getElementById("figures");
  const said = document.getElementById("monitor-state");
  const every = 5000;
  let timer, running;
  const look = async () => {
    clearTimeout(timer);
    if (document.hidden || running) return;
    running = true;
    const before = performance.now();
    try {
      const reply = await fetch(figures.dataset.source, { credentials: "same-origin" });
      if (!reply.ok || reply.redirected) throw new Error(reply.status);
      const fresh = new DOMParser().parseFromString(await reply.text(), "text/html");
      for (const part of fresh.querySelectorAll("[data-part]")) {
        const old = document.getElementById(part.id);
        if (old.innerHTML !== part.innerHTML) old.innerHTML = part.innerHTML;
        old.hidden = part.hidden;
      }
      said.textContent = "The figures keep themselves up to date.";
    } catch {
      said.textContent = "The figures could not be renewed; trying again.";
    } finally { running = false; }
    // A large study on a busy server is looked at less often.
    timer = setTimeout(look, Math.max(every, 20 * (performance.now() - before)));
  };
  document.addEventListener("visibilitychange", look);
  said.textContent = "The figures keep themselves up to date.";
  timer = setTimeout(look, every);
})();
