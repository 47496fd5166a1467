//! Searches for bytes that make `event_stream::holds` panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| taskwright_fuzz::event_stream::holds(bytes));
