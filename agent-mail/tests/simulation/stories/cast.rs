//! The agents of a story: what each does at random, and how it hears of it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use agent_mail::simulator::{Dice, Simulation};
use agent_mail::{
    Address, AgentId, AgentMail, AgentMailbox, Effects, Error, ErrorKind, Event, EventHandler, Inbound,
    NewMessage, Sending,
};
use async_trait::async_trait;
use tokio::time::{sleep, timeout};

use super::history::{History, Outcome, marker_of};
use crate::{address, id};

/// An agent, through all runs of its program.
#[derive(Clone)]
pub(super) struct Actor(Arc<Inner>);

struct Inner {
    id: AgentId,
    agents: usize,
    world: Simulation,
    history: Arc<History>,
    life: Mutex<Life>,
}

struct Life {
    dice: Dice,
    deeds_left: usize,
    next: usize,
    /// What can be sent again under its key.
    keyed: Vec<(String, NewMessage)>,
    last: Option<Inbound>,
    /// How often it was given a mailbox, and whether it has one.
    incarnation: usize,
    is_born: bool,
    /// When it was rid of the last one: what came of an attempt to provision may not be known, so the next one may be
    /// there from then on.
    since: Duration,
}

impl Actor {
    pub(super) fn new(
        n: usize,
        agents: usize,
        deeds: usize,
        world: &Simulation,
        history: Arc<History>,
    ) -> Self {
        let name = format!("a{n}");
        let life = Life {
            dice: world.dice(&name),
            deeds_left: deeds,
            next: 0,
            keyed: Vec::new(),
            last: None,
            incarnation: 0,
            is_born: false,
            since: world.elapsed(),
        };
        let (id, world) = (id(&name), world.clone());
        Self(Arc::new(Inner { id, agents, world, history, life: Mutex::new(life) }))
    }

    pub(super) fn id(&self) -> &AgentId {
        &self.0.id
    }

    pub(super) fn address(&self) -> Address {
        address(&format!("agent_{}@agents.example", self.0.id))
    }

    pub(super) fn incarnation(&self) -> usize {
        self.life(|life| life.incarnation)
    }

    pub(super) fn is_done(&self) -> bool {
        self.life(|life| life.deeds_left == 0)
    }

    /// Does what is left to do, with pauses.
    pub(super) async fn act(self, mail: AgentMail) {
        loop {
            let mailbox = self.mailbox(&mail).await;
            let pause = self.life(|life| life.dice.between(Duration::from_secs(1), Duration::from_secs(90)));
            sleep(pause).await;
            let has_more = self.life(|life| {
                let has_more = life.deeds_left > 0;
                life.deeds_left = life.deeds_left.saturating_sub(1);
                has_more
            });
            if !has_more {
                return;
            }
            self.deed(&mail, &mailbox).await;
        }
    }

    async fn deed(&self, mail: &AgentMail, mailbox: &AgentMailbox) {
        match self.life(|life| life.dice.below(100)) {
            0..30 => {
                let (marker, message) = self.new_message();
                self.send(mailbox, &marker, message).await;
            }
            30..45 => {
                let Some(last) = self.life(|life| life.last.clone()) else { return };
                let marker = self.new_marker();
                let Ok(answer) = NewMessage::reply_to(last.message().expose()) else { return };
                self.send(mailbox, &marker, answer.with_subject(&marker)).await;
            }
            45..60 => self.send_once(mailbox).await,
            60..80 => {
                let (marker, message) = self.new_message();
                self.enqueue(mailbox, &marker, Sending::new(message)).await;
            }
            80..85 => {
                for open in mailbox.unconfirmed().await.into_iter().flatten() {
                    let id = open.message_id().clone();
                    match open.resend().await {
                        Ok(receipt) => self.0.history.resent(&id, Outcome::Taken(receipt.accepted)),
                        Err(_) => self.0.history.resent(&id, Outcome::Unknown),
                    }
                }
            }
            85..90 => drop(self.0.world.post_office().reset_uid_validity(mailbox.address())),
            90 => self.be_born_again(mail).await,
            // A caller who loses patience drops the call.
            91..96 => {
                let (marker, message) = self.new_message();
                let patience =
                    self.life(|life| life.dice.between(Duration::ZERO, Duration::from_millis(300)));
                drop(timeout(patience, self.send(mailbox, &marker, message)).await);
            }
            _ => drop(mailbox.fetch_unseen(3).await),
        }
    }

