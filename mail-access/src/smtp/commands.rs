use super::offers::Offers;
use crate::message::xtext;
use crate::wire::Fault;
use crate::{Address, DeliveryReports, Outgoing, Status};

/// Writes MAIL with what the message needs of the server: room (RFC 1870), 8-bit bytes (RFC 6152), other letters in
/// addresses (RFC 6531), reports (RFC 3461).
///
/// What the server doesn't offer and the message needs is a refusal here, before anything is sent.
pub(super) fn mail(message: &Outgoing, offers: &Offers) -> Result<String, Fault> {
    let mut mail = format!("MAIL FROM:<{}>", message.sender());
    if let Some(limit) = offers.parameters("SIZE") {
        let limit = limit.trim().parse().unwrap_or(0);
        if limit > 0 && message.size() as u64 > limit {
            let text = format!("the server takes messages up to {limit} bytes");
            return Err(refused(552, (5, 3, 4), &text));
        }
        mail.extend([" SIZE=", &message.size().to_string()]);
    }
    let is_ascii = message.bytes().is_ascii();
    if !is_ascii {
        if !offers.has("8BITMIME") {
            let text = "the message holds 8-bit bytes and the server doesn't take them";
            return Err(refused(554, (5, 6, 3), text));
        }
        mail.push_str(" BODY=8BITMIME");
    }
    let header_is_ascii = is_ascii || header(message.bytes()).is_ascii();
    if needs_letters(message.recipients().iter().chain([message.sender()]), header_is_ascii, offers)? {
        mail.push_str(" SMTPUTF8");
    }
    if let Some(reports) = message.reports() {
        if !offers.has("DSN") {
            let text = "the message asks for delivery reports and the server can't be asked for them";
            return Err(refused(555, (5, 5, 4), text));
        }
        if let Some(whole) = reports.wants_whole_message() {
            mail.push_str(if whole { " RET=FULL" } else { " RET=HDRS" });
        }
        if let Some(id) = reports.envelope_id() {
            mail.extend([" ENVID=", &xtext(id)]);
        }
    }
    mail.push_str("\r\n");
    Ok(mail)
}

/// Writes RCPT with the reports that are wanted about this recipient.
pub(super) fn rcpt(recipient: &Address, reports: Option<&DeliveryReports>) -> String {
    let Some(reports) = reports else { return format!("RCPT TO:<{recipient}>\r\n") };
    let wanted = [
        (reports.wants_success(), "SUCCESS"),
        (reports.wants_failure(), "FAILURE"),
        (reports.wants_delay(), "DELAY"),
    ];
    let wanted: Vec<_> = wanted.iter().filter(|(wants, _)| *wants).map(|(_, name)| *name).collect();
    let wanted = if wanted.is_empty() { "NEVER".to_owned() } else { wanted.join(",") };
    format!("RCPT TO:<{recipient}> NOTIFY={wanted} ORCPT={}\r\n", original(&recipient.to_string()))
}

/// Tells whether an address or the header needs SMTPUTF8 (RFC 6531 section 3.4, RFC 6532).
fn needs_letters<'a>(
    mut addresses: impl Iterator<Item = &'a Address>,
    header_is_ascii: bool,
    offers: &Offers,
) -> Result<bool, Fault> {
    if header_is_ascii && !addresses.any(Address::needs_smtputf8) {
        return Ok(false);
    }
    if !offers.has("SMTPUTF8") {
        let text =
            "an address or a header field holds letters outside ASCII and the server doesn't take those";
        return Err(refused(553, (5, 6, 7), text));
    }
    Ok(true)
}

fn header(message: &[u8]) -> &[u8] {
    let end = memchr::memmem::find(message, b"\r\n\r\n");
    end.map_or(message, |end| &message[..end])
}

/// Names the recipient as the sender wrote it; other letters stand as `\x{..}` (RFC 6533 section 3).
fn original(address: &str) -> String {
    if address.is_ascii() {
        return format!("rfc822;{}", xtext(address));
    }
    let escaped = address.chars().map(|letter| match letter {
        '!'..='~' if !['+', '=', '\\'].contains(&letter) => letter.to_string(),
        _ => format!("\\x{{{:02X}}}", u32::from(letter)),
    });
    format!("utf-8;{}", escaped.collect::<String>())
}

fn refused(code: u16, enhanced: (u8, u16, u16), text: &str) -> Fault {
    Fault::Refused(Status::new(code, Some(enhanced), text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smtp::reply::Reply;

    #[test]
    fn other_letters_are_asked_for_only_where_there_are_some() {
        let offering = |lines: &[&str]| {
            Offers::of(&Reply { code: 250, lines: lines.iter().map(ToString::to_string).collect() })
        };
        let ask = |address: &str, header_is_ascii: bool, offers: &Offers| {
            needs_letters([&address.parse().unwrap()].into_iter(), header_is_ascii, offers).ok()
        };
        let (with, without) = (offering(&["me", "SMTPUTF8"]), offering(&["me", "8BITMIME"]));
        for (address, header_is_ascii, needs) in [
            ("ada@x.example", true, false),
            ("ada@x.example", false, true),
            ("d\u{f6}rte@x.example", true, true),
            ("ada@b\u{fc}cher.example", true, false),
        ] {
            assert_eq!(ask(address, header_is_ascii, &with), Some(needs));
            assert_eq!(ask(address, header_is_ascii, &without), (!needs).then_some(false));
        }
        assert!(header("Subject: a\r\n\r\nd\u{f6}rte".as_bytes()).is_ascii());
        assert!(!header("Reply-To: d\u{f6}rte@x.example\r\n\r\n".as_bytes()).is_ascii());
    }

    #[test]
    fn an_original_recipient_says_in_which_letters_it_is_written() {
        assert_eq!(original("a+b@x.example"), "rfc822;a+2Bb@x.example");
        assert_eq!(original("d\u{f6}+b@x.example"), r"utf-8;d\x{F6}\x{2B}b@x.example");
    }
}
