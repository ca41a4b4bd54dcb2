//! Figures and rules make alerts, which begin once and end once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{Figures, Rule, Rules, Severity};
use crate::journal::fingerprint;

/// Turns one look at the figures after the other into alerts.
///
/// An alert begins when its rule was broken for as long as the rule says, and is told once. It ends when the value was
/// good for as long as the rule says, and that is told once too. A figure that can't be read changes nothing.
#[derive(Debug)]
pub struct Alerts {
    rules: Rules,
    phases: BTreeMap<(usize, String), Phase>,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// The rule is broken, but not for long enough.
    Pending { since: Instant },
    /// It was told; `good` is since when the value has been good again.
    Firing { since: SystemTime, value: f64, good: Option<Instant> },
}

impl Alerts {
    /// Begins with no alert.
    pub fn new(rules: Rules) -> Self {
        Self { rules, phases: BTreeMap::new() }
    }

    /// Takes one look into account and returns the alerts that begin or end with it, in the order of the rules.
    /// `now` only grows.
    pub fn observe(&mut self, figures: &Figures, now: Instant) -> Vec<Alert> {
        let mut changes = Vec::new();
        for (n, rule) in self.rules.iter().enumerate() {
            let Some(samples) = rule.measure().samples(figures) else { continue };
            let mut values: BTreeMap<String, Option<f64>> =
                samples.into_iter().map(|(instance, value)| (instance, Some(value))).collect();
            // What is no longer there, such as a domain without a message in the queue, is good.
            let known: BTreeSet<_> = self.phases.keys().filter(|(of, _)| *of == n).cloned().collect();
            for (_, instance) in known {
                values.entry(instance).or_default();
            }
            for (instance, value) in values {
                let key = (n, instance);
                let phase = self.phases.get(&key).copied();
                let (next, told) = step(rule, phase, value, figures.taken_at, now);
                if let Some((state, since, value)) = told {
                    changes.push(Alert::new(rule, key.1.clone(), state, since, value));
                }
                match next {
                    Some(next) => self.phases.insert(key, next),
                    None => self.phases.remove(&key),
                };
            }
        }
        changes
    }

    /// Returns the alerts that have begun and not ended, in the order of the rules.
    pub fn firing(&self) -> Vec<Alert> {
        let rules: Vec<&Rule> = self.rules.iter().collect();
        let firing = self.phases.iter().filter_map(|((n, instance), phase)| match phase {
            Phase::Firing { since, value, .. } => {
                Some(Alert::new(rules[*n], instance.clone(), AlertState::Firing, *since, *value))
            }
            Phase::Pending { .. } => None,
        });
        firing.collect()
    }
}

type Told = Option<(AlertState, SystemTime, f64)>;

fn step(
    rule: &Rule,
    phase: Option<Phase>,
    value: Option<f64>,
    taken_at: SystemTime,
    now: Instant,
) -> (Option<Phase>, Told) {
    let broken = value.is_some_and(|value| rule.is_broken_by(value));
    let cleared = value.is_none_or(|value| rule.is_cleared_by(value));
    match phase {
        Some(Phase::Firing { since, good, value: last }) => {
            let value = value.unwrap_or(last);
            let good = cleared.then(|| good.unwrap_or(now));
            if good.is_some_and(|good| now.duration_since(good) >= rule.keeps()) {
                return (None, Some((AlertState::Resolved, since, value)));
            }
            (Some(Phase::Firing { since, value, good }), None)
        }
        _ if !broken => (None, None),
        pending => {
            let since = match pending {
                Some(Phase::Pending { since }) => since,
                _ => now,
            };
            if now.duration_since(since) < rule.holds() {
                return (Some(Phase::Pending { since }), None);
            }
            let value = value.unwrap_or_default();
            let firing = Phase::Firing { since: taken_at, value, good: None };
            (Some(firing), Some((AlertState::Firing, taken_at, value)))
        }
    }
}

/// An alert that begins or ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Alert {
    /// The name of the rule.
    pub rule: String,
    /// The domain, container or figure that it is about; empty if there is only one.
    pub instance: String,
    /// Whether it begins or ends.
    pub state: AlertState,
    /// How much it matters.
    pub severity: Severity,
    /// The value that was measured.
    pub value: f64,
    /// What is measured, the value and the limit, in one sentence.
    pub summary: String,
    /// When it began, in seconds since 1970.
    pub since: u64,
}

impl Alert {
    /// Returns a text that is the same for the same beginning or end of the same alert, and no other.
    pub fn id(&self) -> String {
        let state = match self.state {
            AlertState::Firing => "firing",
            AlertState::Resolved => "resolved",
        };
        fingerprint(format!("{}\n{}\n{state}\n{}", self.rule, self.instance, self.since).as_bytes())
    }

    fn new(rule: &Rule, instance: String, state: AlertState, since: SystemTime, value: f64) -> Self {
        let about = if instance.is_empty() { String::new() } else { format!(" [{instance}]") };
        let what = rule.measure().describe().trim_end_matches('.');
        let summary = match state {
            AlertState::Firing => format!("{what}{about}: {value} is {}", rule.limit()),
            AlertState::Resolved => format!("{what}{about}: good again at {value}"),
        };
        let since = since.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
        let (rule, severity) = (rule.name().to_owned(), rule.severity());
        Self { rule, instance, state, severity, value, summary, since }
    }
}

