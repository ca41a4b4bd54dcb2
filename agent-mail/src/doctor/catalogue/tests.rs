use std::collections::BTreeSet;

use mail_access::{Reason, Status};

use super::*;
use crate::ErrorKind;

fn all_words() -> impl Iterator<Item = &'static Words> {
    let tables = [
        dovecot::WORDS,
        postfix::WORDS,
        postfix_peers::WORDS,
        mailcow_words::WORDS,
        desec::WORDS,
        desec_requests::WORDS,
    ];
    tables.into_iter().flatten()
}

#[test]
fn every_entry_can_be_found_and_has_a_cause_and_a_fix() {
    for entry in all_words() {
        let words = entry.says.join(" .. ");
        let found =
            [Remedy::of_words(&words), Remedy::of_mailcow_words(&words), Remedy::of_desec_words(&words)];
        let is_hit = found.iter().flatten().any(|remedy| remedy.fix == entry.fix);
        assert!(is_hit, "{words}: an entry before it takes all its words");
        assert!(entry.says.iter().all(|part| part.to_lowercase() == **part), "{words}: not in lower case");
        check(remedy(entry.code, entry.cause, entry.fix));
    }
    for entry in mailcow::CODES.iter().chain(mailcow_server::CODES) {
        for code in entry.any_of {
            check(Remedy::of_mailcow_code(code).unwrap());
        }
    }
    for begin in symbols::SYMBOLS.iter().flat_map(|entry| entry.begin) {
        check(Remedy::of_symbol(begin).unwrap());
    }
}

fn check(remedy: Remedy) {
    let is_code = |code: &str| code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    assert!(is_code(remedy.code), "{remedy:?}");
    for text in [remedy.cause, remedy.fix] {
        assert!(text.len() > 10 && !text.ends_with('.') && !text.contains("  "), "{remedy:?}");
    }
}

#[test]
fn no_code_of_mailcow_is_written_down_twice() {
    let mut seen = BTreeSet::new();
    for code in mailcow::CODES.iter().chain(mailcow_server::CODES).flat_map(|entry| entry.any_of) {
        assert!(seen.insert(code), "{code}");
    }
}

#[test]
fn no_kind_of_error_is_without_an_entry() {
    let kinds = [
        ErrorKind::AlreadyExists,
        ErrorKind::Held,
        ErrorKind::Interrupted,
        ErrorKind::InvalidInput,
        ErrorKind::NotFound,
        ErrorKind::NotReady,
        ErrorKind::PermissionDenied,
        ErrorKind::RateLimited,
        ErrorKind::Rejected,
        ErrorKind::Stale,
        ErrorKind::Unauthenticated,
        ErrorKind::Unavailable,
        ErrorKind::Unexpected,
        ErrorKind::Unsupported,
    ];
    let codes: BTreeSet<_> =
        kinds.iter().map(|kind| Remedy::of_error(&Error::new(*kind, "do", "it")).code).collect();
    assert_eq!(codes.len(), kinds.len(), "each has one of its own");
    // The match over them is exhaustive: a new kind doesn't compile without an entry. Here it is for the text.
    let variants = include_str!("../../error.rs").split("pub enum ErrorKind {").nth(1).unwrap();
    let variants = variants.split("\n}").next().unwrap().lines().filter(|line| line.ends_with(',')).count();
    assert_eq!(variants, kinds.len());
}

#[test]
fn no_reason_of_a_mail_server_is_without_an_entry() {
    let codes: BTreeSet<_> = Reason::ALL.iter().map(|reason| kinds::of_reason(*reason).code).collect();
    assert_eq!(codes.len(), Reason::ALL.len());
}

