//! Progress of a delivery, and what queued tasks wait for.

use super::queue;
use crate::delivery::DeliveryStage;
use crate::review::{DraftId, DraftState};
use crate::run::{Batch, Pace, Run, TaskDraft};
use crate::settings::Address;

/// Period over which the posting rate is measured, in milliseconds. Older times do not count.
const RATE_WINDOW: u64 = 60_000;

/// Phase of a running batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Tasks are posted concurrently.
    Concurrent,
    /// Only the first task is posted.
    FirstAlone,
    /// One task is posted at a time, because requests failed.
    Probing,
    /// Nothing is posted until the browser is online.
    Offline,
}

/// Progress of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryProgress {
    /// The current phase.
    pub phase: Phase,
    /// Number of tasks that are queued or being posted.
    pub left: usize,
    /// If no request is in flight: when the next one is sent, in milliseconds since 1970.
    pub next_at: Option<u64>,
    /// Tasks finished per minute, if the rate is known.
    pub per_minute: Option<u32>,
    /// Estimated remaining time in milliseconds, if the rate is known.
    pub time_left: Option<u64>,
}

/// Why a queued task cannot be posted yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WaitReason {
    /// It depends on a task that is not delivered.
    Dependency {
        /// The dependency.
        draft: DraftId,
        /// State of the dependency.
        state: DraftState,
    },
    /// Its retry is scheduled for this time, in milliseconds since 1970.
    RetryAt(u64),
}

impl Run {
    /// Progress of the delivery at `now`; `None` unless the batch is running.
    #[must_use]
    pub fn progress(&self, now: u64) -> Option<DeliveryProgress> {
        let Batch::Running { pace } = self.batch else {
            return None;
        };
        let phase = match pace {
            _ if self.lacks_network() => Phase::Offline,
            Pace::First => Phase::FirstAlone,
            Pace::Probing => Phase::Probing,
            Pace::Full => Phase::Concurrent,
        };
        let queue = self.dispatch.queue.as_ref();
        let left = queue.map_or(0, |queue| queue.queued() + queue.sending());
        let is_waiting = phase != Phase::Offline
            && queue.is_some_and(|queue| queue.sending() == 0 && queue.queued() > 0);
        let next_at = is_waiting
            .then(|| {
                let delayed = queue.and_then(|queue| queue.first_delayed().map(|(at, _)| at));
                delayed.max(self.dispatch.server_wait_until)
            })
            .flatten()
            .filter(|at| *at > now);
        let rate = self.rate(now);
        Some(DeliveryProgress {
            phase,
            left,
            next_at,
            per_minute: rate.map(|(count, milliseconds)| {
                u32::try_from(count * 60_000 / milliseconds).unwrap_or(u32::MAX)
            }),
            time_left: rate.map(|(count, milliseconds)| left as u64 * milliseconds / count),
        })
    }

    /// Whether only tests have an outcome: tasks that were posted on their own.
    #[must_use]
    pub fn was_only_tested(&self) -> bool {
        let mut ended = self
            .drafts
            .iter()
            .filter(|draft| DraftState::ENDED.contains(&Run::state(draft)))
            .peekable();
        ended.peek().is_some() && ended.all(|draft| draft.delivery.is_test)
    }

    /// Where the tasks with an outcome went, in order of arrival: the host and port, or the URL
    /// without its scheme if several addresses have the same host. Taken from the attempts, because
    /// the connection may have changed since. Empty in a dry run.
    #[must_use]
    pub fn destinations(&self) -> Vec<String> {
        let mut urls: Vec<&str> = Vec::new();
        for draft in &self.drafts {
            let went_to = DraftState::ENDED
                .contains(&Run::state(draft))
                .then(|| draft.delivery.last_sent_url())
                .flatten();
            if let Some(url) = went_to.filter(|url| !urls.contains(url)) {
                urls.push(url);
            }
        }
        let host = |url: &str| {
            let without_query = url.split('?').next().unwrap_or(url);
            Address::parse(without_query).map(|address| address.host_and_port())
        };
        let hosts: Vec<String> = urls
            .iter()
            .map(|url| host(url).unwrap_or_else(|_| (*url).to_owned()))
            .collect();
        let is_unique = |host: &String| hosts.iter().filter(|other| *other == host).count() == 1;
        let names = hosts.iter().zip(&urls).map(|(host, url)| {
            if is_unique(host) {
                host.clone()
            } else {
                let without_scheme = url.split_once("://").map_or(*url, |(_, rest)| rest);
                without_scheme.to_owned()
            }
        });
        names.collect()
    }

    /// Number of recently finished tasks, and the milliseconds they took.
    fn rate(&self, now: u64) -> Option<(u64, u64)> {
        let recent: Vec<u64> = self
            .dispatch
            .finish_times
            .iter()
            .copied()
            .filter(|at| now.saturating_sub(*at) <= RATE_WINDOW)
            .collect();
        let first = *recent.first()?;
        let count = u64::try_from(recent.len()).ok()?.checked_sub(1)?;
        let milliseconds = now.saturating_sub(first);
        (count >= 2 && milliseconds > 0).then_some((count, milliseconds))
    }

    /// Why a queued task cannot be posted yet; `None` if it is not queued or only waits for its turn.
    #[must_use]
    pub fn wait_reason(&self, draft: &TaskDraft) -> Option<WaitReason> {
        if draft.delivery.stage != DeliveryStage::Queued {
            return None;
        }
        let plan = self.plan();
        let blocking = queue::blocking_dependency(&plan, &self.drafts, draft.id.index()?);
        match blocking.and_then(|index| self.drafts.get(index)) {
            Some(dependency) => Some(WaitReason::Dependency {
                draft: dependency.id.clone(),
                state: Run::state(dependency),
            }),
            None => draft.delivery.not_before.map(WaitReason::RetryAt),
        }
    }

    /// All queued tasks that cannot be posted yet, with the reasons.
    #[must_use]
    pub fn wait_reasons(&self) -> Vec<(DraftId, WaitReason)> {
        self.drafts
            .iter()
            .filter_map(|draft| Some((draft.id.clone(), self.wait_reason(draft)?)))
            .collect()
    }
}
