//! Every task of a run, counted once.

use serde::{Serialize, Serializer};

use crate::review::DraftState;
use crate::run::Counts;
use crate::text::{counted, grouped, listed};

/// How many tasks there are, and how many of them are in each state. The states add up to the
/// tasks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// How many tasks there are.
    pub tasks: usize,
    /// The states that occur, each with its count; an object of names and numbers in JSON.
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
    pub fn words(&self) -> String {
        let parts: Vec<String> = self
            .states
            .iter()
            .map(|(state, count)| format!("{} {}", grouped(*count), words(*state)))
            .collect();
        format!("Of {}: {}.", counted(self.tasks, "task"), listed(&parts))
    }
}

/// What was posted comes first, what never left last.
const ORDER: [DraftState; DraftState::ALL.len()] = [
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

/// What a state means for whoever accounts for the tasks, as it stands behind a number.
#[must_use]
pub fn words(state: DraftState) -> &'static str {
    match state {
        DraftState::Delivered => "delivered",
        DraftState::DryDelivered => "with a dry receipt",
        DraftState::Refused => "refused",
        DraftState::Failed => "failed",
        DraftState::Unconfirmed => "unconfirmed",
        DraftState::Sending => "on the way",
        DraftState::Queued => "waiting to be posted",
        DraftState::Approved => "approved and not posted",
        DraftState::Ready => "not decided",
        DraftState::Invalid => "invalid",
        DraftState::Checking => "being checked",
        DraftState::Rejected => "rejected",
    }
}
