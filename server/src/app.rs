//! The HTTP application: its routes, and the layers around them.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{ALLOW, AUTHORIZATION, HOST};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use tokio::sync::watch;
use tower_http::catch_panic::CatchPanicLayer;

use crate::caller::Caller;
use crate::client_address::ClientAddress;
use crate::cors::{self, Cors};
use crate::enforced_schema::EnforcedSchema;
use crate::gateway::{self, Gateway};
use crate::openapi;
use crate::pages::{self, Pages};
use crate::problem::{self, Problem, ProblemCode};
use crate::scope::Scope;
use crate::secret_sources::HeldSecrets;
use crate::start_error::StartError;
use crate::store::Store;
use crate::tasks::large_checks::LargeChecks;
use crate::tasks::{self, post, read};
use crate::tokens::{AcceptedToken, Tokens};
use crate::wrong_tokens::{Delay, WrongTokens};

/// The request header with the agent token.
pub const TOKEN_HEADER: HeaderName = HeaderName::from_static("x-agent-token");

/// The state shared by all requests. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// The parts of an [`App`].
pub struct Parts {
    /// The task store.
    pub store: Store,
    /// The schema every task must satisfy.
    pub schema: Arc<EnforcedSchema>,
    /// The accepted agent tokens.
    pub tokens: RwLock<Arc<Tokens>>,
    /// Whether the server listens on loopback addresses only.
    pub is_loopback: bool,
    /// The clients that recently sent wrong tokens.
    pub wrong_tokens: WrongTokens,
    /// Requests about tasks per minute with each token; `None` for no limit.
    pub rate_limit: Option<u32>,
    /// Which origins may call.
    pub cors: Arc<Cors>,
    /// The page, if it is served.
    pub pages: Option<Pages>,
    /// The gateway to a model endpoint, if there is one.
    pub gateway: Option<Gateway>,
    /// Checks of large tasks.
    pub large_checks: LargeChecks,
    /// Longest time for a request body to arrive.
    pub body_timeout: Duration,
    /// Whether the server is draining.
    pub draining: watch::Sender<bool>,
}

impl App {
    /// An application made of `parts`.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Checks the agent token, its scope and its rate limit for a request about tasks. Returns late if
    /// the client keeps sending wrong tokens.
    ///
    /// # Errors
    /// [`Problem::BadToken`], [`Problem::TooManyWrongTokens`], [`Problem::InsufficientScope`],
    /// [`Problem::RateLimited`].
    pub async fn authorize(
        &self,
        headers: &HeaderMap,
        caller: &Caller,
        scope: Scope,
    ) -> Result<(), Problem> {
        let mut presented = headers.get_all(TOKEN_HEADER).iter();
        let presented = match (presented.next(), presented.next()) {
            (None, _) => {
                return Err(Problem::BadToken(
                    "The X-AGENT-TOKEN header is missing. Nothing was stored.",
                ));
            }
            (Some(token), None) => Some(token.as_bytes()),
            (Some(_), Some(_)) => None,
        };
        let token = self.check_token(presented, caller, scope).await?;
        match self.0.rate_limit {
            None => Ok(()),
            Some(per_minute) => token
                .requests()
                .take(1, per_minute, Instant::now())
                .map_err(|wait| Problem::RateLimited {
                    retry_after: wait.as_secs().saturating_add(1),
                }),
        }
    }

    /// Checks the agent token of a request to the model: in `X-AGENT-TOKEN`, or as the bearer token that
    /// clients of model endpoints send (RFC 6750, section 2.1).
    ///
    /// # Errors
    /// [`Problem::BadToken`], [`Problem::TooManyWrongTokens`], [`Problem::InsufficientScope`].
    pub async fn authorize_model(
        &self,
        headers: &HeaderMap,
        caller: &Caller,
    ) -> Result<Arc<AcceptedToken>, Problem> {
        let own = headers.get_all(TOKEN_HEADER).iter();
        let bearer = headers.get_all(AUTHORIZATION).iter();
        let mut presented = own
            .map(HeaderValue::as_bytes)
            .chain(bearer.map(|value| bearer_token(value.as_bytes())));
        let presented = match (presented.next(), presented.next()) {
            (None, _) => {
                return Err(Problem::BadToken(
                    "Send an agent token as Authorization: Bearer or as X-AGENT-TOKEN.",
                ));
            }
            (Some(token), None) => Some(token),
            (Some(_), Some(_)) => None,
        };
        self.check_token(presented, caller, Scope::Model).await
    }

