//! Serves the page, with its configuration and security headers.

use std::path::{Path, PathBuf};

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
use taskwright::settings::config::{ConfigFile, MAX_CONFIG_BYTES};
use taskwright::settings::{Address, ModelEndpoint, TaskServer, VaultSource};
use tower_http::services::ServeDir;
use tower_http::services::fs::{Backend, TokioBackend};

use crate::app::App;
use crate::cors::Origin;
use crate::embedded_files::EmbeddedFiles;
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

/// Where the files of the page come from.
#[derive(Debug, Clone)]
pub enum PageFiles {
    /// A folder, which may also have a `config.json`.
    Folder(PathBuf),
    /// The program itself.
    Embedded(EmbeddedFiles),
}

/// The page's files and configuration.
#[derive(Debug)]
pub struct Pages {
    /// The files; only `/config.json` is served if there are none.
    pub files: Option<PageFiles>,
    /// `--page-config`; overrides every other configuration.
    pub config_file: Option<PathBuf>,
    /// Becomes part of the generated configuration.
    pub vault: Option<VaultSource>,
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
    let router = Router::new().route("/config.json", get(get_config));
    let router = match &pages.files {
        Some(PageFiles::Folder(folder)) => router.merge(file_routes(folder, TokioBackend)),
        Some(PageFiles::Embedded(files)) => router.merge(file_routes(Path::new(""), *files)),
        None => router,
    };
    router.layer(middleware::from_fn(guard_files))
}

/// The routes of the files in `folder` of a file system, or of what takes its place.
fn file_routes<S, B>(folder: &Path, file_system: B) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    B: Backend,
{
    // A compressed file is sent if it lies beside the file and the browser accepts it.
    let files = |name: &str| {
        ServeDir::with_backend(folder.join(name), file_system.clone())
            .precompressed_br()
            .precompressed_gzip()
    };
    let below = |name: &str| files(name).append_index_html_on_directories(false);
    Router::new()
        .route_service("/", files(""))
        .route_service("/index.html", files(""))
        // The service worker of `cargo xtask dist` is beside the page, whose folder it is about.
        .route_service("/sw.js", files(""))
        .nest_service("/static", below("static"))
        .nest_service("/pkg", below("pkg"))
        .nest_service(ASSETS, below("assets"))
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
        let file = match &pages.files {
            Some(PageFiles::Folder(folder)) => {
                tokio::fs::read(folder.join("config.json")).await.ok()
            }
            Some(PageFiles::Embedded(_)) | None => None,
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
    use std::time::SystemTime;

    use axum::body::Body;
    use axum::http::header::{
        ACCEPT_ENCODING, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
    };
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;
    use crate::embedded_files::EmbeddedFile;

    /// The files of a page, in the program.
    static FILES: [EmbeddedFile; 5] = [
        file("index.html", b"<!doctype html>"),
        file("assets/0f/style.css", b"body{color:red}"),
        file("assets/0f/style.css.br", b"(brotli)"),
        file("assets/0f/style.css.gz", b"(gzip)"),
        file("assets/0f/icons/app.svg", b"<svg/>"),
    ];

    const fn file(path: &'static str, bytes: &'static [u8]) -> EmbeddedFile {
        EmbeddedFile {
            path,
            digest: bytes.len() as u64,
            bytes,
        }
    }

    /// The status, the headers and the body of the response to a request.
    async fn response(
        router: &Router,
        method: &str,
        path: &str,
        headers: &[(HeaderName, &str)],
    ) -> (StatusCode, HeaderMap, Vec<u8>) {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        (parts.status, parts.headers, body)
    }

    #[tokio::test]
    async fn a_file_of_the_program_is_served_like_a_file_of_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        for file in FILES {
            let path = folder.path().join(file.path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, file.bytes).unwrap();
        }
        let of_folder: Router = file_routes(folder.path(), TokioBackend);
        let embedded = EmbeddedFiles::new(&FILES, SystemTime::now());
        let of_program: Router = file_routes(Path::new(""), embedded);
        let validators = [ETAG, LAST_MODIFIED];
        let mut found = 0;
        for path in [
            "/",
            "/index.html",
            "/assets/0f/style.css",
            "/assets/0f/icons/app.svg",
            "/assets",
            "/assets/",
            "/assets/0f",
            "/assets/0f/",
            "/assets/0f/missing.css",
            "/assets/0f/style.css/",
            "/static/app.css",
            "/missing",
        ] {
            for method in ["GET", "HEAD", "POST"] {
                for accepted in ["identity", "gzip", "gzip, br", "br;q=0, gzip"] {
                    let accept = [(ACCEPT_ENCODING, accepted)];
                    let mut expected = response(&of_folder, method, path, &accept).await;
                    let mut actual = response(&of_program, method, path, &accept).await;
                    let what = format!("{method} {path} {accepted}");
                    for validator in &validators {
                        let (known, sent) =
                            (expected.1.remove(validator), actual.1.remove(validator));
                        assert_eq!(known.is_some(), sent.is_some(), "{what}");
                        let Some(sent) = sent else { continue };
                        found += 1;
                        let condition = match *validator == ETAG {
                            true => IF_NONE_MATCH,
                            false => IF_MODIFIED_SINCE,
                        };
                        let [accept] = accept.clone();
                        let again = [accept, (condition, sent.to_str().unwrap())];
                        let (status, ..) = response(&of_program, method, path, &again).await;
                        assert_eq!(status, StatusCode::NOT_MODIFIED, "{what}");
                    }
                    assert_eq!(actual, expected, "{what}");
                }
            }
        }
        // Four files, by GET and HEAD, in four encodings, with two validators each.
        assert_eq!(found, 4 * 2 * 4 * 2);
    }

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
