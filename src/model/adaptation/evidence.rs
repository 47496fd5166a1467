//! What the body of a refusal names: places in the request, codes, and texts, wherever an endpoint
//! writes them.

use serde_json::Value;

use crate::model::failure::Failure;

/// How deep a body is searched, in levels of objects and arrays.
const MAX_DEPTH: usize = 10;
/// Most text that is kept, in bytes.
const MAX_TEXT_BYTES: usize = 16 << 10;
/// Maximum number of places and codes.
const MAX_NAMES: usize = 64;

/// Members that name a place in the request.
const PLACES: [&str; 14] = [
    "param",
    "params",
    "parameter",
    "parameters",
    "field",
    "fields",
    "loc",
    "location",
    "path",
    "pointer",
    "instancepath",
    "instance_path",
    "argument",
    "property",
];
/// Members that hold a code.
const CODES: [&str; 5] = ["code", "type", "status", "reason", "error_code"];
/// Members that repeat the request, or what the model wrote.
const ECHOES: [&str; 7] = [
    "input",
    "body",
    "request",
    "payload",
    "ctx",
    "url",
    "failed_generation",
];

/// What a refusal names. Everything is in lower case.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    /// The places in the request, each split into its names.
    pub places: Vec<Vec<String>>,
    /// The codes.
    pub codes: Vec<String>,
    /// The texts, one per line.
    pub text: String,
}

impl Evidence {
    /// Collects what a failure names. `body` is the body of the response, without secrets; empty if
    /// the failure was reported inside a stream.
    pub fn of(failure: &Failure, body: &str) -> Evidence {
        let mut evidence = Evidence::default();
        if let Some(parameter) = &failure.parameter {
            evidence.add_place(parameter);
        }
        if let Some(code) = &failure.endpoint_code {
            evidence.add_code(code);
        }
        evidence.add_text(&failure.message);
        match serde_json::from_str::<Value>(body) {
            Ok(value) => evidence.search(&value, MAX_DEPTH),
            Err(_) => evidence.add_text(body),
        }
        evidence
    }

    fn search(&mut self, value: &Value, depth: usize) {
        if depth == 0 {
            return;
        }
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    self.search_member(&name.to_ascii_lowercase(), value, depth - 1);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.search(item, depth - 1)),
            Value::String(text) => self.add_text_or_json(text, depth - 1),
            _ => {}
        }
    }

    fn search_member(&mut self, name: &str, value: &Value, depth: usize) {
        if ECHOES.contains(&name) {
            return;
        }
        match value {
            Value::String(place) if PLACES.contains(&name) => self.add_place(place),
            Value::Array(parts) if PLACES.contains(&name) => {
                let parts: Vec<String> = parts
                    .iter()
                    .map(|part| match part {
                        Value::String(text) => text.clone(),
                        other => other.to_string(),
                    })
                    .collect();
                self.add_place(&parts.join("."));
            }
            Value::String(code) if CODES.contains(&name) => {
                self.add_code(code);
                self.add_text(code);
            }
            other => self.search(other, depth),
        }
    }

    /// Gateways pass on the refusal of another endpoint as text.
    fn add_text_or_json(&mut self, text: &str, depth: usize) {
        if text.trim_ascii_start().starts_with(['{', '['])
            && let Ok(value) = serde_json::from_str::<Value>(text)
        {
            return self.search(&value, depth);
        }
        self.add_text(text);
    }

    fn add_place(&mut self, place: &str) {
        let names: Vec<String> = place
            .to_ascii_lowercase()
            .split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$')))
            .filter(|name| !name.is_empty() && !["body", "request", "$"].contains(name))
            .map(str::to_owned)
            .collect();
        if !names.is_empty() && self.places.len() < MAX_NAMES {
            self.places.push(names);
        }
    }

    fn add_code(&mut self, code: &str) {
        if self.codes.len() < MAX_NAMES {
            self.codes.push(code.to_ascii_lowercase());
        }
    }

    fn add_text(&mut self, text: &str) {
        let room = MAX_TEXT_BYTES.saturating_sub(self.text.len());
        if room > 0 {
            let text = crate::text::truncate_bytes(text, room);
            self.text.push_str(&text.to_ascii_lowercase());
            self.text.push('\n');
        }
    }

    /// Whether a place contains one of these names.
    pub fn has_place(&self, names: &[&str]) -> bool {
        let is_named =
            |place: &Vec<String>| place.iter().any(|part| names.contains(&part.as_str()));
        self.places.iter().any(is_named)
    }

    /// Whether the text contains one of these names as words.
    pub fn has_name(&self, names: &[&str]) -> bool {
        names.iter().any(|name| has_word(&self.text, name))
    }

    /// Whether the text contains one of these parts of words.
    pub fn has_part(&self, parts: &[&str]) -> bool {
        parts.iter().any(|part| self.text.contains(part))
    }

    /// Whether the text contains this word between quotes of any kind.
    pub fn has_quoted(&self, word: &str) -> bool {
        let is_quote = |c: Option<char>| c.is_some_and(|c| "'\"`“”‘’".contains(c));
        self.text.match_indices(word).any(|(at, _)| {
            let before = self
                .text
                .get(..at)
                .and_then(|text| text.chars().next_back());
            let after = self.text.get(at + word.len()..);
            is_quote(before) && is_quote(after.and_then(|text| text.chars().next()))
        })
    }
}

