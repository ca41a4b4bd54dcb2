use super::Usage;

/// From which rates of bounces and complaints on a sender is in trouble.
///
/// The defaults are those by which hosted services judge: of bounces a warning at 5 % and a stop at 10 %, over 24 hours
/// with at least 1 000 recipients; of complaints 0.1 % and 0.5 %. Ask them of [`AgentMail::usage`] over the last 24 hours.
///
/// [`AgentMail::usage`]: crate::AgentMail::usage
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ReputationLimits {
    /// The share of bounces, 0 to 1, from which on it warns.
    pub bounce_warning: f64,
    /// The share of bounces from which on sending should stop.
    pub bounce_critical: f64,
    /// The share of complaints from which on it warns.
    pub complaint_warning: f64,
    /// The share of complaints from which on sending should stop.
    pub complaint_critical: f64,
    /// With fewer accepted recipients nothing is said.
    pub at_least: u64,
}

/// How a sender stands with those who get its mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Reputation {
    /// Too little was sent to tell.
    Unknown,
    /// Both rates are below their limits.
    Good,
    /// A rate has reached its warning.
    Warning,
    /// A rate is so high that sending should stop, as by [`stop_sending`](crate::AgentMail::stop_sending).
    Critical,
}

impl ReputationLimits {
    /// Sets from which shares of bounces on it warns and is critical, 0 to 1.
    #[must_use]
    pub fn with_bounces(self, warning: f64, critical: f64) -> Self {
        Self { bounce_warning: warning, bounce_critical: critical, ..self }
    }

    /// Sets from which shares of complaints on it warns and is critical, 0 to 1.
    #[must_use]
    pub fn with_complaints(self, warning: f64, critical: f64) -> Self {
        Self { complaint_warning: warning, complaint_critical: critical, ..self }
    }

    /// Sets how many accepted recipients it needs to judge.
    #[must_use]
    pub fn with_at_least(self, recipients: u64) -> Self {
        Self { at_least: recipients, ..self }
    }

    pub(super) fn judge(&self, usage: &Usage) -> Reputation {
        let (Some(bounces), Some(complaints)) = (usage.bounce_rate(), usage.complaint_rate()) else {
            return Reputation::Unknown;
        };
        if usage.accepted < self.at_least {
            Reputation::Unknown
        } else if bounces >= self.bounce_critical || complaints >= self.complaint_critical {
            Reputation::Critical
        } else if bounces >= self.bounce_warning || complaints >= self.complaint_warning {
            Reputation::Warning
        } else {
            Reputation::Good
        }
    }
}

impl Default for ReputationLimits {
    fn default() -> Self {
        Self {
            bounce_warning: 0.05,
            bounce_critical: 0.1,
            complaint_warning: 0.001,
            complaint_critical: 0.005,
            at_least: 1000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_counts_from_its_limit_on_and_not_for_a_few_recipients() {
        let limits = ReputationLimits::default();
        let judged = |accepted, bounced, complained| {
            Usage { accepted, bounced, complained, ..Usage::default() }.reputation(&limits)
        };
        assert_eq!(judged(0, 5, 5), Reputation::Unknown);
        assert_eq!(judged(999, 999, 0), Reputation::Unknown);
        assert_eq!(judged(1000, 49, 0), Reputation::Good);
        assert_eq!(judged(1000, 50, 0), Reputation::Warning);
        assert_eq!(judged(1000, 100, 0), Reputation::Critical);
        assert_eq!(judged(1000, 0, 1), Reputation::Warning);
        assert_eq!(judged(1000, 0, 5), Reputation::Critical);
        let strict = limits.with_at_least(1).with_bounces(0.0, 1.0).with_complaints(0.5, 1.0);
        let one = Usage { accepted: 1, ..Usage::default() };
        assert_eq!(one.reputation(&strict), Reputation::Warning);
    }
}
