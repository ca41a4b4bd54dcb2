//! Calls that change nothing.

use std::future::poll_fn;

use mail_access::{Position, Query};

use super::{QUOTA_MIB, Run, folder, untyped};
use crate::queries::{fits, query};

impl Run {
    pub(super) async fn search(&mut self) {
        let (name, place) = self.any_folder();
        let Some(place) = place else {
            let answer = self.store.search(&self.login, &folder(&name), &Query::Unseen).await;
            return self.no_such_folder(&answer);
        };
        let query = query(&mut self.random, &self.plain.folders[place], &self.flags, 2);
        self.say(format!("search {name} for {query:?}"));
        let found = self.store.search(&self.login, &folder(&name), &query).await;
        let found = self.done(found);
        let expected = self.plain.folders[place].messages.iter().filter(|message| fits(&query, message));
        self.same(&untyped(&found.uids), &expected.map(|message| message.uid).collect::<Vec<_>>());
        self.numbered(place, found.uid_validity);
    }

    pub(super) async fn list(&mut self) {
        let (name, place) = self.any_folder();
        let selection = self.selection(place).await;
        self.say(format!("list {name} {selection:?}"));
        let listed = self.store.list(&self.login, &folder(&name), &selection).await;
        let Some(place) = place else { return self.no_such_folder(&listed) };
        if self.is_stale(place, &selection) {
            return self.refused(&listed, Some(place));
        }
        let listing = self.done(listed);
        self.numbered(place, listing.uid_validity);
        self.same_entries(&listing.entries, &self.plain.folders[place].selected(&selection));
    }

    pub(super) async fn stream(&mut self) {
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
                Some(error) if place.is_none() => return self.no_such_folder(&error),
                Some(error) => return self.refused(&error, place),
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

    pub(super) async fn status(&mut self) {
        let (name, place) = self.any_folder();
        self.say(format!("status of {name}"));
        let status = self.store.status(&self.login, &folder(&name)).await;
        let Some(place) = place else { return self.no_such_folder(&status) };
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

    pub(super) async fn changes(&mut self) {
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
        let as_they_are: Vec<u32> = changes.changed.iter().map(|entry| entry.uid.get()).collect();
        let vanished = untyped(&changes.vanished);
        self.same_entries(&changes.changed, &plain.with(&as_they_are));
        for uid in &plain.history[happened..] {
            let told = if present.contains(uid) { &as_they_are } else { &vanished }.contains(uid);
            assert!(told, "{uid} is missing in {changes:?}\n{}", self.story());
        }
        assert!(!vanished.iter().any(|uid| present.contains(uid)), "{changes:?}\n{}", self.story());
        assert!(changes.modseq >= since, "{changes:?}\n{}", self.story());
        let happened = plain.history.len();
        self.plain.folders[place].states.push((changes.modseq, happened));
    }

    pub(super) async fn fetch(&mut self) {
        let (selection, limit) = (self.selection(Some(0)).await, self.random.below(7));
        self.say(format!("fetch {limit} {selection:?}"));
        let batch = self.store.fetch(&self.login, &selection, limit).await;
        if self.is_stale(0, &selection) {
            return self.refused(&batch, Some(0));
        }
        let batch = self.done(batch);
        self.numbered(0, batch.uid_validity);
        let mut expected = self.plain.folders[0].selected(&selection);
        self.same(&batch.more, &(expected.len() > limit.max(1)));
        expected.truncate(limit.max(1));
        self.same_messages(&batch.messages, &expected);
    }

    pub(super) async fn quota(&mut self) {
        self.say("quota".to_owned());
        let quota = self.store.quota(&self.login).await;
        let quota = self.done(quota).unwrap_or_else(|| self.fail("there is no quota"));
        self.same(&quota.used, &(self.plain.used().div_ceil(1_024) * 1_024));
        self.same(&quota.limit, &(u64::from(QUOTA_MIB) << 20));
    }

    pub(super) async fn read(&mut self) {
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
