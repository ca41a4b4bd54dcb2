//! SMTP submission and IMAP behind one trait, [`MailAccess`], with a whole mail system in memory, [`PostOffice`].

mod access;
mod address;
mod error;
mod id;
#[cfg(feature = "smtp-imap")]
mod imap;
mod login;
mod message;
#[cfg(feature = "smtp-imap")]
mod smtp;
#[cfg(feature = "smtp-imap")]
mod smtp_imap;
mod status;
#[cfg(feature = "smtp-imap")]
mod wire;

pub use access::{Arrival, Batch, MailAccess, Selection, Submission};
pub use address::{Address, DomainName, InvalidAddress};
pub use error::Error;
pub use id::{InvalidMessageId, MessageId, Position, Uid};
pub use login::Login;
pub use message::{Attachment, Contact, NewMessage, Outgoing, Received};
#[cfg(feature = "smtp-imap")]
pub use smtp_imap::{SmtpImap, SmtpImapConfig};
pub use status::Status;
#[cfg(feature = "smtp-imap")]
pub use wire::{ByteStream, Connector, Endpoint, Stream, TlsConnector, tls_config};
