use super::exchange::{Exchange, subjects, tagged};
use super::{Harness, Missing};
use crate::{DeliveryReports, Error, NewMessage, Reason, Received};

pub(super) async fn what_was_accepted_and_fails_later_is_reported(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let failing = harness.failing_recipient().await?;
    let exchange = Exchange::open(harness).await;
    let message = exchange.message_to_all(&[&failing, exchange.bob.address()], "to two");
    let submission = exchange.submit(&message).await;
    assert_eq!(submission.accepted, message.recipients());
    assert_eq!(subjects(&exchange.arrived(&exchange.bob, 1).await), ["to two"]);
    let arrived = exchange.arrived(&exchange.ada, 1).await;
    let (report, raw) = (&arrived[0], raw(&arrived[0]));
    assert!(raw.starts_with("Return-Path: <>\r\n"), "nobody answers it: {raw}");
    assert!(report.is_delivery_report() && report.is_auto_submitted(), "{raw}");
    let from = report.from().expect("it has a From").address.local_part();
    assert!(from.eq_ignore_ascii_case("mailer-daemon"), "{from}");
    assert_eq!(fields(&raw, "action"), ["failed"], "of Bob there is nothing to report");
    assert!(fields(&raw, "status")[0].starts_with("5."), "{raw}");
    assert_eq!(fields(&raw, "final-recipient").len(), 1, "{raw}");
    assert_eq!(fields(&raw, "original-recipient"), [address_field(&failing.to_string())], "{raw}");
    assert!(raw.contains(&message.message_id().to_string()), "it says of which message it tells: {raw}");
    assert_ne!(report.message_id(), Some(message.message_id()));
    Ok(())
}

pub(super) async fn a_full_mailbox_is_refused_or_reported(harness: &dyn Harness) -> Result<(), Missing> {
    let full = harness.small_mailbox(1).await?;
    let exchange = Exchange::open(harness).await;
    let text = format!("{}\r\n", "x".repeat(70)).repeat(18_000);
    let message = NewMessage::to(full.address()).with_text(text).seal(&exchange.ada.address().into());
    let message = message.expect("the message can be written");
    if let Err(error) = exchange.access.submit(&exchange.ada, &message).await {
        assert_eq!(error.reason(), Some(Reason::MailboxFull), "{error:?}");
    } else {
        let raw = raw(&exchange.arrived(&exchange.ada, 1).await[0]);
        assert!(fields(&raw, "status")[0].ends_with(".2.2"), "{raw}");
    }
    exchange.submit(&exchange.message_to(full.address(), "a small one")).await;
    assert_eq!(subjects(&exchange.arrived(&full, 1).await), ["a small one"]);
    Ok(())
}

pub(super) async fn a_delivery_is_reported_to_who_asks_for_it(harness: &dyn Harness) -> Result<(), Missing> {
    let exchange = Exchange::open(harness).await;
    let bob = tagged(&exchange.bob, "tag");
    let reports = DeliveryReports::none().with_success().with_envelope_id("order 4711+2=x");
    let message = exchange.message_to(&bob, "please confirm").with_reports(reports.expect("it is an id"));
    match exchange.access.submit(&exchange.ada, &message).await {
        Err(Error::Refused { status, .. }) => {
            return Err(Missing(format!("the system makes no reports of deliveries: {status}")));
        }
        answer => drop(answer.expect("the message is taken")),
    }
    assert_eq!(subjects(&exchange.arrived(&exchange.bob, 1).await), ["please confirm"]);
    let arrived = exchange.arrived(&exchange.ada, 1).await;
    let raw = raw(&arrived[0]);
    assert!(arrived[0].is_delivery_report() && raw.starts_with("Return-Path: <>\r\n"), "{raw}");
    assert!(["delivered", "relayed"].contains(&&*fields(&raw, "action").join(" ")), "{raw}");
    assert!(fields(&raw, "status")[0].starts_with("2."), "{raw}");
    assert_eq!(fields(&raw, "original-envelope-id"), ["order 4711+2=x"], "{raw}");
    assert_eq!(fields(&raw, "original-recipient"), [address_field(&bob.to_string())], "{raw}");
    assert!(raw.contains(&message.message_id().to_string()), "{raw}");
    Ok(())
}

pub(super) async fn without_a_wish_for_reports_there_is_none(harness: &dyn Harness) -> Result<(), Missing> {
    let failing = harness.failing_recipient().await?;
    let exchange = Exchange::open(harness).await;
    let silent = exchange.message_to(&failing, "unheard").with_reports(DeliveryReports::none());
    exchange.submit(&silent).await;
    exchange.submit(&exchange.message_to(exchange.bob.address(), "delivered")).await;
    // It takes the same way as the one that nobody hears of, and takes it later.
    let told = exchange.message_to(&failing, "told");
    exchange.submit(&told).await;
    let arrived = exchange.arrived(&exchange.ada, 1).await;
    assert_eq!(arrived.len(), 1);
    assert!(raw(&arrived[0]).contains(&told.message_id().to_string()), "{arrived:?}");
    // A report may come late.
    exchange.submit(&exchange.message_to(exchange.ada.address(), "the last one")).await;
    for message in exchange.arrived(&exchange.ada, 2).await {
        assert!(!raw(&message).contains(&silent.message_id().to_string()), "{message:?}");
    }
    Ok(())
}

/// Returns the report without the differences that blanks make.
fn raw(report: &Received) -> String {
    String::from_utf8_lossy(report.raw()).into_owned()
}

/// Returns what a field of the part for machines says, once for each recipient.
fn fields(raw: &str, name: &str) -> Vec<String> {
    let (_, status) = raw.split_once("message/delivery-status").expect("it has a part for machines");
    let status = status.split("\r\n--").next().unwrap_or_default();
    let fields = status.lines().filter_map(|line| line.split_once(':'));
    let found = fields.filter(|(field, _)| field.trim().eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.replace("; ", ";").trim().to_owned()).collect()
}

fn address_field(address: &str) -> String {
    format!("rfc822;{address}")
}
