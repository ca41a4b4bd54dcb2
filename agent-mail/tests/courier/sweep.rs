//! Trouble at every single step: the state store fails or the program ends at each of its operations, the courier is
//! dropped at each poll, under each fault of the mail system; and always the same final state.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use agent_mail::{AgentMailbox, Guarantee, RecipientState, Sending};
use mail_access::{Fault, FaultRule, Refusal};

use crate::world::{Trouble, World, events, other};
use crate::{HOUR, message};

/// What the mail system does to the first submission.
const FAULTS: [Option<Fault>; 9] = [
    None,
    Some(Fault::SubmitUnavailable),
    Some(Fault::SubmitLost),
    Some(Fault::SubmitTakenAndLost),
    Some(Fault::SubmitSlow(Duration::from_secs(30))),
    Some(Fault::SubmitRefused(Refusal::TEMPORARY)),
    Some(Fault::SubmitRefused(Refusal::PERMANENT)),
    Some(Fault::RecipientRefused(Refusal::TEMPORARY)),
    Some(Fault::RecipientRefused(Refusal::PERMANENT)),
];

/// A message to two who are nobody's agents, and one behind it, under a guarantee and a fault.
struct Case {
    guarantee: Guarantee,
    fault: Option<Fault>,
}

impl Case {
    fn all() -> impl Iterator<Item = Self> {
        [Guarantee::AtLeastOnce, Guarantee::AtMostOnce]
            .into_iter()
            .flat_map(|guarantee| FAULTS.into_iter().map(move |fault| Self { guarantee, fault }))
    }

    async fn begin(&self) -> (World, AgentMailbox) {
        let world = World::new(21);
        let ada = world.agent("ada").await;
        if let Some(fault) = self.fault {
            let rule = FaultRule::new(fault);
            let office = world.embedded.post_office();
            office.add_fault(if matches!(fault, Fault::RecipientRefused(_)) {
                rule.with_recipient(&other("x"))
            } else {
                rule.with_login(ada.address())
            });
        }
        ada.enqueue(self.sending("one", &["x", "y"]).with_key("k")).await.unwrap();
        ada.enqueue(self.sending("two", &["x"])).await.unwrap();
        (world, ada)
    }

    fn sending(&self, subject: &str, to: &[&str]) -> Sending {
        Sending::new(message(subject, to)).with_guarantee(self.guarantee).with_expiry(HOUR / 2)
    }

