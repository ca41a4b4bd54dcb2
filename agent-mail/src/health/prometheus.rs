//! The rules as a file for Prometheus.

use std::fmt::Write as _;
use std::time::Duration;

use super::{Limit, Rule, Rules};

/// Writes the rules as a rule file of Prometheus, for the metrics that
#[cfg_attr(feature = "metrics", doc = "[`HealthMetrics`](super::HealthMetrics) records.")]
#[cfg_attr(not(feature = "metrics"), doc = "the feature `metrics` records.")]
///
/// It alerts as [`Alerts`](super::Alerts) does: `for` is the rule's time, `keep_firing_for` (Prometheus 2.42 and later)
/// the time that the value has to be good, and between the limit and the value at which it clears an alert goes on. It
/// differs in two things: domains that the metrics don't name count together, and a figure that can't be read ends its
/// alerts, so that the rule for [`Measure::FigureKnown`](super::Measure::FigureKnown) should stay.
///
/// ```
/// use agent_mail::health::{rule_file, Measure, Rule, Rules};
///
/// let rules = Rules::new(vec![Rule::above("disk", Measure::DiskUsedPercent, 80.0)?])?;
/// assert!(rule_file(&rules).contains("expr: agent_mail_disk_used_percent > 80\n"));
/// # Ok::<(), agent_mail::Error>(())
/// ```
pub fn rule_file(rules: &Rules) -> String {
    let mut file = String::from("groups:\n  - name: agent_mail\n    rules:\n");
    for rule in rules.iter() {
        // Writing to a String can't fail.
        let _ = write_rule(&mut file, rule);
    }
    file
}

fn write_rule(file: &mut String, rule: &Rule) -> std::fmt::Result {
    let alert = format!("AgentMail_{}", rule.name());
    writeln!(file, "      - alert: {alert}")?;
    writeln!(file, "        expr: {}", expression(rule, &alert))?;
    for (name, time) in [("for", rule.holds()), ("keep_firing_for", rule.keeps())] {
        if time > Duration::ZERO {
            writeln!(file, "        {name}: {}s", time.as_secs())?;
        }
    }
    writeln!(file, "        labels:\n          severity: {}", rule.severity().as_str())?;
    let about =
        rule.measure().label().map_or_else(String::new, |label| format!(" [{{{{ $labels.{label} }}}}]"));
    let what = rule.measure().describe().trim_end_matches('.');
    writeln!(
        file,
        "        annotations:\n          summary: \"{what}{about}: {{{{ $value }}}} is {}\"",
        rule.limit()
    )
}

fn expression(rule: &Rule, alert: &str) -> String {
    let metric = rule.measure().metric();
    let (broken, limit, is_better) = match rule.limit() {
        Limit::Above(limit) => (">", limit, rule.clears_at() < limit),
        Limit::Below(limit) => ("<", limit, rule.clears_at() > limit),
    };
    let begins = format!("{metric} {broken} {limit}");
    if !is_better {
        return begins;
    }
    let on = rule.measure().label().map_or_else(String::new, |label| format!(", {label}"));
    format!(
        "{begins} or ({metric} {broken} {} and on (job, instance{on}) ALERTS{{alertname=\"{alert}\", alertstate=\"firing\"}})",
        rule.clears_at()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::Measure;

    #[test]
    fn every_expression_names_a_metric_of_the_exporter() {
        let metrics: Vec<_> = Measure::ALL.iter().map(|measure| measure.metric()).collect();
        let file = rule_file(&Rules::default());
        let mut expressions = 0;
        for line in file.lines().filter_map(|line| line.trim().strip_prefix("expr: ")) {
            let metric = line.split(' ').next().unwrap();
            assert!(metrics.contains(&metric), "{line}");
            expressions += 1;
        }
        assert_eq!(expressions, Rules::default().iter().count());
    }

    #[test]
    fn a_firing_alert_goes_on_until_it_clears() {
        let rule = Rule::below("cert", Measure::CertificateDays, 14.0).unwrap().with_clears_at(20.0).unwrap();
        assert_eq!(
            expression(&rule, "AgentMail_cert"),
            "agent_mail_certificate_days < 14 or (agent_mail_certificate_days < 20 and on (job, instance) \
             ALERTS{alertname=\"AgentMail_cert\", alertstate=\"firing\"})"
        );
    }
}
