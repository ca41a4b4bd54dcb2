//! Reading of an INBOX (RFC 3501) over a stream that is private already.
//!
//! async-imap is the codec: it frames and parses what the server says. Everything else is done here, because its own
//! commands take a refusal or a lost link for an empty answer.

mod actor;
mod date;
mod fetch;
mod idle;
mod inbox;
mod login;
mod pool;
mod search;
mod select;
mod selected;
mod session;
mod set;
mod store;

pub(crate) use inbox::Limits;
pub(crate) use pool::{Limits as Bounds, Manner, Pool};
use selected::Look;
pub(crate) use session::Session;

#[cfg(test)]
pub(crate) mod double;
#[cfg(test)]
mod tests;
