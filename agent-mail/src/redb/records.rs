//! The records: a tree, and in front of it the changes that it has not yet.
//!
//! A tree is slow to change in many places at a time, as each place costs a page. So changes are added to the end of a log,
//! which is in the same file, and kept in memory, where the readers find them. When they have become many they are set
//! apart and go into the tree folder by folder, some with each later change, so that no caller waits for all of
//! them; what was put and removed since never comes there.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use foldhash::fast::RandomState;
use redb::{
    Database, Error, ReadOnlyTable, ReadableDatabase, ReadableTable, Table, TableDefinition, WriteTransaction,
};

use super::changed::{Changed, Key};
use super::pairs::Batch;
use crate::backend::Committed;

pub(super) struct Records {
    database: Database,
    /// Changed by one writer at a time, in steps after which every reader sees whole changes.
    seen: RwLock<Seen>,
    /// How many bytes may be in the log before they go into the tree.
    most_logged: usize,
}

struct Seen {
    /// The last changes.
    recent: Changed,
    /// Those before them, while they go into the tree.
    settling: Option<Settling>,
    tree: Tree,
    /// Which of the two logs has the last changes, and how many bytes came for it.
    log: usize,
    logged: usize,
    /// The number of its next entry.
    next: u64,
}

/// Keys and their values, in the order of the keys.
type Found = Vec<(String, Vec<u8>)>;

/// Changes that go into the tree.
#[derive(Clone)]
struct Settling {
    changed: Arc<Changed>,
    /// How many of the keys the tree has as they are here.
    settled: usize,
    /// The folder in which the next of them is.
    folder: Option<Folder>,
    /// Which log has it.
    log: usize,
}

/// A folder, the keys of which go into the tree in their order.
#[derive(Clone)]
struct Folder {
    name: Arc<str>,
    keys: Arc<[Key]>,
    /// The number of the next one.
    next: usize,
    /// Whether the tree had nothing of it before, so that what was removed is not there.
    is_new: bool,
}

/// The tree as it was written last.
#[derive(Clone)]
struct Tree {
    table: Arc<ReadOnlyTable<&'static [u8], &'static [u8]>>,
    /// What was read of it: most looks are for the same few records of each agent.
    read: Arc<Mutex<Read>>,
}

type Read = HashMap<String, Option<Vec<u8>>, RandomState>;

impl Records {
    /// Opens a file, and brings into the tree what its log has.
    pub(super) fn open(file: File) -> Result<Self, Error> {
        Self::over(Database::builder().set_cache_size(CACHED_PAGES).create_file(file)?)
    }

    fn over(database: Database) -> Result<Self, Error> {
        let transaction = database.begin_write()?;
        {
            let mut tree = transaction.open_table(TREE)?;
            for record in transaction.open_table(OLDER_TREE)?.iter()? {
                let (key, value) = record?;
                set(&mut tree, key.value(), Some(value.value()))?;
            }
            let [one, other] = [transaction.open_table(LOGS[0])?, transaction.open_table(LOGS[1])?];
            let logs = if first(&one)? < first(&other)? { [one, other] } else { [other, one] };
            for log in logs {
                for entry in log.iter()? {
                    for (key, value) in entry?.1.value() {
                        set(&mut tree, key, value)?;
                    }
                }
            }
        }
        for log in LOGS {
            transaction.delete_table(log)?;
        }
        transaction.delete_table(OLDER_TREE)?;
        transaction.commit()?;
        let tree = Tree { table: Arc::new(database.begin_read()?.open_table(TREE)?), read: Arc::default() };
        let seen = Seen { recent: Changed::default(), settling: None, tree, log: 0, logged: 0, next: 0 };
        Ok(Self { database, seen: RwLock::new(seen), most_logged: MOST_LOGGED })
    }

