//! What is left out of a cassette.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use mail_access::{Received, Uid};

use super::Redaction;
use super::failure::Failure;
use super::line::{Answer, Call, Chosen, Line, Sent, Words, bytes_of, text_of};

/// Gives the same address the same other name throughout a cassette.
pub(super) struct Redactor<'a> {
    redaction: Redaction,
    /// The longest first: one may hold another.
    secrets: Vec<&'a str>,
    people: BTreeMap<String, usize>,
    domains: BTreeMap<String, usize>,
}

impl<'a> Redactor<'a> {
    pub(super) fn new(redaction: Redaction, secrets: &'a BTreeSet<String>) -> Self {
        let mut secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Self { redaction, secrets, people: BTreeMap::new(), domains: BTreeMap::new() }
    }

    pub(super) fn line(&mut self, line: Line) -> Line {
        Line {
            call: self.call(line.call),
            sent: line.sent.map(|sent| Sent {
                message_id: self.text(&sent.message_id),
                bytes: self.message(&sent.bytes),
            }),
            answer: self.answer(line.answer),
        }
    }

    fn call(&mut self, mut call: Call) -> Call {
        match &mut call {
            Call::Submit { login, sender, recipients } => {
                for address in [login, sender].into_iter().chain(recipients) {
                    *address = self.text(address);
                }
            }
            Call::Fetch { login, selection, .. } => {
                *login = self.text(login);
                if let Chosen::MessageId(text) | Chosen::Other(text) = selection {
                    *text = self.text(text);
                }
            }
            Call::CheckSubmission { login } | Call::MarkSeen { login, .. } | Call::Wait { login, .. } => {
                *login = self.text(login);
            }
            Call::EnsureDomain { domain } | Call::Dkim { domain } => {
                *domain =
                    if self.redaction == Redaction::All { self.domain(domain) } else { self.text(domain) };
            }
            Call::EnsureMailbox { address } | Call::RemoveMailbox { address } => {
                *address = self.text(address);
            }
        }
        call
    }

    fn answer(&mut self, answer: Answer) -> Answer {
        match answer {
            Answer::Taken { accepted, refused, words } => Answer::Taken {
                accepted: accepted.iter().map(|address| self.text(address)).collect(),
                refused: self.refused(refused),
                words: self.words(&words),
            },
            Answer::Batch { uid_validity, messages, more } => {
                let mut messages = messages;
                for mail in &mut messages {
                    mail.bytes = self.message(&mail.bytes);
                }
                Answer::Batch { uid_validity, messages, more }
            }
            Answer::Key { selector, record } => {
                Answer::Key { selector: self.text(&selector), record: self.without_secrets(&record) }
            }
            Answer::Failed(failure) => Answer::Failed(self.failure(failure)),
            same => same,
        }
    }

    fn failure(&mut self, failure: Failure) -> Failure {
        match failure {
            Failure::Authentication { words, retry_after_ms } => {
                Failure::Authentication { words: self.words(&words), retry_after_ms }
            }
            Failure::Invalid { problem } => Failure::Invalid { problem: self.text(&problem) },
            Failure::Protocol { problem } => Failure::Protocol { problem: self.text(&problem) },
            Failure::RecipientsRefused { refused } => {
                Failure::RecipientsRefused { refused: self.refused(refused) }
            }
            Failure::Refused { words } => Failure::Refused { words: self.words(&words) },
            Failure::Unavailable { server, certificate } => {
                Failure::Unavailable { server: self.text(&server), certificate }
            }
            Failure::Provisioning { kind, code, retry_after_ms, repeatable } => {
                let code = code.map(|code| self.text(&code));
                Failure::Provisioning { kind, code, retry_after_ms, repeatable }
            }
            same => same,
        }
    }

    fn refused(&mut self, refused: Vec<(String, Words)>) -> Vec<(String, Words)> {
        refused.into_iter().map(|(who, words)| (self.text(&who), self.words(&words))).collect()
    }

    fn words(&mut self, words: &Words) -> Words {
        Words { text: self.text(&words.text), ..*words }
    }

    /// Cleans a message, and takes its content away where that is wanted or holds a secret in some encoding.
    fn message(&mut self, text: &str) -> String {
        let bytes = bytes_of(text);
        let keeps = self.redaction == Redaction::Secrets;
        if keeps {
            let clean = self.without_secrets(text);
            if !self.holds_secret(&bytes_of(&clean)) {
                return clean;
            }
        }
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").map_or(bytes.len(), |end| end + 2);
        let (header, body) = bytes.split_at(end);
        let mut out = String::new();
        let unfolded = text_of(header).replace("\r\n ", " ").replace("\r\n\t", " ");
        for line in unfolded.split("\r\n") {
            let Some((name, value)) = line.split_once(':') else { continue };
            let lower = name.to_ascii_lowercase();
            let value = match lower.as_str() {
                // Names of people are dropped with the rest that is no address.
                "from" | "to" | "cc" | "reply-to" | "sender" if self.redaction == Redaction::All => {
                    let found: Vec<String> =
                        addresses(value).map(|(from, to)| value[from..to].to_owned()).collect();
                    found
                        .iter()
                        .map(|address| format!("<{}>", self.text(address)))
                        .collect::<Vec<_>>()
                        .join(", ")
                }
                _ if KEPT.contains(&lower.as_str()) => self.text(value.trim()),
                _ => continue,
            };
            if self.is_secret(&decoded(&value)) {
                continue;
            }
            let _ = write!(out, "{name}: {value}\r\n");
        }
        out +=
            "Subject: [redacted]\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n";
        let _ = write!(out, "[redacted: {} bytes]\r\n", body.len().saturating_sub(2));
        out
    }

