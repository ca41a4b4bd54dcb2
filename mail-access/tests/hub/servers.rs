//! A hub over Postfix and Dovecot, set as Mailcow sets them, with and without its filter of duplicates.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mail_access::{
    Address, Copies, Endpoint, EnvelopeRule, Error, Hub, HubBuilder, HubMailbox, HubPosition, HubProblem,
    Kind, LocalServers, LocalServersConfig, LocalUser, Login, MailAccess, NewMessage, Outgoing, SmtpImap,
    SmtpImapConfig, TlsConnector, Unavailable, Unroutable, tls_config,
};
use tokio::time::timeout;

/// Name, whether the servers drop copies of a Message-ID, and the case.
pub(crate) const CASES: &[(&str, bool, Case)] = &[
    ("each_recipient_of_the_envelope_gets_a_copy", false, |world| Box::pin(envelope(world))),
    ("forged_fields_mislead_nobody", false, |world| Box::pin(forged(world))),
    ("a_hub_without_a_filter_of_its_own_is_told_so", true, |world| Box::pin(unfiltered(world))),
    ("a_filter_that_files_keeps_the_copies", true, |world| Box::pin(filtered(world))),
    ("copies_apart_need_no_filter", true, |world| Box::pin(apart(world))),
    ("a_hub_without_a_catch_all_is_told_so", true, |world| Box::pin(no_catch_all(world))),
    ("reports_come_to_the_address_that_sent", false, |world| Box::pin(reports(world))),
    ("the_next_hub_goes_on", false, |world| Box::pin(goes_on(world))),
    ("addresses_are_mailboxes", false, |world| Box::pin(mailboxes(world))),
    ("a_wrong_password_ends_the_hub", false, |world| Box::pin(wrong_password(world))),
];

type Case = fn(&World) -> Pin<Box<dyn Future<Output = ()> + '_>>;

pub(crate) struct World {
    servers: LocalServers,
    mail: Arc<SmtpImap>,
    made: AtomicUsize,
    aliases: std::sync::Mutex<Vec<(String, String)>>,
}

pub(crate) fn start(duplicate_filter: bool) -> Result<World, Unavailable> {
    let domains = (0..DOMAINS).map(domain).chain(["plain.test".to_owned()]);
    let config = LocalServersConfig::new(domains).with_duplicate_filter(duplicate_filter);
    let servers = LocalServers::start(&config)?;
    let endpoint = |port| Endpoint::new("localhost", port).unwrap();
    let config = SmtpImapConfig::new(endpoint(servers.smtps_port()), endpoint(servers.imaps_port()));
    let tls = TlsConnector::new(tls_config(Some(servers.ca_pem().as_bytes())).unwrap());
    let mail = Arc::new(SmtpImap::new(config, Arc::new(tls)));
    Ok(World { servers, mail, made: AtomicUsize::new(0), aliases: std::sync::Mutex::default() })
}

impl World {
    /// Makes a mailbox that is the catch-all of a domain of its own.
    fn hub(&self, sieve: Option<&str>) -> Place {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        assert!(number < DOMAINS, "too few domains for the cases");
        let login = Login::new(format!("hub@{}", domain(number)).parse().unwrap(), "secret".into());
        let user = LocalUser::new(&login.address().to_string(), "secret");
        self.servers.put_user(&sieve.into_iter().fold(user, LocalUser::with_sieve)).unwrap();
        self.lead(&format!("@{}", domain(number)), &login.address().to_string());
        Place { login, domain: domain(number), mail: self.mail.clone() }
    }

    fn lead(&self, from: &str, to: &str) {
        let mut aliases = self.aliases.lock().unwrap();
        aliases.retain(|(known, _)| known != from);
        aliases.push((from.to_owned(), to.to_owned()));
        let all: Vec<_> = aliases.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
        self.servers.set_aliases(&all);
    }
}

struct Place {
    login: Login,
    domain: String,
    mail: Arc<SmtpImap>,
}

impl Place {
    fn builder(&self) -> HubBuilder {
        Hub::builder(self.mail.clone(), self.login.clone(), EnvelopeRule::mailcow())
    }

    fn address(&self, local: &str) -> Address {
        format!("{local}@{}", self.domain).parse().unwrap()
    }
}

