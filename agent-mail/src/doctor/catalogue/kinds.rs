//! What is left to say where the words tell nothing: by the kind of the failure.

use mail_access::Reason;

use super::{Remedy, remedy};
use crate::ErrorKind;

pub(super) fn of_kind(kind: ErrorKind) -> Remedy {
    match kind {
        ErrorKind::AlreadyExists => remedy(
            "already_exists",
            "the name is taken, by something that is not this program's",
            "choose another name, or remove what is there",
        ),
        ErrorKind::Held => remedy(
            "held",
            "a rule holds it back until somebody has decided on it",
            "approve or reject it where the program keeps what waits",
        ),
        ErrorKind::Interrupted => remedy(
            "interrupted",
            "the answer was lost, so that nobody knows whether it happened",
            "look whether it happened before you repeat it",
        ),
        ErrorKind::InvalidInput => remedy(
            "invalid_input",
            "the input can't be right; nothing was sent",
            "correct the input that is named",
        ),
        ErrorKind::NotFound => remedy(
            "not_found",
            "the object, or what holds it, does not exist on the server",
            "create it first, and check the spelling of its domain",
        ),
        ErrorKind::NotReady => remedy(
            "not_ready",
            "something it needs is not in place yet",
            "look at the checks that failed, mend them, and try again",
        ),
        ErrorKind::PermissionDenied => remedy(
            "permission_denied",
            "the credentials are known and don't allow it",
            "use a read-write key, or a token whose permissions and policies allow it",
        ),
        ErrorKind::RateLimited => remedy(
            "rate_limited",
            "it was asked for too often",
            "wait for the time that the server names, and ask less often",
        ),
        ErrorKind::Rejected => remedy(
            "rejected",
            "the server understood and refused",
            "read the server's reason and change what was asked for",
        ),
        ErrorKind::Stale => remedy(
            "stale",
            "what the plan was made for has changed meanwhile; nothing was done",
            "plan anew, look at the plan, and apply that one",
        ),
        ErrorKind::Unauthenticated => remedy(
            "unauthenticated",
            "the credentials are wrong, expired or not valid from this address",
            "check the credentials; don't repeat it, servers ban those who do",
        ),
        ErrorKind::Unavailable => remedy(
            "unavailable",
            "the server can't be reached, or has no time",
            "check that the server runs and can be reached, then try again",
        ),
        ErrorKind::Unexpected => remedy(
            "unexpected",
            "an answer, or a stored record, is not what it has to be",
            "check that the other side is the server and the version that it should be",
        ),
        ErrorKind::Unsupported => remedy(
            "unsupported",
            "this world has no such thing",
            "configure the backend that it needs, or update the mail system",
        ),
    }
}

pub(super) fn of_reason(reason: Reason) -> Remedy {
    let of = remedy;
    match reason {
        Reason::Authentication => of(
            "login_refused",
            "the login is unknown, wrong or missing",
            "set a new app password, and don't repeat the login: ten failures ban the address of this host",
        ),
        Reason::FolderExists => {
            of("folder_exists", "there is a folder of this name", "use the folder that is there")
        }
        Reason::MailboxFull => of(
            "mailbox_full",
            "the recipient's mailbox has no room left",
            "raise its quota, or have its owner remove messages",
        ),
        Reason::NoSuchFolder => {
            of("no_such_folder", "there is no folder of this name", "create the folder first")
        }
        Reason::NoSuchMessage => {
            of("no_such_message", "another program has removed the message", "read the folder again")
        }
        Reason::Greylisted => of(
            "greylisted",
            "the server puts off whom it doesn't know yet",
            "wait: the same message is welcome some minutes later",
        ),
        Reason::Policy => of(
            "refused_by_policy",
            "the server doesn't want such mail: by its content, its sender or where it comes from",
            "read the server's words; check SPF, DKIM, DMARC, the reverse name and block lists",
        ),
        Reason::RateLimited => of(
            "rate_limited",
            "too much was sent in too short a time",
            "wait for the limit's period, or raise the limit of the mailbox or the domain",
        ),
        Reason::SenderNotOwned => of(
            "sender_not_owned",
            "the login may not send in the name of this sender",
            "send as the mailbox itself, or let it send as the other address",
        ),
        Reason::TooLarge => of(
            "too_large",
            "the message is larger than the server takes",
            "share a link in place of the attachment, or raise message_size_limit",
        ),
        Reason::UnknownRecipient => of(
            "no_such_recipient",
            "there is no such recipient",
            "correct the address; if it is your own, add a mailbox, an alias or a catch-all",
        ),
        Reason::Unsupported => of(
            "unsupported",
            "the server has no such function, or not for this object",
            "do without it, or use another server",
        ),
        Reason::Temporary => of(
            "temporary",
            "the server can't do it now",
            "wait and try again; if it stays so, look at the server's log",
        ),
        _ => of(
            "refused",
            "the server refuses for good, in words that this catalogue doesn't know",
            "read the server's words and change what was asked for",
        ),
    }
}
