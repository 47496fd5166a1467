//! Reads the arguments of a `curl` command (curl 8).

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::request::RawRequest;
use super::shell::{Dialect, ShellCommand, without_prompt};
use super::token::basic_credentials;
use super::word::Word;
use super::{cursor::Cursor, powershell};

/// Short options with a value.
const SHORT_WITH_VALUE: &str = "AbcCdDeEFHKmoPQrtTuUwxXyYz";

/// Long options with a value. Any other long option has none.
const LONG_WITH_VALUE: [&str; 117] = [
    "abstract-unix-socket",
    "alt-svc",
    "aws-sigv4",
    "cacert",
    "capath",
    "cert",
    "cert-type",
    "ciphers",
    "config",
    "connect-timeout",
    "connect-to",
    "continue-at",
    "cookie",
    "cookie-jar",
    "create-file-mode",
    "crlfile",
    "curves",
    "data",
    "data-ascii",
    "data-binary",
    "data-raw",
    "data-urlencode",
    "delegation",
    "dns-interface",
    "dns-ipv4-addr",
    "dns-ipv6-addr",
    "dns-servers",
    "doh-url",
    "dump-header",
    "ech",
    "egd-file",
    "engine",
    "etag-compare",
    "etag-save",
    "expect100-timeout",
    "form",
    "form-string",
    "ftp-account",
    "ftp-method",
    "ftp-port",
    "happy-eyeballs-timeout-ms",
    "haproxy-clientip",
    "header",
    "hostpubmd5",
    "hostpubsha256",
    "hsts",
    "interface",
    "ip-tos",
    "ipfs-gateway",
    "json",
    "keepalive-cnt",
    "keepalive-time",
    "key",
    "key-type",
    "krb",
    "libcurl",
    "limit-rate",
    "local-port",
    "login-options",
    "mail-auth",
    "mail-from",
    "mail-rcpt",
    "max-filesize",
    "max-redirs",
    "max-time",
    "netrc-file",
    "noproxy",
    "oauth2-bearer",
    "output",
    "output-dir",
    "parallel-max",
    "pass",
    "pinnedpubkey",
    "preproxy",
    "proto",
    "proto-default",
    "proto-redir",
    "proxy",
    "proxy-cacert",
    "proxy-cert",
    "proxy-header",
    "proxy-key",
    "proxy-user",
    "proxy1.0",
    "pubkey",
    "quote",
    "random-file",
    "range",
    "rate",
    "referer",
    "request",
    "request-target",
    "resolve",
    "retry",
    "retry-delay",
    "retry-max-time",
    "sasl-authzid",
    "service-name",
    "socks5",
    "socks5-hostname",
    "speed-limit",
    "speed-time",
    "stderr",
    "telnet-option",
    "time-cond",
    "tls-max",
    "tls13-ciphers",
    "tlsuser",
    "trace",
    "trace-ascii",
    "unix-socket",
    "upload-file",
    "url",
    "url-query",
    "user",
    "user-agent",
    "write-out",
];

/// Whether a word names the program.
pub(super) fn is_curl(word: &str) -> bool {
    let name = word.rsplit(['/', '\\']).next().unwrap_or(word);
    ["curl", "curl.exe"]
        .iter()
        .any(|curl| name.eq_ignore_ascii_case(curl))
}

/// Whether a line begins with a `curl` command, after a prompt or assignments of variables.
pub(super) fn begins_with_curl(line: &str) -> bool {
    let words = without_prompt(line).split_whitespace();
    words
        .take(8)
        .find(|word| !is_before_command(word))
        .is_some_and(is_curl)
}

/// Whether a word may stand before the name of a command.
fn is_before_command(word: &str) -> bool {
    const COMMANDS: [&str; 6] = ["sudo", "time", "exec", "command", "env", "&"];
    let is_assignment = word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    });
    COMMANDS.contains(&word) || is_assignment
}

/// Maximum number of `curl` commands of one text to read.
const MAX_CALLS: usize = 50;

