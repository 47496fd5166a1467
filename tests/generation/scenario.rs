//! A scripted model, and a clock that skips waits.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use serde_json::{Value, json};
use taskwright::brief::BriefForm;
use taskwright::delivery::response::ServerReply;
use taskwright::driver::{LiveDriver, Report, run_generation};
use taskwright::http::PreparedRequest;
use taskwright::model::{Adaptation, End, NoticeCode};
use taskwright::ports::{
    CallEnd, Clock, ModelTransport, Needed, ResponsePart, StopSignal, TaskSink, Timeouts,
};
use taskwright::review::RunId;
use taskwright::run::{Event, GenerationState, Mode, Run, Start, Step};
use taskwright::schema::validator::{Validator, ValidatorOptions};
use taskwright::schema::{Check, TaskSchema};
use taskwright::secrets::Keyring;
use taskwright::settings::{Address, Connection, ModelEndpoint};

/// The time at which every run begins: 6 November 1994, 08:49:37.
pub const BEGIN: u64 = 784_111_777_000;

/// A schema with a key, a title and a rule outside the strict subset.
pub const SCHEMA: &str = r#"{"title":"t","type":"object","required":["key"],
    "additionalProperties":false,"properties":{
    "key":{"type":"string"},"title":{"type":"string","minLength":2}}}"#;

/// The response of the model to one call.
#[derive(Debug, Clone)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
    end: CallEnd,
}

impl Reply {
    /// A response with this status and body.
    pub fn status(status: u16, body: &str) -> Reply {
        Reply {
            status,
            headers: Vec::new(),
            body: body.to_owned(),
            end: CallEnd::Responded(End::Ended),
        }
    }

    /// No response at all.
    pub fn unreachable() -> Reply {
        Reply {
            end: CallEnd::Unreachable {
                reason: "Failed to fetch".to_owned(),
            },
            ..Reply::status(0, "")
        }
    }

    /// A response with this text and finish reason.
    pub fn text(text: &str, finish: &str) -> Reply {
        Reply::status(200, &streamed(text, Some(finish), None))
    }

    /// A complete response with tasks of these keys.
    pub fn tasks<'a>(keys: impl IntoIterator<Item = &'a str>) -> Reply {
        Reply::text(&envelope(keys), "stop")
    }

    /// A refusal with this message and no other details.
    pub fn refuses_with(status: u16, message: &str) -> Reply {
        Reply::status(status, &json!({"error": {"message": message}}).to_string())
    }

    /// A refusal of this request parameter.
    pub fn refuses(parameter: &str) -> Reply {
        let error = json!({"error": {"message": "no", "type": "invalid_request_error",
            "param": parameter, "code": "unsupported_parameter"}});
        Reply::status(400, &error.to_string())
    }

    /// The same response with a header.
    pub fn with_header(mut self, name: &str, value: &str) -> Reply {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same response, followed by its token usage.
    pub fn using(mut self, input: u64, output: u64) -> Reply {
        let usage = json!({"choices": [], "usage": {"prompt_tokens": input,
            "completion_tokens": output}});
        self.body.push_str(&format!("data: {usage}\n\n"));
        self
    }

    /// The same response, after which the connection breaks.
    pub fn broken(mut self) -> Reply {
        self.end = CallEnd::Responded(End::TransportError("network error".to_owned()));
        self
    }
}

/// The text of a response with tasks of these keys.
pub fn envelope<'a>(keys: impl IntoIterator<Item = &'a str>) -> String {
    let tasks: Vec<String> = keys
        .into_iter()
        .map(|key| json!({"key": key, "title": format!("Do {key}")}).to_string())
        .collect();
    format!("{{\"tasks\":[{}]}}", tasks.join(","))
}

/// The body of a stream with this text, finish reason and usage.
pub fn streamed(text: &str, finish: Option<&str>, usage: Option<Value>) -> String {
    let mut body = String::new();
    for piece in text.chars().collect::<Vec<_>>().chunks(40) {
        let piece: String = piece.iter().collect();
        let chunk = json!({"choices": [{"index": 0, "delta": {"content": piece}}]});
        body.push_str(&format!("data: {chunk}\n\n"));
    }
    if let Some(finish) = finish {
        let last = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]});
        body.push_str(&format!("data: {last}\n\n"));
    }
    if let Some(usage) = usage {
        body.push_str(&format!(
            "data: {}\n\n",
            json!({"choices": [], "usage": usage})
        ));
    }
    body
}

