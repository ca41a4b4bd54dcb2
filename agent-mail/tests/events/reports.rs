//! Delivery reports and complaints, told as what became of a message that was sent.

use std::sync::Arc;
use std::time::Duration;

use agent_mail::backend::StateStore;
use agent_mail::mail_access::Outgoing;
use agent_mail::{
    Address, AgentMail, AgentMailbox, Embedded, Event, EventKind, MemoryState, MessageId, NewMessage,
    SendReport,
};
use tokio::time::timeout;

use crate::{id, next_of_any_kind};

async fn world() -> (Embedded, AgentMail, AgentMailbox) {
    let world = Embedded::new("agents.example".parse().unwrap());
    let mail = world.system().build().unwrap();
    let ada = mail.provision(&id("ada")).await.unwrap();
    (world, mail, ada)
}

async fn event(of: &AgentMailbox) -> Event {
    let event = next_of_any_kind(&mut of.events()).await.unwrap();
    event.ack().await.unwrap();
    event
}

/// Lets a stranger's server deliver something to an agent.
async fn receive(world: &Embedded, to: &AgentMailbox, raw: &str) {
    let sender = "mailer-daemon@elsewhere.example".parse().unwrap();
    let id = MessageId::of_random(7, to.address().domain());
    let raw = raw.replace('\n', "\r\n");
    let message = Outgoing::restore(sender, vec![to.address().clone()], id, raw).unwrap();
    world.post_office().receive(&message).await.unwrap();
}

fn report(action: &str, of: &MessageId, recipients: &[(&str, &str)]) -> String {
    let group = |(who, status): &(&str, &str)| {
        format!(
            "\nFinal-Recipient: rfc822; {who}\nAction: {action}\nStatus: {status}\nDiagnostic-Code: smtp; told\n"
        )
    };
    let groups = recipients.iter().map(group).collect::<Vec<_>>().concat();
    format!(
        "From: MAILER-DAEMON@elsewhere.example\nTo: ada\nSubject: report\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nIt says so below.\n\
         --b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; elsewhere.example\n{groups}\n\
         --b\nContent-Type: text/rfc822-headers\n\nMessage-ID: {of}\nSubject: to all\n--b--\n"
    )
}

fn complaint(of: &MessageId, named: Option<&str>) -> String {
    let named = named.map(|who| format!("Original-Rcpt-To: <{who}>\n")).unwrap_or_default();
    format!(
        "From: fbl@elsewhere.example\nTo: ada\nSubject: complaint\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\n\nIt says so below.\n\
         --b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nUser-Agent: x/1\nVersion: 1\n{named}\n\
         --b\nContent-Type: text/rfc822-headers\n\nMessage-ID: {of}\nSubject: to all\n--b--\n"
    )
}

