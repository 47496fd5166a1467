//! A pasted request: what a `curl`, PowerShell or `fetch` call sends, in the page's terms.

use super::body::{BodyKind, PastedBody};
use super::examples::PastedExamples;
use super::headers::HeaderUse;
use super::notice::{Notices, PasteNotice};
use super::token::{PastedToken, TokenPlace};
use super::url::{PastedUrl, UrlParts, add_query};
use super::word::Word;
use super::{curl, fetch, powershell};
use crate::text::{listed, truncate_chars};

/// The kind of call that a request was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestSource {
    /// A `curl` command.
    Curl,
    /// `Invoke-RestMethod` or `Invoke-WebRequest` of PowerShell.
    PowerShell,
    /// A `fetch` call of JavaScript.
    Fetch,
}

/// A pasted request. Plain members contain no secret; `tokens` holds what was one.
#[derive(Debug)]
pub struct PastedRequest {
    /// Where it was read from.
    pub source: RequestSource,
    /// The HTTP method, in capitals.
    pub method: String,
    /// The URL.
    pub url: PastedUrl,
    /// Headers to send with each task, without secrets.
    pub headers: Vec<(String, String)>,
    /// The secrets in headers and query, the token of `Authorization` first.
    pub tokens: Vec<PastedToken>,
    /// Whether the request has the header `Idempotency-Key`.
    pub has_idempotency_key: bool,
    /// The body.
    pub body: Option<PastedBody>,
    /// The schema that the body suggests, if it is a JSON object.
    pub example: Option<PastedExamples>,
    /// What was recognised, changed, left out or is missing.
    pub notices: Vec<PasteNotice>,
}

/// A request as it was written, before its parts are classified.
#[derive(Default)]
pub(super) struct RawRequest {
    /// `None` if the call names no method.
    pub(super) method: Option<String>,
    pub(super) url: Option<Word>,
    pub(super) headers: Vec<(Word, Word)>,
    /// Query parameters given beside the URL.
    pub(super) query: Vec<(Word, Word)>,
    pub(super) body: Option<Word>,
    pub(super) notices: Notices,
}

/// Maximum number of headers to read.
const MAX_HEADERS: usize = 200;

impl RawRequest {
    /// Whether a header of this name was given.
    pub(super) fn has_header(&self, name: &str) -> bool {
        self.headers
            .iter()
            .any(|(other, _)| other.text().trim().eq_ignore_ascii_case(name))
    }

    /// Sorts the parts of the request.
    pub(super) fn finish(self, source: RequestSource) -> PastedRequest {
        let mut notices = self.notices;
        let UrlParts {
            mut url,
            mut secrets,
        } = match &self.url {
            Some(word) => UrlParts::read(word, &mut notices),
            None => {
                notices.missing("The call has no URL. Enter the address and the path.");
                UrlParts::read(&Word::default(), &mut Notices::default())
            }
        };
        for (name, value) in self.query {
            let name = name.text().to_owned();
            add_query(&mut url, &mut secrets, name, &value, &mut notices);
        }
        let mut sorted = SortedHeaders::default();
        for (name, value) in self.headers.into_iter().take(MAX_HEADERS) {
            sorted.add(name.text().trim(), value.trimmed(), &mut notices);
        }
        sorted.report(&mut notices);
        // A later header replaces an earlier one, such as that of `-u`.
        for (place, value) in sorted.secrets {
            secrets.retain(|(other, _)| !is_same_place(other, &place));
            secrets.push((place, value));
        }
        secrets.sort_by_key(|(place, _)| !place.name().eq_ignore_ascii_case("authorization"));
        let tokens = secrets
            .into_iter()
            .map(|(place, value)| {
                PastedToken::read(place, &value, url.address.as_ref().ok(), &mut notices)
            })
            .collect();
        let content_type = sorted.content_type.map(|it| it.to_ascii_lowercase());
        let body = self
            .body
            .map(|word| read_body(&word, content_type.as_deref(), &mut notices));
        let example = body
            .as_ref()
            .filter(|body| body.kind == BodyKind::JsonObject)
            .and_then(|body| PastedExamples::read(body.text()));
        let has_body = body.is_some();
        let method = self.method.filter(|method| !method.is_empty());
        let method = method.unwrap_or_else(|| if has_body { "POST" } else { "GET" }.to_owned());
        let method = truncate_chars(&method.to_ascii_uppercase(), 20);
        if method != "POST" {
            notices.changed(format!(
                "The call is a {method} request. The page posts tasks with POST."
            ));
        }
        PastedRequest {
            source,
            method,
            url,
            headers: sorted.plain,
            tokens,
            has_idempotency_key: sorted.has_idempotency_key,
            body,
            example,
            notices: notices.into_vec(),
        }
    }
}

