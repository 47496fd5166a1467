//! Endpoints as JavaScript passes them, without their secrets: those are separated before anything
//! is read, and go straight into [`crate::secrets`].

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::error::ApiError;
use super::shape;
use crate::settings::{
    Address, Api, BodyTemplate, DEFAULT_CONCURRENCY, DEFAULT_PATH, DEFAULT_TOKEN_HEADER,
    FirstTokenTimeout, IdleTimeout, Limits, ModelEndpoint, RequestTimeout, SettingsError,
    TaskServer, TasksPerRequest,
};

/// The member of `ModelSettings` that holds the API key.
pub const API_KEY: &str = "apiKey";
/// The member of `TaskServerSettings` that holds the agent token.
pub const AGENT_TOKEN: &str = "agentToken";

/// `ModelSettings` of the TypeScript types without the API key.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ModelSettings {
    base_url: String,
    model: String,
    #[serde(default, deserialize_with = "shape::present")]
    api: Option<ApiName>,
    #[serde(default, deserialize_with = "shape::present")]
    max_output_tokens: Option<std::num::NonZeroU32>,
    #[serde(default, deserialize_with = "shape::present")]
    needs_key: Option<bool>,
    #[serde(default, deserialize_with = "shape::present")]
    extra_body: Option<Map<String, Value>>,
    #[serde(default, deserialize_with = "shape::present")]
    extra_query: Option<BTreeMap<String, String>>,
    #[serde(default, deserialize_with = "shape::present")]
    extra_headers: Option<BTreeMap<String, String>>,
    #[serde(default, deserialize_with = "shape::present")]
    key_header: Option<String>,
    #[serde(default, deserialize_with = "shape::present")]
    tasks_per_request: Option<TasksPerRequest>,
    #[serde(default, deserialize_with = "shape::present")]
    first_token_timeout_seconds: Option<FirstTokenTimeout>,
    #[serde(default, deserialize_with = "shape::present")]
    idle_timeout_seconds: Option<IdleTimeout>,
    #[serde(default, deserialize_with = "shape::present")]
    request_timeout_seconds: Option<RequestTimeout>,
}

/// The API that an endpoint implements.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ApiName {
    ChatCompletions,
    Responses,
}

impl From<ApiName> for Api {
    fn from(name: ApiName) -> Api {
        match name {
            ApiName::ChatCompletions => Api::ChatCompletions,
            ApiName::Responses => Api::Responses,
        }
    }
}

/// `TaskServerSettings` of the TypeScript types without the agent token.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TaskServerSettings {
    url: String,
    #[serde(default, deserialize_with = "shape::present")]
    path: Option<String>,
    #[serde(default, deserialize_with = "shape::present")]
    token_header: Option<String>,
    #[serde(default, deserialize_with = "shape::present")]
    token_scheme: Option<String>,
    #[serde(default, deserialize_with = "shape::present")]
    extra_headers: Option<BTreeMap<String, String>>,
    #[serde(default, deserialize_with = "shape::present")]
    extra_query: Option<BTreeMap<String, String>>,
    #[serde(default, deserialize_with = "shape::present")]
    honours_idempotency_keys: Option<bool>,
    #[serde(default, deserialize_with = "shape::present")]
    concurrency: Option<u8>,
    #[serde(default, deserialize_with = "shape::present")]
    body_template: Option<String>,
    #[serde(default, deserialize_with = "shape::present")]
    id_pointer: Option<String>,
}

/// Reads a model endpoint from the JSON text of the settings without their API key. `has_key` says
/// whether there was one: then it is sent, unless the settings say that the endpoint needs none.
///
/// # Errors
/// [`ApiError::Argument`], [`ApiError::Settings`].
pub fn model_endpoint(json: &str, has_key: bool) -> Result<ModelEndpoint, ApiError> {
    let input: ModelSettings = shape::read("settings", json)?;
    if input.model.trim().is_empty() {
        return Err(ApiError::Argument {
            argument: "settings",
            reason: "model must not be empty".to_owned(),
        });
    }
    let defaults = Limits::default();
    let endpoint = ModelEndpoint {
        base_url: Address::parse(&input.base_url)?,
        model: input.model,
        api: input.api.map(Api::from).unwrap_or_default(),
        max_output_tokens: input.max_output_tokens.map(std::num::NonZeroU32::get),
        needs_key: input.needs_key.or(has_key.then_some(true)),
        extra_body: input.extra_body.unwrap_or_default(),
        extra_query: input.extra_query.unwrap_or_default(),
        extra_headers: input.extra_headers.unwrap_or_default(),
        key_header: input.key_header,
        limits: Limits {
            tasks_per_request: input
                .tasks_per_request
                .unwrap_or(defaults.tasks_per_request),
            first_token_timeout_seconds: input.first_token_timeout_seconds,
            idle_timeout_seconds: input
                .idle_timeout_seconds
                .unwrap_or(defaults.idle_timeout_seconds),
            request_timeout_seconds: input
                .request_timeout_seconds
                .unwrap_or(defaults.request_timeout_seconds),
            ..defaults
        },
        prices: None,
    };
    endpoint.check()?;
    Ok(endpoint)
}

