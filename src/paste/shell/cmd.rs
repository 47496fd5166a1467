//! Words of the command prompt of Windows. It removes carets first; then the program splits its own
//! command line by the rules of the C runtime, where a quotation mark is escaped by a backslash or by
//! doubling it.

use super::{Cursor, MAX_COMMANDS, MAX_WORDS, ShellCommand, Word};

/// The commands of a text, in order.
pub(super) fn commands(text: &str) -> Vec<ShellCommand> {
    let mut commands = Vec::new();
    let mut cursor = Cursor::new(text);
    while !cursor.rest().is_empty() && commands.len() < MAX_COMMANDS {
        let line = take_command_line(&mut cursor);
        let command = split(&line);
        if !command.words.is_empty() {
            commands.push(command);
        }
    }
    commands
}

/// Reads one command line, without its carets and line continuations.
fn take_command_line(cursor: &mut Cursor<'_>) -> String {
    let mut line = String::new();
    let mut in_quotes = false;
    while let Some(character) = cursor.next() {
        match character {
            '^' if cursor.eat_blank_line_end() => {
                // A caret at the end of a line escapes what follows the line break.
                if cursor.eat_line_break() {
                    line.push('\n');
                }
            }
            '^' if !in_quotes => match cursor.next() {
                Some(escaped) => line.push(escaped),
                None => line.push('^'),
            },
            '"' => {
                in_quotes = !in_quotes;
                line.push('"');
            }
            // The command prompt ends the command at a line break inside quotation marks, too, but a
            // body over several lines is meant to be one.
            '\n' if !in_quotes => break,
            '\r' => {}
            '&' | '|' | '<' | '>' if !in_quotes => {
                let is_in_query = character == '&'
                    && line
                        .rsplit(' ')
                        .next()
                        .is_some_and(|word| word.contains("://") && word.contains('?'));
                if !is_in_query {
                    cursor.take_line();
                    break;
                }
                line.push('&');
            }
            other => line.push(other),
        }
    }
    line
}

/// Splits a command line into arguments, as the Microsoft C runtime does.
fn split(line: &str) -> ShellCommand {
    let mut command = ShellCommand::default();
    let mut cursor = Cursor::new(line);
    let mut word: Option<Word> = None;
    let mut in_quotes = false;
    while let Some(character) = cursor.next() {
        match character {
            '\\' => {
                let more = cursor.take_while(|c| c == '\\').len();
                let count = more + 1;
                let word = word.get_or_insert_default();
                if cursor.peek() == Some('"') {
                    word.push_str(&"\\".repeat(count / 2));
                    if count % 2 == 1 {
                        cursor.next();
                        word.push('"');
                    }
                } else {
                    word.push_str(&"\\".repeat(count));
                }
            }
            '"' if in_quotes && cursor.eat("\"") => word.get_or_insert_default().push('"'),
            '"' => {
                in_quotes = !in_quotes;
                word.get_or_insert_default();
            }
            '%' => read_variable(&mut cursor, word.get_or_insert_default()),
            c if c.is_whitespace() && !in_quotes => {
                if command.words.len() < MAX_WORDS {
                    command.words.extend(word.take());
                }
            }
            other => word.get_or_insert_default().push(other),
        }
    }
    command.words.extend(word);
    command.is_unclosed = in_quotes;
    command
}

/// Reads `%NAME%` after its first sign. `%2F` and `%E4%B8` are percent-encoding.
fn read_variable(cursor: &mut Cursor<'_>, word: &mut Word) {
    let mut ahead = *cursor;
    let name = ahead.take_while(|c| c.is_ascii_alphanumeric() || c == '_');
    let is_encoding = name.len() == 2 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if is_name && !is_encoding && ahead.eat("%") {
        *cursor = ahead;
        word.push_variable(&format!("%{name}%"));
    } else {
        word.push('%');
    }
}
