use std::io::{BufRead as _, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use mail_access::{FolderName, Login, MailAccess, MessageStore, Position, SmtpImap};
use serde_json::{Value, json};
use tokio::sync::{Semaphore, mpsc};

use super::{Done, Options, servers};

/// Watches the inboxes of `n` agents, or the one of `user`, and tells when each message was there, until `expect`
/// came or the line `end`.
pub(super) fn run(options: &Options) -> Done<Value> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(watch(options))
}

async fn watch(options: &Options) -> Done<Value> {
    let (count, start): (usize, usize) = (options.number("n", 200)?, options.number("start", 0)?);
    let (expect, par): (usize, usize) = (options.number("expect", count)?, options.number("par", 32)?);
    let mut lines = lines();
    say("BASE")?;
    lines.recv().await;
    let begin = Instant::now();
    let mail = Arc::new(servers::mail(options, |config| config.with_max_imap_connections(count))?);
    let (turns, (events, mut came)) = (Arc::new(Semaphore::new(par)), mpsc::unbounded_channel());
    let (ready, mut established) = mpsc::unbounded_channel();
    for number in 0..count {
        let address = match options.text("user", "") {
            "" => format!("agent_{}@example.test", start + number),
            user => user.to_owned(),
        };
        let login = servers::login(options, &address)?;
        let (mail, turns, ready, events) = (mail.clone(), turns.clone(), ready.clone(), events.clone());
        tokio::spawn(async move {
            let turn = turns.acquire().await;
            let position = position(&mail, &login).await;
            drop(turn);
            let failed = position.as_ref().err().map(ToString::to_string);
            // The receiver is gone only when the task is over.
            let _ = ready.send(failed);
            if let Ok(position) = position
                && let Err(error) = follow(mail, login, position, &events).await
            {
                eprintln!("peer-driver: watch {number}: {error}");
            }
        });
    }
    for _ in 0..count {
        if let Some(Some(failed)) = established.recv().await {
            return Err(failed.into());
        }
    }
    say(&format!("WATCHING {}", begin.elapsed().as_secs_f64()))?;
    let seen = collect(&mut came, expect, &mut lines).await?;
    Ok(json!({ "task": "watch", "n": count, "establish_s": begin.elapsed().as_secs_f64(), "events": seen }))
}

/// Opens the mailbox and begins to wait, so that what comes from now on is noticed.
async fn position(mail: &SmtpImap, login: &Login) -> Result<Position, mail_access::Error> {
    let status = mail.status(login, &FolderName::inbox()).await?;
    let position = Position { uid_validity: status.uid_validity, uid: status.uid_next.saturating_sub(1) };
    mail.wait(login, position, Duration::ZERO).await?;
    Ok(position)
}

async fn follow(
    mail: Arc<SmtpImap>,
    login: Login,
    mut position: Position,
    events: &mpsc::UnboundedSender<(String, f64)>,
) -> Result<(), mail_access::Error> {
    loop {
        for message in servers::next(&mail, &login, &mut position).await? {
            let id = message.headers().find(|(name, _)| name.eq_ignore_ascii_case("X-Bench-Id"));
            let id = id.map(|(_, value)| value.trim().to_owned()).unwrap_or_default();
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
            // The receiver is gone only when the task is over.
            let _ = events.send((id, now));
        }
    }
}

async fn collect(
    came: &mut mpsc::UnboundedReceiver<(String, f64)>,
    expect: usize,
    lines: &mut mpsc::UnboundedReceiver<String>,
) -> Done<Vec<(String, f64)>> {
    let mut seen = Vec::new();
    let mut said = false;
    loop {
        tokio::select! {
            Some(event) = came.recv() => seen.push(event),
            _ = lines.recv() => return Ok(seen),
        }
        if seen.len() >= expect && !said {
            said = true;
            say("DONE")?;
        }
    }
}

/// Reads stdin in a thread of its own, which ends with the program.
fn lines() -> mpsc::UnboundedReceiver<String> {
    let (read, lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        // The receiver is gone only when the task is over.
        std::io::stdin().lock().lines().map_while(Result::ok).try_for_each(|line| read.send(line))
    });
    lines
}

/// Whoever drives it reads line by line.
fn say(line: &str) -> Done<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()?;
    Ok(())
}
