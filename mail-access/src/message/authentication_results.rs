//! What the receiving server found out about the sender (RFC 8601).

use std::fmt;

use super::header_fields::named_fields;
use crate::DomainName;

/// The server whose Authentication-Results are believed: the one that took the mail in from the world.
///
/// Anyone can write such a field. Believed is only the topmost one that bears the server's name and stands above
/// every `Received` that another server wrote, or that tells of an authenticated submission: what stands below was
/// in the mail as the sender wrote it. Below a field that can't be read none is believed. The server has to add the
/// field to each mail that it takes in, or to strike out its own name in what it takes in, as RFC 8601 section 5
/// demands and Mailcow does.
///
/// ```
/// use mail_access::TrustedServer;
///
/// let server = TrustedServer::new("mail.agents.example").with_host("mx2.agents.example");
/// assert_eq!(server.authserv_id(), "mail.agents.example");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedServer {
    authserv_id: String,
    hosts: Vec<String>,
    above_own_received: bool,
}

impl TrustedServer {
    /// Trusts a server by its authserv-id, which is its host name as well.
    pub fn new(authserv_id: impl Into<String>) -> Self {
        let authserv_id = authserv_id.into().to_ascii_lowercase();
        Self { hosts: vec![authserv_id.clone()], authserv_id, above_own_received: false }
    }

    /// Adds another name that own servers write into `Received` behind `by`.
    pub fn with_host(mut self, host: impl Into<String>) -> Self {
        self.hosts.push(host.into().to_ascii_lowercase());
        self
    }

    /// Believes the field only above the `Received` by which the mail came from the world.
    ///
    /// A server that writes it there needs no other care: nothing above that line can be forged.
    pub fn with_results_above_received(mut self) -> Self {
        self.above_own_received = true;
        self
    }

    /// Returns the name that its fields bear.
    pub fn authserv_id(&self) -> &str {
        &self.authserv_id
    }

    /// Finds the field to believe in a header.
    pub(super) fn results(&self, header: &[u8]) -> Option<AuthenticationResults> {
        let mut is_top = true;
        for (name, value) in named_fields(header) {
            if name.eq_ignore_ascii_case("Received") {
                let hop = Hop::of(&value);
                // The mailbox's own server hands over by LMTP, under whatever name its machine has.
                let is_delivery = is_top && hop.is_lmtp();
                is_top = false;
                let is_own =
                    hop.by.is_some_and(|by| self.hosts.iter().any(|host| by.eq_ignore_ascii_case(host)));
                if !is_delivery && (!is_own || hop.is_submission() || self.above_own_received) {
                    return None;
                }
            } else if name.eq_ignore_ascii_case("Authentication-Results") {
                // One that can't be read may be the server's own: a sender chooses what it has to quote.
                let results = AuthenticationResults::parse(&value)?;
                if results.authserv_id.eq_ignore_ascii_case(&self.authserv_id) {
                    return Some(results);
                }
            }
        }
        None
    }
}

/// What matters of a `Received` field (RFC 5321 section 4.4).
struct Hop<'a> {
    by: Option<&'a str>,
    with: Option<&'a str>,
}

impl<'a> Hop<'a> {
    fn of(value: &'a str) -> Self {
        let mut hop = Self { by: None, with: None };
        let mut words = without_comments(value);
        while let Some(word) = words.next() {
            if word.eq_ignore_ascii_case("by") && hop.by.is_none() {
                hop.by = words.next().map(|host| host.trim_end_matches(['.', ';']));
            } else if word.eq_ignore_ascii_case("with") && hop.with.is_none() {
                hop.with = words.next().map(|protocol| protocol.trim_end_matches(';'));
            }
        }
        hop
    }

    fn is_lmtp(&self) -> bool {
        self.with.is_some_and(|with| with.get(..4).is_some_and(|begin| begin.eq_ignore_ascii_case("LMTP")))
    }

    /// Tells whether a user sent it with a password (RFC 3848).
    fn is_submission(&self) -> bool {
        self.with.is_some_and(|with| {
            matches!(&*with.to_ascii_uppercase(), "ESMTPA" | "ESMTPSA" | "UTF8SMTPA" | "UTF8SMTPSA")
        })
    }
}

