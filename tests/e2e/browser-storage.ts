// Everything that the browser stores for a page, to check that secrets are not in it.
import type { Page } from "@playwright/test";

/** The page's address, its cookies, and the contents of all its storage, as one text. */
export async function everythingKept(page: Page): Promise<string> {
  const cookies = await page.context().cookies();
  const kept = await page.evaluate(async () => {
    const records: unknown[] = [];
    const done = <T>(request: IDBRequest<T>) =>
      new Promise<T>((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    for (const { name } of await indexedDB.databases()) {
      if (!name) continue;
      const database = await done(indexedDB.open(name));
      for (const store of database.objectStoreNames) {
        const held = database.transaction(store).objectStore(store);
        records.push(store, await done(held.getAllKeys()), await done(held.getAll()));
      }
      database.close();
    }
    return {
      address: location.href,
      state: history.state,
      local: { ...localStorage },
      session: { ...sessionStorage },
      caches: await caches.keys(),
      records,
    };
  });
  return JSON.stringify([cookies, kept]);
}
