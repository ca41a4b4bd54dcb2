use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use mail_access::Address;
use tokio::time::timeout;

use super::{Case, cases};
use crate::backend::Doorbell;

/// A mail system, and what comes into its mailboxes.
#[async_trait]
pub trait DoorbellHarness: Debug + Send + Sync + 'static {
    /// Returns the implementation to be tested.
    fn doorbell(&self) -> Arc<dyn Doorbell>;

    /// Makes an empty mailbox.
    async fn mailbox(&self) -> Address;

    /// Brings a message into the INBOX of a mailbox, be it before the call ends or a little later.
    async fn deliver(&self, to: &Address);
}

/// The cases of [`Doorbell`]. One that is not listed here is dead code, and the compiler says so.
pub const DOORBELL_CASES: &[Case<Arc<dyn DoorbellHarness>>] = cases! {
    the_first_answer_names_every_mailbox_that_holds_mail
    mail_that_comes_later_is_named
    mail_that_comes_while_nobody_asks_is_not_forgotten
    mail_that_comes_with_the_first_question_is_not_missed
    a_mailbox_made_later_is_named_too
    a_dropped_question_has_taken_nothing
    each_who_listens_hears_of_all
    who_stops_listening_disturbs_nobody
};

type Subject = Arc<dyn DoorbellHarness>;

async fn the_first_answer_names_every_mailbox_that_holds_mail(mail: Subject) {
    let [ada, bob] = [mail.mailbox().await, mail.mailbox().await];
    let empty = mail.mailbox().await;
    let mut before = mail.doorbell().listen();
    mail.deliver(&ada).await;
    mail.deliver(&bob).await;
    // When somebody else has heard of them they are there.
    hears_of(&mut before, &[&ada, &bob]).await;
    let first = timeout(PATIENCE, mail.doorbell().listen().next()).await.expect("there is an answer");
    let first = first.expect("it goes on");
    assert!(first.contains(&ada) && first.contains(&bob), "{first:?}");
    assert!(!first.contains(&empty), "{first:?}");
}

async fn mail_that_comes_later_is_named(mail: Subject) {
    let [ada, bob] = [mail.mailbox().await, mail.mailbox().await];
    let mut ringing = mail.doorbell().listen();
    for to in [&ada, &bob, &ada, &ada] {
        mail.deliver(to).await;
        hears_of(&mut ringing, &[to]).await;
    }
}

async fn mail_that_comes_while_nobody_asks_is_not_forgotten(mail: Subject) {
    let mut all = Vec::new();
    for _ in 0..20 {
        all.push(mail.mailbox().await);
    }
    let mut ringing = mail.doorbell().listen();
    mail.deliver(&all[0]).await;
    hears_of(&mut ringing, &[&all[0]]).await;
    for to in &all {
        mail.deliver(to).await;
        mail.deliver(to).await;
    }
    hears_of(&mut ringing, &all.iter().collect::<Vec<_>>()).await;
}

async fn mail_that_comes_with_the_first_question_is_not_missed(mail: Subject) {
    for _ in 0..10 {
        let to = mail.mailbox().await;
        let mut ringing = mail.doorbell().listen();
        let wanted = [&to];
        tokio::join!(hears_of(&mut ringing, &wanted), mail.deliver(&to));
    }
}

async fn a_mailbox_made_later_is_named_too(mail: Subject) {
    let mut ringing = mail.doorbell().listen();
    // It has begun, and waits.
    drop(timeout(Duration::from_millis(20), ringing.next()).await);
    let late = mail.mailbox().await;
    mail.deliver(&late).await;
    hears_of(&mut ringing, &[&late]).await;
}

async fn a_dropped_question_has_taken_nothing(mail: Subject) {
    let to = mail.mailbox().await;
    let mut ringing = mail.doorbell().listen();
    for micros in [0, 50, 200, 1_000, 5_000, 20_000] {
        let question = timeout(Duration::from_micros(micros), ringing.next());
        let (answer, ()) = tokio::join!(question, mail.deliver(&to));
        if answer.is_err() {
            hears_of(&mut ringing, &[&to]).await;
        }
    }
}

async fn each_who_listens_hears_of_all(mail: Subject) {
    let [ada, bob] = [mail.mailbox().await, mail.mailbox().await];
    let bell = mail.doorbell();
    let (mut one, mut two) = (bell.listen(), bell.listen());
    mail.deliver(&ada).await;
    hears_of(&mut one, &[&ada]).await;
    mail.deliver(&bob).await;
    hears_of(&mut one, &[&bob]).await;
    hears_of(&mut two, &[&ada, &bob]).await;
}

async fn who_stops_listening_disturbs_nobody(mail: Subject) {
    let to = mail.mailbox().await;
    let bell = mail.doorbell();
    let (gone, mut stays) = (bell.listen(), bell.listen());
    drop(gone);
    mail.deliver(&to).await;
    hears_of(&mut stays, &[&to]).await;
}

/// Waits until all of these were named.
async fn hears_of(ringing: &mut BoxStream<'static, Vec<Address>>, wanted: &[&Address]) {
    let mut missing: BTreeSet<String> = wanted.iter().map(ToString::to_string).collect();
    while !missing.is_empty() {
        let named = timeout(PATIENCE, ringing.next()).await;
        let named = named.unwrap_or_else(|_| panic!("nobody names {missing:?}")).expect("it goes on");
        for address in named {
            missing.remove(&address.to_string());
        }
    }
}

/// A test fails after this time; a bell that is well needs far less.
const PATIENCE: Duration = Duration::from_secs(30);