fn is_same_place(one: &TokenPlace, other: &TokenPlace) -> bool {
    match (one, other) {
        (TokenPlace::Header(one), TokenPlace::Header(other)) => one.eq_ignore_ascii_case(other),
        (one, other) => one == other,
    }
}

fn read_body(word: &Word, content_type: Option<&str>, notices: &mut Notices) -> PastedBody {
    let body = PastedBody::read(word.text(), content_type, notices);
    match body.kind {
        BodyKind::JsonObject => {}
        BodyKind::Json => notices.left_out(
            "The body is JSON, but not one object. The page posts each task in a request of its own.",
        ),
        BodyKind::Form => notices.left_out("The body is a form. The page can post JSON only."),
        BodyKind::Text => notices.left_out("The body is not JSON. The page can post JSON only."),
    }
    if let Some(variable) = word.variable() {
        notices.missing(format!(
            "The body has the variable {}, whose value is not known.",
            truncate_chars(variable, 60)
        ));
    }
    body
}

/// The headers of a request by their use.
#[derive(Default)]
struct SortedHeaders {
    plain: Vec<(String, String)>,
    secrets: Vec<(TokenPlace, Word)>,
    content_type: Option<String>,
    has_idempotency_key: bool,
    has_cookie: bool,
    left_out: Vec<String>,
}

impl SortedHeaders {
    fn add(&mut self, name: &str, value: Word, notices: &mut Notices) {
        let is_name = !name.is_empty()
            && name.len() <= 64
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_:.".contains(&b));
        if !is_name {
            // It may be anything, also a secret without a name.
            notices.left_out("A header was left out, because its name is not valid.");
            return;
        }
        match HeaderUse::of(name, &value) {
            HeaderUse::Plain => {
                if let Some(variable) = value.variable() {
                    notices.missing(format!(
                        "The header {name} has the variable {}. Enter its value.",
                        truncate_chars(variable, 60)
                    ));
                }
                self.plain
                    .retain(|(other, _)| !other.eq_ignore_ascii_case(name));
                self.plain.push((name.to_owned(), value.text().to_owned()));
            }
            HeaderUse::Secret => {
                let place = TokenPlace::Header(name.to_owned());
                self.secrets
                    .retain(|(other, _)| !is_same_place(other, &place));
                self.secrets.push((place, value));
            }
            HeaderUse::ContentType => self.content_type = Some(value.text().to_owned()),
            HeaderUse::IdempotencyKey => self.has_idempotency_key = true,
            HeaderUse::Cookie => self.has_cookie = true,
            HeaderUse::LeftOut => self.left_out.push(name.to_owned()),
        }
    }

    fn report(&mut self, notices: &mut Notices) {
        if self.has_cookie {
            notices.left_out(
                "A page cannot send cookies of another site. If the server needs them, use a token instead.",
            );
        }
        if self.has_idempotency_key {
            notices.recognized(
                "The call has an Idempotency-Key. Say in the settings whether the server honours it.",
            );
        }
        if let Some(given) = &self.content_type
            && !given.to_ascii_lowercase().contains("json")
        {
            notices.changed(format!(
                "The call sends {}. The page sends application/json.",
                truncate_chars(given, 60)
            ));
        }
        self.left_out.sort_unstable();
        self.left_out.dedup();
        if !self.left_out.is_empty() {
            self.left_out.truncate(30);
            notices.left_out(format!(
                "Headers that the browser sets or that belong to one request were left out: {}.",
                listed(&self.left_out)
            ));
        }
    }
}

/// Maximum length of a text that is searched for a call, in bytes.
const MAX_CALL_BYTES: usize = 1 << 20;

/// Reads the first call of a text. `None` if it has none.
pub(super) fn read(text: &str) -> Option<PastedRequest> {
    if text.len() > MAX_CALL_BYTES {
        return None;
    }
    let is_curl = text.lines().any(curl::begins_with_curl);
    // In Windows PowerShell, `curl` is Invoke-WebRequest.
    if (powershell::has_call(text) || (is_curl && powershell::has_alias(text)))
        && let Some(request) = powershell::read(text)
    {
        return Some(request.finish(RequestSource::PowerShell));
    }
    if is_curl && let Some(request) = curl::read(text) {
        return Some(request.finish(RequestSource::Curl));
    }
    if fetch::has_call(text) {
        return fetch::read(text).map(|request| request.finish(RequestSource::Fetch));
    }
    None
}
