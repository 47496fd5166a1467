//! The exported functions.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use js_sys::{Function, JSON, Object, Reflect};
use serde::Serialize;
use serde_json::{Map, Value};
use wasm_bindgen::prelude::*;

use super::arguments::{self, Thrown};
use super::delivery::PreparedDelivery;
use super::error::ApiError;
use super::generation::GenerationCollector;
use super::receipt::JsReceipt;
use super::{batch, brief, schema, settings, signal, validator};
use crate::browser::clock::PageClock;
use crate::browser::fetch::Fetch;
use crate::browser::{js_error_message, random};
use crate::document::Document;
use crate::driver::{self, Assignment, LiveDriver};
use crate::model::Adaptations;
use crate::ports::{Clock, StopSignal};
use crate::review::RunId;
use crate::run::{Mode, Run, Start};
use crate::schema::strict;
use crate::schema::{Check, agent_task_schema};
use crate::secrets::SecretSlot;
use crate::settings::{Connection, ModelEndpoint};

/// Returns the version of this package.
#[wasm_bindgen(skip_typescript)]
#[must_use]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

/// Returns the default task schema.
///
/// # Errors
/// None.
#[wasm_bindgen(js_name = defaultSchema, skip_typescript)]
pub fn default_schema() -> Result<JsValue, Thrown> {
    JSON::parse(agent_task_schema())
}

/// Returns the schema that the model is shown.
///
/// # Errors
/// `schema_…` and `strict_…`.
#[wasm_bindgen(js_name = modelSchema, skip_typescript)]
pub fn model_schema(schema: &JsValue) -> Result<JsValue, Thrown> {
    let schema = validator::read_schema(schema)?;
    // The schema is not used to validate, but it has to be one.
    schema::compile(&schema)?;
    let derived = strict::model_schema(schema.value()).map_err(ApiError::Strict)?;
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

/// Returns the first request that a generation would send, with placeholders for secrets.
///
/// # Errors
/// The codes of brief, schema and settings.
#[wasm_bindgen(js_name = buildRequest, skip_typescript)]
pub fn build_request(brief: &JsValue, settings: &JsValue) -> Result<JsValue, Thrown> {
    let without_key = arguments::without_secret(settings, settings::API_KEY)?;
    let endpoint = settings::model_endpoint(&without_key.json, without_key.has_secret())?;
    // The key is not sent, but it has to be one, and so has the schema.
    without_key.keyring(SecretSlot::API_KEY, &endpoint.base_url)?;
    let assignment = assignment(brief, Some(endpoint))?;
    schema::compile(&assignment.schema)?;
    let Some(request) = driver::request_for(&assignment) else {
        // Unreachable: there is an endpoint, so there is a request.
        return Ok(JsValue::UNDEFINED);
    };
    arguments::to_js(&ModelRequestOutput {
        method: request.method.as_str(),
        headers: request
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.with_placeholder().into()))
            .collect(),
        url: request.url,
        body: request.body.as_deref().unwrap_or_default().to_owned(),
    })
}

/// Checks a batch as a whole.
///
/// # Errors
/// `json_…` and `task_not_an_object` for a text that is not a task, `schema_…`, `invalid_argument`.
#[wasm_bindgen(js_name = lintBatch, skip_typescript)]
pub fn lint_batch(tasks: &JsValue, options: &JsValue) -> Result<JsValue, Thrown> {
    let texts = arguments::texts("tasks", tasks)?;
    let options = arguments::optional_json("options", options)?;
    arguments::to_js(&batch::lint(&texts, options.as_deref())?)
}

/// Generates the tasks of a dry run, without access to the network.
///
/// # Errors
/// Rejects with the codes of brief, schema and generator.
#[wasm_bindgen(js_name = dryRun, skip_typescript)]
pub async fn dry_run(brief: JsValue) -> Result<JsValue, Thrown> {
    let (brief, schema) = brief::read(&arguments::json("brief", &brief)?)?;
    let check = schema::compile(&schema)?;
    let tasks =
        crate::dry_run::tasks(&brief, &schema, &check, brief.seed).map_err(ApiError::DryRun)?;
    let texts: Vec<&str> = tasks.iter().map(Document::text).collect();
    arguments::to_js(&texts)
}

