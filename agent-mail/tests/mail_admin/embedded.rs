//! What the embedded administrator changes shows in the mail.

use std::sync::Arc;

use agent_mail::backend::{Claim, MailAdmin, MailChange, MailboxSpec, Provisioner};
use agent_mail::spec::DkimOptions;
use agent_mail::{AliasEntry, Embedded, ErrorKind, ForwardEntry, MailboxEntry, NewMessage};
use mail_access::{Login, MailAccess, Selection};

use super::{add_domain, at, change, domain, name, password};

async fn world() -> Arc<Embedded> {
    let world = Arc::new(Embedded::new(domain()));
    change(&*world, &add_domain()).await;
    for name in ["ada", "bob"] {
        change(&*world, &MailChange::AddMailbox { mailbox: MailboxEntry::new(at(name)) }).await;
    }
    world
}

async fn send(world: &Embedded, to: &str) -> bool {
    let message = NewMessage::to(to.parse::<agent_mail::Address>().unwrap()).with_text("hello");
    let message = message.seal(&at("ada").into()).unwrap();
    world.post_office().submit(&Login::new(at("ada"), password()), &message).await.is_ok()
}

async fn count(world: &Embedded, name: &str) -> usize {
    let login = Login::new(at(name), password());
    let batch = world.post_office().fetch(&login, &Selection::After(None), 100).await.unwrap();
    batch.messages.iter().filter(|message| message.subject().is_empty()).count()
}

#[tokio::test]
async fn mail_goes_where_it_was_said() {
    let world = world().await;
    for next in [
        MailChange::SetAlias { alias: AliasEntry::new(at("info"), [at("bob")]) },
        MailChange::SetCatchAll { targets: vec![at("bob")] },
        MailChange::AddAliasDomain { name: name("old.example") },
    ] {
        change(&*world, &next).await;
    }
    for to in ["info@agents.example", "anything@agents.example", "bob@old.example"] {
        assert!(send(&world, to).await);
    }
    assert_eq!(count(&world, "bob").await, 3);
    let forward = ForwardEntry::new(at("bob"), [at("ada")]);
    change(&*world, &MailChange::SetForward { forward: forward.clone() }).await;
    send(&world, "bob@agents.example").await;
    assert_eq!((count(&world, "ada").await, count(&world, "bob").await), (1, 4));
    change(&*world, &MailChange::SetForward { forward: forward.without_copy() }).await;
    send(&world, "bob@agents.example").await;
    assert_eq!((count(&world, "ada").await, count(&world, "bob").await), (2, 4));
    change(&*world, &MailChange::RemoveForward { address: at("bob") }).await;
    send(&world, "bob@agents.example").await;
    assert_eq!((count(&world, "ada").await, count(&world, "bob").await), (2, 5));
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_sends_as_often_as_it_may() {
    let world = world().await;
    let mailbox = MailboxEntry::new(at("ada")).with_hourly_limit(2);
    change(&*world, &MailChange::SetMailbox { mailbox }).await;
    let sent = [send(&world, "bob@agents.example").await, send(&world, "bob@agents.example").await];
    assert_eq!(sent, [true, true]);
    assert!(!send(&world, "bob@agents.example").await, "one too many");
    tokio::time::sleep(std::time::Duration::from_hours(1)).await;
    assert!(send(&world, "bob@agents.example").await);
}

#[tokio::test]
async fn agents_and_people_live_in_one_domain() {
    let world = world().await;
    world.ensure_domain(&domain()).await.unwrap();
    let served = world.survey(&domain()).await.unwrap().unwrap();
    assert_eq!(served.dkim, Some(world.dkim(&domain()).await.unwrap()), "a provisioner adds the key");
    let mut spec = MailboxSpec::new(at("eve"), password(), Claim::generate());
    (spec.display_name, spec.hourly_limit) = ("Eve".into(), Some(3));
    world.ensure_mailbox(&spec).await.unwrap();
    let served = world.survey(&domain()).await.unwrap().unwrap();
    let eve = served.mailboxes.iter().find(|mailbox| mailbox.address == at("eve")).unwrap();
    assert_eq!((eve.name.as_str(), eve.hourly_limit, eve.by_plan), ("Eve", Some(3), false));
    let error = world.change(&domain(), &MailChange::RemoveMailbox { address: at("eve") }, None).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::AlreadyExists);
    let claimless = MailboxSpec::new(at("bob"), password(), Claim::generate());
    assert_eq!(world.ensure_mailbox(&claimless).await.unwrap_err().kind(), ErrorKind::AlreadyExists);
}

#[tokio::test]
async fn a_larger_key_is_longer() {
    let world = world().await;
    assert_eq!(world.dkim(&domain()).await.unwrap_err().kind(), ErrorKind::NotFound);
    let mut key = DkimOptions::default();
    key.bits = 4096;
    change(&*world, &MailChange::AddDkim { key }).await;
    assert!(world.dkim(&domain()).await.unwrap().record.len() > 700);
}
