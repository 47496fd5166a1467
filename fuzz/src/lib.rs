//! What must hold for every input, one module for each fuzz target: its `holds` panics where it
//! does not. `tests/fuzz_inputs.rs` of the root package compiles this file too and runs it over the
//! seeds and over what was found, so that the ordinary test run needs no fuzzer.

pub mod answer;
pub mod document;
pub mod event_stream;
pub mod model_schema;
pub mod task_stream;

mod json;
mod reading;
mod reference_decoder;
mod schema_from_bytes;
mod splits;
#[path = "../../testbed/src/model/strict_rules.rs"]
mod strict_rules;
