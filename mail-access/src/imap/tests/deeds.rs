//! What `MessageStore` does, as a server hears it: every method, over a server that offers much and one that offers little.

mod changing;

use std::time::SystemTime;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, TryStreamExt};

use super::*;
use crate::{Flag, FlagChange, FolderName, MessageStore, Query, SmtpImap};

pub(super) use changing::CHANGING;

/// A call, and what is said meanwhile.
pub(super) struct Deed {
    pub(super) name: &'static str,
    /// What the server offers.
    pub(super) offers: &'static str,
    /// Each command, in the parts between which the server asks for more, and its answer; `@` stands for the tag. An
    /// answer without it ends in a plain OK.
    pub(super) talk: &'static [(&'static [&'static str], &'static str)],
    pub(super) act: fn(SmtpImap) -> Done,
    /// What comes of it.
    pub(super) gives: &'static str,
    /// From which command on it changes something.
    pub(super) changes_at: usize,
}

type Done = BoxFuture<'static, Result<String, Error>>;

impl Deed {
    /// Plays the first commands, and the next one with another answer.
    pub(super) fn dialogue(&self, instead: Option<(usize, &str)>) -> Dialogue {
        let mut dialogue = greeting("SASL-IR AUTH=PLAIN")
            .hears("L1 AUTHENTICATE PLAIN AGFkYUBhZ2VudHMuZXhhbXBsZQBjYW5hcnk=\r\n")
            .says(format!("L1 OK [CAPABILITY IMAP4rev1 {}] in\r\n", self.offers));
        for (number, (parts, answer)) in self.talk.iter().enumerate() {
            let tag = format!("A{}", number + 1);
            for (index, part) in parts.iter().enumerate() {
                let begin = if index == 0 { format!("{tag} ") } else { String::new() };
                dialogue = dialogue.hears(format!("{begin}{part}\r\n"));
                if index + 1 < parts.len() {
                    dialogue = dialogue.says("+ go on\r\n");
                }
            }
            if let Some((_, instead)) = instead.filter(|(at, _)| *at == number) {
                return dialogue.says(instead.replace('@', &tag)).closes();
            }
            let end = if answer.contains('@') { "" } else { "@ OK done\r\n" };
            dialogue = dialogue.says(format!("{answer}{end}").replace('@', &tag));
        }
        dialogue
    }
}

pub(super) fn show<T: std::fmt::Debug>(done: Result<T, Error>) -> Result<String, Error> {
    done.map(|value| format!("{value:?}"))
}

pub(super) fn work() -> FolderName {
    "work".parse().unwrap()
}

/// Puts a deed together, in the order of its fields.
const fn deed(
    name: &'static str,
    offers: &'static str,
    talk: &'static [(&'static [&'static str], &'static str)],
    act: fn(SmtpImap) -> Done,
    gives: &'static str,
    changes_at: usize,
) -> Deed {
    Deed { name, offers, talk, act, gives, changes_at }
}

fn folders(mail: SmtpImap) -> Done {
    async move {
        let folders = mail.folders(&ada()).await?;
        let shown = folders.iter().map(|folder| {
            let marks = [(folder.selectable, "s"), (folder.subscribed, "o")];
            let marks: String = marks.iter().filter(|(is, _)| *is).map(|(_, mark)| *mark).collect();
            format!("{}:{marks}:{:?}", folder.name, folder.special_use)
        });
        Ok(shown.collect::<Vec<_>>().join(" "))
    }
    .boxed()
}

fn search(mail: SmtpImap) -> Done {
    async move {
        let query = Query::Subject("\u{fc}".into()).and(Query::Unseen);
        let found = mail.search(&ada(), &work(), &query).await?;
        Ok(format!("{} {:?}", found.uid_validity, found.uids.iter().map(|uid| uid.get()).collect::<Vec<_>>()))
    }
    .boxed()
}

fn changes(mail: SmtpImap) -> Done {
    async move {
        let changes = mail.changes(&ada(), &work(), 7, 4).await?;
        let rows: Vec<_> = changes.changed.iter().map(|entry| (entry.uid.get(), entry.flags.len())).collect();
        let vanished: Vec<_> = changes.vanished.iter().map(|uid| uid.get()).collect();
        Ok(format!("{} {rows:?} {vanished:?}", changes.modseq))
    }
    .boxed()
}

