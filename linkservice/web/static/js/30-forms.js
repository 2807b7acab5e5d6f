// Forms: sent once, never lost, checked while one types.
(() => {
  "use strict";
  const { on } = window.linkservice;
  let unsaved = null;

  // The server says what is wrong, in the language of the page and beside the field.
  for (const form of document.forms) form.noValidate = true;

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented) return;
    if (form.method === "post") {
      if (form.dataset.sent) {
        event.preventDefault();
        return;
      }
      form.dataset.sent = "1";
      event.submitter?.setAttribute("aria-disabled", "true");
      // An answer that is saved as a file leaves the page as it is.
      setTimeout(() => release(form), 4000);
    } else if (form.matches(".filters")) {
      // Only what was chosen stands in the address.
      const empty = [...form.elements].filter((field) => field.name && !field.disabled && field.value === "");
      for (const field of empty) field.disabled = true;
      setTimeout(() => { for (const field of empty) field.disabled = false; });
    }
    if (unsaved === form) unsaved = null;
  });
  const release = (form) => {
    delete form.dataset.sent;
    form.querySelectorAll("button[aria-disabled]").forEach((button) => button.removeAttribute("aria-disabled"));
  };
  window.addEventListener("pageshow", () => { for (const form of document.forms) release(form); });

  on("input", "form[data-guard]", (form) => { unsaved = form; });
  window.addEventListener("beforeunload", (event) => { if (unsaved?.isConnected) event.preventDefault(); });

  on("change", "[data-autosubmit]", (field) => field.form.requestSubmit());

  on("click", ".summary a", (link, event) => {
    const field = document.getElementById(decodeURIComponent(link.hash.slice(1)));
    if (!field) return;
    event.preventDefault();
    const target = field.matches("fieldset") ? field.querySelector("input") || field : field;
    target.focus({ preventScroll: true });
    field.scrollIntoView({ block: "center" });
  });
  document.querySelector(".summary")?.focus();

  // The picker and the text show the same colour.
  on("input", "[data-colour-for]", (picker) => {
    const text = document.getElementById(picker.dataset.colourFor);
    text.value = picker.value;
    text.dispatchEvent(new Event("input", { bubbles: true }));
  });
  on("input", ".control-colour > [type=text]", (text) => {
    if (/^#[0-9a-f]{6}$/i.test(text.value.trim())) text.previousElementSibling.value = text.value.trim();
  });

  on("click", "[data-check-group]", (button) => {
    const boxes = [...button.closest(".check-group").querySelectorAll("[type=checkbox]:not(:disabled)")];
    const all = boxes.every((box) => box.checked);
    for (const box of boxes) box.checked = !all;
    boxes[0]?.dispatchEvent(new Event("change", { bubbles: true }));
  });

  // `data-all="name"` ticks every .pick of that name in its form.
  const count = (form) => {
    const picks = [...form.querySelectorAll(".pick")];
    const ticked = picks.filter((pick) => pick.checked).length;
    form.querySelectorAll("[data-count]").forEach((place) => { place.textContent = ticked; });
    form.querySelectorAll("[data-all]").forEach((box) => {
      box.checked = ticked > 0 && ticked === picks.length;
      box.indeterminate = ticked > 0 && ticked < picks.length;
    });
  };
  on("change", "[data-all]", (box) => {
    for (const pick of box.form.querySelectorAll(`.pick[name="${box.dataset.all}"]`)) pick.checked = box.checked;
    count(box.form);
  });
  on("change", ".pick", (pick) => { if (pick.form) count(pick.form); });
  window.addEventListener("pageshow", () => {
    for (const form of document.forms) if (form.querySelector(".pick")) count(form);
  });

  // `data-check-url`: asks with the field and those named in `data-check-with`; {ok, text}.
  const waiting = new WeakMap();
  on("input", "[data-check-url]", (field) => {
    clearTimeout(waiting.get(field));
    waiting.set(field, setTimeout(() => check(field), 250));
  });
  on("change", "form", (form, event) => {
    const name = event.target.name;
    if (!name) return;
    for (const field of form.querySelectorAll("[data-check-with]")) {
      if (field.dataset.checkWith.split(" ").includes(name)) check(field);
    }
  });
  const check = async (field) => {
    const place = document.getElementById(`${field.id}-check`);
    const asked = field.value;
    const tell = (text, kind) => {
      place.textContent = text;
      place.className = `check ${kind}`;
    };
    if (!asked.trim()) return tell("", "");
    const url = new URL(field.dataset.checkUrl, location);
    for (const name of [field.name, ...(field.dataset.checkWith || "").split(" ")]) {
      const value = name && field.form.elements[name]?.value;
      if (value) url.searchParams.set(name, value);
    }
    try {
      const answer = await fetch(url, { headers: { Accept: "application/json" } });
      if (!answer.ok || field.value !== asked) return;
      const { ok, text } = await answer.json();
      tell(text, ok ? "is-free" : "is-taken");
    } catch {
      tell("", "");
    }
  };
})();
