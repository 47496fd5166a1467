//! Reads an `agent_config.json`: the configuration of the original script and of similar tools.

use serde_json::{Map, Value};

use super::headers::HeaderUse;
use super::notice::{Notices, PasteNotice};
use super::token::{PastedToken, TokenPlace};
use super::url::{PastedUrl, UrlParts};
use super::word::Word;
use crate::schema::roles::normalized;
use crate::settings::secret_like::{is_secret_name, is_secret_value};
use crate::settings::{Address, AddressError, DEFAULT_TOKEN_HEADER};
use crate::text::{listed, truncate_chars};

/// What an `agent_config.json` says about a task server.
#[derive(Debug)]
pub struct PastedAgentConfig {
    /// The address, path and query of the task server. `None` if the file has no address.
    pub url: Option<PastedUrl>,
    /// Headers to send with each task, without secrets.
    pub headers: Vec<(String, String)>,
    /// The tokens of the task server.
    pub tokens: Vec<PastedToken>,
    /// Where a Vault has the secrets.
    pub vault: Option<VaultLocation>,
    /// JSON Pointers of the members that were not understood.
    pub unknown_members: Vec<String>,
    /// What was recognised, changed, left out or is missing.
    pub notices: Vec<PasteNotice>,
}

/// Where a HashiCorp Vault has the secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultLocation {
    /// The Vault's address, if the file has it.
    pub address: Option<Result<Address, AddressError>>,
    /// The path of the secrets.
    pub secrets_path: String,
}

/// Names of a section about the task server, normalized.
const SECTIONS: [&str; 9] = [
    "agent",
    "api",
    "mcp",
    "mcpserver",
    "mcpservers",
    "server",
    "target",
    "taskserver",
    "tasks",
];
const URLS: [&str; 8] = [
    "address",
    "apiurl",
    "baseurl",
    "endpoint",
    "mcpurl",
    "serverurl",
    "uri",
    "url",
];
const HOSTS: [&str; 4] = ["host", "hostname", "mcphost", "serverhost"];
const PORTS: [&str; 3] = ["mcpport", "port", "serverport"];
const PATHS: [&str; 4] = ["endpointpath", "path", "taskpath", "taskspath"];
const TOKEN_HEADERS: [&str; 4] = ["authheader", "headername", "tokenheader", "tokenheadername"];
const VAULT_PATHS: [&str; 3] = ["path", "secretpath", "secretspath"];

/// The member that holds the agent tokens in the original script's file.
const TOKEN_VARIABLE: &str = "AGENT_API_TOKEN";

/// Maximum number of unknown members to name.
const MAX_UNKNOWN: usize = 20;

/// Whether an object is such a file: it has a path in a Vault, or an address beside a port, token,
/// path or headers.
pub(super) fn is_agent_config(members: &Map<String, Value>) -> bool {
    let has = |members: &Map<String, Value>, names: &[&str]| {
        members
            .iter()
            .any(|(name, value)| names.contains(&normalized(name).as_str()) && !value.is_object())
    };
    let has_vault = members.iter().any(|(name, value)| {
        let inner = value.as_object();
        normalized(name) == "vault" && inner.is_some_and(|inner| has(inner, &VAULT_PATHS))
    });
    let is_address = |members: &Map<String, Value>| has(members, &URLS) || has(members, &HOSTS);
    let has_more = |members: &Map<String, Value>| {
        has(members, &PORTS)
            || has(members, &PATHS)
            || members
                .keys()
                .any(|name| is_secret_name(name) || normalized(name) == "headers")
    };
    let is_section = |name: &str, value: &Value| {
        let Some(inner) = value.as_object() else {
            return false;
        };
        let inner_is_address = |value: &Value| value.as_object().is_some_and(is_address);
        SECTIONS.contains(&normalized(name).as_str())
            && (is_address(inner) || inner.values().next().is_some_and(inner_is_address))
    };
    has_vault
        || members.contains_key(TOKEN_VARIABLE)
        || (is_address(members) && has_more(members))
        || members.iter().any(|(name, value)| is_section(name, value))
}

/// The members that were understood.
#[derive(Default)]
struct Parts {
    url: Option<String>,
    host: Option<String>,
    port: Option<String>,
    path: Option<String>,
    token: Option<Word>,
    token_header: Option<String>,
    headers: Vec<(String, Word)>,
    vault: Option<(Option<String>, String)>,
    unknown: Vec<String>,
    notices: Notices,
}

