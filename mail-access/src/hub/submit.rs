//! Sending as any address of a hub.

use super::reader::Shared;
use crate::{Address, Error, MessageId, Outgoing, Status, Submission};

/// How a message goes to several addresses of a hub, all of which lead to one mailbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Copies {
    /// As one message, which the server delivers once for each of them. A server that drops copies of a Message-ID, as
    /// Mailcow does, needs the filter that [`Hub`](super::Hub) is about.
    #[default]
    Together,
    /// One message for each of them, for a server where the filter can't be set.
    ///
    /// The second one and those behind it have Message-IDs of their own, `1.hub2@agents.example` for the first copy of
    /// `1@agents.example`, and name the one they are copies of in `References`, so that answers belong to its thread.
    /// It is of no help with mail from elsewhere.
    Apart,
}

impl Shared {
    pub(super) async fn submit(&self, message: &Outgoing) -> Result<Submission, Error> {
        if self.board().find(message.sender()).is_none() {
            let problem = format!("{} is no address of the hub", message.sender());
            return Err(Error::Invalid { what: "sender", problem });
        }
        let apart = match self.copies {
            Copies::Together => Vec::new(),
            Copies::Apart => self.own(message.recipients()).into_iter().skip(1).collect(),
        };
        if apart.is_empty() {
            return self.access.submit(&self.login, message).await;
        }
        if message.is_all_or_nothing() {
            let problem =
                "several messages are sent to several addresses of the hub, which can't be all or nothing";
            return Err(Error::Invalid { what: "message", problem: problem.into() });
        }
        let together = message.recipients().iter().filter(|to| !apart.contains(to)).cloned().collect();
        let mut parts =
            vec![part(message, together, message.message_id().clone(), message.bytes().to_vec())?];
        for (number, to) in (2..).zip(apart) {
            let id = copy_id(message.message_id(), number)?;
            let bytes = copy(message, &id);
            parts.push(part(message, vec![to], id, bytes)?);
        }
        self.submit_all(&parts).await
    }

    /// Submits one after the other, until one can't be submitted at all. What is known of the first ones is not
    /// forgotten for an error of a later one, unless that leaves it unknown what happened.
    async fn submit_all(&self, parts: &[Outgoing]) -> Result<Submission, Error> {
        let mut whole: Option<Submission> = None;
        let mut refused: Vec<(Address, Status)> = Vec::new();
        for (place, part) in parts.iter().enumerate() {
            let refuse = |parts: &[Outgoing], status: &Status| -> Vec<(Address, Status)> {
                parts.iter().flat_map(Outgoing::recipients).map(|to| (to.clone(), status.clone())).collect()
            };
            match self.access.submit(&self.login, part).await {
                Ok(done) => {
                    refused.extend(done.refused);
                    match &mut whole {
                        Some(whole) => whole.accepted.extend(done.accepted),
                        None => whole = Some(Submission::new(done.accepted, Vec::new(), done.status)),
                    }
                }
                Err(Error::RecipientsRefused { refused: these, .. }) => refused.extend(these),
                Err(Error::Refused { status, .. }) => refused.extend(refuse(&parts[place..=place], &status)),
                Err(error) if whole.is_none() || error.is_outcome_unknown() => return Err(error),
                Err(error) => {
                    let status = Status::new(451, Some((4, 4, 1)), &error.to_string());
                    refused.extend(refuse(&parts[place..], &status));
                    break;
                }
            }
        }
        match whole {
            Some(whole) => Ok(Submission { refused, ..whole }),
            None => Err(Error::RecipientsRefused { operation: "submit", refused }),
        }
    }

    /// Finds those that lead to the hub's mailbox, whether the hub has them or not.
    fn own(&self, recipients: &[Address]) -> Vec<Address> {
        let board = self.board();
        recipients.iter().filter(|to| board.domains.contains(to.domain())).cloned().collect()
    }
}

fn part(message: &Outgoing, to: Vec<Address>, id: MessageId, bytes: Vec<u8>) -> Result<Outgoing, Error> {
    let part = Outgoing::restore(message.sender().clone(), to, id, bytes)?;
    Ok(match message.reports() {
        Some(reports) => part.with_reports(reports.clone()),
        None => part,
    })
}