fn without_comments(value: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    value
        .split(move |c: char| {
            match c {
                '(' => depth += 1,
                ')' => {
                    depth = depth.saturating_sub(1);
                    return true;
                }
                _ => {}
            }
            depth > 0 || c.is_whitespace()
        })
        .filter(|word| !word.is_empty())
}

/// The verdicts of one Authentication-Results field (RFC 8601 section 2.2).
///
/// ```
/// use mail_access::{AuthenticationResults, AuthenticationVerdict};
///
/// let field = "mail.agents.example; dkim=pass header.d=b.example; spf=softfail (why) smtp.mailfrom=a@b.example";
/// let results = AuthenticationResults::parse(field).expect("it is one");
/// assert!(results.dkim().any(|method| method.passed() && method.property("header.d") == Some("b.example")));
/// assert_eq!(results.spf().map(|method| &method.verdict), Some(&AuthenticationVerdict::SoftFail));
/// assert!(results.dmarc().is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuthenticationResults {
    /// The name of the server that judged.
    pub authserv_id: String,
    /// Its verdicts in their order.
    pub methods: Vec<AuthenticationMethod>,
}

impl AuthenticationResults {
    /// Reads the value of a field; `None` if it is none.
    ///
    /// This says nothing about who wrote the field.
    pub fn parse(value: &str) -> Option<Self> {
        let mut tokens = Tokens::of(value)?.into_iter().peekable();
        let Some(Token::Word(authserv_id)) = tokens.next() else { return None };
        if authserv_id.is_empty() {
            return None;
        }
        if matches!(tokens.peek(), Some(Token::Word(version)) if version.bytes().all(|b| b.is_ascii_digit()))
        {
            tokens.next();
        }
        let mut methods: Vec<AuthenticationMethod> = Vec::new();
        let mut begins = false;
        while let Some(token) = tokens.next() {
            match token {
                Token::Mark(';') => begins = true,
                Token::Word(name) if matches!(tokens.peek(), Some(Token::Mark('='))) => {
                    tokens.next();
                    let Some(Token::Word(text)) = tokens.next() else { return None };
                    if begins {
                        begins = false;
                        let method = name.split('/').next().unwrap_or("").to_ascii_lowercase();
                        let verdict = AuthenticationVerdict::of(&text);
                        methods.push(AuthenticationMethod {
                            method,
                            verdict,
                            reason: None,
                            properties: Vec::new(),
                        });
                    } else if let Some(method) = methods.last_mut() {
                        if name.eq_ignore_ascii_case("reason") {
                            method.reason = Some(text);
                        } else {
                            method.properties.push((name.to_ascii_lowercase(), text));
                        }
                    } else {
                        return None;
                    }
                }
                // `none` in place of any verdict.
                Token::Word(word) if begins && word.eq_ignore_ascii_case("none") => begins = false,
                _ => return None,
            }
        }
        Some(Self { authserv_id, methods })
    }

    /// Returns the verdict on the connecting host (RFC 7208).
    pub fn spf(&self) -> Option<&AuthenticationMethod> {
        self.of("spf").next()
    }

    /// Returns the verdicts on the signatures (RFC 6376), one for each.
    pub fn dkim(&self) -> impl Iterator<Item = &AuthenticationMethod> {
        self.of("dkim")
    }

    /// Returns the verdict on the domain in From (RFC 7489).
    pub fn dmarc(&self) -> Option<&AuthenticationMethod> {
        self.of("dmarc").next()
    }

    /// Tells whether DMARC passed, and for this very domain.
    pub(super) fn vouches_for(&self, domain: &DomainName) -> bool {
        let mut verdicts = self.of("dmarc");
        let (Some(verdict), None) = (verdicts.next(), verdicts.next()) else { return false };
        verdict.passed()
            && verdict.property("header.from").is_some_and(|from| {
                from.rsplit('@').next().is_some_and(|from| from.eq_ignore_ascii_case(domain.as_str()))
            })
    }

    fn of(&self, name: &'static str) -> impl Iterator<Item = &AuthenticationMethod> {
        self.methods.iter().filter(move |method| method.method == name)
    }
}

