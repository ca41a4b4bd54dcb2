//! Mailboxes by command: as JSON, as tools of a language model, and by mail from somebody who may.
//!
//! Usage: `cargo run --example mail_commands`
//!
//! It runs in memory.

use std::error::Error;

use agent_mail::commands::{CommandMailbox, Commands, Reporter, Schedule};
use agent_mail::mail_access::{TrustedServer, Verdict, Verdicts};
use agent_mail::{AgentMailbox, Embedded, NewMessage};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let world = Embedded::new("agents.example".parse()?);
    let mail = world.system().trusted_server(TrustedServer::new("mail.invalid")).build()?;

    // A program commands by JSON.
    let commands = Commands::new(mail.clone());
    for command in [
        r#"{"action": "create_mailbox", "agent": "ada"}"#,
        r#"{"action": "create_mailbox", "agent": "desk"}"#,
        r#"{"action": "send_email", "agent": "desk", "to": ["agent_ada@agents.example"],
            "subject": "Welcome", "html": "<p>Hello <b>Ada</b></p>", "key": "welcome/ada"}"#,
        r#"{"action": "monitor_all", "unread_only": true, "limit": 1}"#,
        r#"{"action": "send_email", "agent": "ada", "to": ["not an address"], "subject": "x"}"#,
    ] {
        println!("> {command}\n{}\n", commands.execute_json(command).await);
    }

    // A language model gets the commands that its agent may use as tools.
    let ada = mail.open(&"ada".parse()?).await?;
    let own = Commands::of_agent(&ada);
    for tool in own.tools() {
        println!("tool {}: {}", tool.name, tool.input_schema["required"]);
    }
    let input = serde_json::json!({ "agent": "desk" });
    println!("ada reads the desk's mail: {}\n", own.execute_tool("monitor_mailbox", &input).await.to_json());

    // A mailbox obeys who is known and proven; the other one only claims to be the boss.
    let desk = mail.open(&"desk".parse()?).await?;
    let (boss, ada_address) = ("boss@bank.example".parse()?, ada.address().clone());
    let handler =
        CommandMailbox::new().with_sender(ada_address, commands.clone()).with_sender(boss, commands.clone());
    let impostor = "boss@bank.example".parse()?;
    world.post_office().set_verdicts_for_sender(&impostor, Verdicts::all(Verdict::Fail));
    let forged = order(&desk, r#"{"action": "delete_mailbox", "agent": "ada"}"#).seal(&impostor.into())?;
    world.post_office().receive(&forged).await?;
    ada.send(order(&desk, r#"{"action": "list_mailboxes"}"#)).await?;

    let courier = mail.courier();
    let mut answers = ada.events();
    tokio::select! {
        error = desk.serve(&handler) => return Err(error.into()),
        () = courier.run(std::future::pending()) => {}
        answer = async {
            loop {
                let event = answers.next().await.ok_or("the stream goes on")??;
                if let Some(message) = event.received().filter(|message| message.in_reply_to().is_some()) {
                    break Ok::<_, Box<dyn Error>>(message.text().map(|text| text.expose().to_owned()));
                }
                event.ack().await?;
            }
        } => println!("the desk answers ada:\n{}", answer?.unwrap_or_default()),
    }

    // Once a day it is told how the mailboxes are; this is how that mail looks.
    let reporter =
        Reporter::new(commands.clone(), desk, vec![ada.address().clone()], Schedule::daily_at(7, 0)?)?;
    reporter.look().await?; // a program spawns `reporter.run()`
    let now = std::time::SystemTime::now();
    println!("{}", commands.report(now - std::time::Duration::from_hours(24), now).await?.text());
    Ok(())
}

fn order(desk: &AgentMailbox, command: &str) -> NewMessage {
    NewMessage::to(desk.contact()).with_subject("An order").with_text(command)
}
