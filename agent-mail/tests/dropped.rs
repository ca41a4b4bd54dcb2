//! Every call may be dropped at any point: each is here, at each of its points, and the next one finds order.

use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use agent_mail::backend::{
    Change, Claim, Committed, DkimKey, MailboxSpec, Provisioner, SecretStore, StateStore,
};
use agent_mail::{
    Address, AgentId, AgentMail, DomainName, Embedded, Error, MemorySecrets, MemoryState, NewMessage,
};
use async_trait::async_trait;
use mail_access::{
    Arrival, Batch, Error as MailError, Login, MailAccess, Outgoing, Position, Selection, Submission, Uid,
};
use secrecy::SecretString;
use tokio::task::yield_now;

/// A backend that gives way before and after each operation, where a caller may be dropped.
#[derive(Debug)]
struct Pausing<T: ?Sized>(Arc<T>);

macro_rules! pausing {
    ($self:ident.$call:ident($($argument:expr),*)) => {{
        yield_now().await;
        let result = $self.0.$call($($argument),*).await;
        yield_now().await;
        result
    }};
}

#[async_trait]
impl<T: StateStore + ?Sized> StateStore for Pausing<T> {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        pausing!(self.get(key))
    }
    async fn scan(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, Error> {
        pausing!(self.scan(prefix))
    }
    async fn commit(&self, change: Change) -> Result<Committed, Error> {
        pausing!(self.commit(change))
    }
}

#[async_trait]
impl<T: SecretStore + ?Sized> SecretStore for Pausing<T> {
    async fn get(&self, address: &Address) -> Result<Option<SecretString>, Error> {
        pausing!(self.get(address))
    }
    async fn put(&self, address: &Address, secret: &SecretString) -> Result<(), Error> {
        pausing!(self.put(address, secret))
    }
    async fn remove(&self, address: &Address) -> Result<(), Error> {
        pausing!(self.remove(address))
    }
}

#[async_trait]
impl<T: Provisioner + ?Sized> Provisioner for Pausing<T> {
    async fn ensure_domain(&self, domain: &DomainName) -> Result<(), Error> {
        pausing!(self.ensure_domain(domain))
    }
    async fn dkim(&self, domain: &DomainName) -> Result<DkimKey, Error> {
        pausing!(self.dkim(domain))
    }
    async fn ensure_mailbox(&self, spec: &MailboxSpec) -> Result<(), Error> {
        pausing!(self.ensure_mailbox(spec))
    }
    async fn remove_mailbox(&self, address: &Address, claim: &Claim) -> Result<(), Error> {
        pausing!(self.remove_mailbox(address, claim))
    }
}

#[async_trait]
impl<T: MailAccess + ?Sized> MailAccess for Pausing<T> {
    async fn submit(&self, login: &Login, message: &Outgoing) -> Result<Submission, MailError> {
        pausing!(self.submit(login, message))
    }
    async fn check_submission(&self, login: &Login) -> Result<(), MailError> {
        pausing!(self.check_submission(login))
    }
    async fn fetch(&self, login: &Login, selection: &Selection, limit: usize) -> Result<Batch, MailError> {
        pausing!(self.fetch(login, selection, limit))
    }
    async fn mark_seen(&self, login: &Login, uid_validity: u32, uids: &[Uid]) -> Result<(), MailError> {
        pausing!(self.mark_seen(login, uid_validity, uids))
    }
    async fn wait(&self, login: &Login, after: Position, at_most: Duration) -> Result<Arrival, MailError> {
        pausing!(self.wait(login, after, at_most))
    }
}

/// A world whose state and secrets the test holds, so that each system over it is one run of the program.
struct World {
    embedded: Arc<Embedded>,
    state: Arc<MemoryState>,
    secrets: Arc<MemorySecrets>,
}

impl World {
    fn new() -> Self {
        let embedded = Arc::new(Embedded::new("agents.example".parse().unwrap()));
        Self { embedded, state: Arc::default(), secrets: Arc::default() }
    }

    fn program(&self) -> AgentMail {
        let builder = AgentMail::builder("agents.example".parse().unwrap())
            .provisioner(Arc::new(Pausing(self.embedded.clone())))
            .mail_access(Arc::new(Pausing(Arc::new(self.embedded.post_office().clone()))))
            .state(Arc::new(Pausing(self.state.clone())))
            .secrets(Arc::new(Pausing(self.secrets.clone())));
        builder.build().unwrap()
    }
}

/// Polls a future `times` times and drops it; what it came to, if it came to an end.
async fn drop_after<F: Future>(times: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = times;
    poll_fn(|cx| {
        while left > 0 {
            left -= 1;
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Some(output));
            }
        }
        Poll::Ready(None)
    })
    .await
}

