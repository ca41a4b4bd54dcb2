//! What limits, cleaning and safe names cost: `Received::parse` beside the bare parser, on the same mails.
//!
//! `cargo bench --bench parse` prints first the ratio of the two over whole rounds, taken in turns so that a busy
//! machine slows both. `corpus` is what the tests parse, `letters` is made of what people send: texts, HTML, files.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use agent_mail::mail_access::{Received, Uid};
use criterion::{Criterion, Throughput, criterion_group};
use mail_parser::MessageParser;

fn main() {
    for (name, mails) in [("corpus", corpus()), ("letters", letters())] {
        print_ratio(name, &mails);
    }
    parsers();
    Criterion::default().configure_from_args().final_summary();
}

criterion_group!(parsers, parse);

fn parse(criterion: &mut Criterion) {
    for (name, mails) in [("corpus", corpus()), ("letters", letters())] {
        let mut group = criterion.benchmark_group(format!("parse/{name}"));
        group.throughput(Throughput::Bytes(mails.iter().map(|mail| mail.len() as u64).sum()));
        group.bench_function("limit", |bencher| bencher.iter(|| bare(&mails)));
        group.bench_function("received", |bencher| bencher.iter(|| received(&mails)));
        group.finish();
    }
}

fn print_ratio(name: &str, mails: &[Arc<[u8]>]) {
    let mut times: [Vec<Duration>; 2] = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (run, times) in [bare as fn(&[Arc<[u8]>]), received].into_iter().zip(&mut times) {
            let begin = Instant::now();
            run(mails);
            times.push(begin.elapsed());
        }
    }
    // The fastest round is the one that the machine's other work disturbed least.
    let [bare, ours] = times.map(|times| times.into_iter().min().unwrap_or_default().as_secs_f64());
    let bytes = mails.iter().map(|mail| mail.len()).sum::<usize>() as f64;
    println!(
        "{name}: {} mails, bare {:.0} MB/s, received {:.0} MB/s, ratio {:.2}",
        mails.len(),
        bytes / bare / 1e6,
        bytes / ours / 1e6,
        bare / ours
    );
}

fn bare(mails: &[Arc<[u8]>]) {
    for mail in mails {
        black_box(MessageParser::default().parse(&mail[..]));
    }
}

fn received(mails: &[Arc<[u8]>]) {
    let uid = Uid::new(1).expect("it is not 0");
    for mail in mails {
        black_box(Received::parse(uid, SystemTime::UNIX_EPOCH, false, mail.clone()));
    }
}

fn corpus() -> Vec<Arc<[u8]>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mail-access/tests/corpus");
    let mut mails = Vec::new();
    for source in ["cpython", "flufl-bounce", "mail-auth", "mail-parser", "postfix", "talon"] {
        let bytes = std::fs::read(folder.join(format!("{source}.mails"))).expect("the corpus is there");
        let mut rest = &bytes[..];
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line = std::str::from_utf8(&rest[..end]).expect("names are plain");
            let length: usize =
                line.rsplit(' ').next().and_then(|length| length.parse().ok()).expect("a length");
            mails.push(rest[end + 1..end + 1 + length].into());
            rest = &rest[end + 2 + length..];
        }
    }
    mails
}

/// 200 letters of 2 to 300 KB: every second one with HTML, every third one with a file.
fn letters() -> Vec<Arc<[u8]>> {
    let line =
        "The quick brown fox jumps over the lazy dog, as gr\u{fc}n as ever; see https://x.example/a?b=c.\r\n";
    let tag = "<tr><td style=3D\"color:#333;font-size:14px\">caf=C3=A9 &amp; cr=C3=A8me</td></tr>=\r\n";
    let data = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAA\r\n";
    let letter = |n: usize| {
        let mut letter = format!(
            "Return-Path: <ada@agents.example>\r\nReceived: from mx.example (mx.example [192.0.2.1])\r\n\tby \
             mail.agents.example (Postfix) with ESMTPS id {n:010X}\r\n\tfor <bob@agents.example>; Fri, 20 Nov 2026 \
             09:00:00 +0000 (UTC)\r\nDKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=agents.example; s=dkim;\r\n\t\
             h=from:subject:date:message-id:to; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;\r\n\tb=dGVzdA==\r\nFrom: \
             =?utf-8?q?Ad=C3=A4_Lovelace?= <ada@agents.example>\r\nTo: Bob <bob@agents.example>, carol@agents.example\r\n\
             Subject: =?utf-8?b?R3LDvMOfZQ==?= number {n}\r\nMessage-ID: <{n}@agents.example>\r\nDate: Fri, 20 Nov 2026 \
             09:00:00 +0000\r\nReferences: <1@agents.example> <2@agents.example>\r\nMIME-Version: 1.0\r\nContent-Type: \
             multipart/mixed; boundary=\"----=_Part_{n}\"\r\n\r\n------=_Part_{n}\r\nContent-Type: \
             multipart/alternative; boundary=\"----=_Alt_{n}\"\r\n\r\n------=_Alt_{n}\r\nContent-Type: text/plain; \
             charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{}\r\n",
            line.repeat(20 + n % 50)
        );
        if n.is_multiple_of(2) {
            letter += &format!(
                "------=_Alt_{n}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: \
                 quoted-printable\r\n\r\n{}\r\n",
                tag.repeat(50 + n % 100)
            );
        }
        letter += &format!("------=_Alt_{n}--\r\n");
        if n.is_multiple_of(3) {
            letter += &format!(
                "------=_Part_{n}\r\nContent-Type: image/png; name=\"plan {n}.png\"\r\nContent-Disposition: attachment; \
                 filename=\"plan {n}.png\"\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n",
                data.repeat(300 + n * 15)
            );
        }
        letter += &format!("------=_Part_{n}--\r\n");
        letter.into_bytes().into()
    };
    (0..200).map(letter).collect()
}

const ROUNDS: usize = 41;