/// Whether an alert begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// It begins.
    Firing,
    /// It ends.
    Resolved,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::health::{Container, Disk, Figure, Measure, Queue, QueuedMail};
    use crate::{Error, ErrorKind};

    fn disk(percent: u8) -> Figures {
        let mut figures = Figures::at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000));
        figures.disk = Figure::Known(Disk::new(percent, ""));
        figures
    }

    fn alerts(rule: Rule) -> Alerts {
        Alerts::new(Rules::new(vec![rule]).unwrap())
    }

    fn minutes(start: Instant, minutes: u64) -> Instant {
        start + Duration::from_secs(60 * minutes)
    }

    #[tokio::test(start_paused = true)]
    async fn an_alert_begins_after_its_time_and_ends_once() {
        let rule = Rule::above("disk", Measure::DiskUsedPercent, 80.0).unwrap().with_clears_at(75.0).unwrap();
        let rule = rule.with_for(Duration::from_mins(5)).with_keep(Duration::from_mins(2));
        let (mut alerts, start) = (alerts(rule), Instant::now());
        let told: Vec<_> = [
            (0, 81), // broken, but not for long
            (3, 79), // a break
            (4, 90),
            (8, 90),
            (9, 91), // broken for five minutes
            (10, 99),
            (11, 78), // between the two limits
            (12, 74),
            (13, 76), // not good for two minutes
            (14, 70),
            (16, 70),
            (17, 70),
        ]
        .into_iter()
        .flat_map(|(at, percent)| {
            let told = alerts.observe(&disk(percent), minutes(start, at));
            told.into_iter().map(move |alert| (at, alert.state, alert.value))
        })
        .collect();
        assert_eq!(told, [(9, AlertState::Firing, 91.0), (16, AlertState::Resolved, 70.0)]);
        assert!(alerts.firing().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_figure_that_can_t_be_read_changes_nothing() {
        let (mut alerts, start) =
            (alerts(Rule::above("disk", Measure::DiskUsedPercent, 80.0).unwrap()), Instant::now());
        assert_eq!(alerts.observe(&disk(81), start).len(), 1);
        let mut blind = disk(0);
        blind.disk = Err(Error::new(ErrorKind::Unavailable, "read disk", "x")).into();
        assert_eq!(alerts.observe(&blind, minutes(start, 9)), []);
        assert_eq!(alerts.firing().len(), 1);
        let summary = &alerts.observe(&disk(80), minutes(start, 10))[0].summary;
        assert!(summary.ends_with("good again at 80"), "{summary}");
    }

    #[tokio::test(start_paused = true)]
    async fn each_domain_and_container_has_an_alert_of_its_own() {
        let rules = Rules::new(vec![
            Rule::above("queue", Measure::QueueBySender, 1.0).unwrap(),
            Rule::below("down", Measure::ContainerRunning, 1.0).unwrap(),
        ]);
        let (mut alerts, start) = (Alerts::new(rules.unwrap()), Instant::now());
        let mail = |n: usize, sender: &str| {
            QueuedMail::new(format!("Q{n}").parse().unwrap(), SystemTime::UNIX_EPOCH, sender)
        };
        let mut figures = Figures::at(SystemTime::UNIX_EPOCH);
        figures.queue = Figure::Known(Queue::new(vec![
            mail(1, "a@x.example"),
            mail(2, "b@x.example"),
            mail(3, "y@y.example"),
        ]));
        figures.containers =
            Figure::Known(vec![Container::new("dovecot", "running"), Container::new("postfix", "exited")]);
        let names = |told: Vec<Alert>| told.into_iter().map(|a| (a.instance, a.state)).collect::<Vec<_>>();
        let firing = |name: &str| (name.to_owned(), AlertState::Firing);
        let told = alerts.observe(&figures, start);
        assert_ne!(told[0].id(), told[1].id());
        assert_eq!(names(told), [firing("x.example"), firing("postfix")]);
        figures.queue = Figure::Known(Queue::default());
        let told = names(alerts.observe(&figures, start));
        assert_eq!(told, [("x.example".to_owned(), AlertState::Resolved)], "its queue is empty");
        assert_eq!(names(alerts.firing()), [firing("postfix")]);
    }

    proptest! {
        /// Whatever the values are, beginnings and ends take turns, and none begins before its time.
        #[test]
        fn beginnings_and_ends_take_turns(values in proptest::collection::vec(60_u8..100, 1..60)) {
            let rule = Rule::above("disk", Measure::DiskUsedPercent, 80.0).unwrap();
            let rule = rule.with_clears_at(75.0).unwrap().with_for(Duration::from_mins(3));
            let (mut alerts, start) = (alerts(rule), Instant::now());
            let (mut is_firing, mut broken) = (false, 0_u64);
            for (n, value) in values.into_iter().enumerate() {
                let told = alerts.observe(&disk(value), minutes(start, n as u64));
                broken = if value > 80 { broken + 1 } else { 0 };
                prop_assert!(told.len() <= 1);
                for alert in told {
                    prop_assert_eq!(alert.state == AlertState::Firing, !is_firing);
                    prop_assert!(is_firing || broken > 3, "after {} minutes", broken);
                    prop_assert!(!is_firing || value <= 75);
                    is_firing = !is_firing;
                }
            }
        }
    }
}
