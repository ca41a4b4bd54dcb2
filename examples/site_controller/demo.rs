//! The service serves a world in memory and calls itself.

use std::error::Error;
use std::io::Write;

use agent_mail::http::{HttpClient, HttpRequest, Method, ReqwestClient};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::{serve, world};

pub(crate) const TOKEN: &str = "only-for-this-demo";

pub(crate) async fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let caller = Caller::new(format!("http://{}", listener.local_addr()?), Some(TOKEN))?;
    let (stop, stopped) = oneshot::channel::<()>();
    let service =
        tokio::spawn(serve(listener, world::embedded("mail.example")?, TOKEN.parse()?, async move {
            // A caller that is gone stops it too.
            let _ = stopped.await;
        }));
    writeln!(out, "Nothing is configured: a world in memory is served at {}.", caller.base)?;
    let calls = [
        (Method::Get, "/sites/blue-shop/mail/status", ""),
        (Method::Post, "/sites/blue-shop/mail/enable", ""),
        (Method::Post, "/sites/blue-shop/mail/enable", ""),
        (
            Method::Post,
            "/sites/blue-shop/mail/mailboxes",
            r#"{"local_part":"ada","name":"Ada","quota_mib":512}"#,
        ),
        (Method::Post, "/sites/blue-shop/mail/mailboxes", r#"{"local_part":"ada"}"#),
        (Method::Post, "/sites/blue-shop/mail/disable", ""),
        (Method::Post, "/sites/blue-shop/mail/mailboxes", r#"{"local_part":"bob"}"#),
        (Method::Post, "/sites/blue-shop/mail/enable", ""),
        (Method::Get, "/sites/..%2fkube-system/mail/status", ""),
        (Method::Get, "/sites/blue-shop/mail/status", ""),
    ];
    for (method, path, body) in calls {
        let (status, answer) = caller.call(method, path, body).await?;
        let word = if method == Method::Get { "GET" } else { "POST" };
        writeln!(out, "\n{word} {path} {body}\n  {status} {answer}")?;
    }
    let stranger = Caller::new(caller.base.clone(), None)?;
    let (status, answer) = stranger.call(Method::Get, "/sites/blue-shop/mail/status", "").await?;
    writeln!(out, "\nwithout the token:\n  {status} {answer}")?;
    let _ = stop.send(());
    service.await??;
    writeln!(out, "\nstopped")?;
    Ok(())
}

/// Calls the service.
pub(crate) struct Caller {
    pub(crate) base: String,
    client: ReqwestClient,
    token: Option<&'static str>,
}

impl Caller {
    pub(crate) fn new(base: String, token: Option<&'static str>) -> Result<Self, Box<dyn Error>> {
        Ok(Self { base, client: ReqwestClient::with_public_roots()?, token })
    }

    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: &str,
    ) -> Result<(u16, Value), Box<dyn Error>> {
        let mut request = HttpRequest::new(method, format!("{}{path}", self.base).parse()?);
        if let Some(token) = self.token {
            request = request.with_secret_header("authorization", format!("Bearer {token}").into());
        }
        if !body.is_empty() {
            request = request.with_body("application/json", body.to_owned());
        }
        let answer = self.client.send(request).await?;
        Ok((answer.status, serde_json::from_slice(&answer.body)?))
    }
}
