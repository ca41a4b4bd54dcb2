#![no_main]

#[path = "../../tests/mutators/authentication_results.rs"]
mod authentication_results;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| authentication_results::check(bytes));
