// What the other files share. Every page works without any of them.
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("js");

  // What happened, for those who do not see it.
  const say = (text) => {
    const place = document.getElementById("announce");
    if (!place) return;
    place.textContent = "";
    setTimeout(() => { place.textContent = text; }, 50);
  };

  // Listens once on the document, so that parts that are replaced later behave the same.
  const on = (kind, selector, act, capture = false) =>
    document.addEventListener(kind, (event) => {
      const found = event.target instanceof Element && event.target.closest(selector);
      if (found) act(found, event);
    }, capture);

  // Without its style, whose nonce is of another page: browsers would report it.
  const parse = (text) => new DOMParser().parseFromString(text.replace(/<style[^]*?<\/style>/, ""), "text/html");

  window.linkservice = { say, on, parse };

  // With headings and lists for whatever takes them; an editor of plain text gets the plain one.
  const copyFormatted = (text, element) => {
    const form = (type, data) => [type, new Blob([data], { type })];
    const forms = Object.fromEntries([form("text/plain", text), form("text/html", element.innerHTML)]);
    return navigator.clipboard.write([new ClipboardItem(forms)]);
  };
  const copyText = async (text, formatted) => {
    if (navigator.clipboard && window.ClipboardItem && formatted) {
      try {
        return await copyFormatted(text, formatted);
      } catch {
        // Some browsers take text alone.
      }
    }
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    // Browsers offer the clipboard only under HTTPS and on this machine.
    const box = document.createElement("textarea");
    box.value = text;
    document.body.append(box);
    box.select();
    document.execCommand("copy");
    box.remove();
  };
  on("click", "[data-copy]", async (button) => {
    await copyText(button.dataset.copy, document.getElementById(button.dataset.copyFormatted ?? ""));
    button.focus();
    button.classList.add("is-done");
    say(button.dataset.copied);
    setTimeout(() => button.classList.remove("is-done"), 2000);
  });

  if (/Mac|iPhone|iPad/.test(navigator.platform)) {
    for (const key of document.querySelectorAll("[data-shortcut]")) key.textContent = `⌘ ${key.dataset.shortcut}`;
  }
})();
