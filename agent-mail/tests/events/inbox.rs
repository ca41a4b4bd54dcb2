//! An INBOX that does all that a server may do.

use std::collections::HashSet;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use mail_access::{
    Arrival, Batch, Error as MailError, Login, MailAccess, Outgoing, Position, Received, Selection, Status,
    Submission, Uid,
};

/// One INBOX whose every byte and number the test decides on.
#[derive(Debug)]
pub(crate) struct Inbox(Mutex<Content>);

#[derive(Debug)]
struct Content {
    uid_validity: u32,
    next: u32,
    messages: Vec<(u32, Vec<u8>)>,
    outages: u32,
    renumber_after: Option<u32>,
    given_out: usize,
    looks: usize,
}

impl Inbox {
    pub(crate) fn new() -> Self {
        let (messages, renumber_after) = (Vec::new(), None);
        Self(Mutex::new(Content {
            uid_validity: 7,
            next: 1,
            messages,
            outages: 0,
            renumber_after,
            given_out: 0,
            looks: 0,
        }))
    }

    pub(crate) fn put(&self, raw: &str) {
        let mut inbox = self.0.lock().unwrap();
        let uid = inbox.next;
        inbox.next += 1;
        inbox.messages.push((uid, raw.as_bytes().to_vec()));
    }

    pub(crate) fn expunge(&self, nth: usize) -> Option<Vec<u8>> {
        let mut inbox = self.0.lock().unwrap();
        let count = inbox.messages.len();
        (count > 0).then(|| inbox.messages.remove(nth % count).1)
    }

    /// Numbers the mailbox anew after so many fetches.
    pub(crate) fn renumber_after(&self, fetches: u32) {
        self.0.lock().unwrap().renumber_after = Some(fetches);
    }

    /// Lets so many calls fail.
    pub(crate) fn fail(&self, calls: u32) {
        self.0.lock().unwrap().outages = calls;
    }

    pub(crate) fn renumber(&self) {
        self.0.lock().unwrap().renumber();
    }

    /// Counts the messages that were read, each time.
    pub(crate) fn given_out(&self) -> usize {
        self.0.lock().unwrap().given_out
    }

    /// Counts how often it was asked for messages.
    pub(crate) fn looks(&self) -> usize {
        self.0.lock().unwrap().looks
    }

    pub(crate) fn contents(&self) -> HashSet<String> {
        let inbox = self.0.lock().unwrap();
        inbox.messages.iter().map(|(_, raw)| String::from_utf8(raw.clone()).unwrap()).collect()
    }
}

impl Content {
    fn renumber(&mut self) {
        // The new numbers overlap the old ones, so that mistaking one for the other shows.
        self.uid_validity += 1;
        for (at, message) in self.messages.iter_mut().enumerate() {
            message.0 = u32::try_from(at).unwrap() + 1 + self.uid_validity % 3;
        }
        self.next = self.messages.last().map_or(1, |(uid, _)| uid + 1);
    }

    fn outage(&mut self, operation: &'static str) -> Result<(), MailError> {
        if self.outages == 0 {
            return Ok(());
        }
        self.outages -= 1;
        let source = std::io::ErrorKind::ConnectionRefused.into();
        Err(MailError::Unavailable { operation, server: "mail.example:993".into(), source })
    }
}

#[async_trait]
impl MailAccess for Inbox {
    async fn submit(&self, _: &Login, _: &Outgoing) -> Result<Submission, MailError> {
        Err(MailError::Refused { operation: "submit", status: Status::new(550, None, "only for reading") })
    }

    async fn check_submission(&self, _: &Login) -> Result<(), MailError> {
        Err(MailError::Refused {
            operation: "check_submission",
            status: Status::new(550, None, "only for reading"),
        })
    }

    async fn fetch(&self, _: &Login, selection: &Selection, limit: usize) -> Result<Batch, MailError> {
        let mut inbox = self.0.lock().unwrap();
        inbox.looks += 1;
        inbox.outage("fetch")?;
        let wanted: Box<dyn Fn(u32) -> bool> = match selection {
            Selection::After(Some(at)) if at.uid_validity == inbox.uid_validity => {
                Box::new(|uid| uid > at.uid)
            }
            Selection::After(_) => Box::new(|_| true),
            Selection::Uids(validity, _) if *validity != inbox.uid_validity => {
                let found = inbox.uid_validity;
                return Err(MailError::Renumbered { operation: "fetch", expected: *validity, found });
            }
            Selection::Uids(_, uids) => Box::new(|uid| uids.iter().any(|wanted| wanted.get() == uid)),
            _ => Box::new(|_| false),
        };
        let matching: Vec<_> = inbox.messages.iter().filter(|(uid, _)| wanted(*uid)).collect();
        let parse = |(uid, raw): &&(u32, Vec<u8>)| {
            Received::parse(Uid::new(*uid).unwrap(), SystemTime::UNIX_EPOCH, false, raw.clone())
        };
        let messages: Vec<Received> = matching.iter().take(limit).map(parse).collect();
        let more = matching.len() > limit;
        inbox.given_out += messages.len();
        let batch = Batch::new(inbox.uid_validity, messages, more);
        inbox.renumber_after = match inbox.renumber_after {
            Some(0) => {
                inbox.renumber();
                None
            }
            left => left.map(|n| n - 1),
        };
        Ok(batch)
    }

    async fn mark_seen(&self, _: &Login, _: u32, _: &[Uid]) -> Result<(), MailError> {
        Ok(())
    }

    async fn wait(&self, _: &Login, after: Position, at_most: Duration) -> Result<Arrival, MailError> {
        {
            let mut inbox = self.0.lock().unwrap();
            inbox.outage("wait")?;
            let behind = |uid: u32| inbox.uid_validity != after.uid_validity || uid > after.uid;
            if inbox.uid_validity != after.uid_validity || inbox.messages.iter().any(|(uid, _)| behind(*uid))
            {
                return Ok(Arrival::New);
            }
        }
        tokio::time::sleep(at_most.min(Duration::from_mins(1))).await;
        Ok(Arrival::TimedOut)
    }
}
