//! A whole mailbox on a real Dovecot: what the shared cases don't ask for.

#[path = "store/compressed.rs"]
mod compressed;
mod shared;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::StreamExt;
use libtest_mimic::Arguments;
use mail_access::{
    Endpoint, Error, Flag, FlagChange, FolderName, LocalServers, LocalServersConfig, LocalUser, Login,
    MessageStore, Query, Reason, Selection, SmtpImap, SmtpImapConfig, SpecialUse, TlsConnector, Uid,
    tls_config,
};
use shared::Shared;

fn main() -> ExitCode {
    let servers = Shared::new(|| LocalServers::start(&LocalServersConfig::default()));
    let trials = CASES.iter().map(|(name, case)| {
        servers.trial(*name, |servers, runtime| runtime.block_on(case(Client::new(servers, name))))
    });
    let conclusion = libtest_mimic::run(&Arguments::from_args(), trials.collect());
    // The trials are gone, and with them all other owners: the servers stop here.
    drop(servers);
    conclusion.exit_code()
}

/// An account that no other case has.
struct Client {
    config: SmtpImapConfig,
    connector: TlsConnector,
    mail: SmtpImap,
    login: Login,
}

impl Client {
    fn new(servers: &LocalServers, name: &str) -> Self {
        let endpoint = |port| Endpoint::new("localhost", port).unwrap();
        let tls = tls_config(Some(servers.ca_pem().as_bytes())).unwrap();
        let connector = TlsConnector::new(tls);
        let config = SmtpImapConfig::new(endpoint(servers.smtps_port()), endpoint(servers.imaps_port()));
        let mail = SmtpImap::new(config.clone(), Arc::new(connector.clone()));
        let login = Login::new(format!("{name}@example.test").parse().unwrap(), "secret".into());
        servers.put_user(&LocalUser::new(&login.address().to_string(), "secret").with_quota_mib(20)).unwrap();
        Self { config, connector, mail, login }
    }

    async fn make(&self, name: &str) -> FolderName {
        let folder = folder(name);
        self.mail.create_folder(&self.login, &folder).await.unwrap();
        folder
    }

    /// Files messages with these subjects and returns their UIDVALIDITY.
    async fn file(&self, folder: &FolderName, subjects: &[&str]) -> u32 {
        let mut uid_validity = 0;
        for subject in subjects {
            let message =
                format!("Subject: {subject}\r\nMessage-ID: <{subject}@x.test>\r\n\r\nbody of {subject}\r\n");
            let place = self.mail.append(&self.login, folder, message.as_bytes(), &[], None).await.unwrap();
            uid_validity = place.unwrap().uid_validity;
        }
        uid_validity
    }

    async fn found(&self, folder: &FolderName, query: Query) -> Vec<u32> {
        let found = self.mail.search(&self.login, folder, &query).await.unwrap();
        found.uids.into_iter().map(Uid::get).collect()
    }
}

type Case = fn(Client) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

const CASES: &[(&str, Case)] = &[
    ("names-of-any-kind", |client| Box::pin(names_of_any_kind(client))),
    ("text-of-any-kind", |client| Box::pin(text_of_any_kind(client))),
    ("deep-queries", |client| Box::pin(deep_queries(client))),
    ("a-message-id-is-the-very-one", |client| Box::pin(a_message_id_is_the_very_one(client))),
    ("changes-are-told", |client| Box::pin(changes_are_told(client))),
    ("messages-stream", |client| Box::pin(messages_stream(client))),
    ("pieces-of-a-message", |client| Box::pin(pieces_of_a_message(client))),
    ("a-selected-folder-goes-away", |client| Box::pin(a_selected_folder_goes_away(client))),
    ("a-compressed-session", |client| Box::pin(compressed::a_whole_session(client))),
    ("folders-are-watched", |client| Box::pin(folders_are_watched(client))),
    ("quota-and-uses", |client| Box::pin(quota_and_uses(client))),
];

