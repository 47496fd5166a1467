//! Reads `fetch` calls of JavaScript and TypeScript, with the constants before them. Nothing is run:
//! what only running would tell stays a variable.

use super::cursor::Cursor;
use super::literal::{Literal, Variables, add_headers};
use super::request::RawRequest;
use super::word::Word;

/// Maximum nesting of values.
const MAX_DEPTH: usize = 48;
/// Maximum number of members or items to read of one value.
const MAX_MEMBERS: usize = 10_000;

/// Whether a text has a call that [`read`] may understand. In prose, `fetch` has a blank before a
/// parenthesis.
pub(super) fn has_call(text: &str) -> bool {
    text.contains("fetch(")
}

/// Reads the first call of a text. `None` if it has none. If what is before the call cannot be read,
/// such as prose with an apostrophe, the text begins with the call.
pub(super) fn read(text: &str) -> Option<RawRequest> {
    first_call(text).or_else(|| first_call(text.get(text.find("fetch(")?..)?))
}

fn first_call(text: &str) -> Option<RawRequest> {
    let mut parser = Parser {
        cursor: Cursor::new(text),
        variables: Variables::default(),
    };
    parser.first_call()
}

struct Parser<'t> {
    cursor: Cursor<'t>,
    variables: Variables,
}

impl<'t> Parser<'t> {
    fn first_call(&mut self) -> Option<RawRequest> {
        loop {
            self.skip_space();
            let next = self.cursor.peek()?;
            if matches!(next, '"' | '\'' | '`') {
                self.quoted(0);
            } else if is_name_start(next) {
                let name = self.take_name();
                match name {
                    "const" | "let" | "var" => self.definition(),
                    "fetch" if self.eat("(") => return Some(self.call()),
                    _ => self.statement_about(name),
                }
            } else {
                self.cursor.next();
            }
        }
    }

    /// Reads `name = value` after `const`.
    fn definition(&mut self) {
        self.skip_space();
        let name = self.take_name();
        self.skip_space();
        if self.cursor.eat(":") {
            // The type of TypeScript.
            self.cursor.take_while(|c| !matches!(c, '=' | ';' | '\n'));
        }
        let starts_value = self.eat("=");
        let mut ahead = self.cursor;
        ahead.take_while(char::is_whitespace);
        let words = ["await", "fetch", "async", "function"];
        if words.iter().any(|word| ahead.rest().starts_with(word)) {
            // The call itself, or a function with it, which is read next.
            return;
        }
        if starts_value && !name.is_empty() {
            let value = self.expression(0);
            self.variables.set(name, value);
        }
    }

    /// Reads `name.append("a", "b")` or `name["a"] = "b"` after the name.
    fn statement_about(&mut self, name: &str) {
        let start = self.cursor;
        if self.cursor.eat(".") {
            let method = self.take_name();
            if ["append", "set"].contains(&method) && self.eat("(") {
                let mut values = self.list(')', 0);
                if let (2, Some(value), Some(key)) = (values.len(), values.pop(), values.pop()) {
                    let key = key.to_word().text().to_owned();
                    self.variables.add_member(name, key, value);
                }
                return;
            }
            // `window.fetch(…)` is read next.
            self.cursor = start;
            self.cursor.next();
        } else if self.cursor.eat("[") {
            let key = self.expression(0).to_word();
            if self.eat("]") && self.eat("=") {
                let value = self.expression(0);
                self.variables
                    .add_member(name, key.text().to_owned(), value);
            }
        }
    }

    /// Reads the arguments of `fetch` after the parenthesis.
    fn call(&mut self) -> RawRequest {
        let mut request = RawRequest::default();
        let mut arguments = self.list(')', 0).into_iter();
        match arguments.next() {
            Some(Literal::Unknown(name)) => {
                let mut word = Word::default();
                word.push_variable(&name);
                request.url = Some(word);
            }
            Some(Literal::Table(members)) => self.apply(&mut request, members),
            Some(url) => request.url = Some(url.to_word()),
            None => {}
        }
        match arguments.next() {
            Some(Literal::Table(members)) => self.apply(&mut request, members),
            Some(Literal::Unknown(name)) => request.notices.missing(format!(
                "The options of the call are in {}, which the text does not define.",
                crate::text::truncate_chars(&name, 60)
            )),
            _ => {}
        }
        request
    }

