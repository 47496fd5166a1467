//! The form of the settings dialog: a connection as typed, and its validation.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    Address, Amount, Api, BodyTemplate, Bounded, Connection, DEFAULT_CONCURRENCY,
    DEFAULT_IDEMPOTENCY_KEY_RETENTION_HOURS, DEFAULT_PATH, DEFAULT_TOKEN_HEADER, Limits,
    MAX_CONCURRENCY, MAX_IDEMPOTENCY_KEY_RETENTION_HOURS, ModelEndpoint, Prices, SettingsError,
    TaskServer,
};
use crate::schema::{TaskSchema, agent_action_schema, agent_task_schema};
use crate::text::sentences;

/// Maximum length of a connection's name, in characters.
pub const MAX_NAME: usize = 80;
/// The message for an invalid number of tokens.
const TOKEN_COUNT: &str = "Enter a whole number of tokens, or leave the field empty for no limit.";

/// The choice of task schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SchemaChoice {
    /// The default schema, `agent-task`.
    #[default]
    AgentTask,
    /// The example for servers whose tasks are actions with arguments, `agent-action`.
    AgentAction,
    /// The operator's own schema.
    Own,
}

/// The fields of the dialog as typed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConnectionForm {
    /// The connection's name.
    pub name: String,
    /// The base URL of the model endpoint; empty for no model.
    pub base_url: String,
    /// The name of the model.
    pub model: String,
    /// The API that the endpoint implements.
    pub api: Api,
    /// Maximum output tokens per response; empty for no limit.
    pub max_output_tokens: String,
    /// Whether the endpoint requires an API key; `None` to decide by address.
    pub needs_key: Option<bool>,
    /// Maximum tasks per request; empty for the default.
    pub tasks_per_request: String,
    /// The time until the model begins to write, in seconds.
    pub first_token_timeout_seconds: String,
    /// Idle timeout in seconds; empty for the default.
    pub idle_timeout_seconds: String,
    /// Request timeout in seconds; empty for the default.
    pub request_timeout_seconds: String,
    /// Maximum tokens per run; empty for no limit.
    pub token_limit: String,
    /// Maximum cost per run; empty for no limit.
    pub cost_limit: String,
    /// Price per million input tokens; empty if unknown.
    pub price_input: String,
    /// Price per million cached input tokens; empty for the price of input tokens.
    pub price_cached_input: String,
    /// Price per million output tokens; empty if unknown.
    pub price_output: String,
    /// The extra parameters of the model endpoint, for which there are no fields.
    pub parameters: ExtraParameters,
    /// The task server's address; empty for no task server.
    pub server_url: String,
    /// The path to post tasks to.
    pub path: String,
    /// The header that carries the agent token.
    pub token_header: String,
    /// Whether the server is known to honour `Idempotency-Key`.
    pub honours_idempotency_keys: bool,
    /// The server's idempotency key retention in hours.
    pub idempotency_key_retention_hours: String,
    /// Maximum number of concurrent posts.
    pub concurrency: String,
    /// The JSON wrapped around each task; empty to post the task alone.
    pub body_template: String,
    /// The choice of task schema.
    pub schema: SchemaChoice,
    /// The operator's own schema; retained while another schema is chosen.
    pub schema_text: String,
}

/// What a model endpoint's requests have besides the fields of the form.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExtraParameters {
    body: Map<String, Value>,
    query: BTreeMap<String, String>,
    headers: BTreeMap<String, String>,
    key_header: Option<String>,
}