    /// The presented token, if it is accepted and has the scope; several tokens are presented as
    /// `None`.
    async fn check_token(
        &self,
        presented: Option<&[u8]>,
        caller: &Caller,
        scope: Scope,
    ) -> Result<Arc<AcceptedToken>, Problem> {
        let tokens = self.tokens();
        let found = presented.and_then(|token| tokens.find(token));
        let Some((number, token)) = found else {
            return Err(self.wrong_token(caller.address()).await);
        };
        caller.accepted(number);
        if !token.scopes().include(scope) {
            return Err(Problem::InsufficientScope(scope));
        }
        Ok(Arc::clone(token))
    }

    /// The problem for a wrong token, after the delay that its client has earned. When the server
    /// drains, there is no further delay.
    async fn wrong_token(&self, client: ClientAddress) -> Problem {
        match self.0.wrong_tokens.note(client, Instant::now()) {
            Delay::None => {}
            Delay::Refuse(wait) => {
                return Problem::TooManyWrongTokens {
                    retry_after: wait.as_secs().saturating_add(1),
                };
            }
            Delay::Wait(time, _permit) => {
                let mut draining = self.draining();
                let drains = draining.wait_for(|draining| *draining);
                let _ = tokio::time::timeout(time, drains).await;
            }
        }
        Problem::BadToken("This server does not accept this agent token. Nothing was stored.")
    }