/// Reads the `curl` command of a text: the first one with a JSON body, such as the one after a
/// command that signs in, or else the first one. `None` if the text has none.
pub(super) fn read(text: &str) -> Option<RawRequest> {
    let text = straight_quotes(text);
    let dialect = Dialect::guess(&text);
    if dialect == Dialect::PowerShell
        && let Some(command) = powershell::curl_command(&text)
    {
        return Some(read_arguments(command));
    }
    // What is before the command may be prose with an apostrophe. Only the first line of a command
    // has a prompt.
    let mut unprompted = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        if begins_with_curl(line) {
            unprompted.push_str(without_prompt(line));
        } else if !unprompted.is_empty() {
            unprompted.push_str(line);
        }
    }
    let commands = dialect.commands(&unprompted);
    let mut requests: Vec<RawRequest> = commands
        .into_iter()
        .filter_map(arguments_of_curl)
        .take(MAX_CALLS)
        .map(read_arguments)
        .collect();
    let has_several = requests.len() > 1;
    let has_json = |request: &RawRequest| {
        let body = request.body.as_ref();
        body.is_some_and(|body| is_json_like(body.text()))
    };
    let chosen = requests.iter().position(has_json).unwrap_or(0);
    let mut request = (chosen < requests.len()).then(|| requests.swap_remove(chosen))?;
    if has_several {
        request
            .notices
            .left_out("The text has several calls. Only the first one with a JSON body was read.");
    }
    Some(request)
}

/// The command without the name of the program, if that is curl.
fn arguments_of_curl(mut command: ShellCommand) -> Option<ShellCommand> {
    let mut words = command.words.iter().take(8);
    let name = words.position(|word| !is_before_command(word.text()))?;
    if !is_curl(command.words.get(name)?.text()) {
        return None;
    }
    command.words.drain(..=name);
    Some(command)
}

/// Replaces typographic quotation marks if there are no others: word processors change them.
fn straight_quotes(text: &str) -> String {
    if text.contains(['"', '\'']) {
        return text.to_owned();
    }
    text.replace(['“', '”', '„'], "\"").replace(['‘', '’'], "'")
}

/// The options that have been read.
#[derive(Default)]
struct Options {
    request: RawRequest,
    data: Vec<Word>,
    is_get: bool,
    is_json: bool,
    is_head: bool,
    has_form_type: bool,
    user: Option<Word>,
    input: Option<Word>,
}

/// Reads the words after the name of the program.
fn read_arguments(command: ShellCommand) -> RawRequest {
    let mut options = Options {
        input: command.input,
        ..Options::default()
    };
    if command.is_unclosed {
        let notices = &mut options.request.notices;
        notices.missing("The command ends inside quotation marks. A part of it may be missing.");
    }
    let mut words = command.words.into_iter();
    let mut only_urls = false;
    while let Some(word) = words.next() {
        let text = word.text();
        if text == "--" && !only_urls {
            only_urls = true;
        } else if only_urls || !text.starts_with('-') || text == "-" {
            options.add_url(word);
        } else if text == "--next" || text == "-:" {
            let notices = &mut options.request.notices;
            notices.left_out("The command makes several requests. Only the first one was read.");
            break;
        } else if let Some(long) = word.strip_prefix("--") {
            let (name, glued) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (long, None),
            };
            let name = name.text().to_ascii_lowercase();
            if LONG_WITH_VALUE.contains(&name.as_str()) {
                match glued.or_else(|| words.next()) {
                    Some(value) => options.apply(&name, value),
                    None => options.value_missing(&format!("--{name}")),
                }
            } else {
                options.apply_flag(&name);
            }
        } else {
            options.read_short(&word, &mut words);
        }
    }
    options.finish()
}

