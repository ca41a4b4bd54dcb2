use async_imap::imap_proto::{Response, ResponseCode};

use super::session::{SHORT, Said, Session};
use crate::wire::Fault;

/// The INBOX as it was when it was selected.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inbox {
    pub(super) uid_validity: u32,
    /// What the next message's UID will be at least; not every server says it.
    pub(super) uid_next: Option<u32>,
}

impl Session {
    /// Selects the INBOX, again if it is already: that shows new mail and another UIDVALIDITY alike.
    pub(crate) async fn select(&mut self) -> Result<Inbox, Fault> {
        let (mut uid_validity, mut uid_next) = (None, None);
        self.exists = 0;
        self.run("SELECT INBOX", SHORT, |answer| {
            if let Said::Parsed(Response::Data { outcome, .. }) = answer {
                match outcome.code {
                    Some(ResponseCode::UidValidity(number)) => uid_validity = Some(number),
                    Some(ResponseCode::UidNext(number)) => uid_next = Some(number),
                    _ => {}
                }
            }
        })
        .await?;
        self.news = false;
        match uid_validity {
            Some(uid_validity) => Ok(Inbox { uid_validity, uid_next }),
            None => Err(Fault::Protocol("the INBOX has no UIDVALIDITY".into())),
        }
    }
}
