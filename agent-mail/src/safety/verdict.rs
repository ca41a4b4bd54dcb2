//! What the own server and the header tell about who wrote a message.

use std::fmt;

use mail_access::{AuthenticationVerdict, Contact, Received, TrustedServer};

/// Who wrote a message, as far as the own server knows, and what about its header may mislead.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verdict {
    /// Whether its author is who it says.
    pub standing: Standing,
    /// What was found about the host that sent it (RFC 7208).
    pub spf: Option<Finding>,
    /// What was found about its signatures (RFC 6376): the best of them.
    pub dkim: Option<Finding>,
    /// What was found about the domain in From (RFC 7489).
    pub dmarc: Option<Finding>,
    /// What may mislead its reader.
    pub warnings: Vec<Warning>,
}

/// Whether the author of a message is who it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Standing {
    /// The domain of its one author is proven: DMARC passed for it.
    Verified,
    /// DMARC failed: it is probably forged.
    Forged,
    /// The own server judged, and nothing is proven.
    Unproven,
    /// Nobody judged: no [trusted server](crate::AgentMailBuilder::trusted_server) was set, or it left no word.
    Unjudged,
}

/// How a check went (RFC 8601 section 2.7), in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Finding {
    /// It succeeded.
    Pass,
    /// It failed.
    Fail,
    /// It failed, but the domain doesn't insist.
    SoftFail,
    /// The domain says neither, there was nothing to check, or a word that isn't known was said.
    Nothing,
    /// It couldn't be checked.
    Error,
}

/// What in a header may mislead its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Warning {
    /// It has no author or several; programs differ in whom they show.
    SeveralAuthors,
    /// The name of the author holds another address.
    NameHoldsAddress,
    /// The author's address may be read as another.
    Confusable,
    /// Somebody of another domain sent it for the author.
    SenderElsewhere,
    /// Answers are wanted at another domain than the author's.
    ReplyToElsewhere,
    /// It claims verdicts of the own server that aren't that server's.
    ForgedVerdicts,
    /// It is too large or broken to be looked at as a whole.
    Opaque,
}

impl Verdict {
    pub(crate) fn of(message: &Received, trusted: Option<&TrustedServer>) -> Self {
        let results = trusted.and_then(|server| message.authentication(server));
        let found = |verdict: &AuthenticationVerdict| Finding::of(verdict);
        let spf = results.as_ref().and_then(|results| Some(found(&results.spf()?.verdict)));
        let dkim = results.as_ref().and_then(|results| {
            let mut all: Vec<Finding> = results.dkim().map(|method| found(&method.verdict)).collect();
            all.sort_by_key(|finding| *finding != Finding::Pass);
            all.first().copied()
        });
        let dmarc = results.as_ref().and_then(|results| Some(found(&results.dmarc()?.verdict)));
        let verified = trusted.is_some_and(|server| message.verified_from(server).is_some());
        let standing = match (verified, &results, dmarc) {
            (true, ..) => Standing::Verified,
            (false, Some(_), Some(Finding::Fail)) => Standing::Forged,
            (false, Some(_), _) => Standing::Unproven,
            (false, None, _) => Standing::Unjudged,
        };
        Self { standing, spf, dkim, dmarc, warnings: warnings(message, trusted) }
    }

    /// Tells whether its author is proven.
    pub fn is_verified(&self) -> bool {
        self.standing == Standing::Verified
    }
}

impl Finding {
    fn of(verdict: &AuthenticationVerdict) -> Self {
        match verdict {
            AuthenticationVerdict::Pass => Self::Pass,
            AuthenticationVerdict::Fail | AuthenticationVerdict::Policy => Self::Fail,
            AuthenticationVerdict::SoftFail => Self::SoftFail,
            AuthenticationVerdict::TempError | AuthenticationVerdict::PermError => Self::Error,
            _ => Self::Nothing,
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Verified => "verified",
            Self::Forged => "probably forged",
            Self::Unproven => "not proven",
            Self::Unjudged => "not checked",
        })
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SeveralAuthors => "no single author",
            Self::NameHoldsAddress => "the name holds another address",
            Self::Confusable => "the address can be misread",
            Self::SenderElsewhere => "sent by another domain than the author's",
            Self::ReplyToElsewhere => "answers are wanted elsewhere",
            Self::ForgedVerdicts => "forged verdicts",
            Self::Opaque => "not all of it could be read",
        })
    }
}

