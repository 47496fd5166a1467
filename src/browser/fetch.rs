//! Requests, by `fetch`. No cookies, no referrer, no cache, and no redirect is ever followed.

use gloo_net::http::{Request, RequestBuilder, Response};
use js_sys::{Promise, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, ReadableStreamDefaultReader, ReferrerPolicy, RequestCache, RequestCredentials,
    RequestRedirect, ResponseType,
};

use super::clock::{PageClock, Timer};
use super::words;
use crate::delivery::look_up::LookUpRequest;
use crate::delivery::rest::{MAX_ANSWER_BYTES, PostRequest, ServerReply};
use crate::model::{End, HeaderValue, ModelRequest};
use crate::ports::{CallEnd, Clock, ModelTransport, ResponsePart, StopSignal, TaskSink, Timeouts};
use crate::secrets::Secret;
use crate::settings::{Address, ModelEndpoint};

/// The longest that a post is waited for; what did not answer by then may have arrived.
pub const POST_MILLISECONDS: u32 = 60_000;
/// The longest that a small look-up is waited for.
const LOOK_UP_MILLISECONDS: u32 = 15_000;
/// A small body is waited for so long in all.
const LOOK_UP: Timeouts = Timeouts {
    idle: LOOK_UP_MILLISECONDS,
    whole: LOOK_UP_MILLISECONDS,
};

/// The page's way to the network.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fetch;

/// A request that cannot be, or that came to nothing; what the browser said.
type Failed = String;

fn quiet(builder: RequestBuilder, redirect: RequestRedirect) -> RequestBuilder {
    builder
        .credentials(RequestCredentials::Omit)
        .referrer_policy(ReferrerPolicy::NoReferrer)
        .cache(RequestCache::NoStore)
        .redirect(redirect)
}

impl ModelTransport for Fetch {
    async fn call(
        &self,
        request: &ModelRequest,
        key: Option<&Secret>,
        patience: Timeouts,
        stop: &StopSignal,
        on_part: &mut dyn FnMut(ResponsePart<'_>),
    ) -> CallEnd {
        if stop.is_stopped() {
            return CallEnd::Stopped;
        }
        let Ok(abort) = AbortController::new() else {
            return not_sent("this browser cannot stop requests");
        };
        let on_stop = abort.clone();
        stop.on_stop(move || on_stop.abort());
        let builder = quiet(Request::post(&request.url), RequestRedirect::Error)
            .abort_signal(Some(&abort.signal()));
        let built = with_headers(builder, request, key).and_then(|builder| {
            builder
                .body(&request.body)
                .map_err(|error| error.to_string())
        });
        let built = match built {
            Ok(built) => built,
            Err(reason) => return not_sent(&reason),
        };
        // An endpoint may think for long before it answers, so this wait is the idle time too.
        let waiting = Waiting::from_now(patience);
        let response = match within(waiting.left(), send(built)).await {
            None => {
                abort.abort();
                return CallEnd::Answered(waiting.end());
            }
            Some(Err(_)) if stop.is_stopped() => return CallEnd::Stopped,
            Some(Err(reason)) => return unreachable(&reason),
            Some(Ok(response)) => response,
        };
        on_part(ResponsePart::Head {
            status: response.status(),
            headers: readable_headers(&response),
            at: PageClock.now(),
        });
        let end = read_body(&response, waiting, stop, on_part).await;
        abort.abort();
        CallEnd::Answered(end)
    }
}

/// How long an answer is still waited for.
#[derive(Clone, Copy)]
struct Waiting {
    idle: u32,
    /// When the whole call is over, in milliseconds since 1970.
    until: u64,
}

impl Waiting {
    fn from_now(patience: Timeouts) -> Waiting {
        Waiting {
            idle: patience.idle,
            until: PageClock.now() + u64::from(patience.whole),
        }
    }

    /// How many milliseconds the next byte may take.
    fn left(self) -> u32 {
        let left = self.until.saturating_sub(PageClock.now());
        self.idle.min(u32::try_from(left).unwrap_or(u32::MAX))
    }

