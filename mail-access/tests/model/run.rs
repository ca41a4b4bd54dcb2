//! Does random things to a mailbox and to the plain model, and compares the answers.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use mail_access::conformance::{Harness, Missing};
use mail_access::{
    Entry, Error, Flag, FlagChange, FolderName, Login, MessageStore, NewMessage, Position, Reason, Received,
    Selection, Uid,
};

use crate::letters::{Known, letter, phrase};
use crate::plain::{OWN, Plain, PlainMessage};
use crate::queries::{fits, query};
use crate::random::Random;

pub(crate) struct Run {
    store: Arc<dyn MessageStore>,
    login: Login,
    sender: Login,
    plain: Plain,
    random: Random,
    written: usize,
    flags: Vec<Flag>,
    /// What was done last, for who has to find out why it went wrong.
    said: Vec<String>,
}

impl Run {
    pub(crate) async fn open(harness: &dyn Harness, seed: u64) -> Result<Self, Missing> {
        let keywords = ["Handled", "$Label1", "z"].map(|text| Flag::keyword(text).expect("it is a keyword"));
        let mut flags = vec![Flag::Seen, Flag::Flagged, Flag::Answered, Flag::Deleted, Flag::Draft];
        flags.extend(keywords);
        Ok(Self {
            store: harness.store()?,
            login: harness.small_mailbox(QUOTA_MIB).await?,
            sender: harness.mailbox().await,
            plain: Plain::new(),
            random: Random::new(seed),
            written: 0,
            flags,
            said: Vec::new(),
        })
    }

    pub(crate) async fn operate(&mut self, operations: u64) {
        for _ in 0..operations {
            match self.random.below(40) {
                0..4 => self.append().await,
                4 | 5 => self.deliver().await,
                6..10 => self.change_flags().await,
                10..13 => self.copy_or_move(false).await,
                13..15 => self.copy_or_move(true).await,
                15 | 16 => self.expunge().await,
                17 | 18 => self.create().await,
                19 => self.delete().await,
                20 => self.rename().await,
                21 => self.subscribe().await,
                22..26 => self.search().await,
                26..28 => self.list().await,
                28 | 29 => self.stream().await,
                30 | 31 => self.status().await,
                32 | 33 => self.changes().await,
                34 | 35 => self.fetch().await,
                36 => self.mark_seen().await,
                37 => self.folders().await,
                38 => self.quota().await,
                _ => self.read().await,
            }
        }
        self.folders().await;
        self.quota().await;
        for place in 0..self.plain.folders.len() {
            self.compare(place).await;
        }
    }

    async fn append(&mut self) {
        let (name, place) = self.any_folder();
        let (known, bytes) = match self.any_message(place) {
            // The same once more.
            Some(message) if self.random.one_in(6) && message.known.message_id.contains("model") => {
                (message.known, message.bytes)
            }
            _ => {
                self.written += 1;
                letter(&mut self.random, self.written)
            }
        };
        let flags = self.random.some(&self.flags);
        let date =
            SystemTime::UNIX_EPOCH + Duration::from_secs(1_577_836_800 + self.random.below(400_000) as u64);
        self.say(format!("append to {name} {flags:?}"));
        let filed = self.store.append(&self.login, &folder(&name), &bytes, &flags, Some(date)).await;
        let Some(place) = place else { return self.no_such_folder(filed) };
        let at = self.done(filed).unwrap_or_else(|| self.fail("no place is told"));
        let size = bytes.len() as u64;
        let mut message = PlainMessage { uid: 0, flags: Vec::new(), date, size, known, bytes };
        message.flags.extend(flags);
        message.flags.sort();
        let uid = self.plain.folders[place].add(message);
        self.same(&at.uid, &uid);
        self.numbered(place, at.uid_validity);
    }

    async fn deliver(&mut self) {
        let (subject, text) = (phrase(&mut self.random), phrase(&mut self.random));
        self.say(format!("deliver {subject}"));
        let (from, to) = (self.sender.address().clone(), self.login.address().clone());
        let message = NewMessage::to(&to).with_subject(&subject).with_text(&text);
        let message = message.seal(&(&from).into()).expect("it can be written");
        let submitted = self.store.submit(&self.sender, &message).await;
        self.done(submitted);
        let inbox = FolderName::inbox();
        let uid = self.plain.folders[0].uid_next;
        let known = self.store.status(&self.login, &inbox).await;
        let uid_validity = self.done(known).uid_validity;
        let before = Position { uid_validity, uid: uid - 1 };
        let waited = self.store.wait(&self.login, before, PATIENCE).await;
        self.done(waited);
        // Its size and date the system alone knows.
        let wanted = Selection::Uids(uid_validity, vec![Uid::new(uid).expect("it is not 0")]);
        let listed = self.store.list(&self.login, &inbox, &wanted).await;
        let entry = self.done(listed).entries.pop().unwrap_or_else(|| self.fail("it did not arrive"));
        let fields = vec![("from", from.to_string()), ("subject", subject)];
        let message_id = message.message_id().as_str().to_owned();
        let known = Known { message_id, fields, bodies: vec![text] };
        let bytes = message.bytes().to_vec();
        self.plain.folders[0].add(PlainMessage {
            uid,
            flags: Vec::new(),
            date: entry.internal_date,
            size: entry.size,
            known,
            bytes,
        });
        self.numbered(0, uid_validity);
    }

