#![no_main]

#[path = "../../tests/mutators/player.rs"]
mod player;
#[path = "../../tests/mutators/smtp_replies.rs"]
mod smtp_replies;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| smtp_replies::check(bytes));
