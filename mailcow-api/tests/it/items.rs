//! Several items in one call, each with its own outcome.

use std::time::Duration;

use mailcow_api::{
    CallKind, Client, Error, FakeMailcow, Fault, HttpResponse, MailboxAddress, MailboxChange, Mib, NewDomain,
    NewMailbox, PartlyDone, RateFrame, RateLimit, RawAction, RawCall,
};
use serde_json::json;

use crate::{
    replay,
    script::{Server, unreachable},
};

fn addresses(names: impl IntoIterator<Item = impl AsRef<str>>) -> Vec<MailboxAddress> {
    names.into_iter().map(|name| format!("{}@agents.example.com", name.as_ref()).parse().unwrap()).collect()
}

async fn with_mailboxes(count: usize) -> (FakeMailcow, Client, Vec<MailboxAddress>) {
    let mailcow = FakeMailcow::new();
    let client = mailcow.client();
    let domain = NewDomain::new("agents.example.com".parse().unwrap()).with_max_mailboxes(20);
    client.add_domain(&domain).await.unwrap();
    let all = addresses((0..count).map(|number| format!("a{number}")));
    for address in &all {
        let new = NewMailbox::new(address.clone(), "Fake-Passw0rd-1".into(), Mib::new(1));
        client.add_mailbox(&new).await.unwrap();
    }
    (mailcow, client, all)
}

fn partly(result: Result<(), Error>) -> PartlyDone {
    match result.unwrap_err() {
        Error::PartlyDone { items, .. } => *items,
        error => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_recorded_edit_of_six_is_done() {
    let limit = RateLimit::new(5.try_into().unwrap(), RateFrame::Minute);
    let items: Vec<_> = (0..6).map(|n| format!("same{n}@race.example.com").parse().unwrap()).collect();
    let client = replay::one("bulk/bulk-edit.json", 0, &[]);
    client.set_mailbox_rate_limits(&items, Some(&limit)).await.unwrap();
}

#[tokio::test]
async fn a_recorded_delete_that_names_one_twice_is_not_sent_by_us_and_partial_if_sent_raw() {
    let items = ["diff0", "diff1", "diff2", "diff0"].map(|name| format!("{name}@race.example.com"));
    let typed: Vec<_> = items.iter().map(|item| item.parse().unwrap()).collect();
    let error = replay::client([]).delete_mailboxes(&typed).await.unwrap_err();
    assert!(matches!(error, Error::InvalidInput { .. }), "{error}");
    let raw =
        RawCall::new(RawAction::Delete, "mailbox").with_body(json!(items)).with_success(["mailbox_removed"]);
    let error = replay::one("bulk/bulk-edit.json", 1, &[]).raw(&raw).await.unwrap_err();
    assert!(matches!(error, Error::Partial { .. }) && error.outcome_unknown(), "{error}");
}

#[tokio::test]
async fn each_item_has_its_own_outcome() {
    let (_, client, mut items) = with_mailboxes(3).await;
    items.insert(1, addresses(["nobody"]).remove(0));
    let outcome = partly(client.edit_mailboxes(&items, &MailboxChange::new().with_name("Agent")).await);
    assert_eq!(outcome.done, ["a0", "a1", "a2"].map(|name| format!("{name}@agents.example.com")));
    // The refusal names nobody, so that it could belong to another one.
    assert_eq!(outcome.unknown, ["nobody@agents.example.com"]);
    assert_eq!(outcome.problems[0].code(), "access_denied");
    assert!(outcome.refused.is_empty() && outcome.not_sent.is_empty() && outcome.cause.is_none());
}

#[tokio::test]
async fn what_is_refused_for_all_is_no_success_for_any() {
    let (_, client, items) = with_mailboxes(2).await;
    let change = MailboxChange::new().with_quota(Mib::new(4_000_000));
    let error = client.edit_mailboxes(&items, &change).await.unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), ("partly_done", false));
    let outcome = partly(Err(error));
    assert!(
        outcome.done.is_empty() && outcome.unknown.len() == 2 && outcome.problems.len() == 2,
        "{outcome}"
    );
}

#[tokio::test]
async fn deletes_go_out_in_chunks_and_a_lost_answer_leaves_only_its_own_chunk_open() {
    let (mailcow, client, items) = with_mailboxes(11).await;
    let before = mailcow.writes();
    client.delete_mailboxes(&items[..5]).await.unwrap();
    assert_eq!(mailcow.writes() - before, 2);

    mailcow.fail_next("delete/mailbox", Fault::DoneButLost);
    let outcome = partly(client.delete_mailboxes(&items[5..]).await);
    assert_eq!((outcome.unknown.len(), outcome.not_sent.len(), outcome.done.len()), (4, 2, 0));
    assert!(matches!(outcome.cause, Some(Error::Unknown { .. })));
    assert!(client.get_mailbox(&items[8]).await.unwrap().is_none());
    client.delete_mailboxes(&items[9..]).await.unwrap();
}

#[tokio::test]
async fn what_fails_before_anything_is_done_is_the_plain_error_and_later_not() {
    let (mailcow, client, items) = with_mailboxes(6).await;
    mailcow.fail_next("delete/mailbox", Fault::Unreachable);
    let error = client.delete_mailboxes(&items).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
}

#[tokio::test]
async fn what_fails_in_the_middle_names_what_was_done_and_what_was_not_sent() {
    let server = Server::new(Duration::ZERO, |number, _| match number {
        0 => Ok(HttpResponse::new(
            200,
            r#"[{"type":"success","msg":["mailbox_removed","a0@agents.example.com"]},
                {"type":"success","msg":["mailbox_removed","a1@agents.example.com"]}]"#,
        )),
        1 => Err(unreachable()),
        _ => panic!("the call goes on"),
    });
    let client = server.client().items_per_call(CallKind::Delete, 2).build().unwrap();
    let outcome = partly(client.delete_mailboxes(&addresses(["a0", "a1", "a2", "a3", "a4"])).await);
    assert_eq!(outcome.done, ["a0@agents.example.com", "a1@agents.example.com"]);
    assert_eq!((outcome.unknown.len(), outcome.not_sent.len()), (0, 3));
    assert!(matches!(outcome.cause, Some(Error::Unavailable { .. })));
}

#[tokio::test]
async fn lists_that_no_answer_could_be_sorted_by_are_refused() {
    let (mailcow, client, items) = with_mailboxes(1).await;
    let before = mailcow.calls().len();
    for bad in [vec![], vec![items[0].clone(), items[0].clone()]] {
        assert!(matches!(client.delete_mailboxes(&bad).await, Err(Error::InvalidInput { .. })));
    }
    assert!(matches!(
        client.edit_mailboxes(&items, &MailboxChange::new()).await,
        Err(Error::InvalidInput { .. })
    ));
    assert_eq!(mailcow.calls().len(), before);
}
