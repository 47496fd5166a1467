// A classic script, because it must run where module scripts do not: from a file, or in an old
// browser. It shows in the shell why Taskwright cannot run, and keeps to syntax of 2017 for that.
"use strict";

(() => {
  // What the style sheets need; without it dialogs are transparent and panes have no size. The
  // module itself needs less. README.md states the browsers' versions.
  const NEEDED = [
    ["light-dark()", () => CSS.supports("color", "light-dark(#000, #fff)")],
    [":has()", () => CSS.supports("selector(:has(*))")],
    ["container queries", () => CSS.supports("container-type", "inline-size")],
    ["subgrid", () => CSS.supports("grid-template-rows", "subgrid")],
    ["dialog", () => "showModal" in HTMLDialogElement.prototype],
    ["popover", () => "popover" in HTMLElement.prototype],
  ];

  // Static markup of the page is rendered through innerHTML. Markup that could run or load anything
  // is refused, and so is every other text that would become code, except the address of the service
  // worker (static/offline.js).
  const REFUSED_TAG =
    "(?:script|style|i?frame|object|embed|base|link|meta|template|form|set|animate|foreignObject)";
  const REFUSED_ATTRIBUTE =
    "(?:on|style|src|srcset|srcdoc|action|formaction|data=|ping|poster|xlink|href=\"[^#])";
  const ATTRIBUTE = `\\s+(?!${REFUSED_ATTRIBUTE})[a-zA-Z-]+(?:="[^"]*")?`;
  const TAG = `<(?:/[a-zA-Z0-9]+|(?!${REFUSED_TAG})[a-zA-Z0-9]+(?:${ATTRIBUTE})*\\s*/?)>`;
  const INERT = new RegExp(`^[^<]*(?:${TAG}[^<]*)*$`, "i");
  const WORKER = new URL("sw.js", location.href).href;
  if (typeof trustedTypes === "object") {
    trustedTypes.createPolicy("default", {
      createHTML: (markup) => {
        if (INERT.test(markup)) return markup;
        throw new TypeError("Taskwright refuses markup that could run or load something");
      },
      createScriptURL: (address) => {
        if (address === WORKER) return address;
        throw new TypeError("Taskwright refuses addresses of scripts");
      },
    });
  }

  // { what, why, todo, raw?, link? }, sent by boot.js.
  addEventListener("taskwright:cannot-run", (event) => show(event.detail));

  const missing = NEEDED.filter((need) => !isGiven(need[1])).map((need) => need[0]);
  if (location.protocol === "file:") {
    cannotRun({
      what: "Taskwright cannot run from a file",
      why: "Browsers do not load modules for a page opened from disk (its address starts with file://).",
      todo: "In the checkout, run “cargo xtask run” and open the address it prints. Any static web server works too.",
    });
  } else if (isFramedByAnotherOrigin()) {
    cannotRun({
      what: "Taskwright does not run inside a page of another site",
      why: "That page could cover this one and make you press buttons that you do not see.",
      todo: "Open Taskwright in a tab of its own.",
      link: { text: "Open in a new tab", address: location.href },
    });
  } else if (typeof WebAssembly !== "object") {
    cannotRun({
      what: "This browser does not support WebAssembly here",
      why: "The browser is too old, or WebAssembly is disabled, for example by a hardened profile or Lockdown Mode.",
      todo: "Allow WebAssembly for this address, or open the page in a current version of Chrome, Edge, Firefox or Safari.",
    });
  } else if (missing.length > 0) {
    cannotRun({
      what: "This browser is too old for Taskwright",
      why: `It lacks ${missing.join(", ")}. Without that, parts of the page would be unreadable.`,
      todo: "Open the page in Chrome or Edge 123, Firefox 125, Safari 17.5, or later.",
    });
  }

  function isGiven(check) {
    try {
      return check();
    } catch (error) {
      return false;
    }
  }

  // A policy in a <meta> element cannot forbid framing. Each frame around this one counts: a page of
  // this origin may itself be framed. mount() in a page of one's own does not load this script.
  function isFramedByAnotherOrigin() {
    try {
      for (let inner = self; inner !== inner.parent; inner = inner.parent) {
        // Reading it throws for another origin.
        if (inner.parent.location.origin !== location.origin) return true;
      }
      return false;
    } catch (error) {
      return true;
    }
  }

  function cannotRun(problem) {
    document.documentElement.dataset.boot = "stopped";
    show(problem);
  }

  function show(problem) {
    const late = document.querySelector(".late");
    if (late) late.remove();
    const status = document.getElementById("boot-status");
    if (status) status.textContent = "Not running";

    const body = element("div", "body");
    body.append(
      element("h2", "", problem.what),
      element("p", "", problem.why),
      element("p", "todo", problem.todo),
    );
    if (problem.link) {
      const link = element("a", "", problem.link.text);
      link.href = problem.link.address;
      link.target = "_blank";
      link.rel = "noopener";
      const line = element("p", "");
      line.append(link);
      body.append(line);
    }
    if (problem.raw) {
      const fold = element("details", "fold");
      fold.append(element("summary", "", "Browser error"), element("pre", "raw", problem.raw));
      body.append(fold);
    }
    const panel = element("div", "problem");
    panel.setAttribute("role", "alert");
    panel.append(warningIcon(), body);
    (document.getElementById("boot-notices") || document.body).prepend(panel);
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
