//! Replies that repeat the API key of the request, as careless gateways do.
//!
//! `{key}` stands for the key in the reason phrase, the headers and the body of a fixed response, and in
//! the text, the defects and the error of a model response.

use serde_json::Value;

use super::{Body, Defect, HttpReply, ModelReply, Source};

/// What stands for the API key in a script.
const PLACEHOLDER: &str = "{key}";

impl HttpReply {
    /// The reply with the API key inserted.
    #[must_use]
    pub fn with_key(&self, key: &str) -> HttpReply {
        let fill = |text: &String| text.replace(PLACEHOLDER, key);
        HttpReply {
            reason: self.reason.as_ref().map(fill),
            headers: self
                .headers
                .iter()
                .map(|(name, value)| (name.clone(), fill(value)))
                .collect(),
            body: match &self.body {
                Body::Empty => Body::Empty,
                Body::Json(value) => Body::Json(filled(value, key)),
                Body::Html(text) => Body::Html(fill(text)),
                Body::Text(text) => Body::Text(fill(text)),
            },
            ..self.clone()
        }
    }
}

impl ModelReply {
    /// The reply with the API key inserted.
    #[must_use]
    pub fn with_key(&self, key: &str) -> ModelReply {
        let fill = |text: &mut String| *text = text.replace(PLACEHOLDER, key);
        let mut reply = self.clone();
        let text = &mut reply.text;
        [&mut text.before, &mut text.after, &mut text.reasoning]
            .into_iter()
            .chain(&mut text.refusal)
            .chain(&mut text.second_choice)
            .for_each(fill);
        match &mut text.source {
            Source::Verbatim(verbatim) => fill(verbatim),
            Source::Tasks(options) => {
                for defect in &mut options.defects {
                    if let Defect::Set { to, .. } = defect {
                        *to = filled(to, key);
                    }
                }
            }
        }
        reply.wire.error = reply.wire.error.map(|error| filled(&error, key));
        reply
    }
}

/// A JSON value with the API key inserted in its strings.
fn filled(value: &Value, key: &str) -> Value {
    match value {
        Value::String(text) => Value::String(text.replace(PLACEHOLDER, key)),
        Value::Array(items) => items.iter().map(|item| filled(item, key)).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), filled(value, key)))
            .collect(),
        other => other.clone(),
    }
}
