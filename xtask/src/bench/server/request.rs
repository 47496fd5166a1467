//! The requests of the load: one task each, all of one size, each with a key of its own.

use std::fmt::Write as _;

/// Bytes of each task.
pub const TASK_BYTES: usize = 600;

/// Writes the `number`th request of a `run` into `buffer`. The keys are spread evenly, as random
/// ones are: keys in ascending order would spare the store's index most of its work.
pub fn write(buffer: &mut String, host: &str, run: u64, number: u64) {
    let key = (mix(run ^ mix(number)), mix(run.rotate_left(32) ^ number));
    let task = task(key);
    buffer.clear();
    // Writing to a string cannot fail.
    let _ = write!(
        buffer,
        "POST /tasks HTTP/1.1\r\nHost: {host}\r\nX-AGENT-TOKEN: changeme\r\n\
         Content-Type: application/json\r\nIdempotency-Key: {:016x}{:016x}\r\n\
         Content-Length: {}\r\n\r\n{task}",
        key.0,
        key.1,
        task.len()
    );
}

/// A task that the built-in schema takes.
fn task(key: (u64, u64)) -> String {
    let head = format!(
        "{{\"key\":\"load-{:016x}\",\"title\":\"Move the invoices of one tenant\",\
         \"priority\":\"normal\",\"role\":\"database engineer\",\
         \"labels\":[\"billing\",\"migration\"],\
         \"acceptance\":[\"Row counts agree\",\"No invoice is without its tenant\"],\
         \"instructions\":\"",
        key.0
    );
    let tail = "\"}";
    let filler = TASK_BYTES.saturating_sub(head.len() + tail.len());
    let instructions: String = "Copy the rows in batches, compare digests, then switch the reads. "
        .chars()
        .cycle()
        .take(filler)
        .collect();
    format!("{head}{instructions}{tail}")
}

/// The finaliser of SplitMix64: every bit of the input reaches every bit of the output.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_task_has_the_same_size_and_is_json() {
        for number in [0, 1, 77, u64::MAX] {
            let task = task((mix(number), number));
            assert_eq!(task.len(), TASK_BYTES);
            serde_json::from_str::<serde_json::Value>(&task).unwrap();
        }
    }

    #[test]
    fn no_two_requests_share_a_key_in_one_run_or_in_another() {
        let mut keys = HashSet::new();
        let mut request = String::new();
        for run in 0..20 {
            for number in 0..500 {
                write(&mut request, "localhost", run, number);
                let line = request.lines().find(|line| line.starts_with("Idempotency"));
                keys.insert(line.unwrap().to_owned());
            }
        }
        assert_eq!(keys.len(), 10_000);
    }
}
