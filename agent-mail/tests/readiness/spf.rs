//! Our evaluation of SPF, by cases and beside another one.

use std::net::{IpAddr, SocketAddr};

use agent_mail::readiness::{CheckName, SpfResult, State, evaluate_spf};
use agent_mail::spec::Relay;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ProtocolConfig, ResolverConfig, ResolverOpts,
};
use mail_auth::MessageAuthenticator;
use mail_auth::spf::verify::SpfParameters;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::server::Fault;
use crate::world::{DOMAIN, RECURSIVE, World, name, target};

/// Publishes what the cases lead to.
fn publish(world: &World) {
    let txt = |name: &str, text: &str| world.dns.set(&format!("{name}.shop.example"), "TXT", &[text]);
    txt("pass", "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all");
    txt("fail", "v=spf1 -all");
    txt("soft", "v=spf1 ~all");
    txt("loop", "v=spf1 include:loop.shop.example -all");
    txt("bad", "v=spf1 ipv4:192.0.2.1 -all");
    txt("open", "v=spf1");
    txt("upper", "V=SPF1 IP4:192.0.2.1 -ALL");
    world.dns.set("a.shop.example", "A", &["192.0.2.1"]);
    world.dns.set("a.shop.example", "AAAA", &["2001:db8::1"]);
    world.dns.set("b.shop.example", "A", &["192.0.2.77"]);
    world.dns.set("alias.shop.example", "CNAME", &["a.shop.example"]);
    world.dns.set("m.shop.example", "MX", &["10 b.shop.example", "20 a.shop.example"]);
    world.dns.set("1.2.0.192.in-addr.arpa", "PTR", &["x.elsewhere.example", "a.shop.example"]);
    world.dns.set("192.0.2.1.ada.shop.example", "A", &["127.0.0.2"]);
    world.dns.set("two.shop.example", "TXT", &["v=spf1 -all", "v=spf1 +all"]);
}

#[tokio::test]
async fn each_kind_of_policy_says_what_the_rfc_says() {
    let world = World::good().await;
    publish(&world);
    let servers = world.name_servers();
    let many = (0..11).map(|_| "a:a.shop.example/0//0").collect::<Vec<_>>().join(" ?");
    let many = format!("?{many}").replace("/0//0", "/32") + " -all";
    let voids = "a:v1.shop.example a:v2.shop.example a:v3.shop.example ~all";
    for (policy, address, wanted) in [
        ("+all", "192.0.2.1", "pass"),
        ("", "192.0.2.1", "neutral"),
        ("?all", "192.0.2.1", "neutral"),
        ("-ip4:192.0.2.1 +all", "192.0.2.1", "fail"),
        ("ip4:192.0.2.0/24 -all", "192.0.2.200", "pass"),
        ("ip4:192.0.2.0/24 -all", "192.0.3.1", "fail"),
        ("ip4:192.0.2.1 ~all", "::ffff:192.0.2.1", "pass"),
        ("ip6:2001:db8::/32 -all", "2001:db8::9", "pass"),
        ("ip6:::/0 -all", "192.0.2.1", "fail"),
        ("a:a.shop.example -all", "192.0.2.1", "pass"),
        ("a:a.shop.example/24 -all", "192.0.2.99", "pass"),
        ("a:a.shop.example//64 -all", "2001:db8::9", "pass"),
        ("a:alias.shop.example -all", "192.0.2.1", "pass"),
        ("mx:m.shop.example -all", "192.0.2.1", "pass"),
        ("mx:m.shop.example -all", "192.0.2.2", "fail"),
        ("include:pass.shop.example -all", "192.0.2.1", "pass"),
        ("include:fail.shop.example ~all", "192.0.2.1", "softfail"),
        ("include:soft.shop.example -all", "192.0.2.1", "fail"),
        ("include:upper.shop.example -all", "192.0.2.1", "pass"),
        ("include:nothing.shop.example -all", "192.0.2.1", "permerror"),
        ("include:bad.shop.example -all", "192.0.2.1", "permerror"),
        ("include:two.shop.example -all", "192.0.2.1", "permerror"),
        ("include:loop.shop.example -all", "192.0.2.1", "permerror"),
        ("include:open.shop.example -all", "192.0.2.1", "fail"),
        ("redirect=pass.shop.example", "192.0.2.1", "pass"),
        ("redirect=pass.shop.example", "198.51.100.1", "fail"),
        ("redirect=nothing.shop.example", "192.0.2.1", "permerror"),
        ("~all redirect=pass.shop.example", "192.0.2.1", "softfail"),
        ("exists:%{i}.%{l}.%{o2} -all", "192.0.2.1", "pass"),
        ("exists:%{i}.%{l}.%{o2} -all", "192.0.2.2", "fail"),
        ("ptr:shop.example -all", "192.0.2.1", "pass"),
        ("ptr:elsewhere.example -all", "192.0.2.1", "fail"),
        ("ptr -all", "192.0.2.9", "fail"),
        ("mxx -all", "192.0.2.1", "permerror"),
        ("+all nonsense", "192.0.2.1", "permerror"),
        (voids, "192.0.2.1", "permerror"),
        (&many, "192.0.2.1", "neutral"),
        (&many, "192.0.2.9", "permerror"),
    ] {
        world.dns.set("case.shop.example", "TXT", &[&format!("v=spf1 {policy}"), "another text"]);
        let result =
            evaluate_spf(&servers, address.parse().unwrap(), "ada", "case.shop.example", "mail.shop.example")
                .await;
        assert!(result.to_string().starts_with(wanted), "{policy:?} for {address}: {result}, not {wanted}");
    }
    let none = evaluate_spf(&servers, [192, 0, 2, 1].into(), "ada", "nothing.shop.example", "x").await;
    assert_eq!(none, SpfResult::None);
    world.dns.fault(None, Some("a.shop.example"), Fault::Fails);
    world.dns.set("case.shop.example", "TXT", &["v=spf1 a:a.shop.example -all"]);
    let result = evaluate_spf(&servers, [192, 0, 2, 1].into(), "ada", "case.shop.example", "x").await;
    assert!(matches!(result, SpfResult::TempError(_)), "{result}");
}

