// Offline use of a deployed page: registers the service worker (sw.js), gives it the config.json that the
// page has accepted, and says when another version is ready. `cargo xtask dist` adds this script to the
// page; in a checkout there is no worker.

// This script is in assets/NAME/.
const SCOPE = new URL("../../", import.meta.url);
const WORKER = new URL("sw.js", SCOPE);
// As in sw.js.
const STATE = `taskwright ${SCOPE.pathname}`;
// What the page itself loads comes first.
const REGISTER_AFTER_MS = 1_000;
const CHECK_AFTER_MS = 60 * 60 * 1_000;

if ("serviceWorker" in navigator && document.documentElement.dataset.boot !== "stopped") {
  addEventListener("taskwright:config", (event) => ignoring(keepConfig(event.detail)));
  if (document.readyState === "complete") begin();
  else addEventListener("load", begin, { once: true });
}

// Offline use is an extra: the page works without it, such as in a browser that stores nothing.
function ignoring(promise) {
  promise.catch(() => {});
}

// `text` is null if the deployment has no config.json.
async function keepConfig(text) {
  const response =
    text === null
      ? new Response(null, { status: 404 })
      : new Response(text, { headers: { "content-type": "application/json" } });
  const state = await caches.open(STATE);
  await state.put(new URL("config.json", SCOPE), response);
}

function begin() {
  setTimeout(() => ignoring(register()), REGISTER_AFTER_MS);
}

async function register() {
  await navigator.serviceWorker.register(WORKER.href, { updateViaCache: "none" });
  const registration = await navigator.serviceWorker.ready;
  registration.addEventListener("updatefound", () => watch(registration));
  watch(registration);
  let checked = 0;
  const check = () => {
    if (document.visibilityState !== "visible" || Date.now() - checked < CHECK_AFTER_MS) return;
    checked = Date.now();
    ignoring(update(registration));
  };
  document.addEventListener("visibilitychange", check);
  check();
}

// Announces a worker that is being installed, once it has stored its version.
function watch(registration) {
  const { installing } = registration;
  installing?.addEventListener("statechange", () => {
    if (installing.state === "installed") ignoring(announce(registration));
  });
}

async function update(registration) {
  try {
    await registration.update();
  } catch (error) {
    if (await isWithdrawn()) return withdraw(registration);
  }
  return announce(registration);
}

// Whether the deployment has the page without a worker. Where the page is gone as well, the stored one is
// all that the operator has of it. Without a network nothing is known.
async function isWithdrawn() {
  const ask = (url) => fetch(url, { method: "HEAD", cache: "no-store" });
  const { status } = await ask(WORKER);
  return (status === 404 || status === 410) && (await ask(SCOPE)).ok;
}

async function withdraw(registration) {
  await registration.unregister();
  for (const name of await caches.keys()) {
    if (name === STATE || name.startsWith(`${STATE} `)) await caches.delete(name);
  }
  show(() => {});
}

async function announce(registration) {
  const worker = registration.waiting ?? registration.active;
  if (worker && (await ask(worker, "is-newer"))) show(() => ask(worker, "use"));
}

function ask(worker, question) {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = (event) => resolve(event.data);
    worker.postMessage(question, [port2]);
  });
}

// A line above the page. The module renders into an element of its own, so it stays.
function show(prepare) {
  document.querySelector(".update")?.remove();
  const line = element("aside", "notice update");
  line.setAttribute("aria-label", "Update");
  const button = element("button", "button", "Reload to update");
  button.type = "button";
  button.addEventListener("click", async () => {
    button.disabled = true;
    await prepare();
    location.reload();
    // If the page warns before it is closed, the operator may stay.
    button.disabled = false;
  });
  const dismiss = element("button", "button quiet", "Later");
  dismiss.type = "button";
  dismiss.addEventListener("click", () => line.remove());
  const text = element("p");
  text.setAttribute("role", "status");
  line.append(icon("info"), text, button, dismiss);
  document.body.prepend(line);
  // Screen readers announce what changes in a status, not what it begins with.
  requestAnimationFrame(() => (text.textContent = "A new version is available. Runs and briefs stay as they are."));
}

function element(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text) node.textContent = text;
  return node;
}

function icon(name) {
  const namespace = "http://www.w3.org/2000/svg";
  const picture = document.createElementNS(namespace, "svg");
  picture.setAttribute("class", "icon");
  picture.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(namespace, "use");
  use.setAttribute("href", new URL(`icons/icons.svg#${name}`, import.meta.url).href);
  picture.append(use);
  return picture;
}
