//! Each check of what is published, both ways.

use agent_mail::backend::DkimKey;
use agent_mail::readiness::{CheckName, State, Target};
use agent_mail::spec::Relay;
use agent_mail::{DomainSpec, Embedded};
use std::sync::Arc;

use crate::server::Fault;
use crate::world::{DOMAIN, HOST, KEY, LAME, NS1, NS2, RECURSIVE, SELECTOR, World, name, target};

#[tokio::test]
async fn a_domain_with_which_all_is_well_is_ready() {
    let world = World::good().await;
    let report = world.report().await;
    assert!(report.is_ready(), "{report}");
    for check in &report.checks {
        // Its parent has no DS.
        let wanted = if check.name == CheckName::Dnssec { State::Warning } else { State::Ok };
        assert_eq!(check.state, wanted, "{report}");
    }
    assert_eq!(
        report.checks.len(),
        CheckName::ALL.len() - 1,
        "blocklists are looked at only if there are some"
    );
}

#[tokio::test]
async fn mx_has_to_lead_to_the_mail_host_first() {
    let world = World::good().await;
    world.dns.set(DOMAIN, "MX", &["5 other.example", "10 mail.shop.example"]);
    world.fails(CheckName::Mx, "5 other.example.", "MX 10 mail.shop.example.").await;
    world.dns.set(DOMAIN, "MX", &["0 ."]);
    world.fails(CheckName::Mx, "takes no mail", "publish").await;
    world.dns.set(DOMAIN, "MX", &[]);
    world.fails(CheckName::Mx, "there is no MX", "publish").await;
    world.dns.set(DOMAIN, "MX", &["10 mail.shop.example", "20 backup.example"]);
    assert!(world.report().await.is_ready());
}

#[tokio::test]
async fn a_server_of_the_zone_that_says_otherwise_spoils_a_check() {
    let world = World::good().await;
    world.dns.set_at(NS2, DOMAIN, "MX", &["10 old.example"]);
    world.fails(CheckName::Mx, "ns2.shop.example says: 10 old.example.", "publish").await;
}

#[tokio::test]
async fn what_is_cached_elsewhere_is_told_from_what_is_wrong() {
    let world = World::good().await;
    world.dns.set_at(RECURSIVE, DOMAIN, "MX", &["10 old.example"]);
    world
        .fails(CheckName::Mx, "others still see: 10 old.example.", "wait until what is cached has expired")
        .await;
}

#[tokio::test]
async fn the_mail_host_needs_addresses_and_is_no_alias() {
    let world = World::good().await;
    world.dns.set(HOST, "A", &[]);
    world.fails(CheckName::MailHost, "has no address", "publish an A record").await;
    world.dns.set(HOST, "CNAME", &["web.shop.example"]);
    world.dns.set("web.shop.example", "A", &["127.0.0.25"]);
    world.fails(CheckName::MailHost, "an alias (CNAME) of web.shop.example", "in place of the CNAME").await;
}

#[tokio::test]
async fn the_mail_host_has_the_addresses_that_were_given() {
    let world = World::good().await;
    let at = |text: &str| target().with_addresses([text.parse().unwrap()]);
    let check = |report: agent_mail::readiness::Report| report.check(CheckName::MailHost).unwrap().state;
    assert_eq!(check(world.readiness().check(&at("127.0.0.25")).await), State::Ok);
    assert_eq!(check(world.readiness().check(&at("192.0.2.1")).await), State::Failed);
}

#[tokio::test]
async fn addresses_have_a_name_that_leads_back() {
    let world = World::good().await;
    world.dns.set("25.0.0.127.in-addr.arpa", "PTR", &[]);
    world.fails(CheckName::Reverse, "127.0.0.25 has no name", "name it mail.shop.example").await;
    world.dns.set("25.0.0.127.in-addr.arpa", "PTR", &["host.isp.example"]);
    world.fails(CheckName::Reverse, "host.isp.example does not have this address", "reverse DNS").await;
    world.dns.set("host.isp.example", "A", &["127.0.0.25"]);
    assert_eq!(world.check(CheckName::Reverse).await.found, "127.0.0.25 is host.isp.example");
}

