//! A mail domain on a real Mailcow, or on a fake one: the domain, its DKIM key, mailboxes, a catch-all, sending limits
//! and a relay. It prints the plan, then what had to be changed, and then goes through all again to show that nothing
//! is left to do.
//!
//! Usage: `cargo run --example mailcow_domain -- [--fake] [DOMAIN]`
//!
//! The environment says which server: `MAILCOW_API_URL` and `MAILCOW_API_KEY`, `MAIL_API_UID` and `MAIL_API_PW` if a
//! proxy in front of it wants a login; and, if the mail is to leave through a relay, `MAILCOW_RELAY_HOST` (as
//! `[smtp.example.net]:587`), `MAILCOW_RELAY_USER` and `MAILCOW_RELAY_PASSWORD`. With `--fake` none of them is looked at.

use std::{env, error::Error, num::NonZeroU32, process::ExitCode};

use mailcow_api::{
    AliasAddress, Client, DkimKeySpec, DomainName, FakeMailcow, MailboxAddress, Mib, NewAlias, NewDomain,
    NewMailbox, NewRelayhost, Outcome, RateFrame, RateLimit,
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
            if let Some(error) = error.downcast_ref::<mailcow_api::Error>() {
                eprintln!("  what to do: {}", error.fix());
            }
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<bool, Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let Some(unknown) = arguments.iter().find(|a| a.starts_with('-') && *a != "--fake") {
        println!("usage: cargo run --example mailcow_domain -- [--fake] [DOMAIN]");
        return Ok(unknown == "--help");
    }
    let is_fake = arguments.iter().any(|argument| argument == "--fake");
    let domain = arguments.iter().find(|a| !a.starts_with('-')).map_or("agents.example.com", String::as_str);
    let client = if is_fake { FakeMailcow::new().client() } else { from_env()? };
    let plan = Plan::new(domain.parse()?, relay(is_fake))?;

    println!("mailcow {}", client.version().await?);
    plan.print();
    println!("first pass:");
    plan.carry_out(&client).await?;
    println!("second pass:");
    let changes = plan.carry_out(&client).await?;
    match changes {
        0 => println!("nothing changed"),
        changes => println!("{changes} things changed again"),
    }
    Ok(changes == 0)
}

fn from_env() -> Result<Client, Box<dyn Error>> {
    let variable = |name| env::var(name).map_err(|_| format!("set {name}, or try it with --fake"));
    let mut builder = Client::builder(&variable("MAILCOW_API_URL")?, variable("MAILCOW_API_KEY")?.into());
    if let (Ok(user), Ok(password)) = (env::var("MAIL_API_UID"), env::var("MAIL_API_PW")) {
        builder = builder.proxy_credentials(&user, password.into());
    }
    Ok(builder.build()?)
}

/// The relay that the mail is to leave through.
fn relay(is_fake: bool) -> Option<NewRelayhost> {
    if is_fake {
        let relay = NewRelayhost::new("[smtp.example.net]:587");
        return Some(relay.with_login("relay:user", "Fake-Passw0rd-1".into()));
    }
    let relay = NewRelayhost::new(&env::var("MAILCOW_RELAY_HOST").ok()?);
    Some(match (env::var("MAILCOW_RELAY_USER"), env::var("MAILCOW_RELAY_PASSWORD")) {
        (Ok(user), Ok(password)) => relay.with_login(&user, password.into()),
        _ => relay,
    })
}

/// What there is to be.
struct Plan {
    name: DomainName,
    domain: NewDomain,
    key: DkimKeySpec,
    /// The first one gets what is sent to addresses that do not exist.
    mailboxes: Vec<MailboxAddress>,
    domain_limit: RateLimit,
    mailbox_limit: RateLimit,
    relay: Option<NewRelayhost>,
}

impl Plan {
    fn new(name: DomainName, relay: Option<NewRelayhost>) -> Result<Self, mailcow_api::Error> {
        let limit = |value| RateLimit::new(value, RateFrame::Hour);
        let mailboxes =
            ["hub", "planner", "researcher"].map(|local_part| format!("{local_part}@{name}").parse());
        Ok(Self {
            domain: NewDomain::new(name.clone())
                .with_description("mailboxes of agents")
                .with_max_mailboxes(100)
                .with_max_aliases(100)
                .with_quotas(Mib::new(64), Mib::new(1024), Mib::new(10_240)),
            key: DkimKeySpec::new("dkim")?,
            mailboxes: mailboxes.into_iter().collect::<Result<_, _>>()?,
            domain_limit: limit(const { NonZeroU32::new(100).unwrap() }),
            mailbox_limit: limit(const { NonZeroU32::new(20).unwrap() }),
            relay,
            name,
        })
    }

    fn print(&self) {
        println!("plan:");
        println!("  the domain {} with a DKIM key under {}", self.name, self.key.selector());
        for (at, mailbox) in self.mailboxes.iter().enumerate() {
            let rest = if at == 0 { ", which catches what has no other place" } else { "" };
            println!("  the mailbox {mailbox}{rest}");
        }
        println!("  {} messages for each mailbox, {} for the first", self.domain_limit, self.mailbox_limit);
        if self.relay.is_some() {
            println!("  a relay that the mail leaves through");
        }
    }

    /// Makes certain of each part and returns how many of them had to be written.
    async fn carry_out(&self, client: &Client) -> Result<usize, mailcow_api::Error> {
        let mut changes = 0;
        let mut tell = |what: &str, outcome: Outcome<'_>| {
            println!("  {what}: {outcome}");
            changes += usize::from(outcome != Outcome::Unchanged);
        };
        let hub = &self.mailboxes[0];

        tell("domain", client.converge_domain(&self.domain).await?.outcome());
        tell("DKIM key", client.ensure_dkim(&self.name, &self.key).await?.outcome());
        for address in &self.mailboxes {
            // Whoever needs it sets another one; this one is forgotten.
            let password = client.generate_password().await?;
            let wanted =
                NewMailbox::new(address.clone(), password, Mib::new(64)).with_tags(["mailcow_domain"]);
            // A mailbox that somebody else made is left as it is.
            tell(address.as_str(), client.ensure_mailbox(&wanted).await?.outcome());
        }
        let catch_all = NewAlias::new(AliasAddress::catch_all(&self.name), hub.clone());
        tell("catch-all", client.ensure_alias(&catch_all).await?.outcome());
        let limit = client.ensure_domain_rate_limit(&self.name, Some(&self.domain_limit)).await?;
        tell("limit of the domain", limit.outcome());
        let limit = client.ensure_mailbox_rate_limit(hub, Some(&self.mailbox_limit)).await?;
        tell("limit of the first mailbox", limit.outcome());
        if let Some(relay) = &self.relay {
            let relay = client.ensure_relayhost(relay).await?;
            tell("relay", relay.outcome());
            let id = Some(relay.value.id);
            tell("relay of the domain", client.ensure_domain_relayhost(&self.name, id).await?.outcome());
        }
        Ok(changes)
    }
}
