//! What was recognised, in words for the operator.

use super::fill::{PasteChoice, callable_servers};
use super::openapi::ApiOperation;
use super::{
    NotRecognized, PasteNotice, PastedExamples, PastedUrl, Recognized, RequestSource, TaskEnvelope,
};
use crate::text::{counted, is_hidden};

/// A summary of a pasted text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PasteSummary {
    /// What the text is, as a sentence.
    pub title: String,
    /// Whether anything can be taken over.
    pub is_usable: bool,
    /// The operations to choose from, the likeliest one first; empty if there is no choice.
    pub operations: Vec<String>,
    /// The servers to choose from; empty if there is no choice.
    pub servers: Vec<String>,
    /// The body template, if the body looks like an envelope around the task.
    pub envelope: Option<String>,
    /// The schema that is taken over, as JSON text.
    pub schema: Option<String>,
    /// What was recognised, changed, left out or is missing.
    pub notices: Vec<PasteNotice>,
}

impl Recognized {
    /// Summarizes the text for the operator, with the choices made so far. `None` for an empty text.
    #[must_use]
    pub fn summary(&self, choice: PasteChoice) -> Option<PasteSummary> {
        let of = |title: String| PasteSummary {
            title,
            is_usable: true,
            notices: self.notices().to_vec(),
            ..PasteSummary::default()
        };
        Some(match self {
            Recognized::Unknown(NotRecognized::Empty) => return None,
            Recognized::Unknown(reason) => PasteSummary {
                title: crate::text::sentences(&reason.to_string(), reason.hint()),
                ..PasteSummary::default()
            },
            Recognized::Address(address) => of(format!("An address: {}.", url_text(&address.url))),
            Recognized::Request(request) => {
                let source = match request.source {
                    RequestSource::Curl => "A curl command",
                    RequestSource::PowerShell => "A PowerShell command",
                    RequestSource::Fetch => "A fetch call",
                };
                let title = format!("{source}: {} {}.", request.method, url_text(&request.url));
                match &request.example {
                    Some(examples) => with_examples(of(title), examples, choice),
                    None => of(title),
                }
            }
            Recognized::OpenApi(document) => {
                let mut summary = of(match document.title.as_str() {
                    "" => "An OpenAPI document.".to_owned(),
                    title => format!("The OpenAPI document “{title}”."),
                });
                summary.operations = document.operations.iter().map(operation_text).collect();
                summary.is_usable = !document.operations.is_empty();
                if let Some(operation) = document.operations.get(choice.operation) {
                    summary.notices.extend(operation.notices.iter().cloned());
                    let servers = callable_servers(document, operation);
                    if let Some(server) = servers.get(choice.server) {
                        summary
                            .title
                            .push_str(&format!(" Tasks are posted to {server}."));
                    }
                    summary.servers = servers.iter().map(ToString::to_string).collect();
                    let body = &operation.body;
                    set_body(&mut summary, &body.schema, body.envelope.as_ref(), choice);
                }
                summary
            }
            Recognized::Schema(schema) => PasteSummary {
                schema: Some(
                    schema
                        .translated
                        .clone()
                        .unwrap_or_else(|| schema.text.clone()),
                ),
                ..of("A JSON Schema.".to_owned())
            },
            Recognized::Examples(examples) => {
                let title = format!("{} of a task.", counted(examples.count, "example"));
                with_examples(of(title), examples, choice)
            }
            Recognized::AgentConfig(_) => of("An agent_config.json.".to_owned()),
            Recognized::Config(config) => match &**config {
                Ok(config) => PasteSummary {
                    is_usable: config.connection.is_some(),
                    ..of("A config.json of this page.".to_owned())
                },
                Err(error) => PasteSummary {
                    title: crate::text::sentences(&error.to_string(), error.hint()),
                    ..PasteSummary::default()
                },
            },
        })
    }
}

