//! What was changed and is not in the tree yet.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher as _;
use std::ops::Bound;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::pairs::Pairs;

/// The value of each key that was changed, `None` for one that was removed.
#[derive(Debug, Default)]
pub(super) struct Changed {
    parts: Vec<Pairs>,
    /// Where each key has its last value, in the order in which the keys came.
    places: Vec<Place>,
    /// The keys by themselves.
    known: HashTable<Key>,
    /// The keys of each folder, in no order. A key's folder is what it has up to its last slash.
    folders: Vec<Vec<Key>>,
    /// The numbers of the folders, to be found and in order.
    by_name: HashMap<Arc<str>, usize, RandomState>,
    in_order: BTreeMap<Arc<str>, usize>,
    hasher: RandomState,
}

/// The number of a key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key(u32);

/// The number of a part, and of a pair in it, with the hash of its key.
#[derive(Clone, Copy, Debug)]
struct Place {
    part: u32,
    pair: u32,
    hash: u64,
}

/// A change of a key, and what was found out for it.
#[derive(Debug)]
pub(super) struct Step {
    place: Place,
    key: Option<Key>,
    folder: Option<usize>,
}

impl Changed {
    /// Begins with room for as many keys as another has.
    pub(super) fn with_room_of(other: &Self) -> Self {
        let mut changed = Self { places: Vec::with_capacity(other.len()), ..Self::default() };
        changed.known.reserve(other.len(), |_| 0);
        changed
    }

    /// Takes pairs, of which nothing is seen until they are [set](Self::set). Returns the number of this part.
    pub(super) fn add(&mut self, pairs: Pairs) -> usize {
        self.parts.push(pairs);
        self.parts.len() - 1
    }

    /// Finds out what there is to know before a key is set to the value that a pair of a part has: most of the work, which
    /// others may look on at.
    pub(super) fn prepare(&self, part: usize, pair: usize) -> Step {
        let text = self.parts[part].key(pair);
        let place = Place { part: number(part), pair: number(pair), hash: self.hasher.hash_one(text) };
        let key = self.find(place.hash, text);
        let folder = if key.is_none() { self.by_name.get(folder_of(text)).copied() } else { None };
        Step { place, key, folder }
    }

    /// Sets a key. Of the steps that were prepared together each is taken, in their order.
    pub(super) fn set(&mut self, Step { place, key, folder }: Step) {
        // One of the steps before may have been the first of its key, or of its folder.
        let text = place.text(&self.parts);
        if let Some(key) = key.or_else(|| self.find(place.hash, text)) {
            self.places[key.index()] = place;
            return;
        }
        let Self { parts, places, known, folders, by_name, in_order, .. } = self;
        let text = place.text(parts);
        let key = Key(number(places.len()));
        places.push(place);
        known.insert_unique(place.hash, key, |key| places[key.index()].hash);
        let folder = folder.or_else(|| by_name.get(folder_of(text)).copied()).unwrap_or_else(|| {
            let name: Arc<str> = folder_of(text).into();
            by_name.insert(name.clone(), folders.len());
            in_order.insert(name, folders.len());
            folders.push(Vec::new());
            folders.len() - 1
        });
        folders[folder].push(key);
    }

    /// Returns how many keys were changed.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Returns a key with what it was changed to, if it was.
    pub(super) fn get(&self, text: &str) -> Option<(&str, Option<&[u8]>)> {
        Some(self.last(self.find(self.hasher.hash_one(text), text)?))
    }

    fn find(&self, hash: u64, text: &str) -> Option<Key> {
        let is_it = |key: &Key| self.places[key.index()].hash == hash && self.text(*key) == text;
        self.known.find(hash, is_it).copied()
    }

    /// Returns the keys that begin with `prefix`, or of many of them just more than `most`.
    pub(super) fn scan(&self, prefix: &str, most: usize) -> BTreeMap<String, Option<Vec<u8>>> {
        let own = self.by_name.get(folder_of(prefix)).filter(|_| folder_of(prefix) != prefix);
        let deeper = self.in_order.range::<str, _>((Bound::Included(prefix), Bound::Unbounded));
        let deeper = deeper.take_while(|(name, _)| name.starts_with(prefix)).map(|(_, number)| number);
        let keys = own.into_iter().chain(deeper).flat_map(|folder| &self.folders[*folder]);
        let found = keys.filter(|key| self.text(**key).starts_with(prefix)).map(|key| self.last(*key));
        let owned = |(key, value): (&str, Option<&[u8]>)| (key.to_owned(), value.map(<[u8]>::to_vec));
        found.take(most.saturating_add(1)).map(owned).collect()
    }

    /// Returns the first folder by name, or that behind another, with its keys in their order.
    pub(super) fn next_folder(&self, after: Option<&str>) -> Option<(Arc<str>, Vec<Key>)> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let (name, folder) = self.in_order.range::<str, _>((from, Bound::Unbounded)).next()?;
        let mut keys = self.folders[*folder].clone();
        keys.sort_unstable_by_key(|key| self.text(*key));
        Some((name.clone(), keys))
    }

    /// Returns a key with its last value.
    pub(super) fn last(&self, key: Key) -> (&str, Option<&[u8]>) {
        self.places[key.index()].pair(&self.parts)
    }

    fn text(&self, key: Key) -> &str {
        self.places[key.index()].text(&self.parts)
    }
}

impl Key {
    fn index(self) -> usize {
        self.0 as usize
    }
}

impl Place {
    fn text(self, parts: &[Pairs]) -> &str {
        parts[self.part as usize].key(self.pair as usize)
    }

    fn pair(self, parts: &[Pairs]) -> (&str, Option<&[u8]>) {
        parts[self.part as usize].pair(self.pair as usize)
    }
}

fn number(index: usize) -> u32 {
    u32::try_from(index).expect("a log has fewer pairs than that")
}

fn folder_of(key: &str) -> &str {
    &key[..key.rfind('/').map_or(0, |slash| slash + 1)]
}
