//! Runs the conformance cases against every backend: `<backend>::<trait>::<case>`.

mod api_server;
#[path = "conformance/bells.rs"]
mod bells;
#[path = "conformance/held_up.rs"]
mod held_up;
#[path = "vault_server/mod.rs"]
mod vault_server;
#[path = "conformance/zone.rs"]
mod zone;

use std::sync::Arc;
use std::time::Duration;

use agent_mail::backend::{
    Claim, DnsProvider, DynamicDns, LoginRotation, MailAdmin, Provisioner, SecretStore, StateStore,
};
use agent_mail::conformance::{
    Case, DNS_CASES, DOORBELL_CASES, DYNAMIC_DNS_CASES, DnsHarness, DynamicDnsHarness, FakeVault,
    MAIL_ADMIN_CASES, MailAdminHarness, PROVISIONER_CASES, ProvisionerHarness, QUARANTINE_CASES, QUEUE_CASES,
    ROTATION_CASES, RotationHarness, SECRETS_CASES, SITES_CASES, STATE_CASES,
};
use agent_mail::http::{HttpClient, ReqwestClient};
use agent_mail::simulator::Simulation;
use agent_mail::sites::{FakeKubernetes, SiteStore, SitesInKubernetes, SitesInState};
use agent_mail::{
    Address, DomainName, Embedded, EncryptionKey, Mailcow, MemorySecrets, MemoryState, RedbState, SecretFile,
    SecretFiles, Vault, VaultLogin,
};
use api_server::{ApiServer, TOKEN};
use async_trait::async_trait;
use bells::Bells;
use libtest_mimic::{Arguments, Completion, Trial};
use mail_access::{Login, MailAccess, Selection};
use mailcow_api::FakeMailcow;
use secrecy::{ExposeSecret, SecretString};
use zone::FakeZone;

