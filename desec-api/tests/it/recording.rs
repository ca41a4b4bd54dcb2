//! Recorded exchanges, and an `HttpClient` that plays them back.

use std::{
    collections::VecDeque,
    path::Path,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use desec_api::{
    Client, ClientBuilder, HttpClient, HttpError, HttpRequest, HttpResponse, Method, RrSetPatch, Ttl,
};
use secrecy::ExposeSecret;
use serde_json::Value;

/// One recorded request with its answer.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) method: String,
    /// With the query.
    pub(crate) path: String,
    sent_headers: Vec<(String, String)>,
    pub(crate) sent: Value,
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Value,
    pub(crate) note: String,
}

impl Exchange {
    /// Returns the value of a header of the request.
    pub(crate) fn sent_header(&self, name: &str) -> Option<&str> {
        self.sent_headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn response(&self) -> HttpResponse {
        let json =
            self.headers.iter().any(|(name, value)| name == "Content-Type" && value == "application/json");
        let body = match &self.body {
            Value::Null if !json => Vec::new(),
            Value::String(text) if !json => text.clone().into_bytes(),
            value => value.to_string().into_bytes(),
        };
        let bare = HttpResponse::new(self.status).with_body(body);
        self.headers.iter().fold(bare, |response, (name, value)| response.with_header(name, value))
    }

    /// Asserts that `seen` is this request and no other.
    pub(crate) fn assert_sent(&self, seen: &[(Method, String, Value)]) {
        let [(method, path, body)] = seen else { panic!("one request: {seen:?}") };
        assert_eq!((method.as_str(), path, body), (self.method.as_str(), &self.path, &self.sent));
    }

    /// Returns the recorded bulk request in the client's own types.
    pub(crate) fn patches(&self) -> Vec<RrSetPatch> {
        let items = self.sent.as_array().expect("a bulk request");
        items.iter().map(patch).collect()
    }
}

/// Returns the exchanges of a recording.
pub(crate) fn recording(name: &str) -> Vec<Exchange> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/{name}.json"));
    let exchanges: Vec<Value> = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let pairs = |value: &Value| -> Vec<(String, String)> {
        value.as_object().unwrap().iter().map(|(name, value)| (name.clone(), text(value))).collect()
    };
    let typed = |exchange: &Value| {
        let (request, response) = (&exchange["request"], &exchange["response"]);
        Exchange {
            method: text(&request["method"]),
            path: text(&request["path"]),
            sent_headers: pairs(&request["headers"]),
            sent: request["body"].clone(),
            status: response["status"].as_u64().unwrap().try_into().unwrap(),
            headers: pairs(&response["headers"]),
            body: response["body"].clone(),
            note: text(&exchange["note"]),
        }
    };
    exchanges.iter().map(typed).collect()
}

/// Plays answers back in order, and keeps the requests.
#[derive(Debug, Default)]
pub(crate) struct Script {
    answers: Mutex<VecDeque<Result<HttpResponse, HttpError>>>,
    seen: Mutex<Vec<HttpRequest>>,
}

impl Script {
    pub(crate) fn new(answers: impl IntoIterator<Item = HttpResponse>) -> Arc<Self> {
        Self::of(answers.into_iter().map(Ok))
    }

    pub(crate) fn of(answers: impl IntoIterator<Item = Result<HttpResponse, HttpError>>) -> Arc<Self> {
        Arc::new(Self { answers: Mutex::new(answers.into_iter().collect()), seen: Mutex::default() })
    }

    pub(crate) fn client(self: &Arc<Self>) -> Client {
        self.builder().build().unwrap()
    }

    pub(crate) fn builder(self: &Arc<Self>) -> ClientBuilder {
        Client::builder(TOKEN.into()).http_client(self.clone())
    }

    /// Returns how many requests were seen.
    pub(crate) fn calls(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// Returns the requests seen as they are, unchecked.
    pub(crate) fn requests(&self) -> Vec<HttpRequest> {
        self.seen.lock().unwrap().clone()
    }

    /// Returns the requests seen: method, path with query, and body. Checks what all must have in common.
    pub(crate) fn seen(&self) -> Vec<(Method, String, Value)> {
        self.seen_with(Some(&format!("Token {TOKEN}")))
    }

    /// Returns the requests seen like [`seen`](Self::seen), none of which may have the token.
    pub(crate) fn seen_without_token(&self) -> Vec<(Method, String, Value)> {
        self.seen_with(None)
    }

    fn seen_with(&self, authorization: Option<&str>) -> Vec<(Method, String, Value)> {
        let seen = self.seen.lock().unwrap();
        let show = |request: &HttpRequest| {
            let url = request.url();
            assert_eq!(url.origin().ascii_serialization(), "https://desec.io");
            assert!(url.path().ends_with('/'), "{url}");
            assert_eq!(request.authorization().map(ExposeSecret::expose_secret), authorization);
            let json = request.headers().any(|header| header == ("content-type", "application/json"));
            assert_eq!(json, request.body().is_some());
            let path = url.query().map_or(url.path().into(), |query| format!("{}?{query}", url.path()));
            let body = request.body().map_or(Value::Null, |body| serde_json::from_slice(body).unwrap());
            (request.method(), path, body)
        };
        seen.iter().map(show).collect()
    }
}

#[async_trait]
impl HttpClient for Script {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        self.seen.lock().unwrap().push(request);
        self.answers.lock().unwrap().pop_front().expect("the script has an answer for every request")
    }
}

fn patch(item: &Value) -> RrSetPatch {
    let mut patch = RrSetPatch::new(
        item["subname"].as_str().unwrap().parse().unwrap(),
        item["type"].as_str().unwrap().parse().unwrap(),
    );
    if let Some(ttl) = item.get("ttl") {
        patch = patch.with_ttl(Ttl::new(ttl.as_u64().unwrap().try_into().unwrap()).unwrap());
    }
    if let Some(records) = item.get("records") {
        patch =
            patch.with_records(records.as_array().unwrap().iter().map(|r| r.as_str().unwrap().to_owned()));
    }
    patch
}

const TOKEN: &str = "the-token-of-the-script";
