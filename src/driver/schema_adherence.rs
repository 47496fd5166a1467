//! Whether an endpoint that took a schema keeps to it.

use std::collections::HashSet;

use super::Report;
use crate::model::{FailureKind, GenerationOutcome, NoticeCode};
use crate::run::Event;
use crate::schema::Violation;
use crate::schema::strict::ModelSchema;

/// Watches one answer. Only what the endpoint was told counts: a rule that was relaxed for the
/// model is none of its own.
pub(super) struct SchemaAdherence {
    /// The keywords of which the endpoint was not told every use; none where it was given no
    /// schema.
    relaxed: Option<HashSet<String>>,
    is_broken: bool,
}

/// Keywords that only say that one of several others is broken, perhaps one that was relaxed; and
/// a format, of which endpoints have their own notion.
const SAYS_NOTHING: [&str; 9] = [
    "anyOf",
    "oneOf",
    "allOf",
    "not",
    "if",
    "contains",
    "format",
    "propertyNames",
    "unevaluatedProperties",
];

impl SchemaAdherence {
    /// A watch over the answer to a request that carries this schema, where it carries one.
    pub fn of(schema: Option<&ModelSchema>) -> SchemaAdherence {
        let keywords = |schema: &ModelSchema| {
            let relaxed = schema.relaxed.iter();
            relaxed.map(|one| one.keyword.clone()).collect()
        };
        SchemaAdherence {
            relaxed: schema.map(keywords),
            is_broken: false,
        }
    }

    /// Takes what is reported of the answer, without the `null`s that the model was allowed.
    pub fn watch(&mut self, report: &Report) {
        let Some(relaxed) = &self.relaxed else { return };
        let was_told = |violation: &Violation| {
            let keyword = violation.keyword.as_str();
            !SAYS_NOTHING.contains(&keyword) && !relaxed.contains(keyword)
        };
        self.is_broken |= match report {
            Report::Event(event) => match &**event {
                Event::TaskArrived { violations, .. } => violations.iter().any(was_told),
                _ => false,
            },
            Report::Notice(notice) => matches!(
                notice.code,
                NoticeCode::TextAroundJson | NoticeCode::ReasoningInResponse
            ),
            Report::Text(_) => false,
        };
    }

    /// Whether the answer that ended so is not what the endpoint had agreed to.
    pub fn is_broken_by(&self, outcome: &GenerationOutcome) -> bool {
        let is_no_json = matches!(
            outcome,
            GenerationOutcome::Failed(failure) if matches!(
                failure.kind,
                FailureKind::NoJson | FailureKind::MalformedAnswer | FailureKind::AnswerNotClosed
            )
        );
        self.relaxed.is_some() && (self.is_broken || is_no_json)
    }
}
