//! Between the protocols and the network: where bytes come from, how long they may take and how many they may be.

mod connector;
mod deadline;
mod deflate;
mod fault;
mod guard;
mod lines;
pub(crate) mod sasl;
mod tcp;
mod tls;

pub use connector::{ByteStream, Connector, Endpoint, PlainStream, Security, Stream};
pub use tls::{TlsConnector, tls_config};

pub(crate) use deadline::within;
pub(crate) use deflate::DeflateStream;
pub(crate) use fault::{CLOSING, Fault};
pub(crate) use guard::{COVER, GuardStream, MAX_NAME, UNDATED, Violation};
pub(crate) use lines::{Buffered, Unread, buffered, is_quiet, read_line, write};

#[cfg(all(test, feature = "local-servers"))]
pub(crate) mod certified;
#[cfg(test)]
pub(crate) use deflate::{deflated, stored};
#[cfg(test)]
pub(crate) mod link;
#[cfg(test)]
pub(crate) mod script;
