//! The seams: what the facade needs from the world, each a small trait with a contract.
//!
//! Mail itself is one more, [`MailAccess`](mail_access::MailAccess).

mod address;
mod checks;
mod dns;
mod mail_admin;
mod provisioner;
mod secrets;
mod state;

pub use address::{DynamicDns, PublicAddress, PublicAddressSource, PublicAddresses};
pub use dns::{DnsBudget, DnsProvider, RrSet, Zone};
pub use mail_admin::{MailAdmin, MailChange, PasswordRules, ServedDomain, ServedMailbox};
pub use provisioner::{Claim, DkimKey, MailboxSpec, Provisioner};
pub use secrets::SecretStore;
pub use state::{Change, Committed, StateStore};
