//! What the operator asks for.

use serde::{Deserialize, Serialize};

/// How many tasks can be asked for at once.
pub const MAX_COUNT: u16 = 500;
/// The longest goal, context or rules, in bytes each: 256 KiB.
pub const MAX_TEXT_BYTES: usize = 256 << 10;

/// A brief as it stands in the form: anything may be wrong with it, and nothing of it is lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BriefForm {
    /// What is to be done.
    pub goal: String,
    /// What the model should know.
    pub context: String,
    /// Further rules for the tasks.
    pub rules: String,
    /// How many tasks, as typed.
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

/// A brief that can be worked on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brief {
    /// What is to be done; not empty.
    pub goal: String,
    /// What the model should know; may be empty.
    pub context: String,
    /// Further rules for the tasks; may be empty.
    pub rules: String,
    /// How many tasks.
    pub count: Count,
    /// What a dry run's tasks are drawn from besides the texts.
    #[serde(default)]
    pub seed: u64,
}

/// A number of tasks: 1 to [`MAX_COUNT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Count(u16);

impl Count {
    /// A count within the limits.
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

/// What is wrong with a brief.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BriefError {
    /// There is no goal.
    #[error("the brief says nothing yet")]
    EmptyGoal,
    /// One of the texts is too long.
    #[error("the {field} is longer than {limit} bytes")]
    TooLong {
        /// `goal`, `context` or `rules`.
        field: &'static str,
        /// The limit in bytes.
        limit: usize,
    },
    /// The count is not a whole number.
    #[error("{given:?} is not a number of tasks")]
    CountNotANumber {
        /// As typed, cut.
        given: String,
    },
    /// The count is beyond the limits.
    #[error("{given} tasks cannot be asked for at once")]
    CountOutOfRange {
        /// As typed, cut.
        given: String,
    },
}

impl BriefError {
    /// A stable name for the kind of error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            BriefError::EmptyGoal => "brief_empty",
            BriefError::TooLong { .. } => "brief_too_long",
            BriefError::CountNotANumber { .. } => "count_not_a_number",
            BriefError::CountOutOfRange { .. } => "count_out_of_range",
        }
    }

    /// The field that it is about: `goal`, `context`, `rules` or `count`.
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
            BriefError::EmptyGoal => "Say what is to be done; a sentence is enough to begin with.",
            BriefError::TooLong { .. } => "Shorten it, or split the work over several briefs.",
            BriefError::CountNotANumber { .. } => {
                "Give it in digits: a whole number from 1 to 500."
            }
            BriefError::CountOutOfRange { .. } => "Ask for 1 to 500.",
        }
    }
}

impl BriefForm {
    /// The brief that this form makes.
    ///
    /// # Errors
    /// Everything that is wrong, at once, each for its field.
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
        assert_eq!(errors.len(), 2, "everything is said at once: {errors:?}");
    }
}
