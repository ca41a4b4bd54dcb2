//! The embedded world, and one in a simulation.

use std::sync::Arc;

use agent_mail::backend::{DnsProvider, DynamicDns, LoginRotation, MailAdmin, Provisioner};
use agent_mail::conformance::{
    DnsHarness, DynamicDnsHarness, MailAdminHarness, ProvisionerHarness, RotationHarness,
};
use agent_mail::simulator::Simulation;
use agent_mail::{Address, DomainName, Embedded};
use async_trait::async_trait;
use mail_access::{Login, MailAccess, Selection};
use secrecy::SecretString;

use crate::domain;

#[derive(Debug)]
pub(crate) struct EmbeddedWorld(pub(crate) Arc<Embedded>);

impl EmbeddedWorld {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Embedded::new(domain())))
    }
}

impl DnsHarness for EmbeddedWorld {
    fn provider(&self) -> Arc<dyn DnsProvider> {
        self.0.clone()
    }

    fn zone(&self) -> DomainName {
        domain()
    }
}

impl DynamicDnsHarness for EmbeddedWorld {
    fn dynamic(&self) -> Arc<dyn DynamicDns> {
        self.0.clone()
    }
}

#[async_trait]
impl ProvisionerHarness for EmbeddedWorld {
    fn provisioner(&self) -> Arc<dyn Provisioner> {
        self.0.clone()
    }

    fn domain(&self) -> DomainName {
        domain()
    }

    async fn foreign_mailbox(&self, address: &Address) {
        self.0.post_office().add_mailbox(address, "theirs".to_owned().into(), 0).expect("it can be made");
    }

    async fn has_mailbox(&self, address: &Address) -> bool {
        self.0.post_office().has_mailbox(address)
    }

    async fn opens(&self, address: &Address, password: &SecretString) -> bool {
        let login = Login::new(address.clone(), password.clone());
        self.0.post_office().fetch(&login, &Selection::Unseen, 1).await.is_ok()
    }

    async fn writes(&self) -> usize {
        usize::from(self.0.post_office().has_domain(&domain()))
    }
}

impl MailAdminHarness for EmbeddedWorld {
    fn admin(&self) -> Arc<dyn MailAdmin> {
        self.0.clone()
    }
}

#[async_trait]
impl RotationHarness for EmbeddedWorld {
    fn rotation(&self) -> Arc<dyn LoginRotation> {
        self.0.clone()
    }

    async fn foreign_password(&self, address: &Address, password: &SecretString) {
        let added = self.0.post_office().set_app_password(address, "phone", password.clone());
        added.expect("the mailbox is there");
    }
}

/// A simulation in which nothing goes wrong.
#[derive(Debug)]
pub(crate) struct SimulatedWorld(Simulation);

impl SimulatedWorld {
    pub(crate) fn new() -> Self {
        Self(Simulation::builder(1).domain(domain()).build())
    }

    fn embedded(&self) -> EmbeddedWorld {
        EmbeddedWorld(Arc::new(self.0.embedded().clone()))
    }
}

impl DnsHarness for SimulatedWorld {
    fn provider(&self) -> Arc<dyn DnsProvider> {
        self.0.dns()
    }

    fn zone(&self) -> DomainName {
        domain()
    }
}

#[async_trait]
impl ProvisionerHarness for SimulatedWorld {
    fn provisioner(&self) -> Arc<dyn Provisioner> {
        self.0.provisioner()
    }

    fn domain(&self) -> DomainName {
        domain()
    }

    async fn foreign_mailbox(&self, address: &Address) {
        self.embedded().foreign_mailbox(address).await;
    }

    async fn has_mailbox(&self, address: &Address) -> bool {
        self.embedded().has_mailbox(address).await
    }

    async fn opens(&self, address: &Address, password: &SecretString) -> bool {
        self.embedded().opens(address, password).await
    }

    async fn writes(&self) -> usize {
        self.embedded().writes().await
    }
}

#[async_trait]
impl RotationHarness for SimulatedWorld {
    fn rotation(&self) -> Arc<dyn LoginRotation> {
        self.0.rotation()
    }

    async fn foreign_password(&self, address: &Address, password: &SecretString) {
        self.embedded().foreign_password(address, password).await;
    }
}
