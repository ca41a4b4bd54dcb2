//! Passwords are changed without a moment in which no stored one works, wherever it breaks off.

#[path = "../pausing/mod.rs"]
mod pausing;
mod people;
mod reading;
mod sending;
mod shaky;
mod two_programs;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use agent_mail::backend::{Claim, LoginRotation, SecretStore};
use agent_mail::mail_access::{Login, MailAccess, PostOffice, Selection};
use agent_mail::{
    Address, AgentId, AgentMail, Embedded, Error, ErrorKind, Mailcow, MemorySecrets, MemoryState, NewMessage,
    PasswordRotation,
};
use async_trait::async_trait;
use mailcow_api::{FakeMailcow, Fault};
use secrecy::{ExposeSecret, SecretString};
use shaky::{Chance, Shaky};

#[derive(Debug)]
struct World {
    embedded: Embedded,
    chance: Arc<Chance>,
    secrets: Arc<MemorySecrets>,
    state: Arc<MemoryState>,
}

impl World {
    fn new() -> Self {
        let embedded = Embedded::new("agents.example".parse().unwrap());
        Self { embedded, chance: Arc::default(), secrets: Arc::default(), state: Arc::default() }
    }

    fn shaky<T: ?Sized>(&self, inner: Arc<T>) -> Arc<Shaky<T>> {
        Arc::new(Shaky { chance: self.chance.clone(), inner })
    }

    fn system(&self, rotation: Arc<dyn LoginRotation>) -> AgentMail {
        let builder = self.embedded.system().rotation(self.shaky(rotation));
        let builder = builder.secrets(self.shaky(self.secrets.clone())).state(self.shaky(self.state.clone()));
        builder.mail_access(self.shaky(Arc::new(self.office().clone()))).build().unwrap()
    }

    fn office(&self) -> &PostOffice {
        self.embedded.post_office()
    }

    async fn stored(&self, address: &Address) -> Option<SecretString> {
        self.secrets.get(address).await.unwrap()
    }

    async fn opens(&self, address: &Address, password: &SecretString) -> bool {
        let login = Login::new(address.clone(), password.clone());
        self.office().fetch(&login, &Selection::Unseen, 1).await.is_ok()
    }
}

fn id() -> AgentId {
    "ada".parse().unwrap()
}

fn ada() -> Address {
    "agent_ada@agents.example".parse().unwrap()
}

#[tokio::test]
async fn wherever_a_rotation_breaks_off_the_stored_password_works_and_the_next_one_finishes() {
    for after in [false, true] {
        for step in 0.. {
            let world = World::new();
            let system = world.system(Arc::new(world.embedded.clone()));
            system.provision(&id()).await.unwrap();
            let old = world.stored(&ada()).await.unwrap();
            world.chance.fail_after(step, after);
            let outcome = system.rotate(&id()).await;
            let over = world.chance.calm();
            assert_eq!(outcome.is_ok(), over, "no failure goes untold at {step}");
            let stored = world.stored(&ada()).await.unwrap();
            assert!(world.opens(&ada(), &stored).await, "{after} {step}");

            // The program starts again.
            let system = world.system(Arc::new(world.embedded.clone()));
            let begun = system.unfinished_rotations().await.unwrap();
            if !over {
                system.rotate(&id()).await.unwrap();
            }
            let stored = world.stored(&ada()).await.unwrap();
            assert!(world.opens(&ada(), &stored).await && !world.opens(&ada(), &old).await, "{after} {step}");
            assert_eq!(world.office().app_passwords(&ada()).unwrap().len(), 1, "no other is left");
            assert!(system.unfinished_rotations().await.unwrap().is_empty());
            assert!(begun.iter().all(|agent| *agent == id()));
            system.retire(&id()).await.unwrap();
            assert_eq!(format!("{:?}", world.state), "MemoryState { records: 0 }");
            if over {
                assert!(step >= 9, "{step} calls are too few");
                break;
            }
        }
    }
}

#[tokio::test]
async fn an_agent_that_is_retired_in_between_leaves_nothing() {
    for step in 0..9 {
        let world = World::new();
        let system = world.system(Arc::new(world.embedded.clone()));
        system.provision(&id()).await.unwrap();
        world.chance.fail_after(step, true);
        system.rotate(&id()).await.unwrap_err();
        world.chance.calm();
        system.retire(&id()).await.unwrap();
        let left = format!("{:?} {:?}", world.state, world.secrets);
        assert_eq!(left, "MemoryState { records: 0 } MemorySecrets { secrets: 0 }");
        assert_eq!(system.rotate(&id()).await.unwrap_err().kind(), ErrorKind::NotFound);
    }
}

