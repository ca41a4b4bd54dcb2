//! What is wrong with a specification is named with its place, and nothing is sent.

use agent_mail::spec::{
    AliasEntry, DnsOptions, ForwardEntry, MailboxEntry, MtaSts, MtaStsMode, Relay, SpamPolicy, Tlsa,
};
use agent_mail::{DomainSpec, ErrorKind};

use super::world::{World, address, at, domain, full};

fn bare() -> DomainSpec {
    DomainSpec::new(domain(), "mail.shop.example".parse().unwrap())
}

fn with(change: impl FnOnce(&mut DomainSpec)) -> DomainSpec {
    let mut spec = full();
    change(&mut spec);
    spec
}

fn with_dns(change: impl FnOnce(&mut DnsOptions)) -> DomainSpec {
    with(|spec| change(&mut spec.dns))
}

#[expect(clippy::too_many_lines, reason = "it is a table")]
fn wrong() -> Vec<(DomainSpec, &'static str)> {
    let mailbox = |name: &str| MailboxEntry::new(address(name));
    vec![
        (
            full().with_mailbox(mailbox("eve@other.example")),
            "mailboxes[2].address: eve@other.example has to be an address of shop.example",
        ),
        (
            full().with_mailbox(mailbox("Eve@shop.example")),
            "mailboxes[2].address: Eve@shop.example has to be written in lower case",
        ),
        (
            full().with_mailbox(mailbox("ada@shop.example")),
            "mailboxes[2].address: ada@shop.example is mailboxes[0] already",
        ),
        (
            full().with_alias(AliasEntry::new(at("ada"), [at("bob")])),
            "aliases[2].address: ada@shop.example is mailboxes[0] already",
        ),
        (
            full().with_alias(AliasEntry::new(at("x"), [])),
            "aliases[2].targets: it has to name at least one address",
        ),
        (
            full().with_alias(AliasEntry::new(at("x"), [at("ada"), at("ada")])),
            "aliases[2].targets[1]: ada@shop.example is named twice",
        ),
        (
            full().with_alias(AliasEntry::new(at("x"), [at("x")])),
            "aliases[2].targets[0]: x@shop.example leads to itself",
        ),
        (
            full()
                .with_alias(AliasEntry::new(at("x"), [at("y")]))
                .with_alias(AliasEntry::new(at("y"), [at("ada"), at("z")]))
                .with_alias(AliasEntry::new(at("z"), [at("x")])),
            "aliases[2]: x@shop.example leads back to itself",
        ),
        (
            full().with_forward(ForwardEntry::new(at("nobody"), [at("ada")])),
            "forwards[1].address: nobody@shop.example has to be one of the mailboxes",
        ),
        (
            full().with_forward(ForwardEntry::new(at("bob"), [at("ada")])),
            "forwards[1].address: bob@shop.example has a forward already",
        ),
        (
            full().with_forward(ForwardEntry::new(at("ada"), [])),
            "forwards[1].targets: it has to name at least one address",
        ),
        (
            full().with_catch_all([at("ada"), at("ada")]),
            "catch_all.targets[1]: ada@shop.example is named twice",
        ),
        (
            with(|spec| spec.alias_domains.push(domain())),
            "alias_domains[1]: shop.example is the domain itself",
        ),
        (
            with(|spec| spec.alias_domains.push("store.example".parse().unwrap())),
            "alias_domains[1]: store.example is named twice",
        ),
        (with(|spec| spec.agents.push("bot".parse().unwrap())), "agents[1]: bot is named twice"),
        (
            with(|spec| spec.mailboxes[1].quota_mib = Some(20_000)),
            "mailboxes[1].quota_mib: 20000 is over limits.max_quota_mib, 10240",
        ),
        (
            with(|spec| spec.mailboxes[1].quota_mib = Some(0)),
            "mailboxes[1].quota_mib: it has to be at least 1 MiB",
        ),
        (
            with(|spec| spec.limits.total_quota_mib = 767),
            "limits.total_quota_mib: the mailboxes' quotas are 768 MiB together, over 767",
        ),
        (
            with(|spec| spec.limits.mailboxes = 2),
            "limits.mailboxes: 3 mailboxes and agents are named, over 2",
        ),
        (with(|spec| spec.limits.aliases = 1), "limits.aliases: 2 aliases are named, over 1"),
        (
            with(|spec| spec.limits.default_quota_mib = 20_000),
            "limits.default_quota_mib: 20000 is over max_quota_mib, 10240",
        ),
        (
            with(|spec| spec.limits.hourly_limit = Some(0)),
            "limits.hourly_limit: it has to be at least 1; leave it out for no limit",
        ),
        (
            with(|spec| spec.mailboxes[0].hourly_limit = Some(0)),
            "mailboxes[0].hourly_limit: it has to be at least 1; leave it out for no limit",
        ),
        (
            with(|spec| spec.mailboxes[0].name = "a\nb".into()),
            "mailboxes[0].name: it has to be one line of at most 255 bytes",
        ),
        (
            with(|spec| spec.description = "\u{7}".into()),
            "description: it has to be one line of at most 255 bytes",
        ),
        (with(|spec| spec.dkim.bits = 1024), "dkim.bits: 1024 has to be 2048 or 4096"),
        (
            with(|spec| spec.dkim.selector = "a b".into()),
            "dkim.selector: \"a b\" has to be labels of a-z, 0-9, hyphen and underscore",
        ),
        (
            full().with_relay(Relay::new("relay.example.net".parse().unwrap(), "u").with_port(0)),
            "relay.port: 0 is no port; submission has 587 or 465",
        ),
        (
            full().with_relay(Relay::new("relay.example.net".parse().unwrap(), "")),
            "relay.user: it has to be a user name without colons and control characters",
        ),
        (
            with(|spec| spec.spam = SpamPolicy::new(["@example.org"], ["x@example.org"])),
            "spam.allow[0]: \"@example.org\" has to be an address or *@domain, in lower case",
        ),
        (
            with(|spec| spec.spam = SpamPolicy::new(["x@example.org"], ["x@example.org"])),
            "spam.block[0]: \"x@example.org\" is named twice",
        ),
        (
            with_dns(|dns| dns.spf.networks.push("192.0.2.1/24".to_owned())),
            "dns.spf.networks[0]: \"192.0.2.1/24\" has to be an address or a network like 192.0.2.0/24",
        ),
        (
            with_dns(|dns| dns.spf.networks.push("2001:db8::/129".to_owned())),
            "dns.spf.networks[0]: \"2001:db8::/129\" has to be an address or a network like 192.0.2.0/24",
        ),
        (with_dns(|dns| dns.ttl = 0), "dns.ttl: 0 has to be 1 to 604800 seconds"),
        (
            with_dns(|dns| {
                dns.tlsa.push(Tlsa { usage: 1, selector: 1, matching: 1, digest: "a".repeat(64) });
            }),
            "dns.tlsa[0]: usage has to be 2 or 3, selector 0 or 1, matching 1 or 2",
        ),
        (
            with_dns(|dns| {
                dns.tlsa.push(Tlsa { usage: 3, selector: 1, matching: 2, digest: "a".repeat(64) });
            }),
            "dns.tlsa[0].digest: it has to be 64 hex digits for SHA-256, 128 for SHA-512",
        ),
        (
            with_dns(|dns| {
                let mut policy = MtaSts::new(MtaStsMode::Testing);
                policy.max_age = 0;
                dns.mta_sts = Some(policy);
            }),
            "dns.mta_sts.max_age: 0 has to be 1 to 31557600 seconds",
        ),
    ]
}