    /// The accepted tokens at present.
    fn tokens(&self) -> Arc<Tokens> {
        Arc::clone(&self.0.tokens.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Uses other tokens and another key from now on. Requests in progress keep theirs. Returns whether
    /// the tokens have changed.
    ///
    /// # Errors
    /// [`StartError::DefaultToken`], [`StartError::Gateway`]; then everything stays as it was.
    pub fn replace_secrets(&self, secrets: HeldSecrets) -> Result<bool, StartError> {
        if secrets.tokens.include_default() && !self.0.is_loopback {
            return Err(StartError::DefaultToken {
                host: "the address that the server listens on".to_owned(),
            });
        }
        if let Some(gateway) = self.gateway() {
            gateway.replace_key(secrets.model_key.as_ref())?;
        }
        let mut tokens = self
            .0
            .tokens
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let (successors, changed) = secrets.tokens.succeeding(&tokens);
        *tokens = Arc::new(successors);
        Ok(changed)
    }

    /// The task store.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// The schema every task must satisfy.
    #[must_use]
    pub fn schema(&self) -> &Arc<EnforcedSchema> {
        &self.0.schema
    }

    /// Checks of large tasks.
    #[must_use]
    pub fn large_checks(&self) -> &LargeChecks {
        &self.0.large_checks
    }

    /// The page, if it is served.
    #[must_use]
    pub fn pages(&self) -> Option<&Pages> {
        self.0.pages.as_ref()
    }

    /// The gateway to the model endpoint, if there is one.
    #[must_use]
    pub fn gateway(&self) -> Option<&Gateway> {
        self.0.gateway.as_ref()
    }

    /// Longest time for a request body to arrive.
    #[must_use]
    pub fn body_timeout(&self) -> Duration {
        self.0.body_timeout
    }

    /// Refuses new requests with `503 draining` from now on.
    pub fn start_draining(&self) {
        self.0.draining.send_replace(true);
    }

    /// Becomes true when the server starts draining.
    #[must_use]
    pub fn draining(&self) -> watch::Receiver<bool> {
        self.0.draining.subscribe()
    }

    /// Closes the store if this is the last clone of the application. Waits at most `patience` for
    /// the tasks that are being stored.
    pub fn close(self, patience: Duration) {
        if let Some(parts) = Arc::into_inner(self.0) {
            parts.store.close(patience);
        }
    }
}

/// The routes with their layers.
pub fn router(app: &App) -> Router {
    let mut routes = Router::new()
        .route("/tasks", get(read::list_tasks).post(post::post_task))
        .route("/tasks/schema", get(read::get_schema))
        .route("/tasks/{id}", get(read::get_task))
        .route("/healthz", get(health))
        .route("/openapi.json", get(openapi::get_document));
    if let Some(pages) = app.pages() {
        routes = routes.merge(pages::router(pages));
    }
    if app.gateway().is_some() {
        routes = routes.merge(gateway::router());
    }
    layered(routes, app)
}

/// Wraps the routes in the layers; the last one is the outermost. They wrap the router rather than
/// each route, because the router adds headers such as `Allow` outside its routes.
fn layered(routes: Router<App>, app: &App) -> Router {
    let routes = routes
        .fallback(async || Problem::NotFound)
        .layer(middleware::from_fn(name_route))
        .with_state(app.clone());
    Router::new()
        .fallback_service(routes)
        .layer(middleware::from_fn_with_state(
            app.clone(),
            refuse_other_hosts,
        ))
        .layer(middleware::from_fn_with_state(
            app.clone(),
            refuse_while_draining,
        ))
        .layer(CatchPanicLayer::custom(|_| {
            Problem::Internal.into_response()
        }))
        .layer(middleware::from_fn(problem::convert_errors))
        .layer(middleware::from_fn(answer_options))
        .layer(middleware::from_fn_with_state(
            Arc::clone(&app.0.cors),
            cors::apply,
        ))
        .layer(middleware::from_fn(pages::add_security_headers))
        .layer(middleware::from_fn(log_request))
}

/// Passes the matched route on to the log.
async fn name_route(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    if let Some(route) = route {
        response.extensions_mut().insert(route);
    }
    response
}

async fn health(State(app): State<App>) -> Result<Response, Problem> {
    app.store()
        .check()
        .await
        .map_err(|error| tasks::store_problem(&error))?;
    Ok(tasks::json_response("{\"status\":\"ok\"}".to_owned()))
}

/// While the default token is accepted, refuses requests to names other than loopback's. Otherwise
/// a web page could resolve its own host name to 127.0.0.1 (DNS rebinding) and post tasks with the
/// default token as same-origin requests.
async fn refuse_other_hosts(State(app): State<App>, request: Request, next: Next) -> Response {
    let host = host(&request);
    let refused =
        app.tokens().include_default() && host.is_some_and(|host| !is_loopback_name(&host));
    if refused {
        return Problem::Misdirected.into_response();
    }
    next.run(request).await
}

/// The requested host without its port; empty if the `Host` header is malformed.
fn host(request: &Request) -> Option<String> {
    if let Some(host) = request.uri().host() {
        return Some(host.to_owned());
    }
    let sent = request.headers().get(HOST)?;
    let authority = sent.to_str().ok()?.parse::<Authority>();
    Some(authority.map_or_else(|_| String::new(), |authority| authority.host().to_owned()))
}

/// The token in a value such as `Bearer abc`; empty, which is no token, if the value has another form.
fn bearer_token(value: &[u8]) -> &[u8] {
    const SCHEME: &[u8] = b"bearer ";
    value
        .split_at_checked(SCHEME.len())
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(SCHEME))
        .map_or(b"", |(_, token)| token.trim_ascii())
}

/// Whether a host, such as that of a URL, is a name or an address of this machine only.
#[must_use]
pub fn is_loopback_name(host: &str) -> bool {
    let address = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || address
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.to_canonical().is_loopback())
}

async fn refuse_while_draining(State(app): State<App>, request: Request, next: Next) -> Response {
    if *app.0.draining.borrow() {
        return Problem::Draining.into_response();
    }
    next.run(request).await
}