/// Terms that both evaluations have to understand alike. `ptr` is left out: the other one's resolver has its own mind
/// about loopback names.
fn term() -> impl Strategy<Value = String> {
    let mechanism = prop_oneof![
        Just("all"),
        Just("a"),
        Just("a:a.shop.example"),
        Just("a:alias.shop.example/24"),
        Just("a:b.shop.example//64"),
        Just("mx"),
        Just("mx:m.shop.example"),
        Just("ip4:192.0.2.1"),
        Just("ip4:192.0.2.0/28"),
        Just("ip6:2001:db8::/32"),
        Just("include:pass.shop.example"),
        Just("include:fail.shop.example"),
        Just("include:soft.shop.example"),
        Just("include:open.shop.example"),
        Just("include:bad.shop.example"),
        Just("include:nothing.shop.example"),
        Just("exists:%{i}.%{l}.shop.example"),
        Just("exists:%{ir}.%{v}.%{d2}"),
        Just("a:%{d}"),
    ];
    (prop_oneof![4 => Just(""), 1 => Just("-"), 1 => Just("~"), 1 => Just("?")], mechanism)
        .prop_map(|(qualifier, mechanism)| format!("{qualifier}{mechanism}"))
}

#[test]
fn another_evaluation_comes_to_the_same() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let world = runtime.block_on(World::good());
    publish(&world);
    let servers = world.name_servers();
    let other = runtime.block_on(async { authenticator(&world) });
    let defaults = ProptestConfig::default();
    let config = ProptestConfig { cases: defaults.cases / 4, failure_persistence: None, ..defaults };
    let addresses =
        prop_oneof![Just("192.0.2.1"), Just("192.0.2.9"), Just("198.51.100.1"), Just("2001:db8::1")];
    let redirect = prop_oneof![3 => Just(""), 1 => Just("redirect=pass.shop.example"), 1 => Just("redirect=nothing.shop.example")];
    let cases = (proptest::collection::vec(term(), 0..6), redirect, addresses);
    let number = std::cell::Cell::new(0);
    TestRunner::new(config)
        .run(&cases, |(terms, redirect, address)| {
            number.set(number.get() + 1);
            // A name of its own for each case: the other one's resolver remembers.
            let domain = format!("case{}.shop.example", number.get());
            let policy = format!("v=spf1 {} {redirect}", terms.join(" "));
            world.dns.set(&domain, "TXT", &[policy.trim_end()]);
            world.dns.set(&domain, "A", &["192.0.2.1"]);
            world.dns.set(&domain, "MX", &["10 a.shop.example"]);
            let address: IpAddr = address.parse().unwrap();
            let (ours, theirs) = runtime.block_on(async {
                let sender = format!("ada@{domain}");
                let theirs =
                    SpfParameters::verify_mail_from(address, "mail.shop.example", "rx.example", &sender);
                let ours = evaluate_spf(&servers, address, "ada", &domain, "mail.shop.example").await;
                (ours, other.verify_spf(theirs).await.result())
            });
            let ours_in_their_words = match &ours {
                SpfResult::Pass => mail_auth::SpfResult::Pass,
                SpfResult::Fail => mail_auth::SpfResult::Fail,
                SpfResult::SoftFail => mail_auth::SpfResult::SoftFail,
                SpfResult::Neutral => mail_auth::SpfResult::Neutral,
                SpfResult::None => mail_auth::SpfResult::None,
                SpfResult::TempError(_) => mail_auth::SpfResult::TempError,
                _ => mail_auth::SpfResult::PermError,
            };
            prop_assert_eq!(ours_in_their_words, theirs, "{} for {}: {}", policy, address, ours);
            Ok(())
        })
        .unwrap();
}

