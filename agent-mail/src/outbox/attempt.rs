use std::time::Duration;

use mail_access::{Address, Error as MailError, Outgoing};
use tokio::time::sleep;

use super::asking::{Asked, ask};
use super::copy::{Filed, file};
use super::direct::pass;
use super::lane::Try;
use super::report::happened;
use super::verdict::{Verdict, judge};
use super::{LONGEST_PAUSE, RecipientState, SHORTEST_PAUSE, back_off, evidence, later};
use crate::backend::Committed;
use crate::journal::{
    Due, Happened, Kept, OutboxRecord, Outcome, Pending, Progress, QueueRecord, Said, millis,
};
use crate::observe::{self, Operation};
use crate::safety::{self, Cost, STOPPED};
use crate::{AgentId, AgentMail, AgentMailbox, Error, ErrorKind, Guarantee};

/// What becomes of an entry after a try.
#[derive(Debug)]
pub(super) enum After {
    /// There is nothing more to do.
    Gone,
    /// It goes on so.
    Due(Due),
    /// It goes on so, and all mail of the agent waits with it.
    Rest(Due),
    /// It is as it was, and nothing can be done for the agent before.
    Failed { until: u64 },
    /// Somebody has stopped the agent's sending.
    Stopped,
}

/// Goes on with an entry of the outbox, as far as it gets now. It never fails: what can't be done is done later.
pub(super) async fn attempt(system: &AgentMail, agent: &AgentId, chosen: &Try) -> After {
    match Operation::Attempt.begin(agent).over(Attempt::go(system, agent, chosen)).await {
        Ok(after) => after,
        Err(error) if error.code() == Some(STOPPED) => After::Stopped,
        Err(error) => {
            tracing::warn!(%agent, %error, "the outbox waits");
            let chance = &*system.system().chance;
            After::Failed { until: later(millis(chance.now()), back_off(chance, 2)) }
        }
    }
}

struct Attempt<'a> {
    system: &'a AgentMail,
    mailbox: AgentMailbox,
    /// The entry as it stands in the state.
    kept: Kept,
    now: u64,
}

impl<'a> Attempt<'a> {
    async fn go(system: &'a AgentMail, agent: &AgentId, chosen: &Try) -> Result<After, Error> {
        let Some(kept) = system.system().journal.kept(agent, &chosen.name).await? else {
            return Ok(After::Gone);
        };
        let Some(queue) = kept.record.queue.as_ref().filter(|queue| !queue.is_over()) else {
            return Ok(After::Gone);
        };
        let now = millis(system.system().chance.now());
        if now < queue.next.min(queue.until) {
            return Ok(after(&kept.record));
        }
        let is_late = now >= queue.until && !chosen.spared;
        observe::attempted(&kept.record.message_id, queue.failures);
        let mailbox = system.open(agent).await?;
        let mut attempt = Attempt { system, mailbox, kept, now };
        attempt.run(&chosen.to, is_late).await
    }

