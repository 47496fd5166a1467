//! Searches for bytes that make `model_schema::holds` panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| taskwright_fuzz::model_schema::holds(bytes));