fn warnings(message: &Received, trusted: Option<&TrustedServer>) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let fields = message.headers().filter(|(name, _)| name.eq_ignore_ascii_case("From")).count();
    if message.all_from().len() != 1 || fields != 1 {
        warnings.push(Warning::SeveralAuthors);
    }
    if message.all_from().iter().any(names_another) {
        warnings.push(Warning::NameHoldsAddress);
    }
    if message.all_from().iter().any(|from| from.address.is_confusable()) {
        warnings.push(Warning::Confusable);
    }
    let is_elsewhere =
        |other: &Contact| message.from().is_some_and(|from| from.address.domain() != other.address.domain());
    if message.sender().is_some_and(is_elsewhere) {
        warnings.push(Warning::SenderElsewhere);
    }
    if message.reply_to().iter().any(is_elsewhere) {
        warnings.push(Warning::ReplyToElsewhere);
    }
    if trusted.is_some_and(|server| has_forged_verdicts(message, server)) {
        warnings.push(Warning::ForgedVerdicts);
    }
    if message.opaque().is_some() {
        warnings.push(Warning::Opaque);
    }
    warnings
}

fn names_another(from: &Contact) -> bool {
    let Some(name) = &from.name else { return false };
    let words = name.split(|c: char| c.is_whitespace() || "<>()[]\"',;:".contains(c));
    let mut addresses = words.filter(|word| word.contains(['@', '\u{ff20}', '\u{fe6b}']));
    addresses.any(|word| !word.eq_ignore_ascii_case(&from.address.to_string()))
}