    /// What it is when nothing came in that time.
    fn end(self) -> End {
        if PageClock.now() >= self.until {
            End::OutOfTime
        } else {
            End::Stalled
        }
    }
}

fn not_sent(reason: &str) -> CallEnd {
    CallEnd::NotSent {
        reason: reason.to_owned(),
    }
}

fn unreachable(reason: &str) -> CallEnd {
    CallEnd::Unreachable {
        reason: reason.to_owned(),
    }
}

fn with_headers(
    mut builder: RequestBuilder,
    request: &ModelRequest,
    key: Option<&Secret>,
) -> Result<RequestBuilder, Failed> {
    let address = request_address(&request.url)?;
    for (name, value) in &request.headers {
        builder = match value {
            HeaderValue::Plain(value) => builder.header(name, value),
            HeaderValue::Secret { before, .. } => {
                let key = key.ok_or("there is no key for this endpoint")?;
                let value = key.reveal_to(&address).map_err(|error| error.to_string())?;
                builder.header(name, &format!("{before}{value}"))
            }
        };
    }
    Ok(builder)
}

/// The address that a request really goes to, read from its own URL: a secret is put in for this
/// origin only, whatever the request was made from. A query says nothing of that.
fn request_address(url: &str) -> Result<Address, Failed> {
    let before_query = url.split_once('?').map_or(url, |(before, _)| before);
    Address::parse(before_query).map_err(|error| error.to_string())
}

async fn send(request: Request) -> Result<Response, Failed> {
    request.send().await.map_err(|error| error.to_string())
}

/// What a page may read of the headers that matter.
fn readable_headers(response: &Response) -> Vec<(String, String)> {
    [
        "content-type",
        "retry-after",
        "retry-after-ms",
        "x-should-retry",
        "x-request-id",
    ]
    .iter()
    .filter_map(|name| Some(((*name).to_owned(), response.headers().get(name)?)))
    .collect()
}

/// Reads a body to its end, or until it is stopped or the waiting is over.
async fn read_body(
    response: &Response,
    waiting: Waiting,
    stop: &StopSignal,
    on_part: &mut dyn FnMut(ResponsePart<'_>),
) -> End {
    let Some(body) = response.body() else {
        return End::Ended;
    };
    let reader: ReadableStreamDefaultReader = match body.get_reader().dyn_into() {
        Ok(reader) => reader,
        Err(_) => return End::TransportError("the answer's body cannot be read".to_owned()),
    };
    loop {
        if stop.is_stopped() {
            return End::Cancelled;
        }
        let chunk = match within(waiting.left(), JsFuture::from(reader.read())).await {
            None => return waiting.end(),
            Some(Err(_)) if stop.is_stopped() => return End::Cancelled,
            Some(Err(thrown)) => return End::TransportError(words(&thrown)),
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
            on_part(ResponsePart::Bytes(&bytes.to_vec()));
        }
    }
}

/// A future with a limit in milliseconds; `None` when the time was over first. Timers are
/// recomputed by the browser after sleep.
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
    async fn post(&self, request: &PostRequest, token: &Secret) -> ServerReply {
        let build = |abort: &AbortController| {
            let mut builder = Request::post(&request.url);
            for (name, value) in &request.headers {
                builder = builder.header(name, value);
            }
            let builder = with_token(
                builder,
                &request.url,
                &request.address,
                &request.token_header.0,
                token,
            )?;
            quiet(builder, RequestRedirect::Manual)
                .abort_signal(Some(&abort.signal()))
                .body(&*request.body)
                .map_err(|error| error.to_string())
        };
        answer_within(POST_MILLISECONDS, build).await
    }

    async fn look_up(&self, request: &LookUpRequest, token: &Secret) -> ServerReply {
        let build = |abort: &AbortController| {
            let builder = with_token(
                Request::get(&request.url),
                &request.url,
                &request.address,
                &request.token_header.0,
                token,
            )?;
            quiet(builder, RequestRedirect::Manual)
                .abort_signal(Some(&abort.signal()))
                .build()
                .map_err(|error| error.to_string())
        };
        answer_within(LOOK_UP_MILLISECONDS, build).await
    }
}

/// Puts the task server's token in, for the server's own origin only.
fn with_token(
    builder: RequestBuilder,
    url: &str,
    server: &Address,
    header: &str,
    token: &Secret,
) -> Result<RequestBuilder, Failed> {
    let address = request_address(url)?;
    if address.origin() != server.origin() {
        return Err("the address is not the task server's".to_owned());
    }
    let value = token
        .reveal_to(&address)
        .map_err(|error| error.to_string())?;
    Ok(builder.header(header, value))
}

/// Makes one request and waits for its answer, at most so many milliseconds.
async fn answer_within(
    milliseconds: u32,
    build: impl FnOnce(&AbortController) -> Result<Request, Failed>,
) -> ServerReply {
    let not_sent = |message: String| ServerReply::NotSent { message };
    let Ok(abort) = AbortController::new() else {
        return not_sent("this browser cannot stop requests".to_owned());
    };
    let request = match build(&abort) {
        Ok(request) => request,
        Err(reason) => return not_sent(reason),
    };
    // From here on a task may have arrived, whatever happens.
    match within(milliseconds, answer(request)).await {
        Some(answer) => answer,
        None => {
            abort.abort();
            ServerReply::None {
                message: format!("There was no answer within {} s.", milliseconds / 1_000),
            }
        }
    }
}

async fn answer(request: Request) -> ServerReply {
    let response = match send(request).await {
        Ok(response) => response,
        Err(message) => return ServerReply::None { message },
    };
    if response.type_() == ResponseType::Opaqueredirect {
        return ServerReply::Redirected;
    }
    let header = |name: &str| response.headers().get(name);
    let (retry_after, replayed) = (header("retry-after"), header("idempotent-replayed"));
    let status = response.status();
    // The status says what became of the task; a body that breaks off changes nothing about it.
    let mut body = Vec::new();
    let stop = StopSignal::default();
    let enough = stop.clone();
    let mut take = |part: ResponsePart<'_>| {
        if let ResponsePart::Bytes(bytes) = part {
            let room = MAX_ANSWER_BYTES.saturating_sub(body.len());
            body.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
            if bytes.len() >= room {
                enough.stop();
            }
        }
    };
    let _ = read_body(&response, Waiting::from_now(LOOK_UP), &stop, &mut take).await;
    ServerReply::Http {
        status,
        retry_after,
        replayed: replayed.is_some_and(|value| value == "true"),
        body: String::from_utf8_lossy(&body).into_owned(),
    }
}

