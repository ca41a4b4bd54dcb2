//! Any strings in any place: refused, or arrived as they were meant, by the judgement of two parsers.

use mail_parser::{MessageParser, MimeHeaders, PartType};
use mailparse::MailHeaderMap;
use proptest::collection::vec;
use proptest::option::of as maybe;
use proptest::prelude::*;

use super::*;

proptest! {
    #![proptest_config(ProptestConfig { max_global_rejects: 1 << 20, ..ProptestConfig::default() })]

    #[test]
    fn no_string_adds_or_takes_a_header_field(written in written()) {
        let Ok(sealed) = written.message().seal(&written.from()) else { return Ok(()) };
        written.check(&sealed)?;
    }

    /// The same with strings that pass the checks, so that nearly all of them are built.
    #[test]
    fn what_is_accepted_arrives_as_it_was_written(written in fair()) {
        let sealed = written.message().seal(&written.from());
        prop_assert!(sealed.is_ok(), "{:?}", sealed);
        written.check(&sealed.unwrap())?;
    }

    #[test]
    fn any_message_can_be_answered_and_forwarded(header in vec(hostile(), 0..8), text in hostile()) {
        let fields = ["From", "Reply-To", "To", "Cc", "Subject", "References", "In-Reply-To", "Message-ID", "Date"];
        let mut raw: String = fields.iter().zip(&header).map(|(name, value)| {
            let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, value);
            format!("{name}: =?utf-8?B?{encoded}?= <a@b.example>\r\n")
        }).collect();
        raw += "From: x@y.example\r\n\r\n";
        raw += &text;
        let received = received(raw.as_bytes());
        let ada = address("ada@agents.example");
        let messages = [
            NewMessage::reply_to(&received),
            NewMessage::reply_all_to(&received, std::slice::from_ref(&ada)),
            NewMessage::forward(&received).map(|forward| forward.with_to(&ada)),
            NewMessage::forward_as_attachment(&received).map(|forward| forward.with_to(&ada)),
        ];
        for message in messages.into_iter().flatten() {
            let message = message.with_html("<p>yes</p>").with_text("yes");
            for message in [message.clone(), message.with_quote(&received)] {
                let sealed = message.seal(&(&ada).into()).unwrap();
                let names = names(sealed.bytes());
                let known = ["date", "message-id", "from", "to", "cc", "subject", "in-reply-to", "references",
                    "mime-version", "content-type", "content-transfer-encoding"];
                prop_assert!(names.iter().all(|name| known.contains(&name.as_str())), "{names:?}");
            }
        }
    }
}

/// The strings of a message.
#[derive(Clone, Debug)]
struct Written {
    from: String,
    to: Vec<String>,
    cc: Vec<String>,
    reply_to: Vec<String>,
    subject: String,
    headers: Vec<(String, String)>,
    unsubscribe: Option<String>,
    text: Option<String>,
    html: Option<String>,
    calendar: Option<String>,
    images: Vec<(String, Option<String>)>,
    files: Vec<(Option<String>, String, Vec<u8>)>,
}

impl Written {
    fn from(&self) -> Contact {
        Contact::named(&self.from, address("ada@agents.example"))
    }

    fn message(&self) -> NewMessage {
        let contact = |name: &String| Contact::named(name, address("bob@agents.example"));
        let mut message = NewMessage { subject: self.subject.clone(), ..NewMessage::default() };
        message.to = self.to.iter().map(contact).collect();
        message.cc = self.cc.iter().map(contact).collect();
        message.reply_to = self.reply_to.iter().map(contact).collect();
        message.bcc = vec![address("dave@agents.example").into()];
        message.headers.clone_from(&self.headers);
        message.unsubscribe.clone_from(&self.unsubscribe);
        message.text.clone_from(&self.text);
        message.html.clone_from(&self.html);
        message.calendar.clone_from(&self.calendar);
        for (id, name) in &self.images {
            let image = Attachment::from_parts(name.clone(), "image/png".to_owned(), b"png".to_vec());
            message = message.with_inline(id, image);
        }
        for (name, kind, content) in &self.files {
            message =
                message.with_attachment(Attachment::from_parts(name.clone(), kind.clone(), content.clone()));
        }
        message
    }

