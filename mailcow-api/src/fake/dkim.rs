//! DKIM keys.

use serde_json::{Value, json};

use super::state::{DkimRow, Reply, State, danger, int, items, log, object, success, text};

impl State {
    pub(super) fn get_dkim(&self, name: &str) -> Reply {
        object(self.dkim.get(&name.to_lowercase()).map(DkimRow::show))
    }

    pub(super) fn add_dkim(&mut self, body: &Value) -> Reply {
        let selector = text(body, "dkim_selector").unwrap_or_default();
        let bits = int(body, "key_size").unwrap_or_default();
        let domains = text(body, "domains").unwrap_or_default();
        let entries = domains.split([',', ' ', ';']).filter(|name| !name.is_empty()).map(|name| {
            let log = log("dkim", "add", "", body);
            if !self.domains.contains_key(name) && !self.alias_domains.contains_key(name) {
                return danger(&log, json!(["access_denied", name]));
            }
            if self.make_dkim(name, &selector, bits) {
                success(&log, json!(["dkim_added", name]))
            } else {
                danger(&log, json!(["dkim_domain_or_sel_invalid", name]))
            }
        });
        Reply::Entries(entries.collect())
    }

    pub(super) fn delete_dkim(&mut self, body: &Value) -> Reply {
        let entries = items(body).into_iter().map(|name| {
            let name = name.as_str().unwrap_or_default();
            let log = log("dkim", "delete", "", body);
            if name.parse::<crate::DomainName>().is_err() {
                return danger(&log, json!(["dkim_domain_or_sel_invalid", name]));
            }
            self.dkim.remove(name);
            success(&log, json!(["dkim_removed", name]))
        });
        Reply::Entries(entries.collect())
    }

    /// Makes a key and returns whether it did: not over another one and not from bad values.
    pub(super) fn make_dkim(&mut self, domain: &str, selector: &str, bits: i64) -> bool {
        if self.dkim.contains_key(domain) || !is_selector(selector) || bits < 512 {
            return false;
        }
        self.dkim.insert(domain.to_owned(), DkimRow { selector: selector.to_owned(), bits });
        true
    }
}

impl DkimRow {
    fn show(&self) -> Value {
        // Two genuine keys stand for all; the real server too tells only these lengths from the text.
        let (key, length) = if self.bits < 2048 { (KEY_1024, "1024") } else { (KEY_2048, "2048") };
        json!({
            "pubkey": key,
            "length": length,
            "dkim_txt": format!("v=DKIM1;k=rsa;t=s;s=email;p={key}"),
            "dkim_selector": self.selector,
            "privkey": "",
        })
    }
}

pub(super) fn is_selector(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

const KEY_1024: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDOGtFkAklVdFJYbOJn/jbQprafOvGZqOxw/c5cTStQU59xLj6mZNYpknSX\
    hUpJ36ZnH5hoDwLmhYcbFmZKsXe57n3iZABjU3hWsZH8nVeEvFB7eMtAPyWjZ+Qjhu9QfkkVNY6wf5afucdxgB4FITnmsMYq\
    coz9Pd2NdvsPT5BDSwIDAQAB";
const KEY_2048: &str = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAjWl8H3dn3iaB8+fX+gBUCxQzm9DMG6jdZgBeuUk2FP5vSS9Ri6hY\
    B0gOMyHlB7lQ1kerztT7IjLHgHI/4Z7nGCO9C+Shig9PsRbRSgGAcjMy2EjAsRTuyyvhKBWkm0mR+x+kTHlbKklaq+AI/dRb\
    9Onaq0IBncT1aZwR4FBwMGd90ml/SyvnhsHGIAkdRZuQJMtFS5Lngs271hQ5cRM2BzScnNP13WKJfm0LoyN0pvGECEEGHXX3\
    SWfmlNG/zgJL7YLCWp0BRoSkCahQtq+OHNOsTfSHkJCqT+P3r71AQ3Q+ZF0It/B7SJc8VBB4eFdVXnLhgJdx0A12QmoQfikl\
    tQIDAQAB";
