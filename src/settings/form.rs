//! A connection as it stands in the settings dialog: anything may be wrong with it, and nothing
//! of it is lost.

use super::{
    Address, Amount, Api, BodyTemplate, Bounded, Connection, DEFAULT_CONCURRENCY,
    DEFAULT_KEYS_KEPT_HOURS, DEFAULT_PATH, DEFAULT_TOKEN_HEADER, Limits, ModelEndpoint, Prices,
    SettingsError, TaskServer,
};
use crate::schema::{TaskSchema, agent_action_schema, agent_task_schema};

/// The longest name of a connection, in characters.
pub const MAX_NAME: usize = 80;

/// Which task schema is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SchemaChoice {
    /// The default one, `agent-task`.
    #[default]
    AgentTask,
    /// The example for servers whose tasks are actions with arguments.
    AgentAction,
    /// The operator's own text.
    Own,
}

/// The fields of the dialog, as typed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConnectionForm {
    /// What the operator calls it.
    pub name: String,
    /// The model's base address; empty for no model.
    pub base_url: String,
    /// The model's name.
    pub model: String,
    /// The interface that the endpoint speaks.
    pub api: Api,
    /// A limit on the tokens of one answer; empty for none.
    pub max_output_tokens: String,
    /// Whether the endpoint wants a key; none for the rule of thumb.
    pub needs_key: Option<bool>,
    /// How many tasks one request asks for; empty for the usual number.
    pub tasks_per_request: String,
    /// For how many seconds nothing may arrive; empty for the usual time.
    pub idle_seconds: String,
    /// How many seconds a call may take; empty for the usual time.
    pub call_seconds: String,
    /// The most tokens of a run; empty for no limit.
    pub budget_tokens: String,
    /// The most that a run may cost; empty for no limit.
    pub budget_cost: String,
    /// The price of a million tokens that are sent; empty where nobody said.
    pub price_input: String,
    /// The price of a million of them that were in the cache; empty for the same price.
    pub price_cached_input: String,
    /// The price of a million tokens of answers; empty where nobody said.
    pub price_output: String,
    /// The task server's address; empty for none.
    pub server_url: String,
    /// What is appended for the `POST`.
    pub path: String,
    /// The header that carries the token.
    pub token_header: String,
    /// Whether the server is known to honour `Idempotency-Key`.
    pub honours_keys: bool,
    /// For how many hours it surely knows a key.
    pub keys_kept_hours: String,
    /// How many tasks may be on their way at a time.
    pub concurrency: String,
    /// What stands around a task in the body; empty where the task is the body.
    pub body_template: String,
    /// Which task schema.
    pub schema: SchemaChoice,
    /// The operator's own schema; kept while another one is chosen.
    pub schema_text: String,
}

/// A field of the dialog that something can be wrong with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormField {
    /// The connection's name.
    Name,
    /// The model's base address.
    BaseUrl,
    /// The model's name.
    Model,
    /// The limit on tokens.
    MaxOutputTokens,
    /// The tasks of a request.
    TasksPerRequest,
    /// The idle time.
    IdleSeconds,
    /// The time of a call.
    CallSeconds,
    /// The tokens of a run.
    BudgetTokens,
    /// The cost of a run.
    BudgetCost,
    /// The price of what is sent.
    PriceInput,
    /// The price of what was in the cache.
    PriceCachedInput,
    /// The price of the answers.
    PriceOutput,
    /// The task server's address.
    ServerUrl,
    /// The path of the `POST`.
    Path,
    /// The header of the token.
    TokenHeader,
    /// For how long keys are kept.
    KeysKeptHours,
    /// How many tasks at a time.
    Concurrency,
    /// What stands around a task.
    BodyTemplate,
    /// The task schema's text.
    SchemaText,
}

/// What is wrong with a field, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldProblem {
    /// Which field.
    pub field: FormField,
    /// What is wrong and what to do, in sentences.
    pub words: String,
}

impl ConnectionForm {
    /// The form for a connection.
    #[must_use]
    pub fn of(connection: &Connection) -> ConnectionForm {
        let mut form = ConnectionForm {
            name: connection.name.clone(),
            path: DEFAULT_PATH.to_owned(),
            token_header: DEFAULT_TOKEN_HEADER.to_owned(),
            keys_kept_hours: DEFAULT_KEYS_KEPT_HOURS.to_string(),
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
            form.honours_keys = server.honours_idempotency_keys;
            form.keys_kept_hours = server.keys_kept_hours.to_string();
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
            // Something to begin from.
            form.schema_text = agent_task_schema().to_owned();
        }
        form
    }

