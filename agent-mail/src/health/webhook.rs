//! Alerts as JSON to a web server.

use std::fmt;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use url::{Host, Url};

use super::{Alert, AlertSink};
use crate::http::{HttpClient, HttpError, HttpRequest, Method};
use crate::{Error, ErrorKind};

/// Posts alerts to a URL, as `{"alerts": [{"id", "rule", "instance", "state", "severity", "value", "summary",
/// "since"}]}`, and takes every 2xx for told.
///
/// A URL of a webhook is often a secret: it is in no error and no `Debug`.
#[derive(Clone)]
pub struct WebhookSink {
    http: Arc<dyn HttpClient>,
    url: Url,
    token: Option<SecretString>,
    deadline: Duration,
}

impl WebhookSink {
    /// Posts to `url`, and waits for 10 seconds at most.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if it is not an `https` URL, nor `http` to this very host.
    pub fn new(http: Arc<dyn HttpClient>, url: Url) -> Result<Self, Error> {
        let is_loopback = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback) {
            return Err(Error::new(ErrorKind::InvalidInput, "make webhook", "url")
                .with_detail("its scheme has to be https; http leads to this host only")
                .with_fix("use the https address of the webhook"));
        }
        Ok(Self { http, url, token: None, deadline: Duration::from_secs(10) })
    }

    /// Sends a bearer token with each request (RFC 6750 section 2.1).
    pub fn with_token(mut self, token: SecretString) -> Self {
        self.token = Some(token);
        self
    }

    /// Sets how long it waits for the answer.
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    fn error(&self, kind: ErrorKind) -> Error {
        Error::new(kind, "tell alert", self.url.host_str().unwrap_or_default())
    }
}

#[async_trait]
impl AlertSink for WebhookSink {
    async fn deliver(&self, alerts: &[Alert]) -> Result<(), Error> {
        let body = Body { alerts: alerts.iter().map(|alert| Entry { id: alert.id(), alert }).collect() };
        let body = serde_json::to_string(&body)
            .map_err(|source| self.error(ErrorKind::Unexpected).with_source(source))?;
        let mut request =
            HttpRequest::new(Method::Post, self.url.clone()).with_body("application/json", body);
        if let Some(token) = &self.token {
            let bearer = format!("Bearer {}", token.expose_secret());
            request = request.with_secret_header("authorization", bearer.into());
        }
        let answer = match tokio::time::timeout(self.deadline, self.http.send(request)).await {
            Err(_) => {
                return Err(self
                    .error(ErrorKind::Interrupted)
                    .with_detail("there was no answer in time")
                    .with_repeatable());
            }
            Ok(Err(source @ HttpError::NotSent(_))) => {
                return Err(self.error(ErrorKind::Unavailable).with_source(source));
            }
            Ok(Err(source)) => {
                return Err(self.error(ErrorKind::Interrupted).with_repeatable().with_source(source));
            }
            Ok(Ok(answer)) => answer,
        };
        let kind = match answer.status {
            200..=299 => return Ok(()),
            408 | 500..=599 => ErrorKind::Unavailable,
            429 => ErrorKind::RateLimited,
            401 => ErrorKind::Unauthenticated,
            403 => ErrorKind::PermissionDenied,
            404 | 410 => ErrorKind::NotFound,
            _ => ErrorKind::Rejected,
        };
        Err(self
            .error(kind)
            .with_detail(format!("the webhook answered with status {}", answer.status))
            .with_fix("check the address and the token of the webhook")
            .with_retry_after(answer.retry_after))
    }
}

