//! One value of a pasted command: its text, and the variables whose values the text does not have.

use crate::settings::secret_like::looks_random;

/// A text with the variables in it. It has no `Debug`, because it may contain a secret.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Word {
    text: String,
    /// The variables as written, such as `$TOKEN`. Each is a part of the text.
    variables: Vec<String>,
}

/// Maximum number of variables to remember of one word.
const MAX_VARIABLES: usize = 50;

impl Word {
    pub(super) fn new(text: impl Into<String>) -> Word {
        Word {
            text: text.into(),
            variables: Vec::new(),
        }
    }

    /// A text with variables in it.
    pub(super) fn with_variables(text: String, mut variables: Vec<String>) -> Word {
        variables.truncate(MAX_VARIABLES);
        Word { text, variables }
    }

    pub(super) fn push(&mut self, character: char) {
        self.text.push(character);
    }

    pub(super) fn push_str(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Appends a variable as it is written.
    pub(super) fn push_variable(&mut self, written: &str) {
        self.text.push_str(written);
        if self.variables.len() < MAX_VARIABLES {
            self.variables.push(written.to_owned());
        }
    }

    pub(super) fn append(&mut self, other: &Word) {
        self.text.push_str(&other.text);
        let room = MAX_VARIABLES.saturating_sub(self.variables.len());
        self.variables
            .extend(other.variables.iter().take(room).cloned());
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The first variable of the text, as written.
    pub(super) fn variable(&self) -> Option<&str> {
        self.variables.first().map(String::as_str)
    }

    /// All variables of the text, as written.
    pub(super) fn variables(&self) -> &[String] {
        &self.variables
    }

    /// A part of this word: `text` with the variables that occur in it.
    pub(super) fn part(&self, text: &str) -> Word {
        let variables = self.variables.iter();
        Word {
            text: text.to_owned(),
            variables: variables
                .filter(|variable| text.contains(variable.as_str()))
                .cloned()
                .collect(),
        }
    }

    /// The parts before and after the first `separator`.
    pub(super) fn split_once(&self, separator: char) -> Option<(Word, Word)> {
        let (before, after) = self.text.split_once(separator)?;
        Some((self.part(before), self.part(after)))
    }

    /// The part after `prefix`, if the text starts with it.
    pub(super) fn strip_prefix(&self, prefix: &str) -> Option<Word> {
        self.text.strip_prefix(prefix).map(|rest| self.part(rest))
    }

    pub(super) fn trimmed(&self) -> Word {
        self.part(self.text.trim())
    }

    /// Whether the text is a placeholder for a value, such as `<token>`, `YOUR_API_KEY` or `***`.
    pub(super) fn is_placeholder(&self) -> bool {
        let text = self.text.trim();
        let is_wrapped = [("<", ">"), ("{", "}"), ("[", "]"), ("${", "}")]
            .iter()
            .any(|(start, end)| text.starts_with(start) && text.ends_with(end));
        let is_masked = !text.is_empty() && text.chars().all(|c| "*•.…xX".contains(c));
        let lower = text.to_ascii_lowercase().replace(['-', ' '], "_");
        let is_instruction = ["your_", "my_", "replace_", "insert_", "example_"]
            .iter()
            .any(|start| lower.starts_with(start))
            && !looks_random(&lower);
        is_wrapped || is_masked || is_instruction
    }
}
