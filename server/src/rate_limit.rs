//! A rate limit for each agent token: a token bucket that holds the requests of one minute and refills
//! continuously.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Limits the requests of each token.
#[derive(Debug)]
pub struct RateLimiter {
    per_minute: f64,
    buckets: Mutex<Vec<Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    available: f64,
    filled_at: Instant,
}

impl RateLimiter {
    /// Allows `per_minute` requests for each of `tokens` agent tokens. All buckets are full at `now`.
    #[must_use]
    pub fn new(per_minute: u32, tokens: usize, now: Instant) -> Self {
        let full = Bucket {
            available: f64::from(per_minute),
            filled_at: now,
        };
        Self {
            per_minute: f64::from(per_minute),
            buckets: Mutex::new(vec![full; tokens]),
        }
    }

    /// Takes one request from the bucket of the agent token with this index.
    ///
    /// # Errors
    /// The time until the next request is allowed.
    pub fn take(&self, token: usize, now: Instant) -> Result<(), Duration> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(bucket) = buckets.get_mut(token) else {
            return Ok(());
        };
        let per_second = self.per_minute / 60.0;
        let elapsed = now.saturating_duration_since(bucket.filled_at);
        bucket.available =
            (bucket.available + elapsed.as_secs_f64() * per_second).min(self.per_minute);
        bucket.filled_at = now;
        if bucket.available >= 1.0 {
            bucket.available -= 1.0;
            Ok(())
        } else {
            Err(Duration::from_secs_f64(
                (1.0 - bucket.available) / per_second,
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_of_one_minutes_requests_is_allowed_and_the_next_has_to_wait() {
        let start = Instant::now();
        let limiter = RateLimiter::new(30, 1, start);
        for _ in 0..30 {
            assert_eq!(limiter.take(0, start), Ok(()));
        }
        let wait = limiter.take(0, start).unwrap_err();
        assert!((wait.as_secs_f64() - 2.0).abs() < 0.01, "{wait:?}");
        assert!(
            limiter
                .take(0, start + Duration::from_millis(1900))
                .is_err()
        );
        assert!(limiter.take(0, start + Duration::from_millis(2100)).is_ok());
    }

    #[test]
    fn each_token_has_its_own_limit() {
        let start = Instant::now();
        let limiter = RateLimiter::new(1, 2, start);
        assert!(limiter.take(0, start).is_ok());
        assert!(limiter.take(0, start).is_err());
        assert!(limiter.take(1, start).is_ok());
    }

    #[test]
    fn a_long_pause_does_not_overfill_the_bucket() {
        let start = Instant::now();
        let limiter = RateLimiter::new(2, 1, start);
        let later = start + Duration::from_secs(3600);
        assert!(limiter.take(0, later).is_ok());
        assert!(limiter.take(0, later).is_ok());
        assert!(limiter.take(0, later).is_err());
    }
}