/// A field of the dialog that can be invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormField {
    /// [`ConnectionForm::name`].
    Name,
    /// [`ConnectionForm::base_url`].
    BaseUrl,
    /// [`ConnectionForm::model`].
    Model,
    /// [`ConnectionForm::max_output_tokens`].
    MaxOutputTokens,
    /// [`ConnectionForm::tasks_per_request`].
    TasksPerRequest,
    /// [`ConnectionForm::first_token_timeout_seconds`].
    FirstTokenTimeout,
    /// [`ConnectionForm::idle_timeout_seconds`].
    IdleTimeout,
    /// [`ConnectionForm::request_timeout_seconds`].
    RequestTimeout,
    /// [`ConnectionForm::token_limit`].
    TokenLimit,
    /// [`ConnectionForm::cost_limit`].
    CostLimit,
    /// [`ConnectionForm::price_input`].
    PriceInput,
    /// [`ConnectionForm::price_cached_input`].
    PriceCachedInput,
    /// [`ConnectionForm::price_output`].
    PriceOutput,
    /// [`ConnectionForm::server_url`].
    ServerUrl,
    /// [`ConnectionForm::path`].
    Path,
    /// [`ConnectionForm::token_header`].
    TokenHeader,
    /// [`ConnectionForm::idempotency_key_retention_hours`].
    IdempotencyKeyRetention,
    /// [`ConnectionForm::concurrency`].
    Concurrency,
    /// [`ConnectionForm::body_template`].
    BodyTemplate,
    /// [`ConnectionForm::schema_text`].
    SchemaText,
}

/// Why a field is invalid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldProblem {
    /// The field.
    pub field: FormField,
    /// What is wrong and what to do, in full sentences.
    pub message: String,
}

impl ConnectionForm {
    /// Fills the form from a connection.
    #[must_use]
    pub fn of(connection: &Connection) -> ConnectionForm {
        let mut form = ConnectionForm {
            name: connection.name.clone(),
            path: DEFAULT_PATH.to_owned(),
            token_header: DEFAULT_TOKEN_HEADER.to_owned(),
            idempotency_key_retention_hours: DEFAULT_IDEMPOTENCY_KEY_RETENTION_HOURS.to_string(),
            concurrency: DEFAULT_CONCURRENCY.to_string(),
            ..ConnectionForm::default()
        };
        if let Some(model) = &connection.model {
            form.base_url = model.base_url.to_string();
            form.model.clone_from(&model.model);
            form.api = model.api;
            form.max_output_tokens = model
                .max_output_tokens
                .map(|limit| limit.to_string())
                .unwrap_or_default();
            form.needs_key = model.needs_key;
            form.parameters = ExtraParameters {
                body: model.extra_body.clone(),
                query: model.extra_query.clone(),
                headers: model.extra_headers.clone(),
                key_header: model.key_header.clone(),
            };
            form.show_limits(&model.limits);
            if let Some(prices) = &model.prices {
                form.price_input = prices.input.to_string();
                form.price_cached_input = text_of(prices.cached_input);
                form.price_output = prices.output.to_string();
            }
        }
        if let Some(server) = &connection.task_server {
            form.server_url = server.url.to_string();
            form.path.clone_from(&server.path);
            form.token_header.clone_from(&server.token_header);
            form.honours_idempotency_keys = server.honours_idempotency_keys;
            form.idempotency_key_retention_hours =
                server.idempotency_key_retention_hours.to_string();
            form.concurrency = server.concurrency.to_string();
            form.body_template = server
                .body_template
                .clone()
                .map(String::from)
                .unwrap_or_default();
        }
        match &connection.task_schema {
            None => {}
            Some(text) if text == agent_action_schema() => form.schema = SchemaChoice::AgentAction,
            Some(text) => {
                form.schema = SchemaChoice::Own;
                form.schema_text.clone_from(text);
            }
        }
        if form.schema_text.is_empty() {
            // A starting point for the operator's own schema.
            form.schema_text = agent_task_schema().to_owned();
        }
        form
    }

