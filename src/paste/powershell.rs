//! Reads `Invoke-RestMethod` and `Invoke-WebRequest` calls of PowerShell, with the variables and
//! hashtables before them. Nothing is run: what only running would tell stays a variable.

use super::cursor::Cursor;
use super::literal::{Literal, Variables, add_headers};
use super::request::RawRequest;
use super::shell::ShellCommand;
use super::word::Word;

/// Maximum nesting of values.
const MAX_DEPTH: usize = 48;
/// Maximum number of arguments and members to read of one thing.
const MAX_MEMBERS: usize = 10_000;
/// Maximum number of statements to read.
const MAX_STATEMENTS: usize = 5_000;

/// The names of the commands that make a request.
const COMMANDS: [&str; 4] = ["invoke-restmethod", "invoke-webrequest", "irm", "iwr"];

/// Whether a text has a call that [`read`] understands.
pub(super) fn has_call(text: &str) -> bool {
    text.lines().take(2_000).any(|line| {
        let words = line.split(|c: char| c.is_whitespace() || "=(;|&{".contains(c));
        words
            .filter(|word| word.len() <= 20)
            .any(|word| COMMANDS.contains(&word.to_ascii_lowercase().as_str()))
    })
}

/// Whether a text has `curl` with parameters of PowerShell, where it is an alias.
pub(super) fn has_alias(text: &str) -> bool {
    text.split_whitespace().any(|word| {
        let is = |parameter: &&str| word.eq_ignore_ascii_case(parameter);
        ALIAS_PARAMETERS.iter().any(is)
    })
}

/// Parameters of PowerShell that curl does not have.
const ALIAS_PARAMETERS: [&str; 4] = ["-uri", "-method", "-headers", "-body"];

/// Reads the first call of a text. `None` if it has none.
pub(super) fn read(text: &str) -> Option<RawRequest> {
    match first_call(text)? {
        Call::Request(request) => Some(*request),
        Call::Curl(_) => None,
    }
}

/// Reads the first call of `curl.exe`, or of `curl` with the parameters of curl.
pub(super) fn curl_command(text: &str) -> Option<ShellCommand> {
    match first_call(text)? {
        Call::Curl(command) => Some(command),
        Call::Request(_) => None,
    }
}

/// The first call of a text. If what is before it cannot be read, such as prose with an apostrophe,
/// the text begins with the call.
fn first_call(text: &str) -> Option<Call> {
    Parser::new(text).first_call().or_else(|| {
        let is_call = |line: &&str| has_call(line) || super::curl::begins_with_curl(line);
        let line = text.lines().find(is_call)?;
        let at = text.find(line)?;
        Parser::new(text.get(at..)?).first_call()
    })
}

/// A call that makes a request.
enum Call {
    Request(Box<RawRequest>),
    Curl(ShellCommand),
}

/// An argument of a command.
enum Argument {
    /// `-Name`, as written.
    Parameter(String),
    Value(Literal),
    /// `@name`: the members of a hashtable are parameters.
    Splat(String),
}

