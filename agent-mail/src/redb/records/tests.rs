use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use redb::StorageBackend;
use redb::backends::InMemoryBackend;

use super::*;
use crate::backend::Change;

/// A file in memory that survives its database, and whose disk fails after so many writes.
#[derive(Clone, Debug, Default)]
struct Disk {
    bytes: Arc<InMemoryBackend>,
    writes: Arc<AtomicU64>,
    fails_after: Option<u64>,
}

impl Disk {
    fn write(&self) -> io::Result<()> {
        let before = self.writes.fetch_add(1, Ordering::Relaxed);
        match self.fails_after {
            Some(last) if before >= last => Err(io::Error::other("the disk is full")),
            _ => Ok(()),
        }
    }

    fn records(&self, most_logged: usize) -> Records {
        let records = Records::over(Database::builder().create_with_backend(self.clone()).unwrap()).unwrap();
        Records { most_logged, ..records }
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        self.bytes.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.bytes.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.write()?;
        self.bytes.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.write()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        Disk::write(self)?;
        self.bytes.write(offset, data)
    }
}

/// Makes changes in one transaction.
fn write(records: &Records, changes: impl IntoIterator<Item = Change>) -> Result<Vec<Committed>, Error> {
    let mut batch = Batch::default();
    changes.into_iter().for_each(|mut change| batch.push(&mut change));
    records.write(batch)
}

/// Changes nothing that anybody sees, and so much that all before it goes into the tree.
fn settle(records: &Records) {
    for _ in 0..3 {
        let change = Change::new().remove("~".repeat(2000));
        assert_eq!(write(records, [change]).unwrap(), [Committed::Done]);
    }
    assert!(records.seen().settling.is_none());
    assert_eq!(records.seen().recent.len(), 1);
}

#[test]
fn readers_see_the_log_and_the_tree_as_one() {
    let disk = Disk::default();
    let records = disk.records(1);
    let change = |keys: &[(&str, Option<&str>)]| {
        keys.iter().fold(Change::new(), |change, (key, value)| match value {
            Some(value) => change.put(*key, *value),
            None => change.remove(*key),
        })
    };
    let settled = [("a/1", Some("tree")), ("a/3", Some("tree")), ("a/5", Some("tree")), ("b", Some("tree"))];
    assert_eq!(write(&records, [change(&settled)]).unwrap(), [Committed::Done]);
    settle(&records);
    let recent =
        [("a/2", Some("log")), ("a/3", None), ("a/4", None), ("a/5", Some("log")), ("a/6", Some("log"))];
    assert_eq!(write(&records, [change(&recent)]).unwrap(), [Committed::Done]);
    let found = records.scan("a/").unwrap();
    let found: Vec<_> = found.iter().map(|(key, value)| (&**key, str::from_utf8(value).unwrap())).collect();
    assert_eq!(found, [("a/1", "tree"), ("a/2", "log"), ("a/5", "log"), ("a/6", "log")]);
    assert_eq!(records.get("a/3").unwrap(), None, "it was removed since");
    assert_eq!(records.get("a/1").unwrap().unwrap(), b"tree");
    assert_eq!(records.scan("c").unwrap(), []);
}

#[test]
fn what_was_written_before_keys_were_bytes_is_there_and_brought_over_once() {
    let disk = Disk::default();
    let database = Database::builder().create_with_backend(disk.clone()).unwrap();
    let transaction = database.begin_write().unwrap();
    {
        let mut tree = transaction.open_table(OLDER_TREE).unwrap();
        for (key, value) in [("a/1", "tree"), ("a/2", "tree"), ("ä", "tree")] {
            tree.insert(key, value.as_bytes()).unwrap();
        }
        let mut log = transaction.open_table(LOGS[1]).unwrap();
        log.insert(7, vec![("a/2", Some(&b"log"[..])), ("a/3", Some(&b"log"[..])), ("a/1", None)]).unwrap();
    }
    transaction.commit().unwrap();
    drop(database);
    for _ in 0..2 {
        let records = disk.records(1);
        let found = records.scan("").unwrap();
        let found: Vec<_> =
            found.iter().map(|(key, value)| (&**key, str::from_utf8(value).unwrap())).collect();
        assert_eq!(found, [("a/2", "log"), ("a/3", "log"), ("ä", "tree")]);
        let reading = records.database.begin_read().unwrap();
        assert!(reading.open_table(OLDER_TREE).is_err(), "it is gone");
    }
}

