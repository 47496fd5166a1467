//! Web Locks (W3C Web Locks API): at most one tab of an origin holds the lock with a given name.
//! web-sys offers them only behind an unstable flag, so the few bindings needed are declared here.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::js_error_message;

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
    loss: Rc<Loss>,
    no_protection: Option<String>,
}

/// Whether another tab took a lock over.
#[derive(Default)]
struct Loss {
    is_lost: Cell<bool>,
    listener: RefCell<Option<Box<dyn FnOnce()>>>,
}

impl Loss {
    fn signal(&self) {
        self.is_lost.set(true);
        let listener = self.listener.borrow_mut().take();
        if let Some(listener) = listener {
            listener();
        }
    }
}

impl TabLock {
    fn without_protection(reason: &str) -> TabLock {
        TabLock {
            release: None,
            loss: Rc::default(),
            no_protection: Some(reason.to_owned()),
        }
    }

    /// Why nothing keeps other tabs away, if so: this browser offers no locks to this page.
    #[must_use]
    pub fn no_protection(&self) -> Option<&str> {
        self.no_protection.as_deref()
    }

    /// Calls `listener` when another tab takes the lock over, or immediately if one already has.
    pub fn on_lost(&self, listener: impl FnOnce() + 'static) {
        if self.loss.is_lost.get() {
            listener();
        } else {
            *self.loss.listener.borrow_mut() = Some(Box::new(listener));
        }
    }
}

impl Drop for TabLock {
    fn drop(&mut self) {
        self.loss.listener.borrow_mut().take();
        if let Some(release) = &self.release {
            // Resolving a promise cannot fail.
            let _ = release.call0(&JsValue::UNDEFINED);
        }
    }
}

/// Acquires the lock with this name; `None` if another tab holds it. If this browser offers no locks to
/// this page (they need a secure context, and site data may be blocked), nothing keeps two tabs apart:
/// the lock then counts as acquired, without protection.
pub async fn try_acquire(name: &str) -> Option<TabLock> {
    request(name, "ifAvailable").await
}

/// Waits until the lock with this name is acquired, without a time limit.
pub async fn acquire(name: &str) -> Option<TabLock> {
    request(name, "").await
}

/// Takes the lock with this name over from the tab that holds it. That tab is told.
pub async fn steal(name: &str) -> Option<TabLock> {
    request(name, "steal").await
}

/// Requests a lock, with an option that is set to true, or without options.
async fn request(name: &str, option: &str) -> Option<TabLock> {
    let Some(locks) = manager() else {
        return Some(TabLock::without_protection("Web Locks are not available"));
    };
    let mut release = None;
    let held_until = Promise::new(&mut |resolve, _reject| release = Some(resolve));
    let (mut settle, mut reject) = (None, None);
    // Settled by the callback, or rejected with the request.
    let decided = Promise::new(&mut |on_settled, on_rejected| {
        settle = Some(on_settled);
        reject = Some(on_rejected);
    });
    // Called once: with the lock, or with null if another tab holds it. The browser holds the lock
    // until the returned promise is resolved.
    let callback = Closure::once_into_js(move |lock: JsValue| -> JsValue {
        let is_acquired = !lock.is_null();
        if let Some(settle) = settle {
            let _ = settle.call1(&JsValue::UNDEFINED, &is_acquired.into());
        }
        if is_acquired {
            held_until.into()
        } else {
            JsValue::UNDEFINED
        }
    });
    let options = Object::new();
    if !option.is_empty() {
        // Setting a member of a new object cannot fail.
        let _ = Reflect::set(&options, &option.into(), &true.into());
    }
    let until_released = match locks.request(
        &format!("taskwright.{name}"),
        &options,
        callback.unchecked_ref(),
    ) {
        Ok(promise) => promise,
        Err(error) => return Some(TabLock::without_protection(&js_error_message(&error))),
    };
    let loss: Rc<Loss> = Rc::default();
    let watched = Rc::clone(&loss);
    // The request is rejected if the browser refuses it, and after it was granted if another tab takes
    // the lock over.
    wasm_bindgen_futures::spawn_local(async move {
        if let Err(error) = JsFuture::from(until_released).await {
            if let Some(reject) = reject {
                let _ = reject.call1(&JsValue::UNDEFINED, &error);
            }
            watched.signal();
        }
    });
    match JsFuture::from(decided).await {
        Ok(is_acquired) => is_acquired.is_truthy().then_some(TabLock {
            release,
            loss,
            no_protection: None,
        }),
        Err(error) => Some(TabLock::without_protection(&js_error_message(&error))),
    }
}

fn manager() -> Option<LockManager> {
    let navigator = web_sys::window()?.navigator();
    let locks = Reflect::get(&navigator, &"locks".into()).ok()?;
    (!locks.is_undefined()).then(|| locks.unchecked_into())
}
