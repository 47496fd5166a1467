//! `TaskStream` of the TypeScript types.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use wasm_bindgen::prelude::*;

use super::arguments::{self, Thrown};
use super::error::ApiError;
use super::events::JsStreamEvent;
use super::outcome::JsOutcome;
use super::settings::ApiName;
use super::{event_objects, schema, shape};
use crate::model::{self, End};
use crate::schema::Check;
use crate::schema::strict::{self, ModelSchema};
use crate::settings::Api;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OpenInput {
    schema: Value,
    api: ApiName,
}

/// Parses the body of one response.
#[wasm_bindgen(js_name = TaskStream, skip_typescript)]
pub struct JsTaskStream {
    stream: model::TaskStream,
    check: Arc<dyn Check>,
    derived: Option<ModelSchema>,
    /// The result, once the body has ended.
    end: Option<JsStreamEnd>,
}

/// `StreamEnd` of the TypeScript types.
#[derive(Debug, Serialize)]
struct JsStreamEnd {
    #[serde(flatten)]
    outcome: JsOutcome,
    /// The events that the end of the body completes.
    events: Vec<JsStreamEvent>,
}

#[wasm_bindgen(js_class = TaskStream)]
impl JsTaskStream {
    /// Opens a stream for one body.
    ///
    /// # Errors
    /// Rejects with the code of the schema error, or `invalid_argument`.
    #[wasm_bindgen(skip_typescript)]
    pub async fn open(options: JsValue) -> Result<JsTaskStream, Thrown> {
        let input: OpenInput = shape::read("options", &arguments::json("options", &options)?)?;
        let schema = schema::parse(&input.schema)?;
        let check: Arc<dyn Check> = Arc::new(schema::compile(&schema)?);
        Ok(JsTaskStream {
            stream: model::TaskStream::new(Api::from(input.api), Arc::clone(&check)),
            check,
            derived: strict::model_schema(schema.value()).ok(),
            end: None,
        })
    }

    /// Parses the next bytes of the body and returns the events.
    ///
    /// # Errors
    /// `stream_finished` after `finish`, `invalid_argument` for anything but a `Uint8Array`.
    #[wasm_bindgen(skip_typescript)]
    pub fn push(&mut self, bytes: &JsValue) -> Result<JsValue, Thrown> {
        if self.end.is_some() {
            return Err(ApiError::StreamFinished.into());
        }
        let bytes = arguments::bytes("bytes", bytes)?;
        let events = self.stream.push(&bytes);
        event_objects::to_array(&self.js_events(events))
    }

    /// Ends the body and returns its outcome with the last events.
    ///
    /// # Errors
    /// None.
    #[wasm_bindgen(skip_typescript)]
    pub fn finish(&mut self) -> Result<JsValue, Thrown> {
        let end = match self.end.take() {
            Some(end) => end,
            None => {
                let events = self.stream.close();
                let outcome = self.stream.finish(End::Ended);
                JsStreamEnd {
                    outcome: JsOutcome::new(
                        &outcome,
                        self.stream.raw_text(),
                        self.stream.reasoning(),
                    ),
                    events: self.js_events(events),
                }
            }
        };
        let result = arguments::to_js(&end);
        self.end = Some(end);
        result
    }

    fn js_events(&self, events: Vec<model::StreamEvent>) -> Vec<JsStreamEvent> {
        events
            .into_iter()
            .map(|event| JsStreamEvent::from(self.without_nulls(event)))
            .collect()
    }

    /// Removes each `null` that only the schema for the model allows, as a live run does.
    fn without_nulls(&self, event: model::StreamEvent) -> model::StreamEvent {
        let (
            model::StreamEvent::Task {
                index, document, ..
            },
            Some(derived),
        ) = (&event, &self.derived)
        else {
            return event;
        };
        let cleaned = strict::without_model_nulls(document, derived);
        if cleaned == *document {
            return event;
        }
        model::StreamEvent::Task {
            index: *index,
            violations: self.check.check(&cleaned),
            document: cleaned,
        }
    }
}