fn with_examples(
    mut summary: PasteSummary,
    examples: &PastedExamples,
    choice: PasteChoice,
) -> PasteSummary {
    set_body(
        &mut summary,
        &examples.schema,
        examples.envelope.as_ref(),
        choice,
    );
    // Those of a request include them.
    let new = |notice: &&PasteNotice| !summary.notices.contains(notice);
    let notices: Vec<PasteNotice> = examples.notices.iter().filter(new).cloned().collect();
    summary.notices.extend(notices);
    summary
}

fn set_body(
    summary: &mut PasteSummary,
    schema: &str,
    envelope: Option<&TaskEnvelope>,
    choice: PasteChoice,
) {
    let used = envelope.filter(|_| !choice.ignores_envelope);
    let schema = used.map_or(schema, |envelope| envelope.schema.as_str());
    summary.schema = Some(schema.to_owned());
    summary.envelope = envelope.map(|envelope| String::from(envelope.template.clone()));
}

fn url_text(url: &PastedUrl) -> String {
    match &url.address {
        Ok(address) => {
            let seen: String = url.path.chars().filter(|c| !is_hidden(*c)).collect();
            format!("{address}{seen}")
        }
        Err(error) => format!("{} (its address cannot be used: {error})", url.path),
    }
}

fn operation_text(operation: &ApiOperation) -> String {
    match &operation.summary {
        Some(summary) => format!("{} {}: {summary}", operation.method, operation.path),
        None => format!("{} {}", operation.method, operation.path),
    }
}

#[cfg(test)]
mod tests {
    use crate::paste::{PasteChoice, fill, recognize};
    use crate::secrets::SecretSlot;
    use crate::settings::form::{ConnectionForm, FormField, SchemaChoice};
    use crate::settings::{Address, Connection};

    /// The connection that a pasted text leads to, with a name for a new one.
    fn connection(text: &str, choice: PasteChoice) -> (Connection, usize) {
        let mut form = ConnectionForm::of(&Connection::named(""));
        let secrets = fill(&mut form, recognize(text), choice);
        let connection = form
            .check()
            .unwrap_or_else(|problems| panic!("{problems:?}"));
        (connection, secrets.len())
    }

    #[test]
    fn a_curl_command_sets_up_a_server_with_tenant_header_query_and_envelope() {
        let curl = r#"curl -X POST 'https://ops.example/repository?queue=blue' -H 'X-TENANT: north' -H 'Authorization: Bearer s3cret-token-0001' -H 'Content-Type: application/json' -d '{"type": "work", "payload": {"title": "Fix it", "priority": 3}}'"#;
        let (connection, secrets) = connection(curl, PasteChoice::default());
        let server = connection.task_server.unwrap();
        assert_eq!(
            server.tasks_url(),
            "https://ops.example/repository?queue=blue"
        );
        assert_eq!(server.extra_headers.get("X-TENANT").unwrap(), "north");
        assert_eq!(server.token_header, "Authorization");
        assert_eq!(server.token_scheme.as_deref(), Some("Bearer"));
        assert_eq!(
            server.body_form().replace(' ', ""),
            r#"{"type":"work","payload":$task}"#
        );
        assert!(connection.task_schema.unwrap().contains("\"title\""));
        assert_eq!(secrets, 1);
    }

    #[test]
    fn a_request_to_a_model_sets_up_the_model_endpoint() {
        let curl = r#"curl https://api.openai.com/v1/chat/completions -H "Authorization: Bearer sk-0123456789abcdef0123" -d '{"model": "gpt-5", "messages": []}'"#;
        let mut form = ConnectionForm::of(&Connection::named("Mine"));
        let secrets = fill(&mut form, recognize(curl), PasteChoice::default());
        assert_eq!(form.text(FormField::BaseUrl), "https://api.openai.com/v1");
        assert_eq!(form.text(FormField::Model), "gpt-5");
        assert_eq!(form.text(FormField::ServerUrl), "");
        assert_eq!(secrets[0].0, SecretSlot::API_KEY);
        let address = Address::parse("https://api.openai.com").unwrap();
        assert!(secrets[0].1.reveal_to(&address).is_ok());
    }