fn authenticator(world: &World) -> MessageAuthenticator {
    let server = SocketAddr::from(([127, 0, 0, RECURSIVE], world.dns.port()));
    let connections = [ProtocolConfig::Udp, ProtocolConfig::Tcp].map(|protocol| {
        let mut connection = ConnectionConfig::new(protocol);
        connection.port = server.port();
        connection
    });
    let server = NameServerConfig::new(server.ip(), true, connections.to_vec());
    let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
    let mut options = ResolverOpts::default();
    options.cache_size = 0;
    MessageAuthenticator::new(config, options).unwrap()
}

#[tokio::test]
async fn the_check_needs_a_pass_for_the_mail_host() {
    let world = World::good().await;
    for (policy, found) in [
        ("v=spf1 -all", "mail from 127.0.0.25: fail"),
        ("v=spf1 ip4:192.0.2.1 ~all", "softfail"),
        ("v=spf1 ?all", "neutral"),
    ] {
        world.dns.set(DOMAIN, "TXT", &[policy]);
        world.fails(CheckName::Spf, found, "add `mx` to the SPF policy").await;
    }
    world.dns.set(DOMAIN, "TXT", &["v=spf1 mxx ~all"]);
    world.fails(CheckName::Spf, "`mxx` is no term", "correct the SPF policy").await;
    world.dns.set(DOMAIN, "TXT", &["v=spf1 mx ~all", "v=spf1 -all"]);
    world.fails(CheckName::Spf, "2 SPF policies", "one record").await;
    world.dns.set(DOMAIN, "TXT", &["nothing"]);
    world.fails(CheckName::Spf, "no SPF policy", "publish").await;
    world.dns.set(DOMAIN, "TXT", &["v=spf1 a:mail.shop.example -all"]);
    assert_eq!(world.check(CheckName::Spf).await.state, State::Ok);
}

#[tokio::test]
async fn a_policy_that_is_not_everywhere_yet_fails() {
    let world = World::good().await;
    world.dns.set_at(crate::world::NS1, DOMAIN, "TXT", &["v=spf1 -all"]);
    world.fails(CheckName::Spf, "ns1.shop.example says: it has another SPF policy", "wait").await;
}

#[tokio::test]
async fn behind_a_relay_the_relay_has_to_pass() {
    let world = World::good().await;
    world.dns.set("relay.example", "TXT", &["v=spf1 ip4:198.51.100.0/24 -all"]);
    world.dns.set("smtp.relay.example", "A", &["127.0.0.99"]);
    let relay = Relay::new(name("smtp.relay.example"), "apikey");
    let check = async |relay: &Relay| {
        let report = world.readiness().check(&target().with_relay(relay.clone())).await;
        report.check(CheckName::Spf).unwrap().clone()
    };
    let included = relay.clone().with_spf_include(name("relay.example"));
    let failed = check(&included).await;
    assert!(failed.state == State::Failed && failed.fix.contains("include:relay.example"), "{failed}");
    world.dns.set(DOMAIN, "TXT", &["v=spf1 mx include:relay.example ~all"]);
    assert_eq!(check(&included).await.state, State::Ok);
    world.dns.set("relay.example", "TXT", &[]);
    assert_eq!(check(&included).await.state, State::Failed, "what it includes has no policy");
    // Without a domain to include, its own address has to pass.
    let failed = check(&relay).await;
    assert_eq!(failed.state, State::Failed, "{failed}");
    world.dns.set(DOMAIN, "TXT", &["v=spf1 a:smtp.relay.example ~all"]);
    assert_eq!(check(&relay).await.state, State::Ok);
}
