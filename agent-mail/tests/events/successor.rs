//! What a program still holds of an agent that is gone, when another one has its name.

use agent_mail::{Effects, NewMessage, Sending};

use super::*;

#[tokio::test(start_paused = true)]
async fn nothing_of_an_agent_that_is_gone_reaches_into_its_successor() {
    for in_one_program in [true, false] {
        let world = World::new();
        let mail = world.system();
        let old = mail.provision(&id("ada")).await.unwrap();
        world.inbox.put("Subject: first\r\n\r\n");
        let (mut reading, mut idle, mut live) = (old.events(), old.events(), old.live_events());
        let held = next(&mut reading).await.unwrap();

        let other = if in_one_program { mail } else { world.system() };
        other.retire(&id("ada")).await.unwrap();
        let ada = other.provision(&id("ada")).await.unwrap();
        // This mailbox asks for no password and keeps its mail, as the worst server would.
        assert!(!next(&mut ada.events()).await.unwrap().is_redelivery(), "it is another agent");
        world.inbox.put("Subject: second\r\n\r\n");
        ada.commit(Effects::new().with_note("plan", "hers")).await.unwrap();

        let gone = if in_one_program { ErrorKind::Unauthenticated } else { ErrorKind::NotFound };
        for events in [&mut reading, &mut idle] {
            let ended = tokio::time::timeout(Duration::from_mins(40), events.next()).await;
            assert_eq!(ended.expect("it ends").unwrap().unwrap_err().kind(), gone);
            assert!(events.next().await.is_none());
        }
        let ended = tokio::time::timeout(Duration::from_mins(40), live.next()).await;
        assert_eq!(ended.expect("it ends").unwrap().unwrap_err().kind(), gone);
        assert_eq!(old.fetch_unseen(10).await.unwrap_err().kind(), gone);
        held.ack().await.unwrap();
        let theirs = || Effects::new().with_note("plan", "theirs");
        let letter = || NewMessage::to(ada.address()).with_subject("theirs");
        let refused = [
            held.ack_with(theirs()).await.unwrap_err(),
            old.commit(theirs()).await.unwrap_err(),
            old.note("plan").await.unwrap_err(),
            old.enqueue(Sending::new(letter())).await.unwrap_err(),
            old.send(letter()).await.unwrap_err(),
            old.send_once("key", letter()).await.unwrap_err(),
        ];
        assert!(refused.iter().all(|error| error.kind() == ErrorKind::NotFound), "{refused:?}");

        assert_eq!(ada.note("plan").await.unwrap().as_deref(), Some(&b"hers"[..]));
        assert!(ada.unconfirmed().await.unwrap().is_empty() && ada.outbox().await.unwrap().is_empty());
        let expected =
            [("Subject: first\r\n\r\n".to_owned(), true), ("Subject: second\r\n\r\n".to_owned(), false)];
        assert_eq!(drain(&mut ada.events()).await, expected);
    }
}
