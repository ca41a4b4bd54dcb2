//! What can go wrong, why, and what helps: pure tables of the words and codes that Mailcow, deSEC, Postfix, Rspamd and
//! Dovecot use.

mod desec;
mod desec_requests;
mod dovecot;
mod kinds;
mod mailcow;
mod mailcow_server;
mod mailcow_words;
mod postfix;
mod postfix_peers;
mod symbols;

use std::error::Error as StdError;

use mail_access::Status;

use crate::Error;

/// What a failure comes from and what helps. Its texts and codes stay the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Remedy {
    /// A short name of the cause, as `port_25_closed`.
    pub code: &'static str,
    /// The cause, in one sentence.
    pub cause: &'static str,
    /// What helps, in one sentence.
    pub fix: &'static str,
}

/// Words of a server, in lower case, and what they mean.
struct Words {
    says: &'static [&'static str],
    code: &'static str,
    cause: &'static str,
    fix: &'static str,
}

impl Remedy {
    /// Finds what an error means: by the server's own words and codes, which stand in its sources, else by its kind.
    ///
    /// ```
    /// use agent_mail::doctor::Remedy;
    /// use agent_mail::{Error, ErrorKind};
    ///
    /// let error = Error::new(ErrorKind::Rejected, "ensure mailbox", "ada").with_code("max_mailbox_exceeded");
    /// assert!(Remedy::of_error(&error).cause.contains("as many mailboxes as it may"));
    /// ```
    pub fn of_error(error: &Error) -> Self {
        let mut source = error.source();
        while let Some(present) = source {
            if let Some(found) = of_source(present) {
                return found;
            }
            source = present.source();
        }
        error.code().and_then(Self::of_mailcow_code).unwrap_or_else(|| kinds::of_kind(error.kind()))
    }

    /// Finds what a reply of an SMTP server, or the NO of an IMAP server, means.
    pub fn of_status(status: &Status) -> Self {
        Self::of_words(&status.to_string()).unwrap_or_else(|| kinds::of_reason(status.reason()))
    }

    /// Finds what Postfix writes beside a queued message means, or any words of Postfix, Rspamd, Dovecot or another
    /// mail server; `None` if they tell nothing.
    ///
    /// ```
    /// use agent_mail::doctor::Remedy;
    ///
    /// let words = "connect to mx.example[192.0.2.25]:25: Connection timed out";
    /// assert_eq!(Remedy::of_words(words).map(|remedy| remedy.code), Some("port_25_closed"));
    /// ```
    pub fn of_words(words: &str) -> Option<Self> {
        find(&[dovecot::WORDS, postfix::WORDS, postfix_peers::WORDS], words)
    }

    /// Finds what a code of Mailcow means, or the kind that its client makes of an answer without one.
    pub fn of_mailcow_code(code: &str) -> Option<Self> {
        mailcow::CODES.iter().chain(mailcow_server::CODES).find_map(|entry| {
            let code = entry.any_of.iter().find(|known| **known == code)?;
            Some(remedy(code, entry.cause, entry.fix))
        })
    }

    /// Finds what a text of Mailcow means that comes without a code.
    pub fn of_mailcow_words(words: &str) -> Option<Self> {
        find(&[mailcow_words::WORDS], words)
    }

    /// Finds what a message of deSEC means.
    pub fn of_desec_words(words: &str) -> Option<Self> {
        find(&[desec::WORDS, desec_requests::WORDS], words)
    }

    /// Finds what a symbol of Rspamd means that costs points.
    ///
    /// ```
    /// use agent_mail::doctor::Remedy;
    ///
    /// assert!(Remedy::of_symbol("R_SPF_FAIL").unwrap().fix.contains("SPF record"));
    /// ```
    pub fn of_symbol(symbol: &str) -> Option<Self> {
        let found = symbols::SYMBOLS.iter().find_map(|entry| {
            let begin = entry.begin.iter().copied().find(|begin| symbol.starts_with(begin))?;
            Some((begin, entry))
        });
        found.map(|(begin, entry)| remedy(begin, entry.cause, entry.fix))
    }
}

pub(super) const fn remedy(code: &'static str, cause: &'static str, fix: &'static str) -> Remedy {
    Remedy { code, cause, fix }
}

fn find(tables: &[&'static [Words]], words: &str) -> Option<Remedy> {
    let words = words.to_lowercase();
    let mut entries = tables.iter().flat_map(|table| table.iter());
    let entry = entries.find(|entry| entry.says.iter().all(|part| words.contains(part)))?;
    Some(remedy(entry.code, entry.cause, entry.fix))
}

/// Finds what one error of a chain means, if it holds a server's own words.
fn of_source(source: &(dyn StdError + 'static)) -> Option<Remedy> {
    if let Some(error) = source.downcast_ref::<mail_access::Error>() {
        return of_mail(error);
    }
    #[cfg(feature = "mailcow")]
    if let Some(error) = source.downcast_ref::<mailcow_api::Error>() {
        return Some(of_mailcow(error));
    }
    #[cfg(feature = "desec")]
    if let Some(error) = source.downcast_ref::<desec_api::Error>() {
        return of_desec(error);
    }
    None
}

fn of_mail(error: &mail_access::Error) -> Option<Remedy> {
    use mail_access::Error as Mail;
    match error {
        Mail::Unavailable { source, .. } | Mail::Interrupted { source, .. }
            if source.kind() == std::io::ErrorKind::InvalidData =>
        {
            Some(remedy(
                "certificate_refused",
                "the certificate of the mail server is not trusted, or not for its name",
                "use the name that the certificate has, and trust its authority; at mailcow look at the container acme",
            ))
        }
        Mail::Unavailable { .. } => Some(remedy(
            "mail_server_unreachable",
            "no connection to the mail server comes about",
            "check host and port, the firewall, whether this host is banned, and the containers dovecot and postfix",
        )),
        error => error.status().map(Remedy::of_status),
    }
}

#[cfg(feature = "mailcow")]
fn of_mailcow(error: &mailcow_api::Error) -> Remedy {
    let texts = error.problems();
    let by_words = || texts.iter().find_map(|problem| Remedy::of_mailcow_words(&problem.to_string()));
    let by_kind = || error.kind().and_then(|kind| Remedy::of_mailcow_code(kind.code()));
    Remedy::of_mailcow_code(error.code())
        .or_else(by_words)
        .or_else(by_kind)
        .unwrap_or_else(|| kinds::of_kind(crate::ErrorKind::Unexpected))
}

#[cfg(feature = "desec")]
fn of_desec(error: &desec_api::Error) -> Option<Remedy> {
    use desec_api::Error as Desec;
    // Its own words hold those of the server, where these say more than the kind.
    match error {
        Desec::Unauthenticated { .. } => Remedy::of_desec_words("invalid token."),
        Desec::NotFound { .. } => Remedy::of_desec_words("no domain matches"),
        Desec::Taken { .. } => Remedy::of_desec_words("conflicts with an existing domain"),
        Desec::Throttled { .. } => Remedy::of_desec_words("request was throttled"),
        Desec::Unavailable { .. } | Desec::Unknown { .. } => None,
        error => Remedy::of_desec_words(&error.to_string()),
    }
}

#[cfg(test)]
mod tests;
