//! Fills the form of a connection from what was pasted.

use super::examples::PastedExamples;
use super::openapi::{ApiDocument, ApiOperation, ApiParameter};
use super::{
    PastedRequest, PastedToken, PastedUrl, Recognized, TaskEnvelope, TokenForm, TokenPlace,
    TokenValue, VaultLocation,
};
use crate::secrets::{Secret, SecretSlot};
use crate::settings::form::{ConnectionForm, FormField, MAX_NAME, SchemaChoice};
use crate::settings::{Address, DEFAULT_PATH};
use crate::text::is_hidden;

/// What the operator chose where a text allows several readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PasteChoice {
    /// The operation of an OpenAPI document, from 0. The likeliest one is the first.
    pub operation: usize,
    /// The server of an OpenAPI document, from 0, among those that the page can call.
    pub server: usize,
    /// Whether the body is taken as the task although it looks like an envelope around one.
    pub ignores_envelope: bool,
}

/// The secrets of a text, each with the slot and the address it belongs to.
pub type PastedSecrets = Vec<(SecretSlot, Secret)>;

/// Fills the form with what a text says, and returns its secrets. Fields that it says nothing about stay
/// as they are. A text that is not recognised changes nothing.
///
/// For the server that the form has already, what a description leaves open stays: the values of headers
/// and parameters that it only names, and a body template.
pub fn fill(form: &mut ConnectionForm, pasted: Recognized, choice: PasteChoice) -> PastedSecrets {
    let before = form.clone();
    let secrets = fill_in(form, pasted, choice);
    let is_same = [FormField::ServerUrl, FormField::Path]
        .iter()
        .all(|field| form.text(*field) == before.text(*field));
    if is_same {
        keep_values(form, &before, FormField::ExtraHeaders, ':');
        keep_values(form, &before, FormField::ExtraQuery, '=');
        if form.text(FormField::BodyTemplate).is_empty() && !choice.ignores_envelope {
            form.set(
                FormField::BodyTemplate,
                before.text(FormField::BodyTemplate),
            );
        }
    }
    secrets
}

