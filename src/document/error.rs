//! Parse errors.

use std::fmt;

/// Why and where a text is not exactly one JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentError {
    fault: Fault,
    offset: usize,
    /// Line and column, both from 1, the column in characters. `None` until the text is known.
    place: Option<(usize, usize)>,
}

/// The kinds of fault. Each has its own [`DocumentError::code`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The text contains no value.
    Empty,
    /// The text ends inside a value.
    Unfinished,
    /// A character that the grammar does not allow here; holds what was expected.
    Expected(&'static str),
    /// A string contains an unescaped control character (below U+0020).
    ControlCharacter,
    /// A `\u` escape is one half of a surrogate pair, without the other half.
    LoneSurrogate,
    /// Containers are nested deeper than the limit.
    TooDeep(usize),
    /// The text is longer than the limit, in bytes.
    TooLong(usize),
    /// Text follows the value.
    TextAfterValue,
}

impl DocumentError {
    pub(super) fn new(fault: Fault, offset: usize) -> Self {
        DocumentError {
            fault,
            offset,
            place: None,
        }
    }

    /// Adds the line and column, computed from `text`.
    pub(super) fn located_in(mut self, text: &str) -> Self {
        let before = text.get(..self.offset).unwrap_or(text);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        self.place = Some((line, column));
        self
    }

    /// The kind of fault.
    #[must_use]
    pub fn fault(&self) -> Fault {
        self.fault
    }

    /// The byte offset of the fault from the start of the text.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The line, from 1; 1 if only the offset is known.
    #[must_use]
    pub fn line(&self) -> usize {
        self.place.map_or(1, |(line, _)| line)
    }

    /// The column in characters, from 1; the offset plus 1 if only the offset is known.
    #[must_use]
    pub fn column(&self) -> usize {
        self.place.map_or(self.offset + 1, |(_, column)| column)
    }

    /// A stable identifier for the kind of fault.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.fault {
            Fault::Empty => "json_empty",
            Fault::Unfinished => "json_unfinished",
            Fault::Expected(_) => "json_syntax",
            Fault::ControlCharacter => "json_control_character",
            Fault::LoneSurrogate => "json_lone_surrogate",
            Fault::TooDeep(_) => "json_too_deep",
            Fault::TooLong(_) => "json_too_long",
            Fault::TextAfterValue => "json_text_after_value",
        }
    }
}

impl fmt::Display for Fault {
    /// The message without the position.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Empty => write!(f, "there is no JSON value"),
            Fault::Unfinished => write!(f, "the JSON ends before its value is closed"),
            Fault::Expected(expected) => write!(f, "expected {expected}"),
            Fault::ControlCharacter => {
                write!(
                    f,
                    "a control character in a string must be escaped, for example as \\n"
                )
            }
            Fault::LoneSurrogate => {
                write!(
                    f,
                    "a \\u escape is half of a surrogate pair without the other half"
                )
            }
            Fault::TooDeep(limit) => write!(f, "nested deeper than {limit} levels"),
            Fault::TooLong(limit) => write!(f, "longer than {limit} bytes"),
            Fault::TextAfterValue => write!(f, "text follows the JSON value"),
        }
    }
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.fmt(f)?;
        match self.place {
            Some((line, column)) => write!(f, " (line {line}, column {column})"),
            None => write!(f, " (at byte {})", self.offset),
        }
    }
}

impl std::error::Error for DocumentError {}
