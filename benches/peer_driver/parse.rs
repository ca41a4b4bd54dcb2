use std::fs;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use mail_access::{Received, Uid};
use serde_json::{Value, json};

use super::seen::Seen;
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
