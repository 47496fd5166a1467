//! The form of a connection: its fields as typed, and their validation.

mod body_preview;
mod field;
mod lines;
mod model;
mod server;
mod vault;

use std::collections::BTreeMap;

pub use body_preview::BodyPreview;
pub use field::{FieldInfo, FormField};

use super::{Api, Connection, ConnectionColor, ConnectionId, SchemaSource};
use crate::schema::{Roles, TaskSchema, agent_action_schema, agent_task_schema};
use crate::text::{is_hidden, sentences};

/// Maximum length of a connection's name, in characters.
pub const MAX_NAME: usize = 80;

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

/// The fields of the form as typed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConnectionForm {
    /// Which connection is edited; that of a new one is empty.
    id: ConnectionId,
    /// The version of the connection that the form was filled from.
    version: u32,
    /// The texts of the text fields; a field without an entry is empty.
    texts: BTreeMap<FormField, String>,
    /// The color of the connection.
    pub color: ConnectionColor,
    /// Whether the connection is marked as production.
    pub is_production: bool,
    /// The API that the model endpoint implements.
    pub api: Api,
    /// Whether the model endpoint requires an API key; `None` to decide by address.
    pub needs_key: Option<bool>,
    /// The origin of the task server that is known to honour `Idempotency-Key`. The promise does not go
    /// along to another server. Empty if it was given before there was a valid address.
    honouring_origin: Option<String>,
    /// The choice of task schema.
    pub schema: SchemaChoice,
    /// Where the operator's own schema was read from, if it was.
    pub schema_source: Option<SchemaSource>,
}

/// Why a field is invalid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldProblem {
    /// The field.
    pub field: FormField,
    /// What is wrong and what to do, in full sentences.
    pub message: String,
}

/// The problems found so far.
#[derive(Default)]
struct Problems(Vec<FieldProblem>);

impl Problems {
    fn add(&mut self, field: FormField, message: impl Into<String>) {
        self.0.push(FieldProblem {
            field,
            message: message.into(),
        });
    }
}

impl ConnectionForm {
    /// Fills the form from a connection.
    #[must_use]
    pub fn of(connection: &Connection) -> ConnectionForm {
        let mut form = ConnectionForm {
            id: connection.id.clone(),
            version: connection.version,
            color: connection.color,
            is_production: connection.is_production,
            schema_source: connection.schema_source.clone(),
            ..ConnectionForm::default()
        };
        form.set(FormField::Name, connection.name.clone());
        for (field, member) in [
            (FormField::KeyRole, &connection.roles.key),
            (FormField::TitleRole, &connection.roles.title),
            (FormField::DependsOnRole, &connection.roles.depends_on),
        ] {
            form.set(field, member.clone().unwrap_or_default());
        }
        form.show_server(connection.task_server.as_ref());
        if let Some(model) = &connection.model {
            form.show_model(model);
        }
        if let Some(vault) = &connection.vault {
            form.show_vault(vault);
        }
        match &connection.task_schema {
            None => {}
            Some(text) if text == agent_action_schema() => form.schema = SchemaChoice::AgentAction,
            Some(text) => {
                form.schema = SchemaChoice::Own;
                form.set(FormField::SchemaText, text.clone());
            }
        }
        if form.text(FormField::SchemaText).is_empty() {
            // A starting point for the operator's own schema.
            form.set(FormField::SchemaText, agent_task_schema().to_owned());
        }
        form
    }

    /// Takes over everything of a connection but its identity.
    pub fn replace_with(&mut self, connection: &Connection) {
        *self = ConnectionForm {
            id: self.id.clone(),
            version: self.version,
            ..ConnectionForm::of(connection)
        };
    }

    /// The text of a field.
    #[must_use]
    pub fn text(&self, field: FormField) -> &str {
        self.texts.get(&field).map_or("", String::as_str)
    }

    /// Changes the text of a field.
    pub fn set(&mut self, field: FormField, text: impl Into<String>) {
        let text = text.into();
        if text.is_empty() {
            self.texts.remove(&field);
        } else {
            self.texts.insert(field, text);
        }
    }