    /// The connection that this form makes.
    ///
    /// # Errors
    /// Everything that is wrong, at once, each for its field.
    pub fn check(&self) -> Result<Connection, Vec<FieldProblem>> {
        let mut problems = Vec::new();
        let mut note = |field, words: String| problems.push(FieldProblem { field, words });
        let name = self.name.trim();
        if name.is_empty() {
            note(FormField::Name, "Give the connection a name.".to_owned());
        } else if name.chars().count() > MAX_NAME {
            note(
                FormField::Name,
                format!("Use at most {MAX_NAME} characters."),
            );
        }
        let model = self.read_model(&mut note);
        let task_server = self.read_server(&mut note);
        let task_schema = match self.schema {
            SchemaChoice::AgentTask => None,
            SchemaChoice::AgentAction => Some(agent_action_schema().to_owned()),
            SchemaChoice::Own => {
                if let Err(error) = TaskSchema::parse(&self.schema_text) {
                    note(
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

    fn read_model(&self, note: &mut impl FnMut(FormField, String)) -> Option<ModelEndpoint> {
        let model = self.model.trim();
        if self.base_url.trim().is_empty() {
            if !model.is_empty() {
                note(
                    FormField::BaseUrl,
                    "A model is named without an address. Give the endpoint's address, or clear the model.".to_owned(),
                );
            }
            return None;
        }
        let base_url = Address::parse(&self.base_url)
            .map_err(|error| {
                note(
                    FormField::BaseUrl,
                    sentences(&error.to_string(), error.hint()),
                )
            })
            .ok();
        if model.is_empty() {
            note(
                FormField::Model,
                "Name the model as the endpoint knows it, or ask the endpoint which it has."
                    .to_owned(),
            );
        }
        let limit = self.max_output_tokens.trim();
        let max_output_tokens = match limit.parse::<u32>() {
            Ok(limit) if limit > 0 => Some(limit),
            _ if limit.is_empty() => None,
            _ => {
                note(
                    FormField::MaxOutputTokens,
                    "Give a whole number of tokens, or leave it empty for no limit.".to_owned(),
                );
                None
            }
        };
        let limits = self.read_limits(note);
        let prices = self.read_prices(note);
        if limits.budget_cost.is_some() && prices.is_none() {
            note(
                FormField::BudgetCost,
                "Give the prices too: without them nobody knows what a run costs.".to_owned(),
            );
        }
        Some(ModelEndpoint {
            base_url: base_url?,
            model: model.to_owned(),
            api: self.api,
            max_output_tokens,
            needs_key: self.needs_key,
            limits,
            prices,
        })
    }

    /// Shows what differs from the usual; what is empty stays the usual.
    fn show_limits(&mut self, limits: &Limits) {
        let usual = Limits::default();
        let shown = |held: u32, usual: u32| (held != usual).then_some(held);
        self.tasks_per_request = text_of(shown(
            limits.tasks_per_request.get(),
            usual.tasks_per_request.get(),
        ));
        self.idle_seconds = text_of(shown(limits.idle_seconds.get(), usual.idle_seconds.get()));
        self.call_seconds = text_of(shown(limits.call_seconds.get(), usual.call_seconds.get()));
        self.budget_tokens = text_of(limits.budget_tokens);
        self.budget_cost = text_of(limits.budget_cost);
    }

    fn read_limits(&self, note: &mut impl FnMut(FormField, String)) -> Limits {
        let usual = Limits::default();
        Limits {
            tasks_per_request: bounded(&self.tasks_per_request, usual.tasks_per_request, |words| {
                note(FormField::TasksPerRequest, words)
            }),
            idle_seconds: bounded(&self.idle_seconds, usual.idle_seconds, |words| {
                note(FormField::IdleSeconds, words)
            }),
            call_seconds: bounded(&self.call_seconds, usual.call_seconds, |words| {
                note(FormField::CallSeconds, words)
            }),
            budget_tokens: optional(&self.budget_tokens, |_| {
                note(
                    FormField::BudgetTokens,
                    "Give a whole number of tokens, or leave it empty for no limit.".to_owned(),
                );
            }),
            budget_cost: self.read_amount(&self.budget_cost, FormField::BudgetCost, note),
        }
    }

    fn read_prices(&self, note: &mut impl FnMut(FormField, String)) -> Option<Prices> {
        let input = self.read_amount(&self.price_input, FormField::PriceInput, note);
        let cached_input =
            self.read_amount(&self.price_cached_input, FormField::PriceCachedInput, note);
        let output = self.read_amount(&self.price_output, FormField::PriceOutput, note);
        let is_missing =
            |text: &str, amount: Option<Amount>| amount.is_none() && text.trim().is_empty();
        let missing = "Give this price too, or leave all of them empty.";
        match (input, output) {
            (Some(input), Some(output)) => Some(Prices {
                input,
                cached_input,
                output,
            }),
            (None, None) if cached_input.is_none() => None,
            _ => {
                if is_missing(&self.price_input, input) {
                    note(FormField::PriceInput, missing.to_owned());
                }
                if is_missing(&self.price_output, output) {
                    note(FormField::PriceOutput, missing.to_owned());
                }
                None
            }
        }
    }

    fn read_amount(
        &self,
        text: &str,
        field: FormField,
        note: &mut impl FnMut(FormField, String),
    ) -> Option<Amount> {
        optional(text, |error: super::NotAnAmount| {
            note(field, sentences(&error.to_string(), "Write it as 1.25."));
        })
    }

    fn read_server(&self, note: &mut impl FnMut(FormField, String)) -> Option<TaskServer> {
        if self.server_url.trim().is_empty() {
            return None;
        }
        let url = Address::parse(&self.server_url)
            .map_err(|error| {
                note(
                    FormField::ServerUrl,
                    sentences(&error.to_string(), error.hint()),
                );
            })
            .ok()?;
        let server = TaskServer {
            url,
            path: self.path.trim().to_owned(),
            token_header: self.token_header.trim().to_owned(),
            honours_idempotency_keys: self.honours_keys,
            // What is no such number fails the check as one that is out of range.
            keys_kept_hours: self.keys_kept_hours.trim().parse().unwrap_or_default(),
            concurrency: self.concurrency.trim().parse().unwrap_or_default(),
            body_template: self.read_template(note),
        };
        match server.check() {
            Ok(()) => Some(server),
            Err(error) => {
                let field = match error {
                    SettingsError::Path { .. } => FormField::Path,
                    SettingsError::TokenHeader { .. } => FormField::TokenHeader,
                    SettingsError::Concurrency { .. } => FormField::Concurrency,
                    SettingsError::KeysKept { .. } => FormField::KeysKeptHours,
                    _ => FormField::ServerUrl,
                };
                let words = match field {
                    // What was typed may be no number at all.
                    FormField::Concurrency | FormField::KeysKeptHours => error.hint().to_owned(),
                    _ => sentences(&error.to_string(), error.hint()),
                };
                note(field, words);
                None
            }
        }
    }
}

impl ConnectionForm {
    fn read_template(&self, note: &mut impl FnMut(FormField, String)) -> Option<BodyTemplate> {
        if self.body_template.trim().is_empty() {
            return None;
        }
        BodyTemplate::parse(&self.body_template)
            .map_err(|error| {
                let error = SettingsError::Template(error);
                note(
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

/// What stands in a field that may be empty.
fn optional<T: std::str::FromStr>(text: &str, note: impl FnOnce(T::Err)) -> Option<T> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    text.parse().map_err(note).ok()
}

/// A number within bounds; the usual one where the field is empty, or wrong and noted.
fn bounded<const LEAST: u32, const MOST: u32>(
    text: &str,
    usual: Bounded<LEAST, MOST>,
    note: impl FnOnce(String),
) -> Bounded<LEAST, MOST> {
    let text = text.trim();
    if text.is_empty() {
        return usual;
    }
    text.parse().ok().and_then(Bounded::new).unwrap_or_else(|| {
        note(format!(
            "Give a whole number from {LEAST} to {MOST}, or leave it empty for {usual}."
        ));
        usual
    })
}

/// What happened and what to do, as two sentences.
fn sentences(what: &str, hint: &str) -> String {
    let mut characters = what.chars();
    let what: String = characters
        .next()
        .map(|first| first.to_uppercase().chain(characters).collect())
        .unwrap_or_default();
    let stop = if what.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    format!("{what}{stop} {hint}")
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_connection_comes_back_from_its_form_as_it_was() {
        let connection = Connection {
            name: "All".to_owned(),
            model: Some(ModelEndpoint {
                base_url: Address::parse("http://localhost:11434/v1").unwrap(),
                model: "llama".to_owned(),
                api: Api::Responses,
                max_output_tokens: Some(4096),
                needs_key: Some(true),
                limits: Limits {
                    tasks_per_request: Bounded::new(10).unwrap(),
                    idle_seconds: Bounded::new(5).unwrap(),
                    call_seconds: Bounded::new(60).unwrap(),
                    budget_tokens: std::num::NonZeroU64::new(100_000),
                    budget_cost: Some("0.5".parse().unwrap()),
                },
                prices: Some(Prices {
                    input: "1.25".parse().unwrap(),
                    cached_input: Some("0.125".parse().unwrap()),
                    output: "10".parse().unwrap(),
                }),
            }),
            task_server: Some(TaskServer {
                honours_idempotency_keys: true,
                keys_kept_hours: 168,
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
    fn each_wrong_field_is_told_what_is_wrong_with_it() {
        type Change = fn(&mut ConnectionForm);
        let cases: [(FormField, Change); 23] = [
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
            (FormField::IdleSeconds, |form| {
                form.idle_seconds = "0".to_owned()
            }),
            (FormField::CallSeconds, |form| {
                form.call_seconds = "1.5".to_owned()
            }),
            (FormField::BudgetTokens, |form| {
                form.budget_tokens = "-1".to_owned()
            }),
            (FormField::BudgetCost, |form| {
                form.budget_cost = "1".to_owned()
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
            (FormField::KeysKeptHours, |form| {
                form.keys_kept_hours.clear()
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
            assert!(problems[0].words.ends_with('.'), "{}", problems[0].words);
        }
    }

    #[test]
    fn no_model_and_no_server_are_a_connection_for_dry_runs() {
        let form = ConnectionForm {
            name: "Nothing".to_owned(),
            ..ConnectionForm::default()
        };
        let connection = form.check().unwrap();
        assert_eq!((connection.model, connection.task_server), (None, None));
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let form = ConnectionForm {
            base_url: "x".to_owned(),
            server_url: "y".to_owned(),
            ..ConnectionForm::default()
        };
        assert_eq!(form.check().unwrap_err().len(), 4);
    }
}