    /// Validates the form.
    ///
    /// # Errors
    /// All problems of all fields.
    pub fn check(&self) -> Result<Connection, Vec<FieldProblem>> {
        let mut problems = Vec::new();
        let mut report = |field, message: String| problems.push(FieldProblem { field, message });
        let name = self.name.trim();
        if name.is_empty() {
            report(
                FormField::Name,
                "Enter a name for the connection.".to_owned(),
            );
        } else if name.chars().count() > MAX_NAME {
            report(
                FormField::Name,
                format!("The name is too long. Use at most {MAX_NAME} characters."),
            );
        }
        let model = self.read_model(&mut report);
        let task_server = self.read_server(&mut report);
        let task_schema = match self.schema {
            SchemaChoice::AgentTask => None,
            SchemaChoice::AgentAction => Some(agent_action_schema().to_owned()),
            SchemaChoice::Own => {
                if let Err(error) = TaskSchema::parse(&self.schema_text) {
                    report(
                        FormField::SchemaText,
                        sentences(&error.to_string(), error.hint()),
                    );
                }
                Some(self.schema_text.clone())
            }
        };
        if problems.is_empty() {
            Ok(Connection {
                name: name.to_owned(),
                model,
                task_server,
                task_schema,
            })
        } else {
            Err(problems)
        }
    }

    fn read_model(&self, report: &mut impl FnMut(FormField, String)) -> Option<ModelEndpoint> {
        let model = self.model.trim();
        if self.base_url.trim().is_empty() {
            if !model.is_empty() {
                report(
                    FormField::BaseUrl,
                    "The base URL is missing. Enter it, or clear the model.".to_owned(),
                );
            }
            return None;
        }
        let base_url = Address::parse(&self.base_url)
            .map_err(|error| {
                report(
                    FormField::BaseUrl,
                    sentences(&error.to_string(), error.hint()),
                )
            })
            .ok();
        if model.is_empty() {
            report(
                FormField::Model,
                "The model is missing. Enter its name, or list the endpoint's models.".to_owned(),
            );
        }
        let limit = self.max_output_tokens.trim();
        let max_output_tokens = match limit.parse::<u32>() {
            Ok(limit) if limit > 0 => Some(limit),
            _ if limit.is_empty() => None,
            _ => {
                report(FormField::MaxOutputTokens, TOKEN_COUNT.to_owned());
                None
            }
        };
        let limits = self.read_limits(report);
        let prices = self.read_prices(report);
        if limits.cost_limit.is_some() && prices.is_none() {
            report(
                FormField::CostLimit,
                "A cost limit needs prices. Enter the prices too.".to_owned(),
            );
        }
        Some(ModelEndpoint {
            base_url: base_url?,
            model: model.to_owned(),
            api: self.api,
            max_output_tokens,
            needs_key: self.needs_key,
            extra_body: self.parameters.body.clone(),
            extra_query: self.parameters.query.clone(),
            extra_headers: self.parameters.headers.clone(),
            key_header: self.parameters.key_header.clone(),
            limits,
            prices,
        })
    }

    /// Shows the limits that differ from the defaults; the other fields stay empty.
    fn show_limits(&mut self, limits: &Limits) {
        let default = Limits::default();
        let shown = |value: u32, default: u32| (value != default).then_some(value);
        self.tasks_per_request = text_of(shown(
            limits.tasks_per_request.get(),
            default.tasks_per_request.get(),
        ));
        self.first_token_timeout_seconds = text_of(limits.first_token_timeout_seconds);
        self.idle_timeout_seconds = text_of(shown(
            limits.idle_timeout_seconds.get(),
            default.idle_timeout_seconds.get(),
        ));
        self.request_timeout_seconds = text_of(shown(
            limits.request_timeout_seconds.get(),
            default.request_timeout_seconds.get(),
        ));
        self.token_limit = text_of(limits.token_limit);
        self.cost_limit = text_of(limits.cost_limit);
    }

