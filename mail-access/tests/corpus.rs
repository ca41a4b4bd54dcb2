//! Parses a corpus of real, malformed and mutated mails and compares what comes out with a reviewed snapshot.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::SystemTime;

use mail_access::{
    Address, DeliveryAction, Kind, Limit, Login, MailAccess, NewMessage, PostOffice, Received, Selection, Uid,
};

struct Mail {
    name: String,
    bytes: Vec<u8>,
    is_real: bool,
}

#[test]
fn a_corpus_is_decoded_as_it_was_reviewed() {
    let mut told = String::new();
    for mail in corpus() {
        writeln!(told, "{}: {}", mail.name, shown(&parse(&mail.bytes))).expect("a text takes any text");
    }
    let path = folder().join("snapshot.txt");
    if std::env::var("SNAPSHOT").is_ok_and(|wish| wish == "write") {
        std::fs::write(&path, &told).expect("the snapshot can be written");
    }
    let known = std::fs::read_to_string(&path).expect("there is a snapshot");
    let differences: Vec<_> =
        told.lines().zip(known.lines()).filter(|(now, before)| now != before).take(10).collect();
    assert!(differences.is_empty(), "decoded otherwise than reviewed (now, before): {differences:#?}");
    assert_eq!(told.lines().count(), known.lines().count());
}

#[test]
fn the_corpus_is_as_large_as_its_readme_says() {
    let corpus = corpus();
    assert_eq!(corpus.iter().filter(|mail| mail.is_real).count(), 1357);
    assert_eq!(corpus.len(), 1357 + 443 + 2 * 1357);
}

#[test]
fn no_decoded_line_holds_what_deceives() {
    let is_hidden =
        |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    for mail in corpus() {
        let message = parse(&mail.bytes);
        let names =
            message.all_from().iter().chain(message.to()).chain(message.cc()).chain(message.reply_to());
        let names = names.filter_map(|contact| contact.name.as_deref());
        let files = message.attachments().iter().filter_map(|file| file.name.as_deref());
        for line in names.chain(files).chain([message.subject()]) {
            assert!(!line.contains(is_hidden), "{}: {line:?}", mail.name);
        }
        for text in [message.text(), message.html(), message.readable_text().as_deref()].into_iter().flatten()
        {
            assert!(!text.contains(|c| is_hidden(c) && c != '\n' && c != '\t'), "{}", mail.name);
        }
        for file in message.attachments() {
            let path = PathBuf::from(file.safe_name());
            assert!(path.components().count() == 1 && path.file_name() == Some(path.as_os_str()), "{path:?}");
        }
    }
}

/// Bounces of many kinds are in it; each that is read names its recipients.
#[test]
fn bounces_are_recognised() {
    let corpus = corpus();
    let of = |source: &str| {
        let of_source = corpus.iter().filter(|mail| mail.is_real && mail.name.starts_with(source));
        of_source.map(|mail| parse(&mail.bytes)).collect::<Vec<_>>()
    };
    let bounces = of("flufl-bounce/");
    let read: Vec<_> = bounces.iter().filter_map(Received::delivery_report).collect();
    assert!(read.len() >= 20, "{} of {}", read.len(), bounces.len());
    assert!(read.iter().all(|report| !report.recipients.is_empty()));
    let complaints = of("mail-auth/arf/");
    assert!(complaints.iter().all(|message| message.kind() == Kind::FeedbackReport), "{complaints:?}");
    assert!(of("talon/").iter().all(|message| !message.is_delivery_report()));
}

#[test]
fn two_parsers_see_the_same_fields() {
    let (mut compared, mut fields) = (0, 0);
    for mail in corpus().iter().filter(|mail| mail.is_real) {
        let Ok((other, _)) = mailparse::parse_headers(&mail.bytes) else { continue };
        // Lines that are no fields are taken otherwise by each parser.
        let other: Vec<_> = other.iter().map(|field| field.get_key().trim().to_owned()).collect();
        if !is_plain(&mail.bytes) {
            continue;
        }
        let message = parse(&mail.bytes);
        let ours: Vec<_> = message.headers().map(|(name, _)| name.into_owned()).collect();
        assert_eq!(ours, other, "{}", mail.name);
        compared += 1;
        fields += ours.len();
    }
    assert!(compared >= 270 && fields >= 2_800, "{compared} mails, {fields} fields");
}