    fn check(&self, sealed: &Outgoing) -> Result<(), TestCaseError> {
        let raw = sealed.bytes();
        prop_assert!(raw.split(|b| *b == b'\n').all(|line| line.len() <= 999));
        let header = raw.windows(4).position(|end| end == b"\r\n\r\n").unwrap();
        prop_assert!(raw[..header].is_ascii() && !raw[..header].contains(&0));

        let parsed = mailparse::parse_mail(raw).unwrap();
        let ours = MessageParser::default().parse(raw).unwrap();
        let expected = self.names();
        prop_assert_eq!(&names(raw)[..expected.len()], &expected[..]);
        let rest = &names(raw)[expected.len()..];
        prop_assert!(
            rest == ["content-type"] || rest == ["content-type", "content-transfer-encoding"],
            "{:?}",
            rest
        );
        let names: Vec<String> =
            ours.headers().iter().map(|header| header.name().to_ascii_lowercase()).collect();
        prop_assert_eq!(&names[..expected.len()], &expected[..]);
        prop_assert_eq!(&names[expected.len()..], rest);

        let subject = parsed.headers.get_first_value("Subject").unwrap_or_default();
        prop_assert_eq!(subject.trim(), self.subject.trim());
        prop_assert_eq!(ours.subject().unwrap_or_default().trim(), self.subject.trim());
        for (name, list, found) in [
            ("To", &self.to, ours.to()),
            ("Cc", &self.cc, ours.cc()),
            ("Reply-To", &self.reply_to, ours.reply_to()),
        ] {
            let shown: Vec<String> = list.iter().map(|name| name.trim().to_owned()).collect();
            let found: Vec<String> = found
                .iter()
                .flat_map(|list| list.iter())
                .map(|one| one.name().unwrap_or_default().trim().to_owned())
                .collect();
            prop_assert_eq!(&found, &shown);
            if let Some(field) = parsed.headers.get_first_header(name) {
                let found: Vec<String> = mailparse::addrparse_header(field)
                    .unwrap()
                    .iter()
                    .map(|one| match one {
                        mailparse::MailAddr::Single(one) => {
                            one.display_name.clone().unwrap_or_default().trim().to_owned()
                        }
                        mailparse::MailAddr::Group(_) => "a group".to_owned(),
                    })
                    .collect();
                prop_assert_eq!(&found, &shown);
            }
        }
        let custom: Vec<_> = parsed
            .headers
            .iter()
            .skip(expected.len() - 1 - self.headers.len())
            .take(self.headers.len())
            .collect();
        for ((name, value), found) in self.headers.iter().zip(custom) {
            prop_assert_eq!(&found.get_key(), name);
            let found = found.get_value();
            prop_assert_eq!(found.trim(), value.trim());
        }
        self.check_parts(&parsed, &ours)
    }

    /// Compares the parts in the order in which they were written.
    fn check_parts(
        &self,
        parsed: &mailparse::ParsedMail<'_>,
        ours: &mail_parser::Message<'_>,
    ) -> Result<(), TestCaseError> {
        let mut texts: Vec<(&str, String)> = Vec::new();
        if self.text.is_some() || (self.html.is_none() && self.calendar.is_none()) {
            texts.push(("text/plain", self.text.clone().unwrap_or_default()));
        }
        texts.extend(self.html.clone().map(|html| ("text/html", html)));
        texts.extend(self.calendar.clone().map(|calendar| ("text/calendar", calendar)));
        let mut leaves: Vec<&mailparse::ParsedMail<'_>> =
            parsed.parts().filter(|part| part.subparts.is_empty()).collect();
        leaves.retain(|leaf| !leaf.ctype.mimetype.starts_with("multipart/"));
        prop_assert_eq!(leaves.len(), texts.len() + self.images.len() + self.files.len());
        for (kind, text) in &texts {
            let leaf = leaves.iter().find(|leaf| leaf.ctype.mimetype == *kind).unwrap();
            prop_assert_eq!(lines(&leaf.get_body().unwrap()), lines(text));
            let found = ours.parts.iter().find(|part| {
                part.content_type().is_some_and(|found| {
                    format!("{}/{}", found.ctype(), found.subtype().unwrap_or_default()) == *kind
                })
            });
            prop_assert_eq!(lines(found.unwrap().text_contents().unwrap_or_default()), lines(text));
        }
        let files: Vec<_> = ours
            .parts
            .iter()
            .filter(|part| part.content_disposition().is_some_and(|d| d.is_attachment()))
            .collect();
        prop_assert_eq!(files.len(), self.files.len());
        for ((name, _, content), found) in self.files.iter().zip(&files) {
            let bytes = match &found.body {
                PartType::Message(inner) => inner.raw_message(),
                _ => found.contents(),
            };
            prop_assert_eq!(bytes, &content[..]);
            prop_assert_eq!(found.attachment_name().unwrap_or_default(), name.as_deref().unwrap_or_default());
        }
        let files: Vec<_> = leaves
            .iter()
            .map(|leaf| (leaf, leaf.get_content_disposition()))
            .filter(|(_, shown)| shown.disposition == mailparse::DispositionType::Attachment)
            .collect();
        for ((name, _, content), (leaf, shown)) in self.files.iter().zip(files) {
            prop_assert_eq!(&leaf.get_body_raw().unwrap(), content);
            prop_assert_eq!(
                shown.params.get("filename").map_or("", String::as_str),
                name.as_deref().unwrap_or_default()
            );
        }
        Ok(())
    }

    fn names(&self) -> Vec<String> {
        let mut names = vec!["date", "message-id", "from"];
        let lists = [("reply-to", &self.reply_to), ("to", &self.to), ("cc", &self.cc)];
        names.extend(lists.iter().filter(|(_, list)| !list.is_empty()).map(|(name, _)| name));
        names.push("subject");
        names.extend(self.unsubscribe.iter().flat_map(|_| ["list-unsubscribe", "list-unsubscribe-post"]));
        let mut names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        names.extend(self.headers.iter().map(|(name, _)| name.to_ascii_lowercase()));
        names.push("mime-version".to_owned());
        names
    }
}

