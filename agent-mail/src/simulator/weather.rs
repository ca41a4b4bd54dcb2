use std::sync::Mutex;
use std::time::Duration;

use mail_access::{Fault, Occasion, Refusal};

use super::dice::Dice;
use crate::embedded::lock;

/// What goes wrong in a world, and how often.
///
/// ```
/// use std::time::Duration;
///
/// use agent_mail::simulator::{Simulation, Trouble, Weather};
///
/// let weather = Weather::calm()
///     .with_latency(Duration::from_millis(5), Duration::from_millis(80))
///     .with(Trouble::SubmitTakenAndLost, 0.01);
/// Simulation::builder(1).weather(weather).build();
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Weather {
    shortest: Duration,
    longest: Duration,
    chances: [f64; Trouble::ALL.len()],
    latest: Duration,
    report_delay: Duration,
    greylisting: Option<Duration>,
}

impl Weather {
    /// Nothing goes wrong, and nothing takes time.
    pub fn calm() -> Self {
        Self {
            shortest: Duration::ZERO,
            longest: Duration::ZERO,
            chances: [0.0; Trouble::ALL.len()],
            latest: Duration::from_mins(10),
            report_delay: Duration::ZERO,
            greylisting: None,
        }
    }

    /// Each trouble happens at 1 of 100 occasions, a new numbering at 1 of 1 000, and each way of a call takes 1 to 200 ms.
    pub fn stormy() -> Self {
        let mut stormy = Self::calm().with_latency(Duration::from_millis(1), Duration::from_millis(200));
        for &trouble in Trouble::ALL {
            stormy = stormy.with(trouble, 0.01);
        }
        stormy.with(Trouble::NumberedAnew, 0.001)
    }

    /// Sets how long a call takes on its way there, and its answer on the way back: any time from the shortest to the
    /// longest.
    pub fn with_latency(mut self, shortest: Duration, longest: Duration) -> Self {
        (self.shortest, self.longest) = (shortest, longest.max(shortest));
        self
    }

    /// Sets the probability of a trouble, 0 to 1, at each occasion for it.
    pub fn with(mut self, trouble: Trouble, probability: f64) -> Self {
        self.chances[trouble as usize] = probability.clamp(0.0, 1.0);
        self
    }

    /// Sets how late a message comes at most that is late or waits to be overtaken; 10 minutes unless set.
    pub fn with_latest(mut self, latest: Duration) -> Self {
        self.latest = latest;
        self
    }

    /// Sets how long it takes at most until a sender is told that a message couldn't be delivered; at once unless set.
    pub fn with_report_delay(mut self, at_most: Duration) -> Self {
        self.report_delay = at_most;
        self
    }

    /// Lets each pair of sender and recipient wait at its first message; see
    /// [`Policy::with_greylisting`](mail_access::Policy::with_greylisting). It takes effect when the world is built.
    pub fn with_greylisting(mut self, pause: Duration) -> Self {
        self.greylisting = Some(pause);
        self
    }

    pub(super) fn greylisting(&self) -> Option<Duration> {
        self.greylisting
    }

    fn chance(&self, trouble: Trouble) -> f64 {
        self.chances[trouble as usize]
    }
}

impl Default for Weather {
    fn default() -> Self {
        Self::calm()
    }
}

macro_rules! troubles {
    ($($(#[$about:meta])* $trouble:ident)*) => {
        /// One thing that can go wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Trouble { $($(#[$about])* $trouble,)* }

        impl Trouble {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$trouble),*];
        }
    };
}

troubles! {
    /// A submission doesn't reach the server.
    SubmitUnavailable
    /// A submission loses the link before the message was taken.
    SubmitLost
    /// A submission loses the link after the message was taken.
    SubmitTakenAndLost
    /// The server refuses a message for now (452).
    SubmitDeferred
    /// The server refuses a message for good (550).
    SubmitRefused
    /// The server refuses one recipient for now (450).
    RecipientDeferred
    /// The server refuses one recipient for good (550).
    RecipientRefused
    /// One recipient is accepted, can't be delivered to, and the sender is told.
    Bounced
    /// One recipient gets the message twice.
    DeliveredTwice
    /// One recipient gets the message late.
    DeliveredLate
    /// One recipient gets the message behind later ones.
    Overtaken
    /// A call that reads doesn't reach the server.
    FetchUnavailable
    /// A call that marks or moves doesn't reach the server.
    ChangeUnavailable
    /// A call that marks or moves loses the link before anything was done.
    ChangeLost
    /// A call that marks or moves loses the link after it was done.
    ChangeTakenAndLost
    /// A folder has a new UIDVALIDITY when it is opened.
    NumberedAnew
    /// A wait for mail loses the link.
    WaitLost
    /// A call for provisioning or rotation doesn't reach the server.
    MailcowUnavailable
    /// A call for provisioning or rotation is done, and its answer is lost.
    MailcowTakenAndLost
    /// A call for the zone doesn't reach the server.
    DesecUnavailable
    /// A call for the zone comes too often (429).
    DesecRateLimited
    /// A change of the zone is made, and its answer is lost.
    DesecTakenAndLost
}

