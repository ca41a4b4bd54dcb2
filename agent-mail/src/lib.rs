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
//!         // What others wrote is marked as theirs, so that it doesn't slip into a prompt or a command.
//!         println!("{}", message.subject().expose());
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
#[cfg(feature = "backup")]
pub mod backup;
mod bootstrap;
mod builder;
mod calendar;
pub mod cassette;
pub mod commands;
#[cfg(feature = "from-env")]
mod config;
#[cfg(feature = "conformance")]
pub mod conformance;
mod conversation;
#[cfg(feature = "desec")]
mod desec;
mod desk;
pub mod doctor;
mod drafts;
mod effects;
mod embedded;
#[cfg(any(feature = "secret-file", feature = "backup"))]
mod encryption;
mod error;
mod event;
mod fleet;
mod for_llm;
#[cfg(test)]
mod golden;
pub mod guides;
pub mod health;
#[cfg(feature = "http")]
pub mod http;
mod inbound;
mod journal;
mod local_part;
mod locks;
mod logins;
mod mail;
#[cfg(feature = "yaml")]
pub mod mail_list;
mod mailbox;
#[cfg(feature = "mailcow")]
mod mailcow;
mod markdown;
pub mod observe;
mod operator;
mod outbox;
#[cfg(any(feature = "redb", feature = "secret-file", feature = "backup"))]
mod owner_only;
mod password;
pub mod readiness;
pub mod records;
#[cfg(feature = "redb")]
mod redb;
mod rotation;
pub mod safety;
#[cfg(feature = "redb")]
mod secret_files;
mod secrets;
pub mod simulator;
pub mod sites;
pub mod spec;
mod system;
mod untrusted;
mod usage;

pub use mail_access::{self, Address, Attachment, Contact, DomainName, MessageId, NewMessage, Received};

pub use agent_id::AgentId;
pub use builder::AgentMailBuilder;
#[cfg(feature = "from-env")]
pub use config::Config;
pub use conversation::{
    AttachmentHead, AttachmentPiece, Attachments, Conversations, Cursor, FleetConversations, FleetMessage,
    FleetThread, FoundCode, Place, Reply, Thread, ThreadId, ThreadMessage, Wanted,
};
#[cfg(feature = "desec")]
pub use desec::{Desec, DesecAddresses};
pub use drafts::{
    ApprovalNews, Approvals, Decision, Draft, Held, HeldId, Overdue, RequireApproval, Revision, Verdict,
};
pub use effects::Effects;
pub use embedded::{Embedded, MemorySecrets, MemoryState, Vitals};
#[cfg(any(feature = "secret-file", feature = "backup"))]
pub use encryption::EncryptionKey;
pub use error::{Error, ErrorKind};
pub use event::{Event, EventHandler, EventKind, Events, LiveEvents, RecipientResult, SendReport};
pub use fleet::{Fleet, FleetBuilder, FleetEvents, FleetHealth, Health, OnHub, ShortWay, Stopped, Way};
pub use for_llm::Fenced;
pub use inbound::Inbound;
pub use mailbox::AgentMailbox;
#[cfg(feature = "mailcow")]
pub use mailcow::Mailcow;
pub use operator::{Applied, Cost, Drift, Operator, OperatorBuilder, Plan, Progress, Step, StepKind};
pub use outbox::{
    Cancellation, Courier, Guarantee, Queued, QueuedRecipient, Receipt, RecipientState, Refusal, Sending,
    Unconfirmed,
};
pub use records::DnsReport;
#[cfg(feature = "redb")]
pub use redb::RedbState;
pub use rotation::PasswordRotation;
#[cfg(feature = "redb")]
pub use secret_files::SecretFiles;
pub use secrets::EnvSecrets;
#[cfg(feature = "secret-file")]
pub use secrets::SecretFile;
#[cfg(feature = "vault")]
pub use secrets::{Vault, VaultLogin};
pub use spec::{AliasEntry, DnsOptions, DomainSpec, ForwardEntry, MailboxEntry, Relay};
pub use system::{Agent, AgentMail};
pub use untrusted::Untrusted;
pub use usage::{Depths, Period, Reputation, ReputationLimits, Usage, UsageReport};

/// Runs the code of the README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
