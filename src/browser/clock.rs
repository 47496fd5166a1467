//! The browser's clock and timers.

use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use crate::ports::Clock;

#[wasm_bindgen]
extern "C" {
    /// The timer of the global object: a window, a worker or Node.
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &js_sys::Function, milliseconds: i32) -> JsValue;

    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(id: &JsValue);
}

/// The clock of the page.
#[derive(Debug, Clone, Copy, Default)]
pub struct PageClock;

impl Clock for PageClock {
    fn now(&self) -> u64 {
        let now = js_sys::Date::now();
        // Milliseconds since 1970 are far below 2^53.
        if now.is_finite() && now > 0.0 {
            now as u64
        } else {
            0
        }
    }

    async fn sleep(&self, milliseconds: u32) {
        let timer = Timer::start(milliseconds);
        // The promise of a timer is never rejected.
        let _ = JsFuture::from(timer.promise.clone()).await;
    }
}

/// Waits until just before the next repaint. A page in the background is not repainted.
pub async fn animation_frame() {
    let promise = Promise::new(&mut |resolve, _reject| {
        let requested = web_sys::window().map(|window| window.request_animation_frame(&resolve));
        if !matches!(requested, Some(Ok(_))) {
            // Without frames there is nothing to wait for. Resolving a promise cannot fail.
            let _ = resolve.call0(&JsValue::UNDEFINED);
        }
    });
    // Never rejected.
    let _ = JsFuture::from(promise).await;
}

/// A timer as a promise. It is cancelled when dropped.
pub struct Timer {
    /// Resolved with `undefined` when the time has passed.
    pub promise: Promise,
    id: JsValue,
}

impl Timer {
    /// Starts a timer of that many milliseconds.
    #[must_use]
    pub fn start(milliseconds: u32) -> Timer {
        let mut id = JsValue::UNDEFINED;
        let wait = i32::try_from(milliseconds).unwrap_or(i32::MAX);
        let promise = Promise::new(&mut |resolve, _reject| {
            id = set_timeout(&resolve, wait);
        });
        Timer { promise, id }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        clear_timeout(&self.id);
    }
}
