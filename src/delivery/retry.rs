//! When a task is tried again: what was not taken, and what may have arrived at a server that
//! honours its key. Exponential with full jitter, the server's own `Retry-After` first, and an end
//! to it.

use crate::random::SeededRng;

/// So often a task is tried before the operator is asked.
pub const MOST_TRIES: u32 = 12;
/// For so long a task is tried before the operator is asked, in milliseconds.
pub const LONGEST_TRYING: u64 = 15 * 60_000;
/// After so many requests in a row that came to nothing, one at a time is tried until the server
/// is back.
pub const TROUBLES_IN_A_ROW: u32 = 3;

/// The longest first wait, in milliseconds; each further one is twice as long.
const FIRST_WAIT: u64 = 1_000;
/// No wait that the server did not ask for is longer, in milliseconds.
const LONGEST_WAIT: u64 = 60_000;

/// How long to wait before the next try, in milliseconds. `tries` is how many there were, `asked`
/// what the server asked for, and `draw` a number drawn evenly from all there are.
///
/// Without the server's word, any time up to twice the one before it, so that many clients that
/// failed together do not come back together (full jitter). With it, that time and up to a tenth
/// more.
#[must_use]
pub fn wait(tries: u32, asked: Option<u64>, draw: u64) -> u64 {
    match asked {
        Some(asked) => asked.saturating_add(up_to((asked / 10).max(FIRST_WAIT), draw)),
        None => {
            let doublings = tries.saturating_sub(1).min(16);
            up_to((FIRST_WAIT << doublings).min(LONGEST_WAIT), draw)
        }
    }
}

/// Whether another try, after `wait` milliseconds, is still within what is tried by itself.
#[must_use]
pub fn is_worth_it(tries: u32, trying_for: u64, wait: u64) -> bool {
    tries < MOST_TRIES && trying_for.saturating_add(wait) <= LONGEST_TRYING
}

/// The draw for a try: even over all numbers, different for each key and each try, and the same
/// whenever it is asked for. The key is derived from 128 random bits, so two senders never draw
/// alike.
#[must_use]
pub fn draw(key: &str, attempt: u32) -> u64 {
    SeededRng::from_texts(&[key], attempt.into()).next_u64()
}

/// An even draw from 0 to `most`.
fn up_to(most: u64, draw: u64) -> u64 {
    let scaled = (u128::from(draw) * (u128::from(most) + 1)) >> 64;
    u64::try_from(scaled).unwrap_or(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_minute_and_spread_from_nothing_to_their_bound() {
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
    fn the_server_is_never_asked_before_the_time_it_named() {
        for asked in [0, 1_000, 90_000] {
            assert_eq!(wait(5, Some(asked), 0), asked);
            let latest = wait(5, Some(asked), u64::MAX);
            assert_eq!(latest, asked + (asked / 10).max(1_000));
        }
    }

    #[test]
    fn there_is_an_end_to_it() {
        assert!(is_worth_it(MOST_TRIES - 1, 0, 0));
        assert!(!is_worth_it(MOST_TRIES, 0, 0));
        assert!(is_worth_it(1, 0, LONGEST_TRYING));
        assert!(!is_worth_it(1, 1, LONGEST_TRYING));
        assert!(!is_worth_it(1, u64::MAX, u64::MAX));
    }

    #[test]
    fn draws_are_even_and_differ_from_try_to_try() {
        let draws: Vec<u64> = (0..1_000).map(|attempt| draw("key", attempt)).collect();
        let low = draws.iter().filter(|draw| **draw < u64::MAX / 2).count();
        assert!((400..600).contains(&low), "{low}");
        assert_eq!(draw("key", 1), draw("key", 1));
        assert_ne!(draw("key", 1), draw("other", 1));
    }
}
