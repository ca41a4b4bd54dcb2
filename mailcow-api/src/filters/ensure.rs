//! Sieve filters that are as one wants them.

use super::{Filter, FilterChange, NewFilter};
use crate::{
    Client, Ensured, Error,
    ensure::{Wish, converge, fields},
};

impl Client {
    /// Makes certain that a mailbox has a sieve filter of that description and that it is as wanted, and writes nothing
    /// if it is. Safe to repeat, also after a dropped call; of several of one description an active one counts, then
    /// the oldest. Another active filter of the same kind is turned off, as Mailcow runs one of each kind.
    ///
    /// Mailcow would make a second one. Clones of this client take turns; separate clients and programs that create the
    /// same one at the same moment must take care of that themselves.
    ///
    /// # Errors
    /// As [`add_filter`](Self::add_filter).
    pub async fn ensure_filter(&self, wanted: &NewFilter) -> Result<Ensured<Filter>, Error> {
        let _turn = self.turn(format!("filters {}", wanted.mailbox)).await;
        converge(self, wanted).await
    }
}

impl Wish for NewFilter {
    type Found = Filter;

    async fn read(&self, client: &Client) -> Result<Option<Filter>, Error> {
        let all = client.mailbox_filters(&self.mailbox).await?;
        let same = all.into_iter().filter(|found| found.description == self.description);
        Ok(same.min_by_key(|found| (!found.active, found.id)))
    }

    async fn create(&self, client: &Client) -> Result<(), Error> {
        client.add_filter(self).await
    }

    fn differs(&self, found: &Filter) -> Vec<&'static str> {
        fields([
            ("filter_type", self.kind != found.kind),
            ("script_data", !self.script.lines().eq(found.script.lines())),
            ("active", self.active != found.active),
        ])
    }

    async fn change(&self, client: &Client, found: &Filter, fields: &[&'static str]) -> Result<(), Error> {
        let has = |field| fields.contains(&field);
        let change = FilterChange {
            kind: has("filter_type").then(|| self.kind.clone()),
            description: None,
            script: has("script_data").then(|| self.script.clone()),
            active: has("active").then_some(self.active),
        };
        client.edit_filter(found.id, &change).await
    }
}
