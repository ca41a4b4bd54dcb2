//! What a refresher tells.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_core::Stream;
use futures_util::{StreamExt as _, stream};
use tokio::sync::broadcast::{Receiver, error::RecvError};

use super::sources::{AddressError, PublicAddresses};
use crate::Error;

/// Something that a [`Refresher`](crate::Refresher) did.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RefresherEvent {
    /// The addresses were published, because they changed or their time had come.
    Updated {
        /// What was published; an unknown address was left as it was.
        addresses: PublicAddresses,
    },
    /// The addresses were looked up and are those published before; nothing was sent to deSEC.
    Unchanged {
        /// What was found.
        addresses: PublicAddresses,
    },
    /// A look-up or an update failed; what was published stays, unless the error is [`Error::Unknown`].
    Failed {
        /// What went wrong.
        error: Arc<RefreshError>,
        /// The time until the next attempt.
        next: Duration,
    },
    /// The sources contradict each other; what was published stays.
    Disagreement {
        /// What they say: an [`AddressError::Disagreement`].
        error: Arc<AddressError>,
        /// The time until the next attempt.
        next: Duration,
    },
    /// The reader was too slow: the oldest events were dropped.
    Missed {
        /// How many.
        events: u64,
    },
    /// The refresher has stopped. This is the last event.
    Stopped,
}

/// Why a refresh failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefreshError {
    /// The addresses could not be learnt.
    #[error(transparent)]
    LookUp(AddressError),
    /// The update failed.
    #[error(transparent)]
    Update(Error),
}

/// The events of a [`Refresher`](crate::Refresher): a stream that ends when the refresher has stopped.
///
/// It never holds the refresher up. It keeps the newest 64 events; of those before it says only how many
/// there were ([`RefresherEvent::Missed`]).
pub struct RefresherEvents {
    events: Pin<Box<dyn Stream<Item = RefresherEvent> + Send>>,
}

impl RefresherEvents {
    pub(super) fn of(receiver: Receiver<RefresherEvent>) -> Self {
        let next = async |mut receiver: Receiver<RefresherEvent>| match receiver.recv().await {
            Ok(event) => Some((event, receiver)),
            Err(RecvError::Lagged(events)) => Some((RefresherEvent::Missed { events }, receiver)),
            Err(RecvError::Closed) => None,
        };
        Self { events: Box::pin(stream::unfold(receiver, next).fuse()) }
    }
}

impl Stream for RefresherEvents {
    type Item = RefresherEvent;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<RefresherEvent>> {
        self.events.as_mut().poll_next(context)
    }
}

impl fmt::Debug for RefresherEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefresherEvents").finish_non_exhaustive()
    }
}

pub(super) const KEPT_EVENTS: usize = 64;
