//! OpenAPI documents (3.0 and 3.1): which operation takes tasks, and what a request to it needs.
//!
//! A document is read as a JSON value and not into types of its own: documents are written by many
//! tools, and one member of an unexpected form must not refuse the others.

mod operation;
mod parameter;
mod reference;
mod response;
mod security;
mod server;
mod translate;

use serde_json::{Map, Value};

use super::notice::{Notices, PasteNotice};
use crate::settings::Address;
use crate::text::{counted, listed, truncate_chars};
use operation::Candidate;

pub use operation::{ApiBody, ApiOperation};
pub use parameter::ApiParameter;
pub use server::ApiServer;
pub(super) use translate::{MAX_NODES_OF_DOCUMENT, Translator};

/// Maximum number of operations to read completely. The others are counted.
const MAX_OPERATIONS: usize = 60;
/// Maximum number of operations to look at.
const MAX_CANDIDATES: usize = 5_000;

/// An OpenAPI document.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiDocument {
    /// The title of the API.
    pub title: String,
    /// The version of OpenAPI, such as `3.1.0`.
    pub openapi: String,
    /// The servers, in the order of the document.
    pub servers: Vec<ApiServer>,
    /// The operations that take a JSON body, the one that most likely takes tasks first.
    pub operations: Vec<ApiOperation>,
    /// What was recognised, changed, left out or is missing.
    pub notices: Vec<PasteNotice>,
}

/// The version of OpenAPI or Swagger that a value names, if it is such a document.
pub(super) fn version(value: &Value) -> Option<&str> {
    let members = value.as_object()?;
    let version = members.get("openapi").or_else(|| members.get("swagger"));
    version
        .and_then(Value::as_str)
        // YAML reads `swagger: 2.0` as a number.
        .or_else(|| members.get("swagger").and(Some("2.0")))
}

/// Whether a value is an OpenAPI document of a version that is read.
pub(super) fn is_readable(value: &Value) -> bool {
    value.get("openapi").is_some() && version(value).is_some_and(|it| it.starts_with("3."))
}

impl ApiDocument {
    /// Reads a document. `address` is where it was fetched from, if it was.
    pub(super) fn read(document: &Value, address: Option<&Address>) -> ApiDocument {
        let mut notices = Notices::default();
        let openapi = version(document).unwrap_or_default().to_owned();
        let title = document
            .pointer("/info/title")
            .and_then(Value::as_str)
            .map(|title| truncate_chars(title, 200))
            .unwrap_or_default();
        if !openapi.starts_with("3.0") && !openapi.starts_with("3.1") {
            notices.recognized(format!(
                "The document is OpenAPI {}. It was read as OpenAPI 3.1.",
                truncate_chars(&openapi, 20)
            ));
        }
        let servers = server::read(document.get("servers"), address, &mut notices);
        let mut candidates = Vec::new();
        let mut not_json = Vec::new();
        for (path, item) in members(document.get("paths")) {
            let item = reference::resolved(document, item);
            for (method, operation) in operation::methods(item) {
                if candidates.len() >= MAX_CANDIDATES {
                    break;
                }
                match Candidate::new(document, path, item, method, operation) {
                    Some(Ok(candidate)) => candidates.push(candidate),
                    Some(Err(media_type)) => not_json.push(format!(
                        "{} {} ({media_type})",
                        method.to_ascii_uppercase(),
                        truncate_chars(path, 80)
                    )),
                    None => {}
                }
            }
        }
        candidates.sort_by_key(|candidate| std::cmp::Reverse(candidate.score));
        let left_out = candidates.len().saturating_sub(MAX_OPERATIONS);
        candidates.truncate(MAX_OPERATIONS);
        let mut budget = translate::MAX_NODES_OF_DOCUMENT;
        let mut operations: Vec<ApiOperation> = candidates
            .iter()
            .map(|candidate| candidate.read(address, &mut budget))
            .collect();
        operations.sort_by_key(|operation| std::cmp::Reverse(operation.score));
        report(&operations, left_out, not_json, &mut notices);
        ApiDocument {
            title,
            openapi,
            servers,
            operations,
            notices: notices.into_vec(),
        }
    }
}

/// Notices about the operations as a whole.
fn report(
    operations: &[ApiOperation],
    left_out: usize,
    mut not_json: Vec<String>,
    notices: &mut Notices,
) {
    match operations {
        [] => notices.missing("The document has no operation that takes a JSON body."),
        [first, ..] => notices.recognized(format!(
            "{} a JSON body. The likeliest to take tasks is {} {}.",
            match operations.len() + left_out {
                1 => "1 operation takes".to_owned(),
                count => format!("{} take", counted(count, "operation")),
            },
            first.method,
            truncate_chars(&first.path, 120)
        )),
    }
    if left_out > 0 {
        notices.left_out(format!(
            "Only the {MAX_OPERATIONS} likeliest operations are listed. {} left out.",
            match left_out {
                1 => "1 was".to_owned(),
                count => format!("{count} were"),
            }
        ));
    }
    if !not_json.is_empty() {
        let more = not_json.len().saturating_sub(5);
        not_json.truncate(5);
        if more > 0 {
            not_json.push(format!("{more} more"));
        }
        notices.left_out(format!(
            "The page can post JSON only. Operations that take something else were left out: {}.",
            listed(&not_json)
        ));
    }
}

/// The members of a value, without extensions; none if it is no object.
fn members(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value
        .and_then(Value::as_object)
        .map(Map::iter)
        .into_iter()
        .flatten()
        .filter(|(name, _)| !name.starts_with("x-"))
}

/// A member that is a text, shortened.
fn text(value: &Value, name: &str) -> Option<String> {
    let text = value.get(name)?.as_str()?.trim();
    (!text.is_empty()).then(|| truncate_chars(text, 300))
}
