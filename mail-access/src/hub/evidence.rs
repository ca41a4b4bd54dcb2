//! Whom a message was delivered for, by what the own server wrote above it.

use thiserror::Error;

use crate::message::fields;
use crate::{Address, Error};

/// Where a mail server notes for whom it delivered a message: the name of the field, and its place in the header.
///
/// A sender may write any field, To and Cc say nothing about the envelope, and a blind copy names nobody. But each
/// server writes above what it got, so that the lines above the `Received` by which a mail came from the world are the
/// own servers' alone. Only there the field is believed.
///
/// ```
/// use mail_access::{EnvelopeRule, Unroutable};
///
/// let rule = EnvelopeRule::mailcow();
/// let mail = b"Return-Path: <eve@b.example>\r\nDelivered-To: hub@agents.example\r\n\
///     Received: from mail.agents.example by 0f3a with LMTP id x\r\n\tfor <hub@agents.example>; Fri, 20 Nov 2026\r\n\
///     X-Original-To: Ada+news@agents.example\r\n\
///     Received: from b.example by mail.agents.example (Postfix) with ESMTPS id y; Fri, 20 Nov 2026\r\n\
///     X-Original-To: bob@agents.example\r\nTo: carol@agents.example\r\n\r\nHello.\r\n";
/// assert_eq!(rule.recipient(mail)?.to_string(), "Ada+news@agents.example");
///
/// let forged = &mail[mail.windows(4).position(|four| four == b"from").expect("it is there")..];
/// assert_eq!(rule.recipient(forged), Err(Unroutable::NoEvidence));
/// # Ok::<(), Unroutable>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvelopeRule {
    field: Box<str>,
    place: Place,
    hosts: Vec<Box<str>>,
}

impl EnvelopeRule {
    /// The rule of Mailcow, and of any Postfix that hands over to Dovecot by `lmtp flags=O`: `X-Original-To` below the
    /// `Received` of the LMTP delivery and above the next `Received`.
    ///
    /// The delivery has to be the topmost `Received`, and another one has to follow: without it nothing divides the own
    /// server's lines from the sender's. So the server must not take out the `Received` that it writes itself; one that
    /// does makes dead letters of all mail, which the hub's [check](super::Hub::check) tells.
    pub fn mailcow() -> Self {
        Self { field: X_ORIGINAL_TO.into(), place: Place::BelowDelivery, hosts: Vec::new() }
    }

    /// The rule of servers that deliver by themselves and write the field on top, above every `Received`: `Delivered-To`
    /// of Postfix' virtual(8), of qmail and of many providers, `Envelope-To` of Exim.
    ///
    /// # Errors
    /// [`Error::Invalid`] as for [`with_field`](Self::with_field).
    pub fn on_top(field: &str) -> Result<Self, Error> {
        Self { place: Place::AboveReceived, ..Self::mailcow() }.with_field(field)
    }

    /// Sets the name of the field; upper and lower case are the same.
    ///
    /// # Errors
    /// [`Error::Invalid`] if no field can have that name (RFC 5322 section 2.2), or if it is one that senders write,
    /// To, Cc or Bcc.
    pub fn with_field(mut self, field: &str) -> Result<Self, Error> {
        let is_name = !field.is_empty() && field.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
        let is_senders = SENDERS.iter().any(|name| field.eq_ignore_ascii_case(name));
        if !is_name || is_senders {
            return Err(Error::Invalid {
                what: "envelope field",
                problem: format!("{field:?} is no field that only the receiving server writes"),
            });
        }
        self.field = field.into();
        Ok(self)
    }

    /// Wants the topmost `Received` to be by this host, or another one that is named so; by default any may be.
    ///
    /// It is what a server calls itself behind `by`. A Mailcow's Dovecot goes by the name of its container, which a new
    /// one has not; the place at the top is proof enough there.
    pub fn with_host(mut self, host: &str) -> Self {
        self.hosts.push(host.trim_end_matches('.').into());
        self
    }