/// Dovecot tells (NOTIFY) of each change of several folders over one connection: nobody asks within this hour.
async fn folders_are_watched(client: Client) {
    let folders = [FolderName::inbox(), client.make("W\u{fc}rfel").await, client.make("other").await];
    let every = Duration::from_hours(1);
    let mut changes = client.mail.watch_folders(&client.login, &folders[..2], every);
    let mut next = async || {
        let change = tokio::time::timeout(Duration::from_secs(20), changes.next()).await;
        let change = change.expect("it is told").unwrap().unwrap();
        (change.folder, change.status.messages, change.status.unseen)
    };
    for folder in &folders[..2] {
        assert_eq!(next().await, (folder.clone(), 0, 0));
    }
    client.file(&folders[2], &["unheard"]).await;
    for (folder, subject) in [(&folders[1], "a"), (&folders[0], "b")] {
        let uid_validity = client.file(folder, &[subject]).await;
        assert_eq!(next().await, (folder.clone(), 1, 1));
        let uid = Uid::new(1).unwrap();
        let seen = FlagChange::Add(vec![Flag::Seen]);
        client.mail.change_flags(&client.login, folder, uid_validity, &[uid], &seen).await.unwrap();
        assert_eq!(next().await, (folder.clone(), 1, 0));
        MessageStore::expunge(&client.mail, &client.login, folder, uid_validity, &[uid]).await.unwrap();
        assert_eq!(next().await, (folder.clone(), 0, 0));
    }
}

/// Names that have to be quoted, sent as a literal or shifted; and none of them is a command.
async fn names_of_any_kind(client: Client) {
    let names = [
        "plain",
        "two words",
        "a \"quoted\" one",
        "back\\slash",
        "\"\\\"\\\"\\\"\\\"\\\"",
        "{5}",
        "{5+}",
        "a{3}",
        "percent%star*",
        "(list) ] [",
        "& ampersand &- &APw-",
        "Entw\u{fc}rfe",
        "\u{53f0}\u{5317}",
        "\u{1f600} \u{fc}&\u{fc}",
        "x A9 DELETE INBOX",
        "NIL",
        "tilde~",
        "above/below/\u{e4}",
    ];
    for name in names {
        let folder = client.make(name).await;
        client.make(name).await;
        let uid_validity = client.file(&folder, &["one"]).await;
        let status = client.mail.status(&client.login, &folder).await.unwrap();
        assert_eq!((status.messages, status.uid_validity), (1, uid_validity), "{name}");
        client.mail.subscribe(&client.login, &folder, true).await.unwrap();
    }
    let listed = client.mail.folders(&client.login).await.unwrap();
    let listed: BTreeMap<_, _> = listed.iter().map(|folder| (folder.name.as_str(), folder)).collect();
    for name in names {
        let found = listed.get(name).unwrap_or_else(|| panic!("{name} in {listed:?}"));
        assert!(found.selectable && found.subscribed && found.separator == Some('/'), "{found:?}");
    }
    for name in names {
        client.mail.rename_folder(&client.login, &folder(name), &folder(&format!("{name}2"))).await.unwrap();
        client.mail.delete_folder(&client.login, &folder(&format!("{name}2"))).await.unwrap();
        client.mail.delete_folder(&client.login, &folder(name)).await.unwrap();
        let error = client.mail.status(&client.login, &folder(name)).await.unwrap_err();
        assert_eq!(error.reason(), Some(Reason::NoSuchFolder), "{error}");
    }
}

