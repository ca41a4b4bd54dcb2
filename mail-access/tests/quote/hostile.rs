//! Texts that nobody would write, and the labelled mails with something broken in them.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use mail_access::quote::{Part, PartKind, codes, links, links_in_html, split};
use proptest::prelude::*;

use crate::labelled::labelled;

static MAILS: LazyLock<Vec<String>> =
    LazyLock::new(|| labelled().into_iter().flat_map(|(_, mails)| mails).map(|mail| mail.text).collect());

proptest! {
    #[test]
    fn any_text_is_split_without_loss(text in text()) {
        nothing_is_lost(&text);
    }

    #[test]
    fn any_characters_are_split_without_loss(text in any::<String>()) {
        nothing_is_lost(&text);
    }

    #[test]
    fn a_broken_mail_is_split_without_loss(mail in any::<prop::sample::Index>(), changes in changes()) {
        nothing_is_lost(&broken(mail.get::<String>(&MAILS), &changes));
    }

    #[test]
    fn links_and_codes_are_what_they_say(text in text(), html in html()) {
        for found in links(&text).iter().chain(&links_in_html(&html)).chain(&links_in_html(&text)) {
            prop_assert!(["http", "https"].contains(&found.url().scheme()) && found.url().has_host());
        }
        for found in codes(&text) {
            prop_assert!((1..=100).contains(&found.confidence()));
            let characters = found.value().bytes().filter(u8::is_ascii_alphanumeric).count();
            prop_assert!((4..=10).contains(&characters), "{}", found.value());
        }
    }
}

#[test]
fn line_ends_change_nothing() {
    for mail in labelled().into_iter().flat_map(|(_, mails)| mails) {
        let kinds = |text: &str| -> Vec<PartKind> {
            let split = split(text);
            split.parts().iter().flat_map(|part| part.text().lines().map(|_| part.kind())).collect()
        };
        assert_eq!(kinds(&mail.text), kinds(&mail.text.replace('\n', "\r\n")), "{}", mail.name);
        assert_eq!(kinds(&mail.text), kinds(mail.text.trim_end_matches('\n')), "{}", mail.name);
    }
}

#[test]
fn new_text_is_all_new_when_it_is_split_again() {
    for mail in labelled().into_iter().flat_map(|(_, mails)| mails) {
        let new = split(&mail.text).new_text().into_owned();
        assert_eq!(split(&new).new_text(), new, "{}", mail.name);
    }
}

/// Sixteen times the text may take 64 times as long, for the sake of busy machines; a quadratic step would take 256
/// times as long, and each of these texts aims at one.
#[test]
fn time_grows_with_the_length_of_the_text_alone() {
    for (name, line) in HOSTILE {
        let mut text = line.repeat(4 * 1024 / line.len() + 1);
        let short = took(&text);
        text = text.repeat(16);
        let long = took(&text);
        let allowed = (short * 64).max(Duration::from_secs(3));
        assert!(long < allowed, "{name}: {} bytes took {long:?}, a sixteenth {short:?}", text.len());
    }
    let blanks = "\n".repeat(64 * 1024) + &"On 5 May 2024 10:12 <a@b.example> wrote:\n\n".repeat(1_500);
    assert!(took(&blanks) < Duration::from_secs(5));
}

/// Half of one and half of another, so that a search which fails late has to start again.
const HOSTILE: &[(&str, &str)] = &[
    ("marks", "> "),
    ("lines of marks", ">>>>>>>>>>>>>>>>>>>>\n"),
    ("marked and not", "> a\nb\n\n"),
    ("colons", ":\n"),
    ("openers", "On Mon, May 6, 2024 at 10:12 AM Bob\n"),
    ("attributions", "On Mon, May 6, 2024 at 10:12 AM Bob <bob@example.org> wrote:\n\n"),
    ("uncertain attributions", "he wrote:\n\n"),
    ("headers", "From: a\nDate: 6 May 2024\n"),
    ("full headers", "From: a\nDate: 6 May 2024 10:12\nTo: b\nSubject: c\n\n"),
    ("rules", "________________________________\n\n"),
    ("titles", "-----Original Message-----\n"),
    ("separators", "-- \n"),
    ("fences", "```\n> a\n"),
    ("mobile", "Sent from my iPhone\n\n"),
    ("quoted mobile", "Sent from my iPhone\n> a\n\n"),
    ("closings", "Best regards\nA\n+44 113 4960000\n\n"),
    ("notices", "confidential intended recipient\n\n"),
    ("blank", "\n"),
    ("one line", "On Mon wrote: > "),
    ("digits", "1"),
    ("codes", "code 123456 "),
    ("lines of codes", "code 123456\n"),
    ("at", "@"),
    ("schemes", "http://"),
    ("broken schemes", "http://["),
    ("brackets", "https://a.example/((((((((("),
    ("closing brackets", "https://a.example/)))))))))"),
    ("tags", "<"),
    ("open tags", "<a href='"),
    ("open attributes", "<a href=x "),
    ("open comments", "<!--"),
    ("open scripts", "<script>"),
    ("closing tags", "</"),
    ("references", "<a href=https://a.example>&amp"),
    ("anchors", "<a href=https://a.example/>x</a>"),
    ("wide", "：\n写道\n"),
];

