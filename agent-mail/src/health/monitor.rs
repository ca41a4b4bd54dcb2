//! Looks at the figures again and again and tells what changes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::{Alert, AlertSink, Alerts, Figures, HealthSource, Rules, late};
use crate::ErrorKind;

/// Looks at the figures of a mail system at an interval, and tells each sink of the alerts that begin and end.
///
/// What a sink can't be told now is kept, 100 looks with news at most, and told later in its order; a sink that fails
/// or hangs holds up no other. What it refuses for good is logged and dropped.
#[derive(Debug)]
pub struct Monitor {
    source: Arc<dyn HealthSource>,
    alerts: Alerts,
    outlets: Vec<Outlet>,
    interval: Duration,
    deadline: Duration,
    #[cfg(feature = "metrics")]
    metrics: Option<super::HealthMetrics>,
}

#[derive(Debug)]
struct Outlet {
    sink: Arc<dyn AlertSink>,
    waiting: VecDeque<Arc<[Alert]>>,
}

/// What one look found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Look {
    /// The figures.
    pub figures: Figures,
    /// The alerts that began or ended with it.
    pub changes: Vec<Alert>,
}

impl Monitor {
    /// Begins without sinks, with a look each minute and 30 seconds for each sink.
    pub fn new(source: Arc<dyn HealthSource>, rules: Rules) -> Self {
        Self {
            source,
            alerts: Alerts::new(rules),
            outlets: Vec::new(),
            interval: Duration::from_mins(1),
            deadline: Duration::from_secs(30),
            #[cfg(feature = "metrics")]
            metrics: None,
        }
    }

    /// Adds a sink that is told of alerts.
    pub fn with_sink(mut self, sink: Arc<dyn AlertSink>) -> Self {
        self.outlets.push(Outlet { sink, waiting: VecDeque::new() });
        self
    }

    /// Sets the time from one look to the next, at least a second.
    pub fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = interval.max(Duration::from_secs(1));
        self
    }

    /// Sets how long it waits for each sink. It waits twice as long for the figures, whose source has a deadline of its
    /// own.
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Records the figures of each look.
    #[cfg(feature = "metrics")]
    pub fn with_metrics(mut self, metrics: super::HealthMetrics) -> Self {
        self.metrics = Some(metrics);
        self
    }

    /// Looks again and again, and never ends. Spawn it; a dropped one leaves nothing behind but what sinks were not told
    /// yet.
    pub async fn run(mut self) {
        let mut ticks = interval(self.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.look().await;
        }
    }

    /// Looks once: reads the figures, records them, and tells the sinks what changed.
    pub async fn look(&mut self) -> Look {
        let figures = timeout(2 * self.deadline, self.source.figures()).await;
        let figures = figures.unwrap_or_else(|_| Figures::unknown(SystemTime::now(), late("read figures")));
        for (name, error) in figures.unknowns() {
            tracing::warn!(figure = name, %error, "a figure of the mail system can't be read");
        }
        #[cfg(feature = "metrics")]
        if let Some(metrics) = &self.metrics {
            metrics.record(&figures);
        }
        let changes = self.alerts.observe(&figures, Instant::now());
        if !changes.is_empty() {
            let batch: Arc<[Alert]> = changes.clone().into();
            for outlet in &mut self.outlets {
                if outlet.waiting.len() == MOST_WAITING {
                    outlet.waiting.pop_front();
                    tracing::warn!(sink = ?outlet.sink, "alerts are lost: too many wait for the sink");
                }
                outlet.waiting.push_back(batch.clone());
            }
        }
        self.deliver().await;
        Look { figures, changes }
    }

    /// Returns the alerts that have begun and not ended.
    pub fn firing(&self) -> Vec<Alert> {
        self.alerts.firing()
    }

    async fn deliver(&mut self) {
        let mut deliveries = JoinSet::new();
        for (n, outlet) in self.outlets.iter().enumerate().filter(|(_, outlet)| !outlet.waiting.is_empty()) {
            let (sink, waiting, deadline) = (outlet.sink.clone(), outlet.waiting.clone(), self.deadline);
            deliveries.spawn(async move { (n, deliver(&*sink, &waiting, deadline).await) });
        }
        while let Some(delivered) = deliveries.join_next().await {
            match delivered {
                Ok((n, count)) => drop(self.outlets[n].waiting.drain(..count)),
                // It is offered again by the next look.
                Err(error) => tracing::error!(%error, "a sink of alerts has panicked"),
            }
        }
    }
}

/// Tells a sink one batch after the other and returns how many are done with.
async fn deliver(sink: &dyn AlertSink, waiting: &VecDeque<Arc<[Alert]>>, deadline: Duration) -> usize {
    for (done, batch) in waiting.iter().enumerate() {
        let told = timeout(deadline, sink.deliver(batch)).await;
        let told = told.unwrap_or_else(|_| Err(late("tell alert")));
        if let Err(error) = told {
            if error.is_retryable() || error.kind() == ErrorKind::Interrupted {
                tracing::warn!(?sink, %error, "alerts can't be told now");
                return done;
            }
            tracing::error!(?sink, %error, "alerts are lost: the sink refuses them");
        }
    }
    waiting.len()
}

const MOST_WAITING: usize = 100;
