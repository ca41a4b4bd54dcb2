//! Random schedules of messages, faults, crashes and cancellations, against what a plain list says must have come of it.

use std::time::Duration;

use agent_mail::{AgentMail, AgentMailbox, Error, Guarantee, Queued, RecipientState, Sending};
use mail_access::{Fault, FaultRule, Refusal};
use proptest::prelude::*;

use crate::world::{OTHERS, Trouble, World, events, id, other};
use crate::{HOUR, message};

#[derive(Clone, Debug)]
enum Op {
    /// A message to some of the three, at most once or at least once, and after how many minutes.
    Send { to: u8, most: bool, delay: u16 },
    /// To take back one of those that were sent so far.
    Cancel(usize),
    /// The courier works for so many minutes.
    Pass(u16),
    /// Something goes wrong at a later operation of the state.
    Trouble(usize, Trouble),
    /// The mail system does this, to one of the three where it is of one.
    Fault(Fault, usize),
}

fn op() -> impl Strategy<Value = Op> {
    let trouble = prop_oneof![Just(Trouble::Fails), Just(Trouble::EndsBefore), Just(Trouble::EndsAfter)];
    let fault = prop_oneof![
        Just(Fault::SubmitUnavailable),
        Just(Fault::SubmitLost),
        Just(Fault::SubmitTakenAndLost),
        Just(Fault::SubmitSlow(Duration::from_mins(2))),
        Just(Fault::SubmitRefused(Refusal::TEMPORARY)),
        Just(Fault::RecipientRefused(Refusal::TEMPORARY)),
        Just(Fault::RecipientRefused(Refusal::PERMANENT)),
        Just(Fault::ChangeTakenAndLost),
        Just(Fault::FetchUnavailable),
    ];
    prop_oneof![
        4 => (1_u8..8, any::<bool>(), prop_oneof![3 => Just(0), 1 => 1_u16..90])
            .prop_map(|(to, most, delay)| Op::Send { to, most, delay }),
        1 => any::<prop::sample::Index>().prop_map(|index| Op::Cancel(index.index(64))),
        4 => (1_u16..40).prop_map(Op::Pass),
        2 => (0_usize..40, trouble).prop_map(|(after, trouble)| Op::Trouble(after, trouble)),
        3 => (fault, 0_usize..3).prop_map(|(fault, of)| Op::Fault(fault, of)),
    ]
}

/// A message as the list has it.
struct Sent {
    queued: Queued,
    sending: Sending,
    names: Vec<&'static str>,
    most: bool,
    delayed: bool,
    cancelled: bool,
    /// To whom it was said then not to be sent.
    spared: Vec<String>,
}

struct Run {
    world: World,
    mail: AgentMail,
    ada: AgentMailbox,
    sent: Vec<Sent>,
    /// How often a message may have been taken, and nobody heard.
    unknown: usize,
    /// Whether a message may not have been taken, and nobody knows.
    lost: bool,
    /// Whether the mail system refused anybody for good.
    refused: bool,
}

impl Run {
    async fn new(seed: u64) -> Self {
        let world = World::new(seed);
        let ada = world.agent("ada").await;
        Self { mail: world.program(), world, ada, sent: Vec::new(), unknown: 0, lost: false, refused: false }
    }

    /// Starts the program again.
    async fn restart(&mut self) {
        self.unknown += 1;
        self.mail = self.world.program();
        self.ada = self.mail.open(&id("ada")).await.unwrap();
    }

    /// Repeats a call through failures and crashes until it is answered.
    async fn sure<T>(&mut self, call: impl AsyncFn(&AgentMailbox) -> Result<T, Error>) -> T {
        loop {
            let ada = self.ada.clone();
            let answer = tokio::select! {
                answer = call(&ada) => answer.ok(),
                () = self.world.state.ended.notified() => {
                    self.restart().await;
                    None
                }
            };
            if let Some(answer) = answer {
                return answer;
            }
        }
    }

