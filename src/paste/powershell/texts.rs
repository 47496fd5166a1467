//! Texts of PowerShell: quotation marks, here-strings, escapes, and variables inside texts.

use super::super::cursor::Cursor;
use super::super::literal::Literal;
use super::super::word::Word;
use super::Parser;

impl<'t> Parser<'t> {
    pub(super) fn single_quoted(&mut self) -> Literal {
        self.cursor.next();
        let mut word = Word::default();
        while let Some(next) = self.cursor.next() {
            match next {
                '\'' | '‘' | '’' => {
                    if matches!(self.cursor.peek(), Some('\'' | '‘' | '’')) {
                        self.cursor.next();
                        word.push('\'');
                    } else {
                        break;
                    }
                }
                other => word.push(other),
            }
        }
        Literal::Text(word)
    }

    pub(super) fn double_quoted(&mut self) -> Literal {
        self.cursor.next();
        let mut word = Word::default();
        while let Some(next) = self.cursor.next() {
            match next {
                '"' | '“' | '”' => {
                    if matches!(self.cursor.peek(), Some('"' | '“' | '”')) {
                        self.cursor.next();
                        word.push('"');
                    } else {
                        break;
                    }
                }
                '`' => self.escape(&mut word),
                '$' => self.expand(&mut word),
                other => word.push(other),
            }
        }
        Literal::Text(word)
    }

    /// The text of a here-string, after its opening sign, up to a line that begins with `end`.
    pub(super) fn here_string(&mut self, end: &str) -> &'t str {
        self.cursor.take_line();
        if self.cursor.eat(end) {
            return "";
        }
        let line_end = format!("\n{end}");
        let text = match self.cursor.take_through(&line_end) {
            Some(text) => text,
            None => self.cursor.take_while(|_| true),
        };
        text.strip_suffix('\r').unwrap_or(text)
    }

    /// A text with its escapes and variables.
    pub(super) fn expanded(&mut self, text: &'t str) -> Word {
        let outer = std::mem::replace(&mut self.cursor, Cursor::new(text));
        let mut word = Word::default();
        while let Some(next) = self.cursor.next() {
            match next {
                '`' => self.escape(&mut word),
                '$' => self.expand(&mut word),
                other => word.push(other),
            }
        }
        self.cursor = outer;
        word
    }

    /// Appends what a backtick escapes.
    fn escape(&mut self, word: &mut Word) {
        if self.cursor.eat_line_break() {
            return;
        }
        if self.cursor.eat("u{") {
            let digits = self.cursor.take_through_soon("}").unwrap_or_default();
            let code = u32::from_str_radix(digits, 16).ok();
            word.push(
                code.and_then(char::from_u32)
                    .unwrap_or(char::REPLACEMENT_CHARACTER),
            );
            return;
        }
        match self.cursor.next() {
            Some('n') => word.push('\n'),
            Some('r') => word.push('\r'),
            Some('t') => word.push('\t'),
            Some('0') => word.push('\0'),
            Some(other) => word.push(other),
            None => {}
        }
    }

    /// Appends the value of a variable inside a text, after its `$`. `$name.member` is the variable
    /// and a text there.
    fn expand(&mut self, word: &mut Word) {
        let begins_variable = self
            .cursor
            .peek()
            .is_some_and(|next| next.is_ascii_alphabetic() || matches!(next, '_' | '{' | '('));
        if !begins_variable {
            word.push('$');
            return;
        }
        let value = if self.cursor.eat("(") {
            self.skip_to_closing_parenthesis();
            Literal::Unknown("$(…)".to_owned())
        } else {
            let name = if self.cursor.eat("{") {
                let name = self.cursor.take_through_soon("}").unwrap_or_default();
                name.to_ascii_lowercase()
            } else {
                self.take_variable_name()
            };
            self.variables
                .get(&name)
                .unwrap_or_else(|| Literal::Unknown(format!("${name}")))
        };
        word.append(&value.to_word());
    }
}
