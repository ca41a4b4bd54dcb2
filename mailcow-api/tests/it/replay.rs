//! Recorded exchanges with a real server, played back to the client.

use std::{
    collections::VecDeque,
    env,
    fmt::Debug,
    fs,
    io::Write as _,
    path::Path,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use mailcow_api::{Client, Error, HttpClient, HttpError, HttpRequest, HttpResponse, Method, RetryPolicy};
use secrecy::ExposeSecret;
use serde_json::{Map, Value};

/// One recorded exchange.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body: Value,
    pub(crate) response: HttpResponse,
    /// Fields of the recorded body that this client leaves to the server.
    omitted: &'static [&'static str],
    note: String,
    /// The fixtures that the request and the answer are of.
    origins: Vec<(String, usize)>,
}

impl Exchange {
    /// Gives the answer of another recorded exchange to this request.
    pub(crate) fn answered_as(mut self, name: &str, at: usize) -> Self {
        let other = load(name).swap_remove(at);
        self.response = other.response;
        self.origins = other.origins;
        self
    }

    /// Names the fields of the recorded body that this client does not send.
    pub(crate) fn omitting(mut self, fields: &'static [&'static str]) -> Self {
        self.omitted = fields;
        self
    }

    fn check(&self, request: &HttpRequest) {
        assert_eq!(request.method, self.method, "{}", self.note);
        let query = request.url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let sent = format!("{}{query}", request.url.path());
        assert_eq!(decoded(&sent), decoded(self.path.trim_end_matches('/')), "{}", self.note);
        let sent = request
            .body
            .as_ref()
            .map_or(Value::Null, |body| serde_json::from_str(body.expose_secret()).unwrap());
        let mut recorded = self.body.clone();
        for field in self.omitted {
            assert!(remove(&mut recorded, field), "the recording has no field {field}");
        }
        assert_eq!(plain(sent), plain(recorded), "{}", self.note);
        for (name, at) in &self.origins {
            note_played(name, *at);
        }
    }
}

/// Reads the exchanges of a fixture.
pub(crate) fn load(name: &str) -> Vec<Exchange> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    let recorded: Vec<Value> = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    recorded.iter().enumerate().map(|(at, recorded)| exchange(recorded, (name.to_owned(), at))).collect()
}

/// Tells the count of the played exchanges (`recordings.rs`), if it runs these tests, of one more.
pub(crate) fn note_played(name: &str, at: usize) {
    if let Some(path) = env::var_os(PLAYED) {
        let mut file = fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
        file.write_all(format!("{name} {at}\n").as_bytes()).unwrap();
    }
}

/// Builds a client to which the given exchanges happen, in order.
pub(crate) fn client(exchanges: impl IntoIterator<Item = Exchange>) -> Client {
    let script = Script { exchanges: Mutex::new(exchanges.into_iter().collect()) };
    Client::builder("https://mail.example.com", "KEY".into())
        .http_client(Arc::new(script))
        .retries(RetryPolicy::none())
        .build()
        .unwrap()
}

/// Builds a client to which one exchange of a fixture happens.
pub(crate) fn one(name: &str, at: usize, omitted: &'static [&'static str]) -> Client {
    client([load(name).swap_remove(at).omitting(omitted)])
}

/// Builds a client to which one exchange of a fixture happens, with another request or answer than recorded.
pub(crate) fn altered(name: &str, at: usize, alter: impl FnOnce(&mut Exchange)) -> Client {
    let mut exchange = load(name).swap_remove(at);
    alter(&mut exchange);
    client([exchange])
}

/// Returns the code of the problem in a failure, the first of several.
pub(crate) fn code<T: Debug>(result: Result<T, Error>) -> String {
    match result.unwrap_err() {
        Error::PartlyDone { items, .. } => {
            let mut problems = items.refused.iter().map(|(_, problem)| problem).chain(&items.problems);
            problems.next().expect("the server named a problem").code().to_owned()
        }
        error => error.problem().unwrap_or_else(|| panic!("no problem in {error:?}")).code().to_owned(),
    }
}

/// Returns the items that a call has done, of which not all were.
pub(crate) fn done(result: Result<(), Error>) -> Vec<String> {
    match result.unwrap_err() {
        Error::PartlyDone { items, .. } => items.done.clone(),
        error => panic!("not partly done: {error:?}"),
    }
}

#[derive(Debug)]
struct Script {
    exchanges: Mutex<VecDeque<Exchange>>,
}

#[async_trait]
impl HttpClient for Script {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let exchange = self.exchanges.lock().unwrap().pop_front().expect("no further request was recorded");
        exchange.check(&request);
        Ok(exchange.response)
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(self.exchanges.lock().unwrap().is_empty(), "a recorded request was not sent");
        }
    }
}

fn exchange(recorded: &Value, origin: (String, usize)) -> Exchange {
    let (request, response) = (&recorded["request"], &recorded["response"]);
    let body = match &response["body"] {
        Value::String(text) => text.clone(),
        body => body.to_string(),
    };
    let status = u16::try_from(response["status"].as_u64().unwrap()).unwrap();
    Exchange {
        method: if request["method"] == "POST" { Method::Post } else { Method::Get },
        path: request["path"].as_str().unwrap().to_owned(),
        body: request["body"].clone(),
        response: HttpResponse::new(status, body)
            .with_content_type(response["content_type"].as_str().unwrap_or("")),
        omitted: &[],
        note: recorded["note"].as_str().unwrap_or_default().to_owned(),
        origins: vec![origin],
    }
}

/// Removes a field of the body or of its `attr`.
fn remove(body: &mut Value, field: &str) -> bool {
    let has = |body: &mut Value| body.as_object_mut().is_some_and(|fields| fields.remove(field).is_some());
    has(body) || body.get_mut("attr").is_some_and(has)
}

/// Reads a path as nginx and PHP do, whether it was encoded once or twice.
fn decoded(path: &str) -> String {
    let once = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned();
    once(&once(path))
}

/// Writes numbers as text: Mailcow takes both.
fn plain(value: Value) -> Value {
    match value {
        Value::Number(number) => Value::String(number.to_string()),
        Value::Array(items) => items.into_iter().map(plain).collect(),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, field)| (name, plain(field))).collect::<Map<_, _>>())
        }
        value => value,
    }
}

/// Names, in the environment, the file that lists what was played.
pub(crate) const PLAYED: &str = "PLAYED_RECORDINGS";
