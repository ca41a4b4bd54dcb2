//! Messages on their way out ([`NewMessage`], [`Outgoing`]) and in ([`Received`]) (RFC 5322, RFC 2045).

mod attachment;
mod contact;
mod envelope;
mod nesting;
mod new;
mod outgoing;
mod parse;
mod received;

pub use attachment::Attachment;
pub use contact::Contact;
pub use envelope::DeliveryReports;
pub use new::{AutoSubmitted, NewMessage};
pub use outgoing::Outgoing;
pub use received::Received;

#[cfg(feature = "smtp-imap")]
pub(crate) use envelope::xtext;
