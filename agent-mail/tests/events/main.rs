//! What a stream of events promises, against a mailbox that does all that a server may do.

mod effects;
#[path = "../failing/mod.rs"]
mod failing;
mod handling;
mod inbox;
mod kill;
mod model;
mod renumbering;
mod reports;
mod successor;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use agent_mail::{AgentId, AgentMail, AgentMailbox, Embedded, ErrorKind, Event, Events};
use failing::FailingState;
use inbox::Inbox;

/// A program's world: what stays when the program ends.
struct World {
    embedded: Arc<Embedded>,
    inbox: Arc<Inbox>,
    state: Arc<FailingState>,
}

impl World {
    fn new() -> Self {
        let embedded = Arc::new(Embedded::new("agents.example".parse().unwrap()));
        Self { embedded, inbox: Arc::new(Inbox::new()), state: Arc::default() }
    }

    fn system(&self) -> AgentMail {
        let builder = self.embedded.system().mail_access(self.inbox.clone()).state(self.state.clone());
        builder.build().unwrap()
    }

    async fn program(&self) -> AgentMailbox {
        self.system().provision(&id("ada")).await.unwrap()
    }
}

/// Returns the next message, `None` if nothing comes for a long time.
async fn next(events: &mut Events) -> Option<Event> {
    loop {
        let event = next_of_any_kind(events).await?;
        if event.received().is_some() {
            return Some(event);
        }
        // Where the state fails on it, it comes again.
        let _noted = event.ack().await;
    }
}

async fn next_of_any_kind(events: &mut Events) -> Option<Event> {
    let next = tokio::time::timeout(Duration::from_mins(40), events.next()).await.ok()?;
    Some(next.expect("the stream goes on").expect("no error"))
}

fn raw(event: &Event) -> String {
    String::from_utf8(event.received().unwrap().raw().expose().to_vec()).unwrap()
}

async fn drain(events: &mut Events) -> Vec<(String, bool)> {
    let mut all = Vec::new();
    while let Some(event) = next(events).await {
        event.ack().await.unwrap();
        all.push((raw(&event), event.is_redelivery()));
    }
    all
}

#[tokio::test(start_paused = true)]
async fn each_mail_costs_one_look() {
    let world = World::new();
    let ada = world.program().await;
    let mut live = ada.live_events();
    let mut events = ada.events();
    for n in 1..=5 {
        let before = world.inbox.looks();
        world.inbox.put(&format!("Subject: {n}\r\n\r\n"));
        // First, since a live stream begins at the position that the other one moves.
        live.next().await.unwrap().unwrap();
        assert_eq!(world.inbox.looks(), before + 1, "mail {n}, live");
        next(&mut events).await.unwrap().ack().await.unwrap();
        assert_eq!(world.inbox.looks(), before + 2, "mail {n}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_read_ahead_is_not_handed_out_again_by_another_stream() {
    let world = World::new();
    let ada = world.program().await;
    for n in 0..3 {
        world.inbox.put(&format!("Subject: {n}\r\n\r\n"));
    }
    let (mut one, mut other) = (ada.events(), ada.events());
    let first = next(&mut one).await.unwrap();
    first.ack().await.unwrap();
    let rest = drain(&mut other).await;
    assert_eq!(rest.len(), 2);
    assert!(rest.iter().all(|(_, redelivery)| !redelivery), "nobody had them before: {rest:?}");
    assert_eq!(drain(&mut one).await, [], "what was acknowledged never comes again");
}

#[tokio::test(start_paused = true)]
async fn an_acknowledgement_counts_for_a_stream_that_has_read_ahead() {
    let world = World::new();
    let ada = world.program().await;
    for n in 0..3 {
        world.inbox.put(&format!("Subject: {n}\r\n\r\n"));
    }
    let mut events = ada.events();
    let mut handed = Vec::new();
    for _ in 0..3 {
        handed.push(next(&mut events).await.unwrap());
    }
    let mut again = ada.events();
    assert!(next(&mut again).await.unwrap().is_redelivery());
    handed[1].ack().await.unwrap();
    assert_eq!(raw(&next(&mut again).await.unwrap()), raw(&handed[2]));
}

#[tokio::test(start_paused = true)]
async fn a_stream_never_takes_an_old_number_for_a_new_one() {
    let world = World::new();
    let ada = world.program().await;
    for n in 0..40 {
        world.inbox.put(&format!("Subject: {n}\r\n\r\n"));
    }
    let mut events = ada.events();
    for _ in 0..40 {
        next(&mut events).await.unwrap();
    }
    // This one has read its first batch of old numbers when another stream finds the new ones.
    let mut slow = ada.events();
    next(&mut slow).await.unwrap().ack().await.unwrap();
    world.inbox.expunge(3);
    world.inbox.renumber();
    next(&mut events).await.unwrap();
    while let Ok(Some(event)) = tokio::time::timeout(Duration::from_mins(40), slow.next()).await {
        event.unwrap().ack().await.unwrap();
    }
    drop((events, slow));
    let rest: HashSet<String> = drain(&mut ada.events()).await.into_iter().map(|(raw, _)| raw).collect();
    let subjects = |n| format!("Subject: {n}\r\n\r\n");
    assert!(rest.len() <= 1, "only what the first stream took last may be left: {rest:?}");
    assert!(!rest.contains(&subjects(0)), "it was acknowledged");
}

#[tokio::test(start_paused = true)]
async fn a_retired_agent_s_events_leave_nothing_behind() {
    let world = World::new();
    let mail = world.system();
    let ada = mail.provision(&id("ada")).await.unwrap();
    world.inbox.put("Subject: 1\r\n\r\n");
    world.inbox.put("Subject: 2\r\n\r\n");
    let mut events = ada.events();
    let event = next(&mut events).await.unwrap();
    mail.retire(&id("ada")).await.unwrap();
    event.ack().await.unwrap();
    let ended = events.next().await.unwrap().unwrap_err();
    assert_eq!(ended.kind(), ErrorKind::NotFound);
    for _ in 0..3 {
        assert!(events.next().await.is_none(), "it stays so, however often it is asked");
    }
    assert_eq!(format!("{events:?}"), "Events { ended: true }");
    assert_eq!(format!("{:?}", world.state.kept), "MemoryState { records: 0 }");
}

fn id(name: &str) -> AgentId {
    name.parse().unwrap()
}
