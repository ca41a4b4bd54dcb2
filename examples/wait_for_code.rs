//! An agent signs up at a service, waits for the mail with the one-time code, and enters it; all in memory.
//!
//! Usage: `cargo run --example wait_for_code`
//!
//! The code may come before the agent begins to wait: the place in the INBOX was noted before the sign-up, so that it is
//! found all the same, and an old code is not.

use std::error::Error;
use std::time::Duration;

use agent_mail::{AgentMail, AgentMailbox, NewMessage, Wanted};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mail = AgentMail::embedded("agents.example")?;
    let ada = mail.provision(&"ada".parse()?).await?;
    let service = mail.provision(&"service".parse()?).await?;

    send_code(&service, &ada, "111222").await?;
    println!("Yesterday's code, 111222, lies in the INBOX of {}.", ada.address());

    let mut since = ada.cursor().await?;
    println!("Ada notes where the INBOX ends, and signs up.");
    send_code(&service, &ada, "482 913").await?;
    println!("The service is quick: its mail is there before Ada looks.");

    let wanted = Wanted::new().from(service.address().to_string()).subject("code");
    let found =
        ada.wait_for_code(wanted, &mut since, Duration::from_secs(30)).await?.ok_or("no code came")?;
    // A stranger wrote it: it is marked as such until the program says that it knows.
    let code = found.code().ok_or("it has none")?.expose();
    println!("The code is {code}, and the link {}.", found.link().ok_or("it has none")?.expose());

    let none = ada.wait_for_code(Wanted::new(), &mut since, Duration::from_millis(200)).await?;
    println!("Behind it there is {}.", if none.is_none() { "no other" } else { "another" });
    println!("The events of the mailbox still have {} mails: waiting takes none away.", events(&ada).await?);
    Ok(())
}

async fn send_code(from: &AgentMailbox, to: &AgentMailbox, code: &str) -> Result<(), agent_mail::Error> {
    let text = format!("Your code is {code}.\n\nOr open https://service.example/in?code=1 to go on.");
    from.send(NewMessage::to(to.contact()).with_subject("Your code").with_text(text)).await.map(drop)
}

async fn events(mailbox: &AgentMailbox) -> Result<usize, agent_mail::Error> {
    let mut events = mailbox.events();
    let mut count = 0;
    while let Ok(Some(event)) = tokio::time::timeout(Duration::from_millis(100), events.next()).await {
        let event = event?;
        count += usize::from(event.received().is_some());
        event.ack().await?;
    }
    Ok(count)
}
