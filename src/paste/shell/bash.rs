//! Words of Bash and other POSIX shells (POSIX.1-2024, Shell Command Language, section 2.2; Bash
//! manual, section 3.1.2.4 for `$'…'`). Nothing is expanded: variables stay as they are written.

use super::super::cursor::SOON;
use super::{Cursor, MAX_COMMANDS, MAX_WORDS, ShellCommand, Word, take_name};

/// The commands of a text, in order.
pub(super) fn commands(text: &str) -> Vec<ShellCommand> {
    let mut lexer = Lexer {
        cursor: Cursor::new(text),
        commands: Vec::new(),
        command: ShellCommand::default(),
        word: None,
        redirect: None,
        here_documents: Vec::new(),
    };
    while lexer.commands.len() < MAX_COMMANDS && lexer.command.words.len() < MAX_WORDS {
        let Some(character) = lexer.cursor.next() else {
            break;
        };
        lexer.read(character);
    }
    lexer.end_command();
    lexer.commands
}

/// What the next word is for, if it is no argument.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Redirect {
    /// The name of a file.
    File,
    /// The standard input itself (`<<<`).
    Text,
    /// The line that ends a here-document (`<<`).
    HereDocument { is_indented: bool },
}

struct Lexer<'t> {
    cursor: Cursor<'t>,
    commands: Vec<ShellCommand>,
    command: ShellCommand,
    /// The word that is being read; an empty one exists after `''`.
    word: Option<Word>,
    redirect: Option<Redirect>,
    /// The here-documents that begin after this line: the line that ends each, and whether tabs
    /// before it are removed.
    here_documents: Vec<(String, bool)>,
}

impl<'t> Lexer<'t> {
    fn word(&mut self) -> &mut Word {
        self.word.get_or_insert_default()
    }

    fn read(&mut self, character: char) {
        match character {
            '\n' => {
                self.end_word();
                self.read_here_documents();
                self.end_command();
            }
            '\r' => {}
            c if c.is_whitespace() => self.end_word(),
            '#' if self.word.is_none() => {
                self.cursor.take_while(|c| c != '\n');
            }
            // A backslash with blanks after it is a continuation that was copied badly.
            '\\' if self.cursor.eat_blank_line_end() => {}
            '\\' => {
                if let Some(next) = self.cursor.next() {
                    self.word().push(next);
                }
            }
            '\'' => {
                let text = self.take_quoted("'");
                self.word().push_str(text);
            }
            '"' => self.read_double_quoted(),
            '$' if self.cursor.eat("'") => self.read_ansi_c_quoted(),
            '$' if self.cursor.eat("\"") => self.read_double_quoted(),
            '$' => self.read_variable(),
            '`' => self.read_command_in_backticks(),
            ';' => self.end_command(),
            '|' => self.end_command(),
            '&' => self.read_ampersand(),
            '<' => self.read_input_redirection(),
            '>' => self.read_output_redirection(),
            other => self.word().push(other),
        }
    }