#[tokio::test]
async fn wherever_mailcow_fails_the_stored_password_works_and_the_next_rotation_finishes() {
    let faults = [
        Fault::DoneButEmpty,
        Fault::DoneBut500,
        Fault::DoneButLost,
        Fault::DoneBut502,
        Fault::NotDone500,
        Fault::Unreachable,
    ];
    for route in ["get/mailbox", "get/app-passwd/all", "add/app-passwd", "delete/app-passwd"] {
        for fault in faults {
            let world = World::new();
            let fake = FakeMailcow::new();
            follow(&fake, world.office());
            let mailcow = Arc::new(Mailcow::new(fake.client()));
            let system = world.system(mailcow.clone());
            world.office().add_domain("agents.example".parse().unwrap());
            let system_for = |rotation: Arc<Mailcow>| {
                let builder = world.embedded.system().provisioner(rotation.clone()).rotation(rotation);
                builder.secrets(world.secrets.clone()).state(world.state.clone()).build().unwrap()
            };
            drop(system);
            let system = system_for(mailcow.clone());
            system.provision(&id()).await.unwrap();
            let old = world.stored(&ada()).await.unwrap();
            fake.fail_next(route, fault);
            let outcome = system.rotate(&id()).await;
            let stored = world.stored(&ada()).await.unwrap();
            assert!(world.opens(&ada(), &stored).await, "{route} {fault:?}");
            if outcome.is_err() {
                system_for(mailcow).rotate(&id()).await.unwrap();
            }
            let stored = world.stored(&ada()).await.unwrap();
            assert!(world.opens(&ada(), &stored).await && !world.opens(&ada(), &old).await);
            let apps: Vec<_> = fake.logins().into_iter().filter(|login| login.imap && login.smtp).collect();
            let good = apps.iter().filter(|app| app.password.expose_secret() == stored.expose_secret());
            assert_eq!(good.count(), 1, "{route} {fault:?}");
            let apps = fake.client().app_passwords(&ada().to_string().parse().unwrap()).await.unwrap();
            assert_eq!(apps.len(), 1, "{route} {fault:?}");
        }
    }
}

/// Lets a mail system take the passwords that Mailcow knows, and no others.
fn follow(mailcow: &FakeMailcow, office: &PostOffice) {
    let office = office.clone();
    mailcow.on_logins_changed(move |logins| {
        for address in logins.iter().map(|login| login.address.parse::<Address>().unwrap()) {
            office.add_mailbox(&address, Claim::generate().as_str().into(), 0).ok();
            let good: BTreeSet<_> = logins
                .iter()
                .filter(|login| login.address == address.to_string())
                .map(|login| login.password.expose_secret().to_owned())
                .collect();
            for known in office.app_passwords(&address).unwrap() {
                if !good.contains(&known) {
                    office.remove_app_password(&address, &known).unwrap();
                }
            }
            for password in good {
                office.set_app_password(&address, &password, password.clone().into()).unwrap();
            }
        }
    });
}

#[tokio::test(start_paused = true)]
async fn mailboxes_that_are_open_go_on_with_the_new_password() {
    let system = AgentMail::embedded("agents.example").unwrap();
    let ada = system.provision(&id()).await.unwrap();
    let bob = system.provision(&"bob".parse().unwrap()).await.unwrap();
    let waiting = {
        let ada = ada.clone();
        tokio::spawn(async move { ada.events().next().await })
    };
    tokio::time::sleep(Duration::from_secs(5)).await;
    for _ in 0..3 {
        system.rotate(&id()).await.unwrap();
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    bob.send(NewMessage::to(ada.address()).with_subject("still there?")).await.unwrap();
    let event = waiting.await.unwrap().unwrap().unwrap();
    assert_eq!(event.received().unwrap().subject(), "still there?");
    ada.send(NewMessage::to(bob.address())).await.unwrap();
    assert_eq!(ada.fetch_unseen(9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_password_that_does_not_open_the_mailbox_is_never_stored() {
    #[derive(Debug)]
    struct Forgets;
    #[async_trait]
    impl LoginRotation for Forgets {
        async fn add_login(&self, _: &Address, _: &Claim, _: &str, _: &SecretString) -> Result<(), Error> {
            Ok(())
        }
        async fn keep_only_login(&self, _: &Address, _: &Claim, _: &str) -> Result<(), Error> {
            panic!("nothing was proven")
        }
    }
    let world = World::new();
    let system = world.system(Arc::new(Forgets));
    system.provision(&id()).await.unwrap();
    let error = system.rotate(&id()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert!(world.opens(&ada(), &world.stored(&ada()).await.unwrap()).await);
    assert_eq!(system.unfinished_rotations().await.unwrap(), [id()]);
    assert_eq!(system.rotate(&"eve".parse().unwrap()).await.unwrap_err().kind(), ErrorKind::NotFound);
    let without = AgentMail::builder("agents.example".parse().unwrap())
        .provisioner(Arc::new(world.embedded.clone()))
        .mail_access(Arc::new(world.office().clone()));
    let error = without.build().unwrap().rotate(&id()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn a_password_that_reads_and_does_not_submit_takes_no_other_s_place() {
    let world = World::new();
    let system = world.system(Arc::new(world.embedded.clone()));
    system.provision(&id()).await.unwrap();
    let old = world.stored(&ada()).await.unwrap();
    world.chance.reads_only.store(true, Ordering::Relaxed);
    let error = system.rotate(&id()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    let stored = world.stored(&ada()).await.unwrap();
    assert_eq!(stored.expose_secret(), old.expose_secret());
    assert!(world.opens(&ada(), &old).await);

    let office = world.shaky(Arc::new(world.office().clone()));
    let rotation = PasswordRotation::new(office.clone(), office, world.secrets.clone());
    let error = rotation.rotate(&ada(), true).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    let stored = world.stored(&ada()).await.unwrap();
    assert_eq!(stored.expose_secret(), old.expose_secret(), "the new one waits in its own place");
    assert!(world.stored(&PasswordRotation::waiting(&ada())).await.is_some());
    world.chance.reads_only.store(false, Ordering::Relaxed);
    rotation.rotate(&ada(), true).await.unwrap();
}