/// A mail of the corpus showed that a field can be read on into the next one.
#[test]
fn no_field_hides_the_one_behind_it() {
    for mail in corpus().iter().filter(|mail| mail.name.starts_with(MADE)) {
        let field = String::from_utf8_lossy(&mail.bytes);
        for end in ["\n", "\r\n"] {
            let lines = field.lines().take_while(|line| !line.trim().is_empty());
            let field = lines.collect::<Vec<_>>().join(end);
            let raw = format!("{field}{end}From: last@agents.example{end}Subject: seen{end}{end}");
            let message = parse(raw.as_bytes());
            let last = message.all_from().last().map(|from| from.address.to_string());
            assert_eq!(
                (last.as_deref(), message.subject()),
                (Some("last@agents.example"), "seen"),
                "{raw:?}"
            );
        }
    }
}

#[test]
fn a_bounce_of_postfix_is_read() {
    let corpus = corpus();
    let bounce = corpus.iter().find(|mail| mail.name == "postfix/full-mailbox").expect("it is there");
    let message = parse(&bounce.bytes);
    assert_eq!((message.kind(), message.is_auto_submitted()), (Kind::DeliveryReport, true));
    let report = message.delivery_report().expect("it can be read");
    assert!(report.original.expect("it has the header").as_str().starts_with("fill-"));
    assert_eq!(report.reporting_server.as_deref(), Some("mail.example.test"));
    let [recipient] = &report.recipients[..] else { panic!("one recipient: {:?}", report.recipients) };
    assert_eq!(recipient.address().map(|address| address.to_string()).as_deref(), Some("full@example.test"));
    assert_eq!((&recipient.action, recipient.status), (&DeliveryAction::Failed, Some((5, 2, 2))));
    assert!(recipient.diagnostic.as_deref().is_some_and(|said| said.contains("Quota exceeded")));
}

#[tokio::test]
async fn a_bounce_of_the_post_office_is_read() {
    let office = PostOffice::new();
    office.add_domain("agents.example".parse().expect("a domain"));
    let ada = Login::new("ada@agents.example".parse().expect("an address"), "a password".into());
    office.add_mailbox(ada.address(), ada.password().clone(), 0).expect("it can be made");
    let letter = NewMessage::to("nobody@agents.example".parse::<Address>().expect("an address"))
        .with_to(ada.address())
        .with_subject("anyone?")
        .with_text("hello")
        .seal(&ada.address().into())
        .expect("it can be sealed");
    office.submit(&ada, &letter).await.expect("it is taken");
    let batch = office.fetch(&ada, &Selection::Unseen, 10).await.expect("it can be read");
    let bounce = batch.messages.iter().find(|message| message.is_delivery_report()).expect("it came back");
    assert!(!bounce.allows_auto_reply());
    let report = bounce.delivery_report().expect("it can be read");
    assert_eq!(report.original.as_ref(), Some(letter.message_id()));
    let [recipient] = &report.recipients[..] else { panic!("one recipient: {:?}", report.recipients) };
    assert_eq!(recipient.final_recipient, "nobody@agents.example");
    assert!(recipient.is_permanent_failure(), "{recipient:?}");
}

/// Tells whether the header consists of fields with names of RFC 5322 and their folded lines.
fn is_plain(raw: &[u8]) -> bool {
    let header = raw.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let mut is_first = true;
    for line in header.take_while(|line| !line.is_empty()) {
        let is_folded = line.starts_with(b" ") || line.starts_with(b"\t");
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        let has_name = name.len() < line.len() && !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
        if line.trim_ascii().is_empty() || (is_first && is_folded) || !(is_folded || has_name) {
            return false;
        }
        is_first = false;
    }
    !is_first
}

fn parse(raw: &[u8]) -> Received {
    Received::parse(Uid::new(1).expect("it is not 0"), SystemTime::UNIX_EPOCH, false, raw)
}

