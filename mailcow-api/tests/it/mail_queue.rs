//! The mail queue: recordings played back.

use mailcow_api::{Bytes, Error, QueueId};

use crate::replay;

const ALL: &str = "mail_queue/all.json";

fn id() -> QueueId {
    "4fGx2k5zBQz1N".parse().unwrap()
}

#[tokio::test]
async fn the_queue_is_read() {
    let queue = replay::one(ALL, 0, &[]).mail_queue().await.unwrap();
    assert_eq!((queue.len(), &queue[0].id, queue[0].queue.as_str()), (2, &id(), "deferred"));
    assert_eq!((queue[0].size, queue[0].arrived), (Bytes::new(2048), 1_795_160_000));
    assert!(queue[0].recipients[0].ends_with("Connection timed out)"));
    assert_eq!(queue[1].recipients, ["a@example.net", "b@example.net"]);
    let empty = replay::altered(ALL, 0, |exchange| exchange.response.body = b"{}".to_vec());
    assert_eq!(empty.mail_queue().await.unwrap(), []);
}

#[tokio::test]
async fn a_message_is_raw_text() {
    let text = replay::one(ALL, 1, &[]).queued_message(&id()).await.unwrap().unwrap();
    assert!(text.starts_with("*** ENVELOPE RECORDS deferred/4/4fGx2k5zBQz1N ***\n"), "{text}");
    assert!(text.contains("\nSubject: hi\n\nhello\n"));
}

#[tokio::test]
async fn messages_are_held_flushed_and_deleted() {
    replay::one(ALL, 2, &[]).hold_queued(&[id()]).await.unwrap();
    replay::one(ALL, 3, &[]).flush_mail_queue().await.unwrap();
    replay::one(ALL, 5, &[]).delete_queued(&[id()]).await.unwrap();
    replay::one(ALL, 7, &[]).delete_mail_queue().await.unwrap();
    for action in ["unhold", "deliver"] {
        let client = replay::altered(ALL, 2, |exchange| exchange.body["attr"]["action"] = action.into());
        match action {
            "unhold" => client.release_queued(&[id()]).await.unwrap(),
            _ => client.deliver_queued(&[id()]).await.unwrap(),
        }
    }
}

#[tokio::test]
async fn an_action_that_was_not_done_is_no_success() {
    // Exchange 4 is an unknown action, which cannot be expressed; its answer must not pass for that of a known one.
    let answer = replay::load(ALL).swap_remove(4).response;
    let client = replay::altered(ALL, 3, |exchange| exchange.response = answer);
    let error = client.flush_mail_queue().await.unwrap_err();
    assert!(error.outcome_unknown(), "{error}");
    // Exchange 6 is the form of openapi.yaml, which means a message named super_delete.
    assert!("super_delete".parse::<QueueId>().is_err());
    let client = replay::client([]);
    assert!(matches!(client.hold_queued(&[]).await, Err(Error::InvalidInput { .. })));
    assert!(matches!(client.delete_queued(&[]).await, Err(Error::InvalidInput { .. })));
}