#[tokio::test]
async fn nobody_asks_for_the_name_of_a_host_behind_a_relay() {
    let world = World::good().await;
    world.dns.set("25.0.0.127.in-addr.arpa", "PTR", &[]);
    world.dns.set(DOMAIN, "TXT", &["v=spf1 mx include:relay.example ~all"]);
    world.dns.set("relay.example", "TXT", &["v=spf1 ip4:198.51.100.0/24 -all"]);
    world.dns.set("smtp.relay.example", "A", &["127.0.0.99"]);
    let relay = Relay::new(name("smtp.relay.example"), "apikey").with_spf_include(name("relay.example"));
    let report = world.readiness().check(&target().with_relay(relay)).await;
    assert_eq!(report.check(CheckName::Reverse).unwrap().state, State::Failed);
    assert!(report.is_ready(), "{report}");
}

#[tokio::test]
async fn the_key_is_the_mail_system_s() {
    let world = World::good().await;
    for (texts, found) in [
        (&[][..], "there is no key"),
        (&["v=DKIM1;k=rsa;p=OTHER"][..], "another key"),
        (&["v=DKIM1;k=rsa;p="][..], "revoked"),
        (&["hello"][..], "is no key"),
        (&[KEY, KEY][..], "2 texts"),
        (&["v=DKIM1;k=ed25519;p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A"][..], "not for mail"),
        (&["v=DKIM1;h=sha1;p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A"][..], "not for mail"),
    ] {
        world.dns.set(SELECTOR, "TXT", texts);
        world.fails(CheckName::Dkim, found, "publish the mail system's key").await;
    }
    // Space and other tags say the same.
    world.dns.set(SELECTOR, "TXT", &["v=DKIM1; t=y; p=MIIBIjANBgkqhkiG9 w0BAQEFAAOCAQ8A"]);
    let check = world.check(CheckName::Dkim).await;
    assert!(check.state == State::Ok && check.found.contains("tested"), "{check}");
}

#[tokio::test]
async fn a_key_may_be_published_elsewhere_under_an_alias() {
    let world = World::good().await;
    world.dns.set(SELECTOR, "TXT", &[]);
    world.dns.set(SELECTOR, "CNAME", &["key.keeper.example"]);
    world.dns.set("key.keeper.example", "TXT", &[KEY]);
    assert_eq!(world.check(CheckName::Dkim).await.state, State::Ok);
}

#[tokio::test]
async fn a_key_that_is_not_known_is_not_found_out_and_one_that_is_not_there_fails() {
    let world = World::good().await;
    let unknown = Target::new(name(DOMAIN), name(HOST));
    let report = world.readiness().check(&unknown).await;
    assert_eq!(report.check(CheckName::Dkim).unwrap().state, State::Unknown);
    assert!(!report.is_ready());
    // A world in memory with no such domain.
    let keys = Arc::new(Embedded::new(name("other.example")));
    let report = world.readiness().with_keys(keys).check(&unknown).await;
    assert_eq!(report.check(CheckName::Dkim).unwrap().state, State::Failed, "{report}");
}

#[tokio::test]
async fn there_is_one_policy_for_mail_that_fails() {
    let world = World::good().await;
    let dmarc = "_dmarc.shop.example";
    world.dns.set(dmarc, "TXT", &["v=DMARC1; p=reject", "v=DMARC1; p=none"]);
    world.fails(CheckName::Dmarc, "2 policies", "leave one").await;
    world.dns.set(dmarc, "TXT", &["v=DMARC1; p=perhaps"]);
    world.fails(CheckName::Dmarc, "nothing that is known", "publish").await;
    world.dns.set(dmarc, "TXT", &["unrelated"]);
    world.fails(CheckName::Dmarc, "there is no DMARC policy for shop.example", "publish").await;
    world.dns.set(dmarc, "TXT", &["v=DMARC1; p=none"]);
    let check = world.check(CheckName::Dmarc).await;
    assert!(check.state == State::Ok && check.found.contains("nothing to be done"), "{check}");
}