    #[test]
    fn an_openapi_document_sets_up_path_headers_token_and_schema() {
        let document = r##"{"openapi": "3.1.0", "info": {"title": "Ops", "version": "1"},
            "servers": [{"url": "https://ops.example/api"}],
            "paths": {"/tasks/": {"post": {
                "summary": "Add a task",
                "parameters": [
                    {"in": "header", "name": "Idempotency-Key", "schema": {"type": "string"}},
                    {"in": "header", "name": "X-Tenant", "required": true, "schema": {"const": "north"}},
                    {"in": "header", "name": "X-AGENT-TOKEN", "required": true, "schema": {"type": "string"}}],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Task"}}}},
                "responses": {"201": {"description": "ok"}}}}},
            "components": {"schemas": {"Task": {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]}}}}"##;
        let recognized = recognize(document);
        let summary = recognized.summary(PasteChoice::default()).unwrap();
        assert_eq!(
            summary.title,
            "The OpenAPI document “Ops”. Tasks are posted to https://ops.example/api."
        );
        assert_eq!(summary.operations, ["POST /tasks/: Add a task"]);
        let (connection, _) = connection(document, PasteChoice::default());
        assert_eq!(connection.name, "Ops");
        let server = connection.task_server.unwrap();
        assert_eq!(server.tasks_url(), "https://ops.example/api/tasks/");
        assert_eq!(server.extra_headers.get("X-Tenant").unwrap(), "north");
        assert_eq!(server.token_header, "X-AGENT-TOKEN");
        assert!(server.honours_idempotency_keys);
    }

    #[test]
    fn tasks_go_to_the_server_that_the_document_was_read_from_unless_the_operator_chooses_another()
    {
        let document = r#"{"openapi": "3.1.0", "info": {"title": "Ops \u202Enoitcudorp", "version": "1"},
            "servers": [{"url": "https://production.example"}],
            "paths": {"/tasks": {"post": {"requestBody": {"content": {"application/json":
                {"schema": {"type": "object"}}}}}}}}"#;
        let staging = Address::parse("https://staging.example/openapi.json").unwrap();
        for (server, expected) in [
            (0, "https://staging.example"),
            (1, "https://production.example"),
        ] {
            let choice = PasteChoice {
                server,
                ..PasteChoice::default()
            };
            let recognized = crate::paste::recognize_from(document, Some(&staging));
            let summary = recognized.summary(choice).unwrap();
            assert_eq!(summary.servers.len(), 2);
            assert!(
                summary.title.ends_with(&format!("posted to {expected}.")),
                "{}",
                summary.title
            );
            let mut form = ConnectionForm::of(&Connection::named(""));
            fill(&mut form, recognized, choice);
            assert_eq!(form.text(FormField::ServerUrl), expected);
            assert_eq!(form.text(FormField::Name), "Ops noitcudorp");
        }
    }

    #[test]
    fn an_example_sets_the_schema_only() {
        let mut form = ConnectionForm::of(&Connection::built_in());
        fill(
            &mut form,
            recognize(r#"{"title": "Fix it", "priority": 3}"#),
            PasteChoice::default(),
        );
        assert_eq!(form.schema, SchemaChoice::Own);
        assert_eq!(form.text(FormField::ServerUrl), "http://localhost:8080");
        assert!(form.text(FormField::SchemaText).contains("\"priority\""));
    }

    #[test]
    fn a_text_that_is_not_recognised_changes_nothing() {
        for text in ["", "hello there", "{\"a\":", "swagger: '2.0'"] {
            let mut form = ConnectionForm::of(&Connection::built_in());
            let recognized = recognize(text);
            if let Some(summary) = recognized.summary(PasteChoice::default()) {
                assert!(!summary.is_usable, "{text}");
                assert!(!summary.title.is_empty(), "{text}");
            }
            fill(&mut form, recognized, PasteChoice::default());
            assert_eq!(form, ConnectionForm::of(&Connection::built_in()), "{text}");
        }
    }
}
