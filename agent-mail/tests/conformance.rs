//! Runs the conformance cases against every backend: `<backend>::<trait>::<case>`.

mod api_server;
#[path = "conformance/bells.rs"]
mod bells;
#[path = "conformance/held_up.rs"]
mod held_up;
#[path = "conformance/mailcow.rs"]
mod mailcow;
#[path = "vault_server/mod.rs"]
mod vault_server;
#[path = "conformance/worlds.rs"]
mod worlds;
#[path = "conformance/zone.rs"]
mod zone;

use std::sync::Arc;
use std::time::Duration;

use agent_mail::backend::{Claim, SecretStore, StateStore};
use agent_mail::conformance::{
    Case, DNS_CASES, DOORBELL_CASES, DYNAMIC_DNS_CASES, FakeVault, MAIL_ADMIN_CASES, PROVISIONER_CASES,
    QUARANTINE_CASES, QUEUE_CASES, ROTATION_CASES, SECRETS_CASES, SITES_CASES, STATE_CASES,
};
use agent_mail::http::{HttpClient, ReqwestClient};
use agent_mail::sites::{FakeKubernetes, SiteStore, SitesInKubernetes, SitesInState};
use agent_mail::{
    DomainName, EncryptionKey, MemorySecrets, MemoryState, RedbState, SecretFile, SecretFiles, Vault,
    VaultLogin,
};
use api_server::{ApiServer, TOKEN};
use bells::Bells;
use libtest_mimic::{Arguments, Completion, Trial};
use mailcow::FakeServer;
use worlds::{EmbeddedWorld, SimulatedWorld};
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

fn cluster() -> FakeKubernetes {
    let fake = FakeKubernetes::new(TOKEN);
    for namespace in ["tenant-one", "tenant-two"] {
        fake.add_namespace(namespace);
    }
    fake
}

/// Runs a future to its end on a thread of its own, as the runtime that was entered can't be blocked.
fn block_on<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T {
    let handle = tokio::runtime::Handle::current();
    std::thread::spawn(move || handle.block_on(future)).join().expect("it doesn't panic")
}

fn domain() -> DomainName {
    "agents.example".parse().expect("it is a name")
}