    fn read_limits(&self, report: &mut impl FnMut(FormField, String)) -> Limits {
        let default = Limits::default();
        Limits {
            tasks_per_request: bounded(
                &self.tasks_per_request,
                default.tasks_per_request,
                |message| report(FormField::TasksPerRequest, message),
            ),
            first_token_timeout_seconds: match self.first_token_timeout_seconds.trim() {
                "" => None,
                text => {
                    let seconds = text.parse().ok().and_then(Bounded::new);
                    if seconds.is_none() {
                        report(
                            FormField::FirstTokenTimeout,
                            "Enter a whole number from 1 to 7200, or leave the field empty for 120, or 300 on this machine.".to_owned(),
                        );
                    }
                    seconds
                }
            },
            idle_timeout_seconds: bounded(
                &self.idle_timeout_seconds,
                default.idle_timeout_seconds,
                |message| report(FormField::IdleTimeout, message),
            ),
            request_timeout_seconds: bounded(
                &self.request_timeout_seconds,
                default.request_timeout_seconds,
                |message| report(FormField::RequestTimeout, message),
            ),
            token_limit: optional(&self.token_limit, |_| {
                report(FormField::TokenLimit, TOKEN_COUNT.to_owned());
            }),
            cost_limit: self.read_amount(&self.cost_limit, FormField::CostLimit, report),
        }
    }

    fn read_prices(&self, report: &mut impl FnMut(FormField, String)) -> Option<Prices> {
        let input = self.read_amount(&self.price_input, FormField::PriceInput, report);
        let cached_input = self.read_amount(
            &self.price_cached_input,
            FormField::PriceCachedInput,
            report,
        );
        let output = self.read_amount(&self.price_output, FormField::PriceOutput, report);
        let is_missing =
            |text: &str, amount: Option<Amount>| amount.is_none() && text.trim().is_empty();
        let missing = "Enter this price too, or leave all prices empty.";
        match (input, output) {
            (Some(input), Some(output)) => Some(Prices {
                input,
                cached_input,
                output,
            }),
            (None, None) if cached_input.is_none() => None,
            _ => {
                if is_missing(&self.price_input, input) {
                    report(FormField::PriceInput, missing.to_owned());
                }
                if is_missing(&self.price_output, output) {
                    report(FormField::PriceOutput, missing.to_owned());
                }
                None
            }
        }
    }

    fn read_amount(
        &self,
        text: &str,
        field: FormField,
        report: &mut impl FnMut(FormField, String),
    ) -> Option<Amount> {
        optional(text, |error: super::InvalidAmount| {
            report(
                field,
                sentences(&error.to_string(), "Use a format such as 1.25."),
            );
        })
    }

    fn read_server(&self, report: &mut impl FnMut(FormField, String)) -> Option<TaskServer> {
        if self.server_url.trim().is_empty() {
            return None;
        }
        let url = Address::parse(&self.server_url)
            .map_err(|error| {
                report(
                    FormField::ServerUrl,
                    sentences(&error.to_string(), error.hint()),
                );
            })
            .ok()?;
        let server = TaskServer {
            url,
            path: self.path.trim().to_owned(),
            token_header: self.token_header.trim().to_owned(),
            honours_idempotency_keys: self.honours_idempotency_keys,
            // Texts that are not numbers become 0, which fails the check.
            idempotency_key_retention_hours: self
                .idempotency_key_retention_hours
                .trim()
                .parse()
                .unwrap_or_default(),
            concurrency: self.concurrency.trim().parse().unwrap_or_default(),
            body_template: self.read_template(report),
        };
        match server.check() {
            Ok(()) => Some(server),
            Err(error) => {
                let field = match error {
                    SettingsError::Path { .. } => FormField::Path,
                    SettingsError::TokenHeader { .. } => FormField::TokenHeader,
                    SettingsError::Concurrency { .. } => FormField::Concurrency,
                    SettingsError::IdempotencyKeyRetention { .. } => {
                        FormField::IdempotencyKeyRetention
                    }
                    _ => FormField::ServerUrl,
                };
                let message = match field {
                    // The text may not be a number, so the message does not repeat the value.
                    FormField::Concurrency => {
                        format!("Enter a whole number from 1 to {MAX_CONCURRENCY}.")
                    }
                    FormField::IdempotencyKeyRetention => format!(
                        "Enter a whole number of hours from 1 to {MAX_IDEMPOTENCY_KEY_RETENTION_HOURS}."
                    ),
                    _ => sentences(&error.to_string(), error.hint()),
                };
                report(field, message);
                None
            }
        }
    }