    async fn step(&mut self, op: &Op) {
        match op {
            Op::Send { to, most, delay } => {
                let n = self.sent.len();
                let names: Vec<_> = (0..3).filter(|bit| to >> bit & 1 == 1).map(|bit| OTHERS[bit]).collect();
                let guarantee = if *most { Guarantee::AtMostOnce } else { Guarantee::AtLeastOnce };
                let sending = Sending::new(message(&format!("{n}"), &names))
                    .with_key(format!("{n}"))
                    .with_guarantee(guarantee)
                    .with_time(self.world.now() + Duration::from_mins((*delay).into()))
                    .with_expiry(48 * HOUR);
                let queued = self.sure(async |ada| ada.enqueue(sending.clone()).await).await;
                let (most, delayed, spared) = (*most, *delay > 0, Vec::new());
                self.sent.push(Sent { queued, sending, names, most, delayed, cancelled: false, spared });
            }
            Op::Cancel(n) if !self.sent.is_empty() => {
                let n = n % self.sent.len();
                let queued = self.sent[n].queued.clone();
                let cancelled = self.sure(async |ada| ada.cancel(&queued).await).await;
                self.sent[n].cancelled = true;
                self.sent[n].spared = cancelled.not_sent.iter().map(ToString::to_string).collect();
            }
            Op::Cancel(_) => {}
            Op::Pass(minutes) => {
                let courier = self.mail.courier();
                let time = Duration::from_mins((*minutes).into());
                tokio::select! {
                    () = courier.run(tokio::time::sleep(time)) => return,
                    () = self.world.state.ended.notified() => {}
                }
                self.restart().await;
            }
            Op::Trouble(after, trouble) => self.world.state.trouble_after(*after, *trouble),
            Op::Fault(fault, of) => {
                self.unknown += usize::from(*fault == Fault::SubmitTakenAndLost);
                self.lost |= *fault == Fault::SubmitLost;
                self.refused |= *fault == Fault::RecipientRefused(Refusal::PERMANENT);
                let rule = FaultRule::new(*fault);
                let rule = if matches!(fault, Fault::RecipientRefused(_)) {
                    rule.with_recipient(&other(OTHERS[*of]))
                } else {
                    rule.with_login(self.ada.address())
                };
                self.world.embedded.post_office().add_fault(rule);
            }
        }
    }

    async fn end(&mut self) {
        let certain = self.unknown == 0 && !self.lost;
        self.world.state.calm();
        self.world.embedded.post_office().clear_faults();
        self.restart().await;
        self.world.deliver(&self.mail, 96 * HOUR).await;
        assert!(self.world.is_idle().await, "all have an outcome");
        let told = events(&self.ada).await;
        let ended: usize = told
            .iter()
            .filter(|told| !told.starts_with("deferred"))
            .map(|told| told.split(' ').count() - 1)
            .sum();
        let mut outcomes = 0;
        for (n, sent) in self.sent.iter().enumerate() {
            let now = self.ada.enqueue(sent.sending.clone()).await.unwrap();
            assert_eq!(now.message_id, sent.queued.message_id);
            for recipient in &now.recipients {
                let who = recipient.result.recipient.to_string();
                let (got, _) = self.world.got(who.split('@').next().unwrap()).await;
                let count = got.iter().filter(|subject| **subject == n.to_string()).count();
                let state = recipient.state;
                let at = format!("message {n} to {who}: {state:?}, {count} copies");
                outcomes += usize::from(state != RecipientState::Canceled);
                match state {
                    RecipientState::Accepted => assert!(count > 0, "lost: {at}"),
                    RecipientState::Unconfirmed => {}
                    _ => assert_eq!(count, 0, "{at}"),
                }
                if !sent.cancelled && !self.refused && (!sent.most || certain) {
                    assert_eq!(state, RecipientState::Accepted, "nothing keeps it back for good: {at}");
                }
                assert!(!sent.spared.contains(&who) || count == 0, "said not to be sent: {at}");
                assert!(count <= if sent.most { 1 } else { 1 + self.unknown }, "doubled: {at}");
            }
        }
        assert_eq!(ended, outcomes, "each outcome is told once: {told:?}");
        for name in OTHERS {
            let (got, ids) = self.world.got(name).await;
            let mut firsts: Vec<usize> = Vec::new();
            for n in got.iter().map(|subject| subject.parse().unwrap()) {
                if !firsts.contains(&n) {
                    firsts.push(n);
                }
            }
            assert_eq!(ids, firsts.len(), "copies share their Message-ID");
            firsts.retain(|n| !self.sent[*n].delayed && self.sent[*n].names.contains(&name));
            assert!(firsts.is_sorted(), "in order: {name} got {got:?}");
        }
        assert!(self.world.copies(&self.ada).await <= self.sent.len(), "a copy each at most");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases()) })]

    #[test]
    fn whatever_happens_the_outbox_tells_the_truth(seed in any::<u64>(), ops in prop::collection::vec(op(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let mut run = Run::new(seed).await;
            for op in &ops {
                run.step(op).await;
            }
            run.end().await;
        });
    }
}

/// How many schedules are tried: `PROPTEST_CASES`, or a few.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(48)
}
