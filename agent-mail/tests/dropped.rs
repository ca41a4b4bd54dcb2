//! Every call may be dropped at any point: each is here, at each of its points, and the next one finds order.

mod pausing;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use agent_mail::backend::StateStore;
use agent_mail::{AgentId, AgentMail, AgentMailbox, Embedded, MemorySecrets, MemoryState, NewMessage};
use pausing::{Pausing, drop_after};

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
            .provisioner(Pausing::once(self.embedded.clone()))
            .mail_access(Pausing::once(Arc::new(self.embedded.post_office().clone())))
            .state(Pausing::once(self.state.clone()))
            .secrets(Pausing::once(self.secrets.clone()));
        builder.build().unwrap()
    }

    async fn ada_and_bob(&self) -> [AgentMailbox; 2] {
        let mail = self.program();
        [mail.provision(&id("ada")).await.unwrap(), mail.provision(&id("bob")).await.unwrap()]
    }
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
        let [ada, bob] = world.ada_and_bob().await;
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
        let [ada, bob] = world.ada_and_bob().await;
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

#[tokio::test]
async fn a_dropped_send_without_a_note_has_sent_it_or_not_and_leaves_nothing() {
    let mut points = 0;
    loop {
        let world = World::new();
        let [ada, bob] = world.ada_and_bob().await;
        let before = world.state.scan("").await.unwrap();
        let done = drop_after(points, ada.send_unnoted(NewMessage::to(bob.address()))).await;
        let arrived = bob.fetch_unseen(9).await.unwrap().len();
        assert!(arrived == 1 || (arrived == 0 && done.is_none()), "{arrived} after {points} polls");
        assert_eq!(world.state.scan("").await.unwrap(), before);
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
