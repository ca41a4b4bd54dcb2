//! Handlers that fail, are slow or are cut off; checks that can't decide.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent_mail::safety::{Admission, InboundCheck};
use agent_mail::{AgentId, AgentMail, AgentMailbox, Effects, Error, ErrorKind, Event, EventHandler, Inbound};
use async_trait::async_trait;
use tokio::time::Instant;

use crate::{World, drain, id, next, raw};

/// Counts in notes how often each message's effects were written, and fails as often as it is told.
#[derive(Debug, Default)]
struct Counting {
    calls: Mutex<Vec<(String, bool)>>,
    failures: Mutex<Vec<Error>>,
    pause: Duration,
}

impl Counting {
    fn failing(failures: impl IntoIterator<Item = ErrorKind>) -> Self {
        let failures = failures.into_iter().map(|kind| Error::new(kind, "handle", "a test")).collect();
        Self { failures: Mutex::new(failures), ..Self::default() }
    }

    fn calls(&self) -> Vec<(String, bool)> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }
}

#[async_trait]
impl EventHandler for Counting {
    async fn handle(&self, mailbox: &AgentMailbox, event: &Event) -> Result<Effects, Error> {
        let Some(message) = event.received() else { return Ok(Effects::new()) };
        let subject = message.subject().expose().to_owned();
        self.calls.lock().unwrap().push((subject.clone(), event.is_redelivery()));
        tokio::time::sleep(self.pause).await;
        if let Some(error) = self.failures.lock().unwrap().pop() {
            return Err(error);
        }
        let before = mailbox.note(&subject).await?.map_or(0, |count| count[0]);
        Ok(Effects::new().with_note(subject, [before + 1]))
    }
}

async fn serve_for(ada: &AgentMailbox, handler: &Counting) -> Option<Error> {
    tokio::time::timeout(Duration::from_mins(20), ada.serve(handler)).await.ok()
}

async fn world_with(messages: usize) -> (World, AgentMailbox) {
    let world = World::new();
    for n in 0..messages {
        world.inbox.put(&format!("Subject: {n}\r\n\r\n"));
    }
    let ada = world.program().await;
    (world, ada)
}

fn call(n: usize, redelivery: bool) -> (String, bool) {
    (n.to_string(), redelivery)
}

#[tokio::test(start_paused = true)]
async fn what_failed_comes_again_after_a_pause_and_before_what_is_behind_it() {
    let (_world, ada) = world_with(3).await;
    let handler = Counting::failing([ErrorKind::Unavailable; 6]);
    let started = Instant::now();
    assert!(serve_for(&ada, &handler).await.is_none(), "it goes on");
    let calls = handler.calls();
    assert_eq!(calls[0], call(0, false));
    assert!(calls[1..7].iter().all(|again| *again == call(0, true)), "{calls:?}");
    assert_eq!(calls[7..], [call(1, false), call(2, false)]);
    assert!(started.elapsed() >= Duration::from_millis(600), "at least a tenth of a second each");
    for subject in ["0", "1", "2"] {
        assert_eq!(ada.note(subject).await.unwrap().as_deref(), Some(&[1][..]), "written once");
    }
    assert_eq!(drain(&mut ada.events()).await, []);
}

#[tokio::test(start_paused = true)]
async fn an_error_that_does_not_pass_ends_the_serving_and_loses_nothing() {
    let (world, ada) = world_with(2).await;
    let handler = Counting::failing([ErrorKind::InvalidInput]);
    assert_eq!(serve_for(&ada, &handler).await.unwrap().kind(), ErrorKind::InvalidInput);
    assert_eq!(handler.calls(), [call(0, false)]);
    let ada = {
        drop(ada);
        world.program().await
    };
    assert!(serve_for(&ada, &handler).await.is_none());
    assert_eq!(handler.calls(), [call(0, true), call(1, false)]);
}

