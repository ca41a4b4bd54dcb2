//! A fake, and how recorded requests reach it.

use std::time::Duration;

use desec_api::{DomainName, FakeDesec, HttpRequest, HttpResponse, Method, RecordType, Ttl};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::essence::{essence, spoken};

pub(crate) struct World {
    pub(crate) fake: FakeDesec,
    /// The secret of the token that is used where one was.
    pub(crate) secret: String,
    /// The body of the next exchange, where the recording does not have it in full.
    pub(crate) body: Option<Vec<u8>>,
    /// What is sent before the next exchange: how, where, how often and at what distance.
    pub(crate) before: (Method, String, usize, Duration),
    /// Why the next exchange is left out.
    left_out: Option<&'static str>,
    /// What stands in this world for something recorded.
    aliases: Vec<(String, String)>,
}

impl World {
    pub(crate) fn new() -> Self {
        let fake = FakeDesec::new();
        let secret = fake.token().expose_secret().to_owned();
        let before = (Method::Get, String::new(), 0, Duration::ZERO);
        Self { fake, secret, body: None, before, left_out: None, aliases: Vec::new() }
    }

    /// Begins anew, with these domains.
    pub(crate) fn restart(&mut self, domains: &[&str]) {
        *self = Self::new();
        self.domains(domains);
    }

    pub(crate) fn domains(&self, names: &[&str]) {
        for name in names {
            self.fake.add_domain(&domain(name), Ttl::new(3600).unwrap());
        }
    }

    pub(crate) fn foreign(&self, name: &str) {
        self.fake.add_foreign_domain(&domain(name));
    }

    pub(crate) fn put(&self, name: &str, subname: &str, rtype: &str, records: &[&str]) {
        self.put_with(name, subname, rtype, 3600, records);
    }

    pub(crate) fn put_with(&self, name: &str, subname: &str, rtype: &str, ttl: u32, records: &[&str]) {
        let records: Vec<String> = records.iter().map(|&record| record.to_owned()).collect();
        let (subname, rtype) = (subname.parse().unwrap(), rtype.parse::<RecordType>().unwrap());
        self.fake.put(&domain(name), &subname, &rtype, Ttl::new(ttl).unwrap(), &records);
    }

    /// Stores what a recorded list shows, the oldest first.
    pub(crate) fn seed(&self, body: &Value) {
        for set in body.as_array().unwrap().iter().rev() {
            let text = |name: &str| set[name].as_str().unwrap();
            let Some(records) = set["records"].as_array() else {
                self.domains(&[text("name")]);
                continue;
            };
            let records: Vec<&str> = records.iter().map(|record| record.as_str().unwrap()).collect();
            self.domains(&[text("domain")]);
            let ttl = set["ttl"].as_u64().unwrap().try_into().unwrap();
            // What was there from the beginning is not the newest.
            if (text("subname"), text("type")) != ("", "NS") {
                self.put_with(text("domain"), text("subname"), text("type"), ttl, &records);
            }
        }
    }

    /// Sends a request of this world's own, with the token of the account, and returns a successful answer.
    pub(crate) fn ask(&self, method: Method, path: &str, body: &Value) -> Value {
        let token = format!("Token {}", self.fake.token().expose_secret());
        self.ask_as(&token, method, path, body)
    }

    /// Sends a request of this world's own, and returns a successful answer.
    pub(crate) fn ask_as(&self, token: &str, method: Method, path: &str, body: &Value) -> Value {
        let response = self.own(token, method, path, body);
        assert!(response.status() < 300, "{path}: {}", String::from_utf8_lossy(response.body()));
        serde_json::from_slice(response.body()).unwrap_or_default()
    }

    /// Sends a request of this world's own, and returns the status of the answer.
    pub(crate) fn status(&self, method: Method, path: &str, body: &Value) -> u16 {
        let token = format!("Token {}", self.fake.token().expose_secret());
        self.own(&token, method, path, body).status()
    }

    /// Sends what is to be sent before the next exchange.
    pub(crate) async fn prepare(&mut self) {
        let (method, path, times, distance) = self.before.clone();
        self.before.2 = 0;
        for _ in 0..times {
            tokio::time::advance(distance).await;
            self.status(method, &path, &json!([]));
        }
    }

    /// Creates a token that stands for a recorded one, and returns its secret.
    pub(crate) fn token(&mut self, recorded: &str, settings: &Value) -> String {
        let token = self.ask(Method::Post, "/api/v1/auth/tokens/", settings);
        self.alias(recorded, token["id"].as_str().unwrap());
        token["token"].as_str().unwrap().to_owned()
    }

    /// Uses a new token with these settings from now on.
    pub(crate) fn become_token(&mut self, settings: &Value) {
        self.secret = self.token("", settings);
    }

    /// Uses the token of the account again.
    pub(crate) fn become_owner(&mut self) {
        self.fake.token().expose_secret().clone_into(&mut self.secret);
    }

    /// Lets `ours` stand for something recorded, in requests and answers.
    pub(crate) fn alias(&mut self, recorded: &str, ours: &str) {
        if !recorded.is_empty() && recorded != ours {
            self.aliases.retain(|(from, _)| from != recorded);
            self.aliases.push((recorded.to_owned(), ours.to_owned()));
        }
    }

    /// Lets a new captcha stand for a recorded one with its solution.
    pub(crate) fn captcha(&mut self, recorded: &str, solution: &str) {
        let captcha = self.ask(Method::Post, "/api/v1/captcha/", &json!({}));
        self.alias(recorded, captcha["id"].as_str().unwrap());
        self.alias(&format!("\"{solution}\""), &format!("\"{}\"", self.fake.captcha_solution()));
    }

