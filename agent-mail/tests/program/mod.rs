//! The program that every world runs: two agents, the domain's records, ten mails and their answers.

use std::time::Duration;

use agent_mail::{
    AgentId, AgentMail, AgentMailbox, Attachment, Contact, Event, Events, NewMessage, Received,
};

/// Runs it over a system whose agents have no mail yet.
pub(crate) async fn exchange(mail: &AgentMail) {
    let (ada, bob) = (mail.provision(&id("ada")).await.unwrap(), mail.provision(&id("Bøb")).await.unwrap());
    let report = mail.bootstrap_dns().await.unwrap();
    assert_eq!((report.written.len(), report.unchanged), (8, 0));
    let again = mail.bootstrap_dns().await.unwrap();
    assert_eq!((again.written.len(), again.unchanged), (0, 8));

    // Both streams wait before the first mail is sent, on real servers in IDLE.
    let (mut to_ada, mut to_bob) = (ada.events(), bob.events());
    idle(&mut to_ada).await;
    idle(&mut to_bob).await;
    for (n, message) in messages(&bob).into_iter().enumerate() {
        let receipt = ada.send(message).await.unwrap();
        assert!(receipt.refused.is_empty());
        let event = next(&mut to_bob).await;
        let received = event.received().unwrap();
        assert_eq!(received.message_id().unwrap(), &receipt.message_id);
        assert_eq!(received.from().unwrap().expose(), &ada.contact());
        assert!(!event.is_redelivery());
        check(n, received.message().expose());
        let answer = bob.reply(received, format!("Answer {n}: grüße")).await.unwrap();
        event.ack().await.unwrap();

        let event = next(&mut to_ada).await;
        let answered = event.received().unwrap();
        assert_eq!(answered.message_id().unwrap(), &answer.message_id);
        assert_eq!(answered.in_reply_to().unwrap(), &receipt.message_id);
        assert_eq!(answered.from().unwrap().expose(), &Contact::named("Bøb", bob.address().clone()));
        assert_eq!(answered.text().unwrap().expose().trim_end(), format!("Answer {n}: grüße"));
        event.ack().await.unwrap();
    }
    for events in [&mut to_ada, &mut to_bob] {
        idle(events).await;
    }
    drop((to_ada, to_bob));
    idle(&mut bob.events()).await;
    assert_eq!(bob.fetch_unseen(100).await.unwrap().len(), 10, "acknowledging marks nothing as seen");
    assert_eq!(bob.fetch_unseen(100).await.unwrap().len(), 0);
}

pub(crate) async fn next(events: &mut Events) -> Event {
    let next = tokio::time::timeout(Duration::from_secs(30), events.next());
    next.await.expect("an event comes in time").expect("the stream goes on").expect("no error")
}

pub(crate) fn id(name: &str) -> AgentId {
    name.parse().unwrap()
}

/// Ten messages of every kind.
fn messages(bob: &AgentMailbox) -> Vec<NewMessage> {
    let to = || NewMessage::to(bob.contact());
    let file = |name: &str, content: &[u8]| Attachment::new(name, "application/octet-stream", content);
    vec![
        to().with_subject("plain").with_text("hello"),
        to().with_subject("html").with_html("<p>hello</p>"),
        to().with_subject("both").with_text("hello").with_html("<p>hello</p>"),
        to().with_subject("Grüße, 你好").with_text("Ünïcödé ✉"),
        to().with_subject("file")
            .with_text("see file")
            .with_attachment(file("plan.bin", &[0, 13, 10, 46, 255])),
        to().with_subject("files").with_attachment(file("ü.txt", b"a\nb")).with_attachment(file("b", b"")),
        to().with_subject("dots").with_text(".\n..\n.x\n.\n"),
        to().with_subject("long line").with_text("x".repeat(5000)),
        to().with_subject("large").with_attachment(file("large.bin", &vec![7; 3 << 20])),
        to().with_subject(""),
    ]
}

fn check(n: usize, received: &Received) {
    let text = received.text().unwrap_or_default().replace("\r\n", "\n");
    let files = received.attachments();
    match n {
        0 => assert_eq!((received.subject(), text.trim_end()), ("plain", "hello")),
        1 => assert_eq!((received.html().unwrap().trim_end(), received.text()), ("<p>hello</p>", None)),
        2 => assert_eq!((received.html().unwrap().trim_end(), text.trim_end()), ("<p>hello</p>", "hello")),
        3 => assert_eq!((received.subject(), text.trim_end()), ("Grüße, 你好", "Ünïcödé ✉")),
        4 => assert_eq!(
            (files[0].name.as_deref(), &*files[0].content),
            (Some("plan.bin"), &[0, 13, 10, 46, 255][..])
        ),
        5 => {
            assert_eq!((files[0].name.as_deref(), &*files[0].content), (Some("ü.txt"), &b"a\nb"[..]));
            assert_eq!((files[1].name.as_deref(), files[1].content.len()), (Some("b"), 0));
        }
        6 => assert_eq!(text.trim_end_matches('\n'), ".\n..\n.x\n."),
        7 => assert_eq!(text.trim_end().len(), 5000),
        8 => assert_eq!(files[0].content, vec![7; 3 << 20]),
        _ => assert_eq!(received.subject(), ""),
    }
}

/// Nothing comes, and the stream has had the time to wait at the server.
async fn idle(events: &mut Events) {
    assert!(tokio::time::timeout(Duration::from_millis(300), events.next()).await.is_err(), "nothing comes");
}
