//! Arguments: from JavaScript values to JSON text, strings and functions, and results back.
//!
//! An argument may be any value, with getters that throw, proxies and cycles. Everything that can
//! throw is called through a binding that returns the exception as an error: an exception that
//! passed through Rust would skip its destructors.

use js_sys::{Function, JSON, JsString, Object, Reflect, Uint8Array};
use serde::Serialize;
use serde_json::Value;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::prelude::*;
use zeroize::Zeroizing;

use super::delivery::TaskInput;
use super::error::{ApiError, NAME};
use crate::browser::js_error_message;
use crate::secrets::{Keyring, SecretSlot};
use crate::settings::Address;

#[wasm_bindgen]
extern "C" {
    /// `Array.isArray`, which throws for a revoked proxy.
    #[wasm_bindgen(js_namespace = Array, js_name = isArray, catch)]
    fn is_array(value: &JsValue) -> Result<bool, JsValue>;
}

/// What an exported function throws.
pub type Thrown = JsValue;

impl From<ApiError> for JsValue {
    fn from(error: ApiError) -> JsValue {
        let thrown = js_sys::Error::new(&error.to_string());
        thrown.set_name(NAME);
        for (member, value) in [
            ("code", JsValue::from_str(error.code())),
            ("hint", JsValue::from_str(error.hint())),
            ("retry", JsValue::from_bool(error.retry())),
        ] {
            // Setting a member of a new error cannot fail.
            let _ = Reflect::set(&thrown, &member.into(), &value);
        }
        thrown.into()
    }
}

/// What is wrong with an argument.
type Reason = String;

fn argument_error(argument: &'static str) -> impl Fn(Reason) -> ApiError {
    move |reason| ApiError::Argument { argument, reason }
}

fn reason_of(thrown: JsValue) -> Reason {
    js_error_message(&thrown)
}

/// Returns the text that `JSON.stringify` makes of a value.
///
/// # Errors
/// [`ApiError::Argument`] if it throws, or returns `undefined`.
pub fn json(argument: &'static str, value: &JsValue) -> Result<String, ApiError> {
    let text = JSON::stringify(value).map_err(reason_of);
    let text = text.and_then(|text| {
        // `undefined`, functions and symbols have no JSON text.
        let text = JsValue::from(text).as_string();
        text.ok_or_else(|| "has no JSON text".to_owned())
    });
    text.map_err(argument_error(argument))
}

/// As [`json`], for an argument that may be omitted.
///
/// # Errors
/// As [`json`].
pub fn optional_json(argument: &'static str, value: &JsValue) -> Result<Option<String>, ApiError> {
    (!value.is_undefined())
        .then(|| json(argument, value))
        .transpose()
}

/// Converts a result: structs become plain objects, never a `Map`.
///
/// # Errors
/// None for the types of this module: their members are strings, booleans, lists, structs and
/// numbers that a JavaScript number holds (see [`super::number`]).
pub fn to_js(value: &impl Serialize) -> Result<JsValue, Thrown> {
    Ok(value.serialize(&Serializer::json_compatible())?)
}

/// Converts a schema through its JSON text, because its numbers may be any that JSON can hold.
///
/// # Errors
/// None: the JSON text of a schema is always valid.
pub fn schema_to_js(schema: &Value) -> Result<JsValue, Thrown> {
    JSON::parse(&schema.to_string())
}

/// Reads a string.
///
/// # Errors
/// [`ApiError::Argument`] for any other value, and for a string with a lone surrogate: it has
/// no UTF-8 form, and a replacement character would not be what the caller passed.
pub fn text(argument: &'static str, value: &JsValue) -> Result<String, ApiError> {
    well_formed(value).map_err(argument_error(argument))
}

fn well_formed(value: &JsValue) -> Result<String, Reason> {
    let text = value
        .as_string()
        .ok_or_else(|| "must be a string".to_owned())?;
    // The conversion replaces a lone surrogate by U+FFFD. The string itself is checked only if
    // there is one: that takes a call for each code unit.
    let is_well_formed = !text.contains(char::REPLACEMENT_CHARACTER)
        || value.dyn_ref().is_some_and(JsString::is_valid_utf16);
    if is_well_formed {
        Ok(text)
    } else {
        Err("contains a lone surrogate".to_owned())
    }
}

