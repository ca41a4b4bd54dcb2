use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use mail_access::conformance::{Harness, Missing};
use mail_access::{
    Address, DomainName, Endpoint, FolderName, LocalServers, LocalServersConfig, LocalUser, Login,
    MailAccess, MessageStore, SmtpImap, SmtpImapConfig, TlsConnector, Uid, tls_config,
};

use super::cutting::CuttingConnector;

/// Real servers for all cases, each of which gets mailboxes of its own.
///
/// The filter by which Mailcow drops copies of a Message-ID is off: what it drops the contract can't promise.
pub(crate) struct ServersHarness {
    pub(crate) servers: LocalServers,
    pub(crate) links: CuttingConnector,
    access: Arc<SmtpImap>,
    hubs: AtomicUsize,
    aliases: Mutex<Vec<(String, String)>>,
    made: AtomicU32,
}

impl ServersHarness {
    /// Starts the servers, or says why they can't run here.
    pub(crate) fn start() -> Result<Self, String> {
        LocalServers::available().map_err(|reason| reason.to_string())?;
        let domains = std::iter::once(DOMAIN.to_owned()).chain((0..HUBS).map(hub_domain));
        let config = LocalServersConfig::new(domains)
            .with_message_size_limit(SIZE_LIMIT as u64)
            .with_recipients_limit(RECIPIENTS_LIMIT)
            .with_duplicate_filter(false);
        let servers = LocalServers::start(&config).map_err(|reason| reason.to_string())?;
        let endpoint = |port| Endpoint::new("localhost", port).unwrap();
        let tls = tls_config(Some(servers.ca_pem().as_bytes())).unwrap();
        let config = SmtpImapConfig::new(endpoint(servers.smtps_port()), endpoint(servers.imaps_port()));
        let links = CuttingConnector::new(TlsConnector::new(tls));
        let access = SmtpImap::new(config, Arc::new(links.clone()));
        Ok(Self {
            servers,
            access: Arc::new(access),
            links,
            hubs: AtomicUsize::new(0),
            aliases: Mutex::default(),
            made: AtomicU32::new(0),
        })
    }

    fn name(&self) -> Address {
        let name = format!("agent-{}", self.made.fetch_add(1, Ordering::Relaxed));
        Address::new(&name, DOMAIN.parse().unwrap()).unwrap()
    }

    fn add_alias(&self, from: String, to: &Address) {
        let mut aliases = self.aliases.lock().unwrap();
        aliases.push((from, to.to_string()));
        let all: Vec<(&str, &str)> = aliases.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
        self.servers.set_aliases(&all);
    }
}

#[async_trait]
impl Harness for ServersHarness {
    fn access(&self) -> Arc<dyn MailAccess> {
        self.access.clone()
    }

    fn store(&self) -> Result<Arc<dyn MessageStore>, Missing> {
        Ok(self.access.clone())
    }

    fn size_limit(&self) -> usize {
        SIZE_LIMIT
    }

    fn recipients_limit(&self) -> Result<usize, Missing> {
        Ok(RECIPIENTS_LIMIT as usize)
    }

    async fn mailbox(&self) -> Login {
        let address = self.name();
        self.servers.add_user(&address.to_string(), PASSWORD).unwrap();
        Login::new(address, PASSWORD.into())
    }

    async fn catch_all(&self) -> Result<(Login, DomainName), Missing> {
        let hub = self.mailbox().await;
        let number = self.hubs.fetch_add(1, Ordering::Relaxed);
        if number >= HUBS {
            return Err(Missing(format!("the servers host {HUBS} domains for catch-alls")));
        }
        self.add_alias(format!("@{}", hub_domain(number)), hub.address());
        Ok((hub, hub_domain(number).parse().unwrap()))
    }

    async fn refused_recipient(&self) -> Result<Address, Missing> {
        Ok(self.name())
    }

    async fn failing_recipient(&self) -> Result<Address, Missing> {
        let alias = self.name();
        self.add_alias(alias.to_string(), &self.name());
        Ok(alias)
    }

    async fn small_mailbox(&self, mib: u32) -> Result<Login, Missing> {
        let address = self.name();
        let user = LocalUser::new(&address.to_string(), PASSWORD).with_quota_mib(mib);
        self.servers.put_user(&user).unwrap();
        Ok(Login::new(address, PASSWORD.into()))
    }

    async fn interrupt_next(&self, login: &Login, taken: bool) -> Result<(), Missing> {
        self.links.cut_next(login.address(), taken);
        Ok(())
    }

    async fn interrupt_copy(&self, _: &Login, to: &FolderName, taken: bool) -> Result<(), Missing> {
        self.links.cut_copy(to.as_str(), taken);
        Ok(())
    }

    async fn break_next(&self, _: &Login, _: bool) -> Result<(), Missing> {
        Err(Missing("Dovecot ends the connection where it can't read a message".to_owned()))
    }

    async fn expunge(&self, login: &Login, uids: &[Uid]) -> Result<(), Missing> {
        let uids: Vec<u32> = uids.iter().map(|uid| uid.get()).collect();
        self.servers.expunge(&login.address().to_string(), &uids).unwrap();
        Ok(())
    }

    async fn renumber(&self, login: &Login) -> Result<(), Missing> {
        self.servers.reset_uidvalidity(&login.address().to_string()).unwrap();
        Ok(())
    }
}

impl fmt::Debug for ServersHarness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServersHarness").field("made", &self.made).finish_non_exhaustive()
    }
}

fn hub_domain(number: usize) -> String {
    format!("hub-{number}.test")
}

const DOMAIN: &str = "agents.test";
const HUBS: usize = 8;
const RECIPIENTS_LIMIT: u32 = 30;
const PASSWORD: &str = "a-password";
/// Below the 100 MiB of Mailcow, so that the case of the oversized message stays quick.
const SIZE_LIMIT: usize = 2 << 20;
