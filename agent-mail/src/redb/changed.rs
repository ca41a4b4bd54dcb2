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
    /// Where the last value of each key is.
    places: HashTable<Place>,
    /// The keys of each folder, in no order. A key's folder is what it has up to its last slash.
    folders: HashMap<Arc<str>, Vec<Place>, RandomState>,
    names: BTreeSet<Arc<str>>,
    hasher: RandomState,
}

/// The number of a part, and of a pair in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place(u32, u32);

impl Changed {
    /// Begins with room for as many keys as another has.
    pub(super) fn with_room_of(other: &Self) -> Self {
        let mut changed = Self { hasher: other.hasher.clone(), ..Self::default() };
        changed.places.reserve(other.places.len(), |_| 0);
        changed
    }

    /// Takes pairs, of which nothing is seen until they are [set](Self::set). Returns the number of this part.
    pub(super) fn add(&mut self, mut pairs: Pairs) -> usize {
        pairs.shrink();
        self.parts.push(pairs);
        self.parts.len() - 1
    }

    /// Sets a key to the value that a pair of a part has.
    pub(super) fn set(&mut self, part: usize, pair: usize) {
        let place = Place::new(part, pair);
        let Self { parts, places, folders, names, hasher } = self;
        let key_at = |Place(part, pair): Place| parts[part as usize].key(pair as usize);
        let key = key_at(place);
        let hash = hasher.hash_one(key);
        if let Some(known) = places.find_mut(hash, |known| key_at(*known) == key) {
            *known = place;
            return;
        }
        places.insert_unique(hash, place, |known| hasher.hash_one(key_at(*known)));
        let folder = folder_of(key);
        if let Some(keys) = folders.get_mut(folder) {
            keys.push(place);
        } else {
            let name: Arc<str> = folder.into();
            names.insert(name.clone());
            folders.insert(name, vec![place]);
        }
    }

    /// Returns how many keys were changed.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Returns what a key was changed to, if it was.
    pub(super) fn get(&self, key: &str) -> Option<Option<&[u8]>> {
        let place = self.places.find(self.hasher.hash_one(key), |known| self.key(*known) == key)?;
        Some(self.pair(*place).1)
    }

    /// Returns the keys that begin with `prefix`, or of many of them just more than `most`.
    pub(super) fn scan(&self, prefix: &str, most: usize) -> BTreeMap<String, Option<Vec<u8>>> {
        let own = std::iter::once(folder_of(prefix)).filter(|own| *own != prefix);
        let deeper = self.names.range::<str, _>((Bound::Included(prefix), Bound::Unbounded));
        let deeper = deeper.map(|name| &**name).take_while(|name| name.starts_with(prefix));
        let places = own.chain(deeper).filter_map(|folder| self.folders.get(folder)).flatten();
        let keys = places.map(|place| self.key(*place)).filter(|key| key.starts_with(prefix));
        let value = |key: &str| self.get(key).flatten().map(<[u8]>::to_vec);
        keys.take(most.saturating_add(1)).map(|key| (key.to_owned(), value(key))).collect()
    }

    /// Returns the first folder by name, or that behind another, with its keys in their order.
    pub(super) fn next_folder(&self, after: Option<&str>) -> Option<(Arc<str>, Vec<Place>)> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let name = self.names.range::<str, _>((from, Bound::Unbounded)).next()?;
        let mut places = self.folders.get(name).cloned().unwrap_or_default();
        places.sort_unstable_by_key(|place| self.key(*place));
        Some((name.clone(), places))
    }

    /// Returns a key of a folder with its last value.
    pub(super) fn last(&self, place: Place) -> (&str, Option<&[u8]>) {
        let key = self.key(place);
        (key, self.get(key).flatten())
    }

    fn key(&self, Place(part, pair): Place) -> &str {
        self.parts[part as usize].key(pair as usize)
    }

    fn pair(&self, Place(part, pair): Place) -> (&str, Option<&[u8]>) {
        self.parts[part as usize].pair(pair as usize)
    }
}

impl Place {
    fn new(part: usize, pair: usize) -> Self {
        let number = |number: usize| u32::try_from(number).expect("a log has fewer pairs than that");
        Self(number(part), number(pair))
    }
}

fn folder_of(key: &str) -> &str {
    &key[..key.rfind('/').map_or(0, |slash| slash + 1)]
}