    /// The text of a field without the space around it.
    fn trimmed(&self, field: FormField) -> &str {
        self.text(field).trim()
    }

    /// The trimmed text of a field; `None` if it is empty.
    fn optional(&self, field: FormField) -> Option<String> {
        let text = self.trimmed(field);
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// Validates the form.
    ///
    /// # Errors
    /// All problems of all fields.
    pub fn check(&self) -> Result<Connection, Vec<FieldProblem>> {
        let mut problems = Problems::default();
        let name = self.trimmed(FormField::Name);
        if name.is_empty() {
            problems.add(FormField::Name, "Enter a name for the connection.");
        } else if name.chars().any(is_hidden) {
            problems.add(
                FormField::Name,
                "The name has characters that are not seen. Type it again.",
            );
        } else if name.chars().count() > MAX_NAME {
            problems.add(
                FormField::Name,
                format!("The name is too long. Use at most {MAX_NAME} characters."),
            );
        }
        let model = self.read_model(&mut problems);
        let task_server = self.read_server(&mut problems);
        let vault = self.read_vault(&mut problems);
        let task_schema = match self.schema {
            SchemaChoice::AgentTask => None,
            SchemaChoice::AgentAction => Some(agent_action_schema().to_owned()),
            SchemaChoice::Own => {
                let text = self.text(FormField::SchemaText);
                if let Err(error) = TaskSchema::parse(text) {
                    problems.add(
                        FormField::SchemaText,
                        sentences(&error.to_string(), error.hint()),
                    );
                }
                Some(text.to_owned())
            }
        };
        if !problems.0.is_empty() {
            return Err(problems.0);
        }
        Ok(Connection {
            id: self.id.clone(),
            version: self.version,
            name: name.to_owned(),
            color: self.color,
            is_production: self.is_production,
            model,
            task_server,
            task_schema,
            schema_source: self
                .schema_source
                .clone()
                .filter(|_| self.schema == SchemaChoice::Own),
            roles: Roles {
                key: self.optional(FormField::KeyRole),
                title: self.optional(FormField::TitleRole),
                depends_on: self.optional(FormField::DependsOnRole),
            },
            vault: vault.map(Box::new),
        })
    }

    /// The problem of a field with one pair per line.
    fn read_pairs(
        &self,
        field: FormField,
        separator: char,
        problems: &mut Problems,
    ) -> BTreeMap<String, String> {
        lines::read_pairs(self.text(field), separator).unwrap_or_else(|line| {
            let form = if separator == ':' {
                "Name: value"
            } else {
                "name=value"
            };
            problems.add(
                field,
                format!("Line {line} lacks a value, or repeats a name. Write each line as {form}."),
            );
            BTreeMap::new()
        })
    }
}

fn text_of(value: Option<impl std::fmt::Display>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{
        Address, BodyTemplate, Bounded, KvVersion, Limits, ModelEndpoint, Prices, TaskServer,
        VaultMethod, VaultSource,
    };
    use serde_json::json;

    fn with(mut form: ConnectionForm, texts: &[(FormField, &str)]) -> ConnectionForm {
        for (field, text) in texts {
            form.set(*field, *text);
        }
        form
    }

    fn form() -> ConnectionForm {
        with(
            ConnectionForm::of(&Connection::built_in()),
            &[
                (FormField::Name, "Team queue"),
                (FormField::BaseUrl, "https://model.example.com/v1"),
                (FormField::Model, "small"),
                (FormField::ServerUrl, "https://tasks.example.com"),
            ],
        )
    }

    fn in_vault(form: &mut ConnectionForm, texts: &[(FormField, &str)]) {
        form.set(FormField::VaultAddress, "https://vault.example.com");
        for (field, text) in texts {
            form.set(*field, *text);
        }
    }

    #[test]
    fn the_promise_to_honour_keys_stays_with_its_server() {
        let mut form = ConnectionForm::of(&Connection::built_in());
        form.set(FormField::ServerUrl, "https://tasks.example.com/api");
        form.set_honours_idempotency_keys(true);
        for (address, honours) in [
            ("https://tasks.example.com/other", true),
            ("https://tasks.exam", false),
            ("no address", true),
            ("https://tasks.example.com:8443/api", false),
            ("https://tasks.example.com/api", true),
        ] {
            form.set(FormField::ServerUrl, address);
            assert_eq!(form.honours_idempotency_keys(), honours, "{address}");
        }
        form.set(FormField::ServerUrl, "https://elsewhere.example");
        let connection = form.check().unwrap();
        assert!(!connection.task_server.unwrap().honours_idempotency_keys);
    }

    #[test]
    fn a_connection_survives_the_round_trip_through_the_form() {
        let connection = Connection {
            id: ConnectionId::new("c1"),
            version: 3,
            color: ConnectionColor::Amber,
            is_production: true,
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
                id_pointer: Some("/data/id".to_owned()),
                path: "/queue".to_owned(),
                token_header: "Authorization".to_owned(),
                token_scheme: Some("Bearer".to_owned()),
                extra_headers: [("X-Tenant".to_owned(), "a: b".to_owned())].into(),
                secret_headers: ["X-A".to_owned(), "X-B".to_owned()].into(),
                extra_query: [("queue".to_owned(), "a=b".to_owned())].into(),
                ..TaskServer::at(Address::parse("https://tasks.example.com:8443").unwrap())
            }),
            task_schema: Some(r#"{"type":"object"}"#.to_owned()),
            schema_source: Some(SchemaSource::new(
                Address::parse("https://tasks.example.com/openapi.json").unwrap(),
                "{}",
            )),
            roles: Roles {
                key: Some("ref".to_owned()),
                title: None,
                depends_on: Some("needs".to_owned()),
            },
            vault: Some(Box::new(VaultSource {
                mount: Some("kv".to_owned()),
                namespace: Some("ns1/ns2".to_owned()),
                kv_version: Some(KvVersion::Two),
                version: Some(3),
                sign_in: VaultMethod::Ldap,
                sign_in_mount: Some("corp".to_owned()),
                user_name: Some("ann".to_owned()),
                api_key_field: Some("model".to_owned()),
                agent_token_field: Some("queue".to_owned()),
                header_fields: [("X-A".to_owned(), "a".to_owned())].into(),
                ..VaultSource::at(
                    Address::parse("https://vault.example.com:8200").unwrap(),
                    "team/agent",
                )
            })),
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
        let cases: [(FormField, Change); 43] = [
            (FormField::ModelBody, |form| {
                form.set(FormField::ModelBody, "temperature: 0.2")
            }),
            (FormField::ModelBody, |form| {
                form.set(FormField::ModelBody, r#"{"stream": false}"#)
            }),
            (FormField::ModelQuery, |form| {
                form.set(FormField::ModelQuery, "api_key=a")
            }),
            (FormField::ModelHeaders, |form| {
                form.set(FormField::ModelHeaders, "X-Title")
            }),
            (FormField::KeyHeader, |form| {
                form.set(FormField::KeyHeader, "Cookie")
            }),
            (FormField::TokenScheme, |form| {
                form.set(FormField::TokenScheme, "Bearer abc")
            }),
            (FormField::ExtraHeaders, |form| {
                form.set(FormField::ExtraHeaders, "X-Api-Key: a")
            }),
            (FormField::SecretHeaders, |form| {
                form.set(FormField::SecretHeaders, "X-A, Cookie")
            }),
            (FormField::ExtraQuery, |form| {
                form.set(FormField::ExtraQuery, "a=1\na=2")
            }),
            (FormField::Name, |form| form.set(FormField::Name, " ")),
            (FormField::Name, |form| {
                form.set(FormField::Name, "Ops \u{202e}noitcudorp")
            }),
            (FormField::Name, |form| {
                form.set(FormField::Name, "x".repeat(81))
            }),
            (FormField::BaseUrl, |form| {
                form.set(FormField::BaseUrl, "http://model.example.com")
            }),
            (FormField::BaseUrl, |form| form.set(FormField::BaseUrl, "")),
            (FormField::Model, |form| form.set(FormField::Model, "")),
            (FormField::MaxOutputTokens, |form| {
                form.set(FormField::MaxOutputTokens, "many")
            }),
            (FormField::TasksPerRequest, |form| {
                form.set(FormField::TasksPerRequest, "501")
            }),
            (FormField::FirstTokenTimeout, |form| {
                form.set(FormField::FirstTokenTimeout, "0")
            }),
            (FormField::IdleTimeout, |form| {
                form.set(FormField::IdleTimeout, "0")
            }),
            (FormField::RequestTimeout, |form| {
                form.set(FormField::RequestTimeout, "1.5")
            }),
            (FormField::TokenLimit, |form| {
                form.set(FormField::TokenLimit, "-1")
            }),
            (FormField::CostLimit, |form| {
                form.set(FormField::CostLimit, "1")
            }),
            (FormField::PriceInput, |form| {
                form.set(FormField::PriceInput, "1,25");
                form.set(FormField::PriceOutput, "10");
            }),
            (FormField::PriceInput, |form| {
                form.set(FormField::PriceOutput, "10")
            }),
            (FormField::PriceOutput, |form| {
                form.set(FormField::PriceInput, "1")
            }),
            (FormField::ServerUrl, |form| {
                form.set(FormField::ServerUrl, "tasks")
            }),
            (FormField::Path, |form| form.set(FormField::Path, "tasks")),
            (FormField::TokenHeader, |form| {
                form.set(FormField::TokenHeader, "Cookie")
            }),
            (FormField::Concurrency, |form| {
                form.set(FormField::Concurrency, "0")
            }),
            (FormField::Concurrency, |form| {
                form.set(FormField::Concurrency, "many")
            }),
            (FormField::Concurrency, |form| {
                form.set(FormField::Concurrency, "17")
            }),
            (FormField::BodyTemplate, |form| {
                form.set(FormField::BodyTemplate, "{\"payload\": \"$task\"}")
            }),
            (FormField::IdPointer, |form| {
                form.set(FormField::IdPointer, "data.id")
            }),
            (FormField::IdempotencyKeyRetention, |form| {
                form.set(FormField::IdempotencyKeyRetention, "")
            }),
            (FormField::VaultAddress, |form| {
                form.set(FormField::VaultPath, "secret/agent")
            }),
            (FormField::VaultAddress, |form| {
                form.set(FormField::VaultAddress, "http://vault.example.com")
            }),
            (FormField::VaultPath, |form| in_vault(form, &[])),
            (FormField::VaultKvVersion, |form| {
                in_vault(
                    form,
                    &[
                        (FormField::VaultPath, "a/b"),
                        (FormField::VaultKvVersion, "3"),
                    ],
                )
            }),
            (FormField::VaultVersion, |form| {
                in_vault(
                    form,
                    &[
                        (FormField::VaultPath, "a/b"),
                        (FormField::VaultVersion, "new"),
                    ],
                )
            }),
            (FormField::VaultSignIn, |form| {
                in_vault(
                    form,
                    &[
                        (FormField::VaultPath, "a/b"),
                        (FormField::VaultSignIn, "oidc"),
                    ],
                )
            }),
            (FormField::VaultMount, |form| {
                in_vault(
                    form,
                    &[
                        (FormField::VaultPath, "a/b"),
                        (FormField::VaultMount, "a//b"),
                    ],
                )
            }),
            (FormField::VaultHeaderFields, |form| {
                in_vault(
                    form,
                    &[
                        (FormField::VaultPath, "a/b"),
                        (FormField::VaultHeaderFields, "X-A"),
                    ],
                )
            }),
            (FormField::SchemaText, |form| {
                form.schema = SchemaChoice::Own;
                form.set(FormField::SchemaText, "not JSON");
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
        let form = with(ConnectionForm::default(), &[(FormField::Name, "Nothing")]);
        let connection = form.check().unwrap();
        assert_eq!((connection.model, connection.task_server), (None, None));
    }

    #[test]
    fn all_problems_are_reported_together() {
        let form = with(
            ConnectionForm::default(),
            &[(FormField::BaseUrl, "x"), (FormField::ServerUrl, "y")],
        );
        assert_eq!(form.check().unwrap_err().len(), 4);
    }
}
