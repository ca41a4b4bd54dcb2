//! What the world outside writes.

use std::time::Duration;

use mail_access::{
    Address, AutoSubmitted, Contact, Error as MailError, Kind, NewMessage, Outgoing, Received,
};

use super::clock::VirtualTime;
use super::correspondent::{Deed, Reaction};
use crate::backend::TimeAndChance;
use crate::mail::lift;
use crate::{Error, MessageId};

/// Finishes a message of somebody outside that arrives after a time.
pub(super) fn seal(
    time: &VirtualTime,
    from: &Address,
    message: NewMessage,
    after: Duration,
) -> Result<Outgoing, Error> {
    let id = MessageId::of_random(time.identity(), from.domain());
    let sealed = message.seal_as(&Contact::from(from), id, time.now() + after);
    sealed.map_err(|source| lift(source, "write from outside", from))
}

/// Writes what comes of a reaction; `None` where it is no message, or none that can be written.
pub(super) fn written(
    time: &VirtualTime,
    own: &Address,
    departed: &Outgoing,
    read: &Received,
    reaction: &Reaction,
) -> Option<Outgoing> {
    let message = match &reaction.deed {
        Deed::Answer(text) => NewMessage::reply_to(read).ok()?.with_text(text.clone()),
        Deed::AutoReply(_) if !matches!(read.kind(), Kind::Letter) => return None,
        Deed::AutoReply(text) => {
            let answer = NewMessage::reply_to(read).ok()?.with_text(text.clone());
            answer.with_auto_submitted(AutoSubmitted::Replied)
        }
        Deed::Unsubscribe => match unsubscribe_address(read) {
            Some(address) => NewMessage::to(address).with_subject("unsubscribe").with_text("unsubscribe"),
            None => NewMessage::reply_to(read).ok()?.with_subject("unsubscribe").with_text("Please stop."),
        },
        Deed::Write(message) => (**message).clone(),
        Deed::Complain => return complaint(time, own, departed, read, reaction.after).ok(),
        Deed::Bounce(_) => return None,
    };
    seal(time, own, message, reaction.after).ok()
}

fn unsubscribe_address(read: &Received) -> Option<Address> {
    let field = read.header("List-Unsubscribe")?;
    let (_, rest) = field.split_once("<mailto:")?;
    let end = rest.find(['>', '?'])?;
    rest[..end].parse().ok()
}

/// Writes what a provider sends when somebody says that a mail is unwanted (RFC 5965 section 2).
fn complaint(
    time: &VirtualTime,
    own: &Address,
    departed: &Outgoing,
    read: &Received,
    after: Duration,
) -> Result<Outgoing, MailError> {
    let (domain, sender) = (own.domain(), departed.sender());
    let id = MessageId::of_random(time.identity(), domain);
    let boundary = format!("=_{:032x}", time.identity());
    let raw = departed.bytes();
    let end = raw.windows(4).position(|four| four == b"\r\n\r\n").map_or(raw.len(), |end| end + 2);
    let date = mail_date(time, after);
    let text = format!(
        "Date: {date}\r\n\
         From: Complaints <fbl@{domain}>\r\n\
         To: <{sender}>\r\n\
         Subject: Complaint\r\n\
         Message-ID: {id}\r\n\
         MIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=feedback-report;\r\n\tboundary=\"{boundary}\"\r\n\
         \r\n\
         --{boundary}\r\n\
         Content-Type: text/plain; charset=us-ascii\r\n\
         \r\n\
         A reader says that this mail was not wanted.\r\n\
         \r\n\
         --{boundary}\r\n\
         Content-Type: message/feedback-report\r\n\
         \r\n\
         Feedback-Type: abuse\r\n\
         User-Agent: agent-mail-simulator/1\r\n\
         Version: 1\r\n\
         Original-Mail-From: <{sender}>\r\n\
         Original-Rcpt-To: <{own}>\r\n\
         Reported-Domain: {}\r\n\
         \r\n\
         --{boundary}\r\n\
         Content-Type: text/rfc822-headers\r\n\
         \r\n",
        read.from().map_or(sender.domain(), |from| from.address.domain())
    );
    let bytes = [text.as_bytes(), &raw[..end], format!("\r\n--{boundary}--\r\n").as_bytes()].concat();
    let from = Address::new("fbl", domain.clone()).unwrap_or_else(|_| own.clone());
    Outgoing::restore(from, vec![sender.clone()], id, bytes)
}

/// The date of a message's own making is taken from it, so that there is one place that writes dates.
fn mail_date(time: &VirtualTime, after: Duration) -> String {
    let address: Address = "date@simulator.invalid".parse().expect("it is an address");
    let id = MessageId::of_random(0, address.domain());
    let dated = NewMessage::to(&address).seal_as(&Contact::from(&address), id, time.now() + after);
    let bytes = dated.map(|dated| dated.bytes().to_vec()).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let line = text.lines().find_map(|line| line.strip_prefix("Date: "));
    line.unwrap_or("Thu, 1 Jan 1970 00:00:00 +0000").to_owned()
}
