//! Mailcow's double, in memory and over HTTP.

use std::sync::Arc;

use agent_mail::backend::{LoginRotation, MailAdmin, Provisioner};
use agent_mail::conformance::{MailAdminHarness, ProvisionerHarness, RotationHarness};
use agent_mail::{Address, DomainName, Mailcow};
use async_trait::async_trait;
use mailcow_api::FakeMailcow;
use secrecy::{ExposeSecret, SecretString};

use crate::{block_on, domain};

/// A double of Mailcow, and what speaks to it.
#[derive(Debug)]
pub(crate) struct FakeServer {
    pub(crate) fake: FakeMailcow,
    pub(crate) mailcow: Arc<Mailcow>,
    _server: Option<mailcow_api::FakeServer>,
}

impl FakeServer {
    pub(crate) fn in_memory() -> Self {
        let fake = FakeMailcow::new();
        let mailcow = Arc::new(Mailcow::new(fake.client()));
        Self { fake, mailcow, _server: None }
    }

    pub(crate) fn over_http() -> Self {
        let fake = FakeMailcow::new();
        let same = fake.clone();
        let server = block_on(async move { same.serve().await });
        let client = mailcow_api::Client::builder(&server.uri(), fake.api_key()).build();
        let mailcow = Arc::new(Mailcow::new(client.expect("a client can be made")));
        Self { fake, mailcow, _server: Some(server) }
    }
}

#[async_trait]
impl ProvisionerHarness for FakeServer {
    fn provisioner(&self) -> Arc<dyn Provisioner> {
        self.mailcow.clone()
    }

    fn domain(&self) -> DomainName {
        domain()
    }

    async fn foreign_mailbox(&self, address: &Address) {
        let address = address.to_string().parse().expect("it is an address");
        let password = "Their-Passw0rd-1".to_owned().into();
        let mailbox = mailcow_api::NewMailbox::new(address, password, mailcow_api::Mib::new(64));
        self.fake.client().add_mailbox(&mailbox).await.expect("it can be made");
    }

    async fn has_mailbox(&self, address: &Address) -> bool {
        let address = address.to_string().parse().expect("it is an address");
        self.fake.client().get_mailbox(&address).await.expect("it can be read").is_some()
    }

    async fn opens(&self, address: &Address, password: &SecretString) -> bool {
        self.fake.logins().iter().any(|login| {
            login.address.as_str() == address.to_string()
                && login.password.expose_secret() == password.expose_secret()
                && login.imap
                && login.smtp
        })
    }

    async fn writes(&self) -> usize {
        self.fake.writes()
    }
}

impl MailAdminHarness for FakeServer {
    fn admin(&self) -> Arc<dyn MailAdmin> {
        self.mailcow.clone()
    }
}

#[async_trait]
impl RotationHarness for FakeServer {
    fn rotation(&self) -> Arc<dyn LoginRotation> {
        self.mailcow.clone()
    }

    async fn foreign_password(&self, address: &Address, password: &SecretString) {
        let mailbox = address.to_string().parse().expect("it is an address");
        let protocols = [mailcow_api::Protocol::Imap, mailcow_api::Protocol::Smtp];
        let phone = mailcow_api::NewAppPassword::new(mailbox, "phone", password.clone(), protocols);
        self.fake.client().add_app_password(&phone).await.expect("it can be made");
    }
}
