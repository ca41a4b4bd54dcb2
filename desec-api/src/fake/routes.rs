//! What the fake answers to whom.

use std::time::Duration;

use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::{State, TOKEN, bulk};
use crate::{HttpRequest, HttpResponse, Method, Scope};

/// An answer of the API, or of the web server in front of it.
pub(super) struct Answer {
    pub(super) status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Answer {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type", "application/json".into())];
        Self { status, headers, body: body.to_string().into_bytes() }
    }

    pub(super) fn html(status: u16, title: &str) -> Self {
        let headers = vec![("content-type", "text/html; charset=utf-8".into())];
        let page = format!("<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>");
        Self { status, headers, body: page.into_bytes() }
    }

    pub(super) fn failure() -> Self {
        Self::html(500, "Server Error (500)")
    }

    pub(super) fn throttled(retry_after: Option<Duration>) -> Self {
        let Some(wait) = retry_after else { return Self::html(429, "429 Too Many Requests") };
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let unit = if seconds == 1 { "second" } else { "seconds" };
        let detail = format!("Request was throttled. Expected available in {seconds} {unit}.");
        Self::detail(429, &detail).with("retry-after", seconds.to_string())
    }

    fn detail(status: u16, text: &str) -> Self {
        Self::json(status, &json!({ "detail": text }))
    }

    fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl From<Answer> for HttpResponse {
    fn from(answer: Answer) -> Self {
        let bare = HttpResponse::new(answer.status).with_body(answer.body);
        answer.headers.iter().fold(bare, |response, (name, value)| response.with_header(name, value))
    }
}

impl State {
    pub(super) fn route(&mut self, request: &HttpRequest) -> Answer {
        if let Some(windows) = &mut self.windows
            && !windows.admit(request.url())
        {
            return Answer::throttled(None);
        }
        let path = request.url().path();
        let Some(resource) = path.strip_prefix("/api/v1/") else { return Answer::html(404, "Not Found") };
        let Some(resource) = resource.strip_suffix('/') else {
            return Answer::html(301, "").with("location", format!("{path}/"));
        };
        let steps: Vec<&str> = resource.split('/').collect();
        if !matches!(steps[..], ["domains", _] | ["domains", _, "rrsets"]) {
            return Answer::html(404, "Not Found");
        }
        if let Some(refusal) = unauthenticated(request) {
            return Answer::detail(401, refusal).with("www-authenticate", "Token".into());
        }
        let rrsets = steps.len() == 3;
        let write = request.method() == Method::Patch && rrsets;
        if !write && request.method() != Method::Get {
            return Answer::detail(405, &format!("Method \"{}\" not allowed.", request.method().as_str()));
        }
        let domain = steps[1];
        let known = self.domains.contains_key(domain);
        // Asked for its RRsets, a domain is looked up before the request is counted; on its own, after.
        if rrsets && !known {
            return Answer::detail(404, "Not found.");
        }
        let scope = match domain.parse() {
            Ok(domain) if write => Scope::Write(domain),
            _ => Scope::Read,
        };
        if let Some(windows) = &mut self.windows
            && let Err(wait) = windows.count(&scope)
        {
            return Answer::throttled(Some(wait));
        }
        match (rrsets, write) {
            _ if !known => Answer::detail(404, "No Domain matches the given query."),
            (false, _) => Answer::json(200, &self.domains[domain].domain_json(domain)),
            (true, false) => self.page(domain, request),
            (true, true) => bulk::patch(self, domain, request.body().unwrap_or_default()),
        }
    }

    // Newest first; a cursor is the age of the last item seen, so that later writes do not shift pages.
    fn page(&self, domain: &str, request: &HttpRequest) -> Answer {
        let mut pairs = request.url().query_pairs();
        let cursor = pairs.find_map(|(name, value)| (name == "cursor").then_some(value));
        let link = |cursor: &str, rel: &str| {
            let mut url = request.url().clone();
            url.set_query(Some(&format!("cursor={cursor}")));
            format!("<{url}>; rel=\"{rel}\"")
        };
        let zone = &self.domains[domain];
        let mut sets: Vec<_> = zone.sets.iter().map(|(key, stored)| (stored.created, key)).collect();
        sets.sort_unstable_by(|a, b| b.cmp(a));
        let show = |sets: &[(u64, &(String, String))]| -> Value {
            sets.iter().map(|(_, (subname, rtype))| zone.json(domain, subname, rtype)).collect()
        };
        let (size, total) = (self.page_size, sets.len());
        let before = match cursor.as_deref() {
            None if total > size => {
                let text = format!(
                    "Pagination required. You can query up to {size} items at a time ({total} total). \
                     Please use the `first` page link (see Link header)."
                );
                return Answer::detail(400, &text).with("link", link("", "first"));
            }
            None => return Answer::json(200, &show(&sets)),
            Some("") => u64::MAX,
            Some(age) => match age.strip_prefix('p').and_then(|age| age.parse().ok()) {
                Some(age) => age,
                None => return Answer::detail(404, "Invalid cursor"),
            },
        };
        sets.retain(|(created, _)| *created < before);
        let page = &sets[..sets.len().min(size)];
        let answer = Answer::json(200, &show(page));
        if total <= size {
            return answer;
        }
        let mut links = link("", "first");
        if let Some((created, _)) = page.last().filter(|_| page.len() < sets.len()) {
            links = format!("{links}, {}", link(&format!("p{created}"), "next"));
        }
        answer.with("link", links)
    }
}

fn unauthenticated(request: &HttpRequest) -> Option<&'static str> {
    let Some(given) = request.authorization() else {
        return Some("Authentication credentials were not provided.");
    };
    match given.expose_secret().split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("token") => {
            (token != TOKEN).then_some("Invalid token.")
        }
        _ => Some("Authentication credentials were not provided."),
    }
}
