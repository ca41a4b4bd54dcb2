//! What the office says about the authenticity of a message (RFC 8601).

use std::fmt;

use super::state::{Name, State};
use crate::{Address, AuthenticationVerdict, DomainName};

/// How the office says that a check of a message's authenticity went (RFC 8601 section 2.7).
///
/// The reader of the message sees it as an [`AuthenticationVerdict`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// It is authentic.
    Pass,
    /// It is forged.
    Fail,
    /// It is probably forged; of SPF only.
    SoftFail,
    /// The domain says nothing about it; of SPF and DKIM only.
    Neutral,
    /// There was nothing to check.
    None,
    /// The check could not be made now.
    TempError,
    /// The check can't be made, as the domain's records are wrong.
    PermError,
}

impl Verdict {
    /// Returns the word of the field.
    fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::SoftFail => "softfail",
            Self::Neutral => "neutral",
            Self::None => "none",
            Self::TempError => "temperror",
            Self::PermError => "permerror",
        }
    }
}

impl From<Verdict> for AuthenticationVerdict {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Pass,
            Verdict::Fail => Self::Fail,
            Verdict::SoftFail => Self::SoftFail,
            Verdict::Neutral => Self::Neutral,
            Verdict::None => Self::None,
            Verdict::TempError => Self::TempError,
            Verdict::PermError => Self::PermError,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The verdicts that stand in the `Authentication-Results` of a delivered message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Verdicts {
    /// On the host that sent it, for the domain of the envelope's sender (RFC 7208).
    pub spf: Verdict,
    /// On the signature (RFC 6376).
    pub dkim: Verdict,
    /// On the domain in From (RFC 7489).
    pub dmarc: Verdict,
}

impl Verdicts {
    /// All three the same.
    pub fn all(verdict: Verdict) -> Self {
        Self { spf: verdict, dkim: verdict, dmarc: verdict }
    }
}

impl State {
    /// Finds what was set for the address in From or its domain; else a submission is genuine as far as its From is of
    /// the sender's domain, and nothing is known of what comes from outside.
    pub(super) fn verdicts_on(&self, sender: &Address, from: &Address, submitted: bool) -> Verdicts {
        let set = || {
            self.verdicts_of_senders
                .get(&Name::of(from))
                .or_else(|| self.verdicts_of_domains.get(from.domain()))
                .copied()
        };
        set().unwrap_or_else(|| usual(sender, from, submitted))
    }
}

/// What an office finds of a message that nothing else was set for.
pub(super) fn usual(sender: &Address, from: &Address, submitted: bool) -> Verdicts {
    match submitted {
        false => Verdicts::all(Verdict::None),
        true if sender.domain() == from.domain() => Verdicts::all(Verdict::Pass),
        true => Verdicts { dmarc: Verdict::Fail, ..Verdicts::all(Verdict::Pass) },
    }
}

/// Writes the field, in Rspamd's order.
pub(super) fn field(host: &DomainName, sender: &Address, from: &Address, verdicts: Verdicts) -> String {
    let Verdicts { spf, dkim, dmarc } = verdicts;
    let of = sender.domain().as_str();
    let signer = if dkim == Verdict::None { ["", ""] } else { [" header.d=", of] };
    [
        "Authentication-Results: ",
        host.as_str(),
        ";\r\n\tdkim=",
        dkim.word(),
        signer[0],
        signer[1],
        ";\r\n\tspf=",
        spf.word(),
        " smtp.mailfrom=",
        sender.local_part(),
        "@",
        of,
        ";\r\n\tdmarc=",
        dmarc.word(),
        " header.from=",
        from.domain().as_str(),
        "\r\n",
    ]
    .concat()
}