/// Answers `OPTIONS` with the allowed methods (RFC 9110, section 9.3.7), and adds `OPTIONS` to every
/// `Allow` header.
async fn answer_options(request: Request, next: Next) -> Response {
    let is_options = request.method() == Method::OPTIONS;
    let mut response = next.run(request).await;
    if response.status() != StatusCode::METHOD_NOT_ALLOWED {
        return response;
    }
    let methods = response
        .headers()
        .get(ALLOW)
        .and_then(|value| value.to_str().ok())
        .map(|methods| {
            methods
                .split(',')
                .map(str::trim)
                .collect::<Vec<_>>()
                .join(", ")
        })
        .unwrap_or_default();
    let methods = HeaderValue::try_from(format!("{methods}, OPTIONS"))
        .unwrap_or(HeaderValue::from_static("OPTIONS"));
    if is_options {
        response = StatusCode::NO_CONTENT.into_response();
    }
    response.headers_mut().insert(ALLOW, methods);
    response
}

/// Logs one line per request. To keep secrets out, a line contains only values the server itself
/// defines: the route instead of the URL, the number of the accepted token instead of the token (0 for
/// none), and nothing from headers, query or body.
async fn log_request(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = match *request.method() {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    };
    let caller = request.extensions().get::<Caller>().cloned();
    let response = next.run(request).await;
    tracing::info!(
        method,
        route = response
            .extensions()
            .get::<MatchedPath>()
            .map_or("none", MatchedPath::as_str),
        status = response.status().as_u16(),
        code = response
            .extensions()
            .get::<ProblemCode>()
            .map_or("", |code| code.0),
        token = caller.as_ref().map_or(0, Caller::token),
        milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        "request"
    );
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cors::{AllowedOrigins, Origin};
    use crate::store::StoreOptions;
    use axum::body::Body;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    #[tokio::test]
    async fn a_panic_becomes_a_problem_the_page_can_read_without_the_panic_message() {
        let folder = tempfile::tempdir().unwrap();
        let app = App::new(Parts {
            store: Store::open(folder.path(), &StoreOptions::default()).unwrap(),
            schema: Arc::new(EnforcedSchema::load(None).unwrap()),
            tokens: RwLock::new(Arc::new(Tokens::from_places(&[]).unwrap())),
            is_loopback: true,
            wrong_tokens: WrongTokens::default(),
            rate_limit: None,
            cors: Arc::new(Cors::new(AllowedOrigins::new("http", 8080, &[]), false)),
            pages: None,
            gateway: None,
            large_checks: LargeChecks::new(1, Duration::from_secs(1)),
            body_timeout: Duration::from_secs(1),
            draining: watch::Sender::new(false),
        });
        async fn panics() -> StatusCode {
            panic!("s3cret")
        }
        let router = layered(Router::new().route("/panic", get(panics)), &app);
        let origin = Origin::new("http", "localhost", 8080);
        let request = Request::get("/panic")
            .header("Origin", origin.as_str())
            .body(Body::empty())
            .unwrap();
        let response = router.oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers().clone();
        assert_eq!(headers["access-control-allow-origin"], origin.as_str());
        assert_eq!(headers["content-type"], "application/problem+json");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem["code"], "internal");
        assert!(!problem.to_string().contains("s3cret"));
    }

    #[test]
    fn a_bearer_token_follows_its_scheme_in_any_case() {
        for (value, token) in [
            ("Bearer abc", "abc"),
            ("bearer  abc ", "abc"),
            ("BEARER abc", "abc"),
            ("abc", ""),
            ("Basic abc", ""),
            ("Bearer", ""),
            ("Bearerabc", ""),
        ] {
            assert_eq!(bearer_token(value.as_bytes()), token.as_bytes(), "{value}");
        }
    }

    #[test]
    fn loopback_names_are_recognized() {
        for (host, loopback) in [
            ("localhost", true),
            ("LocalHost", true),
            ("127.0.0.1", true),
            ("127.8.9.1", true),
            ("[::1]", true),
            ("[::ffff:127.0.0.1]", true),
            ("localhost.example.org", false),
            ("127.0.0.1.example.org", false),
            ("192.168.1.2", false),
            ("", false),
        ] {
            assert_eq!(is_loopback_name(host), loopback, "{host}");
        }
    }
}
