//! What was changed and is not in the tree yet.

use std::collections::{BTreeMap, BTreeSet, HashMap};
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
    folders: HashMap<Arc<str>, Vec<Key>, RandomState>,
    names: BTreeSet<Arc<str>>,
    hasher: RandomState,
}

/// The number of a key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key(u32);

/// The number of a part, and of a pair in it.
#[derive(Clone, Copy, Debug)]
struct Place(u32, u32);

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

    /// Sets a key to the value that a pair of a part has.
    pub(super) fn set(&mut self, part: usize, pair: usize) {
        let Self { parts, places, known, folders, names, hasher } = self;
        let text = parts[part].key(pair);
        let text_of = |key: &Key, places: &[Place]| places[key.index()].key(parts);
        let (hash, place) = (hasher.hash_one(text), Place(number(part), number(pair)));
        if let Some(key) = known.find(hash, |key| text_of(key, places) == text) {
            places[key.index()] = place;
            return;
        }
        let key = Key(number(places.len()));
        places.push(place);
        known.insert_unique(hash, key, |key| hasher.hash_one(text_of(key, places)));
        let folder = folder_of(text);
        if let Some(keys) = folders.get_mut(folder) {
            keys.push(key);
        } else {
            let name: Arc<str> = folder.into();
            names.insert(name.clone());
            folders.insert(name, vec![key]);
        }
    }

    /// Returns how many keys were changed.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Returns what a key was changed to, if it was.
    pub(super) fn get(&self, text: &str) -> Option<Option<&[u8]>> {
        let key = self.known.find(self.hasher.hash_one(text), |key| self.text(*key) == text)?;
        Some(self.last(*key).1)
    }

    /// Returns the keys that begin with `prefix`, or of many of them just more than `most`.
    pub(super) fn scan(&self, prefix: &str, most: usize) -> BTreeMap<String, Option<Vec<u8>>> {
        let own = std::iter::once(folder_of(prefix)).filter(|own| *own != prefix);
        let deeper = self.names.range::<str, _>((Bound::Included(prefix), Bound::Unbounded));
        let deeper = deeper.map(|name| &**name).take_while(|name| name.starts_with(prefix));
        let keys = own.chain(deeper).filter_map(|folder| self.folders.get(folder)).flatten();
        let found = keys.filter(|key| self.text(**key).starts_with(prefix)).map(|key| self.last(*key));
        let owned = |(key, value): (&str, Option<&[u8]>)| (key.to_owned(), value.map(<[u8]>::to_vec));
        found.take(most.saturating_add(1)).map(owned).collect()
    }

    /// Returns the first folder by name, or that behind another, with its keys in their order.
    pub(super) fn next_folder(&self, after: Option<&str>) -> Option<(Arc<str>, Vec<Key>)> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let name = self.names.range::<str, _>((from, Bound::Unbounded)).next()?;
        let mut keys = self.folders.get(name).cloned().unwrap_or_default();
        keys.sort_unstable_by_key(|key| self.text(*key));
        Some((name.clone(), keys))
    }

    /// Returns a key with its last value.
    pub(super) fn last(&self, key: Key) -> (&str, Option<&[u8]>) {
        let Place(part, pair) = self.places[key.index()];
        self.parts[part as usize].pair(pair as usize)
    }

    fn text(&self, key: Key) -> &str {
        self.places[key.index()].key(&self.parts)
    }
}

impl Key {
    fn index(self) -> usize {
        self.0 as usize
    }
}

impl Place {
    fn key(self, parts: &[Pairs]) -> &str {
        parts[self.0 as usize].key(self.1 as usize)
    }
}

fn number(index: usize) -> u32 {
    u32::try_from(index).expect("a log has fewer pairs than that")
}

fn folder_of(key: &str) -> &str {
    &key[..key.rfind('/').map_or(0, |slash| slash + 1)]
}
