//! A hundred agents whose addresses share one mailbox, run as one fleet: a note goes round until all have had it.
//!
//! `cargo run --example fleet_on_a_hub` needs no server: all of it is in memory. On a Mailcow the hub is a mailbox, a
//! catch-all alias and a filter; see `mail_access::Hub`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use agent_mail::{
    AgentId, AgentMail, AgentMailbox, Effects, Embedded, Error, Event, EventHandler, Fleet, NewMessage, Way,
};
use async_trait::async_trait;

const AGENTS: usize = 100;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let world = Embedded::new("agents.example".parse().expect("it is a domain"));
    // The one setting: without the hub each agent has a mailbox of its own.
    let mail = world.system().hub(world.hub().await?).build()?;
    for n in 0..AGENTS {
        mail.provision(&name(n)).await?;
    }
    let fleet = Fleet::builder(mail.clone()).start().await?;
    println!("{} agents, {} mailbox", fleet.len(), world.post_office().mailboxes_of(mail.domain()).len());

    let first = mail.open(&name(0)).await?;
    first.send(NewMessage::to(first.contact()).with_subject("note").with_text("1")).await?;
    let relay = Relay { mail: mail.clone(), handled: AtomicUsize::new(0) };
    tokio::join!(fleet.serve(&relay), async {
        while relay.handled.load(Ordering::Relaxed) < AGENTS {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // What is in hand is finished; what nobody handled comes again in the next run.
        fleet.stop(Duration::from_secs(5)).await;
    });
    println!("the note was with all {} agents", relay.handled.load(Ordering::Relaxed));

    // One of them gets a mailbox of its own, and its mail goes with it.
    mail.move_to(&name(7), Way::Mailbox).await?;
    let moved = mail.open(&name(7)).await?;
    println!(
        "{} has a mailbox now, with {} message in it",
        moved.address(),
        moved.fetch_unseen(10).await?.len()
    );
    Ok(())
}

/// Gives the note to the next agent.
#[derive(Debug)]
struct Relay {
    mail: AgentMail,
    handled: AtomicUsize,
}

#[async_trait]
impl EventHandler for Relay {
    async fn handle(&self, mailbox: &AgentMailbox, event: &Event) -> Result<Effects, Error> {
        let Some(message) = event.received() else { return Ok(Effects::new()) };
        let had = self.handled.fetch_add(1, Ordering::Relaxed) + 1;
        if had < AGENTS {
            let next = self.mail.address_of(&name(had))?;
            let note = NewMessage::to(next).with_subject("note").with_text((had + 1).to_string());
            // By its key it is sent once, however often the handler is called for this event.
            mailbox.send_once(message.message_id().map_or("note", |id| id.expose().as_str()), note).await?;
        }
        Ok(Effects::new().with_note("had the note", "yes"))
    }
}

fn name(n: usize) -> AgentId {
    format!("agent-{n}").parse().expect("it is a name")
}
