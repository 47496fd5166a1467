//! How a field is edited in place, and the JSON text of what was typed.

use serde_json::Value;

use crate::document::{Document, DocumentError, Kind, Node, quote};
use crate::text::truncate_chars;

/// How many values a list to choose from has. A field with more is edited as text.
const MAX_CHOICES: usize = 200;
/// Longest label of a value to choose that is an array or an object, in characters.
const MAX_LABEL: usize = 80;

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
    /// As a calendar date.
    Date {
        /// The date as it is, such as `2026-12-31`, or no text.
        original: String,
    },
    /// As the exact JSON text.
    Json {
        /// The text as it is.
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
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TypedFault {
    /// It is not a number.
    #[error("This is not a JSON number.")]
    NotANumber,
    /// It is not a date, or only a part of one.
    #[error("This is not a complete date.")]
    NotADate,
    /// It is not JSON.
    #[error("This is not one JSON value: {0}.")]
    NotJson(DocumentError),
    /// Nothing was chosen.
    #[error("No value is chosen.")]
    NothingChosen,
}

impl TypedFault {
    /// A stable identifier for the kind of fault.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            TypedFault::NotANumber => "not_a_number",
            TypedFault::NotADate => "not_a_date",
            TypedFault::NotJson(_) => "not_json",
            TypedFault::NothingChosen => "nothing_chosen",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            TypedFault::NotANumber => "Write digits, such as 3, -0.5 or 1e6.",
            TypedFault::NotADate => "Enter day, month and year, or cancel.",
            TypedFault::NotJson(_) => "Correct it there. Texts are written in quotation marks.",
            TypedFault::NothingChosen => "Choose a value from the list.",
        }
    }
}

impl Editor {
    /// The editor for a value of this format; `None` for containers and `null` unless the schema lists
    /// values.
    pub(super) fn of(
        node: Node<'_>,
        options: Option<&[&Value]>,
        format: Option<&str>,
    ) -> Option<Editor> {
        if let Some(choices) = options.and_then(choices)
            // A list with the present value alone leaves nothing to choose.
            && !(choices.len() == 1 && is_chosen(node, &choices) == Some(0))
        {
            let original = is_chosen(node, &choices);
            return Some(Editor::Choice { choices, original });
        }
        match node.kind() {
            Kind::String if options.is_none_or(|options| options.len() > MAX_CHOICES) => {
                let original = node.as_str().unwrap_or_default().into_owned();
                // Any other text would be lost in the browser's field for dates.
                let is_date = format == Some("date") && (original.is_empty() || is_date(&original));
                Some(if is_date {
                    Editor::Date { original }
                } else {
                    Editor::Text { original }
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
            Editor::Text { original }
            | Editor::Number { original }
            | Editor::Date { original }
            | Editor::Json { original } => original.clone(),
            Editor::Choice { original, .. } => {
                original.map_or_else(String::new, |index| index.to_string())
            }
        }
    }

    /// Whether the text is written in one line.
    #[must_use]
    pub fn is_one_line(&self, limit: usize) -> bool {
        match self {
            Editor::Json { .. } => false,
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
            Editor::Date { original } => {
                if typed != original && !is_date(typed) {
                    return Err(TypedFault::NotADate);
                }
                Ok((typed != original).then(|| quote(typed)))
            }
            Editor::Json { original } => {
                // A text field of the browser turns line ends into line feeds.
                let text = if with_line_feeds(typed) == with_line_feeds(original) {
                    original
                } else {
                    typed
                };
                let value = Document::parse(text).map_err(TypedFault::NotJson)?;
                Ok((value.text() != original).then(|| value.text().to_owned()))
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

/// The listed values as choices; `None` if there are too many.
fn choices(options: &[&Value]) -> Option<Vec<EditorChoice>> {
    if options.is_empty() || options.len() > MAX_CHOICES {
        return None;
    }
    let choice = |option: &&Value| match option {
        Value::String(text) => EditorChoice {
            label: text.clone(),
            json: quote(text),
        },
        other => EditorChoice {
            label: truncate_chars(&other.to_string(), MAX_LABEL),
            json: other.to_string(),
        },
    };
    Some(options.iter().map(choice).collect())
}

/// The index of the choice that a value is.
fn is_chosen(node: Node<'_>, choices: &[EditorChoice]) -> Option<usize> {
    let own = match node.kind() {
        Kind::String => quote(&node.as_str().unwrap_or_default()),
        Kind::Array | Kind::Object => node.to_value().to_string(),
        _ => node.text().to_owned(),
    };
    choices.iter().position(|choice| choice.json == own)
}

/// Whether a text is a date that the browser's field for dates keeps as it is (HTML standard, valid
/// date string).
fn is_date(text: &str) -> bool {
    let [year, month, day] = *text.split('-').collect::<Vec<_>>() else {
        return false;
    };
    let number = |digits: &str, length: usize| -> Option<u32> {
        let is_plain = digits.len() == length && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_plain.then(|| digits.parse().ok()).flatten()
    };
    let (Some(year), Some(month), Some(day)) = (number(year, 4), number(month, 2), number(day, 2))
    else {
        return false;
    };
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => 0,
    };
    year > 0 && (1..=days).contains(&day)
}

fn with_line_feeds(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
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
