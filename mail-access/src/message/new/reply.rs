//! Answers and forwards (RFC 5322 section 3.6.4).

use super::quoting::{Quote, one_line};
use super::subject::{answered, forwarded};
use super::{Attachment, NewMessage};
use crate::message::{Contact, Limit, Received};
use crate::{Address, Error, MessageId};

impl NewMessage {
    /// Begins an answer: to the Reply-To or From of `received`, with its subject behind `Re: `, in its thread
    /// (RFC 5322 section 3.6.4).
    ///
    /// Of several addresses in Reply-To it takes the first, so that no stranger makes a round mail of an answer. A
    /// subject that is marked as an answer's in some language (`AW:`, `Sv:`) stays as it is.
    ///
    /// ```
    /// use mail_access::{Login, MailAccess, NewMessage, PostOffice, Selection};
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// # let office = PostOffice::new();
    /// # office.add_domain("agents.example".parse()?);
    /// # let login = |name| Ok::<_, mail_access::InvalidAddress>(Login::new(format!("{name}@agents.example").parse()?, "secret".to_owned().into()));
    /// # let (ada, bob) = (login("ada")?, login("bob")?);
    /// # office.add_mailbox(ada.address(), ada.password().clone(), 0)?;
    /// # office.add_mailbox(bob.address(), bob.password().clone(), 0)?;
    /// let question = NewMessage::to(bob.address()).with_subject("Engines").with_text("Do they dream?");
    /// office.submit(&ada, &question.seal(&ada.address().into())?).await?;
    ///
    /// let received = office.fetch(&bob, &Selection::Unseen, 1).await?.messages.remove(0);
    /// let answer = NewMessage::reply_to(&received)?.with_text("Of electric sheep.").with_quote(&received);
    /// office.submit(&bob, &answer.seal(&bob.address().into())?).await?;
    ///
    /// let received = office.fetch(&ada, &Selection::Unseen, 1).await?.messages.remove(0);
    /// assert_eq!(received.subject(), "Re: Engines");
    /// let text = received.text().unwrap_or_default();
    /// assert!(text.starts_with("Of electric sheep.\n\nOn "), "{text}");
    /// assert!(text.ends_with(", ada@agents.example wrote:\n> Do they dream?\n"), "{text}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] if `received` names no address that an answer could go to.
    pub fn reply_to(received: &Received) -> Result<Self, Error> {
        let recipient = received.reply_to().first().or(received.from()).ok_or_else(no_address)?;
        Ok(Self { to: vec![clean(recipient)], ..Self::answer(received) })
    }

    /// Begins an answer as [`reply_to`](Self::reply_to) does, to a recipient of the caller's choice, whatever `received`
    /// asks for.
    pub fn answer_to(received: &Received, recipient: impl Into<Contact>) -> Self {
        Self { to: vec![clean(&recipient.into())], ..Self::answer(received) }
    }

    /// Begins an answer to all: To holds every Reply-To, or the From; Cc holds the others who got it. Addresses of
    /// `own` and repeated ones are left out; the answer to a message of one's own goes to whom that one went.
    ///
    /// Whoever wrote `received` chose these addresses, and how many: look at [`recipients`](Self::recipients) before
    /// a program without a person behind it sends it.
    ///
    /// # Errors
    /// [`Error::Invalid`] if `received` names no address that an answer could go to.
    pub fn reply_all_to(received: &Received, own: &[Address]) -> Result<Self, Error> {
        let mut known = own.to_vec();
        let asked = match received.reply_to() {
            [] => received.from().map(std::slice::from_ref).unwrap_or_default(),
            asked => asked,
        };
        let mut to = others(asked, &mut known);
        if to.is_empty() {
            to = others(received.to(), &mut known);
        }
        let mut cc = others(received.to(), &mut known);
        cc.extend(others(received.cc(), &mut known));
        if to.is_empty() {
            to = std::mem::take(&mut cc);
        }
        if to.is_empty() {
            // Nobody but oneself had a part in it.
            to = asked.first().map(clean).into_iter().collect();
        }
        if to.is_empty() {
            return Err(no_address());
        }
        Ok(Self { to, cc, ..Self::answer(received) })
    }

