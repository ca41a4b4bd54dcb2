//! When a figure is a reason to tell someone.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Measure;
use crate::{Error, ErrorKind};

/// Says when a measure is a reason to tell someone, and when it no longer is.
///
/// ```
/// use std::time::Duration;
/// use agent_mail::health::{Measure, Rule};
///
/// let rule = Rule::above("queue", Measure::QueueBySender, 50.0)?
///     .with_clears_at(40.0)?
///     .with_for(Duration::from_secs(300));
/// let text = serde_json::to_string(&rule)?;
/// assert_eq!(serde_json::from_str::<Rule>(&text)?, rule);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Rule {
    name: String,
    measure: Measure,
    limit: Limit,
    clears_at: f64,
    holds: Duration,
    keeps: Duration,
    severity: Severity,
}

/// The value behind which a rule's alert begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// Values above it.
    Above(f64),
    /// Values below it.
    Below(f64),
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Above(value) => write!(f, "above {value}"),
            Self::Below(value) => write!(f, "below {value}"),
        }
    }
}

/// How much an alert matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Severity {
    /// Someone should look at it some time today.
    #[default]
    Warning,
    /// Someone should look at it now.
    Critical,
}

impl Severity {
    /// Returns its name, `warning` or `critical`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

impl Rule {
    /// Makes a rule for values above a limit, which holds at once and clears at the limit.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the name is empty or not made of letters, digits and `_`, or the
    /// limit is not finite.
    pub fn above(name: &str, measure: Measure, limit: f64) -> Result<Self, Error> {
        Self::new(name, measure, Limit::Above(limit), limit)
    }

    /// Makes a rule for values below a limit, which holds at once and clears at the limit.
    ///
    /// # Errors
    /// As [`above`](Self::above).
    pub fn below(name: &str, measure: Measure, limit: f64) -> Result<Self, Error> {
        Self::new(name, measure, Limit::Below(limit), limit)
    }

    /// Sets the value at which an alert ends, on the good side of the limit: between the two it stays as it is.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if it lies behind the limit.
    pub fn with_clears_at(mut self, value: f64) -> Result<Self, Error> {
        let is_good = match self.limit {
            Limit::Above(limit) => value <= limit,
            Limit::Below(limit) => value >= limit,
        };
        if !is_good || !value.is_finite() {
            let limit = self.limit;
            return Err(invalid(&self.name, format!("it can't clear at {value} when it begins {limit}")));
        }
        self.clears_at = value;
        Ok(self)
    }

    /// Sets for how long the value has to be behind the limit, without a break, before an alert begins.
    pub fn with_for(mut self, time: Duration) -> Self {
        self.holds = time;
        self
    }

    /// Sets for how long the value has to be good, without a break, before an alert ends.
    pub fn with_keep(mut self, time: Duration) -> Self {
        self.keeps = time;
        self
    }

    /// Sets how much its alerts matter.
    pub fn with_severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns what it watches.
    pub fn measure(&self) -> Measure {
        self.measure
    }

    /// Returns the value behind which an alert begins.
    pub fn limit(&self) -> Limit {
        self.limit
    }

    /// Returns the value at which an alert ends.
    pub fn clears_at(&self) -> f64 {
        self.clears_at
    }

    /// Returns for how long the value has to be behind the limit.
    pub fn holds(&self) -> Duration {
        self.holds
    }

    /// Returns for how long the value has to be good before an alert ends.
    pub fn keeps(&self) -> Duration {
        self.keeps
    }

    /// Returns how much its alerts matter.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    pub(super) fn is_broken_by(&self, value: f64) -> bool {
        match self.limit {
            Limit::Above(limit) => value > limit,
            Limit::Below(limit) => value < limit,
        }
    }

    pub(super) fn is_cleared_by(&self, value: f64) -> bool {
        match self.limit {
            Limit::Above(_) => value <= self.clears_at,
            Limit::Below(_) => value >= self.clears_at,
        }
    }

    fn new(name: &str, measure: Measure, limit: Limit, clears_at: f64) -> Result<Self, Error> {
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return Err(invalid(name, "a name is made of letters, digits and _"));
        }
        if !clears_at.is_finite() {
            return Err(invalid(name, "a limit is a finite number"));
        }
        let (holds, keeps, severity) = (Duration::ZERO, Duration::ZERO, Severity::default());
        Ok(Self { name: name.to_owned(), measure, limit, clears_at, holds, keeps, severity })
    }
}

/// The rules of a mail system, each with a name of its own.
///
/// ```
/// use agent_mail::health::{Measure, Rule, Rules};
///
/// let rules = Rules::default()
///     .with_rule(Rule::above("disk", Measure::DiskUsedPercent, 90.0)?)
///     .without("backup");
/// assert_eq!(rules.iter().filter(|rule| rule.name() == "disk").count(), 1);
/// # Ok::<(), agent_mail::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Rule>", into = "Vec<Rule>")]
pub struct Rules(Vec<Rule>);

impl Rules {
    /// Makes a set of rules.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if two have the same name.
    pub fn new(rules: Vec<Rule>) -> Result<Self, Error> {
        for (n, rule) in rules.iter().enumerate() {
            if rules[..n].iter().any(|other| other.name == rule.name) {
                return Err(invalid(&rule.name, "there are two rules of this name"));
            }
        }
        Ok(Self(rules))
    }

    /// Adds a rule, in the place of the one with its name if there is one.
    pub fn with_rule(mut self, rule: Rule) -> Self {
        match self.0.iter_mut().find(|present| present.name == rule.name) {
            Some(present) => *present = rule,
            None => self.0.push(rule),
        }
        self
    }

    /// Takes a rule out.
    pub fn without(mut self, name: &str) -> Self {
        self.0.retain(|rule| rule.name != name);
        self
    }

