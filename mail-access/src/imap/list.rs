use std::collections::BTreeMap;

use super::changes::ENTRY;
use super::fetch::Row;
use super::inbox::{LISTED, Windows};
use super::select::Inbox;
use super::session::{LONG, Said, Session, gone_is_fine};
use super::set;
use crate::wire::Fault;
use crate::{Entry, Flag, FolderName, Listing, Selection, Uid};

impl Session {
    /// Does what [`MessageStore::list`](crate::MessageStore::list) says.
    pub(crate) async fn entries(
        &mut self,
        folder: &FolderName,
        selection: &Selection,
    ) -> Result<Listing, Fault> {
        let inbox = self.select_folder(folder).await?;
        let mut entries = Entries::default();
        for set in self.sets(inbox, selection).await? {
            let done = self
                .run(&format!("UID FETCH {set} {ENTRY}"), LONG, |answer| {
                    entries.add(answer);
                })
                .await;
            gone_is_fine(done)?;
            entries.check()?;
        }
        let fits = |entry: &Entry| match selection {
            Selection::After(Some(place)) if place.uid_validity == inbox.uid_validity => {
                entry.uid.get() > place.uid
            }
            _ => true,
        };
        let entries = entries.finish()?.into_iter().filter(fits).collect();
        Ok(Listing::new(inbox.uid_validity, entries))
    }

    /// Writes the sets of the messages that a selection means.
    async fn sets(&mut self, inbox: Inbox, selection: &Selection) -> Result<Vec<String>, Fault> {
        let uids: Vec<Uid> = match selection {
            Selection::After(place) => {
                let place = place.filter(|place| place.uid_validity == inbox.uid_validity);
                let first = place.map_or(Some(1), |place| place.uid.checked_add(1));
                let mut windows = Windows::new(inbox, first.unwrap_or(0), LISTED, LISTED);
                let windows = std::iter::from_fn(|| windows.next(false));
                return Ok(windows.map(|(low, high)| format!("{low}:{high}")).collect());
            }
            Selection::Uids(uid_validity, uids) => {
                inbox.check(*uid_validity)?;
                uids.clone()
            }
            Selection::Unseen | Selection::MessageId(_) => {
                let listed = self.matching(inbox, selection, usize::MAX).await?;
                listed.into_iter().map(|one| one.uid).collect()
            }
        };
        Ok(set::sets(&uids))
    }
}

/// What a folder says of its messages, by UID; of two answers for one message the later one says how it is.
#[derive(Default)]
pub(super) struct Entries {
    by_uid: BTreeMap<Uid, Entry>,
    bytes: usize,
}

impl Entries {
    pub(super) fn add(&mut self, answer: Said<'_>) {
        if self.bytes <= MAX_BYTES
            && let Some(entry) = Row::read(answer).and_then(Row::entry)
        {
            self.bytes += size_of::<Entry>() + entry.flags.iter().map(weight).sum::<usize>();
            self.by_uid.insert(entry.uid, entry);
        }
    }

    /// Makes sure that all of it is there so far.
    fn check(&self) -> Result<(), Fault> {
        if self.bytes > MAX_BYTES { Err(Fault::Protocol("a list is too long".into())) } else { Ok(()) }
    }

    pub(super) fn finish(self) -> Result<Vec<Entry>, Fault> {
        self.check()?;
        Ok(self.by_uid.into_values().collect())
    }
}

fn weight(flag: &Flag) -> usize {
    let text = if let Flag::Keyword(keyword) = flag { keyword.as_str().len().max(16) } else { 0 };
    size_of::<Flag>() + text
}

/// In memory; enough for a million messages.
const MAX_BYTES: usize = 128 << 20;

#[cfg(test)]
mod tests {
    use async_imap::imap_proto::Response;

    use super::*;

    #[test]
    fn a_list_that_is_too_long_is_no_list() {
        let flags: Vec<_> = (0..1000).map(|number| format!("keyword{number}")).collect();
        let row = format!(
            "* 1 FETCH (UID 1 RFC822.SIZE 1 INTERNALDATE \"01-Jan-1970 00:00:00 +0000\" FLAGS ({}))\r\n",
            flags.join(" ")
        );
        let (_, row) = Response::parse(row.as_bytes()).unwrap();
        let mut entries = Entries::default();
        let rows_that_fit = MAX_BYTES / (size_of::<Entry>() + 1000 * (size_of::<Flag>() + 16));
        for number in 0..=rows_that_fit {
            assert!(entries.check().is_ok(), "{number} rows fit");
            entries.add(Said::Parsed(&row));
        }
        assert!(matches!(entries.finish(), Err(Fault::Protocol(_))));
    }
}
