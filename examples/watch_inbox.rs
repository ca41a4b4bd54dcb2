//! An inbox is watched: what is there comes first, then each new message as it arrives.
//!
//! Usage: `cargo run --example watch_inbox`
//!
//! Without settings it runs in memory. With `MAIL_HOST`, `MAIL_ADDRESS` and `MAIL_PASSWORD` it watches a real mailbox by
//! TLS, submission at port 465 and IMAP at port 993, and sends itself the messages that it waits for.

use std::env::var;
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mail_access::{
    Endpoint, FolderName, Login, MessageStore, NewMessage, Position, PostOffice, SmtpImap, Watcher,
    tls_config,
};
use tokio::time::timeout;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (mail, ada) = open()?;

    // From now on: what the mailbox holds already is passed over.
    let status = mail.status(&ada, &FolderName::inbox()).await?;
    let now = Position { uid_validity: status.uid_validity, uid: status.uid_next.saturating_sub(1) };
    println!("{} holds {} messages, {} unseen", ada.address(), status.messages, status.unseen);

    let mut mails = Watcher::new(mail.clone(), ada.clone(), Some(now));
    for number in 1..=3 {
        let note = NewMessage::to(ada.address())
            .with_subject(format!("note {number}"))
            .with_text("To be seen as soon as it comes.");
        let begin = Instant::now();
        let sender = mail.clone();
        let (submitted, seen) = tokio::join!(
            async { sender.submit(&ada, &note.seal(&ada.address().into())?).await },
            timeout(PATIENCE, mails.next()),
        );
        submitted?;
        let seen = seen?.ok_or("the stream goes on")??;
        println!("{:?} came after {} ms", seen.message.subject(), begin.elapsed().as_millis());
        mail.mark_seen(&ada, seen.at.uid_validity, &[seen.message.uid()]).await?;
    }
    println!("push: {:?}", mails.health());
    Ok(())
}

/// Opens the mailbox that the environment names, else one in memory.
fn open() -> Result<(Arc<dyn MessageStore>, Login), Box<dyn Error>> {
    if let Ok(host) = var("MAIL_HOST") {
        let setting = |name: &str| var(name).map_err(|_| format!("{name} is missing"));
        let login = Login::new(setting("MAIL_ADDRESS")?.parse()?, setting("MAIL_PASSWORD")?.into());
        let (smtp, imap) = (Endpoint::new(&host, 465)?, Endpoint::new(&host, 993)?);
        return Ok((Arc::new(SmtpImap::over_tls(smtp, imap, tls_config(None)?)), login));
    }
    let office = PostOffice::new();
    office.add_domain("agents.example".parse()?);
    let ada = Login::new("ada@agents.example".parse()?, "a password".into());
    office.add_mailbox(ada.address(), ada.password().clone(), 0)?;
    Ok((Arc::new(office), ada))
}

const PATIENCE: Duration = Duration::from_mins(1);