    /// Returns the rules in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.0.iter()
    }
}

impl Default for Rules {
    /// More than 50 messages of one domain in the queue, or one that waits for four hours; a disk over 80 %, and over
    /// 95 %; a container that doesn't run; more than 100 messages in the quarantine, 100 refused logins, 20 bans or 20
    /// messages over a sending limit within an hour; a certificate for less than 14 days, and less than 3; a backup
    /// older than 26 hours; a figure that can't be read.
    fn default() -> Self {
        use Limit::{Above, Below};
        use Measure as M;
        use Severity::{Critical, Warning};
        let rule = |name: &str, measure, limit, clears_at, minutes: u64, severity| {
            let (holds, keeps) = (Duration::from_secs(minutes * 60), Duration::from_mins(5));
            Rule { name: name.to_owned(), measure, limit, clears_at, holds, keeps, severity }
        };
        Self(vec![
            rule("queue_of_sender", M::QueueBySender, Above(50.0), 40.0, 5, Warning),
            rule("queue_to_recipient", M::QueueByRecipient, Above(50.0), 40.0, 5, Warning),
            rule("queue_age", M::QueueOldestSeconds, Above(14_400.0), 14_400.0, 5, Warning),
            rule("disk", M::DiskUsedPercent, Above(80.0), 75.0, 5, Warning),
            rule("disk_full", M::DiskUsedPercent, Above(95.0), 90.0, 1, Critical),
            rule("container_down", M::ContainerRunning, Below(1.0), 1.0, 2, Critical),
            rule("quarantine", M::QuarantineMessages, Above(100.0), 80.0, 15, Warning),
            rule("rejected_logins", M::RejectedLogins, Above(100.0), 50.0, 5, Warning),
            rule("bans", M::Bans, Above(20.0), 10.0, 5, Warning),
            rule("rate_limit_hits", M::RateLimitHits, Above(20.0), 10.0, 5, Warning),
            rule("certificate", M::CertificateDays, Below(14.0), 15.0, 60, Warning),
            rule("certificate_ends", M::CertificateDays, Below(3.0), 15.0, 5, Critical),
            rule("backup", M::BackupAgeSeconds, Above(93_600.0), 90_000.0, 15, Critical),
            rule("figure_unknown", M::FigureKnown, Below(1.0), 1.0, 15, Warning),
        ])
    }
}

/// A rule as it is written down.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    measure: Measure,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    above: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    below: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    clears_at: Option<f64>,
    #[serde(default)]
    for_seconds: u64,
    #[serde(default)]
    keep_seconds: u64,
    #[serde(default)]
    severity: Severity,
}

impl TryFrom<Written> for Rule {
    type Error = Error;

    fn try_from(written: Written) -> Result<Self, Error> {
        let name = &written.name;
        let rule = match (written.above, written.below) {
            (Some(limit), None) => Self::above(name, written.measure, limit)?,
            (None, Some(limit)) => Self::below(name, written.measure, limit)?,
            _ => return Err(invalid(name, "it needs either above or below")),
        };
        let rule = match written.clears_at {
            Some(value) => rule.with_clears_at(value)?,
            None => rule,
        };
        let rule = rule.with_for(Duration::from_secs(written.for_seconds));
        Ok(rule.with_keep(Duration::from_secs(written.keep_seconds)).with_severity(written.severity))
    }
}

impl From<Rule> for Written {
    fn from(rule: Rule) -> Self {
        let (above, below) = match rule.limit {
            Limit::Above(limit) => (Some(limit), None),
            Limit::Below(limit) => (None, Some(limit)),
        };
        Self {
            name: rule.name,
            measure: rule.measure,
            above,
            below,
            clears_at: Some(rule.clears_at),
            for_seconds: rule.holds.as_secs(),
            keep_seconds: rule.keeps.as_secs(),
            severity: rule.severity,
        }
    }
}

impl TryFrom<Vec<Rule>> for Rules {
    type Error = Error;

    fn try_from(rules: Vec<Rule>) -> Result<Self, Error> {
        Self::new(rules)
    }
}

impl From<Rules> for Vec<Rule> {
    fn from(rules: Rules) -> Self {
        rules.0
    }
}

fn invalid(name: &str, detail: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidInput, "make rule", name)
        .with_detail(detail)
        .with_fix("correct the rule that is named")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_written_down_and_read_back() {
        let rules = Rules::default();
        let text = serde_json::to_string(&rules).unwrap();
        assert_eq!(serde_json::from_str::<Rules>(&text).unwrap(), rules);
    }

    #[test]
    fn a_rule_that_can_t_be_meant_is_refused_with_the_reason() {
        for (text, reason) in [
            (r#"[{"name":"x","measure":"bans"}]"#, "either above or below"),
            (r#"[{"name":"x","measure":"bans","above":1,"below":1}]"#, "either above or below"),
            (r#"[{"name":"a b","measure":"bans","above":1}]"#, "letters, digits and _"),
            (r#"[{"name":"x","measure":"bans","above":10,"clears_at":11}]"#, "can't clear at 11"),
            (r#"[{"name":"x","measure":"bans","below":10,"clears_at":9}]"#, "can't clear at 9"),
            (r#"[{"name":"x","measure":"moon","above":1}]"#, "unknown variant"),
            (r#"[{"name":"x","measure":"bans","above":1,"fro":1}]"#, "unknown field"),
            (
                r#"[{"name":"x","measure":"bans","above":1},{"name":"x","measure":"bans","above":2}]"#,
                "two rules",
            ),
        ] {
            let error = serde_json::from_str::<Rules>(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
        assert!(Rule::above("x", Measure::Bans, f64::NAN).is_err());
    }
}
