//! No password, key or token shows in a trace, an error or a `Debug`, however the work goes.

use std::collections::BTreeSet;
use std::error::Error as _;
use std::fmt::{Debug, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent_mail::backend::{Claim, MailboxSpec, SecretStore};
use agent_mail::conformance::{FakeFault, FakeVault};
use agent_mail::{
    AgentId, AgentMail, Desec, Embedded, EncryptionKey, EnvSecrets, Error, Mailcow, MemorySecrets,
    NewMessage, SecretFile, SecretFiles, Vault, VaultLogin,
};
use desec_api::{FakeDesec, Ttl};
use mail_access::{Address, Fault as MailFault};
use mailcow_api::{FakeMailcow, Fault};
use secrecy::ExposeSecret;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// The stores of the operator's half, each with every kind of call and, for Vault, every kind of fault at every call.
#[tokio::test(start_paused = true)]
async fn no_store_shows_a_secret() {
    let shown = Shown::default();
    let _tracing = tracing::subscriber::set_default(shown.clone());
    let ada: Address = "ada@agents.example".parse().unwrap();
    let fake = FakeVault::new();
    let (role, secret_id) = fake.add_role("", Duration::from_hours(1), Duration::from_hours(2));
    let root = fake.root_token();
    for login in [VaultLogin::token(root.clone()), VaultLogin::app_role(role, secret_id.clone())] {
        for fault in VAULT_FAULTS {
            for at in 0..4 {
                let vault =
                    Vault::new("https://vault.example", login.clone(), Arc::new(fake.clone())).unwrap();
                (at..at + 9).for_each(|call| fake.fail_call(call, fault));
                work_with(&vault, &ada, &shown).await;
                fake.calm();
            }
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let key = EncryptionKey::from_passphrase("canary passphrase".into()).unwrap().with_work_factor(2);
    let file = folder.path().join("secrets.age");
    let store = SecretFile::open(&file, key.clone()).unwrap();
    work_with(&store, &ada, &shown).await;
    shown.add_outcome(SecretFile::open(&file, key.clone()));
    std::fs::write(&file, "canary-torn").unwrap();
    work_with(&store, &ada, &shown).await;
    drop(store);
    shown.add_outcome(SecretFile::open(&file, key));
    work_with(&EnvSecrets::from_vars(|_| Some("canary-env".into())), &ada, &shown).await;
    let shown = shown.0.lock().unwrap();
    assert!(shown.contains("Unauthenticated") && shown.contains("Interrupted"), "faults were met");
    for canary in ["canary", secret_id.expose_secret(), root.expose_secret(), "hvs."] {
        assert!(!shown.contains(canary), "{canary} shows");
    }
}

async fn work_with(store: &dyn SecretStore, ada: &Address, shown: &Shown) {
    shown.add(&store);
    for password in ["canary-one", "canary-two"] {
        shown.add_outcome(store.get(ada).await.map(drop));
        shown.add_outcome(store.put(ada, &password.into()).await);
    }
    shown.add_outcome(store.get(ada).await);
    shown.add_outcome(store.remove(ada).await);
    shown.add(&store);
}

const VAULT_FAULTS: [FakeFault; 9] = [
    FakeFault::NotSent,
    FakeFault::LostBefore,
    FakeFault::LostAfter,
    FakeFault::Hangs,
    FakeFault::StatusAfter(500),
    FakeFault::Status(400),
    FakeFault::Status(403),
    FakeFault::Status(429),
    FakeFault::Status(503),
];

/// Everything that was traced, at every level, and whatever else was shown.
#[derive(Clone, Default)]
struct Shown(Arc<Mutex<String>>, Arc<AtomicU64>);

impl Shown {
    fn add(&self, thing: &impl Debug) {
        writeln!(self.0.lock().unwrap(), "{thing:?} {thing:#?}").unwrap();
    }

    fn add_error(&self, error: &Error) {
        self.add(error);
        let mut shown = self.0.lock().unwrap();
        write!(shown, "{error} {}", error.fix()).unwrap();
        let mut source = error.source();
        while let Some(error) = source {
            writeln!(shown, "{error} {error:?}").unwrap();
            source = error.source();
        }
    }

    fn add_outcome<T: Debug>(&self, outcome: Result<T, Error>) {
        match outcome {
            Ok(value) => self.add(&value),
            Err(error) => self.add_error(&error),
        }
    }
}

impl Visit for Shown {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        writeln!(self.0.lock().unwrap(), "{field}={value:?}").unwrap();
    }
}

impl Subscriber for Shown {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut self.clone());
        Id::from_u64(self.1.fetch_add(1, Ordering::Relaxed) + 1)
    }
    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut self.clone());
    }
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

struct World {
    embedded: Embedded,
    mailcow: FakeMailcow,
    desec: FakeDesec,
    secrets: Arc<MemorySecrets>,
    /// All that must never show.
    canaries: Arc<Mutex<BTreeSet<String>>>,
}

