//! The query that a connection adds to the URL of its requests.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::secret_like::{is_secret_name, is_secret_value};
use super::{SettingsError, before};

/// Longest name or value of a parameter, in bytes.
const MAX_BYTES: usize = 2048;

/// Everything but the unreserved characters of RFC 3986, section 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Adds the parameters to a URL that has no query yet.
pub(super) fn with_query(mut url: String, query: &BTreeMap<String, String>) -> String {
    for (index, (name, value)) in query.iter().enumerate() {
        url.push(if index == 0 { '?' } else { '&' });
        url.extend(utf8_percent_encode(name, RESERVED));
        url.push('=');
        url.extend(utf8_percent_encode(value, RESERVED));
    }
    url
}

/// Validates the parameters.
pub(super) fn check_query(query: &BTreeMap<String, String>) -> Result<(), SettingsError> {
    for (name, value) in query {
        let reason = if name.is_empty() || name.len() > MAX_BYTES || value.len() > MAX_BYTES {
            "it is empty or too long"
        } else if is_secret_name(name) || is_secret_value(value) {
            "it looks like a secret, which belongs in a header"
        } else {
            continue;
        };
        return Err(SettingsError::Query {
            name: before(name, &['=', '&']),
            reason,
        });
    }
    Ok(())
}