#[tokio::test]
async fn a_policy_of_the_domain_above_counts() {
    let world = World::good().await;
    let (domain, host) = (name("sub.shop.example"), name(HOST));
    let key = DkimKey { selector: "dkim".into(), record: KEY.into() };
    let check = async || {
        let report =
            world.readiness().check(&Target::new(domain.clone(), host.clone()).with_dkim(key.clone())).await;
        report.check(CheckName::Dmarc).unwrap().clone()
    };
    assert_eq!(check().await.state, State::Ok);
    world.dns.set("_dmarc.shop.example", "TXT", &["v=DMARC1; p=reject; sp=oops"]);
    assert_eq!(check().await.state, State::Failed, "what it says of those below counts");
    world.dns.set("_dmarc.shop.example", "TXT", &[]);
    assert!(check().await.found.contains("no DMARC policy for sub.shop.example"));
}

#[tokio::test]
async fn those_elsewhere_who_get_reports_have_to_take_them() {
    let world = World::good().await;
    let dmarc = "_dmarc.shop.example";
    assert_eq!(world.check(CheckName::DmarcReports).await.found, "nobody elsewhere gets reports");
    world.dns.set(dmarc, "TXT", &["v=DMARC1; p=none; rua=mailto:a@shop.example,mailto:b@reports.example!5m"]);
    let report = world.report().await;
    let check = report.check(CheckName::DmarcReports).unwrap();
    assert!(check.state == State::Warning && check.found.starts_with("reports.example does not"), "{check}");
    assert!(check.fix.contains("`shop.example._report._dmarc.reports.example.`"), "{check}");
    assert!(report.is_ready(), "reports are not what mail waits for");
    let taken = "shop.example._report._dmarc.reports.example";
    world.dns.set(taken, "TXT", &["unrelated"]);
    assert_eq!(world.check(CheckName::DmarcReports).await.state, State::Warning);
    world.dns.set(taken, "TXT", &["unrelated", "v=DMARC1"]);
    let check = world.check(CheckName::DmarcReports).await;
    assert_eq!((check.state, check.found.as_str()), (State::Ok, "reports are taken by reports.example"));
    world.dns.fault(None, Some(taken), Fault::Fails);
    assert_eq!(world.check(CheckName::DmarcReports).await.state, State::Unknown);
}

#[tokio::test]
async fn the_parent_and_the_zone_name_the_same_servers() {
    let world = World::good().await;
    world.dns.set_at(10, DOMAIN, "NS", &["ns1.shop.example"]);
    world.fails(CheckName::Delegation, "the parent names ns1.shop.example, but", "at the registrar").await;
    world.dns.set_at(10, DOMAIN, "NS", &[]);
    world.fails(CheckName::Delegation, "names no name servers", "at the registrar").await;
}

#[tokio::test]
async fn a_domain_that_nobody_leads_to_is_not_delegated() {
    let world = World::good().await;
    world.dns.set(DOMAIN, "NS", &[]);
    world.fails(CheckName::Delegation, "nobody leads to shop.example", "register the domain").await;
}

#[tokio::test]
async fn a_lame_server_of_the_parent_is_passed_over() {
    let world = World::good().await;
    world.dns.set("example", "NS", &["a.example", "ns.example"]);
    world.dns.set("a.example", "A", &["127.0.0.13"]);
    world.dns.set_at(LAME, DOMAIN, "NS", &[]);
    let check = world.check(CheckName::Delegation).await;
    assert_eq!(check.state, State::Ok, "{check}");
}

#[tokio::test]
async fn one_lame_server_is_a_warning_and_all_are_unknown() {
    for fault in [Fault::Refuses, Fault::Fails, Fault::Silent] {
        let world = World::good().await;
        world.dns.fault(Some(NS2), None, fault);
        let report = world.report().await;
        assert!(report.is_ready(), "{report}");
        let check = report.check(CheckName::NameServers).unwrap();
        assert!(check.state == State::Warning && check.found.starts_with("ns2.shop.example: "), "{check}");
        world.dns.fault(Some(NS1), None, fault);
        let report = world.report().await;
        assert_eq!(report.check(CheckName::NameServers).unwrap().state, State::Unknown);
        assert_eq!(report.check(CheckName::Delegation).unwrap().state, State::Unknown);
        assert!(!report.is_ready());
    }
}

