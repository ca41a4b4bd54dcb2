//! Two programs that give one mailbox a new password at the same time.

use std::sync::Arc;

use agent_mail::backend::{MailAdmin, MailChange, PasswordRules, SecretStore, ServedDomain};
use agent_mail::{Address, DomainName, Error, ErrorKind, PasswordRotation};
use async_trait::async_trait;
use secrecy::SecretString;
use tokio::sync::Semaphore;
use tokio::task::yield_now;

use super::World;

/// The backends of a person's rotation, which let so many calls pass and then wait until they are let go.
#[derive(Debug)]
struct Held {
    world: Arc<World>,
    left: Semaphore,
}

impl Held {
    async fn pass(&self) {
        self.left.acquire().await.unwrap().forget();
        yield_now().await;
    }
}

#[async_trait]
impl SecretStore for Held {
    async fn get(&self, address: &Address) -> Result<Option<SecretString>, Error> {
        self.pass().await;
        self.world.secrets.get(address).await
    }
    async fn put(&self, address: &Address, secret: &SecretString) -> Result<(), Error> {
        self.pass().await;
        self.world.secrets.put(address, secret).await
    }
    async fn remove(&self, address: &Address) -> Result<(), Error> {
        self.pass().await;
        self.world.secrets.remove(address).await
    }
}

#[async_trait]
impl MailAdmin for Held {
    async fn survey(&self, _: &DomainName) -> Result<Option<ServedDomain>, Error> {
        Err(Error::new(ErrorKind::Unsupported, "survey", "a mail system for passwords only"))
    }
    async fn change(
        &self,
        domain: &DomainName,
        change: &MailChange,
        secret: Option<&SecretString>,
    ) -> Result<(), Error> {
        self.pass().await;
        self.world.shaky(Arc::new(self.world.office().clone())).change(domain, change, secret).await
    }
    async fn password_rules(&self) -> Result<PasswordRules, Error> {
        self.pass().await;
        Ok(PasswordRules::of_length(20))
    }
}

#[tokio::test]
async fn of_two_programs_that_rotate_one_mailbox_none_is_told_that_a_lost_password_is_set() {
    let person: Address = "ada@shop.example".parse().unwrap();
    let (mut both, mut told) = (0, 0);
    for (first, second) in (0..12).flat_map(|first| (0..12).map(move |second| (first, second))) {
        let world = Arc::new(World::new());
        world.office().add_domain(person.domain().clone());
        world.office().add_mailbox(&person, "old".into(), 0).unwrap();
        let begin = |calls| {
            let held = Arc::new(Held { world: world.clone(), left: Semaphore::new(calls) });
            let office = Arc::new(world.office().clone());
            let rotation = PasswordRotation::new(held.clone(), office, held.clone());
            let person = person.clone();
            (held, tokio::spawn(async move { rotation.rotate(&person, true).await }))
        };
        let settle = || async {
            for _ in 0..200 {
                yield_now().await;
            }
        };
        // One does so much, then the other so much, then the one goes on to its end, and then the other.
        let (one, rotated) = begin(first);
        settle().await;
        let (other, rotated_too) = begin(second);
        settle().await;
        one.left.add_permits(99);
        let mut ends = vec![rotated.await.unwrap()];
        other.left.add_permits(99);
        ends.push(rotated_too.await.unwrap());
        let stored = world.stored(&person).await;
        let works = match &stored {
            Some(stored) => world.opens(&person, stored).await,
            None => false,
        };
        let failed: Vec<_> = ends.into_iter().filter_map(Result::err).collect();
        assert!(works || !failed.is_empty(), "{first} {second}");
        for error in &failed {
            let kinds = [ErrorKind::NotReady, ErrorKind::Unauthenticated];
            assert!(kinds.contains(&error.kind()), "{first} {second}: {error}");
        }
        *(if failed.is_empty() { &mut both } else { &mut told }) += 1;
        // And the next call makes it good.
        let (_, rotated) = begin(99);
        rotated.await.unwrap().unwrap();
        let stored = world.stored(&person).await.unwrap();
        assert!(world.opens(&person, &stored).await, "{first} {second}");
        assert!(world.stored(&PasswordRotation::waiting(&person)).await.is_none());
    }
    assert!(both > 50 && told > 5, "{both} {told}");
}
