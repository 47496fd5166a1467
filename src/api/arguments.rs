//! From JavaScript values to JSON text and back. What a caller gives may be anything at all, with
//! getters that throw and objects that hold themselves.

use js_sys::{Array, Function, JSON, JsString, Object, Reflect, Uint8Array};
use serde::Serialize;
use serde_json::Value;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::{JsCast, JsValue};

use super::delivery::TaskInput;
use super::error::{NAME, SurfaceError};
use crate::browser::words;
use crate::secrets::{Keyring, SecretName};
use crate::settings::Address;

/// What an exported function fails with.
pub type Thrown = JsValue;

impl From<SurfaceError> for JsValue {
    fn from(error: SurfaceError) -> JsValue {
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

fn wrong(argument: &'static str, reason: impl Into<String>) -> SurfaceError {
    SurfaceError::Argument {
        argument,
        reason: reason.into(),
    }
}

/// What `JSON.stringify` makes of a value.
///
/// # Errors
/// [`SurfaceError::Argument`] where it makes nothing, or throws.
pub fn json(argument: &'static str, value: &JsValue) -> Result<String, SurfaceError> {
    let text = JSON::stringify(value).map_err(|thrown| wrong(argument, words(&thrown)))?;
    // `undefined`, functions and symbols have no JSON text.
    JsValue::from(text)
        .as_string()
        .ok_or_else(|| wrong(argument, "is nothing that JSON can hold"))
}

/// The same for an argument that may be left out.
///
/// # Errors
/// As [`json`].
pub fn optional_json(
    argument: &'static str,
    value: &JsValue,
) -> Result<Option<String>, SurfaceError> {
    (!value.is_undefined())
        .then(|| json(argument, value))
        .transpose()
}

/// Converts a value of this module: objects become objects, never a `Map`.
///
/// # Errors
/// None for the types of this module: their members are strings, booleans, lists, structs and
/// numbers that a JavaScript number holds (see [`super::number`]).
pub fn to_js(value: &impl Serialize) -> Result<JsValue, Thrown> {
    Ok(value.serialize(&Serializer::json_compatible())?)
}

/// Converts a schema, by way of its JSON text: its numbers may be any that JSON can hold.
///
/// # Errors
/// None: the JSON text of a schema is always valid.
pub fn schema_to_js(schema: &Value) -> Result<JsValue, Thrown> {
    JSON::parse(&schema.to_string())
}

/// A string.
///
/// # Errors
/// [`SurfaceError::Argument`] for everything else, and for a string that holds half of a surrogate
/// pair: it has no bytes, and what would stand in for it is not what was given.
pub fn text(argument: &'static str, value: &JsValue) -> Result<String, SurfaceError> {
    whole_text(value).map_err(|reason| wrong(argument, reason))
}

fn whole_text(value: &JsValue) -> Result<String, &'static str> {
    let text = value.as_string().ok_or("must be a string")?;
    // On its way here half of a surrogate pair became U+FFFD. Only where there is one, the string
    // itself is looked through: that takes a call for each of its units.
    let is_whole = !text.contains(char::REPLACEMENT_CHARACTER)
        || value.dyn_ref().is_some_and(JsString::is_valid_utf16);
    if is_whole {
        Ok(text)
    } else {
        Err("holds half of a surrogate pair, which is no text")
    }
}

/// An array of strings.
///
/// # Errors
/// [`SurfaceError::Argument`] for any other value.
pub fn texts(argument: &'static str, value: &JsValue) -> Result<Vec<String>, SurfaceError> {
    items(argument, value, "must be an array of strings")?
        .iter()
        .enumerate()
        .map(|(index, item)| {
            whole_text(item).map_err(|reason| wrong(argument, format!("[{index}] {reason}")))
        })
        .collect()
}

/// The tasks of a delivery: an array whose items are task texts, or objects with `text` and
/// optionally `idempotencyKey`.
///
/// # Errors
/// [`SurfaceError::Argument`] for any other value.
pub fn tasks(argument: &'static str, value: &JsValue) -> Result<Vec<TaskInput>, SurfaceError> {
    items(argument, value, "must be an array of tasks")?
        .iter()
        .enumerate()
        .map(|(index, item)| {
            task(argument, item).map_err(|error| match error {
                SurfaceError::Argument { argument, reason } => {
                    wrong(argument, format!("[{index}] {reason}"))
                }
                other => other,
            })
        })
        .collect()
}

fn task(argument: &'static str, item: &JsValue) -> Result<TaskInput, SurfaceError> {
    const TEXT: &str = "text";
    const KEY: &str = "idempotencyKey";
    if item.is_string() {
        return Ok(TaskInput {
            text: text(argument, item)?,
            idempotency_key: None,
        });
    }
    if !item.is_object() || Array::is_array(item) {
        return Err(wrong(argument, "must be a string or an object with text"));
    }
    only(argument, item, &[TEXT, KEY])?;
    let string = |name: &str| {
        let value = member(argument, item, name)?;
        let text = (!value.is_undefined())
            .then(|| whole_text(&value))
            .transpose();
        text.map_err(|reason| wrong(argument, format!("{name} {reason}")))
    };
    Ok(TaskInput {
        text: string(TEXT)?.ok_or_else(|| wrong(argument, "missing field `text`"))?,
        idempotency_key: string(KEY)?,
    })
}

/// The items of an array. A getter or a proxy of the caller may throw, which only `Reflect`
/// returns as an error.
fn items(
    argument: &'static str,
    value: &JsValue,
    expected: &'static str,
) -> Result<Vec<JsValue>, SurfaceError> {
    let thrown = |thrown: JsValue| wrong(argument, words(&thrown));
    if !value.is_object() {
        return Err(wrong(argument, expected));
    }
    // Before `isArray`, which throws for a revoked proxy.
    let length = Reflect::get(value, &"length".into()).map_err(thrown)?;
    if !Array::is_array(value) {
        return Err(wrong(argument, expected));
    }
    let length = length.as_f64().unwrap_or_default();
    // The length of an array is an integer from 0 to 2^32 - 1.
    (0..length as u32)
        .map(|index| Reflect::get_u32(value, index).map_err(thrown))
        .collect()
}

/// Bytes.
///
/// # Errors
/// [`SurfaceError::Argument`] for everything but a `Uint8Array`.
pub fn bytes(argument: &'static str, value: &JsValue) -> Result<Vec<u8>, SurfaceError> {
    value
        .dyn_ref::<Uint8Array>()
        .map(Uint8Array::to_vec)
        .ok_or_else(|| wrong(argument, "must be a Uint8Array"))
}

/// A member of an object; `undefined` where it has none.
///
/// # Errors
/// [`SurfaceError::Argument`] where the value is no object, or its getter throws.
pub fn member(
    argument: &'static str,
    value: &JsValue,
    name: &str,
) -> Result<JsValue, SurfaceError> {
    if !value.is_object() {
        return Err(wrong(argument, "must be an object"));
    }
    Reflect::get(value, &name.into()).map_err(|thrown| wrong(argument, words(&thrown)))
}

/// A function that may be left out.
///
/// # Errors
/// [`SurfaceError::Argument`] for everything else.
pub fn function(
    argument: &'static str,
    options: &JsValue,
    name: &str,
) -> Result<Option<Function>, SurfaceError> {
    let value = option(argument, options, name)?;
    if value.is_undefined() {
        return Ok(None);
    }
    value
        .dyn_into()
        .map(Some)
        .map_err(|_| wrong(argument, format!("{name} must be a function")))
}

/// A member of options that may themselves be left out.
///
/// # Errors
/// As [`member`].
pub fn option(
    argument: &'static str,
    options: &JsValue,
    name: &str,
) -> Result<JsValue, SurfaceError> {
    if options.is_undefined() {
        Ok(JsValue::UNDEFINED)
    } else {
        member(argument, options, name)
    }
}

/// Refuses options that have a member of another name.
///
/// # Errors
/// [`SurfaceError::Argument`].
pub fn only(argument: &'static str, options: &JsValue, names: &[&str]) -> Result<(), SurfaceError> {
    if options.is_undefined() {
        return Ok(());
    }
    let Some(object) = options.dyn_ref::<Object>() else {
        return Err(wrong(argument, "must be an object"));
    };
    for name in Object::keys(object)
        .iter()
        .filter_map(|name| name.as_string())
    {
        if !names.contains(&name.as_str()) {
            let known = names.join(", ");
            return Err(wrong(
                argument,
                format!("unknown field `{name}`; there are {known}"),
            ));
        }
    }
    Ok(())
}

/// Settings whose secret was taken out before their text was written.
pub struct WithoutSecret {
    /// The JSON text of everything else.
    pub json: String,
    /// The secret, as JavaScript gave it; `undefined` where it gave none.
    secret: JsValue,
    member: &'static str,
}

/// Takes the secret out of settings, so that it never becomes part of a text.
///
/// # Errors
/// [`SurfaceError::Argument`] where the settings are no object.
pub fn without_secret(
    settings: &JsValue,
    secret_member: &'static str,
) -> Result<WithoutSecret, SurfaceError> {
    const ARGUMENT: &str = "settings";
    if !settings.is_object() || Array::is_array(settings) {
        return Err(wrong(ARGUMENT, "must be an object"));
    }
    let copy = Object::new();
    // A getter of the caller's may throw, and only `Reflect` hands that on as a value.
    for name in Reflect::own_keys(settings)
        .map_err(|thrown| wrong(ARGUMENT, words(&thrown)))?
        .iter()
        .filter(|name| name.is_string() && name.as_string().as_deref() != Some(secret_member))
    {
        let value =
            Reflect::get(settings, &name).map_err(|thrown| wrong(ARGUMENT, words(&thrown)))?;
        Reflect::set(&copy, &name, &value).map_err(|thrown| wrong(ARGUMENT, words(&thrown)))?;
    }
    Ok(WithoutSecret {
        json: json(ARGUMENT, &copy)?,
        secret: member(ARGUMENT, settings, secret_member)?,
        member: secret_member,
    })
}

impl WithoutSecret {
    /// Whether a secret was given.
    #[must_use]
    pub fn has_secret(&self) -> bool {
        !self.secret.is_undefined()
    }

    /// Puts the secret, where there is one, on a ring of its own, for its own address only.
    ///
    /// # Errors
    /// [`SurfaceError::Secret`] for what can be none.
    pub fn keyring(&self, name: SecretName, address: &Address) -> Result<Keyring, SurfaceError> {
        let mut keyring = Keyring::default();
        if !self.has_secret() {
            return Ok(keyring);
        }
        let Some(value) = self.secret.as_string() else {
            return Err(wrong(
                "settings",
                format!("{} must be a string", self.member),
            ));
        };
        let given = keyring.give(name, address, &value);
        // The copy that crossed the border is overwritten; the ring's own one is when it goes.
        let mut copy = value.into_bytes();
        copy.fill(0);
        std::hint::black_box(&copy);
        given.map_err(|error| SurfaceError::Secret {
            member: self.member,
            error,
        })?;
        Ok(keyring)
    }
}
