//! A delivery in words: what is going on, and what is said of it to those who do not see it, at a
//! pace that one can listen to.

use super::{DeliveryProgress, Phase};
use crate::text::{about, countdown, counted, grouped};

/// At most so long nothing is said while tasks go, in milliseconds.
const LONGEST_SILENCE: u64 = 15_000;
/// So long nothing is said after something was, unless the standing changes, in milliseconds.
const SHORTEST_SILENCE: u64 = 5_000;

/// What is going on, as a sentence without its stop. `at_a_time` is how many tasks may be on their
/// way.
#[must_use]
pub fn standing(progress: &DeliveryProgress, at_a_time: u8) -> String {
    match progress.standing {
        Phase::Going | Phase::FirstAlone if progress.left <= 1 => "One task left".to_owned(),
        Phase::Going if at_a_time == 1 => "One task at a time".to_owned(),
        Phase::Going => format!("Up to {at_a_time} tasks side by side"),
        Phase::FirstAlone => "The first one goes alone, the others wait for its answer".to_owned(),
        Phase::Probing => "The server was in trouble: trying one at a time".to_owned(),
        Phase::Offline => "No network: waiting until there is one".to_owned(),
    }
}

/// When the next try is, where that is waited for at `now`: `next try in 9 s`.
#[must_use]
pub fn next_try(progress: &DeliveryProgress, now: u64) -> Option<String> {
    let left = progress.next_at?.checked_sub(now)?;
    (left > 0).then(|| format!("next try in {}", countdown(left)))
}

/// How fast it goes and how long it will take, where that can be told: `48 a minute, about 2
/// minutes left`. While the next try is waited for, neither can.
#[must_use]
pub fn pace(progress: &DeliveryProgress) -> Option<String> {
    if progress.next_at.is_some() {
        return None;
    }
    let per_minute = usize::try_from(progress.per_minute?).ok()?;
    let rate = match per_minute {
        0 => "less than one a minute".to_owned(),
        _ => format!("{} a minute", grouped(per_minute)),
    };
    Some(match progress.time_left.filter(|_| progress.left > 0) {
        Some(left) => format!("{rate}, {} left", about(left)),
        None => rate,
    })
}

/// Decides when something is said, and what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Announcer {
    last: Option<Announced>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Announced {
    standing: Phase,
    done: usize,
    at: u64,
}

impl Announcer {
    /// What to say at `now`, in milliseconds since 1970, when `done` of `total` tasks have come to
    /// something; none where it is better to be silent. Every change of the standing is said, and
    /// otherwise each tenth of the tasks, or what came in a quarter of a minute.
    pub fn tell(
        &mut self,
        progress: &DeliveryProgress,
        at_a_time: u8,
        (done, total): (usize, usize),
        now: u64,
    ) -> Option<String> {
        let is_news = match &self.last {
            None => true,
            Some(last) if last.standing != progress.standing => true,
            Some(last) => {
                let silence = now.saturating_sub(last.at);
                let came = done.saturating_sub(last.done);
                came > 0
                    && (silence >= LONGEST_SILENCE
                        || silence >= SHORTEST_SILENCE && came * 10 >= total)
            }
        };
        if !is_news {
            return None;
        }
        let changed = self
            .last
            .as_ref()
            .is_none_or(|last| last.standing != progress.standing);
        self.last = Some(Announced {
            standing: progress.standing,
            done,
            at: now,
        });
        let mut said = format!("{} of {} done", grouped(done), counted(total, "task"));
        if changed {
            said = format!("{}. {said}", standing(progress, at_a_time));
        }
        let is_going = progress.left > 0 && progress.next_at.is_none();
        if let Some(left) = progress.time_left.filter(|_| is_going) {
            said = format!("{said}, {} left", about(left));
        }
        Some(format!("{said}."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(standing: Phase, left: usize) -> DeliveryProgress {
        DeliveryProgress {
            standing,
            left,
            next_at: None,
            per_minute: None,
            time_left: None,
        }
    }

    #[test]
    fn a_fast_delivery_is_not_told_task_by_task() {
        let mut teller = Announcer::default();
        let mut told = Vec::new();
        // Ten tasks a second for a minute.
        for second in 0..=60 {
            let done = usize::try_from(second).unwrap() * 10;
            let now = progress(Phase::Going, 600 - done);
            told.extend(teller.tell(&now, 4, (done, 600), second * 1_000));
        }
        assert_eq!(told[0], "Up to 4 tasks side by side. 0 of 600 tasks done.");
        assert_eq!(told[1], "60 of 600 tasks done.");
        assert!((6..=13).contains(&told.len()), "{told:?}");
    }

    #[test]
    fn a_slow_delivery_is_told_every_quarter_of_a_minute_and_silence_where_nothing_comes() {
        let mut teller = Announcer::default();
        let mut tell = |done, second: u64| {
            let now = progress(Phase::Going, 1_000 - done);
            teller.tell(&now, 1, (done, 1_000), second * 1_000)
        };
        assert!(tell(0, 0).is_some());
        assert_eq!(tell(1, 14), None);
        assert_eq!(tell(1, 15).as_deref(), Some("1 of 1,000 tasks done."));
        assert_eq!(tell(1, 300), None);
    }

    #[test]
    fn every_change_of_the_standing_is_told_at_once() {
        let mut teller = Announcer::default();
        let mut tell = |standing| teller.tell(&progress(standing, 3), 4, (0, 3), 0);
        assert!(tell(Phase::FirstAlone).is_some());
        assert!(tell(Phase::Probing).is_some_and(|said| said.contains("in trouble")));
        assert_eq!(tell(Phase::Probing), None);
        assert!(tell(Phase::Offline).is_some_and(|said| said.starts_with("No network")));
    }

    #[test]
    fn a_last_task_goes_beside_no_other() {
        for (which, left, words) in [
            (Phase::FirstAlone, 1, "One task left"),
            (Phase::Going, 1, "One task left"),
            (Phase::Going, 2, "Up to 4 tasks side by side"),
            (
                Phase::Probing,
                1,
                "The server was in trouble: trying one at a time",
            ),
        ] {
            assert_eq!(standing(&progress(which, left), 4), words);
        }
    }

    #[test]
    fn rate_time_left_and_the_next_try_are_said_where_they_are_known() {
        let mut now = progress(Phase::Going, 96);
        assert_eq!((pace(&now), next_try(&now, 5)), (None, None));
        now.per_minute = Some(48);
        now.time_left = Some(120_000);
        assert_eq!(
            pace(&now).as_deref(),
            Some("48 a minute, about 2 minutes left")
        );
        now.next_at = Some(12_000);
        assert_eq!(pace(&now), None);
        assert_eq!(next_try(&now, 2_500).as_deref(), Some("next try in 10 s"));
        assert_eq!(next_try(&now, 12_000), None);
        (now.next_at, now.left) = (None, 0);
        assert_eq!(pace(&now).as_deref(), Some("48 a minute"));
    }
}
