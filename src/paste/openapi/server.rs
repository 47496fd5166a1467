//! The servers of a document, with the defaults of their variables.

use serde_json::Value;

use super::super::notice::Notices;
use super::{members, text};
use crate::settings::{Address, AddressError};
use crate::text::truncate_chars;

/// Maximum number of servers to read.
const MAX_SERVERS: usize = 50;

/// A server of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiServer {
    /// The address with the path that all operations share, or why the page cannot call it.
    pub address: Result<Address, AddressError>,
    /// The URL of the document, with the defaults of its variables, without a query.
    pub url: String,
    /// What the document says about it.
    pub description: Option<String>,
}

/// Reads a list of servers. A document without one is served by the server it came from (OpenAPI
/// 3.1, section 4.8.1).
pub(super) fn read(
    servers: Option<&Value>,
    address: Option<&Address>,
    notices: &mut Notices,
) -> Vec<ApiServer> {
    let listed = servers.and_then(Value::as_array).map(Vec::as_slice);
    let mut servers: Vec<ApiServer> = listed
        .unwrap_or_default()
        .iter()
        .take(MAX_SERVERS)
        .filter_map(|server| read_one(server, address, notices))
        .collect();
    match address {
        Some(address) => prefer(&mut servers, address, notices),
        None if servers.is_empty() => {
            notices.missing("The document names no server. Enter the address.");
        }
        None => {}
    }
    servers
}

/// Puts the server that the document was read from first: the operator chose it, and the document of a
/// test server may name the one in production.
fn prefer(servers: &mut Vec<ApiServer>, read_from: &Address, notices: &mut Notices) {
    let is_same = |server: &ApiServer| {
        let address = server.address.as_ref();
        address.is_ok_and(|address| address.origin() == read_from.origin())
    };
    if let Some(place) = servers.iter().position(is_same) {
        let server = servers.remove(place);
        servers.insert(0, server);
        return;
    }
    if !servers.is_empty() {
        notices.changed(format!(
            "The document names other servers. The one that it was read from is used, {}.",
            read_from.origin()
        ));
    }
    let server = ApiServer {
        address: Address::parse(&read_from.origin()),
        url: read_from.origin(),
        description: None,
    };
    servers.insert(0, server);
}

fn read_one(server: &Value, address: Option<&Address>, notices: &mut Notices) -> Option<ApiServer> {
    let mut url = truncate_chars(server.get("url")?.as_str()?.trim(), 2_000);
    for (name, variable) in members(server.get("variables")).take(20) {
        let placeholder = format!("{{{name}}}");
        if let (true, Some(default)) = (url.contains(&placeholder), text(variable, "default")) {
            url = truncate_chars(&url.replace(&placeholder, &default), 2_000);
            notices.changed(format!(
                "The variable {} of the server has its default, {}.",
                truncate_chars(name, 60),
                truncate_chars(&default, 60)
            ));
        }
    }
    let is_absolute = url.contains("://");
    let found = match address {
        _ if is_absolute => Address::parse(&url),
        Some(address) => Address::parse(&joined(address, &url)),
        None => {
            notices.missing("The document names a server without its host. Enter the address.");
            Err(AddressError::NoScheme {
                given: truncate_chars(&url, 120),
            })
        }
    };
    Some(ApiServer {
        address: found,
        url: without_secrets(&url),
        description: text(server, "description"),
    })
}

/// A URL without user name, password, query and fragment, which may hold a secret.
fn without_secrets(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://{rest}"),
        (None, Some((_, rest))) => rest.to_owned(),
        (_, None) => url.to_owned(),
    }
}

/// A relative URL, seen from the address of the document.
fn joined(document: &Address, url: &str) -> String {
    if url.starts_with('/') {
        return format!("{}{url}", document.origin());
    }
    let whole = document.to_string();
    let path = whole.strip_prefix(&document.origin()).unwrap_or_default();
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let url = url.strip_prefix("./").unwrap_or(url);
    format!("{}{folder}/{url}", document.origin())
}
