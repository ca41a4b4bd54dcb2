use serde_json::json;

use super::{ClientSettings, Encryption};

impl ClientSettings {
    /// Returns the fields of ERPNext's `Email Account`, as its REST API takes them (`POST /api/resource/Email Account`).
    /// The password is to be added there.
    pub fn erpnext_json(&self) -> String {
        let flag = |encryption: Encryption, wanted: Encryption| u8::from(encryption == wanted);
        let different = self.login != self.address.to_string();
        let mut account = json!({
            "doctype": "Email Account",
            "email_account_name": self.shown_name(),
            "email_id": self.address.to_string(),
            "login_id_is_different": u8::from(different),
            "enable_incoming": 1,
            "default_incoming": 0,
            "use_imap": 1,
            "email_server": self.imap.host.as_str(),
            "incoming_port": self.imap.port.to_string(),
            "use_ssl": flag(self.imap.encryption, Encryption::Tls),
            "use_starttls": flag(self.imap.encryption, Encryption::StartTls),
            "imap_folder": [{"folder_name": "INBOX"}],
            "enable_outgoing": 1,
            "default_outgoing": 0,
            "smtp_server": self.submission.host.as_str(),
            "smtp_port": self.submission.port.to_string(),
            "use_ssl_for_outgoing": flag(self.submission.encryption, Encryption::Tls),
            "use_tls": flag(self.submission.encryption, Encryption::StartTls),
        });
        if different {
            account["login_id"] = json!(self.login);
        }
        format!("{account:#}\n")
    }
}
