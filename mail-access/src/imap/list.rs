use std::collections::BTreeMap;

use super::changes::ENTRY;
use super::fetch::Row;
use super::inbox::{LISTED, Windows};
use super::select::Inbox;
use super::session::{LONG, Session, gone_is_fine};
use super::set;
use crate::wire::Fault;
use crate::{Entry, FolderName, Listing, Selection, Uid};

impl Session {
    /// Does what [`MessageStore::list`](crate::MessageStore::list) says.
    pub(crate) async fn entries(
        &mut self,
        folder: &FolderName,
        selection: &Selection,
    ) -> Result<Listing, Fault> {
        let inbox = self.select_folder(folder).await?;
        let mut entries = BTreeMap::new();
        for set in self.sets(inbox, selection).await? {
            let done = self
                .run(&format!("UID FETCH {set} {ENTRY}"), LONG, |answer| {
                    if let Some(entry) = Row::read(answer).and_then(Row::entry) {
                        entries.insert(entry.uid, entry);
                    }
                })
                .await;
            gone_is_fine(done)?;
        }
        let fits = |entry: &Entry| match selection {
            Selection::After(Some(place)) if place.uid_validity == inbox.uid_validity => {
                entry.uid.get() > place.uid
            }
            _ => true,
        };
        Ok(Listing::new(inbox.uid_validity, entries.into_values().filter(fits).collect()))
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
