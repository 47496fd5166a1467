//! A connection as it stands in the settings dialog: anything may be wrong with it, and nothing
//! of it is lost.

use super::{
    Address, Api, BodyTemplate, Connection, DEFAULT_CONCURRENCY, DEFAULT_KEYS_KEPT_HOURS,
    DEFAULT_PATH, DEFAULT_TOKEN_HEADER, ModelEndpoint, SettingsError, TaskServer,
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
        Some(ModelEndpoint {
            base_url: base_url?,
            model: model.to_owned(),
            api: self.api,
            max_output_tokens,
            needs_key: self.needs_key,
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
        let cases: [(FormField, Change); 15] = [
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