#[test]
fn what_was_read_before_a_change_is_read_anew_behind_it() {
    let records = Disk::default().records(1);
    for round in ["one", "two", "three"] {
        assert_eq!(
            records.get("a").unwrap().as_deref(),
            if round == "one" { None } else { Some(&b"before"[..]) }
        );
        let seen = records.get("a").unwrap();
        let change = Change::new().expect("a", seen).put("a", round);
        assert_eq!(write(&records, [change]).unwrap(), [Committed::Done]);
        assert_eq!(records.get("a").unwrap().unwrap(), round.as_bytes());
        settle(&records);
        assert_eq!(records.get("a").unwrap().unwrap(), round.as_bytes());
        assert_eq!(write(&records, [Change::new().put("a", "before")]).unwrap(), [Committed::Done]);
        settle(&records);
    }
}

#[test]
fn what_is_not_in_the_tree_stays_bounded_and_no_change_brings_much_into_it() {
    let records = Disk::default().records(2000);
    for n in 0..2000 {
        let before = records.seen().settling.clone();
        let change = Change::new().put(format!("{:04}", n * 7 % 2000), vec![b'x'; 96]);
        assert_eq!(write(&records, [change]).unwrap(), [Committed::Done]);
        let seen = records.seen();
        let settling = seen.settling.as_ref().map_or(0, |settling| settling.changed.len());
        assert!(seen.recent.len() <= 21 && settling <= 20, "{} and {settling}", seen.recent.len());
        if let (Some(before), Some(after)) = (before, &seen.settling) {
            assert!(after.settled <= before.settled + 2);
        }
    }
    let reading = records.database.begin_read().unwrap();
    for log in LOGS {
        let length = reading.open_table(log).map(|log| redb::ReadableTableMetadata::len(&log).unwrap());
        assert!(length.unwrap_or(0) <= 21);
    }
    assert_eq!(records.scan("").unwrap().len(), 2000);
}

/// What a run does: changes in groups, and in between the tree is written or the program begins anew.
#[derive(Clone, Debug)]
enum Step {
    Write(Vec<Change>),
    Settle,
    Restart,
}

/// Returns one of twelve keys, in folders and folders in these.
fn key(n: u8) -> String {
    let deeper = if n > 7 { "1/" } else { "" };
    format!("{}/{deeper}{n}", n % 3)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = (0..12_u8).prop_map(key);
    let value = prop::option::of(prop::collection::vec(any::<u8>(), 0..40));
    let write = prop::collection::vec((key.clone(), value.clone()), 0..4);
    let expect = prop::collection::vec((key, value), 0..2);
    let change = (expect, write).prop_map(|(expectations, writes)| Change { expectations, writes });
    let step = prop_oneof![
        8 => prop::collection::vec(change, 1..5).prop_map(Step::Write),
        1 => Just(Step::Settle),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..40)
}

/// Makes a change to a plain map as the contract says.
fn make(model: &mut BTreeMap<String, Vec<u8>>, change: &Change) -> Committed {
    if change.expectations.iter().any(|(key, value)| model.get(key) != value.as_ref()) {
        return Committed::Conflict;
    }
    for (key, value) in &change.writes {
        match value {
            Some(value) => drop(model.insert(key.clone(), value.clone())),
            None => drop(model.remove(key)),
        }
    }
    Committed::Done
}