/// The weather as it is now, and the dice that decide.
#[derive(Debug)]
pub(super) struct Sky(Mutex<(Weather, Dice)>);

impl Sky {
    pub(super) fn new(weather: Weather, dice: Dice) -> Self {
        Self(Mutex::new((weather, dice)))
    }

    pub(super) fn set(&self, weather: Weather) {
        lock(&self.0).0 = weather;
    }

    pub(super) fn now(&self) -> (Weather, Dice) {
        lock(&self.0).clone()
    }

    /// Draws how long one way takes.
    pub(super) fn latency(&self) -> Duration {
        let (weather, dice) = &mut *lock(&self.0);
        if weather.longest.is_zero() {
            Duration::ZERO
        } else {
            dice.between(weather.shortest, weather.longest)
        }
    }

    /// Draws which of these troubles happens, at most one.
    pub(super) fn trouble(&self, of: &[Trouble]) -> Option<Trouble> {
        let (weather, dice) = &mut *lock(&self.0);
        let all: f64 = of.iter().map(|trouble| weather.chance(*trouble)).sum();
        if all <= 0.0 {
            return None;
        }
        let mut share = dice.share();
        of.iter().copied().find(|trouble| {
            let chance = weather.chance(*trouble);
            share -= chance;
            share < 0.0
        })
    }

    /// Draws what befalls the mail system on an occasion.
    pub(super) fn fault(&self, occasion: Occasion<'_>) -> Option<Fault> {
        let trouble = self.trouble(match occasion {
            Occasion::Submission { .. } => &SUBMISSION,
            Occasion::Recipient { .. } => &RECIPIENT,
            Occasion::Reading { .. } => &[Trouble::FetchUnavailable],
            Occasion::Changing { .. } => &CHANGING,
            Occasion::Opening { .. } => &[Trouble::NumberedAnew],
            Occasion::Waiting { .. } => &[Trouble::WaitLost],
            _ => &[],
        })?;
        let (weather, dice) = &mut *lock(&self.0);
        let mut late = |at_most| dice.between(Duration::from_secs(1).min(at_most), at_most);
        Some(match trouble {
            Trouble::SubmitUnavailable => Fault::SubmitUnavailable,
            Trouble::SubmitLost => Fault::SubmitLost,
            Trouble::SubmitTakenAndLost => Fault::SubmitTakenAndLost,
            Trouble::SubmitDeferred => Fault::SubmitRefused(Refusal::TEMPORARY),
            Trouble::SubmitRefused => Fault::SubmitRefused(Refusal::PERMANENT),
            Trouble::RecipientDeferred => Fault::RecipientRefused(LATER),
            Trouble::RecipientRefused => Fault::RecipientRefused(NEVER),
            Trouble::Bounced => {
                Fault::DeliveryFailedLate { after: late(weather.report_delay), refusal: GONE }
            }
            Trouble::DeliveredTwice => Fault::DeliveredTwice,
            Trouble::DeliveredLate => Fault::DeliveryLate(late(weather.latest)),
            Trouble::Overtaken => Fault::Overtaken { by: 1, at_most: late(weather.latest) },
            Trouble::FetchUnavailable => Fault::FetchUnavailable,
            Trouble::ChangeUnavailable => Fault::ChangeUnavailable,
            Trouble::ChangeLost => Fault::ChangeLost,
            Trouble::ChangeTakenAndLost => Fault::ChangeTakenAndLost,
            Trouble::NumberedAnew => Fault::NumberedAnew,
            Trouble::WaitLost => Fault::WaitUnavailable,
            _ => return None,
        })
    }
}

const SUBMISSION: [Trouble; 5] = [
    Trouble::SubmitUnavailable,
    Trouble::SubmitLost,
    Trouble::SubmitTakenAndLost,
    Trouble::SubmitDeferred,
    Trouble::SubmitRefused,
];
const RECIPIENT: [Trouble; 6] = [
    Trouble::RecipientDeferred,
    Trouble::RecipientRefused,
    Trouble::Bounced,
    Trouble::DeliveredTwice,
    Trouble::DeliveredLate,
    Trouble::Overtaken,
];
const CHANGING: [Trouble; 3] = [Trouble::ChangeUnavailable, Trouble::ChangeLost, Trouble::ChangeTakenAndLost];
const LATER: Refusal = Refusal::new(450, (4, 2, 0), "Recipient address rejected: try again later");
const NEVER: Refusal = Refusal::new(550, (5, 1, 1), "Recipient address rejected: User unknown");
const GONE: Refusal = Refusal::new(550, (5, 1, 1), "User doesn't exist");