    pub(super) fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.look(key, true, |value| value.map(<[u8]>::to_vec))
    }

    /// Looks at the value of a key. Where there is none that is remembered if it is `likely_again`.
    fn look<T>(
        &self,
        key: &str,
        likely_again: bool,
        see: impl FnOnce(Option<&[u8]>) -> T,
    ) -> Result<T, Error> {
        let tree = {
            let seen = self.seen();
            if let Some((_, value)) = seen.changed(key) {
                return Ok(see(value));
            }
            seen.tree.clone()
        };
        if let Some(value) = tree.read().get(key) {
            return Ok(see(value.as_deref()));
        }
        let found = tree.table.get(key.as_bytes())?;
        let value = found.as_ref().map(redb::AccessGuard::value);
        if value.map_or(likely_again, |value| value.len() <= LARGEST_KEPT) {
            tree.remember(key, value);
        }
        Ok(see(value))
    }

    pub(super) fn scan(&self, prefix: &str) -> Result<Found, Error> {
        Ok(self.scan_some(prefix, usize::MAX)?.unwrap_or_default())
    }

    /// Scans if there are at most so many records to look at; else returns `None`.
    pub(super) fn scan_some(&self, prefix: &str, most: usize) -> Result<Option<Found>, Error> {
        let (recent, tree) = {
            let seen = self.seen();
            let settling = seen.settling.as_ref();
            let mut changed = settling.map(|it| it.changed.scan(prefix, most)).unwrap_or_default();
            changed.extend(seen.recent.scan(prefix, most));
            if changed.len() > most {
                return Ok(None);
            }
            (changed, seen.tree.clone())
        };
        let mut left = most - recent.len();
        let mut recent = recent.into_iter().peekable();
        let mut found = Vec::new();
        for record in tree.table.range::<&[u8]>(prefix.as_bytes()..)? {
            let (key, value) = record?;
            if !key.value().starts_with(prefix.as_bytes()) {
                break;
            }
            let key = str::from_utf8(key.value()).map_err(|source| Error::Corrupted(source.to_string()))?;
            if left == 0 {
                return Ok(None);
            }
            left -= 1;
            while let Some((earlier, value)) = recent.next_if(|(recent, _)| &**recent < key) {
                found.extend(value.map(|value| (earlier, value)));
            }
            match recent.next_if(|(recent, _)| recent == key) {
                Some((key, value)) => found.extend(value.map(|value| (key, value))),
                None => found.push((key.to_owned(), value.value().to_vec())),
            }
        }
        found.extend(recent.filter_map(|(key, value)| Some((key, value?))));
        Ok(Some(found))
    }

    /// Makes changes in one transaction, each judged by what those before it have written. There is one call at a time.
    pub(super) fn write(&self, mut batch: Batch) -> Result<Vec<Committed>, Error> {
        let outcomes = self.judge(&batch)?;
        let is_done = |outcome: &&Committed| **outcome == Committed::Done;
        let done: Vec<Range<usize>> = batch
            .changes()
            .zip(&outcomes)
            .filter(|(_, outcome)| is_done(outcome))
            .map(|((_, writes), _)| writes)
            .collect();
        let entry: Vec<_> = done.iter().cloned().flatten().map(|number| batch.written.pair(number)).collect();
        if entry.is_empty() {
            return Ok(outcomes);
        }
        // With those that were refused, which stay in memory as long.
        let size = batch.written.bytes();
        let (log, number, settling) = self.begin();
        let transaction = self.database.begin_write()?;
        transaction.open_table(LOGS[log])?.insert(number, entry)?;
        let settling = settling.map(|it| it.go_on(&transaction, size)).transpose()?;
        transaction.commit()?;
        batch.written.shrink();
        let part = {
            let mut seen = self.seen_mut();
            seen.next = number + 1;
            seen.logged += size;
            seen.recent.add(batch.written)
        };
        for some in done.chunks(AT_A_TIME) {
            // Some at a time, so that no reader waits for all of them, and none for each.
            let steps: Vec<_> = {
                let seen = self.seen();
                some.iter().cloned().flatten().map(|number| seen.recent.prepare(part, number)).collect()
            };
            let mut seen = self.seen_mut();
            for step in steps {
                seen.recent.set(step);
            }
        }
        self.look_anew(settling);
        Ok(outcomes)
    }

    /// Says of each change whether what it expects holds, once those before it are made.
    fn judge(&self, batch: &Batch) -> Result<Vec<Committed>, Error> {
        let hasher = RandomState::default();
        let mut fresh: HashMap<&str, Option<&[u8]>, _> =
            HashMap::with_capacity_and_hasher(batch.written.len(), hasher);
        let mut outcomes = Vec::new();
        for (expects, writes) in batch.changes() {
            let mut outcome = Committed::Done;
            for (key, expected) in expects.map(|number| batch.expected.pair(number)) {
                let holds = match fresh.get(key) {
                    Some(value) => *value == expected,
                    // What is expected not to be there mostly comes with this change.
                    None => self.look(key, false, |value| value == expected)?,
                };
                if !holds {
                    outcome = Committed::Conflict;
                    break;
                }
            }
            if outcome == Committed::Done {
                fresh.extend(writes.map(|number| batch.written.pair(number)));
            }
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    /// Sets the last changes apart if they have become many and those before them are in the tree. Returns the log and the
    /// number of its next entry, and what is to go into the tree.
    fn begin(&self) -> (usize, u64, Option<Settling>) {
        let mut seen = self.seen_mut();
        if seen.settling.is_none() && seen.logged >= self.most_logged {
            let next = Changed::with_room_of(&seen.recent);
            let changed = Arc::new(std::mem::replace(&mut seen.recent, next));
            seen.settling = Some(Settling { changed, settled: 0, folder: None, log: seen.log });
            (seen.log, seen.logged) = (1 - seen.log, 0);
        }
        (seen.log, seen.next, seen.settling.clone())
    }

    /// Lets go of the pages that were in use at the last look, so that they can be written again, and of what is in the
    /// tree now. `settling` says how far that is, if there is anything to settle.
    fn look_anew(&self, settling: Option<Settling>) {
        // An earlier look shows the same records.
        let Ok(transaction) = self.database.begin_read() else { return };
        let Ok(table) = transaction.open_table(TREE) else { return };
        let mut seen = self.seen_mut();
        seen.tree.table = Arc::new(table);
        if settling.as_ref().is_some_and(Settling::is_done) {
            seen.tree.read = Arc::default();
        }
        let before = std::mem::replace(&mut seen.settling, settling.filter(|settling| !settling.is_done()));
        drop(seen);
        // Not while readers wait: it may be the last of many records.
        drop(before);
    }

    fn seen(&self) -> RwLockReadGuard<'_, Seen> {
        self.seen.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn seen_mut(&self) -> RwLockWriteGuard<'_, Seen> {
        self.seen.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    /// Returns a key with what it was changed to, if that is not in the tree yet.
    fn changed(&self, key: &str) -> Option<(&str, Option<&[u8]>)> {
        self.recent.get(key).or_else(|| self.settling.as_ref()?.changed.get(key))
    }
}

impl Settling {
    fn is_done(&self) -> bool {
        self.settled == self.changed.len()
    }

    /// Brings about so many bytes of it into the tree, and with the last of them drops its log. As many as come meanwhile
    /// keep an even pace, and all are there before the next are set apart.
    fn go_on(mut self, transaction: &WriteTransaction, bytes: usize) -> Result<Self, Error> {
        let mut tree = transaction.open_table(TREE)?;
        let mut moved = 0;
        while let Some((key, is_new)) = self.next(&tree)? {
            let (key, value) = self.changed.last(key);
            self.settled += 1;
            if value.is_some() || !is_new {
                set(&mut tree, key, value)?;
            }
            moved += key.len() + value.map_or(0, <[u8]>::len);
            if moved >= bytes {
                break;
            }
        }
        if self.is_done() {
            transaction.delete_table(LOGS[self.log])?;
        }
        Ok(self)
    }

    /// Returns the next key, and whether it is in a folder that the tree doesn't know: in the order of the folders and of
    /// the keys in each, as neighbours share pages.
    fn next(&mut self, tree: &Table<'_, &[u8], &[u8]>) -> Result<Option<(Key, bool)>, Error> {
        loop {
            if let Some(Folder { keys, next, is_new, .. }) = &mut self.folder
                && let Some(key) = keys.get(*next)
            {
                *next += 1;
                return Ok(Some((*key, *is_new)));
            }
            let before = self.folder.as_ref().map(|folder| &*folder.name);
            let Some((name, keys)) = self.changed.next_folder(before) else { return Ok(None) };
            let first = tree.range::<&[u8]>(name.as_bytes()..)?.next().transpose()?;
            let is_new = first.is_none_or(|(key, _)| !key.value().starts_with(name.as_bytes()));
            self.folder = Some(Folder { name, keys: keys.into(), next: 0, is_new });
        }
    }
}

impl Tree {
    fn remember(&self, key: &str, value: Option<&[u8]>) {
        let mut read = self.read();
        if read.len() == MOST_READ {
            read.clear();
        }
        read.insert(key.to_owned(), value.map(<[u8]>::to_vec));
    }

    fn read(&self) -> MutexGuard<'_, Read> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shows how much the tree has not yet.
impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records").field("logged", &self.seen().logged).finish_non_exhaustive()
    }
}

