//! A bounded log of the requests that a server received, for tests to read.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::HeaderMap;

/// A log of requests. Beyond its limits, the oldest are dropped. Clones share it.
#[derive(Clone, Debug)]
pub struct Recorder<T> {
    log: Arc<Mutex<Log<T>>>,
    max_entries: usize,
    max_bytes: usize,
}

#[derive(Debug)]
struct Log<T> {
    /// The entries in order, each with its size in bytes.
    entries: VecDeque<(Entry<T>, usize)>,
    bytes: usize,
    /// Entries added since the log was empty, including the dropped ones.
    added: u64,
}

/// A recorded request. Clones share it, so that it can be updated while it is handled.
#[derive(Clone, Debug)]
pub struct Entry<T>(Arc<Mutex<T>>);

impl<T: Clone> Entry<T> {
    /// The request as recorded so far.
    #[must_use]
    pub fn get(&self) -> T {
        lock(&self.0).clone()
    }

    /// Updates the request.
    pub fn update(&self, change: impl FnOnce(&mut T)) {
        change(&mut lock(&self.0));
    }
}

impl<T> Default for Log<T> {
    fn default() -> Self {
        Self {
            entries: VecDeque::new(),
            bytes: 0,
            added: 0,
        }
    }
}

impl<T: Clone> Recorder<T> {
    /// An empty log that keeps at most `max_entries` requests of at most `max_bytes` bytes in total.
    #[must_use]
    pub fn new(max_entries: usize, max_bytes: usize) -> Self {
        Self {
            log: Arc::default(),
            max_entries,
            max_bytes,
        }
    }

    /// Adds a request of `size` bytes. `request` makes it from its number, which counts from 1.
    pub fn add(&self, size: usize, request: impl FnOnce(u64) -> T) -> Entry<T> {
        let mut log = lock(&self.log);
        log.added += 1;
        log.bytes += size;
        let entry = Entry(Arc::new(Mutex::new(request(log.added))));
        log.entries.push_back((entry.clone(), size));
        while log.entries.len() > self.max_entries || log.bytes > self.max_bytes {
            let Some((_, size)) = log.entries.pop_front() else {
                break;
            };
            log.bytes -= size;
        }
        entry
    }

    /// The recorded requests that match, in order.
    #[must_use]
    pub fn list(&self, matches: impl Fn(&T) -> bool) -> Vec<T> {
        lock(&self.log)
            .entries
            .iter()
            .filter_map(|(entry, _)| {
                let request = lock(&entry.0);
                matches(&request).then(|| request.clone())
            })
            .collect()
    }

    /// How many requests were dropped.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        let log = lock(&self.log);
        log.added - log.entries.len() as u64
    }

    /// Empties the log and counts from 1 again.
    pub fn clear(&self) {
        *lock(&self.log) = Log::default();
    }
}

/// Header names in lower case and their values, in order. Bytes that are not UTF-8 are replaced.
#[must_use]
pub fn header_list(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        })
        .collect()
}

/// Milliseconds since 1970; 0 if the clock is set to an earlier time.
#[must_use]
pub fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|time| u64::try_from(time.as_millis()).ok())
        .unwrap_or_default()
}

/// Locks a mutex, even if a thread panicked while holding it: no critical section of this crate
/// leaves its data inconsistent.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_shows_in_the_list() {
        let recorder = Recorder::new(10, 10);
        let first = recorder.add(1, |number| (number, "a"));
        recorder.add(1, |number| (number, "b"));
        first.update(|entry| entry.1 = "c");
        assert_eq!(recorder.list(|_| true), [(1, "c"), (2, "b")]);
        assert_eq!(recorder.list(|entry| entry.1 == "b"), [(2, "b")]);
        assert_eq!(first.get(), (1, "c"));
    }

    #[test]
    fn the_oldest_entries_are_dropped_beyond_either_limit() {
        let recorder = Recorder::new(3, 100);
        for _ in 0..5 {
            recorder.add(1, |number| number);
        }
        assert_eq!(recorder.list(|_| true), [3, 4, 5]);
        assert_eq!(recorder.dropped(), 2);
        recorder.add(98, |number| number);
        assert_eq!(recorder.list(|_| true), [4, 5, 6]);
        recorder.add(99, |number| number);
        assert_eq!(recorder.list(|_| true), [7]);
        assert_eq!(recorder.dropped(), 6);
    }

    #[test]
    fn a_cleared_log_counts_from_1_again() {
        let recorder = Recorder::new(1, 1);
        recorder.add(0, |number| number);
        recorder.add(0, |number| number);
        recorder.clear();
        assert_eq!(recorder.dropped(), 0);
        assert_eq!(recorder.add(0, |number| number).get(), 1);
    }
}