    /// Begins a forward: the text and the files of `received` below what [`with_text`](Self::with_text) or
    /// [`with_html`](Self::with_html) say, with its subject behind `Fwd: `. It begins a thread of its own and has no
    /// recipient yet.
    ///
    /// # Errors
    /// [`Error::Invalid`] if only the header of `received` was fetched.
    pub fn forward(received: &Received) -> Result<Self, Error> {
        whole(received)?;
        Ok(Self {
            subject: forwarded(&one_line(received.subject())),
            attachments: received.attachments().to_vec(),
            quote: Some(Quote::forwarded(received)),
            ..Self::default()
        })
    }

    /// Begins a forward that holds the whole of `received` as it came, header and all, as a file (`message/rfc822`).
    /// It has no recipient yet.
    ///
    /// # Errors
    /// [`Error::Invalid`] if only the header of `received` was fetched, or its bytes were not kept.
    pub fn forward_as_attachment(received: &Received) -> Result<Self, Error> {
        complete(received)?;
        if received.raw().is_empty() {
            let problem = "the bytes of the message were not kept".into();
            return Err(Error::Invalid { what: "forward", problem });
        }
        let file = Attachment::new(FILE, "message/rfc822", received.raw());
        Ok(Self {
            subject: forwarded(&one_line(received.subject())),
            attachments: vec![file],
            ..Self::default()
        })
    }

    /// Repeats the text of `received` below this message, each line behind `> `; in HTML within a `blockquote`,
    /// where all of it is escaped. It makes no difference whether the text of this message is set before or after.
    pub fn with_quote(mut self, received: &Received) -> Self {
        self.quote = Quote::of(received);
        self
    }

    fn answer(received: &Received) -> Self {
        Self {
            subject: answered(&one_line(received.subject())),
            in_reply_to: received.message_id().cloned(),
            references: references(received),
            ..Self::default()
        }
    }
}

/// Joins the thread of a message and the message: each once, the message last.
fn references(received: &Received) -> Vec<MessageId> {
    let thread = match received.references() {
        [] => received.in_reply_to().map(std::slice::from_ref).unwrap_or_default(),
        thread => thread,
    };
    let mut references: Vec<MessageId> = Vec::with_capacity(thread.len() + 1);
    for id in thread.iter().filter(|id| Some(*id) != received.message_id()) {
        if !references.contains(id) {
            references.push(id.clone());
        }
    }
    references.extend(received.message_id().cloned());
    if references.len() > MAX_REFERENCES {
        // The first is what names the thread, the last are what joins its branches.
        references.drain(1..=references.len() - MAX_REFERENCES);
    }
    references
}

/// Takes the contacts that are not known yet, and notes them.
fn others(contacts: &[Contact], known: &mut Vec<Address>) -> Vec<Contact> {
    let mut list = Vec::new();
    for contact in contacts {
        if !known.iter().any(|known| known.is_same_mailbox(&contact.address)) {
            known.push(contact.address.clone());
            list.push(clean(contact));
        }
    }
    list
}

/// A name that a stranger chose must not keep its bearer from being answered.
fn clean(contact: &Contact) -> Contact {
    Contact {
        name: contact.name.as_deref().map(|name| one_line(name).into_owned()),
        address: contact.address.clone(),
    }
}

fn whole(received: &Received) -> Result<(), Error> {
    complete(received)?;
    match received.opaque() {
        None => Ok(()),
        Some(limit) => {
            let problem = format!("only the header of the message was decoded: {limit}");
            Err(Error::Invalid { what: "forward", problem })
        }
    }
}

fn complete(received: &Received) -> Result<(), Error> {
    if received.opaque() == Some(Limit::Withheld) {
        return Err(Error::Invalid { what: "forward", problem: Limit::Withheld.to_string() });
    }
    if received.is_truncated() {
        let problem = "only the header of the message was fetched, as its body is over the limit".into();
        return Err(Error::Invalid { what: "forward", problem });
    }
    Ok(())
}

fn no_address() -> Error {
    Error::Invalid {
        what: "reply",
        problem: "the message names no address that an answer could go to".into(),
    }
}

/// Enough to join any real thread; the field would grow without bound in a long one.
pub(super) const MAX_REFERENCES: usize = 20;
const FILE: &str = "forwarded.eml";
