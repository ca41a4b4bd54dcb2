use mail_access::{Flag, FlagChange, Query, Selection, Uid};

use super::collection::{Place, Thread};
use crate::{AgentMailbox, Error, ErrorKind};

impl AgentMailbox {
    /// Puts labels on a message: keywords (RFC 9051 section 2.3.2), which all programs that open the mailbox share.
    ///
    /// A label is compared without regard to case. Safe to repeat; a message that is no longer there is left out. A
    /// dropped call leaves it labelled or not.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use agent_mail::mail_access::Query;
    /// use agent_mail::{AgentMail, NewMessage};
    ///
    /// let mail = AgentMail::embedded("agents.example")?;
    /// let ada = mail.provision(&"ada".parse()?).await?;
    /// ada.send(NewMessage::to(ada.contact()).with_subject("invoice 7")).await?;
    ///
    /// let place = ada.search(&Query::Subject("invoice".into())).await?.remove(0);
    /// ada.label(&place, &["paid"]).await?;
    /// assert_eq!(ada.labels(&place).await?, ["paid"]);
    /// assert_eq!(ada.labelled("Paid").await?, [place]);
    /// # Ok::<(), agent_mail::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if a label is no keyword: 1 to 100 printable ASCII characters without
    /// a blank and `( ) { } % * " \ ]`; [`NotReady`](ErrorKind::NotReady) if the folder was numbered anew;
    /// [`Unsupported`](ErrorKind::Unsupported) if the system has no
    /// [message store](crate::AgentMailBuilder::message_store); else what the mail system says.
    pub async fn label(&self, place: &Place, labels: &[&str]) -> Result<(), Error> {
        let change = FlagChange::Add(self.keywords(labels)?);
        self.flag("label", place, &change).await
    }

    /// Takes labels off a message. Safe to repeat.
    ///
    /// # Errors
    /// As [`label`](Self::label).
    pub async fn unlabel(&self, place: &Place, labels: &[&str]) -> Result<(), Error> {
        let change = FlagChange::Remove(self.keywords(labels)?);
        self.flag("unlabel", place, &change).await
    }

    /// Puts labels on all messages of a thread.
    ///
    /// # Errors
    /// As [`label`](Self::label); some may be labelled then.
    pub async fn label_thread(&self, thread: &Thread, labels: &[&str]) -> Result<(), Error> {
        for place in thread.messages().iter().flat_map(|message| &message.places) {
            self.label(place, labels).await?;
        }
        Ok(())
    }

    /// Returns the labels of a message, sorted; none if it is no longer there.
    ///
    /// # Errors
    /// As [`label`](Self::label).
    pub async fn labels(&self, place: &Place) -> Result<Vec<String>, Error> {
        let Some(uid) = Uid::new(place.at.uid) else { return Ok(Vec::new()) };
        let selection = Selection::Uids(place.at.uid_validity, vec![uid]);
        let listing = self.desk("read labels")?.list(&place.folder, &selection).await?;
        let keyword = |flag: &Flag| match flag {
            Flag::Keyword(keyword) => Some(keyword.as_str().to_owned()),
            _ => None,
        };
        Ok(listing.entries.iter().flat_map(|entry| &entry.flags).filter_map(keyword).collect())
    }

    /// Finds the messages with a label, as [`search`](Self::search) does.
    ///
    /// # Errors
    /// As [`label`](Self::label).
    pub async fn labelled(&self, label: &str) -> Result<Vec<Place>, Error> {
        let keyword = self.keywords(&[label])?.remove(0);
        self.search(&Query::Flag(keyword)).await
    }

    async fn flag(&self, operation: &'static str, place: &Place, change: &FlagChange) -> Result<(), Error> {
        let uids: Vec<Uid> = Uid::new(place.at.uid).into_iter().collect();
        self.desk(operation)?.change_flags(&place.folder, place.at.uid_validity, &uids, change).await
    }

    fn keywords(&self, labels: &[&str]) -> Result<Vec<Flag>, Error> {
        let keyword = |label: &&str| {
            Flag::keyword(label).map_err(|source| {
                Error::new(ErrorKind::InvalidInput, "label", self.id())
                    .with_detail(format!("{label:?} is no label"))
                    .with_source(source)
            })
        };
        labels.iter().map(keyword).collect()
    }
}
