//! One operation: what a request to it needs, and how likely it takes tasks.

use serde_json::Value;

use super::super::envelope::{TaskEnvelope, envelope_of_schema};
use super::super::notice::{Notices, PasteNotice};
use super::super::token::{TokenForm, TokenPlace};
use super::parameter::{ApiParameter, Parameters};
use super::reference::resolved;
use super::server::{self, ApiServer};
use super::translate::Translator;
use super::{members, response, security, text};
use crate::schema::{MAX_SCHEMA_BYTES, Roles};
use crate::settings::Address;
use crate::text::{listed, truncate_chars};

/// An operation that takes a JSON body.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiOperation {
    /// The HTTP method, in capitals.
    pub method: String,
    /// The path as in the document, such as `/projects/{project}/tasks`.
    pub path: String,
    /// The summary of the document, or the operation's identifier.
    pub summary: Option<String>,
    /// The servers of this operation, if they are not those of the document.
    pub servers: Vec<ApiServer>,
    /// The parameters in the path, each of which needs a value.
    pub path_parameters: Vec<ApiParameter>,
    /// The parameters of the query, without secrets.
    pub query: Vec<ApiParameter>,
    /// The headers, without secrets.
    pub headers: Vec<ApiParameter>,
    /// Where the tokens of a request belong, the first one first.
    pub tokens: Vec<TokenForm>,
    /// The body.
    pub body: ApiBody,
    /// Whether the header `Idempotency-Key` is declared.
    pub declares_idempotency_key: bool,
    /// Where the response has the server's identifier of a task, as a JSON Pointer.
    pub response_id: Option<String>,
    /// What was recognised, changed, left out or is missing.
    pub notices: Vec<PasteNotice>,
    /// How likely the operation takes tasks. Only the order has a meaning.
    pub(super) score: i32,
}

/// The body of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiBody {
    /// The media type, such as `application/json`.
    pub media_type: String,
    /// The JSON Schema (2020-12) of the body, as JSON text without references to other documents.
    pub schema: String,
    /// The task inside the body, if the body looks like an envelope.
    pub envelope: Option<TaskEnvelope>,
}

/// The methods and operations of a path.
pub(super) fn methods(item: &Value) -> impl Iterator<Item = (&str, &Value)> {
    const METHODS: [&str; 3] = ["post", "put", "patch"];
    METHODS
        .into_iter()
        .filter_map(|method| Some((method, item.get(method)?)))
        .filter(|(_, operation)| operation.is_object())
}

/// The JSON media type of a body or response, and its description.
pub(super) fn json_content(body: &Value) -> Option<(&str, &Value)> {
    let essence = |name: &str| {
        let essence = name.split(';').next().unwrap_or_default();
        essence.trim().to_ascii_lowercase()
    };
    let ranks = |name: &str| match essence(name).as_str() {
        "application/json" => Some(0),
        other if other.ends_with("+json") || other.ends_with("/json") => Some(1),
        "*/*" | "application/*" => Some(2),
        _ => None,
    };
    members(body.get("content"))
        .filter_map(|(name, content)| Some((ranks(name)?, name.as_str(), content)))
        .min_by_key(|(rank, ..)| *rank)
        .map(|(_, name, content)| (name, content))
}

/// An operation with a JSON body that was not read yet.
pub(super) struct Candidate<'d> {
    document: &'d Value,
    path: &'d str,
    item: &'d Value,
    method: &'d str,
    operation: &'d Value,
    media_type: &'d str,
    schema: &'d Value,
    /// How likely the operation takes tasks, by its names.
    pub(super) score: i32,
}