#[tokio::test]
async fn each_is_named_with_its_place_and_nothing_is_sent() {
    full().check().unwrap();
    for (spec, problem) in wrong() {
        let world = World::embedded();
        world.faults.arm(0, super::faults::How::NotDone);
        let error = world.operator().plan(&spec).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{problem}");
        assert!(error.to_string().contains(problem), "{error} -- {problem}");
        assert!(!world.faults.calm(), "no backend was asked: {problem}");
    }
}

#[test]
fn all_that_is_wrong_is_named_at_once() {
    let mut spec = full();
    spec.dkim.bits = 1;
    spec.dns.ttl = 0;
    let error = spec.with_mailbox(MailboxEntry::new(address("x@other.example"))).check().unwrap_err();
    for place in ["dkim.bits", "dns.ttl", "mailboxes[2].address"] {
        assert!(error.to_string().contains(place), "{error}");
    }
}

#[tokio::test]
async fn a_round_of_aliases_is_found_however_long_and_others_are_none() {
    let chain = |last: &str| {
        let mut spec = bare();
        spec.limits.aliases = 300;
        for n in 0..200 {
            let target = if n == 199 { at(last) } else { at(&format!("a{}", n + 1)) };
            spec = spec.with_alias(AliasEntry::new(at(&format!("a{n}")), [target]));
        }
        spec
    };
    chain("ada").check().unwrap();
    let error = chain("a100").check().unwrap_err().to_string();
    assert_eq!(error.matches("leads back").count(), 1, "{error}");
    assert!(error.contains("aliases[100]: a100@shop.example leads back to itself"), "{error}");
}

#[tokio::test]
async fn what_the_operator_was_not_given_is_named() {
    let world = World::embedded();
    let mut elsewhere = full();
    elsewhere.domain = "other.example".parse().unwrap();
    let bare = DomainSpec::new("other.example".parse().unwrap(), "mail.shop.example".parse().unwrap());
    let error = world.operator().plan(&bare).await.unwrap_err();
    assert_eq!(error.to_string(), "plan other.example: it lies in none of the zones: shop.example");
    let relay = Relay::new("relay.example.net".parse().unwrap(), "nobody");
    let error = world.operator().plan(&full().with_relay(relay)).await.unwrap_err();
    assert_eq!(error.to_string(), "plan relay relay.example.net: the password of \"nobody\" is not known");

    let alone = agent_mail::Operator::builder(world.admin.clone()).build().unwrap();
    let error = alone.plan(&super::world::full()).await.unwrap_err();
    assert_eq!(error.to_string(), "plan shop.example: it has agents, and no AgentMail was given");
    let error = agent_mail::Operator::builder(world.admin.clone()).at_once(0).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}
