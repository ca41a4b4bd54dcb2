//! SMTP submission and IMAP behind one trait, [`MailAccess`], with a whole mail system in memory, [`PostOffice`].
//!
//! A message goes out, and the answer says for each recipient what became of it:
//!
//! ```
//! use mail_access::{Login, MailAccess, NewMessage, Policy, PostOffice, Reason, Selection};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let office = PostOffice::builder().with_policy(Policy::like_postfix()).build();
//! office.add_domain("agents.example".parse()?);
//! let ada = Login::new("ada@agents.example".parse()?, "a password".into());
//! let bob = Login::new("bob@agents.example".parse()?, "another one".into());
//! for login in [&ada, &bob] {
//!     office.add_mailbox(login.address(), login.password().clone(), 0)?;
//! }
//!
//! let question = NewMessage::to(bob.address())
//!     .with_cc("nobody@agents.example".parse::<mail_access::Address>()?)
//!     .with_subject("Engines")
//!     .with_text("Do they dream? The code is 482913.")
//!     .seal(&ada.address().into())?;
//! let sent = office.submit(&ada, &question).await?;
//! assert_eq!(sent.accepted, [bob.address().clone()]);
//! let (refused, status) = &sent.refused[0];
//! assert_eq!((refused.local_part(), status.reason()), ("nobody", Reason::UnknownRecipient));
//!
//! // Bob reads it and answers.
//! let received = office.fetch(&bob, &Selection::Unseen, 10).await?.messages.remove(0);
//! assert_eq!((received.subject(), received.codes()[0].value()), ("Engines", "482913"));
//! let answer = NewMessage::reply_to(&received)?.with_text("Of sheep.").with_quote(&received);
//! office.submit(&bob, &answer.seal(&bob.address().into())?).await?;
//!
//! // Ada sees what is new in the answer, apart from what it quotes.
//! let answer = office.fetch(&ada, &Selection::Unseen, 10).await?.messages.remove(0);
//! assert_eq!(answer.in_reply_to(), Some(question.message_id()));
//! assert_eq!(answer.new_text().trim_end(), "Of sheep.");
//! assert!(answer.text().unwrap_or_default().contains("> Do they dream?"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A mailbox is watched by a [`Watcher`]; one catch-all mailbox serves any number of addresses by a [`Hub`]; and
//! [`MessageStore`] is all that a mailbox holds, its folders, flags and searches:
//!
//! ```
//! use std::sync::Arc;
//!
//! use mail_access::{
//!     EnvelopeRule, FolderName, Hub, Login, MailAccess, MessageStore, NewMessage, PostOffice, Query, Watcher,
//! };
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let office = PostOffice::new();
//! office.add_domain("agents.example".parse()?);
//! let hub = Login::new("hub@agents.example".parse()?, "a password".into());
//! office.add_mailbox(hub.address(), hub.password().clone(), 0)?;
//! office.add_catch_all(hub.address().domain(), vec![hub.address().clone()])?;
//!
//! // Each address gets what was delivered for it, whatever To and Cc say.
//! let agents = Hub::builder(Arc::new(office.clone()), hub.clone(), EnvelopeRule::mailcow()).start();
//! let ada = agents.address(&"ada@agents.example".parse()?);
//! let note = NewMessage::to(ada.address()?).with_subject("Engines").with_text("Do they dream?");
//! agents.submit(&note.seal(&ada.address()?.into())?).await?;
//! let delivery = ada.next().await?;
//! assert_eq!((delivery.message().subject(), delivery.recipient().local_part()), ("Engines", "ada"));
//! delivery.acknowledge();
//!
//! // The same mailbox as a whole: a stream of what comes, and a search.
//! let mut mails = Watcher::new(Arc::new(office.clone()), hub.clone(), None);
//! let first = mails.next().await.ok_or("it goes on")??;
//! assert_eq!(first.message.text(), Some("Do they dream?\n"));
//! let found = office.search(&hub, &FolderName::inbox(), &Query::Unseen.and(Query::Body("dream".into()))).await?;
//! assert_eq!(found.uids, [first.message.uid()]);
//! office.mark_seen(&hub, found.uid_validity, &found.uids).await?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `SmtpImap` (feature `smtp-imap`, on by default) does the same over real servers: submission (RFC 6409) with implicit
//! TLS (RFC 8314) or STARTTLS, and IMAP (RFC 3501, RFC 9051) with IDLE (RFC 2177). `SmtpPop3` reads by POP3 (RFC 1939)
//! where a server offers nothing else.
//!
//! [`Watcher`] gives out the messages of a mailbox as they come, from any `MailAccess`: it comes back after every loss of
//! the link, knows again what it gave out when the mailbox is numbered anew, and notices a server that tells of new mail
//! late.
//!
//! # Features
//! - `smtp-imap` (default): `SmtpImap`, `SmtpPop3` and what they connect with.
//! - `archive`: `Archive`, which keeps mailboxes in files, as mbox or Maildir.
//! - `conformance`: the cases that every `MailAccess` and `MessageStore` has to pass; outside semver.
//! - `local-servers`: real Postfix and Dovecot on loopback for tests; outside semver.

mod access;
mod address;
#[cfg(feature = "archive")]
mod archive;
mod arrivals;
mod chance;
#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
mod hash;
mod hub;
mod id;
#[cfg(feature = "smtp-imap")]
mod imap;
#[cfg(feature = "local-servers")]
mod local_servers;
mod login;
mod message;
#[cfg(feature = "smtp-imap")]
mod pop3;
mod post_office;
#[cfg(feature = "smtp-imap")]
mod smtp;
#[cfg(feature = "smtp-imap")]
mod smtp_imap;
#[cfg(feature = "smtp-imap")]
mod smtp_pop3;
mod status;
mod store;
mod watch;
#[cfg(feature = "smtp-imap")]
mod wire;

pub use access::{Arrival, Batch, MailAccess, Selection, Submission};
pub use address::{Address, DomainName, InvalidAddress};
#[cfg(feature = "archive")]
pub use archive::{
    Archive, ArchiveError, ArchivedFolder, ArchivedMessage, Exported, Imported, MailSink, MailSource,
    Verified, file_mailbox, read_mailbox,
};
pub use arrivals::Arrivals;
pub use error::Error;
pub use hub::{
    AddressMap, Copies, DeadLetter, DeadLetters, Delivery, EnvelopeRule, Hub, HubAccess, HubBuilder,
    HubCheck, HubMailbox, HubPosition, HubProblem, Unroutable,
};
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
pub use post_office::{
    Departed, Fault, FaultRule, Foreign, FromOutside, HostedMailbox, Occasion, Policy, PostOffice,
    PostOfficeBuilder, PostOfficeError, PostOfficeSnapshot, Refusal, Treatment, Verdict, Verdicts,
};
#[cfg(feature = "smtp-imap")]
pub use smtp_imap::{SmtpImap, SmtpImapConfig};
#[cfg(feature = "smtp-imap")]
pub use smtp_pop3::{SmtpPop3, SmtpPop3Config};
pub use status::{Reason, Status};
pub use store::{
    Changes, Entry, Flag, FlagChange, Folder, FolderChange, FolderChanges, FolderName, FolderStatus, Found,
    InvalidFolderName, InvalidKeyword, Keyword, Listing, MessageStore, Messages, Query, Quota, SpecialUse,
};
pub use watch::{PushHealth, Watched, Watcher};
#[cfg(feature = "smtp-imap")]
pub use wire::{ByteStream, Connector, Endpoint, PlainStream, Security, Stream, TlsConnector, tls_config};
