use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mail_access::conformance::{Harness, Missing};
use mail_access::{
    Address, DomainName, Endpoint, Login, MailAccess, MessageStore, SmtpPop3, SmtpPop3Config, Uid,
};

use super::postfix_dovecot::ServersHarness;

/// The same servers, read by POP3.
#[derive(Debug)]
pub(crate) struct Pop3Harness {
    servers: Arc<ServersHarness>,
    access: Arc<SmtpPop3>,
}

impl Pop3Harness {
    /// Says why not, if Dovecot's POP3 is not installed.
    pub(crate) fn new(servers: Arc<ServersHarness>) -> Result<Self, String> {
        let port = servers.servers.pop3s_port().ok_or("dovecot's pop3 is not installed (dovecot-pop3d)")?;
        let endpoint = |port| Endpoint::new("localhost", port).unwrap();
        let config = SmtpPop3Config::new(endpoint(servers.servers.smtps_port()), endpoint(port));
        // A case waits for each message.
        let config = config.with_poll(Duration::from_millis(200));
        let access = SmtpPop3::new(config, Arc::new(servers.links.clone()));
        Ok(Self { servers, access: Arc::new(access) })
    }
}

#[async_trait]
impl Harness for Pop3Harness {
    fn access(&self) -> Arc<dyn MailAccess> {
        self.access.clone()
    }

    fn store(&self) -> Result<Arc<dyn MessageStore>, Missing> {
        Err(Missing("POP3 knows neither folders nor flags".to_owned()))
    }

    fn size_limit(&self) -> usize {
        self.servers.size_limit()
    }

    fn recipients_limit(&self) -> Result<usize, Missing> {
        self.servers.recipients_limit()
    }

    async fn mailbox(&self) -> Login {
        self.servers.mailbox().await
    }

    async fn catch_all(&self) -> Result<(Login, DomainName), Missing> {
        self.servers.catch_all().await
    }

    async fn refused_recipient(&self) -> Result<Address, Missing> {
        self.servers.refused_recipient().await
    }

    async fn failing_recipient(&self) -> Result<Address, Missing> {
        self.servers.failing_recipient().await
    }

    async fn small_mailbox(&self, mib: u32) -> Result<Login, Missing> {
        self.servers.small_mailbox(mib).await
    }

    async fn interrupt_next(&self, login: &Login, taken: bool) -> Result<(), Missing> {
        self.servers.interrupt_next(login, taken).await
    }

    /// In a new mailbox the numbers of IMAP and ours are the same.
    async fn expunge(&self, login: &Login, uids: &[Uid]) -> Result<(), Missing> {
        self.servers.expunge(login, uids).await
    }

    /// Its numbers are its own, and last as long as it remembers them.
    async fn renumber(&self, login: &Login) -> Result<(), Missing> {
        self.access.forget(login);
        Ok(())
    }
}