/// The own server writes one field; every other that bears its name, and any where none is believed, is somebody else's.
fn has_forged_verdicts(message: &Received, server: &TrustedServer) -> bool {
    let name = server.authserv_id();
    let own = message.headers().filter(|(field, value)| {
        let id = value.split([';', ' ', '\t']).find(|word| !word.is_empty()).unwrap_or_default();
        field.eq_ignore_ascii_case("Authentication-Results")
            && id.trim_matches('"').eq_ignore_ascii_case(name)
    });
    own.count() > usize::from(message.authentication(server).is_some())
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use mail_access::Uid;

    use super::*;

    fn verdict(header: &str) -> Verdict {
        let raw = format!("{header}\r\nSubject: x\r\n\r\nhello\r\n").into_bytes();
        let message = Received::parse(Uid::new(1).unwrap(), SystemTime::UNIX_EPOCH, false, raw);
        Verdict::of(&message, Some(&TrustedServer::new("mx.agents.example")))
    }

    const PASS: &str = "Authentication-Results: mx.agents.example; dkim=fail header.d=x.example; \
        dkim=pass header.d=b.example; spf=softfail smtp.mailfrom=a@b.example; dmarc=pass header.from=b.example";
    const HOP: &str =
        "Received: from mail.b.example (mail.b.example [192.0.2.1]) by mx.agents.example with ESMTPS id 1";

    #[test]
    fn the_states_are_clear() {
        let good = verdict(&format!("{PASS}\r\n{HOP}\r\nFrom: Ann <a@b.example>"));
        assert_eq!((good.standing, good.warnings), (Standing::Verified, vec![]));
        assert_eq!(
            (good.spf, good.dkim, good.dmarc),
            (Some(Finding::SoftFail), Some(Finding::Pass), Some(Finding::Pass))
        );
        let forged = verdict(&format!(
            "Authentication-Results: mx.agents.example; dmarc=fail header.from=b.example\r\n{HOP}\r\nFrom: a@b.example"
        ));
        assert_eq!(forged.standing, Standing::Forged);
        let none = verdict(&format!(
            "Authentication-Results: mx.agents.example; dmarc=none header.from=b.example\r\n{HOP}\r\nFrom: a@b.example"
        ));
        assert_eq!(none.standing, Standing::Unproven);
        assert_eq!(verdict("From: a@b.example").standing, Standing::Unjudged);
    }

    #[test]
    fn what_misleads_is_told() {
        for (header, warning) in [
            ("From: Ann <a@b.example>, c@d.example", Warning::SeveralAuthors),
            ("From: Ann <a@b.example>\r\nFrom: c@d.example", Warning::SeveralAuthors),
            ("From: \"boss@bank.example\" <a@b.example>", Warning::NameHoldsAddress),
            ("From: \"Boss (boss@bank.example)\" <a@b.example>", Warning::NameHoldsAddress),
            ("From: a@b.example\r\nReply-To: x@evil.example", Warning::ReplyToElsewhere),
            ("From: a@b.example\r\nSender: x@evil.example", Warning::SenderElsewhere),
            ("From: a@xn--80ak6aa92e.com", Warning::Confusable),
        ] {
            let verdict = verdict(&format!("{PASS}\r\n{HOP}\r\n{header}"));
            assert_eq!(verdict.warnings, [warning], "{header}");
            let is_alone = warning != Warning::SeveralAuthors && warning != Warning::Confusable;
            assert_eq!(verdict.is_verified(), is_alone, "{header}");
        }
        let own = verdict(&format!("{PASS}\r\n{HOP}\r\nFrom: \"a@b.example\" <a@b.example>"));
        assert!(own.warnings.is_empty(), "its own address is no trick");
    }

    #[test]
    fn none_of_twenty_forged_verdicts_is_believed() {
        let claims = "dkim=pass header.d=b.example; spf=pass smtp.mailfrom=b.example; dmarc=pass header.from=b.example";
        let foreign_hop = "Received: from x by mail.b.example with ESMTP id 2";
        let field = |id: &str| format!("Authentication-Results: {id}; {claims}");
        let own = field("mx.agents.example");
        let upper = field("MX.AGENTS.EXAMPLE");
        let empty = "Authentication-Results: mx.agents.example; none";
        let mut forged: Vec<String> = [
            // Below the line by which it came from the world.
            format!("{HOP}\r\n{foreign_hop}\r\n{own}"),
            format!("{HOP}\r\n{foreign_hop}\r\n{upper}"),
            format!("{HOP}\r\n{foreign_hop}\r\n{own}\r\n{own}"),
            format!("{foreign_hop}\r\n{own}"),
            format!("Received: from a by b.example with SMTP\r\n{own}"),
            format!("Received: by b.example (mx.agents.example) with SMTP\r\n{own}"),
            format!("Received: from mx.agents.example by b.example\r\n{own}"),
            format!("Received: from x by mx.agents.example with ESMTPSA id 3\r\n{own}"),
            format!("{empty}\r\n{HOP}\r\n{own}"),
            format!("{empty}\r\n{own}"),
        ]
        .to_vec();
        // In another's name, or in none.
        let names = [
            "mx.agents.example.evil.example",
            "evil.example",
            "mx-agents.example",
            "\"mx.agents.example \"",
            "mx.agents.examp1e",
            "",
            "; mx.agents.example",
            "mx",
            "(mx.agents.example) evil.example",
            "agents.example",
        ];
        forged.extend(names.map(field));
        assert_eq!(forged.len(), 20);
        for header in forged {
            let verdict = verdict(&format!("{header}\r\nFrom: a@b.example"));
            assert!(!verdict.is_verified(), "{header}");
            assert_ne!(verdict.dmarc, Some(Finding::Pass), "{header}");
        }
    }
}
