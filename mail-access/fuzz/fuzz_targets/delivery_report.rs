#![no_main]

#[path = "../../tests/mutators/delivery_report.rs"]
mod delivery_report;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| delivery_report::check(bytes));
