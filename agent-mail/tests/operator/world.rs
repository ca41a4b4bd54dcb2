//! Worlds that outlive the programs that run in them, and the specifications that the tests wish for.

use std::collections::BTreeSet;
use std::sync::Arc;

use agent_mail::backend::{
    DnsBudget, DnsProvider, MailAdmin, Provisioner, RrSet, SecretStore, ServedDomain, StateStore, Zone,
};
use agent_mail::mail_access::{Login, MailAccess, Selection};
use agent_mail::spec::{AliasEntry, ForwardEntry, MailboxEntry, Relay, Service, SpamPolicy};
use agent_mail::{
    Address, AgentMail, Desec, DomainName, DomainSpec, Embedded, Error, Mailcow, MemorySecrets, MemoryState,
    Operator,
};
use async_trait::async_trait;
use desec_api::{FakeDesec, Ttl};
use mailcow_api::{Client, FakeMailcow};
use secrecy::ExposeSecret;

use super::faults::{Faults, Faulty, FaultyHttp};

pub(crate) struct World {
    pub(crate) admin: Arc<dyn MailAdmin>,
    pub(crate) dns: Arc<dyn DnsProvider>,
    pub(crate) secrets: Arc<MemorySecrets>,
    pub(crate) state: Arc<MemoryState>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) embedded: Embedded,
    pub(crate) mailcow: Option<FakeMailcow>,
    desec: Option<FakeDesec>,
    provisioner: Arc<dyn Provisioner>,
}

impl World {
    pub(crate) fn embedded() -> Self {
        let embedded = Embedded::new(domain());
        let world = Arc::new(embedded.clone());
        Self {
            admin: world.clone(),
            dns: world.clone(),
            provisioner: world,
            secrets: Arc::default(),
            state: Arc::default(),
            faults: Arc::default(),
            embedded,
            mailcow: None,
            desec: None,
        }
    }

    pub(crate) fn mailcow() -> Self {
        let (mailcow, desec) = (FakeMailcow::new(), FakeDesec::new());
        desec.add_domain(&ZONE.parse().unwrap(), Ttl::new(3600).unwrap());
        let faults: Arc<Faults> = Arc::default();
        let http = Arc::new(FaultyHttp(mailcow.clone(), faults.clone()));
        let client = Client::builder("https://mail.example.com", mailcow.api_key()).http_client(http);
        let client = Mailcow::new(client.build().unwrap());
        Self {
            faults,
            admin: Arc::new(client.clone()),
            provisioner: Arc::new(client),
            dns: Arc::new(Desec::new(desec.client_builder().unpaced().build().unwrap())),
            mailcow: Some(mailcow),
            desec: Some(desec),
            ..Self::embedded()
        }
    }

    /// Returns the system of the domain's agents, as another part of the program has it.
    pub(crate) fn agents(&self) -> AgentMail {
        let faults = || self.faults.clone();
        AgentMail::builder(domain())
            .provisioner(Arc::new(Faulty::<dyn Provisioner>(self.provisioner.clone(), faults())))
            .mail_access(Arc::new(self.embedded.post_office().clone()))
            .state(Arc::new(Faulty::<dyn StateStore>(self.state.clone(), faults())))
            .secrets(Arc::new(Faulty::<dyn SecretStore>(self.secrets.clone(), faults())))
            .build()
            .unwrap()
    }

    /// Starts a program: only what the world keeps was there before.
    pub(crate) fn operator(&self) -> Operator {
        let faults = || self.faults.clone();
        let secrets: Arc<dyn SecretStore> =
            Arc::new(Faulty::<dyn SecretStore>(self.secrets.clone(), faults()));
        let state: Arc<dyn StateStore> = Arc::new(Faulty::<dyn StateStore>(self.state.clone(), faults()));
        let agents = self.agents();
        // A call to Mailcow goes wrong further down, request by request.
        let admin: Arc<dyn MailAdmin> = match self.mailcow {
            Some(_) => self.admin.clone(),
            None => Arc::new(Faulty::<dyn MailAdmin>(self.admin.clone(), faults())),
        };
        Operator::builder(admin)
            .dns(Arc::new(Faulty::<dyn DnsProvider>(self.dns.clone(), faults())), domain())
            .secrets(secrets)
            .state(state)
            .agents(agents)
            .relay_password("shop", "relay.example.net".parse().unwrap(), "Relay-Passw0rd")
            .relay_password("bob", "relay.example.net".parse().unwrap(), "Relay-Passw0rd-2")
            .build()
            .unwrap()
    }

    /// Lets the zone's provider say how many writes it allows.
    pub(crate) fn budget(&mut self, budget: DnsBudget) {
        self.dns = Arc::new(Budgeted(self.embedded.clone(), budget));
    }

    pub(crate) fn mailcow_calls(&self) -> usize {
        self.mailcow.as_ref().unwrap().calls().len()
    }

