// Figures that stay fresh: elements with `data-live` and an id are fetched again.
(() => {
  "use strict";
  const EVERY = 10_000;
  const LONGEST = 160_000;
  const { parse } = window.linkservice;

  // What somebody is using just now is left alone.
  const inUse = (place) =>
    place.contains(document.activeElement) || place.querySelector("details[open], .pick:checked, .is-dragged") !== null;
  const takeFrom = (fresh) => {
    for (const place of document.querySelectorAll("[data-live][id]")) {
      const other = fresh.getElementById(place.id);
      if (other && !inUse(place) && other.innerHTML !== place.innerHTML) place.innerHTML = other.innerHTML;
    }
  };
  window.linkservice.takeFrom = takeFrom;
  if (!document.querySelector("[data-live][id]")) return;

  let wait = EVERY;
  const look = async () => {
    if (document.hidden || document.querySelector("dialog[open]")) return;
    try {
      const answer = await fetch(location.href, { headers: { "X-Requested-With": "live" } });
      // Signed out meanwhile: the next click will say so.
      if (answer.redirected) return;
      if (!answer.ok) throw new Error(answer.status);
      takeFrom(parse(await answer.text()));
      wait = EVERY;
    } catch {
      wait = Math.min(wait * 2, LONGEST);
    }
  };
  window.linkservice.refresh = look;
  const again = async () => {
    await look();
    setTimeout(again, wait);
  };
  setTimeout(again, wait);
})();