fn took(text: &str) -> Duration {
    let begin = Instant::now();
    assert_eq!(split(text).parts().iter().map(|part| part.text().len()).sum::<usize>(), text.len());
    codes(text);
    links(text);
    links_in_html(text);
    begin.elapsed()
}

fn nothing_is_lost(text: &str) {
    let split = split(text);
    let all: String = split.parts().iter().map(Part::text).collect();
    assert_eq!(all, text);
    assert!(split.parts().windows(2).all(|pair| pair[0].kind() != pair[1].kind()), "{split:?}");
    let mut lines: Vec<&str> =
        text.lines().filter(|line| !line.trim().is_empty()).map(str::trim_end).collect();
    let (new, quoted, signature) = (split.new_text(), split.quoted(), split.signature());
    let parts = [new.as_ref(), quoted.as_ref(), signature.as_ref()];
    let found = parts.into_iter().flat_map(str::lines).filter(|line| !line.trim().is_empty());
    let mut found: Vec<&str> = found.map(str::trim_end).collect();
    lines.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, lines);
    codes(text);
    links(text);
    links_in_html(text);
}

/// Lines that mean something to the splitter, and some that don't, in any order.
fn text() -> impl Strategy<Value = String> {
    let known = prop::sample::select(FRAGMENTS);
    let line = prop_oneof![
        6 => known.prop_map(str::to_owned),
        1 => "\\PC{0,12}",
        1 => ("[> ]{0,6}", "\\PC{0,8}").prop_map(|(marks, rest)| marks + &rest),
    ];
    let end = prop::sample::select(&["\n", "\r\n", "\n\n", " ", ""][..]);
    prop::collection::vec((line, end), 0..24)
        .prop_map(|lines| lines.into_iter().flat_map(|(line, end)| [line, end.to_owned()]).collect())
}

fn html() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(
        &[
            "<a ",
            "</a>",
            "href=",
            "'",
            "\"",
            ">",
            "<",
            "https://a.example/ü",
            "&amp;",
            "&#x1F600;",
            "&#",
            "<!--",
            "-->",
        ][..],
    );
    prop::collection::vec(prop_oneof![4 => piece.prop_map(str::to_owned), 1 => "\\PC{0,4}"], 0..40)
        .prop_map(|pieces| pieces.concat())
}

#[derive(Clone, Debug)]
enum Change {
    Drop(prop::sample::Index),
    Repeat(prop::sample::Index),
    Swap(prop::sample::Index, prop::sample::Index),
    Insert(prop::sample::Index, String),
    CutAt(prop::sample::Index),
    Mark(prop::sample::Index),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let at = any::<prop::sample::Index>;
    let change = prop_oneof![
        at().prop_map(Change::Drop),
        at().prop_map(Change::Repeat),
        (at(), at()).prop_map(|(one, other)| Change::Swap(one, other)),
        (at(), text()).prop_map(|(at, text)| Change::Insert(at, text)),
        at().prop_map(Change::CutAt),
        at().prop_map(Change::Mark),
    ];
    prop::collection::vec(change, 1..6)
}

fn broken(mail: &str, changes: &[Change]) -> String {
    let mut lines: Vec<String> = mail.split_inclusive('\n').map(str::to_owned).collect();
    for change in changes {
        if lines.is_empty() {
            break;
        }
        let count = lines.len();
        match change {
            Change::Drop(at) => drop(lines.remove(at.index(count))),
            Change::Repeat(at) => lines.insert(at.index(count), lines[at.index(count)].clone()),
            Change::Swap(one, other) => lines.swap(one.index(count), other.index(count)),
            Change::Insert(at, text) => lines.insert(at.index(count), text.clone()),
            Change::CutAt(at) => {
                let line = &mut lines[at.index(count)];
                let to = line.floor_char_boundary(at.index(line.len() + 1));
                line.truncate(to);
            }
            Change::Mark(at) => lines[at.index(count)].insert_str(0, "> "),
        }
    }
    lines.concat()
}

const FRAGMENTS: &[&str] = &[
    "On Mon, May 6, 2024 at 10:12 AM Bob <bob@example.org> wrote:",
    "On Mon, May 6, 2024 at 10:12 AM Bob",
    "<bob@example.org> wrote:",
    "Am 06.05.24 um 10:12 schrieb Bob:",
    "王伟 <wei@example.cn> 于2024年5月6日周一 10:12写道：",
    "-----Original Message-----",
    "---------- Forwarded message ---------",
    "---- Bob wrote ----",
    "From: Bob <bob@example.org>",
    "Sent: Monday, May 6, 2024 10:12 AM",
    "To: Ada",
    "Subject: x",
    "________________________________",
    "-- ",
    "--",
    "> quoted",
    ">> deeper",
    "＞ 全角",
    ">",
    "```",
    "Best regards,",
    "Ada Lovelace",
    "Tel. +44 113 496 0000",
    "Sent from my iPhone",
    "confidential, for the intended recipient",
    "Your code is 482 913.",
    "G-482913 код 1234-5678",
    "https://example.org/a_(b)?c=d).",
    "http://[::1",
    "Yes.",
    "\u{202b}\u{feff}",
    "İ ß ǅ",
    "",
];