/// A call that was made.
#[derive(Debug, Clone)]
pub struct RecordedCall {
    /// When it was made, in milliseconds since [`BEGIN`].
    pub at: u64,
    /// Its body.
    pub body: Value,
}

impl RecordedCall {
    /// The response format that it asks for.
    pub fn format(&self) -> Option<&str> {
        self.body.pointer("/response_format/type")?.as_str()
    }

    /// The content of the user message.
    pub fn user_message(&self) -> &str {
        let messages = self.body["messages"].as_array().unwrap();
        messages.last().unwrap()["content"].as_str().unwrap()
    }

    /// The number of tasks that it asks for.
    pub fn count(&self) -> u32 {
        let line = self.user_message().lines().last().unwrap();
        let number = line.strip_prefix("Make exactly ").unwrap();
        number.split(' ').next().unwrap().parse().unwrap()
    }
}

type Script = Box<dyn FnMut(&RecordedCall) -> Reply>;

#[derive(Clone)]
struct Model {
    clock: SkippingClock,
    script: Rc<RefCell<Script>>,
    calls: Rc<RefCell<Vec<RecordedCall>>>,
}

impl ModelTransport for Model {
    async fn call(
        &self,
        request: &PreparedRequest,
        _timeouts: Timeouts,
        stop: &StopSignal,
        on_part: &mut dyn FnMut(ResponsePart<'_>) -> Needed,
    ) -> CallEnd {
        if stop.is_stopped() {
            return CallEnd::Stopped;
        }
        let call = RecordedCall {
            at: self.clock.now() - BEGIN,
            body: serde_json::from_str(request.request().body.as_deref().unwrap()).unwrap(),
        };
        self.calls.borrow_mut().push(call.clone());
        let reply = (self.script.borrow_mut())(&call);
        if reply.status > 0 {
            on_part(ResponsePart::Head {
                status: reply.status,
                headers: reply.headers,
                at: self.clock.now(),
            });
            for piece in reply.body.as_bytes().chunks(64) {
                on_part(ResponsePart::Bytes(piece));
            }
        }
        reply.end
    }
}

/// A generation posts nothing.
struct NoSink;

impl TaskSink for NoSink {
    async fn post(&self, _request: &PreparedRequest) -> ServerReply {
        panic!("a generation posts nothing")
    }

    async fn look_up(&self, _request: &PreparedRequest) -> ServerReply {
        panic!("a generation looks nothing up")
    }
}

/// A clock whose waits end immediately and advance the time.
#[derive(Clone)]
pub struct SkippingClock(Rc<Cell<u64>>);

impl Clock for SkippingClock {
    fn now(&self) -> u64 {
        self.0.get()
    }

    async fn sleep(&self, milliseconds: u32) {
        self.0.set(self.0.get() + u64::from(milliseconds));
    }
}

/// A generation that has ended.
pub struct Finished {
    pub run: Run,
    pub calls: Vec<RecordedCall>,
    pub reports: Vec<Report>,
}

impl Finished {
    /// The code of the outcome.
    pub fn code(&self) -> &'static str {
        match self.run.generation() {
            GenerationState::Ended { outcome, .. } => outcome.code(),
            other => panic!("it has not ended: {other:?}"),
        }
    }

    /// The message of the outcome.
    pub fn message(&self) -> String {
        match self.run.generation() {
            GenerationState::Ended { outcome, .. } => outcome.message(),
            other => panic!("it has not ended: {other:?}"),
        }
    }

    /// When each call was made, in milliseconds since [`BEGIN`].
    pub fn times(&self) -> Vec<u64> {
        self.calls.iter().map(|call| call.at).collect()
    }

    /// The codes of the notices.
    pub fn notices(&self) -> Vec<NoticeCode> {
        let notices = self.run.notices().iter();
        notices.map(|notice| notice.code).collect()
    }