fn copy_id(id: &MessageId, number: usize) -> Result<MessageId, Error> {
    let (left, right) = id.as_str().rsplit_once('@').unwrap_or((id.as_str(), "hub"));
    format!("{left}.hub{number}@{right}").parse().map_err(|_| Error::Invalid {
        what: "message",
        problem: "its Message-ID is too long for copies to be numbered".into(),
    })
}

/// Writes the message with another Message-ID and a reference to the first one.
fn copy(message: &Outgoing, id: &MessageId) -> Vec<u8> {
    let original = message.message_id();
    let mut copy = format!("Message-ID: {id}\r\n").into_bytes();
    let (mut in_header, mut field, mut refers) = (true, Field::Other, false);
    for line in message.bytes().split_inclusive(|byte| *byte == b'\n') {
        if in_header && !line.starts_with(b" ") && !line.starts_with(b"\t") {
            if field == Field::References {
                copy.extend_from_slice(format!(" {original}\r\n").as_bytes());
                refers = true;
            }
            field = Field::of(line);
            in_header = line != b"\r\n";
            if !in_header && !refers {
                copy.extend_from_slice(format!("References: {original}\r\n").as_bytes());
            }
        }
        if !in_header || field != Field::MessageId {
            copy.extend_from_slice(line);
        }
    }
    copy
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    MessageId,
    References,
    Other,
}

impl Field {
    fn of(line: &[u8]) -> Self {
        let name = line.split(|byte| *byte == b':').next().unwrap_or(line).trim_ascii_end();
        match name {
            _ if name.eq_ignore_ascii_case(b"Message-ID") => Self::MessageId,
            _ if name.eq_ignore_ascii_case(b"References") => Self::References,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NewMessage;

    fn outgoing(bytes: &str) -> Outgoing {
        let ada: Address = "ada@x.example".parse().unwrap();
        Outgoing::restore(ada.clone(), vec![ada], "1@x.example".parse().unwrap(), bytes.as_bytes()).unwrap()
    }

    #[test]
    fn a_copy_has_its_own_id_and_names_the_original() {
        let id = copy_id(&"1@x.example".parse().unwrap(), 2).unwrap();
        for (before, after) in [
            (
                "A: 1\r\nMessage-ID:\r\n <1@x.example>\r\nB: 2\r\n\r\nMessage-ID: x\r\n",
                "Message-ID: <1.hub2@x.example>\r\nA: 1\r\nB: 2\r\nReferences: <1@x.example>\r\n\r\nMessage-ID: x\r\n",
            ),
            (
                "message-id: <1@x.example>\r\nReferences: <0@x.example>\r\n <9@x.example>\r\nB: 2\r\n\r\nx\r\n",
                "Message-ID: <1.hub2@x.example>\r\nReferences: <0@x.example>\r\n <9@x.example>\r\n <1@x.example>\r\nB: 2\r\n\r\nx\r\n",
            ),
            (
                "References: <0@x.example>\r\n\r\n\r\nReferences: no\r\n",
                "Message-ID: <1.hub2@x.example>\r\nReferences: <0@x.example>\r\n <1@x.example>\r\n\r\n\r\nReferences: no\r\n",
            ),
        ] {
            assert_eq!(String::from_utf8(copy(&outgoing(before), &id)).unwrap(), after);
        }
    }

    #[test]
    fn a_sealed_message_stays_one() {
        let ada: Address = "ada@x.example".parse().unwrap();
        let sealed = NewMessage::to(&ada).with_subject("s").with_text("t").seal(&ada.into()).unwrap();
        let id = copy_id(sealed.message_id(), 3).unwrap();
        let read = crate::Received::parse(
            crate::Uid::new(1).unwrap(),
            std::time::SystemTime::now(),
            false,
            copy(&sealed, &id),
        );
        assert_eq!((read.message_id(), read.subject(), read.text()), (Some(&id), "s", Some("t\n")));
        assert_eq!(read.references(), [sealed.message_id().clone()]);
    }
}
