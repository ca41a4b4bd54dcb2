//! Mail that is not sent yet: drafts on the server, and messages that wait for somebody's approval.

mod pausing;

#[path = "drafts/rules.rs"]
mod rules;
#[path = "drafts/server.rs"]
mod server;
#[path = "drafts/time.rs"]
mod time;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use agent_mail::backend::{StateStore, TimeAndChance};
use agent_mail::safety::{Letter, OutboundCheck, Ruling};
use agent_mail::{
    AgentId, AgentMail, AgentMailBuilder, AgentMailbox, Effects, Embedded, Error, ErrorKind, Held, HeldId,
    NewMessage, Overdue, Queued, RequireApproval, Sending, Verdict,
};
use async_trait::async_trait;
use mail_access::{Flag, FolderName, Login, MessageStore, Query};
use pausing::{Pausing, drop_after};
use secrecy::SecretString;

fn id(name: &str) -> AgentId {
    name.parse().unwrap()
}

/// Tells the time by Tokio's clock, which stands still while anything is computed.
#[derive(Debug)]
struct Clock(tokio::time::Instant);

impl TimeAndChance for Clock {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_hours(500_000) + self.0.elapsed()
    }
    fn fill(&self, bytes: &mut [u8]) {
        getrandom(bytes);
    }
}

fn getrandom(bytes: &mut [u8]) {
    let random = agent_mail::MessageId::generate(&"x.example".parse().unwrap());
    let hex = random.as_str().as_bytes().iter().cycle();
    bytes.iter_mut().zip(hex).for_each(|(byte, random)| *byte = *random);
}

/// A world in which each system is a run of the program.
struct World {
    embedded: Embedded,
    clock: Arc<Clock>,
}

impl World {
    fn new() -> Self {
        let embedded = Embedded::new("agents.example".parse().unwrap());
        Self { embedded, clock: Arc::new(Clock(tokio::time::Instant::now())) }
    }

    fn system(&self) -> AgentMailBuilder {
        self.embedded.system().time_and_chance(self.clock.clone())
    }

    fn asking(&self, time_out: Option<(Duration, Overdue)>) -> AgentMail {
        self.system().outbound_check(Arc::new(asks(time_out))).build().unwrap()
    }
}

fn asks(time_out: Option<(Duration, Overdue)>) -> RequireApproval {
    let check = RequireApproval::when("it names a price", |letter| {
        letter.message.text().is_some_and(|text| text.contains("price"))
    });
    match time_out {
        Some((after, then)) => check.with_time_out(after, then),
        None => check,
    }
}

/// The way into an agent's mailbox that a person's mail program has.
fn login(world: &World, mailbox: &AgentMailbox) -> Login {
    let password = SecretString::from("a person's");
    world.embedded.post_office().set_app_password(mailbox.address(), "phone", password.clone()).unwrap();
    Login::new(mailbox.address().clone(), password)
}

async fn two(mail: &AgentMail) -> (AgentMailbox, AgentMailbox) {
    (mail.provision(&id("ada")).await.unwrap(), mail.provision(&id("bob")).await.unwrap())
}

fn offer(to: &AgentMailbox) -> NewMessage {
    NewMessage::to(to.address()).with_subject("An offer").with_text("The price is 7.")
}

/// Lets the courier send what is in the outboxes.
async fn deliver(mail: &AgentMail) {
    mail.courier().run(tokio::time::sleep(Duration::from_secs(5))).await;
}

/// What is in the outbox of an agent.
async fn queued(mailbox: &AgentMailbox) -> Vec<Queued> {
    mailbox.outbox().await.unwrap()
}

