//! A model that answers by a script, and a clock that runs ahead when somebody waits.

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
use taskwright::model::End;
use taskwright::ports::{
    CallEnd, Clock, ModelTransport, ResponsePart, StopSignal, TaskSink, Timeouts,
};
use taskwright::review::RunId;
use taskwright::run::{Event, GenerationState, Mode, Run, Start, Step};
use taskwright::schema::validator::{Validator, ValidatorOptions};
use taskwright::schema::{Check, TaskSchema};
use taskwright::secrets::Keyring;
use taskwright::settings::{Address, Connection, ModelEndpoint};

/// The time at which every run begins: 6 November 1994, 08:49:37.
pub const BEGIN: u64 = 784_111_777_000;

/// A schema with a key, a title and a rule that the model is not told.
pub const SCHEMA: &str = r#"{"title":"t","type":"object","required":["key"],
    "additionalProperties":false,"properties":{
    "key":{"type":"string"},"title":{"type":"string","minLength":2}}}"#;

/// What the model answers to one call.
#[derive(Debug, Clone)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
    end: CallEnd,
}

impl Reply {
    /// A status with a body and without an answer.
    pub fn status(status: u16, body: &str) -> Reply {
        Reply {
            status,
            headers: Vec::new(),
            body: body.to_owned(),
            end: CallEnd::Responded(End::Ended),
        }
    }

    /// No status at all.
    pub fn unreachable() -> Reply {
        Reply {
            end: CallEnd::Unreachable {
                reason: "Failed to fetch".to_owned(),
            },
            ..Reply::status(0, "")
        }
    }

    /// An answer with this text and this reason for its end.
    pub fn says(text: &str, finish: &str) -> Reply {
        Reply::status(200, &streamed(text, Some(finish), None))
    }

    /// An answer with tasks of these keys.
    pub fn tasks<'a>(keys: impl IntoIterator<Item = &'a str>) -> Reply {
        Reply::says(&envelope(keys), "stop")
    }

    /// A refusal of one parameter.
    pub fn refuses(parameter: &str) -> Reply {
        let error = json!({"error": {"message": "no", "type": "invalid_request_error",
            "param": parameter, "code": "unsupported_parameter"}});
        Reply::status(400, &error.to_string())
    }

    /// The same with a header.
    pub fn with_header(mut self, name: &str, value: &str) -> Reply {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same with so many tokens sent and answered told at its end.
    pub fn using(mut self, input: u64, output: u64) -> Reply {
        let usage = json!({"choices": [], "usage": {"prompt_tokens": input,
            "completion_tokens": output}});
        self.body.push_str(&format!("data: {usage}\n\n"));
        self
    }

    /// The same, its connection broken after all of it.
    pub fn broken(mut self) -> Reply {
        self.end = CallEnd::Responded(End::TransportError("network error".to_owned()));
        self
    }
}

/// The text of an answer with tasks of these keys.
pub fn envelope<'a>(keys: impl IntoIterator<Item = &'a str>) -> String {
    let tasks: Vec<String> = keys
        .into_iter()
        .map(|key| json!({"key": key, "title": format!("Do {key}")}).to_string())
        .collect();
    format!("{{\"tasks\":[{}]}}", tasks.join(","))
}

/// The stream of a text; without a reason it ends without a word.
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
pub struct Asked {
    /// When, in milliseconds since the beginning.
    pub at: u64,
    /// Its body.
    pub body: Value,
}

impl Asked {
    /// The form of structured output that it asks for.
    pub fn format(&self) -> Option<&str> {
        self.body.pointer("/response_format/type")?.as_str()
    }

    /// What the operator's message says.
    pub fn says(&self) -> &str {
        self.body
            .pointer("/messages/1/content")
            .unwrap()
            .as_str()
            .unwrap()
    }

    /// How many tasks it asks for.
    pub fn count(&self) -> u32 {
        let line = self.says().lines().last().unwrap();
        let number = line.strip_prefix("Make exactly ").unwrap();
        number.split(' ').next().unwrap().parse().unwrap()
    }
}

type Script = Box<dyn FnMut(&Asked) -> Reply>;

#[derive(Clone)]
struct Model {
    clock: Ahead,
    script: Rc<RefCell<Script>>,
    asked: Rc<RefCell<Vec<Asked>>>,
}

