//! DKIM keys that are not made by the server: copied from another domain or imported.

use serde_json::{Value, json};

use super::{
    dkim::is_selector,
    state::{DkimRow, Reply, State, danger, int, items, log, success, text},
};

impl State {
    /// Copies a key, over another one too.
    pub(super) fn duplicate_dkim(&mut self, body: &Value) -> Reply {
        let log = log("dkim", "duplicate", "", body);
        let from = text(body, "from_domain").unwrap_or_default();
        let Some(key) = self.dkim.get(&from).cloned() else {
            return Reply::Entries(vec![danger(&log, json!(["dkim_domain_or_sel_invalid", from]))]);
        };
        let entries = items(&body["to_domain"]).into_iter().map(|to| {
            let name = to.as_str().unwrap_or_default();
            if !self.domains.contains_key(name) && !self.alias_domains.contains_key(name) {
                return danger(&log, json!(["dkim_domain_or_sel_invalid", name]));
            }
            self.dkim.insert(name.to_owned(), key.clone());
            success(&log, json!(["dkim_duplicated", from, name]))
        });
        Reply::Entries(entries.collect())
    }

    /// Takes a private key for what it is called: the fake does not compute the public one, and shows that of its own
    /// keys of 2048 bits.
    pub(super) fn import_dkim(&mut self, body: &Value) -> Reply {
        // The log of the real server shows the key; this one need not.
        let mut shown = body.clone();
        shown["private_key_file"] = json!("*");
        let log = log("dkim", "import", "", &shown);
        let part = |field| text(body, field).unwrap_or_default();
        let (name, selector, pem) = (part("domain"), part("dkim_selector"), part("private_key_file"));
        let refuse = |msg: Value| Reply::Entries(vec![danger(&log, msg)]);
        if !is_selector(&selector) || name.parse::<crate::DomainName>().is_err() {
            return refuse(json!(["dkim_domain_or_sel_invalid", name]));
        }
        if self.dkim.contains_key(&name) && int(body, "overwrite_existing") != Some(1) {
            return refuse(json!(["dkim_domain_or_sel_exists", name]));
        }
        let pem = pem.trim();
        if !(pem.starts_with("-----BEGIN ") && pem.ends_with(" PRIVATE KEY-----")) {
            let fault = "error:12000079:random number generator::Cannot open file";
            return refuse(json!(["private_key_error", fault]));
        }
        self.dkim.insert(name.clone(), DkimRow { selector, bits: 2048 });
        Reply::Entries(vec![success(&log, json!(["dkim_added", name]))])
    }
}
