//! Serves the page from a folder, with its configuration and security headers.

use std::path::PathBuf;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, RANGE, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use taskwright::settings::config::{ConfigFile, MAX_CONFIG_BYTES, Vault};
use taskwright::settings::{Address, ModelEndpoint, TaskServer};
use tower_http::services::{ServeDir, ServeFile};

use crate::app::App;
use crate::cors::Origin;
use crate::gateway::BASE_PATH;
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
/// The folder of the files of `cargo xtask dist`.
const ASSETS: &str = "/assets";
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// The page's files and configuration.
#[derive(Debug)]
pub struct Pages {
    /// The folder of the page; only `/config.json` is served if there is none.
    pub folder: Option<PathBuf>,
    /// `--page-config`; overrides every other configuration.
    pub config_file: Option<PathBuf>,
    /// Becomes part of the generated configuration.
    pub vault: Option<Vault>,
    /// The name of the model behind the gateway. With it, the generated configuration has the gateway as
    /// model endpoint.
    pub gateway_model: Option<String>,
    /// The origins at which the server is known, the one it listens on first.
    pub origins: Vec<Origin>,
}

/// The guaranteed idempotency key retention, in hours: seven days.
const KEY_RETENTION_HOURS: u32 = 7 * 24;

/// What the page says if it was opened at a name the server does not know.
const UNKNOWN_NAME: &str = "The task server does not know the name in the address bar. Start it with \
    --allow-origin and the address of this page, or name the task server in --page-config.";
/// What the page says if `config.json` would be too large with the schema.
const LARGE_SCHEMA: &str = "The schema of this task server is too large for config.json. Paste it \
    into the settings from /tasks/schema.";

/// The routes of the page. Nothing else in the folder has a route, such as `.git` or sources.
pub fn router(pages: &Pages) -> Router<App> {
    let mut router = Router::new().route("/config.json", get(get_config));
    if let Some(folder) = &pages.folder {
        // A compressed file is sent if it lies beside the file and the browser accepts it.
        let index = ServeFile::new(folder.join("index.html"))
            .precompressed_br()
            .precompressed_gzip();
        let files = |name: &str| {
            ServeDir::new(folder.join(name))
                .append_index_html_on_directories(false)
                .precompressed_br()
                .precompressed_gzip()
        };
        router = router
            .route_service("/", index.clone())
            .route_service("/index.html", index)
            .nest_service("/static", files("static"))
            .nest_service("/pkg", files("pkg"))
            .nest_service(ASSETS, files("assets"));
    }
    router.layer(middleware::from_fn(guard_files))
}

/// Refuses hidden files, and says how long browsers may keep a file: those of `cargo xtask dist` in
/// the assets folder, which is named after its contents, for a year; every other one until they have
/// asked whether it changed.
async fn guard_files(mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if is_hidden(path) {
        return Problem::NotFound.into_response();
    }
    let is_asset = path.starts_with(ASSETS);
    // Files are small and always served whole.
    request.headers_mut().remove(RANGE);
    let mut response = next.run(request).await;
    let caching = match is_asset
        && (response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED)
    {
        true => "public, max-age=31536000, immutable",
        false => "no-cache",
    };
    let headers = response.headers_mut();
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static(caching));
    headers.append(VARY, HeaderValue::from_static("accept-encoding"));
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
            None => generated_config(&app, pages, &headers)?,
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

fn generated_config(app: &App, pages: &Pages, headers: &HeaderMap) -> Result<Vec<u8>, Problem> {
    let mut config = ConfigFile {
        // The page would otherwise propose tasks by its built-in schema, and this server refuse them.
        task_schema: (!app.schema().is_built_in()).then(|| app.schema().value().clone()),
        vault: pages.vault.clone(),
        ..ConfigFile::default()
    };
    let origin = known_origin(&pages.origins, headers);
    match origin.map(|origin| Address::parse(origin.as_str())) {
        Some(Ok(url)) => {
            config.model = pages.gateway_model.as_ref().and_then(|name| {
                let base_url = Address::parse(&format!("{}{BASE_PATH}", origin?.as_str())).ok()?;
                Some(ModelEndpoint {
                    // The agent token; on this machine, the page would not ask for it otherwise.
                    needs_key: Some(true),
                    ..ModelEndpoint::at(base_url, name)
                })
            });
            config.task_server = Some(TaskServer {
                honours_idempotency_keys: true,
                idempotency_key_retention_hours: KEY_RETENTION_HOURS,
                ..TaskServer::at(url)
            });
        }
        // With this address, the page would refuse the whole file.
        Some(Err(error)) => {
            config.notice = Some(format!(
                "The page cannot use the task server at this address: {error}. {}",
                error.hint()
            ));
        }
        None => config.notice = Some(UNKNOWN_NAME.to_owned()),
    }
    let json = serde_json::to_vec(&config).map_err(|_| Problem::Internal)?;
    if json.len() <= MAX_CONFIG_BYTES {
        return Ok(json);
    }
    config.task_schema = None;
    let notice = config.notice.get_or_insert_default();
    if !notice.is_empty() {
        notice.push(' ');
    }
    notice.push_str(LARGE_SCHEMA);
    serde_json::to_vec(&config).map_err(|_| Problem::Internal)
}

/// The origin the browser used: another name for the same server would make the page's requests
/// cross-origin. `None` if `Host` names something else. A name that was never configured must not
/// decide where tasks are posted.
fn known_origin<'a>(origins: &'a [Origin], headers: &HeaderMap) -> Option<&'a Origin> {
    let Some(host) = headers.get(HOST) else {
        return origins.first();
    };
    let host = host.to_str().ok()?.parse::<Authority>().ok()?;
    if host.as_str().contains('@') {
        return None;
    }
    origins.iter().find(|origin| origin.is_at(&host))
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