    /// The text up to the closing quote, or the rest if the quote is missing.
    fn take_quoted(&mut self, end: &str) -> &'t str {
        match self.cursor.take_through(end) {
            Some(text) => text,
            None => {
                self.command.is_unclosed = true;
                self.cursor.take_while(|_| true)
            }
        }
    }

    fn read_double_quoted(&mut self) {
        self.word();
        loop {
            match self.cursor.next() {
                None => {
                    self.command.is_unclosed = true;
                    return;
                }
                Some('"') => return,
                Some('\\') => {
                    if self.cursor.eat_line_break() {
                        continue;
                    }
                    match self.cursor.peek() {
                        Some(next @ ('$' | '`' | '"' | '\\')) => {
                            self.cursor.next();
                            self.word().push(next);
                        }
                        _ => self.word().push('\\'),
                    }
                }
                Some('$') => self.read_variable(),
                Some('`') => self.read_command_in_backticks(),
                Some(other) => self.word().push(other),
            }
        }
    }

    /// Reads `$NAME`, `${NAME}` or `$(command)` after its `$`. A default value and a command are not
    /// kept, because they may contain a secret.
    fn read_variable(&mut self) {
        let start = self.cursor;
        let written = if self.cursor.eat("{") {
            let inner = self.cursor.take_through_soon("}");
            inner.map(|inner| format!("${{{}}}", take_name(&mut Cursor::new(inner))))
        } else if self.cursor.eat("(") {
            take_balanced(&mut self.cursor).map(|_| "$(…)".to_owned())
        } else {
            let name = take_name(&mut self.cursor);
            (!name.is_empty()).then(|| format!("${name}"))
        };
        match written {
            Some(written) => self.word().push_variable(&written),
            None => {
                self.cursor = start;
                self.word().push('$');
            }
        }
    }

    fn read_command_in_backticks(&mut self) {
        match self.cursor.take_through_soon("`") {
            Some(_) => self.word().push_variable("$(…)"),
            None => self.word().push('`'),
        }
    }

    /// Reads `$'…'` after its opening quote.
    fn read_ansi_c_quoted(&mut self) {
        let mut bytes = Vec::new();
        // Browsers write a character beyond U+FFFF as two `\u` escapes (UTF-16).
        let mut units: Vec<u16> = Vec::new();
        let push = |bytes: &mut Vec<u8>, units: &mut Vec<u16>, character: Option<char>| {
            if !units.is_empty() {
                bytes.extend(String::from_utf16_lossy(units).into_bytes());
                units.clear();
            }
            if let Some(character) = character {
                bytes.extend(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
        };
        loop {
            match self.cursor.next() {
                None => {
                    self.command.is_unclosed = true;
                    break;
                }
                Some('\'') => break,
                Some('\\') => {
                    let Some(escape) = self.cursor.next() else {
                        continue;
                    };
                    let simple = match escape {
                        'a' => '\u{7}',
                        'b' => '\u{8}',
                        'e' | 'E' => '\u{1b}',
                        'f' => '\u{c}',
                        'n' => '\n',
                        'r' => '\r',
                        't' => '\t',
                        'v' => '\u{b}',
                        '\\' | '\'' | '"' | '?' => escape,
                        'u' => {
                            let code = take_number(&mut self.cursor, 16, 4);
                            units.push(u16::try_from(code).unwrap_or(u16::MAX));
                            continue;
                        }
                        'U' => char::from_u32(take_number(&mut self.cursor, 16, 8))
                            .unwrap_or(char::REPLACEMENT_CHARACTER),
                        'x' => {
                            push(&mut bytes, &mut units, None);
                            let code = take_number(&mut self.cursor, 16, 2);
                            bytes.push(u8::try_from(code).unwrap_or(u8::MAX));
                            continue;
                        }
                        first @ '0'..='7' => {
                            push(&mut bytes, &mut units, None);
                            let more = take_number(&mut self.cursor, 8, 2);
                            let digits = if more > 7 { 64 } else { 8 };
                            let code = first.to_digit(8).unwrap_or(0) * digits + more;
                            bytes.push(u8::try_from(code & 0xff).unwrap_or(u8::MAX));
                            continue;
                        }
                        other => {
                            push(&mut bytes, &mut units, Some('\\'));
                            other
                        }
                    };
                    push(&mut bytes, &mut units, Some(simple));
                }
                Some(other) => push(&mut bytes, &mut units, Some(other)),
            }
        }
        push(&mut bytes, &mut units, None);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        self.word().push_str(&text);
    }

    /// `&` ends a command. Inside an unquoted URL with a query it is meant to be part of it.
    fn read_ampersand(&mut self) {
        let is_in_query = self
            .word
            .as_ref()
            .is_some_and(|word| word.text().contains("://") && word.text().contains('?'));
        let goes_on = self
            .cursor
            .peek()
            .is_some_and(|next| next.is_ascii_alphanumeric() || next == '_');
        if is_in_query && goes_on {
            self.word().push('&');
        } else {
            self.end_command();
        }
    }

    fn read_input_redirection(&mut self) {
        self.end_word();
        self.redirect = Some(if self.cursor.eat("<<") {
            Redirect::Text
        } else if self.cursor.eat("<-") {
            Redirect::HereDocument { is_indented: true }
        } else if self.cursor.eat("<") {
            Redirect::HereDocument { is_indented: false }
        } else {
            Redirect::File
        });
    }

    fn read_output_redirection(&mut self) {
        let is_descriptor = |word: &Word| word.text().bytes().all(|byte| byte.is_ascii_digit());
        if self.word.as_ref().is_some_and(is_descriptor) {
            self.word = None;
        }
        self.end_word();
        while self.cursor.eat(">") || self.cursor.eat("&") || self.cursor.eat("|") {}
        self.redirect = Some(Redirect::File);
    }

    fn end_word(&mut self) {
        let Some(word) = self.word.take() else {
            return;
        };
        match self.redirect.take() {
            None => self.command.words.push(word),
            Some(Redirect::File) => {}
            Some(Redirect::Text) => self.command.input = Some(word),
            Some(Redirect::HereDocument { is_indented }) => {
                self.here_documents
                    .push((word.text().to_owned(), is_indented));
            }
        }
    }

    fn read_here_documents(&mut self) {
        for (end, is_indented) in std::mem::take(&mut self.here_documents) {
            let mut text = String::new();
            while !self.cursor.rest().is_empty() {
                let line = self.cursor.take_line();
                let line = match is_indented {
                    true => line.trim_start_matches('\t'),
                    false => line,
                };
                if line == end {
                    break;
                }
                text.push_str(line);
                text.push('\n');
            }
            self.command.input = Some(Word::new(text));
        }
    }

    fn end_command(&mut self) {
        self.end_word();
        self.redirect = None;
        if !self.here_documents.is_empty() {
            // What follows on the line, such as a pipe, does not read the here-document.
            self.cursor.take_line();
            self.read_here_documents();
        }
        let command = std::mem::take(&mut self.command);
        if !command.words.is_empty() || command.input.is_some() {
            self.commands.push(command);
        }
    }
}

/// Reads up to the parenthesis that closes an open one. `None` if it does not come soon.
fn take_balanced<'t>(cursor: &mut Cursor<'t>) -> Option<&'t str> {
    let mut depth = 1_usize;
    let text = cursor.rest();
    let (end, _) = text.char_indices().take(SOON).find(|(_, character)| {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        depth == 0
    })?;
    let inner = text.get(..end)?;
    *cursor = Cursor::new(text.get(end + 1..)?);
    Some(inner)
}

/// Reads up to `digits` digits of a number.
fn take_number(cursor: &mut Cursor<'_>, radix: u32, digits: usize) -> u32 {
    let mut number = 0_u32;
    for _ in 0..digits {
        let Some(digit) = cursor.peek().and_then(|next| next.to_digit(radix)) else {
            break;
        };
        cursor.next();
        number = number.saturating_mul(radix).saturating_add(digit);
    }
    number
}
