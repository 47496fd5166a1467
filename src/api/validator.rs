//! `Validator` of the TypeScript types.

use std::cell::RefCell;
use std::collections::BTreeMap;

use js_sys::Array;
use serde::Deserialize;
use serde_json::Value;
use wasm_bindgen::prelude::*;

use super::arguments::{self, Thrown};
use super::error::ApiError;
use super::text_buffer::TextBuffer;
use super::{events, shape};
use crate::document::{Document, Reader};
use crate::review::import;
use crate::schema::validator::{Validator as Compiled, ValidatorOptions};
use crate::schema::{Check, TaskSchema, Violation};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct CompileInput {
    #[serde(default, deserialize_with = "shape::present")]
    formats: Option<Formats>,
    #[serde(default, deserialize_with = "shape::present")]
    resources: Option<BTreeMap<String, Value>>,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Formats {
    Assert,
    Annotate,
}

/// A compiled schema.
#[wasm_bindgen(js_name = Validator, skip_typescript)]
pub struct JsValidator {
    compiled: Compiled,
    /// Reused for each task.
    buffers: RefCell<Buffers>,
}

#[derive(Default)]
struct Buffers {
    text: TextBuffer,
    reader: Reader,
}

#[wasm_bindgen(js_class = Validator)]
impl JsValidator {
    /// Compiles a schema.
    ///
    /// # Errors
    /// Rejects with the code of the schema error, or `invalid_argument`.
    #[wasm_bindgen(skip_typescript)]
    // Asynchronous, so that the validator can become a separate file that is fetched here.
    pub async fn compile(schema: JsValue, options: JsValue) -> Result<JsValidator, Thrown> {
        let input: CompileInput = match arguments::optional_json("options", &options)? {
            Some(json) => shape::read("options", &json)?,
            None => CompileInput::default(),
        };
        let options = ValidatorOptions {
            assert_formats: input.formats != Some(Formats::Annotate),
            resources: input.resources.unwrap_or_default(),
        };
        // Only here a schema need not describe a task.
        let compiled = match schema.as_bool() {
            Some(accepts_all) => Compiled::compile(&Value::Bool(accepts_all), &options),
            None => Compiled::compile(read_schema(&schema)?.value(), &options),
        };
        let compiled = compiled.map_err(ApiError::Schema)?;
        Ok(JsValidator {
            compiled,
            buffers: RefCell::default(),
        })
    }

    /// Returns the violations of the text that `JSON.stringify` makes of a value.
    ///
    /// # Errors
    /// `invalid_argument` for a value without JSON text.
    #[wasm_bindgen(skip_typescript)]
    pub fn validate(&self, value: &JsValue) -> Result<JsValue, Thrown> {
        self.check(&arguments::json("value", value)?)
    }

    /// Returns the violations of the text of a task.
    ///
    /// # Errors
    /// `json_…` for a text that is not JSON, `invalid_argument` for anything but a string.
    #[wasm_bindgen(js_name = validateText, skip_typescript)]
    pub fn validate_text(&self, task: &JsValue) -> Result<JsValue, Thrown> {
        match self.violations_in_place(task) {
            Some(found) if found.is_empty() => Ok(Array::new().into()),
            Some(found) => arguments::to_js(&events::violations(found)),
            // Not JSON, not a string, or a string that may have a lone surrogate.
            None => self.check(&arguments::text("task", task)?),
        }
    }

    /// Returns the violations of each task of a text: one object, an array, `{"tasks": [...]}`, or JSON
    /// Lines.
    ///
    /// # Errors
    /// `import_…` for a text without tasks, `invalid_argument` for anything but a string.
    // Returning 10,000 lists, a tenth of them with a violation, takes 6 ms (Node.js 20, profile
    // `wasm-dev`; 3 ms as JSON text): too little for a conversion written by hand.
    #[wasm_bindgen(js_name = validateTasks, skip_typescript)]
    pub fn validate_tasks(&self, text: &JsValue) -> Result<JsValue, Thrown> {
        let in_place = self.buffers.try_borrow_mut().ok().and_then(|mut buffers| {
            let found = buffers
                .text
                .fill(text)
                .map(|text| self.violations_of_each(text));
            buffers.text.shrink();
            found
        });
        let found = match in_place {
            Some(found) => found?,
            None => self.violations_of_each(&arguments::text("text", text)?)?,
        };
        arguments::to_js(&found)
    }

    fn violations_of_each(&self, text: &str) -> Result<Vec<Vec<events::JsViolation>>, ApiError> {
        let mut found = Vec::new();
        import::for_each(text, &mut |task| {
            found.push(events::violations(self.compiled.violations(task)));
        })?;
        Ok(found)
    }

    /// Validates a text in the buffer it is copied to. `None` if the text cannot be read there.
    fn violations_in_place(&self, task: &JsValue) -> Option<Vec<Violation>> {
        let mut buffers = self.buffers.try_borrow_mut().ok()?;
        let Buffers { text, reader } = &mut *buffers;
        let found = text
            .fill(task)
            .and_then(|text| reader.read(text))
            .map(|task| self.compiled.violations(task));
        text.shrink();
        found
    }

    fn check(&self, text: &str) -> Result<JsValue, Thrown> {
        let document =
            Document::parse(text).map_err(|error| ApiError::NotJson { index: None, error })?;
        arguments::to_js(&events::violations(self.compiled.check(&document)))
    }
}

/// Reads a schema that JavaScript passed as an object.
pub(super) fn read_schema(schema: &JsValue) -> Result<TaskSchema, ApiError> {
    Ok(TaskSchema::parse(&arguments::json("schema", schema)?)?)
}
