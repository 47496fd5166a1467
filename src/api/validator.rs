//! `Validator` of the TypeScript types.

use std::cell::RefCell;
use std::collections::BTreeMap;

use js_sys::Array;
use serde::Deserialize;
use serde_json::Value;
use wasm_bindgen::prelude::*;

use super::arguments::{self, Thrown};
use super::error::SurfaceError;
use super::text_buffer::TextBuffer;
use super::{events, shape};
use crate::document::{Document, Reader};
use crate::review::import;
use crate::schema::validator::{Validator as Compiled, ValidatorOptions};
use crate::schema::{Check, SchemaError, TaskSchema, Violation};

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
    /// Used again from task to task.
    memory: RefCell<Memory>,
}

#[derive(Default)]
struct Memory {
    text: TextBuffer,
    reader: Reader,
}

#[wasm_bindgen(js_class = Validator)]
impl JsValidator {
    /// Compiles a schema.
    ///
    /// # Errors
    /// A rejection with the code of the schema's fault, or `invalid_argument`.
    #[wasm_bindgen(skip_typescript)]
    // Asynchronous from the first day: where the validator is a file of its own, it is fetched here.
    pub async fn compile(schema: JsValue, options: JsValue) -> Result<JsValidator, Thrown> {
        let input: CompileInput = match arguments::optional_json("options", &options)? {
            Some(json) => shape::read("options", &json)?,
            None => CompileInput::default(),
        };
        let options = ValidatorOptions {
            assert_formats: input.formats != Some(Formats::Annotate),
            resources: input.resources.unwrap_or_default(),
        };
        // The one place where a schema need not describe a task.
        let compiled = match schema.as_bool() {
            Some(all_or_nothing) => Compiled::compile(&Value::Bool(all_or_nothing), &options),
            None => Compiled::compile(read_schema(&schema)?.value(), &options),
        };
        let compiled = compiled.map_err(SurfaceError::Schema)?;
        Ok(JsValidator {
            compiled,
            memory: RefCell::default(),
        })
    }

    /// What is wrong with the text that `JSON.stringify` makes of a value.
    ///
    /// # Errors
    /// `invalid_argument` for what has no JSON text.
    #[wasm_bindgen(skip_typescript)]
    pub fn validate(&self, value: &JsValue) -> Result<JsValue, Thrown> {
        self.check(&arguments::json("value", value)?)
    }

    /// What is wrong with a task.
    ///
    /// # Errors
    /// `json_…` for what is no JSON, `invalid_argument` for what is no string.
    #[wasm_bindgen(js_name = validateText, skip_typescript)]
    pub fn validate_text(&self, task: &JsValue) -> Result<JsValue, Thrown> {
        match self.found_in_place(task) {
            Some(found) if found.is_empty() => Ok(Array::new().into()),
            Some(found) => arguments::to_js(&events::violations(found)),
            // What is no JSON, or no string, or a string that has to be looked through.
            None => self.check(&arguments::text("task", task)?),
        }
    }

    /// What is wrong with each task of a text: one object, an array, `{"tasks": [...]}`, or JSON Lines.
    ///
    /// # Errors
    /// `bring_…` for a text that holds no tasks, `invalid_argument` for what is no string.
    #[wasm_bindgen(js_name = validateTasks, skip_typescript)]
    pub fn validate_tasks(&self, text: &JsValue) -> Result<JsValue, Thrown> {
        let in_place = self.memory.try_borrow_mut().ok().and_then(|mut memory| {
            let found = memory.text.fill(text).map(|text| self.of_all(text));
            memory.text.give_back_much();
            found
        });
        let found = match in_place {
            Some(found) => found?,
            None => self.of_all(&arguments::text("text", text)?)?,
        };
        arguments::to_js(&found)
    }

    fn of_all(&self, text: &str) -> Result<Vec<Vec<events::JsViolation>>, SurfaceError> {
        let mut found = Vec::new();
        import::for_each(text, &mut |task| {
            found.push(events::violations(self.compiled.violations(task)));
        })?;
        Ok(found)
    }

    /// What is wrong with a text that is read where it was copied to; none where that cannot be.
    fn found_in_place(&self, task: &JsValue) -> Option<Vec<Violation>> {
        let mut memory = self.memory.try_borrow_mut().ok()?;
        let Memory { text, reader } = &mut *memory;
        let found = text
            .fill(task)
            .and_then(|text| reader.read(text))
            .map(|task| self.compiled.violations(task));
        text.give_back_much();
        found
    }

    fn check(&self, text: &str) -> Result<JsValue, Thrown> {
        let document =
            Document::parse(text).map_err(|error| SurfaceError::NotJson { index: None, error })?;
        arguments::to_js(&events::violations(self.compiled.check(&document)))
    }
}

/// A schema from the object that JavaScript gave.
pub(super) fn read_schema(schema: &JsValue) -> Result<TaskSchema, SurfaceError> {
    Ok(TaskSchema::parse(&arguments::json("schema", schema)?)?)
}

/// A schema compiled as every task is checked.
pub(super) fn compile(schema: &TaskSchema) -> Result<Compiled, SchemaError> {
    Compiled::compile(schema.value(), &ValidatorOptions::default())
}
