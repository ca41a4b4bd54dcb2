//! A mailbox that is numbered anew, at each step of a script: nothing is lost, nothing that was handled comes again.

use std::collections::{BTreeMap, HashSet};

use agent_mail::{AgentMailbox, Event, EventKind, Events};

use crate::{World, next, next_of_any_kind, raw};

/// What a script did so far.
struct Played {
    world: World,
    ada: AgentMailbox,
    events: Events,
    arrived: usize,
    held: Vec<Event>,
    handled: HashSet<String>,
    /// How often each was handed out without a mark.
    unmarked: BTreeMap<String, usize>,
}

impl Played {
    async fn new() -> Self {
        let world = World::new();
        let ada = world.program().await;
        let events = ada.events();
        let (held, handled, unmarked) = (Vec::new(), HashSet::new(), BTreeMap::new());
        Self { world, ada, events, arrived: 0, held, handled, unmarked }
    }

    /// Arrivals, readings, acknowledgements out of order, a new stream and a restart now and then.
    async fn step(&mut self, n: usize) {
        match n % 10 {
            0 | 3 | 6 => {
                self.world.inbox.put(&format!("Message-ID: <{n}@x>\r\nSubject: {n}\r\n\r\n"));
                self.arrived += 1;
            }
            1 | 4 | 7 => {
                if let Some(event) = next(&mut self.events).await {
                    self.take(event);
                }
            }
            8 if n % 50 == 8 => {
                self.ada = self.world.program().await;
                self.events = self.ada.events();
                self.held.clear();
            }
            2 | 5 | 8 => self.handle_last().await,
            _ if n % 30 == 9 => self.events = self.ada.events(),
            _ => {}
        }
    }

    fn take(&mut self, event: Event) {
        let message = raw(&event);
        assert!(!self.handled.contains(&message), "handled, and it came again: {message}");
        if !event.is_redelivery() {
            *self.unmarked.entry(message).or_default() += 1;
        }
        self.held.push(event);
    }

    async fn handle_last(&mut self) {
        if let Some(event) = self.held.pop() {
            event.ack().await.unwrap();
            self.handled.insert(raw(&event));
        }
    }

    async fn finish(mut self) {
        self.events = self.world.program().await.events();
        while let Some(event) = next(&mut self.events).await {
            self.take(event);
            self.handle_last().await;
        }
        assert_eq!(self.handled.len(), self.arrived, "nothing is lost");
        assert!(self.unmarked.values().all(|times| *times <= 1), "again untold: {:?}", self.unmarked);
        assert!(next(&mut self.world.program().await.events()).await.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_numbering_before_any_step_brings_back_nothing_that_was_handled() {
    let every = if std::env::var("AGENT_MAIL_SEEDS").is_ok() { 1 } else { 4 };
    for renumbered_at in (0..STEPS).step_by(every) {
        let mut played = Played::new().await;
        for n in 0..STEPS {
            if n == renumbered_at {
                played.world.inbox.renumber();
            }
            played.step(n).await;
        }
        played.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_numbering_before_every_step_brings_back_nothing_that_was_handled() {
    let mut played = Played::new().await;
    for n in 0..STEPS {
        played.world.inbox.renumber();
        played.step(n).await;
    }
    played.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_new_numbering_is_told_once_before_the_mail_and_until_it_is_acknowledged() {
    let world = World::new();
    let ada = world.program().await;
    let (mut one, mut other) = (ada.events(), ada.events());
    world.inbox.put("Subject: 1\r\n\r\n");
    next(&mut one).await.unwrap().ack().await.unwrap();
    // Both wait when it happens.
    assert!(next(&mut one).await.is_none());
    assert!(next(&mut other).await.is_none());
    world.inbox.renumber();
    world.inbox.put("Subject: 2\r\n\r\n");
    let (first, second) = tokio::join!(next_of_any_kind(&mut one), next_of_any_kind(&mut other));
    let both = [first.unwrap(), second.unwrap()];
    let told: Vec<&Event> = both.iter().filter(|event| event.received().is_none()).collect();
    assert_eq!(told.len(), 1, "each event goes to one of two streams: {both:?}");
    assert!(matches!(told[0].kind(), EventKind::MailboxReset { before: 7, now: 8 }));
    assert!(!told[0].is_redelivery());
    both.iter().find(|event| event.received().is_some()).unwrap().ack().await.unwrap();

    let again = next_of_any_kind(&mut world.program().await.events()).await.unwrap();
    assert!(matches!(again.kind(), EventKind::MailboxReset { before: 7, now: 8 }));
    assert!(again.is_redelivery());
    again.ack().await.unwrap();
    told[0].ack().await.unwrap();
    assert!(next_of_any_kind(&mut world.program().await.events()).await.is_none());
}

const STEPS: usize = 200;