impl PastedAgentConfig {
    /// Reads the members of a file.
    pub(super) fn read(value: &Value) -> PastedAgentConfig {
        let mut parts = Parts::default();
        if let Some(members) = value.as_object() {
            parts.read_section(members, "", 0);
        }
        parts.finish()
    }
}

impl Parts {
    fn read_section(&mut self, members: &Map<String, Value>, pointer: &str, depth: usize) {
        for (name, value) in members {
            let known = normalized(name);
            let is = |names: &[&str]| names.contains(&known.as_str());
            let here = crate::document::push_token(pointer, &truncate_chars(name, 40));
            let text = scalar(value);
            match (value, text) {
                (Value::Object(vault), _) if known == "vault" => self.read_vault(vault, &here),
                (Value::Object(headers), _) if known == "headers" => {
                    for (name, value) in headers {
                        if let Some(text) = scalar(value) {
                            self.headers.push((name.clone(), Word::new(text)));
                        }
                    }
                }
                (Value::Object(section), _) if known == "mcpservers" && depth == 0 => {
                    self.read_first(section, &here);
                }
                (Value::Object(section), _) if is(&SECTIONS) && depth < 2 => {
                    self.read_section(section, &here, depth + 1);
                }
                (Value::String(address), _) if is(&SECTIONS) && address.contains("://") => {
                    self.url.get_or_insert(address.clone());
                }
                (_, Some(text)) if is(&URLS) => {
                    self.url.get_or_insert(text);
                }
                (_, Some(text)) if is(&HOSTS) => {
                    self.host.get_or_insert(text);
                }
                (_, Some(text)) if is(&PORTS) => {
                    self.port.get_or_insert(text);
                }
                (_, Some(text)) if is(&PATHS) => {
                    self.path.get_or_insert(text);
                }
                (_, Some(text)) if is(&TOKEN_HEADERS) => {
                    self.token_header.get_or_insert(text);
                }
                (_, Some(text)) if is_token_name(&known) && self.token.is_none() => {
                    self.token = Some(Word::new(self.first_token(name, &text)));
                }
                (_, Some(text)) if is_secret_name(name) || is_secret_value(&text) => {
                    self.notices.left_out(format!(
                        "{here} looks like a secret of something else than the task server. It was not taken over."
                    ));
                }
                _ => self.add_unknown(here),
            }
        }
    }

    /// The token of a member: `AGENT_API_TOKEN` may list several, which a server accepts.
    fn first_token(&mut self, name: &str, text: &str) -> String {
        match text.split_once(',') {
            Some((first, _)) if name == TOKEN_VARIABLE => {
                self.notices
                    .changed("The file has several agent tokens. The first one was taken over.");
                first.trim().to_owned()
            }
            _ => text.to_owned(),
        }
    }

    /// Reads the first of several servers by name (`mcpServers`).
    fn read_first(&mut self, servers: &Map<String, Value>, pointer: &str) {
        for (at, (name, server)) in servers.iter().enumerate() {
            let here = crate::document::push_token(pointer, &truncate_chars(name, 40));
            match server.as_object() {
                Some(section) if at == 0 => self.read_section(section, &here, 1),
                _ => self.add_unknown(here),
            }
        }
    }

    fn read_vault(&mut self, vault: &Map<String, Value>, pointer: &str) {
        let mut address = None;
        let mut path = None;
        for (name, value) in vault {
            let known = normalized(name);
            let here = crate::document::push_token(pointer, &truncate_chars(name, 40));
            match scalar(value) {
                Some(text) if VAULT_PATHS.contains(&known.as_str()) => path = Some(text),
                Some(text) if URLS.contains(&known.as_str()) || known == "addr" => {
                    address = Some(text);
                }
                Some(_) if is_secret_name(name) => self.notices.left_out(format!(
                    "{here} looks like a secret of the Vault. It was not taken over."
                )),
                _ => self.add_unknown(here),
            }
        }
        match path {
            Some(path) if !is_secret_value(&path) => self.vault = Some((address, path)),
            _ => self
                .notices
                .missing("The section about the Vault has no path of the secrets."),
        }
    }

