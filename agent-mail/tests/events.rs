//! What a stream of events promises, against a mailbox that does all that a server may do.

#[path = "failing/mod.rs"]
mod failing;

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use agent_mail::{AgentId, AgentMail, AgentMailbox, Embedded, ErrorKind, Event, Events};
use async_trait::async_trait;
use failing::FailingState;
use mail_access::{
    Arrival, Batch, Error as MailError, Login, MailAccess, Outgoing, Position, Received, Selection, Status,
    Submission, Uid,
};
use proptest::prelude::*;

/// One INBOX whose every byte and number the test decides on.
#[derive(Debug)]
struct Inbox(Mutex<Content>);

#[derive(Debug)]
struct Content {
    uid_validity: u32,
    next: u32,
    messages: Vec<(u32, Vec<u8>)>,
    outages: u32,
    /// Numbers the mailbox anew after so many fetches.
    renumber_after: Option<u32>,
}

impl Inbox {
    fn new() -> Self {
        let (messages, renumber_after) = (Vec::new(), None);
        Self(Mutex::new(Content { uid_validity: 7, next: 1, messages, outages: 0, renumber_after }))
    }

    fn put(&self, raw: &str) {
        let mut inbox = self.0.lock().unwrap();
        let uid = inbox.next;
        inbox.next += 1;
        inbox.messages.push((uid, raw.as_bytes().to_vec()));
    }

    fn expunge(&self, nth: usize) -> Option<Vec<u8>> {
        let mut inbox = self.0.lock().unwrap();
        let count = inbox.messages.len();
        (count > 0).then(|| inbox.messages.remove(nth % count).1)
    }

    fn renumber(&self) {
        self.0.lock().unwrap().renumber();
    }

    fn contents(&self) -> HashSet<String> {
        let inbox = self.0.lock().unwrap();
        inbox.messages.iter().map(|(_, raw)| String::from_utf8(raw.clone()).unwrap()).collect()
    }
}

impl Content {
    fn renumber(&mut self) {
        // The new numbers overlap the old ones, so that mistaking one for the other shows.
        self.uid_validity += 1;
        for (at, message) in self.messages.iter_mut().enumerate() {
            message.0 = u32::try_from(at).unwrap() + 1 + self.uid_validity % 3;
        }
        self.next = self.messages.last().map_or(1, |(uid, _)| uid + 1);
    }

    fn outage(&mut self, operation: &'static str) -> Result<(), MailError> {
        if self.outages == 0 {
            return Ok(());
        }
        self.outages -= 1;
        let source = std::io::ErrorKind::ConnectionRefused.into();
        Err(MailError::Unavailable { operation, server: "mail.example:993".into(), source })
    }
}

#[async_trait]
impl MailAccess for Inbox {
    async fn submit(&self, _: &Login, _: &Outgoing) -> Result<Submission, MailError> {
        Err(MailError::Refused { operation: "submit", status: Status::new(550, None, "only for reading") })
    }

    async fn fetch(&self, _: &Login, selection: &Selection, limit: usize) -> Result<Batch, MailError> {
        let mut inbox = self.0.lock().unwrap();
        inbox.outage("fetch")?;
        let wanted: Box<dyn Fn(u32) -> bool> = match selection {
            Selection::After(Some(at)) if at.uid_validity == inbox.uid_validity => {
                Box::new(|uid| uid > at.uid)
            }
            Selection::After(_) => Box::new(|_| true),
            Selection::Uids(validity, _) if *validity != inbox.uid_validity => {
                let found = inbox.uid_validity;
                return Err(MailError::Renumbered { operation: "fetch", expected: *validity, found });
            }
            Selection::Uids(_, uids) => Box::new(|uid| uids.iter().any(|wanted| wanted.get() == uid)),
            _ => Box::new(|_| false),
        };
        let matching: Vec<_> = inbox.messages.iter().filter(|(uid, _)| wanted(*uid)).collect();
        let parse = |(uid, raw): &&(u32, Vec<u8>)| {
            Received::parse(Uid::new(*uid).unwrap(), SystemTime::UNIX_EPOCH, false, raw.clone())
        };
        let messages = matching.iter().take(limit).map(parse).collect();
        let batch = Batch::new(inbox.uid_validity, messages, matching.len() > limit);
        inbox.renumber_after = match inbox.renumber_after {
            Some(0) => {
                inbox.renumber();
                None
            }
            left => left.map(|n| n - 1),
        };
        Ok(batch)
    }

    async fn mark_seen(&self, _: &Login, _: u32, _: &[Uid]) -> Result<(), MailError> {
        Ok(())
    }

    async fn wait(&self, _: &Login, after: Position, at_most: Duration) -> Result<Arrival, MailError> {
        {
            let mut inbox = self.0.lock().unwrap();
            inbox.outage("wait")?;
            let behind = |uid: u32| inbox.uid_validity != after.uid_validity || uid > after.uid;
            if inbox.uid_validity != after.uid_validity || inbox.messages.iter().any(|(uid, _)| behind(*uid))
            {
                return Ok(Arrival::New);
            }
        }
        tokio::time::sleep(at_most.min(Duration::from_mins(1))).await;
        Ok(Arrival::TimedOut)
    }
}

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

/// Returns the next event, `None` if nothing comes for a long time.
async fn next(events: &mut Events) -> Option<Event> {
    let next = tokio::time::timeout(Duration::from_mins(40), events.next()).await.ok()?;
    Some(next.expect("the stream goes on").expect("no error"))
}

fn raw(event: &Event) -> String {
    String::from_utf8(event.received().unwrap().raw().to_vec()).unwrap()
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
    assert!(events.next().await.is_none());
    assert_eq!(format!("{:?}", world.state.kept), "MemoryState { records: 0 }");
}

