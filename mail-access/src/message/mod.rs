//! Messages on their way out ([`NewMessage`], [`Outgoing`]) and in ([`Received`]) (RFC 5322, RFC 2045).

mod attachment;
mod authentication_results;
mod block;
mod boundaries;
mod classify;
mod clean;
mod contact;
mod cuts;
pub(crate) mod date;
mod delivery_report;
mod envelope;
mod feedback;
mod file_name;
mod glance;
mod header_fields;
mod html_text;
mod limits;
mod new;
mod outgoing;
mod parse;
pub mod quote;
mod received;
mod searched;
mod survey;

pub use attachment::Attachment;
pub use authentication_results::{
    AuthenticationMethod, AuthenticationResults, AuthenticationVerdict, TrustedServer,
};
pub use classify::Kind;
pub use contact::Contact;
pub use delivery_report::{DeliveryAction, DeliveryReport, RecipientReport};
pub use envelope::DeliveryReports;
pub use feedback::{FeedbackReport, FeedbackType};
pub use limits::{Limit, Limits};
pub use new::{AutoSubmitted, NewMessage};
pub use outgoing::Outgoing;
pub use received::Received;

pub(crate) use header_fields::fields;
pub(crate) use searched::{Searched, field_values, searched};

#[cfg(feature = "smtp-imap")]
pub(crate) use envelope::xtext;
