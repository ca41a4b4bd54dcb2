//! How many instructions the processor takes to read a message, to route one, and to read an IMAP server's answers under
//! guard: figures that other work on the machine doesn't change.
//!
//! `cargo bench --bench instructions` needs valgrind and `cargo install gungraun-runner`, of gungraun's version.

#![allow(missing_docs, reason = "the macros write modules without any")]

use std::hint::black_box;
use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use gungraun::{library_benchmark, library_benchmark_group, main};
use mail_access::{
    Address, AddressMap, Batch, Connector, Endpoint, EnvelopeRule, Login, MailAccess, PlainStream, Received,
    Selection, SmtpImap, SmtpImapConfig, Stream, Uid,
};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream};
use tokio::runtime::{Builder, Runtime};

#[library_benchmark]
#[bench::letter(letter(1 << 10))]
#[bench::large(letter(1 << 18))]
fn parse(raw: Arc<[u8]>) -> Received {
    black_box(Received::parse(uid(), SystemTime::UNIX_EPOCH, false, raw))
}

#[library_benchmark]
#[bench::one_of_10_000(routes(10_000))]
fn route((rule, map, mail): (EnvelopeRule, AddressMap<u32>, Arc<[u8]>)) -> Option<u32> {
    let recipient = rule.recipient(&mail).expect("the server noted it");
    black_box(map.find(&recipient).copied())
}

// The login is part of it.
#[library_benchmark]
#[bench::of_100_letters(mailbox(100))]
fn guard((runtime, mail, login): (Runtime, SmtpImap, Login)) -> Batch {
    let fetch = mail.fetch(&login, &Selection::After(None), usize::MAX);
    black_box(runtime.block_on(fetch).expect("they can be read"))
}

library_benchmark_group!(name = instructions, benchmarks = [parse, route, guard]);
main!(library_benchmark_groups = instructions);

fn uid() -> Uid {
    Uid::new(1).expect("it is not 0")
}

/// A message as Postfix and Dovecot deliver it to a hub, with a text of so many bytes.
fn letter(size: usize) -> Arc<[u8]> {
    let text = "A line of the simulation, from one agent to another.\r\n";
    let header = "Return-Path: <ada@agents.example>\r\nDelivered-To: hub@agents.example\r\n\
        Received: from mail.agents.example\r\n\tby mail.agents.example with LMTP\r\n\tid 1\r\n\
        \tfor <hub@agents.example>; Fri, 20 Nov 2026 08:00:00 +0000\r\n\
        X-Original-To: agent-777@agents.example\r\n\
        Received: from [192.0.2.1] (unknown [192.0.2.1])\r\n\tby mail.agents.example (Postfix) with ESMTPSA id 2\r\n\
        \tfor <agent-777@agents.example>; Fri, 20 Nov 2026 08:00:00 +0000\r\n\
        From: Ada <ada@agents.example>\r\nTo: agent-777@agents.example\r\nSubject: Engines\r\n\
        Message-ID: <1@agents.example>\r\nDate: Fri, 20 Nov 2026 08:00:00 +0000\r\nMIME-Version: 1.0\r\n\
        Content-Type: text/plain; charset=utf-8\r\n\r\n";
    format!("{header}{}", text.repeat(size / text.len() + 1)).into_bytes().into()
}

fn routes(count: u32) -> (EnvelopeRule, AddressMap<u32>, Arc<[u8]>) {
    let mut map = AddressMap::new();
    for number in 0..count {
        let address: Address = format!("agent-{number}@agents.example").parse().expect("it is one");
        map.insert(&address, number);
    }
    (EnvelopeRule::mailcow(), map, letter(1 << 10))
}

fn mailbox(count: usize) -> (Runtime, SmtpImap, Login) {
    let endpoint = |port| Endpoint::new("mail.agents.example", port).expect("it is one");
    let server = Arc::new(Server { letter: letter(1 << 10), count });
    let mail = SmtpImap::new(SmtpImapConfig::new(endpoint(465), endpoint(993)), server);
    let login = Login::new("hub@agents.example".parse().expect("it is one"), "a password".into());
    (Builder::new_current_thread().enable_time().build().expect("a runtime can be made"), mail, login)
}

/// An INBOX that holds one letter many times, behind a stream in memory.
#[derive(Debug)]
struct Server {
    letter: Arc<[u8]>,
    count: usize,
}

#[async_trait]
impl Connector for Server {
    async fn connect(&self, _: &Endpoint) -> io::Result<Stream> {
        let (here, there) = tokio::io::duplex(1 << 16);
        tokio::spawn(serve(there, Arc::clone(&self.letter), self.count));
        Ok(Box::new(here))
    }

    async fn connect_plain(&self, _: &Endpoint) -> io::Result<PlainStream> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn upgrade(&self, _: &Endpoint, _: PlainStream) -> io::Result<Stream> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

async fn serve(stream: DuplexStream, letter: Arc<[u8]>, count: usize) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n").await?;
    let mut line = String::new();
    while stream.read_line(&mut line).await? > 0 {
        let (tag, command) = line.trim_end().split_once(' ').unwrap_or_default();
        let mut answer = Vec::new();
        if command.starts_with("SELECT") {
            answer =
                format!("* {count} EXISTS\r\n* OK [UIDVALIDITY 7] .\r\n* OK [UIDNEXT {}] .\r\n", count + 1)
                    .into_bytes();
        } else if command.starts_with("UID FETCH") {
            for number in 1..=count {
                let size = letter.len();
                let start = format!("* {number} FETCH (UID {number} RFC822.SIZE {size} FLAGS () ");
                answer.extend_from_slice(start.as_bytes());
                if command.contains("BODY.PEEK[]") {
                    let body = format!("INTERNALDATE \"20-Nov-2026 08:00:00 +0000\" BODY[] {{{size}}}\r\n");
                    answer.extend_from_slice(body.as_bytes());
                    answer.extend_from_slice(&letter);
                }
                answer.extend_from_slice(b")\r\n");
            }
        }
        answer.extend_from_slice(format!("{tag} OK [CAPABILITY IMAP4rev1] done\r\n").as_bytes());
        stream.write_all(&answer).await?;
        line.clear();
    }
    Ok(())
}
