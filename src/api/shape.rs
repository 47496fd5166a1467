//! Reads arguments from their JSON text.

use serde::de::{DeserializeOwned, Deserializer, Error as _};
use serde_json::Value;

use super::error::ApiError;

/// Reads an argument that must be an object.
///
/// # Errors
/// [`ApiError::Argument`] for any other value, for members of wrong types, and for unknown members.
pub(in crate::api) fn read<T: DeserializeOwned>(
    argument: &'static str,
    json: &str,
) -> Result<T, ApiError> {
    let wrong = |reason: String| ApiError::Argument { argument, reason };
    // Through a `Value`, so that the reason names members, not columns of a text that the caller
    // never saw.
    let value: Value = serde_json::from_str(json).map_err(|error| wrong(error.to_string()))?;
    if !value.is_object() {
        return Err(wrong("must be an object".to_owned()));
    }
    serde_json::from_value(value).map_err(|error| wrong(error.to_string()))
}

/// Deserializes a member that may be omitted. `null` does not mean omitted: it is rejected like any
/// other value of a wrong type, so that NaN, which `JSON.stringify` writes as `null`, never becomes
/// a default.
pub(in crate::api) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let value: Value = serde::Deserialize::deserialize(deserializer)?;
    serde_json::from_value(value)
        .map(Some)
        .map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        name: String,
        #[serde(default, deserialize_with = "present")]
        size: Option<u16>,
    }

    #[test]
    fn a_member_may_be_omitted_but_not_null() {
        let table = [
            (r#"{"name":"a"}"#, Ok(None)),
            (r#"{"name":"a","size":3}"#, Ok(Some(3))),
            (r#"{"name":"a","size":null}"#, Err("null")),
            (r#"{"name":"a","size":-1}"#, Err("-1")),
            (r#"{"name":"a","size":"3"}"#, Err("string")),
            (r#"{"name":null}"#, Err("null")),
            ("{}", Err("missing field `name`")),
            (r#"{"name":"a","sise":3}"#, Err("unknown field `sise`")),
            ("[]", Err("must be an object")),
            ("null", Err("must be an object")),
            ("7", Err("must be an object")),
            (r#"{"name":"\ud800"}"#, Err("hex escape")),
        ];
        for (json, expected) in table {
            match (read::<Sample>("settings", json), expected) {
                (Ok(sample), Ok(size)) => assert_eq!(sample.size, size, "{json}"),
                (Err(ApiError::Argument { argument, reason }), Err(part)) => {
                    assert_eq!(argument, "settings");
                    assert!(reason.contains(part), "{json}: {reason}");
                }
                (read, _) => panic!("{json}: {read:?}"),
            }
        }
    }
}