/// Whether `text` contains `word`, and not only as a part of a longer name.
fn has_word(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text.get(..at).and_then(|text| text.chars().next_back());
        let after = text.get(at + word.len()..);
        let after = after.and_then(|text| text.chars().next());
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::http;
    use serde_json::json;

    fn evidence(status: u16, body: &str) -> Evidence {
        let failure = http::failure(status, |_| None, body.as_bytes(), 0);
        Evidence::of(&failure, body)
    }

    #[test]
    fn a_place_is_found_wherever_it_is_written() {
        for body in [
            json!({"error": {"message": "no", "param": "response_format.type"}}),
            json!({"detail": [{"loc": ["body", "response_format", "type"], "msg": "bad"}]}),
            json!({"object": "error", "message": {"detail": [{"type": "extra_forbidden",
                "loc": ["body", "response_format"], "msg": "not permitted"}]}}),
            json!({"errors": [{"pointer": "/response_format/type", "detail": "bad"}]}),
            json!([{"error": {"code": 400, "status": "INVALID_ARGUMENT", "details":
                [{"fieldViolations": [{"field": "response_format", "description": "bad"}]}]}}]),
            json!({"error": {"message": "Provider returned error", "metadata": {"raw":
                "{\"error\":{\"param\":\"response_format\"}}"}}}),
        ] {
            let evidence = evidence(400, &body.to_string());
            assert!(
                evidence.has_place(&["response_format"]),
                "{body}\n{evidence:?}"
            );
            assert!(!evidence.has_place(&["format"]), "{body}");
        }
    }

    #[test]
    fn an_echo_of_the_request_is_not_searched() {
        for body in [
            json!({"detail": [{"loc": ["body", "model"], "msg": "bad",
                "input": {"stream": true, "response_format": {"type": "json_schema"}}}]}),
            json!({"message": "bad", "request": {"param": "stream", "message": "stream"}}),
            json!({"error": {"message": "bad", "failed_generation": "{\"message\":\"stream\"}"}}),
        ] {
            let evidence = evidence(422, &body.to_string());
            assert!(!evidence.has_name(&["stream", "response_format"]), "{body}");
            assert!(!evidence.has_place(&["stream"]), "{body}");
        }
    }

    #[test]
    fn words_are_found_as_words_only() {
        let evidence = evidence(400, "Cannot restore `store` with max_tokens_left.");
        assert!(evidence.has_name(&["store"]) && evidence.has_quoted("store"));
        assert!(!evidence.has_name(&["max_tokens"]) && !evidence.has_quoted("max_tokens"));
        assert!(evidence.has_part(&["restor"]));
    }
}
