use super::Status;

/// Why a server refused, as far as its code and its words tell (RFC 3463, RFC 5248, and what real servers write).
///
/// It is a guess by what many servers have in common; [`Status`] holds what this one said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The login is unknown, wrong, or missing.
    Authentication,
    /// A folder of this name is there already.
    FolderExists,
    /// The mailbox of the recipient has no room left.
    MailboxFull,
    /// There is no folder of this name.
    NoSuchFolder,
    /// The message is no longer in the folder.
    NoSuchMessage,
    /// The server puts off whom it doesn't know: the same message is welcome some minutes later.
    Greylisted,
    /// What the message is, or where it comes from, is not wanted: spam, a block list, a rule.
    Policy,
    /// Too much was sent in too short a time.
    RateLimited,
    /// The login may not send in the name of this sender.
    SenderNotOwned,
    /// The message is larger than the server takes.
    TooLarge,
    /// There is no such recipient.
    UnknownRecipient,
    /// The server has no such function, or not for this object.
    Unsupported,
    /// Something else that may pass.
    Temporary,
    /// Something else that stays.
    Permanent,
}

impl Reason {
    /// All of them, in no order that means anything.
    pub const ALL: &'static [Self] = &[
        Self::Authentication,
        Self::FolderExists,
        Self::MailboxFull,
        Self::NoSuchFolder,
        Self::NoSuchMessage,
        Self::Greylisted,
        Self::Policy,
        Self::RateLimited,
        Self::SenderNotOwned,
        Self::TooLarge,
        Self::UnknownRecipient,
        Self::Unsupported,
        Self::Temporary,
        Self::Permanent,
    ];
}

/// Reads a reason out of a status; what says most goes first.
pub(super) fn reason(status: &Status) -> Reason {
    let text = status.text.to_lowercase();
    if let Some(reason) = of_imap(&text) {
        return reason;
    }
    if status.code == 0 && text.starts_with(NO_FOLDER) {
        return Reason::NoSuchFolder;
    }
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let temporary = status.is_temporary();
    let detail = status.enhanced.map(|(_, subject, detail)| (subject, detail));
    if says(RATE) || matches!(detail, Some((7, 28))) {
        Reason::RateLimited
    } else if temporary && (says(GREYLIST) || text.starts_with(RSPAMD)) {
        Reason::Greylisted
    } else if says(SENDER) || matches!(detail, Some((7, 60) | (2, 252))) {
        Reason::SenderNotOwned
    } else if !temporary && (matches!(status.code, 530 | 534 | 535 | 538) || says(LOGIN)) {
        Reason::Authentication
    } else if matches!(detail, Some((3, 4) | (2, 3))) || says(SIZE) {
        Reason::TooLarge
    } else if matches!(detail, Some((2, 2))) || says(FULL) {
        Reason::MailboxFull
    } else if temporary {
        Reason::Temporary
    } else if matches!(detail, Some((1, 1..=3 | 6 | 10))) || says(UNKNOWN) {
        Reason::UnknownRecipient
    } else if matches!(detail, Some((7, _))) || says(POLICY) {
        Reason::Policy
    } else if status.code == TOO_MUCH {
        Reason::TooLarge
    } else {
        Reason::Permanent
    }
}

/// Reads the response code of an IMAP server (RFC 5530, RFC 7162, RFC 9208), in lower case.
fn of_imap(text: &str) -> Option<Reason> {
    let code = text.strip_prefix('[')?.split([']', ' ']).next()?;
    match code {
        "nonexistent" | "trycreate" => Some(Reason::NoSuchFolder),
        "alreadyexists" => Some(Reason::FolderExists),
        "expungeissued" => Some(Reason::NoSuchMessage),
        "overquota" => Some(Reason::MailboxFull),
        "toobig" => Some(Reason::TooLarge),
        "cannot" | "badcharset" | "nomodseq" => Some(Reason::Unsupported),
        "noperm" => Some(Reason::Policy),
        _ => None,
    }
}

/// What Dovecot says of a folder without a code, when it opens it.
const NO_FOLDER: &str = "mailbox doesn't exist: ";
const RATE: &[&str] = &[
    "rate limit",
    "ratelimit",
    "rate overlimit",
    "rate that prevents",
    "unusual rate",
    "excessive message rate",
    "throttl",
    "too many connections",
    "too many concurrent",
    "too many messages",
    "too many emails",
    "too many mails",
    "too many new tls sessions",
    "too many recipients from",
    "too many login attempts",
    "too much mail from",
    "concurrent server connections",
    "thread limit exceeded",
    "sending limit",
    "sending quota",
    "max emails per hour",
    "max defers and failures per hour",
    "message count quota",
    "exceeded threshold",
    "server busy",
];
const GREYLIST: &[&str] = &["greylist", "graylist", "grey-list", "gray-list", "grey listed"];
/// All that Rspamd says when its greylisting or another module puts a message off.
const RSPAMD: &str = "try again later";
const SENDER: &[&str] = &[
    "not owned by user",
    "rejected: not logged in",
    "sendasdenied",
    "permissions to send as",
    "not allowed to send as",
    "not permitted to send as",
    "not authorized to send as",
];
const LOGIN: &[&str] = &["was not authenticated", "authentication required", "authentication is required"];
const SIZE: &[&str] = &[
    "message size exceeds",
    "message too large",
    "message too big",
    "message is too large",
    "message file too big",
    "size limit",
    "size exceeds",
];
const FULL: &[&str] = &[
    "quota exceeded",
    "over quota",
    "overquota",
    "out of storage",
    "mailbox full",
    "mailbox is full",
    "mailbox for user is full",
    "inbox is full",
];
const UNKNOWN: &[&str] = &[
    "user unknown",
    "unknown user",
    "unknown recipient",
    "unknown local part",
    "no such user",
    "no such recipient",
    "no such mailbox",
    "unrouteable address",
    "unroutable address",
    "recipientnotfound",
    "recipient not found",
    "mailbox not found",
    "user doesn't exist",
    "user does not exist",
    "mailbox unavailable",
];
const POLICY: &[&str] = &[
    "spam",
    "blocked",
    "blacklist",
    "blocklist",
    "block list",
    "policy",
    "prohibit",
    "relay access denied",
    "relay not permitted",
    "relaying denied",
    "access denied",
    "virus",
    "dmarc",
];
/// "Exceeded storage allocation": before a recipient is named, or after the message, it is the message that does.
const TOO_MUCH: u16 = 552;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_is_missing_in_the_list_of_all() {
        let own = include_str!("reason.rs").split("pub enum Reason {").nth(1).unwrap();
        let variants =
            own.split("\n}").next().unwrap().lines().filter_map(|line| line.trim().strip_suffix(','));
        let variants: Vec<_> =
            variants.filter(|name| name.bytes().all(|b| b.is_ascii_alphabetic())).collect();
        let listed: Vec<String> = Reason::ALL.iter().map(|reason| format!("{reason:?}")).collect();
        assert_eq!(listed, variants);
    }
}
