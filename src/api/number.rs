//! Counts that may exceed what a JavaScript number holds exactly.

use serde::Serializer;
use serde_json::Value;

/// 2^53 - 1, `Number.MAX_SAFE_INTEGER`.
const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// Serializes a count as the nearest JavaScript number, as `JSON.parse` reads it. Endpoints and
/// servers choose these numbers, so a large one must not make the value that holds it fail.
pub(in crate::api) fn nearest<S: Serializer>(
    count: &u64,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    if *count <= MAX_SAFE_INTEGER {
        serializer.serialize_u64(*count)
    } else {
        serializer.serialize_f64(*count as f64)
    }
}

/// As [`nearest`], for a member that is skipped if it is `None`.
pub(in crate::api) fn nearest_or_none<S: Serializer>(
    count: &Option<u64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match count {
        Some(count) => nearest(count, serializer),
        None => serializer.serialize_none(),
    }
}

/// A JSON value with every integer that a JavaScript number does not hold exactly replaced by the
/// nearest one, as `JSON.parse` reads it.
pub(in crate::api) fn in_value(value: Value) -> Value {
    match value {
        Value::Number(number) => {
            let is_safe = number.is_f64()
                || number
                    .as_i64()
                    .is_some_and(|number| number.unsigned_abs() <= MAX_SAFE_INTEGER);
            match number.as_f64() {
                Some(nearest) if !is_safe => nearest.into(),
                _ => Value::Number(number),
            }
        }
        Value::Array(items) => items.into_iter().map(in_value).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, member)| (name, in_value(member)))
            .collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_in_a_value_become_the_nearest_double() {
        let value = serde_json::json!({"a": [u64::MAX, i64::MIN, 7, -7, 0.5, "b", null]});
        let expected = serde_json::json!({
            "a": [u64::MAX as f64, i64::MIN as f64, 7, -7, 0.5, "b", null]
        });
        assert_eq!(in_value(value), expected);
    }

    #[derive(serde::Serialize)]
    struct Sample {
        #[serde(serialize_with = "nearest")]
        count: u64,
        #[serde(serialize_with = "nearest_or_none")]
        wait: Option<u64>,
    }

    #[test]
    fn counts_beyond_2_to_the_53_become_the_nearest_double() {
        for (count, expected) in [
            (0, "0"),
            (MAX_SAFE_INTEGER, "9007199254740991"),
            (MAX_SAFE_INTEGER + 2, "9007199254740992.0"),
            (u64::MAX, "1.8446744073709552e+19"),
        ] {
            let sample = Sample {
                count,
                wait: Some(count),
            };
            assert_eq!(
                serde_json::to_string(&sample).unwrap(),
                format!("{{\"count\":{expected},\"wait\":{expected}}}")
            );
        }
        let none = Sample {
            count: 1,
            wait: None,
        };
        assert_eq!(
            serde_json::to_string(&none).unwrap(),
            r#"{"count":1,"wait":null}"#
        );
    }
}
