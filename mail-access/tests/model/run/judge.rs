//! What is chosen at random, and what has to be the same.

use std::fmt::Debug;

use mail_access::{Entry, Error, Flag, Position, Reason, Received, Selection, Uid};

use super::{NAMES, Run, folder, typed};
use crate::plain::{OWN, PlainMessage};

impl Run {
    /// Chooses a folder, and tells where it is, if it is there.
    pub(super) fn any_folder(&mut self) -> (String, Option<usize>) {
        let name = match self.random.below(11) {
            0..4 => "INBOX".to_owned(),
            4..9 => {
                let place = self.random.below(self.plain.folders.len());
                self.plain.folders[place].name.clone()
            }
            9 => (*self.random.pick(&NAMES)).to_owned(),
            _ => (*self.random.pick(&OWN)).to_owned(),
        };
        let place = self.plain.place(&name);
        (name, place)
    }

    pub(super) fn any_message(&mut self, place: Option<usize>) -> Option<PlainMessage> {
        let messages = &self.plain.folders[place?].messages;
        (!messages.is_empty()).then(|| messages[self.random.below(messages.len())].clone())
    }

    /// Chooses UIDs, those of gone and of future messages among them, and tells whether the UIDVALIDITY with them is
    /// another one than the folder's.
    pub(super) async fn some_uids(&mut self, place: Option<usize>) -> (u32, Vec<u32>, bool) {
        let Some(place) = place else { return (1, vec![1], false) };
        let uid_validity = self.uid_validity(place).await;
        let known: Vec<u32> = (1..self.plain.folders[place].uid_next + 2).collect();
        let mut uids = self.random.some(&known);
        let first = uids.len().min(1);
        uids.truncate(first + self.random.below(7));
        let is_stale = !uids.is_empty() && self.random.one_in(12);
        (if is_stale { uid_validity ^ 1 } else { uid_validity }, uids, is_stale)
    }

    pub(super) async fn selection(&mut self, place: Option<usize>) -> Selection {
        let Some(place) = place else { return Selection::After(None) };
        let (uid_validity, uids, _) = self.some_uids(Some(place)).await;
        let uid = uids.first().copied().unwrap_or(0);
        match (self.random.below(5), self.any_message(Some(place))) {
            (0, _) => Selection::After(Some(Position { uid_validity, uid })),
            (1, _) => Selection::Uids(uid_validity, typed(&uids)),
            (2, _) => Selection::Unseen,
            (3, Some(message)) => {
                Selection::MessageId(message.known.message_id.parse().expect("it is a Message-ID"))
            }
            _ => Selection::After(None),
        }
    }

    pub(super) fn is_stale(&self, place: usize, selection: &Selection) -> bool {
        let known = self.plain.folders[place].uid_validity;
        matches!(selection, Selection::Uids(uid_validity, _) if known.is_some_and(|known| known != *uid_validity))
    }

    async fn uid_validity(&mut self, place: usize) -> u32 {
        if let Some(known) = self.plain.folders[place].uid_validity {
            return known;
        }
        let name = folder(&self.plain.folders[place].name);
        let status = self.store.status(&self.login, &name).await;
        let told = self.done(status).uid_validity;
        self.numbered(place, told);
        told
    }

    /// Compares all of a folder.
    pub(super) async fn compare(&mut self, place: usize) {
        let name = folder(&self.plain.folders[place].name);
        let listed = self.store.list(&self.login, &name, &Selection::After(None)).await;
        let listing = self.done(listed);
        self.numbered(place, listing.uid_validity);
        self.same_entries(&listing.entries, &self.plain.folders[place].messages);
    }

    /// Notes the UIDVALIDITY of a folder when it is told first, and compares it ever after.
    pub(super) fn numbered(&mut self, place: usize, told: u32) {
        let known = *self.plain.folders[place].uid_validity.get_or_insert(told);
        self.same(&told, &known);
    }

    pub(super) fn same_entries(&self, told: &[Entry], expected: &[PlainMessage]) {
        let entry = |message: &PlainMessage| {
            let uid = Uid::new(message.uid).expect("it is not 0");
            Entry::new(uid, message.size, message.flags.clone(), message.date)
        };
        self.same(&told.to_vec(), &expected.iter().map(entry).collect());
    }

    pub(super) fn same_messages(&self, told: &[Received], expected: &[PlainMessage]) {
        self.same(
            &told.iter().map(|message| message.uid().get()).collect::<Vec<_>>(),
            &expected.iter().map(|message| message.uid).collect(),
        );
        for (message, plain) in told.iter().zip(expected) {
            self.same(&message.is_seen(), &plain.flags.contains(&Flag::Seen));
            self.same(&message.internal_date(), &plain.date);
            self.same(&(message.size() as u64), &plain.size);
            assert!(message.raw().ends_with(&plain.bytes), "{message:?} has other bytes\n{}", self.story());
        }
    }

    pub(super) fn same<T: Debug + PartialEq>(&self, told: &T, expected: &T) {
        assert!(told == expected, "told:     {told:?}\nexpected: {expected:?}\n{}", self.story());
    }

    pub(super) fn done<T>(&self, answer: Result<T, Error>) -> T {
        answer.unwrap_or_else(|error| panic!("{error:?}\n{}", self.story()))
    }

    /// Sees that UIDs of another UIDVALIDITY are refused, or a folder that isn't there.
    pub(super) fn refused<T: Debug>(&self, answer: &Result<T, Error>, place: Option<usize>) {
        if place.is_none() {
            return self.no_such_folder(answer);
        }
        assert!(matches!(answer, Err(Error::Renumbered { .. })), "{answer:?}\n{}", self.story());
    }

    pub(super) fn no_such_folder<T: Debug>(&self, answer: &Result<T, Error>) {
        let reason = answer.as_ref().err().and_then(Error::reason);
        assert!(reason == Some(Reason::NoSuchFolder), "{answer:?}\n{}", self.story());
    }

    pub(super) fn fail(&self, what: &str) -> ! {
        panic!("{what}\n{}", self.story())
    }

    pub(super) fn say(&mut self, what: String) {
        self.said.push(what);
    }

    /// Tells the last operations.
    pub(super) fn story(&self) -> String {
        let last = self.said.len().saturating_sub(15);
        let told = self.said.iter().enumerate().skip(last);
        told.map(|(number, said)| format!("{number}: {said}")).collect::<Vec<_>>().join("\n")
    }
}
