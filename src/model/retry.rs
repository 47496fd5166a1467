//! When a call to the model is retried automatically, and after how long.
//!
//! The rules are those of the endpoints' official clients. `x-should-retry` decides if the endpoint
//! sends it. Otherwise 408, 409, 429, every 5xx and network errors are retried. An exhausted quota
//! never is. The wait is the one that the endpoint asks for (`retry-after-ms`, `retry-after`), up to
//! a minute; otherwise it starts at half a second and doubles up to eight seconds, minus random
//! jitter so that many pages do not retry at the same moment.
//!
//! The caller must not retry a call whose response has already delivered a task; that is not known
//! here.

use super::failure::{Failure, FailureKind};
use super::outcome::GenerationOutcome;

/// Automatic retries per request.
pub const MAX_RETRIES: u32 = 2;
/// The first wait, in milliseconds.
const FIRST_WAIT: u64 = 500;
/// The longest wait, in milliseconds, unless the endpoint asks for another one.
const LONGEST_WAIT: u64 = 8_000;

/// How many milliseconds to wait before retrying a call with this outcome; `None` if it is not
/// retried. `retries` is the number of retries so far. `random_bits` determines the jitter, which
/// shortens the wait by up to a quarter: the same bits give the same wait.
#[must_use]
pub fn wait(outcome: &GenerationOutcome, retries: u32, random_bits: u64) -> Option<u64> {
    if retries >= MAX_RETRIES || !may_retry(outcome) {
        return None;
    }
    if let GenerationOutcome::Failed(failure) = outcome
        && let Some(asked) = failure.retry_after
    {
        return Some(asked);
    }
    let full = FIRST_WAIT
        .saturating_mul(1 << retries.min(16))
        .min(LONGEST_WAIT);
    let quarter = u128::from(full / 4 + 1);
    let reduction = (u128::from(random_bits) * quarter) >> 64;
    Some(full - u64::try_from(reduction).unwrap_or(0))
}

fn may_retry(outcome: &GenerationOutcome) -> bool {
    let GenerationOutcome::Failed(failure) = outcome else {
        return false;
    };
    failure.kind != FailureKind::QuotaUsedUp
        && failure
            .should_retry
            .unwrap_or_else(|| is_transient(failure))
}

fn is_transient(failure: &Failure) -> bool {
    match failure.status {
        Some(status) => matches!(status, 408 | 409 | 429 | 500..=599),
        None => matches!(
            failure.kind,
            FailureKind::Unreachable | FailureKind::NotConnected
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Stall, http};

    fn failed(status: u16, headers: &[(&str, &str)], body: &str) -> GenerationOutcome {
        let header = |name: &str| {
            let found = headers.iter().find(|(held, _)| *held == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        GenerationOutcome::Failed(Box::new(http::failure(status, header, body.as_bytes(), 0)))
    }

    #[test]
    fn only_transient_failures_are_retried() {
        const QUOTA: &str = r#"{"error":{"message":"m","code":"insufficient_quota"}}"#;
        let table: [(GenerationOutcome, bool); 18] = [
            (failed(408, &[], ""), true),
            (failed(409, &[], ""), true),
            (failed(429, &[], ""), true),
            (failed(500, &[], ""), true),
            (failed(503, &[], ""), true),
            (failed(599, &[], ""), true),
            (failed(400, &[], ""), false),
            (failed(401, &[], ""), false),
            (failed(404, &[], ""), false),
            (failed(500, &[("x-should-retry", "false")], ""), false),
            (failed(400, &[("x-should-retry", "true")], ""), true),
            (failed(429, &[], QUOTA), false),
            (failed(429, &[("x-should-retry", "true")], QUOTA), false),
            (
                GenerationOutcome::Failed(Box::new(Failure::unreachable("Failed to fetch"))),
                true,
            ),
            (GenerationOutcome::Interrupted { reason: None }, false),
            (GenerationOutcome::Stalled(Stall::FirstToken), false),
            (GenerationOutcome::Cancelled, false),
            (GenerationOutcome::Complete, false),
        ];
        for (outcome, is_retried) in table {
            assert_eq!(wait(&outcome, 0, 0).is_some(), is_retried, "{outcome:?}");
            assert_eq!(wait(&outcome, MAX_RETRIES, 0), None);
        }
    }

    #[test]
    fn the_wait_is_the_one_the_endpoint_asks_for_or_doubles() {
        let plain = failed(503, &[], "");
        assert_eq!(wait(&plain, 0, 0), Some(500));
        assert_eq!(wait(&plain, 1, 0), Some(1000));
        for (headers, expected) in [
            ([("retry-after-ms", "1234")], 1234),
            ([("retry-after", "7")], 7000),
            ([("retry-after", "0")], 0),
            ([("retry-after", "61")], 500),
            ([("retry-after", "Thu, 01 Jan 1970 00:00:20 GMT")], 20_000),
            ([("retry-after", "soon")], 500),
        ] {
            let outcome = failed(429, &headers, "");
            assert_eq!(wait(&outcome, 0, 0), Some(expected), "{headers:?}");
        }
    }

    mod properties {
        use proptest::prelude::*;

        use super::*;

        proptest! {
            #[test]
            fn jitter_shortens_the_wait_by_at_most_a_quarter(retries in 0..MAX_RETRIES, random_bits in any::<u64>()) {
                let full = 500 << retries;
                let wait = wait(&failed(503, &[], ""), retries, random_bits).unwrap();
                prop_assert!((full - full / 4..=full).contains(&wait));
            }
        }
    }
}
