//! Messages that the office can't give out keep nothing else back.

use std::pin::Pin;
use std::sync::Arc;

use futures_core::Stream as _;

use super::*;
use crate::{EnvelopeRule, Hub, Limit, MessageStore as _, Position, Received, Uid, Watcher};

fn show(message: &Received) -> String {
    let how = match message.opaque() {
        Some(Limit::Withheld) if message.raw().is_empty() => "bare",
        Some(Limit::Withheld) => "header",
        _ => "whole",
    };
    assert_eq!((message.is_truncated(), message.text().is_none()), (how != "whole", how != "whole"));
    format!("{} {how}", message.uid())
}

const SHOWN: [&str; 3] = ["1 header", "2 bare", "3 whole"];

/// Sends bob one that comes by its header, one that comes bare, and a good one.
async fn broken() -> PostOffice {
    let office = office();
    for with_header in [true, false] {
        office.fail_next(&at_home("ada"), Fault::DeliveredBroken { with_header });
        office.submit(&login("ada"), &message(&["bob@agents.example"])).await.unwrap();
    }
    office.submit(&login("ada"), &message(&["bob@agents.example"])).await.unwrap();
    office
}

#[tokio::test(start_paused = true)]
async fn they_come_marked_and_the_others_whole() {
    let office = broken().await;
    let batch = inbox(&office, "bob").await;
    assert_eq!(batch.messages.iter().map(show).collect::<Vec<_>>(), SHOWN);
    let (bob, folder) = (login("bob"), FolderName::inbox());
    let listed = office.list(&bob, &folder, &Selection::After(None)).await.unwrap();
    let sizes = batch.messages.iter().map(Received::whole_size);
    assert!(sizes.eq(listed.entries.iter().map(|entry| entry.size)), "the size is known all the same");
    let mut messages = office.messages(&bob, &folder, &Selection::After(None));
    let mut read = Vec::new();
    while let Some(message) = std::future::poll_fn(|cx| Pin::new(&mut messages).poll_next(cx)).await {
        read.push(show(&message.unwrap()));
    }
    assert_eq!(read, SHOWN);
    let at = Position { uid_validity: batch.uid_validity, uid: 1 };
    let piece = office.read(&bob, &folder, at, 0..9).await;
    assert!(matches!(piece, Err(Error::Protocol { .. })), "{piece:?}");
    office.mark_seen(&bob, batch.uid_validity, &[Uid::new(1).unwrap()]).await.unwrap();
    assert!(inbox(&office, "bob").await.messages[0].is_seen());
}

#[tokio::test(start_paused = true)]
async fn a_watcher_moves_past_them() {
    let mut watcher = Watcher::new(Arc::new(broken().await), login("bob"), None);
    for (uid, expected) in (1..).zip(SHOWN) {
        let seen = watcher.next().await.unwrap().unwrap();
        assert_eq!((show(&seen.message).as_str(), seen.at.uid), (expected, uid));
    }
}

/// By its header one finds its way; of a bare one nobody knows whose it is.
#[tokio::test(start_paused = true)]
async fn a_hub_moves_past_them() {
    let office = broken().await;
    let hub = Hub::builder(Arc::new(office), login("bob"), EnvelopeRule::mailcow()).start();
    let bob = hub.address(&at_home("bob"));
    for expected in ["1 header", "3 whole"] {
        assert_eq!(show(bob.next().await.unwrap().message()), expected);
    }
    assert_eq!(show(hub.dead_letters().next().await.unwrap().message()), "2 bare");
    assert_eq!(hub.position().read().uid, 3);
}