    async fn run(&mut self, to: &[Address], is_late: bool) -> Result<After, Error> {
        safety::may_send(&self.mailbox).await?;
        let mut record = self.kept.record.clone();
        let Some(queue) = &mut record.queue else { return Ok(After::Gone) };
        self.find_out(&record.recipients.clone(), queue, is_late).await;
        if is_late {
            for progress in queue.progress.iter_mut().filter(|one| one.state == RecipientState::Waiting) {
                progress.end(RecipientState::Expired);
            }
        }
        let mut targets = queue.with(&self.kept.record, |state| state == RecipientState::Waiting);
        targets.retain(|target| to.contains(target));
        if !targets.is_empty() && queue.pending == Pending::Checks {
            return self.ask_again(&targets).await;
        }
        if !targets.is_empty()
            && let Err(error) = pass(&self.mailbox, &targets).await
        {
            if error.code() == Some(STOPPED) {
                return Err(error);
            }
            let said = Said::words(error.to_string());
            each(&mut record, &targets, |progress| progress.said = Some(said.clone()));
            targets.clear();
            self.postpone(&mut record, error.retry_after());
        } else if !targets.is_empty() {
            each(&mut record, &targets, |progress| progress.state = RecipientState::Unknown);
            self.postpone(&mut record, None);
        } else if record.queue.as_ref().is_some_and(QueueRecord::has_unknown) {
            self.postpone(&mut record, None);
        }
        // Whatever may fail before it is sent comes before it is noted as being sent.
        let message = if targets.is_empty() { None } else { Some(self.message(&targets).await?) };
        let cost = message.as_ref().and_then(|_| cost(&mut record));
        let is_charged = cost.is_some();
        match self.commit_as(None, cost, record).await {
            Ok(true) => {}
            Ok(false) => return self.as_it_is().await,
            Err(error) if is_charged && is_no_room(&error) => {
                return self.wait(&targets, &error).await;
            }
            Err(error) => return Err(error),
        }
        let mut rest = false;
        if let Some(message) = message {
            let mail = &*self.system.system().mail;
            let outcome = match message {
                Ok(message) => self.mailbox.inner().login.submit(mail, &message).await,
                Err(error) => Err(error),
            };
            rest = matches!(outcome, Err(MailError::Unavailable { .. } | MailError::Authentication { .. }));
            self.settle(&targets, judge(&targets, outcome)).await?;
        }
        self.copy(is_late).await?;
        Ok(match after(&self.kept.record) {
            After::Due(due) if rest => After::Rest(due),
            after => after,
        })
    }

    /// Looks for what nobody knows the outcome of.
    async fn find_out(&self, recipients: &[Address], queue: &mut QueueRecord, is_late: bool) {
        for (recipient, progress) in recipients.iter().zip(&mut queue.progress) {
            if progress.state != RecipientState::Unknown {
                continue;
            }
            progress.doubt = true;
            let taken = evidence::was_taken(&self.mailbox, &self.kept.record, recipient).await;
            progress.state = match taken {
                Ok(true) => RecipientState::Accepted,
                _ if is_late => RecipientState::Unconfirmed,
                Ok(false) if queue.guarantee == Guarantee::AtLeastOnce => RecipientState::Waiting,
                Ok(false) => RecipientState::Unknown,
                Err(error) => {
                    tracing::warn!(agent = %self.mailbox.id(), %error, "it can't be found out whether it was sent");
                    RecipientState::Unknown
                }
            };
        }
    }

    /// Puts the message together as it was put into the outbox; the inner error says that it can't be sent.
    async fn message(&self, targets: &[Address]) -> Result<Result<Outgoing, MailError>, Error> {
        let record = &self.kept.record;
        let bytes = self.system.system().journal.outbox_bytes(self.mailbox.id(), &record.name).await?;
        let (sender, id) = (self.mailbox.address().clone(), record.message_id.clone());
        Ok(Outgoing::restore(sender, targets.to_vec(), id, bytes))
    }

    /// Writes down what became of a submission. The state may fail for a while: what was sent is known only here.
    async fn settle(&mut self, targets: &[Address], verdict: Verdict) -> Result<(), Error> {
        let mut failures = 0;
        loop {
            let mut record = self.kept.record.clone();
            let Some(queue) = &mut record.queue else { return Ok(()) };
            let mut is_open = false;
            for (recipient, progress) in record.recipients.iter().zip(&mut queue.progress) {
                if let Some((_, state, said)) = verdict.of.iter().find(|(who, ..)| who == recipient)
                    && progress.state == RecipientState::Unknown
                {
                    progress.said = said.clone().or(progress.said.take());
                    if state.is_open() {
                        progress.state = *state;
                    } else {
                        progress.end(*state);
                    }
                }
                is_open |= targets.contains(recipient) && progress.state.is_open();
            }
            if is_open {
                self.postpone(&mut record, verdict.pause);
            } else {
                queue.next = queue.next.min(self.now);
            }
            match self.commit(record).await {
                Ok(true) => return Ok(()),
                Ok(false) => match self.fresh().await? {
                    Some(kept) => self.kept = kept,
                    None => return Ok(()),
                },
                Err(error) if failures >= PATIENCE || error.kind() == ErrorKind::NotFound => {
                    return Err(error);
                }
                Err(error) => {
                    tracing::warn!(agent = %self.mailbox.id(), %error, "what was sent can't be noted; tried again");
                    failures += 1;
                    sleep(Duration::from_millis(100 << failures)).await;
                }
            }
        }
    }

