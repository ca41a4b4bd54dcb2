//! Whoever is on the way before TLS stands can make a login fail, and never see it.

use std::io;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::wire::certified::{Identity, authority};
use crate::wire::script::{drain, play};
use crate::wire::{Connector, Endpoint, PlainStream, Security, Stream, TlsConnector};
use crate::{SmtpImap, SmtpImapConfig, tls_config};

/// A server that says one thing in the open and, if it comes to that, another inside of real TLS.
#[derive(Debug)]
struct Server {
    plain: Dialogue,
    inside: Option<Dialogue>,
    identity: Arc<rustls::ServerConfig>,
    client: TlsConnector,
    heard: Arc<Heard>,
}

#[derive(Debug, Default)]
struct Heard {
    plain: Mutex<Vec<u8>>,
    inside: Mutex<Vec<u8>>,
    problems: Mutex<Vec<String>>,
}

impl Server {
    /// Tries to send one message, and returns what came of it and what was heard in the open and inside TLS.
    async fn meet(plain: Dialogue, inside: Option<Dialogue>) -> (Result<Submission, Error>, String, String) {
        let authority = authority();
        let identity = Identity::issued("mail.agents.example", &authority, |_| {}).config();
        let client = TlsConnector::new(tls_config(Some(authority.pem().as_bytes())).unwrap());
        let heard = Arc::<Heard>::default();
        let server = Self { plain, inside, identity, client, heard: Arc::clone(&heard) };
        let endpoint = |port| Endpoint::new("mail.agents.example", port).unwrap();
        let config = SmtpImapConfig::new(endpoint(587), endpoint(993)).with_smtp_security(Security::StartTls);
        let done = SmtpImap::new(config, Arc::new(server)).submit(&ada(), &to_bob()).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(*heard.problems.lock().unwrap(), [""; 0]);
        let text = |bytes: &Mutex<Vec<u8>>| String::from_utf8_lossy(&bytes.lock().unwrap()).into_owned();
        (done, text(&heard.plain), text(&heard.inside))
    }
}

#[async_trait]
impl Connector for Server {
    async fn connect(&self, _server: &Endpoint) -> io::Result<Stream> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn connect_plain(&self, _server: &Endpoint) -> io::Result<PlainStream> {
        let (here, mut there) = tokio::io::duplex(1 << 16);
        let (plain, inside, heard) = (self.plain.clone(), self.inside.clone(), Arc::clone(&self.heard));
        let acceptor = TlsAcceptor::from(Arc::clone(&self.identity));
        tokio::spawn(async move {
            let done = async {
                if !play(plain, &mut there, &heard.plain).await? {
                    return Ok(());
                }
                let Some(inside) = inside else {
                    drain(&mut there, &heard.plain).await;
                    return Ok(());
                };
                let Ok(mut tls) = acceptor.accept(there).await else { return Ok(()) };
                if play(inside, &mut tls, &heard.inside).await? {
                    drain(&mut tls, &heard.inside).await;
                }
                Ok(())
            };
            if let Err(problem) = done.await {
                heard.problems.lock().unwrap().push(problem);
            }
        });
        Ok(PlainStream::new(here))
    }

    async fn upgrade(&self, server: &Endpoint, plain: PlainStream) -> io::Result<Stream> {
        self.client.upgrade(server, plain).await
    }
}

fn greeted() -> Dialogue {
    Dialogue::default().says("220 mail.agents.example ESMTP\r\n").hears("EHLO agents.example\r\n")
}

/// Up to STARTTLS, with more offered than will be true later.
fn asked() -> Dialogue {
    greeted()
        .says("250-mail.agents.example\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS\r\n")
        .hears("STARTTLS\r\n")
}

/// Inside TLS, up to the answer to EHLO.
fn inside() -> Dialogue {
    Dialogue::default().hears("EHLO agents.example\r\n")
}