impl<'d> Candidate<'d> {
    /// Looks at an operation. `None` if it has no body; the media type if the body is not JSON.
    pub(super) fn new(
        document: &'d Value,
        path: &'d str,
        item: &'d Value,
        method: &'d str,
        operation: &'d Value,
    ) -> Option<Result<Candidate<'d>, String>> {
        let body = resolved(document, operation.get("requestBody")?);
        let Some((media_type, content)) = json_content(body) else {
            let (name, _) = members(body.get("content")).next()?;
            return Some(Err(truncate_chars(name, 60)));
        };
        static ANYTHING: Value = Value::Bool(true);
        let mut candidate = Candidate {
            document,
            path,
            item,
            method,
            operation,
            media_type,
            schema: content.get("schema").unwrap_or(&ANYTHING),
            score: 0,
        };
        candidate.score = candidate.score_of_names();
        Some(Ok(candidate))
    }

    fn score_of_names(&self) -> i32 {
        let mut score = match self.method {
            "post" => 40,
            "put" => 5,
            _ => 0,
        };
        let segments: Vec<&str> = self.path.split('/').filter(|it| !it.is_empty()).collect();
        let is_variable = |segment: &&str| segment.starts_with('{');
        let last = segments.iter().rev().find(|segment| !is_variable(segment));
        score += last.map_or(0, |last| 3 * work_score(last));
        score += segments.iter().map(|it| work_score(it)).max().unwrap_or(0);
        if segments.last().is_some_and(is_variable) {
            // It changes what exists.
            score -= 15;
        }
        score -=
            4 * i32::try_from(segments.iter().filter(|it| is_variable(it)).count()).unwrap_or(0);
        let mut names = ["operationId", "summary"]
            .iter()
            .filter_map(|name| text(self.operation, name))
            .collect::<Vec<_>>();
        if let Some(tags) = self.operation.get("tags").and_then(Value::as_array) {
            names.extend(
                tags.iter()
                    .take(5)
                    .filter_map(|tag| tag.as_str().map(str::to_owned)),
            );
        }
        score += names.iter().map(|name| work_score(name)).max().unwrap_or(0);
        let creates = |name: &String| {
            let name = name.to_ascii_lowercase();
            ["create", "add", "submit", "enqueue", "post", "new"]
                .iter()
                .any(|verb| name.contains(verb))
        };
        if names.iter().any(creates) {
            score += 6;
        }
        let is_minor = |segment: &&str| {
            let segment = segment.to_ascii_lowercase();
            [
                "search",
                "batch",
                "bulk",
                "login",
                "auth",
                "token",
                "webhook",
                "comment",
                "cancel",
                "query",
                "upload",
                "label",
                "attachment",
                "sync",
                "close",
                "move",
                "duplicate",
            ]
            .iter()
            .any(|word| segment.contains(word))
        };
        if last.is_some_and(is_minor) {
            score -= 25;
        }
        if self.operation.get("deprecated") == Some(&Value::Bool(true)) {
            score -= 20;
        }
        score
    }

    /// Reads the operation completely. `budget` is the number of subschemas that may still be
    /// translated for the whole document.
    pub(super) fn read(&self, address: Option<&Address>, budget: &mut usize) -> ApiOperation {
        let mut notices = Notices::default();
        let mut translator = Translator::new(self.document, budget);
        let schema = translator.body(self.schema);
        translator.report(&mut notices);
        let mut score = self.score;
        let is_object = resolved_type_is_object(&schema);
        let roles = Roles::guess(&schema);
        if roles.title.is_some() {
            score += 15;
        }
        if !is_object {
            score -= 30;
            notices.missing("The body is not one JSON object, so it cannot be a task by itself.");
        }
        let envelope = envelope_of_schema(&schema);
        if let Some(envelope) = &envelope {
            notices.recognized(envelope.description());
            score += 8;
        }
        let mut schema = super::super::pretty(&schema);
        if schema.len() > MAX_SCHEMA_BYTES {
            notices.left_out("The schema of the body is too long. Every JSON object is accepted.");
            schema = "{\"type\": \"object\"}".to_owned();
            score -= 30;
        }
        let parameters = Parameters::read(self.document, self.item, self.operation);
        let mut tokens = security::read(self.document, self.operation, &mut notices);
        add_secret_parameters(&mut tokens, &parameters);
        let method = self.method.to_ascii_uppercase();
        if method != "POST" {
            notices.changed(format!(
                "The operation is a {method} request. The page posts tasks with POST."
            ));
        }
        self.report(&parameters, &mut notices);
        let servers = self.operation.get("servers").or(self.item.get("servers"));
        let servers = servers.map(|servers| server::read(Some(servers), address, &mut notices));
        let summary =
            text(self.operation, "summary").or_else(|| text(self.operation, "operationId"));
        let response_id = response::id_pointer(self.document, self.operation);
        ApiOperation {
            method,
            path: self.path.to_owned(),
            summary,
            servers: servers.unwrap_or_default(),
            path_parameters: parameters.path,
            query: parameters.query,
            headers: parameters.headers,
            tokens,
            body: ApiBody {
                media_type: self.media_type.to_owned(),
                schema,
                envelope,
            },
            declares_idempotency_key: parameters.declares_idempotency_key,
            response_id,
            notices: notices.into_vec(),
            score,
        }
    }

    /// Notices about the parameters.
    fn report(&self, parameters: &Parameters, notices: &mut Notices) {
        let names = |parameters: &[ApiParameter]| {
            let names: Vec<String> = parameters
                .iter()
                .filter(|it| it.is_required && it.value.is_none())
                .map(|it| truncate_chars(&it.name, 60))
                .collect();
            (!names.is_empty()).then(|| listed(&names))
        };
        if let Some(names) = names(&parameters.path) {
            notices.missing(format!("The path needs a value for {names}."));
        }
        if let Some(names) = names(&parameters.headers) {
            notices.missing(format!("A request needs a value for the header {names}."));
        }
        if let Some(names) = names(&parameters.query) {
            notices.missing(format!(
                "A request needs a value for the query parameter {names}."
            ));
        }
        if !parameters.cookies.is_empty() {
            notices.left_out("The operation takes cookies, which a page cannot send.");
        }
        if parameters.declares_idempotency_key {
            notices.recognized("The server honours Idempotency-Key: the document declares it.");
        }
    }
}

