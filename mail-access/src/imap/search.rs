use std::collections::HashMap;

use super::command::Command;
use super::inbox::MANY;
use super::line::{Reader, unreadable};
use super::query;
use super::session::{Allowance, LONG, Said, Session};
use crate::wire::Fault;
use crate::{FolderName, Found, MessageId, Query, Uid};

impl Session {
    /// Does what [`MessageStore::search`](crate::MessageStore::search) says.
    pub(crate) async fn find(&mut self, folder: &FolderName, query: &Query) -> Result<Found, Fault> {
        // What can't be sent is told before anything is.
        query::write(query)?;
        let inbox = self.select_folder(folder).await?;
        // A server finds what contains a Message-ID; only reading tells whether it is the very one.
        let mut exact = HashMap::new();
        for id in ids(query) {
            if !exact.contains_key(id) {
                let listed = self.found(inbox, &Query::MessageId(id.clone()), usize::MAX).await?;
                exact.insert(id.clone(), listed.into_iter().map(|one| one.uid).collect());
            }
        }
        let uids = self.search_all(inbox, &with_uids(query, &exact)).await?;
        Ok(Found::new(inbox.uid_validity, uids))
    }

    /// Finds the messages from `low` to `high` that a query fits, by ascending UID.
    pub(super) async fn search(&mut self, low: u32, high: u32, query: &Query) -> Result<Vec<Uid>, Fault> {
        let key = query::write(query)?;
        let returns = if self.offers.has("ESEARCH") { "RETURN (ALL) " } else { "" };
        // Where UTF-8 was agreed on none may be named (RFC 6855 section 3).
        let charset = if key.is_ascii() || self.agreed.utf8 { "" } else { "CHARSET UTF-8 " };
        let command = Command::new(format!("UID SEARCH {returns}{charset}UID {low}:{high} ")).then(key);
        let mut found = Vec::new();
        let mut readable = true;
        let mut left = u64::from(MANY) + UNANNOUNCED;
        self.execute(&command, FINDING, |answer| {
            let Said::Line(line) = answer else { return };
            let Some(rest) = line.after("SEARCH").or_else(|| line.after("ESEARCH")) else { return };
            let ranges = result(rest);
            readable &= ranges.is_some();
            for (first, last) in ranges.unwrap_or_default() {
                let (first, last) = (first.max(low), last.min(high));
                let count = u64::from(last.saturating_sub(first)) + 1;
                readable &= count <= left;
                if first <= last && readable {
                    left -= count;
                    found.extend((first..=last).filter_map(Uid::new));
                }
            }
        })
        .await?;
        if !readable {
            return Err(unreadable());
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }
}

/// Reads what was found: ` 1 2 3`, or ` (TAG "A3") UID ALL 1:3` (RFC 4731), whose tag is that of the only command there
/// is.
fn result(mut rest: Reader<'_>) -> Option<Vec<(u32, u32)>> {
    let numbers = rest.numbers()?;
    if rest.eat(" (TAG ").is_some() {
        rest.astring()?;
        rest.eat(")")?;
    }
    if rest.eat(" UID").is_some() && rest.eat(" ALL ").is_some() {
        return rest.ranges();
    }
    rest.is_at_end().then(|| numbers.into_iter().map(|number| (number, number)).collect())
}

fn ids(query: &Query) -> Vec<&MessageId> {
    match query {
        Query::All(queries) | Query::Any(queries) => queries.iter().flat_map(ids).collect(),
        Query::Not(query) => ids(query),
        Query::MessageId(id) => vec![id],
        _ => Vec::new(),
    }
}

/// Puts the messages that have it in the place of each Message-ID.
fn with_uids(query: &Query, exact: &HashMap<MessageId, Vec<Uid>>) -> Query {
    let each = |queries: &[Query]| queries.iter().map(|query| with_uids(query, exact)).collect();
    match query {
        Query::All(queries) => Query::All(each(queries)),
        Query::Any(queries) => Query::Any(each(queries)),
        Query::Not(query) => Query::Not(Box::new(with_uids(query, exact))),
        Query::MessageId(id) => Query::Uids(exact.get(id).cloned().unwrap_or_default()),
        other => other.clone(),
    }
}

/// How many messages a server may find that it had not spoken of.
const UNANNOUNCED: u64 = 100_000;
/// For as many UIDs, and some that are told twice.
const FINDING: Allowance = Allowance { bytes: 4 << 20, ..LONG };
