//! Mail that is known to be on its way.

use std::sync::Arc;

use async_trait::async_trait;

use super::*;
use crate::imap::double::{Double, PASSWORD};
use crate::wire::{Connector, Endpoint, PlainStream, Stream};
use crate::{Address, Arrival, NewMessage, SmtpImap};

fn bob() -> Login {
    Login::new("Bob@agents.example".parse().unwrap(), PASSWORD.into())
}

const START: Position = Position { uid_validity: 7, uid: 0 };

/// Delivers a mail so long after a hint and returns how late it was seen.
async fn seen_after(hinted: Option<&str>, delivery: Duration) -> Duration {
    let server = Arc::new(Double::new().pacing(Duration::from_micros(200)));
    let hub = "bob@agents.example".parse().unwrap();
    let config = Double::config().with_catch_all("hub.example".parse().unwrap(), hub);
    let mail = Arc::new(server.mail(config));
    let waiting = tokio::spawn({
        let mail = Arc::clone(&mail);
        async move {
            let arrival = mail.wait(&bob(), START, Duration::from_mins(9)).await.unwrap();
            (arrival, Instant::now())
        }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    if let Some(address) = hinted {
        mail.hint(&address.parse().unwrap());
    }
    tokio::time::sleep(delivery).await;
    server.deliver(&bob(), "one");
    let delivered = Instant::now();
    let (arrival, seen) = waiting.await.unwrap();
    assert_eq!((arrival, server.world(|world| world.problems.clone())), (Arrival::New, vec![]));
    seen - delivered
}

#[tokio::test(start_paused = true)]
async fn hinted_mail_is_seen_at_once() {
    let ms = Duration::from_millis;
    assert!(seen_after(None, ms(10)).await >= ms(500), "a server tells of it late");
    for address in ["bob@agents.example", "BOB@Agents.Example", "bob+x@agents.example", "anyone@hub.example"]
    {
        for delivery in [ms(0), ms(5), ms(10), ms(20)] {
            let late = seen_after(Some(address), delivery).await;
            assert!(late <= ms(15), "{address} {delivery:?}: {late:?}");
        }
        let late = seen_after(Some(address), ms(300)).await;
        assert!(late <= ms(110), "one that takes its time is looked for less often: {late:?}");
    }
    for address in ["bo@agents.example", "bob@x.example", "b+ob@agents.example", "bob@sub.hub.example"] {
        assert!(seen_after(Some(address), ms(10)).await >= ms(500), "{address}");
    }
}

/// A hint costs a few looks, and then nothing more.
#[tokio::test(start_paused = true)]
async fn a_hint_for_nothing_comes_to_an_end() {
    let server = Arc::new(Double::new());
    let mail = server.mail(Double::config());
    mail.hint(bob().address());
    let login = bob();
    let wait = mail.wait(&login, START, Duration::from_mins(1));
    let hint = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let before = server.world(|world| world.commands.len());
        (0..1000).for_each(|_| mail.hint(bob().address()));
        tokio::time::sleep(Duration::from_secs(50)).await;
        server.world(|world| world.commands.len()) - before
    };
    let (arrival, commands) = tokio::join!(wait, hint);
    assert_eq!((arrival.unwrap(), commands), (Arrival::TimedOut, 14));
}

/// Submission by one server, reading by another.
#[derive(Debug)]
struct Both(Arc<Script>, Arc<Double>);

#[async_trait]
impl Connector for Both {
    async fn connect(&self, server: &Endpoint) -> std::io::Result<Stream> {
        if server.port() == 465 { self.0.connect(server).await } else { self.1.connect(server).await }
    }

    async fn connect_plain(&self, server: &Endpoint) -> std::io::Result<PlainStream> {
        self.0.connect_plain(server).await
    }

    async fn upgrade(&self, server: &Endpoint, plain: PlainStream) -> std::io::Result<Stream> {
        self.0.upgrade(server, plain).await
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_submitted_here_wakes_who_waits_here() {
    let submission = Dialogue::default()
        .says("220 x\r\n")
        .hears("EHLO agents.example\r\n")
        .says("250-x\r\n250 AUTH PLAIN\r\n")
        .hears("AUTH PLAIN AGFkYUBhZ2VudHMuZXhhbXBsZQBjYW5hcnk=\r\n")
        .says("235 ok\r\n")
        .hears("MAIL FROM:<ada@agents.example>\r\n")
        .says("250 ok\r\n")
        .hears("RCPT TO:<bob@agents.example>\r\n")
        .says("250 ok\r\n")
        .hears("DATA\r\n")
        .says("354 go on\r\n")
        .hears("Date:")
        .says("250 taken\r\n");
    let server = Arc::new(Double::new());
    let connector = Both(Script::of([submission]), Arc::clone(&server));
    let mail = Arc::new(SmtpImap::new(Double::config(), Arc::new(connector)));
    let waiting = tokio::spawn({
        let mail = Arc::clone(&mail);
        async move { mail.wait(&bob(), START, Duration::from_mins(9)).await.map(|_| Instant::now()) }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    let to: Address = "bob@agents.example".parse().unwrap();
    let message = NewMessage::to(&to).with_text("x").seal(&ada().address().into()).unwrap();
    mail.submit(&ada(), &message).await.unwrap();
    let sent = Instant::now();
    tokio::time::sleep(Duration::from_millis(10)).await;
    server.deliver(&bob(), "one");
    let seen = waiting.await.unwrap().unwrap();
    assert!(seen - sent <= Duration::from_millis(50), "{:?}", seen - sent);
}
