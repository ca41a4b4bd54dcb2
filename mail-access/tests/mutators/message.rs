use std::time::SystemTime;

use mail_access::{Limits, NewMessage, Received, Uid};

/// Reads a message in every way there is.
pub(crate) fn check(bytes: &[u8]) {
    let uid = Uid::new(1).expect("not 0");
    let message = Received::parse(uid, SystemTime::UNIX_EPOCH, false, bytes);
    assert_eq!((message.raw(), message.size()), (bytes, bytes.len()));
    one_line(message.subject());
    let people = message.all_from().iter().chain(message.reply_to()).chain(message.to()).chain(message.cc());
    people.chain(message.sender()).filter_map(|contact| contact.name.as_deref()).for_each(one_line);
    message.text().into_iter().for_each(lines);
    if let Some(text) = message.readable_text() {
        lines(&text);
    }
    for file in message.attachments() {
        let name = file.safe_name();
        one_line(&name);
        assert!(
            !name.is_empty() && !name.contains(['/', '\\', ':']) && name != "." && name != "..",
            "{name:?}"
        );
    }
    if message.opaque().is_some() {
        assert!(message.text().is_none() && message.html().is_none() && message.attachments().is_empty());
    }
    for (_, value) in message.headers() {
        assert!(!value.contains(['\r', '\n']), "{value:?}");
    }
    let _ = (message.kind(), message.allows_auto_reply(), message.list_id(), message.feedback_report());
    let _ = (message.calendars().count(), message.date(), message.html(), message.is_auto_submitted());
    answer(&message);
    narrow(bytes, uid);

    let (subject, text) = (message.subject().to_owned(), message.text().map(str::to_owned));
    let message = message.without_raw();
    assert_eq!((message.subject(), message.text(), message.raw()), (&*subject, text.as_deref(), &b""[..]));
}

/// An answer can be written to it, or it is said why not; it stays one message of ours.
fn answer(message: &Received) {
    let Ok(reply) = NewMessage::reply_to(message) else { return };
    let ada = "ada@agents.example".parse().expect("an address");
    if let Ok(sealed) = reply.with_text("thanks").seal(&mail_access::Contact::named("Ada", ada)) {
        let header = sealed.bytes().windows(4).position(|end| end == b"\r\n\r\n").expect("a header ends");
        let header = String::from_utf8_lossy(&sealed.bytes()[..header]).to_ascii_lowercase();
        let count = |name| header.split("\r\n").filter(|line| line.starts_with(name)).count();
        assert_eq!(
            [count("from:"), count("subject:"), count("message-id:"), count("bcc:")],
            [1, 1, 1, 0],
            "{header}"
        );
    }
}

/// The limits hold, and what is beyond them is only not taken apart.
fn narrow(bytes: &[u8], uid: Uid) {
    let limits = Limits::default().with_size(600).with_parts(3).with_nesting(2);
    let message = Received::parse_within(&limits, uid, SystemTime::UNIX_EPOCH, false, bytes);
    assert!(bytes.len() <= 600 || message.opaque().is_some());
    assert!(message.attachments().len() <= 3);
}

fn one_line(text: &str) {
    assert!(!text.contains(|c: char| c.is_control() || turns(c)), "{text:?}");
}

fn lines(text: &str) {
    assert!(!text.contains(|c: char| (c.is_control() && c != '\n' && c != '\t') || turns(c)), "{text:?}");
}

/// Turns the direction of a text.
fn turns(c: char) -> bool {
    ('\u{202a}'..='\u{202e}').contains(&c) || ('\u{2066}'..='\u{2069}').contains(&c)
}
