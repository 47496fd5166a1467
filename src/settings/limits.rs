//! Limits of a model endpoint: timeouts, tasks per request, and the token and cost limits of a run.

use std::fmt;
use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use super::Amount;

/// A whole number from `MIN` to `MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Bounded<const MIN: u32, const MAX: u32>(u32);

impl<const MIN: u32, const MAX: u32> Bounded<MIN, MAX> {
    /// Returns the number, or `None` if it is out of bounds.
    #[must_use]
    pub fn new(number: u32) -> Option<Self> {
        (MIN..=MAX).contains(&number).then_some(Bounded(number))
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }
}

/// A number is out of bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{given} is not between {min} and {max}")]
pub struct OutOfBounds {
    given: u32,
    min: u32,
    max: u32,
}

impl<const MIN: u32, const MAX: u32> TryFrom<u32> for Bounded<MIN, MAX> {
    type Error = OutOfBounds;

    fn try_from(number: u32) -> Result<Self, OutOfBounds> {
        Bounded::new(number).ok_or(OutOfBounds {
            given: number,
            min: MIN,
            max: MAX,
        })
    }
}

impl<const MIN: u32, const MAX: u32> From<Bounded<MIN, MAX>> for u32 {
    fn from(number: Bounded<MIN, MAX>) -> u32 {
        number.0
    }
}

impl<const MIN: u32, const MAX: u32> fmt::Display for Bounded<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Maximum number of tasks that one request asks for.
pub type TasksPerRequest = Bounded<1, 500>;
/// Maximum time until the model begins to write, in seconds.
pub type FirstTokenTimeout = Bounded<1, 7_200>;
/// Maximum time without received data, in seconds.
pub type IdleTimeout = Bounded<1, 3_600>;
/// Maximum time from sending a request to the end of its response, in seconds.
pub type RequestTimeout = Bounded<1, 86_400>;

/// Default time until the model begins to write, in seconds.
pub const FIRST_TOKEN_SECONDS: u32 = 120;
/// Default time until a model on this machine begins to write, in seconds.
pub const LOOPBACK_FIRST_TOKEN_SECONDS: u32 = 300;

/// Limits of a model endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Maximum number of tasks per request, 25 by default. A run with more tasks is split into
    /// several requests.
    pub tasks_per_request: TasksPerRequest,
    /// Time until the model begins to write after which a response counts as stalled. If `None`, the
    /// default is [`FIRST_TOKEN_SECONDS`], and [`LOOPBACK_FIRST_TOKEN_SECONDS`] for an endpoint on
    /// this machine, which may have to load the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_token_timeout_seconds: Option<FirstTokenTimeout>,
    /// Time without received data after which a response counts as stalled, 60 seconds by default.
    pub idle_timeout_seconds: IdleTimeout,
    /// Maximum duration of a request, 1800 seconds by default.
    pub request_timeout_seconds: RequestTimeout,
    /// Maximum number of input and output tokens per run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_limit: Option<NonZeroU64>,
    /// Maximum cost of a run. Has no effect without prices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_limit: Option<Amount>,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            tasks_per_request: Bounded(25),
            first_token_timeout_seconds: None,
            idle_timeout_seconds: Bounded(60),
            request_timeout_seconds: Bounded(1_800),
            token_limit: None,
            cost_limit: None,
        }
    }
}

impl Limits {
    /// The idle timeout in milliseconds.
    #[must_use]
    pub fn idle_timeout_ms(&self) -> u32 {
        self.idle_timeout_seconds.get() * 1000
    }

    /// The request timeout in milliseconds.
    #[must_use]
    pub fn request_timeout_ms(&self) -> u32 {
        self.request_timeout_seconds.get() * 1000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_limits_have_defaults_and_out_of_bounds_values_are_refused() {
        let read = |text: &str| serde_json::from_str::<Limits>(text);
        assert_eq!(read("{}").unwrap(), Limits::default());
        let limits = read(
            r#"{"tasks_per_request":500,"first_token_timeout_seconds":7200,"idle_timeout_seconds":3600,"request_timeout_seconds":86400,"token_limit":1,"cost_limit":0.5}"#,
        )
        .unwrap();
        assert_eq!(limits.request_timeout_ms(), 86_400_000);
        let text = serde_json::to_string(&limits).unwrap();
        assert_eq!(read(&text).unwrap(), limits);
        for text in [
            r#"{"tasks_per_request":0}"#,
            r#"{"tasks_per_request":501}"#,
            r#"{"first_token_timeout_seconds":0}"#,
            r#"{"first_token_timeout_seconds":7201}"#,
            r#"{"idle_timeout_seconds":0}"#,
            r#"{"idle_timeout_seconds":3601}"#,
            r#"{"request_timeout_seconds":86401}"#,
            r#"{"request_timeout_seconds":1.5}"#,
            r#"{"token_limit":0}"#,
            r#"{"cost_limit":-1}"#,
            r#"{"budget":1}"#,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