struct Parser<'t> {
    cursor: Cursor<'t>,
    variables: Variables,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str) -> Parser<'t> {
        Parser {
            cursor: Cursor::new(text),
            variables: Variables::default(),
        }
    }

    fn first_call(&mut self) -> Option<Call> {
        for _ in 0..MAX_STATEMENTS {
            self.skip_between_statements();
            if self.cursor.rest().is_empty() {
                return None;
            }
            if let Some(call) = self.statement() {
                return Some(call);
            }
        }
        None
    }

    fn skip_between_statements(&mut self) {
        loop {
            self.cursor
                .take_while(|c| c.is_whitespace() || matches!(c, ';' | '}' | '{' | ')' | '|'));
            let line = self.cursor.rest();
            if line.starts_with("PS ") && self.cursor.take_through_soon(">").is_some() {
                continue;
            } else if self.cursor.eat("<#") {
                self.cursor.take_through("#>");
            } else if line.starts_with('#') {
                self.cursor.take_line();
            } else {
                return;
            }
        }
    }

    /// Reads one statement. What is not understood is skipped.
    fn statement(&mut self) -> Option<Call> {
        if self.cursor.eat("$") {
            return self.variable_statement();
        }
        if self.cursor.eat("(") || self.cursor.eat("&") {
            return None;
        }
        let name = self.take_bare_word().to_owned();
        if name.is_empty() {
            self.cursor.next();
            self.cursor.take_line();
            return None;
        }
        self.command(&name)
    }

    /// Reads `$name = value`, `$name.Add("a", "b")`, `$name["a"] = "b"` or `$session.UserAgent = …`
    /// after the `$`.
    fn variable_statement(&mut self) -> Option<Call> {
        let name = self.take_variable_name();
        self.skip_blanks();
        if self.cursor.eat(".") {
            let member = self.take_variable_name();
            self.skip_blanks();
            if member == "add" && self.cursor.eat("(") {
                let mut values = self.list(')', 0);
                if let (2, Some(value), Some(key)) = (values.len(), values.pop(), values.pop()) {
                    let key = key.to_word().text().to_owned();
                    self.variables.add_member(&name, key, value);
                }
            } else if self.cursor.eat("=") {
                let value = self.expression(0);
                self.variables.add_member(&name, member, value);
            } else if member == "cookies" {
                self.variables.add_member(&name, member, Literal::Null);
            }
            self.skip_statement();
            return None;
        }
        if self.cursor.eat("[") {
            let key = self.expression(0).to_word();
            self.skip_blanks();
            if self.cursor.eat("]") {
                self.skip_blanks();
                if self.cursor.eat("=") {
                    let value = self.expression(0);
                    self.variables
                        .add_member(&name, key.text().to_owned(), value);
                }
            }
            self.skip_statement();
            return None;
        }
        if !self.cursor.eat("=") {
            self.skip_statement();
            return None;
        }
        self.skip_blanks();
        let begins_command = self
            .cursor
            .peek()
            .is_some_and(|next| next.is_ascii_alphabetic());
        if begins_command {
            let command = self.take_bare_word().to_owned();
            if command.eq_ignore_ascii_case("new-object") {
                self.new_object(&name);
                return None;
            }
            return self.command(&command);
        }
        if self.cursor.rest().starts_with("(") {
            // The call may be inside: `$id = (Invoke-RestMethod …).id`.
            let mut ahead = self.cursor;
            ahead.next();
            ahead.take_while(char::is_whitespace);
            let mut after_name = ahead;
            let command = take_word(&mut after_name).to_ascii_lowercase();
            if COMMANDS.contains(&command.as_str()) {
                self.cursor = after_name;
                return self.command(&command);
            }
        }
        let value = self.expression(0);
        self.variables.set(&name, value);
        self.skip_statement();
        None
    }

    /// `$headers = New-Object "System.Collections.Generic.Dictionary[[String],[String]]"`.
    fn new_object(&mut self, name: &str) {
        self.skip_statement();
        self.variables.set(name, Literal::Table(Vec::new()));
    }

    /// Reads the arguments of a command, and makes a request of them if the command makes one.
    fn command(&mut self, name: &str) -> Option<Call> {
        let lower = name.to_ascii_lowercase();
        let is_web_request = COMMANDS.contains(&lower.as_str());
        let is_curl = super::curl::is_curl(&lower);
        let arguments = self.arguments(0);
        if is_web_request {
            return Some(Call::Request(Box::new(self.request(arguments))));
        }
        if !is_curl {
            return None;
        }
        // Windows PowerShell has an alias `curl` for Invoke-WebRequest.
        let is_alias = lower == "curl"
            && arguments.iter().any(|argument| match argument {
                Argument::Parameter(name) => {
                    ALIAS_PARAMETERS.contains(&name.to_ascii_lowercase().as_str())
                }
                _ => false,
            });
        if is_alias {
            return Some(Call::Request(Box::new(self.request(arguments))));
        }
        let words = arguments
            .into_iter()
            .map(|argument| match argument {
                Argument::Parameter(name) => Word::new(name),
                Argument::Value(value) => value.to_word(),
                Argument::Splat(name) => Word::new(name),
            })
            .collect();
        Some(Call::Curl(ShellCommand {
            words,
            ..ShellCommand::default()
        }))
    }

    fn arguments(&mut self, depth: usize) -> Vec<Argument> {
        let mut arguments = Vec::new();
        while arguments.len() < MAX_MEMBERS {
            self.skip_blanks();
            let Some(next) = self.cursor.peek() else {
                break;
            };
            match next {
                '\n' | '\r' | ';' | '|' | ')' | '}' | '&' => break,
                '#' => {
                    self.cursor.take_while(|c| c != '\n');
                }
                '>' => {
                    self.cursor.take_while(|c| c != '\n');
                }
                '-' => {
                    let name = self.take_bare_word();
                    // `-Name:value`.
                    let name = name.strip_suffix(':').unwrap_or(name);
                    arguments.push(Argument::Parameter(name.to_owned()));
                }
                '@' => {
                    let mut ahead = self.cursor;
                    ahead.next();
                    let is_name = ahead.peek().is_some_and(|c| c.is_ascii_alphabetic());
                    if is_name {
                        let file = self.take_bare_word();
                        let name = file.strip_prefix('@').unwrap_or(file);
                        // `@body.json` is an argument of curl.
                        arguments.push(match name.contains(['.', '/', '\\']) {
                            true => Argument::Value(Literal::text(file)),
                            false => Argument::Splat(name.to_ascii_lowercase()),
                        });
                    } else {
                        let value = self.operand_list(depth);
                        arguments.push(Argument::Value(value));
                    }
                }
                '"' | '\'' | '$' | '(' | '[' | '“' | '”' | '‘' | '’' => {
                    let value = self.operand_list(depth);
                    arguments.push(Argument::Value(value));
                }
                _ => {
                    let word = self.take_bare_word();
                    if word.is_empty() {
                        self.cursor.next();
                    } else {
                        let value = self.expanded(word);
                        arguments.push(Argument::Value(Literal::Text(value)));
                    }
                }
            }
        }
        arguments
    }

    /// Makes a request of the arguments of `Invoke-RestMethod`.
    fn request(&mut self, arguments: Vec<Argument>) -> RawRequest {
        let mut request = RawRequest::default();
        let mut arguments = arguments.into_iter().peekable();
        while let Some(argument) = arguments.next() {
            match argument {
                Argument::Value(value) => {
                    if request.url.is_none() {
                        request.url = Some(value.to_word());
                    }
                }
                Argument::Parameter(name) => {
                    let value = arguments
                        .next_if(|next| !matches!(next, Argument::Parameter(_)))
                        .and_then(|next| match next {
                            Argument::Value(value) => Some(value),
                            _ => None,
                        });
                    if let Some(value) = Self::apply(&mut request, &name, value) {
                        request.url.get_or_insert(value.to_word());
                    }
                }
                Argument::Splat(name) => match self.variables.get(&name) {
                    Some(Literal::Table(members)) => {
                        for (name, value) in members {
                            Self::apply(&mut request, &name, Some(value));
                        }
                    }
                    _ => request.notices.missing(format!(
                        "The parameters are in @{}, which the text does not define.",
                        crate::text::truncate_chars(&name, 60)
                    )),
                },
            }
        }
        request
    }

    /// Applies a parameter. Returns the value of a switch, which is a positional argument.
    fn apply(request: &mut RawRequest, name: &str, value: Option<Literal>) -> Option<Literal> {
        let name = name.trim_start_matches('-').to_ascii_lowercase();
        // A unique beginning of a parameter's name is enough.
        let is = |full: &str, shortest: usize| name.len() >= shortest && full.starts_with(&name);
        let Some(value) = value else {
            if is("usedefaultcredentials", 4) {
                request
                    .notices
                    .left_out("The call signs in as the user of Windows, which a page cannot do.");
            } else if is("skipcertificatecheck", 5) {
                certificate_is_checked(request);
            }
            return None;
        };
        if is("uri", 1) {
            request.url = Some(value.to_word());
        } else if is("method", 3) || is("custommethod", 3) {
            request.method = Some(value.to_word().text().to_owned());
        } else if is("headers", 1) {
            add_headers(request, &value);
        } else if is("contenttype", 5) {
            request
                .headers
                .push((Word::new("Content-Type"), value.to_word()));
        } else if is("body", 1) {
            Self::apply_body(request, value);
        } else if is("token", 2) {
            let mut header = Word::new("Bearer ");
            header.append(&value.to_word());
            request.headers.push((Word::new("Authorization"), header));
        } else if is("credential", 2) {
            request.notices.missing(
                "The call signs in with credentials that the text does not have. Enter the token.",
            );
        } else if is("websession", 4) {
            if matches!(&value, Literal::Table(members) if members.iter().any(|(name, _)| name == "cookies"))
            {
                request.headers.push((Word::new("Cookie"), Word::default()));
            }
        } else if is("infile", 3) {
            request.notices.missing(
                "The call reads a file, which the page cannot read. Paste the contents of the file as an example.",
            );
        } else if is("form", 2) {
            request
                .notices
                .left_out("The call sends a form with files. The page can post JSON only.");
        } else if is("skipcertificatecheck", 5) {
            certificate_is_checked(request);
            return Some(value);
        } else if is("usebasicparsing", 4)
            || is("allowunencryptedauthentication", 6)
            || is("passthru", 5)
            || is("resume", 6)
            || is("skipheadervalidation", 6)
            || is("skiphttperrorcheck", 6)
            || is("verbose", 2)
        {
            return Some(value);
        }
        None
    }

    fn apply_body(request: &mut RawRequest, value: Literal) {
        match value {
            // A hashtable becomes a form.
            Literal::Table(_) | Literal::List(_) => {
                request.notices.changed(
                    "PowerShell sends this body as a form, because it is not converted by ConvertTo-Json. It was read as JSON.",
                );
                request.body = Some(value.to_json());
            }
            Literal::Unknown(name) => request.notices.missing(format!(
                "The body is in {}, which the text does not define.",
                crate::text::truncate_chars(&name, 60)
            )),
            other => request.body = Some(other.to_word()),
        }
    }

    /// Reads a value with its operators, up to the end of the statement or of the surrounding value.
    fn expression(&mut self, depth: usize) -> Literal {
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
    fn operand_list(&mut self, depth: usize) -> Literal {
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

    /// Skips up to and including the parenthesis that closes the current one.
    fn skip_to_closing_parenthesis(&mut self) {
        let mut depth = 1_usize;
        while let Some(next) = self.cursor.peek() {
            match next {
                quote @ ('\'' | '"') => {
                    self.cursor.next();
                    self.cursor.take_while(|c| c != quote);
                    self.cursor.next();
                }
                other => {
                    self.cursor.next();
                    match other {
                        '(' => depth += 1,
                        ')' => depth -= 1,
                        _ => {}
                    }
                    if depth == 0 {
                        return;
                    }
                }
            }
        }
    }

    /// Skips the arguments of a method call.
    fn skip_call(&mut self) {
        if self.cursor.eat("(") {
            self.skip_to_closing_parenthesis();
        }
    }

    /// The value of a variable, after its `$`.
    fn variable_value(&mut self) -> Literal {
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
    fn list(&mut self, end: char, depth: usize) -> Vec<Literal> {
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

    fn single_quoted(&mut self) -> Literal {
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

    fn double_quoted(&mut self) -> Literal {
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
    fn here_string(&mut self, end: &str) -> &'t str {
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
    fn expanded(&mut self, text: &'t str) -> Word {
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

    /// The name of a variable in lower case: PowerShell does not distinguish.
    fn take_variable_name(&mut self) -> String {
        let mut name = self
            .cursor
            .take_while(|c| c.is_ascii_alphanumeric() || c == '_')
            .to_ascii_lowercase();
        if ["env", "script", "global"].contains(&name.as_str()) && self.cursor.eat(":") {
            name.push(':');
            name.push_str(
                self.cursor
                    .take_while(|c| c.is_ascii_alphanumeric() || c == '_'),
            );
        }
        name
    }

    /// A word without quotation marks.
    fn take_bare_word(&mut self) -> &'t str {
        take_word(&mut self.cursor)
    }

    /// Skips blanks and continued lines.
    fn skip_blanks(&mut self) {
        loop {
            self.cursor.take_while(|c| c == ' ' || c == '\t');
            let mut ahead = self.cursor;
            if ahead.eat("`") && ahead.eat_blank_line_end() {
                self.cursor = ahead;
            } else {
                return;
            }
        }
    }

    fn skip_white_space(&mut self) {
        self.cursor.take_while(|c| c.is_whitespace() || c == '`');
    }

    /// Skips the rest of a statement.
    fn skip_statement(&mut self) {
        self.cursor.take_while(|c| c != '\n' && c != ';');
    }
}

/// Reads a word up to a blank or a sign that ends one.
fn take_word<'t>(cursor: &mut Cursor<'t>) -> &'t str {
    cursor.take_while(|c| !c.is_whitespace() && !"\"'`(){};,|“”".contains(c))
}

fn certificate_is_checked(request: &mut RawRequest) {
    request
        .notices
        .left_out("The call does not check the server's certificate. The browser always does.");
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
