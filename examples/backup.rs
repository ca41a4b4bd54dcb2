//! Mailboxes go into encrypted archives, and come back out of them.
//!
//! Usage: `cargo run --example backup`
//!
//! It gives an agent mail, backs the mailbox up once a day for three months of made-up days, removes what the retention
//! doesn't keep, verifies what is left, and restores the newest archive into another mailbox, twice: the second time adds
//! nothing. All of it happens in memory and in a folder that is removed afterwards.
//!
//! With `BACKUP_FOLDER`, a key, and `MAILCOW_API_URL`, `MAILCOW_API_KEY`, `MAILCOW_HOSTNAME`, `MAILCOW_DOMAIN`, `DESEC_TOKEN`
//! and `AGENT_MAIL_STATE_DIR` (see `.env.example`) it backs up the mailboxes of all agents on the real servers over TLS, now
//! and once in 24 hours until it is interrupted. Of the key it takes the public half (`BACKUP_RECIPIENT`, `age1..`, from
//! `age-keygen`), so that who takes the machine can't read the archives, or else a passphrase (`BACKUP_PASSPHRASE`).

mod program;

use std::env;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use agent_mail::backup::Backups;
use agent_mail::mail_access::Login;
use agent_mail::{Config, Embedded, EncryptionKey, NewMessage};
use program::variable;

#[tokio::main]
async fn main() -> ExitCode {
    program::end(run().await.map(|()| ExitCode::SUCCESS))
}

async fn run() -> Result<(), Box<dyn Error>> {
    // Either half of the key will do.
    let key = if variable("BACKUP_PASSPHRASE").is_some() { "BACKUP_PASSPHRASE" } else { "BACKUP_RECIPIENT" };
    let needed = [
        "BACKUP_FOLDER",
        key,
        "MAILCOW_API_URL",
        "MAILCOW_API_KEY",
        "MAILCOW_HOSTNAME",
        "MAILCOW_DOMAIN",
        "DESEC_TOKEN",
        "AGENT_MAIL_STATE_DIR",
    ];
    if program::is_real(&needed, &[("BACKUP_RECIPIENT", &[])], &variable)? {
        keep_real().await
    } else {
        show().await
    }
}

async fn keep_real() -> Result<(), Box<dyn Error>> {
    let folder = variable("BACKUP_FOLDER").ok_or("BACKUP_FOLDER is not set")?;
    let key = match (variable("BACKUP_RECIPIENT"), variable("BACKUP_PASSPHRASE")) {
        (Some(recipient), _) => EncryptionKey::from_recipient(&recipient)?,
        (_, Some(passphrase)) => EncryptionKey::from_passphrase(passphrase.into())?,
        _ => return Err("BACKUP_RECIPIENT or BACKUP_PASSPHRASE is not set".into()),
    };
    let config = Config::from_env()?;
    let (agents, servers) = (config.builder()?.build()?, config.mail()?);
    let backups = Backups::open(folder, key)?;
    let round = backups.round(&servers, &agents, DAY).await?;
    for (mailbox, error) in &round.failed {
        eprintln!("{mailbox} is not backed up: {error}; {}", error.fix());
    }
    for (mailbox, made) in backups.newest().await? {
        println!("{mailbox}: the newest archive is {} h old", made.elapsed()?.as_secs() / 3600);
    }
    tokio::select! {
        () = backups.keep(&servers, &agents, DAY) => Ok(()),
        interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
    }
}

async fn show() -> Result<(), Box<dyn Error>> {
    let folder = env::temp_dir().join(format!("backup-example-{}", std::process::id()));
    let shown = show_in(folder.clone()).await;
    std::fs::remove_dir_all(&folder)?;
    shown
}

async fn show_in(folder: PathBuf) -> Result<(), Box<dyn Error>> {
    let world = Embedded::new("agents.example".parse()?);
    let agents = world.system().build()?;
    let ada = agents.provision(&"ada".parse()?).await?;
    let mail = world.post_office();

    // A clock of our own, to see three months at once.
    let days = Arc::new(AtomicU64::new(0));
    let today = {
        let days = days.clone();
        move || {
            SystemTime::UNIX_EPOCH
                + DAY * 20_600
                + DAY * u32::try_from(days.load(Ordering::Relaxed)).unwrap_or(0)
        }
    };
    let backups = Backups::open(folder, EncryptionKey::generate())?.with_clock(today);
    for day in 0..90 {
        days.store(day, Ordering::Relaxed);
        let letter =
            NewMessage::to(ada.address()).with_subject(format!("day {day}")).with_text("Dear diary ..");
        ada.send(letter).await?;
        let round = backups.round(mail, &agents, DAY).await?;
        assert_eq!((round.done.len(), round.failed.len()), (1, 0));
    }
    let archives = backups.archives(ada.address()).await?;
    println!("90 backups were made; {} are kept, of 7 days and of each month:", archives.len());
    for archive in &archives {
        backups.verify(archive).await?;
        println!(
            "  {archive}: {} messages, {} bytes encrypted, verified",
            archive.messages, archive.file_bytes
        );
    }

    let other = Login::new("copy@agents.example".parse()?, "a password".into());
    mail.add_mailbox(other.address(), other.password().clone(), 0)?;
    let newest = archives.last().ok_or("there is no archive")?;
    for time in ["first", "second"] {
        let restored = backups.restore(newest, mail, &other).await?;
        println!(
            "restored a {time} time: {} messages added, {} were there",
            restored.added, restored.present
        );
    }
    Ok(())
}

const DAY: Duration = Duration::from_hours(24);
