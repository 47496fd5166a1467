//! Searches for bytes for which `document::holds` does not.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| taskwright_fuzz::document::holds(bytes));
