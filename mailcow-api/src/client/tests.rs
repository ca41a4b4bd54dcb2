use async_trait::async_trait;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::json;

use super::*;
use crate::{HttpClient, HttpError, HttpRequest, HttpResponse};

/// Answers one text to every call and writes down what was asked, as `POST add/x {..}`.
#[derive(Debug)]
struct Echo {
    answer: &'static str,
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl HttpClient for Echo {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let path = request.url.as_str().strip_prefix("https://mail.example.com/api/v1/").unwrap();
        let body = request.body.as_ref().map_or("-", |body| body.expose_secret());
        self.asked.lock().unwrap().push(format!("{:?} {path} {body}", request.method));
        Ok(HttpResponse::new(200, self.answer))
    }
}

fn echo(answer: &'static str) -> (Arc<Echo>, Client) {
    let echo = Arc::new(Echo { answer, asked: Mutex::default() });
    let http: Arc<dyn HttpClient> = Arc::clone(&echo) as _;
    (echo, Client::builder("https://mail.example.com", "KEY".into()).http_client(http).build().unwrap())
}

impl Echo {
    fn asked(&self) -> String {
        self.asked.lock().unwrap().join(" | ")
    }
}

#[tokio::test]
async fn reads_have_segments_and_a_query() {
    let (server, client) = echo(r#"["x"]"#);
    let list = Target::from(["all", "a.example,b.example"]).with_query("tags", "p,q r");
    client.read::<Vec<String>>(Read("get/mailbox"), list).await.unwrap().unwrap();
    client.read::<Vec<String>>(Read("get/last-login"), ["a+b@c.example", "7"]).await.unwrap();
    assert_eq!(
        server.asked(),
        "Get get/mailbox/all/a.example%252Cb.example?tags=p%2Cq+r - | Get get/last-login/a%252Bb@c.example/7 -"
    );
    let error = client.read::<Vec<String>>(Read("get/last-login"), ["a@c.example", "7/8"]).await.unwrap_err();
    assert!(matches!(error, Error::InvalidInput { .. }));
}

#[tokio::test]
async fn bare_texts_and_flags_and_raw_text_are_read() {
    let (_, client) = echo("\"<p>\"");
    assert_eq!(client.read::<String>(Read("get/passwordpolicy/html"), None).await.unwrap().unwrap(), "<p>");
    let (_, client) = echo("true");
    assert!(client.read::<bool>(Read("get/x"), None).await.unwrap().unwrap());
    client
        .write_by_get(Write { route: "get/reset-last-login", success: PlainTrue }, ["a@b.c"])
        .await
        .unwrap();
    let (server, client) = echo("*** ENVELOPE");
    assert_eq!(client.read_text(Read("get/postcat"), Some("Q1")).await.unwrap().unwrap(), "*** ENVELOPE");
    assert_eq!(server.asked(), "Get get/postcat/Q1 -");
    // A write by GET without an answer may have been carried out, as any other.
    let (_, client) = echo("");
    let reset = Write { route: "get/reset-last-login", success: PlainTrue };
    assert!(client.write_by_get(reset, ["a@b.c"]).await.unwrap_err().outcome_unknown());
}

#[tokio::test]
async fn writes_have_segments_several_codes_and_answers_of_their_own() {
    const TAG: Write = Write { route: "delete/domain/tag", success: "domain_modified" };
    const BANS: Write<&[&str]> =
        Write { route: "edit/fail2ban", success: &["f2b_modified", "object_modified"] };
    const STS: Write<TaskCompleted> = Write { route: "add/mta-sts", success: TaskCompleted };
    #[derive(Debug, Deserialize)]
    struct Token {
        token: String,
    }
    let (server, client) = echo(r#"[{"type":"success","log":[],"msg":["domain_modified","d.example"]}]"#);
    client.write_at(TAG, ["d.example"], &["one tag"]).await.unwrap();
    assert_eq!(server.asked(), r#"Post delete/domain/tag/d.example ["one tag"]"#);
    let error = client.write(BANS, "x", &json!({})).await.unwrap_err();
    assert!(error.outcome_unknown() && error.to_string().contains("edit/fail2ban for x"), "{error}");

    let (_, client) = echo(r#"[{"type":"success","log":[],"msg":"object_modified"}]"#);
    client.write(BANS, "x", &json!({})).await.unwrap();
    client.write_idempotent(BANS, "x", &json!({})).await.unwrap();
    let (_, client) = echo(r#"{"type":"success","msg":"Task completed"}"#);
    client.write(STS, "x", &json!({})).await.unwrap();
    assert!(client.write_at(TAG, ["d.example"], &["tag"]).await.unwrap_err().outcome_unknown());
    let (_, client) = echo(r#"{"token":"T"}"#);
    let token: Token =
        client.write_returning(WriteReturning("add/sso/domain-admin"), "x", &json!({})).await.unwrap();
    assert_eq!(token.token, "T");
}

#[tokio::test]
async fn a_search_posts_and_reads() {
    let (server, client) = echo(r#"{"data":[]}"#);
    let found: Option<serde_json::Value> =
        client.search(Search("search/mailbox"), &json!({"start": 0})).await.unwrap();
    assert_eq!(
        (server.asked().as_str(), found.unwrap()),
        (r#"Post search/mailbox {"start":0}"#, json!({"data": []}))
    );
}

#[tokio::test]
async fn items_go_out_in_chunks_with_one_attribute() {
    const EDIT: Write = Write { route: "edit/x", success: "x_modified" };
    let (server, client) =
        echo(r#"[{"type":"success","msg":["x_modified","1"]},{"type":"success","msg":["x_modified","2"]}]"#);
    client.edit_items(EDIT, &[1, 2], &json!({"a": 1})).await.unwrap();
    assert_eq!(server.asked(), r#"Post edit/x {"items":[1,2],"attr":{"a":1}}"#);
    let Err(Error::PartlyDone { items, .. }) = client.edit_items(EDIT, &[1, 3], &json!({})).await else {
        panic!("3 is not in the answer");
    };
    assert_eq!(
        (items.done.as_slice(), items.unknown.as_slice()),
        (&["1".to_owned()][..], &["3".to_owned()][..])
    );
}

#[tokio::test]
async fn turns_are_per_thing_and_forgotten_afterwards() {
    let client = Client::builder("https://mail.example.com", "KEY".into()).build().unwrap();
    let (one, two) = ("one.example".parse().unwrap(), "two.example".parse().unwrap());
    let first = client.dkim_turn(&one).await;
    let other = client.dkim_turn(&two).await;
    let again = client.clone();
    let waiting = tokio::spawn(async move { drop(again.dkim_turn(&one).await) });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    drop(first);
    waiting.await.unwrap();
    drop(other);
    drop(client.dkim_turn(&"three.example".parse().unwrap()).await);
    assert_eq!(client.inner.turns.lock().unwrap().len(), 1);
}
