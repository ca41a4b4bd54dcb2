//! Two people write to each other through a mail system in memory, with the crate `mail-access` alone.
//!
//! Usage: `cargo run --example send_and_reply`
//!
//! It prints what became of each recipient of a mail, the code and the link that a program finds in it, an answer that
//! quotes it, and what of the answer is new. The same calls work on real servers: `SmtpImap` in the place of
//! `PostOffice`.

use std::error::Error;

use mail_access::{
    Address, Attachment, Contact, Login, MailAccess, NewMessage, Policy, PostOffice, Received, Selection,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let office = PostOffice::builder().with_policy(Policy::like_postfix()).build();
    office.add_domain("agents.example".parse()?);
    let (ada, bob) = (person(&office, "ada")?, person(&office, "bob")?);

    println!("Ada writes to Bob, and to somebody who isn't there:");
    let nobody: Address = "nobody@agents.example".parse()?;
    let letter = NewMessage::to(bob.address())
        .with_cc(nobody)
        .with_subject("Your key")
        .with_text(
            "The code is 482913.\nEnter it at https://engine.example/door?id=7 within an hour.\n\n-- \nAda",
        )
        .with_attachment(Attachment::new("../plan.csv", "text/csv", "step,who\n1,bob\n"))
        .seal(&Contact::named("Ada L.", ada.address().clone()))?;
    let sent = office.submit(&ada, &letter).await?;
    println!("  {} bytes as {}", letter.size(), letter.message_id());
    for address in &sent.accepted {
        println!("  accepted: {address}");
    }
    for (address, status) in &sent.refused {
        println!("  refused:  {address}: {status} ({:?})", status.reason());
    }

    println!("\nBob reads it:");
    let letter = next(&office, &bob).await?;
    println!("  {:?} from {}, {:?}", letter.subject(), sender(&letter), letter.kind());
    println!("  new text: {:?}", letter.new_text().trim_end());
    println!("  code {}, link {}", letter.codes()[0].value(), letter.links()[0].url());
    let file = &letter.attachments()[0];
    println!("  file {:?}, to be stored as {:?}", file.name.as_deref().unwrap_or_default(), file.safe_name());

    println!("\nBob answers, quoting it:");
    let answer = NewMessage::reply_to(&letter)?.with_text("It works, thank you.").with_quote(&letter);
    office.submit(&bob, &answer.seal(&bob.address().into())?).await?;
    let answer = next(&office, &ada).await?;
    println!("  {:?} in the thread of {}", answer.subject(), answer.references()[0]);
    for line in answer.text().unwrap_or_default().lines() {
        println!("  | {line}");
    }
    println!("  what is new in it: {:?}", answer.new_text().trim_end());
    Ok(())
}

fn person(office: &PostOffice, name: &str) -> Result<Login, Box<dyn Error>> {
    let login = Login::new(format!("{name}@agents.example").parse()?, "a password".into());
    office.add_mailbox(login.address(), login.password().clone(), 0)?;
    Ok(login)
}

async fn next(office: &PostOffice, login: &Login) -> Result<Received, Box<dyn Error>> {
    let batch = office.fetch(login, &Selection::Unseen, 1).await?;
    let message = batch.messages.into_iter().next().ok_or("nothing came")?;
    office.mark_seen(login, batch.uid_validity, &[message.uid()]).await?;
    Ok(message)
}

fn sender(message: &Received) -> String {
    message.from().map(ToString::to_string).unwrap_or_default()
}
