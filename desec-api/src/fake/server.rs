//! The fake over real HTTP.

use secrecy::SecretString;
use url::Url;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};

use super::{FakeDesec, answer::Answer};
use crate::{HttpRequest, HttpResponse, Method, http::Accept};

/// A [`FakeDesec`] that listens on a loopback port, until it is dropped.
#[derive(Debug)]
pub struct FakeServer {
    server: MockServer,
}

impl FakeServer {
    /// Returns the base URL of the API, for [`ClientBuilder::base_url`](crate::ClientBuilder::base_url).
    pub fn uri(&self) -> String {
        format!("{}/api/v1", self.server.uri())
    }
}

impl FakeDesec {
    /// Serves this account on a loopback port.
    pub async fn serve(&self) -> FakeServer {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(self.clone()).mount(&server).await;
        FakeServer { server }
    }
}

impl Respond for FakeDesec {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let response = match typed(request) {
            Some(request) => self.handle(&request),
            None => Answer::detail(405, &format!("Method \"{}\" not allowed.", request.method)).into(),
        };
        template(&response)
    }
}

fn typed(request: &Request) -> Option<HttpRequest> {
    let methods = [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete];
    let method = methods.into_iter().find(|method| method.as_str() == request.method.as_str())?;
    let mut typed = HttpRequest::new(method, Url::parse(request.url.as_str()).ok()?);
    if let Some(value) = request.headers.get("authorization") {
        typed = typed.with_authorization(SecretString::from(value.to_str().ok()?));
    }
    let header = |name| request.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("*/*");
    let accept = header("accept");
    typed = typed.with_accept(if accept.contains("*/*") {
        Accept::Any
    } else if accept.contains("application/json") {
        Accept::Json
    } else {
        Accept::Html
    });
    if request.body.is_empty() {
        return Some(typed);
    }
    Some(if header("content-type").starts_with("application/json") {
        typed.with_json(request.body.clone())
    } else {
        typed.with_untyped(request.body.clone())
    })
}

fn template(response: &HttpResponse) -> ResponseTemplate {
    let template = ResponseTemplate::new(response.status()).set_body_bytes(response.body());
    // `set_body_bytes` leaves the content type alone; the fake's own one is among these.
    response.headers().fold(template, |template, (name, value)| template.insert_header(name, value))
}
