//! Many mailboxes in one call.

use std::collections::BTreeSet;

use mailcow_api::{Client, Error, FakeMailcow, Fault, How, MailboxAddress, Mib, NewDomain, NewMailbox};

async fn server(max_mailboxes: u32) -> (FakeMailcow, Client) {
    let mailcow = FakeMailcow::new();
    let client = mailcow.client();
    for name in ["agents.example.com", "other.example.com"] {
        let domain = NewDomain::new(name.parse().unwrap()).with_max_mailboxes(max_mailboxes).with_quotas(
            Mib::new(1),
            Mib::new(10),
            Mib::new(100_000),
        );
        client.add_domain(&domain).await.unwrap();
    }
    (mailcow, client)
}

fn fleet(count: usize) -> Vec<NewMailbox> {
    let domain = |n| if n % 5 == 0 { "other.example.com" } else { "agents.example.com" };
    let address = |n: usize| format!("agent-{n:04}@{}", domain(n)).parse::<MailboxAddress>().unwrap();
    (0..count).map(|n| NewMailbox::new(address(n), "Fake-Passw0rd-1".into(), Mib::new(1))).collect()
}

#[tokio::test]
async fn a_thousand_that_are_there_are_seen_in_one_pass_of_lists() {
    let (mailcow, client) = server(2000).await;
    let wanted = fleet(1000);
    let made = client.ensure_mailboxes(&wanted).await.unwrap();
    assert!(made.iter().all(|mailbox| mailbox.as_ref().unwrap().how == How::Created));

    let before = mailcow.calls().len();
    let writes = mailcow.writes();
    let found = client.ensure_mailboxes(&wanted).await.unwrap();
    assert_eq!(found.len(), wanted.len());
    for (wanted, found) in wanted.iter().zip(&found) {
        let found = found.as_ref().unwrap();
        assert_eq!((found.value.address.as_str(), found.how), (wanted.address().as_str(), How::Existed));
    }
    assert_eq!(mailcow.writes(), writes);
    // 800 and 200 of them in pages of 100, each list with an empty last page.
    assert_eq!(mailcow.calls().len() - before, 9 + 3);
}

#[tokio::test]
async fn each_one_has_its_own_result_and_order() {
    let (mailcow, client) = server(2000).await;
    client.add_mailbox(&fleet(3)[2]).await.unwrap();
    mailcow.fail_next("add/mailbox", Fault::DoneButLost);
    let mut wanted = fleet(4);
    let nowhere: MailboxAddress = "agent@nowhere.example.com".parse().unwrap();
    wanted.push(NewMailbox::new(nowhere, "Fake-Passw0rd-1".into(), Mib::new(1)));
    let done = client.ensure_mailboxes(&wanted).await.unwrap();
    let hows: Vec<_> = done.iter().map(|done| done.as_ref().map(|done| done.how).ok()).collect();
    assert_eq!((hows[2], hows[4]), (Some(How::Existed), None));
    let others: BTreeSet<_> = [0, 1, 3].iter().map(|&at| format!("{:?}", hows[at])).collect();
    assert_eq!(others, ["Some(Created)", "Some(Recovered)"].map(str::to_owned).into());
    assert_eq!(done[4].as_ref().unwrap_err().code(), "access_denied");
    assert_eq!(client.mailboxes().await.unwrap().len(), 4);
}

#[tokio::test]
async fn a_limit_is_reached_and_not_overrun() {
    let (_mailcow, client) = server(3).await;
    let wanted: Vec<_> =
        fleet(40).into_iter().filter(|new| new.address().domain().as_str() != "other.example.com").collect();
    let done = client.ensure_mailboxes(&wanted).await.unwrap();
    let (made, refused): (Vec<_>, Vec<_>) = done.into_iter().partition(Result::is_ok);
    assert_eq!((made.len(), refused.len()), (3, 29));
    assert!(refused.iter().all(|done| done.as_ref().unwrap_err().code() == "max_mailbox_exceeded"));
}

#[tokio::test]
async fn the_same_address_twice_is_refused_and_nothing_is_sent() {
    let (mailcow, client) = server(3).await;
    let before = mailcow.calls().len();
    let twice = [fleet(1), fleet(1)].concat();
    assert!(matches!(client.ensure_mailboxes(&twice).await, Err(Error::InvalidInput { .. })));
    assert_eq!(mailcow.calls().len(), before);
    assert!(client.ensure_mailboxes(&[]).await.unwrap().is_empty());
}