async fn text_of_any_kind(client: Client) {
    let inbox = FolderName::inbox();
    let message = "From: \"A \\\"B\\\" C\" <boss@x.test>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= {5}\r\n\
                   X-Odd: back\\slash\r\nContent-Type: text/plain; charset=utf-8\r\n\
                   Content-Transfer-Encoding: quoted-printable\r\n\r\nsnow =E2=98=83 man\r\n";
    client.mail.append(&client.login, &inbox, message.as_bytes(), &[], None).await.unwrap();
    for (query, fits) in [
        (Query::Subject("GR\u{dc}\u{df}e".into()), true),
        (Query::Subject("{5}".into()), true),
        (Query::Subject("{5+}\r\nA9 DELETE INBOX".into()), false),
        (Query::Body("w \u{2603} m".into()), true),
        (Query::Body("\u{2604}".into()), false),
        (Query::From("\"B".into()), true),
        (Query::From("BOSS@".into()), true),
        (Query::Header("x-odd".into(), "k\\s".into()), true),
        (Query::Header("x-odd".into(), String::new()), true),
        (Query::Header("x-other".into(), String::new()), false),
        (Query::Text("\" OR ALL NOT \"".into()), false),
        (Query::Any(vec![Query::Subject("\u{2603}".into()), Query::Body("\u{2603}".into())]), true),
        (!Query::Text("nowhere".into()), true),
    ] {
        assert_eq!(client.found(&inbox, query.clone()).await.len(), usize::from(fits), "{query:?}");
    }
    let error = client.mail.search(&client.login, &inbox, &Query::Body("\0".into())).await.unwrap_err();
    assert!(matches!(error, Error::Invalid { .. }), "{error:?}");
}

async fn deep_queries(client: Client) {
    let inbox = FolderName::inbox();
    client.file(&inbox, &["one", "two", "three"]).await;
    let deep = (0..98).fold(Query::Subject("two".into()), |query, _| !query);
    assert_eq!(client.found(&inbox, deep).await, [2]);
    let deep = (0..49).fold(Query::Subject("two".into()), |query, _| query.or(Query::Uids(vec![uid(3)])));
    assert_eq!(client.found(&inbox, deep).await, [2, 3]);
    let nested = (0..49).fold(Query::Unseen, |query, _| Query::Any(vec![query.and(Query::Unseen)]));
    assert_eq!(client.found(&inbox, nested).await, [1, 2, 3]);
    let wide: Vec<_> = (0..2000).map(|number| Query::Subject(format!("{number}"))).collect();
    assert_eq!(client.found(&inbox, Query::Any(wide.clone()).or(Query::After(2))).await, [3]);
    assert_eq!(client.found(&inbox, !Query::All(wide)).await, [1, 2, 3]);
    let long = Query::Any(vec![Query::Subject("x".repeat(1000)); 100]);
    let error = client.mail.search(&client.login, &inbox, &long).await.unwrap_err();
    assert!(matches!(error, Error::Invalid { .. }), "{error:?}");
}

async fn a_message_id_is_the_very_one(client: Client) {
    let inbox = FolderName::inbox();
    client.file(&inbox, &["a", "aa", "b", "a"]).await;
    let id = |id: &str| Query::MessageId(id.parse().unwrap());
    assert_eq!(client.found(&inbox, id("a@x.test")).await, [1, 4]);
    assert_eq!(client.found(&inbox, !id("a@x.test")).await, [2, 3]);
    assert_eq!(client.found(&inbox, id("aa@x.test").or(id("b@x.test")).and(Query::After(2))).await, [3]);
    assert!(client.found(&inbox, id("@x.test")).await.is_empty());
}

