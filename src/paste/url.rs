//! The URL of a pasted request: its address, path and query, without the secrets in it.

use percent_encoding::percent_decode_str;

use super::notice::Notices;
use super::token::{TokenPlace, basic_credentials};
use super::word::Word;
use crate::settings::secret_like::{is_secret_name, is_secret_value};
use crate::settings::{Address, AddressError};
use crate::text::truncate_chars;

/// A URL in its parts. It contains no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastedUrl {
    /// Scheme, host and port, or why the page cannot call them.
    pub address: Result<Address, AddressError>,
    /// The path as written, with its leading `/`; empty if the URL has none.
    pub path: String,
    /// The query's names and values, decoded, in order.
    pub query: Vec<(String, String)>,
}

/// A URL and the secrets in it.
pub(super) struct UrlParts {
    pub(super) url: PastedUrl,
    /// The secrets, each with its place and its value.
    pub(super) secrets: Vec<(TokenPlace, Word)>,
}

/// Maximum number of query parameters to read.
const MAX_QUERY: usize = 100;

impl UrlParts {
    /// Reads a URL. What is missing or cannot be used is noticed.
    pub(super) fn read(word: &Word, notices: &mut Notices) -> UrlParts {
        let word = word.trimmed();
        let whole = word.text().split('#').next().unwrap_or_default();
        let (before_query, query) = whole.split_once('?').unwrap_or((whole, ""));
        let (scheme, rest) = match before_query.split_once("://") {
            Some((scheme, rest)) => (scheme.to_owned(), rest),
            None => (guessed_scheme(before_query, notices), before_query),
        };
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at_checked(at).unwrap_or((rest, "")),
            None => (rest, ""),
        };
        let mut secrets = Vec::new();
        let host = match authority.rsplit_once('@') {
            None => authority,
            Some((user, host)) => {
                let credentials = basic_credentials(&word.part(&decoded(user)));
                let mut value = Word::new("Basic ");
                value.append(&credentials);
                secrets.push((TokenPlace::Header("Authorization".to_owned()), value));
                notices.changed(
                    "The user name and password of the URL are sent as the header Authorization.",
                );
                host
            }
        };
        let address = match word.part(host).variable() {
            _ if is_secret_value(host) => Err(AddressError::Credentials),
            Some(variable) => {
                notices.missing(format!(
                    "The address has the variable {}. Enter the address.",
                    truncate_chars(variable, 60)
                ));
                Err(AddressError::Empty)
            }
            None if host.is_empty() => Err(AddressError::Empty),
            None => Address::parse(&format!("{scheme}://{host}")),
        };
        let mut url = PastedUrl {
            address,
            path: path.to_owned(),
            query: Vec::new(),
        };
        if is_secret_value(path) {
            url.path.clear();
            notices.left_out(
                "The path was not taken over, because it contains what looks like a secret, and paths are stored.",
            );
        } else if let Some(variable) = word.part(path).variable() {
            notices.missing(format!(
                "The path has the variable {}. Enter its value.",
                truncate_chars(variable, 60)
            ));
        }
        for pair in query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .take(MAX_QUERY)
        {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decoded(name), decoded(value));
            add_query(&mut url, &mut secrets, name, &word.part(&value), notices);
        }
        UrlParts { url, secrets }
    }
}

/// Adds a parameter to the query, or to the secrets if it is one.
pub(super) fn add_query(
    url: &mut PastedUrl,
    secrets: &mut Vec<(TokenPlace, Word)>,
    name: String,
    value: &Word,
    notices: &mut Notices,
) {
    if is_secret_value(&name) {
        notices.left_out("A query parameter without a name looks like a secret.");
    } else if is_secret_name(&name) || is_secret_value(value.text()) {
        secrets.push((TokenPlace::Query(name), value.clone()));
    } else {
        if let Some(variable) = value.variable() {
            notices.missing(format!(
                "The query parameter {name} has the variable {}. Enter its value.",
                truncate_chars(variable, 60)
            ));
        }
        url.query.push((name, value.text().to_owned()));
    }
}

/// The scheme of a URL that has none.
fn guessed_scheme(text: &str, notices: &mut Notices) -> String {
    let host = text.split(['/', ':', '?']).next().unwrap_or_default();
    if host.is_empty() || host.starts_with('$') {
        return "https".to_owned();
    }
    let scheme = if ["localhost", "127.0.0.1"].contains(&host) {
        "http"
    } else {
        "https"
    };
    notices.changed(format!("The address had no scheme. {scheme}:// was added."));
    scheme.to_owned()
}

/// Decodes a part of a URL: percent-encoding, and `+` for a space. Invalid UTF-8 is replaced.
pub(super) fn decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " "))
        .decode_utf8_lossy()
        .into_owned()
}
