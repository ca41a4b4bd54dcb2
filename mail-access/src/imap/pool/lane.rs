use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::work::Work;
use crate::imap::Look;
use crate::wire::Fault;
use crate::{Arrival, Login, Position};

/// What is demanded of the task of one login: jobs, and to watch for mail. It is changed under a lock, and nothing here
/// waits.
pub(in crate::imap) struct Lane {
    login: Login,
    state: Mutex<State>,
    bell: Notify,
}

struct State {
    jobs: VecDeque<Box<dyn Work>>,
    waiting: Vec<Waiting>,
    /// Mail is on its way: since when that is known, how much of it, and how often it was looked for.
    hint: Option<(Instant, u32, usize)>,
    /// Somebody else needs the connection.
    leave: bool,
    /// When the task showed last that it runs.
    beat: Instant,
    /// Since when the task opens a connection, for which it has the right.
    opening: Option<Instant>,
    /// How long it took for that before.
    opened: Duration,
}

/// What the task has to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::imap) enum Demand {
    Job { in_inbox: bool },
    Watch,
    Nothing,
}

/// What those who wait are left with after a look at the INBOX.
#[derive(Debug)]
pub(in crate::imap) struct Review {
    /// Only the server can answer somebody who waits behind this position.
    pub(in crate::imap) unknown: Option<Position>,
    /// Somebody came after the server was asked last.
    pub(in crate::imap) is_unsynced: bool,
    /// When to look for mail that is on its way.
    pub(in crate::imap) look_at: Option<Instant>,
}

impl Lane {
    pub(super) fn new(login: Login) -> Self {
        let beat = Instant::now();
        let state = State {
            jobs: VecDeque::new(),
            waiting: Vec::new(),
            hint: None,
            leave: false,
            beat,
            opening: None,
            opened: Duration::ZERO,
        };
        Self { login, state: Mutex::new(state), bell: Notify::new() }
    }

    pub(in crate::imap) fn login(&self) -> &Login {
        &self.login
    }

    pub(super) fn push(&self, work: Box<dyn Work>) {
        self.state().jobs.push_back(work);
        self.ring();
    }

    pub(super) fn watch(&self, waiting: Waiting) {
        self.state().waiting.push(waiting);
        self.ring();
    }

    /// Notes that mail is on its way.
    pub(super) fn hint(&self) {
        let mut state = self.state();
        let count = state.hint.map_or(0, |(_, count, _)| count);
        state.hint = Some((Instant::now(), count + 1, 0));
        drop(state);
        self.ring();
    }

    /// Notes that so many messages came.
    pub(in crate::imap) fn arrived(&self, messages: u32) {
        let mut state = self.state();
        state.hint = state
            .hint
            .and_then(|(since, count, looks)| (count > messages).then(|| (since, count - messages, looks)));
    }

    /// Notes that mail on its way was looked for.
    pub(in crate::imap) fn looked(&self) {
        if let Some((_, _, looks)) = &mut self.state().hint {
            *looks += 1;
        }
    }

    /// Asks the task to give its connection up when the job under way is done.
    pub(in crate::imap) fn ask_to_leave(&self) {
        self.state().leave = true;
        self.ring();
    }

    pub(in crate::imap) fn is_asked_to_leave(&self) -> bool {
        self.state().leave
    }

    pub(in crate::imap) fn has_left(&self) {
        self.state().leave = false;
    }

    /// Notes that the task begins to open a connection, or has done with it.
    pub(in crate::imap) fn set_opening(&self, is_opening: bool) {
        let mut state = self.state();
        let since = std::mem::replace(&mut state.opening, is_opening.then(Instant::now));
        state.opened += since.map_or(Duration::ZERO, |since| since.elapsed());
    }

