//! Lists, suppression, filters and the switch.

use std::sync::Arc;
use std::time::Duration;

use agent_mail::backend::SecretStore;
use agent_mail::safety::{Direction, Policy, Redaction, Scope, SuppressionReason};
use agent_mail::{ErrorKind, EventKind, MemorySecrets, NewMessage, Sending};
use mail_access::{Address, Attachment, TrustedServer};
use secrecy::ExposeSecret;

use crate::world::{agent, eve, eve_writes, id, next, with, world};

fn to(address: &Address) -> NewMessage {
    NewMessage::to(address).with_text("hello")
}

#[tokio::test(start_paused = true)]
async fn each_direction_has_its_own_rules() {
    let world = world();
    let policy = Policy::new()
        .allowing(Direction::Send, "agents.example".parse().unwrap())
        .blocking(Direction::Send, "agent_bob@agents.example".parse().unwrap())
        .blocking(Direction::Reply, "agents.example".parse().unwrap());
    let mail = with(&world, policy);
    let (ada, bob) = (agent(&mail, "ada").await, agent(&mail, "bob").await);
    for refused in [&eve(), bob.address()] {
        let error = ada.send(to(refused)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert!(error.to_string().contains(&refused.to_string()), "{error}");
    }
    assert!(ada.send(to(ada.address()).with_cc(eve())).await.is_err(), "one of two is enough");
    bob.send(to(ada.address())).await.unwrap();
    eve_writes(&world, ada.address(), "From: eve@outside.example").await;
    let messages = ada.fetch_unseen(2).await.unwrap();
    assert!(ada.reply(&messages[0], "no").await.is_err(), "bob is not to be answered");
    ada.reply(&messages[1], "yes").await.expect("eve may be answered, though not written to");
}

#[tokio::test(start_paused = true)]
async fn who_is_let_in_has_to_be_proven_where_it_can_be() {
    let world = world();
    let policy = Policy::new().allowing(Direction::Receive, "outside.example".parse().unwrap());
    let mail =
        world.system().policy(policy).trusted_server(TrustedServer::new("mail.invalid")).build().unwrap();
    let (ada, bob) = (agent(&mail, "ada").await, agent(&mail, "bob").await);
    bob.send(to(ada.address())).await.unwrap();
    eve_writes(&world, ada.address(), "From: agent_bob@agents.example").await;
    eve_writes(&world, ada.address(), "From: someone@outside.example, eve@outside.example").await;
    eve_writes(&world, ada.address(), "From: eve@outside.example\r\nReply-To: x@agents.example").await;
    let mut events = ada.events();
    let event = next(&mut events).await;
    let message = event.received().unwrap();
    assert_eq!(message.verified_from(), Some(&eve()));
    assert_eq!(message.flags(), ["answers are wanted elsewhere"]);
    event.ack().await.unwrap();
    assert!(
        tokio::time::timeout(Duration::from_mins(1), events.next()).await.is_err(),
        "nothing else is let in"
    );
}

#[tokio::test(start_paused = true)]
async fn who_is_blocked_is_blocked_by_any_name() {
    let world = world();
    let mail = with(&world, Policy::new().blocking(Direction::Receive, "*.example".parse().unwrap()));
    let ada = agent(&mail, "ada").await;
    eve_writes(&world, ada.address(), "From: eve@outside.example").await;
    assert!(tokio::time::timeout(Duration::from_mins(1), ada.events().next()).await.is_err());
    assert_eq!(ada.fetch_unseen(9).await.unwrap().len(), 1, "it stays in the mailbox");
}

#[tokio::test(start_paused = true)]
async fn who_bounced_gets_no_more_mail_in_this_run_or_the_next() {
    let world = world();
    let gone: Address = "Gone@outside.example".parse().unwrap();
    {
        let mail = with(&world, Policy::new());
        let ada = agent(&mail, "ada").await;
        ada.send(to(&gone)).await.unwrap();
        let mut events = ada.events();
        let bounced = loop {
            let event = next(&mut events).await;
            event.ack().await.unwrap();
            if let EventKind::Bounced(report) = event.kind() {
                break report.clone();
            }
        };
        assert!(bounced.recipients[0].recipient.is_same_mailbox(&gone));
    }
    let mail = with(&world, Policy::new());
    let ada = mail.open(&id("ada")).await.unwrap();
    let again: Address = "gone@OUTSIDE.example".parse().unwrap();
    let error = ada.send(to(&eve()).with_bcc(&again)).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::PermissionDenied, Some("suppressed")));
    let known = mail.suppressions().await.unwrap();
    assert_eq!((known.len(), known[0].reason), (1, SuppressionReason::Bounced));
    mail.unsuppress(&again).await.unwrap();
    ada.send(to(&again)).await.unwrap();

    mail.unsubscribe(&eve()).await.unwrap();
    mail.suppress(&eve(), SuppressionReason::Manual).await.unwrap();
    assert!(ada.send(to(&eve())).await.unwrap_err().to_string().contains("wants no more mail"));
    assert_eq!(
        mail.suppressions().await.unwrap()[0].reason,
        SuppressionReason::Unsubscribed,
        "the first stays"
    );
}

