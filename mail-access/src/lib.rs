//! SMTP submission and IMAP behind one trait, [`MailAccess`], with a whole mail system in memory, [`PostOffice`].
//!
//! ```
//! use mail_access::{Login, MailAccess, NewMessage, PostOffice, Selection};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let office = PostOffice::new();
//! office.add_domain("agents.example".parse()?);
//! let ada = Login::new("ada@agents.example".parse()?, "a password".into());
//! office.add_mailbox(ada.address(), ada.password().clone(), 0)?;
//!
//! let note = NewMessage::to(ada.address()).with_subject("note").with_text("to self").seal(&ada.address().into())?;
//! office.submit(&ada, &note).await?;
//! let batch = office.fetch(&ada, &Selection::Unseen, 10).await?;
//! assert_eq!(batch.messages[0].subject(), "note");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `SmtpImap` (feature `smtp-imap`, on by default) does the same over real servers: submission (RFC 6409) with implicit
//! TLS (RFC 8314) or STARTTLS, and IMAP (RFC 3501, RFC 9051) with IDLE (RFC 2177).
//!
//! # Features
//! - `smtp-imap` (default): `SmtpImap` and what it connects with.
//! - `conformance`: the cases that every `MailAccess` has to pass; outside semver.
//! - `local-servers`: real Postfix and Dovecot on loopback for tests; outside semver.

mod access;
mod address;
#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
mod id;
#[cfg(feature = "smtp-imap")]
mod imap;
#[cfg(feature = "local-servers")]
mod local_servers;
mod login;
mod message;
mod post_office;
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
#[cfg(feature = "local-servers")]
pub use local_servers::{LocalServers, LocalServersConfig, LocalUser, Unavailable};
pub use login::{Login, LoginKind};
pub use message::quote;
pub use message::{
    Attachment, AuthenticationMethod, AuthenticationResults, AuthenticationVerdict, AutoSubmitted, Contact,
    DeliveryAction, DeliveryReport, DeliveryReports, FeedbackReport, FeedbackType, Kind, Limit, Limits,
    NewMessage, Outgoing, Received, RecipientReport, TrustedServer,
};
pub use post_office::{Fault, PostOffice, PostOfficeBuilder, PostOfficeError};
#[cfg(feature = "smtp-imap")]
pub use smtp_imap::{SmtpImap, SmtpImapConfig};
pub use status::{Reason, Status};
#[cfg(feature = "smtp-imap")]
pub use wire::{ByteStream, Connector, Endpoint, PlainStream, Security, Stream, TlsConnector, tls_config};
