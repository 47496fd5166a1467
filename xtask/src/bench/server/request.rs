//! The requests of the load: one task each, all of the same size, each with its own key.

use uuid::Uuid;

/// Size of each task in bytes.
pub const TASK_BYTES: usize = 600;

/// A request that posts one task. Its key is random: ascending keys would spare the store's index
/// most of its work.
pub fn post(host: &str) -> String {
    let key = Uuid::new_v4();
    let task = task(key);
    format!(
        "POST /tasks HTTP/1.1\r\nHost: {host}\r\nX-AGENT-TOKEN: changeme\r\n\
         Content-Type: application/json\r\nIdempotency-Key: {key}\r\n\
         Content-Length: {}\r\n\r\n{task}",
        task.len()
    )
}

/// A task that the built-in schema accepts.
fn task(key: Uuid) -> String {
    let head = format!(
        "{{\"key\":\"load-{key}\",\"title\":\"Move the invoices of one tenant\",\
         \"priority\":\"normal\",\"role\":\"database engineer\",\
         \"labels\":[\"billing\",\"migration\"],\
         \"acceptance\":[\"Row counts match\",\"Every invoice has a tenant\"],\
         \"instructions\":\""
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_has_the_same_size_and_is_json() {
        for key in [Uuid::nil(), Uuid::new_v4(), Uuid::max()] {
            let task = task(key);
            assert_eq!(task.len(), TASK_BYTES);
            serde_json::from_str::<serde_json::Value>(&task).unwrap();
        }
    }

    #[test]
    fn no_two_requests_share_a_key() {
        let key = || {
            let request = post("localhost");
            let line = request.lines().find(|line| line.starts_with("Idempotency"));
            line.unwrap().to_owned()
        };
        assert_ne!(key(), key());
    }
}