    /// Applies the options of a call.
    fn apply(&mut self, request: &mut RawRequest, members: Vec<(String, Literal)>) {
        for (name, value) in members {
            match name.as_str() {
                "url" => request.url = Some(value.to_word()),
                "method" => match value {
                    Literal::Text(word) => request.method = Some(word.text().to_owned()),
                    _ => request
                        .notices
                        .missing("The method of the call is not known."),
                },
                "headers" => add_headers(request, &value),
                "body" => match value {
                    Literal::Null => {}
                    Literal::Unknown(name) => request.notices.missing(format!(
                        "The body is in {}, which the text does not define.",
                        crate::text::truncate_chars(&name, 60)
                    )),
                    value => request.body = Some(value.to_word()),
                },
                "credentials" if value.to_word().text() == "include" => {
                    request.headers.push((Word::new("Cookie"), Word::default()));
                }
                "..." => request
                    .notices
                    .missing("The options of the call contain others (…), which were not read."),
                _ => {}
            }
        }
    }

    /// Reads a value with its operators, up to the end of the statement or of the surrounding value.
    fn expression(&mut self, depth: usize) -> Literal {
        let mut value = self.operand(depth);
        loop {
            self.skip_space_on_line();
            let mut ahead = self.cursor;
            ahead.take_while(char::is_whitespace);
            let rest = ahead.rest();
            if rest.starts_with('+') && !rest.starts_with("++") {
                ahead.next();
                self.cursor = ahead;
                let next = self.operand(depth);
                let mut word = value.to_word();
                word.append(&next.to_word());
                value = Literal::Text(word);
            } else if rest.starts_with("as ") || rest.starts_with('!') {
                // A type assertion of TypeScript.
                self.cursor = ahead;
                self.skip_operator();
            } else if rest.starts_with(['?', '|', '&', '*', '-', '/', '%', '<', '>', '.', '[', '('])
                && !rest.starts_with("//")
                && !rest.starts_with("/*")
                && !matches!(value, Literal::Table(_))
            {
                self.cursor = ahead;
                self.skip_operator();
                return Literal::Unknown("(…)".to_owned());
            } else {
                return value;
            }
        }
    }

    /// Skips what an operator that is not understood applies to.
    fn skip_operator(&mut self) {
        let mut depth = 0_usize;
        while let Some(next) = self.cursor.peek() {
            match next {
                '"' | '\'' | '`' => {
                    self.quoted(MAX_DEPTH);
                    continue;
                }
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => match depth.checked_sub(1) {
                    Some(less) => depth = less,
                    None => return,
                },
                ',' | ';' | '\n' if depth == 0 => return,
                _ => {}
            }
            self.cursor.next();
        }
    }

    fn operand(&mut self, depth: usize) -> Literal {
        self.skip_space();
        if depth > MAX_DEPTH {
            self.skip_operator();
            return Literal::Null;
        }
        let Some(next) = self.cursor.peek() else {
            return Literal::Null;
        };
        match next {
            '"' | '\'' | '`' => Literal::Text(self.quoted(depth)),
            '{' => {
                self.cursor.next();
                self.object(depth + 1)
            }
            '[' => {
                self.cursor.next();
                Literal::List(self.list(']', depth + 1))
            }
            '(' => {
                self.cursor.next();
                let value = self.expression(depth + 1);
                self.skip_space();
                self.skip_operator();
                self.eat(")");
                value
            }
            c if c.is_ascii_digit() || c == '-' || c == '.' => {
                let written = self
                    .cursor
                    .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
                let number = written.replace('_', "");
                if number.parse::<f64>().is_ok() {
                    Literal::Number(number)
                } else {
                    Literal::Unknown("(…)".to_owned())
                }
            }
            c if is_name_start(c) => self.named(depth),
            _ => {
                self.cursor.next();
                Literal::Null
            }
        }
    }