/// Status and body (at most `most` bytes) of a `GET`, for look-ups that carry at most the model's
/// key.
///
/// # Errors
/// What the browser said.
pub async fn look_up(
    url: &str,
    key: Option<(&ModelEndpoint, &Secret)>,
    most: usize,
) -> Result<(u16, Vec<u8>), Failed> {
    let mut builder = quiet(Request::get(url), RequestRedirect::Error);
    if let Some((endpoint, secret)) = key {
        let address = request_address(url)?;
        if address.origin() == endpoint.base_url.origin() {
            let value = secret
                .reveal_to(&address)
                .map_err(|error| error.to_string())?;
            builder = builder.header("Authorization", &format!("Bearer {value}"));
        }
    }
    let request = builder.build().map_err(|error| error.to_string())?;
    let response = within(LOOK_UP_MILLISECONDS, send(request))
        .await
        .ok_or("there was no answer in time")??;
    let mut body = Vec::new();
    let mut take = |part: ResponsePart<'_>| {
        if let ResponsePart::Bytes(bytes) = part {
            let room = most.saturating_sub(body.len());
            body.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        }
    };
    match read_body(
        &response,
        Waiting::from_now(LOOK_UP),
        &StopSignal::default(),
        &mut take,
    )
    .await
    {
        End::Ended => Ok((response.status(), body)),
        _ => Err("the answer broke off".to_owned()),
    }
}
