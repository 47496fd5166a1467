//! Recognises what an operator pastes to set up a connection: an address, a request written as a
//! `curl`, PowerShell or `fetch` call, an OpenAPI document, a JSON Schema, examples of a task, or a
//! configuration file.
//!
//! Nothing is fetched or run, and no text is refused with an error: what is not understood is
//! [`Recognized::Unknown`], with a hint. Secrets become [`Secret`](crate::secrets::Secret)s and occur
//! nowhere else in a result. This module must not depend on requests (`http`), runs or the page.

mod body;
mod curl;
mod cursor;
mod envelope;
mod examples;
mod fetch;
mod headers;
mod literal;
mod notice;
mod powershell;
mod request;
mod shell;
mod token;
mod url;
mod word;

pub use body::{BodyKind, PastedBody};
pub use envelope::TaskEnvelope;
pub use examples::PastedExamples;
pub use notice::{PasteNotice, PasteNoticeKind};
pub use request::{PastedRequest, RequestSource};
pub use token::{PastedToken, TokenForm, TokenPlace, TokenValue};
pub use url::PastedUrl;

/// Maximum length of a pasted text, in bytes: 4 MiB.
pub const MAX_PASTE_BYTES: usize = 4 << 20;

/// Recognises a pasted text.
#[must_use]
pub fn recognize(text: &str) -> Recognized {
    match request::read(text) {
        Some(request) => Recognized::Request(Box::new(request)),
        None => Recognized::Unknown,
    }
}

/// What a pasted text is.
#[derive(Debug)]
pub enum Recognized {
    /// A request.
    Request(Box<PastedRequest>),
    /// Something else.
    Unknown,
}

/// A JSON value as indented text.
fn pretty(value: &serde_json::Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string())
}
