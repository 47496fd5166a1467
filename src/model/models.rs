//! The models that an endpoint offers: `GET {base URL}/models`.

use std::cmp::Ordering;

use serde_json::Value;
use thiserror::Error;

use super::failure::Failure;
use super::http;
use super::request::authorize;
use crate::http::HttpRequest;
use crate::secrets::Redactor;
use crate::settings::ModelEndpoint;
use crate::text::truncate_lossy;

/// Maximum size of a list of models: 8 MiB.
pub const MAX_LIST_BYTES: usize = 8 << 20;

/// Maximum number of models in a list; the rest is dropped.
pub const MAX_MODELS: usize = 10_000;

/// Maximum length of a model's name, in bytes. Longer names are dropped.
const MAX_NAME_BYTES: usize = 256;

/// Why a list of models cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ModelsError {
    /// It is longer than [`MAX_LIST_BYTES`].
    #[error("The list of models is longer than {MAX_LIST_BYTES} bytes")]
    TooLong,
    /// It is not JSON.
    #[error("The list of models is not JSON: {body}")]
    NotJson {
        /// The start of the body.
        body: String,
    },
    /// It is JSON without a list of models.
    #[error("The response is JSON but contains no list of models: {body}")]
    NoList {
        /// The start of the body.
        body: String,
    },
}

impl ModelsError {
    /// A stable name for the kind of error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            ModelsError::TooLong => "models_too_long",
            ModelsError::NotJson { .. } => "models_not_json",
            ModelsError::NoList { .. } => "models_no_list",
        }
    }

    /// Whether to repeat the request unchanged: never.
    #[must_use]
    pub fn retry(&self) -> bool {
        false
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        "Type the model's name yourself, or check the base URL: it usually ends in /v1."
    }
}

/// Why there is no list of models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelListError {
    /// The endpoint could not be reached, or refused.
    Failed(Box<Failure>),
    /// The response cannot be read.
    Unreadable(ModelsError),
}

impl ModelListError {
    /// A stable name for the kind of error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            ModelListError::Failed(failure) => failure.code(),
            ModelListError::Unreadable(error) => error.code(),
        }
    }

    /// What happened, in the endpoint's words if it sent any.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            ModelListError::Failed(failure) => failure.message.clone(),
            ModelListError::Unreadable(error) => error.to_string(),
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            ModelListError::Failed(failure) => failure.hint(),
            ModelListError::Unreadable(error) => error.hint().to_owned(),
        }
    }
}

/// Reads the reply to a [`list_request`]: status and body, or the browser's message if there was no
/// response. `redactor` removes the secrets that the endpoint repeats. `now` is when the reply arrived,
/// in milliseconds since 1970.
///
/// # Errors
/// [`ModelListError`].
pub fn read(
    reply: Result<(u16, Vec<u8>), String>,
    redactor: &Redactor,
    now: u64,
) -> Result<Vec<String>, ModelListError> {
    let failed = |failure: Failure| Err(ModelListError::Failed(Box::new(failure)));
    match reply {
        Err(reason) => failed(Failure::unreachable(&redactor.redact(&reason))),
        Ok((status, body)) => {
            let body = String::from_utf8_lossy(&body);
            let body = redactor.redact_body(&body);
            if status == 200 {
                parse(body.as_bytes()).map_err(ModelListError::Unreadable)
            } else {
                failed(http::failure(status, |_| None, body.as_bytes(), now))
            }
        }
    }
}

/// Builds the request for the endpoint's list of models.
#[must_use]
pub fn list_request(endpoint: &ModelEndpoint) -> HttpRequest {
    let url = endpoint.url("/models");
    // One byte more than is accepted, so that a list that is too long is noticed.
    authorize(HttpRequest::get(url, MAX_LIST_BYTES + 1), endpoint)
}

/// Returns the names of the models in the body of a 200 response, without duplicates.
///
/// Accepts `{"data":[{"id":…}]}` as documented, the same as a bare array, and `models` with `name`s,
/// which some local servers send. The names are in natural order (`m-9` before `m-10`), and models
/// that do not generate text, judging by their names, come last.
///
/// # Errors
/// [`ModelsError`].
pub fn parse(body: &[u8]) -> Result<Vec<String>, ModelsError> {
    if body.len() > MAX_LIST_BYTES {
        return Err(ModelsError::TooLong);
    }
    let excerpt = || truncate_lossy(body, 200);
    let value: Value =
        serde_json::from_slice(body).map_err(|_| ModelsError::NotJson { body: excerpt() })?;
    let list = value
        .as_array()
        .or_else(|| value.get("data")?.as_array())
        .or_else(|| value.get("models")?.as_array())
        .ok_or_else(|| ModelsError::NoList { body: excerpt() })?;
    let mut names: Vec<String> = list
        .iter()
        .filter_map(|model| {
            ["id", "name", "model"]
                .iter()
                .find_map(|member| model.get(member)?.as_str())
                .or_else(|| model.as_str())
        })
        .filter(|name| {
            !name.trim().is_empty()
                && name.len() <= MAX_NAME_BYTES
                && !name.chars().any(char::is_control)
        })
        .take(MAX_MODELS)
        .map(str::to_owned)
        .collect();
    names.sort_by(|a, b| {
        generates_no_text(a)
            .cmp(&generates_no_text(b))
            .then_with(|| natural_order(a, b))
    });
    names.dedup();
    Ok(names)
}

