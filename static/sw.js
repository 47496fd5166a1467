// The service worker of a deployed page, which keeps one version of it for use without a network.
// `cargo xtask dist` fills in the version and the files, and puts this script beside index.html.
//
// Nothing is stored but the files of this list, and the config.json that the page hands to offline.js.
// Requests for anything else, to endpoints above all, pass untouched.
"use strict";

const VERSION = "";
// The digest of each file, by its path.
const FILES = {};

// The path of index.html: some hosts redirect that name.
const PAGE = "./";
const SCOPE = new URL(PAGE, location.href);
// The cache that says which version is used. offline.js keeps config.json in it.
const STATE = `taskwright ${SCOPE.pathname}`;
const CURRENT = new URL("version", SCOPE).href;
const CONFIG = new URL("config.json", SCOPE).href;

const cacheOf = (version) => `${STATE} ${version}`;

addEventListener("install", (event) => event.waitUntil(store()));
addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

// Asked by offline.js of any version, so the questions must keep their meaning.
addEventListener("message", (event) => {
  const [port] = event.ports;
  event.waitUntil(answer(event.data).then((reply) => port.postMessage(reply)));
});

addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== SCOPE.origin || !url.pathname.startsWith(SCOPE.pathname)) return;
  const path = url.pathname.slice(SCOPE.pathname.length);
  if (path === "config.json") event.respondWith(config(request));
  else if (path.startsWith("assets/")) event.respondWith(asset(request));
  else if (request.mode === "navigate" && (path === "" || path === "index.html")) event.respondWith(page(request));
});

// Stores this version whole, or nothing of it: a file that is missing, or of another version, ends it. The
// version before stays in use until the operator asks for this one.
async function store() {
  const current = await currentVersion();
  if (current === VERSION) return;
  const cache = await caches.open(cacheOf(VERSION));
  try {
    // If a deployment is not complete, the page itself tells before all the others are fetched.
    await storeFile(cache, PAGE);
    await Promise.all(Object.keys(FILES).map((path) => path !== PAGE && storeFile(cache, path)));
  } catch (error) {
    await caches.delete(cacheOf(VERSION));
    throw error;
  }
  if (current === undefined) await use();
}

async function storeFile(cache, path) {
  const url = new URL(path, SCOPE);
  // All but the page have names of their own in each version, and may come from the browser's cache.
  const response = await fetch(url, {
    integrity: FILES[path],
    cache: path === PAGE ? "no-cache" : "default",
    redirect: "error",
  });
  if (!response.ok) throw new TypeError(`${path}: status ${response.status}`);
  await cache.put(url, response);
}

async function currentVersion() {
  return (await caches.match(CURRENT, { cacheName: STATE }))?.text();
}

// Makes this version the current one. The one before stays stored, because another tab may still be using
// it; earlier ones go.
async function use() {
  const before = await currentVersion();
  const state = await caches.open(STATE);
  await state.put(CURRENT, new Response(VERSION));
  const kept = [cacheOf(VERSION), cacheOf(before)];
  for (const name of await caches.keys()) {
    if (name.startsWith(`${STATE} `) && !kept.includes(name)) await caches.delete(name);
  }
}

async function answer(question) {
  if (question === "is-newer") return (await currentVersion()) !== VERSION;
  if (question !== "use") return undefined;
  await use();
  await self.skipWaiting();
  return true;
}

async function page(request) {
  const cacheName = cacheOf(await currentVersion());
  return (await caches.match(SCOPE.href, { cacheName, ignoreVary: true })) ?? fetch(request);
}

// A tab that was opened before an update gets the files of its own version.
async function asset(request) {
  return (await caches.match(request, { ignoreVary: true })) ?? fetch(request);
}

async function config(request) {
  try {
    return await fetch(request);
  } catch (error) {
    const kept = await caches.match(CONFIG, { cacheName: STATE });
    if (kept) return kept;
    throw error;
  }
}
