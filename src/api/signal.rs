//! An `AbortSignal` of the caller's as a stop.

use js_sys::{Function, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::AbortSignal;

use super::arguments;
use super::error::SurfaceError;
use crate::ports::StopSignal;

/// A stop that follows a signal for as long as this is kept.
pub struct AbortListener {
    /// Given when the signal is.
    pub stop: StopSignal,
    listening: Option<(AbortSignal, Closure<dyn FnMut()>)>,
}

/// Follows the signal of the options, where there is one.
///
/// # Errors
/// [`SurfaceError::Argument`] for a `signal` that is none.
pub fn follow(options: &JsValue) -> Result<AbortListener, SurfaceError> {
    let stop = StopSignal::default();
    let value = arguments::option("options", options, "signal")?;
    if value.is_undefined() {
        return Ok(AbortListener {
            stop,
            listening: None,
        });
    }
    // By what it can do: a signal of another frame is no instance of this one's class.
    let has = |name: &str| Reflect::get(&value, &name.into()).ok();
    let is_signal = value.is_object()
        && has("aborted").is_some_and(|aborted| aborted.as_bool().is_some())
        && has("addEventListener").is_some_and(|method| method.is_instance_of::<Function>());
    if !is_signal {
        return Err(SurfaceError::Argument {
            argument: "options",
            reason: "signal must be an AbortSignal".to_owned(),
        });
    }
    let signal: AbortSignal = value.unchecked_into();
    if signal.aborted() {
        stop.stop();
        return Ok(AbortListener {
            stop,
            listening: None,
        });
    }
    let given = stop.clone();
    let on_abort = Closure::<dyn FnMut()>::new(move || given.stop());
    let listening = signal
        .add_event_listener_with_callback("abort", on_abort.as_ref().unchecked_ref())
        .map(|()| (signal, on_abort))
        .map_err(|_| SurfaceError::Argument {
            argument: "options",
            reason: "signal cannot be listened to".to_owned(),
        })?;
    Ok(AbortListener {
        stop,
        listening: Some(listening),
    })
}

impl Drop for AbortListener {
    fn drop(&mut self) {
        if let Some((signal, on_abort)) = &self.listening {
            // Where it cannot be taken back it calls nothing any more.
            let _ = signal
                .remove_event_listener_with_callback("abort", on_abort.as_ref().unchecked_ref());
        }
    }
}