async fn held(mailbox: &AgentMailbox, message: NewMessage) -> HeldId {
    let error = mailbox.send(message).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Held, "{error}");
    error.code().unwrap().parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_is_approved_goes_into_the_outbox_once_and_what_is_rejected_does_not() {
    let world = World::new();
    let mail = world.asking(None);
    let (ada, bob) = two(&mail).await;
    let first = held(&ada, offer(&bob)).await;
    let second = held(&ada, offer(&bob).with_subject("Another")).await;
    assert!(queued(&ada).await.is_empty());
    assert_eq!(bob.fetch_unseen(9).await.unwrap().len(), 0);

    // The program ends and is started again.
    drop((mail, ada));
    let mail = world.asking(None);
    let ada = mail.open(&id("ada")).await.unwrap();
    let desk = mail.approvals();
    let pending = desk.pending().await.unwrap();
    assert_eq!(pending.iter().map(|held| &held.id).collect::<Vec<_>>().len(), 2);
    let (one, other) = (desk.get(&first).await.unwrap(), desk.get(&second).await.unwrap());
    assert_eq!((one.message.subject(), &*one.reason, &one.agent), ("An offer", "it names a price", ada.id()));

    let sent = desk.approve(&one, "Eve", "fair").await.unwrap();
    desk.reject(&other, "Eve", "too dear").await.unwrap();
    assert!(desk.pending().await.unwrap().is_empty());
    assert_eq!(queued(&ada).await.len(), 1);
    let mine = ada.held().await.unwrap();
    let decision = |id: &HeldId| mine.iter().find(|held| held.id == *id).unwrap().decision.clone().unwrap();
    assert_eq!(decision(&first).verdict, Verdict::Approved(sent.message_id));
    let rejected = decision(&second);
    assert_eq!(
        (&rejected.verdict, rejected.by.as_deref(), &*rejected.reason),
        (&Verdict::Rejected, Some("Eve"), "too dear")
    );

    // Nothing is decided twice.
    for again in [&one, &other] {
        let error = desk.approve(again, "Mallory", "").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Stale, "{error}");
        assert_eq!(desk.reject(again, "Mallory", "").await.unwrap_err().kind(), ErrorKind::Stale);
        assert_eq!(desk.edit(again, "Mallory", offer(&bob)).await.unwrap_err().kind(), ErrorKind::Stale);
    }
    assert_eq!(queued(&ada).await.len(), 1);
    desk.forget(&first).await.unwrap();
    assert_eq!(desk.get(&first).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn edits_are_revisions_and_only_what_was_seen_is_approved() {
    let world = World::new();
    let mail = world.asking(None);
    let (ada, bob) = two(&mail).await;
    let name = held(&ada, offer(&bob)).await;
    let desk = mail.approvals();
    let seen = desk.get(&name).await.unwrap();
    let edited = desk.edit(&seen, "Eve", offer(&bob).with_text("The price is 9.")).await.unwrap();
    let error = desk.approve(&seen, "Carol", "7 is fine").await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Stale, Some("edited")));
    assert_eq!(desk.edit(&seen, "Carol", offer(&bob)).await.unwrap_err().kind(), ErrorKind::Stale);
    assert_eq!(edited.revisions.iter().map(|revision| &*revision.by).collect::<Vec<_>>(), ["ada", "Eve"]);
    let invalid = NewMessage::to(bob.address()).with_subject("a\r\nBcc: x");
    assert_eq!(desk.edit(&edited, "Eve", invalid).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    desk.approve(&edited, "Carol", "9 is").await.unwrap();
    for (revision, text) in [(1, "The price is 7."), (2, "The price is 9.")] {
        assert_eq!(desk.revision(&name, revision).await.unwrap().text(), Some(text));
    }
    assert_eq!(desk.revision(&name, 3).await.unwrap_err().kind(), ErrorKind::NotFound);
    deliver(&mail).await;
    assert!(bob.fetch_unseen(9).await.unwrap()[0].text().unwrap().expose().starts_with("The price is 9."));
}

#[tokio::test(start_paused = true)]
async fn under_a_key_it_is_asked_once_and_sent_once() {
    let world = World::new();
    let mail = world.asking(None);
    let (ada, bob) = two(&mail).await;
    let mut names = Vec::new();
    for _ in 0..3 {
        names.push(ada.send_once("offer/7", offer(&bob)).await.unwrap_err().code().unwrap().to_owned());
    }
    let queue = ada.enqueue(Sending::new(offer(&bob)).with_key("offer/7")).await.unwrap_err();
    names.push(queue.code().unwrap().to_owned());
    names.dedup();
    assert_eq!(names.len(), 1);
    let other = ada.send_once("offer/7", offer(&bob).with_subject("other")).await.unwrap_err();
    assert_eq!(other.kind(), ErrorKind::AlreadyExists);
    let desk = mail.approvals();
    let pending = desk.pending().await.unwrap();
    assert_eq!(pending.len(), 1);
    let edited = desk.edit(&pending[0], "Eve", offer(&bob).with_text("no price")).await.unwrap();
    desk.approve(&edited, "Eve", "").await.unwrap();
    deliver(&mail).await;
    // The caller's own message is what the key stands for.
    ada.send_once("offer/7", offer(&bob)).await.unwrap();
    assert_eq!(bob.fetch_unseen(9).await.unwrap().len(), 1);

    let rejected = ada.send_once("offer/8", offer(&bob)).await.unwrap_err();
    let name: HeldId = rejected.code().unwrap().parse().unwrap();
    desk.reject(&desk.get(&name).await.unwrap(), "Eve", "no").await.unwrap();
    let again = ada.send_once("offer/8", offer(&bob)).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::PermissionDenied);
    assert!(again.to_string().contains("no"), "{again}");
}

