//! Searches for bytes that make `document::holds` panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| taskwright_fuzz::document::holds(bytes));
