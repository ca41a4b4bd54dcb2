use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use mail_access::{
    Address, Arrival, Batch, DomainName, Error as MailError, Login, MailAccess, Outgoing, Position,
    Selection, Submission, Uid,
};
use tokio::time::sleep;

use super::Cassette;
use super::failure::millis;
use super::line::{Answer, Call, Chosen, Line, bytes_of, texts};
use crate::backend::{Claim, DkimKey, MailboxSpec, Provisioner};
use crate::embedded::lock;
use crate::{Error, ErrorKind};

/// Answers from a cassette: each call gets the answer that the same call got when it was recorded, the first one the
/// first, and so on.
///
/// Calls are the same if they ask for the same with the same login; of a submission sender and recipients count, not the
/// content, whose Message-ID and date are new each time. Where an answer names a message that was sent at recording, it
/// names the one that was sent instead. A wait that timed out then takes as long now, by Tokio's clock; everything else
/// is there at once.
///
/// What was not recorded, or not as often, is refused: mail with [`Error::Invalid`](mail_access::Error::Invalid),
/// provisioning with [`InvalidInput`](ErrorKind::InvalidInput). Passwords are not checked: the cassette doesn't know them.
pub struct Replay(Mutex<Deck>);

struct Deck {
    /// By the call as it stands on the cassette.
    answers: BTreeMap<String, VecDeque<Line>>,
    /// Message-IDs that were recorded, and what stands for them now.
    ids: Vec<(String, String)>,
    left: usize,
}

impl Replay {
    /// Begins at the beginning of a cassette.
    pub fn new(cassette: Cassette) -> Self {
        let mut answers = BTreeMap::<String, VecDeque<Line>>::new();
        let left = cassette.lines.len();
        for line in cassette.lines {
            answers.entry(key(&line.call)).or_default().push_back(line);
        }
        Self(Mutex::new(Deck { answers, ids: Vec::new(), left }))
    }

    /// Returns how many recorded calls have not been asked for.
    pub fn remaining(&self) -> usize {
        lock(&self.0).left
    }

    /// Takes the next answer to a call.
    fn take(&self, call: &Call) -> Option<Line> {
        let mut deck = lock(&self.0);
        let line = deck.answers.get_mut(&key(call))?.pop_front()?;
        deck.left -= 1;
        Some(line)
    }

    fn mail_answer(&self, operation: &'static str, login: &Login, call: &Call) -> Result<Answer, MailError> {
        match self.take(call).map(|line| line.answer) {
            Some(Answer::Failed(failure)) => Err(failure.mail_error(operation, login)),
            Some(answer) => Ok(answer),
            None => Err(unrecorded(operation, login)),
        }
    }

    fn answer(&self, operation: &'static str, subject: &str, call: &Call) -> Result<Answer, Error> {
        match self.take(call).map(|line| line.answer) {
            Some(Answer::Failed(failure)) => Err(failure.error(operation, subject)),
            Some(answer) => Ok(answer),
            None => Err(Error::new(ErrorKind::InvalidInput, operation, subject)
                .with_detail("this call was not recorded, or not as often")
                .with_fix("record it again with this program")),
        }
    }

    /// Puts the Message-IDs of now where those of then stand.
    fn renamed(&self, text: &str) -> Vec<u8> {
        let deck = lock(&self.0);
        let renamed = deck.ids.iter().fold(text.to_owned(), |text, (then, now)| text.replace(then, now));
        bytes_of(&renamed)
    }
}

#[async_trait]
impl MailAccess for Replay {
    async fn submit(&self, login: &Login, message: &Outgoing) -> Result<Submission, MailError> {
        let call = Call::Submit {
            login: login.address().to_string(),
            sender: message.sender().to_string(),
            recipients: texts(message.recipients()),
        };
        let line = self.take(&call).ok_or_else(|| unrecorded(SUBMIT, login))?;
        if let Some(sent) = line.sent {
            let now = message.message_id().as_str().to_owned();
            lock(&self.0).ids.push((sent.message_id, now));
        }
        match line.answer {
            Answer::Taken { accepted, refused, words } => {
                let accepted = accepted.iter().filter_map(|address| address.parse().ok()).collect();
                let refused =
                    refused.iter().filter_map(|(who, words)| Some((who.parse().ok()?, words.status())));
                Ok(Submission::new(accepted, refused.collect(), words.status()))
            }
            Answer::Failed(failure) => Err(failure.mail_error(SUBMIT, login)),
            _ => Err(damaged(SUBMIT)),
        }
    }