/// Reads an array of strings.
///
/// # Errors
/// [`ApiError::Argument`] for any other value.
pub fn texts(argument: &'static str, value: &JsValue) -> Result<Vec<String>, ApiError> {
    items(value, "must be an array of strings", well_formed).map_err(argument_error(argument))
}

/// Reads the tasks of a delivery: an array whose items are task texts, or objects with `text` and
/// optionally `idempotencyKey`.
///
/// # Errors
/// [`ApiError::Argument`] for any other value.
pub fn tasks(argument: &'static str, value: &JsValue) -> Result<Vec<TaskInput>, ApiError> {
    items(value, "must be an array of tasks", task_input).map_err(argument_error(argument))
}

fn task_input(item: &JsValue) -> Result<TaskInput, Reason> {
    const TEXT: &str = "text";
    const KEY: &str = "idempotencyKey";
    if item.is_string() {
        return Ok(TaskInput {
            text: well_formed(item)?,
            idempotency_key: None,
        });
    }
    if !is_plain_object(item)? {
        return Err("must be a string or an object with text".to_owned());
    }
    check_member_names(item, &[TEXT, KEY])?;
    let string = |name: &str| {
        let value = get(item, name)?;
        let text = (!value.is_undefined()).then(|| well_formed(&value));
        text.transpose()
            .map_err(|reason| format!("{name} {reason}"))
    };
    Ok(TaskInput {
        text: string(TEXT)?.ok_or_else(|| format!("missing field `{TEXT}`"))?,
        idempotency_key: string(KEY)?,
    })
}

/// Reads each item of an array and stops at the first that is wrong. `expected` is the reason given
/// for a value that is not an array.
fn items<T>(
    array: &JsValue,
    expected: &str,
    read: impl Fn(&JsValue) -> Result<T, Reason>,
) -> Result<Vec<T>, Reason> {
    if !is_array(array).map_err(reason_of)? {
        return Err(expected.to_owned());
    }
    // The length of an array is an integer from 0 to 2^32 - 1.
    let length = get(array, "length")?.as_f64().unwrap_or_default() as u32;
    (0..length)
        .map(|index| {
            let item = Reflect::get_u32(array, index).map_err(reason_of);
            item.and_then(|item| read(&item))
                .map_err(|reason| format!("[{index}] {reason}"))
        })
        .collect()
}

/// Reads bytes.
///
/// # Errors
/// [`ApiError::Argument`] for anything but a `Uint8Array`.
pub fn bytes(argument: &'static str, value: &JsValue) -> Result<Vec<u8>, ApiError> {
    value
        .dyn_ref::<Uint8Array>()
        .map(Uint8Array::to_vec)
        .ok_or_else(|| argument_error(argument)("must be a Uint8Array".to_owned()))
}

fn is_plain_object(value: &JsValue) -> Result<bool, Reason> {
    Ok(value.is_object() && !is_array(value).map_err(reason_of)?)
}

fn get(value: &JsValue, name: &str) -> Result<JsValue, Reason> {
    Reflect::get(value, &name.into()).map_err(reason_of)
}

/// The names of an object's own members, without symbols.
fn member_names(object: &JsValue) -> Result<impl Iterator<Item = JsValue>, Reason> {
    let names = Reflect::own_keys(object).map_err(reason_of)?;
    Ok(names.into_iter().filter(JsValue::is_string))
}

fn check_member_names(object: &JsValue, known: &[&str]) -> Result<(), Reason> {
    for name in member_names(object)?.filter_map(|name| name.as_string()) {
        if !known.contains(&name.as_str()) {
            let known = known.join(", ");
            return Err(format!("unknown field `{name}`, expected one of {known}"));
        }
    }
    Ok(())
}

