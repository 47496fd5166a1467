// A classic script, because it must run where module scripts do not: from a file,
// or in a browser without WebAssembly. It shows in the shell why Taskwright cannot run.
"use strict";

(() => {
  // { what, why, todo, raw? }, sent by boot.js.
  addEventListener("taskwright:cannot-run", (event) => show(event.detail));

  if (location.protocol === "file:") {
    cannotRun({
      what: "Taskwright cannot run from a file",
      why: "Browsers do not load modules for a page opened from disk (its address starts with file://).",
      todo: "In the checkout, run “cargo xtask run” and open the address it prints. Any static web server works too.",
    });
  } else if (typeof WebAssembly !== "object") {
    cannotRun({
      what: "This browser does not support WebAssembly here",
      why: "The browser is too old, or WebAssembly is disabled, for example by a hardened profile or Lockdown Mode.",
      todo: "Allow WebAssembly for this address, or open the page in a current version of Chrome, Edge, Firefox or Safari.",
    });
  }

  function cannotRun(problem) {
    document.documentElement.dataset.boot = "stopped";
    show(problem);
  }

  function show({ what, why, todo, raw }) {
    document.querySelector(".late")?.remove();
    const status = document.getElementById("boot-status");
    if (status) status.textContent = "Not running";

    const body = element("div", "body");
    body.append(element("h2", "", what), element("p", "", why), element("p", "todo", todo));
    if (raw) {
      const fold = element("details", "fold");
      fold.append(element("summary", "", "Browser error"), element("pre", "raw", raw));
      body.append(fold);
    }
    const panel = element("div", "problem");
    panel.setAttribute("role", "alert");
    panel.append(warningIcon(), body);
    (document.getElementById("boot-notices") ?? document.body).prepend(panel);
  }

  function element(tag, className, text) {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (text) node.textContent = text;
    return node;
  }

  function warningIcon() {
    const namespace = "http://www.w3.org/2000/svg";
    const icon = document.createElementNS(namespace, "svg");
    icon.setAttribute("class", "icon");
    icon.setAttribute("aria-hidden", "true");
    const use = document.createElementNS(namespace, "use");
    use.setAttribute("href", "static/icons/icons.svg#warning");
    icon.append(use);
    return icon;
  }
})();
