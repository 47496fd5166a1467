//! Searches for bytes that make `answer::holds` panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| taskwright_fuzz::answer::holds(bytes));
