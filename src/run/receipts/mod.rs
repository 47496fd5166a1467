//! What became of every task of a run, for whoever has to account for it: a line for each attempt
//! as JSON Lines or as CSV, and a summary that counts every task once.
//!
//! Receipts hold what the run holds: no secret, and the text of a model as text.

mod csv;
mod summary;
mod time;

use serde::Serialize;

pub use summary::{Summary, words};

use super::{Mode, Run, TaskDraft};
use crate::delivery::{Attempt, DeliveryOutcome, LookUp};
use crate::review::RunId;

/// What a file of receipts is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiptFormat {
    /// JSON Lines: an object for each attempt, and one for the summary at the end. `record` says
    /// which it is.
    JsonLines,
    /// CSV (RFC 4180): a header, then a record for each attempt.
    Csv,
}

impl ReceiptFormat {
    /// How the name of such a file ends, without the dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            ReceiptFormat::JsonLines => "jsonl",
            ReceiptFormat::Csv => "csv",
        }
    }

    /// Its media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            ReceiptFormat::JsonLines => "application/jsonl",
            // RFC 7111, section 5.1 and RFC 4180, section 3.
            ReceiptFormat::Csv => "text/csv; charset=utf-8; header=present",
        }
    }
}

/// One attempt to deliver one task.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Receipt {
    /// The draft: its run, and its place in the order of arrival.
    pub draft: String,
    /// The task's own key, where its schema has one.
    pub task_key: Option<String>,
    /// The task's title, where its schema has one.
    pub task_title: Option<String>,
    /// What the task is by now, such as `delivered`.
    pub task_state: &'static str,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// What came of it, such as `delivered` or `may_have_arrived`; none while it is under way.
    pub outcome: Option<&'static str>,
    /// Who said what became of the task by it; none where nobody did.
    pub decided_by: Option<DecidedBy>,
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// The server's own name for the task, where it gave one.
    pub server_id: Option<String>,
    /// The key that stands for the body.
    pub idempotency_key: String,
    /// Whether the server was told the key.
    pub key_sent: bool,
    /// SHA-256 of the exact body, in hexadecimal.
    pub digest: String,
    /// The exact address; none in a dry run.
    pub url: Option<String>,
    /// When it was written down before the request, in RFC 3339, UTC.
    pub written_at: Option<String>,
    /// When the request left.
    pub left_at: Option<String>,
    /// When its outcome was known.
    pub answered_at: Option<String>,
    /// What the server or the browser said, cut to size.
    pub message: Option<String>,
}

/// Who said what became of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DecidedBy {
    /// The server, by its answer.
    Server,
    /// The server, when it was asked for the task by its key.
    LookUp,
    /// The operator.
    Operator,
    /// This page: the request never left it.
    Page,
}

#[derive(Serialize)]
#[serde(tag = "record", rename_all = "snake_case")]
enum Line<'a> {
    Attempt(Box<Receipt>),
    Summary(RunSummary<'a>),
}

#[derive(Serialize)]
struct RunSummary<'a> {
    run: &'a RunId,
    mode: Mode,
    started_at: Option<String>,
    written_at: Option<String>,
    attempts: usize,
    #[serde(flatten)]
    summary: Summary,
}

impl Run {
    /// A receipt for each attempt, in the order of the tasks' arrival.
    pub fn receipts(&self) -> impl Iterator<Item = Receipt> + '_ {
        self.drafts().iter().flat_map(move |draft| {
            draft
                .delivery
                .attempts
                .iter()
                .map(move |attempt| self.receipt(draft, attempt))
        })
    }

    /// Every draft, counted once by its state.
    #[must_use]
    pub fn summary(&self) -> Summary {
        Summary::of(&self.counts())
    }

    fn receipt(&self, draft: &TaskDraft, attempt: &Attempt) -> Receipt {
        let roles = self.schema().roles();
        let (status, server_id, message) = details(attempt.outcome.as_ref());
        Receipt {
            draft: draft.id.to_string(),
            task_key: draft.key(roles),
            task_title: draft.title(roles),
            task_state: Run::state(draft).slug(),
            attempt: attempt.number,
            outcome: attempt.outcome.as_ref().map(outcome_name),
            decided_by: decided_by(draft, attempt),
            status,
            server_id,
            idempotency_key: attempt.key.to_string(),
            key_sent: attempt.key_sent,
            digest: attempt.digest.to_string(),
            url: attempt.url.as_deref().map(str::to_owned),
            written_at: time::rfc3339(attempt.started_at),
            left_at: attempt.left_at.and_then(time::rfc3339),
            answered_at: attempt.ended_at.and_then(time::rfc3339),
            message,
        }
    }
}