    async fn check_submission(&self, login: &Login) -> Result<(), MailError> {
        let call = Call::CheckSubmission { login: login.address().to_string() };
        self.mail_answer(CHECK_SUBMISSION, login, &call).map(drop)
    }

    async fn fetch(&self, login: &Login, selection: &Selection, limit: usize) -> Result<Batch, MailError> {
        let mut selection = Chosen::of(selection);
        if let Chosen::MessageId(id) = &mut selection {
            let deck = lock(&self.0);
            if let Some((then, _)) = deck.ids.iter().rev().find(|(_, now)| now == id) {
                id.clone_from(then);
            }
        }
        let call = Call::Fetch { login: login.address().to_string(), selection, limit };
        match self.mail_answer(FETCH, login, &call)? {
            Answer::Batch { uid_validity, messages, more } => {
                let messages = messages.iter().filter_map(|mail| mail.message(self.renamed(&mail.bytes)));
                Ok(Batch::new(uid_validity, messages.collect(), more))
            }
            _ => Err(damaged(FETCH)),
        }
    }

    async fn mark_seen(&self, login: &Login, uid_validity: u32, uids: &[Uid]) -> Result<(), MailError> {
        let uids = uids.iter().map(|uid| uid.get()).collect();
        let call = Call::MarkSeen { login: login.address().to_string(), uid_validity, uids };
        self.mail_answer(MARK_SEEN, login, &call).map(drop)
    }

    async fn wait(&self, login: &Login, after: Position, at_most: Duration) -> Result<Arrival, MailError> {
        let Position { uid_validity, uid } = after;
        let call =
            Call::Wait { login: login.address().to_string(), uid_validity, uid, at_most_ms: millis(at_most) };
        match self.mail_answer(WAIT, login, &call)? {
            Answer::New => Ok(Arrival::New),
            Answer::TimedOut => {
                sleep(at_most).await;
                Ok(Arrival::TimedOut)
            }
            _ => Err(damaged(WAIT)),
        }
    }
}

#[async_trait]
impl Provisioner for Replay {
    async fn ensure_domain(&self, domain: &DomainName) -> Result<(), Error> {
        let domain = domain.to_string();
        self.answer("ensure domain", &domain, &Call::EnsureDomain { domain: domain.clone() }).map(drop)
    }

    async fn dkim(&self, domain: &DomainName) -> Result<DkimKey, Error> {
        let domain = domain.to_string();
        match self.answer("read key", &domain, &Call::Dkim { domain: domain.clone() })? {
            Answer::Key { selector, record } => Ok(DkimKey { selector, record }),
            _ => Err(Error::new(ErrorKind::Unexpected, "read key", domain)),
        }
    }

    async fn ensure_mailbox(&self, spec: &MailboxSpec) -> Result<(), Error> {
        let address = spec.address.to_string();
        self.answer("ensure mailbox", &address, &Call::EnsureMailbox { address: address.clone() }).map(drop)
    }

    async fn remove_mailbox(&self, address: &Address, _: &Claim) -> Result<(), Error> {
        let address = address.to_string();
        self.answer("remove mailbox", &address, &Call::RemoveMailbox { address: address.clone() }).map(drop)
    }
}

/// Shows how many calls are left.
impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replay").field("remaining", &self.remaining()).finish()
    }
}

fn key(call: &Call) -> String {
    serde_json::to_string(call).expect("calls are plain data")
}

fn unrecorded(operation: &'static str, login: &Login) -> MailError {
    let problem =
        format!("the {operation} of {} was not recorded, or not as often; record it again", login.address());
    MailError::Invalid { what: "replay", problem }
}

fn damaged(operation: &'static str) -> MailError {
    MailError::Protocol { operation, problem: "the cassette has the answer to another call there".to_owned() }
}

const CHECK_SUBMISSION: &str = "check_submission";
const SUBMIT: &str = "submit";
const FETCH: &str = "fetch";
const MARK_SEEN: &str = "mark_seen";
const WAIT: &str = "wait";
