//! Searches for bytes for which `task_stream::holds` does not.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| taskwright_fuzz::task_stream::holds(bytes));
