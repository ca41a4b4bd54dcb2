//! The cases that every backend has to pass, one for each sentence of its contract.
//!
//! Each list runs against a fresh backend for each case; a case that fails panics. Those of mail itself are in
//! `mail_access::conformance`. This module follows the needs of the cases and is not covered by semantic versioning.

mod dns;
mod doorbell;
mod dynamic_dns;
mod held_up;
mod mail_admin;
mod provisioner;
mod rotation;
mod secrets;
mod sites;
mod state;

use std::fmt;
use std::future::Future;
use std::pin::Pin;

pub use self::dns::{DNS_CASES, DnsHarness};
pub use self::doorbell::{DOORBELL_CASES, DoorbellHarness};
pub use self::dynamic_dns::{DYNAMIC_DNS_CASES, DynamicDnsHarness};
pub use self::held_up::{HeldUpHarness, QUARANTINE_CASES, QUEUE_CASES};
pub use self::mail_admin::{MAIL_ADMIN_CASES, MailAdminHarness};
pub use self::provisioner::{PROVISIONER_CASES, ProvisionerHarness};
pub use self::rotation::{ROTATION_CASES, RotationHarness};
pub use self::secrets::SECRETS_CASES;
pub use self::sites::SITES_CASES;
pub use self::state::STATE_CASES;
#[cfg(feature = "vault")]
pub use crate::secrets::fake::{FakeFault, FakeState, FakeVault};

/// One sentence of a contract, and what proves it against a subject of type `S`.
pub struct Case<S> {
    name: &'static str,
    run: fn(S) -> Running,
}

impl<S> Case<S> {
    /// Returns the sentence, as a name in lower case with underscores.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Runs the case.
    ///
    /// # Panics
    /// If the contract is broken; the message says where.
    pub async fn run(&self, subject: S) {
        (self.run)(subject).await;
    }
}

impl<S> fmt::Debug for Case<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

macro_rules! cases {
    ($($case:ident)*) => {
        &[$($crate::conformance::Case { name: stringify!($case), run: |subject| Box::pin($case(subject)) },)*]
    };
}
use cases;
