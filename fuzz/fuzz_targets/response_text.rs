//! Searches for bytes that make `response_text::holds` panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| taskwright_fuzz::response_text::holds(bytes));
