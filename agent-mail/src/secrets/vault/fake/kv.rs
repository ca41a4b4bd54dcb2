//! A KV engine of version 2: versions, check-and-set, deletion in three degrees.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{answer, errors};
use crate::http::{HttpResponse, Method};

#[derive(Default)]
pub(super) struct Engine {
    cas_required: bool,
    entries: BTreeMap<String, Entry>,
}

/// All versions of one secret, the oldest first.
#[derive(Default)]
struct Entry {
    versions: Vec<Version>,
}

struct Version {
    data: Value,
    deleted: bool,
    destroyed: bool,
}

impl Engine {
    pub(super) fn paths(&self) -> Vec<String> {
        self.entries.keys().cloned().collect()
    }

    pub(super) fn store(&mut self, path: &str, data: Value) -> u64 {
        let versions = &mut self.entries.entry(path.to_owned()).or_default().versions;
        versions.push(Version { data, deleted: false, destroyed: false });
        versions.len() as u64
    }

    pub(super) fn answer(&mut self, method: Method, path: &str, list: bool, body: &Value) -> HttpResponse {
        if path == "config" && method == Method::Post {
            self.cas_required = body["cas_required"].as_bool().unwrap_or_default();
            return HttpResponse::new(204, "");
        }
        // A path that would lead elsewhere on the disk is refused by the real one too.
        let Some((kind, path)) = path.split_once('/').filter(|(_, path)| !path.contains("..")) else {
            return errors(404, &["unsupported path"]);
        };
        match (kind, method) {
            ("data", Method::Get) => self.read(path),
            ("data", Method::Post | Method::Put) => self.write(path, body),
            ("data", Method::Delete) => {
                self.mark(path, None, |version| version.deleted = true);
                HttpResponse::new(204, "")
            }
            ("delete", Method::Post | Method::Put) => {
                self.mark_all(path, body, |version| version.deleted = true)
            }
            ("undelete", Method::Post | Method::Put) => {
                self.mark_all(path, body, |version| version.deleted = false)
            }
            ("destroy", Method::Post | Method::Put) => self.mark_all(path, body, |version| {
                (version.destroyed, version.data) = (true, Value::Null);
            }),
            ("metadata", Method::Get) if list => self.list(path),
            ("metadata", Method::Get) => match self.entries.get(path) {
                Some(entry) => {
                    answer(&json!({ "current_version": entry.versions.len(), "cas_required": false }))
                }
                None => errors(404, &[]),
            },
            ("metadata", Method::Delete) => {
                self.entries.remove(path);
                HttpResponse::new(204, "")
            }
            _ => errors(405, &["unsupported operation"]),
        }
    }

    fn read(&self, path: &str) -> HttpResponse {
        let Some(entry) = self.entries.get(path) else { return errors(404, &[]) };
        let Some(last) = entry.versions.last() else { return errors(404, &[]) };
        let gone = last.deleted || last.destroyed;
        let data = json!({
            "data": if gone { Value::Null } else { last.data.clone() },
            "metadata": last.metadata(entry.versions.len()),
        });
        let found = answer(&data);
        if gone { HttpResponse::new(404, found.body) } else { found }
    }

    fn write(&mut self, path: &str, body: &Value) -> HttpResponse {
        let current = self.entries.get(path).map_or(0, |entry| entry.versions.len() as u64);
        match body["options"]["cas"].as_u64() {
            Some(cas) if cas != current => {
                return errors(400, &["check-and-set parameter did not match the current version"]);
            }
            None if self.cas_required => {
                return errors(400, &["check-and-set parameter required for this call"]);
            }
            _ => {}
        }
        if !body["data"].is_object() {
            return errors(400, &["no data provided"]);
        }
        let version = self.store(path, body["data"].clone());
        let stored = &self.entries[path].versions;
        let place = usize::try_from(version).unwrap_or(usize::MAX);
        answer(&stored[place - 1].metadata(place))
    }

    fn list(&self, path: &str) -> HttpResponse {
        let below = format!("{}/", path.trim_end_matches('/'));
        let mut keys: Vec<String> = Vec::new();
        for rest in self.entries.keys().filter_map(|key| key.strip_prefix(&below)) {
            let key =
                rest.split_once('/').map_or_else(|| rest.to_owned(), |(folder, _)| format!("{folder}/"));
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        if keys.is_empty() { errors(404, &[]) } else { answer(&json!({ "keys": keys })) }
    }

    fn mark_all(&mut self, path: &str, body: &Value, mark: impl Fn(&mut Version)) -> HttpResponse {
        let versions = body["versions"].as_array().cloned().unwrap_or_default();
        for version in versions.iter().filter_map(Value::as_u64) {
            self.mark(path, Some(version), &mark);
        }
        HttpResponse::new(204, "")
    }

    /// Changes one version, the last one unless it is named.
    fn mark(&mut self, path: &str, version: Option<u64>, mark: impl Fn(&mut Version)) {
        let Some(entry) = self.entries.get_mut(path) else { return };
        let at = version.map_or(entry.versions.len(), |version| usize::try_from(version).unwrap_or(0));
        if let Some(version) = at.checked_sub(1).and_then(|at| entry.versions.get_mut(at)) {
            mark(version);
        }
    }
}

impl Version {
    fn metadata(&self, number: usize) -> Value {
        json!({
            "created_time": "2026-11-20T10:00:00.000000000Z", "custom_metadata": null,
            "deletion_time": if self.deleted { "2026-11-20T11:00:00.000000000Z" } else { "" },
            "destroyed": self.destroyed, "version": number,
        })
    }
}
