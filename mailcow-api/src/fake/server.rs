//! The same Mailcow over real HTTP.

use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};

use super::FakeMailcow;
use crate::{HttpRequest, HttpResponse, Method};

/// A [`FakeMailcow`] that listens on a loopback port until it is dropped.
#[derive(Debug)]
pub struct FakeServer {
    server: MockServer,
}

impl FakeServer {
    /// Returns the base URL, as `http://127.0.0.1:40123`.
    pub fn uri(&self) -> String {
        self.server.uri()
    }
}

impl FakeMailcow {
    /// Serves this Mailcow on a free loopback port. It goes on being the same one: calls, logins and faults are seen
    /// and set through `self`.
    ///
    /// ```
    /// use mailcow_api::{Client, FakeMailcow};
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), mailcow_api::Error> {
    /// let mailcow = FakeMailcow::new();
    /// let server = mailcow.serve().await;
    /// let client = Client::builder(&server.uri(), mailcow.api_key()).build()?;
    /// assert_eq!(client.version().await?, "2026-07a");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn serve(&self) -> FakeServer {
        let server = MockServer::builder().disable_request_recording().start().await;
        Mock::given(any()).respond_with(Answers(self.clone())).mount(&server).await;
        FakeServer { server }
    }
}

struct Answers(FakeMailcow);

impl Respond for Answers {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let key = request.headers.get("X-API-Key").and_then(|key| key.to_str().ok()).unwrap_or_default();
        let method = if request.method.as_str() == "POST" { Method::Post } else { Method::Get };
        let mut call = HttpRequest::new(method, request.url.clone(), key.into());
        if method == Method::Post {
            call = call.with_body(String::from_utf8_lossy(&request.body).into_owned().into());
        }
        let lost = || HttpResponse::new(502, "<html>Bad Gateway</html>").with_content_type("text/html");
        let (answer, delay) = self.0.answer(&call);
        let answer = answer.unwrap_or_else(|_| lost());
        // Each answer of mailcow starts a session; a client must not come back with it.
        ResponseTemplate::new(answer.status)
            .set_delay(delay)
            .insert_header("Set-Cookie", "MCSESSID=SESSION; path=/; HttpOnly; SameSite=Lax")
            .set_body_raw(answer.body, &answer.content_type)
    }
}
