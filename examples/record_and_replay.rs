//! Records what a program says to its mail system, writes it into a file without secrets, names and contents, and lets
//! the same program run on that file.
//!
//! Usage: `cargo run --example record_and_replay [-- FILE.jsonl]`

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use agent_mail::cassette::{Cassette, Recorder, Redaction, Replay};
use agent_mail::mail_access::{Address, Login, MailAccess, NewMessage, PostOffice, Selection};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1);
    let path = path.map_or_else(|| std::env::temp_dir().join("record_and_replay.jsonl"), PathBuf::from);

    // In earnest it would be `SmtpImap`; here it is a mail system in memory.
    let (ada, bob): (Address, Address) = ("ada@agents.example".parse()?, "bob@agents.example".parse()?);
    let office = PostOffice::new();
    office.add_domain("agents.example".parse()?);
    for address in [&ada, &bob] {
        office.add_mailbox(address, PASSWORD.into(), 0)?;
    }
    let login = |address: &Address| Login::new(address.clone(), PASSWORD.into());
    let recorder = Recorder::new(Arc::new(office));
    println!("recorded:");
    exchange(&recorder, &login(&ada), &login(&bob)).await?;

    let text = recorder.cassette().to_string();
    assert!(
        !text.contains(PASSWORD) && !text.contains("ada") && !text.contains("dream"),
        "nothing of it is there"
    );
    std::fs::write(&path, &text)?;
    println!("\n{} lines in {}, the first of them:", text.lines().count(), path.display());
    for line in text.lines().take(2) {
        println!("  {}", line.chars().take(110).collect::<String>());
    }

    let cassette: Cassette = std::fs::read_to_string(&path)?.parse()?;
    assert_eq!(cassette.redaction(), Redaction::All);
    let logins = cassette.logins();
    let [first, second] = &logins[..] else { return Err("two have called".into()) };
    println!("\nreplayed:");
    let replay = Replay::new(cassette.clone());
    exchange(&replay, &login(first), &login(second)).await?;
    let more = exchange(&replay, &login(first), &login(second)).await;
    println!("once more: {}", more.err().map_or_else(String::new, |error| error.to_string()));
    Ok(())
}

/// The program: one writes, the other reads.
async fn exchange(mail: &dyn MailAccess, from: &Login, to: &Login) -> Result<(), Box<dyn Error>> {
    let note = NewMessage::to(to.address()).with_subject("Engines").with_text("Do they dream?");
    let sent = mail.submit(from, &note.seal(&from.address().into())?).await?;
    println!(
        "  {} sends to {}",
        from.address(),
        sent.accepted.iter().map(Address::to_string).collect::<String>()
    );
    for message in mail.fetch(to, &Selection::Unseen, 10).await?.messages {
        println!(
            "  {} reads {:?}: {:?}",
            to.address(),
            message.subject(),
            message.text().unwrap_or_default()
        );
    }
    Ok(())
}

const PASSWORD: &str = "analytical-engine-1843";