impl Debug for WebhookSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookSink").field("host", &self.url.host_str()).finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Body<'a> {
    alerts: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    id: String,
    #[serde(flatten)]
    alert: &'a Alert,
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::SystemTime;

    use super::*;
    use crate::health::{Alerts, Disk, Figure, Figures, Measure, Rule, Rules};
    use crate::http::HttpResponse;

    /// Answers with a status, or never.
    #[derive(Debug, Default)]
    struct Hook {
        status: Option<u16>,
        seen: Mutex<Vec<(String, String)>>,
    }

    #[async_trait]
    impl HttpClient for Hook {
        async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
            let secrets = request.secret_headers.iter().map(|(_, value)| value.expose_secret().to_owned());
            let body = request.body.unwrap_or_default().expose_secret().to_owned();
            self.seen.lock().unwrap().push((secrets.collect(), body));
            match self.status {
                None => std::future::pending().await,
                Some(0) => Err(HttpError::Lost("broken".into())),
                Some(1) => Err(HttpError::NotSent("refused".into())),
                Some(status) => Ok(HttpResponse::new(status, "ignored")),
            }
        }
    }

    fn alerts() -> Vec<Alert> {
        let rule = Rule::above("disk", Measure::DiskUsedPercent, 80.0).unwrap();
        let mut figures = Figures::at(SystemTime::UNIX_EPOCH + Duration::from_secs(7));
        figures.disk = Figure::Known(Disk::new(93, ""));
        Alerts::new(Rules::new(vec![rule]).unwrap()).observe(&figures, tokio::time::Instant::now())
    }

    fn sink(hook: &Arc<Hook>) -> WebhookSink {
        let url = Url::parse("https://hooks.example/T0/SECRET-PATH").unwrap();
        WebhookSink::new(hook.clone(), url).unwrap().with_token("SECRET-TOKEN".into())
    }

    #[tokio::test(start_paused = true)]
    async fn alerts_are_posted_as_json_with_the_token() {
        let hook = Arc::new(Hook { status: Some(204), ..Hook::default() });
        sink(&hook).deliver(&alerts()).await.unwrap();
        let seen = hook.seen.lock().unwrap();
        assert_eq!(seen[0].0, "Bearer SECRET-TOKEN");
        let body: serde_json::Value = serde_json::from_str(&seen[0].1).unwrap();
        let alert = &body["alerts"][0];
        assert_eq!(
            (&alert["rule"], &alert["state"], &alert["value"]),
            (&"disk".into(), &"firing".into(), &93.0.into())
        );
        assert_eq!((alert["id"].as_str().unwrap().len(), &alert["since"]), (32, &7.into()));
    }

    #[tokio::test(start_paused = true)]
    async fn each_failure_says_whether_it_comes_again_and_no_secret() {
        for (status, kind, again) in [
            (None, ErrorKind::Interrupted, true),
            (Some(0), ErrorKind::Interrupted, true),
            (Some(1), ErrorKind::Unavailable, true),
            (Some(503), ErrorKind::Unavailable, true),
            (Some(429), ErrorKind::RateLimited, true),
            (Some(400), ErrorKind::Rejected, false),
            (Some(401), ErrorKind::Unauthenticated, false),
            (Some(404), ErrorKind::NotFound, false),
            (Some(302), ErrorKind::Rejected, false),
        ] {
            let hook = Arc::new(Hook { status, ..Hook::default() });
            let error = sink(&hook).deliver(&alerts()).await.unwrap_err();
            assert_eq!((error.kind(), error.is_retryable()), (kind, again), "{status:?}");
            assert!(!format!("{error:?} {error} {:?}", sink(&hook)).contains("SECRET"), "{error:?}");
        }
    }

    #[test]
    fn only_this_host_is_reached_without_tls() {
        for (url, is_taken) in [
            ("https://hooks.example/x", true),
            ("http://127.0.0.1:9093/x", true),
            ("http://[::1]/x", true),
            ("http://localhost/x", true),
            ("http://hooks.example/x", false),
            ("http://localhost.hooks.example/x", false),
            ("ftp://127.0.0.1/x", false),
        ] {
            let sink = WebhookSink::new(Arc::new(Hook::default()), Url::parse(url).unwrap());
            assert_eq!(sink.is_ok(), is_taken, "{url}");
        }
    }
}
