//! Whether an endpoint that accepted a schema follows it.

use std::collections::HashSet;

use super::Report;
use crate::model::{FailureKind, GenerationOutcome, NoticeCode};
use crate::run::Event;
use crate::schema::Violation;
use crate::schema::strict::ModelSchema;
use crate::secrets::HELD_SECRET;

/// Watches one response. Rules that we relaxed for the model are not held against the endpoint.
pub(super) struct SchemaAdherence {
    /// The keywords with at least one relaxed use; `None` if the request had no schema.
    relaxed: Option<HashSet<String>>,
    is_violated: bool,
}

/// Keywords whose violation proves nothing: those that only say that another rule is broken, which
/// may be a relaxed one, `format`, which endpoints interpret differently, and [`HELD_SECRET`], which
/// is not a rule of the schema.
const INCONCLUSIVE: [&str; 10] = [
    "anyOf",
    "oneOf",
    "allOf",
    "not",
    "if",
    "contains",
    "format",
    "propertyNames",
    "unevaluatedProperties",
    HELD_SECRET,
];

impl SchemaAdherence {
    /// Starts watching the response to a request with this schema, if it has one.
    pub fn of(schema: Option<&ModelSchema>) -> SchemaAdherence {
        let keywords = |schema: &ModelSchema| {
            let relaxed = schema.relaxed.iter();
            relaxed.map(|one| one.keyword.clone()).collect()
        };
        SchemaAdherence {
            relaxed: schema.map(keywords),
            is_violated: false,
        }
    }

    /// Takes a report about the response. Its tasks are without the `null`s that only the schema for
    /// the model allows.
    pub fn observe(&mut self, report: &Report) {
        let Some(relaxed) = &self.relaxed else { return };
        let is_conclusive = |violation: &Violation| {
            let keyword = violation.keyword.as_str();
            !INCONCLUSIVE.contains(&keyword) && !relaxed.contains(keyword)
        };
        self.is_violated |= match report {
            Report::Event(event) => match &**event {
                Event::TaskArrived { violations, .. } => violations.iter().any(is_conclusive),
                _ => false,
            },
            Report::Notice(notice) => matches!(
                notice.code,
                NoticeCode::TextAroundJson | NoticeCode::ReasoningInResponse
            ),
            Report::Text(_) | Report::Reasoning { .. } => false,
        };
    }

    /// Whether the response, which ended with `outcome`, violates the schema.
    pub fn is_violated_by(&self, outcome: &GenerationOutcome) -> bool {
        let is_not_json = matches!(
            outcome,
            GenerationOutcome::Failed(failure) if matches!(
                failure.kind,
                FailureKind::NoJson | FailureKind::MalformedResponse | FailureKind::JsonNotClosed
            )
        );
        self.relaxed.is_some() && (self.is_violated || is_not_json)
    }
}
