//! Texts about a running delivery, for the page and for screen readers.

use super::{DeliveryProgress, Phase};
use crate::text::{about, countdown, counted, grouped};

/// Longest time between announcements while tasks are finished, in milliseconds.
const MAX_INTERVAL: u64 = 15_000;
/// Shortest time between announcements in the same phase, in milliseconds.
const MIN_INTERVAL: u64 = 5_000;

/// The current phase, as a sentence without its full stop.
#[must_use]
pub fn phase_text(progress: &DeliveryProgress, concurrency: u8) -> String {
    match progress.phase {
        Phase::Concurrent | Phase::FirstAlone if progress.left <= 1 => "One task left".to_owned(),
        Phase::Concurrent if concurrency == 1 => "One task at a time".to_owned(),
        Phase::Concurrent => format!("Up to {concurrency} tasks at a time"),
        Phase::FirstAlone => "The first task only; the others wait for its result".to_owned(),
        Phase::Probing => "The server is failing: one task at a time".to_owned(),
        Phase::Offline => "Offline: waiting for a network connection".to_owned(),
    }
}

/// Time until the next attempt, if one is scheduled after `now`: `next attempt in 9 s`.
#[must_use]
pub fn next_attempt_text(progress: &DeliveryProgress, now: u64) -> Option<String> {
    let left = progress.next_at?.checked_sub(now)?;
    (left > 0).then(|| format!("next attempt in {}", countdown(left)))
}

/// Rate and remaining time, if known: `48 per minute, about 2 minutes left`. `None` while waiting
/// for the next attempt.
#[must_use]
pub fn rate_text(progress: &DeliveryProgress) -> Option<String> {
    if progress.next_at.is_some() {
        return None;
    }
    let per_minute = usize::try_from(progress.per_minute?).ok()?;
    let rate = match per_minute {
        0 => "less than one per minute".to_owned(),
        _ => format!("{} per minute", grouped(per_minute)),
    };
    Some(match progress.time_left.filter(|_| progress.left > 0) {
        Some(left) => format!("{rate}, {} left", about(left)),
        None => rate,
    })
}

/// Decides when to announce progress, and what to say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Announcer {
    last: Option<Announced>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Announced {
    phase: Phase,
    done: usize,
    at: u64,
}

impl Announcer {
    /// The announcement due at `now` (milliseconds since 1970), when `done` of `total` tasks are
    /// finished; `None` if none is due. Every change of phase is announced immediately; otherwise,
    /// every tenth of the tasks, or any progress after `MAX_INTERVAL`.
    pub fn next(
        &mut self,
        progress: &DeliveryProgress,
        concurrency: u8,
        (done, total): (usize, usize),
        now: u64,
    ) -> Option<String> {
        let phase_changed = self
            .last
            .as_ref()
            .is_none_or(|last| last.phase != progress.phase);
        let is_progress_due = self.last.as_ref().is_some_and(|last| {
            let interval = now.saturating_sub(last.at);
            let finished = done.saturating_sub(last.done);
            let is_tenth = finished * 10 >= total;
            finished > 0 && (interval >= MAX_INTERVAL || interval >= MIN_INTERVAL && is_tenth)
        });
        if !phase_changed && !is_progress_due {
            return None;
        }
        self.last = Some(Announced {
            phase: progress.phase,
            done,
            at: now,
        });
        let mut parts = Vec::new();
        if phase_changed {
            parts.push(phase_text(progress, concurrency));
        }
        if total > 0 {
            parts.push(format!(
                "{} of {} done",
                grouped(done),
                counted(total, "task")
            ));
        }
        let mut text = parts.join(". ");
        let is_posting = progress.left > 0 && progress.next_at.is_none();
        if let Some(left) = progress.time_left.filter(|_| is_posting) {
            text = format!("{text}, {} left", about(left));
        }
        Some(format!("{text}."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(phase: Phase, left: usize) -> DeliveryProgress {
        DeliveryProgress {
            phase,
            left,
            next_at: None,
            per_minute: None,
            time_left: None,
        }
    }

    #[test]
    fn a_fast_delivery_is_announced_in_tenths() {
        let mut announcer = Announcer::default();
        let mut announced = Vec::new();
        // Ten tasks per second for a minute.
        for second in 0..=60 {
            let done = usize::try_from(second).unwrap() * 10;
            let progress = progress(Phase::Concurrent, 600 - done);
            announced.extend(announcer.next(&progress, 4, (done, 600), second * 1_000));
        }
        assert_eq!(
            announced[0],
            "Up to 4 tasks at a time. 0 of 600 tasks done."
        );
        assert_eq!(announced[1], "60 of 600 tasks done.");
        assert!((6..=13).contains(&announced.len()), "{announced:?}");
    }

    #[test]
    fn a_delivery_without_tasks_has_no_count() {
        let mut announcer = Announcer::default();
        let progress = progress(Phase::Concurrent, 5);
        let announced = announcer.next(&progress, 4, (0, 0), 0);
        assert_eq!(announced.as_deref(), Some("Up to 4 tasks at a time."));
    }

    #[test]
    fn a_slow_delivery_is_announced_every_15_seconds_if_there_is_progress() {
        let mut announcer = Announcer::default();
        let mut next = |done, second: u64| {
            let progress = progress(Phase::Concurrent, 1_000 - done);
            announcer.next(&progress, 1, (done, 1_000), second * 1_000)
        };
        assert!(next(0, 0).is_some());
        assert_eq!(next(1, 14), None);
        assert_eq!(next(1, 15).as_deref(), Some("1 of 1,000 tasks done."));
        assert_eq!(next(1, 300), None);
    }

    #[test]
    fn every_change_of_phase_is_announced_immediately() {
        let mut announcer = Announcer::default();
        let mut next = |phase| announcer.next(&progress(phase, 3), 4, (0, 3), 0);
        assert!(next(Phase::FirstAlone).is_some());
        assert!(next(Phase::Probing).is_some_and(|text| text.contains("server is failing")));
        assert_eq!(next(Phase::Probing), None);
        assert!(next(Phase::Offline).is_some_and(|text| text.starts_with("Offline")));
    }

    #[test]
    fn the_phase_text_does_not_mention_concurrency_for_the_last_task() {
        for (phase, left, text) in [
            (Phase::FirstAlone, 1, "One task left"),
            (Phase::Concurrent, 1, "One task left"),
            (Phase::Concurrent, 2, "Up to 4 tasks at a time"),
            (
                Phase::Probing,
                1,
                "The server is failing: one task at a time",
            ),
        ] {
            assert_eq!(phase_text(&progress(phase, left), 4), text);
        }
    }

    #[test]
    fn rate_remaining_time_and_next_attempt_appear_once_they_are_known() {
        let mut progress = progress(Phase::Concurrent, 96);
        assert_eq!(rate_text(&progress), None);
        assert_eq!(next_attempt_text(&progress, 5), None);
        progress.per_minute = Some(48);
        progress.time_left = Some(120_000);
        assert_eq!(
            rate_text(&progress).as_deref(),
            Some("48 per minute, about 2 minutes left")
        );
        progress.next_at = Some(12_000);
        assert_eq!(rate_text(&progress), None);
        assert_eq!(
            next_attempt_text(&progress, 2_500).as_deref(),
            Some("next attempt in 10 s")
        );
        assert_eq!(next_attempt_text(&progress, 12_000), None);
        (progress.next_at, progress.left) = (None, 0);
        assert_eq!(rate_text(&progress).as_deref(), Some("48 per minute"));
    }
}