/// The receipts of a run as a file's text, as they stand at `now` (milliseconds since 1970).
#[must_use]
pub fn text(run: &Run, format: ReceiptFormat, now: u64) -> String {
    match format {
        ReceiptFormat::JsonLines => json_lines(run, now),
        ReceiptFormat::Csv => csv::text(run.receipts()),
    }
}

/// What such a file is called: it names the run and the day (UTC).
#[must_use]
pub fn file_name(run: &RunId, format: ReceiptFormat, now: u64) -> String {
    let day = time::rfc3339(now).unwrap_or_default();
    let day = day.split('T').next().unwrap_or_default();
    format!("taskwright-receipts-{run}-{day}.{}", format.extension())
}

fn json_lines(run: &Run, now: u64) -> String {
    let attempts = run
        .receipts()
        .map(|receipt| Line::Attempt(Box::new(receipt)));
    let summary = Line::Summary(RunSummary {
        run: run.id(),
        mode: run.mode(),
        started_at: time::rfc3339(run.started_at()),
        written_at: time::rfc3339(now),
        attempts: run.receipts().count(),
        summary: run.summary(),
    });
    let mut text = String::new();
    for line in attempts.chain([summary]) {
        // Strings, numbers and flags are always written.
        if let Ok(line) = serde_json::to_string(&line) {
            text.push_str(&line);
            text.push('\n');
        }
    }
    text
}

fn outcome_name(outcome: &DeliveryOutcome) -> &'static str {
    match outcome {
        DeliveryOutcome::Delivered { .. } => "delivered",
        DeliveryOutcome::Dry => "dry",
        DeliveryOutcome::Refused { .. } => "refused",
        DeliveryOutcome::NotTaken { .. } => "not_taken",
        DeliveryOutcome::Unauthorized { .. } => "unauthorized",
        DeliveryOutcome::MayHaveArrived { .. } => "may_have_arrived",
        DeliveryOutcome::NoToken => "no_token",
        DeliveryOutcome::NotSent { .. } => "not_sent",
    }
}

/// Status, server's id, and what was said.
fn details(outcome: Option<&DeliveryOutcome>) -> (Option<u16>, Option<String>, Option<String>) {
    let said = |message: &String| Some(message.clone()).filter(|said| !said.is_empty());
    match outcome {
        None | Some(DeliveryOutcome::Dry | DeliveryOutcome::NoToken) => (None, None, None),
        Some(DeliveryOutcome::Delivered {
            status, server_id, ..
        }) => (*status, server_id.clone(), None),
        Some(
            DeliveryOutcome::Refused {
                status, message, ..
            }
            | DeliveryOutcome::MayHaveArrived { status, message },
        ) => (*status, None, said(message)),
        Some(
            DeliveryOutcome::NotTaken {
                status, message, ..
            }
            | DeliveryOutcome::Unauthorized { status, message },
        ) => (Some(*status), None, said(message)),
        Some(DeliveryOutcome::NotSent { message }) => (None, None, said(message)),
    }
}

/// An answer decides of itself. What may have arrived is decided by the operator or by a look-up,
/// both of which say up to which attempt.
fn decided_by(draft: &TaskDraft, attempt: &Attempt) -> Option<DecidedBy> {
    match attempt.outcome.as_ref()? {
        DeliveryOutcome::Delivered { .. }
        | DeliveryOutcome::Refused { .. }
        | DeliveryOutcome::NotTaken { .. }
        | DeliveryOutcome::Unauthorized { .. } => Some(DecidedBy::Server),
        DeliveryOutcome::Dry | DeliveryOutcome::NoToken | DeliveryOutcome::NotSent { .. } => {
            Some(DecidedBy::Page)
        }
        DeliveryOutcome::MayHaveArrived { .. } if attempt.number > draft.delivery.settled => None,
        DeliveryOutcome::MayHaveArrived { .. } => match draft.delivery.look_up.as_deref() {
            Some(LookUp::Found { .. }) => Some(DecidedBy::LookUp),
            _ => Some(DecidedBy::Operator),
        },
    }
}