    /// Files a copy, if one is wanted and the message was taken for somebody.
    async fn copy(&mut self, is_late: bool) -> Result<(), Error> {
        let wanted = |record: &OutboxRecord| {
            let copy = |queue: &QueueRecord| queue.copy && queue.has(RecipientState::Accepted);
            record.queue.as_ref().is_some_and(copy)
        };
        if !wanted(&self.kept.record) {
            return Ok(());
        }
        let filed = file(&self.mailbox, &self.kept.record).await;
        while wanted(&self.kept.record) {
            let mut record = self.kept.record.clone();
            if filed == Filed::Later && !is_late {
                self.postpone(&mut record, None);
            } else if let Some(queue) = &mut record.queue {
                queue.copy = false;
            }
            if self.commit(record).await? {
                break;
            }
            let Some(kept) = self.fresh().await? else { break };
            self.kept = kept;
        }
        Ok(())
    }

    /// Asks the checks again, one of which wanted to be asked later.
    async fn ask_again(&mut self, targets: &[Address]) -> Result<After, Error> {
        match ask(&self.mailbox, &self.kept, self.now).await? {
            Asked::Goes(record, bytes, cost) => match self.commit_as(Some(bytes), cost, *record).await {
                Ok(_) => self.as_it_is().await,
                Err(error) if is_no_room(&error) => self.wait(targets, &error).await,
                Err(error) => Err(error),
            },
            Asked::Later(error) => self.wait(targets, &error).await,
            Asked::Held => {
                // Where it was held under its key before. Somebody may have decided on it already: that is in its place then.
                self.mailbox.inner().journal.take_out(self.mailbox.id(), &self.kept).await?;
                self.as_it_is().await
            }
            Asked::Refused(error) => {
                let mut record = self.kept.record.clone();
                let said = Said::words(error.to_string());
                for progress in record.queue.iter_mut().flat_map(|queue| &mut queue.progress) {
                    progress.said = Some(said.clone());
                    progress.end(RecipientState::Refused);
                }
                self.commit(record).await?;
                self.as_it_is().await
            }
        }
    }

    /// Lets it wait until there may be room in the budgets, or until the checks want to be asked or can be.
    async fn wait(&mut self, targets: &[Address], error: &Error) -> Result<After, Error> {
        let mut record = self.kept.record.clone();
        let said = Said::words(error.to_string());
        each(&mut record, targets, |progress| progress.said = Some(said.clone()));
        if !is_no_room(error) {
            self.postpone(&mut record, error.retry_after());
        } else if let Some(queue) = &mut record.queue {
            queue.next = later(self.now, error.retry_after().unwrap_or(LONGEST_PAUSE).max(SHORTEST_PAUSE));
        }
        if !self.commit(record).await? {
            return self.as_it_is().await;
        }
        Ok(after(&self.kept.record))
    }

    fn postpone(&self, record: &mut OutboxRecord, at_least: Option<Duration>) {
        let Some(queue) = &mut record.queue else { return };
        let pause = back_off(&*self.system.system().chance, queue.failures);
        queue.failures = queue.failures.saturating_add(1);
        queue.next = later(self.now, pause.max(at_least.unwrap_or_default()));
    }

    /// Brings the entry to where `record` says, with the events that belong to the step; `false` if somebody else has
    /// changed it since it was read.
    async fn commit(&mut self, record: OutboxRecord) -> Result<bool, Error> {
        self.commit_as(None, None, record).await
    }

    /// Does the same, with other bytes and for what it costs.
    async fn commit_as(
        &mut self,
        bytes: Option<Vec<u8>>,
        cost: Option<Cost>,
        record: OutboxRecord,
    ) -> Result<bool, Error> {
        let committed = advance(&self.mailbox, &self.kept, record, (bytes, cost)).await?;
        let done = committed.is_some();
        if let Some(kept) = committed {
            self.kept = kept;
        }
        Ok(done)
    }

