//! A rate per token: a bucket that holds one minute's worth of requests and refills evenly.

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
    /// A limiter of `per_minute` requests for each of `tokens` tokens, all buckets full at `now`.
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

    /// Takes one request from the bucket of the token with this index.
    ///
    /// # Errors
    /// The time until the next request is available.
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
    fn a_minutes_worth_passes_at_once_and_the_next_waits_its_turn() {
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
    fn one_token_does_not_use_up_another() {
        let start = Instant::now();
        let limiter = RateLimiter::new(1, 2, start);
        assert!(limiter.take(0, start).is_ok());
        assert!(limiter.take(0, start).is_err());
        assert!(limiter.take(1, start).is_ok());
    }

    #[test]
    fn a_long_pause_fills_the_bucket_once_not_more() {
        let start = Instant::now();
        let limiter = RateLimiter::new(2, 1, start);
        let later = start + Duration::from_secs(3600);
        assert!(limiter.take(0, later).is_ok());
        assert!(limiter.take(0, later).is_ok());
        assert!(limiter.take(0, later).is_err());
    }
}