fn names(raw: &[u8]) -> Vec<String> {
    mailparse::parse_headers(raw)
        .unwrap()
        .0
        .iter()
        .map(|header| header.get_key().to_ascii_lowercase())
        .collect()
}

/// A last line gets an end if it has none.
fn lines(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.strip_suffix('\n').unwrap_or(&text).to_owned()
}

fn written() -> impl Strategy<Value = Written> {
    strings(hostile, hostile, hostile)
}

fn fair() -> impl Strategy<Value = Written> {
    strings(one_line, || "X-[!-9;-~]{1,60}".boxed(), several_lines)
}

/// Builds messages of three kinds of strings: of one line, names of fields, and of several lines.
fn strings(
    line: fn() -> BoxedStrategy<String>,
    name: fn() -> BoxedStrategy<String>,
    text: fn() -> BoxedStrategy<String>,
) -> impl Strategy<Value = Written> {
    let kinds = prop_oneof![Just("application/pdf".to_owned()), Just("application/x-a; b=c".to_owned())];
    let bytes = prop_oneof![vec(any::<u8>(), 0..200), text().prop_map(String::into_bytes)];
    let id = prop_oneof![Just("a@b".to_owned()), Just("image-1".to_owned())];
    let contacts = (line(), vec(line(), 0..3), vec(line(), 0..3), vec(line(), 0..2));
    let fields = (
        line(),
        vec((name(), line()), 0..4),
        maybe("https://[a-z]{1,9}\\.example/[!#-+\\--;=?-\\[\\]-~]{0,40}"),
    );
    let bodies = (maybe(text()), maybe(text()), maybe(text()));
    let files = (vec((id, maybe(line())), 0..2), vec((maybe(line()), kinds, bytes), 0..3));
    (contacts, fields, bodies, files).prop_map(
        |(
            (from, to, cc, reply_to),
            (subject, headers, unsubscribe),
            (text, html, calendar),
            (images, files),
        )| Written {
            from,
            to,
            cc,
            reply_to,
            subject,
            headers,
            unsubscribe,
            text,
            images: if html.is_some() { images.into_iter().take(1).collect() } else { Vec::new() },
            html,
            calendar: calendar
                .map(|text| format!("BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nX-A;{}", text.replace(':', "."))),
            files,
        },
    )
}

fn hostile() -> BoxedStrategy<String> {
    let hostile =
        vec(prop_oneof![fragment(), proptest::sample::select(CONTROLS).prop_map(str::to_owned)], 0..12);
    prop_oneof![one_line(), hostile.prop_map(|parts| parts.concat())].boxed()
}

fn one_line() -> BoxedStrategy<String> {
    let line = vec(fragment(), 0..12);
    line.prop_map(|parts| parts.concat().replace(char::is_control, "")).boxed()
}

fn several_lines() -> BoxedStrategy<String> {
    let ends = proptest::sample::select(
        &["\r\n", "\n", "\r", "\n.\n", "\r\n.\r\n", "\n\n", " \n", "\t\r\n", "\u{7f}", "\u{1b}"][..],
    );
    vec(prop_oneof![fragment(), ends.prop_map(str::to_owned)], 0..20).prop_map(|parts| parts.concat()).boxed()
}

/// No text holds a NUL, and parsers drop a byte order mark.
fn fragment() -> impl Strategy<Value = String> {
    let fragment = prop_oneof![
        proptest::sample::select(FRAGMENTS).prop_map(str::to_owned),
        any::<char>().prop_map(String::from),
        "[ -~]{1,20}",
        "[a-z]{60,120}",
    ];
    fragment.prop_map(|text| text.replace(['\0', '\u{feff}'], ""))
}

const CONTROLS: &[&str] = &[
    "\r\n",
    "\n",
    "\r",
    "\0",
    "\r\n ",
    "\r\n\r\n",
    "\nBcc: x@y.example",
    "\r\nBcc: x@y.example\r\n",
    "\u{85}",
    "\u{b}",
    "\u{c}",
    "\u{1b}[2J",
    "\t",
    "\u{7f}",
];
const FRAGMENTS: &[&str] = &[
    " ",
    "  ",
    "=?utf-8?B?DQpCY2M6IHhAeS5leGFtcGxl?=",
    "=?utf-8?Q?=0A?=",
    "=?",
    "?=",
    "\"",
    "\\",
    "<",
    ">",
    ",",
    ";",
    ":",
    "(",
    ")",
    "@",
    "a",
    "gr\u{fc}n",
    "\u{4f60}\u{597d}",
    "\u{1f680}",
    "e\u{301}",
    "\u{2028}",
    "\u{202e}",
    "\u{a0}",
    "Bcc: x@y.example",
    "--",
    ".",
    "..",
    "%0d%0a",
    "=0D=0A",
    "=",
    "_",
    "'",
    "*",
    "undisclosed-recipients:;",
    "../../etc/passwd",
];
