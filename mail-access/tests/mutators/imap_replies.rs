use std::time::Duration;

use mail_access::{Arrival, Batch, Error, MailAccess, Position, Selection, Uid};

use crate::player::{SEPARATOR, clean, with_server};

/// Reads the INBOX of a server that says `bytes` but the first, which chooses what is asked of it.
pub(crate) fn check(bytes: &[u8]) {
    let Some((which, said)) = bytes.split_first() else { return };
    let selection = match which {
        b'u' => Selection::Unseen,
        b'n' => Selection::Uids(7, uids()),
        b'i' => Selection::MessageId("1@b.example".parse().expect("an id")),
        b's' => return check_seen(said),
        b'w' => return check_wait(said),
        _ => Selection::After(Some(HERE)),
    };
    match with_server(said, async |mail, login| mail.fetch(&login, &selection, LIMIT).await) {
        Ok(batch) => check_batch(&batch, &selection, said),
        Err(error) => check_error(&error),
    }
}

/// What is told was said.
fn check_batch(batch: &Batch, selection: &Selection, said: &[u8]) {
    assert!(oks(said) >= 3, "nobody said OK so often");
    let spoken: Vec<u8> = said.iter().copied().filter(|byte| *byte != SEPARATOR).collect();
    let was_spoken = |part: &[u8]| part.is_empty() || spoken.windows(part.len()).any(|window| window == part);
    assert!(was_spoken(batch.uid_validity.to_string().as_bytes()), "{}", batch.uid_validity);
    assert!(batch.messages.len() <= LIMIT);
    assert!(batch.messages.is_sorted_by(|one, next| one.uid() < next.uid()), "out of order");
    for message in &batch.messages {
        assert!(was_spoken(message.uid().get().to_string().as_bytes()), "{:?}", message.uid());
        assert!(!matches!(selection, Selection::Uids(7, asked) if !asked.contains(&message.uid())));
        // A quoted string may stand for other bytes than its own.
        let raw = message.raw();
        assert!(raw.iter().any(|byte| b"\"\\".contains(byte)) || was_spoken(raw), "nobody said {raw:?}");
    }
}

fn check_seen(said: &[u8]) {
    match with_server(said, async |mail, login| mail.mark_seen(&login, 7, &uids()).await) {
        Ok(()) => assert!(oks(said) >= 4, "nobody said OK so often"),
        Err(error) => check_error(&error),
    }
}

fn check_wait(said: &[u8]) {
    let patience = Duration::from_secs(1_000);
    let (arrival, time) = with_server(said, async |mail, login| {
        let begin = tokio::time::Instant::now();
        (mail.wait(&login, HERE, patience).await, begin.elapsed())
    });
    assert!(time <= patience + GRACE, "{time:?}");
    match arrival {
        Ok(Arrival::New) => {
            let upper = said.to_ascii_uppercase();
            let tells = |word: &[u8]| upper.windows(word.len()).any(|window| window == word);
            assert!(tells(b"EXISTS") || tells(b"UIDVALIDITY") || tells(b"UIDNEXT"), "who told of it");
        }
        Ok(Arrival::TimedOut) => assert!(time >= patience, "{time:?}"),
        Err(error) => check_error(&error),
    }
}

fn check_error(error: &Error) {
    clean(&error.to_string());
    assert!(!matches!(error, Error::Invalid { .. }), "{error:?}");
}

fn oks(said: &[u8]) -> usize {
    said.windows(3).filter(|window| window.eq_ignore_ascii_case(b" OK")).count()
}

fn uids() -> Vec<Uid> {
    [3, 5].map(|uid| Uid::new(uid).expect("not 0")).to_vec()
}

const HERE: Position = Position { uid_validity: 7, uid: 2 };
const LIMIT: usize = 10;
/// A server that is silent is given up after 60 s, and a connection that can't be used any more isn't waited for.
const GRACE: Duration = Duration::from_mins(2);