/// Whether the name suggests a model that does not generate text. This only affects the order of the
/// list; no model is left out.
fn generates_no_text(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [
        "audio",
        "dall-e",
        "embed",
        "image",
        "moderation",
        "realtime",
        "rerank",
        "sora",
        "transcribe",
        "tts",
        "whisper",
    ]
    .iter()
    .any(|word| name.contains(word))
}

/// Compares names in natural order: sequences of digits as numbers, letters without their case. Ties
/// are broken by bytes, so that the order is total.
fn natural_order(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a.as_bytes(), b.as_bytes());
    loop {
        let (Some(x), Some(y)) = (left.first(), right.first()) else {
            return left.len().cmp(&right.len()).then_with(|| a.cmp(b));
        };
        if x.is_ascii_digit() && y.is_ascii_digit() {
            let (m, n) = (digits(&mut left), digits(&mut right));
            let order = m.len().cmp(&n.len()).then_with(|| m.cmp(n));
            if order != Ordering::Equal {
                return order;
            }
            continue;
        }
        let order = x.to_ascii_lowercase().cmp(&y.to_ascii_lowercase());
        if order != Ordering::Equal {
            return order;
        }
        left = left.get(1..).unwrap_or_default();
        right = right.get(1..).unwrap_or_default();
    }
}

/// Splits leading digits off `text` and returns them without leading zeros.
fn digits<'a>(text: &mut &'a [u8]) -> &'a [u8] {
    let end = text
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(text.len());
    let (run, rest) = text.split_at(end);
    *text = rest;
    let zeros = run.iter().take_while(|byte| **byte == b'0').count();
    run.get(zeros..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::{Keyring, SecretSlot};
    use crate::settings::Address;

    #[test]
    fn lists_in_every_known_form_are_read() {
        let table: &[(&str, &[&str])] = &[
            (
                r#"{"object":"list","data":[{"id":"b","object":"model","created":1},{"id":"a"}]}"#,
                &["a", "b"],
            ),
            (r#"[{"id":"a"}]"#, &["a"]),
            (
                r#"{"models":[{"name":"llama3:8b","model":"x"}]}"#,
                &["llama3:8b"],
            ),
            (r#"{"data":[]}"#, &[]),
            (
                r#"{"data":[{"id":"a"},{"id":"a"},{"id":""},{"id":7},{},null,{"id":"x\u0007"}]}"#,
                &["a"],
            ),
        ];
        for (body, expected) in table {
            assert_eq!(parse(body.as_bytes()).unwrap(), *expected, "{body}");
        }
    }

    #[test]
    fn a_body_without_a_list_is_an_error_that_quotes_it() {
        let table = [
            ("<!doctype html>", "models_not_json"),
            (r#"{"error":{"message":"no"}}"#, "models_no_list"),
            ("", "models_not_json"),
            ("7", "models_no_list"),
        ];
        for (body, code) in table {
            let error = parse(body.as_bytes()).unwrap_err();
            assert_eq!(error.code(), code);
            assert!(error.to_string().contains(body));
        }
        let long = vec![b' '; MAX_LIST_BYTES + 1];
        assert_eq!(parse(&long), Err(ModelsError::TooLong));
    }

    #[test]
    fn names_are_in_natural_order_with_models_for_text_first() {
        let body = r#"["m-10","M-9","tts-1","m-9-mini","m-09","text-embedding-3","a","m-9"]"#;
        assert_eq!(
            parse(body.as_bytes()).unwrap(),
            [
                "a",
                "M-9",
                "m-09",
                "m-9",
                "m-9-mini",
                "m-10",
                "text-embedding-3",
                "tts-1"
            ]
        );
    }

    #[test]
    fn an_api_key_that_the_endpoint_repeats_is_redacted_whatever_it_replies() {
        let home = Address::parse("https://api.example.com/v1").unwrap();
        let mut keyring = Keyring::default();
        keyring
            .give(SecretSlot::API_KEY, &home, "sk-hunter2")
            .unwrap();
        let long = format!("<p>{}sk-hunter2", "x".repeat(195));
        let replies = [
            Err("cannot fetch with sk-hunter2".to_owned()),
            Ok((401, r#"{"error":{"message":"bad key sk-hunter2"}}"#)),
            Ok((401, r#"{"error":{"message":"bad key sk\u002dhunter2"}}"#)),
            Ok((502, "<html>Bad gateway for sk&#45;hunter2")),
            Ok((200, r#"{"data":[{"id":"sk-hunter2"}]}"#)),
            Ok((200, r#"{"error":"bad key sk-hunter2"}"#)),
            Ok((200, long.as_str())),
        ];
        for reply in replies {
            let given = format!("{reply:?}");
            let reply = reply.map(|(status, body)| (status, body.as_bytes().to_vec()));
            let read = read(reply, &keyring.redactor(), 0);
            let shown = match &read {
                Ok(names) => names.join(" "),
                Err(error) => format!("{error:?} {} {}", error.message(), error.hint()),
            };
            assert!(!shown.contains("hunter2"), "{given}: {shown}");
            assert!(!shown.contains("sk-h"), "{given}: {shown}");
        }
    }
}
