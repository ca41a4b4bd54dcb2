//! A message is asked about again while somebody decides on it, while the state fails, and while other mail waits.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent_mail::backend::{Change, Committed, StateStore, TimeAndChance as _};
use agent_mail::safety::{Letter, OutboundCheck, Ruling};
use agent_mail::{
    AgentMail, AgentMailbox, Embedded, Error, ErrorKind, MemoryState, NewMessage, Queued, RecipientState,
    Sending,
};
use async_trait::async_trait;
use mail_access::{Login, MailAccess, Selection};
use tokio::time::sleep;

use crate::failing::FailingState;
use crate::world::{Virtual, agent, eve, world};

const SECOND: Duration = Duration::from_secs(1);

/// Says one thing after the other, where there is nothing that it can't decide, and then lets everything pass.
#[derive(Debug)]
struct Script(Mutex<VecDeque<Option<Ruling>>>);

impl Script {
    fn of(rulings: impl IntoIterator<Item = Option<Ruling>>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(rulings.into_iter().collect())))
    }
}

#[async_trait]
impl OutboundCheck for Script {
    fn name(&self) -> &'static str {
        "script"
    }

    async fn check(&self, letter: &Letter) -> Result<Ruling, Error> {
        let ruling = self.0.lock().unwrap().pop_front().unwrap_or(Some(Ruling::Pass));
        ruling.ok_or_else(|| Error::new(ErrorKind::Unavailable, "check", &letter.agent))
    }
}

fn hold() -> Ruling {
    Ruling::Hold("somebody has to look".to_owned())
}

fn later(after: Duration) -> Ruling {
    Ruling::Later(after)
}

/// Takes a time for each operation.
#[derive(Debug)]
struct Slow(Arc<MemoryState>, Duration);

#[async_trait]
impl StateStore for Slow {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        sleep(self.1).await;
        self.0.get(key).await
    }
    async fn scan(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, Error> {
        sleep(self.1).await;
        self.0.scan(prefix).await
    }
    async fn commit(&self, change: Change) -> Result<Committed, Error> {
        sleep(self.1).await;
        self.0.commit(change).await
    }
}

fn system(world: &Embedded, state: Arc<dyn StateStore>, check: &Arc<Script>) -> AgentMail {
    let builder = world.system().state(state).time_and_chance(Arc::new(Virtual::new(5)));
    builder.outbound_check(check.clone()).build().unwrap()
}

/// Two programs over one state, of which the second is slow.
fn two(world: &Embedded, check: &Arc<Script>) -> [AgentMail; 2] {
    let state = Arc::new(MemoryState::default());
    let slow = Arc::new(Slow(state.clone(), SECOND));
    [system(world, state, check), system(world, slow, check)]
}

fn letter() -> NewMessage {
    NewMessage::to(eve()).with_text("hello")
}

async fn approve_all(mail: &AgentMail) {
    for held in mail.approvals().pending().await.unwrap() {
        mail.approvals().approve(&held, "Eve", "").await.unwrap();
    }
}

async fn got(world: &Embedded) -> usize {
    let login = Login::new(eve(), "eves secret".into());
    world.post_office().fetch(&login, &Selection::Unseen, 99).await.unwrap().messages.len()
}

