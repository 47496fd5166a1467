//! Searches for bytes that make `validation::holds` panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| taskwright_fuzz::validation::holds(bytes));
