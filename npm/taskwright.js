// The entrance of the package: loads the WebAssembly module, and says so if that was forgotten. The
// functions themselves are in taskwright_bg.js, which wasm-bindgen generates.
import load, * as module from "./taskwright_bg.js";

export { AppHandle, TaskStream, Validator } from "./taskwright_bg.js";

/** The first load, or the last one if earlier ones failed. */
let loading;
let isLoaded = false;

export default function init(options = {}) {
  loading ??= loadOnce(options).catch((error) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

async function loadOnce(options) {
  const known = ["module_or_path"];
  const isObject = typeof options === "object" && options !== null;
  if (!isObject || Object.keys(options).some((name) => !known.includes(name))) {
    throw taskwrightError({
      code: "invalid_argument",
      message: "options: must be an object with module_or_path",
      hint: "Omit the argument, or pass { module_or_path } with the bytes or the address of taskwright_bg.wasm.",
    });
  }
  try {
    await load({ module_or_path: options.module_or_path });
    isLoaded = true;
  } catch (cause) {
    throw taskwrightError({
      code: "load_failed",
      message: `the WebAssembly module could not be loaded: ${cause?.message ?? cause}`,
      hint: "Serve taskwright_bg.wasm beside taskwright.js, as application/wasm. In Node.js, import the package by its name.",
      retry: true,
      cause,
    });
  }
}

function taskwrightError({ message, code, hint, retry = false, ...cause }) {
  return Object.assign(new Error(message, cause), { name: "TaskwrightError", code, hint, retry });
}

function requireLoaded() {
  if (isLoaded) return;
  throw taskwrightError({
    code: "not_initialized",
    message: "the module is not loaded yet",
    hint: "Await the default export of this package once, before you call anything else.",
  });
}

export function version() {
  requireLoaded();
  return module.version();
}

export function mount(element, config) {
  requireLoaded();
  return module.mount(element, config);
}

export function defaultSchema() {
  requireLoaded();
  return module.defaultSchema();
}

export function modelSchema(schema) {
  requireLoaded();
  return module.modelSchema(schema);
}

export function buildRequest(brief, settings) {
  requireLoaded();
  return module.buildRequest(brief, settings);
}

export function lintBatch(tasks, options) {
  requireLoaded();
  return module.lintBatch(tasks, options);
}

export async function dryRun(brief) {
  requireLoaded();
  return module.dryRun(brief);
}

export async function generate(brief, settings, options) {
  requireLoaded();
  return module.generate(brief, settings, options);
}

export async function deliver(tasks, settings, options) {
  requireLoaded();
  return module.deliver(tasks, settings, options);
}

// An object of these classes exists only once the module is loaded; so only what makes one can be
// called before.
for (const [type, name] of [
  [module.Validator, "compile"],
  [module.TaskStream, "open"],
]) {
  const make = type[name];
  type[name] = async (...values) => {
    requireLoaded();
    return make(...values);
  };
}
