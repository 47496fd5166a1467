//! A proxy that loses, delays, cuts and refuses on purpose, in front of a real task server.
//!
//! It passes on every request and every answer byte for byte; only `Host`, `Connection`,
//! `Keep-Alive` and `Expect` are its own, so that the upstream is addressed by its own name. To a
//! `POST` it does what its [`Plan`] says: nothing, or one [`Fault`]. Preflights and reads are never
//! touched. `GET /_faults` tells what was done to which `POST`; a plan sent to `POST /_faults`
//! replaces the one that is followed, and the counting begins anew.
//!
//! Every connection serves one request, in both directions. A browser sends a request again by
//! itself, even a `POST`, when a connection that was used before breaks without an answer; on a
//! fresh one it does not, so that a page which sends one request sees one failure.
//!
//! Messages are passed on whole, so it is not for streams. An upstream that is not there, or that
//! breaks off before its answer, looks as it would without the proxy: the connection closes.

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

/// The most connections at a time; further ones wait.
const CONNECTION_LIMIT: usize = 256;
/// How long a client may take to send a request.
const REQUEST_TIME: Duration = Duration::from_secs(30);
/// How long a client may take to read an answer.
const ANSWER_TIME: Duration = Duration::from_secs(30);
/// The most `POST`s that are recorded.
const MAX_POSTS: usize = 20_000;
/// Where the plan and the report are.
const FAULTS_PATH: &str = "/_faults";

/// What the proxy knows. Clones share it.
#[derive(Clone, Debug)]
pub struct ProxyWorld {
    upstream: Arc<Upstream>,
    plan: Arc<Mutex<Arc<Plan>>>,
    posts: Recorder<Post>,
}

impl ProxyWorld {
    /// A proxy in front of this server, with this plan.
    #[must_use]
    pub fn new(upstream: Upstream, plan: Plan) -> Self {
        Self {
            upstream: Arc::new(upstream),
            plan: Arc::new(Mutex::new(Arc::new(plan))),
            posts: Recorder::new(MAX_POSTS, usize::MAX),
        }
    }

    /// The plan, and what was done to which `POST` since it was made.
    fn report(&self) -> Report {
        let plan = lock(&self.plan);
        Report {
            plan: Plan::clone(&plan),
            posts: self.posts.list(|_| true),
            left_out: self.posts.dropped(),
        }
    }

    /// Replaces the plan and empties the report. `POST`s in progress keep their fault, but are no
    /// longer reported.
    fn follow(&self, plan: Plan) {
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
/// Never as it stands: what a single connection does wrong ends with that connection.
pub(crate) async fn serve(listener: TcpListener, world: ProxyWorld) -> io::Result<()> {
    let places = Arc::new(Semaphore::new(CONNECTION_LIMIT));
    loop {
        let place = Arc::clone(&places)
            .acquire_owned()
            .await
            .map_err(io::Error::other)?;
        let stream = accept(&listener).await;
        let world = world.clone();
        // On a task of its own, so that the upstream gets a request whole even when the client has
        // gone by then.
        tokio::spawn(async move {
            converse(stream, &world).await;
            drop(place);
        });
    }
}

/// What a client gets.
enum Outcome {
    /// These bytes, and then the end of the connection.
    Bytes(Vec<u8>),
    /// The end of the connection.
    Close,
    /// A reset.
    Reset,
}

/// Serves the one request of a connection.
async fn converse(stream: TcpStream, world: &ProxyWorld) {
    let mut client = BufReader::new(stream);
    let outcome = match tokio::time::timeout(REQUEST_TIME, Request::read(&mut client)).await {
        Ok(Ok(Some(request))) if request.path() == FAULTS_PATH => faults(world, &request),
        Ok(Ok(Some(request))) => pass(world, &request).await,
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
            // A client that has gone, or does not read, loses its answer as with any server.
            let _ = tokio::time::timeout(ANSWER_TIME, sending).await;
        }
        Outcome::Close => {}
        Outcome::Reset => {
            // With a linger time of zero, closing the socket sends RST instead of FIN. Where the
            // option is refused, the connection still ends without an answer.
            let _ = stream.set_zero_linger();
        }
    }
}

/// Answers for the proxy itself: the report, and another plan.
fn faults(world: &ProxyWorld, request: &Request) -> Outcome {
    let (status, body) = match request.method() {
        "GET" => (200, json!(world.report())),
        "POST" => match Plan::from_json(request.body()) {
            Ok(plan) => {
                world.follow(plan);
                (200, json!(world.report()))
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
                "message": "The faults are read by GET and planned by POST.",
                "hint": "Send GET, or POST with a plan.",
            }}),
        ),
    };
    let fields = [("Access-Control-Allow-Origin", "*")];
    let body = body.to_string();
    Outcome::Bytes(own_response(status, &fields, "application/json", &body))
}

/// Passes a request on, or does to it what the plan says.
async fn pass(world: &ProxyWorld, request: &Request) -> Outcome {
    if request.method() != "POST" {
        return match world.upstream.forward(request, || {}).await {
            Ok(answer) => Outcome::Bytes(answer.bytes()),
            Err(_) => Outcome::Close,
        };
    }
    let (entry, plan) = world.record(request);
    let (outcome, answered) = match entry.get().fault {
        Some(fault) if !fault.is_forwarded() => in_place(fault, &plan, request),
        fault => forwarded(world, fault, &plan, request, &entry).await,
    };
    entry.update(|post| {
        post.answered = answered;
        post.finished = true;
    });
    outcome
}

/// What a client gets in place of the upstream's answer, and its status.
fn in_place(fault: Fault, plan: &Plan, request: &Request) -> (Outcome, Option<u16>) {
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
    let answer = own_response(status, &fields, "application/problem+json", &problem);
    (Outcome::Bytes(answer), Some(status))
}

/// Lets the upstream answer, and gives the client what the fault leaves of that, and its status.
async fn forwarded(
    world: &ProxyWorld,
    fault: Option<Fault>,
    plan: &Plan,
    request: &Request,
    entry: &Entry<Post>,
) -> (Outcome, Option<u16>) {
    let reached = || entry.update(|post| post.reached_upstream = true);
    let forwarding = world.upstream.forward(request, reached);
    let Ok(answer) = forwarding.await else {
        return (Outcome::Close, None);
    };
    let status = answer.status();
    entry.update(|post| post.upstream_status = Some(status));
    match fault {
        Some(Fault::DropAfter) => (Outcome::Close, None),
        Some(Fault::Truncate) => (Outcome::Bytes(answer.first_half()), Some(status)),
        Some(Fault::Status500Bare) => {
            let content_type = "text/plain; charset=utf-8";
            let answer = own_response(500, &[], content_type, "Internal Server Error");
            (Outcome::Bytes(answer), Some(500))
        }
        Some(Fault::Delay) => {
            tokio::time::sleep(Duration::from_millis(plan.delay_ms)).await;
            (Outcome::Bytes(answer.bytes()), Some(status))
        }
        _ => (Outcome::Bytes(answer.bytes()), Some(status)),
    }
}