    async fn change_flags(&mut self) {
        let (name, place) = self.any_folder();
        let (uid_validity, uids, is_stale) = self.some_uids(place).await;
        let flags = self.random.some(&self.flags);
        let change = match self.random.below(3) {
            0 => FlagChange::Add(flags),
            1 => FlagChange::Remove(flags),
            _ => FlagChange::Set(flags),
        };
        self.say(format!("change flags in {name} of {uids:?} stale {is_stale}: {change:?}"));
        let wanted = typed(&uids);
        let changed =
            self.store.change_flags(&self.login, &folder(&name), uid_validity, &wanted, &change).await;
        match place {
            Some(place) if !is_stale => {
                self.done(changed);
                self.plain.folders[place].change(&uids, &change);
                self.compare(place).await;
            }
            _ => self.refused(changed, place),
        }
    }

    async fn copy_or_move(&mut self, moving: bool) {
        let (name, place) = self.any_folder();
        let (target_name, target) = self.any_folder();
        let (uid_validity, uids, is_stale) = self.some_uids(place).await;
        self.say(format!("move {moving} from {name} to {target_name} {uids:?} stale {is_stale}"));
        let (from, to, wanted) = (folder(&name), folder(&target_name), typed(&uids));
        let answer = if moving {
            self.store.move_to(&self.login, &from, uid_validity, &wanted, &to).await
        } else {
            self.store.copy(&self.login, &from, uid_validity, &wanted, &to).await
        };
        let Some(place) = place.filter(|_| !is_stale) else { return self.refused(answer, place) };
        let messages = self.plain.folders[place].with(&uids);
        let Some(target) = target.or(messages.is_empty().then_some(place)) else {
            return self.no_such_folder(answer);
        };
        let told = self.done(answer);
        if moving {
            self.plain.folders[place].remove(&uids);
        }
        let copied =
            messages.into_iter().map(|message| (message.uid, self.plain.folders[target].add(message)));
        let expected: Vec<(u32, u32)> = copied.collect();
        self.same(&told.iter().map(|(uid, at)| (uid.get(), at.uid)).collect::<Vec<_>>(), &expected);
        if let Some((_, at)) = told.first() {
            self.numbered(target, at.uid_validity);
        }
        self.compare(place).await;
        self.compare(target).await;
    }

    async fn expunge(&mut self) {
        let (name, place) = self.any_folder();
        let (uid_validity, uids, is_stale) = self.some_uids(place).await;
        // Few, or nothing would ever pile up.
        let uids = uids.into_iter().take(2).collect::<Vec<_>>();
        self.say(format!("expunge from {name} {uids:?} stale {is_stale}"));
        let expunged = self.store.expunge(&self.login, &folder(&name), uid_validity, &typed(&uids)).await;
        match place {
            Some(place) if !is_stale || uids.is_empty() => {
                self.done(expunged);
                self.plain.folders[place].remove(&uids);
                self.compare(place).await;
            }
            _ => self.refused(expunged, place),
        }
    }

    async fn create(&mut self) {
        let name = *self.random.pick(&NAMES);
        self.say(format!("create {name}"));
        let created = self.store.create_folder(&self.login, &folder(name)).await;
        self.done(created);
        self.plain.create(name);
    }

    async fn delete(&mut self) {
        let names = if self.random.one_in(4) { &OWN[..] } else { &NAMES[..] };
        let name = *self.random.pick(names);
        self.say(format!("delete {name}"));
        let deleted = self.store.delete_folder(&self.login, &folder(name)).await;
        self.done(deleted);
        self.plain.delete(name);
    }

    async fn rename(&mut self) {
        let (from, to) = (*self.random.pick(&NAMES), *self.random.pick(&NAMES));
        let holds_others = self.plain.place(from).is_none() && self.plain.listed().contains(&from.to_owned());
        if holds_others || self.plain.would_collide(from, to) {
            // What becomes of these the contract leaves open.
            return;
        }
        self.say(format!("rename {from} to {to}"));
        let renamed = self.store.rename_folder(&self.login, &folder(from), &folder(to)).await;
        if from == to || self.plain.place(to).is_some() || to.starts_with(&format!("{from}/")) {
            assert!(matches!(renamed, Err(Error::Refused { .. })), "{renamed:?}\n{}", self.story());
            return;
        }
        if self.plain.place(from).is_none() {
            return self.no_such_folder(renamed);
        }
        self.done(renamed);
        self.plain.rename(from, to);
        self.folders().await;
    }

