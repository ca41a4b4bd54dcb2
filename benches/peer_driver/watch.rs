use std::io::{BufRead as _, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use agent_mail::AgentMailbox;
use mail_access::{
    EnvelopeRule, Error, FolderName, Hub, HubPosition, Login, MailAccess, MessageStore, Position, Received,
    SmtpImap,
};
use serde_json::{Value, json};
use tokio::sync::{Semaphore, mpsc};

use super::{Done, Options, agents, servers};

/// Which message came, and when.
type Events = mpsc::UnboundedSender<(String, f64)>;

/// Watches the inboxes of `n` agents, or the one of `user` as a hub of `addresses` agents, and tells when each message was
/// there, until `expect` came or the line `end`.
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
    if agents::are_asked_for(options)? {
        let hub = agents::hub(options, mail.clone(), options.text("user", "catchall@example.test")).await?;
        let system = agents::system(options, hub, "agent_")?;
        for number in 0..options.number("addresses", agents::SENDERS)? {
            let agent = agents::mailbox(&system, &number.to_string()).await?;
            tokio::spawn(listen(agent, events.clone()));
        }
        say(&format!("WATCHING {}", begin.elapsed().as_secs_f64()))?;
        let seen = collect(&mut came, expect, &mut lines).await?;
        return Ok(
            json!({ "task": "watch", "n": count, "establish_s": begin.elapsed().as_secs_f64(), "events": seen }),
        );
    }
    let addresses = match options.text("user", "") {
        "" => None,
        _ => Some(options.number("addresses", 500)?),
    };
    for number in 0..count {
        let agent = format!("agent_{}@example.test", start + number);
        let login = servers::login(options, options.text("user", &agent))?;
        let (mail, turns, ready, events) = (mail.clone(), turns.clone(), ready.clone(), events.clone());
        tokio::spawn(async move {
            let turn = turns.acquire().await;
            let position = position(&mail, &login).await;
            drop(turn);
            let failed = position.as_ref().err().map(ToString::to_string);
            // The receiver is gone only when the task is over.
            let _ = ready.send(failed);
            let Ok(position) = position else { return };
            let followed = match addresses {
                Some(addresses) => share(mail, login, position, addresses, events).await,
                None => follow(mail, login, position, &events).await,
            };
            if let Err(error) = followed {
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
async fn position(mail: &SmtpImap, login: &Login) -> Result<Position, Error> {
    let status = mail.status(login, &FolderName::inbox()).await?;
    let position = Position { uid_validity: status.uid_validity, uid: status.uid_next.saturating_sub(1) };
    mail.wait(login, position, Duration::ZERO).await?;
    Ok(position)
}

async fn follow(mail: Arc<SmtpImap>, login: Login, mut position: Position, events: &Events) -> Done<()> {
    loop {
        for message in servers::next(&mail, &login, &mut position).await? {
            tell(events, &message);
        }
    }
}

/// Hands on what comes for one agent.
async fn listen(agent: AgentMailbox, events: Events) -> Done<()> {
    let mut mails = agent.events();
    while let Some(event) = mails.next().await {
        let event = event?;
        if let Some(message) = event.received() {
            tell(&events, message.message().expose());
        }
        event.ack().await?;
    }
    Ok(())
}

/// What a server delivers without a word on the envelope is a dead letter, and came all the same.
async fn share(
    mail: Arc<SmtpImap>,
    login: Login,
    position: Position,
    addresses: usize,
    events: Events,
) -> Done<()> {
    let builder = Hub::builder(mail, login, EnvelopeRule::mailcow());
    let hub = builder.with_position(HubPosition::behind(position)).start();
    for number in 0..addresses {
        let mailbox = hub.address(&format!("agent_{number}@example.test").parse()?);
        let events = events.clone();
        tokio::spawn(async move {
            while let Ok(delivery) = mailbox.next().await {
                tell(&events, delivery.message());
                delivery.acknowledge();
            }
        });
    }
    let dead = hub.dead_letters();
    loop {
        let letter = dead.next().await?;
        tell(&events, letter.message());
        letter.acknowledge();
    }
}

fn tell(events: &Events, message: &Received) {
    let id = message.headers().find(|(name, _)| name.eq_ignore_ascii_case("X-Bench-Id"));
    let id = id.map(|(_, value)| value.trim().to_owned()).unwrap_or_default();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    // The receiver is gone only when the task is over.
    let _ = events.send((id, now));
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