impl Options {
    /// Reads a word of short options, such as `-sSL` or `-XPOST`.
    fn read_short(&mut self, word: &Word, words: &mut impl Iterator<Item = Word>) {
        let mut cursor = Cursor::new(word.text());
        cursor.next();
        while let Some(letter) = cursor.next() {
            if !SHORT_WITH_VALUE.contains(letter) {
                self.apply_flag(&letter.to_string());
                continue;
            }
            let glued = cursor.rest();
            let value = match glued.is_empty() {
                true => words.next(),
                false => Some(word.part(glued)),
            };
            match value {
                Some(value) => self.apply(long_name(letter), value),
                None => self.value_missing(&format!("-{letter}")),
            }
            return;
        }
    }

    fn value_missing(&mut self, option: &str) {
        let notices = &mut self.request.notices;
        notices.missing(format!("The option {option} has no value."));
    }

    fn add_url(&mut self, word: Word) {
        if self.request.url.is_none() {
            self.request.url = Some(word);
        } else {
            let notices = &mut self.request.notices;
            notices.left_out("The command has several addresses. Only the first one was read.");
        }
    }

    /// Applies an option with a value.
    fn apply(&mut self, name: &str, value: Word) {
        match name {
            "request" => self.request.method = Some(value.text().to_owned()),
            "header" => self.add_header(&value),
            "data" | "data-ascii" => self.add_data(&value, true),
            "data-binary" => self.add_data(&value, false),
            "data-raw" => self.data.push(value),
            "data-urlencode" => self.add_encoded(&value),
            "json" => {
                self.is_json = true;
                self.add_data(&value, false);
            }
            "user" => self.user = Some(value),
            "oauth2-bearer" => {
                let mut header = Word::new("Bearer ");
                header.append(&value);
                self.request
                    .headers
                    .push((Word::new("Authorization"), header));
            }
            "cookie" => self
                .request
                .headers
                .push((Word::new("Cookie"), Word::default())),
            "url" => self.add_url(value),
            "url-query" => {
                let (name, value) = value
                    .split_once('=')
                    .unwrap_or_else(|| (value.clone(), Word::default()));
                self.request.query.push((name, value));
            }
            "form" | "form-string" => {
                self.has_form_type = true;
                self.request
                    .notices
                    .left_out("The command sends a form with files. The page can post JSON only.");
            }
            "upload-file" => {
                self.request.method.get_or_insert_with(|| "PUT".to_owned());
                self.file_not_readable();
            }
            "aws-sigv4" => self.request.notices.left_out(
                "The command signs each request (AWS Signature). The page cannot sign requests.",
            ),
            "proxy" | "preproxy" | "socks5" | "socks5-hostname" | "unix-socket" | "connect-to"
            | "resolve" => self.request.notices.left_out(format!(
                "The option --{name} was left out: a page cannot choose how the browser connects."
            )),
            "cert" | "key" => self.request.notices.left_out(
                "The command uses a client certificate. Install it in the browser instead.",
            ),
            "cacert" | "capath" => self
                .request
                .notices
                .left_out("The command names a certificate authority. The browser must trust it."),
            "config" => self.request.notices.left_out(
                "The command reads further options from a file, which the page cannot read.",
            ),
            _ => {}
        }
    }

    /// Applies an option without a value, by its long name or its letter.
    fn apply_flag(&mut self, name: &str) {
        match name {
            "get" | "G" => self.is_get = true,
            "head" | "I" => self.is_head = true,
            "insecure" | "k" => self.request.notices.left_out(
                "The command does not check the server's certificate (-k). The browser always does.",
            ),
            "netrc" | "n" => self.request.notices.missing(
                "The command reads the credentials from ~/.netrc, which the page cannot read. Enter the token.",
            ),
            _ => {}
        }
    }

    fn add_header(&mut self, value: &Word) {
        if value.text().starts_with('@') {
            self.file_not_readable();
        } else if let Some((name, value)) = value.split_once(':') {
            // `Name:` removes a header that curl would send.
            if !value.trimmed().is_empty() {
                self.request.headers.push((name, value));
            }
        } else if let Some(name) = value.text().strip_suffix(';') {
            self.request
                .headers
                .push((value.part(name), Word::default()));
        } else {
            self.request
                .notices
                .left_out("A header was left out, because it has no colon.");
        }
    }

