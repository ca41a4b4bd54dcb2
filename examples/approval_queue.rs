//! Mail that names a price waits for a person, who edits, approves or rejects it; all in memory.
//!
//! Usage: `cargo run --example approval_queue`
//!
//! What waits is stored before the agent is told so, there is one outcome whoever decides first, and what is approved
//! goes into the outbox in the same step.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use agent_mail::{Embedded, ErrorKind, HeldId, NewMessage, Overdue, RequireApproval};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let world = Embedded::new("agents.example".parse()?);
    let prices = RequireApproval::when("it names a price", |letter| {
        letter.message.text().is_some_and(|text| text.contains("EUR"))
    });
    let prices = prices.with_time_out(Duration::from_hours(4), Overdue::Reject);
    let mail = world.system().outbound_check(Arc::new(prices)).build()?;
    let (ada, bob) = (mail.provision(&"ada".parse()?).await?, mail.provision(&"bob".parse()?).await?);

    let to_bob = |text: &str| NewMessage::to(bob.contact()).with_subject("The engine").with_text(text);
    ada.send(to_bob("It is on its way.")).await?;
    println!("Ada writes what needs nobody's approval: it is sent.");

    for text in ["It costs 70 EUR.", "It costs 7 EUR."] {
        let error = ada.send(to_bob(text)).await.err().ok_or("it should wait")?;
        assert_eq!(error.kind(), ErrorKind::Held);
        let id: HeldId = error.code().ok_or("it has a name")?.parse()?;
        println!("Ada writes {text:?}: {error} ({})", &id.to_string()[..12]);
    }

    let desk = mail.approvals();
    for held in desk.pending().await? {
        let text = held.message.text().unwrap_or_default();
        println!("\nEve reads {text:?} by {}, held as {}.", held.agent, held.reason);
        if text.contains("70") {
            desk.reject(&held, "Eve", "nobody pays that").await?;
            println!("  She rejects it.");
            continue;
        }
        let edited = desk.edit(&held, "Eve", to_bob("It costs 7 EUR, taxes included.")).await?;
        println!(
            "  She writes revision {}: {:?}",
            edited.revisions.len(),
            edited.message.text().unwrap_or_default()
        );
        let late = desk.approve(&held, "Mallory", "fine").await.err().ok_or("it was edited")?;
        println!("  Mallory approves what he saw before that: {late}");
        desk.approve(&edited, "Eve", "fair").await?;
        println!("  She approves it, and it is in the outbox.");
    }

    mail.courier().run(tokio::time::sleep(Duration::from_millis(300))).await;
    println!("\nBob has:");
    for message in bob.fetch_unseen(10).await? {
        println!("  {:?}", message.new_text().expose().trim_end());
    }
    println!("Ada looks up what became of hers:");
    for held in ada.held().await? {
        let decision = held.decision.ok_or("it was decided on")?;
        let verdict = format!("{:?}", decision.verdict);
        let verdict = verdict.split('(').next().unwrap_or_default();
        println!("  {verdict} by {}: {}", decision.by.unwrap_or_default(), decision.reason);
    }
    Ok(())
}