    /// Checks what must hold whatever went wrong once.
    async fn check(&self, world: &World, ada: &AgentMailbox, trouble: Option<Trouble>, at: &str) {
        let at = format!("{:?}, {:?}, {trouble:?} {at}", self.guarantee, self.fault);
        assert!(ada.outbox().await.unwrap().is_empty(), "all have an outcome: {at}");
        let queued = ada.enqueue(self.sending("one", &["x", "y"]).with_key("k")).await.unwrap();
        let told = events(ada).await;
        let (got_x, ids) = world.got("x").await;
        let (got_y, _) = world.got("y").await;
        assert!(ids <= 2, "copies share their Message-ID: {at}");
        for (name, got, subject) in [("x", &got_x, "one"), ("y", &got_y, "one"), ("x", &got_x, "two")] {
            let count = got.iter().filter(|one| *one == subject).count();
            let state = if subject == "one" {
                let of = queued.recipients.iter().find(|one| one.result.recipient == other(name)).unwrap();
                Some(of.state)
            } else {
                None
            };
            match self.guarantee {
                Guarantee::AtLeastOnce => {
                    let permanent = matches!(self.fault, Some(Fault::SubmitRefused(r) | Fault::RecipientRefused(r)) if r == Refusal::PERMANENT);
                    // A program that ends while it sends leaves a doubt that a later refusal doesn't take away.
                    let doubt = permanent && trouble.is_some_and(|trouble| trouble != Trouble::Fails);
                    let refused = match state {
                        Some(state) => {
                            state == RecipientState::Refused
                                || (doubt && state == RecipientState::Unconfirmed)
                        }
                        None => count == 0,
                    };
                    assert!(count > 0 || (refused && permanent), "not lost: {name} {subject} {at}");
                    // Each time that nobody knew, and no more.
                    let ended = trouble.is_some_and(|trouble| trouble != Trouble::Fails);
                    let most =
                        1 + usize::from(ended) + usize::from(self.fault == Some(Fault::SubmitTakenAndLost));
                    assert!(count <= most, "{count} {name} {subject} {at}");
                    assert!(state != Some(RecipientState::Accepted) || count > 0, "{at}");
                    assert!(doubt || ada.unconfirmed().await.unwrap().is_empty(), "{at}");
                }
                Guarantee::AtMostOnce => {
                    assert!(count <= 1, "not doubled: {name} {subject} {at}");
                    if let Some(state) = state {
                        let known =
                            [RecipientState::Accepted, RecipientState::Refused, RecipientState::Unconfirmed];
                        assert!(known.contains(&state), "{state:?} {at}");
                        assert_eq!(
                            state == RecipientState::Accepted,
                            count == 1 && state != RecipientState::Unconfirmed
                        );
                    }
                }
            }
        }
        // Each outcome once, and none without its event.
        for name in ["x", "y"] {
            let times = if name == "x" { 2 } else { 1 };
            let outcomes = told.iter().filter(|told| {
                !told.starts_with("deferred") && told.split(' ').skip(1).any(|one| one == name)
            });
            assert_eq!(outcomes.count(), times, "{told:?} {at}");
        }
        let accepted = queued.in_state(RecipientState::Accepted).count() > 0;
        let two = told.iter().filter(|told| told.starts_with("sent")).count() > usize::from(accepted);
        let copies = world.copies(ada).await;
        assert!(copies <= 2 && copies >= usize::from(accepted), "copies: {copies}, {told:?} {at}");
        assert!(two || accepted || copies == 0, "no copy of what was not sent: {at}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_fault_alone_comes_to_its_end() {
    for case in Case::all() {
        let (world, ada) = case.begin().await;
        world.deliver(&world.program(), 2 * HOUR).await;
        case.check(&world, &ada, None, "").await;
    }
}

#[tokio::test(start_paused = true)]
async fn wherever_the_state_fails_or_the_program_ends_the_outcome_is_the_same() {
    let mut runs = 0;
    for (start, case) in Case::all().enumerate() {
        for trouble in [Trouble::Fails, Trouble::EndsBefore, Trouble::EndsAfter] {
            for point in (start % step()..).step_by(step()) {
                let (world, ada) = case.begin().await;
                world.state.trouble_after(point, trouble);
                let mail = world.program();
                tokio::select! {
                    () = world.deliver(&mail, 2 * HOUR) => {}
                    () = world.state.ended.notified() => {}
                }
                let met = world.state.is_calm();
                world.state.calm();
                let mail = world.program();
                world.deliver(&mail, 2 * HOUR).await;
                case.check(&world, &ada, Some(trouble), &format!("at operation {point}")).await;
                runs += 1;
                if !met {
                    break;
                }
            }
        }
    }
    assert!(runs > 1500 / step(), "{runs}");
    println!("{runs} runs");
}

#[tokio::test(start_paused = true)]
async fn wherever_the_courier_is_dropped_the_next_one_goes_on() {
    let mut runs = 0;
    for (start, case) in Case::all().enumerate() {
        for polls in (start % step()..).step_by(step()) {
            let (world, ada) = case.begin().await;
            let mail = world.program();
            {
                let courier = mail.courier();
                let mut run = pin!(courier.run(tokio::time::sleep(2 * HOUR)));
                for _ in 0..polls {
                    let _progress = poll_fn(|cx| Poll::Ready(run.as_mut().poll(cx))).await;
                    // What waits for its time gets there, too.
                    tokio::time::sleep(Duration::from_secs(2)).await;
                }
            }
            let idle = world.is_idle().await;
            world.deliver(&world.program(), 2 * HOUR).await;
            case.check(&world, &ada, Some(Trouble::EndsBefore), &format!("dropped after {polls} polls"))
                .await;
            runs += 1;
            // What waits for evidence till its end changes no more.
            if idle || polls > 150 {
                break;
            }
        }
    }
    assert!(runs > 300 / step(), "{runs}");
    println!("{runs} runs");
}

/// Every step with `AGENT_MAIL_SEEDS` set to anything, else every eleventh, another one in each case.
fn step() -> usize {
    if std::env::var_os("AGENT_MAIL_SEEDS").is_some() { 1 } else { 11 }
}
