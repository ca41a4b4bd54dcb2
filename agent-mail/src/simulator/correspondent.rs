use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mail_access::{NewMessage, Received, Refusal, Status};

use super::dice::Dice;

/// Somebody outside: what is done about each message that comes there.
///
/// ```
/// use std::time::Duration;
///
/// use agent_mail::simulator::{Correspondent, Reaction};
///
/// // Answers every other question within a day, and complains about advertisements.
/// let moody = Correspondent::by(|message, dice| {
///     let within = dice.between(Duration::from_secs(60), Duration::from_secs(86_400));
///     match message.subject().contains("offer") {
///         true => vec![Reaction::complain(within)],
///         false if dice.happens(0.5) => vec![Reaction::answer(within, "Let me think.")],
///         false => Vec::new(),
///     }
/// });
/// # let _ = moody;
/// ```
#[derive(Clone)]
pub struct Correspondent(Arc<Script>);

type Script = dyn Fn(&Received, &mut Dice) -> Vec<Reaction> + Send + Sync;

impl Correspondent {
    /// Reads and says nothing.
    pub fn silent() -> Self {
        Self::by(|_, _| Vec::new())
    }

    /// Answers every message after a time.
    pub fn answering(after: Duration, text: impl Into<String>) -> Self {
        let text = text.into();
        Self::by(move |_, _| vec![Reaction::answer(after, text.clone())])
    }

    /// Is away: a machine answers what people wrote (RFC 3834).
    pub fn away(text: impl Into<String>) -> Self {
        let text = text.into();
        Self::by(move |_, _| vec![Reaction::auto_reply(Duration::from_secs(1), text.clone())])
    }

    /// Isn't there: every message comes back after a time.
    pub fn unknown(after: Duration) -> Self {
        let refusal = Refusal::new(550, (5, 1, 1), "No such user");
        Self::by(move |_, _| vec![Reaction::bounce(after, refusal)])
    }

    /// Complains about every message after a time (RFC 5965).
    pub fn complaining(after: Duration) -> Self {
        Self::by(move |_, _| vec![Reaction::complain(after)])
    }

    /// Wants no more mail, and says so after a time.
    pub fn unsubscribing(after: Duration) -> Self {
        Self::by(move |_, _| vec![Reaction::unsubscribe(after)])
    }

    /// Does what a script says. It is asked once for each message when that departs, and must not call the world.
    /// What it decides follows from the message and from the dice only, if the same seed is to make the same world.
    pub fn by(script: impl Fn(&Received, &mut Dice) -> Vec<Reaction> + Send + Sync + 'static) -> Self {
        Self(Arc::new(script))
    }

    pub(super) fn react(&self, to: &Received, dice: &mut Dice) -> Vec<Reaction> {
        (self.0)(to, dice)
    }
}

impl fmt::Debug for Correspondent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Correspondent").finish_non_exhaustive()
    }
}

/// One thing that somebody outside does about a message, and how long after it departed.
#[derive(Clone, Debug)]
pub struct Reaction {
    pub(super) after: Duration,
    pub(super) deed: Deed,
}

#[derive(Clone, Debug)]
pub(super) enum Deed {
    Answer(String),
    AutoReply(String),
    Bounce(Status),
    Complain,
    Unsubscribe,
    Write(Box<NewMessage>),
}

impl Reaction {
    /// Answers with a text, in the message's thread.
    pub fn answer(after: Duration, text: impl Into<String>) -> Self {
        Self { after, deed: Deed::Answer(text.into()) }
    }

    /// Has a machine answer with a text, unless a machine wrote the message (RFC 3834 section 2).
    pub fn auto_reply(after: Duration, text: impl Into<String>) -> Self {
        Self { after, deed: Deed::AutoReply(text.into()) }
    }

    /// Has the server out there refuse the message, so that the sender gets a delivery report (RFC 3464).
    pub fn bounce(after: Duration, words: Refusal) -> Self {
        Self { after, deed: Deed::Bounce(words.into()) }
    }

    /// Presses the button "this is spam": the provider sends a complaint (RFC 5965).
    pub fn complain(after: Duration) -> Self {
        Self { after, deed: Deed::Complain }
    }

    /// Sends a mail with the subject `unsubscribe`: to the mailto address of List-Unsubscribe (RFC 2369), or else as an answer.
    pub fn unsubscribe(after: Duration) -> Self {
        Self { after, deed: Deed::Unsubscribe }
    }

    /// Writes any other message.
    pub fn write(after: Duration, message: NewMessage) -> Self {
        Self { after, deed: Deed::Write(Box::new(message)) }
    }
}
