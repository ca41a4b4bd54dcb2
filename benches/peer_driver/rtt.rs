use std::sync::Arc;
use std::time::{Duration, Instant};

use agent_mail::AgentMailbox;
use mail_access::{FolderName, Login, MailAccess, MessageStore, NewMessage, Position, SmtpImap};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::servers::{self, next, percentile};
use super::{Done, Options, agents};

/// Which subject came, and when.
type Arrived = mpsc::UnboundedSender<(String, Instant)>;

/// Sends `trips` messages from `a` to `b`, one at a time, and waits for each in the mailbox of `b`.
pub(super) fn run(options: &Options) -> Done<Value> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(rtt(options))
}

async fn rtt(options: &Options) -> Done<Value> {
    let mail = Arc::new(servers::mail(options, |config| config)?);
    let from = servers::login(options, options.text("a", "agent_0@example.test"))?;
    let to = servers::login(options, options.text("b", "agent_1@example.test"))?;
    let (trips, tag) = (options.number("trips", 60)?, options.text("tag", "t"));
    let status = mail.status(&to, &FolderName::inbox()).await?;
    let start = Position { uid_validity: status.uid_validity, uid: status.uid_next.saturating_sub(1) };
    let (arrived, mut arrivals) = mpsc::unbounded_channel();
    let (sender, follower) = if agents::are_asked_for(options)? {
        let system = agents::system(options, mail.clone(), "agent_")?;
        let name = |login: &Login| login.address().local_part().trim_start_matches("agent_").to_owned();
        let receiver = agents::mailbox(&system, &name(&to)).await?;
        (Some(agents::mailbox(&system, &name(&from)).await?), tokio::spawn(listen(receiver, arrived)))
    } else {
        (None, tokio::spawn(follow(Arc::clone(&mail), to.clone(), start, arrived)))
    };
    let (mut took, mut sent) = (Vec::new(), Vec::new());
    for trip in 0..trips {
        // Both sides come to rest, so that no trip gains by the one before it.
        tokio::time::sleep(REST).await;
        let subject = format!("bench {tag}-{trip}");
        let text = "A line of the simulation, from one agent to another.\r\n".repeat(38);
        let message = NewMessage::to(to.address()).with_subject(&subject).with_text(text);
        let begin = Instant::now();
        match &sender {
            Some(sender) => drop(sender.send(message).await?),
            None => drop(mail.submit(&from, &message.seal(&from.address().into())?).await?),
        }
        sent.push(begin.elapsed().as_secs_f64() * 1e3);
        loop {
            let (seen, at) = tokio::time::timeout(LOST, arrivals.recv()).await?.ok_or("the watcher ended")?;
            if seen == subject {
                took.push(at.duration_since(begin).as_secs_f64() * 1e3);
                break;
            }
        }
    }
    follower.abort();
    let all = took.clone();
    took.sort_by(f64::total_cmp);
    sent.sort_by(f64::total_cmp);
    Ok(json!({
        "task": "rtt", "trips": all.len(), "lat_ms": all, "p50_ms": percentile(&took, 50),
        "p99_ms": percentile(&took, 99), "send_p50_ms": percentile(&sent, 50),
    }))
}

/// What was in the mailbox before is passed by, as whoever waits compares subjects.
async fn listen(receiver: AgentMailbox, arrived: Arrived) -> Done<()> {
    let mut events = receiver.events();
    while let Some(event) = events.next().await {
        let event = event?;
        if let Some(message) = event.received() {
            // The receiver is gone only when the task is over.
            let _ = arrived.send((message.subject().expose().to_owned(), Instant::now()));
        }
        event.ack().await?;
    }
    Ok(())
}

async fn follow(mail: Arc<SmtpImap>, login: Login, mut position: Position, arrived: Arrived) -> Done<()> {
    loop {
        for message in next(&mail, &login, &mut position).await? {
            // The receiver is gone only when the task is over.
            let _ = arrived.send((message.subject().to_owned(), Instant::now()));
        }
    }
}

const REST: Duration = Duration::from_millis(100);
const LOST: Duration = Duration::from_secs(40);
