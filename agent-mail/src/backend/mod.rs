//! The seams: what the facade needs from the world, each a small trait with a contract.
//!
//! Mail itself is one more, [`MailAccess`](mail_access::MailAccess).

mod address;
mod chance;
mod checks;
mod dns;
mod doorbell;
mod mail_admin;
mod provisioner;
mod rotation;
mod secrets;
mod state;

pub use address::{DynamicDns, PublicAddress, PublicAddressSource, PublicAddresses};
pub use chance::{SystemTimeAndChance, TimeAndChance};
pub use dns::{DnsBudget, DnsProvider, RrSet, Zone};
pub use doorbell::Doorbell;
pub use mail_admin::{MailAdmin, MailChange, PasswordRules, ServedDomain, ServedMailbox};
pub use provisioner::{Claim, DkimKey, MailboxSpec, Provisioner};
pub use rotation::LoginRotation;
pub use secrets::SecretStore;
pub use state::{Change, Committed, StateStore};
