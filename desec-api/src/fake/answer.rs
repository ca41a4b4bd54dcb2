//! Answers: of the API, and of the web server in front of it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{HttpRequest, HttpResponse};

/// What a route says: an answer, or a refusal that ends it early.
pub(super) type Reply = Result<Answer, Answer>;

/// An answer of the API, or of the web server in front of it.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    headers: Vec<(&'static str, String)>,
    body: Body,
}

#[derive(Debug)]
enum Body {
    Empty,
    Json(Value),
    Text(&'static str, String),
}

impl Answer {
    pub(super) fn json(status: u16, body: Value) -> Self {
        Self::new(status, Body::Json(body))
    }

    /// Returns an answer without a body.
    pub(super) fn empty(status: u16) -> Self {
        Self::new(status, Body::Empty)
    }

    pub(super) fn text(status: u16, content_type: &'static str, text: impl Into<String>) -> Self {
        Self::new(status, Body::Text(content_type, text.into()))
    }

    pub(super) fn detail(status: u16, text: &str) -> Self {
        Self::json(status, json!({ "detail": text }))
    }

    /// Returns the answer to bad input.
    pub(super) fn refused(errors: Value) -> Self {
        Self::json(400, errors)
    }

    pub(super) fn unauthenticated(text: &str) -> Self {
        Self::detail(401, text).with("www-authenticate", "Token".into())
    }

    pub(super) fn forbidden() -> Self {
        Self::detail(403, "You do not have permission to perform this action.")
    }

    /// Returns the answer for a `kind` of thing that is not there.
    pub(super) fn no_match(kind: &str) -> Self {
        Self::detail(404, &format!("No {kind} matches the given query."))
    }

    pub(super) fn not_found() -> Self {
        Self::detail(404, "Not found.")
    }

    pub(super) fn throttled(retry_after: Option<Duration>) -> Self {
        let Some(wait) = retry_after else { return Self::text(429, "text/html", TOO_MANY) };
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let unit = if seconds == 1 { "second" } else { "seconds" };
        let detail = format!("Request was throttled. Expected available in {seconds} {unit}.");
        Self::detail(429, &detail).with("retry-after", seconds.to_string())
    }

    /// Returns the page of the API for a path that it does not know.
    pub(super) fn no_page() -> Self {
        Self::page(404, "Not Found", "The requested resource was not found on this server.")
    }

    /// Returns the page of the API for a failure of its own.
    pub(super) fn failure() -> Self {
        Self::page(500, "Server Error (500)", "")
    }

    /// Returns the answer to a read while a name server is down.
    pub(super) fn broken(request: &HttpRequest) -> Self {
        let answer = Self::detail(500, "Internal Server Error. We're on it!");
        if request.url().path().ends_with("/zonefile/") { answer.plain() } else { answer }
    }

    /// Returns the answer to the later one of two writers who create the same RRset at the same time.
    pub(super) fn conflict() -> Self {
        let text = "Conflict: duplicate key value violates unique constraint \
                    \"desecapi_rrset_domain_id_subname_type_ccd90095_uniq\"\nDETAIL:  Key (domain_id, subname, \
                    type)=(1, www, A) already exists.";
        Self::detail(409, text)
    }

    fn page(status: u16, title: &str, text: &str) -> Self {
        let page = format!(
            "\n<!doctype html>\n<html lang=\"en\">\n<head>\n  <title>{title}</title>\n</head>\n<body>\n  \
             <h1>{title}</h1><p>{text}</p>\n</body>\n</html>\n"
        );
        Self::text(status, "text/html; charset=utf-8", page)
    }

    /// Returns a page of the web server in front.
    pub(super) fn front(status: u16, reason: &str) -> Self {
        let page = format!(
            "<html>\r\n<head><title>{status} {reason}</title></head>\r\n<body>\r\n<center><h1>{status} {reason}\
             </h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
        );
        Self::text(status, "text/html", page)
    }

    pub(super) fn redirect(location: String) -> Self {
        Self::text(301, "text/html; charset=utf-8", "").with("location", location)
    }

    pub(super) fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Returns the same, with the detail as plain text.
    pub(super) fn plain(mut self) -> Self {
        if let Body::Json(body) = &self.body
            && let Some(text) = body["detail"].as_str()
        {
            self.body = Body::Text("text/plain", text.to_owned());
        }
        self
    }
}

impl Answer {
    fn new(status: u16, body: Body) -> Self {
        Self { status, headers: Vec::new(), body }
    }
}

impl From<Answer> for HttpResponse {
    fn from(answer: Answer) -> Self {
        let (content_type, body) = match answer.body {
            Body::Empty => (None, Vec::new()),
            Body::Json(body) => (Some("application/json"), body.to_string().into_bytes()),
            Body::Text(content_type, text) => (Some(content_type), text.into_bytes()),
        };
        let typed = content_type.map(|content_type| ("content-type", content_type.to_owned()));
        let bare = HttpResponse::new(answer.status).with_body(body);
        let headers = typed.into_iter().chain(answer.headers);
        headers.fold(bare, |response, (name, value)| response.with_header(name, &value))
    }
}

const TOO_MANY: &str = "<!DOCTYPE html>\r\n<html lang=\"en\">\r\n<head>\r\n<meta charset=\"utf-8\">\r\n\
                        <meta name=\"robots\" content=\"noindex\">\r\n<title>429 Too Many Requests</title>\r\n</head>\r\n\
                        <body style=\"background-color: white\">\r\n<div style=\"text-align: center;\">\
                        <h1>429 Too Many Requests</h1></div>\r\n<hr>\r\n\
                        <div style=\"text-align: center;\">nginx</div>\r\n</body>\r\n</html>\r\n";
