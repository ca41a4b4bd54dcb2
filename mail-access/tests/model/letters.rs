//! Messages whose decoded text is known, in the encodings of the world.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::random::Random;

/// What a search can find in a message.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Known {
    pub(crate) message_id: String,
    /// Names in lower case, and decoded values.
    pub(crate) fields: Vec<(&'static str, String)>,
    pub(crate) bodies: Vec<String>,
}

/// Writes a message of a few words.
pub(crate) fn letter(random: &mut Random, number: usize) -> (Known, Vec<u8>) {
    let (name, subject) = (phrase(random), phrase(random));
    let (text, html) = (phrase(random), format!("<p>{}</p>", phrase(random)));
    let message_id = format!("{number}.model@agents.example");
    let mut fields = vec![("from", format!("{name} <writer@agents.example>")), ("subject", subject.clone())];
    let mut header = format!(
        "From: {} <writer@agents.example>\r\nSubject: {}\r\nMessage-ID: <{message_id}>\r\n",
        encoded_word(&name),
        encoded_word(&subject)
    );
    if random.one_in(3) {
        let copied = phrase(random);
        write!(header, "Cc: {}\r\n <copied@agents.example>\r\n", encoded_word(&copied))
            .expect("it is written");
        fields.push(("cc", format!("{copied} <copied@agents.example>")));
    }
    header += "MIME-Version: 1.0\r\n";
    let (bodies, body) = match random.below(4) {
        0 => (vec![text.clone()], part("text/plain; charset=utf-8", "8bit", &text)),
        1 => (vec![text.clone()], part("text/plain; charset=utf-8", "base64", &STANDARD.encode(&text))),
        2 => (vec![html.clone()], part("text/html; charset=utf-8", "quoted-printable", &quoted(&html))),
        _ => {
            let parts = [
                part("text/plain; charset=utf-8", "quoted-printable", &quoted(&text)),
                part("application/octet-stream", "base64", &STANDARD.encode(phrase(random))),
                part("text/html; charset=utf-8", "8bit", &html),
            ];
            let parts = parts.map(|part| format!("--b0undary\r\n{part}")).concat();
            let body =
                format!("Content-Type: multipart/mixed; boundary=b0undary\r\n\r\n{parts}--b0undary--\r\n");
            (vec![text, html], body)
        }
    };
    (Known { message_id, fields, bodies }, (header + &body).into_bytes())
}

/// Words that stand in messages and are searched for.
pub(crate) const WORDS: [&str; 10] = [
    "Analytical",
    "engine",
    "sheep",
    "Z\u{fc}rich",
    "gr\u{fc}\u{df}e",
    "\u{41f}\u{440}\u{438}\u{432}\u{435}\u{442}",
    "\u{65e5}\u{672c}\u{8a9e}",
    "\u{1f4ec}",
    "caf\u{e9}",
    "b=1",
];

pub(crate) fn phrase(random: &mut Random) -> String {
    let words: Vec<_> = (0..=random.below(3)).map(|_| *random.pick(&WORDS)).collect();
    words.join(" ")
}

fn part(kind: &str, encoding: &str, body: &str) -> String {
    format!("Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}\r\n")
}

fn encoded_word(text: &str) -> String {
    format!("=?utf-8?b?{}?=", STANDARD.encode(text))
}

fn quoted(text: &str) -> String {
    let plain = |byte: u8| byte == b' ' || (byte.is_ascii_graphic() && byte != b'=');
    text.bytes().fold(String::new(), |mut quoted, byte| {
        if plain(byte) {
            quoted.push(byte.into());
        } else {
            write!(quoted, "={byte:02X}").expect("it is written");
        }
        quoted
    })
}
