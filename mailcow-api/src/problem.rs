//! The server's own words: what it refused, decoded from every shape it uses.

use std::fmt;

use serde_json::Value;

/// What a Mailcow server said in a `danger`, `warning` or `error` entry of its answer.
///
/// Only the `msg` of the entry is kept, cut to a bounded length. The `log` beside it echoes the request, secrets
/// included, and is dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    code: String,
    args: Vec<String>,
}

impl Problem {
    /// Decodes a `msg`: a code, `[code, args..]`, or free text (whose code is [`FREE_TEXT`](Self::FREE_TEXT)).
    pub(crate) fn decode(msg: &Value) -> Self {
        let mut words = Vec::new();
        flatten(msg, &mut words);
        let is_code = words.first().is_some_and(|word| is_code(word));
        let mut words = words.into_iter();
        let code = if is_code { words.next() } else { None };
        Self { code: code.unwrap_or_else(|| Self::FREE_TEXT.to_owned()), args: words.collect() }
    }

    /// Returns the code of the server, as `object_exists`.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Returns what the server put beside the code, as text: an address, a limit in MiB, or the free text itself.
    pub fn args(&self) -> &[String] {
        &self.args
    }

    /// Returns what sort of problem this is.
    pub fn kind(&self) -> ProblemKind {
        use ProblemKind as Kind;
        match self.code.as_str() {
            "is_alias" | "is_spam_alias" | "is_alias_or_mailbox" => Kind::AlreadyExists,
            "access_denied" => Kind::AccessDenied,
            "app_passwd_id_invalid" | "domain_not_found" | "object_doesnt_exist" => Kind::NotFound,
            "password_complexity" | "password_mismatch" | "password_empty" => Kind::PasswordPolicy,
            "mailbox_quota_exceeded"
            | "mailbox_quota_left_exceeded"
            | "mailbox_quota_exceeds_domain_quota"
            | "mailbox_defquota_exceeds_mailbox_maxquota"
            | "domain_quota_m_in_use" => {
                Kind::QuotaExceeded { mib: self.args.first().and_then(|arg| arg.parse().ok()) }
            }
            "max_mailbox_exceeded" | "max_alias_exceeded" | "tag_limit_exceeded" => Kind::LimitReached,
            "domain_not_empty" => Kind::NotEmpty,
            "release_send_failed" => Kind::BackEndDown,
            "rl_timeframe"
            | "domain_cannot_match_hostname"
            | "aliasd_targetd_identical"
            | "bcc_must_be_email"
            | "comment_too_long"
            | "no_user_defined"
            | "private_key_error"
            | "pushover_key"
            | "sieve_error" => Kind::InvalidValue,
            // SQL errors pass through as text; 1062 is a broken unique key.
            "mysql_error" | Self::FREE_TEXT if self.says("Duplicate entry") => Kind::AlreadyExists,
            Self::FREE_TEXT if self.says("API read/write access denied") => Kind::ReadOnlyKey,
            Self::FREE_TEXT if self.says("api access denied for ip") => Kind::AddressNotAllowed,
            Self::FREE_TEXT if self.says("authentication failed") => Kind::WrongKey,
            code if code.ends_with("_exists") => Kind::AlreadyExists,
            code if code.contains("invalid") || code.ends_with("_empty") || code.ends_with("_missing") => {
                Kind::InvalidValue
            }
            _ => Kind::Other,
        }
    }

