//! Searches for bytes that make `task_stream::holds` panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| taskwright_fuzz::task_stream::holds(bytes));
