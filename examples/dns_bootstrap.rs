//! All that a mail domain needs in the DNS: found out, shown, published, and shown to be there.
//!
//! Usage: `cargo run --example dns_bootstrap -- [--apply]`
//!
//! Without configuration it runs on a mail system and a deSEC in memory, in a zone that somebody has used before, and
//! writes there. With `MAILCOW_API_URL`, `MAILCOW_API_KEY`, `MAILCOW_HOSTNAME`, `MAILCOW_DOMAIN`, `DESEC_TOKEN` and
//! `AGENT_MAIL_STATE_DIR` it runs on real servers over TLS; the other variables are in `.env.example`. There it writes only
//! with `--apply`; `DESEC_DYNDNS=yes` keeps the address of the mail host too.
//!
//! It prints what would be written, writes it, runs again to show that nothing is left to do, and ends with the zone as
//! a file, with checklists for those who have no provider with an API, and with the settings of a mailbox.

mod program;

use std::collections::BTreeMap;
use std::error::Error;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::process::ExitCode;
use std::sync::Arc;

use agent_mail::backend::{DnsProvider, Provisioner, PublicAddress, PublicAddresses, RrSet};
use agent_mail::guides::ClientSettings;
use agent_mail::records::{MtaStsPolicy, dns_checklist, security_checklist, zone_file};
use agent_mail::spec::{CaaIssuer, DmarcOptions, DmarcPolicy, MtaSts, MtaStsMode, Service};
use agent_mail::{AgentMail, Config, Desec, DnsOptions, DomainName, DomainSpec, Embedded, ErrorKind};
use desec_api::{FakeDesec, RecordType, SubName, Ttl, txt};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    program::end(run().await.map(|()| ExitCode::SUCCESS))
}

async fn run() -> Result<(), Box<dyn Error>> {
    let apply = match std::env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => false,
        [argument] if argument == "--apply" => true,
        _ => return Err("usage: cargo run --example dns_bootstrap -- [--apply]".into()),
    };
    if program::is_real(&SYSTEM, &[], &program::variable)? {
        let config = Config::from_env()?;
        let (mail, (desec, zone)) = (config.builder()?.build()?, config.dns()?);
        let mut lacking = show_plan(&mail).await?;
        if apply {
            bootstrap_twice(&mail).await?;
            lacking.clear();
        } else {
            println!("nothing is written without --apply");
        }
        show_zone(&desec, &zone, lacking).await?;
        return show_lists(&mail, &config.mailcow()?, &config.spec()).await;
    }
    let world = Embedded::new("shop.example".parse()?);
    let (desec, zone) = used_zone()?;
    let spec = spec(world_domain())?;
    let provider = Arc::new(Desec::new(desec.client()?));
    let address = PublicAddresses {
        v4: PublicAddress::Found(Ipv4Addr::new(9, 9, 9, 9)),
        v6: PublicAddress::Found(Ipv6Addr::new(0x2620, 0xfe, 0, 0, 0, 0, 0, 0xfe)),
    };
    let mail = world
        .system()
        .dns(provider.clone(), zone.clone(), spec.mail_host.clone())
        .dns_options(spec.dns.clone())
        .public_address(Arc::new(address))
        .dynamic_dns(provider.clone())
        .build()?;
    mail.provision(&"ada".parse()?).await?;

    show_plan(&mail).await?;
    bootstrap_twice(&mail).await?;
    show_zone(&*provider, &zone, Vec::new()).await?;
    show_lists(&mail, &world, &spec).await
}

/// Shows the zone as it is once it has what it lacks.
async fn show_zone(
    provider: &dyn DnsProvider,
    zone: &DomainName,
    lacking: Vec<RrSet>,
) -> Result<(), Box<dyn Error>> {
    let mut sets = provider.zone(zone).await?.sets;
    sets.retain(|set| !lacking.iter().any(|new| (&new.name, &new.rtype) == (&set.name, &set.rtype)));
    sets.extend(lacking.into_iter().filter(|set| !set.records.is_empty()));
    sets.sort_by(|one, other| (&one.name, &one.rtype).cmp(&(&other.name, &other.rtype)));
    println!("\nThe zone as a file:\n\n{}", zone_file(zone, &sets)?);
    Ok(())
}

