//! HTTP requests with `fetch`: no cookies, no referrer, no cache. Redirects are never followed.
//!
//! The page around the module, or an extension, may have replaced `fetch`. So nothing here relies on
//! what it returns, or on what it rejects with.

use js_sys::{Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, ReadableStreamDefaultReader, ReferrerPolicy, Request, RequestCache,
    RequestCredentials, RequestMode, RequestRedirect, Response, ResponseType,
};

use super::clock::{PageClock, Timer};
use super::js_error_message;
use crate::delivery::response::{Redirect, ServerReply, redirect};
use crate::http::{Method, PreparedRequest, RedirectPolicy};
use crate::model::{End, Stall};
use crate::ports::{
    CallEnd, Clock, ModelTransport, Needed, ResponsePart, StopSignal, TaskSink, Timeouts,
};

#[wasm_bindgen]
extern "C" {
    /// `fetch` of the global object: a window, a worker or Node.
    #[wasm_bindgen(js_name = fetch, catch)]
    fn global_fetch(request: &Request) -> Result<JsValue, JsValue>;
}

/// Timeout of a post, in milliseconds. A post without a response by then is unconfirmed.
pub const POST_MILLISECONDS: u32 = 60_000;
/// Timeout of a small request such as a look-up, in milliseconds.
const LOOK_UP_MILLISECONDS: u32 = 15_000;
/// Timeouts of reading a small body.
const SMALL_BODY: Timeouts = Timeouts {
    first_token: LOOK_UP_MILLISECONDS,
    idle: LOOK_UP_MILLISECONDS,
    total: LOOK_UP_MILLISECONDS,
};

/// Longest silence after which the rest of a response whose outcome is known is not awaited any longer,
/// in milliseconds. Only the token usage may follow.
const REST_MILLISECONDS: u32 = 2_000;

/// The page's access to the network.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fetch;

impl ModelTransport for Fetch {
    async fn call(
        &self,
        request: &PreparedRequest,
        timeouts: Timeouts,
        stop: &StopSignal,
        on_part: &mut dyn FnMut(ResponsePart<'_>) -> Needed,
    ) -> CallEnd {
        if stop.is_stopped() {
            return CallEnd::Stopped;
        }
        let Ok(abort) = AbortController::new() else {
            return not_sent("this browser cannot stop requests");
        };
        let on_stop = abort.clone();
        stop.on_stop(move || on_stop.abort());
        let built = match build(request, &abort) {
            Ok(built) => built,
            Err(reason) => return not_sent(&reason),
        };
        let deadline = Deadline::from_now(timeouts);
        let response = match within(deadline.remaining(), send(built)).await {
            None => {
                abort.abort();
                return CallEnd::Responded(deadline.expired());
            }
            Some(Err(_)) if stop.is_stopped() => return CallEnd::Stopped,
            Some(Err(SendError::NotConnected(reason))) => return CallEnd::NotConnected { reason },
            Some(Err(SendError::NoResponse(reason))) => return CallEnd::Unreachable { reason },
            Some(Ok(response)) => response,
        };
        on_part(ResponsePart::Head {
            status: response.status(),
            headers: readable_headers(&response),
            at: PageClock.now(),
        });
        let end = read_body(&response, deadline, stop, on_part).await;
        abort.abort();
        CallEnd::Responded(end)
    }
}

/// When to stop waiting for a response. Times are in milliseconds since 1970.
#[derive(Clone, Copy)]
struct Deadline {
    /// When the model must have begun to write; `None` once it has.
    first_token: Option<u64>,
    /// Milliseconds without a byte.
    idle: u32,
    /// The end of the whole call.
    end: u64,
    /// Until when the rest is awaited, once the outcome is known.
    rest: Option<u64>,
}

impl Deadline {
    fn from_now(timeouts: Timeouts) -> Deadline {
        let now = PageClock.now();
        Deadline {
            first_token: Some(now + u64::from(timeouts.first_token)),
            idle: timeouts.idle,
            end: now + u64::from(timeouts.total),
            rest: None,
        }
    }

    /// Milliseconds to wait for the next byte.
    fn remaining(self) -> u32 {
        let now = PageClock.now();
        let idle = now + u64::from(self.idle);
        let until = self.rest.or(self.first_token).unwrap_or(idle);
        u32::try_from(until.min(self.end).saturating_sub(now)).unwrap_or(u32::MAX)
    }

