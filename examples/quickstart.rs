//! Three agents write to each other in a world of their own: no server, no configuration.
//!
//! Usage: `cargo run --example quickstart`
//!
//! It prints who the agents are, what each of them reads, the thread they make, what comes back for a recipient who
//! doesn't exist, what survives a restart, and the zone that the domain's mail needs. The program is the same on real
//! servers: see `agent_lifecycle`.

use std::error::Error;

use agent_mail::{Address, AgentMailbox, Attachment, Embedded, Event, EventKind, NewMessage};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let world = Embedded::new("agents.example".parse()?);
    let mail = world.system().build()?;

    println!("Three agents get their mailboxes:");
    let ada = mail.provision(&"ada".parse()?).await?;
    let bob = mail.provision(&"bob".parse()?).await?;
    let zoe = mail.provision(&"Zoë Q.".parse()?).await?;
    for agent in mail.agents().await? {
        println!("  {:<7} {}", agent.id, agent.address);
    }

    println!("\nAda asks Bob, with a copy to Zoë and a plan attached:");
    let plan = Attachment::new("plan.csv", "text/csv", "step,who\n1,ada\n2,bob\n");
    let question = NewMessage::to(bob.contact())
        .with_cc(zoe.contact())
        .with_subject("Analytical engines")
        .with_text("Can they compose music?")
        .with_html("<p>Can they <b>compose</b> music?</p>")
        .with_attachment(plan);
    let receipt = ada.send(question).await?;
    println!("  taken for {} recipients as {}", receipt.accepted.len(), receipt.message_id);

    println!("\nBob reads it and answers; Zoë's copy waits:");
    let event = next(&bob).await?;
    if let Some(message) = event.received() {
        tell(message);
        bob.reply(message, "Of any degree of complexity.").await?;
    }
    event.ack().await?;

    println!("\nAda reads the answer, in the thread of her question:");
    let event = next(&ada).await?;
    if let Some(answer) = event.received() {
        tell(answer);
        println!(
            "  it answers {}",
            answer.in_reply_to().map(|id| id.expose().to_string()).unwrap_or_default()
        );
    }
    event.ack().await?;

    println!("\nA mail to nobody comes back:");
    ada.send(NewMessage::to("nobody@agents.example".parse::<Address>()?).with_subject("Anyone there?"))
        .await?;
    let event = next(&ada).await?;
    if let EventKind::Bounced(report) = event.kind() {
        for to in &report.recipients {
            println!("  {} for {}: {}", report.message_id, to.recipient, to.text.as_ref().expose());
        }
    }
    event.ack().await?;

    println!("\nThe program ends and starts again; what Zoë has not handled is there, marked:");
    drop(next(&zoe).await?); // handed out, and the program ends before it is acknowledged
    drop(mail);
    let mail = world.system().build()?;
    let zoe = mail.open(&"Zoë Q.".parse()?).await?;
    let event = next(&zoe).await?;
    if let Some(message) = event.received() {
        println!("  {} (handed out before: {})", message.subject().expose(), event.is_redelivery());
    }
    event.ack().await?;

    println!("\nThe domain's mail records are published with one call:");
    let report = mail.bootstrap_dns().await?;
    for set in &report.written {
        for record in &set.records {
            let name = if set.name.is_empty() { "@" } else { &set.name };
            let shown: String = record.chars().take(60).collect();
            let rest = if shown.len() < record.len() { ".." } else { "" };
            println!("  {name:<20} {:>5} {:<5} {shown}{rest}", set.ttl, set.rtype);
        }
    }
    let again = mail.bootstrap_dns().await?;
    println!("  a second run writes {} and leaves {} as they are", again.written.len(), again.unchanged);
    Ok(())
}

async fn next(mailbox: &AgentMailbox) -> Result<Event, Box<dyn Error>> {
    let event = mailbox.events().next().await;
    Ok(event.ok_or("the stream of events has ended")??)
}

fn tell(message: &agent_mail::Inbound) {
    // To be shown to a person, and to nobody else, it is taken as it is.
    let message = message.message().expose();
    let from = message.from().map(ToString::to_string).unwrap_or_default();
    println!("  from {from}: {}", message.subject());
    println!("  \"{}\"", message.text().unwrap_or_default().trim_end());
    for file in message.attachments() {
        println!("  attached: {} ({} bytes)", file.name.as_deref().unwrap_or("a file"), file.content.len());
    }
}
