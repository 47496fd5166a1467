//! Estimates the tokens of a request from earlier requests.

use super::usage::Usage;

/// Bytes per token, assumed until a request has been measured. English prose has about four; JSON
/// and other languages have fewer.
const BYTES_PER_TOKEN: u64 = 3;
/// Tokens per task, assumed until a request has been measured.
const TOKENS_PER_TASK: u64 = 300;

/// A request that was made, with its token usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    /// The bytes of text that were sent.
    pub bytes: u64,
    /// The number of tasks that arrived.
    pub tasks: u32,
    /// The tokens used, as counted by the endpoint.
    pub usage: Usage,
}

/// Estimates the tokens of a request of `bytes` bytes of text for `count` tasks. `limit` is the max
/// output tokens, if set.
#[must_use]
pub fn expected(bytes: u64, count: u32, earlier: &[Measured], limit: Option<u32>) -> Usage {
    let last = earlier
        .iter()
        .rev()
        .find(|one| one.usage.input > 0 && one.bytes > 0);
    let input = match last {
        Some(one) => scaled(one.usage.input, bytes, one.bytes),
        None => bytes.div_ceil(BYTES_PER_TOKEN),
    };
    let with_tasks = earlier
        .iter()
        .filter(|one| one.usage.output > 0 && one.tasks > 0);
    let (tokens, tasks) = with_tasks.fold((0_u64, 0_u64), |(tokens, tasks), one| {
        (
            tokens.saturating_add(one.usage.output),
            tasks + u64::from(one.tasks),
        )
    });
    let output = match tasks {
        0 => u64::from(count) * TOKENS_PER_TASK,
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
    fn measured_requests_take_precedence_over_the_assumptions() {
        let both = |usage: Usage| (usage.input, usage.output);
        assert_eq!(both(expected(3001, 2, &[], None)), (1001, 600));
        assert_eq!(both(expected(3001, 2, &[], Some(500))), (1001, 500));
        let earlier = [
            measured(4000, 10, 1000, 1000),
            measured(8000, 10, 1600, 2001),
        ];
        assert_eq!(both(expected(10_000, 4, &earlier, None)), (2000, 601));
        let without_usage = [measured(4000, 0, 0, 0), measured(4000, 0, 1000, 70)];
        assert_eq!(both(expected(8000, 1, &without_usage, None)), (2000, 300));
        let huge = [measured(1, 1, u64::MAX, u64::MAX)];
        assert_eq!(both(expected(2, 2, &huge, None)), (u64::MAX, u64::MAX));
    }
}
