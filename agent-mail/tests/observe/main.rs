//! What shows of the agents' half while it works: the names that others build on, and nothing of the mail.

mod recording;
mod usage;
mod world;

use std::collections::BTreeSet;
use std::time::Duration;

use agent_mail::observe::{Meter, Operation};
use agent_mail::safety::{Scope, Stop};
use agent_mail::{AgentMailbox, Effects, ErrorKind, EventKind, NewMessage, Period, Sending};
use mail_access::{Fault, FaultRule, Refusal};
use recording::{Figures, Spans};
use tokio::time::timeout;
use world::{CANARIES, World, deliver, handled, id, letter, letter_that};

/// Lets agents do all that has a name, with mail that must not show.
async fn story(world: &World) {
    let mail = world.program();
    let (ada, bob) = (mail.provision(&id("ada")).await.unwrap(), mail.provision(&id("bob")).await.unwrap());
    let office = world.embedded.post_office();
    mail.open(&id("nobody")).await.unwrap_err();

    // Sent at once, to an agent, to somebody who doesn't exist, to somebody who is refused, and not at all.
    ada.send(letter(bob.address())).await.unwrap();
    ada.send_unnoted(letter(bob.address())).await.unwrap();
    ada.send_once("secret-key", letter(&world::nobody()).with_cc(bob.contact())).await.unwrap();
    office
        .add_fault(FaultRule::new(Fault::RecipientRefused(Refusal::PERMANENT)).with_recipient(bob.address()));
    ada.send(letter(bob.address()).with_cc(ada.contact())).await.unwrap();
    office.fail_next(ada.address(), Fault::SubmitRefused(Refusal::PERMANENT));
    ada.send(letter(bob.address())).await.unwrap_err();
    office.fail_next(ada.address(), Fault::SubmitUnavailable);
    assert_eq!(ada.send(letter(bob.address())).await.unwrap_err().kind(), ErrorKind::Unavailable);

    // Stopped by checks and rules.
    for word in ["hold", "later", "refuse"] {
        ada.send(letter_that(word, bob.address())).await.unwrap_err();
    }
    for word in ["change", "flag", "drop"] {
        ada.send(letter_that(word, bob.address())).await.unwrap();
    }
    ada.send(letter(&world::blocked())).await.unwrap_err();
    mail.stop_sending(&Scope::Agent(id("ada")), "a drill").await.unwrap();
    assert!(matches!(mail.stop_of(&id("ada")).await, Ok(Some(Stop { .. }))));
    ada.send(letter(bob.address())).await.unwrap_err();
    mail.allow_sending(&Scope::Agent(id("ada"))).await.unwrap();

    // By the courier: greylisted, refused, never taken in time, and of unknown outcome.
    office.add_fault(
        FaultRule::new(Fault::RecipientRefused(Refusal::TEMPORARY))
            .with_recipient(bob.address())
            .with_times(2),
    );
    ada.enqueue(Sending::new(letter(bob.address()))).await.unwrap();
    assert_eq!(mail.depths().await.unwrap().outbox, 1);
    deliver(&mail, &ada).await;
    office
        .add_fault(FaultRule::new(Fault::RecipientRefused(Refusal::PERMANENT)).with_recipient(bob.address()));
    ada.enqueue(Sending::new(letter(bob.address()))).await.unwrap();
    deliver(&mail, &ada).await;
    office.add_fault(
        FaultRule::new(Fault::RecipientRefused(Refusal::TEMPORARY))
            .with_recipient(bob.address())
            .with_times(99),
    );
    ada.enqueue(Sending::new(letter(bob.address())).with_expiry(Duration::from_mins(5))).await.unwrap();
    deliver(&mail, &ada).await;
    office.clear_faults();
    office.fail_next(ada.address(), Fault::SubmitLost);
    let lost = Sending::new(letter(&world::nobody())).with_guarantee(agent_mail::Guarantee::AtMostOnce);
    ada.enqueue(lost.with_expiry(Duration::from_mins(5))).await.unwrap();
    deliver(&mail, &ada).await;

    // Handed out and handled: once with a handler that fails first, then by hand, again and again.
    world.complain(&ada).await;
    drop(bob.events().next().await.unwrap().unwrap());
    office.reset_uid_validity(bob.address()).unwrap();
    let mut events = ada.events();
    drop(events.next().await.unwrap().unwrap());
    drop(events);
    handled(&ada, 2).await;
    take(&bob).await;
    take(&ada).await;
    let error = bob.send(letter(ada.address())).await.unwrap_err();
    assert_eq!(error.code(), Some("suppressed"), "ada has complained");
    assert!(mail.depths().await.unwrap().unacknowledged > 0);
    mail.retire(&id("bob")).await.unwrap();
}

