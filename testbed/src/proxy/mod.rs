//! A proxy in front of a task server that injects faults.
//!
//! It forwards requests and responses byte for byte. Only `Host`, `Connection`, `Keep-Alive` and
//! `Expect` are replaced or removed, so that the upstream gets its own host name. The [`Plan`]
//! decides which [`Fault`] a `POST` gets, if any. Other requests, including preflights, get none.
//! `GET /_faults` reports each `POST` and its fault. `POST /_faults` replaces the plan and empties the
//! report.
//!
//! Each connection, to the client or to the upstream, carries one request. If a reused connection breaks without a
//! response, a browser repeats the request by itself, even a `POST`. On a new connection it does not,
//! so a page that sends one request sees one failure.
//!
//! Messages are forwarded once they are complete, so the proxy is not suitable for streams. If the
//! upstream is unreachable, or ends the connection before its response, the proxy closes the
//! connection to the client, as the upstream would.

mod fault;
mod message;
mod plan;
mod post;
mod upstream;

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::connection::accept;
use crate::recorder::{Entry, Recorder, lock, now_ms};
pub use fault::{Fault, UnknownFault};
use message::{Request, own_response};
pub use plan::{Plan, PlanError};
use post::{Post, Report};
pub use upstream::{Upstream, UpstreamError};

/// Maximum number of concurrent connections; others wait.
const CONNECTION_LIMIT: usize = 256;
/// Time limit for receiving a request.
const REQUEST_TIME: Duration = Duration::from_secs(30);
/// Time limit for sending a response.
const RESPONSE_TIME: Duration = Duration::from_secs(30);
/// Maximum number of recorded `POST`s.
const MAX_POSTS: usize = 20_000;
/// The path of the plan and the report.
const FAULTS_PATH: &str = "/_faults";

/// The state of the proxy. Clones share it.
#[derive(Clone, Debug)]
pub struct ProxyState {
    upstream: Arc<Upstream>,
    plan: Arc<Mutex<Arc<Plan>>>,
    posts: Recorder<Post>,
}

impl ProxyState {
    /// A proxy in front of this upstream, with this plan.
    #[must_use]
    pub fn new(upstream: Upstream, plan: Plan) -> Self {
        Self {
            upstream: Arc::new(upstream),
            plan: Arc::new(Mutex::new(Arc::new(plan))),
            posts: Recorder::new(MAX_POSTS, usize::MAX),
        }
    }

    /// The plan, and the `POST`s since it was set.
    fn report(&self) -> Report {
        let plan = lock(&self.plan);
        Report {
            plan: Plan::clone(&plan),
            posts: self.posts.list(|_| true),
            left_out: self.posts.dropped(),
        }
    }

    /// Replaces the plan and empties the report. A `POST` in progress keeps its fault, but is no longer
    /// reported.
    fn set_plan(&self, plan: Plan) {
        let mut current = lock(&self.plan);
        *current = Arc::new(plan);
        self.posts.clear();
    }

    /// Records a `POST` with its fault, and returns the plan that chose it.
    fn record(&self, request: &Request) -> (Entry<Post>, Arc<Plan>) {
        // Locked while the number is taken, so that the number and the plan belong together.
        let plan = lock(&self.plan);
        let entry = self.posts.add(0, |number| Post {
            number,
            at_ms: now_ms(),
            method: request.method().to_owned(),
            path: request.path().to_owned(),
            idempotency_key: request.header("idempotency-key"),
            fault: plan.fault(number),
            reached_upstream: false,
            upstream_status: None,
            answered: None,
            finished: false,
        });
        (entry, Arc::clone(&plan))
    }
}

/// Serves until the returned future is dropped.
///
/// # Errors
/// None: an error on a connection only ends that connection.
pub(crate) async fn serve(listener: TcpListener, state: ProxyState) -> io::Result<()> {
    let permits = Arc::new(Semaphore::new(CONNECTION_LIMIT));
    loop {
        let permit = Arc::clone(&permits)
            .acquire_owned()
            .await
            .map_err(io::Error::other)?;
        let stream = accept(&listener).await;
        let state = state.clone();
        // In a separate task, so that the upstream gets the complete request even if the client
        // disconnects.
        tokio::spawn(async move {
            serve_connection(stream, &state).await;
            drop(permit);
        });
    }
}

/// What the client gets.
enum Outcome {
    /// These bytes, then the end of the connection.
    Bytes(Vec<u8>),
    /// The end of the connection.
    Close,
    /// A reset.
    Reset,
}

