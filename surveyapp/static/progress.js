// Keeps the state of a running job up to date; without this script the page reloads itself.
(() => {
  const look = async () => {
    try {
      const page = await (await fetch(location.href, { credentials: "same-origin" })).text();
      const fresh = new DOMParser().parseFromString(page, "text/html");
      if (fresh.getElementById("state") === null) { location.reload(); return; }
      for (const id of ["state", "elapsed"]) {
        const [old, now] = [document.getElementById(id), fresh.getElementById(id)];
        if (old.innerHTML !== now.innerHTML) old.innerHTML = now.innerHTML;
      }
      if (!("active" in fresh.getElementById("state").dataset)) {
        document.getElementById("cancel")?.remove();
        return;
      }
    } catch { /* The server may be restarting: look again. */ }
    setTimeout(look, 2000);
  };
  setTimeout(look, 2000);
})();
