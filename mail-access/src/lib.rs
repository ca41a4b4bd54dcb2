//! SMTP submission and IMAP behind one trait, [`MailAccess`], with a whole mail system in memory, [`PostOffice`].

mod access;
mod address;
#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
mod id;
mod login;
mod message;
mod post_office;
mod status;

pub use access::{Arrival, Batch, MailAccess, Selection, Submission};
pub use address::{Address, DomainName, InvalidAddress};
pub use error::Error;
pub use id::{InvalidMessageId, MessageId, Position, Uid};
pub use login::Login;
pub use message::{Attachment, Contact, NewMessage, Outgoing, Received};
pub use post_office::{Fault, PostOffice, PostOfficeBuilder, PostOfficeError};
pub use status::Status;