    /// Returns what the reader can do about it.
    pub fn fix(&self) -> &'static str {
        self.kind().fix()
    }

    fn says(&self, text: &str) -> bool {
        self.args.iter().any(|arg| arg.contains(text))
    }

    /// The [`code`](Self::code) of an answer that has none.
    pub const FREE_TEXT: &str = "free_text";
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.code)?;
        if !self.args.is_empty() {
            write!(f, " ({})", self.args.join(", "))?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

/// The sorts of [`Problem`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProblemKind {
    /// The name is taken, by an object of this or of another type.
    AlreadyExists,
    /// The id names nothing.
    NotFound,
    /// Mailcow's universal refusal; with an administrator's key mostly *no such object*.
    AccessDenied,
    /// The password is too weak or was not repeated.
    PasswordPolicy,
    /// A size is above a limit.
    QuotaExceeded {
        /// The figure that the server names, in MiB: the largest size, what is left (negative in an overrun domain),
        /// or what is in use, by the code.
        mib: Option<i64>,
    },
    /// A count is above a limit; the arguments are numbers.
    LimitReached,
    /// The domain still holds something.
    NotEmpty,
    /// A value is malformed or not allowed.
    InvalidValue,
    /// The API key is unknown or inactive, or did not arrive.
    WrongKey,
    /// The API key may only read.
    ReadOnlyKey,
    /// The API key is not for the address of this host.
    AddressNotAllowed,
    /// A proxy in front of the server wants another credential.
    ProxyDenied,
    /// Mailcow, or a service behind it, is down or too slow.
    BackEndDown,
    /// No connection was made, or it was lost.
    Unreachable,
    /// There is another server than expected at this address.
    WrongServer,
    /// A code this crate does not know.
    Other,
}

impl ProblemKind {
    /// Returns the name of the kind, as `already_exists`. It stays the same.
    pub fn code(&self) -> &'static str {
        match self {
            Self::AlreadyExists => "already_exists",
            Self::NotFound => "not_found",
            Self::AccessDenied => "access_denied",
            Self::PasswordPolicy => "password_policy",
            Self::QuotaExceeded { .. } => "quota_exceeded",
            Self::LimitReached => "limit_reached",
            Self::NotEmpty => "not_empty",
            Self::InvalidValue => "invalid_value",
            Self::WrongKey => "wrong_key",
            Self::ReadOnlyKey => "read_only_key",
            Self::AddressNotAllowed => "address_not_allowed",
            Self::ProxyDenied => "proxy_denied",
            Self::BackEndDown => "back_end_down",
            Self::Unreachable => "unreachable",
            Self::WrongServer => "wrong_server",
            Self::Other => "other",
        }
    }

    /// Returns what the reader can do about it.
    pub fn fix(&self) -> &'static str {
        match self {
            Self::AlreadyExists => "read what is there and use it, or choose another name",
            Self::NotFound => "list what is there and use one of its ids",
            Self::AccessDenied => {
                "with a read-write key this means that the object (or its domain) does not exist or a value is bad"
            }
            Self::PasswordPolicy => "use a password that meets the password policy of the server",
            Self::QuotaExceeded { .. } => {
                "ask for a smaller quota (values are MiB) or raise that of the domain"
            }
            Self::LimitReached => "delete what is no longer needed or raise the limit of the domain",
            Self::NotEmpty => "delete the mailboxes, aliases and resources of the domain first",
            Self::InvalidValue => "correct the value that is named",
            Self::WrongKey => {
                "set a key that is active on this server, see Client::replace_key, and do not repeat the call"
            }
            Self::ReadOnlyKey => "use a read-write key",
            Self::AddressNotAllowed => {
                "add the address of this host to the key's list of allowed addresses, and do not repeat the call"
            }
            Self::ProxyDenied => "correct the credential for the proxy, see ClientBuilder::proxy_credentials",
            Self::BackEndDown => "look at the containers of mailcow and try again later",
            Self::Unreachable => "check the address of the server and the network, and try again later",
            Self::WrongServer => "check the base url and the version of mailcow",
            Self::Other => "look up the code in the documentation of mailcow",
        }
    }
}

/// Collects the scalars of `value` in order, each cut and with its control characters replaced.
fn flatten(value: &Value, words: &mut Vec<String>) {
    if words.len() == MAX_WORDS {
        return;
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| flatten(item, words)),
        Value::Object(fields) => fields.values().for_each(|field| flatten(field, words)),
        Value::String(text) => words.push(text.chars().map(visible).take(MAX_CHARS).collect()),
        Value::Null => words.push(String::new()),
        Value::Bool(_) | Value::Number(_) => words.push(value.to_string()),
    }
}

