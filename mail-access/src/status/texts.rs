//! What servers really write.

use super::*;

/// Takes `550 5.1.1 text` apart.
fn status(line: &str) -> Status {
    let (code, text) = line.split_once(' ').unwrap();
    let mut numbers = text.split_once(' ').map_or(text, |(first, _)| first).split('.').map(str::parse::<u16>);
    let enhanced = match (numbers.next(), numbers.next(), numbers.next(), numbers.next()) {
        (Some(Ok(class)), Some(Ok(subject)), Some(Ok(detail)), None) => {
            Some((u8::try_from(class).unwrap(), subject, detail))
        }
        _ => None,
    };
    let text = if enhanced.is_some() { text.split_once(' ').unwrap().1 } else { text };
    Status::new(code.parse().unwrap(), enhanced, text)
}

fn all_are(reason: Reason, lines: &[&str]) {
    for line in lines {
        assert_eq!(status(line).reason(), reason, "{line}");
    }
}

#[test]
fn postfix_and_its_policy_servers() {
    all_are(
        Reason::Authentication,
        &[
            "535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6",
            "535 5.7.8 Error: authentication failed: (reason unavailable)",
            "530 5.7.0 Must issue a STARTTLS command first",
        ],
    );
    all_are(
        Reason::SenderNotOwned,
        &[
            "553 5.7.1 <bob@x.example>: Sender address rejected: not owned by user ada@x.example",
            "553 5.7.1 <bob@x.example>: Sender address rejected: not logged in",
        ],
    );
    all_are(
        Reason::TooLarge,
        &["552 5.3.4 Message size exceeds fixed limit", "552 5.3.4 Error: message file too big"],
    );
    all_are(
        Reason::UnknownRecipient,
        &[
            "550 5.1.1 <nobody@x.example>: Recipient address rejected: User unknown in virtual mailbox table",
            "550 5.1.1 <nobody@x.example>: Recipient address rejected: User unknown in local recipient table",
            "550 5.1.2 <bob@nowhere.example>: Recipient address rejected: Domain not found",
            "556 5.1.10 <bob@null.example>: Recipient address rejected: Domain null.example does not accept mail (nullMX)",
        ],
    );
    all_are(
        Reason::Greylisted,
        &[
            "450 4.2.0 <bob@x.example>: Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch/help/x.example.html",
            "450 4.7.1 <bob@x.example>: Recipient address rejected: Greylisted for 5 minutes",
            "451 4.7.1 Greylisting in action, please come back in 00:04:59",
        ],
    );
    all_are(
        Reason::RateLimited,
        &[
            "450 4.7.1 Error: too much mail from 192.0.2.1",
            "450 4.7.1 Error: too many recipients from 192.0.2.1",
            "421 4.7.0 mail.example Error: too many connections from 192.0.2.1",
            "421 4.7.0 mail.example Error: too many new TLS sessions from 192.0.2.1",
            "450 4.7.1 <bob@x.example>: Recipient address rejected: Policy rejection; Message count quota exceeded",
        ],
    );
    all_are(
        Reason::Policy,
        &[
            "554 5.7.1 <bob@elsewhere.example>: Relay access denied",
            "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
            "550 5.7.1 Message rejected due to content restrictions",
        ],
    );
    all_are(
        Reason::Temporary,
        &[
            "451 4.3.0 <bob@x.example>: Temporary lookup failure",
            "451 4.7.1 Service unavailable - try again later",
            "452 4.3.1 Insufficient system storage",
            "452 4.5.3 Error: too many recipients",
            "450 4.1.8 <ada@nowhere.example>: Sender address rejected: Domain not found",
            "454 4.7.0 Temporary authentication failure: Connection lost to authentication server",
            "421 4.4.2 mail.example Error: timeout exceeded",
        ],
    );
    all_are(
        Reason::Permanent,
        &["503 5.5.1 Error: need MAIL command", "501 5.1.7 Bad sender address syntax"],
    );
}

#[test]
fn rspamd_as_mailcow_runs_it() {
    all_are(
        Reason::Greylisted,
        &["451 4.7.1 Try again later", "451 4.7.1 Greylisted, please try again later"],
    );
    all_are(
        Reason::RateLimited,
        &["451 4.7.1 Ratelimit \"bounce_to\" exceeded", "451 4.7.1 Rate limit exceeded"],
    );
    all_are(
        Reason::Policy,
        &[
            "554 5.7.1 Spam message rejected",
            "550 5.7.1 Rejected by policy",
            "554 5.7.1 clamav: virus found: \"Eicar\"",
        ],
    );
}

#[test]
fn dovecot() {
    all_are(
        Reason::MailboxFull,
        &[
            "552 5.2.2 <bob@x.example> Quota exceeded (mailbox for user is full)",
            "452 4.2.2 <bob@x.example> Quota exceeded (mailbox for user is full)",
            "552 5.2.2 <bob@x.example>: Recipient address rejected: Mailbox is full",
            "0 [OVERQUOTA] Quota exceeded (mailbox for user is full)",
        ],
    );
    all_are(Reason::UnknownRecipient, &["550 5.1.1 <bob@x.example> User doesn't exist: bob@x.example"]);
}