fn has_what_is_there(records: &Records, model: &BTreeMap<String, Vec<u8>>) {
    for prefix in ["", "0/", "1", "1/1", "1/1/", "1/1/1", "2/", "2/11"] {
        let expected: Vec<_> = model.iter().filter(|(key, _)| key.starts_with(prefix)).collect();
        let found = records.scan(prefix).unwrap();
        assert_eq!(found.iter().map(|(key, value)| (key, value)).collect::<Vec<_>>(), expected);
        for most in [1, 2, 4, 30] {
            let some = records.scan_some(prefix, most).unwrap();
            assert!(some.is_none_or(|some| some == found && most >= found.len()), "{most} of {prefix}");
        }
        // There are twelve keys, each changed in memory or in the tree.
        assert!(records.scan_some(prefix, 30).unwrap().is_some(), "{prefix}");
    }
    for n in 0..12 {
        let key = key(n);
        assert_eq!(records.get(&key).unwrap().as_ref(), model.get(&key), "{key}");
    }
}

/// Sets the expectations of about half of all changes to what is there, or else nearly all would be conflicts.
fn with_hope(change: &mut Change, model: &BTreeMap<String, Vec<u8>>) {
    for (key, value) in &mut change.expectations {
        if value.as_ref().is_none_or(|value| value.len() % 2 == 0) {
            *value = model.get(key).cloned();
        }
    }
}

proptest! {
    #[test]
    fn it_is_a_plain_map_whatever_is_in_the_log(steps in steps(), most_logged in 1..400_usize) {
        let disk = Disk::default();
        let (mut records, mut model) = (disk.records(most_logged), BTreeMap::new());
        for step in steps {
            match step {
                Step::Write(mut changes) => {
                    for change in &mut changes {
                        with_hope(change, &model);
                    }
                    let expected: Vec<_> = changes.iter().map(|change| make(&mut model, change)).collect();
                    prop_assert_eq!(write(&records, changes).unwrap(), expected);
                }
                Step::Settle => settle(&records),
                Step::Restart => {
                    drop(records);
                    records = disk.records(most_logged);
                }
            }
            has_what_is_there(&records, &model);
        }
    }
}

#[test]
fn wherever_the_disk_fails_what_was_answered_is_there_after_a_restart() {
    let change = |n: u32| {
        Change::new()
            .put(format!("left/{}", n % 7), n.to_string())
            .put(format!("right/{}", n % 7), n.to_string())
    };
    let whole = Disk::default();
    let records = whole.records(60);
    let before = whole.writes.load(Ordering::Relaxed);
    for n in 0..20 {
        assert_eq!(write(&records, [change(n)]).unwrap(), [Committed::Done]);
    }
    let all = whole.writes.load(Ordering::Relaxed) - before;
    assert!(all > 60, "{all}");
    for last in 0..all {
        let disk = Disk::default();
        drop(disk.records(60));
        let failing = Disk { fails_after: Some(last), writes: Arc::default(), ..disk.clone() };
        let Ok(database) = Database::builder().create_with_backend(failing) else { continue };
        let Ok(records) = Records::over(database) else { continue };
        let records = Records { most_logged: 60, ..records };
        let mut answered = 0;
        for n in 0..20 {
            if write(&records, [change(n)]).is_err() {
                break;
            }
            answered = n + 1;
        }
        drop(records);
        let records = disk.records(60);
        let seen = |side: &str| {
            let found = records.scan(side).unwrap().into_iter();
            found
                .map(|(_, value)| String::from_utf8(value).unwrap().parse::<u32>().unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            seen("left/"),
            seen("right/"),
            "a change is there whole or not at all; failed after {last}"
        );
        let count = seen("left/").into_iter().max().map_or(0, |n| n + 1);
        assert!(count == answered || count == answered + 1, "{count}, {answered}; failed after {last}");
    }
}
