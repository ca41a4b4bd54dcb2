use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use mail_access::{
    Address, Arrival, Batch, DomainName, Error as MailError, Login, MailAccess, Outgoing, Position,
    Selection, Submission, Uid,
};
use secrecy::{ExposeSecret, SecretString};

use super::failure::{Failure, millis};
use super::line::{Answer, Call, Chosen, Line, Mail, Sent, Words, text_of, texts};
use super::redact::Redactor;
use super::{Cassette, Redaction};
use crate::backend::{Claim, DkimKey, MailboxSpec, Provisioner};
use crate::embedded::lock;
use crate::{Error, ErrorKind};

/// Stands before a mail system, and before its provisioning if wanted, and notes each call with its answer.
///
/// It keeps what it notes in memory, with all mail that went through, until it is dropped; a call that is dropped is not
/// noted. Of a login it notes the address.
pub struct Recorder {
    mail: Arc<dyn MailAccess>,
    provisioner: Option<Arc<dyn Provisioner>>,
    redaction: Redaction,
    tape: Mutex<Tape>,
}

#[derive(Default)]
struct Tape {
    lines: Vec<Line>,
    secrets: BTreeSet<String>,
}

impl Recorder {
    /// Stands before a mail system, and leaves out [all](Redaction::All) that can be left out.
    pub fn new(mail: Arc<dyn MailAccess>) -> Self {
        Self { mail, provisioner: None, redaction: Redaction::default(), tape: Mutex::default() }
    }

    /// Stands before what makes mailboxes too.
    #[must_use]
    pub fn with_provisioner(mut self, provisioner: Arc<dyn Provisioner>) -> Self {
        self.provisioner = Some(provisioner);
        self
    }

    /// Sets what is left out of the cassette.
    #[must_use]
    pub fn with_redaction(mut self, redaction: Redaction) -> Self {
        self.redaction = redaction;
        self
    }

    /// Names a secret that may stand in the traffic; those of logins are known.
    #[must_use]
    pub fn with_secret(self, secret: &SecretString) -> Self {
        self.keep_out(secret);
        self
    }

    /// Returns what was recorded so far, redacted.
    pub fn cassette(&self) -> Cassette {
        let tape = lock(&self.tape);
        let mut redactor = Redactor::new(self.redaction, &tape.secrets);
        let lines = tape.lines.iter().cloned().map(|line| redactor.line(line)).collect();
        Cassette { redaction: self.redaction, lines }
    }

    fn keep_out(&self, secret: &SecretString) {
        let secret = secret.expose_secret();
        if !secret.is_empty() {
            lock(&self.tape).secrets.insert(secret.to_owned());
        }
    }

    fn note(&self, call: Call, sent: Option<Sent>, answer: Answer) {
        lock(&self.tape).lines.push(Line { call, sent, answer });
    }

    /// Notes the answer of a mail system, as `told` puts it, and gives it back.
    fn told<T>(
        &self,
        call: Call,
        sent: Option<Sent>,
        answer: Result<T, MailError>,
        told: impl FnOnce(&T) -> Answer,
    ) -> Result<T, MailError> {
        let noted = match &answer {
            Ok(answer) => told(answer),
            Err(error) => Answer::Failed(Failure::of_mail(error)),
        };
        self.note(call, sent, noted);
        answer
    }

    fn provisioned<T>(
        &self,
        call: Call,
        answer: Result<T, Error>,
        told: impl FnOnce(&T) -> Answer,
    ) -> Result<T, Error> {
        let noted = match &answer {
            Ok(answer) => told(answer),
            Err(error) => Answer::Failed(Failure::of(error)),
        };
        self.note(call, None, noted);
        answer
    }

    fn provisioner(&self, operation: &'static str) -> Result<&dyn Provisioner, Error> {
        let missing = || {
            Error::new(ErrorKind::Unsupported, operation, "the recorder")
                .with_detail("it stands before no Provisioner")
                .with_fix("give it one by with_provisioner")
        };
        self.provisioner.as_deref().ok_or_else(missing)
    }
}