#[expect(clippy::too_many_lines, reason = "it is a list")]
fn main() {
    let mut trials = Vec::new();
    add(&mut trials, "embedded::state", STATE_CASES, || Subject::of(Arc::new(MemoryState::default())));
    add(&mut trials, "redb::state", STATE_CASES, || {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let state = RedbState::open(folder.path().join("state.redb")).expect("the file can be opened");
        Subject { backend: Arc::new(state) as Arc<dyn StateStore>, keep: Box::new(folder) }
    });
    add(&mut trials, "embedded::secrets", SECRETS_CASES, || Subject::of(Arc::new(MemorySecrets::default())));
    add(&mut trials, "files::secrets", SECRETS_CASES, || {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let secrets = SecretFiles::open(folder.path().join("secrets")).expect("the folder can be made");
        Subject { backend: Arc::new(secrets) as Arc<dyn SecretStore>, keep: Box::new(folder) }
    });
    add(&mut trials, "secret-file::secrets", SECRETS_CASES, || {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let secrets = SecretFile::open(folder.path().join("secrets.age"), EncryptionKey::generate());
        let secrets = secrets.expect("the file can be made");
        Subject { backend: Arc::new(secrets) as Arc<dyn SecretStore>, keep: Box::new(folder) }
    });
    add(&mut trials, "vault-fake::secrets", SECRETS_CASES, || {
        let fake = FakeVault::new();
        let client = Arc::new(fake.clone());
        Subject::of(Arc::new(fake_vault("https://vault.example", &fake, client)) as Arc<dyn SecretStore>)
    });
    add(&mut trials, "vault-http::secrets", SECRETS_CASES, || {
        let fake = FakeVault::new();
        let same = fake.clone();
        let server = block_on(async move { vault_server::serve(&same).await });
        let client = Arc::new(ReqwestClient::with_public_roots().expect("a client can be made"));
        let backend = Arc::new(fake_vault(&server.uri(), &fake, client)) as Arc<dyn SecretStore>;
        Subject { backend, keep: Box::new(server) }
    });
    let configured = trials.len();
    add(&mut trials, "vault::secrets", SECRETS_CASES, || {
        Subject::of(Arc::new(real_vault().expect("it is configured")) as Arc<dyn SecretStore>)
    });
    if real_vault().is_none() {
        let real = trials.split_off(configured);
        trials.extend(real.into_iter().map(|trial| {
            let reason = "VAULT_ADDR and VAULT_TOKEN are not set";
            Trial::ignorable_test(trial.name(), move || Ok(Completion::ignored_with(reason)))
        }));
    }
    add(&mut trials, "embedded::dns", DNS_CASES, || Subject::of(Arc::new(EmbeddedWorld::new())));
    add(&mut trials, "desec-fake::dns", DNS_CASES, || Subject::of(Arc::new(FakeZone::in_memory())));
    add(&mut trials, "desec-http::dns", DNS_CASES, || Subject::of(Arc::new(FakeZone::over_http())));
    add(&mut trials, "embedded::mail_admin", MAIL_ADMIN_CASES, || {
        Subject::of(Arc::new(EmbeddedWorld::new()))
    });
    add(&mut trials, "embedded::dynamic_dns", DYNAMIC_DNS_CASES, || {
        Subject::of(Arc::new(EmbeddedWorld::new()))
    });
    add(&mut trials, "desec-fake::dynamic_dns", DYNAMIC_DNS_CASES, || {
        Subject::of(Arc::new(FakeZone::in_memory()))
    });
    add(&mut trials, "desec-http::dynamic_dns", DYNAMIC_DNS_CASES, || {
        Subject::of(Arc::new(FakeZone::over_http()))
    });
    add(&mut trials, "embedded::doorbell", DOORBELL_CASES, || Subject::of(Arc::new(Bells::new(false))));
    add(&mut trials, "restored::doorbell", DOORBELL_CASES, || {
        Subject::of(Arc::new(Bells::new(false).restored()))
    });
    add(&mut trials, "hub::doorbell", DOORBELL_CASES, || Subject::of(Arc::new(Bells::new(true))));
    add(&mut trials, "embedded::provisioner", PROVISIONER_CASES, || {
        Subject::of(Arc::new(EmbeddedWorld::new()))
    });
    add(&mut trials, "mailcow-fake::mail_admin", MAIL_ADMIN_CASES, || {
        Subject::of(Arc::new(FakeServer::in_memory()))
    });
    add(&mut trials, "mailcow-http::mail_admin", MAIL_ADMIN_CASES, || {
        Subject::of(Arc::new(FakeServer::over_http()))
    });
    add(&mut trials, "mailcow-fake::provisioner", PROVISIONER_CASES, || {
        Subject::of(Arc::new(FakeServer::in_memory()))
    });
    add(&mut trials, "mailcow-http::provisioner", PROVISIONER_CASES, || {
        Subject::of(Arc::new(FakeServer::over_http()))
    });
    add(&mut trials, "embedded::sites", SITES_CASES, || {
        let state = Arc::new(MemoryState::default());
        Subject::of(Arc::new(SitesInState::new(state, domain())) as Arc<dyn SiteStore>)
    });
    add(&mut trials, "redb::sites", SITES_CASES, || {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let state = RedbState::open(folder.path().join("state.redb")).expect("the file can be opened");
        let sites = SitesInState::new(Arc::new(state), domain());
        Subject { backend: Arc::new(sites) as Arc<dyn SiteStore>, keep: Box::new(folder) }
    });
    add(&mut trials, "kubernetes-fake::sites", SITES_CASES, || {
        let sites = SitesInKubernetes::builder("https://10.96.0.1", "platform.example")
            .client(Arc::new(cluster()))
            .token(TOKEN.into())
            .namespace_prefix("tenant-");
        Subject::of(Arc::new(sites.build().expect("it is complete")) as Arc<dyn SiteStore>)
    });
    add(&mut trials, "kubernetes-https::sites", SITES_CASES, || {
        let server = block_on(ApiServer::start(cluster()));
        let sites = Arc::new(server.store()) as Arc<dyn SiteStore>;
        Subject { backend: sites, keep: Box::new(server) }
    });
    add(&mut trials, "embedded::rotation", ROTATION_CASES, || Subject::of(Arc::new(EmbeddedWorld::new())));
    add(&mut trials, "mailcow-fake::rotation", ROTATION_CASES, || {
        Subject::of(Arc::new(FakeServer::in_memory()))
    });
    add(&mut trials, "mailcow-http::rotation", ROTATION_CASES, || {
        Subject::of(Arc::new(FakeServer::over_http()))
    });
    add(&mut trials, "embedded::queue", QUEUE_CASES, || Subject::of(Arc::new(EmbeddedWorld::new())));
    add(&mut trials, "embedded::quarantine", QUARANTINE_CASES, || {
        Subject::of(Arc::new(EmbeddedWorld::new()))
    });
    add(&mut trials, "mailcow-fake::queue", QUEUE_CASES, || Subject::of(Arc::new(FakeServer::in_memory())));
    add(&mut trials, "mailcow-http::queue", QUEUE_CASES, || Subject::of(Arc::new(FakeServer::over_http())));
    add(&mut trials, "mailcow-fake::quarantine", QUARANTINE_CASES, || {
        Subject::of(Arc::new(FakeServer::in_memory()))
    });
    add(&mut trials, "mailcow-http::quarantine", QUARANTINE_CASES, || {
        Subject::of(Arc::new(FakeServer::over_http()))
    });
    add(&mut trials, "simulation::dns", DNS_CASES, || Subject::of(Arc::new(SimulatedWorld::new())));
    add(&mut trials, "simulation::provisioner", PROVISIONER_CASES, || {
        Subject::of(Arc::new(SimulatedWorld::new()))
    });
    add(&mut trials, "simulation::rotation", ROTATION_CASES, || Subject::of(Arc::new(SimulatedWorld::new())));
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// A backend, and what has to live as long as it.
struct Subject<S: ?Sized> {
    backend: Arc<S>,
    keep: Box<dyn Send>,
}

impl<S: ?Sized> Subject<S> {
    fn of(backend: Arc<S>) -> Self {
        Self { backend, keep: Box::new(()) }
    }
}

fn add<S: ?Sized + 'static>(
    trials: &mut Vec<Trial>,
    backend: &str,
    cases: &'static [Case<Arc<S>>],
    open: impl Fn() -> Subject<S> + Copy + Send + 'static,
) {
    trials.extend(cases.iter().map(|case| {
        Trial::test(format!("{backend}::{}", case.name()), move || {
            // The runtime is entered first: a fake over HTTP is opened in it.
            let runtime =
                tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
            let entered = runtime.enter();
            let Subject { backend, keep } = open();
            drop(entered);
            runtime.block_on(case.run(backend));
            drop(keep);
            Ok(())
        })
    }));
}

