//! The tests of the example; `test = true` in the manifest would keep `cargo test` from building the program itself.

#[allow(dead_code, reason = "the program's entry is not called here")]
#[path = "../mail_list/main.rs"]
mod mail_list;
