//! Searches for bytes that make `paste::holds` panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| taskwright_fuzz::paste::holds(bytes));
