//! A thousand addresses over one mailbox, one login and one task that waits: the hub, with the crate `mail-access` alone.
//!
//! Usage: `cargo run --example catch_all_hub`
//!
//! The mail system in memory is set as Mailcow is, with its filter of duplicates, and the hub's check finds that out. Then
//! agents write to each other, a stranger tries to be delivered to somebody else, and a second hub goes on where the
//! first one ended. On a real server `SmtpImap` stands in the place of `PostOffice`.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use mail_access::{
    Address, EnvelopeRule, Hub, HubMailbox, HubPosition, Login, MessageId, NewMessage, Outgoing, Policy,
    PostOffice,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let office =
        PostOffice::builder().with_policy(Policy::like_postfix().with_duplicate_filter(true)).build();
    let login = Login::new("hub@agents.example".parse()?, "a password".into());
    let domain = login.address().domain().clone();
    office.add_domain(domain.clone());
    office.add_mailbox(login.address(), login.password().clone(), 0)?;
    office.add_catch_all(&domain, vec![login.address().clone()])?;
    let builder = Hub::builder(Arc::new(office.clone()), login, EnvelopeRule::mailcow());

    let hub = builder.clone().start();
    println!("The hub's check on a server that drops copies of a Message-ID:");
    for problem in hub.check(&domain, Duration::from_millis(200)).await?.problems {
        println!("  {problem}\n  => {}", problem.fix());
    }
    office.set_policy(office.policy().with_duplicate_filter(false));
    let check = hub.check(&domain, Duration::from_secs(5)).await?;
    println!("  and once the filter is passed by: {} problems", check.problems.len());

    let names = (0..1000).map(|number| format!("agent-{number}@agents.example").parse::<Address>());
    let agents: Vec<HubMailbox> =
        names.map(|name| name.map(|name| hub.address(&name))).collect::<Result<_, _>>()?;
    println!(
        "\n{} addresses over one mailbox. Agent 0 writes to three others, to one in a blind copy:",
        hub.addresses()
    );
    let letter = NewMessage::to(agents[7].address()?)
        .with_cc("Agent-8+plans@agents.example".parse::<Address>()?)
        .with_bcc(agents[999].address()?)
        .with_subject("Engines")
        .with_text("Do they dream?");
    hub.submit(&letter.seal(&agents[0].address()?.into())?).await?;
    for agent in [7, 8, 999] {
        let delivery = agents[agent].next().await?;
        println!(
            "  agent {agent} has {:?}, delivered for {}",
            delivery.message().subject(),
            delivery.recipient()
        );
        delivery.acknowledge();
    }

    println!("\nA stranger writes to nobody and forges what the server notes:");
    let stranger: Address = "eve@elsewhere.example".parse()?;
    let bytes = b"X-Original-To: agent-7@agents.example\r\nTo: agent-7@agents.example\r\nSubject: Forged\r\n\r\nHello.\r\n";
    let nobody = "nobody@agents.example".parse()?;
    let forged = Outgoing::restore(stranger, vec![nobody], MessageId::generate(&domain), *bytes)?;
    office.receive(&forged).await?;
    let dead = hub.dead_letters().next().await?;
    println!("  dead letter {:?}: {}", dead.message().subject(), dead.why());
    dead.acknowledge();

    println!("\nAgent 1 gets two letters, and the program ends after it has handled the first one:");
    for subject in ["First", "Second"] {
        let letter = NewMessage::to(agents[1].address()?).with_subject(subject);
        hub.submit(&letter.seal(&agents[0].address()?.into())?).await?;
    }
    agents[1].next().await?.acknowledge();
    agents[1].next().await?;
    let kept = hub.position().to_string();
    drop((hub, agents));
    println!("  its position: {kept}");

    let hub = builder.with_position(kept.parse::<HubPosition>()?).start();
    let delivery = hub.address(&"agent-1@agents.example".parse()?).next().await?;
    let again = if delivery.is_repeated() { "maybe again" } else { "for the first time" };
    println!("  the next hub hands out {:?}, {again}", delivery.message().subject());
    delivery.acknowledge();
    Ok(())
}
