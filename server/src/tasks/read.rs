//! `GET /tasks`, `GET /tasks/{id}` and `GET /tasks/schema`.

use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::{is_idempotency_key, json_response, rfc_3339, store_problem};
use crate::app::App;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::scope::Scope;
use crate::store::{Filter, Page, StoredTask};

/// Tasks per page by default.
pub const DEFAULT_LIMIT: usize = 50;
/// Maximum tasks per page.
pub const MAX_LIMIT: usize = 200;
/// The longest status that can be asked for, in characters.
pub const MAX_STATUS_CHARACTERS: usize = 64;
/// A regular expression for cursors, for the OpenAPI document.
pub const CURSOR_PATTERN: &str = "^t(0|[1-9a-f][0-9a-f]{0,14}|[1-7][0-9a-f]{15})$";

/// The query of `GET /tasks`. Unknown parameters are refused: with a mistyped `idempotency_key`, the
/// response would list all tasks, as if the task had arrived.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    limit: Option<String>,
    cursor: Option<String>,
    status: Option<String>,
    idempotency_key: Option<String>,
}

/// Returns a page of tasks in order of arrival: `{"items": […], "next_cursor": … or null}`.
///
/// # Errors
/// [`Problem::BadToken`], [`Problem::TooManyWrongTokens`], [`Problem::InsufficientScope`],
/// [`Problem::RateLimited`], [`Problem::InvalidQuery`],
/// [`Problem::StoreUnavailable`].
pub async fn list_tasks(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    app.authorize(&headers, &caller, Scope::Read).await?;
    let Query(query) = query.map_err(|_| {
        Problem::InvalidQuery(
            "the parameters are limit, cursor, status and idempotency_key, each at most once"
                .into(),
        )
    })?;
    let page = app
        .store()
        .page(filter(query)?)
        .await
        .map_err(|error| store_problem(&error))?;
    Ok(json_response(page_json(&page)))
}

/// Returns one task.
///
/// # Errors
/// [`Problem::BadToken`], [`Problem::TooManyWrongTokens`], [`Problem::InsufficientScope`],
/// [`Problem::RateLimited`], [`Problem::NotFound`],
/// [`Problem::StoreUnavailable`].
pub async fn get_task(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    app.authorize(&headers, &caller, Scope::Read).await?;
    let task = app
        .store()
        .find(id)
        .await
        .map_err(|error| store_problem(&error))?
        .ok_or(Problem::NotFound)?;
    let mut json = String::with_capacity(task.text.len().saturating_add(256));
    push_task(&mut json, &task);
    Ok(json_response(json))
}

