//! The brief: what the operator asks for.

pub mod saved;
pub mod variables;

use serde::{Deserialize, Serialize};

/// Maximum number of tasks per run.
pub const MAX_COUNT: u16 = 500;
/// Maximum length of the goal, the context and the rules, in bytes each: 256 KiB.
pub const MAX_TEXT_BYTES: usize = 256 << 10;

/// The brief form as typed. It may be invalid; [`BriefForm::check`] validates it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BriefForm {
    /// What the tasks should achieve.
    pub goal: String,
    /// Background for the model.
    pub context: String,
    /// Additional rules for the tasks.
    pub rules: String,
    /// The number of tasks, as typed.
    pub count: String,
}

impl Default for BriefForm {
    fn default() -> Self {
        BriefForm {
            goal: String::new(),
            context: String::new(),
            rules: String::new(),
            count: "3".to_owned(),
        }
    }
}

/// A valid brief.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brief {
    /// What the tasks should achieve; not empty.
    pub goal: String,
    /// Background for the model; may be empty.
    pub context: String,
    /// Additional rules for the tasks; may be empty.
    pub rules: String,
    /// The number of tasks.
    pub count: Count,
    /// Seed for dry runs, combined with the texts.
    #[serde(default)]
    pub seed: u64,
}

/// A number of tasks: 1 to [`MAX_COUNT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Count(u16);

impl Count {
    /// Returns a count, or `None` if it is out of range.
    #[must_use]
    pub fn new(count: u16) -> Option<Count> {
        (1..=MAX_COUNT).contains(&count).then_some(Count(count))
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u16 {
        self.0
    }
}

impl TryFrom<u16> for Count {
    type Error = BriefError;

    fn try_from(count: u16) -> Result<Self, BriefError> {
        Count::new(count).ok_or_else(|| BriefError::CountOutOfRange {
            given: count.to_string(),
        })
    }
}

impl From<Count> for u16 {
    fn from(count: Count) -> u16 {
        count.0
    }
}

/// Why a brief is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BriefError {
    /// The goal is empty.
    #[error("the goal is empty")]
    EmptyGoal,
    /// The goal, the context or the rules are too long.
    #[error("the {field} is longer than {limit} bytes")]
    TooLong {
        /// `goal`, `context` or `rules`.
        field: &'static str,
        /// The limit in bytes.
        limit: usize,
    },
    /// The count is not a whole number.
    #[error("“{given}” is not a whole number from 1 to {MAX_COUNT}")]
    CountNotANumber {
        /// The text as typed, truncated.
        given: String,
    },
    /// The count is out of range.
    #[error("a run has 1 to {MAX_COUNT} tasks, not {given}")]
    CountOutOfRange {
        /// The number as typed, truncated.
        given: String,
    },
}

impl BriefError {
    /// A stable identifier for the kind of error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            BriefError::EmptyGoal => "brief_empty",
            BriefError::TooLong { .. } => "brief_too_long",
            BriefError::CountNotANumber { .. } => "count_not_a_number",
            BriefError::CountOutOfRange { .. } => "count_out_of_range",
        }
    }

    /// The invalid field: `goal`, `context`, `rules` or `count`.
    #[must_use]
    pub fn field(&self) -> &'static str {
        match self {
            BriefError::EmptyGoal => "goal",
            BriefError::TooLong { field, .. } => field,
            BriefError::CountNotANumber { .. } | BriefError::CountOutOfRange { .. } => "count",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            BriefError::EmptyGoal => {
                "Describe what the tasks should achieve; one sentence is enough."
            }
            BriefError::TooLong { .. } => "Shorten it, or split the work into several briefs.",
            BriefError::CountNotANumber { .. } => "Enter the count in digits, such as 25.",
            BriefError::CountOutOfRange { .. } => {
                "Enter a number in that range, and start another run for more tasks."
            }
        }
    }
}

impl BriefForm {
    /// Validates the form. `seed` is the seed for dry runs.
    ///
    /// # Errors
    /// All problems of all fields.
    pub fn check(&self, seed: u64) -> Result<Brief, Vec<BriefError>> {
        let mut errors = Vec::new();
        if self.goal.trim().is_empty() {
            errors.push(BriefError::EmptyGoal);
        }
        for (field, text) in [
            ("goal", &self.goal),
            ("context", &self.context),
            ("rules", &self.rules),
        ] {
            if text.len() > MAX_TEXT_BYTES {
                errors.push(BriefError::TooLong {
                    field,
                    limit: MAX_TEXT_BYTES,
                });
            }
        }
        let count = match read_count(&self.count) {
            Ok(count) => Some(count),
            Err(error) => {
                errors.push(error);
                None
            }
        };
        match count {
            Some(count) if errors.is_empty() => Ok(Brief {
                goal: self.goal.trim().to_owned(),
                context: self.context.trim().to_owned(),
                rules: self.rules.trim().to_owned(),
                count,
                seed,
            }),
            _ => Err(errors),
        }
    }
}

fn read_count(text: &str) -> Result<Count, BriefError> {
    let text = text.trim();
    let given = || text.chars().take(20).collect::<String>();
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    if unsigned.is_empty() || !unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(BriefError::CountNotANumber { given: given() });
    }
    text.parse::<u16>()
        .ok()
        .and_then(Count::new)
        .ok_or_else(|| BriefError::CountOutOfRange { given: given() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(goal: &str, count: &str) -> BriefForm {
        BriefForm {
            goal: goal.to_owned(),
            count: count.to_owned(),
            ..BriefForm::default()
        }
    }

    #[test]
    fn a_brief_needs_a_goal_and_a_count_from_1_to_500() {
        for (count, code) in [
            ("0", "count_out_of_range"),
            ("501", "count_out_of_range"),
            ("99999999999", "count_out_of_range"),
            ("-1", "count_out_of_range"),
            ("ten", "count_not_a_number"),
            ("", "count_not_a_number"),
            ("1.5", "count_not_a_number"),
            ("+3", "count_not_a_number"),
        ] {
            let errors = form("Ship it", count).check(0).expect_err(count);
            assert_eq!(
                errors.iter().map(BriefError::code).collect::<Vec<_>>(),
                [code],
                "{count}"
            );
            assert_eq!(errors[0].field(), "count");
        }
        assert_eq!(form("Ship it", " 500 ").check(0).unwrap().count.get(), 500);
        let errors = form(" \n", "ten").check(0).unwrap_err();
        assert_eq!(errors.len(), 2, "all problems are reported: {errors:?}");
    }
}
