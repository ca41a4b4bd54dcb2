//! One agent's life on real servers: provisioned at Mailcow, its zone kept at deSEC, a mail to itself, and retired.
//!
//! Usage: `cargo run --example agent_lifecycle [-- NAME [--keep]]`
//!
//! NAME is the agent's name, `lifecycle` unless given; with `--keep` it is not retired at the end, so that the next
//! run opens it again. The environment says which servers: see `.env.example` for the variables. What is missing or
//! malformed is named, and nothing is sent then.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use agent_mail::{AgentId, AgentMail, NewMessage, Untrusted};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        println!(
            "usage: cargo run --example agent_lifecycle [-- NAME [--keep]]; .env.example lists the variables"
        );
        return ExitCode::SUCCESS;
    }
    let keep = arguments.iter().any(|argument| argument == "--keep");
    let name =
        arguments.iter().find(|argument| !argument.starts_with('-')).map_or("lifecycle", String::as_str);
    match live(name, keep).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            let mut cause = error.source();
            while let Some(inner) = cause {
                eprintln!("  because {inner}");
                cause = inner.source();
            }
            if let Some(error) = error.downcast_ref::<agent_mail::Error>() {
                eprintln!("  what to do: {}", error.fix());
            }
            ExitCode::FAILURE
        }
    }
}

async fn live(name: &str, keep: bool) -> Result<(), Box<dyn Error>> {
    let mail = AgentMail::from_env()?;
    let id: AgentId = name.parse()?;

    let report = mail.bootstrap_dns().await?;
    println!(
        "the zone of {}: {} written, {} as they have to be",
        mail.domain(),
        report.written.len(),
        report.unchanged
    );

    let agent = mail.provision(&id).await?;
    println!("{id} has the mailbox {}", agent.address());
    for open in agent.unconfirmed().await? {
        println!(
            "an earlier run may or may not have sent {}; it is looked up and sent if need be",
            open.message_id()
        );
        open.resend().await?;
    }

    let note = NewMessage::to(agent.contact()).with_subject("Note to self").with_text("Remember the milk.");
    let receipt = agent.send(note).await?;
    println!("sent {}", receipt.message_id);

    let mut events = agent.events();
    let arrival = async {
        while let Some(event) = events.next().await {
            let event = event?;
            event.ack().await?;
            if let Some(message) = event.received()
                && message.message_id().is_some_and(|id| id == &receipt.message_id)
            {
                println!("received: {}", message.text().map_or("", Untrusted::expose).trim_end());
                return Ok(());
            }
        }
        Err("the stream of events has ended".into())
    };
    let in_time = tokio::time::timeout(Duration::from_mins(2), arrival).await;
    in_time
        .map_err(|_| "the mail did not arrive within two minutes")?
        .map_err(|error: Box<dyn Error>| error)?;

    if keep {
        println!("{id} is kept; run it again to open the same mailbox");
    } else {
        mail.retire(&id).await?;
        println!("{id} is retired, with its mailbox and its secrets");
    }
    Ok(())
}