/// Serves the only request of a connection.
async fn serve_connection(stream: TcpStream, state: &ProxyState) {
    let mut client = BufReader::new(stream);
    let outcome = match tokio::time::timeout(REQUEST_TIME, Request::read(&mut client)).await {
        Ok(Ok(Some(request))) if request.path() == FAULTS_PATH => faults(state, &request),
        Ok(Ok(Some(request))) => handle(state, &request).await,
        Ok(Ok(None)) | Err(_) => Outcome::Close,
        Ok(Err(error)) => match error.status() {
            Some(status) => Outcome::Bytes(own_response(
                status,
                &[],
                "text/plain; charset=utf-8",
                &format!("Fault proxy: {error}.\n"),
            )),
            None => Outcome::Close,
        },
    };
    let mut stream = client.into_inner();
    match outcome {
        Outcome::Bytes(bytes) => {
            let sending = async {
                stream.write_all(&bytes).await?;
                stream.shutdown().await
            };
            // A client that disconnected or does not read loses its response.
            let _ = tokio::time::timeout(RESPONSE_TIME, sending).await;
        }
        Outcome::Close => {}
        Outcome::Reset => {
            // With a linger time of zero, closing the socket sends RST instead of FIN. If that
            // fails, the connection still ends without a response.
            let _ = stream.set_zero_linger();
        }
    }
}

/// Responds to a request for the report, or sets another plan.
fn faults(state: &ProxyState, request: &Request) -> Outcome {
    let (status, body) = match request.method() {
        "GET" => (200, json!(state.report())),
        "POST" => match Plan::from_json(request.body()) {
            Ok(plan) => {
                state.set_plan(plan);
                (200, json!(state.report()))
            }
            Err(error) => (
                400,
                json!({"error": {
                    "code": error.code(),
                    "message": error.to_string(),
                    "hint": error.hint(),
                }}),
            ),
        },
        _ => (
            405,
            json!({"error": {
                "code": "method_not_allowed",
                "message": "GET reports the faults; POST sets the plan.",
                "hint": "Send GET, or POST with a plan.",
            }}),
        ),
    };
    let fields = [("Access-Control-Allow-Origin", "*")];
    let body = body.to_string();
    Outcome::Bytes(own_response(status, &fields, "application/json", &body))
}

/// Forwards a request, or injects the fault that the plan chooses.
async fn handle(state: &ProxyState, request: &Request) -> Outcome {
    if request.method() != "POST" {
        return match state.upstream.forward(request, || {}).await {
            Ok(response) => Outcome::Bytes(response.bytes()),
            Err(_) => Outcome::Close,
        };
    }
    let (entry, plan) = state.record(request);
    let (outcome, answered) = match entry.get().fault {
        Some(fault) if !fault.is_forwarded() => inject(fault, &plan, request),
        fault => forward(state, fault, &plan, request, &entry).await,
    };
    entry.update(|post| {
        post.answered = answered;
        post.finished = true;
    });
    outcome
}

/// The outcome of a fault that the upstream does not see, and the status for the client.
fn inject(fault: Fault, plan: &Plan, request: &Request) -> (Outcome, Option<u16>) {
    let retry_after = plan.retry_after_s.to_string();
    let (status, retry_after) = match fault {
        Fault::Status429 => (429, Some(retry_after)),
        Fault::Status503 => (503, Some(retry_after)),
        Fault::Status503Bare => (503, None),
        Fault::Reset => return (Outcome::Reset, None),
        _ => return (Outcome::Close, None),
    };
    let origin = request.header("origin");
    let mut fields = Vec::new();
    if let Some(origin) = &origin {
        fields.push(("Access-Control-Allow-Origin", origin.as_str()));
        fields.push(("Access-Control-Expose-Headers", "retry-after"));
        fields.push(("Vary", "Origin"));
    }
    if let Some(seconds) = &retry_after {
        fields.push(("Retry-After", seconds.as_str()));
    }
    let problem = json!({"type": "about:blank", "status": status, "code": fault.name()});
    let problem = problem.to_string();
    let response = own_response(status, &fields, "application/problem+json", &problem);
    (Outcome::Bytes(response), Some(status))
}

/// Forwards a request and applies the fault to the response. Returns the status for the client too.
async fn forward(
    state: &ProxyState,
    fault: Option<Fault>,
    plan: &Plan,
    request: &Request,
    entry: &Entry<Post>,
) -> (Outcome, Option<u16>) {
    let reached = || entry.update(|post| post.reached_upstream = true);
    let forwarding = state.upstream.forward(request, reached);
    let Ok(response) = forwarding.await else {
        return (Outcome::Close, None);
    };
    let status = response.status();
    entry.update(|post| post.upstream_status = Some(status));
    match fault {
        Some(Fault::DropAfter) => (Outcome::Close, None),
        Some(Fault::Truncate) => (Outcome::Bytes(response.first_half()), Some(status)),
        Some(Fault::Status500Bare) => {
            let content_type = "text/plain; charset=utf-8";
            let response = own_response(500, &[], content_type, "Internal Server Error");
            (Outcome::Bytes(response), Some(500))
        }
        Some(Fault::Delay) => {
            tokio::time::sleep(Duration::from_millis(plan.delay_ms)).await;
            (Outcome::Bytes(response.bytes()), Some(status))
        }
        _ => (Outcome::Bytes(response.bytes()), Some(status)),
    }
}