    async fn subscribe(&mut self) {
        let (name, subscribed) = (*self.random.pick(&NAMES), self.random.one_in(2));
        self.say(format!("subscribe to {name}: {subscribed}"));
        let noted = self.store.subscribe(&self.login, &folder(name), subscribed).await;
        let is_ghost = self.plain.ghosts.iter().any(|ghost| ghost == name);
        if subscribed && self.plain.place(name).is_none() && !(is_ghost && noted.is_ok()) {
            return self.no_such_folder(noted);
        }
        self.done(noted);
        self.plain.subscribed.retain(|known| known != name);
        if subscribed {
            self.plain.subscribed.push(name.to_owned());
        }
    }

    async fn search(&mut self) {
        let (name, place) = self.any_folder();
        let Some(place) = place else {
            let answer = self.store.search(&self.login, &folder(&name), &mail_access::Query::Unseen).await;
            return self.no_such_folder(answer);
        };
        let query = query(&mut self.random, &self.plain.folders[place], &self.flags, 2);
        self.say(format!("search {name} for {query:?}"));
        let found = self.store.search(&self.login, &folder(&name), &query).await;
        let found = self.done(found);
        let expected = self.plain.folders[place].messages.iter().filter(|message| fits(&query, message));
        self.same(&untyped(&found.uids), &expected.map(|message| message.uid).collect::<Vec<_>>());
        self.numbered(place, found.uid_validity);
    }

    async fn list(&mut self) {
        let (name, place) = self.any_folder();
        let selection = self.selection(place).await;
        self.say(format!("list {name} {selection:?}"));
        let listed = self.store.list(&self.login, &folder(&name), &selection).await;
        let Some(place) = place else { return self.no_such_folder(listed) };
        if self.is_stale(place, &selection) {
            return self.refused(listed, Some(place));
        }
        let listing = self.done(listed);
        self.numbered(place, listing.uid_validity);
        self.same_entries(&listing.entries, &self.plain.folders[place].selected(&selection));
    }

    async fn stream(&mut self) {
        let (name, place) = self.any_folder();
        let selection = self.selection(place).await;
        // Some are dropped on the way.
        let take = if self.random.one_in(3) { self.random.below(4) } else { usize::MAX };
        self.say(format!("stream {take} of {name} {selection:?}"));
        let mut messages = self.store.messages(&self.login, &folder(&name), &selection);
        let mut read = Vec::new();
        while read.len() < take {
            match poll_fn(|context| messages.as_mut().poll_next(context)).await {
                Some(Ok(message)) => read.push(message),
                Some(error) if place.is_none() => return self.no_such_folder(error),
                Some(error) => return self.refused(error, place),
                None => break,
            }
        }
        let Some(place) = place else {
            // Whoever asks for nothing learns nothing.
            return self.same(&take, &0);
        };
        let mut expected = self.plain.folders[place].selected(&selection);
        expected.truncate(take);
        self.same_messages(&read, &expected);
    }

    async fn status(&mut self) {
        let (name, place) = self.any_folder();
        self.say(format!("status of {name}"));
        let status = self.store.status(&self.login, &folder(&name)).await;
        let Some(place) = place else { return self.no_such_folder(status) };
        let status = self.done(status);
        self.numbered(place, status.uid_validity);
        let plain = &self.plain.folders[place];
        let count = |number: u32| usize::try_from(number).expect("it is small");
        let told = (count(status.messages), count(status.unseen), status.uid_next);
        self.same(&told, &(plain.messages.len(), plain.unseen(), plain.uid_next));
        let happened = plain.history.len();
        let modseq = status.modseq.unwrap_or_else(|| self.fail("no account of changes is kept"));
        self.plain.folders[place].states.push((modseq, happened));
    }

