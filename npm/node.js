// The entrance in Node.js, whose `fetch` does not read files: the bytes of the WebAssembly module come
// from the file beside this one.
import { readFile } from "node:fs/promises";

import load from "./taskwright.js";

export * from "./taskwright.js";

const MODULE = new URL("taskwright_bg.wasm", import.meta.url);

/** Is read when it is awaited, so only by the call that loads the module. */
const bytes = { then: (resolve, reject) => void readFile(MODULE).then(resolve, reject) };

export default function init(options = {}) {
  const isObject = typeof options === "object" && options !== null;
  return load(isObject ? { module_or_path: bytes, ...options } : options);
}
