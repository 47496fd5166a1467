//! Carries out what a run wants done, over the ports. There is one driver for dry runs, which has
//! no way to the network in any of its parts, and one for live runs.

mod dry;
mod headless;
mod journal;
mod live;
mod model_call;
mod schema_adherence;
mod write_queue;

use std::sync::Arc;

pub use dry::DryDriver;
pub use headless::{run_delivery, run_generation};
pub use journal::{Loaded, draft_entry, entries, load, load_read_only, renew, run_entry};
pub use live::LiveDriver;
pub use model_call::request_for;
pub use write_queue::{Transaction, WriteQueue};

use crate::brief::{Brief, Count};
use crate::document::Document;
use crate::model::{Notice, NoticeCode, ResponseFormat};
use crate::prompt::TaskRequest;
use crate::review::DraftId;
use crate::run::{Event, Run};
use crate::schema::{Check, TaskSchema, Violation};
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
    /// What is asked for.
    pub ask: TaskRequest,
    /// How much of the schema the endpoint is asked to enforce.
    pub response_format: ResponseFormat,
}

impl Assignment {
    /// What a run wants asked; none where it has no brief.
    #[must_use]
    pub fn of(run: &Run, ask: TaskRequest, response_format: ResponseFormat) -> Option<Assignment> {
        Some(Assignment {
            brief: run.brief()?.clone(),
            schema: run.schema().clone(),
            connection: run.connection().clone(),
            ask,
            response_format,
        })
    }

    /// What a live run of this brief would begin with.
    #[must_use]
    pub fn first(
        brief: Brief,
        schema: TaskSchema,
        connection: Connection,
        response_format: ResponseFormat,
    ) -> Assignment {
        let most = connection.model.as_ref().and_then(|model| {
            let most = model.limits.tasks_per_request.get();
            u16::try_from(most).ok().and_then(Count::new)
        });
        let ask = TaskRequest::first(&brief, most.unwrap_or(brief.count));
        Assignment {
            brief,
            schema,
            connection,
            ask,
            response_format,
        }
    }
}

/// What a driver tells while it works.
#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    /// Something happened to the run.
    Event(Box<Event>),
    /// More of the answer's text, for those who watch it arrive.
    Text(String),
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

/// Says what the schema says of a text.
#[must_use]
pub fn checked(check: &dyn Check, draft: DraftId, revision: u32, text: &Arc<str>) -> Event {
    let violations = match Document::parse_shared(text) {
        Ok(document) => check.check(&document),
        Err(error) => vec![Violation {
            instance_path: String::new(),
            schema_path: String::new(),
            keyword: "syntax".to_owned(),
            message: error.to_string(),
        }],
    };
    Event::Checked {
        draft,
        revision,
        violations,
    }
}