    /// Returns how long the task took to open connections.
    pub(super) fn opening(&self) -> Duration {
        let state = self.state();
        state.opened + state.opening.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Waits until something has changed here.
    pub(in crate::imap) async fn rung(&self) {
        self.bell.notified().await;
    }

    pub(super) fn ring(&self) {
        self.bell.notify_one();
    }

    /// Shows that the task runs.
    pub(in crate::imap) fn beat(&self) {
        self.state().beat = Instant::now();
    }

    /// Tells whether the task has shown nothing of itself for so long since `asked`.
    pub(super) fn is_stuck(&self, asked: Instant, patience: Duration) -> bool {
        self.state().beat.max(asked).elapsed() >= patience
    }

    pub(in crate::imap) fn demand(&self) -> Demand {
        let mut state = self.state();
        state.beat = Instant::now();
        state.jobs.retain(|work| work.is_wanted());
        state.waiting.retain(Waiting::is_wanted);
        match state.jobs.front() {
            Some(work) => Demand::Job { in_inbox: work.in_inbox() },
            None if state.waiting.is_empty() => Demand::Nothing,
            None => Demand::Watch,
        }
    }

    /// Tells whether somebody waits whom nobody has looked for yet, or whose mail is on its way.
    pub(in crate::imap) fn is_urgent(&self) -> bool {
        let state = self.state();
        state.hint.is_some() || state.waiting.iter().any(|waiting| !waiting.armed.load(Ordering::Acquire))
    }

    /// Takes the next job; who asked for it can't take it back any more.
    pub(in crate::imap) fn take(&self) -> Option<Box<dyn Work>> {
        let mut state = self.state();
        while let Some(mut work) = state.jobs.pop_front() {
            if work.begin() {
                return Some(work);
            }
        }
        None
    }

    /// Puts a job back to the head of the line, to be done again.
    pub(in crate::imap) fn put_back(&self, mut work: Box<dyn Work>) {
        work.give_back();
        self.state().jobs.push_front(work);
    }

    /// Tells everybody of a fault that keeps the connection from coming to be.
    pub(in crate::imap) fn fail(&self, fault: Fault) {
        let jobs = std::mem::take(&mut self.state().jobs);
        self.tell(fault, jobs);
    }

    /// Tells those who wait for mail that the connection is lost.
    pub(in crate::imap) fn fail_waiting(&self, fault: Fault) {
        self.tell(fault, VecDeque::new());
    }

    fn tell(&self, fault: Fault, jobs: VecDeque<Box<dyn Work>>) {
        let waiting = std::mem::take(&mut self.state().waiting);
        let copies: Vec<_> = (1..jobs.len() + waiting.len()).map(|_| fault.copy()).collect();
        // The first one gets the fault itself, which holds more than its copies.
        let mut faults = std::iter::once(fault).chain(copies);
        jobs.into_iter().zip(&mut faults).for_each(|(work, fault)| work.fail(fault));
        waiting.into_iter().zip(&mut faults).for_each(|(one, fault)| one.end(Err(fault)));
    }

    /// Answers those who wait, as `look` sees the INBOX, of which the server was asked last at `synced`.
    pub(in crate::imap) fn review(&self, synced: Instant, look: impl Fn(Position) -> Look) -> Review {
        let now = Instant::now();
        let mut state = self.state();
        state.beat = now;
        let mut review = Review { unknown: None, is_unsynced: false, look_at: None };
        for waiting in std::mem::take(&mut state.waiting) {
            match look(waiting.after) {
                Look::New => {
                    waiting.end(Ok(Arrival::New));
                    continue;
                }
                Look::Unknown => review.unknown = Some(waiting.after),
                Look::Nothing if waiting.is_covered(synced) => {
                    waiting.armed.store(true, Ordering::Release);
                    if waiting.until <= now {
                        waiting.end(Ok(Arrival::TimedOut));
                        continue;
                    }
                }
                Look::Nothing => review.is_unsynced = true,
            }
            if waiting.is_wanted() {
                state.waiting.push(waiting);
            }
        }
        if let Some((since, _, looks)) = state.hint {
            match LOOKS.get(looks) {
                Some(after) => review.look_at = Some(since + *after),
                None => state.hint = None,
            }
        }
        review
    }

    /// Lets go of all that was demanded; whoever did finds out by the channel that closes. A task that turns out to run
    /// all the same closes its connection at once.
    pub(super) fn abandon(&self) {
        let mut state = self.state();
        state.leave = true;
        let left = (std::mem::take(&mut state.jobs), std::mem::take(&mut state.waiting));
        drop(state);
        drop(left);
        self.ring();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who waits for mail.
pub(in crate::imap) struct Waiting {
    after: Position,
    since: Instant,
    until: Instant,
    /// Whether there was nothing behind the position when it was looked for, so that the wait may end with that.
    armed: Arc<AtomicBool>,
    done: oneshot::Sender<Result<Arrival, Fault>>,
}

/// Makes a demand to watch for mail, what tells that it is being done, and the channel for its answer.
pub(super) fn wait(
    after: Position,
    until: Instant,
) -> (Waiting, Arc<AtomicBool>, oneshot::Receiver<Result<Arrival, Fault>>) {
    let (done, told) = oneshot::channel();
    let armed = Arc::new(AtomicBool::new(false));
    (Waiting { after, since: Instant::now(), until, armed: Arc::clone(&armed), done }, armed, told)
}

impl Waiting {
    fn is_wanted(&self) -> bool {
        !self.done.is_closed()
    }

    /// Tells whether what the server said last still counts: what came after it, IDLE will tell.
    fn is_covered(&self, synced: Instant) -> bool {
        let slack = if self.until.duration_since(self.since) < BRIEF { Duration::ZERO } else { SLACK };
        self.armed.load(Ordering::Acquire) || synced + slack >= self.since
    }

    fn end(self, arrival: Result<Arrival, Fault>) {
        let _ = self.done.send(arrival);
    }
}

/// When to look for mail that was just handed over: most deliveries by Postfix and Dovecot take 8 to 15 ms.
const LOOKS: [Duration; 14] = [
    Duration::from_millis(3),
    Duration::from_millis(6),
    Duration::from_millis(9),
    Duration::from_millis(11),
    Duration::from_millis(13),
    Duration::from_millis(15),
    Duration::from_millis(18),
    Duration::from_millis(22),
    Duration::from_millis(30),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(400),
    Duration::from_millis(800),
];
/// Who waits for long need not ask once more when the server was asked just now.
const SLACK: Duration = Duration::from_millis(100);
const BRIEF: Duration = Duration::from_secs(2);
