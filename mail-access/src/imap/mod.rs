//! Reading and changing of a mailbox (RFC 3501, RFC 9051) over a stream that is private already.
//!
//! async-imap is the codec: it frames and parses what the server says. Everything else is done here, because its own
//! commands take a refusal or a lost link for an empty answer.

mod actor;
mod append;
mod changes;
mod command;
mod copy;
mod date;
mod expunge;
mod fetch;
mod folders;
mod id;
mod idle;
mod inbox;
mod line;
mod list;
mod login;
mod mailbox_name;
mod notify;
mod offers;
mod pool;
mod query;
mod quota;
mod read;
mod reading;
mod search;
mod select;
mod selected;
mod session;
mod set;
mod status;
mod store;
mod stream;
mod withheld;

pub(crate) use append::check as check_message;
pub(crate) use id::fields as id_fields;
pub(crate) use inbox::{Fetched, Limits, Trust};
pub(crate) use login::Terms;
pub(crate) use notify::folder_changes;
pub(crate) use pool::{Limits as Bounds, Manner, Pool};
pub(crate) use reading::Course;
use selected::Look;
pub(crate) use session::Session;
pub(crate) use stream::messages;
pub(crate) use withheld::Ends;

#[cfg(test)]
pub(crate) mod double;
#[cfg(test)]
mod tests;
