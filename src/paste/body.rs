//! The body of a pasted request.

use std::fmt;

use serde_json::Value;

use crate::document::Document;
use crate::schema::roles::normalized;
use crate::settings::secret_like::{is_secret_name, is_secret_value, looks_random};

use super::notice::Notices;

/// What the body of a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyKind {
    /// One JSON object.
    JsonObject,
    /// Another JSON value.
    Json,
    /// An HTML form, which the page cannot send.
    Form,
    /// Anything else.
    Text,
}

/// The body of a pasted request. What looks like a secret in a JSON body is replaced. Its `Debug`
/// output omits the text.
#[derive(Clone, PartialEq, Eq)]
pub struct PastedBody {
    /// What it is.
    pub kind: BodyKind,
    text: String,
}

/// What takes the place of a secret in a body.
pub(super) const REPLACEMENT: &str = "…";

impl PastedBody {
    /// Reads a body.
    pub(super) fn read(
        text: &str,
        content_type: Option<&str>,
        notices: &mut Notices,
    ) -> PastedBody {
        let is_form = content_type.is_some_and(|it| it.contains("form"));
        let unescaped = || text.replace("\\\"", "\"");
        let (text, document) = match Document::parse(text) {
            Ok(document) => (text.to_owned(), Some(document)),
            Err(_) => match Document::parse(&unescaped()) {
                // Windows PowerShell takes quotes away unless they are escaped.
                Ok(document) if !document.root().is_empty() => {
                    notices.changed("The quotes of the body were escaped twice, which was undone.");
                    (unescaped(), Some(document))
                }
                _ => (text.to_owned(), None),
            },
        };
        match document {
            None => {
                let kind = match is_form {
                    true => BodyKind::Form,
                    false => BodyKind::Text,
                };
                PastedBody { kind, text }
            }
            Some(document) => {
                let mut value = document.root().to_value();
                let found = replace_secrets(&mut value);
                let kind = if value.is_object() {
                    BodyKind::JsonObject
                } else {
                    BodyKind::Json
                };
                if found.is_empty() {
                    return PastedBody { kind, text };
                }
                notices.left_out(format!(
                    "The body contains what looks like a secret at {}, which was not taken over.",
                    found.join(" and ")
                ));
                let text = value.to_string();
                PastedBody { kind, text }
            }
        }
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for PastedBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PastedBody")
            .field("kind", &self.kind)
            .field("bytes", &self.text.len())
            .finish()
    }
}

/// Maximum number of places named in a notice.
const MAX_PLACES: usize = 5;

/// Where a value is: the names from the inside to the outside.
#[derive(Clone, Copy)]
struct Location<'p> {
    parent: Option<&'p Location<'p>>,
    name: &'p str,
}

impl Location<'_> {
    /// The JSON Pointer, each name shortened.
    fn pointer(&self) -> String {
        let above = self.parent.map(Location::pointer).unwrap_or_default();
        crate::document::push_token(&above, &crate::text::truncate_chars(self.name, 40))
    }
}

/// Replaces the strings that look like secrets. Returns the JSON Pointers of the first ones.
pub(super) fn replace_secrets(value: &mut Value) -> Vec<String> {
    let mut found = Vec::new();
    replace_inside(value, None, &mut found);
    found
}

fn replace_inside(value: &mut Value, parent: Option<&Location<'_>>, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members.iter_mut() {
                let here = Location { parent, name };
                match value {
                    Value::String(text) if is_secret_member(name, text) => {
                        replace(text, here, found);
                    }
                    _ => replace_inside(value, Some(&here), found),
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                let name = index.to_string();
                let here = Location {
                    parent,
                    name: &name,
                };
                match item {
                    Value::String(text) if is_secret_value(text) => replace(text, here, found),
                    _ => replace_inside(item, Some(&here), found),
                }
            }
        }
        _ => {}
    }
}

fn replace(text: &mut String, place: Location<'_>, found: &mut Vec<String>) {
    REPLACEMENT.clone_into(text);
    if found.len() < MAX_PLACES {
        found.push(place.pointer());
    }
}

/// Whether a member holds a secret. The `key` of a task does not count.
fn is_secret_member(name: &str, text: &str) -> bool {
    const KEYS: [&str; 6] = ["api", "access", "private", "signing", "secret", "auth"];
    if is_secret_value(text) {
        return true;
    }
    if text.is_empty() || !is_secret_name(name) {
        return false;
    }
    let name = normalized(name);
    let is_plain_key = name.ends_with("key") && !KEYS.iter().any(|key| name.contains(key));
    !is_plain_key || (looks_random(text) && text.len() >= MIN_RANDOM_LENGTH)
}

/// From which length on a random value of a member such as `key` may be a secret.
const MIN_RANDOM_LENGTH: usize = 20;
