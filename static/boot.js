// Loads the module and hands it the page. What goes wrong on the way becomes a
// sentence in the shell: what happened, why, what to do.

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
    mount(document.getElementById("app"));
  } catch (error) {
    const detail = { ...(await explain(step, error)), raw: String(error?.stack ?? error) };
    dispatchEvent(new CustomEvent("taskwright:cannot-run", { detail }));
  } finally {
    clearTimeout(late);
  }
}

async function explain(step, error) {
  if (step === "load") return explainLoad();
  if (step === "mount") {
    return {
      what: "Taskwright stopped while it drew the page",
      why: "This is a fault in Taskwright itself. What was saved in this browser before is still there.",
      todo: "Reload the page. If it happens again, report it with the text below.",
    };
  }
  if (error instanceof WebAssembly.CompileError && /content security policy|unsafe-eval/i.test(error.message)) {
    return {
      what: "The web server's policy forbids WebAssembly",
      why: "Its Content-Security-Policy header lacks 'wasm-unsafe-eval' in script-src.",
      todo: "Add 'wasm-unsafe-eval' to script-src on the web server, then reload the page.",
    };
  }
  if (error instanceof WebAssembly.CompileError || error instanceof WebAssembly.LinkError) {
    return {
      what: "This browser could not read Taskwright's WebAssembly",
      why: "The browser is too old for it, or the files in pkg/ are damaged or from two different builds.",
      todo: "Open the page in a current browser (Chrome or Edge 96, Firefox 89, Safari 16.4 or newer). In a checkout, build again with “cargo xtask build” and reload without the cache.",
    };
  }
  return {
    what: "Taskwright did not start",
    why: "Its module was loaded but could not be started: the .wasm file may be missing, or the connection broke.",
    todo: "Reload the page. In a checkout, build again with “cargo xtask build”.",
  };
}

// A failed import does not say why, so the file is asked for once more.
async function explainLoad() {
  let answer;
  try {
    answer = await fetch(MODULE, { method: "HEAD", cache: "no-store" });
  } catch {
    return {
      what: "Taskwright could not be loaded",
      why: "The web server that this page came from does not answer any more.",
      todo: "Check the connection and that the server still runs, then reload the page.",
    };
  }
  if (answer.status === 404) {
    return {
      what: "Taskwright has not been built yet",
      why: "There is no pkg/taskwright.js beside this page.",
      todo: "In the checkout, run “cargo xtask run” (or “cargo xtask build”, to serve it yourself), then reload the page.",
    };
  }
  const type = answer.headers.get("content-type") ?? "no content type";
  return {
    what: "Taskwright could not be loaded",
    why: `The web server answered ${answer.status} with ${type} for pkg/taskwright.js. Browsers run a module only as text/javascript.`,
    todo: "Serve pkg/ with the content types text/javascript and application/wasm, then reload the page.",
  };
}
