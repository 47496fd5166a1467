//! How long secrets are held while nobody uses the page.

/// A time without input after which held secrets are forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdleLimit(u16);

impl IdleLimit {
    /// The limits to choose from, in minutes.
    pub const CHOICES: [u16; 5] = [5, 15, 30, 60, 240];

    /// Returns a limit, or `None` if it is not one of the [choices](IdleLimit::CHOICES).
    #[must_use]
    pub fn new(minutes: u16) -> Option<IdleLimit> {
        IdleLimit::CHOICES
            .contains(&minutes)
            .then_some(IdleLimit(minutes))
    }

    /// The limit in minutes.
    #[must_use]
    pub fn minutes(self) -> u16 {
        self.0
    }

    /// Whether this much time has passed at `now` since the last input, both in milliseconds since 1970.
    /// A clock that was set back starts the time again.
    #[must_use]
    pub fn is_over(self, last_input: u64, now: u64) -> bool {
        now.saturating_sub(last_input) >= u64::from(self.0) * 60_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_over_after_its_minutes_without_input() {
        let limit = IdleLimit::new(5).unwrap();
        for (last_input, now, is_over) in [
            (1_000, 300_999, false),
            (1_000, 301_000, true),
            (1_000, u64::MAX, true),
            (301_000, 1_000, false),
        ] {
            assert_eq!(
                limit.is_over(last_input, now),
                is_over,
                "{last_input} {now}"
            );
        }
        assert_eq!(IdleLimit::new(0), None);
        assert_eq!(IdleLimit::new(7), None);
        assert_eq!(IdleLimit::new(240).unwrap().minutes(), 240);
    }
}
