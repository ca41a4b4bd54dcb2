use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime};

use serde::{Serialize, Serializer};

use super::Usage;
use crate::AgentId;

/// What the agents of a system have sent and received in a period. Shown as a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct UsageReport {
    /// Where the period begins; seconds since 1970 in JSON, as `to`.
    #[serde(serialize_with = "seconds")]
    pub from: SystemTime,
    /// Where it ends.
    #[serde(serialize_with = "seconds")]
    pub to: SystemTime,
    /// What all have done together.
    pub total: Usage,
    /// What each has done, of those who did something.
    pub agents: BTreeMap<AgentId, Usage>,
}

impl UsageReport {
    pub(super) fn new(from: u64, to: u64, agents: BTreeMap<AgentId, Usage>) -> Self {
        let mut total = Usage::default();
        for usage in agents.values() {
            total += *usage;
        }
        let at = |hour: u64| {
            let since = Duration::from_secs(hour.saturating_mul(3600));
            SystemTime::UNIX_EPOCH.checked_add(since).unwrap_or(SystemTime::UNIX_EPOCH)
        };
        Self { from: at(from), to: at(to.saturating_add(1)), total, agents }
    }

    /// Returns it as a JSON object, indented.
    #[expect(clippy::missing_panics_doc, reason = "counts and names are JSON")]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("counts and names are JSON")
    }
}

impl fmt::Display for UsageReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.agents.keys().map(|id| id.to_string().chars().count()).max().unwrap_or(0);
        let width = width.max("agent".len());
        write!(f, "{:width$}", "agent")?;
        for title in TITLES {
            write!(f, "  {title:>10}")?;
        }
        let total = (self.agents.len() != 1).then(|| ("total".to_owned(), &self.total));
        let rows = self.agents.iter().map(|(id, usage)| (id.to_string(), usage)).chain(total);
        for (name, usage) in rows {
            write!(f, "\n{name:width$}")?;
            for count in [usage.sent, usage.received, usage.deferred, usage.refused, usage.bounced] {
                write!(f, "  {count:>10}")?;
            }
            write!(f, "  {:>10}", usage.complained)?;
            write!(f, "  {:>10}  {:>10}", percent(usage.bounce_rate()), percent(usage.complaint_rate()))?;
            write!(f, "  {:>10}  {:>10}", usage.bytes_sent, usage.bytes_received)?;
        }
        Ok(())
    }
}

fn percent(rate: Option<f64>) -> String {
    rate.map_or_else(|| "-".to_owned(), |rate| format!("{:.2} %", rate * 100.0))
}

fn seconds<S: Serializer>(at: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs())
}

const TITLES: [&str; 10] = [
    "sent",
    "received",
    "deferred",
    "refused",
    "bounced",
    "complained",
    "bounces",
    "complaints",
    "bytes out",
    "bytes in",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_reads_as_a_table_and_as_json() {
        let ada = Usage { sent: 3, accepted: 4, bounced: 1, bytes_sent: 900, ..Usage::default() };
        let bob = Usage { received: 3, bytes_received: 900, ..Usage::default() };
        let agents = [("ada", ada), ("bob", bob)].map(|(name, usage)| (name.parse().unwrap(), usage));
        let report = UsageReport::new(2, 3, agents.into());
        let shown = report.to_string();
        let rows: Vec<Vec<&str>> = shown.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(rows[1], ["ada", "3", "0", "0", "0", "1", "0", "25.00", "%", "0.00", "%", "900", "0"]);
        assert_eq!(rows[2], ["bob", "0", "3", "0", "0", "0", "0", "-", "-", "0", "900"]);
        assert_eq!(rows[3][..3], ["total", "3", "3"]);
        assert!(shown.lines().all(|line| line.len() == shown.lines().next().unwrap().len()), "{shown}");
        let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
        assert_eq!((json["from"].as_u64(), json["to"].as_u64()), (Some(7200), Some(14400)));
        assert_eq!(json["agents"]["ada"]["bounced"], 1);
        assert_eq!(json["total"]["bytes_received"], 900);
    }
}
