//! Reads `Invoke-RestMethod` and `Invoke-WebRequest` calls of PowerShell, with the variables and
//! hashtables before them. Nothing is run: what only running would tell stays a variable.

mod parameters;
mod texts;
mod values;

use super::cursor::Cursor;
use super::literal::{Literal, Variables};
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
            return Some(Call::Request(Box::new(parameters::request(
                arguments,
                &mut self.variables,
            ))));
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
            return Some(Call::Request(Box::new(parameters::request(
                arguments,
                &mut self.variables,
            ))));
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
