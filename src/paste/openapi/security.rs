//! Security schemes: which header or query parameter carries the token.

use serde_json::Value;

use super::super::notice::Notices;
use super::super::token::{TokenForm, TokenPlace};
use super::reference::resolved;
use super::{members, text};
use crate::text::{capitalize, truncate_chars};

/// Maximum number of alternatives to look at.
const MAX_ALTERNATIVES: usize = 20;

/// Reads the tokens that an operation needs. Of several alternatives, the first one that a page can
/// use counts.
pub(super) fn read(document: &Value, operation: &Value, notices: &mut Notices) -> Vec<TokenForm> {
    let security = operation
        .get("security")
        .or_else(|| document.get("security"))
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let mut obstacles = Vec::new();
    for alternative in security.iter().take(MAX_ALTERNATIVES) {
        let mut forms = Vec::new();
        let mut said = Notices::default();
        let mut is_usable = true;
        for (name, _) in members(Some(alternative)).take(10) {
            let pointer = crate::document::push_token("/components/securitySchemes", name);
            let scheme = document.pointer(&pointer).map(|it| resolved(document, it));
            match scheme.map(|scheme| form(scheme, &mut said)) {
                Some(Ok(form)) => forms.push(form),
                Some(Err(obstacle)) => {
                    is_usable = false;
                    obstacles.push(obstacle);
                }
                None => {
                    is_usable = false;
                    obstacles.push(format!(
                        "The security scheme {} is not defined in the document.",
                        truncate_chars(name, 60)
                    ));
                }
            }
        }
        // An empty alternative means that no token is needed; another one may say more.
        if is_usable && !forms.is_empty() {
            notices.extend(said.into_vec());
            return forms;
        }
    }
    for obstacle in obstacles {
        notices.left_out(obstacle);
    }
    Vec::new()
}

/// How a scheme is sent, or why a page cannot use it.
fn form(scheme: &Value, notices: &mut Notices) -> Result<TokenForm, String> {
    let header = |name: String, scheme: Option<&str>| TokenForm {
        place: TokenPlace::Header(name),
        scheme: scheme.map(str::to_owned),
    };
    let bearer = || header("Authorization".to_owned(), Some("Bearer"));
    match text(scheme, "type").unwrap_or_default().as_str() {
        "apiKey" => {
            let name = text(scheme, "name").unwrap_or_default();
            match text(scheme, "in").unwrap_or_default().as_str() {
                "header" if !name.is_empty() => Ok(header(name, None)),
                "query" if !name.is_empty() => Ok(TokenForm {
                    place: TokenPlace::Query(name),
                    scheme: None,
                }),
                "cookie" => Err(format!(
                    "The server can be given its key in the cookie {}, which a page cannot send.",
                    truncate_chars(&name, 60)
                )),
                _ => Err("An API key is needed, but the document does not say where.".to_owned()),
            }
        }
        "http" => {
            let name = text(scheme, "scheme").unwrap_or_default();
            match name.to_ascii_lowercase().as_str() {
                "bearer" => Ok(bearer()),
                "basic" => {
                    notices.recognized(
                        "The token is user:password in base64, sent as Authorization: Basic.",
                    );
                    Ok(header("Authorization".to_owned(), Some("Basic")))
                }
                "digest" | "hoba" | "mutual" | "negotiate" | "scram-sha-1" | "scram-sha-256"
                | "vapid" | "oauth" => Err(format!(
                    "The server can use HTTP {name} authentication, which the page cannot."
                )),
                "" => Err("HTTP authentication is needed, but its scheme is not named.".to_owned()),
                _ => Ok(header("Authorization".to_owned(), Some(&capitalize(&name)))),
            }
        }
        kind @ ("oauth2" | "openIdConnect") => {
            let name = if kind == "oauth2" {
                "OAuth 2"
            } else {
                "OpenID Connect"
            };
            notices.missing(format!(
                "The server uses {name}. Obtain an access token yourself and enter it as the token."
            ));
            Ok(bearer())
        }
        "mutualTLS" => Err(
            "The server can use client certificates. Install one in the browser if it is needed."
                .to_owned(),
        ),
        other => Err(format!(
            "A security scheme of the type {} was left out.",
            truncate_chars(other, 60)
        )),
    }
}
