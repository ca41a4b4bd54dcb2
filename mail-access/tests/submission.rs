//! Submission to a real Postfix: what a server that nobody scripted makes of it.

mod shared;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use libtest_mimic::Arguments;
use mail_access::{
    Address, DeliveryReports, Endpoint, Error, LocalServers, LocalServersConfig, LocalUser, Login,
    MailAccess, NewMessage, Outgoing, Reason, Received, Security, Selection, SmtpImap, SmtpImapConfig,
    TlsConnector, Unavailable, tls_config,
};
use shared::Shared;

fn main() -> ExitCode {
    let worlds = [Mailcow, Everything].map(|kind| (kind, Shared::new(move || start(kind))));
    let mut trials = Vec::new();
    for (kind, servers) in &worlds {
        for security in [Security::ImplicitTls, Security::StartTls] {
            for (name, case) in CASES {
                let (kind, name) = (*kind, format!("{kind:?}::{security:?}::{name}"));
                trials.push(servers.trial(name, move |servers, runtime| {
                    let world = World { kind, servers, security, mail: mail(servers, security) };
                    runtime.block_on(case(world));
                }));
            }
        }
    }
    let conclusion = libtest_mimic::run(&Arguments::from_args(), trials);
    // The trials are gone, and with them all other owners: the servers stop here.
    drop(worlds);
    conclusion.exit_code()
}

/// What Postfix offers.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Mailcow,
    /// CHUNKING and SMTPUTF8 too.
    Everything,
}
use Kind::{Everything, Mailcow};

struct World<'a> {
    kind: Kind,
    servers: &'a LocalServers,
    security: Security,
    mail: SmtpImap,
}