/// Reads a task server from the JSON text of the settings without their agent token.
///
/// # Errors
/// [`ApiError::Argument`], [`ApiError::Settings`].
pub fn task_server(json: &str) -> Result<TaskServer, ApiError> {
    let input: TaskServerSettings = shape::read("settings", json)?;
    let server = TaskServer {
        path: input.path.unwrap_or_else(|| DEFAULT_PATH.to_owned()),
        token_header: input
            .token_header
            .unwrap_or_else(|| DEFAULT_TOKEN_HEADER.to_owned()),
        token_scheme: input.token_scheme,
        extra_headers: input.extra_headers.unwrap_or_default(),
        extra_query: input.extra_query.unwrap_or_default(),
        honours_idempotency_keys: input.honours_idempotency_keys.unwrap_or(false),
        concurrency: input.concurrency.unwrap_or(DEFAULT_CONCURRENCY),
        body_template: input
            .body_template
            .map(|text| BodyTemplate::parse(&text))
            .transpose()
            .map_err(SettingsError::from)?,
        id_pointer: input.id_pointer,
        ..TaskServer::at(Address::parse(&input.url)?)
    };
    server.check()?;
    Ok(server)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_passed_is_used_unless_the_settings_say_otherwise() {
        let loopback = r#"{"baseUrl":"http://localhost:11434/v1","model":"m"}"#;
        assert!(!model_endpoint(loopback, false).unwrap().requires_api_key());
        assert!(model_endpoint(loopback, true).unwrap().requires_api_key());
        let remote = r#"{"baseUrl":"https://api.example.com/v1","model":"m","needsKey":false}"#;
        assert!(!model_endpoint(remote, true).unwrap().requires_api_key());
    }

    #[test]
    fn each_kind_of_wrong_setting_has_its_code() {
        for (json, code) in [
            ("{}", "invalid_argument"),
            (r#"{"baseUrl":"https://a.example"}"#, "invalid_argument"),
            (r#"{"baseUrl":1,"model":"m"}"#, "invalid_argument"),
            (
                r#"{"baseUrl":"https://a.example","model":" "}"#,
                "invalid_argument",
            ),
            (
                r#"{"baseUrl":"https://a.example","model":"m","api":"soap"}"#,
                "invalid_argument",
            ),
            (
                r#"{"baseUrl":"https://a.example","model":"m","api":null}"#,
                "invalid_argument",
            ),
            (
                r#"{"baseUrl":"https://a.example","model":"m","maxOutputTokens":0}"#,
                "invalid_argument",
            ),
            (
                r#"{"baseUrl":"https://a.example","model":"m","idleTimeoutSeconds":0}"#,
                "invalid_argument",
            ),
            (
                r#"{"baseUrl":"https://a.example","model":"m","tasksPerRequest":501}"#,
                "invalid_argument",
            ),
            (
                r#"{"baseUrl":"https://a.example","model":"m","key":"x"}"#,
                "invalid_argument",
            ),
            (
                r#"{"baseUrl":"http://a.example","model":"m"}"#,
                "address_not_secure",
            ),
            (
                r#"{"baseUrl":"https://a.example","model":"m","extraBody":{"messages":[]}}"#,
                "parameter_reserved",
            ),
            (
                r#"{"baseUrl":"https://a.example","model":"m","extraQuery":{"key":"x"}}"#,
                "query_invalid",
            ),
            (
                r#"{"baseUrl":"https://a.example","model":"m","extraHeaders":{"X-Token":"x"}}"#,
                "model_header_invalid",
            ),
            (
                r#"{"baseUrl":"https://a.example","model":"m","firstTokenTimeoutSeconds":0}"#,
                "invalid_argument",
            ),
        ] {
            let error = model_endpoint(json, false).unwrap_err();
            assert_eq!(error.code(), code, "{json}: {error}");
        }
        for (json, code) in [
            ("{}", "invalid_argument"),
            (
                r#"{"url":"http://localhost","path":"tasks"}"#,
                "path_invalid",
            ),
            (
                r#"{"url":"http://localhost","extraHeaders":{"X-Api-Key":"a"}}"#,
                "server_header_invalid",
            ),
            (
                r#"{"url":"http://localhost","tokenHeader":"Cookie"}"#,
                "token_header_invalid",
            ),
            (
                r#"{"url":"http://localhost","honoursIdempotencyKeys":"yes"}"#,
                "invalid_argument",
            ),
            (r#"{"url":"http://192.168.1.2"}"#, "address_not_secure"),
            (
                r#"{"url":"http://localhost","concurrency":17}"#,
                "concurrency_invalid",
            ),
            (
                r#"{"url":"http://localhost","concurrency":1000}"#,
                "invalid_argument",
            ),
        ] {
            let error = task_server(json).unwrap_err();
            assert_eq!(error.code(), code, "{json}: {error}");
        }
        let server = task_server(r#"{"url":"http://localhost:8080"}"#).unwrap();
        assert_eq!(server.tasks_url(), "http://localhost:8080/tasks");
        assert_eq!(server.token_header, "X-AGENT-TOKEN");
        assert_eq!(server.concurrency, DEFAULT_CONCURRENCY);
        let server = task_server(r#"{"url":"http://localhost","concurrency":16}"#).unwrap();
        assert_eq!(server.concurrency, 16);
        let server = task_server(
            r#"{"url":"http://localhost","tokenScheme":"Bearer","extraHeaders":{"X-Tenant":"north"},"extraQuery":{"queue":"blue"}}"#,
        )
        .unwrap();
        assert_eq!(server.token_scheme.as_deref(), Some("Bearer"));
        assert_eq!(
            server.extra_headers.get("X-Tenant").map(String::as_str),
            Some("north")
        );
        assert_eq!(server.tasks_url(), "http://localhost/tasks?queue=blue");
    }
}