async fn changes_are_told(client: Client) {
    let folder = client.make("work").await;
    let uid_validity = client.file(&folder, &["one", "two", "three", "four"]).await;
    let before = client.mail.status(&client.login, &folder).await.unwrap().modseq.unwrap();
    let all = client.mail.changes(&client.login, &folder, uid_validity, 0).await.unwrap();
    assert_eq!((all.changed.len(), all.vanished.len()), (4, 0), "{all:?}");
    let none = client.mail.changes(&client.login, &folder, uid_validity, before).await.unwrap();
    assert!(none.changed.is_empty() && none.vanished.is_empty(), "{none:?}");
    let keyword = Flag::keyword("handled").unwrap();
    let add = FlagChange::Add(vec![Flag::Flagged, keyword.clone()]);
    client.mail.change_flags(&client.login, &folder, uid_validity, &[uid(2)], &add).await.unwrap();
    client.mail.expunge(&client.login, &folder, uid_validity, &[uid(1), uid(3)]).await.unwrap();
    client.file(&folder, &["five"]).await;
    let changes = client.mail.changes(&client.login, &folder, uid_validity, before).await.unwrap();
    let entries: Vec<_> =
        changes.changed.iter().map(|entry| (entry.uid.get(), entry.flags.clone())).collect();
    assert_eq!(entries, [(2, vec![Flag::Flagged, keyword]), (5, vec![])]);
    assert_eq!(changes.vanished, [uid(1), uid(3)]);
    assert!(changes.modseq > before);
    // The session speaks of messages that go by UID from now on, and counts them all the same.
    client.mail.expunge(&client.login, &folder, uid_validity, &[uid(2), uid(4)]).await.unwrap();
    assert_eq!(client.found(&folder, Query::everything()).await, [5]);
    let error = client.mail.changes(&client.login, &folder, uid_validity + 1, before).await.unwrap_err();
    assert!(matches!(error, Error::Renumbered { .. }), "{error:?}");
}