    /// Adds an active account.
    pub(crate) fn account(&mut self, email: &str, password: &str) {
        self.captcha("", "");
        let captcha = self.ask(Method::Post, "/api/v1/captcha/", &json!({}))["id"].clone();
        let captcha = json!({ "id": captcha, "solution": self.fake.captcha_solution() });
        let body = json!({ "email": email, "password": password, "captcha": captcha });
        self.ask(Method::Post, "/api/v1/auth/", &body);
        let code = self.code("activate-account");
        self.ask(Method::Post, &format!("/api/v1/v/activate-account/{code}/"), &json!({}));
    }

    /// Leaves out the next exchange.
    pub(crate) fn leave_out(&mut self, reason: &'static str) {
        self.left_out = Some(reason);
    }

    /// Sends another body with the next exchange.
    pub(crate) fn send_instead(&mut self, body: &Value) {
        self.body = Some(body.to_string().into_bytes());
    }

    /// Plays a recorded exchange, and says where the answers differ.
    pub(crate) fn play(&mut self, exchange: &Value) -> Result<(), String> {
        if let Some(reason) = self.left_out.take() {
            return Err(reason.to_owned());
        }
        let (request, real) = (&exchange["request"], &exchange["response"]);
        let method = method(request["method"].as_str().unwrap()).expect("scenes leave other methods out");
        let body = self.body.take().or_else(|| match &request["body"] {
            Value::Null => None,
            Value::String(text) => Some(self.translated(text).into_bytes()),
            body => Some(self.translated(&body.to_string()).into_bytes()),
        });
        let path = self.translated(request["path"].as_str().unwrap());
        let authorization =
            header(request, "authorization").map(|given| given.replace("REDACTED", &self.secret));
        let ours = self.send(method, &path, authorization, body);
        self.learn(real, &ours);
        let status = real["status"].as_u64().unwrap();
        let ours_body: Value = match serde_json::from_slice(ours.body()) {
            Ok(body) => body,
            Err(_) if ours.body().is_empty() => Value::Null,
            Err(_) => json!(String::from_utf8_lossy(ours.body())),
        };
        let any_order = matches!(method, Method::Put | Method::Patch) && status == 200;
        let real_body: Value = serde_json::from_str(&self.translated(&real["body"].to_string())).unwrap();
        let (wanted, given) = (essence(&real_body, any_order), essence(&ours_body, any_order));
        if u64::from(ours.status()) != status || wanted != given {
            return Err(format!("wanted {status} {wanted}, got {} {given}", ours.status()));
        }
        for name in ["content-type", "link", "location", "retry-after", "www-authenticate"] {
            let (wanted, given) = (header(real, name), ours.header(name));
            let same = if name == "retry-after" {
                wanted.is_some() == given.is_some()
            } else {
                wanted.map(spoken) == given.map(spoken)
            };
            if !same {
                return Err(format!("{name}: wanted {wanted:?}, got {given:?}"));
            }
        }
        Ok(())
    }

    fn own(&self, token: &str, method: Method, path: &str, body: &Value) -> HttpResponse {
        let body = if body.is_null() { None } else { Some(body.to_string().into_bytes()) };
        self.send(method, path, Some(token.to_owned()), body)
    }

    fn send(
        &self,
        method: Method,
        path: &str,
        authorization: Option<String>,
        body: Option<Vec<u8>>,
    ) -> HttpResponse {
        let mut request = HttpRequest::new(method, format!("https://desec.io{path}").parse().unwrap());
        if let Some(authorization) = authorization {
            request = request.with_authorization(authorization.into());
        }
        if let Some(body) = body {
            request = request.with_json(body);
        }
        self.fake.handle(&request)
    }

    // Identifiers and cursors of later requests come from earlier answers.
    fn learn(&mut self, real: &Value, ours: &HttpResponse) {
        let body: Value = serde_json::from_slice(ours.body()).unwrap_or_default();
        if let (Some(recorded), Some(own)) = (real["body"]["id"].as_str(), body["id"].as_str()) {
            self.alias(recorded, own);
        }
        let links = |text: &str| -> Vec<(String, String)> {
            let links = text.split(", ").filter_map(|link| {
                let (target, name) = link.split_once(">; ")?;
                let cursor = target.split_once("cursor=")?.1.split('&').next()?;
                Some((name.to_owned(), cursor.to_owned()))
            });
            links.filter(|(_, cursor)| !cursor.is_empty()).collect()
        };
        let (wanted, given) = (header(real, "link").map(links), ours.header("link").map(links));
        for (rel, recorded) in wanted.into_iter().flatten() {
            if let Some((_, own)) = given.iter().flatten().find(|(other, _)| *other == rel) {
                self.alias(&recorded, own);
            }
        }
    }

    fn code(&self, action: &str) -> String {
        let mails = self.fake.mails();
        let mail = mails.iter().rev().find(|mail| mail.action == action);
        mail.map(|mail| mail.code.expose_secret().to_owned()).unwrap_or_default()
    }

    /// Returns a recorded text as it is in this world.
    pub(crate) fn translated(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (recorded, ours) in &self.aliases {
            text = text.replace(recorded, ours);
        }
        if let Some(action) = text.split_once("/v/").and_then(|(_, rest)| rest.split('/').next()) {
            text = text.replace("CONFIRMATION-CODE", &self.code(action));
        }
        text
    }
}

fn domain(name: &str) -> DomainName {
    name.parse().unwrap()
}

fn header<'a>(message: &'a Value, name: &str) -> Option<&'a str> {
    let headers = message["headers"].as_object().unwrap();
    headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name)).and_then(|(_, value)| value.as_str())
}

fn method(name: &str) -> Option<Method> {
    let all = [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete];
    all.into_iter().find(|method| method.as_str() == name)
}
