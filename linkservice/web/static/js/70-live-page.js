// The live page hears of new clicks at once; without a stream it asks every ten seconds.
(() => {
  "use strict";
  const place = document.querySelector("[data-events]");
  if (!place || !window.EventSource) return;
  const source = new EventSource(place.dataset.events);
  source.addEventListener("clicks", () => window.linkservice.refresh());
  addEventListener("pagehide", () => source.close());
})();
