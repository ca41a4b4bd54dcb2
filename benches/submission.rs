//! What a message costs on its way out, beside a server in memory that costs next to nothing.
//!
//! `limit` is a raw writer: text that is ready, and the next envelope in one write with the message before it. `pool` is
//! `SmtpImap::submit` over one connection that is reused, one message after the other.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use mail_access::{
    Connector, Endpoint, Login, MailAccess, NewMessage, Outgoing, PlainStream, SmtpImap, SmtpImapConfig,
    Stream,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Mutex;

criterion_group!(submission, submit);
criterion_main!(submission);

fn submit(criterion: &mut Criterion) {
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime can be made");
    let mut group = criterion.benchmark_group("submission");
    group.throughput(Throughput::Elements(1));
    for size in [2 << 10, 20 << 10] {
        let message = message(size);
        let raw = Mutex::new(runtime.block_on(Raw::open(&message)));
        group.bench_function(BenchmarkId::new("limit", size), |bencher| {
            bencher.to_async(&runtime).iter(async || raw.lock().await.send().await.expect("it is taken"));
        });
        let (mail, login) = (pool(&runtime), login());
        group.bench_function(BenchmarkId::new("pool", size), |bencher| {
            bencher
                .to_async(&runtime)
                .iter(async || mail.submit(&login, &message).await.expect("it is taken"));
        });
    }
    group.finish();
}

fn pool(runtime: &Runtime) -> SmtpImap {
    let _entered = runtime.enter();
    let server = Endpoint::new("mail.agents.example", 465).expect("a name");
    let config = SmtpImapConfig::new(server.clone(), server).with_max_smtp_messages(u32::MAX);
    SmtpImap::new(config, Arc::new(InMemory))
}

/// Sends one message again and again.
struct Raw {
    stream: DuplexStream,
    flight: Vec<u8>,
}

impl Raw {
    async fn open(message: &Outgoing) -> Self {
        let mut envelope = format!("MAIL FROM:<{}>\r\n", message.sender());
        for recipient in message.recipients() {
            write!(envelope, "RCPT TO:<{recipient}>\r\n").expect("there is room");
        }
        envelope.push_str("DATA\r\n");
        let flight = [message.bytes(), b".\r\n", envelope.as_bytes()].concat();
        let mut raw = Self { stream: serve(), flight };
        raw.hear(1).await.expect("it greets");
        raw.stream.write_all(b"EHLO x\r\n").await.expect("it listens");
        raw.hear(1).await.expect("it answers");
        raw.stream.write_all(envelope.as_bytes()).await.expect("it listens");
        raw.hear(3).await.expect("it answers");
        raw
    }

    /// Sends the message whose envelope went ahead, with the envelope of the next one.
    async fn send(&mut self) -> io::Result<()> {
        self.stream.write_all(&self.flight).await?;
        self.hear(4).await
    }

    async fn hear(&mut self, mut replies: usize) -> io::Result<()> {
        let (mut buffer, mut line) = ([0; 1024], VecDeque::new());
        while replies > 0 {
            let read = self.stream.read(&mut buffer).await?;
            for &byte in &buffer[..read] {
                line.push_back(byte);
                if byte == b'\n' {
                    replies -= usize::from(line.get(3) == Some(&b' '));
                    line.clear();
                }
            }
        }
        Ok(())
    }
}

#[derive(Debug)]
struct InMemory;

#[async_trait]
impl Connector for InMemory {
    async fn connect(&self, _: &Endpoint) -> io::Result<Stream> {
        Ok(Box::new(serve()))
    }

    async fn connect_plain(&self, _: &Endpoint) -> io::Result<PlainStream> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn upgrade(&self, _: &Endpoint, _: PlainStream) -> io::Result<Stream> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Opens a connection to a server that says yes to everything.
fn serve() -> DuplexStream {
    let (here, mut there) = tokio::io::duplex(1 << 16);
    tokio::spawn(async move {
        let mut heard = Vec::new();
        let mut replies = b"220 x\r\n".to_vec();
        let mut in_message = false;
        while there.write_all(&replies).await.is_ok()
            && there.read_buf(&mut heard).await.is_ok_and(|read| read > 0)
        {
            replies.clear();
            let taken = answer(&heard, &mut in_message, &mut replies);
            heard.drain(..taken);
        }
    });
    here
}

/// Answers what is whole of that which was heard, and tells how much that is.
fn answer(heard: &[u8], in_message: &mut bool, replies: &mut Vec<u8>) -> usize {
    let mut taken = 0;
    loop {
        let rest = &heard[taken..];
        if *in_message {
            // The client waits for the answer, so that no other message can be behind it.
            let Some(end) = rest.windows(END.len()).rposition(|end| end == END) else { return taken };
            taken += end + END.len();
            *in_message = false;
            replies.extend_from_slice(b"250 2.0.0 queued\r\n");
            continue;
        }
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else { return taken };
        let line = &rest[..=end];
        taken += line.len();
        *in_message = line == b"DATA\r\n";
        replies.extend_from_slice(match &line[..4] {
            b"EHLO" => b"250-x\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SIZE 0\r\n250 AUTH PLAIN\r\n",
            b"AUTH" => b"235 2.7.0 ok\r\n",
            b"DATA" => b"354 go on\r\n",
            _ => b"250 2.1.0 ok\r\n",
        });
    }
}

fn message(size: usize) -> Outgoing {
    let line = "A line of a letter from one agent to another one, as people write them.\n";
    let text = line.repeat(size / line.len() + 1);
    let message = NewMessage::to("bob@agents.example".parse::<mail_access::Address>().expect("an address"));
    message.with_subject("x").with_text(text).seal(&login().address().into()).expect("it can be sealed")
}

fn login() -> Login {
    Login::new("ada@agents.example".parse().expect("an address"), "a password".into())
}

const END: &[u8] = b"\r\n.\r\n";