#[tokio::test]
async fn a_server_that_does_not_serve_the_zone_is_found() {
    let world = World::good().await;
    // It leads elsewhere in place of answering.
    world.dns.set("ns2.shop.example", "A", &["127.0.0.10"]);
    let check = world.check(CheckName::NameServers).await;
    assert!(check.state == State::Warning && check.found.contains("does not serve shop.example"), "{check}");
}

#[tokio::test]
async fn a_zone_is_signed_as_its_parent_says() {
    // The key and digest of RFC 4509 section 2.3 are for another name; the tag and algorithm decide for kind 1.
    let key = "0100030508";
    let tag = (0x0100_u32 + 0x0305 + 0x0800).to_string().parse::<u16>().unwrap();
    let ds = |kind: &str| format!("{tag:04x}05{kind}00");
    let world = World::good().await;
    world.dns.set(DOMAIN, "DS", &[&ds("01")]);
    world.fails_unmandatory(CheckName::Dnssec, "shows no key", "bogus").await;
    world.dns.set(DOMAIN, "DNSKEY", &[key]);
    assert_eq!(world.check(CheckName::Dnssec).await.state, State::Ok);
    // A digest that is computed is another.
    world.dns.set(DOMAIN, "DS", &[&ds("02")]);
    world.fails_unmandatory(CheckName::Dnssec, "none of the keys", "DS of the present key").await;
}

#[tokio::test]
async fn names_for_mail_programs_lead_to_the_mail_host() {
    let world = World::good().await;
    world.dns.set("autoconfig.shop.example", "CNAME", &["elsewhere.example"]);
    world.dns.set("autodiscover.shop.example", "CNAME", &[]);
    let report = world.report().await;
    for (name, found) in
        [(CheckName::Autoconfig, "CNAME elsewhere.example."), (CheckName::Autodiscover, "nothing")]
    {
        let check = report.check(name).unwrap();
        assert_eq!((check.state, check.found.as_str()), (State::Warning, found));
    }
    assert!(report.is_ready());
    // By address is as good.
    world.dns.set("autodiscover.shop.example", "A", &["127.0.0.25"]);
    assert_eq!(world.check(CheckName::Autodiscover).await.state, State::Ok);
    let mut spec = DomainSpec::new(name(DOMAIN), name(HOST));
    spec.dns.autodiscovery = false;
    let report = world.readiness().check(&Target::from(&spec)).await;
    assert_eq!(report.check(CheckName::Autoconfig).unwrap().found, "not asked for");
}

#[tokio::test]
async fn an_address_on_a_list_is_found_if_the_list_is_asked() {
    let world = World::good().await;
    let readiness = || world.readiness().with_blocklists([name("list.example")]);
    let check = async || readiness().check(&target()).await.check(CheckName::Blocklists).unwrap().clone();
    assert_eq!(check().await.state, State::Ok);
    world.dns.set("25.0.0.127.list.example", "A", &["127.0.0.2"]);
    world.dns.set("25.0.0.127.list.example", "TXT", &["open relay"]);
    let listed = check().await;
    assert!(listed.state == State::Failed && listed.found.contains("list.example: open relay"), "{listed}");
    for code in ["127.255.255.254", "192.0.2.1"] {
        world.dns.set("25.0.0.127.list.example", "A", &[code]);
        assert_eq!(check().await.state, State::Unknown, "{code} is no entry");
    }
    let report = readiness().requiring([CheckName::Blocklists]).check(&target()).await;
    assert!(!report.is_ready(), "what is required and not known is not ready");
}

#[tokio::test]
async fn a_recursive_server_that_fails_leaves_all_unknown_and_nothing_ready() {
    for fault in [Fault::Fails, Fault::Refuses, Fault::Silent] {
        let world = World::good().await;
        world.dns.fault(Some(RECURSIVE), None, fault);
        let report = world.report().await;
        assert!(!report.is_ready());
        for check in &report.checks {
            assert_eq!(check.state, State::Unknown, "{check}");
        }
    }
}
