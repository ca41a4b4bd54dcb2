//! What the readiness checks say that bear on the complaint.

use super::{Complaint, Diagnosis, Doctor, Finding};
use crate::readiness::{Check, CheckName, State};

impl Doctor {
    pub(super) async fn look_at_readiness(&self, walk: &mut Diagnosis) {
        let Some((readiness, target)) = &self.readiness else {
            return walk.skip("readiness", "no readiness checks were given");
        };
        // It ends by itself.
        let report = readiness.check(target).await;
        for name in bearing_on(walk.complaint) {
            let Some(check) = report.check(*name).filter(|check| is_wrong(check)) else { continue };
            if is_told(walk, *name) {
                continue;
            }
            let verb = if check.state == State::Failed {
                "is not as it has to be"
            } else {
                "could not be found out"
            };
            walk.findings.push(Finding {
                step: "readiness",
                code: code_of(*name).to_owned(),
                cause: format!("{name} {verb}: wanted is {}", check.wanted),
                fix: check.fix.clone(),
                evidence: check.found.clone(),
            });
        }
        walk.done("readiness");
    }
}

fn is_wrong(check: &Check) -> bool {
    check.state == State::Failed || (check.mandatory && check.state == State::Unknown)
}

/// Tells whether the mail system or the zone has told it already, with a cause of its own.
fn is_told(walk: &Diagnosis, name: CheckName) -> bool {
    let topic = match name {
        CheckName::Mx => "mx",
        CheckName::Spf => "spf",
        CheckName::Dkim => "dkim",
        CheckName::Dmarc => "dmarc",
        _ => return false,
    };
    let is_own = |step| matches!(step, "domain" | "zone");
    walk.findings.iter().any(|finding| is_own(finding.step) && finding.code.contains(topic))
}

fn bearing_on(complaint: Complaint) -> &'static [CheckName] {
    use CheckName as Name;
    match complaint {
        Complaint::NotSending => &[
            Name::Relay,
            Name::Port465,
            Name::Port587,
            Name::Certificate,
            Name::MailHost,
            Name::Reverse,
            Name::Spf,
            Name::Dkim,
            Name::Dmarc,
            Name::Delegation,
            Name::Blocklists,
        ],
        Complaint::NotReceiving => &[
            Name::Delegation,
            Name::NameServers,
            Name::Dnssec,
            Name::Mx,
            Name::MailHost,
            Name::Port25,
            Name::Port993,
            Name::Certificate,
        ],
        Complaint::HighSpamScore => &[
            Name::Reverse,
            Name::Spf,
            Name::Dkim,
            Name::Dmarc,
            Name::MailHost,
            Name::Mx,
            Name::Blocklists,
            Name::Delegation,
        ],
        Complaint::CannotCreate => &[],
    }
}

fn code_of(name: CheckName) -> &'static str {
    match name {
        CheckName::Delegation => "ready_delegation",
        CheckName::NameServers => "ready_name_servers",
        CheckName::Dnssec => "ready_dnssec",
        CheckName::Mx => "ready_mx",
        CheckName::MailHost => "ready_mail_host",
        CheckName::Reverse => "ready_reverse_name",
        CheckName::Spf => "ready_spf",
        CheckName::Dkim => "ready_dkim",
        CheckName::Dmarc => "ready_dmarc",
        CheckName::DmarcReports => "ready_dmarc_reports",
        CheckName::Autoconfig => "ready_autoconfig",
        CheckName::Autodiscover => "ready_autodiscover",
        CheckName::Port25 => "ready_port_25",
        CheckName::Port465 => "ready_port_465",
        CheckName::Port587 => "ready_port_587",
        CheckName::Port993 => "ready_port_993",
        CheckName::Certificate => "ready_certificate",
        CheckName::Relay => "ready_way_out",
        CheckName::Blocklists => "ready_blocklists",
    }
}
