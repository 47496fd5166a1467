//! Invariants that hold for every input, one module per fuzz target. Its function `holds` panics if
//! they do not. `tests/fuzz_inputs.rs` in the root package also compiles this file and runs it over
//! the seeds and findings, so that the normal test run needs no fuzzer.

pub mod document;
pub mod event_stream;
pub mod model_schema;
pub mod paste;
pub mod response_text;
pub mod task_stream;
pub mod validation;

mod json;
mod reading;
mod reference_decoder;
mod schema_from_bytes;
mod splits;
#[path = "../../testbed/src/model/strict_rules.rs"]
mod strict_rules;
