// Dragging within and between lists. Buttons do the same without it.
//
// <ol data-sortable="touchpoints" data-list="ID" data-move-url="…"> holds items with `data-id`.
// Lists of one name exchange items. After a drop, `data-move-url` of the new list is sent
// csrf, id, list, position (from 0); the page it answers with refreshes what is `data-live`.
(() => {
  "use strict";
  const { on, parse, say, showToast, takeFrom } = window.linkservice;
  let dragged = null;
  let home = null;

  on("pointerover", "[data-sortable] > [data-id]", (item, event) => {
    if (event.pointerType === "mouse") item.draggable = true;
  });
  on("dragstart", "[data-sortable] > [data-id]", (item, event) => {
    dragged = item;
    home = { list: item.parentElement, next: item.nextElementSibling };
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", item.dataset.id);
    event.dataTransfer.setDragImage(item, 16, 16);
    setTimeout(() => item.classList.add("is-dragged"));
  });
  document.addEventListener("dragover", (event) => {
    const list = dragged && event.target instanceof Element &&
      event.target.closest(`[data-sortable="${CSS.escape(home.list.dataset.sortable)}"]`);
    if (!list) return;
    event.preventDefault();
    const sideways = list.dataset.axis === "x";
    const after = [...list.children].find((other) => {
      const box = other.getBoundingClientRect();
      return other !== dragged && "id" in other.dataset &&
        (sideways ? event.clientX < box.left + box.width / 2 : event.clientY < box.top + box.height / 2);
    });
    const next = after ?? [...list.children].find((other) => "last" in other.dataset) ?? null;
    if (next !== dragged.nextElementSibling || list !== dragged.parentElement) list.insertBefore(dragged, next);
  });
  document.addEventListener("drop", (event) => { if (dragged) event.preventDefault(); });
  document.addEventListener("dragend", (event) => {
    if (!dragged) return;
    const item = dragged;
    dragged = null;
    item.classList.remove("is-dragged");
    const moved = item.parentElement !== home.list || item.nextElementSibling !== home.next;
    if (event.dataTransfer.dropEffect === "none") home.list.insertBefore(item, home.next);
    else if (moved) send(item);
  });

  const send = async (item) => {
    const list = item.parentElement;
    const position = [...list.children].filter((other) => "id" in other.dataset).indexOf(item);
    const { csrf } = document.body.dataset;
    try {
      const answer = await fetch(list.dataset.moveUrl, {
        method: "POST",
        body: new URLSearchParams({ csrf, id: item.dataset.id, list: list.dataset.list ?? "", position }),
      });
      if (!answer.ok) throw new Error(answer.status);
      const fresh = parse(await answer.text());
      const toast = fresh.querySelector("[data-toast]");
      showToast(toast);
      if (toast) say(toast.querySelector("p").textContent);
      takeFrom(fresh);
    } catch {
      location.reload();
    }
  };
})();