/// Shows what there is to do elsewhere, and the settings of a mailbox.
async fn show_lists(
    mail: &AgentMail,
    keys: &dyn Provisioner,
    spec: &DomainSpec,
) -> Result<(), Box<dyn Error>> {
    let keys = match keys.dkim(&spec.domain).await {
        Ok(key) => BTreeMap::from([(spec.domain.clone(), key)]),
        // The first bootstrap makes it.
        Err(error) if error.kind() == ErrorKind::NotFound => BTreeMap::new(),
        Err(error) => return Err(error.into()),
    };
    println!("{}\n{}", dns_checklist(spec, &keys)?, security_checklist(spec, &keys)?);
    if let Some(policy) = MtaStsPolicy::of(spec)? {
        println!("Served at {}:\n\n{}", MtaStsPolicy::url(&spec.domain), policy.text);
    }
    let settings =
        ClientSettings::new(mail.address_of(&"ada".parse()?)?, spec.mail_host.clone()).with_name("Ada");
    println!("{}", settings.gmail_guide());
    Ok(())
}

async fn show_plan(mail: &AgentMail) -> Result<Vec<RrSet>, agent_mail::Error> {
    let plan = mail.plan_dns().await?;
    println!("{} lacks {} RRsets and has {}:", mail.domain(), plan.written.len(), plan.unchanged);
    for set in &plan.written {
        println!("  {:<24} {:<6} {}", shown(&set.name), set.rtype, short(&set.records.join(" | ")));
    }
    for address in &plan.addresses {
        println!("  its mail host is at {address}");
    }
    Ok(plan.written)
}

async fn bootstrap_twice(mail: &AgentMail) -> Result<(), agent_mail::Error> {
    for run in ["first", "second"] {
        let report = mail.bootstrap_dns().await?;
        println!("The {run} run wrote {} RRsets; {} were there.", report.written.len(), report.unchanged);
    }
    Ok(())
}

/// A zone that somebody has used before: an old policy, a text of another service, an address, a website.
fn used_zone() -> Result<(FakeDesec, DomainName), Box<dyn Error>> {
    let (domain, ttl): (desec_api::DomainName, _) = ("shop.example".parse()?, Ttl::new(3600)?);
    let (desec, apex) = (FakeDesec::new(), SubName::apex());
    desec.add_domain(&domain, ttl);
    desec.put(
        &domain,
        &apex,
        &RecordType::Txt,
        ttl,
        &[txt("v=spf1 a:web.example ?all"), txt("owner=someone")],
    );
    desec.put(&domain, &apex, &RecordType::Caa, ttl, &[r#"0 issue "ca.example""#.into()]);
    desec.put(&domain, &"www".parse()?, &RecordType::A, ttl, &["192.0.2.1".into()]);
    Ok((desec, world_domain()))
}

fn spec(domain: DomainName) -> Result<DomainSpec, Box<dyn Error>> {
    let host = format!("mail.{domain}").parse()?;
    let reports = vec![format!("postmaster@{domain}").parse()?];
    let mut dmarc = DmarcOptions::default();
    dmarc.policy = DmarcPolicy::Reject;
    dmarc.reports_to.clone_from(&reports);
    let mut dns = DnsOptions::default();
    dns.dmarc = dmarc;
    dns.pop3s = Service::NotOffered;
    dns.mta_sts = Some(MtaSts::new(MtaStsMode::Testing));
    dns.tls_reports_to = reports;
    dns.caa = vec![CaaIssuer { issuer: "letsencrypt.org".parse()?, wildcard: false }];
    Ok(DomainSpec::new(domain, host).with_dns(dns))
}

fn world_domain() -> DomainName {
    "shop.example".parse().expect("it is a name")
}

fn shown(name: &str) -> &str {
    if name.is_empty() { "@" } else { name }
}

fn short(text: &str) -> String {
    let start: String = text.chars().take(80).collect();
    if start.len() < text.len() { start + ".." } else { start }
}

/// What [`Config`] can't do without.
const SYSTEM: [&str; 6] = [
    "MAILCOW_API_URL",
    "MAILCOW_API_KEY",
    "MAILCOW_HOSTNAME",
    "MAILCOW_DOMAIN",
    "DESEC_TOKEN",
    "AGENT_MAIL_STATE_DIR",
];
