//! How long a model is waited for, how much is asked of it at once, and what a run may cost.

use std::fmt;
use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use super::Amount;

/// A whole number from `LEAST` to `MOST`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Bounded<const LEAST: u32, const MOST: u32>(u32);

impl<const LEAST: u32, const MOST: u32> Bounded<LEAST, MOST> {
    /// The number, where it is within the bounds.
    #[must_use]
    pub fn new(number: u32) -> Option<Self> {
        (LEAST..=MOST).contains(&number).then_some(Bounded(number))
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }
}

/// A number is not within its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{given} is not between {least} and {most}")]
pub struct OutOfBounds {
    given: u32,
    least: u32,
    most: u32,
}

impl<const LEAST: u32, const MOST: u32> TryFrom<u32> for Bounded<LEAST, MOST> {
    type Error = OutOfBounds;

    fn try_from(number: u32) -> Result<Self, OutOfBounds> {
        Bounded::new(number).ok_or(OutOfBounds {
            given: number,
            least: LEAST,
            most: MOST,
        })
    }
}

impl<const LEAST: u32, const MOST: u32> From<Bounded<LEAST, MOST>> for u32 {
    fn from(number: Bounded<LEAST, MOST>) -> u32 {
        number.0
    }
}

impl<const LEAST: u32, const MOST: u32> fmt::Display for Bounded<LEAST, MOST> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How many tasks one request asks for.
pub type TasksPerRequest = Bounded<1, 500>;
/// For how many seconds nothing may arrive.
pub type IdleSeconds = Bounded<1, 3_600>;
/// How many seconds one call may take from its request to the end of its answer.
pub type CallSeconds = Bounded<1, 86_400>;

/// What a model endpoint is held to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// How many tasks one request asks for, 25 where nothing is said; more are asked for in
    /// several requests.
    pub tasks_per_request: TasksPerRequest,
    /// For how many seconds nothing may arrive before an answer is stalled; 60 where nothing is
    /// said.
    pub idle_seconds: IdleSeconds,
    /// How many seconds a call may take in all; 600 where nothing is said.
    pub call_seconds: CallSeconds,
    /// The most tokens that a run may use, those sent and those of the answers together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget_tokens: Option<NonZeroU64>,
    /// The most that a run may cost. Without prices it says nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget_cost: Option<Amount>,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            tasks_per_request: Bounded(25),
            idle_seconds: Bounded(60),
            call_seconds: Bounded(600),
            budget_tokens: None,
            budget_cost: None,
        }
    }
}

impl Limits {
    /// The idle time in milliseconds.
    #[must_use]
    pub fn idle_milliseconds(&self) -> u32 {
        self.idle_seconds.get() * 1000
    }

    /// The time of a call in milliseconds.
    #[must_use]
    pub fn call_milliseconds(&self) -> u32 {
        self.call_seconds.get() * 1000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_as_usual_and_what_is_out_of_bounds_is_refused() {
        let read = |text: &str| serde_json::from_str::<Limits>(text);
        assert_eq!(read("{}").unwrap(), Limits::default());
        let limits = read(
            r#"{"tasks_per_request":500,"idle_seconds":3600,"call_seconds":86400,"budget_tokens":1,"budget_cost":0.5}"#,
        )
        .unwrap();
        assert_eq!(limits.call_milliseconds(), 86_400_000);
        let text = serde_json::to_string(&limits).unwrap();
        assert_eq!(read(&text).unwrap(), limits);
        for text in [
            r#"{"tasks_per_request":0}"#,
            r#"{"tasks_per_request":501}"#,
            r#"{"idle_seconds":0}"#,
            r#"{"idle_seconds":3601}"#,
            r#"{"call_seconds":86401}"#,
            r#"{"call_seconds":1.5}"#,
            r#"{"budget_tokens":0}"#,
            r#"{"budget_cost":-1}"#,
            r#"{"budget":1}"#,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
