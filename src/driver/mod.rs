//! Drivers carry out the effects of a run through the ports. One is for live runs; the other is for
//! dry runs and has no access to the network.

mod dry;
mod headless;
mod journal;
mod live;
mod model_call;
mod schema_adherence;
mod stored_runs;
mod write_queue;

use std::sync::Arc;

pub use dry::DryDriver;
pub use headless::{run_delivery, run_generation};
pub use journal::{Loaded, entries, load, load_changes, load_read_only};
pub use live::LiveDriver;
pub use model_call::request_for;
pub use stored_runs::{
    StoredRun, delete_all_runs, delete_responses, delete_run, delivered_tasks, list_runs,
    update_run,
};
pub use write_queue::{Transaction, WriteQueue, write_rest};

use crate::brief::{Brief, Count};
use crate::document::Document;
use crate::model::{Adaptations, Notice, NoticeCode};
use crate::prompt::TaskRequest;
use crate::review::DraftId;
use crate::run::{Effect, Event, Mode, Run};
use crate::schema::{Check, TaskSchema, Violation};
use crate::secrets::{HELD_SECRET, Keyring};
use crate::settings::Connection;

/// Input of one call to the model.
#[derive(Debug, Clone)]
pub struct Assignment {
    /// The brief.
    pub brief: Brief,
    /// The task schema.
    pub schema: TaskSchema,
    /// The connection. A dry run does not use it.
    pub connection: Connection,
    /// What to ask for.
    pub request: TaskRequest,
    /// The adaptations to make the call with.
    pub adaptations: Adaptations,
}

impl Assignment {
    /// The input for a request of this run; `None` if the run has no brief.
    #[must_use]
    pub fn of(run: &Run, request: TaskRequest, adaptations: Adaptations) -> Option<Assignment> {
        Some(Assignment {
            brief: run.brief()?.clone(),
            schema: run.schema().clone(),
            connection: run.connection().clone(),
            request,
            adaptations,
        })
    }

    /// The input for the first request of a live run with this brief.
    #[must_use]
    pub fn first(
        brief: Brief,
        schema: TaskSchema,
        connection: Connection,
        adaptations: Adaptations,
    ) -> Assignment {
        let limit = connection.model.as_ref().and_then(|model| {
            let limit = model.limits.tasks_per_request.get();
            u16::try_from(limit).ok().and_then(Count::new)
        });
        let request = TaskRequest::first(&brief, limit.unwrap_or(brief.count));
        Assignment {
            brief,
            schema,
            connection,
            request,
            adaptations,
        }
    }
}

/// What a driver reports while it works.
#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    /// An event for the run.
    Event(Box<Event>),
    /// More of the response text, for live display.
    Text(String),
    /// The model is reasoning, apart from the response text.
    Reasoning {
        /// The size of the reasoning so far, in bytes, up to 1 MiB.
        bytes: usize,
    },
    /// An oddity that does not affect the tasks.
    Notice(Notice),
}

impl Report {
    fn event(event: Event) -> Report {
        Report::Event(Box::new(event))
    }

    fn notice(code: NoticeCode, message: impl Into<String>) -> Report {
        Report::Notice(Notice::new(code, message))
    }
}

/// Checks a text against the schema and returns the event for the run.
#[must_use]
pub fn checked(check: &dyn Check, draft: DraftId, revision: u32, text: &Arc<str>) -> Event {
    let violations = match Document::parse_shared(text) {
        Ok(document) => check.check(&document),
        Err(error) => vec![Violation {
            instance_path: String::new(),
            schema_path: String::new(),
            keyword: "syntax".to_owned(),
            message: error.to_string(),
            ..Violation::default()
        }],
    };
    Event::Checked {
        draft,
        revision,
        violations,
    }
}

/// The checks that a live run needs after secrets were entered: those of its tasks that contain one and
/// were found valid before. A violation about a secret stays when the secret is forgotten, until the
/// task is edited.
#[must_use]
pub fn checks_for_secrets(run: &Run, secrets: &Keyring) -> Vec<Effect> {
    if run.mode() == Mode::Dry {
        return Vec::new();
    }
    let redactor = secrets.redactor();
    run.drafts()
        .iter()
        .filter(|draft| {
            let is_known = |violation: &Violation| violation.keyword == HELD_SECRET;
            let violations = draft.violations.as_ref();
            draft.content.is_json()
                && violations.is_some_and(|violations| !violations.iter().any(is_known))
                && redactor.find_in_task(draft.content.text()).is_some()
        })
        .map(|draft| Effect::Check {
            draft: draft.id.clone(),
            revision: draft.revision,
            text: draft.content.shared_text(),
        })
        .collect()
}