impl World {
    fn new() -> Self {
        let (mailcow, desec) = (FakeMailcow::new(), FakeDesec::new());
        desec.add_domain(&"agents.example".parse().unwrap(), Ttl::new(3600).unwrap());
        let keys = [mailcow.api_key(), desec.token()].map(|key| key.expose_secret().to_owned());
        let canaries = Arc::new(Mutex::new(BTreeSet::from(keys)));
        let embedded = Embedded::new("agents.example".parse().unwrap());
        embedded.post_office().add_domain("agents.example".parse().unwrap());
        let (seen, office) = (canaries.clone(), embedded.post_office().clone());
        // What Mailcow accepts, the mail system accepts.
        mailcow.on_logins_changed(move |logins| {
            for login in logins {
                seen.lock().unwrap().insert(login.password.expose_secret().to_owned());
                let address = login.address.parse().unwrap();
                if office.add_mailbox(&address, login.password.clone(), 0).is_err() {
                    office.set_password(&address, login.password.clone()).unwrap();
                }
            }
        });
        Self { embedded, mailcow, desec, secrets: Arc::default(), canaries }
    }

    fn system(&self) -> AgentMail {
        let (domain, host) = ("agents.example".parse().unwrap(), "mail.example.org".parse().unwrap());
        let desec = Arc::new(Desec::new(self.desec.client_builder().unpaced().build().unwrap()));
        let mailcow = Arc::new(Mailcow::new(self.mailcow.client()));
        let builder = self.embedded.system().provisioner(mailcow).dns(desec, domain, host);
        builder.secrets(self.secrets.clone()).build().unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn no_secret_shows_however_the_work_goes() {
    let shown = Shown::default();
    let _tracing = tracing::subscriber::set_default(shown.clone());
    let mut canaries = BTreeSet::new();
    for route in ROUTES {
        for fault in FAULTS {
            let world = World::new();
            world.mailcow.fail_next(route, fault);
            world.desec.inject(desec_api::Fault::FailsStored);
            work(&world, &shown).await;
            canaries.extend(world.canaries.lock().unwrap().clone());
        }
    }
    assert!(canaries.len() > 2 * ROUTES.len() * FAULTS.len(), "{}", canaries.len());
    let shown = shown.0.lock().unwrap();
    assert!(shown.contains("agent=ada"), "the traces were caught");
    for canary in canaries {
        assert!(!shown.contains(&canary), "{canary} shows");
    }
}

async fn work(world: &World, shown: &Shown) {
    let mail = world.system();
    shown.add_outcome(mail.bootstrap_dns().await);
    shown.add_outcome(mail.provision(&id()).await);
    shown.add_outcome(mail.open(&id()).await);
    let ada = mail.provision(&id()).await.unwrap();
    let office = world.embedded.post_office();
    for fault in [MailFault::SubmitUnavailable, MailFault::SubmitLost] {
        office.fail_next(ada.address(), fault);
        shown.add_outcome(ada.send(NewMessage::to(ada.address())).await);
    }
    shown.add_outcome(ada.send_once("key", NewMessage::to(ada.address())).await);
    shown.add_outcome(ada.unconfirmed().await);
    office.fail_next(ada.address(), MailFault::FetchUnavailable);
    let mut events = ada.events();
    shown.add_outcome(events.next().await.unwrap());
    office.set_password(ada.address(), "another".into()).unwrap();
    shown.add_outcome(ada.fetch_unseen(1).await);
    shown.add_outcome(ada.send(NewMessage::to(ada.address())).await);
    shown.add_outcome(ada.events().next().await.unwrap());
    shown.add_outcome(mail.agents().await);
    world.mailcow.fail_next("delete/mailbox", Fault::DoneButEmpty);
    shown.add_outcome(mail.retire(&id()).await);
    shown.add_outcome(mail.retire(&id()).await);
    shown.add(&(&mail, &ada, &events, &world.embedded, &world.embedded.system(), &world.secrets));
}

#[test]
fn no_debug_of_what_holds_secrets_shows_them() {
    let shown = Shown::default();
    let spec = MailboxSpec::new("ada@agents.example".parse().unwrap(), "canary-7".into(), Claim::generate());
    shown.add(&spec);
    let client = mailcow_api::Client::builder("https://mail.example.org", "canary-7".into()).build().unwrap();
    shown.add(&Mailcow::new(client));
    shown.add(&Desec::new(desec_api::Client::builder("canary-7".into()).build().unwrap()));
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ada@agents.example"), "canary-7").unwrap();
    shown.add(&SecretFiles::open(folder.path()).unwrap());
    let key = EncryptionKey::from_passphrase("canary-7 canary-7".into()).unwrap();
    shown.add(&key);
    shown.add(&SecretFile::open(folder.path().join("file.age"), key.with_work_factor(2)).unwrap());
    shown.add(&EnvSecrets::from_vars(|_| Some("canary-7".into())));
    for login in [VaultLogin::token("canary-7".into()), VaultLogin::app_role("role", "canary-7".into())] {
        shown.add(&login);
        shown.add(&Vault::new("https://vault.example", login, Arc::new(FakeVault::new())).unwrap());
    }
    let shown = shown.0.lock().unwrap();
    assert!(shown.contains("MailboxSpec") && !shown.contains("canary-7"), "{shown}");
}

fn id() -> AgentId {
    "ada".parse().unwrap()
}

const ROUTES: [&str; 5] =
    ["get/mailbox", "add/mailbox", "get/app-passwd/all", "add/app-passwd", "edit/app-passwd"];
const FAULTS: [Fault; 3] = [Fault::DoneButEmpty, Fault::DoneBut500, Fault::DoneButLost];
