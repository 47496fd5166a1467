//! Checks of large tasks: a few at a time, on threads that serve no connections, and with a time limit
//! for the response.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::problem::Problem;

/// Runs checks that may take long or need much memory.
#[derive(Debug)]
pub struct LargeChecks {
    permits: Arc<Semaphore>,
    timeout: Duration,
}

impl LargeChecks {
    /// Runs at most `concurrent` checks at a time. Each may wait as long as `timeout` for its turn,
    /// and take as long again.
    #[must_use]
    pub fn new(concurrent: usize, timeout: Duration) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(concurrent)),
            timeout,
        }
    }

    /// Runs a check and returns its result. A check that takes too long runs on in the background,
    /// where it counts among the concurrent ones until it ends.
    ///
    /// # Errors
    /// [`Problem::Overloaded`] if it does not get its turn in time, [`Problem::CheckTimeout`] if it
    /// takes too long, and [`Problem::Internal`] if it panics.
    pub async fn run<T: Send + 'static>(
        &self,
        check: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let turn = timeout(self.timeout, Arc::clone(&self.permits).acquire_owned()).await;
        let Ok(Ok(permit)) = turn else {
            return Err(Problem::Overloaded);
        };
        let checked = tokio::task::spawn_blocking(move || {
            let result = check();
            drop(permit);
            result
        });
        match timeout(self.timeout, checked).await {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(_)) => Err(Problem::Internal),
            Err(_) => Err(Problem::CheckTimeout),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// A check that runs until the returned sender is dropped.
    fn endless() -> (mpsc::Sender<()>, impl FnOnce() + Send + 'static) {
        let (end, ended) = mpsc::channel();
        (end, move || {
            let _ = ended.recv();
        })
    }

    #[tokio::test]
    async fn a_check_returns_its_result() {
        let checks = LargeChecks::new(1, Duration::from_secs(10));
        assert_eq!(checks.run(|| 7).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_check_that_takes_too_long_is_not_waited_for_but_still_counts() {
        let checks = LargeChecks::new(1, Duration::from_millis(100));
        let (end, endless) = endless();
        let error = checks.run(endless).await.unwrap_err();
        assert_eq!(error.code(), "check_timeout");
        assert_eq!(error.retry_after(), None);
        // The task can be checked once there is room, so the client may try again.
        let error = checks.run(|| 7).await.unwrap_err();
        assert_eq!(error.code(), "overloaded");
        assert!(error.retry_after().is_some());
        drop(end);
        assert_eq!(checks.run(|| 7).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_check_that_panics_gives_its_turn_back() {
        let checks = LargeChecks::new(1, Duration::from_secs(10));
        let error = checks.run(|| panic!("a bug")).await.unwrap_err();
        assert_eq!(error.code(), "internal");
        assert_eq!(checks.run(|| 7).await.unwrap(), 7);
    }
}