#[derive(Clone, Debug)]
enum Step {
    /// A message of its own.
    Arrive,
    /// One without a Message-ID.
    ArriveNameless,
    /// The bytes of an earlier message again.
    ArriveTwice(usize),
    /// Another message with the Message-ID of an earlier one.
    ArriveCopy(usize),
    ArriveMany,
    Next(usize),
    Ack(usize),
    Stream(usize),
    Restart,
    Renumber,
    RenumberWithin(u32),
    Expunge(usize),
    Outage(u32),
    StateFails(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Arrive),
        1 => Just(Step::ArriveNameless),
        1 => any::<usize>().prop_map(Step::ArriveTwice),
        1 => any::<usize>().prop_map(Step::ArriveCopy),
        1 => Just(Step::ArriveMany),
        10 => (0..2_usize).prop_map(Step::Next),
        6 => any::<usize>().prop_map(Step::Ack),
        2 => (0..2_usize).prop_map(Step::Stream),
        1 => Just(Step::Restart),
        1 => Just(Step::Renumber),
        1 => (0..3_u32).prop_map(Step::RenumberWithin),
        1 => any::<usize>().prop_map(Step::Expunge),
        1 => (1..4_u32).prop_map(Step::Outage),
        1 => (0..12_usize).prop_map(Step::StateFails),
    ]
}

/// What must come and how it must be marked.
#[derive(Default)]
struct Model {
    /// All that ever arrived, in order; a message is its bytes.
    arrived: Vec<String>,
    /// What was handed out, and its Message-IDs.
    offered: HashSet<String>,
    names: HashSet<String>,
    acked: HashSet<String>,
    /// What may be acknowledged or not, as the state failed on it.
    doubtful: HashSet<String>,
    /// The place of the last one that was handed out without a mark.
    last_new: Option<usize>,
}

impl Model {
    fn hand_out(&mut self, event: &Event) {
        let message = raw(event);
        assert!(!self.acked.contains(&message), "acknowledged, and it came again: {message:?}");
        let name = event.received().unwrap().message_id().map(ToString::to_string);
        let copy = name.as_ref().is_some_and(|name| self.names.contains(name));
        let before = self.offered.contains(&message) || copy;
        assert_eq!(event.is_redelivery(), before, "{message:?}");
        if !before {
            let from = self.last_new.map_or(0, |last| last + 1);
            let place = self.arrived[from..].iter().position(|known| *known == message);
            self.last_new = Some(from + place.unwrap_or_else(|| panic!("out of order: {message:?}")));
        }
        self.offered.insert(message);
        self.names.extend(name);
    }
}

async fn play(steps: Vec<Step>) {
    let world = World::new();
    let mut ada = world.program().await;
    let mut model = Model::default();
    let mut streams = [ada.events(), ada.events()];
    let mut held: Vec<Event> = Vec::new();
    let arrive = |model: &mut Model, message: String| {
        world.inbox.put(&message);
        model.arrived.push(message);
    };
    for step in steps {
        let n = model.arrived.len();
        let pick = |at: usize, model: &Model| (n > 0).then(|| model.arrived[at % n].clone());
        match step {
            Step::Arrive => arrive(&mut model, format!("Message-ID: <{n}@x>\r\nSubject: {n}\r\n\r\n")),
            Step::ArriveNameless => arrive(&mut model, format!("Subject: {n}\r\n\r\n")),
            Step::ArriveTwice(at) => {
                if let Some(message) = pick(at, &model) {
                    arrive(&mut model, message);
                }
            }
            Step::ArriveCopy(at) => {
                arrive(&mut model, format!("Message-ID: <{}@x>\r\nSubject: copy {n}\r\n\r\n", at % (n + 1)));
            }
            Step::ArriveMany => {
                for n in n..n + 70 {
                    arrive(&mut model, format!("Message-ID: <{n}@x>\r\nSubject: {n}\r\n\r\n"));
                }
            }
            Step::Next(at) => {
                if let Some(event) = next(&mut streams[at]).await {
                    model.hand_out(&event);
                    held.push(event);
                }
            }
            Step::Ack(at) => {
                let count = held.len();
                let Some(event) = (count > 0).then(|| &held[at % count]) else { continue };
                match event.ack().await {
                    Ok(()) => model.acked.insert(raw(event)),
                    Err(_) => model.doubtful.insert(raw(event)),
                };
            }
            Step::Stream(at) => streams[at] = ada.events(),
            Step::Restart => {
                world.state.calm();
                held.clear();
                ada = world.program().await;
                streams = [ada.events(), ada.events()];
            }
            Step::Renumber => world.inbox.renumber(),
            Step::RenumberWithin(fetches) => world.inbox.0.lock().unwrap().renumber_after = Some(fetches),
            Step::Expunge(nth) => drop(world.inbox.expunge(nth)),
            Step::Outage(calls) => world.inbox.0.lock().unwrap().outages = calls,
            Step::StateFails(after) => world.state.fail_after(after),
        }
    }
    world.state.calm();
    let mut events = world.program().await.events();
    while let Some(event) = next(&mut events).await {
        model.hand_out(&event);
        event.ack().await.unwrap();
        model.acked.insert(raw(&event));
    }
    for message in world.inbox.contents() {
        assert!(model.acked.contains(&message) || model.doubtful.contains(&message), "lost: {message:?}");
    }
    assert_eq!(drain(&mut world.program().await.events()).await, []);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn nothing_is_lost_and_nothing_comes_again_untold(steps in proptest::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        runtime.unwrap().block_on(play(steps));
    }
}

fn id(name: &str) -> AgentId {
    name.parse().unwrap()
}
