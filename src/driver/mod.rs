//! Carries out what a run wants done, over the ports. There is one driver for dry runs, which has
//! no way to the network in any of its parts, and one for live runs.

mod asking;
mod dry;
mod journal;
mod keeper;
mod live;

use std::sync::Arc;

pub use asking::{IDLE_MILLISECONDS, request_for};
pub use dry::DryDriver;
pub use journal::{Loaded, draft_entry, entries, load, look_on, renew, run_entry};
pub use keeper::{Keeper, Writing};
pub use live::LiveDriver;

use crate::brief::Brief;
use crate::run::Event;
use crate::schema::{Check, TaskSchema};
use crate::settings::Connection;

/// What a generation works on.
#[derive(Debug, Clone)]
pub struct Assignment {
    /// The brief.
    pub brief: Brief,
    /// The task schema.
    pub schema: TaskSchema,
    /// The endpoints; of no use to a dry run.
    pub connection: Connection,
}

/// What a driver tells while it works.
#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    /// Something happened to the run.
    Event(Box<Event>),
    /// More of the answer's text, for those who watch it arrive.
    Text(String),
    /// Something odd that takes nothing away from the answer.
    Warning {
        /// A stable name.
        code: String,
        /// What was seen.
        message: String,
    },
}

impl Report {
    fn event(event: Event) -> Report {
        Report::Event(Box::new(event))
    }
}

/// Says what the schema says of an edited text.
#[must_use]
pub fn checked(
    check: &Arc<dyn Check>,
    draft: crate::review::DraftId,
    revision: u32,
    document: &crate::document::Document,
) -> Event {
    Event::Checked {
        draft,
        revision,
        violations: check.check(document),
    }
}
