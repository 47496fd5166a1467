//! Searches for bytes for which `event_stream::holds` does not.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| taskwright_fuzz::event_stream::holds(bytes));