/// Adds the headers and query parameters that are secrets by their names: those that are required, or
/// the optional ones if nothing else carries a token.
fn add_secret_parameters(tokens: &mut Vec<TokenForm>, parameters: &Parameters) {
    for is_required in [true, false] {
        if !is_required && !tokens.is_empty() {
            return;
        }
        let headers = parameters.secret_headers.iter();
        let headers = headers.map(|it| (it, TokenPlace::Header(it.name.clone())));
        let query = parameters.secret_query.iter();
        let query = query.map(|it| (it, TokenPlace::Query(it.name.clone())));
        for (parameter, place) in headers.chain(query) {
            let is_known = tokens
                .iter()
                .any(|token| token.place.name().eq_ignore_ascii_case(place.name()));
            if parameter.is_required == is_required && !is_known {
                let is_authorization = place.name().eq_ignore_ascii_case("authorization");
                tokens.push(TokenForm {
                    scheme: is_authorization.then(|| "Bearer".to_owned()),
                    place,
                });
            }
        }
    }
}

/// Whether a schema can be that of a JSON object.
fn resolved_type_is_object(schema: &Value) -> bool {
    match schema.get("type") {
        None => true,
        Some(Value::String(name)) => name == "object",
        Some(Value::Array(names)) => names.iter().any(|name| name == "object"),
        Some(_) => false,
    }
}

/// How much a name speaks of work to be done.
fn work_score(name: &str) -> i32 {
    const WORDS: [(&str, i32); 12] = [
        ("task", 12),
        ("job", 10),
        ("issue", 9),
        ("todo", 9),
        ("ticket", 9),
        ("work", 8),
        ("queue", 7),
        ("enqueue", 7),
        ("story", 6),
        ("card", 5),
        ("action", 5),
        ("item", 4),
    ];
    let name = name.to_ascii_lowercase();
    WORDS
        .iter()
        .filter(|(word, _)| name.contains(word))
        .map(|(_, score)| *score)
        .max()
        .unwrap_or(0)
}