/// Gives the pairs of a field that have no value now the value that they had before.
fn keep_values(
    form: &mut ConnectionForm,
    before: &ConnectionForm,
    field: FormField,
    separator: char,
) {
    let name = |line: &str| {
        let (name, value) = line.split_once(separator)?;
        Some((name.trim().to_ascii_lowercase(), !value.trim().is_empty()))
    };
    let kept: Vec<&str> = before.text(field).lines().collect();
    let lines = form.text(field).lines().map(|line| match name(line) {
        Some((wanted, false)) => kept
            .iter()
            .find(|line| name(line) == Some((wanted.clone(), true)))
            .map_or(line, |line| *line),
        _ => line,
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    form.set(field, text);
}

fn fill_in(form: &mut ConnectionForm, pasted: Recognized, choice: PasteChoice) -> PastedSecrets {
    match pasted {
        Recognized::Address(address) => {
            set_url(form, &address.url);
            set_tokens(form, address.tokens)
        }
        Recognized::Request(request) => match model_of(&request) {
            Some(model) => set_model(form, *request, &model),
            None => set_request(form, *request, choice),
        },
        Recognized::OpenApi(document) => {
            set_operation(form, &document, choice);
            Vec::new()
        }
        Recognized::Schema(schema) => {
            set_schema(form, schema.translated.unwrap_or(schema.text));
            Vec::new()
        }
        Recognized::Examples(examples) => {
            set_examples(form, examples, choice);
            Vec::new()
        }
        Recognized::AgentConfig(config) => {
            if let Some(url) = &config.url {
                set_url(form, url);
            }
            set_pairs(form, FormField::ExtraHeaders, ": ", &config.headers);
            if let Some(vault) = &config.vault {
                set_vault(form, vault);
            }
            set_tokens(form, config.tokens)
        }
        Recognized::Config(config) => {
            if let Ok(config) = *config
                && let Some(connection) = config.connection
            {
                form.replace_with(&connection);
            }
            Vec::new()
        }
        Recognized::Unknown(_) => Vec::new(),
    }
}

fn set_request(
    form: &mut ConnectionForm,
    request: PastedRequest,
    choice: PasteChoice,
) -> PastedSecrets {
    set_url(form, &request.url);
    set_pairs(form, FormField::ExtraHeaders, ": ", &request.headers);
    if let Some(examples) = request.example {
        set_examples(form, examples, choice);
    }
    set_tokens(form, request.tokens)
}

/// The paths of requests to a model.
const MODEL_PATHS: [&str; 2] = ["/chat/completions", "/responses"];

/// The name of the model, if the request is one for a model's response.
fn model_of(request: &PastedRequest) -> Option<String> {
    let is_model = MODEL_PATHS
        .iter()
        .any(|path| request.url.path.ends_with(path));
    let body = request.body.as_ref().filter(|_| is_model)?;
    let body: serde_json::Value = serde_json::from_str(body.text()).ok()?;
    Some(body.get("model")?.as_str()?.to_owned())
}

/// Sets the model endpoint. The body is the page's own, so that only the model is taken over.
fn set_model(form: &mut ConnectionForm, request: PastedRequest, model: &str) -> PastedSecrets {
    let Ok(address) = &request.url.address else {
        return Vec::new();
    };
    let path = MODEL_PATHS
        .iter()
        .find_map(|end| request.url.path.strip_suffix(end));
    form.api = match request.url.path.ends_with("/responses") {
        true => crate::settings::Api::Responses,
        false => crate::settings::Api::ChatCompletions,
    };
    form.set(FormField::BaseUrl, address.join(path.unwrap_or_default()));
    form.set(FormField::Model, model);
    set_pairs(form, FormField::ModelQuery, "=", &request.url.query);
    set_pairs(form, FormField::ModelHeaders, ": ", &request.headers);
    let Some(token) = request.tokens.into_iter().next() else {
        return Vec::new();
    };
    if let TokenPlace::Header(name) = &token.form.place
        && !name.eq_ignore_ascii_case("authorization")
    {
        form.set(FormField::KeyHeader, name.clone());
    }
    form.needs_key = Some(true);
    held(SecretSlot::API_KEY, token.value)
}

fn set_operation(form: &mut ConnectionForm, document: &ApiDocument, choice: PasteChoice) {
    let Some(operation) = document.operations.get(choice.operation) else {
        return;
    };
    if let Some(address) = callable_servers(document, operation).get(choice.server) {
        form.set(FormField::ServerUrl, address.to_string());
    }
    form.set(FormField::Path, path_of(operation));
    suggest_name(form, &document.title);
    let needed = |parameters: &[ApiParameter]| {
        let needed = parameters.iter().filter(|it| it.is_required || it.is_fixed);
        needed
            .map(|it| (it.name.clone(), it.value.clone().unwrap_or_default()))
            .collect::<Vec<_>>()
    };
    set_pairs(
        form,
        FormField::ExtraHeaders,
        ": ",
        &needed(&operation.headers),
    );
    set_pairs(form, FormField::ExtraQuery, "=", &needed(&operation.query));
    set_token_forms(form, &operation.tokens);
    form.set_honours_idempotency_keys(operation.declares_idempotency_key);
    set_body(
        form,
        operation.body.schema.clone(),
        operation.body.envelope.clone(),
        choice,
    );
}

/// The servers of an operation that the page can call, in the order of the document.
pub(super) fn callable_servers(document: &ApiDocument, operation: &ApiOperation) -> Vec<Address> {
    let servers = match operation.servers.is_empty() {
        true => &document.servers,
        false => &operation.servers,
    };
    let callable = servers.iter().filter_map(|it| it.address.clone().ok());
    callable.collect()
}

/// Names a connection that has no name yet, with the characters that are seen.
fn suggest_name(form: &mut ConnectionForm, name: &str) {
    if form.text(FormField::Name).is_empty() {
        let seen = name.chars().filter(|c| !is_hidden(*c));
        form.set(FormField::Name, seen.take(MAX_NAME).collect::<String>());
    }
}

/// The path of an operation, with the values of its parameters that the document fixes.
fn path_of(operation: &ApiOperation) -> String {
    let mut path = operation.path.clone();
    for parameter in &operation.path_parameters {
        if let Some(value) = &parameter.value {
            path = path.replace(&format!("{{{}}}", parameter.name), value);
        }
    }
    path
}

fn set_examples(form: &mut ConnectionForm, examples: PastedExamples, choice: PasteChoice) {
    set_body(form, examples.schema, examples.envelope, choice);
}

/// Sets the task schema, and the body template if the task is inside an envelope.
fn set_body(
    form: &mut ConnectionForm,
    schema: String,
    envelope: Option<TaskEnvelope>,
    choice: PasteChoice,
) {
    match envelope.filter(|_| !choice.ignores_envelope) {
        Some(envelope) => {
            form.set(FormField::BodyTemplate, String::from(envelope.template));
            set_schema(form, envelope.schema);
        }
        None => {
            form.set(FormField::BodyTemplate, "");
            set_schema(form, schema);
        }
    }
}

fn set_schema(form: &mut ConnectionForm, schema: String) {
    form.schema = SchemaChoice::Own;
    form.set(FormField::SchemaText, schema);
}

fn set_url(form: &mut ConnectionForm, url: &PastedUrl) {
    if let Ok(address) = &url.address {
        form.set(FormField::ServerUrl, address.to_string());
        suggest_name(form, &address.host_and_port());
    }
    let path = match url.path.as_str() {
        "" | "/" => DEFAULT_PATH,
        path => path,
    };
    form.set(FormField::Path, path);
    set_pairs(form, FormField::ExtraQuery, "=", &url.query);
}

/// Takes over where a Vault has the secrets. An address that the file does not have, or that must not be
/// called, stays as it is in the form.
fn set_vault(form: &mut ConnectionForm, vault: &VaultLocation) {
    form.set(FormField::VaultPath, vault.secrets_path.clone());
    if let Some(Ok(address)) = &vault.address {
        form.set(FormField::VaultAddress, address.to_string());
    }
}

fn set_pairs(
    form: &mut ConnectionForm,
    field: FormField,
    between: &str,
    pairs: &[(String, String)],
) {
    let lines = pairs
        .iter()
        .map(|(name, value)| format!("{name}{between}{value}"));
    form.set(field, lines.collect::<Vec<_>>().join("\n"));
}

/// Sets where the tokens belong: the first one is the agent token, and the others have headers of their
/// own. A page sends secrets in headers only.
fn set_token_forms(form: &mut ConnectionForm, tokens: &[TokenForm]) {
    let mut others = Vec::new();
    let mut is_first = true;
    for token in tokens {
        let TokenPlace::Header(name) = &token.place else {
            continue;
        };
        if is_first {
            is_first = false;
            form.set(FormField::TokenHeader, name.clone());
            form.set(
                FormField::TokenScheme,
                token.scheme.clone().unwrap_or_default(),
            );
        } else {
            others.push(name.clone());
        }
    }
    form.set(FormField::SecretHeaders, others.join(", "));
}

fn set_tokens(form: &mut ConnectionForm, tokens: Vec<PastedToken>) -> PastedSecrets {
    if tokens.is_empty() {
        return Vec::new();
    }
    let forms: Vec<TokenForm> = tokens.iter().map(|token| token.form.clone()).collect();
    set_token_forms(form, &forms);
    let mut secrets = Vec::new();
    for token in tokens {
        let TokenPlace::Header(name) = &token.form.place else {
            continue;
        };
        let slot = match form.text(FormField::TokenHeader) == name {
            true => SecretSlot::AGENT_TOKEN,
            false => SecretSlot::header(name),
        };
        secrets.extend(held(slot, token.value));
    }
    secrets
}

fn held(slot: SecretSlot, value: TokenValue) -> PastedSecrets {
    match value {
        TokenValue::Given(secret) => vec![(slot, secret)],
        _ => Vec::new(),
    }
}

/// The secrets that belong to the origin of this address.
#[must_use]
pub fn secrets_for(secrets: &PastedSecrets, address: &Address) -> PastedSecrets {
    let copies = secrets
        .iter()
        .filter_map(|(slot, secret)| Some((slot.clone(), secret.copy_for(address).ok()?)));
    copies.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paste::recognize;
    use crate::settings::Connection;

    const DESCRIPTION: &str = r#"{"openapi": "3.1.0", "info": {"title": "t", "version": "1"},
        "servers": [{"url": "https://t.example"}], "paths": {"/jobs": {"post": {
            "parameters": [{"in": "header", "name": "X-Realm", "required": true,
                "schema": {"type": "string"}}],
            "requestBody": {"content": {"application/json": {"schema": {"type": "object",
                "required": ["title"], "properties": {"title": {"type": "string"}}}}}}}}}}"#;

    fn pasted(form: &mut ConnectionForm, text: &str) {
        fill(form, recognize(text), PasteChoice::default());
    }

    #[test]
    fn a_description_that_is_read_again_keeps_the_values_it_does_not_know() {
        let mut form = ConnectionForm::default();
        pasted(&mut form, DESCRIPTION);
        let headers = form.text(FormField::ExtraHeaders).to_owned();
        assert_eq!(headers.trim_end(), "X-Realm:");
        form.set(FormField::ExtraHeaders, "x-realm: north");
        form.set(FormField::BodyTemplate, "{\"job\": $task}");
        pasted(&mut form, DESCRIPTION);
        assert_eq!(form.text(FormField::ExtraHeaders), "x-realm: north");
        assert_eq!(form.text(FormField::BodyTemplate), "{\"job\": $task}");
        // For another server they mean nothing.
        pasted(&mut form, &DESCRIPTION.replace("t.example", "u.example"));
        assert_eq!(form.text(FormField::ExtraHeaders), headers);
        assert_eq!(form.text(FormField::BodyTemplate), "");
    }

    #[test]
    fn a_uuid_and_a_time_of_an_example_are_generated_for_each_body() {
        let mut form = ConnectionForm::default();
        pasted(
            &mut form,
            r#"curl https://t.example/jobs -d '{"kind": "work", "ref": "0b0c5f0e-7a55-4d5e-9a53-3a0f5c2b9d11", "at": "2026-01-02T03:04:05Z", "item": {"title": "a"}}'"#,
        );
        assert_eq!(
            form.text(FormField::BodyTemplate),
            r#"{"kind": "work", "ref": $uuid, "at": $time, "item": $task}"#
        );
    }

    #[test]
    fn an_agent_config_fills_in_the_path_of_its_vault() {
        let mut form = ConnectionForm::of(&Connection::built_in());
        form.set(FormField::VaultAddress, "https://vault.example:8200");
        let text = r#"{"host": "http://localhost", "port": 8080, "vault": {"secrets_path": "secret/data/agent"}}"#;
        fill(&mut form, recognize(text), PasteChoice::default());
        assert_eq!(form.text(FormField::VaultPath), "secret/data/agent");
        let address = |form: &ConnectionForm| form.text(FormField::VaultAddress).to_owned();
        assert_eq!(address(&form), "https://vault.example:8200", "kept");
        let text = r#"{"vault": {"address": "https://other.example", "secrets_path": "kv/a"}}"#;
        fill(&mut form, recognize(text), PasteChoice::default());
        assert_eq!(address(&form), "https://other.example");
        form.set(FormField::Name, "n");
        let vault = form.check().unwrap().vault.unwrap();
        assert_eq!(vault.mount_and_path(), ("kv", "a"));
    }
}
