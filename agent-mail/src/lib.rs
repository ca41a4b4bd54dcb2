//! A real mailbox for every agent of a program.
//!
//! [`AgentMail`] gives agents their mailboxes; an [`AgentMailbox`] sends, answers and receives. Unless it is told
//! otherwise all of it runs in memory, with no server and no configuration:
//!
//! ```
//! use agent_mail::{AgentMail, NewMessage};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let mail = AgentMail::embedded("agents.example")?;
//! let ada = mail.provision(&"ada".parse()?).await?;
//! let bob = mail.provision(&"bob".parse()?).await?;
//!
//! ada.send(NewMessage::to(bob.contact()).with_subject("Engines").with_text("Do they dream?")).await?;
//!
//! let mut events = bob.events();
//! while let Some(event) = events.next().await {
//!     let event = event?;
//!     if let Some(message) = event.received() {
//!         println!("{}: {}", message.subject(), message.text().unwrap_or_default());
//!         bob.reply(message, "Only of mail.").await?;
//!     }
//!     event.ack().await?; // handled: it never comes again
//! #   break;
//! }
//! # assert_eq!(ada.fetch_unseen(1).await?[0].subject(), "Re: Engines");
//! # Ok::<(), agent_mail::Error>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The same program runs on Mailcow and deSEC with `AgentMail::from_env` (feature `from-env`), or on backends of your
//! own: see [`backend`] and [`AgentMail::builder`].

mod agent_id;
pub mod backend;
mod bootstrap;
mod builder;
#[cfg(feature = "from-env")]
mod config;
#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "desec")]
mod desec;
pub mod doctor;
mod embedded;
mod error;
mod event;
pub mod health;
#[cfg(feature = "http")]
pub mod http;
mod journal;
mod locks;
mod mail;
mod mailbox;
#[cfg(feature = "mailcow")]
mod mailcow;
mod outbox;
#[cfg(feature = "redb")]
mod owner_only;
mod password;
pub mod readiness;
#[cfg(feature = "redb")]
mod redb;
#[cfg(feature = "redb")]
mod secret_files;
pub mod spec;
mod system;

pub use mail_access::{self, Address, Attachment, Contact, DomainName, MessageId, NewMessage, Received};

pub use agent_id::AgentId;
pub use bootstrap::DnsReport;
pub use builder::AgentMailBuilder;
#[cfg(feature = "from-env")]
pub use config::Config;
#[cfg(feature = "desec")]
pub use desec::Desec;
pub use embedded::{Embedded, MemorySecrets, MemoryState, Vitals};
pub use error::{Error, ErrorKind};
pub use event::{Event, EventKind, Events};
pub use mailbox::AgentMailbox;
#[cfg(feature = "mailcow")]
pub use mailcow::Mailcow;
pub use outbox::{Receipt, Refusal, Unconfirmed};
#[cfg(feature = "redb")]
pub use redb::RedbState;
#[cfg(feature = "redb")]
pub use secret_files::SecretFiles;
pub use spec::{AliasEntry, DnsOptions, DomainSpec, ForwardEntry, MailboxEntry, Relay};
pub use system::{Agent, AgentMail};

/// Runs the code of the README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
