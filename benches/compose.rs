//! What it costs to build an answer with a quote and a file, beside lettre's builder alone, which gets the finished
//! texts and checks nothing.
//!
//! `cargo bench --bench compose` prints first the ratio of the two, each the median of rounds that take turns, then
//! the bytes a second of each.

use std::hint::black_box;
use std::time::{Duration, Instant, SystemTime};

use agent_mail::mail_access::{Address, Outgoing, Uid};
use agent_mail::{Attachment, Contact, NewMessage, Received};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group};
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, MultiPart, SinglePart};

fn main() {
    for work in works() {
        println!("{}: {:.2} of lettre's bytes a second", work.name, work.ratio());
    }
    builds();
    Criterion::default().configure_from_args().final_summary();
}

criterion_group!(builds, build);

fn build(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("build");
    for work in works() {
        group.throughput(Throughput::Bytes(work.answer().size() as u64));
        group.bench_function(BenchmarkId::new("limit-lettre", work.name), |bencher| {
            bencher.iter(|| work.lettre_answer());
        });
        group.bench_function(BenchmarkId::new("mail-access", work.name), |bencher| {
            bencher.iter(|| work.answer());
        });
    }
    group.finish();
}

/// A message to be answered, and the file that goes with the answer.
struct Work {
    name: &'static str,
    question: Received,
    file: Vec<u8>,
    finished_text: String,
}

fn works() -> [Work; 3] {
    [
        Work::new("2 KiB quote, 20 KiB file", "A line of the question, as people write it.", 46, 20 << 10),
        Work::new("64 KiB quote, 1 MiB file", "A line of the question, as people write it.", 1490, 1 << 20),
        Work::new("64 KiB quote in German, no file", "Größere Maschinen träumen öfter als kleine.", 1400, 0),
    ]
}

impl Work {
    fn new(name: &'static str, line: &str, lines: usize, file: usize) -> Self {
        let raw = format!(
            "From: Ada Lovelace <ada@agents.example>\r\nTo: bob@agents.example\r\nSubject: Engines\r\nMessage-ID: \
             <1@agents.example>\r\nDate: Mon, 2 Feb 2026 10:00:00 +0000\r\nContent-Type: text/plain; charset=utf-8\r\n\
             Content-Transfer-Encoding: 8bit\r\n\r\n{}",
            format!("{line}\r\n").repeat(lines)
        );
        let uid = Uid::new(1).expect("it is not 0");
        let question = Received::parse(uid, SystemTime::UNIX_EPOCH, false, raw.into_bytes());
        let file = (0..=250).cycle().take(file).collect();
        let mut work = Self { name, question, file, finished_text: String::new() };
        let answer = Received::parse(uid, SystemTime::UNIX_EPOCH, false, work.answer().bytes().to_vec());
        work.finished_text = answer.text().expect("it has a text").replace('\n', "\r\n");
        assert!(work.finished_text.lines().filter(|quoted| quoted.starts_with("> ")).count() == lines);
        let limit = work.lettre_answer();
        let alike = limit.len().abs_diff(work.answer().size()) < 200;
        assert!(alike, "both build the same: {} and {} bytes", limit.len(), work.answer().size());
        work
    }

    fn answer(&self) -> Outgoing {
        let answer = NewMessage::reply_to(&self.question).expect("it can be answered");
        let answer = answer.with_text("Of electric sheep.").with_quote(&self.question);
        let answer = if self.file.is_empty() {
            answer
        } else {
            answer.with_attachment(Attachment::new(
                "sheep.bin",
                "application/octet-stream",
                self.file.clone(),
            ))
        };
        black_box(answer.seal(&bob()).expect("it can be sealed"))
    }

    fn lettre_answer(&self) -> Vec<u8> {
        let builder = lettre::Message::builder()
            .date_now()
            .message_id(None)
            .from(Mailbox::new(None, "bob@agents.example".parse().expect("it is an address")))
            .to(Mailbox::new(
                Some("Ada Lovelace".into()),
                "ada@agents.example".parse().expect("it is an address"),
            ))
            .subject("Re: Engines")
            .in_reply_to("<1@agents.example>".into())
            .references("<1@agents.example>".into());
        let text = SinglePart::plain(self.finished_text.clone());
        let message = if self.file.is_empty() {
            builder.singlepart(text)
        } else {
            let file = lettre::message::Attachment::new("sheep.bin".into());
            let kind = ContentType::parse("application/octet-stream").expect("it is a type");
            builder
                .multipart(MultiPart::mixed().singlepart(text).singlepart(file.body(self.file.clone(), kind)))
        };
        black_box(message.expect("it can be built").formatted())
    }

    fn ratio(&self) -> f64 {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            ours.push(time(|| drop(self.answer())));
            theirs.push(time(|| drop(self.lettre_answer())));
        }
        median(theirs).as_secs_f64() / median(ours).as_secs_f64()
    }
}

fn time(work: impl Fn()) -> Duration {
    let begin = Instant::now();
    (0..10).for_each(|_| work());
    begin.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn bob() -> Contact {
    "bob@agents.example".parse::<Address>().expect("it is an address").into()
}

const ROUNDS: usize = 51;