    /// Returns whom a message was delivered for, from its bytes or those of its header.
    ///
    /// Only the lines that the rule is about are read, and at most 64 KiB: what a sender piles up below costs nothing.
    ///
    /// # Errors
    /// [`Unroutable`] if the field is not in its place, not alone there, or holds no address. That is never guessed:
    /// what a server writes once per delivery and stands there twice, with two addresses, may be anyone's.
    pub fn recipient(&self, message: &[u8]) -> Result<Address, Unroutable> {
        let looked_at = &message[..message.len().min(MAX_BYTES)];
        let (mut found, mut read) = (None, 0);
        let mut is_below_delivery = false;
        for field in fields(looked_at) {
            read += field.len();
            // What is no field is passed over.
            let Some(colon) = memchr::memchr(b':', field) else { continue };
            let (name, value) = (field[..colon].trim_ascii_end(), &field[colon + 1..]);
            if name.eq_ignore_ascii_case(b"Received") {
                let is_end = is_below_delivery || self.place == Place::AboveReceived;
                if !is_below_delivery && !self.is_own(value) {
                    return Err(Unroutable::NoEvidence);
                }
                if is_end {
                    return found.ok_or(Unroutable::NoEvidence);
                }
                is_below_delivery = true;
            } else if (is_below_delivery || self.place == Place::AboveReceived)
                && name.eq_ignore_ascii_case(self.field.as_bytes())
            {
                let address = address(value).ok_or(Unroutable::NoAddress)?;
                match &found {
                    Some(known) if !address.is_same_mailbox(known) => return Err(Unroutable::Ambiguous),
                    Some(_) => {}
                    None => found = Some(address),
                }
            }
        }
        Err(if message.len() > MAX_BYTES && read == looked_at.len() {
            Unroutable::TooLong
        } else {
            Unroutable::NoEvidence
        })
    }

    /// Tells whether the topmost `Received` is that of the own server.
    fn is_own(&self, value: &[u8]) -> bool {
        let (by, with) = hop(value);
        let is_host = || self.hosts.iter().any(|host| by.eq_ignore_ascii_case(host.as_bytes()));
        let is_lmtp = || with.get(..4).is_some_and(|begin| begin.eq_ignore_ascii_case(b"LMTP"));
        (self.hosts.is_empty() || is_host()) && (self.place == Place::AboveReceived || is_lmtp())
    }
}

/// Why nobody is known to be meant by a message.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unroutable {
    /// The own server's lines name several addresses.
    #[error("the server's own lines name several recipients")]
    Ambiguous,
    /// The field holds something that is no address.
    #[error("what the server noted as the recipient is no address")]
    NoAddress,
    /// The field is not where the rule expects it: another way of delivery, or a rule for another server.
    #[error("the server noted no recipient where the rule expects it")]
    NoEvidence,
    /// The lines of the server don't end within 64 KiB.
    #[error("the header is too long to be believed")]
    TooLong,
    /// It was delivered for this address, which the hub doesn't have.
    #[error("{0} is no address of the hub")]
    Unknown(Address),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    AboveReceived,
    BelowDelivery,
}

/// Reads the address, in angle brackets or without. Folds were never in it; they are taken out.
fn address(value: &[u8]) -> Option<Address> {
    let text = std::str::from_utf8(value).ok()?.trim();
    let text = text.strip_prefix('<').and_then(|text| text.strip_suffix('>')).unwrap_or(text);
    if !text.contains('\n') {
        return text.parse().ok();
    }
    text.split('\n').map(str::trim).collect::<String>().parse().ok()
}

/// Returns the words behind `by` and `with` of a `Received` (RFC 5321 section 4.4); empty where there is none.
fn hop(value: &[u8]) -> (&[u8], &[u8]) {
    let (mut by, mut with) = (&b""[..], &b""[..]);
    let mut depth = 0_usize;
    let mut words = value
        .split(|byte| {
            match byte {
                b'(' => depth += 1,
                b')' => {
                    depth = depth.saturating_sub(1);
                    return true;
                }
                _ => {}
            }
            depth > 0 || byte.is_ascii_whitespace()
        })
        .filter(|word| !word.is_empty());
    while let Some(word) = words.next() {
        let slot = match word {
            [b'b' | b'B', b'y' | b'Y'] => &mut by,
            _ if word.eq_ignore_ascii_case(b"with") => &mut with,
            _ => continue,
        };
        if slot.is_empty() {
            let next = words.next().unwrap_or_default();
            let end = next.iter().rposition(|byte| !matches!(byte, b'.' | b';')).map_or(0, |last| last + 1);
            *slot = &next[..end];
        }
    }
    (by, with)
}

const X_ORIGINAL_TO: &str = "X-Original-To";
const SENDERS: [&str; 6] = ["To", "Cc", "Bcc", "Resent-To", "Resent-Cc", "Resent-Bcc"];
/// The own server's lines are about 1 KiB long.
const MAX_BYTES: usize = 64 << 10;
