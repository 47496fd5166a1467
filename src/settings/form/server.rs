//! The fields of the task server.

use super::lines::{read_names, write_names, write_pairs};
use super::{ConnectionForm, FormField, Problems, text_of};
use crate::settings::{
    Address, BodyTemplate, DEFAULT_CONCURRENCY, DEFAULT_IDEMPOTENCY_KEY_RETENTION_HOURS,
    DEFAULT_PATH, DEFAULT_TOKEN_HEADER, MAX_CONCURRENCY, MAX_IDEMPOTENCY_KEY_RETENTION_HOURS,
    SettingsError, TaskServer,
};
use crate::text::sentences;

impl ConnectionForm {
    /// Shows a task server; without one, the defaults of the fields that every server has.
    pub(super) fn show_server(&mut self, server: Option<&TaskServer>) {
        let Some(server) = server else {
            self.set(FormField::Path, DEFAULT_PATH);
            self.set(FormField::TokenHeader, DEFAULT_TOKEN_HEADER);
            self.set(
                FormField::IdempotencyKeyRetention,
                DEFAULT_IDEMPOTENCY_KEY_RETENTION_HOURS.to_string(),
            );
            self.set(FormField::Concurrency, DEFAULT_CONCURRENCY.to_string());
            return;
        };
        let template = server.body_template.clone().map(String::from);
        for (field, text) in [
            (FormField::ServerUrl, server.url.to_string()),
            (FormField::Path, server.path.clone()),
            (FormField::TokenHeader, server.token_header.clone()),
            (
                FormField::TokenScheme,
                text_of(server.token_scheme.as_ref()),
            ),
            (
                FormField::ExtraHeaders,
                write_pairs(&server.extra_headers, ": "),
            ),
            (
                FormField::SecretHeaders,
                write_names(&server.secret_headers),
            ),
            (FormField::ExtraQuery, write_pairs(&server.extra_query, "=")),
            (
                FormField::IdempotencyKeyRetention,
                server.idempotency_key_retention_hours.to_string(),
            ),
            (FormField::Concurrency, server.concurrency.to_string()),
            (FormField::BodyTemplate, template.unwrap_or_default()),
            (FormField::IdPointer, text_of(server.id_pointer.as_ref())),
        ] {
            self.set(field, text);
        }
        self.set_honours_idempotency_keys(server.honours_idempotency_keys);
    }

    /// Whether the task server at the address in the form is known to honour `Idempotency-Key`.
    #[must_use]
    pub fn honours_idempotency_keys(&self) -> bool {
        let of_address = self.server_origin();
        self.honouring_origin
            .as_ref()
            .is_some_and(|origin| origin.is_empty() || of_address.is_none_or(|of| of == *origin))
    }

    /// Says whether the task server at the address in the form honours `Idempotency-Key`.
    pub fn set_honours_idempotency_keys(&mut self, honours: bool) {
        self.honouring_origin = honours.then(|| self.server_origin().unwrap_or_default());
    }

    fn server_origin(&self) -> Option<String> {
        let address = Address::parse(self.text(FormField::ServerUrl)).ok()?;
        Some(address.origin())
    }

    pub(super) fn read_server(&self, problems: &mut Problems) -> Option<TaskServer> {
        if self.trimmed(FormField::ServerUrl).is_empty() {
            return None;
        }
        let url = Address::parse(self.text(FormField::ServerUrl))
            .map_err(|error| {
                problems.add(
                    FormField::ServerUrl,
                    sentences(&error.to_string(), error.hint()),
                );
            })
            .ok()?;
        // Texts that are not numbers become 0, which fails the check.
        let number = |field| self.trimmed(field).parse::<u32>().unwrap_or_default();
        let server = TaskServer {
            url,
            path: self.trimmed(FormField::Path).to_owned(),
            token_header: self.trimmed(FormField::TokenHeader).to_owned(),
            token_scheme: self.optional(FormField::TokenScheme),
            extra_headers: self.read_pairs(FormField::ExtraHeaders, ':', problems),
            secret_headers: read_names(self.text(FormField::SecretHeaders)),
            extra_query: self.read_pairs(FormField::ExtraQuery, '=', problems),
            honours_idempotency_keys: self.honours_idempotency_keys(),
            idempotency_key_retention_hours: number(FormField::IdempotencyKeyRetention),
            concurrency: u8::try_from(number(FormField::Concurrency)).unwrap_or_default(),
            body_template: self.read_template(problems),
            id_pointer: self.optional(FormField::IdPointer),
        };
        match server.check() {
            Ok(()) => Some(server),
            Err(error) => {
                let field = field_of(&error, &server);
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
                problems.add(field, message);
                None
            }
        }
    }

    fn read_template(&self, problems: &mut Problems) -> Option<BodyTemplate> {
        let text = self.text(FormField::BodyTemplate);
        if text.trim().is_empty() {
            return None;
        }
        BodyTemplate::parse(text)
            .map_err(|error| {
                let error = SettingsError::Template(error);
                problems.add(
                    FormField::BodyTemplate,
                    sentences(&error.to_string(), error.hint()),
                );
            })
            .ok()
    }
}

/// The field that an error is about.
fn field_of(error: &SettingsError, server: &TaskServer) -> FormField {
    match error {
        SettingsError::Path { .. } => FormField::Path,
        SettingsError::TokenHeader { .. } => FormField::TokenHeader,
        SettingsError::TokenScheme => FormField::TokenScheme,
        SettingsError::IdPointer => FormField::IdPointer,
        SettingsError::Query { .. } => FormField::ExtraQuery,
        SettingsError::ServerHeader { name, .. } if server.secret_headers.contains(name) => {
            FormField::SecretHeaders
        }
        SettingsError::ServerHeader { .. } | SettingsError::TooManyParameters => {
            FormField::ExtraHeaders
        }
        SettingsError::Concurrency { .. } => FormField::Concurrency,
        SettingsError::IdempotencyKeyRetention { .. } => FormField::IdempotencyKeyRetention,
        _ => FormField::ServerUrl,
    }
}