    /// Adds a part of the body. `--data` removes line breaks from a file, also from its input.
    fn add_data(&mut self, value: &Word, removes_line_breaks: bool) {
        let Some(file) = value.text().strip_prefix('@') else {
            self.data.push(value.clone());
            return;
        };
        match self.input.take() {
            Some(input) if file == "-" => {
                let text = match removes_line_breaks {
                    true => input.text().replace(['\n', '\r'], ""),
                    false => input.text().to_owned(),
                };
                self.data.push(input.part(&text));
            }
            input => {
                self.input = input;
                self.file_not_readable();
            }
        }
    }

    /// Adds `content`, `=content` or `name=content`, of which the content is percent-encoded.
    fn add_encoded(&mut self, value: &Word) {
        let (name, content) = value
            .split_once('=')
            .unwrap_or_else(|| (Word::default(), value.clone()));
        if name.text().contains('@') || content.text().starts_with('@') {
            self.file_not_readable();
            return;
        }
        let mut data = name.clone();
        if !name.is_empty() {
            data.push('=');
        }
        if content.variable().is_some() {
            data.append(&content);
        } else {
            let encoded = utf8_percent_encode(content.text(), NON_ALPHANUMERIC).to_string();
            data.push_str(&encoded);
        }
        self.data.push(data);
    }

    fn file_not_readable(&mut self) {
        self.request.notices.missing(
            "The command reads a file, which the page cannot read. Paste the contents of the file as an example.",
        );
        self.has_form_type = true;
    }

    fn finish(mut self) -> RawRequest {
        if let Some(user) = self
            .user
            .take()
            .filter(|_| !self.request.has_header("authorization"))
        {
            if user.text().contains(':') || user.variable().is_some() {
                let mut header = Word::new("Basic ");
                header.append(&basic_credentials(&user));
                self.request
                    .headers
                    .push((Word::new("Authorization"), header));
            } else {
                self.request.notices.missing(
                    "The command asks for the password of -u. Enter user and password as the token.",
                );
                self.request
                    .headers
                    .push((Word::new("Authorization"), Word::new("Basic ")));
            }
        }
        let mut body: Option<Word> = None;
        // curl joins several -d by &, and several --json directly.
        let separator = if self.is_json { "" } else { "&" };
        for data in self.data {
            match &mut body {
                None => body = Some(data),
                Some(body) => {
                    body.push_str(separator);
                    body.append(&data);
                }
            }
        }
        let has_data = body.is_some() || self.has_form_type;
        let has_content_type = self.request.has_header("content-type");
        if self.is_get {
            if let Some(data) = body {
                for pair in data.text().split('&').take(100) {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    let name = data.part(&super::url::decoded(name));
                    let value = data.part(&super::url::decoded(value));
                    self.request.query.push((name, value));
                }
            }
            self.request.method.get_or_insert_with(|| "GET".to_owned());
        } else {
            if self.is_head {
                self.request.method.get_or_insert_with(|| "HEAD".to_owned());
            } else if has_data {
                self.request.method.get_or_insert_with(|| "POST".to_owned());
            }
            if let Some(body) = body {
                if !has_content_type && !self.is_json && !is_json_like(body.text()) {
                    self.request.headers.push((
                        Word::new("Content-Type"),
                        Word::new("application/x-www-form-urlencoded"),
                    ));
                }
                self.request.body = Some(body);
            }
        }
        self.request
    }
}

/// Whether a text begins like a JSON object or array. Servers take it for JSON, although curl names
/// it a form unless told otherwise.
fn is_json_like(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
}

/// The long name of a short option with a value.
fn long_name(letter: char) -> &'static str {
    match letter {
        'A' => "user-agent",
        'b' => "cookie",
        'd' => "data",
        'e' => "referer",
        'E' => "cert",
        'F' => "form",
        'H' => "header",
        'K' => "config",
        'T' => "upload-file",
        'u' => "user",
        'x' => "proxy",
        'X' => "request",
        _ => "",
    }
}
