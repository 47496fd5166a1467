//! Limits per minute: a leaky bucket that holds the amount of one minute and drains continuously.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What was used of a limit per minute. The limit itself is given with each use, so that it may
/// differ between them.
#[derive(Debug, Default)]
pub struct Meter(Mutex<Reading>);

#[derive(Debug, Default)]
struct Reading {
    used: f64,
    read_at: Option<Instant>,
}

impl Meter {
    /// Uses `amount` of `per_minute`. An amount above the limit is accepted once nothing else is in
    /// use.
    ///
    /// # Errors
    /// The time until the amount may be used; then nothing of it is.
    pub fn take(&self, amount: u32, per_minute: u32, now: Instant) -> Result<(), Duration> {
        let (limit, amount) = (f64::from(per_minute), f64::from(amount));
        let per_second = limit / 60.0;
        let mut reading = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed = reading
            .read_at
            .map_or(Duration::ZERO, |then| now.saturating_duration_since(then));
        reading.used = (reading.used - elapsed.as_secs_f64() * per_second).max(0.0);
        reading.read_at = Some(now);
        let excess = reading.used + amount.min(limit) - limit;
        if excess <= 0.0 {
            reading.used += amount;
            return Ok(());
        }
        let seconds = excess / per_second;
        Err(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
    }

    /// Replaces an amount that was used by what it turned out to be.
    pub fn correct(&self, taken: u32, actual: u32) {
        let mut reading = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reading.used = (reading.used + f64::from(actual) - f64::from(taken)).max(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(milliseconds: u64, start: Instant) -> Instant {
        start + Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_burst_of_one_minutes_requests_is_allowed_and_the_next_has_to_wait() {
        let (start, meter) = (Instant::now(), Meter::default());
        for _ in 0..30 {
            assert_eq!(meter.take(1, 30, start), Ok(()));
        }
        let wait = meter.take(1, 30, start).unwrap_err();
        assert!((wait.as_secs_f64() - 2.0).abs() < 0.01, "{wait:?}");
        assert!(meter.take(1, 30, after(1_900, start)).is_err());
        assert!(meter.take(1, 30, after(2_100, start)).is_ok());
    }

    #[test]
    fn a_long_pause_does_not_allow_more_than_one_minutes_requests() {
        let (start, meter) = (Instant::now(), Meter::default());
        assert!(meter.take(1, 2, start).is_ok());
        let later = after(3_600_000, start);
        assert!(meter.take(1, 2, later).is_ok());
        assert!(meter.take(1, 2, later).is_ok());
        assert!(meter.take(1, 2, later).is_err());
    }

    #[test]
    fn an_amount_above_the_limit_is_accepted_when_nothing_else_is_in_use() {
        let (start, meter) = (Instant::now(), Meter::default());
        assert!(meter.take(500, 100, start).is_ok());
        let wait = meter.take(1, 100, start).unwrap_err();
        assert!((wait.as_secs_f64() - 240.6).abs() < 0.1, "{wait:?}");
        assert!(meter.take(1, 100, start + wait).is_ok());
    }

    #[test]
    fn an_estimate_is_replaced_by_the_actual_amount() {
        let (start, meter) = (Instant::now(), Meter::default());
        meter.take(10, 100, start).unwrap();
        meter.correct(10, 95);
        assert!(meter.take(10, 100, start).is_err());
        meter.correct(95, 0);
        assert!(meter.take(100, 100, start).is_ok());
        meter.correct(u32::MAX, 0);
        assert!(meter.take(100, 100, start).is_ok());
    }
}