    /// The names of the adaptations in force at the end.
    pub fn adaptations(&self) -> Vec<&'static str> {
        self.run
            .applied_adaptations()
            .map(Adaptation::code)
            .collect()
    }

    /// The response format of each call.
    pub fn formats(&self) -> Vec<Option<&str>> {
        self.calls.iter().map(RecordedCall::format).collect()
    }
}

/// The setup of a live run.
pub struct Scenario {
    pub id: u128,
    pub count: u16,
    pub endpoint: ModelEndpoint,
    pub schema: &'static str,
    /// The number of calls after which the operator stops the generation.
    pub stop_at: Option<usize>,
}

impl Default for Scenario {
    fn default() -> Scenario {
        Scenario {
            id: 7,
            count: 2,
            endpoint: ModelEndpoint::at(Address::parse("http://localhost:1/v1").unwrap(), "m"),
            schema: SCHEMA,
            stop_at: None,
        }
    }
}

impl Scenario {
    /// Runs the generation with these replies in order.
    pub fn run(self, replies: impl IntoIterator<Item = Reply>) -> Finished {
        let mut replies: VecDeque<Reply> = replies.into_iter().collect();
        self.run_with(move |_| replies.pop_front().expect("there are enough replies"))
    }

    /// Runs the generation with the replies that the script returns.
    pub fn run_with(self, script: impl FnMut(&RecordedCall) -> Reply + 'static) -> Finished {
        let form = BriefForm {
            goal: "Ship it".to_owned(),
            count: self.count.to_string(),
            ..BriefForm::default()
        };
        let started = Run::start(Start {
            id: RunId::from_bits(self.id),
            mode: Mode::Live,
            at: BEGIN,
            brief: Some(form.check(0).unwrap()),
            connection: Connection {
                model: Some(self.endpoint),
                ..Connection::built_in()
            },
            schema: TaskSchema::parse(self.schema).unwrap(),
        });
        run_to_end(started, self.stop_at, script)
    }
}

impl Finished {
    /// Continues the run with an event.
    pub fn then(
        mut self,
        event: Event,
        script: impl FnMut(&RecordedCall) -> Reply + 'static,
    ) -> Finished {
        let step = self.run.apply(event, BEGIN);
        assert_eq!(step.refused, None);
        run_to_end((self.run, step), None, script)
    }
}

fn run_to_end(
    started: (Run, Step),
    stop_at: Option<usize>,
    mut script: impl FnMut(&RecordedCall) -> Reply + 'static,
) -> Finished {
    let check: Arc<dyn Check> = Arc::new(
        Validator::compile(started.0.schema().value(), &ValidatorOptions::default()).unwrap(),
    );
    let clock = SkippingClock(Rc::new(Cell::new(BEGIN)));
    let stop = StopSignal::default();
    let (stop_now, count) = (stop.clone(), Cell::new(0));
    let model = Model {
        clock: clock.clone(),
        script: Rc::new(RefCell::new(Box::new(move |call: &RecordedCall| {
            count.set(count.get() + 1);
            if stop_at == Some(count.get()) {
                stop_now.stop();
            }
            script(call)
        }))),
        calls: Rc::default(),
    };
    let secrets = Rc::new(RefCell::new(Keyring::default()));
    let driver = LiveDriver::new(model.clone(), NoSink, secrets);
    let reports = RefCell::new(Vec::new());
    let report = |report| reports.borrow_mut().push(report);
    let run = poll_ready(run_generation(
        &driver, &clock, started, check, &stop, &report,
    ));
    Finished {
        run,
        calls: model.calls.take(),
        reports: reports.into_inner(),
    }
}

/// The number of tasks reported as arrived.
pub fn tasks_reported(finished: &Finished) -> usize {
    let is_task = |report: &&Report| matches!(report, Report::Event(event) if matches!(**event, Event::TaskArrived { .. }));
    finished.reports.iter().filter(is_task).count()
}

/// Runs a future that is ready on the first poll because no wait takes time.
pub fn poll_ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future is not ready"),
    }
}
