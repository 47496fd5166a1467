//! Number of tasks in each state.

use serde::{Serialize, Serializer};

use crate::review::DraftState;
use crate::run::Counts;
use crate::text::{counted, grouped, listed};

/// Number of tasks in total and in each state. The states add up to the total.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Total number of tasks.
    pub tasks: usize,
    /// The states that occur, with their counts. A JSON object of names and numbers.
    #[serde(serialize_with = "as_object")]
    pub states: Vec<(DraftState, usize)>,
}

fn as_object<S: Serializer>(
    states: &[(DraftState, usize)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(states.iter().map(|(state, count)| (state.slug(), count)))
}

impl Summary {
    /// The summary of these counts.
    #[must_use]
    pub fn of(counts: &Counts) -> Summary {
        Summary {
            tasks: counts.total(),
            states: ORDER
                .into_iter()
                .map(|state| (state, counts.of(state)))
                .filter(|(_, count)| *count > 0)
                .collect(),
        }
    }

    /// The summary as a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let parts: Vec<String> = self
            .states
            .iter()
            .map(|(state, count)| format!("{} {}", grouped(*count), state_text(*state)))
            .collect();
        format!("{}: {}.", counted(self.tasks, "task"), listed(&parts))
    }
}

/// Posted tasks first, tasks that were never sent last. Deleted tasks are no tasks of the run any more.
const ORDER: [DraftState; DraftState::ALL.len() - 1] = [
    DraftState::Delivered,
    DraftState::DryDelivered,
    DraftState::Refused,
    DraftState::Failed,
    DraftState::Unconfirmed,
    DraftState::Sending,
    DraftState::Queued,
    DraftState::Approved,
    DraftState::Ready,
    DraftState::Invalid,
    DraftState::Checking,
    DraftState::Rejected,
];

/// A state as it reads after a number.
#[must_use]
pub fn state_text(state: DraftState) -> &'static str {
    match state {
        DraftState::Delivered => "delivered",
        DraftState::DryDelivered => "with a dry receipt",
        DraftState::Refused => "refused",
        DraftState::Failed => "failed",
        DraftState::Unconfirmed => "unconfirmed",
        DraftState::Sending => "being posted",
        DraftState::Queued => "queued",
        DraftState::Approved => "approved but not posted",
        DraftState::Ready => "ready",
        DraftState::Invalid => "invalid",
        DraftState::Checking => "being checked",
        DraftState::Rejected => "rejected",
        DraftState::Deleted => "deleted",
    }
}
