//! Automatic retries of failed tasks, and of unconfirmed tasks if the server honours their key:
//! exponential backoff with full jitter, `Retry-After`, and a retry limit.

use crate::random::SeededRng;

/// Attempts before we give up and ask the operator.
pub const MAX_TRIES: u32 = 12;
/// Attempts before we give up if the response does not come from a task server: a redirect, a web
/// page, or a receipt that contradicts itself. These are rarely temporary.
pub const MAX_TRIES_WITHOUT_TASK_SERVER: u32 = 3;
/// Longest time of retrying before we give up and ask the operator, in milliseconds.
pub const MAX_TRYING_TIME: u64 = 15 * 60_000;
/// After this many consecutive failed requests, one task is posted at a time until one succeeds.
pub const MAX_CONSECUTIVE_FAILURES: u32 = 3;

/// Longest first wait, in milliseconds. The bound doubles with each further wait.
const FIRST_WAIT: u64 = 1_000;
/// Longest wait unless the server asks for more, in milliseconds.
const MAX_WAIT: u64 = 60_000;

/// How long to wait before the next attempt, in milliseconds. `tries` is the number of attempts so
/// far, `retry_after` the server's `Retry-After` in milliseconds, and `jitter` uniformly distributed
/// over all numbers.
///
/// Without `Retry-After`, the wait is random between zero and a bound that doubles with each
/// attempt, so that clients that failed together do not retry together (full jitter). With it, the
/// wait is up to a tenth longer than the server asks for.
#[must_use]
pub fn wait(tries: u32, retry_after: Option<u64>, jitter: u64) -> u64 {
    match retry_after {
        Some(delay) => delay.saturating_add(scale((delay / 10).max(FIRST_WAIT), jitter)),
        None => {
            let doublings = tries.saturating_sub(1).min(16);
            scale((FIRST_WAIT << doublings).min(MAX_WAIT), jitter)
        }
    }
}

/// Whether another attempt after `wait` milliseconds is within the retry limit of `max_tries`
/// attempts and [`MAX_TRYING_TIME`]. `elapsed` is the time since the first attempt, in milliseconds.
#[must_use]
pub fn is_within_limits(tries: u32, max_tries: u32, elapsed: u64, wait: u64) -> bool {
    tries < max_tries && elapsed.saturating_add(wait) <= MAX_TRYING_TIME
}

/// Deterministic jitter for an attempt, uniformly distributed and different for each key and
/// attempt. Keys are derived from 128 random bits, so different clients get different jitter.
#[must_use]
pub fn jitter(key: &str, attempt: u32) -> u64 {
    SeededRng::from_texts(&[key], attempt.into()).next_u64()
}

/// Scales uniformly distributed bits to the range from 0 to `max`, inclusive.
fn scale(max: u64, bits: u64) -> u64 {
    let scaled = (u128::from(bits) * (u128::from(max) + 1)) >> 64;
    u64::try_from(scaled).unwrap_or(max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_spread_below_a_bound_that_grows_to_a_minute() {
        for (tries, bound) in [
            (1, 1_000),
            (2, 2_000),
            (3, 4_000),
            (6, 32_000),
            (7, 60_000),
            (40, 60_000),
        ] {
            assert_eq!(wait(tries, None, 0), 0, "{tries}");
            assert_eq!(wait(tries, None, u64::MAX), bound, "{tries}");
            let middle = wait(tries, None, u64::MAX / 2);
            assert!(middle.abs_diff(bound / 2) <= 1, "{tries}: {middle}");
        }
    }

    #[test]
    fn a_wait_is_never_shorter_than_retry_after() {
        for delay in [0, 1_000, 90_000] {
            assert_eq!(wait(5, Some(delay), 0), delay);
            let longest = wait(5, Some(delay), u64::MAX);
            assert_eq!(longest, delay + (delay / 10).max(1_000));
        }
    }

    #[test]
    fn retries_end_after_a_number_of_attempts_and_after_a_time() {
        assert!(is_within_limits(MAX_TRIES - 1, MAX_TRIES, 0, 0));
        assert!(!is_within_limits(MAX_TRIES, MAX_TRIES, 0, 0));
        assert!(is_within_limits(1, MAX_TRIES, 0, MAX_TRYING_TIME));
        assert!(!is_within_limits(1, MAX_TRIES, 1, MAX_TRYING_TIME));
        assert!(!is_within_limits(1, MAX_TRIES, u64::MAX, u64::MAX));
    }

    #[test]
    fn jitter_is_uniform_and_differs_between_attempts() {
        let values: Vec<u64> = (0..1_000).map(|attempt| jitter("key", attempt)).collect();
        let low = values.iter().filter(|value| **value < u64::MAX / 2).count();
        assert!((400..600).contains(&low), "{low}");
        assert_eq!(jitter("key", 1), jitter("key", 1));
        assert_ne!(jitter("key", 1), jitter("other", 1));
    }
}
