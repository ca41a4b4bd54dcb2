//! What a check wants to be asked about later waits in the outbox.

use std::sync::Arc;
use std::time::Duration;

use agent_mail::backend::TimeAndChance;
use agent_mail::safety::{Letter, OutboundCheck, Ruling};
use agent_mail::{AgentMail, AgentMailbox, Embedded, Error, ErrorKind, NewMessage, RecipientState, Sending};
use async_trait::async_trait;
use mail_access::{Login, MailAccess, Selection};

use crate::world::{Virtual, agent, eve, world};

const MINUTE: Duration = Duration::from_mins(1);

/// Lets nothing pass in the first half hour, and then does what the subject says.
#[derive(Debug)]
struct OpensLate {
    clock: Arc<Virtual>,
    opens: std::time::SystemTime,
}

#[async_trait]
impl OutboundCheck for OpensLate {
    fn name(&self) -> &'static str {
        "opens late"
    }

    async fn check(&self, letter: &Letter) -> Result<Ruling, Error> {
        if self.clock.now() < self.opens {
            return Ok(Ruling::Later(10 * MINUTE));
        }
        let marked = letter.message.clone().with_header("X-Passed", "yes").with_cc(letter.sender.clone());
        Ok(match letter.message.subject() {
            "refuse" => Ruling::Refuse("not this one".to_owned()),
            "hold" => Ruling::Hold("somebody has to look".to_owned()),
            "change" => Ruling::Change(Box::new(marked)),
            _ => Ruling::Pass,
        })
    }
}

struct Waiting {
    world: Embedded,
    mail: AgentMail,
    ada: AgentMailbox,
}

impl Waiting {
    async fn new() -> Self {
        let (world, clock) = (world(), Arc::new(Virtual::new(3)));
        let check = OpensLate { clock: clock.clone(), opens: clock.now() + 30 * MINUTE };
        let builder = world.system().time_and_chance(clock).outbound_check(Arc::new(check));
        let mail = builder.build().unwrap();
        let ada = agent(&mail, "ada").await;
        Self { world, mail, ada }
    }

    fn to_eve(subject: &str) -> Sending {
        Sending::new(NewMessage::to(eve()).with_subject(subject).with_text("hello"))
    }

    async fn work(&self, minutes: u32) {
        self.mail.courier().run(tokio::time::sleep(minutes * MINUTE)).await;
    }

    async fn got(&self) -> Vec<String> {
        let login = Login::new(eve(), "eves secret".into());
        let all = self.world.post_office().fetch(&login, &Selection::Unseen, 99).await.unwrap();
        all.messages.iter().map(|message| message.subject().to_owned()).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn it_goes_once_the_check_lets_it_pass_in_its_order_and_as_it_was_named() {
    let waiting = Waiting::new().await;
    let error = waiting.ada.send(NewMessage::to(eve())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited, "who waits for the outcome is told");
    let first = waiting.ada.enqueue(Waiting::to_eve("change").with_key("k")).await.unwrap();
    waiting.ada.enqueue(Waiting::to_eve("second")).await.unwrap();
    let taken_back = waiting.ada.enqueue(Waiting::to_eve("never")).await.unwrap();
    assert_eq!(waiting.ada.cancel(&taken_back).await.unwrap().not_sent, [eve()]);
    waiting.work(29).await;
    assert!(waiting.got().await.is_empty());
    assert_eq!(waiting.ada.enqueue(Waiting::to_eve("change").with_key("k")).await.unwrap(), {
        let outbox = waiting.ada.outbox().await.unwrap();
        outbox.into_iter().find(|queued| queued.key.as_deref() == Some("k")).unwrap()
    });
    waiting.work(13).await;
    assert_eq!(waiting.got().await, ["change", "second"]);
    let own = waiting.ada.fetch_unseen(9).await.unwrap();
    assert_eq!(own.len(), 1, "the check wanted it to go to the sender too");
    assert_eq!(own[0].message().expose().header("X-Passed").as_deref(), Some("yes"));
    assert_eq!(own[0].message_id().unwrap().expose(), &first.message_id);
    assert!(waiting.ada.outbox().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn it_waits_no_longer_than_its_time_and_may_be_refused_or_held_in_the_end() {
    let waiting = Waiting::new().await;
    let short = Waiting::to_eve("short").with_expiry(15 * MINUTE).with_key("short");
    waiting.ada.enqueue(short.clone()).await.unwrap();
    let refused = Waiting::to_eve("refuse").with_key("refuse");
    waiting.ada.enqueue(refused.clone()).await.unwrap();
    for key in [None, Some("hold")] {
        let hold = Waiting::to_eve("hold");
        waiting.ada.enqueue(key.map_or(hold.clone(), |key| hold.with_key(key))).await.unwrap();
    }
    waiting.work(50).await;
    let expired = waiting.ada.enqueue(short).await.unwrap();
    assert_eq!(expired.in_state(RecipientState::Expired).count(), 1);
    let refused = waiting.ada.enqueue(refused).await.unwrap();
    assert_eq!(refused.in_state(RecipientState::Refused).count(), 1);
    let said = refused.recipients[0].result.text.as_ref().expose();
    assert!(said.contains("not this one"), "{said}");

    assert!(waiting.ada.outbox().await.unwrap().is_empty());
    let desk = waiting.mail.approvals();
    let pending = desk.pending().await.unwrap();
    assert_eq!(pending.len(), 2);
    for held in &pending {
        desk.approve(held, "Eve", "").await.unwrap();
    }
    waiting.work(1).await;
    assert_eq!(waiting.got().await, ["hold", "hold"]);
}
