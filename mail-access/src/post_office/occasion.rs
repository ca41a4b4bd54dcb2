use std::sync::Arc;

use super::fault::Fault;
use crate::{Address, Outgoing};

/// A moment at which something may go wrong, and what may go wrong then; see
/// [`PostOfficeBuilder::with_weather`](crate::PostOfficeBuilder::with_weather).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Occasion<'a> {
    /// A message is handed over: the faults of `submit` as a whole.
    Submission {
        /// Who does; `None` for a server elsewhere.
        login: Option<&'a Address>,
        /// What.
        message: &'a Outgoing,
    },
    /// A message has this recipient: `RecipientRefused`, `DeliveryFailed`, `DeliveryLate`, `DeliveredTwice`,
    /// `DeliveredBroken`, `Overtaken`.
    Recipient {
        /// What.
        message: &'a Outgoing,
        /// For whom.
        recipient: &'a Address,
    },
    /// A call for a mailbox begins: `ReceiveSlow`.
    Call {
        /// Whose it is.
        login: &'a Address,
    },
    /// A mailbox is read: `FetchUnavailable`.
    Reading {
        /// Whose it is.
        login: &'a Address,
    },
    /// A stream of messages begins: `StreamBroken`.
    Streaming {
        /// Whose they are.
        login: &'a Address,
    },
    /// A mailbox is changed: `ChangeUnavailable`, `ChangeLost`, `ChangeTakenAndLost`.
    Changing {
        /// Whose it is.
        login: &'a Address,
    },
    /// A folder is opened: `NumberedAnew`.
    Opening {
        /// Whose it is.
        login: &'a Address,
    },
    /// A wait looks at the mailbox: `WaitUnavailable`.
    Waiting {
        /// Whose it is.
        login: &'a Address,
    },
}

impl<'a> Occasion<'a> {
    /// Returns whose call it is; `None` for a server elsewhere.
    pub fn login(&self) -> Option<&'a Address> {
        match *self {
            Self::Submission { login, .. } => login,
            Self::Recipient { message, .. } => Some(message.sender()),
            Self::Call { login }
            | Self::Reading { login }
            | Self::Streaming { login }
            | Self::Changing { login }
            | Self::Opening { login }
            | Self::Waiting { login } => Some(login),
        }
    }
}

pub(super) type Weather = Arc<dyn Fn(Occasion<'_>) -> Option<Fault> + Send + Sync>;