    async fn send(&self, mailbox: &AgentMailbox, marker: &str, message: NewMessage) {
        self.0.history.begin(self, marker, &message);
        let outcome = match mailbox.send(message).await {
            Ok(receipt) => {
                self.0.history.named(marker, &receipt.message_id);
                Outcome::Taken(receipt.accepted)
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Outcome::Unknown,
            Err(_) => Outcome::No,
        };
        self.0.history.end(marker, outcome);
    }

    /// Sends under a new key, or what was sent under an old one again.
    async fn send_once(&self, mailbox: &AgentMailbox) {
        let old = self.life(|life| {
            let again = life.dice.happens(0.5);
            let Life { dice, keyed, .. } = life;
            dice.pick(keyed).filter(|_| again).cloned()
        });
        let (marker, message) = old.unwrap_or_else(|| {
            let (marker, message) = self.new_message();
            self.0.history.begin(self, &marker, &message);
            self.life(|life| life.keyed.push((marker.clone(), message.clone())));
            (marker, message)
        });
        let outcome = match mailbox.send_once(&marker, message).await {
            Ok(receipt) => {
                self.0.history.named(&marker, &receipt.message_id);
                Outcome::Taken(receipt.accepted)
            }
            // An earlier call may have sent it.
            Err(_) => Outcome::Unknown,
        };
        self.0.history.end(&marker, outcome);
    }

    async fn enqueue(&self, mailbox: &AgentMailbox, marker: &str, sending: Sending) {
        self.0.history.begin(self, marker, sending.message());
        if let Ok(queued) = mailbox.enqueue(sending.with_expiry(EXPIRY)).await {
            self.0.history.named(marker, &queued.message_id);
            self.0.history.end(marker, Outcome::Queued);
        }
    }

    /// Hears of everything, acknowledges soon, late, or not before the next run, and answers some of it in the same step.
    pub(super) async fn listen(self, mail: AgentMail) {
        loop {
            let mailbox = self.mailbox(&mail).await;
            let incarnation = self.incarnation();
            let mut events = mailbox.events();
            let mut held: Vec<(Event, bool)> = Vec::new();
            // The end of a stream is the end of the mailbox: it was retired.
            while let Some(Ok(event)) = events.next().await {
                let is_letter = self.take_in(incarnation, &event);
                let is_last_act = self.is_done();
                if !is_last_act && self.life(|life| life.dice.happens(0.2)) {
                    held.push((event, is_letter));
                } else {
                    self.settle(&mailbox, incarnation, &event, is_letter).await;
                }
                let release = is_last_act || self.life(|life| life.dice.happens(0.1));
                for (event, is_letter) in if release { std::mem::take(&mut held) } else { Vec::new() } {
                    self.settle(&mailbox, incarnation, &event, is_letter).await;
                }
            }
            sleep(Duration::from_secs(1)).await;
        }
    }

    /// Hears of one event as a handler, which fails now and then, and answers some of it.
    fn hear(&self, event: &Event) -> Result<Effects, Error> {
        let incarnation = self.incarnation();
        let is_letter = self.take_in(incarnation, event);
        if !self.is_done() && self.life(|life| life.dice.happens(0.1)) {
            return Err(Error::new(ErrorKind::Unavailable, "handle", &self.0.id));
        }
        Ok(self.answer(incarnation, event, is_letter).map_or_else(Effects::new, |(_, effects)| effects))
    }

    /// Notes an event, and tells whether it is a letter: a mail that reports on no other. That takes long to find out.
    fn take_in(&self, incarnation: usize, event: &Event) -> bool {
        let letter = event.received().filter(|message| !message.is_delivery_report());
        self.0.history.handed(self, incarnation, event, letter.is_some());
        if let Some(message) = letter {
            self.life(|life| life.last = Some(message.clone()));
        }
        letter.is_some()
    }

    /// Writes an answer to some of it, with its marker.
    fn answer(&self, incarnation: usize, event: &Event, is_letter: bool) -> Option<(String, Effects)> {
        let received = event.received().filter(|_| is_letter);
        let message = received.filter(|_| !self.is_done() && self.life(|life| life.dice.happens(0.15)))?;
        let to = message.from()?.expose().address.clone();
        // One answer for each mail and each life: the marker says so.
        let marker = format!("re-{}-{}-{incarnation}-er", marker_of(message.raw().expose())?, self.0.id);
        let message = NewMessage::to(to).with_subject(&marker).with_text("answered");
        self.0.history.begin(self, &marker, &message);
        let sending = Sending::new(message).with_key(&marker).with_expiry(EXPIRY);
        let effects = Effects::new().with_note(&marker, "1").with_send(sending);
        Some((marker, effects))
    }

    async fn settle(&self, mailbox: &AgentMailbox, incarnation: usize, event: &Event, is_letter: bool) {
        let settled = match self.answer(incarnation, event, is_letter) {
            Some((marker, effects)) => {
                let settled = event.ack_with(effects).await;
                if settled.is_ok() {
                    self.0.history.end(&marker, Outcome::Queued);
                    let note = mailbox.note(&marker).await;
                    assert!(note.is_err() || note.unwrap().is_some() || self.incarnation() != incarnation);
                }
                settled
            }
            None => event.ack().await,
        };
        if settled.is_ok() {
            self.0.history.settled(self, incarnation, event);
        }
    }

    async fn be_born_again(&self, mail: &AgentMail) {
        self.life(|life| life.is_born = false);
        while mail.retire(&self.0.id).await.is_err() {
            sleep(Duration::from_secs(10)).await;
        }
        // The listener may have been given a mailbox in between, which is gone too.
        self.life(|life| (life.is_born, life.since) = (false, self.0.world.elapsed()));
        self.mailbox(mail).await;
    }

    /// Opens the mailbox, or is given a new one.
    async fn mailbox(&self, mail: &AgentMail) -> AgentMailbox {
        loop {
            if self.life(|life| life.is_born)
                && let Ok(mailbox) = mail.open(&self.0.id).await
            {
                return mailbox;
            }
            if let Some(mailbox) = self.try_to_be_born(mail).await {
                return mailbox;
            }
            sleep(Duration::from_secs(5)).await;
        }
    }

    async fn try_to_be_born(&self, mail: &AgentMail) -> Option<AgentMailbox> {
        let mailbox = mail.provision(&self.0.id).await.ok()?;
        self.life(|life| {
            if !life.is_born {
                (life.is_born, life.last) = (true, None);
                life.incarnation += 1;
                life.keyed.clear();
                self.0.history.born(&self.0.id, life.incarnation, life.since);
            }
        });
        Some(mailbox)
    }

    fn new_message(&self) -> (String, NewMessage) {
        let marker = self.new_marker();
        let others = self.life(|life| {
            let count = 1 + life.dice.below(3);
            (0..count)
                .map(|_| life.dice.below(self.0.agents as u64))
                .collect::<std::collections::BTreeSet<_>>()
        });
        let mut to = others.into_iter().map(|n| address(&format!("agent_a{n}@agents.example")));
        let first =
            NewMessage::to(to.next().expect("one at least")).with_subject(&marker).with_text("a line");
        (marker, to.fold(first, NewMessage::with_cc))
    }

    fn new_marker(&self) -> String {
        self.life(|life| {
            life.next += 1;
            format!("m-{}-{}-er", self.0.id, life.next)
        })
    }

    fn life<T>(&self, look: impl FnOnce(&mut Life) -> T) -> T {
        look(&mut self.0.life.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// All agents of a story, as the handler of their fleet.
pub(super) struct Company(BTreeMap<AgentId, Actor>);

impl Company {
    pub(super) fn of(actors: &[Actor]) -> Self {
        Self(actors.iter().map(|actor| (actor.id().clone(), actor.clone())).collect())
    }
}

#[async_trait]
impl EventHandler for Company {
    async fn handle(&self, mailbox: &AgentMailbox, event: &Event) -> Result<Effects, Error> {
        self.0[mailbox.id()].hear(event)
    }
}

impl fmt::Debug for Company {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

const EXPIRY: Duration = Duration::from_secs(3 * 3_600);
