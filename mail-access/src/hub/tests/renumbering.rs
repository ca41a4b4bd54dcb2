use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use tokio::time::sleep;

use super::*;
use crate::{Arrival, Batch, MailAccess, Position, Selection, Uid};

/// Numbers the mailbox anew behind the next call that names UIDs, and lets the hub read all of it before that returns.
#[derive(Debug)]
struct Rolling {
    office: PostOffice,
    rolls: Arc<AtomicBool>,
}

impl Rolling {
    async fn roll(&self, login: &Login) {
        if self.rolls.swap(false, Ordering::SeqCst) {
            self.office.reset_uid_validity(login.address()).unwrap();
            sleep(Duration::from_secs(1)).await;
        }
    }
}

#[async_trait]
impl MailAccess for Rolling {
    async fn submit(&self, login: &Login, message: &Outgoing) -> Result<Submission, Error> {
        self.office.submit(login, message).await
    }

    async fn check_submission(&self, login: &Login) -> Result<(), Error> {
        self.office.check_submission(login).await
    }

    async fn fetch(&self, login: &Login, selection: &Selection, limit: usize) -> Result<Batch, Error> {
        let batch = self.office.fetch(login, selection, limit).await;
        if matches!(selection, Selection::Uids(..)) {
            self.roll(login).await;
        }
        batch
    }

    async fn mark_seen(&self, login: &Login, uid_validity: u32, uids: &[Uid]) -> Result<(), Error> {
        let done = self.office.mark_seen(login, uid_validity, uids).await;
        self.roll(login).await;
        done
    }

    async fn wait(&self, login: &Login, after: Position, at_most: Duration) -> Result<Arrival, Error> {
        self.office.wait(login, after, at_most).await
    }
}

/// Two addresses that get mail in turn, so that each has the other's numbers after the first message is expunged and
/// the mailbox numbered anew.
async fn two_in_turn(mails: usize, stock: usize) -> (HubAccess, [Login; 2], Arc<AtomicBool>) {
    let world = World::new();
    let rolls = Arc::new(AtomicBool::new(false));
    let access = Arc::new(Rolling { office: world.office.clone(), rolls: Arc::clone(&rolls) });
    let names = ["ada@agents.example", "bob@agents.example"];
    world.receive("first", &["nobody@agents.example"]).await;
    for _ in 0..mails {
        for name in names {
            world.receive(name, &[name]).await;
        }
    }
    world.office.expunge(world.login.address(), &[Uid::new(1).unwrap()]).unwrap();
    let hub = Hub::builder(access, world.login, EnvelopeRule::mailcow()).with_stock(stock).start_access();
    let logins = names.map(|name| Login::new(address(name), "never looked at".into()));
    for login in &logins {
        hub.add(login.address());
    }
    (hub, logins, rolls)
}

#[tokio::test(start_paused = true)]
async fn nobody_gets_anothers_mail_when_the_numbers_change_during_a_fetch() {
    for stock in [0, 20 << 10, 40 << 10, 16 << 20] {
        let (hub, [ada, bob], rolls) = two_in_turn(70, stock).await;
        let before = hub.fetch(&bob, &Selection::After(None), 1).await.unwrap();
        rolls.store(true, Ordering::SeqCst);
        let batch = hub.fetch(&ada, &Selection::After(None), 100).await.unwrap();
        assert!(batch.messages.iter().all(|message| message.subject() == "ada@agents.example"), "{stock}");
        assert_eq!(batch.messages.len(), 70, "{stock}");
        assert_eq!(batch.uid_validity == before.uid_validity, rolls.load(Ordering::SeqCst), "{stock}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_counts_as_seen_because_it_got_the_number_of_what_was() {
    let (hub, [ada, bob], rolls) = two_in_turn(5, 0).await;
    let batch = hub.fetch(&ada, &Selection::Unseen, 10).await.unwrap();
    let uids: Vec<_> = batch.messages.iter().map(crate::Received::uid).collect();
    rolls.store(true, Ordering::SeqCst);
    hub.mark_seen(&ada, batch.uid_validity, &uids).await.unwrap();
    assert!(!rolls.load(Ordering::SeqCst));
    assert_eq!(hub.fetch(&bob, &Selection::Unseen, 10).await.unwrap().messages.len(), 5);

    // The same for what a fetch finds to be seen.
    let (hub, [ada, bob], rolls) = two_in_turn(5, 0).await;
    let batch = hub.fetch(&ada, &Selection::After(None), 10).await.unwrap();
    let uids: Vec<_> = batch.messages.iter().map(crate::Received::uid).collect();
    let shared = Login::new(address("hub@hub.example"), "a password".into());
    hub.hub.reading.access.mark_seen(&shared, batch.uid_validity, &uids).await.unwrap();
    rolls.store(true, Ordering::SeqCst);
    assert!(hub.fetch(&ada, &Selection::Unseen, 10).await.unwrap().messages.is_empty());
    assert!(!rolls.load(Ordering::SeqCst));
    assert_eq!(hub.fetch(&bob, &Selection::Unseen, 10).await.unwrap().messages.len(), 5);
}
