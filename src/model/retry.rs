//! When a call to the model is made again by itself, and after how long.
//!
//! The rule is that of the endpoints' official clients: where the endpoint says by
//! `x-should-retry` what it wants, that counts; else 408, 409, 429, every 5xx, and a network that
//! failed. A quota that is used up is never asked again. The wait is what the endpoint asks for
//! (`retry-after-ms`, `retry-after`) if that is a minute at most, else half a second that doubles
//! up to eight, less a share by chance, so that many pages do not come back at once.
//!
//! Whether a task has arrived is not known here: a call whose answer has brought one is never made
//! again by itself.

use super::failure::{Failure, FailureKind};
use super::outcome::GenerationOutcome;

/// How often a call is made again by itself.
pub const MAX_RETRIES: u32 = 2;
/// The first wait, in milliseconds.
const FIRST_WAIT: u64 = 500;
/// The longest wait that the endpoint did not ask for, in milliseconds.
const LONGEST_WAIT: u64 = 8_000;

/// How many milliseconds to wait before the call that ended so is made again by itself; `None`
/// where it is not. `retries` is how often it was made again already. The 64 bits of `chance`
/// decide what is taken off the wait, up to a quarter: the same bits, the same wait.
#[must_use]
pub fn wait(outcome: &GenerationOutcome, retries: u32, chance: u64) -> Option<u64> {
    if retries >= MAX_RETRIES || !may_be_made_again(outcome) {
        return None;
    }
    if let GenerationOutcome::Failed(failure) = outcome
        && let Some(asked) = failure.retry_after
    {
        return Some(asked);
    }
    let whole = FIRST_WAIT
        .saturating_mul(1 << retries.min(16))
        .min(LONGEST_WAIT);
    let quarter = u128::from(whole / 4 + 1);
    let off = (u128::from(chance) * quarter) >> 64;
    Some(whole - u64::try_from(off).unwrap_or(0))
}

fn may_be_made_again(outcome: &GenerationOutcome) -> bool {
    let GenerationOutcome::Failed(failure) = outcome else {
        return false;
    };
    failure.kind != FailureKind::QuotaUsedUp
        && failure
            .should_retry
            .unwrap_or_else(|| is_worth_a_retry(failure))
}

fn is_worth_a_retry(failure: &Failure) -> bool {
    match failure.status {
        Some(status) => matches!(status, 408 | 409 | 429 | 500..=599),
        None => failure.kind == FailureKind::Unreachable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::http;

    fn failed(status: u16, headers: &[(&str, &str)], body: &str) -> GenerationOutcome {
        let header = |name: &str| {
            let found = headers.iter().find(|(held, _)| *held == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        GenerationOutcome::Failed(Box::new(http::failure(status, header, body.as_bytes(), 0)))
    }

    #[test]
    fn what_may_pass_is_tried_again_and_nothing_else() {
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
            (GenerationOutcome::Stalled, false),
            (GenerationOutcome::Cancelled, false),
            (GenerationOutcome::Complete, false),
        ];
        for (outcome, again) in table {
            assert_eq!(wait(&outcome, 0, 0).is_some(), again, "{outcome:?}");
            assert_eq!(wait(&outcome, MAX_RETRIES, 0), None);
        }
    }

    #[test]
    fn the_wait_is_what_the_endpoint_asks_for_or_doubles() {
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

    /// The crate of property tests is a dependency of the host only.
    #[cfg(not(target_arch = "wasm32"))]
    mod properties {
        use proptest::prelude::*;

        use super::*;

        proptest! {
            #[test]
            fn chance_takes_off_a_quarter_at_most(retries in 0..MAX_RETRIES, chance in any::<u64>()) {
                let whole = 500 << retries;
                let wait = wait(&failed(503, &[], ""), retries, chance).unwrap();
                prop_assert!((whole - whole / 4..=whole).contains(&wait));
            }
        }
    }
}
