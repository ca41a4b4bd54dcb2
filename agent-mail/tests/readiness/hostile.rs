//! Answers that mean harm: they end in time, and cost little.

use std::time::{Duration, Instant};

use agent_mail::readiness::{CheckName, State};

use crate::server::Fault;
use crate::world::{DOMAIN, HOST, SELECTOR, World, name, target};

/// No check takes longer: the double of the time that one server has, with much to spare on a busy machine.
const IN_TIME: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_huge_text_is_shown_short() {
    let world = World::good().await;
    let huge = format!("v=spf1 {} ~all", "a:x.example ".repeat(5000));
    world.dns.set(DOMAIN, "TXT", &[&huge]);
    world.dns.set(SELECTOR, "TXT", &[&"y".repeat(60_000)]);
    let report = world.report().await;
    for name in [CheckName::Spf, CheckName::Dkim] {
        let check = report.check(name).unwrap();
        assert_eq!(check.state, State::Failed, "{check}");
        assert!(check.found.len() < 1000 && check.fix.len() < 1000);
    }
}

#[tokio::test]
async fn names_that_point_at_themselves_are_not_followed() {
    let world = World::good().await;
    // An answer whose owner is a pointer (RFC 1035 section 4.1.4) to itself, right behind the question.
    world.dns.fault(
        None,
        Some(DOMAIN),
        Fault::Raw(|request| {
            let end = 12 + request[12..].iter().position(|byte| *byte == 0).unwrap() + 5;
            let here = u16::try_from(end).unwrap() | 0xc000;
            let header = [0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0];
            [
                &header[..],
                &request[12..end],
                &here.to_be_bytes(),
                &[0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1],
            ]
            .concat()
        }),
    );
    let begun = Instant::now();
    let report = world.report().await;
    assert!(begun.elapsed() < IN_TIME);
    assert_eq!(report.check(CheckName::Mx).unwrap().state, State::Unknown, "{report}");
    assert!(!report.is_ready());
}

#[tokio::test]
async fn aliases_without_end_end() {
    let world = World::good().await;
    world.dns.set(HOST, "A", &[]);
    world.dns.set(HOST, "CNAME", &["a.shop.example"]);
    world.dns.set("a.shop.example", "CNAME", &["b.shop.example"]);
    world.dns.set("b.shop.example", "CNAME", &["a.shop.example"]);
    for n in 0..40 {
        world.dns.set(&format!("c{n}.shop.example"), "CNAME", &[&format!("c{}.shop.example", n + 1)]);
    }
    world.dns.set(SELECTOR, "TXT", &[]);
    world.dns.set(SELECTOR, "CNAME", &["c0.shop.example"]);
    let report = world.report().await;
    assert_eq!(report.check(CheckName::MailHost).unwrap().state, State::Failed, "{report}");
    assert_eq!(report.check(CheckName::Dkim).unwrap().state, State::Failed, "{report}");
}

#[tokio::test]
async fn a_hundred_mx_addresses_and_names_cost_no_more_than_a_few() {
    let world = World::good().await;
    let mx: Vec<String> = (0..100).map(|n| format!("{n} mx{n}.shop.example")).collect();
    world.dns.set(DOMAIN, "MX", &mx.iter().map(String::as_str).collect::<Vec<_>>());
    let addresses: Vec<String> = (0..100).map(|n| format!("127.0.1.{n}")).collect();
    world.dns.set(HOST, "A", &addresses.iter().map(String::as_str).collect::<Vec<_>>());
    let names: Vec<String> = (0..100).map(|n| format!("n{n}.shop.example")).collect();
    world.dns.set("0.1.0.127.in-addr.arpa", "PTR", &names.iter().map(String::as_str).collect::<Vec<_>>());
    let report = world.readiness().with_blocklists([name("list.example")]).check(&target()).await;
    assert_eq!(report.check(CheckName::Mx).unwrap().state, State::Failed);
    let spf = report.check(CheckName::Spf).unwrap();
    assert!(spf.state == State::Failed && spf.found.contains("100 MX"), "{spf}");
    let asked = |prefix: &str| {
        (0..100).filter(|n| world.dns.asked(&format!("{prefix}{n}.shop.example")).0 > 0).count()
    };
    assert_eq!((asked("mx"), asked("n") <= 10), (0, true));
    assert_eq!(report.check(CheckName::MailHost).unwrap().found.matches("127.0.1.").count(), 8);
}

#[tokio::test]
async fn a_check_ends_at_its_deadline_with_what_is_known() {
    let world = World::good().await;
    world.dns.fault(None, Some(SELECTOR), Fault::Silent);
    let readiness = world.readiness().with_deadline(Duration::from_millis(1500));
    let report = readiness.check(&target()).await;
    let check = report.check(CheckName::Dkim).unwrap();
    assert_eq!((check.state, check.mandatory), (State::Unknown, true), "{report}");
    assert!(!report.is_ready());
}
