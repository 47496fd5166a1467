//! Recognises what an operator pastes to set up a connection: an address, a request written as a
//! `curl`, PowerShell or `fetch` call, an OpenAPI document, a JSON Schema, examples of a task, or a
//! configuration file.
//!
//! Nothing is fetched or run, and no text is refused with an error: what is not understood is
//! [`Recognized::Unknown`], with a hint. Secrets become [`Secret`](crate::secrets::Secret)s and occur
//! nowhere else in a result. This module must not depend on requests (`http`), runs or the page.

mod address;
mod agent_config;
mod body;
mod curl;
mod cursor;
mod envelope;
mod examples;
mod fetch;
mod fill;
mod form_check;
mod headers;
mod instead;
mod json_kind;
mod literal;
mod notice;
mod openapi;
mod pasted_schema;
mod powershell;
mod recognized;
mod request;
mod shell;
mod summary;
mod token;
mod url;
mod word;
mod yaml;

use serde_json::Value;

use crate::document::Document;
use crate::settings::Address;
use crate::settings::config::Config;
use crate::text::without_fence;
use json_kind::JsonKind;

pub use address::PastedAddress;
pub use agent_config::{PastedAgentConfig, VaultLocation};
pub use body::{BodyKind, PastedBody};
pub use envelope::TaskEnvelope;
pub use examples::PastedExamples;
pub use fill::{PasteChoice, PastedSecrets, fill, secrets_for};
pub use form_check::check_form;
pub use instead::{PastedInstead, what_is_pasted_as_address, what_is_pasted_as_schema};
pub use notice::{PasteNotice, PasteNoticeKind};
pub use openapi::{ApiBody, ApiDocument, ApiOperation, ApiParameter, ApiServer};
pub use pasted_schema::PastedSchema;
pub use recognized::{NotRecognized, Recognized};
pub use request::{PastedRequest, RequestSource};
pub use summary::PasteSummary;
pub use token::{PastedToken, TokenForm, TokenPlace, TokenValue};
pub use url::PastedUrl;

/// Maximum length of a pasted text, in bytes: 4 MiB.
pub const MAX_PASTE_BYTES: usize = 4 << 20;

/// Recognises a pasted text.
#[must_use]
pub fn recognize(text: &str) -> Recognized {
    recognize_from(text, None)
}

/// Like [`recognize`], for a text that was fetched from `address`: an OpenAPI document may name its
/// servers relative to its own address.
#[must_use]
pub fn recognize_from(text: &str, address: Option<&Address>) -> Recognized {
    if text.len() > MAX_PASTE_BYTES {
        return Recognized::Unknown(NotRecognized::TooLong);
    }
    let text = without_fence(text.trim().trim_start_matches('\u{feff}').trim());
    if text.is_empty() {
        return Recognized::Unknown(NotRecognized::Empty);
    }
    let mut reason = NotRecognized::Other;
    if text.starts_with(['{', '[']) {
        match Document::parse(text) {
            Ok(document) => return json(text, &document.root().to_value(), address),
            Err(error) => {
                reason = NotRecognized::NotJson {
                    reason: error.to_string(),
                };
            }
        }
        if let Some(examples) = PastedExamples::read(text) {
            return Recognized::Examples(examples);
        }
    }
    // A document may describe its operations by calls.
    if json_kind::may_be_openapi_in_yaml(text)
        && let Some(recognized) = yaml(text, address)
    {
        return recognized;
    }
    if let Some(request) = request::read(text) {
        return Recognized::Request(Box::new(request));
    }
    if address::is_address(text) {
        return Recognized::Address(Box::new(PastedAddress::read(text)));
    }
    let in_yaml = json_kind::may_be_yaml(text).then(|| yaml(text, address));
    in_yaml.flatten().unwrap_or(Recognized::Unknown(reason))
}

/// Recognises a text in YAML. Prose with colons is YAML, too, so that an example has to be JSON.
fn yaml(text: &str, address: Option<&Address>) -> Option<Recognized> {
    let value = yaml::parse(text)?;
    match JsonKind::of(&value) {
        JsonKind::Example | JsonKind::Examples | JsonKind::Other | JsonKind::Config => None,
        JsonKind::OpenApi | JsonKind::Swagger | JsonKind::Schema | JsonKind::AgentConfig => {
            Some(json(&pretty(&value), &value, address))
        }
    }
}

/// Recognises a JSON value.
fn json(text: &str, value: &Value, address: Option<&Address>) -> Recognized {
    match JsonKind::of(value) {
        JsonKind::OpenApi => Recognized::OpenApi(Box::new(ApiDocument::read(value, address))),
        JsonKind::Swagger => Recognized::Unknown(NotRecognized::Swagger),
        JsonKind::Schema => Recognized::Schema(PastedSchema::read(text.to_owned(), value)),
        JsonKind::Config => Recognized::Config(Box::new(Config::parse(text))),
        JsonKind::AgentConfig => Recognized::AgentConfig(Box::new(PastedAgentConfig::read(value))),
        JsonKind::Example | JsonKind::Examples => match PastedExamples::read(text) {
            Some(examples) => Recognized::Examples(examples),
            None => Recognized::Unknown(NotRecognized::NoObject),
        },
        JsonKind::Other => Recognized::Unknown(NotRecognized::NoObject),
    }
}

/// A JSON value as indented text.
fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string())
}
