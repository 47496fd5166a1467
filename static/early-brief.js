// The brief before the module is there: the form of the shell shows the stored brief, stores every
// keystroke, and notes an early *Generate*. The module takes over from it (src/ui/shell.rs), and reads
// and writes the same item (src/ui/stored_brief.rs).
"use strict";

(() => {
  const ITEM = "taskwright.brief";
  const FIELDS = ["goal", "context", "rules", "count"];
  const root = document.documentElement;
  const form = document.querySelector("[data-shell] form");
  // shell.js has said why Taskwright cannot run.
  if (!form || root.dataset.boot === "stopped") return;

  const fields = FIELDS.map((id) => document.getElementById(id));
  const brief = { goal: "", context: "", rules: "", count: "3" };
  try {
    Object.assign(brief, JSON.parse(localStorage.getItem(ITEM)));
  } catch (error) {
    // Without a readable item the brief is empty, as in the module.
  }
  for (const field of fields) {
    if (typeof brief[field.id] === "string") field.value = brief[field.id];
    field.disabled = false;
  }

  form.addEventListener("input", () => {
    const typed = {};
    for (const field of fields) typed[field.id] = field.value;
    try {
      localStorage.setItem(ITEM, JSON.stringify(typed));
    } catch (error) {
      // The module says that nothing can be stored when it writes the item.
    }
  });

  // Replacing a field ends what an input method is composing, so boot.js waits for the end.
  form.addEventListener("compositionstart", () => (root.dataset.composing = ""));
  form.addEventListener("compositionend", () => delete root.dataset.composing);

  const generate = form.querySelector("button[type=submit]");
  const hint = document.getElementById("generate-hint");
  const hintWithout = hint.textContent;
  generate.disabled = false;
  const toggle = (event) => {
    event.preventDefault();
    const isQueued = form.dataset.queued === undefined;
    if (isQueued) form.dataset.queued = "";
    else delete form.dataset.queued;
    hint.setAttribute("role", "status");
    hint.textContent = isQueued
      ? "Taskwright is still loading. Generation starts once it is ready. Press the button again to cancel."
      : hintWithout;
  };
  form.addEventListener("submit", toggle);
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) toggle(event);
  });
})();
