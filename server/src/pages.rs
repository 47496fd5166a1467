//! The page: what of a checkout is served, and under which headers.

use std::path::PathBuf;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, RANGE, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde::Serialize;
use tower_http::services::{ServeDir, ServeFile};

use crate::agent_config::VaultEntry;
use crate::app::App;
use crate::problem::Problem;

/// Scripts and styles from here only; connections to here, to https, and to loopback, where an
/// operator's own endpoints stand.
const CONTENT_SECURITY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
     img-src 'self' data:; font-src 'self'; \
     connect-src 'self' https: http://localhost:* http://127.0.0.1:*; \
     manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'",
);
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// What is served of a folder.
#[derive(Debug)]
pub struct Pages {
    folder: Option<PathBuf>,
    /// `--page-config`; where it is given, there is no other.
    config_file: Option<PathBuf>,
    vault: Option<VaultEntry>,
    scheme: &'static str,
    /// Host and port the server listens on, for requests that do not name them.
    authority: String,
}

impl Pages {
    /// The pages of `folder`; without any the configuration alone. `scheme` and `authority` are
    /// those the server listens on, `vault` what the generated configuration says of Vault.
    #[must_use]
    pub fn new(
        folder: Option<PathBuf>,
        config_file: Option<PathBuf>,
        vault: Option<VaultEntry>,
        scheme: &'static str,
        authority: String,
    ) -> Self {
        Self {
            folder,
            config_file,
            vault,
            scheme,
            authority,
        }
    }
}

/// For so long every key is kept: the seven days that are promised to senders.
const IDEMPOTENCY_KEY_RETENTION_HOURS: u64 = 7 * 24;

/// The configuration that is served where no file gives one.
#[derive(Serialize)]
struct PageConfig<'a> {
    task_server: TaskServer,
    #[serde(skip_serializing_if = "Option::is_none")]
    vault: Option<&'a VaultEntry>,
}

#[derive(Serialize)]
struct TaskServer {
    url: String,
    path: &'static str,
    token_header: &'static str,
    honours_idempotency_keys: bool,
    idempotency_key_retention_hours: u64,
}

/// The routes of the page. Everything else in the folder, `.git` and sources included, has none.
pub fn router(pages: &Pages) -> Router<App> {
    let mut router = Router::new().route("/config.json", get(get_config));
    if let Some(folder) = &pages.folder {
        let index = ServeFile::new(folder.join("index.html"));
        let files =
            |name: &str| ServeDir::new(folder.join(name)).append_index_html_on_directories(false);
        router = router
            .route_service("/", index.clone())
            .route_service("/index.html", index)
            .nest_service("/static", files("static"))
            .nest_service("/pkg", files("pkg"));
    }
    router.layer(middleware::from_fn(guard_files))
}

/// Keeps hidden files hidden, and lets browsers keep files only as long as they are the newest.
async fn guard_files(mut request: Request, next: Next) -> Response {
    if is_hidden(request.uri().path()) {
        return Problem::NotFound.into_response();
    }
    // Files are small and served whole.
    request.headers_mut().remove(RANGE);
    let mut response = next.run(request).await;
    response
        .headers_mut()
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-cache"));
    response
}

/// Whether a part of the path begins with a dot or hides a separator, percent-encoded or not.
fn is_hidden(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    path.contains('\\')
        || path.contains("%2f")
        || path.contains("%5c")
        || path
            .split('/')
            .any(|part| part.starts_with('.') || part.starts_with("%2e"))
}

async fn get_config(State(app): State<App>, headers: HeaderMap) -> Result<Response, Problem> {
    let pages = app.pages().ok_or(Problem::NotFound)?;
    let file = match (&pages.config_file, &pages.folder) {
        (Some(file), _) => Some((file.clone(), true)),
        (None, Some(folder)) => Some((folder.join("config.json"), false)),
        (None, None) => None,
    };
    let text = match file {
        Some((file, given)) => match tokio::fs::read(&file).await {
            Ok(text) => Some(text),
            Err(error) if given => {
                tracing::error!(error = %error, "the page's configuration cannot be read");
                return Err(Problem::NotFound);
            }
            Err(_) => None,
        },
        None => None,
    };
    let text = match text {
        Some(text) => text,
        None => generated_config(pages, &headers)?,
    };
    Ok((
        [(CONTENT_TYPE, HeaderValue::from_static("application/json"))],
        text,
    )
        .into_response())
}

fn generated_config(pages: &Pages, headers: &HeaderMap) -> Result<Vec<u8>, Problem> {
    // The name the browser used: under another one for the same server the page's requests would
    // cross origins.
    let authority = headers
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .and_then(|host| host.parse::<Authority>().ok())
        .filter(|authority| !authority.as_str().contains('@'));
    let authority = authority
        .as_ref()
        .map_or(pages.authority.as_str(), Authority::as_str);
    serde_json::to_vec(&PageConfig {
        task_server: TaskServer {
            url: format!("{}://{authority}", pages.scheme),
            path: "/tasks",
            token_header: "X-AGENT-TOKEN",
            honours_idempotency_keys: true,
            idempotency_key_retention_hours: IDEMPOTENCY_KEY_RETENTION_HOURS,
        },
        vault: pages.vault.as_ref(),
    })
    .map_err(|_| Problem::Internal)
}

/// Puts the security headers on every answer.
pub async fn add_security_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, CONTENT_SECURITY);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(OPENER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(
        PERMISSIONS_POLICY,
        HeaderValue::from_static(
            "camera=(), geolocation=(), microphone=(), payment=(), usb=(), display-capture=()",
        ),
    );
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_files_are_recognised_however_they_are_written() {
        for (path, hidden) in [
            ("/", false),
            ("/static/app.css", false),
            ("/pkg/snippets/a-1.2/inline0.js", false),
            ("/pkg/.gitignore", true),
            ("/pkg/%2Egitignore", true),
            ("/static/../Cargo.toml", true),
            ("/static/%2e%2e/Cargo.toml", true),
            ("/static/..%2FCargo.toml", true),
            ("/static/..%5CCargo.toml", true),
            ("/static/a\\..\\b", true),
        ] {
            assert_eq!(is_hidden(path), hidden, "{path}");
        }
    }
}
