//! Messages that come, change and go.

use std::time::{Duration, SystemTime};

use mail_access::{Flag, FlagChange, FolderName, NewMessage, Position, Selection};

use super::{PATIENCE, Run, folder, typed};
use crate::letters::{Known, letter, phrase};
use crate::plain::PlainMessage;

impl Run {
    pub(super) async fn append(&mut self) {
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
        let Some(place) = place else { return self.no_such_folder(&filed) };
        let at = self.done(filed).unwrap_or_else(|| self.fail("no place is told"));
        let size = bytes.len() as u64;
        let mut message = PlainMessage { uid: 0, flags: Vec::new(), date, size, known, bytes };
        message.flags.extend(flags);
        message.flags.sort();
        let uid = self.plain.folders[place].add(message);
        self.same(&at.uid, &uid);
        self.numbered(place, at.uid_validity);
    }

    pub(super) async fn deliver(&mut self) {
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
        let ended = self.store.wait(&self.login, before, PATIENCE).await;
        self.done(ended);
        // Its size and date the system alone knows.
        let arrived = Selection::Uids(uid_validity, typed(&[uid]));
        let listed = self.store.list(&self.login, &inbox, &arrived).await;
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

    pub(super) async fn change_flags(&mut self) {
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
            _ => self.refused(&changed, place),
        }
    }

    pub(super) async fn copy_or_move(&mut self, moving: bool) {
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
        let Some(place) = place.filter(|_| !is_stale) else { return self.refused(&answer, place) };
        let messages = self.plain.folders[place].with(&uids);
        let Some(target) = target.or(messages.is_empty().then_some(place)) else {
            return self.no_such_folder(&answer);
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

    pub(super) async fn expunge(&mut self) {
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
            _ => self.refused(&expunged, place),
        }
    }

    pub(super) async fn mark_seen(&mut self) {
        let (uid_validity, uids, is_stale) = self.some_uids(Some(0)).await;
        self.say(format!("mark {uids:?} stale {is_stale}"));
        let marked = self.store.mark_seen(&self.login, uid_validity, &typed(&uids)).await;
        if is_stale {
            return self.refused(&marked, Some(0));
        }
        self.done(marked);
        self.plain.folders[0].change(&uids, &FlagChange::Add(vec![Flag::Seen]));
        self.compare(0).await;
    }
}