#[test]
fn exim_and_cpanel() {
    all_are(Reason::Authentication, &["535 Incorrect authentication data"]);
    all_are(
        Reason::UnknownRecipient,
        &["550 Unrouteable address", "550 No Such User Here", "550 Unknown user"],
    );
    all_are(Reason::TooLarge, &["552 Message size exceeds maximum permitted", "552 message too big"]);
    all_are(Reason::Greylisted, &["451 Greylisted", "451 Greylisted for 300 seconds"]);
    all_are(
        Reason::RateLimited,
        &[
            "421 Too many concurrent SMTP connections from this IP address; please try again later.",
            "451 Sender rate overlimit - 12.0 / 1h",
            "550 Domain x.example has exceeded the max emails per hour (150/150 (100%)) allowed.  Message discarded.",
            "550 Domain x.example has exceeded the max defers and failures per hour (5/5 (100%)) allowed.",
        ],
    );
    all_are(
        Reason::Policy,
        &[
            "550 relay not permitted",
            "550 Administrative prohibition",
            "550 This message scored 12.1 spam points.",
        ],
    );
    all_are(Reason::MailboxFull, &["552 mailbox full", "550 Mailbox quota exceeded"]);
    all_are(Reason::Temporary, &["451 Temporary local problem - please try later"]);
}

#[test]
fn gmail() {
    all_are(
        Reason::Authentication,
        &[
            "535 5.7.8 Username and Password not accepted. For more information, go to https://support.google.com/mail/?p=BadCredentials",
            "534 5.7.9 Application-specific password required.",
            "530 5.7.0 Authentication Required.",
        ],
    );
    all_are(
        Reason::UnknownRecipient,
        &["550 5.1.1 The email account that you tried to reach does not exist. Please try double-checking"],
    );
    all_are(
        Reason::MailboxFull,
        &[
            "552 5.2.2 The email account that you tried to reach is over quota.",
            "452 4.2.2 The recipient's inbox is out of storage space.",
        ],
    );
    all_are(
        Reason::RateLimited,
        &[
            "550 5.4.5 Daily user sending limit exceeded.",
            "550 5.4.5 Daily sending quota exceeded.",
            "450 4.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages",
            "421 4.7.28 Gmail has detected an unusual rate of unsolicited mail originating from your IP address.",
            "454 4.7.0 Too many login attempts, please try again later.",
        ],
    );
    all_are(Reason::TooLarge, &["552 5.3.4 Your message exceeded Google's message size limits."]);
    all_are(
        Reason::Policy,
        &[
            "550 5.7.1 Gmail has detected that this message is likely unsolicited mail.",
            "550 5.7.26 Your email has been blocked because the sender is unauthenticated.",
            "552 5.7.0 This message was blocked because its content presents a potential security issue.",
        ],
    );
}

#[test]
fn exchange() {
    all_are(
        Reason::Authentication,
        &[
            "535 5.7.3 Authentication unsuccessful",
            "535 5.7.139 Authentication unsuccessful, basic authentication is disabled.",
            "530 5.7.57 Client not authenticated to send mail.",
            "550 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM",
        ],
    );
    all_are(
        Reason::SenderNotOwned,
        &[
            "550 5.7.60 SMTP; Client does not have permissions to send as this sender",
            "554 5.2.252 SendAsDenied; ada@x.example not allowed to send as bob@x.example",
            "554 5.2.0 STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied",
        ],
    );
    all_are(
        Reason::UnknownRecipient,
        &[
            "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient bob@x.example not found by SMTP address lookup",
        ],
    );
    all_are(Reason::TooLarge, &["552 5.3.4 Message size exceeds fixed maximum message size"]);
    all_are(
        Reason::MailboxFull,
        &["554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException"],
    );
    all_are(
        Reason::RateLimited,
        &[
            "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded",
            "421 4.3.2 The maximum number of concurrent server connections has exceeded a limit",
            "550 5.7.705 Access denied, tenant has exceeded threshold",
            "451 4.7.500 Server busy. Please try again later from [192.0.2.1]",
        ],
    );
    all_are(Reason::Policy, &["550 5.7.501 Access denied, spam abuse detected from IP range"]);
    all_are(Reason::Temporary, &["451 4.4.0 DNS query failed", "421 4.3.2 Service not available"]);
}

#[test]
fn a_pause_is_believed_only_where_a_repetition_makes_sense() {
    let pause = |line: &str| status(line).retry_after().map(|pause| pause.as_secs());
    assert_eq!(pause("450 4.7.1 Greylisted, try again in 300 seconds"), Some(300));
    assert_eq!(pause("550 too many messages, try again in 1 hour"), Some(3600));
    assert_eq!(pause("550 5.7.1 your mail will be blocked for 7 days"), None);
    assert_eq!(pause("250 2.0.0 delivery in 5 minutes"), None);
}
