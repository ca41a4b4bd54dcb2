use std::fs;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use mail_access::{Received, Uid};
use serde_json::{Value, json};

use super::{Done, Options};

/// Reads all `*.eml` of the folder `corpus`, `repeat` times, on one thread.
pub(super) fn run(options: &Options) -> Done<Value> {
    let repeat: usize = options.number("repeat", 1)?;
    let messages = read(options.text("corpus", "/tmp/mailbench/corpus"))?;
    let uid = Uid::new(1).ok_or("1 is a UID")?;
    let arrived = SystemTime::now();
    let mut seen = Seen::default();
    let begin = Instant::now();
    for _ in 0..repeat {
        seen = Seen::default();
        for raw in &messages {
            let received = Received::parse(uid, arrived, false, Arc::clone(raw));
            seen.add(&received);
            black_box(received);
        }
    }
    let sec = begin.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a corpus is smaller than 2^52 bytes")]
    let [mb_s, msg_s] = [seen.bytes as f64 / 1e6, seen.messages as f64].map(|all| all * repeat as f64 / sec);
    Ok(json!({
        "task": "parse", "n": seen.messages, "att": seen.attachments, "att_bytes": seen.attached_bytes,
        "text": seen.text, "subj": seen.headers, "sec": sec, "mb_s": mb_s, "msg_s": msg_s,
    }))
}

fn read(folder: &str) -> Done<Vec<Arc<[u8]>>> {
    let entries = fs::read_dir(folder).map_err(|error| format!("corpus {folder}: {error}"))?;
    let mut messages = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "eml") {
            messages.push(fs::read(path)?.into());
        }
    }
    Ok(messages)
}

/// What a program would look at.
#[derive(Default)]
struct Seen {
    messages: usize,
    bytes: usize,
    attachments: usize,
    attached_bytes: usize,
    text: usize,
    headers: usize,
}

impl Seen {
    fn add(&mut self, received: &Received) {
        self.messages += 1;
        self.bytes += received.raw().len();
        self.headers += received.subject().len();
        self.headers += received.from().map_or(0, |from| from.address.to_string().len());
        self.text += received.text().map_or(0, str::len);
        for attachment in received.attachments() {
            self.attachments += 1;
            self.attached_bytes += attachment.content.len();
            black_box(&attachment.name);
        }
    }
}
