//! What a doctor looked at and what it found.

use std::fmt;

use mail_access::Address;

use super::{Remedy, chain};
use crate::Error;

/// What is wrong, as who uses a mailbox would say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Complaint {
    /// Mail doesn't go out, or doesn't arrive where it should.
    NotSending,
    /// Mail doesn't come in.
    NotReceiving,
    /// Mail that was sent is taken for spam.
    HighSpamScore,
    /// A mailbox or an alias can't be made.
    CannotCreate,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotSending => "not sending",
            Self::NotReceiving => "not receiving",
            Self::HighSpamScore => "high spam score",
            Self::CannotCreate => "cannot create",
        })
    }
}

/// What was looked at and what was found. `Display` writes it as a text of several lines.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnosis {
    /// The complaint.
    pub complaint: Complaint,
    /// The address that it is about.
    pub address: Address,
    /// What was looked at, in order.
    pub steps: Vec<Step>,
    /// What was found: what has to be mended first comes first.
    pub findings: Vec<Finding>,
}

/// One thing that a doctor looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// Its name: `error`, `domain`, `figures`, `login`, `probe`, `headers`, `zone`, `quarantine`, `queue`, `readiness`.
    pub name: &'static str,
    /// How it went.
    pub state: StepState,
}

/// How a step went.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StepState {
    /// Nothing is wrong there.
    Fine,
    /// So many things were found.
    Found(usize),
    /// It was not looked at, and why.
    Skipped(&'static str),
}

/// Something that is wrong, why, and what helps.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The step that found it.
    pub step: &'static str,
    /// A short name of the cause, as `port_25_closed`.
    pub code: String,
    /// The cause, in one sentence.
    pub cause: String,
    /// What helps, in one sentence.
    pub fix: String,
    /// What was seen: a server's own words, a record, a figure.
    pub evidence: String,
}

impl Diagnosis {
    pub(super) fn new(complaint: Complaint, address: Address) -> Self {
        Self { complaint, address, steps: Vec::new(), findings: Vec::new() }
    }

    /// Returns what was found under a code.
    pub fn find(&self, code: &str) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.code == code)
    }

    pub(super) fn found(&mut self, step: &'static str, remedy: Remedy, evidence: impl Into<String>) {
        let Remedy { code, cause, fix } = remedy;
        let (code, cause, fix) = (code.to_owned(), cause.to_owned(), fix.to_owned());
        self.findings.push(Finding { step, code, cause, fix, evidence: evidence.into() });
    }

    pub(super) fn failed(&mut self, step: &'static str, error: &Error) {
        self.found(step, Remedy::of_error(error), chain(error));
    }

    /// Ends a step.
    pub(super) fn done(&mut self, name: &'static str) {
        let state = match self.findings.iter().filter(|finding| finding.step == name).count() {
            0 => StepState::Fine,
            found => StepState::Found(found),
        };
        self.steps.push(Step { name, state });
    }

    pub(super) fn skip(&mut self, name: &'static str, why: &'static str) {
        self.steps.push(Step { name, state: StepState::Skipped(why) });
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.address, self.complaint)?;
        for step in &self.steps {
            match &step.state {
                StepState::Fine => writeln!(f, "  {:<10} fine", step.name)?,
                StepState::Found(count) => writeln!(f, "  {:<10} {count} found", step.name)?,
                StepState::Skipped(why) => writeln!(f, "  {:<10} skipped: {why}", step.name)?,
            }
        }
        for (n, finding) in self.findings.iter().enumerate() {
            writeln!(f, "{}. {} [{}]", n + 1, finding.cause, finding.code)?;
            if !finding.evidence.is_empty() {
                writeln!(f, "   seen: {}", finding.evidence)?;
            }
            writeln!(f, "   fix:  {}", finding.fix)?;
        }
        if self.findings.is_empty() {
            writeln!(f, "nothing is wrong as far as was looked")?;
        }
        Ok(())
    }
}
