//! All that a mailbox holds, beyond the INBOX: folders, flags, searches, quotas.

mod answer;
mod flag;
mod folder;
mod query;

use std::ops::Range;
use std::time::SystemTime;

use async_trait::async_trait;

pub use self::answer::{Changes, Entry, FolderChange, FolderChanges, Found, Listing, Messages, Quota};
pub use self::flag::{Flag, FlagChange, InvalidKeyword, Keyword};
pub use self::folder::{Folder, FolderName, FolderStatus, InvalidFolderName, SpecialUse};
pub use self::query::Query;
use crate::{Error, Login, MailAccess, Position, Selection, Uid};

/// A mail system whose mailboxes can be read and changed as a whole, as IMAP does (RFC 9051).
///
/// [`PostOffice`](crate::PostOffice) holds one in memory; `SmtpImap` reaches real servers. What [`MailAccess`] says of
/// logins, deadlines and calls at the same time is true here as well. A folder that doesn't exist is
/// [`Error::Refused`] with [`Reason::NoSuchFolder`](crate::Reason::NoSuchFolder), unless a method says otherwise.
///
/// UIDs are those of one UIDVALIDITY, which goes with them: if the folder has another one by now, the call is
/// [`Error::Renumbered`] and nothing was done. Without UIDs nothing is done. A call that changes something and loses its
/// link is repeated once where that is safe, or is [`Error::Interrupted`]; one that only reads is [`Error::Unavailable`]
/// then.
///
/// ```
/// use mail_access::{
///     Flag, FlagChange, FolderName, Login, MessageStore, NewMessage, PostOffice, Query, SpecialUse,
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let office = PostOffice::new();
/// office.add_domain("agents.example".parse()?);
/// let ada = Login::new("ada@agents.example".parse()?, "secret".into());
/// office.add_mailbox(ada.address(), ada.password().clone(), 0)?;
/// // The same calls reach real servers through `SmtpImap`.
/// let store: &dyn MessageStore = &office;
/// for subject in ["Invoice 1 for gr\u{fc}ne Tinte", "Weekly news", "Invoice 2"] {
///     let message = NewMessage::to(ada.address()).with_subject(subject).seal(&ada.address().into())?;
///     store.submit(&ada, &message).await?;
/// }
///
/// // Search, and note what was done with a keyword of our own.
/// let (inbox, handled) = (FolderName::inbox(), Flag::keyword("handled")?);
/// let invoices = Query::Unseen.and(Query::Subject("INVOICE".into()));
/// let found = store.search(&ada, &inbox, &invoices).await?;
/// assert_eq!(found.uids.len(), 2);
/// let change = FlagChange::Add(vec![Flag::Seen, handled.clone()]);
/// store.change_flags(&ada, &inbox, found.uid_validity, &found.uids, &change).await?;
/// assert!(store.search(&ada, &inbox, &invoices).await?.uids.is_empty());
///
/// // File them in a folder of our own; flags and dates go along.
/// let paid: FolderName = "Invoices/2026".parse()?;
/// store.create_folder(&ada, &paid).await?;
/// let moved = store.move_to(&ada, &inbox, found.uid_validity, &found.uids, &paid).await?;
/// assert_eq!(moved.len(), 2);
/// assert_eq!(store.status(&ada, &inbox).await?.messages, 1);
/// let there = store.search(&ada, &paid, &Query::Flag(handled).and(Query::Text("GR\u{dc}NE".into()))).await?;
/// assert_eq!(there.uids.len(), 1);
///
/// // What was sent belongs where other mail programs look for it.
/// let folders = store.folders(&ada).await?;
/// let sent = folders.iter().find(|folder| folder.special_use == Some(SpecialUse::Sent));
/// let sent = &sent.expect("Mailcow has one").name;
/// let place = store.append(&ada, sent, b"Subject: a copy\r\n\r\nHello\r\n", &[Flag::Seen], None).await?;
/// assert_eq!(store.read(&ada, sent, place.expect("it is told"), 9..15).await?, b"a copy");
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait MessageStore: MailAccess {
    /// Lists the folders, by name, the INBOX among them.
    ///
    /// # Contract
    /// - Each folder comes once, with the use it is meant for (RFC 6154) where the system says so, and with whether the
    ///   owner subscribes to it. A name that only holds others and no messages has [`Folder::selectable`] unset, and is
    ///   no folder to any other method.
    /// - Nothing is changed; a dropped call leaves nothing behind.
    ///
    /// # Errors
    /// As for [`fetch`](MailAccess::fetch).
    async fn folders(&self, login: &Login) -> Result<Vec<Folder>, Error>;

    /// Makes an empty folder.
    ///
    /// # Contract
    /// - What stands above it in its name is listed as well, at least as a name that only holds others.
    /// - A folder that is there already is left as it is, so that it is safe to repeat.
    /// - A dropped call leaves it made or not.
    ///
    /// # Errors
    /// [`Error::Refused`] if the system doesn't want such a name, one with an empty level for example; else as for [`change_flags`](Self::change_flags).
    async fn create_folder(&self, login: &Login, folder: &FolderName) -> Result<(), Error>;

    /// Removes a folder with all messages in it, but not the folders below it.
    ///
    /// # Contract
    /// - A folder that isn't there is no error, so that it is safe to repeat. The INBOX can't be removed.
    /// - A folder that the system makes for everybody, such as its Trash, is there again, empty and numbered anew. The
    ///   name of one with others below it is still listed, and Dovecot's list doesn't tell that it is a mere name now.
    /// - A dropped call leaves it removed or not.
    ///
    /// # Errors
    /// [`Error::Refused`] for the INBOX; else as for [`change_flags`](Self::change_flags).
    async fn delete_folder(&self, login: &Login, folder: &FolderName) -> Result<(), Error>;

    /// Gives a folder, and those below it, another name.
    ///
    /// # Contract
    /// - The messages keep their UIDs, and the folder its UIDVALIDITY or a new one.
    /// - If there is a folder of the new name already, none of the old one, or if the new name lies below the old one, it
    ///   is [`Error::Refused`] and nothing is changed. The INBOX can't be renamed.
    /// - What is subscribed to are names: neither the old nor the new name's subscription changes.
    /// - A dropped call leaves it renamed or not.
    ///
    /// # Errors
    /// As the contract says; else as for [`change_flags`](Self::change_flags).
    async fn rename_folder(&self, login: &Login, from: &FolderName, to: &FolderName) -> Result<(), Error>;

    /// Notes whether the owner wants to see a folder among those that are subscribed to.
    ///
    /// # Contract
    /// - It is safe to repeat. A dropped call leaves it noted or not.
    /// - The note is of the name: it is still there if the folder is removed and made again. A name without a folder can
    ///   be unsubscribed from. Folders that the system makes for everybody may stay subscribed to whatever is noted.
    ///
    /// # Errors
    /// As for [`change_flags`](Self::change_flags).
    async fn subscribe(&self, login: &Login, folder: &FolderName, subscribed: bool) -> Result<(), Error>;

    /// Tells how many messages a folder holds and how it is numbered.
    ///
    /// # Contract
    /// - Nothing is changed; a dropped call leaves nothing behind.
    ///
    /// # Errors
    /// As for [`fetch`](MailAccess::fetch).
    async fn status(&self, login: &Login, folder: &FolderName) -> Result<FolderStatus, Error>;

    /// Finds the messages of a folder that a query fits.
    ///
    /// # Contract
    /// - The UIDs come in ascending order, each once. No match is an empty list; a search that failed is an error.
    /// - Text is found without regard to case, in whatever charset and encoding it stands in the message. It is found
    ///   anywhere, within words too; empty text is found in every field, and in every body.
    /// - HTML is searched as it was written. Of other parts than text, and of what stands between parts, nothing is
    ///   found; of an embedded message its text is, and its header with [`Query::Text`] only.
    /// - Nothing is changed; a dropped call leaves nothing behind.
    ///
    /// # Errors
    /// As for [`fetch`](MailAccess::fetch).
    async fn search(&self, login: &Login, folder: &FolderName, query: &Query) -> Result<Found, Error>;

    /// Lists messages of a folder without reading them: their sizes, flags and dates of arrival.
    ///
    /// # Contract
    /// - Those that the selection means, as for [`fetch`](MailAccess::fetch), all of them, by ascending UID.
    /// - Nothing is changed; a dropped call leaves nothing behind.
    ///
    /// # Errors
    /// As for [`fetch`](MailAccess::fetch).
    async fn list(&self, login: &Login, folder: &FolderName, selection: &Selection)
    -> Result<Listing, Error>;

    /// Reads messages of a folder one after the other, by ascending UID, without marking them.
    ///
    /// # Contract
    /// - It gives out what [`fetch`](MailAccess::fetch) would without a limit, in pieces that memory holds: beside the
    ///   message that was handed out last, at most a few more, and of one over the system's limit only the header
    ///   ([`Received::is_truncated`](crate::Received::is_truncated)); the rest of that one can be [read](Self::read) piece by piece.
    /// - One that the system lists and can't give out is as for [`fetch`](MailAccess::fetch).
    /// - It ends after the last message, or with the first error; what was handed out before is whole.
    /// - While nobody asks for the next one, the server is not asked either.
    /// - Nothing is changed; a dropped stream leaves nothing behind and disturbs no other call.
    fn messages(&self, login: &Login, folder: &FolderName, selection: &Selection) -> Messages;

    /// Reads some of the bytes of one message.
    ///
    /// # Contract
    /// - They are those of the range as far as the message has them: less at its end, none behind it.
    /// - A message that is no longer there is [`Error::Refused`] with
    ///   [`Reason::NoSuchMessage`](crate::Reason::NoSuchMessage).
    /// - Nothing is changed; a dropped call leaves nothing behind.
    ///
    /// # Errors
    /// As the contract says; else as for [`fetch`](MailAccess::fetch). [`Error::Invalid`] if the range is of more than
    /// 16 MiB or ends before it begins.
    async fn read(
        &self,
        login: &Login,
        folder: &FolderName,
        at: Position,
        range: Range<u64>,
    ) -> Result<Vec<u8>, Error>;

    /// Adds flags and keywords to messages, or takes them away.
    ///
    /// # Contract
    /// - All of the messages are changed in one go. UIDs that are no longer there, and flags that are set so already,
    ///   change nothing: it is safe to repeat.
    /// - A dropped call leaves each message changed or not.
    ///
    /// # Errors
    /// As for [`mark_seen`](MailAccess::mark_seen).
    async fn change_flags(
        &self,
        login: &Login,
        folder: &FolderName,
        uid_validity: u32,
        uids: &[Uid],
        change: &FlagChange,
    ) -> Result<(), Error>;

    /// Copies messages into another folder, with their flags and dates of arrival.
    ///
    /// # Contract
    /// - All that are there are copied, or none. Those that are not there are left out; if none is there, nothing is
    ///   done, whatever the target. It is not safe to repeat. A folder may be its own target.
    /// - The answer names for each message its UID and the place of its copy, where the system tells it (RFC 4315), as
    ///   both of ours do; else it is empty.
    /// - A dropped call leaves all copied or none.
    ///
    /// # Errors
    /// [`Error::Refused`] if there is no such target or no room; else as for [`change_flags`](Self::change_flags).
    async fn copy(
        &self,
        login: &Login,
        folder: &FolderName,
        uid_validity: u32,
        uids: &[Uid],
        to: &FolderName,
    ) -> Result<Vec<(Uid, Position)>, Error>;

    /// Moves messages into another folder, with their flags and dates of arrival (RFC 6851).
    ///
    /// # Contract
    /// - Each message is in one of the two folders when the call ends, and in one or both if it was interrupted or
    ///   dropped. Those that are not there are left out. Repeating it moves nothing twice.
    /// - The answer is that of [`copy`](Self::copy). A full mailbox has room for what is there already.
    ///
    /// # Errors
    /// As for [`copy`](Self::copy).
    async fn move_to(
        &self,
        login: &Login,
        folder: &FolderName,
        uid_validity: u32,
        uids: &[Uid],
        to: &FolderName,
    ) -> Result<Vec<(Uid, Position)>, Error>;

    /// Files a message in a folder as it is, without delivering it.
    ///
    /// # Contract
    /// - The bytes are kept as they are, as far as their lines end with CR LF and no byte is NUL, with these flags and
    ///   this date of arrival to the second, or the present time.
    /// - The answer is its place, where the system tells it (RFC 4315), as both of ours do.
    /// - It is not safe to repeat: it would be there twice. A dropped call leaves it filed as a whole or not at all.
    ///
    /// # Errors
    /// [`Error::Refused`] if there is no such folder, no room, or the message is over the size limit; else as for
    /// [`change_flags`](Self::change_flags). [`Error::Invalid`] if the message has no bytes.
    async fn append(
        &self,
        login: &Login,
        folder: &FolderName,
        message: &[u8],
        flags: &[Flag],
        date: Option<SystemTime>,
    ) -> Result<Option<Position>, Error>;

    /// Removes messages from a folder for good.
    ///
    /// # Contract
    /// - These messages and no others, not even such as are marked as deleted. UIDs that are no longer there change
    ///   nothing: it is safe to repeat.
    /// - A dropped call leaves each message removed or not.
    ///
    /// # Errors
    /// As for [`change_flags`](Self::change_flags). [`Error::Refused`] if the server can't remove by UID (RFC 4315).
    async fn expunge(
        &self,
        login: &Login,
        folder: &FolderName,
        uid_validity: u32,
        uids: &[Uid],
    ) -> Result<(), Error>;

    /// Tells what changed in a folder since a state that [`status`](Self::status) or an earlier answer named
    /// (RFC 7162).
    ///
    /// # Contract
    /// - Each message that came or whose flags changed since then is in [`Changes::changed`], as it is now, and others may
    ///   be; each that went is in [`Changes::vanished`], in which UIDs may be that nobody knew, but none that is there.
    /// - The answer's [`Changes::modseq`] is not below the one that was asked for.
    /// - Nothing is changed; a dropped call leaves nothing behind.
    ///
    /// # Errors
    /// As for [`fetch`](MailAccess::fetch). [`Error::Refused`] with
    /// [`Reason::Unsupported`](crate::Reason::Unsupported) if the system keeps no account of changes.
    async fn changes(
        &self,
        login: &Login,
        folder: &FolderName,
        uid_validity: u32,
        since: u64,
    ) -> Result<Changes, Error>;

    /// Tells how much room a mailbox has and uses (RFC 9208); `None` without a quota.
    ///
    /// # Contract
    /// - Nothing is changed; a dropped call leaves nothing behind.
    ///
    /// # Errors
    /// As for [`fetch`](MailAccess::fetch).
    async fn quota(&self, login: &Login) -> Result<Option<Quota>, Error>;
}