#[async_trait]
impl MailAccess for Recorder {
    async fn submit(&self, login: &Login, message: &Outgoing) -> Result<Submission, MailError> {
        self.keep_out(login.password());
        let call = Call::Submit {
            login: login.address().to_string(),
            sender: message.sender().to_string(),
            recipients: texts(message.recipients()),
        };
        let message_id = message.message_id().as_str().to_owned();
        let answer = self.mail.submit(login, message).await;
        self.told(call, Some(Sent { message_id, bytes: text_of(message.bytes()) }), answer, |taken| {
            let refused = taken.refused.iter().map(|(who, status)| (who.to_string(), Words::of(status)));
            Answer::Taken {
                accepted: texts(&taken.accepted),
                refused: refused.collect(),
                words: Words::of(&taken.status),
            }
        })
    }

    async fn check_submission(&self, login: &Login) -> Result<(), MailError> {
        self.keep_out(login.password());
        let call = Call::CheckSubmission { login: login.address().to_string() };
        let answer = self.mail.check_submission(login).await;
        self.told(call, None, answer, |()| Answer::Done)
    }

    async fn fetch(&self, login: &Login, selection: &Selection, limit: usize) -> Result<Batch, MailError> {
        self.keep_out(login.password());
        let call =
            Call::Fetch { login: login.address().to_string(), selection: Chosen::of(selection), limit };
        let answer = self.mail.fetch(login, selection, limit).await;
        self.told(call, None, answer, |batch| Answer::Batch {
            uid_validity: batch.uid_validity,
            messages: batch.messages.iter().map(Mail::of).collect(),
            more: batch.more,
        })
    }

    async fn mark_seen(&self, login: &Login, uid_validity: u32, uids: &[Uid]) -> Result<(), MailError> {
        self.keep_out(login.password());
        let uids_noted = uids.iter().map(|uid| uid.get()).collect();
        let call = Call::MarkSeen { login: login.address().to_string(), uid_validity, uids: uids_noted };
        let answer = self.mail.mark_seen(login, uid_validity, uids).await;
        self.told(call, None, answer, |()| Answer::Done)
    }

    async fn wait(&self, login: &Login, after: Position, at_most: Duration) -> Result<Arrival, MailError> {
        self.keep_out(login.password());
        let Position { uid_validity, uid } = after;
        let call =
            Call::Wait { login: login.address().to_string(), uid_validity, uid, at_most_ms: millis(at_most) };
        let answer = self.mail.wait(login, after, at_most).await;
        self.told(call, None, answer, |arrival| match arrival {
            Arrival::New => Answer::New,
            Arrival::TimedOut => Answer::TimedOut,
        })
    }
}

#[async_trait]
impl Provisioner for Recorder {
    async fn ensure_domain(&self, domain: &DomainName) -> Result<(), Error> {
        let answer = self.provisioner("ensure domain")?.ensure_domain(domain).await;
        self.provisioned(Call::EnsureDomain { domain: domain.to_string() }, answer, |()| Answer::Done)
    }

    async fn dkim(&self, domain: &DomainName) -> Result<DkimKey, Error> {
        let answer = self.provisioner("read key")?.dkim(domain).await;
        self.provisioned(Call::Dkim { domain: domain.to_string() }, answer, |key| Answer::Key {
            selector: key.selector.clone(),
            record: key.record.clone(),
        })
    }

    async fn ensure_mailbox(&self, spec: &MailboxSpec) -> Result<(), Error> {
        self.keep_out(&spec.password);
        let answer = self.provisioner("ensure mailbox")?.ensure_mailbox(spec).await;
        self.provisioned(Call::EnsureMailbox { address: spec.address.to_string() }, answer, |()| Answer::Done)
    }

    async fn remove_mailbox(&self, address: &Address, claim: &Claim) -> Result<(), Error> {
        let answer = self.provisioner("remove mailbox")?.remove_mailbox(address, claim).await;
        self.provisioned(Call::RemoveMailbox { address: address.to_string() }, answer, |()| Answer::Done)
    }
}

/// Shows how much it has noted.
impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("calls", &lock(&self.tape).lines.len()).finish_non_exhaustive()
    }
}
