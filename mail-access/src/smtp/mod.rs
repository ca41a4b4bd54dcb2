//! Submission of mail (RFC 6409, RFC 5321): a stream is private before any login or message goes over it.

mod actor;
mod auth;
mod commands;
mod content;
mod conversation;
mod deadlines;
mod envelope;
mod offers;
mod pool;
mod reply;
mod session;
mod starttls;
mod submit;

pub(crate) use pool::{Limits, Pool};
pub(crate) use session::Session;

#[cfg(test)]
mod tests;