    /// Looks for secrets behind whatever encoding the message's parts have.
    fn holds_secret(&self, bytes: &[u8]) -> bool {
        self.holds_secret_within(bytes, MAX_LEVELS)
    }

    /// Does the same for a message that lies within others; one that lies deeper than so many levels may hold anything.
    fn holds_secret_within(&self, bytes: &[u8], levels: usize) -> bool {
        let read = received(bytes);
        let found = |text: &str| self.is_secret(text);
        let in_files = read.attachments().iter().any(|file| {
            let is_message = file.content_type.to_ascii_lowercase().starts_with("message/");
            found(&file.name.clone().unwrap_or_default())
                || found(&String::from_utf8_lossy(&file.content))
                || is_message && (levels == 0 || self.holds_secret_within(&file.content, levels - 1))
        });
        // What can't be looked into may hold anything.
        read.opaque().is_some()
            || in_files
            || read.text().is_some_and(found)
            || read.html().is_some_and(found)
            || read.calendars().any(found)
            || read.headers().any(|(_, value)| found(&value) || found(&decoded(&value)))
    }

    fn is_secret(&self, text: &str) -> bool {
        self.secrets.iter().any(|secret| text.contains(secret))
    }

    fn text(&mut self, text: &str) -> String {
        let clean = self.without_secrets(text);
        if self.redaction != Redaction::All {
            return clean;
        }
        let mut out = String::with_capacity(clean.len());
        let mut done = 0;
        let found: Vec<(usize, usize)> = addresses(&clean).collect();
        for (from, to) in found {
            out += &self.hosts(&clean[done..from]);
            out += &self.person(&clean[from..to]);
            done = to;
        }
        out + &self.hosts(&clean[done..])
    }

    fn without_secrets(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| {
            // In a message each byte is a character.
            let as_bytes = text_of(secret.as_bytes());
            text.replace(secret, MARK).replace(&as_bytes, MARK)
        })
    }

    fn person(&mut self, address: &str) -> String {
        let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain).to_owned();
        let domain = self.domain(&domain);
        let next = self.people.len() + 1;
        let number = self.people.entry(address.to_ascii_lowercase()).or_insert(next);
        format!("p{number}@{domain}")
    }

    fn domain(&mut self, domain: &str) -> String {
        let next = self.domains.len() + 1;
        let number = self.domains.entry(domain.to_ascii_lowercase()).or_insert(next);
        format!("d{number}.example")
    }

    /// Replaces names and numbers of hosts.
    fn hosts(&mut self, text: &str) -> String {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':');
        let mut out = String::new();
        let mut rest = text;
        while let Some(start) = rest.find(is_part) {
            let end = rest[start..].find(|c| !is_part(c)).map_or(rest.len(), |end| start + end);
            let token = &rest[start..end];
            let bare = token.trim_matches(['.', '-', ':']);
            let (name, port) = bare.split_once(':').unwrap_or((bare, ""));
            let labels: Vec<&str> = name.split('.').collect();
            let is_number = labels.len() == 4 && labels.iter().all(|label| label.parse::<u8>().is_ok());
            let is_name = labels.len() > 1
                && labels
                    .last()
                    .is_some_and(|last| last.len() > 1 && last.bytes().all(|b| b.is_ascii_alphabetic()));
            // RFC 5321 section 4.1.3 has a tag before it; one of the old kind ends in its own form.
            let has_tag = token.get(..TAG.len()).is_some_and(|tag| tag.eq_ignore_ascii_case(TAG));
            let v6 = &token[if has_tag { TAG.len() } else { 0 }..];
            let is_v6 = v6.matches(':').count() > 1
                && v6.bytes().all(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.'));
            // Times of day have colons too.
            let is_time = bare.matches(':').count() == 2 && !bare.contains("::") && bare.len() <= 8;
            out += &rest[..start];
            if is_number {
                out += "192.0.2.1";
            } else if is_v6 && !is_time {
                out += &token[..token.len() - v6.len()];
                out += "2001:db8::1";
            } else if is_name {
                out += &self.domain(name);
                if !port.is_empty() {
                    let _ = write!(out, ":{port}");
                }
            } else {
                out += token;
            }
            rest = &rest[end..];
        }
        out + rest
    }
}

fn received(bytes: &[u8]) -> Received {
    let uid = Uid::new(1).expect("messages are counted from 1");
    Received::parse(uid, std::time::SystemTime::UNIX_EPOCH, false, bytes.to_vec())
}

