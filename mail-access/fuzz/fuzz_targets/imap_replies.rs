#![no_main]

#[path = "../../tests/mutators/player.rs"]
mod player;
#[path = "../../tests/mutators/imap_replies.rs"]
mod imap_replies;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| imap_replies::check(bytes));
