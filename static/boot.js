// Loads and starts the module. If that fails, the shell shows what happened, why,
// and what to do.

const MODULE = new URL("../pkg/taskwright.js", import.meta.url);
const LATE_AFTER_MS = 10_000;

if (document.documentElement.dataset.boot !== "stopped") await boot();

async function boot() {
  const late = setTimeout(() => {
    const status = document.getElementById("boot-status");
    if (status) status.textContent = "Still loading…";
  }, LATE_AFTER_MS);

  let step = "load";
  try {
    const { default: init, mount } = await import(MODULE.href);
    step = "start";
    await init();
    step = "mount";
    performance.mark("taskwright-ready");
    await compositionEnd();
    mount(document.getElementById("app"));
  } catch (error) {
    const detail = { ...(await explain(step, error)), raw: String(error?.stack ?? error) };
    dispatchEvent(new CustomEvent("taskwright:cannot-run", { detail }));
  } finally {
    clearTimeout(late);
  }
}

// Mounting replaces the fields, which would cut off what an input method is composing.
async function compositionEnd() {
  while (document.documentElement.dataset.composing !== undefined) {
    await new Promise((resolve) => addEventListener("compositionend", () => setTimeout(resolve), { once: true }));
  }
}

async function explain(step, error) {
  if (step === "load") return explainLoad();
  if (step === "mount") {
    return {
      what: "Taskwright failed to render the page",
      why: "This is a bug in Taskwright. Data saved in this browser is not lost.",
      todo: "Reload the page. If it happens again, report it and include the text below.",
    };
  }
  // The module says that it was not loaded; why is the cause.
  const reason = error?.cause ?? error;
  if (reason instanceof WebAssembly.CompileError && /content security policy|unsafe-eval/i.test(reason.message)) {
    return {
      what: "The web server's security policy blocks WebAssembly",
      why: "Its Content-Security-Policy header lacks 'wasm-unsafe-eval' in script-src.",
      todo: "Add 'wasm-unsafe-eval' to script-src on the web server, then reload the page.",
    };
  }
  if (reason instanceof WebAssembly.CompileError || reason instanceof WebAssembly.LinkError) {
    return {
      what: "This browser could not compile Taskwright's WebAssembly",
      why: "The browser is too old, or the files in pkg/ are damaged or from different builds.",
      todo: "Open the page in a current browser (Chrome or Edge 123, Firefox 125, Safari 17.5, or later). In a checkout, run “cargo xtask build” again and reload without the cache.",
    };
  }
  return {
    what: "Taskwright did not start",
    why: "The module was loaded but did not start. The .wasm file may be missing, or the connection may have failed.",
    todo: "Reload the page. In a checkout, run “cargo xtask build” again.",
  };
}

// A failed import gives no reason, so request the file again to find out.
async function explainLoad() {
  let response;
  try {
    response = await fetch(MODULE, { method: "HEAD", cache: "no-store" });
  } catch {
    return {
      what: "Taskwright could not be loaded",
      why: "The web server of this page is no longer responding.",
      todo: "Check your connection and that the server is running, then reload the page.",
    };
  }
  if (response.status === 404) {
    return {
      what: "Taskwright has not been built yet",
      why: "The file pkg/taskwright.js does not exist on the web server.",
      todo: "In the checkout, run “cargo xtask run” (or “cargo xtask build”, if you serve the page yourself), then reload the page.",
    };
  }
  const type = response.headers.get("content-type") ?? "none";
  if (response.ok && /javascript/i.test(type)) {
    return {
      what: "Taskwright could not be loaded",
      why: "The module failed to load. A file that it imports may be missing, or the files in pkg/ may be damaged or from different builds.",
      todo: "Reload the page without the cache. In a checkout, run “cargo xtask build” again.",
    };
  }
  return {
    what: "Taskwright could not be loaded",
    why: `The web server returned pkg/taskwright.js with status ${response.status} and content type ${type}. Browsers run modules only as text/javascript.`,
    todo: "Serve pkg/ with the content types text/javascript and application/wasm, then reload the page.",
  };
}