#[tokio::test(start_paused = true)]
async fn those_who_decide_at_once_have_one_outcome() {
    let wanted = std::env::var("AGENT_MAIL_SEEDS").map_or(0, |seeds| seeds.parse().unwrap());
    // Fewer would not have each of them win.
    let rounds: u64 = wanted.max(60);
    let (mut approved, mut rejected, mut late) = (0, 0, 0);
    for round in 0..rounds {
        let world = World::new();
        let state = Arc::new(Pausing::new(Arc::new(agent_mail::MemoryState::default()), round));
        let build = || {
            let then = if round % 2 == 0 { Overdue::Reject } else { Overdue::Send };
            let system = world.system().state(state.clone() as Arc<dyn StateStore>);
            system.outbound_check(Arc::new(asks(Some((Duration::from_mins(1), then))))).build().unwrap()
        };
        // Two programs' worth of systems over one store.
        let (mail, other) = (build(), build());
        let (ada, bob) = two(&mail).await;
        let name = held(&ada, offer(&bob)).await;
        let seen: Held = mail.approvals().get(&name).await.unwrap();
        tokio::time::sleep(Duration::from_mins(2)).await;
        let pauses = async |times: u64| {
            for _ in 0..times % 60 {
                tokio::task::yield_now().await;
            }
        };
        let (one, two, three, time) = tokio::join!(
            async {
                pauses(round * 7).await;
                mail.approvals().approve(&seen, "Eve", "").await.map(drop)
            },
            async {
                pauses(round * 11 + 20).await;
                other.approvals().reject(&seen, "Carol", "").await
            },
            async {
                pauses(round * 13).await;
                other.approvals().approve(&seen, "Dave", "").await.map(drop)
            },
            async {
                pauses(round * 17 + 20).await;
                mail.approvals().keep_time().await
            },
        );
        time.unwrap();
        let outcomes = [&one, &two, &three];
        let decision = mail.approvals().get(&name).await.unwrap().decision.unwrap();
        let winners = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(winners, usize::from(decision.by.is_some()), "round {round}: {decision:?} {outcomes:?}");
        assert!(outcomes.iter().all(|outcome| {
            outcome.as_ref().err().is_none_or(|error: &Error| error.kind() == ErrorKind::Stale)
        }));
        let sent = queued(&ada).await.len();
        assert_eq!(sent, usize::from(decision.verdict != Verdict::Rejected), "round {round}: {decision:?}");
        match (decision.by, decision.verdict) {
            (None, _) => late += 1,
            (_, Verdict::Rejected) => rejected += 1,
            _ => approved += 1,
        }
    }
    println!("{rounds} races: {approved} approved, {rejected} rejected, {late} by the time");
    assert!(approved > 0 && rejected > 0 && late > 0, "{approved} {rejected} {late}");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_hold_or_approval_is_done_or_not_and_never_twice() {
    let (mut points, mut ended) = (0, false);
    while !ended {
        let world = World::new();
        let state = Arc::new(Pausing::new(Arc::new(agent_mail::MemoryState::default()), 0));
        let build = || {
            let system = world.system().state(state.clone() as Arc<dyn StateStore>);
            system.outbound_check(Arc::new(asks(None))).build().unwrap()
        };
        let mail = build();
        let (ada, bob) = two(&mail).await;
        let done = drop_after(points, async {
            let name = held(&ada, offer(&bob)).await;
            let seen = mail.approvals().get(&name).await.unwrap();
            mail.approvals().approve(&seen, "Eve", "").await.unwrap();
        });
        ended = done.await.is_some();
        let mail = build();
        let ada = mail.open(&id("ada")).await.unwrap();
        let (pending, sent) = (mail.approvals().pending().await.unwrap(), queued(&ada).await.len());
        assert!(pending.len() + sent <= 1, "after {points} polls");
        assert!(!ended || sent == 1);
        for held in &pending {
            mail.approvals().approve(held, "Eve", "").await.unwrap();
            assert_eq!(queued(&ada).await.len(), 1, "after {points} polls");
        }
        points += 1;
    }
    assert!(points > 15, "{points}");
    println!("dropped at {points} points");
}

/// Holds everything, and counts how often it was asked.
#[derive(Debug, Default)]
struct Second(std::sync::atomic::AtomicUsize);

#[async_trait]
impl OutboundCheck for Second {
    fn name(&self) -> &'static str {
        "second"
    }
    async fn check(&self, letter: &Letter) -> Result<Ruling, Error> {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok(match letter.message.subject() {
            "Refused" => Ruling::Refuse("not this one".to_owned()),
            _ => Ruling::Hold("the second pair of eyes".to_owned()),
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_check_is_asked_after_the_first_approval() {
    let world = World::new();
    let second = Arc::new(Second::default());
    let mail =
        world.system().outbound_check(Arc::new(asks(None))).outbound_check(second.clone()).build().unwrap();
    let (ada, bob) = two(&mail).await;
    let name = held(&ada, offer(&bob)).await;
    let asked = || second.0.load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!(asked(), 0, "what is stopped before is not counted behind");
    let desk = mail.approvals();
    let passed_on = desk.approve(&desk.get(&name).await.unwrap(), "Eve", "").await.unwrap_err();
    assert_eq!(passed_on.kind(), ErrorKind::Held);
    let next: HeldId = passed_on.code().unwrap().parse().unwrap();
    assert_eq!(desk.get(&name).await.unwrap().decision.unwrap().verdict, Verdict::PassedOn(next.clone()));
    let pending = desk.pending().await.unwrap();
    assert_eq!((pending.len(), &pending[0].id, asked()), (1, &next, 1));
    desk.approve(&pending[0], "Carol", "").await.unwrap();
    assert_eq!((queued(&ada).await.len(), asked()), (1, 1));

    let refused = held(&ada, offer(&bob).with_subject("Refused")).await;
    let error = desk.approve(&desk.get(&refused).await.unwrap(), "Eve", "").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert_eq!(desk.pending().await.unwrap().len(), 1, "it goes on waiting, to be edited or rejected");
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_sends_is_held_once_for_its_event() {
    let (mut points, mut ended) = (0, false);
    while !ended {
        let world = World::new();
        let state = Arc::new(Pausing::new(Arc::new(agent_mail::MemoryState::default()), 0));
        let build = || {
            let system = world.system().state(state.clone() as Arc<dyn StateStore>);
            system.outbound_check(Arc::new(asks(None))).build().unwrap()
        };
        let mail = build();
        let (ada, bob) = two(&mail).await;
        bob.send(NewMessage::to(ada.address()).with_subject("How much?")).await.unwrap();
        let effects = || Effects::new().with_note("answered", "yes").with_send(Sending::new(offer(&bob)));
        let event = ada.events().next().await.unwrap().unwrap();
        ended = drop_after(points, event.ack_with(effects())).await.is_some();
        // The event comes again unless it was acknowledged, and is handled as before.
        let mail = build();
        let ada = mail.open(&id("ada")).await.unwrap();
        if ada.note("answered").await.unwrap().is_none() {
            assert!(!ended);
            let event = ada.events().next().await.unwrap().unwrap();
            event.ack_with(effects()).await.unwrap();
        }
        let pending = mail.approvals().pending().await.unwrap();
        assert_eq!(pending.len(), 1, "after {points} polls");
        mail.approvals().approve(&pending[0], "Eve", "").await.unwrap();
        assert_eq!(queued(&ada).await.len(), 1);
        points += 1;
    }
    assert!(points > 8, "{points}");
}

#[tokio::test(start_paused = true)]
async fn what_is_held_goes_with_its_agent() {
    let world = World::new();
    let mail = world.asking(None);
    let (ada, bob) = two(&mail).await;
    let name = held(&ada, offer(&bob)).await;
    let seen = mail.approvals().get(&name).await.unwrap();
    mail.retire(&id("ada")).await.unwrap();
    assert!(mail.approvals().pending().await.unwrap().is_empty());
    assert_eq!(mail.approvals().approve(&seen, "Eve", "").await.unwrap_err().kind(), ErrorKind::NotFound);
}