    pub(crate) fn desec_calls(&self) -> usize {
        self.desec.as_ref().unwrap().calls().len()
    }

    pub(crate) async fn served(&self) -> ServedDomain {
        self.admin.survey(&domain()).await.unwrap().unwrap()
    }

    pub(crate) async fn records(&self) -> Vec<RrSet> {
        let mut sets = self.dns.zone(&domain()).await.unwrap().sets;
        sets.sort_by(|one, other| (&one.name, &one.rtype).cmp(&(&other.name, &other.rtype)));
        sets
    }

    /// Each mailbox has its secret, which opens it, and there are no others.
    pub(crate) async fn check_secrets(&self, told: &str) {
        let served = self.admin.survey(&domain()).await.unwrap();
        let mailboxes = served.map(|served| served.mailboxes).unwrap_or_default();
        assert_eq!(
            format!("{:?}", self.secrets),
            format!("MemorySecrets {{ secrets: {} }}", mailboxes.len()),
            "{told}"
        );
        for mailbox in mailboxes {
            let secret = self.secrets.get(&mailbox.address).await.unwrap().expect(told);
            let opens = if let Some(mailcow) = &self.mailcow {
                mailcow.logins().iter().any(|login| {
                    login.address == mailbox.address.to_string()
                        && login.password.expose_secret() == secret.expose_secret()
                })
            } else {
                let login = Login::new(mailbox.address.clone(), secret);
                let office = self.embedded.post_office();
                office.fetch(&login, &Selection::After(None), 1).await.is_ok()
            };
            assert!(opens, "{} {told}", mailbox.address);
        }
    }
}

/// A provider that allows so many writes.
#[derive(Debug)]
struct Budgeted(Embedded, DnsBudget);

#[async_trait]
impl DnsProvider for Budgeted {
    async fn zone(&self, name: &DomainName) -> Result<Zone, Error> {
        Ok(self.0.zone(name).await?.with_budget(self.1))
    }

    async fn replace(&self, zone: &DomainName, sets: &[RrSet]) -> Result<(), Error> {
        self.0.replace(zone, sets).await
    }
}

/// A specification with something of everything.
pub(crate) fn full() -> DomainSpec {
    let relay = |user: &str| Relay::new("relay.example.net".parse().unwrap(), user);
    let mut spec = DomainSpec::new(domain(), "mail.shop.example".parse().unwrap())
        .with_agent("bot".parse().unwrap())
        .with_mailbox(MailboxEntry::new(at("ada")).with_name("Ada").with_quota_mib(512).with_hourly_limit(50))
        .with_mailbox(MailboxEntry::new(at("bob")).with_relay(relay("bob")))
        .with_alias(AliasEntry::new(at("info"), [at("bob"), at("ada")]))
        .with_alias(AliasEntry::new(at("sales"), [address("sales@example.org")]))
        .with_forward(ForwardEntry::new(at("bob"), [address("bob@example.org")]).without_copy())
        .with_catch_all([at("ada")])
        .with_relay(relay("shop").with_spf_include("example.net".parse().unwrap()));
    spec.description = "The shop".into();
    spec.limits.hourly_limit = Some(1000);
    spec.alias_domains = vec!["store.example".parse().unwrap()];
    spec.spam = SpamPolicy::new(["*@example.org"], ["spam@example.net"]);
    spec.dns.addresses = vec!["192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap()];
    spec
}

/// The same with each thing changed, dropped or new.
pub(crate) fn changed() -> DomainSpec {
    let mut spec = full();
    spec.agents = vec!["clerk".parse().unwrap()];
    spec.mailboxes.remove(1);
    spec.mailboxes[0].name = "Ada L.".into();
    spec.mailboxes[0].quota_mib = Some(1024);
    let spec = spec.with_mailbox(MailboxEntry::new(at("cy")));
    let mut spec = spec.with_forward(ForwardEntry::new(at("cy"), [address("cy@example.org")]));
    spec.forwards.remove(0);
    spec.aliases.remove(1);
    spec.aliases[0].targets = vec![at("cy")];
    spec.catch_all = Vec::new();
    spec.alias_domains = vec!["boutique.example".parse().unwrap()];
    spec.relay = None;
    spec.spam = SpamPolicy::new(["*@example.com"], ["spam@example.net"]);
    spec.description = "The new shop".into();
    spec.dns.autodiscovery = false;
    spec.dns.pop3s = Service::Offered;
    spec.prune = true;
    spec
}

pub(crate) fn domain() -> DomainName {
    ZONE.parse().unwrap()
}

pub(crate) fn at(local: &str) -> Address {
    Address::new(local, domain()).unwrap()
}

pub(crate) fn address(text: &str) -> Address {
    text.parse().unwrap()
}

pub(crate) fn names<'a>(addresses: impl IntoIterator<Item = &'a Address>) -> BTreeSet<String> {
    addresses.into_iter().map(ToString::to_string).collect()
}

const ZONE: &str = "shop.example";
