//! Which web pages may call the API.

use serde_json::Value;
use url::Url;

use super::state::{Reply, danger, items, log, success};

/// Checks the settings; no route reads them and the fake answers no browsers, so they are not kept.
pub(super) fn edit_cors(body: &Value) -> Reply {
    let attr = &body["attr"];
    let log = log("cors", "edit", "", attr);
    let all = |field: &str, is_good: fn(&str) -> bool| {
        items(&attr[field]).iter().all(|item| item.as_str().is_some_and(is_good))
    };
    let entry = if !all("allowed_origins", is_origin) {
        danger(&log, "cors_invalid_origin")
    } else if !all("allowed_methods", |method| METHODS.contains(&method)) {
        danger(&log, "cors_invalid_method")
    } else {
        success(&log, "cors_headers_edited")
    };
    Reply::Entries(vec![entry])
}

fn is_origin(origin: &str) -> bool {
    origin == "*" || Url::parse(origin).is_ok_and(|url| url.has_host())
}

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "DELETE", "OPTIONS"];