/// Returns the number of a log's first entry.
fn first(log: &Table<'_, u64, Vec<Written>>) -> Result<Option<u64>, Error> {
    Ok(log.first()?.map(|(number, _)| number.value()))
}

fn set(table: &mut Table<'_, &[u8], &[u8]>, key: &str, value: Option<&[u8]>) -> Result<(), Error> {
    match value {
        Some(value) => table.insert(key.as_bytes(), value)?,
        None => table.remove(key.as_bytes())?,
    };
    Ok(())
}

/// The records by key, without the changes that only the log has. The keys are text, but bytes are compared faster.
const TREE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("tree");

/// The same as it was written before; what is there goes into the tree when the file is opened.
const OLDER_TREE: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("records");

/// What was written since, in its order: the changes that are going into the tree are in one, the last ones in the other.
const LOGS: [TableDefinition<'_, u64, Vec<Written>>; 2] =
    [TableDefinition::new("log"), TableDefinition::new("log-2")];

/// A key and its value from then on.
type Written = (&'static str, Option<&'static [u8]>);

/// So many bytes of changes are set apart to go into the tree; about as many again come while they do.
const MOST_LOGGED: usize = 16 << 20;

/// So many bytes of pages are kept in memory at most; redb's own bound is a gigabyte.
const CACHED_PAGES: usize = 64 << 20;

/// So many changes are shown to the readers at a time.
const AT_A_TIME: usize = 1024;

/// So many records that were read are remembered at most, none of them longer than that in bytes.
const MOST_READ: usize = 1 << 15;
const LARGEST_KEPT: usize = 512;

#[cfg(test)]
mod tests;
