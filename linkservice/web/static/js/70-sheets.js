// A sheet in the making is looked at every second; a new one, whenever a field changes.
(() => {
  "use strict";
  const EVERY = 1_000;
  const { on, parse, takeFrom } = window.linkservice;

  const watch = async () => {
    if (!document.querySelector("[data-making]")) return;
    if (!document.hidden && !document.querySelector("dialog[open]")) {
      try {
        const answer = await fetch(location.href, { headers: { "X-Requested-With": "live" } });
        if (answer.redirected || answer.status === 404) return;
        if (answer.ok) {
          const fresh = parse(await answer.text());
          takeFrom(fresh);
          for (const place of document.querySelectorAll("[id][data-making]")) {
            if (!fresh.querySelector(`#${place.id}[data-making]`)) place.removeAttribute("data-making");
          }
        }
      } catch {
        // The next look may find the service again.
      }
    }
    setTimeout(watch, EVERY);
  };
  setTimeout(watch, EVERY);

  let asked = 0;
  on("change", "form[data-look]", async (form) => {
    const wanted = new URLSearchParams(new FormData(form));
    wanted.delete("csrf");
    const address = `${form.dataset.look}?${wanted}`;
    const mine = ++asked;
    try {
      const answer = await fetch(address);
      const fresh = parse(await answer.text());
      if (mine !== asked || answer.redirected) return;
      for (const place of form.querySelectorAll("[data-looked]")) {
        const other = fresh.getElementById(place.id);
        if (other) place.innerHTML = other.innerHTML;
      }
      history.replaceState(null, "", address);
    } catch {
      // The preview stays as it was; the form still works.
    }
  });
})();
