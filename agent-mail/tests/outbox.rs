//! Sending under a state store that fails, servers that refuse in part, and several senders at once.

#[path = "failing/mod.rs"]
mod failing;

use std::sync::Arc;
use std::time::Duration;

use agent_mail::backend::{SecretStore, StateStore};
use agent_mail::{Address, AgentId, AgentMail, AgentMailbox, Embedded, ErrorKind, MemorySecrets, NewMessage};
use async_trait::async_trait;
use failing::FailingState;
use mail_access::{
    Arrival, Batch, Error as MailError, Fault, Login, MailAccess, Outgoing, Position, PostOffice, Selection,
    Submission, Uid,
};

/// Takes a second for each submission, and delivers at its end.
#[derive(Debug)]
struct Slow(PostOffice);

#[async_trait]
impl MailAccess for Slow {
    async fn submit(&self, login: &Login, message: &Outgoing) -> Result<Submission, MailError> {
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.0.submit(login, message).await
    }
    async fn check_submission(&self, login: &Login) -> Result<(), MailError> {
        self.0.check_submission(login).await
    }
    async fn fetch(&self, login: &Login, selection: &Selection, limit: usize) -> Result<Batch, MailError> {
        self.0.fetch(login, selection, limit).await
    }
    async fn mark_seen(&self, login: &Login, uid_validity: u32, uids: &[Uid]) -> Result<(), MailError> {
        self.0.mark_seen(login, uid_validity, uids).await
    }
    async fn wait(&self, login: &Login, after: Position, at_most: Duration) -> Result<Arrival, MailError> {
        self.0.wait(login, after, at_most).await
    }
}

struct World {
    embedded: Embedded,
    state: Arc<FailingState>,
    secrets: Arc<MemorySecrets>,
    full: Address,
}

impl World {
    fn new() -> Self {
        let embedded = Embedded::new("agents.example".parse().unwrap());
        embedded.post_office().add_domain("agents.example".parse().unwrap());
        let full: Address = "full@agents.example".parse().unwrap();
        embedded.post_office().add_mailbox(&full, "theirs".to_owned().into(), 1).unwrap();
        Self { embedded, state: Arc::default(), secrets: Arc::default(), full }
    }

    fn system(&self) -> AgentMail {
        let slow = Arc::new(Slow(self.embedded.post_office().clone()));
        let builder = self.embedded.system().state(self.state.clone()).secrets(self.secrets.clone());
        builder.mail_access(slow).build().unwrap()
    }

    async fn agents(&self) -> (AgentMailbox, AgentMailbox) {
        let mail = self.system();
        (mail.provision(&id("ada")).await.unwrap(), mail.provision(&id("bob")).await.unwrap())
    }

    /// Lets the link be lost while ada sends.
    fn lose(&self, fault: impl Into<Option<Fault>>) {
        let Some(fault) = fault.into() else { return };
        self.embedded.post_office().fail_next(&"agent_ada@agents.example".parse().unwrap(), fault);
    }

    /// Returns the keys of all records but those by which sent mail is counted.
    async fn keys(&self) -> Vec<String> {
        let all = self.state.kept.scan("").await.unwrap().into_iter().map(|(key, _)| key);
        all.filter(|key| !key.contains("/usage/")).collect()
    }
}

/// A message that the mailbox `full` has no room for.
fn big(to: &Address) -> NewMessage {
    NewMessage::to(to.clone()).with_subject("big").with_text("x\n".repeat(1 << 20))
}

async fn arrived(mailbox: &AgentMailbox) -> usize {
    mailbox.fetch_unseen(100).await.unwrap().len()
}

