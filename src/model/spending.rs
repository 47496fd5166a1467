//! What a request is expected to use before it is made, from what those before it used.

use super::usage::Usage;

/// A token for so many bytes of text, where no request has been measured yet. English prose has
/// about four; JSON and other languages have fewer.
const BYTES_OF_A_TOKEN: u64 = 3;
/// The tokens of a task, where none has been measured yet.
const TOKENS_OF_A_TASK: u64 = 300;

/// A request that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    /// The bytes of the text that was sent.
    pub bytes: u64,
    /// How many tasks came.
    pub tasks: u32,
    /// What it used, as the endpoint counted it.
    pub usage: Usage,
}

/// What a request of `bytes` bytes of text for `count` tasks is expected to use. `limit` is the
/// most tokens of an answer, where one is set. An estimate: the endpoint alone knows.
#[must_use]
pub fn expected(bytes: u64, count: u32, earlier: &[Measured], limit: Option<u32>) -> Usage {
    let sent = earlier
        .iter()
        .rev()
        .find(|one| one.usage.input > 0 && one.bytes > 0);
    let input = match sent {
        Some(one) => scaled(one.usage.input, bytes, one.bytes),
        None => bytes.div_ceil(BYTES_OF_A_TOKEN),
    };
    let answered = earlier
        .iter()
        .filter(|one| one.usage.output > 0 && one.tasks > 0);
    let (tokens, tasks) = answered.fold((0_u64, 0_u64), |(tokens, tasks), one| {
        (
            tokens.saturating_add(one.usage.output),
            tasks + u64::from(one.tasks),
        )
    });
    let output = match tasks {
        0 => u64::from(count) * TOKENS_OF_A_TASK,
        _ => scaled(tokens, count.into(), tasks),
    };
    Usage {
        input,
        output: limit.map_or(output, |limit| output.min(limit.into())),
        ..Usage::default()
    }
}

/// `amount * part / whole`, rounded up.
fn scaled(amount: u64, part: u64, whole: u64) -> u64 {
    let scaled = (u128::from(amount) * u128::from(part)).div_ceil(u128::from(whole.max(1)));
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(bytes: u64, tasks: u32, input: u64, output: u64) -> Measured {
        Measured {
            bytes,
            tasks,
            usage: Usage {
                input,
                output,
                ..Usage::default()
            },
        }
    }

    #[test]
    fn what_was_measured_counts_before_what_is_usual() {
        let both = |usage: Usage| (usage.input, usage.output);
        assert_eq!(both(expected(3001, 2, &[], None)), (1001, 600));
        assert_eq!(both(expected(3001, 2, &[], Some(500))), (1001, 500));
        let earlier = [
            measured(4000, 10, 1000, 1000),
            measured(8000, 10, 1600, 2001),
        ];
        assert_eq!(both(expected(10_000, 4, &earlier, None)), (2000, 601));
        let silent = [measured(4000, 0, 0, 0), measured(4000, 0, 1000, 70)];
        assert_eq!(both(expected(8000, 1, &silent, None)), (2000, 300));
        let vast = [measured(1, 1, u64::MAX, u64::MAX)];
        assert_eq!(both(expected(2, 2, &vast, None)), (u64::MAX, u64::MAX));
    }
}