    /// Takes what the reader still needs.
    fn needs(&mut self, needed: Needed) {
        if needed != Needed::FirstToken {
            self.first_token = None;
        }
        if let Needed::Rest { is_news } = needed
            && (is_news || self.rest.is_none())
        {
            self.rest = Some(PageClock.now() + u64::from(REST_MILLISECONDS));
        }
    }

    /// How the body ended, if bytes that keep arriving have not prevented it.
    fn passed(self) -> Option<End> {
        let now = PageClock.now();
        let limits = [self.rest, self.first_token, Some(self.end)];
        let has_passed = limits.into_iter().flatten().any(|limit| now >= limit);
        has_passed.then(|| self.expired())
    }

    /// How the body ended, now that a wait has expired.
    fn expired(self) -> End {
        if self.rest.is_some() {
            End::Ended
        } else if PageClock.now() >= self.end {
            End::OutOfTime
        } else if self.first_token.is_some() {
            End::Stalled(Stall::FirstToken)
        } else {
            End::Stalled(Stall::Idle)
        }
    }
}

fn not_sent(reason: &str) -> CallEnd {
    CallEnd::NotSent {
        reason: reason.to_owned(),
    }
}

/// Builds the browser's request, secrets included.
fn build(prepared: &PreparedRequest, abort: &AbortController) -> Result<Request, String> {
    let request = prepared.request();
    let builder = match request.method {
        Method::Get => gloo_net::http::Request::get(&request.url),
        Method::Post => gloo_net::http::Request::post(&request.url),
    };
    let mut builder = builder
        .redirect(match request.redirects {
            RedirectPolicy::Fail => RequestRedirect::Error,
            RedirectPolicy::Report => RequestRedirect::Manual,
        })
        .credentials(RequestCredentials::Omit)
        .referrer_policy(ReferrerPolicy::NoReferrer)
        .cache(RequestCache::NoStore)
        .abort_signal(Some(&abort.signal()));
    for (name, value) in prepared.headers().map_err(|error| error.to_string())? {
        builder = builder.header(name, &value);
    }
    match prepared.body().map_err(|error| error.to_string())? {
        Some(body) => builder.body(body.as_str()),
        None => builder.build(),
    }
    .map(Request::from)
    .map_err(|error| error.to_string())
}

/// Why a request has no response.
enum SendError {
    /// There was no connection, so nothing was sent. Only Node.js tells; to a page it looks like a lost
    /// response.
    NotConnected(String),
    /// Nothing else is known: the request may have been received.
    NoResponse(String),
}

impl SendError {
    fn of(thrown: &JsValue) -> SendError {
        match connection_failure(thrown) {
            Some(reason) => SendError::NotConnected(reason),
            None => SendError::NoResponse(js_error_message(thrown)),
        }
    }

