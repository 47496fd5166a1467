//! Connects an `AbortSignal` of the caller to a [`StopSignal`].

use js_sys::{Function, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::AbortSignal;

use super::arguments;
use super::error::ApiError;
use crate::ports::StopSignal;

/// A stop signal that follows an `AbortSignal` until this is dropped.
pub struct AbortListener {
    /// Stopped when the `AbortSignal` is aborted.
    pub stop: StopSignal,
    listening: Option<(AbortSignal, Closure<dyn FnMut()>)>,
}

/// Follows the signal of the options. Without one, the stop signal is never stopped from outside.
///
/// # Errors
/// [`ApiError::Argument`] if `signal` is not an `AbortSignal`.
pub fn follow(options: &JsValue) -> Result<AbortListener, ApiError> {
    let stop = StopSignal::default();
    let value = arguments::option("options", options, "signal")?;
    if value.is_undefined() {
        return Ok(AbortListener {
            stop,
            listening: None,
        });
    }
    // Recognized by its members: a signal of another frame is no instance of this frame's class.
    let member = |name: &str| Reflect::get(&value, &name.into()).ok();
    let aborted = member("aborted").and_then(|aborted| aborted.as_bool());
    let can_listen =
        member("addEventListener").is_some_and(|method| method.is_instance_of::<Function>());
    let is_aborted = match aborted {
        Some(is_aborted) if can_listen => is_aborted,
        _ => {
            return Err(ApiError::Argument {
                argument: "options",
                reason: "signal must be an AbortSignal".to_owned(),
            });
        }
    };
    if is_aborted {
        stop.stop();
        return Ok(AbortListener {
            stop,
            listening: None,
        });
    }
    let signal: AbortSignal = value.unchecked_into();
    let stopped = stop.clone();
    let on_abort = Closure::<dyn FnMut()>::new(move || stopped.stop());
    let listening = signal
        .add_event_listener_with_callback("abort", on_abort.as_ref().unchecked_ref())
        .map(|()| (signal, on_abort))
        .map_err(|_| ApiError::Argument {
            argument: "options",
            reason: "signal does not accept a listener".to_owned(),
        })?;
    Ok(AbortListener {
        stop,
        listening: Some(listening),
    })
}

impl Drop for AbortListener {
    fn drop(&mut self) {
        if let Some((signal, on_abort)) = &self.listening {
            // If this fails, the listener stays registered and does nothing.
            let _ = signal
                .remove_event_listener_with_callback("abort", on_abort.as_ref().unchecked_ref());
        }
    }
}
