//! The functions of the TypeScript types.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use js_sys::{Function, JSON, Object, Reflect};
use serde::Serialize;
use serde_json::{Map, Value};
use wasm_bindgen::prelude::*;

use super::arguments::{self, Thrown};
use super::delivery::PreparedDelivery;
use super::error::SurfaceError;
use super::generation::Gathering;
use super::receipt::JsReceipt;
use super::{batch, brief, settings, signal, validator};
use crate::browser::clock::PageClock;
use crate::browser::fetch::Fetch;
use crate::browser::{random, words};
use crate::document::Document;
use crate::driver::{self, Assignment, LiveDriver};
use crate::model::ResponseFormat;
use crate::ports::{Clock, StopSignal};
use crate::review::RunId;
use crate::run::{Mode, Run, Start};
use crate::schema::strict;
use crate::schema::{Check, agent_task_schema};
use crate::secrets::SecretName;
use crate::settings::{Connection, ModelEndpoint};

/// The types, written by hand; wasm-bindgen's own know nothing of what is inside a value.
#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = include_str!("types.d.ts");

/// The schema that tasks have when no other is given.
///
/// # Errors
/// None.
#[wasm_bindgen(js_name = defaultSchema, skip_typescript)]
pub fn default_schema() -> Result<JsValue, Thrown> {
    JSON::parse(agent_task_schema())
}

/// The schema that the model is shown.
///
/// # Errors
/// `schema_…` and `strict_…`.
#[wasm_bindgen(js_name = modelSchema, skip_typescript)]
pub fn model_schema(schema: &JsValue) -> Result<JsValue, Thrown> {
    let schema = validator::read_schema(schema)?;
    let derived = strict::model_schema(schema.value()).map_err(SurfaceError::Strict)?;
    let output = Object::new();
    for (member, value) in [
        ("schema", arguments::schema_to_js(&derived.schema)?),
        ("relaxed", arguments::to_js(&derived.relaxed)?),
    ] {
        Reflect::set(&output, &member.into(), &value)?;
    }
    Ok(output.into())
}

#[derive(Serialize)]
struct ModelRequestOutput {
    method: &'static str,
    url: String,
    headers: Map<String, Value>,
    body: String,
}

/// The request that a generation would begin with, secrets as placeholders.
///
/// # Errors
/// The codes of the brief, the schema and the settings.
#[wasm_bindgen(js_name = buildRequest, skip_typescript)]
pub fn build_request(brief: &JsValue, settings: &JsValue) -> Result<JsValue, Thrown> {
    let without_key = arguments::without_secret(settings, settings::MODEL_KEY)?;
    let endpoint = settings::model_endpoint(&without_key.json, without_key.has_secret())?;
    let assignment = assignment(brief, Some(endpoint))?;
    let Some(request) = driver::request_for(&assignment) else {
        // There is an endpoint, so there is a request.
        return Ok(JsValue::UNDEFINED);
    };
    arguments::to_js(&ModelRequestOutput {
        method: "POST",
        headers: request
            .headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.with_placeholder().into()))
            .collect(),
        url: request.url,
        body: request.body,
    })
}

/// What is to be known of a batch as a whole.
///
/// # Errors
/// `json_…` and `task_not_an_object` for what is no task, `schema_…`, `invalid_argument`.
#[wasm_bindgen(js_name = lintBatch, skip_typescript)]
pub fn lint_batch(tasks: &JsValue, options: &JsValue) -> Result<JsValue, Thrown> {
    let texts = arguments::texts("tasks", tasks)?;
    let options = arguments::optional_json("options", options)?;
    arguments::to_js(&batch::lint(&texts, options.as_deref())?)
}

/// The tasks of a dry run. Nothing here has a way to the network.
///
/// # Errors
/// A rejection with the codes of the brief, the schema and the generator.
#[wasm_bindgen(js_name = dryRun, skip_typescript)]
pub async fn dry_run(brief: JsValue) -> Result<JsValue, Thrown> {
    let (brief, schema) = brief::read(&arguments::json("brief", &brief)?)?;
    let check = validator::compile(&schema).map_err(SurfaceError::Schema)?;
    let tasks =
        crate::dry_run::tasks(&brief, &schema, &check, brief.seed).map_err(SurfaceError::DryRun)?;
    let texts: Vec<&str> = tasks.iter().map(Document::text).collect();
    arguments::to_js(&texts)
}