    fn add_unknown(&mut self, pointer: String) {
        if self.unknown.len() < MAX_UNKNOWN {
            self.unknown.push(pointer);
        }
    }

    fn finish(mut self) -> PastedAgentConfig {
        let mut notices = std::mem::take(&mut self.notices);
        let written = match (self.url.take(), self.host.take()) {
            (Some(url), _) => Some(url),
            (None, Some(host)) => Some(with_port(&host, self.port.as_deref())),
            (None, None) => {
                notices.missing("The file has no address of a task server.");
                None
            }
        };
        let parts = written.map(|url| UrlParts::read(&Word::new(url), &mut notices));
        let (mut url, mut secrets) = match parts {
            Some(parts) => (Some(parts.url), parts.secrets),
            None => (None, Vec::new()),
        };
        if let (Some(url), Some(path)) = (&mut url, self.path.take()) {
            let path = path.trim_start_matches('/');
            if is_secret_value(path) {
                notices.left_out("The path was not taken over, because it looks like a secret.");
            } else {
                url.path = format!("{}/{path}", url.path.trim_end_matches('/'));
            }
        }
        let mut headers = Vec::new();
        let mut left_out = Vec::new();
        for (name, value) in self.headers {
            match HeaderUse::of(&name, &value) {
                HeaderUse::Plain => headers.push((name, value.text().to_owned())),
                HeaderUse::Secret => secrets.push((TokenPlace::Header(name), value)),
                _ => left_out.push(truncate_chars(&name, 40)),
            }
        }
        if !left_out.is_empty() {
            left_out.truncate(10);
            notices.left_out(format!(
                "Headers that were left out: {}.",
                listed(&left_out)
            ));
        }
        if let Some(token) = self.token {
            let header = self.token_header.unwrap_or_else(|| {
                notices.changed(format!(
                    "The file does not say which header carries the token. {DEFAULT_TOKEN_HEADER} was assumed."
                ));
                DEFAULT_TOKEN_HEADER.to_owned()
            });
            secrets.insert(0, (TokenPlace::Header(header), token));
        }
        let address = url.as_ref().and_then(|url| url.address.as_ref().ok());
        let tokens = secrets
            .into_iter()
            .map(|(place, value)| PastedToken::read(place, &value, address, &mut notices))
            .collect();
        let vault = self.vault.map(|(address, secrets_path)| VaultLocation {
            address: address.map(|address| Address::parse(&address)),
            secrets_path,
        });
        if let Some(vault) = &vault {
            notices.recognized(format!(
                "Secrets are in a Vault at {}.",
                truncate_chars(&vault.secrets_path, 80)
            ));
        }
        if !self.unknown.is_empty() {
            notices.left_out(format!(
                "Members that are not known were left out: {}.",
                listed(&self.unknown)
            ));
        }
        PastedAgentConfig {
            url,
            headers,
            tokens,
            vault,
            unknown_members: self.unknown,
            notices: notices.into_vec(),
        }
    }
}

/// Whether a normalized name is that of the task server's token.
fn is_token_name(name: &str) -> bool {
    const NAMES: [&str; 12] = [
        "accesstoken",
        "agentapitoken",
        "agenttoken",
        "apikey",
        "apitoken",
        "authtoken",
        "bearertoken",
        "mcptoken",
        "servertoken",
        "tasktoken",
        "token",
        "xagenttoken",
    ];
    NAMES.contains(&name)
}

/// A text, or a number as a text.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A host with the port after it, in front of a path.
fn with_port(host: &str, port: Option<&str>) -> String {
    let host = host.trim().trim_end_matches('/');
    let Some(port) = port else {
        return host.to_owned();
    };
    let start = host.find("://").map_or(0, |at| at + 3);
    let (scheme, rest) = host.split_at_checked(start).unwrap_or(("", host));
    let (authority, path) = match rest.split_once('/') {
        Some((authority, path)) => (authority, format!("/{path}")),
        None => (rest, String::new()),
    };
    let has_port = authority
        .rsplit_once(':')
        .is_some_and(|(_, digits)| digits.bytes().all(|byte| byte.is_ascii_digit()));
    match has_port {
        true => host.to_owned(),
        false => format!("{scheme}{authority}:{}{path}", port.trim()),
    }
}