impl ModelTransport for Model {
    async fn call(
        &self,
        request: &PreparedRequest,
        _timeouts: Timeouts,
        stop: &StopSignal,
        on_part: &mut dyn FnMut(ResponsePart<'_>),
    ) -> CallEnd {
        if stop.is_stopped() {
            return CallEnd::Stopped;
        }
        let asked = Asked {
            at: self.clock.now() - BEGIN,
            body: serde_json::from_str(request.request().body.as_deref().unwrap()).unwrap(),
        };
        self.asked.borrow_mut().push(asked.clone());
        let reply = (self.script.borrow_mut())(&asked);
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

/// Nothing is posted here.
struct Nothing;

impl TaskSink for Nothing {
    async fn post(&self, _request: &PreparedRequest) -> ServerReply {
        panic!("a generation posts nothing")
    }

    async fn look_up(&self, _request: &PreparedRequest) -> ServerReply {
        panic!("a generation looks nothing up")
    }
}

/// A clock that runs ahead when somebody waits.
#[derive(Clone)]
pub struct Ahead(Rc<Cell<u64>>);

impl Clock for Ahead {
    fn now(&self) -> u64 {
        self.0.get()
    }

    async fn sleep(&self, milliseconds: u32) {
        self.0.set(self.0.get() + u64::from(milliseconds));
    }
}

/// What a generation came to.
pub struct Played {
    pub run: Run,
    pub asked: Vec<Asked>,
    pub told: Vec<Report>,
}

impl Played {
    /// The code of the run's outcome.
    pub fn code(&self) -> &'static str {
        match self.run.generation() {
            GenerationState::Ended { outcome, .. } => outcome.code(),
            other => panic!("it has not ended: {other:?}"),
        }
    }

    /// What the outcome says.
    pub fn message(&self) -> String {
        match self.run.generation() {
            GenerationState::Ended { outcome, .. } => outcome.message(),
            other => panic!("it has not ended: {other:?}"),
        }
    }

    /// When each call was made, in milliseconds since the beginning.
    pub fn times(&self) -> Vec<u64> {
        self.asked.iter().map(|asked| asked.at).collect()
    }

    /// The codes of what was odd.
    pub fn notices(&self) -> Vec<&str> {
        let notices = self.run.notices().iter();
        notices.map(|note| note.code.as_str()).collect()
    }

    /// The form of structured output of each call.
    pub fn formats(&self) -> Vec<Option<&str>> {
        self.asked.iter().map(Asked::format).collect()
    }
}

/// A live run that is about to begin.
pub struct World {
    pub id: u128,
    pub count: u16,
    pub endpoint: ModelEndpoint,
    pub schema: &'static str,
    /// The stop is given when this many calls were made.
    pub stop_at: Option<usize>,
}

impl Default for World {
    fn default() -> World {
        World {
            id: 7,
            count: 2,
            endpoint: ModelEndpoint::at(Address::parse("http://localhost:1/v1").unwrap(), "m"),
            schema: SCHEMA,
            stop_at: None,
        }
    }
}

impl World {
    /// Plays it with one reply after the other.
    pub fn play(self, replies: impl IntoIterator<Item = Reply>) -> Played {
        let mut replies: VecDeque<Reply> = replies.into_iter().collect();
        self.play_by(move |_| replies.pop_front().expect("a reply is left"))
    }

    /// Plays it with what the script answers to each call.
    pub fn play_by(self, script: impl FnMut(&Asked) -> Reply + 'static) -> Played {
        let form = BriefForm {
            goal: "Ship it".to_owned(),
            count: self.count.to_string(),
            ..BriefForm::default()
        };
        let begun = Run::start(Start {
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
        carry_out(begun, self.stop_at, script)
    }
}

impl Played {
    /// Goes on with what the operator does next.
    pub fn then(mut self, event: Event, script: impl FnMut(&Asked) -> Reply + 'static) -> Played {
        let step = self.run.apply(event, BEGIN);
        assert_eq!(step.refused, None);
        carry_out((self.run, step), None, script)
    }
}

fn carry_out(
    begun: (Run, Step),
    stop_at: Option<usize>,
    mut script: impl FnMut(&Asked) -> Reply + 'static,
) -> Played {
    let check: Arc<dyn Check> = Arc::new(
        Validator::compile(begun.0.schema().value(), &ValidatorOptions::default()).unwrap(),
    );
    let clock = Ahead(Rc::new(Cell::new(BEGIN)));
    let stop = StopSignal::default();
    let (heard, made) = (stop.clone(), Cell::new(0));
    let model = Model {
        clock: clock.clone(),
        script: Rc::new(RefCell::new(Box::new(move |asked: &Asked| {
            made.set(made.get() + 1);
            if stop_at == Some(made.get()) {
                heard.stop();
            }
            script(asked)
        }))),
        asked: Rc::default(),
    };
    let secrets = Rc::new(RefCell::new(Keyring::default()));
    let driver = LiveDriver::new(model.clone(), Nothing, secrets);
    let told = RefCell::new(Vec::new());
    let tell = |report| told.borrow_mut().push(report);
    let run = at_once(run_generation(&driver, &clock, begun, check, &stop, &tell));
    Played {
        run,
        asked: model.asked.take(),
        told: told.into_inner(),
    }
}

/// How many tasks were told to have arrived.
pub fn tasks_told(played: &Played) -> usize {
    let is_task = |report: &&Report| matches!(report, Report::Event(event) if matches!(**event, Event::TaskArrived { .. }));
    played.told.iter().filter(is_task).count()
}

/// Runs a future that never has to wait: the clock runs ahead.
pub fn at_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the clock runs ahead"),
    }
}
