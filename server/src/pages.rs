//! Serves the page from a folder, with its configuration and security headers.

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
use taskwright::settings::config::{ConfigFile, Vault};
use taskwright::settings::{Address, TaskServer};
use tower_http::services::{ServeDir, ServeFile};

use crate::app::App;
use crate::problem::Problem;

/// Allows scripts and styles from this server only, and connections to this server, to https, and to
/// endpoints on loopback.
const CONTENT_SECURITY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
     img-src 'self' data:; \
     connect-src 'self' https: http://localhost:* http://127.0.0.1:*; \
     manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'",
);
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// The page's files and configuration.
#[derive(Debug)]
pub struct Pages {
    folder: Option<PathBuf>,
    /// `--page-config`; overrides every other configuration.
    config_file: Option<PathBuf>,
    vault: Option<Vault>,
    scheme: &'static str,
    /// The host and port the server listens on, used for requests without a `Host` header.
    authority: String,
}

impl Pages {
    /// The page in `folder`, or only `/config.json` if there is none. `scheme` and `authority` are
    /// those the server listens on; `vault` becomes part of the generated configuration.
    #[must_use]
    pub fn new(
        folder: Option<PathBuf>,
        config_file: Option<PathBuf>,
        vault: Option<Vault>,
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

/// The guaranteed idempotency key retention, in hours: seven days.
const KEY_RETENTION_HOURS: u32 = 7 * 24;

/// The routes of the page. Nothing else in the folder has a route, such as `.git` or sources.
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

/// Refuses hidden files, and makes browsers revalidate cached files.
async fn guard_files(mut request: Request, next: Next) -> Response {
    if is_hidden(request.uri().path()) {
        return Problem::NotFound.into_response();
    }
    // Files are small and always served whole.
    request.headers_mut().remove(RANGE);
    let mut response = next.run(request).await;
    response
        .headers_mut()
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-cache"));
    response
}

/// Whether a path segment begins with a dot or contains a separator, percent-encoded or not.
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
    let text = if let Some(file) = &pages.config_file {
        tokio::fs::read(file).await.map_err(|error| {
            tracing::error!(error = %error, "cannot read the page configuration");
            Problem::NotFound
        })?
    } else {
        let file = match &pages.folder {
            Some(folder) => tokio::fs::read(folder.join("config.json")).await.ok(),
            None => None,
        };
        match file.filter(|text| presets_something(text)) {
            Some(text) => text,
            None => generated_config(pages, &headers)?,
        }
    };
    Ok((
        [(CONTENT_TYPE, HeaderValue::from_static("application/json"))],
        text,
    )
        .into_response())
}

/// Whether a `config.json` is anything but the empty object that every checkout has.
fn presets_something(text: &[u8]) -> bool {
    serde_json::from_slice::<ConfigFile>(text).ok() != Some(ConfigFile::default())
}

fn generated_config(pages: &Pages, headers: &HeaderMap) -> Result<Vec<u8>, Problem> {
    // The host the browser used. Another name for the same server would make the page's requests
    // cross-origin.
    let authority = headers
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .and_then(|host| host.parse::<Authority>().ok())
        .filter(|authority| !authority.as_str().contains('@'));
    let authority = authority
        .as_ref()
        .map_or(pages.authority.as_str(), Authority::as_str);
    let mut config = ConfigFile {
        vault: pages.vault.clone(),
        ..ConfigFile::default()
    };
    match Address::parse(&format!("{}://{authority}", pages.scheme)) {
        Ok(url) => {
            config.task_server = Some(TaskServer {
                honours_idempotency_keys: true,
                idempotency_key_retention_hours: KEY_RETENTION_HOURS,
                ..TaskServer::at(url)
            });
        }
        // With this address, the page would refuse the whole file.
        Err(error) => {
            config.notice = Some(format!(
                "The page cannot use the task server at this address: {error}. {}",
                error.hint()
            ));
        }
    }
    serde_json::to_vec(&config).map_err(|_| Problem::Internal)
}

/// Adds the security headers to every response.
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
    fn hidden_files_are_recognized_in_any_encoding() {
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
