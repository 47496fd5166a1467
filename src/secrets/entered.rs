//! What a text in a field for a secret contains besides the secret: people copy a whole header, a line
//! of a shell script or of a `.env` file, or quotation marks. The corrected secret is offered, never
//! forced: a password may contain spaces and quotation marks.

use zeroize::Zeroizing;

use super::MAX_SECRET_BYTES;
use crate::settings::secret_like::is_secret_name;

/// How a secret is sent, which decides what may be part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretUse {
    /// As the value of a header, or after a scheme that the request adds.
    Header {
        /// Whether a scheme such as `Bearer` is part of the secret, because the request adds none.
        keeps_scheme: bool,
    },
    /// In the body of a request, as a password. Spaces around it may be part of it.
    Body,
}

/// Something that does not belong to a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Surplus {
    /// Spaces before or after it.
    Spaces,
    /// Characters around it that cannot be seen.
    Invisible,
    /// Line breaks inside it.
    LineBreaks,
    /// Lines without a secret.
    OtherLines,
    /// A command that sets a variable: `export`, `set`, `setx` or `$env:`.
    SetCommand,
    /// The name of a variable, as in a `.env` file.
    Variable,
    /// The name of a header.
    HeaderName,
    /// The scheme `Bearer` or `Token`.
    Scheme,
    /// Quotation marks.
    Quotes,
    /// A comma or semicolon after it.
    Punctuation,
}

impl Surplus {
    /// What it is, in words.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Surplus::Spaces => "spaces around it",
            Surplus::Invisible => "invisible characters",
            Surplus::LineBreaks => "line breaks",
            Surplus::OtherLines => "other lines",
            Surplus::SetCommand => "a command that sets a variable",
            Surplus::Variable => "the name of a variable",
            Surplus::HeaderName => "the name of a header",
            Surplus::Scheme => "the word before a token in a header, such as “Bearer”",
            Surplus::Quotes => "quotation marks",
            Surplus::Punctuation => "a comma or semicolon at the end",
        }
    }
}

/// A secret without what surrounded it. `Debug` does not show it, and its memory is overwritten when it
/// is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Correction {
    /// What the text contains besides the secret, each once.
    pub surplus: Vec<Surplus>,
    /// Whether the text can also be used as it is.
    pub is_optional: bool,
    value: Zeroizing<String>,
}

impl Correction {
    /// The corrected secret.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }
}

impl std::fmt::Debug for Correction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Correction(without {:?})", self.surplus)
    }
}

/// Looks for what does not belong to a secret in a text that was typed or pasted. `None` if the text can
/// be used as it is, or if it is not clear which part of it is the secret.
///
/// Spaces around the value of a header are never sent, so they alone are no reason to ask.
#[must_use]
pub fn correct(text: &str, usage: SecretUse) -> Option<Correction> {
    if text.len() > 4 * MAX_SECRET_BYTES {
        return None;
    }
    let mut surplus = Vec::new();
    let value = match one_line(text, &mut surplus)? {
        Line::Of(line) => Zeroizing::new(unwrap(line, usage, &mut surplus).to_owned()),
        Line::Joined(line) => line,
    };
    if !can_be_sent(&value, usage) {
        return None;
    }
    surplus.sort_unstable();
    surplus.dedup();
    let asks = match usage {
        SecretUse::Header { .. } => surplus.iter().any(|surplus| *surplus != Surplus::Spaces),
        SecretUse::Body => !surplus.is_empty(),
    };
    asks.then(|| Correction {
        surplus,
        is_optional: can_be_sent(text, usage),
        value,
    })
}

/// Whether a text refers to a variable whose name says that it holds a secret, as scripts and templates
/// do: `$API_KEY`, `${API_KEY}`, `$env:API_KEY`, `%API_KEY%`, `{{API_KEY}}`.
pub(super) fn is_variable_reference(text: &str) -> bool {
    let inside = |before: &str, after: &str| text.strip_prefix(before)?.strip_suffix(after);
    let name = inside("${{", "}}")
        .or_else(|| inside("${", "}"))
        .or_else(|| inside("{{", "}}"))
        .or_else(|| inside("%", "%"))
        .or_else(|| inside("$env:", ""))
        .or_else(|| inside("$", ""))
        .map(str::trim);
    name.is_some_and(|name| {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
        name.chars().all(is_name) && is_secret_name(name.rsplit('.').next().unwrap_or(name))
    })
}

