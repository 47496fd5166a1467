//! A value written in PowerShell or JavaScript, as far as it can be known without running the code.

use serde_json::{Map, Value};

use super::request::RawRequest;
use super::word::Word;
use crate::document::nearest_number;

/// A value. It has no `Debug`, because it may contain a secret.
#[derive(Clone)]
pub(super) enum Literal {
    /// `null`, `undefined` or `$null`.
    Null,
    Boolean(bool),
    /// A number as written.
    Number(String),
    Text(Word),
    List(Vec<Literal>),
    /// The members of an object or hashtable.
    Table(Vec<(String, Literal)>),
    /// What only running the code would tell: the variable or function as written.
    Unknown(String),
}

impl Literal {
    pub(super) fn text(text: &str) -> Literal {
        Literal::Text(Word::new(text))
    }

    /// The value as a text.
    pub(super) fn to_word(&self) -> Word {
        match self {
            Literal::Null => Word::default(),
            Literal::Boolean(value) => Word::new(value.to_string()),
            Literal::Number(text) => Word::new(text.clone()),
            Literal::Text(word) => word.clone(),
            Literal::Unknown(name) => {
                let mut word = Word::default();
                word.push_variable(name);
                word
            }
            Literal::List(_) | Literal::Table(_) => self.to_json(),
        }
    }

    /// The value as JSON text.
    pub(super) fn to_json(&self) -> Word {
        let mut variables = Vec::new();
        let text = self.to_value(&mut variables).to_string();
        Word::with_variables(text, variables)
    }

    fn to_value(&self, variables: &mut Vec<String>) -> Value {
        match self {
            Literal::Null => Value::Null,
            Literal::Boolean(value) => Value::Bool(*value),
            Literal::Number(text) => Value::Number(nearest_number(text)),
            Literal::Text(word) => {
                variables.extend(word.variables().iter().cloned());
                Value::String(word.text().to_owned())
            }
            Literal::Unknown(name) => {
                variables.push(name.clone());
                Value::String(name.clone())
            }
            Literal::List(items) => {
                Value::Array(items.iter().map(|item| item.to_value(variables)).collect())
            }
            Literal::Table(members) => {
                let mut map = Map::new();
                for (name, value) in members {
                    map.insert(name.clone(), value.to_value(variables));
                }
                Value::Object(map)
            }
        }
    }

    /// The members with text values, for headers: of a table, or of a list of pairs.
    pub(super) fn pairs(&self) -> Vec<(Word, Word)> {
        match self {
            Literal::Table(members) => members
                .iter()
                .map(|(name, value)| (Word::new(name.clone()), value.to_word()))
                .collect(),
            Literal::List(items) => items
                .iter()
                .filter_map(|item| match item {
                    Literal::List(pair) => match pair.as_slice() {
                        [name, value] => Some((name.to_word(), value.to_word())),
                        _ => None,
                    },
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        }
    }

    /// Roughly the memory that a copy takes, in bytes.
    fn weight(&self) -> usize {
        match self {
            Literal::Null | Literal::Boolean(_) => 8,
            Literal::Number(text) | Literal::Unknown(text) => 8 + text.len(),
            Literal::Text(word) => 8 + word.text().len(),
            Literal::List(items) => 8 + items.iter().map(Literal::weight).sum::<usize>(),
            Literal::Table(members) => {
                let members = members.iter();
                8 + members
                    .map(|(name, value)| name.len() + value.weight())
                    .sum::<usize>()
            }
        }
    }
}

/// Adds the headers of a literal to a request.
pub(super) fn add_headers(request: &mut RawRequest, headers: &Literal) {
    match headers {
        Literal::Unknown(name) => request.notices.missing(format!(
            "The headers are in {}, which the text does not define.",
            crate::text::truncate_chars(name, 60)
        )),
        known => request.headers.extend(known.pairs()),
    }
}

/// How much may be copied from variables while a text is read, in bytes: each may contain others
/// many times.
const MAX_COPIED: usize = 1 << 20;
/// Maximum number of variables to remember.
const MAX_VARIABLES: usize = 200;

/// The variables that a text defines.
#[derive(Default)]
pub(super) struct Variables {
    values: Vec<(String, Literal)>,
    copied: usize,
}

impl Variables {
    /// Defines a variable.
    pub(super) fn set(&mut self, name: &str, value: Literal) {
        self.values.retain(|(other, _)| other != name);
        if self.values.len() < MAX_VARIABLES {
            self.values.push((name.to_owned(), value));
        }
    }

    /// A copy of a variable's value. `None` if it is not defined, or too much was copied.
    pub(super) fn get(&mut self, name: &str) -> Option<Literal> {
        let (_, value) = self.values.iter().find(|(other, _)| other == name)?;
        let weight = value.weight();
        if self.copied + weight > MAX_COPIED {
            return None;
        }
        self.copied += weight;
        Some(value.clone())
    }

    /// Adds a member to a variable that is a table.
    pub(super) fn add_member(&mut self, name: &str, member: String, value: Literal) {
        let variable = self.values.iter_mut().find(|(other, _)| other == name);
        if let Some((_, Literal::Table(members))) = variable
            && members.len() < MAX_VARIABLES
        {
            members.retain(|(other, _)| *other != member);
            members.push((member, value));
        }
    }
}
