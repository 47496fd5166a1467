//! Web Locks (W3C Web Locks API): one tab of an origin holds a name at a time. web-sys has them
//! behind an unstable flag only, so the few lines that are needed stand here.

use std::cell::Cell;
use std::rc::Rc;

use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen]
extern "C" {
    type LockManager;

    #[wasm_bindgen(method, catch)]
    fn request(
        this: &LockManager,
        name: &str,
        options: &Object,
        callback: &Function,
    ) -> Result<Promise, JsValue>;
}

/// A lock that is held until this goes, or the tab does.
pub struct HeldLock {
    release: Option<Function>,
}

impl Drop for HeldLock {
    fn drop(&mut self) {
        if let Some(release) = &self.release {
            // Resolving a promise cannot fail.
            let _ = release.call0(&JsValue::UNDEFINED);
        }
    }
}

/// Takes the lock of this name, or `None` where another tab holds it. Where a page has no locks
/// (they need a secure context), nothing keeps two tabs apart, and the lock counts as taken.
pub async fn take(name: &str) -> Option<HeldLock> {
    request(name, true).await
}

/// Waits for the lock of this name, however long another tab holds it. `None` where the browser
/// does not let it be waited for.
pub async fn wait(name: &str) -> Option<HeldLock> {
    request(name, false).await
}

async fn request(name: &str, only_if_free: bool) -> Option<HeldLock> {
    let Some(locks) = manager() else {
        return Some(HeldLock { release: None });
    };
    let mut release = None;
    let held_on = Promise::new(&mut |resolve, _reject| release = Some(resolve));
    let is_taken = Rc::new(Cell::new(false));
    let seen = Rc::clone(&is_taken);
    let mut answered = None;
    let answer = Promise::new(&mut |resolve, _reject| answered = Some(resolve));
    // Called once: with the lock, or with null where another tab has it. The lock is held until
    // the promise that it gives back is resolved.
    let callback = Closure::once_into_js(move |lock: JsValue| -> JsValue {
        seen.set(!lock.is_null());
        if let Some(answered) = answered {
            let _ = answered.call0(&JsValue::UNDEFINED);
        }
        if lock.is_null() {
            JsValue::UNDEFINED
        } else {
            held_on.into()
        }
    });
    let options = Object::new();
    // Setting a member of a new object cannot fail.
    let _ = Reflect::set(&options, &"ifAvailable".into(), &only_if_free.into());
    let Ok(_ends_with_the_lock) = locks.request(
        &format!("taskwright.{name}"),
        &options,
        callback.unchecked_ref(),
    ) else {
        return Some(HeldLock { release: None });
    };
    // Never rejected.
    let _ = JsFuture::from(answer).await;
    is_taken.get().then_some(HeldLock { release })
}

fn manager() -> Option<LockManager> {
    let navigator = web_sys::window()?.navigator();
    let locks = Reflect::get(&navigator, &"locks".into()).ok()?;
    (!locks.is_undefined()).then(|| locks.unchecked_into())
}
