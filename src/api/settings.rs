//! Endpoints as JavaScript gives them, without the secrets: those are taken out before anything
//! is read, and are put into [`crate::secrets`] at once.

use serde::Deserialize;

use super::error::SurfaceError;
use super::shape;
use crate::settings::{
    Address, Api, BodyTemplate, CallSeconds, DEFAULT_CONCURRENCY, DEFAULT_PATH,
    DEFAULT_TOKEN_HEADER, IdleSeconds, Limits, ModelEndpoint, SettingsError, TaskServer,
    TasksPerRequest,
};

/// The member of `ModelSettings` that holds the model endpoint's key.
pub const MODEL_KEY: &str = "modelKey";
/// The member of `TaskServerSettings` that holds the task server's token.
pub const AGENT_TOKEN: &str = "agentToken";

/// `ModelSettings` of the TypeScript types, but for the key.
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
    tasks_per_request: Option<TasksPerRequest>,
    #[serde(default, deserialize_with = "shape::present")]
    idle_seconds: Option<IdleSeconds>,
    #[serde(default, deserialize_with = "shape::present")]
    call_seconds: Option<CallSeconds>,
}

/// Which interface an endpoint speaks.
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

/// `TaskServerSettings` of the TypeScript types, but for the token.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TaskServerSettings {
    url: String,
    #[serde(default, deserialize_with = "shape::present")]
    path: Option<String>,
    #[serde(default, deserialize_with = "shape::present")]
    token_header: Option<String>,
    #[serde(default, deserialize_with = "shape::present")]
    honours_idempotency_keys: Option<bool>,
    #[serde(default, deserialize_with = "shape::present")]
    concurrency: Option<u8>,
    #[serde(default, deserialize_with = "shape::present")]
    body_template: Option<String>,
}

/// Reads a model endpoint from the JSON text of the settings without their key. `has_key` says
/// whether there was one: an endpoint that is given a key is asked with it, unless the settings
/// say that it wants none.
///
/// # Errors
/// [`SurfaceError::Argument`], [`SurfaceError::Settings`].
pub fn model_endpoint(json: &str, has_key: bool) -> Result<ModelEndpoint, SurfaceError> {
    let input: ModelSettings = shape::read("settings", json)?;
    if input.model.trim().is_empty() {
        return Err(SurfaceError::Argument {
            argument: "settings",
            reason: "model names no model".to_owned(),
        });
    }
    let usual = Limits::default();
    Ok(ModelEndpoint {
        base_url: Address::parse(&input.base_url)?,
        model: input.model,
        api: input.api.map(Api::from).unwrap_or_default(),
        max_output_tokens: input.max_output_tokens.map(std::num::NonZeroU32::get),
        needs_key: input.needs_key.or(has_key.then_some(true)),
        limits: Limits {
            tasks_per_request: input.tasks_per_request.unwrap_or(usual.tasks_per_request),
            idle_seconds: input.idle_seconds.unwrap_or(usual.idle_seconds),
            call_seconds: input.call_seconds.unwrap_or(usual.call_seconds),
            ..usual
        },
        prices: None,
    })
}

/// Reads a task server from the JSON text of the settings without their token.
///
/// # Errors
/// [`SurfaceError::Argument`], [`SurfaceError::Settings`].
pub fn task_server(json: &str) -> Result<TaskServer, SurfaceError> {
    let input: TaskServerSettings = shape::read("settings", json)?;
    let server = TaskServer {
        path: input.path.unwrap_or_else(|| DEFAULT_PATH.to_owned()),
        token_header: input
            .token_header
            .unwrap_or_else(|| DEFAULT_TOKEN_HEADER.to_owned()),
        honours_idempotency_keys: input.honours_idempotency_keys.unwrap_or(false),
        concurrency: input.concurrency.unwrap_or(DEFAULT_CONCURRENCY),
        body_template: input
            .body_template
            .map(|text| BodyTemplate::parse(&text))
            .transpose()
            .map_err(SettingsError::from)?,
        ..TaskServer::at(Address::parse(&input.url)?)
    };
    server.check()?;
    Ok(server)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_that_is_given_a_key_is_asked_with_it() {
        let loopback = r#"{"baseUrl":"http://localhost:11434/v1","model":"m"}"#;
        assert!(!model_endpoint(loopback, false).unwrap().wants_key());
        assert!(model_endpoint(loopback, true).unwrap().wants_key());
        let remote = r#"{"baseUrl":"https://api.example.com/v1","model":"m","needsKey":false}"#;
        assert!(!model_endpoint(remote, true).unwrap().wants_key());
    }

    #[test]
    fn settings_that_cannot_be_are_refused_by_a_stable_code() {
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
                r#"{"baseUrl":"https://a.example","model":"m","idleSeconds":0}"#,
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
    }
}
