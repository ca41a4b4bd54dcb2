mod access;
mod births;
mod evidence;
mod renumbering;
mod routing;
mod sending;
mod stream;

use std::env;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::timeout;

use super::*;
use crate::{Login, MailAccess, NewMessage, Position, PostOffice, Selection};

/// A hub for `agents.example` and `bücher.example` over a mailbox of another domain.
struct World {
    office: PostOffice,
    login: Login,
}

impl World {
    fn new() -> Self {
        Self::of(PostOffice::new())
    }

    fn of(office: PostOffice) -> Self {
        let login = Login::new(address("hub@hub.example"), "a password".into());
        office.add_domain(login.address().domain().clone());
        office.add_mailbox(login.address(), login.password().clone(), 0).unwrap();
        for domain in DOMAINS {
            office.add_domain(domain.parse().unwrap());
            office.add_catch_all(&domain.parse().unwrap(), vec![login.address().clone()]).unwrap();
        }
        Self { office, login }
    }

    fn builder(&self) -> HubBuilder {
        Hub::builder(Arc::new(self.office.clone()), self.login.clone(), EnvelopeRule::mailcow())
    }

    fn hub(&self) -> Hub {
        self.builder().start()
    }

    /// The position behind all that the mailbox holds.
    async fn end(&self) -> Position {
        let all = self.office.fetch(&self.login, &Selection::After(None), usize::MAX).await.unwrap();
        let uid = all.messages.last().map_or(0, |message| message.uid().get());
        Position { uid_validity: all.uid_validity, uid }
    }

    /// Lets a mail come from elsewhere in the world.
    async fn receive(&self, subject: &str, recipients: &[&str]) {
        let recipients: Vec<_> = recipients.iter().map(|to| address(to)).collect();
        let bytes = format!("Subject: {subject}\r\n\r\nHello.\r\n");
        self.receive_bytes(recipients, bytes.into_bytes()).await;
    }

    async fn receive_bytes(&self, recipients: Vec<Address>, bytes: Vec<u8>) {
        let id = "1@b.example".parse().unwrap();
        let mail = Outgoing::restore(address("eve@b.example"), recipients, id, bytes).unwrap();
        let taken = self.office.receive(&mail).await.unwrap();
        assert_eq!(taken.refused, []);
    }
}

/// Takes the next message and acknowledges it.
async fn take(mailbox: &HubMailbox) -> (String, bool) {
    let delivery = timeout(PATIENCE, mailbox.next()).await.expect("a message is there").unwrap();
    delivery.acknowledge();
    (delivery.message().subject().to_owned(), delivery.is_repeated())
}

async fn take_dead(letters: &DeadLetters) -> DeadLetter {
    let letter = timeout(PATIENCE, letters.next()).await.expect("a dead letter is there").unwrap();
    letter.acknowledge();
    letter
}

/// Polls a future so often, and drops it if it isn't done by then.
async fn polled<F: Future>(times: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..times {
        let polled = std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await;
        if let Poll::Ready(output) = polled {
            return Some(output);
        }
        yield_now().await;
    }
    None
}

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn letter(from: &Address, to: &[&Address]) -> Outgoing {
    let letter = NewMessage::default().with_subject("Engines").with_text("Hello.");
    let letter = to.iter().fold(letter, |letter, &to| letter.with_to(to));
    letter.seal(&from.into()).unwrap()
}

fn cases(default: usize) -> usize {
    env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(default)
}

const DOMAINS: [&str; 2] = ["agents.example", "b\u{fc}cher.example"];
/// Far more than is needed, and no time at all where the clock is paused.
const PATIENCE: Duration = Duration::from_mins(1);