async fn refused(cases: Vec<(&str, Dialogue, Option<Dialogue>)>) {
    for (what, plain, inside) in cases {
        let begin = Instant::now();
        let (done, plain, inside) = Server::meet(plain, inside).await;
        let error = done.expect_err(what);
        let told =
            matches!(error, Error::Protocol { .. } | Error::Refused { .. } | Error::Unavailable { .. });
        assert!(told, "{what}: {error:?}");
        assert!(begin.elapsed() <= Duration::from_secs(302), "{what}: {:?}", begin.elapsed());
        for heard in [plain, inside] {
            for word in ["AUTH", "AGFkYUBh", "MAIL FROM"] {
                assert!(!heard.contains(word), "{what}: {heard:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_login_goes_through_tls_and_what_was_said_before_is_forgotten() {
    let secure = inside()
        .says("250-mail.agents.example\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250 AUTH PLAIN\r\n")
        .hears("AUTH PLAIN AGFkYUBhZ2VudHMuZXhhbXBsZQBjYW5hcnk=\r\n")
        .says("235 2.7.0 ok\r\n")
        .then(one_message());
    let (done, plain, inside) = Server::meet(asked().says("220 2.0.0 go ahead\r\n"), Some(secure)).await;
    assert!(done.is_ok(), "{done:?}");
    assert_eq!(plain, "EHLO agents.example\r\nSTARTTLS\r\n");
    assert!(inside.starts_with("EHLO agents.example\r\nAUTH PLAIN "), "{inside}");
}

#[tokio::test(start_paused = true)]
async fn an_offer_that_was_taken_away_ends_it() {
    refused(vec![
        ("nothing offered", greeted().says("250 mail.agents.example\r\n"), None),
        ("a login instead", greeted().says("250-me\r\n250 AUTH PLAIN LOGIN\r\n"), None),
        ("blotted out", greeted().says("250-me\r\n250-AUTH PLAIN\r\n250 XXXXXXXA\r\n"), None),
        ("a longer word", greeted().says("250-me\r\n250-AUTH PLAIN\r\n250 STARTTLSX\r\n"), None),
        ("another word", greeted().says("250-me\r\n250 X-STARTTLS\r\n"), None),
        ("a parameter", greeted().says("250-me\r\n250 AUTH STARTTLS\r\n"), None),
        ("in the first line, which is a name", greeted().says("250 STARTTLS\r\n"), None),
        ("EHLO unknown", greeted().says("502 5.5.1 what\r\n"), None),
        ("EHLO put off", greeted().says("421 4.3.2 busy\r\n").closes(), None),
        ("EHLO answered by a greeting", greeted().says("220-me\r\n220 STARTTLS\r\n"), None),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_login_that_seems_to_be_done_ends_it() {
    let greets = |line: &str| Dialogue::default().says(line);
    refused(vec![
        ("greeted as logged in", greets("235 2.7.0 welcome back\r\n"), None),
        ("greeted as if EHLO was said", greets("250-me\r\n250 AUTH PLAIN\r\n"), None),
        ("greeted with a request", greets("334 VXNlcm5hbWU6\r\n"), None),
        ("not welcome", greets("554 5.7.1 no\r\n"), None),
        ("EHLO answered as a login", greeted().says("235-me\r\n235 STARTTLS\r\n"), None),
        ("EHLO answered with a request", greeted().says("334 VXNlcm5hbWU6\r\n"), None),
        ("STARTTLS answered as a login", asked().says("235 2.7.0 ok\r\n"), None),
        ("STARTTLS answered with a request", asked().says("334 UGFzc3dvcmQ6\r\n"), None),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_tls_is_no_reason_to_do_without() {
    let secure = || Some(inside().says("250-me\r\n250 AUTH PLAIN\r\n"));
    refused(vec![
        ("not now", asked().says("454 4.7.0 TLS not available\r\n"), None),
        ("unknown", asked().says("500 5.5.1 what\r\n"), None),
        ("bad parameter", asked().says("501 5.5.4 no parameters\r\n"), None),
        ("done, but not ready", asked().says("250 2.0.0 ok\r\n"), secure()),
        ("goodbye", asked().says("421 4.3.2 bye\r\n").closes(), None),
        ("gone", asked().closes(), None),
        ("gone in the middle of the answer", asked().says("220 go a").closes(), None),
        ("silent", asked(), None),
    ])
    .await;
}

/// With a real server behind him who is on the way, so that only the words in between are wrong.
#[tokio::test(start_paused = true)]
async fn words_slipped_in_before_tls_end_it() {
    let secure = || Some(inside().says("250-me\r\n250 AUTH PLAIN\r\n"));
    let offer = "250-me\r\n250 STARTTLS\r\n";
    refused(vec![
        ("an answer to EHLO before it", Dialogue::default().says(format!("220 me\r\n{offer}")), None),
        ("the go-ahead before it is asked for", greeted().says(format!("{offer}220 go\r\n")), secure()),
        ("one byte", asked().says("220 go\r\n2"), secure()),
        ("an empty line", asked().says("220 go\r\n\r\n"), secure()),
        ("an answer to the next EHLO", asked().says("220 go\r\n250-me\r\n250 AUTH LOGIN\r\n"), secure()),
        ("an answer to the next login", asked().says("220 go\r\n250 me\r\n235 ok\r\n"), secure()),
        ("lines with two codes", asked().says("220-go\r\n250 AUTH PLAIN\r\n"), secure()),
        ("a lone LF", asked().says("220 go\n"), secure()),
        ("a NUL", asked().says("220 go\0\r\n"), secure()),
        ("a lone CR", asked().says("220 go\r250 AUTH PLAIN\r\n"), secure()),
        ("a line without end", asked().says(format!("220 {}\r\n", "x".repeat(4000))), secure()),
        ("lines without end", asked().says("220-go\r\n".repeat(200)), secure()),
        (
            "a later word, which TLS takes for its own",
            asked().says("220 go\r\n").waits(Duration::from_secs(1)).says("250 AUTH PLAIN\r\n"),
            None,
        ),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_no_tls_ends_it() {
    let went = |bytes: &[u8]| asked().says("220 go\r\n").waits(Duration::from_secs(1)).says(bytes);
    refused(vec![
        ("plain words", went(b"220 mail.agents.example ESMTP\r\n"), None),
        ("an alert", went(b"\x15\x03\x03\x00\x02\x02\x28"), None),
        ("a warning and plain words", went(b"\x15\x03\x03\x00\x02\x01\x00250 AUTH PLAIN\r\n"), None),
        ("zeros", went(&[0; 512]), None),
        ("the data of a session that never began", went(b"\x17\x03\x03\x00\x05250 A"), None),
        ("nothing", asked().says("220 go\r\n"), None),
        ("the end", asked().says("220 go\r\n").closes(), None),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn only_what_is_offered_inside_tls_counts() {
    let went = || asked().says("220 go\r\n");
    refused(vec![
        ("no login offered any more", went(), Some(inside().says("250-me\r\n250 SIZE 1000\r\n"))),
        (
            "only ones that are not spoken",
            went(),
            Some(inside().says("250-me\r\n250 AUTH CRAM-MD5 XOAUTH2\r\n")),
        ),
        ("EHLO refused", went(), Some(inside().says("554 5.7.1 no\r\n"))),
        ("EHLO answered as a login", went(), Some(inside().says("235-me\r\n235 AUTH PLAIN\r\n"))),
        ("a second greeting", went(), Some(Dialogue::default().says("220 me\r\n").then(inside()))),
        ("two answers", went(), Some(inside().says("250 me\r\n250-me\r\n250 AUTH PLAIN\r\n"))),
        ("the end", went(), Some(inside().closes())),
    ])
    .await;
}