    async fn changes(&mut self) {
        let place = self.random.below(self.plain.folders.len());
        let plain = &self.plain.folders[place];
        let (Some(uid_validity), false) = (plain.uid_validity, plain.states.is_empty()) else {
            return self.status().await;
        };
        let (name, (since, happened)) = (plain.name.clone(), *self.random.pick(&plain.states));
        self.say(format!("changes of {name} since {since}"));
        let changes = self.store.changes(&self.login, &folder(&name), uid_validity, since).await;
        let changes = self.done(changes);
        let plain = &self.plain.folders[place];
        let present: Vec<u32> = plain.messages.iter().map(|message| message.uid).collect();
        let (changed, vanished) = (
            changes.changed.iter().map(|entry| entry.uid.get()).collect::<Vec<_>>(),
            untyped(&changes.vanished),
        );
        self.same_entries(&changes.changed, &plain.with(&changed));
        for uid in &plain.history[happened..] {
            let told = if present.contains(uid) { changed.contains(uid) } else { vanished.contains(uid) };
            assert!(told, "{uid} is missing in {changes:?}\n{}", self.story());
        }
        assert!(!vanished.iter().any(|uid| present.contains(uid)), "{changes:?}\n{}", self.story());
        assert!(changes.modseq >= since, "{changes:?}\n{}", self.story());
        let happened = plain.history.len();
        self.plain.folders[place].states.push((changes.modseq, happened));
    }

    async fn fetch(&mut self) {
        let (selection, limit) = (self.selection(Some(0)).await, self.random.below(7));
        self.say(format!("fetch {limit} {selection:?}"));
        let batch = self.store.fetch(&self.login, &selection, limit).await;
        if self.is_stale(0, &selection) {
            return self.refused(batch, Some(0));
        }
        let batch = self.done(batch);
        self.numbered(0, batch.uid_validity);
        let mut expected = self.plain.folders[0].selected(&selection);
        self.same(&batch.more, &(expected.len() > limit.max(1)));
        expected.truncate(limit.max(1));
        self.same_messages(&batch.messages, &expected);
    }

    async fn mark_seen(&mut self) {
        let (uid_validity, uids, is_stale) = self.some_uids(Some(0)).await;
        self.say(format!("mark {uids:?} stale {is_stale}"));
        let marked = self.store.mark_seen(&self.login, uid_validity, &typed(&uids)).await;
        if is_stale {
            return self.refused(marked, Some(0));
        }
        self.done(marked);
        self.plain.folders[0].change(&uids, &FlagChange::Add(vec![Flag::Seen]));
        self.compare(0).await;
    }

    async fn folders(&mut self) {
        self.say("list the folders".to_owned());
        let folders = self.store.folders(&self.login).await;
        let folders = self.done(folders);
        let names: Vec<&str> = folders.iter().map(|folder| folder.name.as_str()).collect();
        self.same(&names, &self.plain.listed().iter().map(String::as_str).collect());
        for listed in &folders {
            let name = listed.name.as_str();
            self.same(&listed.special_use.is_some(), &OWN.contains(&name));
            let is_there = self.plain.place(name).is_some();
            if !self.plain.ghosts.iter().any(|ghost| ghost == name) {
                self.same(&listed.selectable, &is_there);
            }
            if is_there {
                self.same(&listed.selectable, &true);
                self.same(&listed.subscribed, &self.plain.subscribed.iter().any(|known| known == name));
            }
        }
    }

    async fn quota(&mut self) {
        self.say("quota".to_owned());
        let quota = self.store.quota(&self.login).await;
        let quota = self.done(quota).unwrap_or_else(|| self.fail("there is no quota"));
        self.same(&quota.used, &(self.plain.used().div_ceil(1_024) * 1_024));
        self.same(&quota.limit, &(u64::from(QUOTA_MIB) << 20));
    }

    async fn read(&mut self) {
        let (name, place) = self.any_folder();
        let Some(message) = self.any_message(place) else { return };
        let begin = self.random.below(message.bytes.len() + 10) as u64;
        let range = begin..begin + self.random.below(200) as u64;
        let known = self.store.status(&self.login, &folder(&name)).await;
        let at = Position { uid_validity: self.done(known).uid_validity, uid: message.uid };
        // Those of a delivered one are known from its end.
        let above = message.size - message.bytes.len() as u64;
        self.say(format!("read {range:?} of {} in {name}", message.uid));
        let read =
            self.store.read(&self.login, &folder(&name), at, range.start + above..range.end + above).await;
        let read = self.done(read);
        let place = |at: u64| usize::try_from(at).expect("it is small").min(message.bytes.len());
        self.same(&read, &message.bytes[place(range.start)..place(range.end)].to_vec());
    }
}

mod judge;

fn folder(name: &str) -> FolderName {
    name.parse().expect("it names a folder")
}

fn typed(uids: &[u32]) -> Vec<Uid> {
    uids.iter().filter_map(|uid| Uid::new(*uid)).collect()
}

fn untyped(uids: &[Uid]) -> Vec<u32> {
    uids.iter().map(|uid| uid.get()).collect()
}

const NAMES: [&str; 9] =
    ["a", "a/b", "a/b/c", "b", "b/c", "Entw\u{fc}rfe", "\u{65e5}\u{672c}/x.y", "INBOX/below", "A"];
const QUOTA_MIB: u32 = 64;
const PATIENCE: Duration = Duration::from_secs(30);