    async fn fresh(&self) -> Result<Option<Kept>, Error> {
        self.system.system().journal.kept(self.mailbox.id(), &self.kept.record.name).await
    }

    async fn as_it_is(&self) -> Result<After, Error> {
        Ok(self.fresh().await?.map_or(After::Gone, |kept| after(&kept.record)))
    }
}

/// Notes that the budgets are charged for an entry, and returns what for if they aren't yet.
fn cost(record: &mut OutboxRecord) -> Option<Cost> {
    let queue = record.queue.as_mut().filter(|queue| queue.pending == Pending::Budgets)?;
    queue.pending = Pending::Nothing;
    Some(Cost::of_recipients(record.recipients.len()))
}

fn is_no_room(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::RateLimited | ErrorKind::PermissionDenied)
}

fn each(record: &mut OutboxRecord, targets: &[Address], change: impl Fn(&mut Progress)) {
    let Some(queue) = &mut record.queue else { return };
    for (recipient, progress) in record.recipients.iter().zip(&mut queue.progress) {
        if targets.contains(recipient) {
            change(progress);
        }
    }
}

/// Brings an entry from how it was read to another state, with the events that belong to it; `None` if somebody else was
/// faster. Of an agent that is being retired nothing is written. It may have other bytes from then on; what the step costs is taken with it.
pub(super) async fn advance(
    mailbox: &AgentMailbox,
    kept: &Kept,
    mut record: OutboxRecord,
    (bytes, cost): (Option<Vec<u8>>, Option<Cost>),
) -> Result<Option<Kept>, Error> {
    let (journal, agent) = (&mailbox.inner().journal, mailbox.id());
    let now = mailbox.inner().system.system().chance.now();
    conclude(&mut record);
    if record == kept.record {
        return Ok(Some(kept.clone()));
    }
    let change = journal.advance(agent, kept, &record, now).await?;
    let (mut change, step) =
        journal.tally_step(change, agent, now, (kept.record.stage(), &record), None).await?;
    if let Some(bytes) = bytes {
        change = journal.put_outbox_bytes(change, agent, &record.name, bytes);
    }
    for what in happened(&kept.record, &record) {
        change = journal.note_event(change, agent, &Happened { at: now, what })?;
    }
    match safety::commit(mailbox, cost.as_slice(), change).await? {
        Some(Committed::Done) => {
            observe::counted(&step, record.wanted(), now);
            Ok(Some(Kept::of(record)))
        }
        Some(Committed::Conflict) => Ok(None),
        None => Err(Error::new(ErrorKind::NotFound, "send", agent).with_detail("the agent was retired")),
    }
}

/// Sees what follows when no recipient is open any more.
fn conclude(record: &mut OutboxRecord) {
    let Some(queue) = &mut record.queue else { return };
    let is_open = queue.progress.iter().any(|progress| progress.state.is_open());
    if is_open {
        return;
    }
    queue.copy &= queue.has(RecipientState::Accepted);
    if queue.has(RecipientState::Unconfirmed) {
        return;
    }
    let (mut accepted, mut refused) = (Vec::new(), Vec::new());
    for (recipient, progress) in record.recipients.iter().zip(&queue.progress) {
        if progress.state == RecipientState::Accepted {
            accepted.push(recipient.to_string());
        } else {
            let said = progress.said.clone().unwrap_or_else(|| Said::words("it was taken back"));
            refused.push((recipient.to_string(), said.code.unwrap_or(0), said.text));
        }
    }
    record.outcome = Outcome::Sent { accepted, refused };
}

fn after(record: &OutboxRecord) -> After {
    match &record.queue {
        Some(queue) if !queue.is_over() => After::Due(queue.due(record)),
        _ => After::Gone,
    }
}

/// How often it is tried to write down what was sent; with the pauses it takes 3 minutes.
const PATIENCE: u32 = 10;
