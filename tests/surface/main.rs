//! The JavaScript API in a browser: arguments, results and errors.
#![cfg(target_arch = "wasm32")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use js_sys::{JSON, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::wasm_bindgen_test_configure;

mod boundary;
mod calls;
mod stream;
mod values;

wasm_bindgen_test_configure!(run_in_browser);

/// The value of a JavaScript expression.
fn js(source: &str) -> JsValue {
    js_sys::eval(&format!("({source})")).unwrap_or_else(|_| panic!("{source}"))
}

fn member(value: &JsValue, name: &str) -> JsValue {
    Reflect::get(value, &name.into()).unwrap()
}

fn string(value: &JsValue, name: &str) -> String {
    member(value, name)
        .as_string()
        .unwrap_or_else(|| panic!("{name} of {value:?}"))
}

fn json(value: &JsValue) -> String {
    JSON::stringify(value).unwrap().into()
}

/// Checks the members that every error has, and returns its code.
#[track_caller]
fn code(thrown: Result<JsValue, JsValue>) -> String {
    let thrown = thrown.expect_err("an error");
    assert!(thrown.is_instance_of::<js_sys::Error>(), "{thrown:?}");
    assert_eq!(string(&thrown, "name"), "TaskwrightError");
    assert!(!string(&thrown, "message").is_empty() && !string(&thrown, "hint").is_empty());
    assert!(member(&thrown, "retry").as_bool().is_some());
    string(&thrown, "code")
}

fn nothing() -> JsValue {
    JsValue::UNDEFINED
}
