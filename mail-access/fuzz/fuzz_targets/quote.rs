#![no_main]

#[path = "../../tests/mutators/quote.rs"]
mod quote;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| quote::check(bytes));
