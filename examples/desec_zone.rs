//! The mail zone of a domain at deSEC, or at a fake one: it prints what the zone lacks and what it costs, writes it if
//! asked to, and then plans again to show that nothing is left to do.
//!
//! Usage: `cargo run --example desec_zone -- [--fake] [--apply]`
//!
//! The environment says whose zone: `DESEC_TOKEN` and `DESEC_DOMAIN`, `MAILCOW_HOSTNAME` for the host that takes the
//! mail (`mail.` before the domain if not set), and `DESEC_API_URL` if it is not <https://desec.io/api/v1>. With
//! `--fake` none of them is looked at. Without `--apply` nothing is written.
//!
//! Only the records of mail are claimed: other texts at the apex stay, and so does every other name.

use std::{env, error::Error, process::ExitCode};

use desec_api::{
    Claim, Client, Desired, DomainName, FakeDesec, Foreign, NewRrSet, RecordType, SubName, Ttl, txt,
};

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            let mut cause = error.source();
            while let Some(inner) = cause {
                eprintln!("  because {inner}");
                cause = inner.source();
            }
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<bool, Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let Some(unknown) = arguments.iter().find(|a| !["--fake", "--apply"].contains(&a.as_str())) {
        println!("usage: cargo run --example desec_zone -- [--fake] [--apply]");
        return Ok(unknown == "--help");
    }
    let given = |name| arguments.iter().any(|argument| argument == name);
    let (client, domain, mail_host) = if given("--fake") { fake()? } else { from_env()? };
    let desired = mail_zone(&domain, &mail_host, client.domain(&domain).await?.minimum_ttl)?;

    let plan = client.plan(&domain, &desired).await?;
    println!("plan for {domain}:\n{plan}");
    if !given("--apply") {
        return Ok(true);
    }
    let applied = client.apply(&plan).await?;
    println!("wrote {} RRsets", applied.changes.len());
    let left = client.plan(&domain, &desired).await?;
    println!("second plan:\n{left}");
    Ok(left.is_empty())
}

fn from_env() -> Result<(Client, DomainName, String), Box<dyn Error>> {
    let optional = |name| env::var(name).ok().filter(|value| !value.is_empty());
    let variable = |name| optional(name).ok_or(format!("set {name}, or try it with --fake"));
    let (token, domain) = (variable("DESEC_TOKEN")?, variable("DESEC_DOMAIN")?.parse::<DomainName>()?);
    let mut builder = Client::builder(token.into());
    if let Some(url) = optional("DESEC_API_URL") {
        builder = builder.base_url(url);
    }
    let mail_host = optional("MAILCOW_HOSTNAME").unwrap_or_else(|| format!("mail.{domain}"));
    Ok((builder.build()?, domain, mail_host))
}

/// A zone that somebody has used before: an old mail host, an old policy, a text of another service, a website.
fn fake() -> Result<(Client, DomainName, String), desec_api::Error> {
    let (domain, ttl): (DomainName, _) = ("agents.example.com".parse()?, Ttl::new(3600)?);
    let (fake, apex) = (FakeDesec::new(), SubName::apex());
    fake.add_domain(&domain, ttl);
    fake.put(&domain, &apex, &RecordType::Mx, ttl, &["10 old.example.net.".into()]);
    fake.put(&domain, &apex, &RecordType::Txt, ttl, &[txt("v=spf1 a -all"), txt("owner=someone")]);
    fake.put(&domain, &"autoconfig".parse()?, &RecordType::A, ttl, &["192.0.2.1".into()]);
    fake.put(&domain, &"www".parse()?, &RecordType::A, ttl, &["192.0.2.1".into()]);
    Ok((fake.client()?, domain, "mail.example.net".into()))
}

fn mail_zone(domain: &DomainName, mail_host: &str, ttl: Ttl) -> Result<Desired, desec_api::Error> {
    let records = [
        ("", RecordType::Mx, format!("10 {mail_host}.")),
        ("", RecordType::Txt, txt("v=spf1 mx -all")),
        ("", RecordType::Caa, r#"0 issue "letsencrypt.org""#.into()),
        ("_dmarc", RecordType::Txt, txt(&format!("v=DMARC1; p=reject; rua=mailto:postmaster@{domain}"))),
        ("_smtp._tls", RecordType::Txt, txt(&format!("v=TLSRPTv1; rua=mailto:postmaster@{domain}"))),
        ("_submissions._tcp", RecordType::Srv, format!("0 1 465 {mail_host}.")),
        ("_imaps._tcp", RecordType::Srv, format!("0 1 993 {mail_host}.")),
        ("autoconfig", RecordType::Cname, format!("{mail_host}.")),
        ("autodiscover", RecordType::Cname, format!("{mail_host}.")),
    ];
    let set = |(subname, rtype, content): (&str, RecordType, String)| {
        Ok::<_, desec_api::Error>(NewRrSet::new(subname.parse()?, rtype, ttl, [content]))
    };
    let sets = records.into_iter().map(set).collect::<Result<Vec<_>, _>>()?;
    // The apex is shared with others: of its texts only the policy is ours.
    let claim = |NewRrSet { subname, rtype, .. }: &NewRrSet| match (rtype, subname.is_apex()) {
        (RecordType::Txt, true) => Claim::records(subname.clone(), rtype.clone(), "v=spf1"),
        (_, true) => Claim::RrSet(subname.clone(), rtype.clone()),
        _ => Claim::Name(subname.clone()),
    };
    let claims: Vec<Claim> = sets.iter().map(claim).collect();
    let desired = Desired::new(sets).on_foreign(Foreign::Merge);
    Ok(claims.into_iter().fold(desired, Desired::owning))
}