async fn is_over(ada: &AgentMailbox) {
    assert!(ada.outbox().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_approved_while_it_leaves_the_outbox_goes() {
    for key in [None, Some("k")] {
        let world = world();
        let check = Script::of([later(SECOND), hold()].map(Some));
        let [mail, slow] = two(&world, &check);
        let ada = agent(&mail, "ada").await;
        let sending = Sending::new(letter());
        ada.enqueue(key.map_or(sending.clone(), |key| sending.with_key(key))).await.unwrap();
        let approving = async {
            for _ in 0..600 {
                approve_all(&mail).await;
                sleep(SECOND / 10).await;
            }
        };
        Box::pin(slow.courier().run(approving)).await;
        mail.courier().run(sleep(60 * SECOND)).await;
        assert_eq!(got(&world).await, 1, "{key:?}");
        is_over(&ada).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_approved_while_it_is_asked_about_goes_once() {
    for pause in 1..30 {
        let world = world();
        let check = Script::of([hold(), later(pause * SECOND / 2)].map(Some));
        let [mail, slow] = two(&world, &check);
        let ada = agent(&mail, "ada").await;
        let sending = || Sending::new(letter()).with_key("k");
        assert_eq!(ada.enqueue(sending()).await.unwrap_err().kind(), ErrorKind::Held);
        ada.enqueue(sending()).await.unwrap();
        Box::pin(mail.courier().run(approve_all(&slow))).await;
        mail.courier().run(sleep(60 * SECOND)).await;
        assert_eq!(got(&world).await, 1, "{pause}");
        is_over(&ada).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_held_when_the_state_fails_waits_for_the_decision() {
    for key in [None, Some("k")] {
        for operation in 0.. {
            let world = world();
            let state = Arc::new(FailingState::default());
            // By the second time the check has changed its mind.
            let check = Script::of([later(SECOND), hold()].map(Some));
            let mail = system(&world, state.clone(), &check);
            let ada = agent(&mail, "ada").await;
            let sending = Sending::new(letter());
            ada.enqueue(key.map_or(sending.clone(), |key| sending.with_key(key))).await.unwrap();
            state.fail_after(operation);
            mail.courier().run(sleep(60 * SECOND)).await;
            let is_last = state.calm();
            mail.courier().run(sleep(600 * SECOND)).await;
            approve_all(&mail).await;
            mail.courier().run(sleep(60 * SECOND)).await;
            assert_eq!(got(&world).await, 1, "{key:?}, {operation}");
            is_over(&ada).await;
            if is_last {
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_can_not_be_decided_holds_back_no_other_mail() {
    let world = world();
    let check = Script::of([Some(later(SECOND)), Some(Ruling::Pass), None, None, None]);
    let mail = system(&world, Arc::new(MemoryState::default()), &check);
    let (ada, bob) = (agent(&mail, "ada").await, agent(&mail, "bob").await);
    ada.enqueue(Sending::new(letter())).await.unwrap();
    let soon = Virtual::new(5).now() + 5 * SECOND;
    ada.enqueue(Sending::new(NewMessage::to(bob.address())).with_time(soon)).await.unwrap();
    mail.courier().run(sleep(6 * SECOND)).await;
    assert_eq!(bob.fetch_unseen(9).await.unwrap().len(), 1);
    mail.courier().run(sleep(3600 * SECOND)).await;
    assert_eq!(got(&world).await, 1);
    is_over(&ada).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_held_under_the_key_of_another_message_is_refused() {
    let world = world();
    let check = Script::of([hold(), later(SECOND), hold()].map(Some));
    let mail = system(&world, Arc::new(MemoryState::default()), &check);
    let ada = agent(&mail, "ada").await;
    let first = Sending::new(letter()).with_key("k");
    assert_eq!(ada.enqueue(first).await.unwrap_err().kind(), ErrorKind::Held);
    let other = Sending::new(letter().with_subject("other")).with_key("k");
    ada.enqueue(other.clone()).await.unwrap();
    mail.courier().run(sleep(60 * SECOND)).await;
    let refused = ada.enqueue(other).await.unwrap();
    assert_eq!(refused.in_state(RecipientState::Refused).count(), 1, "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn whatever_time_a_check_names_it_waits_for_it() {
    let world = world();
    let check = Script::of([Some(later(Duration::MAX))]);
    let mail = system(&world, Arc::new(MemoryState::default()), &check);
    let ada = agent(&mail, "ada").await;
    let sending = Sending::new(letter()).with_key("k");
    ada.enqueue(sending.clone()).await.unwrap();
    mail.courier().run(sleep(6 * 24 * 3600 * SECOND)).await;
    let expired = ada.enqueue(sending).await.unwrap();
    assert_eq!(expired.in_state(RecipientState::Expired).count(), 1);
}

/// A message in the outbox whose check puts its decision off once and then holds it.
async fn put_off_then_held(key: Option<&str>) -> (Embedded, [AgentMail; 2], AgentMailbox, Queued) {
    let world = world();
    let check = Script::of([later(SECOND), hold()].map(Some));
    let systems = two(&world, &check);
    let ada = agent(&systems[0], "ada").await;
    let sending = Sending::new(letter());
    let queued = ada.enqueue(key.map_or(sending.clone(), |key| sending.with_key(key))).await.unwrap();
    (world, systems, ada, queued)
}

#[tokio::test(start_paused = true)]
async fn what_is_taken_back_is_never_sent_though_it_was_held_and_approved() {
    let mut too_late = 0;
    for (key, half_seconds) in (0..40).flat_map(|n| [(None, n), (Some("k"), n)]) {
        let (world, [mail, slow], ada, queued) = put_off_then_held(key).await;
        let taking_back = async {
            sleep(half_seconds * SECOND / 2).await;
            let canceled = ada.cancel(&queued).await.unwrap();
            sleep(60 * SECOND).await;
            approve_all(&mail).await;
            canceled
        };
        let mut canceled = None;
        Box::pin(slow.courier().run(async { canceled = Some(taking_back.await) })).await;
        mail.courier().run(sleep(60 * SECOND)).await;
        let canceled = canceled.unwrap();
        assert_eq!((canceled.not_sent.len(), canceled.too_late.len()), (1, 0), "{key:?}, {half_seconds}");
        assert_eq!(got(&world).await, 0, "{key:?}, {half_seconds}");
        is_over(&ada).await;
    }
    for key in [None, Some("k")] {
        let (world, [mail, _slow], ada, queued) = put_off_then_held(key).await;
        mail.courier().run(sleep(10 * SECOND)).await;
        approve_all(&mail).await;
        mail.courier().run(sleep(10 * SECOND)).await;
        too_late += ada.cancel(&queued).await.unwrap().too_late.len();
        assert_eq!(got(&world).await, 1);
    }
    assert_eq!(too_late, 2, "it was approved and sent");
}
