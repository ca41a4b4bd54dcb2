//! The password policy.

use serde_json::{Value, json};

use super::state::{Reply, State, int, log, success, text};

/// What a password needs; each flag is 0 or 1.
#[derive(Debug)]
pub(super) struct PasswordPolicyRow {
    length: i64,
    flags: [i64; 4],
}

impl State {
    /// The values are texts.
    pub(super) fn get_password_policy(&self) -> Reply {
        let mut shown = json!({"length": self.password_policy.length.to_string()});
        for (name, flag) in FLAGS.iter().zip(self.password_policy.flags) {
            shown[*name] = json!(flag.to_string());
        }
        Reply::Json(shown)
    }

    pub(super) fn show_password_policy(&self) -> Reply {
        let policy = &self.password_policy;
        let needs = WORDS.iter().zip(policy.flags).filter(|(_, flag)| *flag == 1);
        let lines = needs.map(|(words, _)| format!("<p class=\"help-block small\">- {words}</p>"));
        let length =
            format!("<p class=\"help-block small\">- Minimum password length is {}</p>", policy.length);
        Reply::Json(json!([length].into_iter().chain(lines).collect::<String>()))
    }

    pub(super) fn edit_password_policy(&mut self, body: &Value) -> Reply {
        let attr = &body["attr"];
        let policy = &mut self.password_policy;
        policy.length = int(attr, "length").unwrap_or(policy.length);
        for (name, flag) in FLAGS.iter().zip(&mut policy.flags) {
            *flag = int(attr, name).unwrap_or(*flag);
        }
        Reply::Entries(vec![success(&log("password_complexity", "edit", "", attr), "password_policy_saved")])
    }
}

impl PasswordPolicyRow {
    /// Says what Mailcow says about a password that it does not take.
    pub(super) fn fault(&self, body: &Value, field: &str, repeated: &str) -> Option<&'static str> {
        let (first, second) =
            (text(body, field).unwrap_or_default(), text(body, repeated).unwrap_or_default());
        if !self.takes(&first) || second.is_empty() {
            Some("password_complexity")
        } else {
            (first != second).then_some("password_mismatch")
        }
    }

    fn takes(&self, password: &str) -> bool {
        let has = |wanted: fn(char) -> bool| password.chars().any(wanted);
        let met = [
            has(|c| c.is_ascii_alphabetic()),
            has(|c| c.is_ascii_punctuation()),
            has(|c| c.is_ascii_lowercase()) && has(|c| c.is_ascii_uppercase()),
            has(|c| c.is_ascii_digit()),
        ];
        let is_long = i64::try_from(password.len()).is_ok_and(|length| length >= self.length);
        is_long && self.flags.iter().zip(met).all(|(flag, is_met)| *flag == 0 || is_met)
    }
}

impl Default for PasswordPolicyRow {
    /// That of a new installation.
    fn default() -> Self {
        Self { length: 6, flags: [0; 4] }
    }
}

const FLAGS: [&str; 4] = ["chars", "special_chars", "lowerupper", "numbers"];
const WORDS: [&str; 4] = [
    "Must contain at least one alphabetic character",
    "Must contain at least one special character",
    "Must contain lowercase and uppercase characters",
    "Must contain at least one number",
];