    fn read_template(&self, report: &mut impl FnMut(FormField, String)) -> Option<BodyTemplate> {
        if self.body_template.trim().is_empty() {
            return None;
        }
        BodyTemplate::parse(&self.body_template)
            .map_err(|error| {
                let error = SettingsError::Template(error);
                report(
                    FormField::BodyTemplate,
                    sentences(&error.to_string(), error.hint()),
                );
            })
            .ok()
    }
}

fn text_of(value: Option<impl std::fmt::Display>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// Parses a field that may be empty. Returns `None` if it is empty or invalid.
fn optional<T: std::str::FromStr>(text: &str, report: impl FnOnce(T::Err)) -> Option<T> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    text.parse().map_err(report).ok()
}

/// Parses a number within bounds. Returns the default if the field is empty or invalid.
fn bounded<const MIN: u32, const MAX: u32>(
    text: &str,
    default: Bounded<MIN, MAX>,
    report: impl FnOnce(String),
) -> Bounded<MIN, MAX> {
    let text = text.trim();
    if text.is_empty() {
        return default;
    }
    text.parse().ok().and_then(Bounded::new).unwrap_or_else(|| {
        report(format!(
            "Enter a whole number from {MIN} to {MAX}, or leave the field empty for {default}."
        ));
        default
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn form() -> ConnectionForm {
        ConnectionForm {
            name: "Team queue".to_owned(),
            base_url: "https://model.example.com/v1".to_owned(),
            model: "small".to_owned(),
            server_url: "https://tasks.example.com".to_owned(),
            ..ConnectionForm::of(&Connection::built_in())
        }
    }

    #[test]
    fn a_connection_survives_the_round_trip_through_the_form() {
        let connection = Connection {
            name: "All".to_owned(),
            model: Some(ModelEndpoint {
                base_url: Address::parse("http://localhost:11434/v1").unwrap(),
                model: "llama".to_owned(),
                api: Api::Responses,
                max_output_tokens: Some(4096),
                needs_key: Some(true),
                extra_body: json!({"temperature": 0.2}).as_object().cloned().unwrap(),
                extra_query: [("api-version".to_owned(), "1".to_owned())].into(),
                extra_headers: [("X-Title".to_owned(), "Plans".to_owned())].into(),
                key_header: Some("api-key".to_owned()),
                limits: Limits {
                    tasks_per_request: Bounded::new(10).unwrap(),
                    first_token_timeout_seconds: Bounded::new(7),
                    idle_timeout_seconds: Bounded::new(5).unwrap(),
                    request_timeout_seconds: Bounded::new(60).unwrap(),
                    token_limit: std::num::NonZeroU64::new(100_000),
                    cost_limit: Some("0.5".parse().unwrap()),
                },
                prices: Some(Prices {
                    input: "1.25".parse().unwrap(),
                    cached_input: Some("0.125".parse().unwrap()),
                    output: "10".parse().unwrap(),
                }),
            }),
            task_server: Some(TaskServer {
                honours_idempotency_keys: true,
                idempotency_key_retention_hours: 168,
                concurrency: 16,
                body_template: Some(BodyTemplate::parse("{\"payload\": $task}").unwrap()),
                path: "/queue".to_owned(),
                ..TaskServer::at(Address::parse("https://tasks.example.com:8443").unwrap())
            }),
            task_schema: Some(r#"{"type":"object"}"#.to_owned()),
        };
        for connection in [connection, Connection::built_in()] {
            assert_eq!(ConnectionForm::of(&connection).check(), Ok(connection));
        }
        let mut example = Connection::built_in();
        example.task_schema = Some(agent_action_schema().to_owned());
        let form = ConnectionForm::of(&example);
        assert_eq!(form.schema, SchemaChoice::AgentAction);
        assert_eq!(form.check(), Ok(example));
    }

    #[test]
    fn each_invalid_field_has_a_message() {
        type Change = fn(&mut ConnectionForm);
        let cases: [(FormField, Change); 24] = [
            (FormField::Name, |form| form.name = " ".to_owned()),
            (FormField::Name, |form| form.name = "x".repeat(81)),
            (FormField::BaseUrl, |form| {
                form.base_url = "http://model.example.com".to_owned()
            }),
            (FormField::BaseUrl, |form| form.base_url.clear()),
            (FormField::Model, |form| form.model.clear()),
            (FormField::MaxOutputTokens, |form| {
                form.max_output_tokens = "many".to_owned()
            }),
            (FormField::TasksPerRequest, |form| {
                form.tasks_per_request = "501".to_owned()
            }),
            (FormField::FirstTokenTimeout, |form| {
                form.first_token_timeout_seconds = "0".to_owned()
            }),
            (FormField::IdleTimeout, |form| {
                form.idle_timeout_seconds = "0".to_owned()
            }),
            (FormField::RequestTimeout, |form| {
                form.request_timeout_seconds = "1.5".to_owned()
            }),
            (FormField::TokenLimit, |form| {
                form.token_limit = "-1".to_owned()
            }),
            (FormField::CostLimit, |form| {
                form.cost_limit = "1".to_owned()
            }),
            (FormField::PriceInput, |form| {
                form.price_input = "1,25".to_owned();
                form.price_output = "10".to_owned();
            }),
            (FormField::PriceInput, |form| {
                form.price_output = "10".to_owned()
            }),
            (FormField::PriceOutput, |form| {
                form.price_input = "1".to_owned()
            }),
            (FormField::ServerUrl, |form| {
                form.server_url = "tasks".to_owned()
            }),
            (FormField::Path, |form| form.path = "tasks".to_owned()),
            (FormField::TokenHeader, |form| {
                form.token_header = "Cookie".to_owned()
            }),
            (FormField::Concurrency, |form| {
                form.concurrency = "0".to_owned()
            }),
            (FormField::Concurrency, |form| {
                form.concurrency = "many".to_owned()
            }),
            (FormField::Concurrency, |form| {
                form.concurrency = "17".to_owned()
            }),
            (FormField::BodyTemplate, |form| {
                form.body_template = "{\"payload\": \"$task\"}".to_owned()
            }),
            (FormField::IdempotencyKeyRetention, |form| {
                form.idempotency_key_retention_hours.clear()
            }),
            (FormField::SchemaText, |form| {
                form.schema = SchemaChoice::Own;
                form.schema_text = "not JSON".to_owned();
            }),
        ];
        for (field, change) in cases {
            let mut form = form();
            change(&mut form);
            let problems = form.check().unwrap_err();
            assert_eq!(
                problems.iter().map(|p| p.field).collect::<Vec<_>>(),
                [field]
            );
            let message = &problems[0].message;
            assert!(message.ends_with('.'), "{message}");
        }
    }

    #[test]
    fn a_connection_for_dry_runs_needs_neither_model_nor_server() {
        let form = ConnectionForm {
            name: "Nothing".to_owned(),
            ..ConnectionForm::default()
        };
        let connection = form.check().unwrap();
        assert_eq!((connection.model, connection.task_server), (None, None));
    }

    #[test]
    fn all_problems_are_reported_together() {
        let form = ConnectionForm {
            base_url: "x".to_owned(),
            server_url: "y".to_owned(),
            ..ConnectionForm::default()
        };
        assert_eq!(form.check().unwrap_err().len(), 4);
    }
}