async fn messages_stream(client: Client) {
    let folder = client.make("long").await;
    let subjects: Vec<_> = (0..60).map(|number| format!("{number}")).collect();
    client.file(&folder, &subjects.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let everything = Selection::After(None);
    let all = client.mail.messages(&client.login, &folder, &everything);
    let all: Vec<_> = all.map(|message| message.unwrap().subject().to_owned()).collect().await;
    assert_eq!(all, subjects);
    let mut dropped = client.mail.messages(&client.login, &folder, &everything);
    assert_eq!(dropped.next().await.unwrap().unwrap().uid(), uid(1));
    drop(dropped);
    // One that stands still keeps nobody waiting, and a message that went is left out.
    let mut slow = client.mail.messages(&client.login, &folder, &everything);
    let first = slow.next().await.unwrap().unwrap();
    assert!(!first.is_seen());
    assert_eq!(client.found(&folder, Query::Unseen).await.len(), 60);
    assert_eq!(slow.count().await, 59);
    let mut missing = client.mail.messages(&client.login, &"nowhere".parse().unwrap(), &everything);
    let error = missing.next().await.unwrap().unwrap_err();
    assert_eq!(error.reason(), Some(Reason::NoSuchFolder), "{error}");
    assert!(missing.next().await.is_none());
}

async fn pieces_of_a_message(client: Client) {
    let inbox = FolderName::inbox();
    let message: Vec<u8> = [b"Subject: x\r\n\r\n".to_vec(), b"0123456789abcde\r\n".repeat(60_000)].concat();
    let date = SystemTime::UNIX_EPOCH + Duration::from_secs(1_709_251_199);
    let flags = [Flag::Draft, Flag::keyword("$mine").unwrap()];
    let place =
        client.mail.append(&client.login, &inbox, &message, &flags, Some(date)).await.unwrap().unwrap();
    let listed = client.mail.list(&client.login, &inbox, &Selection::After(None)).await.unwrap();
    let entry = &listed.entries[0];
    assert_eq!((entry.size, entry.internal_date), (message.len() as u64, date));
    assert_eq!(entry.flags, flags);
    let mut whole = Vec::new();
    loop {
        let at = whole.len() as u64;
        let piece = client.mail.read(&client.login, &inbox, place, at..at + 300_007).await.unwrap();
        if piece.is_empty() {
            break;
        }
        whole.extend(piece);
    }
    assert!(whole == message, "{} bytes of {}", whole.len(), message.len());
    for range in [0..0, 5..5, 1 << 31..1 << 31, (1 << 32)..(1 << 32) + 5, u64::MAX - 5..u64::MAX] {
        let bytes = client.mail.read(&client.login, &inbox, place, range.clone()).await;
        assert!(bytes.is_ok_and(|bytes| bytes.is_empty()), "{range:?}");
    }
    for number in [0, place.uid + 1, u32::MAX] {
        let at = mail_access::Position { uid: number, ..place };
        let error = client.mail.read(&client.login, &inbox, at, 0..10).await.unwrap_err();
        assert_eq!(error.reason(), Some(Reason::NoSuchMessage), "{number}: {error}");
    }
}

async fn a_selected_folder_goes_away(client: Client) {
    let folder = client.make("short").await;
    let uid_validity = client.file(&folder, &["one"]).await;
    assert_eq!(client.found(&folder, Query::Unseen).await, [1]);
    client.mail.delete_folder(&client.login, &folder).await.unwrap();
    let error = client.mail.list(&client.login, &folder, &Selection::Unseen).await.unwrap_err();
    assert_eq!(error.reason(), Some(Reason::NoSuchFolder), "{error}");
    client.make("short").await;
    let flag = FlagChange::Add(vec![Flag::Seen]);
    let error =
        client.mail.change_flags(&client.login, &folder, uid_validity, &[uid(1)], &flag).await.unwrap_err();
    assert!(matches!(error, Error::Renumbered { .. }), "{error:?}");
    let to = "nowhere".parse().unwrap();
    let uid_validity = client.file(&folder, &["two"]).await;
    for done in [
        client.mail.copy(&client.login, &folder, uid_validity, &[uid(1)], &to).await,
        client.mail.move_to(&client.login, &folder, uid_validity, &[uid(1)], &to).await,
    ] {
        assert_eq!(done.unwrap_err().reason(), Some(Reason::NoSuchFolder));
    }
    let to = client.make("target").await;
    let moved =
        client.mail.move_to(&client.login, &folder, uid_validity, &[uid(1), uid(7)], &to).await.unwrap();
    assert_eq!(moved.iter().map(|(from, to)| (from.get(), to.uid)).collect::<Vec<_>>(), [(1, 1)]);
    let again = client.mail.move_to(&client.login, &folder, uid_validity, &[uid(1)], &to).await.unwrap();
    assert!(again.is_empty());
    for to in ["target", "INBOX"] {
        let error =
            client.mail.rename_folder(&client.login, &folder, &to.parse().unwrap()).await.unwrap_err();
        assert_eq!(error.reason(), Some(Reason::FolderExists), "{error}");
    }
}

async fn quota_and_uses(client: Client) {
    let quota = client.mail.quota(&client.login).await.unwrap().unwrap();
    assert_eq!(quota.limit, 20 << 20);
    let message = [b"Subject: x\r\n\r\n".to_vec(), vec![b'x'; 990]].concat();
    client.mail.append(&client.login, &FolderName::inbox(), &message.repeat(100), &[], None).await.unwrap();
    let later = client.mail.quota(&client.login).await.unwrap().unwrap();
    assert!(later.used > quota.used, "{later:?}");
    let uses: BTreeMap<_, _> = client
        .mail
        .folders(&client.login)
        .await
        .unwrap()
        .into_iter()
        .map(|folder| (folder.name.to_string(), folder.special_use))
        .collect();
    assert_eq!(uses["Sent"], Some(SpecialUse::Sent));
    assert_eq!(uses["INBOX"], None);
    let full = [message.as_slice(), &vec![b'y'; 21 << 20]].concat();
    let error = client.mail.append(&client.login, &FolderName::inbox(), &full, &[], None).await.unwrap_err();
    assert_eq!(error.reason(), Some(Reason::MailboxFull), "{error}");
}

fn folder(name: &str) -> FolderName {
    name.parse().unwrap()
}

fn uid(number: u32) -> Uid {
    Uid::new(number).unwrap()
}