/// Rejects options with a member other than `known`.
///
/// # Errors
/// [`ApiError::Argument`], also for a value that is neither an object nor omitted.
pub fn check_options(
    argument: &'static str,
    options: &JsValue,
    known: &[&str],
) -> Result<(), ApiError> {
    if options.is_undefined() {
        return Ok(());
    }
    let checked = is_plain_object(options).and_then(|is_object| {
        if is_object {
            check_member_names(options, known)
        } else {
            Err("must be an object".to_owned())
        }
    });
    checked.map_err(argument_error(argument))
}

/// Returns a member of options, `undefined` if it or the options are omitted.
///
/// # Errors
/// [`ApiError::Argument`] if the options are not an object, or a getter throws.
pub fn option(argument: &'static str, options: &JsValue, name: &str) -> Result<JsValue, ApiError> {
    if options.is_undefined() {
        Ok(JsValue::UNDEFINED)
    } else {
        get(options, name).map_err(argument_error(argument))
    }
}

/// Returns the function among the options, if there is one.
///
/// # Errors
/// As [`option`]; also for a member that is not a function.
pub fn function(
    argument: &'static str,
    options: &JsValue,
    name: &str,
) -> Result<Option<Function>, ApiError> {
    let value = option(argument, options, name)?;
    if value.is_undefined() {
        return Ok(None);
    }
    value
        .dyn_into()
        .map(Some)
        .map_err(|_| argument_error(argument)(format!("{name} must be a function")))
}

/// Settings from which the secret was removed before they became text.
pub struct WithoutSecret {
    /// The JSON text of the other members.
    pub json: String,
    /// The secret as the caller passed it; `undefined` if it was omitted.
    secret: JsValue,
    member: &'static str,
}

const SETTINGS: &str = "settings";

/// Separates the secret from the settings, so that it never becomes part of a JSON text.
///
/// # Errors
/// [`ApiError::Argument`] if the settings are not an object, have no JSON text, or throw.
pub fn without_secret(
    settings: &JsValue,
    secret_member: &'static str,
) -> Result<WithoutSecret, ApiError> {
    let copy = copy_without(settings, secret_member).map_err(argument_error(SETTINGS))?;
    Ok(WithoutSecret {
        json: json(SETTINGS, &copy)?,
        secret: get(settings, secret_member).map_err(argument_error(SETTINGS))?,
        member: secret_member,
    })
}

fn copy_without(settings: &JsValue, excluded: &str) -> Result<Object, Reason> {
    if !is_plain_object(settings)? {
        return Err("must be an object".to_owned());
    }
    // Without a prototype, so that `__proto__` is a member like any other.
    let copy = Object::create(JsValue::NULL.unchecked_ref());
    for name in member_names(settings)?.filter(|name| name.as_string().as_deref() != Some(excluded))
    {
        let value = Reflect::get(settings, &name).map_err(reason_of)?;
        Reflect::set(&copy, &name, &value).map_err(reason_of)?;
    }
    Ok(copy)
}

impl WithoutSecret {
    /// Whether a secret was passed.
    #[must_use]
    pub fn has_secret(&self) -> bool {
        !self.secret.is_undefined()
    }

    /// Returns a keyring that holds the secret, if one was passed, for `address` only.
    ///
    /// # Errors
    /// [`ApiError::Argument`] if it is not a string, [`ApiError::Secret`] if it cannot be a
    /// secret.
    pub fn keyring(&self, name: SecretSlot, address: &Address) -> Result<Keyring, ApiError> {
        let mut keyring = Keyring::default();
        if !self.has_secret() {
            return Ok(keyring);
        }
        // This copy is overwritten when it goes out of scope, that of the keyring when it is dropped.
        let value = self.secret.as_string().map(Zeroizing::new);
        let value = value
            .ok_or_else(|| argument_error(SETTINGS)(format!("{} must be a string", self.member)))?;
        keyring
            .give(name, address, &value)
            .map_err(|error| ApiError::Secret {
                member: self.member,
                error,
            })?;
        Ok(keyring)
    }
}
