//! How a field is edited in place, and the JSON text of what was typed.

use serde_json::Value;

use crate::document::{Document, Kind, Node, quote};

/// How many values a list to choose from has. A field with more is edited as text.
const MAX_CHOICES: usize = 200;

/// How a field is edited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Editor {
    /// As text.
    Text {
        /// The text as it is.
        original: String,
    },
    /// As a number, with the digits that are typed.
    Number {
        /// The digits as written.
        original: String,
    },
    /// By choosing from a list.
    Choice {
        /// The values to choose from.
        choices: Vec<EditorChoice>,
        /// The index of the value as it is; `None` if it is not one of them.
        original: Option<usize>,
    },
}

/// A value to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditorChoice {
    /// What it is called.
    pub label: String,
    /// Its JSON text.
    pub json: String,
}

/// Why what was typed is not a value for the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TypedFault {
    /// It is not a number.
    #[error("This is not a JSON number.")]
    NotANumber,
    /// Nothing was chosen.
    #[error("No value is chosen.")]
    NothingChosen,
}

impl TypedFault {
    /// A stable identifier for the kind of fault.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            TypedFault::NotANumber => "not_a_number",
            TypedFault::NothingChosen => "nothing_chosen",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(self) -> &'static str {
        match self {
            TypedFault::NotANumber => "Write digits, such as 3, -0.5 or 1e6.",
            TypedFault::NothingChosen => "Choose a value from the list.",
        }
    }
}

impl Editor {
    /// The editor for a value; `None` for containers, and for `null` unless the schema lists values.
    pub(super) fn of(node: Node<'_>, options: Option<&[&Value]>) -> Option<Editor> {
        if matches!(node.kind(), Kind::Array | Kind::Object) {
            return None;
        }
        if let Some(choices) = options.and_then(choices)
            // A list with the present value alone leaves nothing to choose.
            && !(choices.len() == 1 && is_chosen(node, &choices) == Some(0))
        {
            let original = is_chosen(node, &choices);
            return Some(Editor::Choice { choices, original });
        }
        match node.kind() {
            Kind::String if options.is_none_or(|options| options.len() > MAX_CHOICES) => {
                Some(Editor::Text {
                    original: node.as_str().unwrap_or_default().into_owned(),
                })
            }
            Kind::Number => Some(Editor::Number {
                original: node.text().to_owned(),
            }),
            Kind::Boolean => {
                let choices = ["true", "false"].map(|value| EditorChoice {
                    label: value.to_owned(),
                    json: value.to_owned(),
                });
                let original = is_chosen(node, &choices);
                Some(Editor::Choice {
                    choices: choices.into(),
                    original,
                })
            }
            _ => None,
        }
    }

    /// What the editor holds before anything is typed: the text, the digits, or the index of the
    /// choice.
    #[must_use]
    pub fn original(&self) -> String {
        match self {
            Editor::Text { original } | Editor::Number { original } => original.clone(),
            Editor::Choice { original, .. } => {
                original.map_or_else(String::new, |index| index.to_string())
            }
        }
    }

    /// Whether the text is written in one line.
    #[must_use]
    pub fn is_one_line(&self, limit: usize) -> bool {
        match self {
            Editor::Text { original } => {
                !original.contains(['\n', '\r']) && original.chars().nth(limit).is_none()
            }
            _ => true,
        }
    }

    /// The JSON text of what was typed; `None` if that is the value as it is.
    ///
    /// # Errors
    /// [`TypedFault`] if it is not a value for this field.
    pub fn json(&self, typed: &str) -> Result<Option<String>, TypedFault> {
        match self {
            Editor::Text { original } => {
                let text = with_line_ends_of(original, typed);
                Ok((text != *original).then(|| quote(&text)))
            }
            Editor::Number { original } => {
                let number = typed.trim();
                let is_number = Document::parse(number)
                    .is_ok_and(|document| document.root().kind() == Kind::Number);
                if !is_number {
                    return Err(TypedFault::NotANumber);
                }
                Ok((number != original).then(|| number.to_owned()))
            }
            Editor::Choice { choices, original } => {
                let index: Option<usize> = typed.parse().ok();
                let choice = index
                    .and_then(|index| choices.get(index))
                    .ok_or(TypedFault::NothingChosen)?;
                Ok((index != *original).then(|| choice.json.clone()))
            }
        }
    }
}

/// The listed values as choices; `None` if there are too many, or containers among them.
fn choices(options: &[&Value]) -> Option<Vec<EditorChoice>> {
    if options.is_empty() || options.len() > MAX_CHOICES {
        return None;
    }
    options
        .iter()
        .map(|option| match option {
            Value::String(text) => Some(EditorChoice {
                label: text.clone(),
                json: quote(text),
            }),
            Value::Array(_) | Value::Object(_) => None,
            scalar => Some(EditorChoice {
                label: scalar.to_string(),
                json: scalar.to_string(),
            }),
        })
        .collect()
}

/// The index of the choice that a value is.
fn is_chosen(node: Node<'_>, choices: &[EditorChoice]) -> Option<usize> {
    let is_value = |choice: &EditorChoice| match node.as_str() {
        Some(text) => quote(&text) == choice.json,
        None => node.text() == choice.json,
    };
    choices.iter().position(is_value)
}

/// A text field of the browser has line feeds only. If the original has a carriage return before each
/// of them, the typed text gets them too.
fn with_line_ends_of(original: &str, typed: &str) -> String {
    let line_feeds = original.matches('\n').count();
    if line_feeds > 0 && original.matches("\r\n").count() == line_feeds {
        typed.replace("\r\n", "\n").replace('\n', "\r\n")
    } else {
        typed.to_owned()
    }
}
