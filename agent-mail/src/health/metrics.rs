//! Figures by the `metrics` facade (feature `metrics`).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use mail_access::DomainName;
use metrics::{describe_gauge, gauge};

use super::{Figures, Measure};

/// Records figures as gauges, under names that stay the same: [`Measure::metric`].
///
/// Domains are a label of the queue's gauges. So that nobody's correspondents show in metrics, and their number stays
/// small, only the domains that it is told of are named; all others are `other`, and bounces, which have no sender,
/// are `none`. A figure that can't be read is NaN and not its last value; so is what is gone, but for a domain without
/// messages, which is 0.
///
/// ```
/// use agent_mail::health::HealthMetrics;
///
/// let metrics = HealthMetrics::new(["shop.example".parse()?]);
/// metrics.describe();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct HealthMetrics {
    named: Arc<[String]>,
    /// What has been recorded of each measure, so that what is gone can be taken back.
    last: Arc<Mutex<BTreeMap<Measure, Vec<String>>>>,
}

impl HealthMetrics {
    /// Names these domains.
    pub fn new(domains: impl IntoIterator<Item = DomainName>) -> Self {
        let named = domains.into_iter().map(|domain| domain.as_str().to_owned()).collect();
        Self { named, last: Arc::default() }
    }

    /// Describes all gauges to the recorder of this process. Do so once, when it is installed.
    pub fn describe(&self) {
        for measure in Measure::ALL {
            describe_gauge!(measure.metric(), measure.describe());
        }
    }

    /// Records figures.
    pub fn record(&self, figures: &Figures) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        for measure in Measure::ALL {
            let recorded = last.entry(measure).or_default();
            let Some(samples) = measure.samples(figures) else {
                if measure.label().is_none() && recorded.is_empty() {
                    recorded.push(String::new());
                }
                for instance in recorded.iter() {
                    set(measure, instance, f64::NAN);
                }
                continue;
            };
            let mut values: BTreeMap<String, f64> = BTreeMap::new();
            for (instance, value) in samples {
                *values.entry(self.shown(measure, instance)).or_default() += value;
            }
            // Of a container, 0 would say that it should run and doesn't.
            let gone = if measure.label() == Some("domain") { 0.0 } else { f64::NAN };
            for instance in recorded.iter().filter(|instance| !values.contains_key(*instance)) {
                set(measure, instance, gone);
            }
            recorded.retain(|instance| !values.contains_key(instance));
            for (instance, value) in values {
                set(measure, &instance, value);
                recorded.push(instance);
            }
        }
    }

    fn shown(&self, measure: Measure, instance: String) -> String {
        if measure.label() != Some("domain") || self.named.contains(&instance) {
            return instance;
        }
        if instance.is_empty() { "none".to_owned() } else { "other".to_owned() }
    }
}

impl fmt::Debug for HealthMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HealthMetrics").field("domains", &self.named).finish_non_exhaustive()
    }
}

fn set(measure: Measure, instance: &str, value: f64) {
    match measure.label() {
        Some(label) => gauge!(measure.metric(), label => instance.to_owned()).set(value),
        None => gauge!(measure.metric()).set(value),
    }
}
