use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};

use super::Shared;
use super::turn::Turn;
use crate::Event;

/// The events of all agents of a fleet, as one stream; it ends when the fleet is [stopped](super::Fleet::stop).
///
/// - What [`Events`](crate::Events) promises of each mailbox holds here: each event comes until it is acknowledged, and
///   in the order of its mailbox.
/// - Agents take turns of 32 events, so that one with much mail doesn't keep the others back.
/// - At most as many mailboxes as [the builder says](super::FleetBuilder::mailboxes_at_once) are read at a time, and
///   nothing is read that nobody asks for: what waits does so in the mailboxes.
/// - An agent whose mailbox can't be read is left out until it can; [`Fleet::health`](super::Fleet::health) tells it.
///
/// It may be dropped at any point: what was handed out and not acknowledged comes again, to the next stream of this fleet
/// or a later one.
pub struct FleetEvents(Option<Next>);

type Next = BoxFuture<'static, (Reading, Option<Event>)>;

struct Reading {
    shared: Arc<Shared>,
    steps: FuturesUnordered<BoxFuture<'static, (Turn, Option<Event>)>>,
    handed: u64,
}

impl FleetEvents {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let reading = Reading { shared, steps: FuturesUnordered::new(), handed: 0 };
        Self(Some(Box::pin(reading.into_next())))
    }

    /// Waits for the next event; `None` after the fleet was stopped. A dropped call loses nothing.
    pub async fn next(&mut self) -> Option<Event> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl Stream for FleetEvents {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let Some(next) = &mut self.0 else { return Poll::Ready(None) };
        let Poll::Ready((reading, event)) = next.as_mut().poll(cx) else { return Poll::Pending };
        self.0 = event.is_some().then(|| Box::pin(reading.into_next()) as Next);
        Poll::Ready(event)
    }
}

impl fmt::Debug for FleetEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FleetEvents").field("ended", &self.0.is_none()).finish()
    }
}

impl Reading {
    async fn into_next(mut self) -> (Self, Option<Event>) {
        self.handed += 1;
        if self.handed.is_multiple_of(YIELD) {
            // A world in memory never lets others run by itself, not even who tells of news.
            tokio::task::yield_now().await;
        }
        loop {
            let ring = Arc::clone(&self.shared.wake).notified_owned();
            if self.shared.roll().stopping.is_some() {
                return (self, None);
            }
            while self.steps.len() < self.shared.at_once
                && let Some(turn) = Turn::take(&self.shared)
            {
                self.steps.push(step(turn));
            }
            tokio::select! {
                biased;
                Some((turn, event)) = self.steps.next(), if !self.steps.is_empty() => {
                    if event.is_some() {
                        self.steps.push(step(turn));
                        return (self, event);
                    }
                }
                () = ring => {}
            }
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.steps.clear();
        self.shared.roll().again();
        self.shared.ring();
    }
}

fn step(mut turn: Turn) -> BoxFuture<'static, (Turn, Option<Event>)> {
    Box::pin(async move {
        let event = turn.next().await;
        (turn, event)
    })
}

/// So many events are handed out in a row.
const YIELD: u64 = 8;