#[tokio::test(start_paused = true)]
async fn what_was_given_up_is_not_reported_as_sent() {
    let world = World::new();
    let (ada, bob) = world.agents().await;
    world.lose(Fault::SubmitLost);
    ada.send(NewMessage::to(bob.address())).await.unwrap_err();
    let (one, other) = (ada.unconfirmed().await.unwrap(), ada.unconfirmed().await.unwrap());
    for entry in one {
        entry.forget().await.unwrap();
    }
    assert_eq!(other[0].resend().await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(arrived(&bob).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_was_sent_is_not_forgotten() {
    let world = World::new();
    let (ada, bob) = world.agents().await;
    let message = || NewMessage::to(bob.address()).with_subject("once");
    world.lose(Fault::SubmitLost);
    ada.send_once("key", message()).await.unwrap_err();
    let mut entries = Vec::new();
    for _ in 0..3 {
        entries.extend(ada.unconfirmed().await.unwrap());
    }
    let [one, other, last] = <[_; 3]>::try_from(entries).unwrap();
    let (sent, forgotten) = tokio::join!(one.resend(), other.forget());
    forgotten.unwrap();
    last.forget().await.unwrap();
    assert_eq!(ada.send_once("key", message()).await.unwrap(), sent.unwrap());
    assert_eq!(arrived(&bob).await, 1);
}

#[tokio::test(start_paused = true)]
async fn those_who_have_it_count_although_the_others_are_refused() {
    let world = World::new();
    let (ada, bob) = world.agents().await;
    let message = || big(&world.full).with_cc(bob.address().clone());
    world.lose(Fault::SubmitTakenAndLost);
    ada.send_once("key", message()).await.unwrap_err();
    let receipt = ada.send_once("key", message()).await.unwrap();
    assert_eq!(receipt.accepted, [bob.address().clone()]);
    assert_eq!((receipt.refused[0].recipient.clone(), receipt.refused[0].code), (world.full.clone(), 552));
    assert_eq!(ada.send_once("key", message()).await.unwrap(), receipt);
    assert!(ada.unconfirmed().await.unwrap().is_empty());
    assert_eq!(arrived(&bob).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_recipient_whose_mailbox_can_not_be_looked_into_keeps_nothing_from_the_others() {
    for secret in [None, Some("no longer the right one")] {
        let world = World::new();
        let (ada, bob) = world.agents().await;
        let cyd = world.system().provision(&id("cyd")).await.unwrap();
        world.lose(Fault::SubmitLost);
        ada.send(NewMessage::to(cyd.address()).with_cc(bob.address().clone())).await.unwrap_err();
        match secret {
            Some(secret) => world.secrets.put(cyd.address(), &secret.into()).await.unwrap(),
            None => world.secrets.remove(cyd.address()).await.unwrap(),
        }
        let ada = world.system().open(&id("ada")).await.unwrap();
        assert_eq!(
            ada.unconfirmed().await.unwrap()[0].resend().await.unwrap().accepted.len(),
            2,
            "{secret:?}"
        );
        assert_eq!((arrived(&bob).await, arrived(&cyd).await), (1, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_receipt_is_the_same_after_a_restart() {
    let world = World::new();
    let (ada, bob) = world.agents().await;
    let odd: Address = "\"odd name\"@elsewhere.example".parse().unwrap();
    let message = || big(&world.full).with_cc(bob.contact()).with_bcc(odd.clone());
    let receipt = ada.send_once("key", message()).await.unwrap();
    assert_eq!((receipt.accepted.len(), receipt.refused.len()), (2, 1));
    let ada = world.system().open(&id("ada")).await.unwrap();
    assert_eq!(ada.send_once("key", message()).await.unwrap(), receipt);
}

#[tokio::test(start_paused = true)]
async fn plain_sends_leave_no_records_but_what_reports_are_matched_by() {
    let world = World::new();
    let (ada, bob) = world.agents().await;
    let before = world.keys().await;
    for fault in
        [None, Some(Fault::SubmitUnavailable), Some(Fault::SubmitLost), Some(Fault::SubmitTakenAndLost)]
    {
        world.lose(fault);
        let _outcome = ada.send(NewMessage::to(bob.address())).await;
        for entry in ada.unconfirmed().await.unwrap() {
            entry.resend().await.unwrap();
        }
        assert_eq!(ada.send(big(&world.full)).await.unwrap_err().kind(), ErrorKind::Rejected);
    }
    let (sent, others): (Vec<_>, Vec<_>) =
        world.keys().await.into_iter().partition(|key| key.starts_with("agents.example/sent/"));
    assert_eq!(others, before);
    assert_eq!(sent.len(), 1 + 3, "the period, and what was taken: {sent:?}");
    assert_eq!(arrived(&bob).await, 3);
}

#[tokio::test(start_paused = true)]
async fn one_key_is_sent_once_by_two_tasks_and_by_two_systems() {
    let world = World::new();
    let (ada, bob) = world.agents().await;
    let same = world.system().open(&id("ada")).await.unwrap();
    let message = || NewMessage::to(bob.address()).with_subject("once");
    let (one, two, three) = tokio::join!(
        ada.send_once("key", message()),
        ada.send_once("key", message()),
        same.send_once("key", message())
    );
    assert_eq!(one.as_ref().unwrap(), &two.unwrap());
    assert_eq!(one.unwrap(), three.unwrap());
    assert_eq!(arrived(&bob).await, 1);
}

#[tokio::test(start_paused = true)]
async fn what_another_system_is_sending_is_not_unconfirmed() {
    let world = World::new();
    let (ada, bob) = world.agents().await;
    let same = world.system().open(&id("ada")).await.unwrap();
    let later = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        same.unconfirmed().await.unwrap().len()
    };
    let (sent, open) = tokio::join!(ada.send(NewMessage::to(bob.address())), later);
    sent.unwrap();
    assert_eq!(open, 0);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_told_although_the_state_fails() {
    let world = World::new();
    let (ada, _bob) = world.agents().await;
    let mut kinds = Vec::new();
    loop {
        world.state.fail_after(kinds.len());
        let error = ada.send(big(&world.full)).await.unwrap_err();
        if world.state.calm() {
            break;
        }
        kinds.push(error.kind());
    }
    // What is read and written before it is sent, and what after.
    let before = kinds.iter().take_while(|kind| **kind == ErrorKind::Unavailable).count();
    assert!(before > 0 && before < kinds.len(), "{kinds:?}");
    assert!(kinds[before..].iter().all(|kind| *kind == ErrorKind::Rejected), "{kinds:?}");
}

#[tokio::test(start_paused = true)]
async fn wherever_the_state_fails_a_key_is_sent_once() {
    let mut points = 0;
    loop {
        for fault in [None, Some(Fault::SubmitLost), Some(Fault::SubmitTakenAndLost)] {
            let world = World::new();
            let (ada, bob) = world.agents().await;
            let message = || NewMessage::to(bob.address()).with_subject("once");
            world.lose(fault);
            world.state.fail_after(points);
            let mut tries = 0;
            let receipt = loop {
                match ada.send_once("key", message()).await {
                    Ok(receipt) => break receipt,
                    Err(_) => tries += 1,
                }
                assert!(tries < 4);
            };
            let over = world.state.calm();
            assert_eq!(receipt.accepted, [bob.address().clone()], "at operation {points}");
            assert_eq!(ada.send_once("key", message()).await.unwrap(), receipt, "at operation {points}");
            assert_eq!(arrived(&bob).await, 1, "at operation {points}, {fault:?}");
            assert!(ada.unconfirmed().await.unwrap().is_empty());
            if over && fault.is_some() {
                assert!(points > 3, "{points}");
                return;
            }
        }
        points += 1;
    }
}

#[tokio::test(start_paused = true)]
async fn wherever_the_state_fails_a_send_tells_the_truth() {
    let mut points = 0;
    loop {
        let world = World::new();
        let (ada, bob) = world.agents().await;
        world.state.fail_after(points);
        let sent = ada.send(NewMessage::to(bob.address())).await;
        let over = world.state.calm();
        assert_eq!(arrived(&bob).await, usize::from(sent.is_ok()), "at operation {points}");
        for entry in ada.unconfirmed().await.unwrap() {
            entry.resend().await.unwrap();
        }
        assert_eq!(arrived(&bob).await, 0, "it is not sent again");
        if over {
            break;
        }
        points += 1;
    }
    assert!(points > 1, "{points}");
}

fn id(name: &str) -> AgentId {
    name.parse().unwrap()
}
