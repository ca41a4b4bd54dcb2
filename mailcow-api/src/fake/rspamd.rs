//! The settings and the maps of the spam filter.

use serde_json::{Value, json};

use super::state::{Reply, State, danger, int, items, log, number, success, text};

#[derive(Debug)]
pub(super) struct RspamdRow {
    description: String,
    content: String,
    active: i64,
}

impl State {
    pub(super) fn list_rspamd_settings(&self) -> Reply {
        self.rspamd_settings.show_all(|_| true, show)
    }

    pub(super) fn get_rspamd_setting(&self, id: &str) -> Reply {
        self.rspamd_settings.show_one(id, show)
    }

    pub(super) fn add_rspamd_setting(&mut self, body: &Value) -> Reply {
        let log = log("rsettings", "add", "", body);
        let content = text(body, "content").unwrap_or_default();
        if content.is_empty() {
            return Reply::Entries(vec![danger(&log, "map_content_empty")]);
        }
        let description = text(body, "desc").unwrap_or_default();
        let active = int(body, "active").unwrap_or(0);
        self.rspamd_settings.add(RspamdRow { description, content, active });
        Reply::Entries(vec![success(&log, "settings_map_added")])
    }

    pub(super) fn edit_rspamd_setting(&mut self, body: &Value) -> Reply {
        let attr = &body["attr"];
        let entries = items(&body["items"]).into_iter().map(|id| {
            let log = log("rsettings", "edit", "", attr);
            let Some(row) = self.rspamd_settings.get_mut(&id) else {
                return danger(&log, json!(["settings_map_invalid", as_text(&id)]));
            };
            row.description = text(attr, "desc").unwrap_or_else(|| row.description.clone());
            row.content = text(attr, "content").unwrap_or_else(|| row.content.clone());
            row.active = int(attr, "active").unwrap_or(row.active);
            success(&log, json!(["object_modified", as_text(&id)]))
        });
        Reply::Entries(entries.collect())
    }

    /// Deletes settings; for those that are not there that is a success as well.
    pub(super) fn delete_rspamd_setting(&mut self, body: &Value) -> Reply {
        let entries = items(body).into_iter().map(|id| {
            self.rspamd_settings.remove(&id);
            success(&log("rsettings", "delete", "", body), json!(["settings_map_removed", as_text(&id)]))
        });
        Reply::Entries(entries.collect())
    }
}

/// The API does not read the maps back, so none are kept.
pub(super) fn set_rspamd_map(body: &Value) -> Reply {
    let entries = items(&body["items"]).into_iter().map(|map| {
        let log = log("rspamd_maps", "edit", "", &json!("-"));
        if map.as_str().is_some_and(|map| MAPS.contains(&map)) {
            success(&log, json!(["object_modified", map]))
        } else {
            danger(&log, json!(["global_map_invalid", map]))
        }
    });
    Reply::Entries(entries.collect())
}

fn show(id: u64, row: &RspamdRow) -> Value {
    json!({"id": id, "desc": row.description, "content": row.content, "active": row.active})
}

/// An id as it stands in answers.
fn as_text(id: &Value) -> String {
    number(id).map_or_else(|| id.as_str().unwrap_or_default().to_owned(), |id| id.to_string())
}

const MAPS: [&str; 13] = [
    "bad_header.map",
    "bad_languages.map",
    "bad_words.map",
    "bad_words_de.map",
    "bulk_header.map",
    "fishy_tlds.map",
    "global_mime_from_blacklist.map",
    "global_mime_from_whitelist.map",
    "global_rcpt_blacklist.map",
    "global_rcpt_whitelist.map",
    "global_smtp_from_blacklist.map",
    "global_smtp_from_whitelist.map",
    "monitoring_nolog.map",
];