/// Replaced and not left out: what is left could be a code that the server did not say.
fn visible(c: char) -> char {
    if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }
}

fn is_code(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

const MAX_WORDS: usize = 8;
const MAX_CHARS: usize = 200;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_recorded_shape_of_msg_is_decoded() {
        for (msg, code, args) in [
            (json!("password_complexity"), "password_complexity", vec![]),
            (json!(["object_exists", "a@b.example"]), "object_exists", vec!["a@b.example"]),
            (json!(["max_mailbox_exceeded", 5, 5]), "max_mailbox_exceeded", vec!["5", "5"]),
            (json!(["alias_invalid", null]), "alias_invalid", vec![""]),
            (json!(["username_invalid", ["a@b"]]), "username_invalid", vec!["a@b"]),
            (json!(["invalid_nexthop"]), "invalid_nexthop", vec![]),
            (json!("Added client access"), "free_text", vec!["Added client access"]),
            (
                json!(["mysql_error", {"errorInfo": ["23000", 1062, "Duplicate entry 'x'"]}]),
                "mysql_error",
                vec!["23000", "1062", "Duplicate entry 'x'"],
            ),
            (json!(null), "free_text", vec![""]),
            (json!([]), "free_text", vec![]),
        ] {
            let problem = Problem::decode(&msg);
            let found: Vec<_> = problem.args().iter().map(String::as_str).collect();
            assert_eq!((problem.code(), found), (code, args), "{msg}");
        }
    }

    #[test]
    fn codes_have_their_kind() {
        for (msg, kind) in [
            (json!(["domain_exists", "d"]), ProblemKind::AlreadyExists),
            (json!(["is_alias", "d"]), ProblemKind::AlreadyExists),
            (
                json!("SQLSTATE[23000]: 1062 Duplicate entry 'd' for key 'PRIMARY'"),
                ProblemKind::AlreadyExists,
            ),
            (json!(["access_denied", "d"]), ProblemKind::AccessDenied),
            (json!(["app_passwd_id_invalid", 99_999]), ProblemKind::NotFound),
            (json!("password_mismatch"), ProblemKind::PasswordPolicy),
            (json!(["mailbox_quota_left_exceeded", -60]), ProblemKind::QuotaExceeded { mib: Some(-60) }),
            (json!(["domain_quota_m_in_use", "120"]), ProblemKind::QuotaExceeded { mib: Some(120) }),
            (json!("mailbox_quota_exceeds_domain_quota"), ProblemKind::QuotaExceeded { mib: None }),
            (json!("API read/write access denied"), ProblemKind::ReadOnlyKey),
            (json!("cors_invalid_origin"), ProblemKind::InvalidValue),
            (json!(["object_doesnt_exist", "nope"]), ProblemKind::NotFound),
            (json!(["max_mailbox_exceeded", 5, 5]), ProblemKind::LimitReached),
            (json!(["domain_not_empty", "d"]), ProblemKind::NotEmpty),
            (json!(["dkim_domain_or_sel_invalid", "d"]), ProblemKind::InvalidValue),
            (json!("rl_timeframe"), ProblemKind::InvalidValue),
            (json!("Cannot find attributes in post data"), ProblemKind::Other),
        ] {
            assert_eq!(Problem::decode(&msg).kind(), kind, "{msg}");
        }
    }

    #[test]
    fn a_hostile_msg_is_cut_and_kept_on_one_line() {
        let problem = Problem::decode(&json!(["x\nforged line", "y".repeat(5000), vec![vec!["z"; 9]; 9]]));
        assert_eq!(problem.args().len(), MAX_WORDS);
        let shown = problem.to_string();
        assert!(!shown.contains('\n') && shown.len() < 2000, "{shown}");
    }
}
