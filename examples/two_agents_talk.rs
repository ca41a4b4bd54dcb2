//! Two agents write to each other, and the program looks at what they say as one conversation; all in memory.
//!
//! Usage: `cargo run --example two_agents_talk`
//!
//! Each agent has events and a view of its own mailbox; the operator sees the conversation that both have part in, and a
//! stranger who claims to belong to it doesn't.

use std::error::Error;
use std::time::Duration;

use agent_mail::mail_access::Uid;
use agent_mail::{AgentMail, AgentMailbox, Inbound, NewMessage, Received, Reply, Sending};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mail = AgentMail::embedded("agents.example")?;
    let (ada, bob) = (mail.provision(&"ada".parse()?).await?, mail.provision(&"bob".parse()?).await?);

    println!("Ada asks, and they talk:");
    let question = NewMessage::to(bob.contact()).with_subject("Engines").with_text("Do they dream?");
    say(&mail, &ada, question).await?;
    for (who, text) in [(&bob, "Who?"), (&ada, "Engines."), (&bob, "Only of mail.")] {
        answer(&mail, who, text).await?;
    }

    // A stranger answers a message of theirs that she never got.
    let eve = mail.provision(&"eve".parse()?).await?;
    let last = ada.conversations().await?.threads()[0].latest().clone();
    let name = last.message_id.ok_or("it has one")?.expose();
    let never_got = format!("From: {}\r\nMessage-ID: {name}\r\nSubject: Engines\r\n\r\n", ada.address());
    let uid = Uid::new(1).ok_or("not 0")?;
    let never_got = Received::parse(uid, last.arrived, false, never_got.into_bytes());
    eve.reply(&Inbound::new(never_got, None), "Tell me more.").await?;

    let mine = ada.conversations().await?;
    println!("\nAda's mailbox has {} threads:", mine.threads().len());
    for thread in mine.threads() {
        let claim = if thread.latest().disputed.is_some() { ", which claims to be an answer" } else { "" };
        println!("  {:?}, of {} messages{claim}", thread.subject().expose(), thread.messages().len());
        ada.set_thread_metadata(thread.id(), "reviewed", Some(&true.into())).await?;
    }

    println!("\nThe operator sees:");
    for thread in mail.conversations().await?.threads() {
        let agents: Vec<_> = thread.seen_by.iter().map(|(agent, _)| agent.to_string()).collect();
        println!("  a conversation in the mailboxes of {}:", agents.join(" and "));
        for message in &thread.messages {
            let by = message.sent_by.as_ref().map(ToString::to_string).unwrap_or_default();
            println!("    {:?}, sent by {by}", message.subject.as_ref().expose());
        }
    }
    Ok(())
}

/// Takes the next mail, and answers it above a quote.
async fn answer(mail: &AgentMail, mailbox: &AgentMailbox, text: &str) -> Result<(), Box<dyn Error>> {
    let mut events = mailbox.events();
    loop {
        let event = events.next().await.ok_or("it goes on")??;
        event.ack().await?;
        // That its own mail was taken is an event too.
        let Some(message) = event.received() else { continue };
        println!("  {} reads {:?} and says {text:?}", mailbox.id(), message.new_text().expose().trim_end());
        let answer = mailbox.answer(message, Reply::new(text).with_quote())?;
        return Ok(say(mail, mailbox, answer).await?);
    }
}

/// Has the courier send a message, with a copy into the sender's folder for sent mail.
async fn say(mail: &AgentMail, from: &AgentMailbox, message: NewMessage) -> Result<(), agent_mail::Error> {
    from.enqueue(Sending::new(message)).await?;
    mail.courier().run(tokio::time::sleep(Duration::from_millis(100))).await;
    Ok(())
}