    /// Reads a value that begins with a name.
    fn named(&mut self, depth: usize) -> Literal {
        let mut path = self.take_name().to_owned();
        match path.as_str() {
            "null" | "undefined" => return Literal::Null,
            "true" => return Literal::Boolean(true),
            "false" => return Literal::Boolean(false),
            "await" => return self.operand(depth + 1),
            "new" => {
                self.skip_space();
                path = format!("new {}", self.take_name());
            }
            _ => {}
        }
        while path.len() < 200 && self.cursor.rest().starts_with(['.', '?']) {
            let mut ahead = self.cursor;
            if !(ahead.eat("?.") || ahead.eat(".")) || !ahead.peek().is_some_and(is_name_start) {
                break;
            }
            self.cursor = ahead;
            path.push('.');
            path.push_str(self.take_name());
        }
        if !self.cursor.rest().starts_with('(') {
            return match self.variables.get(&path) {
                Some(value) => value,
                None if path == "new Headers" => Literal::Table(Vec::new()),
                None => Literal::Unknown(path),
            };
        }
        self.cursor.next();
        let arguments = self.list(')', depth + 1);
        let mut arguments = arguments.into_iter();
        match (path.as_str(), arguments.next()) {
            ("JSON.stringify", Some(Literal::Unknown(name))) => Literal::Unknown(name),
            ("JSON.stringify", Some(value)) => Literal::Text(value.to_json()),
            ("new Headers" | "new URLSearchParams" | "Object.freeze", Some(value)) => value,
            ("new Headers" | "new URLSearchParams", None) => Literal::Table(Vec::new()),
            ("new URL" | "new Request" | "String" | "encodeURI", Some(value)) => value,
            _ => Literal::Unknown(format!("{path}(…)")),
        }
    }