/// Asks the model for the tasks of a brief.
///
/// # Errors
/// A rejection for what is wrong with the arguments, and `listener_failed` where `onEvent` threw.
/// How the request ended is no error.
#[wasm_bindgen(skip_typescript)]
pub async fn generate(
    brief: JsValue,
    settings: JsValue,
    options: JsValue,
) -> Result<JsValue, Thrown> {
    arguments::only("options", &options, &["signal", "onEvent"])?;
    let without_key = arguments::without_secret(&settings, settings::MODEL_KEY)?;
    let endpoint = settings::model_endpoint(&without_key.json, without_key.has_secret())?;
    let keyring = without_key.keyring(SecretName::ModelKey, &endpoint.base_url)?;
    if endpoint.wants_key() && !without_key.has_secret() {
        return Err(missing(settings::MODEL_KEY, &endpoint.base_url));
    }
    let assignment = assignment(&brief, Some(endpoint))?;
    let check: Arc<dyn Check> =
        Arc::new(validator::compile(&assignment.schema).map_err(SurfaceError::Schema)?);
    let listener = Listener::of(&options, "onEvent")?;
    let following = signal::follow(&options)?;
    let driver = LiveDriver::new(Fetch, Fetch, Rc::new(RefCell::new(keyring)));
    let begun = Run::start(Start {
        // Told to nobody; without randomness only the waits are the same every time.
        id: RunId::from_bits(random::bits().unwrap_or_default()),
        mode: Mode::Live,
        at: PageClock.now(),
        brief: Some(assignment.brief),
        connection: assignment.connection,
        schema: assignment.schema,
    });
    let gathering = RefCell::new(Gathering::default());
    let tell = |report| {
        let event = gathering.borrow_mut().take(report);
        if let Some(event) = event {
            listener.tell(&event, &following.stop);
        }
    };
    let run =
        driver::run_generation(&driver, &PageClock, begun, check, &following.stop, &tell).await;
    listener.end(arguments::to_js(&gathering.into_inner().end(&run))?)
}

/// Posts tasks.
///
/// # Errors
/// Rejects for an argument that is wrong, before anything is sent, and with `listener_failed` if
/// `onReceipt` threw. The outcome of a task is not an error.
#[wasm_bindgen(skip_typescript)]
pub async fn deliver(
    tasks: JsValue,
    settings: JsValue,
    options: JsValue,
) -> Result<JsValue, Thrown> {
    const SCHEMA: &str = "schema";
    arguments::only("options", &options, &["signal", "onReceipt", SCHEMA])?;
    let tasks = arguments::tasks("tasks", &tasks)?;
    let without_token = arguments::without_secret(&settings, settings::AGENT_TOKEN)?;
    let server = settings::task_server(&without_token.json)?;
    let keyring = without_token.keyring(SecretName::AgentToken, &server.url)?;
    if !without_token.has_secret() {
        return Err(missing(settings::AGENT_TOKEN, &server.url));
    }
    let schema = arguments::option("options", &options, SCHEMA)?;
    let schema = (!schema.is_undefined())
        .then(|| validator::read_schema(&schema))
        .transpose()?;
    let random = if tasks.iter().all(|task| task.idempotency_key.is_some()) {
        0
    } else {
        random::bits().map_err(|reason| SurfaceError::NoRandomness { reason })?
    };
    let prepared = PreparedDelivery::prepare(&tasks, server, schema, random, PageClock.now())?;
    let listener = Listener::of(&options, "onReceipt")?;
    let following = signal::follow(&options)?;
    let driver = LiveDriver::new(Fetch, Fetch, Rc::new(RefCell::new(keyring)));
    let on_receipt = |receipt: &JsReceipt| listener.tell(receipt, &following.stop);
    let receipts = prepared
        .post(&driver, &PageClock, &following.stop, &on_receipt)
        .await;
    listener.end(arguments::to_js(&receipts)?)
}

fn assignment(brief: &JsValue, model: Option<ModelEndpoint>) -> Result<Assignment, SurfaceError> {
    let (brief, schema) = brief::read(&arguments::json("brief", brief)?)?;
    let connection = Connection {
        name: String::new(),
        model,
        task_server: None,
        task_schema: None,
    };
    Ok(Assignment::first(
        brief,
        schema,
        connection,
        ResponseFormat::default(),
    ))
}

fn missing(member: &'static str, address: &crate::settings::Address) -> Thrown {
    SurfaceError::SecretMissing {
        member,
        host: address.host_and_port(),
    }
    .into()
}

/// A function of the caller's that is told what happens. What it throws stops what is under way.
struct Listener {
    name: &'static str,
    function: Option<Function>,
    thrown: RefCell<Option<JsValue>>,
}

impl Listener {
    fn of(options: &JsValue, name: &'static str) -> Result<Listener, SurfaceError> {
        Ok(Listener {
            name,
            function: arguments::function("options", options, name)?,
            thrown: RefCell::default(),
        })
    }

    fn tell(&self, event: &impl Serialize, stop: &StopSignal) {
        let Some(function) = &self.function else {
            return;
        };
        if self.thrown.borrow().is_some() {
            return;
        }
        let told =
            arguments::to_js(event).and_then(|event| function.call1(&JsValue::UNDEFINED, &event));
        if let Err(thrown) = told {
            *self.thrown.borrow_mut() = Some(thrown);
            stop.stop();
        }
    }

    /// The result; where the listener threw, an error that carries it, so that no receipt is lost.
    fn end(&self, result: JsValue) -> Result<JsValue, Thrown> {
        let Some(thrown) = self.thrown.borrow_mut().take() else {
            return Ok(result);
        };
        let error = JsValue::from(SurfaceError::ListenerFailed {
            name: self.name,
            reason: words(&thrown),
        });
        for (member, value) in [("cause", thrown), ("result", result)] {
            // Setting a member of a new error cannot fail.
            let _ = Reflect::set(&error, &member.into(), &value);
        }
        Err(error)
    }
}