fn shown(message: &Received) -> String {
    let text = message.readable_text().unwrap_or_default();
    let from: Vec<_> = message.all_from().iter().map(ToString::to_string).collect();
    let files: Vec<_> = message
        .attachments()
        .iter()
        .map(|file| {
            let (name, inline) = (file.safe_name(), if file.is_inline { " inline" } else { "" });
            format!("{name} {}{inline} {}/{:08x}", file.content_type, file.content.len(), hash(&file.content))
        })
        .collect();
    let opaque = message.opaque().map_or(String::new(), |limit: Limit| format!(" opaque: {limit:?}"));
    format!(
        "{:?}{opaque} | {} | {:?} | {}/{:08x} {:?} | {}",
        message.kind(),
        from.join(", "),
        message.subject(),
        text.len(),
        hash(text.as_bytes()),
        text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(60).collect::<String>(),
        files.join(", "),
    )
}

/// FNV-1a, so that a change anywhere in a text shows.
fn hash(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

fn corpus() -> Vec<Mail> {
    let mut mails = Vec::new();
    for source in SOURCES {
        let bytes = std::fs::read(folder().join(format!("{source}.mails"))).expect("the corpus is there");
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let end = rest.iter().position(|byte| *byte == b'\n').expect("each mail has a line before it");
            let line = std::str::from_utf8(&rest[..end]).expect("names are plain");
            let (name, length) =
                line.strip_prefix("=== ").and_then(|line| line.rsplit_once(' ')).expect("name and length");
            let length: usize = length.parse().expect("the length is a number");
            let mail = &rest[end + 1..end + 1 + length];
            let is_real = *source != MADE;
            mails.push(Mail { name: format!("{source}/{name}"), bytes: mail.to_vec(), is_real });
            rest = &rest[end + 2 + length..];
        }
    }
    let mutants: Vec<_> = mails
        .iter()
        .filter(|mail| mail.is_real)
        .flat_map(|mail| {
            (1..=2).map(|n| {
                let name = format!("{} mutant {n}", mail.name);
                let bytes = mutant(&mail.bytes, u64::from(hash(name.as_bytes())));
                Mail { name, bytes, is_real: false }
            })
        })
        .collect();
    mails.extend(mutants);
    mails
}

/// Breaks a mail as links, gateways and people do.
fn mutant(bytes: &[u8], seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2) + 1;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap_or(0) % below.max(1)
    };
    let mut lines: Vec<Vec<u8>> = bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    for _ in 0..=random(6) {
        let at = random(lines.len());
        match random(7) {
            0 => drop(lines.remove(at)),
            1 => lines.insert(at, lines[at].clone()),
            2 => {
                let cut = random(lines[at].len());
                lines[at].truncate(cut);
            }
            3 => {
                let (line, byte) = (&mut lines[at], u8::try_from(random(256)).unwrap_or(0));
                let place = random(line.len());
                line[place] = byte;
            }
            4 => {
                for line in &mut lines {
                    let end =
                        line.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |end| end + 1);
                    let had_return = line[end..].starts_with(b"\r");
                    line.truncate(end);
                    line.extend_from_slice(if had_return { b"\n" } else { b"\r\n" });
                }
            }
            5 => lines.truncate(at + 1),
            _ => {
                let other = random(lines.len());
                lines.swap(at, other);
            }
        }
        lines.retain(|line| !line.is_empty());
        if lines.is_empty() {
            break;
        }
    }
    lines.concat()
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

/// Whose mails they are tells `corpus/README.md`.
const SOURCES: &[&str] = &[
    "cpython",
    "flufl-bounce",
    "mail-auth",
    "mail-parser",
    "postfix",
    "talon",
    "aiosmtpd",
    "commons-email",
    "cpython-tests",
    "django-mailbox",
    "dkimpy",
    "enmime",
    "flufl-bounce-tests",
    "go-message",
    "mail-parser-legacy",
    "mail-parser-py",
    "mailbits",
    "mime4j",
    "muacrypt",
    "nmh",
    "roundup",
    "rspamd",
    MADE,
];
/// Made around one field each.
const MADE: &str = "mail-parser-fields";
