//! A pasted address.

use super::notice::{Notices, PasteNotice};
use super::token::PastedToken;
use super::url::{PastedUrl, UrlParts};
use super::word::Word;

/// A pasted address.
#[derive(Debug)]
pub struct PastedAddress {
    /// The address, path and query.
    pub url: PastedUrl,
    /// The secrets of the query, or the user name and password.
    pub tokens: Vec<PastedToken>,
    /// Whether it looks like the address of an OpenAPI document. The page can fetch it, or the
    /// operator pastes the document itself.
    pub is_api_document: bool,
    /// What was recognised, changed, left out or is missing.
    pub notices: Vec<PasteNotice>,
}

/// Maximum length of an address, in bytes.
const MAX_ADDRESS_BYTES: usize = 4096;
/// Endings of file names, which are no hosts.
const FILE_ENDINGS: [&str; 8] = [".json", ".yaml", ".yml", ".js", ".ts", ".py", ".md", ".txt"];

/// Whether a text is an address, also without a scheme.
pub(super) fn is_address(text: &str) -> bool {
    let text = text.trim();
    if text.is_empty() || text.len() > MAX_ADDRESS_BYTES || text.contains(char::is_whitespace) {
        return false;
    }
    if let Some((scheme, rest)) = text.split_once("://") {
        return scheme.len() <= 20
            && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
            && !rest.is_empty();
    }
    let end = text.find(['/', ':', '?', '#']).unwrap_or(text.len());
    let (host, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    let lower = host.to_ascii_lowercase();
    let is_plain = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_port_or_path = match rest.strip_prefix(':') {
        Some(port) => port.starts_with(|c: char| c.is_ascii_digit()),
        None => true,
    };
    let is_number = lower.parse::<std::net::Ipv4Addr>().is_ok();
    let last = lower.rsplit('.').next().unwrap_or_default();
    let is_name = lower.contains('.')
        && lower.split('.').all(is_plain)
        && last.len() >= 2
        && last.bytes().all(|byte| byte.is_ascii_alphabetic())
        && !(rest.is_empty() && FILE_ENDINGS.iter().any(|ending| lower.ends_with(ending)));
    is_port_or_path && (lower == "localhost" || is_number || is_name)
}

impl PastedAddress {
    /// Reads a text that [`is_address`].
    pub(super) fn read(text: &str) -> PastedAddress {
        let mut notices = Notices::default();
        let parts = UrlParts::read(&Word::new(text), &mut notices);
        let address = parts.url.address.as_ref().ok();
        let tokens = parts
            .secrets
            .into_iter()
            .map(|(place, value)| PastedToken::read(place, &value, address, &mut notices))
            .collect();
        let path = parts.url.path.to_ascii_lowercase();
        let last = path
            .trim_end_matches('/')
            .rsplit('/')
            .next()
            .unwrap_or_default();
        let is_api_document = ["openapi", "swagger", "api-docs"]
            .iter()
            .any(|name| last.contains(name));
        if is_api_document {
            notices.recognized("This looks like the address of an OpenAPI document.");
        }
        PastedAddress {
            url: parts.url,
            tokens,
            is_api_document,
            notices: notices.into_vec(),
        }
    }
}
