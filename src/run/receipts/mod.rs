//! Receipts of a run: one line per attempt, as JSON Lines or CSV, and a summary that counts every
//! task once.
//!
//! Receipts contain no secrets. Texts of the model are exported as data, never as formulas.

mod summary;

use serde::Serialize;
use serde_json::{Map, Value};

pub use summary::{Summary, state_text};

use super::{Mode, Run, TaskDraft};
use crate::csv;
use crate::delivery::{Attempt, DeliveryOutcome, LookUp};
use crate::review::RunId;
use crate::time;

/// File format of receipts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiptFormat {
    /// JSON Lines: an object per attempt, then one for the summary. The member `record` tells them
    /// apart.
    JsonLines,
    /// CSV (RFC 4180): a header, then a record per attempt.
    Csv,
}

impl ReceiptFormat {
    /// The file name extension, without the dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            ReceiptFormat::JsonLines => "jsonl",
            ReceiptFormat::Csv => "csv",
        }
    }

    /// The media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            ReceiptFormat::JsonLines => "application/jsonl",
            ReceiptFormat::Csv => csv::MEDIA_TYPE,
        }
    }
}

/// The receipt of one attempt.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Receipt {
    /// Identity of the draft: its run and its ordinal.
    pub draft: String,
    /// The task key, if the schema has one.
    pub task_key: Option<String>,
    /// The task's title, if the schema has one.
    pub task_title: Option<String>,
    /// The current state of the task, such as `delivered`.
    pub task_state: &'static str,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// Outcome of the attempt, such as `delivered` or `unconfirmed`; `None` while it is in flight.
    pub outcome: Option<&'static str>,
    /// Who determined the result for the task; `None` if it is unknown.
    pub decided_by: Option<DecidedBy>,
    /// The HTTP status, if there was a response.
    pub status: Option<u16>,
    /// The server's identifier of the task, if it returned one.
    pub server_id: Option<String>,
    /// The idempotency key of the body.
    pub idempotency_key: String,
    /// Whether the key was sent to the server.
    pub key_sent: bool,
    /// Whether the task was posted on its own, as a test.
    pub is_test: bool,
    /// SHA-256 of the exact body, in hexadecimal.
    pub digest: String,
    /// The exact URL; `None` in a dry run.
    pub url: Option<String>,
    /// When the attempt was begun and journaled, in RFC 3339, UTC.
    pub started_at: Option<String>,
    /// When the request was sent.
    pub sent_at: Option<String>,
    /// When the attempt ended.
    pub ended_at: Option<String>,
    /// The message of the server or the browser, truncated.
    pub message: Option<String>,
}

/// Who determined the result of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DecidedBy {
    /// The server, in its response to the post.
    Server,
    /// The server, in its response to a look-up.
    LookUp,
    /// The operator.
    Operator,
    /// This page, because nothing was sent.
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
    /// A receipt for each attempt, in the order in which the tasks arrived.
    pub fn receipts(&self) -> impl Iterator<Item = Receipt> + '_ {
        self.drafts().iter().flat_map(move |draft| {
            draft
                .delivery
                .attempts
                .iter()
                .map(move |attempt| self.receipt(draft, attempt))
        })
    }

    /// Number of drafts in each state.
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
            is_test: attempt.is_test,
            digest: attempt.digest.to_string(),
            url: attempt.url.as_deref().map(str::to_owned),
            started_at: time::rfc3339(attempt.started_at),
            sent_at: attempt.sent_at.and_then(time::rfc3339),
            ended_at: attempt.ended_at.and_then(time::rfc3339),
            message,
        }
    }
}

/// The content of a receipts file written at `now` (milliseconds since 1970).
#[must_use]
pub fn text(run: &Run, format: ReceiptFormat, now: u64) -> String {
    match format {
        ReceiptFormat::JsonLines => json_lines(run, now),
        ReceiptFormat::Csv => csv_text(run.receipts()),
    }
}

/// The name of a receipts file, with the run and the day (UTC).
#[must_use]
pub fn file_name(run: &RunId, format: ReceiptFormat, now: u64) -> String {
    let day = time::rfc3339(now).unwrap_or_default();
    let day = day.split('T').next().unwrap_or_default();
    format!("taskwright-receipts-{run}-{day}.{}", format.extension())
}

/// A header and a record per receipt. The columns are the members of a receipt, in order.
fn csv_text(receipts: impl Iterator<Item = Receipt>) -> String {
    let mut text = String::new();
    let header = row(&Receipt::default());
    csv::push_record(&mut text, header.keys().map(String::as_str));
    for receipt in receipts {
        let row = row(&receipt);
        let cells: Vec<String> = row.values().map(cell).collect();
        csv::push_record(&mut text, cells.iter().map(String::as_str));
    }
    text
}

fn row(receipt: &Receipt) -> Map<String, Value> {
    match serde_json::to_value(receipt) {
        Ok(Value::Object(row)) => row,
        // Unreachable: a struct serializes as an object.
        _ => Map::new(),
    }
}

/// The content of a cell.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => csv::without_formulas(text),
        other => other.to_string(),
    }
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
        // Cannot fail for strings, numbers and booleans.
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
        DeliveryOutcome::Failed { .. } => "failed",
        DeliveryOutcome::Unauthorized { .. } => "unauthorized",
        DeliveryOutcome::Unconfirmed { .. } => "unconfirmed",
        DeliveryOutcome::NoToken => "no_token",
        DeliveryOutcome::NotSent { .. } => "not_sent",
    }
}

/// Status, server identifier and message.
fn details(outcome: Option<&DeliveryOutcome>) -> (Option<u16>, Option<String>, Option<String>) {
    let text = |message: &String| Some(message.clone()).filter(|text| !text.is_empty());
    match outcome {
        None | Some(DeliveryOutcome::Dry | DeliveryOutcome::NoToken) => (None, None, None),
        Some(DeliveryOutcome::Delivered {
            status, server_id, ..
        }) => (*status, server_id.clone(), None),
        Some(
            DeliveryOutcome::Refused {
                status, message, ..
            }
            | DeliveryOutcome::Unconfirmed {
                status, message, ..
            },
        ) => (*status, None, text(message)),
        Some(
            DeliveryOutcome::Failed {
                status, message, ..
            }
            | DeliveryOutcome::Unauthorized {
                status, message, ..
            },
        ) => (Some(*status), None, text(message)),
        Some(DeliveryOutcome::NotSent { message }) => (None, None, text(message)),
    }
}

/// The server or the page determines most outcomes. An unconfirmed attempt stays undetermined until
/// the operator or a look-up resolves it.
fn decided_by(draft: &TaskDraft, attempt: &Attempt) -> Option<DecidedBy> {
    match attempt.outcome.as_ref()? {
        DeliveryOutcome::Delivered { .. }
        | DeliveryOutcome::Refused { .. }
        | DeliveryOutcome::Failed { .. }
        | DeliveryOutcome::Unauthorized { .. } => Some(DecidedBy::Server),
        DeliveryOutcome::Dry | DeliveryOutcome::NoToken | DeliveryOutcome::NotSent { .. } => {
            Some(DecidedBy::Page)
        }
        DeliveryOutcome::Unconfirmed { .. } if attempt.number > draft.delivery.resolved_through => {
            None
        }
        DeliveryOutcome::Unconfirmed { .. } => match draft.delivery.look_up.as_deref() {
            Some(LookUp::Found { .. }) => Some(DecidedBy::LookUp),
            _ => Some(DecidedBy::Operator),
        },
    }
}