#[test]
fn the_words_of_mail_servers_are_told_apart() {
    for (words, code) in [
        ("connect to unreachable.test[192.0.2.25]:25: Connection timed out", "port_25_closed"),
        ("connect to mx.example[192.0.2.1]:25: Connection refused", "connection_refused"),
        ("connect to mx.example[2001:db8::1]:25: Network is unreachable", "network_unreachable"),
        (
            "Host or domain name not found. Name service error for name=x.example type=MX: Host not found, try again",
            "dns_no_answer",
        ),
        (
            "Host or domain name not found. Name service error for name=x.example type=AAAA: Host not found",
            "dns_no_such_domain",
        ),
        ("host mx.example[192.0.2.1] said: 554 5.7.1 <bob@x.example>: Relay access denied", "relay_denied"),
        (
            "host mx.example[192.0.2.1] refused to talk to me: 554 5.7.1 Service unavailable; Client host [192.0.2.9] \
             blocked using zen.spamhaus.org",
            "on_blocklist_spamhaus",
        ),
        (
            "Client host [192.0.2.9] blocked using zen.spamhaus.org; Error: open resolver; https://check.spamhaus.org",
            "blocklist_open_resolver",
        ),
        (
            "host mx.example[192.0.2.1] said: 450 4.2.0 <b@x.example>: Greylisted, see http://p.example",
            "greylisted",
        ),
        (
            "lost connection with mx.example[192.0.2.1] while receiving the initial server greeting",
            "connection_lost",
        ),
        (
            "SASL authentication failed; server relay.example[192.0.2.1] said: 535 5.7.8",
            "relay_login_refused",
        ),
        ("535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6", "login_refused"),
        (
            "553 5.7.1 <bob@x.example>: Sender address rejected: not owned by user ada@x.example",
            "sender_not_owned",
        ),
        (
            "550 5.1.1 <nobody@x.example>: Recipient address rejected: User unknown in virtual mailbox table",
            "no_such_recipient",
        ),
        (
            "450 4.1.8 <ada@nowhere.example>: Sender address rejected: Domain not found",
            "sender_domain_not_found",
        ),
        ("452 4.3.1 Insufficient system storage", "disk_full"),
        ("451 4.7.1 Ratelimit \"bounce_to\" exceeded", "rate_limited"),
        ("554 5.7.1 Spam message rejected", "spam_refused"),
        ("554 5.7.1 clamav: virus found: \"Eicar\"", "virus"),
        ("451 4.3.0 <bob@x.example>: Temporary lookup failure", "lookup_failed"),
        ("451 4.7.1 Service unavailable - try again later", "milter_down"),
        (
            "454 4.7.0 Temporary authentication failure: Connection lost to authentication server",
            "auth_backend_down",
        ),
        (
            "550 5.7.26 Your email has been blocked because the sender is unauthenticated.",
            "not_authenticated",
        ),
        ("mail for x.example loops back to myself", "loops_back"),
        ("552 5.2.2 <bob@x.example> Quota exceeded (mailbox for user is full)", "mailbox_full"),
        ("[OVERQUOTA] Quota exceeded (mailbox for user is full)", "mailbox_full"),
        ("[AUTHENTICATIONFAILED] Authentication failed.", "login_refused"),
        ("[UNAVAILABLE] Temporary authentication failure. [mail:2026-11-20 09:00:00]", "imap_backend_down"),
        ("[LIMIT] Maximum number of connections from user+IP exceeded", "too_many_connections"),
        ("destination service { process_limit } reached?", "process_limit"),
    ] {
        assert_eq!(Remedy::of_words(words).map(|remedy| remedy.code), Some(code), "{words}");
    }
    assert_eq!(Remedy::of_words("250 2.0.0 Ok: queued as 4ABC"), None);
}

#[test]
fn words_that_tell_nothing_fall_back_to_the_code() {
    let status = |code, enhanced, text| Remedy::of_status(&Status::new(code, enhanced, text)).code;
    assert_eq!(status(550, Some((5, 1, 1)), "no"), "no_such_recipient");
    assert_eq!(status(552, Some((5, 3, 4)), "no"), "too_large");
    assert_eq!(status(421, None, "later"), "temporary");
    assert_eq!(status(554, None, "no"), "refused");
}

#[test]
fn the_symbols_of_rspamd_are_told_by_their_beginning() {
    for (symbol, words) in [
        ("R_SPF_SOFTFAIL", "SPF"),
        ("R_DKIM_REJECT", "key"),
        ("DMARC_POLICY_REJECT", "pass"),
        ("RDNS_NONE", "reverse name"),
        ("URIBL_BLACK", "list"),
        ("BAYES_SPAM", "ham"),
        ("MIME_HTML_ONLY", "text"),
    ] {
        assert!(Remedy::of_symbol(symbol).unwrap().fix.contains(words), "{symbol}");
    }
    assert_eq!(Remedy::of_symbol("R_SPF_ALLOW"), None);
}
