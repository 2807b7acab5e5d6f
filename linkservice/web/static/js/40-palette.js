// Search from anywhere: Ctrl K or ⌘ K. Without this script the field is a plain search form.
(() => {
  "use strict";
  const { on } = window.linkservice;
  const palette = document.getElementById("palette");
  if (!palette) return;
  const form = palette.querySelector("form");
  const input = palette.querySelector("input");
  const list = palette.querySelector("ul");
  const none = palette.querySelector(".palette-none");
  const places = [...document.querySelectorAll(".rail li a")].map((link) => ({
    label: link.textContent.trim(), kind: "", href: link.href,
  }));
  let chosen = -1;
  let asking = null;

  const choose = (index) => {
    const items = [...list.children];
    chosen = items.length ? (index + items.length) % items.length : -1;
    items.forEach((item, place) => item.setAttribute("aria-selected", place === chosen));
    input.setAttribute("aria-activedescendant", chosen < 0 ? "" : items[chosen].id);
    items[chosen]?.scrollIntoView({ block: "nearest" });
  };
  const show = (found) => {
    list.replaceChildren(...found.map(({ label, kind, href }, index) => {
      const item = document.createElement("li");
      item.id = `found-${index}`;
      item.setAttribute("role", "option");
      item.dataset.href = href;
      for (const text of [label, kind]) item.append(Object.assign(document.createElement("span"), { textContent: text }));
      return item;
    }));
    none.hidden = found.length > 0 || !input.value.trim();
    choose(0);
  };
  const fitting = (text) => places.filter(({ label }) => label.toLowerCase().includes(text.toLowerCase()));
  const search = async () => {
    asking?.abort();
    const text = input.value.trim();
    if (!text) return show(places);
    asking = new AbortController();
    const url = new URL(form.action);
    url.searchParams.set("q", text);
    try {
      const answer = await fetch(url, { headers: { Accept: "application/json" }, signal: asking.signal });
      if (answer.ok) show([...fitting(text), ...(await answer.json())]);
    } catch {
      // Typed on, or offline: what is shown stays, Enter still searches by page.
    }
  };

  let waiting = 0;
  input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(search, 120);
  });
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    choose(chosen + step);
  });
  form.addEventListener("submit", (event) => {
    const item = list.children[chosen];
    if (!item) return;
    event.preventDefault();
    location.assign(item.dataset.href);
  });
  on("click", "#palette-found > li", (item) => location.assign(item.dataset.href));

  const open = (text = "") => {
    if (palette.open) return;
    input.value = text;
    show(places);
    palette.showModal();
    input.focus();
    if (text) search();
  };
  on("click", "[data-find]", (field, event) => {
    event.preventDefault();
    open(field.querySelector("input")?.value);
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target instanceof Element && event.target.closest("input, select, textarea, [contenteditable]");
    const wanted = ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") || (event.key === "/" && !typing);
    if (!wanted || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    open();
  });
})();
