//! The double of Vault over real HTTP.

use agent_mail::conformance::FakeVault;
use agent_mail::http::{HttpRequest, Method};
use secrecy::SecretString;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// Serves a Vault on a loopback port until what is returned is dropped.
pub(crate) async fn serve(vault: &FakeVault) -> MockServer {
    let server = MockServer::builder().disable_request_recording().start().await;
    Mock::given(any()).respond_with(Answers(vault.clone())).mount(&server).await;
    server
}

struct Answers(FakeVault);

impl Respond for Answers {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let method = match request.method.as_str() {
            "DELETE" => Method::Delete,
            "GET" => Method::Get,
            "POST" => Method::Post,
            "PUT" => Method::Put,
            _ => return ResponseTemplate::new(405),
        };
        let header = |name: &str| {
            let value = request.headers.get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let mut call = HttpRequest::new(method, request.url.clone())
            .with_header("x-vault-namespace", header("x-vault-namespace"))
            .with_secret_header("x-vault-token", header("x-vault-token").into());
        if !request.body.is_empty() {
            let body = SecretString::from(String::from_utf8_lossy(&request.body).into_owned());
            call = call.with_body("application/json", body);
        }
        match self.0.handle(&call) {
            Ok(answer) => ResponseTemplate::new(answer.status).set_body_raw(answer.body, "application/json"),
            Err(_) => ResponseTemplate::new(502),
        }
    }
}