#[tokio::test]
async fn a_dropped_provisioning_is_finished_by_the_next() {
    let mut points = 0;
    loop {
        let world = World::new();
        let done = drop_after(points, world.program().provision(&id("ada"))).await;
        let mail = world.program();
        assert!(mail.agents().await.unwrap().len() <= 1);
        let ada = mail.provision(&id("ada")).await.unwrap();
        assert_eq!(mail.agents().await.unwrap().len(), 1);
        // The password that is stored is the one that opens the mailbox.
        ada.send(NewMessage::to(ada.address())).await.unwrap();
        assert_eq!(ada.fetch_unseen(9).await.unwrap().len(), 1, "dropped after {points} polls");
        if done.is_some() {
            break;
        }
        points += 1;
    }
    assert!(points > 15, "every backend was interrupted: {points}");
}

#[tokio::test]
async fn a_dropped_retirement_is_finished_by_the_next() {
    let mut points = 0;
    loop {
        let world = World::new();
        let ada = world.program().provision(&id("ada")).await.unwrap();
        ada.send(NewMessage::to(ada.address())).await.unwrap();
        drop(ada.events().next().await);
        let done = drop_after(points, world.program().retire(&id("ada"))).await;
        let mail = world.program();
        if points % 2 == 0 {
            mail.retire(&id("ada")).await.unwrap();
            assert!(mail.agents().await.unwrap().is_empty());
            assert!(!world.embedded.post_office().has_mailbox(ada.address()));
            assert_eq!(format!("{:?}", world.secrets), "MemorySecrets { secrets: 0 }");
            assert_eq!(format!("{:?}", world.state), "MemoryState { records: 0 }");
        }
        let again = mail.provision(&id("ada")).await.unwrap();
        again.send(NewMessage::to(again.address())).await.unwrap();
        assert!(!again.fetch_unseen(9).await.unwrap().is_empty(), "dropped after {points} polls");
        if done.is_some() {
            break;
        }
        points += 1;
    }
    assert!(points > 10, "every backend was interrupted: {points}");
}

#[tokio::test]
async fn a_dropped_send_is_in_the_outbox_or_did_not_begin() {
    let mut points = 0;
    let mut resent = 0;
    loop {
        let world = World::new();
        let mail = world.program();
        let (ada, bob) =
            (mail.provision(&id("ada")).await.unwrap(), mail.provision(&id("bob")).await.unwrap());
        let done = drop_after(points, ada.send(NewMessage::to(bob.address()).with_subject("once"))).await;
        let ada = world.program().open(&id("ada")).await.unwrap();
        let open = ada.unconfirmed().await.unwrap();
        assert!(open.len() <= 1);
        for entry in &open {
            entry.resend().await.unwrap();
            resent += 1;
        }
        let arrived = bob.fetch_unseen(9).await.unwrap().len();
        let began = done.is_some() || !open.is_empty();
        assert!(
            arrived == usize::from(began) || (arrived == 1 && points > 2),
            "{arrived} after {points} polls"
        );
        assert!(ada.unconfirmed().await.unwrap().is_empty());
        if done.is_some() {
            break;
        }
        points += 1;
    }
    assert!(resent > 2, "{resent}");
}

#[tokio::test]
async fn a_dropped_send_with_a_key_is_sent_once_by_the_next() {
    let mut points = 0;
    loop {
        let world = World::new();
        let mail = world.program();
        let (ada, bob) =
            (mail.provision(&id("ada")).await.unwrap(), mail.provision(&id("bob")).await.unwrap());
        let message = || NewMessage::to(bob.address()).with_subject("once");
        let done = drop_after(points, ada.send_once("key", message())).await;
        let ada = world.program().open(&id("ada")).await.unwrap();
        let receipt = ada.send_once("key", message()).await.unwrap();
        assert_eq!(receipt.accepted, [bob.address().clone()]);
        assert_eq!(bob.fetch_unseen(9).await.unwrap().len(), 1, "dropped after {points} polls");
        if done.is_some() {
            break;
        }
        points += 1;
    }
    assert!(points > 4, "{points}");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_stream_or_acknowledgement_loses_nothing() {
    let mut points = 0;
    loop {
        let world = World::new();
        let mail = world.program();
        let ada = mail.provision(&id("ada")).await.unwrap();
        for n in 0..3 {
            ada.send(NewMessage::to(ada.address()).with_subject(n.to_string())).await.unwrap();
        }
        let mut events = ada.events();
        let handled = drop_after(points, async {
            let event = events.next().await.unwrap().unwrap();
            event.ack().await.unwrap();
        });
        let handled = handled.await.is_some();
        drop(events);

        let ada = world.program().open(&id("ada")).await.unwrap();
        let mut events = ada.events();
        let mut subjects = Vec::new();
        while let Ok(event) = tokio::time::timeout(Duration::from_millis(20), events.next()).await {
            let event = event.unwrap().unwrap();
            event.ack().await.unwrap();
            subjects.push(event.received().unwrap().subject().expose().to_owned());
        }
        let all = ["0", "1", "2"];
        assert!(subjects == all || (subjects == all[1..] && points > 5), "{subjects:?} after {points} polls");
        assert!(subjects == all[1..] || !handled, "what was acknowledged does not come again");
        if handled {
            break;
        }
        points += 1;
    }
    assert!(points > 10, "{points}");
}

fn id(name: &str) -> AgentId {
    name.parse().unwrap()
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").finish_non_exhaustive()
    }
}
