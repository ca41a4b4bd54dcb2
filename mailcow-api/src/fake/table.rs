//! Rows under ids that count up.

use std::collections::BTreeMap;

use serde_json::Value;

use super::state::{Reply, list, number};

/// A table of the database with an `AUTO_INCREMENT` id.
#[derive(Debug)]
pub(super) struct Table<T> {
    rows: BTreeMap<u64, T>,
    last: u64,
}

impl<T> Table<T> {
    pub(super) fn add(&mut self, row: T) -> u64 {
        self.last += 1;
        self.rows.insert(self.last, row);
        self.last
    }

    /// Finds a row by an id that is a number or a text.
    pub(super) fn get(&self, id: &Value) -> Option<&T> {
        self.rows.get(&number(id)?)
    }

    pub(super) fn get_mut(&mut self, id: &Value) -> Option<&mut T> {
        self.rows.get_mut(&number(id)?)
    }

    pub(super) fn remove(&mut self, id: &Value) -> Option<T> {
        self.rows.remove(&number(id)?)
    }

    pub(super) fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        self.rows.retain(|_, row| keep(row));
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        self.rows.iter().map(|(id, row)| (*id, row))
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.rows.values_mut()
    }

    /// Answers a read of the rows that are `wanted`.
    pub(super) fn show_all(&self, wanted: impl Fn(&T) -> bool, show: impl Fn(u64, &T) -> Value) -> Reply {
        list(self.iter().filter(|(_, row)| wanted(row)).map(|(id, row)| show(id, row)).collect())
    }
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), last: 0 }
    }
}
