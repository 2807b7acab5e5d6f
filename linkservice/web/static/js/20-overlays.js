// Menus, questions before something is done, toasts.
(() => {
  "use strict";
  const { on } = window.linkservice;
  const SECONDS = 8;

  const openMenus = () => document.querySelectorAll("[data-menu][open]");
  document.addEventListener("click", (event) => {
    for (const menu of openMenus()) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("focusin", (event) => {
    for (const menu of openMenus()) if (!menu.contains(event.target)) menu.open = false;
  });
  on("keydown", "[data-menu][open]", (menu, event) => {
    const items = [...menu.querySelectorAll(".menu-item")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") {
      event.preventDefault(); // so that what is around the menu stays open
      menu.open = false;
      menu.querySelector("summary").focus();
    } else if (step && items.length && !event.target.matches("input, select")) {
      event.preventDefault();
      const from = items.indexOf(document.activeElement);
      items[from < 0 && step < 0 ? items.length - 1 : (from + step + items.length) % items.length].focus();
    }
  });

  // Buttons that a phone folds: what is unfolded ends like a menu, one after the other.
  const openFolds = () => document.querySelectorAll("[data-fold][open]");
  const close = (fold) => {
    fold.open = false;
    fold.querySelector("summary").focus({ preventScroll: true });
  };
  document.addEventListener("click", ({ target }) => {
    for (const fold of openFolds()) {
      if (fold.contains(target) || fold.nextElementSibling.contains(target) || target.closest("dialog")) continue;
      // Who clicked on something that takes the focus keeps it.
      if (document.activeElement.tabIndex < 0) close(fold);
      else fold.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open]")) return;
    openFolds().forEach(close);
  });

  // A question becomes a dialog; it goes back to its place when that is closed.
  on("click", "[data-confirm] > summary", (summary, event) => {
    event.preventDefault();
    const panel = summary.nextElementSibling;
    const dialog = document.createElement("dialog");
    const question = panel.querySelector(".confirm-question");
    dialog.setAttribute("aria-label", question.textContent);
    dialog.append(panel);
    document.body.append(dialog);
    dialog.addEventListener("close", () => {
      summary.after(panel);
      dialog.remove();
      summary.focus();
    });
    dialog.showModal();
    panel.querySelector("input:not([type=hidden]), [data-close]").focus();
  });
  on("click", "dialog [data-close]", (button) => button.closest("dialog").close());
  on("click", "dialog", (dialog, event) => { if (event.target === dialog) dialog.close(); });

  const start = (toast) => {
    if (toast.classList.contains("toast-problem")) return;
    // Who may want to undo gets twice the time.
    let left = SECONDS * (toast.querySelector("form") ? 2 : 1);
    const tick = setInterval(() => {
      if (toast.matches(":hover, :focus-within") || document.hidden) return;
      left -= 1;
      if (left > 0) return;
      clearInterval(tick);
      toast.remove();
    }, 1000);
  };
  on("click", "[data-toast] [data-close]", (button) => button.closest("[data-toast]").remove());
  document.querySelectorAll("[data-toast]").forEach(start);
  window.linkservice.showToast = (toast) => {
    document.querySelectorAll("[data-toast]").forEach((old) => old.remove());
    if (!toast) return;
    document.body.append(toast);
    start(toast);
  };
})();