#[tokio::test(start_paused = true)]
async fn the_filters_are_a_chain_and_the_own_password_never_leaves() {
    let world = world();
    let policy =
        || Policy::new().with_max_bytes(10_000).with_max_recipients(2).with_redaction(Redaction::new());
    let secrets = Arc::new(MemorySecrets::default());
    let mail = world.system().secrets(secrets.clone()).policy(policy()).build().unwrap();
    let ada = agent(&mail, "ada").await;
    let long = to(&eve()).with_text("x".repeat(10_001));
    assert_eq!(ada.send(long).await.unwrap_err().kind(), ErrorKind::PermissionDenied);
    let many = to(&eve()).with_cc(ada.address()).with_bcc(eve());
    assert_eq!(ada.send(many).await.unwrap_err().kind(), ErrorKind::PermissionDenied);

    let password = secret_of(&secrets, ada.address()).await;
    ada.send(NewMessage::to(ada.address()).with_text(format!("It is {password}, don't tell.")))
        .await
        .unwrap();
    let text = ada.fetch_unseen(1).await.unwrap().remove(0);
    assert_eq!(text.text().unwrap().expose().trim_end(), "It is [redacted: password], don't tell.");
    for refused in [
        to(&eve()).with_attachment(Attachment::new("x", "application/octet-stream", password.clone())),
        to(&eve()).with_header("X-Note", &password),
        to(&eve()).with_calendar(format!("METHOD:REQUEST\r\nSUMMARY:{password}")),
    ] {
        let error = ada.send(refused).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert!(!format!("{error} {error:?}").contains(&password));
    }
    let strict = Policy::new().with_redaction(Redaction::new().refusing());
    let strict = world.system().secrets(secrets).policy(strict).build().unwrap();
    let ada = strict.open(&id("ada")).await.unwrap();
    assert!(ada.send(to(&eve()).with_text(password)).await.is_err());
}

pub(crate) async fn secret_of(secrets: &MemorySecrets, address: &Address) -> String {
    secrets.get(address).await.unwrap().unwrap().expose_secret().to_owned()
}

#[tokio::test(start_paused = true)]
async fn the_switch_stops_an_agent_a_domain_and_a_fleet_and_nothing_is_lost() {
    let world = world();
    for scope in [Scope::Agent(id("ada")), Scope::Domain, Scope::Fleet] {
        {
            let mail = world.system().build().unwrap();
            agent(&mail, "ada").await;
            mail.stop_sending(&scope, "it went mad").await.unwrap();
        }
        let mail = world.system().build().unwrap();
        let (ada, bob) = (agent(&mail, "ada").await, agent(&mail, "bob").await);
        let error = ada.send(to(bob.address())).await.unwrap_err();
        assert!(error.is_retryable() && error.to_string().contains("it went mad"), "{error}");
        let stop = mail.stop_of(ada.id()).await.unwrap().unwrap();
        assert_eq!((&stop.scope, &*stop.reason), (&scope, "it went mad"));
        let others = bob.send(to(bob.address())).await;
        assert_eq!(others.is_ok(), scope == Scope::Agent(id("ada")));

        ada.enqueue(Sending::new(to(bob.address()).with_subject("waited"))).await.unwrap();
        let courier = mail.courier();
        let waited =
            tokio::time::timeout(Duration::from_hours(2), courier.run(std::future::pending::<()>())).await;
        assert!(waited.is_err(), "the courier goes on");
        let arrived = bob.fetch_unseen(9).await.unwrap();
        assert!(arrived.iter().all(|message| message.subject() != "waited"));

        mail.allow_sending(&scope).await.unwrap();
        assert_eq!(mail.stop_of(ada.id()).await.unwrap(), None);
        let _ended =
            tokio::time::timeout(Duration::from_hours(2), mail.courier().run(std::future::pending::<()>()))
                .await;
        let arrived = bob.fetch_unseen(9).await.unwrap();
        assert_eq!(arrived.iter().filter(|message| message.subject() == "waited").count(), 1);
        ada.send(to(bob.address())).await.unwrap();
        bob.fetch_unseen(9).await.unwrap();
    }
    let mail = world.system().build().unwrap();
    let nobody = mail.stop_sending(&Scope::Agent(id("nobody")), "x").await.unwrap_err();
    assert_eq!(nobody.kind(), ErrorKind::NotFound);
    mail.stop_sending(&Scope::Agent(id("ada")), "x").await.unwrap();
    mail.retire(&id("ada")).await.unwrap();
    agent(&mail, "ada").await.send(to(&eve())).await.expect("the stop went with the agent");
}