fn fake_vault(address: &str, fake: &FakeVault, client: Arc<dyn HttpClient>) -> Vault {
    let hour = Duration::from_hours(1);
    let (role, secret) = fake.add_role("", hour, hour);
    Vault::new(address, VaultLogin::app_role(role, secret), client).expect("it is an address")
}

/// Returns the Vault that the environment names, with a place of its own for each case.
fn real_vault() -> Option<Vault> {
    let [address, token] = ["VAULT_ADDR", "VAULT_TOKEN"].map(|name| std::env::var(name).ok());
    let client = Arc::new(ReqwestClient::with_public_roots().expect("a client can be made"));
    let vault = Vault::new(&address?, VaultLogin::token(token?.into()), client).expect("it is an address");
    let place = format!("agent-mail-cases/{}", Claim::generate().as_str());
    Some(vault.with_prefix(&place).expect("it is a path"))
}

#[derive(Debug)]
struct EmbeddedWorld(Arc<Embedded>);

impl EmbeddedWorld {
    fn new() -> Self {
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
struct SimulatedWorld(Simulation);

impl SimulatedWorld {
    fn new() -> Self {
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

#[derive(Debug)]
struct FakeServer {
    fake: FakeMailcow,
    mailcow: Arc<Mailcow>,
    _server: Option<mailcow_api::FakeServer>,
}

impl FakeServer {
    fn in_memory() -> Self {
        let fake = FakeMailcow::new();
        let mailcow = Arc::new(Mailcow::new(fake.client()));
        Self { fake, mailcow, _server: None }
    }

    fn over_http() -> Self {
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

fn cluster() -> FakeKubernetes {
    let fake = FakeKubernetes::new(TOKEN);
    for namespace in ["tenant-one", "tenant-two"] {
        fake.add_namespace(namespace);
    }
    fake
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

/// Runs a future to its end on a thread of its own, as the runtime that was entered can't be blocked.
fn block_on<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T {
    let handle = tokio::runtime::Handle::current();
    std::thread::spawn(move || handle.block_on(future)).join().expect("it doesn't panic")
}

fn domain() -> DomainName {
    "agents.example".parse().expect("it is a name")
}