impl World<'_> {
    /// Makes an account that no other case has.
    fn account(&self, name: &str) -> Login {
        let address: Address =
            format!("{name}-{:?}@example.test", self.security).to_lowercase().parse().unwrap();
        self.servers.add_user(&address.to_string(), "secret").unwrap();
        Login::new(address, "secret".into())
    }

    /// Waits until so many messages have arrived.
    async fn arrived(&self, login: &Login, count: usize) -> Vec<Received> {
        for _ in 0..500 {
            let batch = self.mail.fetch(login, &Selection::After(None), 100).await.unwrap();
            if batch.messages.len() >= count {
                return batch.messages;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{count} messages did not arrive\n{}", self.servers.log_tail());
    }
}

fn mail(servers: &LocalServers, security: Security) -> SmtpImap {
    let port = match security {
        Security::ImplicitTls => servers.smtps_port(),
        Security::StartTls => servers.submission_port(),
    };
    let endpoint = |port| Endpoint::new("localhost", port).unwrap();
    let config =
        SmtpImapConfig::new(endpoint(port), endpoint(servers.imaps_port())).with_smtp_security(security);
    let tls = tls_config(Some(servers.ca_pem().as_bytes())).unwrap();
    SmtpImap::new(config, Arc::new(TlsConnector::new(tls)))
}

fn start(kind: Kind) -> Result<LocalServers, Unavailable> {
    let config = LocalServersConfig::default().with_message_size_limit(1 << 20);
    LocalServers::start(&config.with_all_extensions(matches!(kind, Everything)))
}

fn letter(from: &Login, to: &[&Address], text: &str) -> Outgoing {
    let mut message = NewMessage::to(to[0]).with_subject("a letter").with_text(text);
    for one in &to[1..] {
        message = message.with_to(*one);
    }
    message.seal(&from.address().into()).unwrap()
}

fn nobody() -> Address {
    "nobody-of-that-name@example.test".parse().unwrap()
}

type Case = fn(World<'_>) -> std::pin::Pin<Box<dyn Future<Output = ()> + '_>>;

macro_rules! cases {
    ($($case:ident)*) => { &[$((stringify!($case), |world| Box::pin($case(world)))),*] };
}

const CASES: &[(&str, Case)] = cases! {
    what_is_sent_arrives_byte_for_byte
    a_report_of_delivery_comes_as_it_was_asked_for
    who_wants_no_report_gets_none
    all_or_nothing_reaches_nobody_if_one_is_unknown
    each_recipient_has_his_own_answer
    another_sender_is_not_owned
    a_wrong_password_is_told
    what_is_too_large_is_told
    many_messages_go_over_one_connection
    a_message_goes_as_a_chunk_where_that_is_offered
    a_new_connection_waits_for_no_acknowledgement
};

async fn what_is_sent_arrives_byte_for_byte(world: World<'_>) {
    let ada = world.account("bytes");
    let body = format!(".\r\n..\r\n.a\r\n\r\n.\r\nQUIT\r\n{}\r\n\u{fc}\r\n.", "x".repeat(900));
    let message = letter(&ada, &[ada.address()], "");
    let header = String::from_utf8(message.bytes().to_vec()).unwrap();
    let header = header.split_once("\r\n\r\n").unwrap().0;
    for (number, repeat) in [1, 300].into_iter().enumerate() {
        let body = body.repeat(repeat);
        let id = format!("{number}.{}", message.message_id().as_str()).parse().unwrap();
        let header = header
            .replace(message.message_id().as_str(), &format!("{number}.{}", message.message_id().as_str()));
        let bytes = format!("{header}\r\n\r\n{body}");
        let whole =
            Outgoing::restore(ada.address().clone(), vec![ada.address().clone()], id, bytes.into_bytes());
        world.mail.submit(&ada, &whole.unwrap()).await.unwrap();
        let arrived = world.arrived(&ada, number + 1).await;
        let raw = arrived[number].raw();
        let begin = raw.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        assert!(raw[begin..] == *format!("{body}\r\n").as_bytes(), "the body is another");
    }
}

async fn a_report_of_delivery_comes_as_it_was_asked_for(world: World<'_>) {
    let (ada, bob) = (world.account("reported"), world.account("reporting"));
    let reports = DeliveryReports::none().with_success().with_header_only();
    let reports = reports.with_envelope_id("order 4711+2=x").unwrap();
    let tagged =
        Address::new(&format!("{}+tag", bob.address().local_part()), bob.address().domain().clone()).unwrap();
    let message = letter(&ada, &[&tagged], "a word that only the body holds").with_reports(reports);
    world.mail.submit(&ada, &message).await.unwrap();
    world.arrived(&bob, 1).await;
    let report = &world.arrived(&ada, 1).await[0];
    let raw = String::from_utf8_lossy(report.raw());
    for line in [
        "Original-Envelope-Id: order 4711+2=x".to_owned(),
        format!("Original-Recipient: rfc822;{tagged}"),
        message.message_id().to_string(),
    ] {
        assert!(raw.contains(&line), "{line} is missing in {raw}");
    }
    assert!(!raw.contains("a word that only the body holds"), "{raw}");
    assert!(report.is_delivery_report(), "{raw}");
}

async fn who_wants_no_report_gets_none(world: World<'_>) {
    let (ada, full) = (world.account("undisturbed"), world.account("full"));
    let quota = LocalUser::new(&full.address().to_string(), "secret").with_quota_mib(1);
    world.servers.put_user(&quota).unwrap();
    // The second one has no room any more, which shows only after Postfix has taken it.
    let large = format!("{}\r\n", "x".repeat(70)).repeat(11_000);
    let none = DeliveryReports::none();
    for reports in [none.clone(), none.clone(), none.with_failure()] {
        let message = letter(&ada, &[full.address()], &large).with_reports(reports);
        world.mail.submit(&ada, &message).await.unwrap();
        while !world.servers.queue_is_empty().unwrap() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    let arrived = world.arrived(&ada, 1).await;
    assert!(arrived.len() == 1 && arrived[0].is_delivery_report(), "{arrived:?}");
}

async fn all_or_nothing_reaches_nobody_if_one_is_unknown(world: World<'_>) {
    let (ada, bob) = (world.account("strict"), world.account("spared"));
    let strict = letter(&ada, &[bob.address(), &nobody()], "all or nothing").with_all_or_nothing();
    let error = world.mail.submit(&ada, &strict).await.unwrap_err();
    let Error::RecipientsRefused { refused, .. } = &error else { panic!("{error:?}") };
    assert_eq!((refused.len(), &refused[0].0), (1, &nobody()));
    assert_eq!((error.reason(), error.is_retryable()), (Some(Reason::UnknownRecipient), false));
    let both = letter(&ada, &[bob.address(), ada.address()], "to both").with_all_or_nothing();
    world.mail.submit(&ada, &both).await.unwrap();
    let arrived = world.arrived(&bob, 1).await;
    assert_eq!(arrived[0].message_id(), Some(both.message_id()));
    assert_eq!(arrived.len(), 1);
}

async fn each_recipient_has_his_own_answer(world: World<'_>) {
    let (ada, bob) = (world.account("one"), world.account("other"));
    let done = world.mail.submit(&ada, &letter(&ada, &[bob.address(), &nobody()], "x")).await.unwrap();
    assert_eq!((done.accepted, done.refused.len()), (vec![bob.address().clone()], 1));
    assert_eq!(done.refused[0].1.reason(), Reason::UnknownRecipient);
    let more: Address = "nobody-else@example.test".parse().unwrap();
    let error = world.mail.submit(&ada, &letter(&ada, &[&nobody(), &more], "x")).await.unwrap_err();
    let Error::RecipientsRefused { refused, .. } = &error else { panic!("{error:?}") };
    assert_eq!(refused.iter().map(|(one, _)| one.clone()).collect::<Vec<_>>(), [nobody(), more]);
    let error = world.mail.submit(&ada, &letter(&ada, &[&nobody()], "x")).await.unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error:?}");
}

async fn another_sender_is_not_owned(world: World<'_>) {
    let (ada, bob) = (world.account("honest"), world.account("victim"));
    let error = world.mail.submit(&ada, &letter(&bob, &[ada.address()], "forged")).await.unwrap_err();
    assert_eq!(error.reason(), Some(Reason::SenderNotOwned), "{error:?}");
    assert_eq!(error.status().map(|status| (status.code, status.enhanced)), Some((553, Some((5, 7, 1)))));
}

async fn a_wrong_password_is_told(world: World<'_>) {
    let ada = world.account("wrong");
    let wrong = Login::new(ada.address().clone(), "another".into());
    let error = world.mail.submit(&wrong, &letter(&ada, &[ada.address()], "x")).await.unwrap_err();
    assert!(matches!(error, Error::Authentication { .. }), "{error:?}");
    assert_eq!(error.reason(), Some(Reason::Authentication));
    // A token is no password, and this server knows no tokens.
    let token = Login::with_token(ada.address().clone(), "secret".into());
    let error = world.mail.submit(&token, &letter(&ada, &[ada.address()], "x")).await.unwrap_err();
    assert!(matches!(error, Error::Protocol { .. }), "{error:?}");
}

async fn what_is_too_large_is_told(world: World<'_>) {
    let ada = world.account("large");
    let large = letter(&ada, &[ada.address()], &format!("{}\r\n", "x".repeat(70)).repeat(20_000));
    let error = world.mail.submit(&ada, &large).await.unwrap_err();
    assert_eq!(error.reason(), Some(Reason::TooLarge), "{error:?}");
}

async fn many_messages_go_over_one_connection(world: World<'_>) {
    let ada = world.account("many");
    for number in 0..30 {
        let message = letter(&ada, &[ada.address()], &format!("number {number}"));
        world.mail.submit(&ada, &message).await.unwrap();
    }
    assert_eq!(world.arrived(&ada, 30).await.len(), 30);
    assert!(format!("{:?}", world.mail).contains("Pool { open: 1, "), "{:?}", world.mail);
}

/// Postfix counts the commands of a connection when it ends.
async fn a_message_goes_as_a_chunk_where_that_is_offered(world: World<'_>) {
    let ada = world.account("counted");
    world.mail.submit(&ada, &letter(&ada, &[ada.address()], "x")).await.unwrap();
    drop(world.mail);
    let used = match world.kind {
        Mailcow => " data=",
        Everything => " bdat=",
    };
    for _ in 0..500 {
        let log = world.servers.log_tail();
        let mut counts =
            log.lines().filter(|line| line.contains("disconnect from") && line.contains(" mail="));
        if counts.any(|line| line.contains(used)) {
            let other = if used == " data=" { " bdat=" } else { " data=" };
            assert!(!log.contains(other), "{log}");
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no connection used{used}\n{}", world.servers.log_tail());
}

/// The delay is 40 ms where there is one, each time; what else takes long on a busy machine doesn't each time.
async fn a_new_connection_waits_for_no_acknowledgement(world: World<'_>) {
    let ada = world.account("quick");
    let mut fastest = Duration::MAX;
    for _ in 0..100 {
        let fresh = mail(world.servers, world.security);
        let message = letter(&ada, &[&"any@elsewhere.test".parse().unwrap()], "x");
        let begin = Instant::now();
        fresh.submit(&ada, &message).await.unwrap();
        fastest = fastest.min(begin.elapsed());
        if fastest < Duration::from_millis(38) {
            return;
        }
    }
    panic!("it took {fastest:?} at least");
}
