//! Searches for bytes for which `model_schema::holds` does not.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| taskwright_fuzz::model_schema::holds(bytes));
