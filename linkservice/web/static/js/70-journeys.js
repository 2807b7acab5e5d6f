// The journey map without leaving it: forms in a dialog, buttons that keep their place.
//
// <a data-dialog> shows the `data-dialog-part` of the page it leads to.
// <form data-swap="ID"> is sent in the background; what is `data-live` is taken from the answer,
// and #ID gets the focus.
(() => {
  "use strict";
  const { on, parse, say, showToast, takeFrom } = window.linkservice;

  const send = async (form, button) => {
    const answer = await fetch(button?.getAttribute("formaction") ?? form.getAttribute("action"), {
      method: "POST",
      body: new FormData(form, button),
    });
    return { answer, fresh: parse(await answer.text()) };
  };
  const isHere = (answer) => answer.redirected && new URL(answer.url).pathname === location.pathname;
  const tell = (fresh) => {
    const toast = fresh.querySelector("[data-toast]");
    showToast(toast);
    if (toast) say(toast.querySelector("p").textContent);
  };
  const settle = (fresh, focus) => {
    for (const menu of document.querySelectorAll("[data-menu][open]")) menu.open = false;
    // What is in use would not be refreshed.
    document.activeElement?.blur();
    takeFrom(fresh);
    document.title = fresh.title;
    document.getElementById(focus)?.focus({ preventScroll: true });
  };

  on("submit", "form[data-swap]", async (form, event) => {
    if (event.defaultPrevented) return;
    event.preventDefault();
    try {
      const { answer, fresh } = await send(form, event.submitter);
      if (!isHere(answer)) throw new Error(answer.status);
      settle(fresh, form.dataset.swap);
      tell(fresh);
    } catch {
      location.reload();
    }
  });

  on("click", "a[data-dialog]", async (link, event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    try {
      const answer = await fetch(link.href);
      if (!answer.ok || answer.redirected) throw new Error(answer.status);
      const dialog = document.createElement("dialog");
      dialog.className = "sheet";
      fill(dialog, parse(await answer.text()));
      const opener = link.id || link.closest("[data-menu]")?.querySelector("summary").id;
      dialog.addEventListener("close", async () => {
        dialog.remove();
        // Something was made in it before it was closed.
        if (dialog.made) settle(parse(await (await fetch(location.href)).text()), opener);
      });
      dialog.opener = opener;
      document.body.append(dialog);
      dialog.showModal();
    } catch {
      location.assign(link.href);
    }
  });
  on("click", "dialog a[data-close]", (link, event) => event.preventDefault());

  const fill = (dialog, page) => {
    const part = page.querySelector("[data-dialog-part]");
    const heading = document.createElement("h2");
    heading.textContent = page.querySelector("h1").textContent;
    heading.id = "sheet-heading";
    dialog.setAttribute("aria-labelledby", heading.id);
    dialog.replaceChildren(heading, part);
    for (const form of part.querySelectorAll("form")) form.noValidate = true;
  };

  on("submit", "dialog.sheet form", async (form, event) => {
    if (event.defaultPrevented) return;
    const dialog = form.closest("dialog");
    event.preventDefault();
    try {
      const { answer, fresh } = await send(form, event.submitter);
      if (isHere(answer)) {
        dialog.made = false;
        dialog.close();
        settle(fresh, dialog.opener);
        tell(fresh);
      } else if (fresh.querySelector("[data-dialog-part]")) {
        // Refused, or done and on to the next one.
        dialog.made ||= answer.redirected;
        fill(dialog, fresh);
        (dialog.querySelector(".summary") ?? dialog.querySelector("[autofocus]"))?.focus();
        if (answer.redirected) tell(fresh);
      } else {
        location.reload();
      }
    } catch {
      location.reload();
    }
  });

  // The line of a table that a problem tells of.
  on("click", "[data-line]", (link) => {
    const field = document.getElementById("f-table");
    const lines = field.value.split("\n");
    const start = lines.slice(0, link.dataset.line - 1).join("\n").length + (link.dataset.line > 1 ? 1 : 0);
    field.focus();
    field.setSelectionRange(start, start + (lines[link.dataset.line - 1] ?? "").length);
  });
})();