    fn into_message(self) -> String {
        match self {
            SendError::NotConnected(message) | SendError::NoResponse(message) => message,
        }
    }
}

/// Codes of Node.js for a failure before there is a connection.
const NOT_CONNECTED: [&str; 6] = [
    "ECONNREFUSED",
    "ENOTFOUND",
    "EAI_AGAIN",
    "EHOSTUNREACH",
    "ENETUNREACH",
    "UND_ERR_CONNECT_TIMEOUT",
];

/// The message of an error of Node.js that says that there was no connection: its `cause` has one of
/// the codes, or several causes that each have one. Elsewhere such a member proves nothing.
fn connection_failure(thrown: &JsValue) -> Option<String> {
    let get = |value: &JsValue, name: &str| Reflect::get(value, &name.into()).ok();
    let process = get(&js_sys::global(), "process")?;
    get(&get(&process, "versions")?, "node")?.as_string()?;
    let code = |cause: &JsValue| {
        let code = get(cause, "code")?.as_string()?;
        NOT_CONNECTED.contains(&code.as_str()).then_some(code)
    };
    let cause = get(thrown, "cause")?;
    let several = || {
        let errors: js_sys::Array = get(&cause, "errors")?.dyn_into().ok()?;
        let codes: Option<Vec<String>> = errors.iter().map(|error| code(&error)).collect();
        codes?.into_iter().next()
    };
    let code = code(&cause).or_else(several)?;
    let message = js_error_message(&cause);
    Some(match message.contains(&code) {
        true => message,
        false => format!("{code}: {message}"),
    })
}

/// Sends a request and awaits the head of its response.
async fn send(request: Request) -> Result<Response, SendError> {
    let sent = match global_fetch(&request) {
        Ok(sent) => JsFuture::from(Promise::resolve(&sent)).await,
        Err(thrown) => Err(thrown),
    };
    let response = sent.map_err(|thrown| SendError::of(&thrown))?;
    response.dyn_into().map_err(|_| {
        SendError::NoResponse("fetch returned something else than a response".to_owned())
    })
}

/// Returns the headers we use, as far as CORS exposes them.
fn readable_headers(response: &Response) -> Vec<(String, String)> {
    [
        "content-type",
        "retry-after",
        "retry-after-ms",
        "x-should-retry",
        "x-request-id",
    ]
    .iter()
    .filter_map(|name| Some(((*name).to_owned(), header(response, name)?)))
    .collect()
}

/// The value of a header that CORS exposes.
fn header(response: &Response, name: &str) -> Option<String> {
    response.headers().get(name).ok()?
}

/// Reads a body to its end, until no more of it is needed, until `stop` is signalled, or until the
/// deadline.
async fn read_body(
    response: &Response,
    mut deadline: Deadline,
    stop: &StopSignal,
    on_part: &mut dyn FnMut(ResponsePart<'_>) -> Needed,
) -> End {
    let Some(body) = response.body() else {
        return End::Ended;
    };
    if body.locked() {
        return End::TransportError("the response body was read by another script".to_owned());
    }
    let reader: ReadableStreamDefaultReader = match body.get_reader().dyn_into() {
        Ok(reader) => reader,
        Err(_) => return End::TransportError("the response body cannot be read".to_owned()),
    };
    loop {
        if stop.is_stopped() {
            return End::Cancelled;
        }
        // Bytes that keep arriving would win every race against the timer.
        if let Some(end) = deadline.passed() {
            return end;
        }
        let chunk = match within(deadline.remaining(), JsFuture::from(reader.read())).await {
            None => return deadline.expired(),
            Some(Err(_)) if stop.is_stopped() => return End::Cancelled,
            Some(Err(thrown)) => return End::TransportError(js_error_message(&thrown)),
            Some(Ok(chunk)) => chunk,
        };
        let is_done = Reflect::get(&chunk, &"done".into()).is_ok_and(|done| done.is_truthy());
        if is_done {
            return End::Ended;
        }
        let bytes = Reflect::get(&chunk, &"value".into())
            .ok()
            .and_then(|value| value.dyn_into::<Uint8Array>().ok());
        if let Some(bytes) = bytes {
            match on_part(ResponsePart::Bytes(&bytes.to_vec())) {
                Needed::Nothing => return End::Ended,
                needed => deadline.needs(needed),
            }
        }
    }
}

/// Awaits `future` for at most that many milliseconds; `None` if the time expires first. The browser
/// corrects timers after the device has slept.
async fn within<F: Future + 'static>(milliseconds: u32, future: F) -> Option<F::Output>
where
    F::Output: 'static,
{
    use std::cell::RefCell;
    use std::rc::Rc;

    let result: Rc<RefCell<Option<F::Output>>> = Rc::default();
    let slot = Rc::clone(&result);
    let done = wasm_bindgen_futures::future_to_promise(async move {
        let output = future.await;
        *slot.borrow_mut() = Some(output);
        Ok(JsValue::UNDEFINED)
    });
    let timer = Timer::start(milliseconds);
    let either = js_sys::Array::of2(&done, &timer.promise);
    // Neither promise is ever rejected.
    let _ = JsFuture::from(Promise::race(&either)).await;
    result.borrow_mut().take()
}

impl TaskSink for Fetch {
    async fn post(&self, request: &PreparedRequest) -> ServerReply {
        reply_within(POST_MILLISECONDS, request).await
    }

    async fn look_up(&self, request: &PreparedRequest) -> ServerReply {
        reply_within(LOOK_UP_MILLISECONDS, request).await
    }
}

/// Sends one request and awaits its response for at most that many milliseconds.
async fn reply_within(milliseconds: u32, request: &PreparedRequest) -> ServerReply {
    let not_sent = |message: String| ServerReply::NotSent { message };
    let Ok(abort) = AbortController::new() else {
        return not_sent("this browser cannot stop requests".to_owned());
    };
    let limit = request.request().max_response_bytes;
    let url = request.request().url.clone();
    let request = match build(request, &abort) {
        Ok(request) => request,
        Err(reason) => return not_sent(reason),
    };
    // From here on the task may have arrived, whatever happens.
    let reply = within(milliseconds, reply(request, url, limit)).await;
    // Also if there was one: the rest of a long body is not needed.
    abort.abort();
    reply.unwrap_or(ServerReply::TimedOut { milliseconds })
}

async fn reply(request: Request, url: String, limit: Option<usize>) -> ServerReply {
    let response = match send(request).await {
        Ok(response) => response,
        Err(SendError::NotConnected(message)) => return ServerReply::NotSent { message },
        Err(SendError::NoResponse(message)) => return ServerReply::None { message },
    };
    let header = |name: &str| header(&response, name);
    let status = response.status();
    // Browsers hide status and target of a redirect; other implementations of `fetch` show them.
    if response.type_() == ResponseType::Opaqueredirect {
        return ServerReply::Redirected {
            redirect: Redirect::Hidden,
        };
    }
    if matches!(status, 301 | 302 | 303 | 307 | 308) {
        return ServerReply::Redirected {
            redirect: redirect::of_response(&url, status, header("location").as_deref()),
        };
    }
    let (retry_after, replayed) = (header("retry-after"), header("idempotent-replayed"));
    let (content_type, location) = (header("content-type"), header("location"));
    // The status decides the outcome; a truncated body does not change it.
    let (body, _) = read_at_most(&response, limit).await;
    ServerReply::Http {
        status,
        content_type,
        retry_after,
        location,
        replayed: replayed.is_some_and(|value| value == "true"),
        body: String::from_utf8_lossy(&body).into_owned(),
    }
}

/// Reads at most `limit` bytes of a small body, and returns how the reading ended.
async fn read_at_most(response: &Response, limit: Option<usize>) -> (Vec<u8>, End) {
    let limit = limit.unwrap_or(usize::MAX);
    let mut body = Vec::new();
    let mut take = |part: ResponsePart<'_>| {
        let ResponsePart::Bytes(bytes) = part else {
            return Needed::All;
        };
        let room = limit.saturating_sub(body.len());
        body.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        if bytes.len() >= room {
            Needed::Nothing
        } else {
            Needed::All
        }
    };
    let deadline = Deadline::from_now(SMALL_BODY);
    let end = read_body(response, deadline, &StopSignal::default(), &mut take).await;
    (body, end)
}

/// Whether a server answers a `GET` at all, also if the browser does not let the page read the response
/// (Fetch standard, request mode `no-cors`). Without an answer the server may also be blocked.
pub async fn reaches(url: &str) -> bool {
    let Ok(abort) = AbortController::new() else {
        return false;
    };
    let request = gloo_net::http::Request::get(url)
        .mode(RequestMode::NoCors)
        .credentials(RequestCredentials::Omit)
        .referrer_policy(ReferrerPolicy::NoReferrer)
        .cache(RequestCache::NoStore)
        .abort_signal(Some(&abort.signal()))
        .build();
    let Ok(request) = request.map(Request::from) else {
        return false;
    };
    let response = within(LOOK_UP_MILLISECONDS, send(request)).await;
    // The body is not needed.
    abort.abort();
    matches!(response, Some(Ok(_)))
}

/// Sends a small request and returns the status and the body, up to the limit of the request.
///
/// # Errors
/// Returns the browser's message.
pub async fn get_bounded(request: &PreparedRequest) -> Result<(u16, Vec<u8>), String> {
    let abort = AbortController::new().map_err(|thrown| js_error_message(&thrown))?;
    let sent = send(build(request, &abort)?);
    let Some(response) = within(LOOK_UP_MILLISECONDS, sent).await else {
        abort.abort();
        return Err(format!(
            "there was no response within {} s",
            LOOK_UP_MILLISECONDS / 1_000
        ));
    };
    let response = response.map_err(SendError::into_message)?;
    let (body, end) = read_at_most(&response, request.request().max_response_bytes).await;
    // The rest of a longer body is not needed.
    abort.abort();
    match end {
        End::Ended => Ok((response.status(), body)),
        _ => Err("the response ended early".to_owned()),
    }
}