fn bounced(event: &Event) -> &SendReport {
    match event.kind() {
        EventKind::Bounced(report) => report,
        other => panic!("not bounced: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_bounce_is_matched_with_its_message_its_key_and_its_recipient() {
    let (_world, mail, ada) = world().await;
    let bob = mail.provision(&id("bob")).await.unwrap();
    let nobody: Address = "nobody@elsewhere.example".parse().unwrap();
    let message = NewMessage::to(bob.contact()).with_cc(nobody.clone()).with_subject("both");
    let receipt = ada.send_once("invoice/7", message).await.unwrap();
    assert_eq!(receipt.accepted.len(), 2);

    let event = event(&ada).await;
    let told = bounced(&event);
    assert_eq!((&told.message_id, told.key.as_deref()), (&receipt.message_id, Some("invoice/7")));
    let [result] = &*told.recipients else { panic!("{told:?}") };
    assert_eq!((&result.recipient, result.code, result.enhanced), (&nobody, Some(500), Some((5, 4, 4))));
    assert!(result.text.is_some_and(|text| text.contains("Host or domain name not found")));
    assert!(told.report.as_ref().unwrap().is_delivery_report());
    assert!(event.received().is_none());
    assert!(next_of_any_kind(&mut ada.events()).await.is_none(), "acknowledged, it never comes again");
}

#[tokio::test(start_paused = true)]
async fn only_what_names_a_message_of_this_agent_and_a_recipient_of_it_is_believed() {
    let (world, mail, ada) = world().await;
    let (bob, eve) = (mail.provision(&id("bob")).await.unwrap(), mail.provision(&id("eve")).await.unwrap());
    let message = NewMessage::to(bob.contact()).with_cc(eve.contact()).with_subject("to all");
    let sent = ada.send(message).await.unwrap().message_id;
    let (bob_s, eve_s) = (bob.address().to_string(), eve.address().to_string());

    // Of another agent's message, and of somebody who never was to get it.
    receive(&world, &eve, &report("failed", &sent, &[(&bob_s, "5.1.1")])).await;
    let (mut events, mut kinds) = (eve.events(), Vec::new());
    while let Some(event) = next_of_any_kind(&mut events).await {
        kinds.push(event.received().is_some());
    }
    assert_eq!(kinds, [true, true], "the message, and a report that is mail like any other");
    receive(&world, &ada, &report("failed", &sent, &[("x@elsewhere.example", "5.1.1")])).await;
    assert!(event(&ada).await.received().is_some_and(agent_mail::Inbound::is_delivery_report));

    receive(&world, &ada, &report("failed", &sent, &[(&bob_s, "5.1.1"), ("x@elsewhere.example", "5.1.1")]))
        .await;
    let told = event(&ada).await;
    assert_eq!(bounced(&told).recipients.len(), 1);
    assert_eq!(bounced(&told).recipients[0].recipient, *bob.address());

    receive(&world, &ada, &report("delayed", &sent, &[(&eve_s, "4.4.1")])).await;
    let told = event(&ada).await;
    let EventKind::Deferred(told) = told.kind() else { panic!("{told:?}") };
    assert_eq!((told.recipients[0].code, &told.recipients[0].recipient), (Some(400), eve.address()));

    receive(&world, &ada, &report("delivered", &sent, &[(&eve_s, "2.0.0")])).await;
    assert!(event(&ada).await.received().is_some(), "that it came is no trouble");
}

#[tokio::test(start_paused = true)]
async fn a_complaint_names_who_complained_or_all_who_may_have() {
    let (world, mail, ada) = world().await;
    let (bob, eve) = (mail.provision(&id("bob")).await.unwrap(), mail.provision(&id("eve")).await.unwrap());
    let message = NewMessage::to(bob.contact()).with_cc(eve.contact()).with_subject("to all");
    let sent = ada.send(message).await.unwrap().message_id;
    for (named, expected) in [(Some(bob.address().to_string()), 1), (None, 2)] {
        receive(&world, &ada, &complaint(&sent, named.as_deref())).await;
        let told = event(&ada).await;
        let EventKind::Complaint(told) = told.kind() else { panic!("{told:?}") };
        assert_eq!(told.message_id, sent);
        assert_eq!(told.recipients.len(), expected);
        assert_eq!(told.recipients[0].recipient, *bob.address());
    }
}

#[tokio::test(start_paused = true)]
async fn a_live_stream_gives_each_message_once_and_notes_nothing() {
    let world = Embedded::new("agents.example".parse().unwrap());
    let state = Arc::new(MemoryState::default());
    let mail = world.system().state(state.clone()).build().unwrap();
    let (ada, bob) = (mail.provision(&id("ada")).await.unwrap(), mail.provision(&id("bob")).await.unwrap());
    for n in 0..100 {
        ada.send(NewMessage::to(bob.contact()).with_subject(n.to_string())).await.unwrap();
    }
    let nobody: Address = "nobody@elsewhere.example".parse().unwrap();
    ada.send(NewMessage::to(nobody)).await.unwrap();
    // What a noted stream has handed out is not the live one's.
    drop(next_of_any_kind(&mut bob.events()).await);
    let noted = state.scan("").await.unwrap();

    let mut live = bob.live_events();
    for n in 1..100 {
        let event = live.next().await.unwrap().unwrap();
        let EventKind::Received(message) = event else { panic!("{event:?}") };
        assert_eq!(message.subject(), n.to_string().as_str());
    }
    assert!(timeout(Duration::from_mins(40), live.next()).await.is_err(), "nothing more comes");
    let event = ada.live_events().next().await.unwrap().unwrap();
    assert!(matches!(event, EventKind::Bounced(_)), "{event:?}");
    assert_eq!(state.scan("").await.unwrap(), noted);
}
