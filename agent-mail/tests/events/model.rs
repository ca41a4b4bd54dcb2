//! Random steps against a simple model of what must come and how it must be marked.

use std::collections::HashSet;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use agent_mail::Event;
use agent_mail::backend::StateStore;
use proptest::prelude::*;

use crate::{World, drain, next, raw};

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
    /// Both streams are asked at the same time.
    NextOfBoth,
    /// A stream is dropped after so many polls, and begun anew.
    Drop(usize, usize),
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
        3 => Just(Step::NextOfBoth),
        2 => (0..2_usize, 0..25_usize).prop_map(|(at, polls)| Step::Drop(at, polls)),
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
    /// A stream was dropped, and what it was about to hand out comes marked.
    dropped: bool,
    /// The place of the last one that was handed out without a mark.
    last_new: Option<usize>,
}

impl Model {
    /// Finds the place of a message behind the last new one.
    fn place(&self, message: &str) -> Option<usize> {
        let from = self.last_new.map_or(0, |last| last + 1);
        self.arrived[from..].iter().position(|known| known == message).map(|place| from + place)
    }

    fn hand_out(&mut self, event: &Event) {
        let message = raw(event);
        assert!(!self.acked.contains(&message), "acknowledged, and it came again: {message:?}");
        let name = event.received().unwrap().message_id().map(|id| id.expose().to_string());
        let copy = name.as_ref().is_some_and(|name| self.names.contains(name));
        let before = self.offered.contains(&message) || copy;
        assert!(event.is_redelivery() || !before, "handed out before, and untold: {message:?}");
        assert!(!event.is_redelivery() || before || self.dropped, "never handed out before: {message:?}");
        if !event.is_redelivery() {
            self.last_new = self.place(&message);
            assert!(self.last_new.is_some(), "out of order: {message:?}");
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
            Step::NextOfBoth => {
                let [one, other] = &mut streams;
                let (one, other) = tokio::join!(next(one), next(other));
                let mut both: Vec<Event> = one.into_iter().chain(other).collect();
                // Which came first can't be told; new ones are in the order of the mailbox.
                both.sort_by_key(|event| (event.is_redelivery(), model.place(&raw(event))));
                for event in both {
                    model.hand_out(&event);
                    held.push(event);
                }
            }
            Step::Drop(at, polls) => {
                let mut stream = std::mem::replace(&mut streams[at], ada.events());
                for _ in 0..polls {
                    let waker = &mut Context::from_waker(Waker::noop());
                    let Poll::Ready(Some(event)) = pin!(stream.next()).poll(waker) else { continue };
                    let event = event.unwrap();
                    if event.received().is_some() {
                        model.hand_out(&event);
                        break;
                    }
                }
                model.dropped = true;
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
            Step::RenumberWithin(fetches) => world.inbox.renumber_after(fetches),
            Step::Expunge(nth) => drop(world.inbox.expunge(nth)),
            Step::Outage(calls) => world.inbox.fail(calls),
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
    let pending = world.state.kept.scan("agents.example/inbox/ada/pending/").await.unwrap();
    assert_eq!(pending, [], "nothing is kept of numbers that are settled or gone");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn nothing_is_lost_and_nothing_comes_again_untold(steps in proptest::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        runtime.unwrap().block_on(play(steps));
    }
}