/// One verdict (RFC 8601 section 2.3).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuthenticationMethod {
    /// What was checked, in lower case: `spf`, `dkim`, `dmarc`, `arc`.
    pub method: String,
    /// How it went.
    pub verdict: AuthenticationVerdict,
    /// The server's explanation.
    pub reason: Option<String>,
    /// What it was checked on: `header.d` and its value.
    pub properties: Vec<(String, String)>,
}

impl AuthenticationMethod {
    /// Tells whether the check succeeded.
    pub fn passed(&self) -> bool {
        self.verdict == AuthenticationVerdict::Pass
    }

    /// Returns the value of a property, `header.d`.
    pub fn property(&self, name: &str) -> Option<&str> {
        self.properties.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }
}

/// How a check went (RFC 8601 section 2.7).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthenticationVerdict {
    /// It succeeded.
    Pass,
    /// It failed.
    Fail,
    /// It failed, but the domain doesn't insist.
    SoftFail,
    /// The domain says neither.
    Neutral,
    /// There was nothing to check.
    None,
    /// It succeeded, but against the server's policy.
    Policy,
    /// It could not be checked now.
    TempError,
    /// It could never be checked.
    PermError,
    /// Another word, in lower case.
    Other(String),
}

impl AuthenticationVerdict {
    fn of(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "pass" => Self::Pass,
            "fail" | "hardfail" => Self::Fail,
            "softfail" => Self::SoftFail,
            "neutral" => Self::Neutral,
            "none" => Self::None,
            "policy" => Self::Policy,
            "temperror" => Self::TempError,
            "permerror" => Self::PermError,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// Writes the word of the field.
impl fmt::Display for AuthenticationVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::SoftFail => "softfail",
            Self::Neutral => "neutral",
            Self::None => "none",
            Self::Policy => "policy",
            Self::TempError => "temperror",
            Self::PermError => "permerror",
            Self::Other(word) => word,
        })
    }
}

enum Token {
    Word(String),
    Mark(char),
}

impl Token {
    fn is_mark(c: char) -> bool {
        matches!(c, ';' | '=')
    }
}

struct Tokens;

impl Tokens {
    /// Splits into words and marks; comments are left out, an open quote or comment spoils all.
    fn of(value: &str) -> Option<Vec<Token>> {
        let mut tokens = Vec::new();
        let mut chars = value.chars().peekable();
        let mut after_equals = false;
        while let Some(c) = chars.next() {
            let is_value = std::mem::take(&mut after_equals);
            match c {
                c if c.is_whitespace() => after_equals = is_value,
                '(' => {
                    skip_comment(&mut chars)?;
                    after_equals = is_value;
                }
                '"' => {
                    let mut word = String::new();
                    loop {
                        match chars.next()? {
                            '"' => break,
                            '\\' => word.push(chars.next()?),
                            c => word.push(c),
                        }
                    }
                    // The quoted first part of an address goes on with its domain.
                    while let Some(&c) = chars.peek().filter(|c| is_value && !ends_word(**c)) {
                        word.push(c);
                        chars.next();
                    }
                    tokens.push(Token::Word(word));
                }
                // A value may hold `=` itself, as base64 does.
                c if Token::is_mark(c) && !(is_value && c == '=') => {
                    tokens.push(Token::Mark(c));
                    after_equals = c == '=';
                }
                c => {
                    let mut word = String::from(c);
                    while let Some(&c) = chars.peek() {
                        if ends_word(c) || (c == '=' && !is_value) {
                            break;
                        }
                        word.push(c);
                        chars.next();
                    }
                    tokens.push(Token::Word(word));
                }
            }
        }
        Some(tokens)
    }
}

fn ends_word(c: char) -> bool {
    c.is_whitespace() || matches!(c, '(' | '"' | ';')
}

fn skip_comment(chars: &mut impl Iterator<Item = char>) -> Option<()> {
    let mut depth = 1;
    while depth > 0 {
        match chars.next()? {
            '(' => depth += 1,
            ')' => depth -= 1,
            '\\' => drop(chars.next()?),
            _ => {}
        }
    }
    Some(())
}

#[cfg(test)]
mod tests;
