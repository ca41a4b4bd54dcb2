//! What a survey costs.

use agent_mail::Mailcow;
use agent_mail::backend::{MailAdmin, MailChange};
use mailcow_api::{FakeMailcow, Method, Mib, NewDomain, NewMailbox};

use super::{at, change, domain, relay};

async fn with_mailboxes(count: usize) -> FakeMailcow {
    let fake = FakeMailcow::new();
    let client = fake.client();
    let large = NewDomain::new("agents.example".parse().unwrap()).with_max_mailboxes(10_000).with_quotas(
        Mib::new(1),
        Mib::new(1),
        Mib::new(10_000),
    );
    client.add_domain(&large).await.unwrap();
    for number in 0..count {
        let address = format!("agent-{number:05}@agents.example").parse().unwrap();
        let mailbox = NewMailbox::new(address, "Fake-Passw0rd-1".into(), Mib::new(1));
        client.add_mailbox(&mailbox.with_tags(["agent-mail-plan"])).await.unwrap();
    }
    fake
}

#[tokio::test]
async fn it_takes_nine_reads_however_many_mailboxes_there_are_and_ten_with_a_relay() {
    for count in [0, 10, 1000] {
        let fake = with_mailboxes(count).await;
        let admin = Mailcow::new(fake.client());
        let survey = async || {
            let before = fake.calls().len();
            let served = admin.survey(&domain()).await.unwrap().unwrap();
            assert_eq!(served.mailboxes.len(), count);
            assert!(served.mailboxes.iter().all(|mailbox| mailbox.by_plan));
            let calls = fake.calls().split_off(before);
            assert!(calls.iter().all(|call| call.method == Method::Get), "{calls:?}");
            calls.len()
        };
        assert_eq!(survey().await, 9, "{count} mailboxes");
        change(&admin, &MailChange::SetRelay { mailbox: None, relay: Some(relay("one")) }).await;
        assert_eq!(survey().await, 10, "{count} mailboxes");
    }
}

#[tokio::test]
async fn a_domain_that_is_not_served_takes_one_read() {
    let fake = FakeMailcow::new();
    assert_eq!(Mailcow::new(fake.client()).survey(&domain()).await.unwrap(), None);
    assert_eq!(fake.calls().len(), 1);
}

/// How many calls, reads and writes, a change takes the first time and the second.
#[tokio::test]
async fn a_change_takes_few_calls() {
    let fake = super::people().await;
    let admin = Mailcow::new(fake.client());
    let entry = |name: &str| agent_mail::MailboxEntry::new(at(name)).with_quota_mib(64);
    for (wanted, first, again) in [
        (MailChange::AddMailbox { mailbox: entry("new") }, 2, 3),
        (MailChange::SetMailbox { mailbox: entry("ada") }, 4, 2),
        (MailChange::SetPassword { address: at("ada"), must_change: false }, 2, 2),
        (MailChange::RemoveMailbox { address: at("new") }, 4, 1),
        (MailChange::RemoveAlias { address: at("info") }, 2, 1),
    ] {
        for expected in [first, again] {
            let before = fake.calls().len();
            change(&admin, &wanted).await;
            assert_eq!(fake.calls().len() - before, expected, "{wanted:?}");
        }
    }
}
