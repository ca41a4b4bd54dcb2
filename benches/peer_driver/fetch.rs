use std::sync::Arc;
use std::time::Instant;

use futures_util::StreamExt;
use mail_access::{FolderName, Login, MailAccess, MessageStore, Query, Selection, SmtpImap, Uid};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{Done, Options, agents, seen::Seen, servers};

/// Reads all unseen messages of `user`, by `conns` streams at the same time, and marks them as seen.
pub(super) fn run(options: &Options) -> Done<Value> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(fetch(options))
}

async fn fetch(options: &Options) -> Done<Value> {
    let conns: usize = options.number("conns", 1)?;
    let login = servers::login(options, options.text("user", "fetch@example.test"))?;
    let begin = Instant::now();
    let mail = Arc::new(servers::mail(options, |config| config)?);
    if agents::are_asked_for(options)? {
        let name = login.address().local_part().to_owned();
        let reader = agents::mailbox(&agents::system(options, mail, "")?, &name).await?;
        let mut seen = Seen::default();
        loop {
            let messages = reader.fetch_unseen(BATCH).await?;
            if messages.is_empty() {
                return Ok(measured(&seen, begin.elapsed().as_secs_f64(), 0.0));
            }
            for message in &messages {
                seen.add(message.message().expose());
            }
        }
    }
    let unseen = mail.search(&login, &FolderName::inbox(), &Query::Unseen).await?;
    let connected = begin.elapsed().as_secs_f64();
    let mut readers = JoinSet::new();
    for share in unseen.uids.chunks(unseen.uids.len().div_ceil(conns.max(1)).max(1)) {
        readers.spawn(read(Arc::clone(&mail), login.clone(), unseen.uid_validity, share.to_vec()));
    }
    let mut seen = Seen::default();
    while let Some(part) = readers.join_next().await {
        seen.join(&part??);
    }
    Ok(measured(&seen, begin.elapsed().as_secs_f64(), connected))
}

fn measured(seen: &Seen, sec: f64, connected: f64) -> Value {
    json!({
        "task": "fetch", "n": seen.messages, "bytes": seen.bytes, "subj": seen.headers, "text": seen.text,
        "att": seen.attachments, "att_bytes": seen.attached_bytes, "sec": sec,
        "connect_s": connected, "fetch_s": sec - connected,
    })
}

async fn read(mail: Arc<SmtpImap>, login: Login, uid_validity: u32, uids: Vec<Uid>) -> Done<Seen> {
    let mut seen = Seen::default();
    let selection = Selection::Uids(uid_validity, uids.clone());
    let mut messages = mail.messages(&login, &FolderName::inbox(), &selection);
    while let Some(message) = messages.next().await {
        seen.add(&message?);
    }
    mail.mark_seen(&login, uid_validity, &uids).await?;
    Ok(seen)
}

/// How many messages the facade is asked for at once.
const BATCH: usize = 64;
