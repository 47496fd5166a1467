//! Web Locks (W3C Web Locks API): at most one tab of an origin holds the lock with a given name.
//! web-sys offers them only behind an unstable flag, so the few bindings needed are declared here.

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

/// A lock held by this tab. It is released when this value is dropped or the tab is closed.
pub struct TabLock {
    release: Option<Function>,
}

impl Drop for TabLock {
    fn drop(&mut self) {
        if let Some(release) = &self.release {
            // Resolving a promise cannot fail.
            let _ = release.call0(&JsValue::UNDEFINED);
        }
    }
}

/// Acquires the lock with this name; `None` if another tab holds it. Web Locks need a secure
/// context. Without them nothing keeps two tabs apart, and the lock counts as acquired.
pub async fn try_acquire(name: &str) -> Option<TabLock> {
    request(name, true).await
}

/// Waits until the lock with this name is acquired, without a time limit.
pub async fn acquire(name: &str) -> Option<TabLock> {
    request(name, false).await
}

async fn request(name: &str, only_if_free: bool) -> Option<TabLock> {
    let Some(locks) = manager() else {
        return Some(TabLock { release: None });
    };
    let mut release = None;
    let held_until = Promise::new(&mut |resolve, _reject| release = Some(resolve));
    let is_acquired = Rc::new(Cell::new(false));
    let result = Rc::clone(&is_acquired);
    let mut settle = None;
    let settled = Promise::new(&mut |resolve, _reject| settle = Some(resolve));
    // Called once: with the lock, or with null if another tab holds it. The browser holds the lock
    // until the returned promise is resolved.
    let callback = Closure::once_into_js(move |lock: JsValue| -> JsValue {
        result.set(!lock.is_null());
        if let Some(settle) = settle {
            let _ = settle.call0(&JsValue::UNDEFINED);
        }
        if lock.is_null() {
            JsValue::UNDEFINED
        } else {
            held_until.into()
        }
    });
    let options = Object::new();
    // Setting a member of a new object cannot fail.
    let _ = Reflect::set(&options, &"ifAvailable".into(), &only_if_free.into());
    let Ok(_until_released) = locks.request(
        &format!("taskwright.{name}"),
        &options,
        callback.unchecked_ref(),
    ) else {
        return Some(TabLock { release: None });
    };
    // Never rejected.
    let _ = JsFuture::from(settled).await;
    is_acquired.get().then_some(TabLock { release })
}

fn manager() -> Option<LockManager> {
    let navigator = web_sys::window()?.navigator();
    let locks = Reflect::get(&navigator, &"locks".into()).ok()?;
    (!locks.is_undefined()).then(|| locks.unchecked_into())
}
