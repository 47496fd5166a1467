//! The data of a violated rule, for programs that correct a task without reading messages.

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

/// Maximum length of the allowed values as JSON text, in bytes: 4 KiB. Longer lists are left out,
/// because each violation is stored with its task.
pub const MAX_ALLOWED_BYTES: usize = 4 << 10;

/// The data of a violated rule. What the rule does not have is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RuleData {
    /// The number in the rule: the bound of `minimum`, `maxLength`, `minItems` and their relatives, or
    /// the divisor of `multipleOf`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Number>,
    /// The values that `enum` or `const` allows, if their text has at most [`MAX_ALLOWED_BYTES`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed: Option<Vec<Value>>,
    /// The name of the member that is missing (`required`, `dependentRequired`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
}

impl RuleData {
    /// Whether the rule has no data.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == RuleData::default()
    }

    pub(super) fn with_limit(limit: impl Into<Value>) -> RuleData {
        match limit.into() {
            Value::Number(limit) => RuleData {
                limit: Some(limit),
                ..RuleData::default()
            },
            _ => RuleData::default(),
        }
    }

    pub(super) fn with_allowed(allowed: Vec<Value>) -> RuleData {
        let length: usize = allowed.iter().map(|value| value.to_string().len()).sum();
        RuleData {
            allowed: (length <= MAX_ALLOWED_BYTES).then_some(allowed),
            ..RuleData::default()
        }
    }

    pub(super) fn with_missing(name: &str) -> RuleData {
        RuleData {
            missing: Some(name.to_owned()),
            ..RuleData::default()
        }
    }
}
