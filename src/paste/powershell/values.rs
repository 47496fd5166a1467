//! Values of PowerShell: hashtables, arrays, variables and what operators make of them.

use super::super::literal::Literal;
use super::super::word::Word;
use super::{Argument, MAX_DEPTH, MAX_MEMBERS, Parser, take_word};

impl Parser<'_> {
    /// Reads a value with its operators, up to the end of the statement or of the surrounding value.
    pub(super) fn expression(&mut self, depth: usize) -> Literal {
        let mut value = self.operand_list(depth);
        loop {
            self.skip_blanks();
            if self.cursor.rest().starts_with("+=") {
                return value;
            }
            if self.cursor.eat("+") {
                self.skip_white_space();
                let next = self.operand(depth);
                value = joined(value, next);
            } else if self.cursor.rest().starts_with('|') {
                let mut ahead = self.cursor;
                ahead.next();
                ahead.take_while(|c| c.is_whitespace() || c == '`');
                let is_json = take_word(&mut ahead).eq_ignore_ascii_case("convertto-json");
                if !is_json {
                    return value;
                }
                self.cursor = ahead;
                self.arguments(depth);
                value = Literal::Text(value.to_json());
            } else {
                return value;
            }
        }
    }

    /// Reads one value, or several with commas between them, which are an array.
    pub(super) fn operand_list(&mut self, depth: usize) -> Literal {
        let first = self.operand(depth);
        let mut ahead = self.cursor;
        ahead.take_while(|c| c == ' ');
        if !ahead.rest().starts_with(',') {
            return first;
        }
        let mut items = vec![first];
        while items.len() < MAX_MEMBERS {
            let mut ahead = self.cursor;
            ahead.take_while(|c| c == ' ');
            if !ahead.eat(",") {
                break;
            }
            self.cursor = ahead;
            self.skip_white_space();
            items.push(self.operand(depth));
        }
        Literal::List(items)
    }

    fn operand(&mut self, depth: usize) -> Literal {
        self.skip_blanks();
        if depth > MAX_DEPTH {
            self.cursor.take_line();
            return Literal::Null;
        }
        let cursor = &mut self.cursor;
        if cursor.eat("@{") {
            return Literal::Table(self.members(depth + 1));
        }
        if cursor.eat("@(") {
            return Literal::List(self.list(')', depth + 1));
        }
        if cursor.eat("@'") {
            return Literal::Text(Word::new(self.here_string("'@")));
        }
        if cursor.eat("@\"") {
            let text = self.here_string("\"@");
            return Literal::Text(self.expanded(text));
        }
        if cursor.eat("(") {
            return self.in_parentheses(depth + 1);
        }
        match self.cursor.peek() {
            Some('\'' | '‘' | '’') => self.single_quoted(),
            Some('"' | '“' | '”') => self.double_quoted(),
            Some('[') => {
                // A cast, such as [ordered] or [pscustomobject].
                let written = self.cursor.take_through_soon("]");
                match written {
                    Some(_) if self.cursor.rest().starts_with("::") => {
                        let word = self.take_bare_word().to_owned();
                        self.skip_call();
                        Literal::Unknown(format!("[…]{word}"))
                    }
                    Some(_) => self.operand(depth + 1),
                    None => {
                        self.cursor.next();
                        Literal::Null
                    }
                }
            }
            Some('$') => {
                self.cursor.next();
                self.variable_value()
            }
            Some(_) => {
                let word = self.take_bare_word().to_owned();
                let is_number = word.parse::<f64>().is_ok()
                    && word
                        .bytes()
                        .all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
                let is_command = word.contains('-')
                    && word.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-');
                if is_number {
                    Literal::Number(word)
                } else if is_command {
                    Literal::Unknown(word)
                } else {
                    Literal::Text(Word::new(word))
                }
            }
            None => Literal::Null,
        }
    }

    /// Reads `(…)` after its opening parenthesis: a value, or a command such as `ConvertTo-Json $x`.
    fn in_parentheses(&mut self, depth: usize) -> Literal {
        self.skip_white_space();
        let mut ahead = self.cursor;
        let command = take_word(&mut ahead).to_ascii_lowercase();
        let value = if ["convertto-json", "convertto-securestring"].contains(&command.as_str()) {
            self.cursor = ahead;
            let arguments = self.arguments(depth);
            let is_json = command == "convertto-json";
            let value = arguments.into_iter().find_map(|argument| match argument {
                Argument::Value(Literal::Number(_)) => None,
                Argument::Value(value) => Some(value),
                _ => None,
            });
            match value {
                Some(value) if is_json => Literal::Text(value.to_json()),
                Some(value) => value,
                None => Literal::Null,
            }
        } else if command.contains('-') {
            self.cursor = ahead;
            self.arguments(depth);
            Literal::Unknown(command)
        } else {
            self.expression(depth)
        };
        // An operator that is not understood.
        self.skip_to_closing_parenthesis();
        if self.cursor.rest().starts_with('.') {
            let word = self.take_bare_word().to_owned();
            self.skip_call();
            return Literal::Unknown(format!("(…){word}"));
        }
        value
    }

    /// The value of a variable, after its `$`.
    pub(super) fn variable_value(&mut self) -> Literal {
        if self.cursor.eat("(") {
            self.skip_to_closing_parenthesis();
            return Literal::Unknown("$(…)".to_owned());
        }
        let name = if self.cursor.eat("{") {
            let name = self.cursor.take_through_soon("}").unwrap_or_default();
            name.to_ascii_lowercase()
        } else {
            self.take_variable_name()
        };
        match name.as_str() {
            "true" => return Literal::Boolean(true),
            "false" => return Literal::Boolean(false),
            "null" => return Literal::Null,
            _ => {}
        }
        if self.cursor.rest().starts_with('.') {
            let path = self.take_bare_word().to_owned();
            self.skip_call();
            return Literal::Unknown(format!("${name}{path}"));
        }
        self.variables
            .get(&name)
            .unwrap_or_else(|| Literal::Unknown(format!("${name}")))
    }

    /// Reads the members of a hashtable after its `@{`.
    fn members(&mut self, depth: usize) -> Vec<(String, Literal)> {
        let mut members = Vec::new();
        while members.len() < MAX_MEMBERS {
            self.cursor
                .take_while(|c| c.is_whitespace() || matches!(c, ';' | '`' | ','));
            match self.cursor.peek() {
                None => break,
                Some('}') => {
                    self.cursor.next();
                    break;
                }
                Some('#') => {
                    self.cursor.take_line();
                    continue;
                }
                _ => {}
            }
            let before = self.cursor.rest().len();
            let name = match self.cursor.peek() {
                Some('\'' | '"' | '“' | '‘') => self.operand(depth).to_word().text().to_owned(),
                _ => self
                    .cursor
                    .take_while(|c| !c.is_whitespace() && !matches!(c, '=' | '}' | ';'))
                    .to_owned(),
            };
            self.skip_white_space();
            if self.cursor.eat("=") {
                self.skip_white_space();
                let value = self.expression(depth);
                members.push((name, value));
            }
            if self.cursor.rest().len() == before {
                self.cursor.next();
            }
        }
        members
    }

    /// Reads values up to a closing character.
    pub(super) fn list(&mut self, end: char, depth: usize) -> Vec<Literal> {
        let mut items = Vec::new();
        while items.len() < MAX_MEMBERS {
            self.cursor
                .take_while(|c| c.is_whitespace() || matches!(c, ',' | ';' | '`'));
            match self.cursor.peek() {
                None => break,
                Some(next) if next == end => {
                    self.cursor.next();
                    break;
                }
                Some('#') => {
                    self.cursor.take_line();
                }
                Some(_) => {
                    let before = self.cursor.rest().len();
                    items.push(self.operand(depth));
                    if self.cursor.rest().len() == before {
                        self.cursor.next();
                    }
                }
            }
        }
        items
    }
}

/// Two values added: texts are joined, and so are tables.
fn joined(one: Literal, other: Literal) -> Literal {
    match (one, other) {
        (Literal::Table(mut members), Literal::Table(more)) => {
            members.extend(more);
            Literal::Table(members)
        }
        (Literal::List(mut items), Literal::List(more)) => {
            items.extend(more);
            Literal::List(items)
        }
        (one, other) => {
            let mut word = one.to_word();
            word.append(&other.to_word());
            Literal::Text(word)
        }
    }
}