pub(super) const READING: &[Deed] = &[
    deed(
        "folders",
        "LIST-EXTENDED SPECIAL-USE",
        &[(
            &[r#"LIST "" "*" RETURN (SUBSCRIBED SPECIAL-USE)"#],
            "* LIST (\\Subscribed \\Sent) \"/\" Sent\r\n* LIST () \"/\" inbox\r\n* LIST (\\NonExistent) NIL {4}\r\n\
                 a\"\\b\r\n* LIST () \"/\" \"c\\\"\\\\d\"\r\n* LIST () \"/\" \"&APw-\"\r\n* LIST () \"/\" \"&bad\"\r\n",
        )],
        folders,
        "INBOX:s:None Sent:so:Some(Sent) a\"\\b::None c\"\\d:s:None \u{fc}:s:None",
        9,
    ),
    deed(
        "folders by LSUB",
        "X",
        &[
            (&[r#"LIST "" "*""#], "* LIST (\\HasNoChildren) \".\" a\r\n* LIST () \".\" b\r\n"),
            (&[r#"LSUB "" "*""#], "* LSUB () \".\" b\r\n* LSUB () \".\" gone\r\n"),
        ],
        folders,
        "a:s:None b:so:None",
        9,
    ),
    deed(
        "status",
        "CONDSTORE",
        &[(
            &[r#"STATUS "work" (MESSAGES UNSEEN UIDNEXT UIDVALIDITY HIGHESTMODSEQ)"#],
            "* STATUS {4}\r\nwork (MESSAGES 3 UNSEEN 1 UIDNEXT 10 UIDVALIDITY 7 HIGHESTMODSEQ 5000000000)\r\n",
        )],
        |mail| async move { show(mail.status(&ada(), &work()).await) }.boxed(),
        "FolderStatus { messages: 3, unseen: 1, uid_next: 10, uid_validity: 7, modseq: Some(5000000000) }",
        9,
    ),
    deed(
        "search",
        "ESEARCH LITERAL+",
        &[
            (&[r#"SELECT "work""#], SELECTED),
            (
                &["UID SEARCH RETURN (ALL) CHARSET UTF-8 UID 1:9 (SUBJECT {2+}\r\n\u{fc} UNSEEN)"],
                "* ESEARCH (TAG \"A2\") UID ALL 5,8:9,3\r\n",
            ),
        ],
        search,
        "7 [3, 5, 8, 9]",
        9,
    ),
    deed(
        "search without extensions",
        "X",
        &[
            (&[r#"SELECT "work""#], SELECTED),
            (
                &["UID SEARCH CHARSET UTF-8 UID 1:9 (SUBJECT {2}", "\u{fc} UNSEEN)"],
                "* SEARCH\r\n* SEARCH 5 3 3\r\n* SEARCH 20 \r\n",
            ),
        ],
        search,
        "7 [3, 5]",
        9,
    ),
    deed(
        "list",
        "X",
        &[
            (&[r#"SELECT "work""#], SELECTED),
            (
                &["UID FETCH 4:9 (UID FLAGS RFC822.SIZE INTERNALDATE)"],
                "* 2 FETCH (UID 5 FLAGS (\\Seen \\Recent Mine) RFC822.SIZE 9 INTERNALDATE \"01-Jan-1970 00:00:01 +0000\")\r\n\
                     * 1 FETCH (FLAGS (\\Deleted))\r\n",
            ),
        ],
        |mail| {
            async move {
                let after = Selection::After(Some(Position { uid_validity: 7, uid: 3 }));
                let listing = mail.list(&ada(), &work(), &after).await?;
                let entry = &listing.entries[0];
                let flags: Vec<_> = entry.flags.iter().map(ToString::to_string).collect();
                Ok(format!("{} {} {flags:?}", listing.entries.len(), entry.uid))
            }
            .boxed()
        },
        "1 5 [\"\\\\Seen\", \"mine\"]",
        9,
    ),
    deed(
        "read",
        "X",
        &[
            (&[r#"SELECT "work""#], SELECTED),
            (&["UID FETCH 5 (UID BODY.PEEK[]<2.4>)"], "* 2 FETCH (UID 5 BODY[]<2> {3}\r\nabc)\r\n"),
        ],
        |mail| {
            async move { show(mail.read(&ada(), &work(), Position { uid_validity: 7, uid: 5 }, 2..6).await) }
                .boxed()
        },
        "[97, 98, 99]",
        9,
    ),
    deed(
        "messages",
        "X",
        &[
            (&[r#"EXAMINE "work""#], SELECTED),
            (
                &["UID FETCH 1:9 (UID RFC822.SIZE)"],
                "* 1 FETCH (UID 3 RFC822.SIZE 1)\r\n* 2 FETCH (UID 5 RFC822.SIZE 1)\r\n* 3 FETCH (UID 9 RFC822.SIZE 4000000000)\r\n",
            ),
            (
                &["UID FETCH 3,5 (UID FLAGS INTERNALDATE BODY.PEEK[])"],
                "* 1 FETCH (UID 3 FLAGS () INTERNALDATE \"01-Jan-1970 00:00:01 +0000\" BODY[] {1}\r\nx)\r\n* 3 EXPUNGE\r\n",
            ),
            (&["UID FETCH 5 (UID RFC822.SIZE)"], ""),
            (
                &["UID FETCH 9 (UID FLAGS INTERNALDATE BODY.PEEK[HEADER]<0.1048576>)"],
                "* 2 FETCH (UID 9 FLAGS (\\Seen) INTERNALDATE \"01-Jan-1970 00:00:01 +0000\" BODY[HEADER]<0> {4}\r\n\
                     a: b)\r\n@ OK done\r\n",
            ),
            (&["LOGOUT"], "* BYE\r\n"),
        ],
        |mail| {
            async move {
                let read: Vec<_> =
                    mail.messages(&ada(), &work(), &Selection::After(None)).try_collect().await?;
                let shown =
                    read.iter().map(|one| format!("{}:{}:{}", one.uid(), one.is_truncated(), one.size()));
                Ok(shown.collect::<Vec<_>>().join(" "))
            }
            .boxed()
        },
        "3:false:1 9:true:4",
        9,
    ),
    deed(
        "changes",
        "CONDSTORE QRESYNC ENABLE UNSELECT",
        &[
            (&["ENABLE QRESYNC"], "* ENABLED X-A QRESYNC\r\n"),
            (&[r#"SELECT "work" (CONDSTORE)"#], SELECTED),
            (
                &["UID FETCH 1:4294967295 (UID FLAGS RFC822.SIZE INTERNALDATE) (CHANGEDSINCE 4 VANISHED)"],
                "* VANISHED (EARLIER) 1:2,4,4000000000\r\n* 1 FETCH (UID 3 RFC822.SIZE 1 MODSEQ (6) FLAGS (a b) \
                     INTERNALDATE \"01-Jan-1970 00:00:01 +0000\")\r\n",
            ),
        ],
        changes,
        "6 [(3, 2)] [1, 2, 4]",
        9,
    ),
    deed(
        "changes without QRESYNC",
        "CONDSTORE",
        &[
            (&[r#"SELECT "work" (CONDSTORE)"#], SELECTED),
            (
                &["UID FETCH 1:4294967295 (UID FLAGS RFC822.SIZE INTERNALDATE) (CHANGEDSINCE 4)"],
                "* 3 FETCH (UID 9 RFC822.SIZE 1 MODSEQ (6) FLAGS () INTERNALDATE \"01-Jan-1970 00:00:01 +0000\")\r\n",
            ),
            (&["UID SEARCH UID 1:9 ALL"], "* SEARCH 3 5 9\r\n"),
        ],
        changes,
        "6 [(9, 0)] [1, 2, 4, 6, 7, 8]",
        9,
    ),
    deed(
        "quota",
        "QUOTA",
        &[(
            &["GETQUOTAROOT INBOX"],
            "* QUOTAROOT INBOX \"a\" {1}\r\nb\r\n* QUOTA \"a\" (STORAGE 1 100 MESSAGE 1 2)\r\n* QUOTA {1}\r\nb (STORAGE 9 10)\r\n\
                 * QUOTA c ()\r\n",
        )],
        |mail| async move { show(mail.quota(&ada()).await) }.boxed(),
        "Some(Quota { used: 9216, limit: 10240 })",
        9,
    ),
];

pub(super) const SELECTED: &str = "* FLAGS (\\Seen)\r\n* 3 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 10] x\r\n\
                        * OK [HIGHESTMODSEQ 6] x\r\n";
