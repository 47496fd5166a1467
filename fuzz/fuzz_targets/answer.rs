//! Searches for bytes for which `answer::holds` does not.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| taskwright_fuzz::answer::holds(bytes));