#[tokio::test(start_paused = true)]
async fn a_state_that_fails_costs_no_second_call_of_the_handler() {
    for after in 0..40 {
        let (world, ada) = world_with(3).await;
        let handler = Counting::default();
        world.state.fail_after(after);
        assert!(serve_for(&ada, &handler).await.is_none());
        world.state.calm();
        let calls = handler.calls();
        let fresh = calls.iter().filter(|(_, redelivery)| !redelivery).count();
        assert_eq!(fresh, 3, "after {after}: {calls:?}");
        for subject in ["0", "1", "2"] {
            assert_eq!(ada.note(subject).await.unwrap().as_deref(), Some(&[1][..]), "after {after}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_handler_holds_back_the_reading() {
    let (world, ada) = world_with(500).await;
    let handler = Counting { pause: Duration::from_mins(1), ..Counting::default() };
    assert!(serve_for(&ada, &handler).await.is_none());
    let calls = handler.calls().len();
    assert!((19..=20).contains(&calls), "{calls}");
    assert_eq!(world.inbox.given_out(), 32, "one batch, whatever waits behind it");
}

#[tokio::test(start_paused = true)]
async fn serving_may_be_dropped_at_any_point() {
    let (world, _) = world_with(6).await;
    let mut written = 0;
    for polls in 0..400 {
        let ada = world.program().await;
        let handler = Counting::default();
        let mut serving = std::pin::pin!(ada.serve(&handler));
        for _ in 0..polls {
            let waker = &mut std::task::Context::from_waker(std::task::Waker::noop());
            assert!(serving.as_mut().poll(waker).is_pending());
        }
        let mut now = 0;
        for n in 0..6 {
            let count = ada.note(&n.to_string()).await.unwrap().map_or(0, |count| count[0]);
            assert!(count <= 1, "written twice: {n}");
            now += usize::from(count);
        }
        assert!(now >= written);
        written = now;
    }
    assert_eq!(written, 6);
    assert_eq!(drain(&mut world.program().await.events()).await, []);
}

/// Can't decide at first, then drops what is even.
#[derive(Debug, Default)]
struct Undecided {
    errors: Mutex<Vec<ErrorKind>>,
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl InboundCheck for Undecided {
    async fn check(&self, _: &AgentId, message: &Inbound) -> Result<Admission, Error> {
        if let Some(kind) = self.errors.lock().unwrap().pop() {
            return Err(Error::new(kind, "check", "a test"));
        }
        let subject = message.subject().expose().to_owned();
        let is_even = subject.parse::<u32>().unwrap().is_multiple_of(2);
        self.asked.lock().unwrap().push(subject);
        Ok(if is_even { Admission::Drop("even".to_owned()) } else { Admission::Flag("odd".to_owned()) })
    }
}

fn checked(world: &World, check: &Arc<Undecided>) -> AgentMail {
    let builder = world.embedded.system().mail_access(world.inbox.clone()).state(world.state.clone());
    builder.inbound_check(check.clone()).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_message_keeps_its_place_while_a_check_can_not_decide() {
    let (world, _) = world_with(6).await;
    let check = Arc::new(Undecided::default());
    *check.errors.lock().unwrap() = vec![ErrorKind::Unavailable; 5];
    let ada = checked(&world, &check).provision(&id("ada")).await.unwrap();
    let mut events = ada.events();
    for n in [1, 3, 5] {
        let event = next(&mut events).await.unwrap();
        assert_eq!(raw(&event), format!("Subject: {n}\r\n\r\n"));
        assert!(!event.is_redelivery());
        assert_eq!(event.received().unwrap().flags(), ["odd"]);
        event.ack().await.unwrap();
    }
    assert!(next(&mut events).await.is_none());
    assert_eq!(check.asked.lock().unwrap().len(), 6, "each was decided on once");
    // What was dropped counts as handled, in later runs and under new numbers too.
    world.inbox.renumber();
    let ada = checked(&world, &check).provision(&id("ada")).await.unwrap();
    assert_eq!(drain(&mut ada.events()).await, []);
    assert_eq!(check.asked.lock().unwrap().len(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_check_that_fails_for_good_ends_the_stream_and_loses_nothing() {
    let (world, _) = world_with(2).await;
    let check = Arc::new(Undecided::default());
    *check.errors.lock().unwrap() = vec![ErrorKind::Unexpected];
    let ada = checked(&world, &check).provision(&id("ada")).await.unwrap();
    let mut events = ada.events();
    assert_eq!(events.next().await.unwrap().unwrap_err().kind(), ErrorKind::Unexpected);
    assert!(events.next().await.is_none());
    let all = drain(&mut ada.events()).await;
    assert_eq!(all, [("Subject: 1\r\n\r\n".to_owned(), false)], "nobody had it before");
}