/// Whether a text can be a secret, by the same rules as [`super::Secret`].
fn can_be_sent(text: &str, usage: SecretUse) -> bool {
    let (text, is_allowed): (&str, fn(char) -> bool) = match usage {
        SecretUse::Header { .. } => (text.trim(), |c| c.is_ascii_graphic() || c == ' '),
        SecretUse::Body => (text, |c| !c.is_control()),
    };
    let is_reference = usage != SecretUse::Body && is_variable_reference(text);
    !text.is_empty()
        && text.len() <= MAX_SECRET_BYTES
        && text.chars().all(is_allowed)
        && !is_reference
}

/// The line of a text that contains the secret.
enum Line<'a> {
    Of(&'a str),
    /// The secret, which was broken into several lines.
    Joined(Zeroizing<String>),
}

fn one_line<'a>(text: &'a str, surplus: &mut Vec<Surplus>) -> Option<Line<'a>> {
    let outer = trim(text, surplus);
    if !outer.contains(['\n', '\r']) {
        return Some(Line::Of(outer));
    }
    let lines: Vec<&str> = outer
        .split(['\n', '\r'])
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let is_named = |line: &&&str| set_command(line).is_some() || named_secret(line).is_some();
    let mut named = lines.iter().filter(is_named);
    if let Some(line) = named.next() {
        // Of several secrets it is not clear which one is meant.
        let is_only = named.next().is_none();
        surplus.push(Surplus::OtherLines);
        return is_only.then_some(Line::Of(line));
    }
    let is_part = |line: &&str| line.bytes().all(|byte| byte.is_ascii_graphic());
    if lines.iter().all(is_part) {
        surplus.push(Surplus::LineBreaks);
        return Some(Line::Joined(Zeroizing::new(lines.concat())));
    }
    None
}

/// Characters that are not seen and never part of a secret.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}'
        )
}

/// Removes what cannot be seen around a text.
fn trim<'a>(text: &'a str, surplus: &mut Vec<Surplus>) -> &'a str {
    let trimmed = text.trim_matches(|c: char| c.is_whitespace() || is_invisible(c));
    if trimmed.len() < text.len() {
        let is_hidden = |c: char| is_invisible(c) && !c.is_whitespace();
        let around = text.split(trimmed).collect::<String>();
        if around.chars().any(is_hidden) {
            surplus.push(Surplus::Invisible);
        }
        if around.chars().any(char::is_whitespace) {
            surplus.push(Surplus::Spaces);
        }
    }
    trimmed
}

/// Removes one layer after the other. Each is found at most once, except for quotation marks.
fn unwrap<'a>(line: &'a str, usage: SecretUse, surplus: &mut Vec<Surplus>) -> &'a str {
    let mut value = line;
    if let Some(rest) = header_option(value) {
        surplus.push(Surplus::HeaderName);
        value = unquoted(rest, surplus);
    }
    if let Some(rest) = set_command(value) {
        surplus.push(Surplus::SetCommand);
        value = unquoted(rest, surplus);
        // `set "NAME=value"`.
        value = assignment(value, |_| true).unwrap_or(value);
        value = unquoted(value, surplus);
    } else if let Some((rest, kind)) = named_secret(value) {
        surplus.push(kind);
        value = unquoted(without_comment(rest), surplus);
    } else {
        value = unquoted(value, surplus);
        // The whole line was in quotation marks.
        if let Some((rest, kind)) = named_secret(value) {
            surplus.push(kind);
            value = unquoted(rest, surplus);
        }
    }
    let is_wrapped = !surplus.is_empty();
    if let Some(rest) = without_scheme(value, usage, is_wrapped) {
        surplus.push(Surplus::Scheme);
        value = unquoted(rest, surplus);
    }
    value
}

/// What follows `-H` or `--header` of a `curl` command.
fn header_option(line: &str) -> Option<&str> {
    let rest = line
        .strip_prefix("-H")
        .or_else(|| line.strip_prefix("--header"))?;
    let rest = rest.strip_prefix([' ', '=']).unwrap_or(rest).trim_start();
    rest.starts_with(['"', '\'']).then_some(rest)
}

