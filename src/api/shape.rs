//! Reading an argument's shape from its JSON text.

use serde::de::{DeserializeOwned, Deserializer, Error as _};
use serde_json::Value;

use super::error::SurfaceError;

/// Reads the JSON text of an argument that is an object.
///
/// # Errors
/// [`SurfaceError::Argument`] for what has another shape, unknown members included.
pub(in crate::api) fn read<T: DeserializeOwned>(
    argument: &'static str,
    json: &str,
) -> Result<T, SurfaceError> {
    let wrong = |reason: String| SurfaceError::Argument { argument, reason };
    // By way of a value, so that the reason names members and not columns of a text that the
    // caller never wrote.
    let value: Value = serde_json::from_str(json).map_err(|error| wrong(error.to_string()))?;
    if !value.is_object() {
        return Err(wrong("must be an object".to_owned()));
    }
    serde_json::from_value(value).map_err(|error| wrong(error.to_string()))
}

/// A member that may be left out. `null` is not the same as left out: it is refused like every
/// other value of a wrong type, so that a number that is none (`JSON.stringify` writes NaN as
/// `null`) never becomes a default.
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
    fn what_is_left_out_is_absent_and_null_is_a_wrong_type() {
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
                (Err(SurfaceError::Argument { argument, reason }), Err(part)) => {
                    assert_eq!(argument, "settings");
                    assert!(reason.contains(part), "{json}: {reason}");
                }
                (read, _) => panic!("{json}: {read:?}"),
            }
        }
    }
}
