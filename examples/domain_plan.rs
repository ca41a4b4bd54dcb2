//! A domain as it is wanted: what has to be done for it, what that costs, and that it is done once.
//!
//! Usage: `cargo run --example domain_plan -- [--apply]`
//!
//! With no configuration it runs on a world in memory and goes through all of it: the plan, the second one which is
//! empty, what drifts when somebody changes something by hand, and the way back. With `MAILCOW_API_URL`,
//! `MAILCOW_API_KEY`, `MAILCOW_HOSTNAME`, `MAILCOW_DOMAIN`, `DESEC_TOKEN` and `AGENT_MAIL_STATE_DIR` it plans the domain
//! that they name, on real servers over TLS, and writes only with `--apply`; with `MAILCOW_RELAY_HOST`,
//! `MAILCOW_RELAY_USER` and `MAILCOW_RELAY_PASSWORD` the domain gets that relay. The other variables are in `.env.example`.

mod program;

use std::env;
use std::error::Error;
use std::process::ExitCode;

use agent_mail::backend::{MailAdmin, MailChange};
use agent_mail::spec::Relay;
use agent_mail::{AliasEntry, Config, DomainSpec, Embedded, ForwardEntry, MailboxEntry, Operator};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument != "--apply") {
        eprintln!("usage: cargo run --example domain_plan -- [--apply]");
        return ExitCode::FAILURE;
    }
    program::end(run(!arguments.is_empty()).await.map(|()| ExitCode::SUCCESS))
}

async fn run(may_write: bool) -> Result<(), Box<dyn Error>> {
    if program::is_real(&SYSTEM, &[], &program::variable)? {
        on_real_services(may_write).await
    } else {
        in_memory().await
    }
}

async fn on_real_services(may_write: bool) -> Result<(), Box<dyn Error>> {
    let config = Config::from_env()?;
    let operator = config.operator()?.build()?;
    if may_write && let Some(applied) = operator.resume(config.domain()).await? {
        println!("an interrupted apply was finished\n{applied}\n");
    }
    let plan = operator.plan(&config.spec()).await?;
    println!("{plan}");
    if !may_write {
        println!("nothing was written; --apply does");
        return Ok(());
    }
    let applied = operator.apply_with(&plan, |progress| {
        println!("{}/{} {}", progress.done, progress.total, progress.step);
    });
    println!("{} steps done", applied.await?.steps.len());
    Ok(())
}

async fn in_memory() -> Result<(), Box<dyn Error>> {
    let world = Embedded::new("shop.example".parse()?);
    let relay_host = "relay.example.net".parse()?;
    let operator = world.operator()?.relay_password("shop", relay_host, "the relay's password").build()?;
    let spec = spec()?;

    println!("-- the plan, before anything is done");
    let plan = operator.plan(&spec).await?;
    println!("{plan}\nfingerprint {}\n", plan.fingerprint());

    println!("-- applied");
    let applied = operator.apply_with(&plan, |progress| {
        println!("{:>2}/{} {}", progress.done, progress.total, progress.step.subject());
    });
    applied.await?;
    println!("\n-- planned again\n{}\n", operator.plan(&spec).await?);

    println!("-- somebody changes something by hand");
    let alias = AliasEntry::new("info@shop.example".parse()?, ["eve@example.net".parse()?]);
    world.change(&spec.domain, &MailChange::SetAlias { alias }, None).await?;
    println!("{}\n", operator.drift(&spec).await?);
    if let Err(error) = operator.apply(&plan.inverse()).await {
        println!("the way back is barred: {error}\n");
    }
    repair(&operator, &spec).await?;

    println!("-- a mailbox less");
    let offboarding = operator.plan_offboard(&spec.domain, &["bob@shop.example".parse()?]).await?;
    println!("{offboarding}");
    operator.apply(&offboarding).await?;
    println!("\n-- and the way back from that");
    let back = offboarding.inverse();
    println!("{back}");
    operator.apply(&back).await?;
    repair(&operator, &spec).await
}

async fn repair(operator: &Operator, spec: &DomainSpec) -> Result<(), Box<dyn Error>> {
    let plan = operator.plan(spec).await?;
    operator.apply(&plan).await?;
    println!("-- repaired, {} to do; now: {}\n", plan.steps().len(), operator.drift(spec).await?);
    Ok(())
}

fn spec() -> Result<DomainSpec, Box<dyn Error>> {
    let relay = Relay::new("relay.example.net".parse()?, "shop").with_spf_include("example.net".parse()?);
    let bob = "bob@shop.example".parse()?;
    Ok(DomainSpec::new("shop.example".parse()?, "mail.shop.example".parse()?)
        .with_agent("order-bot".parse()?)
        .with_mailbox(MailboxEntry::new("ada@shop.example".parse()?).with_name("Ada").with_quota_mib(512))
        .with_mailbox(MailboxEntry::new("bob@shop.example".parse()?).with_name("Bob"))
        .with_alias(AliasEntry::new("info@shop.example".parse()?, ["ada@shop.example".parse()?]))
        .with_forward(ForwardEntry::new(bob, ["bob@example.org".parse()?]))
        .with_catch_all(["ada@shop.example".parse()?])
        .with_relay(relay))
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
