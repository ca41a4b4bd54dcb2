//! Reading of a maildrop by POP3 (RFC 1939, RFC 2449, RFC 5034) over a stream that is private already.
//!
//! A session sees the maildrop as it was when it began, and while it lasts a server may lock all others out: each call
//! has a short one of its own, and calls of one mailbox take turns.

mod content;
mod conversation;
mod desk;
mod login;
mod numbering;
mod session;
mod source;

pub(crate) use source::{Limits, Source};

#[cfg(test)]
mod tests;
