//! SMTP submission and IMAP behind one trait, [`MailAccess`], with a whole mail system in memory, [`PostOffice`].

mod access;
mod address;
#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
mod id;
#[cfg(feature = "local-servers")]
mod local_servers;
mod login;
mod message;
mod post_office;
mod status;

pub use access::{Arrival, Batch, MailAccess, Selection, Submission};
pub use address::{Address, DomainName, InvalidAddress};
pub use error::Error;
pub use id::{InvalidMessageId, MessageId, Position, Uid};
#[cfg(feature = "local-servers")]
pub use local_servers::{LocalServers, LocalServersConfig, LocalUser, Unavailable};
pub use login::Login;
pub use message::{Attachment, Contact, NewMessage, Outgoing, Received};
pub use post_office::{Fault, PostOffice, PostOfficeBuilder, PostOfficeError};
pub use status::Status;