/// Asks the model for the tasks of a brief.
///
/// # Errors
/// Rejects if an argument is wrong, and with `listener_failed` if `onEvent` threw. The outcome of the
/// generation is not an error.
#[wasm_bindgen(skip_typescript)]
pub async fn generate(
    brief: JsValue,
    settings: JsValue,
    options: JsValue,
) -> Result<JsValue, Thrown> {
    arguments::check_options("options", &options, &["signal", "onEvent"])?;
    let without_key = arguments::without_secret(&settings, settings::API_KEY)?;
    let endpoint = settings::model_endpoint(&without_key.json, without_key.has_secret())?;
    let keyring = without_key.keyring(SecretSlot::API_KEY, &endpoint.base_url)?;
    if endpoint.requires_api_key() && !without_key.has_secret() {
        return Err(missing(settings::API_KEY, &endpoint.base_url));
    }
    let assignment = assignment(&brief, Some(endpoint))?;
    let check: Arc<dyn Check> = Arc::new(schema::compile(&assignment.schema)?);
    let check = keyring.task_check(check);
    let listener = Listener::of(&options, "onEvent")?;
    let abort = signal::follow(&options)?;
    let driver = LiveDriver::new(Fetch, Fetch, Rc::new(RefCell::new(keyring)));
    let started = Run::start(Start {
        // Not shown to anyone. Without randomness, the waits before retries are always the same.
        id: RunId::from_bits(random::bits().unwrap_or_default()),
        mode: Mode::Live,
        at: PageClock.now(),
        brief: Some(assignment.brief),
        connection: assignment.connection,
        schema: assignment.schema,
    });
    let collector = RefCell::new(GenerationCollector::default());
    let on_report = |report| {
        let event = collector.borrow_mut().take(report);
        if let Some(event) = event {
            listener.call(&event, &abort.stop);
        }
    };
    let run =
        driver::run_generation(&driver, &PageClock, started, check, &abort.stop, &on_report).await;
    listener.finish(arguments::to_js(&collector.into_inner().finish(&run))?)
}

/// Posts tasks.
///
/// # Errors
/// Rejects if an argument is wrong, before anything is sent, and with `listener_failed` if
/// `onReceipt` threw. The outcome of a task is not an error.
#[wasm_bindgen(skip_typescript)]
pub async fn deliver(
    tasks: JsValue,
    settings: JsValue,
    options: JsValue,
) -> Result<JsValue, Thrown> {
    const SCHEMA: &str = "schema";
    arguments::check_options("options", &options, &["signal", "onReceipt", SCHEMA])?;
    let tasks = arguments::tasks("tasks", &tasks)?;
    let without_token = arguments::without_secret(&settings, settings::AGENT_TOKEN)?;
    let server = settings::task_server(&without_token.json)?;
    let keyring = without_token.keyring(SecretSlot::AGENT_TOKEN, &server.url)?;
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
        random::bits().map_err(|reason| ApiError::NoRandomness { reason })?
    };
    let now = PageClock.now();
    let prepared = PreparedDelivery::prepare(&tasks, server, schema, &keyring, random, now)?;
    let listener = Listener::of(&options, "onReceipt")?;
    let abort = signal::follow(&options)?;
    let driver = LiveDriver::new(Fetch, Fetch, Rc::new(RefCell::new(keyring)));
    let on_receipt = |receipt: &JsReceipt| listener.call(receipt, &abort.stop);
    let receipts = prepared
        .post(&driver, &PageClock, &abort.stop, &on_receipt)
        .await;
    listener.finish(arguments::to_js(&receipts)?)
}

fn assignment(brief: &JsValue, model: Option<ModelEndpoint>) -> Result<Assignment, ApiError> {
    let (brief, schema) = brief::read(&arguments::json("brief", brief)?)?;
    let connection = Connection {
        model,
        ..Connection::named("")
    };
    Ok(Assignment::first(
        brief,
        schema,
        connection,
        Adaptations::default(),
    ))
}

fn missing(member: &'static str, address: &crate::settings::Address) -> Thrown {
    ApiError::SecretMissing {
        member,
        host: address.host_and_port(),
    }
    .into()
}

/// A listener of the caller. If it throws, it is not called again, and what is in progress is stopped.
struct Listener {
    name: &'static str,
    function: Option<Function>,
    thrown: RefCell<Option<JsValue>>,
}

impl Listener {
    fn of(options: &JsValue, name: &'static str) -> Result<Listener, ApiError> {
        Ok(Listener {
            name,
            function: arguments::function("options", options, name)?,
            thrown: RefCell::default(),
        })
    }

    fn call(&self, event: &impl Serialize, stop: &StopSignal) {
        let Some(function) = &self.function else {
            return;
        };
        if self.thrown.borrow().is_some() {
            return;
        }
        let returned =
            arguments::to_js(event).and_then(|event| function.call1(&JsValue::UNDEFINED, &event));
        if let Err(thrown) = returned {
            *self.thrown.borrow_mut() = Some(thrown);
            stop.stop();
        }
    }

    /// Returns the result, or if the listener threw, an error that carries it, so that no receipt is
    /// lost.
    fn finish(&self, result: JsValue) -> Result<JsValue, Thrown> {
        let Some(thrown) = self.thrown.borrow_mut().take() else {
            return Ok(result);
        };
        let error = JsValue::from(ApiError::ListenerFailed {
            name: self.name,
            reason: js_error_message(&thrown),
        });
        for (member, value) in [("cause", thrown), ("result", result)] {
            // Setting a member of a new error cannot fail.
            let _ = Reflect::set(&error, &member.into(), &value);
        }
        Err(error)
    }
}
