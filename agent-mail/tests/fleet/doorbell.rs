//! A doorbell that ends, and one that rings while the state can't be read.

use agent_mail::backend::Doorbell;
use agent_mail::{Address, MemorySecrets};
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::failing::FailingState;
use super::*;

#[tokio::test(start_paused = true)]
async fn when_a_doorbell_ends_the_mailboxes_are_looked_into() {
    let world = world();
    let (rope, mail) = with_doorbell(&world, state(), Arc::default());
    let (ada, bob) = (provision(&mail, "ada").await, provision(&mail, "bob").await);
    let fleet = Fleet::builder(mail).start().await.unwrap();
    let mut events = fleet.events();
    send(&bob, &ada, "not told").await;
    assert!(timeout(Duration::from_hours(24), events.next()).await.is_err(), "it is the doorbell that tells");
    rope.send(vec![ada.address().clone()]).unwrap();
    next(&mut events).await.ack().await.unwrap();

    send(&ada, &bob, "before the end").await;
    drop(rope);
    for round in ["before the end", "after it", "later"] {
        let event = next(&mut events).await;
        assert_eq!((event.mailbox().id(), subject(&event).as_str()), (bob.id(), round));
        event.ack().await.unwrap();
        let next_one = if round == "before the end" { "after it" } else { "later" };
        send(&ada, &bob, next_one).await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_rings_while_the_state_fails_is_asked_for_again() {
    let world = world();
    let store = Arc::new(FailingState::default());
    let secrets = Arc::new(MemorySecrets::default());
    let (rope, mail) = with_doorbell(&world, store.clone(), secrets.clone());
    let fleet = Fleet::builder(mail).start().await.unwrap();
    let mut events = fleet.events();
    // Another system provisions it: the fleet hears of it by the doorbell.
    let other = with_doorbell(&world, store.clone(), secrets).1;
    let late = provision(&other, "late").await;
    send(&late, &late, "for the late one").await;
    store.fail_after(0);
    rope.send(vec![late.address().clone()]).unwrap();
    let event = next(&mut events).await;
    assert!(!store.calm(), "the state has failed once");
    assert_eq!((event.mailbox().id(), subject(&event).as_str()), (late.id(), "for the late one"));
}

/// A system that hears of mail when the test says so.
fn with_doorbell(
    world: &Embedded,
    state: Arc<dyn StateStore>,
    secrets: Arc<MemorySecrets>,
) -> (UnboundedSender<Vec<Address>>, AgentMail) {
    let (rope, rings) = unbounded_channel();
    let mail = AgentMail::builder("agents.example".parse().unwrap())
        .provisioner(Arc::new(world.clone()))
        .mail_access(Arc::new(world.post_office().clone()))
        .doorbell(Arc::new(Bell(Mutex::new(Some(rings)))))
        .state(state)
        .secrets(secrets)
        .build();
    (rope, mail.unwrap())
}

/// Rings when the test pulls, and ends with the rope.
#[derive(Debug)]
struct Bell(Mutex<Option<UnboundedReceiver<Vec<Address>>>>);

impl Doorbell for Bell {
    fn listen(&self) -> BoxStream<'static, Vec<Address>> {
        let rings = self.0.lock().unwrap().take().expect("one fleet listens");
        stream::unfold(rings, |mut rings| async { Some((rings.recv().await?, rings)) }).boxed()
    }
}