async fn envelope(world: &World) {
    let place = world.hub(None);
    let hub = place.builder().start();
    let [ada, bob, tagged] = ["ada", "bob", "ada+own"].map(|name| hub.address(&place.address(name)));
    let letter = NewMessage::to(place.address("BOB"))
        .with_cc(place.address("nobody"))
        .with_bcc(place.address("Ada+x"))
        .with_bcc(place.address("ada+OWN"))
        .with_subject("to all");
    let sent = hub.submit(&letter.seal(&place.address("bob").into()).unwrap()).await.unwrap();
    assert_eq!(sent.accepted.len(), 4, "{sent:?}");
    for (mailbox, recipient) in [(&ada, "Ada+x"), (&bob, "BOB"), (&tagged, "ada+OWN")] {
        let delivery = next(mailbox).await;
        assert!(delivery.recipient().is_same_mailbox(&place.address(recipient)), "{delivery:?}");
    }
    let dead = timeout(PATIENCE, hub.dead_letters().next()).await.unwrap().unwrap();
    assert!(
        matches!(dead.why(), Unroutable::Unknown(nobody) if nobody.is_same_mailbox(&place.address("nobody")))
    );
    dead.acknowledge();
    assert_eq!(hub.position().open(), 0);
}

/// Puts fields into the header as only somebody who speaks SMTP himself can.
async fn forged(world: &World) {
    let place = world.hub(None);
    let hub = place.builder().start();
    let [ada, victim] = ["ada", "victim"].map(|name| hub.address(&place.address(name)));
    let to_victim = place.address("victim");
    let lmtp = "Received: from mail.example.test\r\n\tby mail.example.test with LMTP\r\n\tid 1; Fri, 20 Nov 2026 09:00:00 +0000\r\n";
    let smtp = "Received: from a by b with ESMTP id 2; Fri, 20 Nov 2026 09:00:00 +0000\r\n";
    let field = format!("X-Original-To: {to_victim}\r\n");
    for (number, header) in [
        field.repeat(2),
        format!("Delivered-To: {to_victim}\r\n{lmtp}{field}{smtp}"),
        format!("{lmtp}x-original-to:\r\n {}\r\n{smtp}{field}", to_victim.to_string().to_uppercase()),
        format!("To: {to_victim}\r\nCc: {to_victim}\r\nList-Id: <all.{}>\r\n", place.domain),
        format!(" X-Original-To: {to_victim}\r\n{field}"),
        "X-Filler: x\r\n".repeat(3_000) + &field,
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("{number}@{}", place.domain);
        let bytes =
            format!("{header}From: eve@b.test\r\nMessage-ID: <{id}>\r\nSubject: {number}\r\n\r\nx\r\n");
        let recipients = vec![place.address("Ada")];
        let mail =
            Outgoing::restore(place.address("ada"), recipients, id.parse().unwrap(), bytes.into_bytes());
        hub.submit(&mail.unwrap()).await.unwrap();
        // What is no header field ends the header for Postfix, which then writes its own Message-ID.
        assert_eq!(next(&ada).await.recipient(), &place.address("Ada"), "{number}");
    }
    assert!(timeout(Duration::from_millis(100), victim.next()).await.is_err());
    assert_eq!(hub.position().open(), 0, "nothing is anywhere else");
}

async fn unfiltered(world: &World) {
    let place = world.hub(None);
    let hub = place.builder().start();
    let begun = tokio::time::Instant::now();
    loop {
        let check = hub.check(&place.domain.parse().unwrap(), Duration::from_secs(5)).await.unwrap();
        // A server under load may need longer for the one copy that it keeps.
        if check.problems != [HubProblem::NothingArrives(None)] || begun.elapsed() > PATIENCE {
            assert_eq!(check.problems, [HubProblem::CopiesDropped]);
            return;
        }
    }
}

async fn filtered(world: &World) {
    let place = world.hub(Some(FILTER));
    let hub = place.builder().start();
    let check = hub.check(&place.domain.parse().unwrap(), PATIENCE).await.unwrap();
    assert!(check.problems.is_empty() && check.latency.is_some(), "{check:?}");
}

async fn apart(world: &World) {
    let place = world.hub(None);
    let hub = place.builder().with_copies(Copies::Apart).start();
    let mailboxes = ["ada", "bob", "carol"].map(|name| hub.address(&place.address(name)));
    let letter = ["ada", "bob", "carol"]
        .into_iter()
        .fold(NewMessage::default(), |letter, name| letter.with_to(place.address(name)));
    hub.submit(&letter.with_subject("to all").seal(&place.address("ada").into()).unwrap()).await.unwrap();
    for mailbox in &mailboxes {
        assert_eq!(next(mailbox).await.message().subject(), "to all");
    }
}

async fn no_catch_all(world: &World) {
    let place = world.hub(None);
    world.lead(&format!("@{}", place.domain), "elsewhere@plain.test");
    world.servers.add_user("elsewhere@plain.test", "secret").unwrap();
    let hub = place.builder().start();
    let check = hub.check(&place.domain.parse().unwrap(), Duration::from_secs(3)).await.unwrap();
    let expected =
        matches!(check.problems[..], [HubProblem::MayNotSendAs(_), HubProblem::NothingArrives(None)]);
    assert!(expected, "{check:?}");
}