    /// Reads the members of an object after its brace.
    fn object(&mut self, depth: usize) -> Literal {
        let mut members = Vec::new();
        while members.len() < MAX_MEMBERS {
            self.skip_space();
            let Some(next) = self.cursor.peek() else {
                break;
            };
            match next {
                '}' => {
                    self.cursor.next();
                    break;
                }
                ',' | ';' => {
                    self.cursor.next();
                    continue;
                }
                _ => {}
            }
            if self.cursor.eat("...") {
                match self.operand(depth) {
                    Literal::Table(more) => members.extend(more),
                    _ => members.push(("...".to_owned(), Literal::Null)),
                }
                continue;
            }
            let before = self.cursor.rest().len();
            let name = match next {
                '"' | '\'' | '`' => self.quoted(depth).text().to_owned(),
                '[' => {
                    self.cursor.next();
                    let name = self.expression(depth).to_word().text().to_owned();
                    self.eat("]");
                    name
                }
                _ => self
                    .cursor
                    .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '$'))
                    .to_owned(),
            };
            if self.eat(":") {
                let value = self.expression(depth);
                members.push((name, value));
            } else if !name.is_empty() {
                // `{ body }` is short for `{ body: body }`.
                let value = self.variables.get(&name);
                let value = value.unwrap_or_else(|| Literal::Unknown(name.clone()));
                members.push((name, value));
                if !matches!(self.cursor.peek(), Some(',' | '}') | None) {
                    self.skip_operator();
                }
            }
            if self.cursor.rest().len() == before {
                self.cursor.next();
            }
        }
        Literal::Table(members)
    }

    /// Reads values up to a closing character.
    fn list(&mut self, end: char, depth: usize) -> Vec<Literal> {
        let mut items = Vec::new();
        while items.len() < MAX_MEMBERS {
            self.skip_space();
            match self.cursor.peek() {
                None => break,
                Some(next) if next == end => {
                    self.cursor.next();
                    break;
                }
                Some(',') => {
                    self.cursor.next();
                }
                Some(_) => {
                    let before = self.cursor.rest().len();
                    items.push(self.expression(depth));
                    if self.cursor.rest().len() == before {
                        self.cursor.next();
                    }
                }
            }
        }
        items
    }

    /// Reads a text in quotation marks or backticks.
    fn quoted(&mut self, depth: usize) -> Word {
        let mut word = Word::default();
        let Some(quote) = self.cursor.next() else {
            return word;
        };
        // A character beyond U+FFFF may be written as two escapes (UTF-16).
        let mut units: Vec<u16> = Vec::new();
        while let Some(next) = self.cursor.next() {
            if next == '\\' && self.cursor.eat("u") {
                let digits = if self.cursor.eat("{") {
                    self.cursor.take_through_soon("}").unwrap_or_default()
                } else {
                    take_hexadecimal(&mut self.cursor, 4)
                };
                let code = u32::from_str_radix(digits, 16).unwrap_or(0xFFFD);
                match (u16::try_from(code), char::from_u32(code)) {
                    (Ok(unit), _) => units.push(unit),
                    (Err(_), Some(character)) => {
                        end_units(&mut word, &mut units);
                        word.push(character);
                    }
                    (Err(_), None) => word.push(char::REPLACEMENT_CHARACTER),
                }
                continue;
            }
            end_units(&mut word, &mut units);
            match next {
                end if end == quote => return word,
                '\\' => self.escape(&mut word),
                '$' if quote == '`' && depth < MAX_DEPTH && self.cursor.eat("{") => {
                    let value = self.expression(depth + 1);
                    self.skip_space();
                    self.skip_operator();
                    self.cursor.eat("}");
                    match value {
                        Literal::Unknown(name) => word.push_variable(&format!("${{{name}}}")),
                        known => word.append(&known.to_word()),
                    }
                }
                other => word.push(other),
            }
        }
        end_units(&mut word, &mut units);
        word
    }

    fn escape(&mut self, word: &mut Word) {
        if self.cursor.eat_line_break() {
            return;
        }
        match self.cursor.next() {
            Some('n') => word.push('\n'),
            Some('r') => word.push('\r'),
            Some('t') => word.push('\t'),
            Some('b') => word.push('\u{8}'),
            Some('f') => word.push('\u{c}'),
            Some('v') => word.push('\u{b}'),
            Some('0') => word.push('\0'),
            Some('x') => {
                let digits = take_hexadecimal(&mut self.cursor, 2);
                let code = u32::from_str_radix(digits, 16).unwrap_or(0xFFFD);
                word.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            Some(other) => word.push(other),
            None => {}
        }
    }

    fn take_name(&mut self) -> &'t str {
        match self.cursor.peek() {
            Some(first) if is_name_start(first) => self
                .cursor
                .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '$')),
            _ => "",
        }
    }

    /// Skips white space, then reads `text` if it comes next.
    fn eat(&mut self, text: &str) -> bool {
        self.skip_space();
        self.cursor.eat(text)
    }

    /// Skips white space and comments.
    fn skip_space(&mut self) {
        loop {
            self.cursor.take_while(char::is_whitespace);
            if self.cursor.rest().starts_with("//") {
                self.cursor.take_line();
            } else if self.cursor.eat("/*") {
                if self.cursor.take_through("*/").is_none() {
                    self.cursor.take_while(|_| true);
                }
            } else {
                return;
            }
        }
    }

    fn skip_space_on_line(&mut self) {
        self.cursor.take_while(|c| c == ' ' || c == '\t');
    }
}

fn is_name_start(character: char) -> bool {
    character.is_alphabetic() || matches!(character, '_' | '$')
}

/// Appends UTF-16 code units to a word.
fn end_units(word: &mut Word, units: &mut Vec<u16>) {
    if !units.is_empty() {
        word.push_str(&String::from_utf16_lossy(units));
        units.clear();
    }
}

/// Reads up to `count` hexadecimal digits.
fn take_hexadecimal<'t>(cursor: &mut Cursor<'t>, count: usize) -> &'t str {
    let text = cursor.rest();
    let digits = text.bytes().take(count).take_while(u8::is_ascii_hexdigit);
    let (taken, rest) = text.split_at_checked(digits.count()).unwrap_or(("", text));
    *cursor = Cursor::new(rest);
    taken
}