/// Takes all events of an agent, answers what it gets again, and leaves new mail unacknowledged.
async fn take(agent: &AgentMailbox) {
    let mut events = agent.events();
    while let Ok(Some(event)) = timeout(Duration::from_secs(1), events.next()).await {
        let event = event.unwrap();
        let answer =
            event.received().and_then(|message| NewMessage::reply_to(message.message().expose()).ok());
        match answer {
            Some(answer) if event.is_redelivery() => {
                event.ack_with(Effects::new().with_send(Sending::new(answer))).await.unwrap();
            }
            _ if matches!(event.kind(), EventKind::Received(_)) => {}
            _ => event.ack().await.unwrap(),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_span_metric_and_field_has_its_name_and_nothing_of_the_mail_shows() {
    let (spans, figures) = (Spans::default(), Figures::default());
    let _told = tracing::subscriber::set_default(spans.clone());
    let _counted = metrics::set_default_local_recorder(&figures);
    Meter::describe_all();
    let world = World::new();
    story(&world).await;

    // Spans.
    for operation in Operation::ALL {
        let seen = spans.named(operation.span());
        assert!(!seen.is_empty(), "{} was not seen", operation.span());
        for span in &seen {
            assert_eq!(span.fields["operation"], operation.name());
            assert!(["ada", "bob", "nobody"].contains(&&*span.fields["agent"]), "{span:?}");
            assert!(matches!(&*span.level, "INFO" | "DEBUG"));
            let unknown: Vec<_> = span.fields.keys().filter(|field| !FIELDS.contains(field)).collect();
            assert!(unknown.is_empty(), "{unknown:?} is no field of the table");
        }
        assert!(spans.values(operation.span(), "outcome").contains("ok"), "{}", operation.span());
    }
    let values = |span: &str, field: &str| spans.values(span, field);
    for span in ["send", "enqueue", "attempt", "hand_out"] {
        let ids = values(&format!("agent_mail.{span}"), "message_id");
        assert!(!ids.is_empty() && ids.iter().all(|id| id.ends_with("@agents.example")), "{span} {ids:?}");
    }
    let all = |words: &[&str]| words.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
    let kinds = ["received", "sent", "deferred", "expired", "refused", "unconfirmed", "bounced", "complaint"];
    let mut kinds = all(&kinds);
    kinds.insert("mailbox_reset".to_owned());
    assert_eq!(values("agent_mail.hand_out", "kind"), kinds);
    assert_eq!(values("agent_mail.hand_out", "redelivery"), all(&["false", "true"]));
    let rulings = ["pass", "change", "hold", "later", "refuse", "deliver", "flag", "drop"];
    assert_eq!(values("agent_mail.check", "ruling"), all(&rulings));
    assert_eq!(
        values("agent_mail.check", "check"),
        all(&["ByWord", "BySubject", "lists", "suppression", "switch"])
    );
    let outcomes =
        ["ok", "unavailable", "rejected", "held", "rate_limited", "permission_denied", "not_ready"];
    assert_eq!(values("agent_mail.send", "outcome"), all(&outcomes));
    assert_eq!(values("agent_mail.open", "outcome"), all(&["ok", "not_found"]));

    // Metrics.
    let known: BTreeSet<_> = Meter::ALL.iter().map(|meter| meter.metric().to_owned()).collect();
    assert_eq!(figures.described(), known);
    let keys = figures.keys();
    let seen: BTreeSet<_> = keys.iter().map(|key| key.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(seen, known);
    for key in &keys {
        let (name, labels) = key.split_once(' ').unwrap_or((key, ""));
        let meter = Meter::ALL.into_iter().find(|meter| meter.metric() == name).unwrap();
        let labels: Vec<_> =
            labels.split(' ').filter_map(|label| label.split_once('=')).map(|(name, _)| name).collect();
        assert_eq!(labels, meter.labels(), "{key}");
    }
    let sum = |meter: Meter| figures.of(meter.metric()).iter().sum::<f64>().to_string();
    let usage = world.program().usage(Period::all()).await.unwrap().total;
    assert_eq!(usage.refused.to_string(), sum(Meter::RecipientsRefused), "the same is counted");
    assert_eq!((usage.sent + 1).to_string(), sum(Meter::MessagesSent), "one wasn't noted");
    assert_eq!(sum(Meter::RecipientsRefused), "3");
    assert_eq!(sum(Meter::RecipientsExpired), "1");
    assert_eq!(sum(Meter::RecipientsUnconfirmed), "1");
    assert_eq!(sum(Meter::RecipientsBounced), "1");
    assert_eq!(sum(Meter::RecipientsComplained), "1");
    assert_eq!(figures.last("agent_mail_checks_stopped_total check=ByWord ruling=hold"), Some(1.0));
    assert_eq!(figures.last("agent_mail_checks_stopped_total check=BySubject ruling=drop"), Some(1.0));
    assert_eq!(figures.last("agent_mail_checks_stopped_total check=switch ruling=later"), Some(1.0));
    assert!(figures.of("agent_mail_retries_total").len() >= 4);
    assert_eq!(figures.last("agent_mail_retries_total operation=handle"), Some(1.0));
    assert!(
        figures
            .keys()
            .contains(&"agent_mail_operation_seconds operation=handle outcome=unavailable".to_owned())
    );
    assert!(figures.of("agent_mail_operation_seconds").iter().all(|seconds| *seconds < 60.0));

    // Nothing of the mail.
    let shown = format!("{}\n{keys:?}", spans.text());
    assert!(shown.contains("agent=ada") && shown.contains("switch"), "it was listened to");
    let password = world.password(&world.program().open(&id("ada")).await.unwrap()).await;
    for canary in CANARIES.into_iter().chain([&*password]) {
        let line = shown.lines().find(|line| line.contains(canary));
        assert!(line.is_none(), "{canary} shows: {line:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_has_no_outcome_and_its_span_ends() {
    let spans = Spans::default();
    let _told = tracing::subscriber::set_default(spans.clone());
    let world = World::new();
    let ada = world.program().provision(&id("ada")).await.unwrap();
    world.embedded.post_office().fail_next(ada.address(), Fault::SubmitSlow(Duration::from_hours(1)));
    let dropped = timeout(Duration::from_secs(1), ada.send(letter(ada.address()))).await;
    assert!(dropped.is_err());
    let [send] = &*spans.named("agent_mail.send") else { panic!("it was one") };
    assert!(send.fields.contains_key("message_id") && !send.fields.contains_key("outcome"), "{send:?}");
    assert_eq!(spans.entered(), 0, "nothing is left open");
}

#[tokio::test(start_paused = true)]
async fn a_span_of_the_programs_own_is_left_alone() {
    let spans = Spans { is_deaf: true, ..Spans::default() };
    let _told = tracing::subscriber::set_default(spans.clone());
    let world = World::new();
    let ada = world.program().provision(&id("ada")).await.unwrap();
    let own = tracing::error_span!("own", message_id = "mine", outcome = "mine");
    tracing::Instrument::instrument(ada.send(letter(ada.address())), own).await.unwrap();
    assert_eq!(spans.named("agent_mail.send").len(), 0);
    let text = spans.text();
    assert_eq!(text.matches("message_id=").count(), 1, "{text}");
    assert!(text.contains("message_id=mine"));
}

const FIELDS: [&str; 9] =
    ["operation", "agent", "message_id", "uid", "kind", "redelivery", "check", "ruling", "outcome"];