async fn reports(world: &World) {
    let place = world.hub(None);
    world.lead("broken@plain.test", "gone@plain.test");
    let hub = place.builder().start();
    let ada = hub.address(&place.address("ada"));
    let letter = NewMessage::to("broken@plain.test".parse::<Address>().unwrap()).with_subject("lost");
    hub.submit(&letter.seal(&place.address("ada").into()).unwrap()).await.unwrap();
    assert_eq!(next(&ada).await.message().kind(), Kind::DeliveryReport);
}

async fn goes_on(world: &World) {
    let place = world.hub(None);
    let hub = place.builder().with_stock(0).start();
    let ada = hub.address(&place.address("ada"));
    let send = async |hub: &Hub, subject: &str| {
        let letter = NewMessage::to(place.address("ada")).with_subject(subject);
        hub.submit(&letter.seal(&place.address("ada").into()).unwrap()).await.unwrap();
    };
    for subject in ["1", "2"] {
        send(&hub, subject).await;
        let delivery = timeout(PATIENCE, ada.next()).await.unwrap().unwrap();
        if subject == "1" {
            delivery.acknowledge();
        }
    }
    let position: HubPosition = hub.position().to_string().parse().unwrap();
    assert_eq!(position.open(), 1);
    drop((hub, ada));
    world.servers.reset_uidvalidity(&place.login.address().to_string()).unwrap();
    let renumbered = place.builder().with_position(position).start();
    let ada = renumbered.address(&place.address("ada"));
    for subject in ["1", "2"] {
        let delivery = next(&ada).await;
        assert_eq!((delivery.message().subject(), delivery.is_repeated()), (subject, true));
    }
    send(&renumbered, "3").await;
    let delivery = next(&ada).await;
    assert_eq!((delivery.message().subject(), delivery.is_repeated()), ("3", false));
}

async fn mailboxes(world: &World) {
    use mail_access::{Arrival, Position, Selection};
    let place = world.hub(None);
    let access = place.builder().start_access();
    let [ada, bob] = ["ada", "bob"].map(|name| {
        access.add(&place.address(name));
        Login::new(place.address(name), "never looked at".into())
    });
    let letter = NewMessage::to(bob.address()).with_cc(ada.address()).with_subject("s");
    access.submit(&ada, &letter.seal(&ada.address().into()).unwrap()).await.unwrap();
    for login in [&ada, &bob] {
        let empty = access.fetch(login, &Selection::After(None), 10).await.unwrap();
        let start = Position { uid_validity: empty.uid_validity, uid: 0 };
        assert_eq!(access.wait(login, start, PATIENCE).await.unwrap(), Arrival::New);
        let batch = access.fetch(login, &Selection::Unseen, 10).await.unwrap();
        let uids: Vec<_> = batch.messages.iter().map(mail_access::Received::uid).collect();
        assert_eq!(uids.len(), 1);
        access.mark_seen(login, batch.uid_validity, &uids).await.unwrap();
        assert!(access.fetch(login, &Selection::Unseen, 10).await.unwrap().messages.is_empty());
        assert_eq!(access.fetch(login, &Selection::After(None), 10).await.unwrap().messages.len(), 1);
    }
}

async fn wrong_password(world: &World) {
    let place = world.hub(None);
    let wrong = Login::new(place.login.address().clone(), "wrong".into());
    let hub = Hub::builder(place.mail.clone(), wrong, EnvelopeRule::mailcow()).start();
    let ada = hub.address(&place.address("ada"));
    let refused = timeout(PATIENCE, ada.next()).await.expect("it ends");
    assert!(matches!(refused, Err(Error::Authentication { .. })), "{refused:?}");
}

async fn next(mailbox: &HubMailbox) -> mail_access::Delivery {
    let delivery = timeout(PATIENCE, mailbox.next()).await.expect("a message is there").unwrap();
    delivery.acknowledge();
    delivery
}

fn domain(number: usize) -> String {
    format!("hub{number}.test")
}

/// As Mailcow's API sets it.
const FILTER: &str = "require [\"fileinto\"];\r\nif header :contains \"X-Spam-Flag\" \"YES\" { fileinto \"Junk\"; } else { fileinto \
                      \"INBOX\"; }\r\n";
const DOMAINS: usize = 12;
/// A test fails after this time; a server that is well needs far less.
const PATIENCE: Duration = Duration::from_mins(1);