/// Returns the enforced schema as written. Needs no token.
pub async fn get_schema(State(app): State<App>) -> Response {
    (
        [
            (
                CONTENT_TYPE,
                HeaderValue::from_static("application/schema+json"),
            ),
            (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        ],
        app.schema().text().to_owned(),
    )
        .into_response()
}

fn filter(query: ListQuery) -> Result<Filter, Problem> {
    let limit = match query.limit {
        None => DEFAULT_LIMIT,
        Some(text) => text
            .parse()
            .ok()
            .filter(|limit| (1..=MAX_LIMIT).contains(limit))
            .ok_or_else(|| {
                Problem::InvalidQuery(
                    format!("limit must be a number from 1 to {MAX_LIMIT}").into(),
                )
            })?,
    };
    let after = match query.cursor {
        None => 0,
        Some(text) => parse_cursor(&text).ok_or(Problem::InvalidQuery(
            "cursor must be the next_cursor of an earlier response".into(),
        ))?,
    };
    if query
        .status
        .as_ref()
        .is_some_and(|status| status.is_empty() || status.chars().count() > MAX_STATUS_CHARACTERS)
    {
        return Err(Problem::InvalidQuery(
            format!("status must have 1 to {MAX_STATUS_CHARACTERS} characters").into(),
        ));
    }
    if query
        .idempotency_key
        .as_ref()
        .is_some_and(|key| !is_idempotency_key(key))
    {
        return Err(Problem::InvalidQuery(
            "idempotency_key must have 1 to 255 printable ASCII characters".into(),
        ));
    }
    Ok(Filter {
        after,
        status: query.status,
        idempotency_key: query.idempotency_key,
        limit,
    })
}

/// A cursor encodes the sequence number of the last task in the page, so pages stay stable while tasks
/// arrive.
fn cursor(sequence: i64) -> String {
    format!("t{sequence:x}")
}

fn parse_cursor(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('t')?;
    let sequence = i64::from_str_radix(digits, 16).ok()?;
    // Accepts only the output of `cursor`: no sign, no leading zero.
    (sequence >= 0 && cursor(sequence) == text).then_some(sequence)
}

fn page_json(page: &Page) -> String {
    let size: usize = page
        .tasks
        .iter()
        .map(|task| task.text.len().saturating_add(256))
        .sum();
    let mut json = String::with_capacity(size.saturating_add(64));
    json.push_str("{\"items\":[");
    for (index, task) in page.tasks.iter().enumerate() {
        if index > 0 {
            json.push(',');
        }
        push_task(&mut json, task);
    }
    json.push_str("],\"next_cursor\":");
    match page.tasks.last().filter(|_| page.more) {
        Some(last) => push_string(&mut json, &cursor(last.sequence)),
        None => json.push_str("null"),
    }
    json.push('}');
    json
}

/// Appends one item. The posted text is copied verbatim: it is known to be valid JSON, and parsing and
/// serializing it would change its numbers, whitespace and member order.
fn push_task(json: &mut String, task: &StoredTask) {
    json.push_str("{\"id\":");
    push_string(json, &task.id);
    json.push_str(",\"status\":");
    push_string(json, &task.status);
    json.push_str(",\"received_at\":");
    push_string(json, &rfc_3339(task.received_at));
    json.push_str(",\"idempotency_key\":");
    match &task.idempotency_key {
        Some(key) => push_string(json, key),
        None => json.push_str("null"),
    }
    json.push_str(",\"task\":");
    json.push_str(&task.text);
    json.push('}');
}

fn push_string(json: &mut String, text: &str) {
    json.push_str(&serde_json::Value::from(text).to_string());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use taskwright::document::Document;
    use taskwright::schema::validator::{Validator, ValidatorOptions};

    proptest! {
        #[test]
        fn a_cursor_decodes_to_its_sequence(sequence in 0_i64..) {
            prop_assert_eq!(parse_cursor(&cursor(sequence)), Some(sequence));
        }

        #[test]
        fn only_the_exact_output_of_cursor_is_a_cursor(text in ".{0,24}") {
            if let Some(sequence) = parse_cursor(&text) {
                prop_assert_eq!(cursor(sequence), text);
            }
        }

        #[test]
        fn the_posted_text_is_copied_verbatim_into_valid_json(key in "[ -~]{1,40}", text in "[ \t\n]{0,3}\\{ \"n\": [1-9][0-9]{0,30}\\.[0-9]{1,9} \\}[ \n]{0,3}") {
            let task = StoredTask {
                sequence: 1,
                id: "i".to_owned(),
                status: "queued".to_owned(),
                received_at: 0,
                idempotency_key: Some(key.clone()),
                text: text.clone(),
            };
            let mut json = String::new();
            push_task(&mut json, &task);
            let end = format!("\"task\":{text}}}");
            prop_assert!(json.ends_with(&end));
            let read: serde_json::Value = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(read["idempotency_key"].as_str(), Some(key.as_str()));
        }
    }

    #[test]
    fn the_documented_pattern_matches_exactly_the_cursors() {
        let schema =
            serde_json::json!({ "properties": { "cursor": { "pattern": CURSOR_PATTERN } } });
        let pattern = Validator::compile(&schema, &ValidatorOptions::default()).unwrap();
        let is_documented = |text: &str| {
            let query = serde_json::json!({ "cursor": text }).to_string();
            let query = Document::parse(&query).unwrap();
            pattern.violations(query.root()).is_empty()
        };
        let cursors = [0, 1, 9, 10, 15, 16, 255, i64::MAX - 1, i64::MAX].map(cursor);
        for text in cursors.iter().map(String::as_str).chain(NO_CURSORS) {
            assert_eq!(is_documented(text), parse_cursor(text).is_some(), "{text}");
        }
    }

    const NO_CURSORS: [&str; 9] = [
        "",
        "t",
        "t-1",
        "t+1",
        "t01",
        "T1",
        "tA",
        "1",
        "t8000000000000000",
    ];

    #[test]
    fn other_cursors_are_refused() {
        for text in NO_CURSORS {
            assert_eq!(parse_cursor(text), None, "{text}");
        }
    }
}