/// Undoes the encoding of words (RFC 2047) in the value of a field, which may be of any name.
fn decoded(value: &str) -> String {
    received(format!("Subject: {value}\r\n\r\n").as_bytes()).subject().to_owned()
}

/// Finds what looks like addresses: from where to where.
fn addresses(text: &str) -> impl Iterator<Item = (usize, usize)> {
    // In a message each byte is a character, so that a letter beyond ASCII is several of any kind.
    let is_word = |c: char| c.is_ascii_alphanumeric() || !c.is_ascii() && !c.is_whitespace();
    let is_local = move |c: char| is_word(c) || "!#$%&'*+/=?^_`{|}~.-".contains(c);
    let is_domain = move |c: char| is_word(c) || c == '.' || c == '-';
    let mut from = 0;
    text.match_indices('@').filter_map(move |(at, _)| {
        if at < from {
            return None;
        }
        let quote = text[from..at].strip_suffix('"').and_then(|before| before.rfind('"'));
        let word = text[from..at].rfind(|c| !is_local(c)).map_or(from, |before| {
            from + before + text[from + before..].chars().next().map_or(0, char::len_utf8)
        });
        let start = quote.map_or(word, |quote| from + quote);
        let literal = text[at + 1..]
            .strip_prefix('[')
            .and_then(|literal| literal.bytes().take(MAX_LITERAL).position(|byte| byte == b']'));
        let end = text[at + 1..].find(|c| !is_domain(c)).map_or(text.len(), |end| at + 1 + end);
        let end = at + 1 + text[at + 1..end].trim_end_matches(['.', '-']).len();
        let end = literal.map_or(end, |literal| at + 1 + "[]".len() + literal);
        (start < at && end > at + 1).then(|| {
            from = end;
            (start, end)
        })
    })
}

/// No domain, literal or not, is longer (RFC 5321 section 4.5.3.1.2).
const MAX_LITERAL: usize = 255;

/// The header fields that tell who wrote to whom, when, and in answer to what.
const KEPT: [&str; 13] = [
    "auto-submitted",
    "cc",
    "date",
    "delivered-to",
    "from",
    "in-reply-to",
    "message-id",
    "references",
    "reply-to",
    "return-path",
    "sender",
    "to",
    "x-original-to",
];
const TAG: &str = "IPv6:";
const MAX_LEVELS: usize = 8;
const MARK: &str = "[secret]";

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> String {
        let secrets = BTreeSet::from(["s3cret".to_owned()]);
        Redactor::new(Redaction::All, &secrets).text(text)
    }

    #[test]
    fn addresses_and_hosts_get_other_names_and_the_rest_stays() {
        for (text, redacted) in [
            ("<ada@x.example>: no, ada@x.example", "<p1@d1.example>: no, p1@d1.example"),
            ("a@x.example b@y.example A@X.example", "p1@d1.example p2@d2.example p1@d1.example"),
            ("450 4.2.0 later, 12:30:01", "450 4.2.0 later, 12:30:01"),
            ("from mx.x.example [192.168.7.9]", "from d1.example [192.0.2.1]"),
            ("imap.x.example:993 fe80::1", "d1.example:993 2001:db8::1"),
            ("[IPv6:2a01:4f8::7] 2a01:4f8::", "[IPv6:2001:db8::1] 2001:db8::1"),
            ("::ffff:192.168.7.9", "2001:db8::1"),
            ("it is s3cret.", "it is [secret]."),
            ("@ and a@ and @b and a@b.", "@ and a@ and @b and p1@d1.example."),
            ("\"ada b\"@x.example, c@[192.0.2.7]!", "p1@d1.example, p2@d2.example!"),
            ("jos\u{c3}\u{a9}@x.example", "p1@d1.example"),
            ("gr\u{fc}\u{df}e \u{1f600} \u{fc}@x.example", "gr\u{fc}\u{df}e \u{1f600} p1@d1.example"),
        ] {
            assert_eq!(all(text), redacted, "{text}");
        }
    }

    #[test]
    fn a_secret_in_any_encoding_takes_the_content_with_it() {
        let secrets = BTreeSet::from(["s3cret".to_owned()]);
        let inner =
            "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\naXQgaXMgczNjcmV0\r\n";
        for message in [
            format!("From: a@b.example\r\n{inner}"),
            format!(
                "From: a@b.example\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\
                 Content-Type: message/rfc822\r\n\r\nFrom: c@d.example\r\n{inner}\r\n--x--\r\n"
            ),
            "From: =?utf-8?B?czNjcmV0?= <a@b.example>\r\n\r\nhello\r\n".to_owned(),
            "From: a@b.example\r\nX-Token: =?utf-8?B?czNjcmV0?=\r\n\r\nhello\r\n".to_owned(),
        ] {
            for redaction in [Redaction::Secrets, Redaction::Bodies] {
                let clean = Redactor::new(redaction, &secrets).message(&message);
                let gone = ["czNjcmV0", "aXQgaXM", "hello"].iter().all(|word| !clean.contains(word));
                assert!(gone, "{redaction:?} {clean}");
            }
        }
    }
}