/// The value that a command assigns to a variable; for `set "NAME=value"` the whole assignment.
fn set_command(line: &str) -> Option<&str> {
    let (command, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim_start();
    match command.to_ascii_lowercase().as_str() {
        "export" | "set" if rest.starts_with('"') && rest.contains('=') => Some(rest),
        "export" => assignment(rest, |_| true).map(without_comment),
        "set" => assignment(rest, |_| true),
        "setx" => {
            let (name, value) = rest.split_once(char::is_whitespace)?;
            is_identifier(name).then(|| value.trim_start())
        }
        _ => {
            let prefix = line.get(..5)?;
            prefix
                .eq_ignore_ascii_case("$env:")
                .then(|| assignment(line.get(5..)?, |_| true))
                .flatten()
        }
    }
}

/// The value of a header line, or of a line of a `.env` file, if the name is that of a secret.
fn named_secret(line: &str) -> Option<(&str, Surplus)> {
    let is_constant = |name: &str| {
        name.len() > 1
            && name.starts_with(|c: char| c.is_ascii_uppercase())
            && name
                .bytes()
                .all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_'))
    };
    if let Some(value) = assignment(line, |name| is_constant(name) || is_secret_name(name)) {
        return Some((value, Surplus::Variable));
    }
    let (name, value) = line.split_once(':')?;
    let name = name.trim_end();
    let in_quotes = |quote| name.strip_prefix(quote)?.strip_suffix(quote);
    let name = in_quotes('"').or_else(|| in_quotes('\'')).unwrap_or(name);
    let is_name = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    let value = value.trim();
    (is_name && is_secret_name(name) && !value.is_empty()).then_some((value, Surplus::HeaderName))
}

/// The value of `NAME=value`, if the name is one of a variable that counts.
fn assignment(text: &str, counts: impl Fn(&str) -> bool) -> Option<&str> {
    let (name, value) = text.split_once('=')?;
    let name = name.trim();
    let value = value.trim();
    // The end of a base64 text is no assignment.
    let is_value = !value.is_empty() && !value.bytes().all(|byte| byte == b'=');
    (is_identifier(name) && counts(name) && is_value).then_some(value)
}

fn is_identifier(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Removes the comment of a value without quotation marks.
fn without_comment(value: &str) -> &str {
    if value.starts_with(['"', '\'']) {
        return value;
    }
    let end = value.find(" #").unwrap_or(value.len());
    value.get(..end).unwrap_or(value).trim_end()
}

/// The credentials after a scheme that does not belong to the secret.
fn without_scheme(value: &str, usage: SecretUse, is_wrapped: bool) -> Option<&str> {
    let is_part = match usage {
        SecretUse::Header { keeps_scheme } => keeps_scheme,
        // A password may begin with any word.
        SecretUse::Body => !is_wrapped,
    };
    let (scheme, rest) = value.split_once(' ')?;
    let rest = rest.trim_start();
    let is_scheme = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token");
    (!is_part && is_scheme && !rest.is_empty() && !rest.contains(' ')).then_some(rest)
}

/// Pairs of quotation marks.
const QUOTES: [(char, char); 6] = [
    ('"', '"'),
    ('\'', '\''),
    ('`', '`'),
    ('“', '”'),
    ('‘', '’'),
    ('«', '»'),
];

/// Removes quotation marks around a value, and a comma or semicolon after them.
fn unquoted<'a>(value: &'a str, surplus: &mut Vec<Surplus>) -> &'a str {
    let value = value.trim();
    let bare = value.strip_suffix([',', ';']).unwrap_or(value);
    for (open, close) in QUOTES {
        let inner = bare
            .strip_prefix(open)
            .and_then(|rest| rest.strip_suffix(close));
        if let Some(inner) = inner.filter(|inner| !inner.trim().is_empty()) {
            surplus.push(Surplus::Quotes);
            if bare.len() < value.len() {
                surplus.push(Surplus::Punctuation);
            }
            return inner;
        }
    }
    value
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests;
