use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use agent_mail::AgentMailbox;
use mail_access::{Address, Login, MailAccess, NewMessage, SmtpImap};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::servers::{self, percentile};
use super::{Done, Options, agents};

/// Submits `n` messages of about `size` bytes over at most `conns` connections.
pub(super) fn run(options: &Options) -> Done<Value> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(send(options))
}

async fn send(options: &Options) -> Done<Value> {
    let conns: usize = options.number("conns", 8)?;
    let task = Arc::new(Task::new(options, conns).await?);
    let begin = Instant::now();
    let mut senders = JoinSet::new();
    for _ in 0..options.number("tasks", TASKS * conns)? {
        senders.spawn(Arc::clone(&task).work());
    }
    let mut took = Vec::new();
    while let Some(done) = senders.join_next().await {
        took.extend(done??);
    }
    let sec = begin.elapsed().as_secs_f64();
    took.sort_by(f64::total_cmp);
    #[expect(clippy::cast_precision_loss, reason = "nobody sends 2^52 messages")]
    let per_s = took.len() as f64 / sec;
    Ok(json!({
        "task": "send", "n": took.len(), "sec": sec, "per_s": per_s,
        "p50_ms": percentile(&took, 50), "p99_ms": percentile(&took, 99),
    }))
}

/// What all senders share.
struct Task {
    way: Way,
    text: String,
    tag: String,
    count: usize,
    next: AtomicUsize,
}

enum Way {
    Access(Box<SmtpImap>, Login),
    /// The agents that take turns, over one login.
    Agents(Vec<AgentMailbox>),
}

impl Task {
    async fn new(options: &Options, conns: usize) -> Done<Self> {
        let mail = servers::mail(options, |config| config.with_max_smtp_connections(conns, conns))?;
        let user = options.text("user", "catchall@example.test");
        let way = if agents::are_asked_for(options)? {
            let hub = agents::hub(options, Arc::new(mail), user).await?;
            let system = agents::system(options, hub, "agent_")?;
            let mut senders = Vec::new();
            for number in 0..agents::SENDERS {
                senders.push(agents::mailbox(&system, &number.to_string()).await?);
            }
            Way::Agents(senders)
        } else {
            Way::Access(Box::new(mail), servers::login(options, user)?)
        };
        Ok(Self {
            way,
            text: text(options.number("size", 2048)?),
            tag: options.text("tag", "t").to_owned(),
            count: options.number("n", 1000)?,
            next: AtomicUsize::new(0),
        })
    }

    /// Sends until all are sent, and returns how many milliseconds each took.
    async fn work(self: Arc<Self>) -> Done<Vec<f64>> {
        let mut took = Vec::new();
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.count {
                return Ok(took);
            }
            let message = self.message(number)?;
            let sender = number % agents::SENDERS;
            let begin = Instant::now();
            match &self.way {
                Way::Access(mail, login) => {
                    let from: Address = format!("agent_{sender}@example.test").parse()?;
                    let message = message.seal(&from.into())?;
                    mail.submit(login, &message).await?;
                }
                Way::Agents(senders) => drop(senders[sender].send(message).await?),
            }
            took.push(begin.elapsed().as_secs_f64() * 1e3);
        }
    }

    fn message(&self, number: usize) -> Done<NewMessage> {
        let to: Address = format!("agent_{number}@example.test").parse()?;
        let subject = format!("bench {}-{number}", self.tag);
        let text = format!("Message {number}\r\n{}", self.text);
        Ok(NewMessage::to(to).with_subject(subject).with_text(text))
    }
}

/// Writes about `size` bytes in lines as people write them.
fn text(size: usize) -> String {
    let line = "Message from one agent to another, a line of simulation text.....\r\n";
    line.repeat(size / line.len() + 1)
}

/// Tasks for each connection: while one message is on its way, the next one's envelope goes behind it, and one more is
/// made.
const TASKS: usize = 3;
