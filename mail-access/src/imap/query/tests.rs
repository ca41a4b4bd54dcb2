//! Random queries and names go out and are read back by a server's parser, written apart from the encoder.

use std::time::{Duration, SystemTime};

use proptest::prelude::*;

use super::write;
use crate::imap::command::Command;
use crate::imap::mailbox_name;
use crate::{Flag, FolderName, Query, Uid};

/// What a server reads: lists, atoms and strings.
#[derive(Clone, Debug, PartialEq)]
enum Token {
    Open,
    Close,
    Atom(String),
    Text(Vec<u8>),
}

/// Reads one command line by line as RFC 9051 section 9 has it; what is left of the bytes would be another command.
fn lex(bytes: &[u8]) -> (Vec<Token>, &[u8]) {
    let mut tokens = Vec::new();
    let mut at = 0;
    loop {
        match bytes[at] {
            b' ' => at += 1,
            b'\r' => {
                assert_eq!(bytes[at + 1], b'\n');
                return (tokens, &bytes[at + 2..]);
            }
            b'(' => {
                tokens.push(Token::Open);
                at += 1;
            }
            b')' => {
                tokens.push(Token::Close);
                at += 1;
            }
            b'"' => {
                let mut text = Vec::new();
                at += 1;
                while bytes[at] != b'"' {
                    if bytes[at] == b'\\' {
                        at += 1;
                        assert!(matches!(bytes[at], b'"' | b'\\'));
                    }
                    assert!((b' '..=b'~').contains(&bytes[at]), "a quoted string holds {}", bytes[at]);
                    text.push(bytes[at]);
                    at += 1;
                }
                at += 1;
                tokens.push(Token::Text(text));
            }
            b'{' => {
                let end = at + bytes[at..].iter().position(|byte| *byte == b'\n').unwrap();
                let head = std::str::from_utf8(&bytes[at..end]).unwrap();
                let digits = head.strip_prefix('{').unwrap().strip_suffix("}\r").unwrap();
                let length: usize = digits.trim_end_matches('+').parse().unwrap();
                let text = &bytes[end + 1..end + 1 + length];
                assert!(!text.contains(&0), "a literal holds a NUL");
                tokens.push(Token::Text(text.to_vec()));
                at = end + 1 + length;
            }
            _ => {
                let end = bytes[at..].iter().position(|byte| b" ()\"{\r\n".contains(byte)).unwrap() + at;
                let atom = std::str::from_utf8(&bytes[at..end]).unwrap();
                assert!(
                    atom.bytes().all(|byte| byte.is_ascii_graphic() && !b"\\%*]".contains(&byte)),
                    "{atom:?}"
                );
                tokens.push(Token::Atom(atom.to_owned()));
                at = end;
            }
        }
    }
}

/// A search key as a server takes it.
#[derive(Clone, Debug, PartialEq)]
enum Key {
    All(Vec<Key>),
    Or(Box<Key>, Box<Key>),
    Not(Box<Key>),
    /// A word and what stands behind it.
    Word(String, Vec<Vec<u8>>),
}

fn parse(tokens: &mut std::slice::Iter<'_, Token>) -> Key {
    match tokens.next().unwrap() {
        Token::Open => {
            let mut keys = Vec::new();
            while tokens.as_slice()[0] != Token::Close {
                keys.push(parse(tokens));
            }
            tokens.next();
            Key::All(keys)
        }
        Token::Atom(word) => match word.as_str() {
            "OR" => Key::Or(Box::new(parse(tokens)), Box::new(parse(tokens))),
            "NOT" => Key::Not(Box::new(parse(tokens))),
            "ALL" | "ANSWERED" | "DELETED" | "DRAFT" | "FLAGGED" | "SEEN" | "UNSEEN" => {
                Key::Word(word.clone(), vec![])
            }
            "FROM" | "TO" | "CC" | "SUBJECT" | "BODY" | "TEXT" => Key::Word(word.clone(), vec![text(tokens)]),
            "HEADER" => Key::Word(word.clone(), vec![text(tokens), text(tokens)]),
            "UID" | "KEYWORD" | "SINCE" | "BEFORE" | "LARGER" | "SMALLER" => {
                let Some(Token::Atom(argument)) = tokens.next() else { panic!("{word} has no argument") };
                Key::Word(word.clone(), vec![argument.clone().into_bytes()])
            }
            _ => panic!("{word} is no search key"),
        },
        token => panic!("{token:?} is no search key"),
    }
}

fn text(tokens: &mut std::slice::Iter<'_, Token>) -> Vec<u8> {
    match tokens.next() {
        Some(Token::Text(text)) => text.clone(),
        Some(Token::Atom(text)) => text.clone().into_bytes(),
        token => panic!("{token:?} is no string"),
    }
}

/// Tells whether a key says what the query means, or what it doesn't.
fn means(key: &Key, query: &Query, positive: bool) -> bool {
    match (query, positive) {
        (Query::Not(query), _) => means(key, query, !positive),
        (Query::All(queries), true) | (Query::Any(queries), false) => match queries.as_slice() {
            [] => *key == all(),
            [one] => means(key, one, positive),
            _ => matches!(key, Key::All(keys) if keys.len() == queries.len()
                && keys.iter().zip(queries).all(|(key, query)| means(key, query, positive))),
        },
        (Query::All(queries) | Query::Any(queries), _) => {
            let mut leaves = Vec::new();
            split(key, queries.len(), &mut leaves);
            match queries.as_slice() {
                [] => *key == nothing(),
                _ => {
                    leaves.len() == queries.len()
                        && leaves.iter().zip(queries).all(|(key, query)| means(key, query, positive))
                }
            }
        }
        (_, true) => says(key, query),
        (Query::Since(time), false) => says(key, &Query::Before(*time)),
        (Query::Before(time), false) => says(key, &Query::Since(*time)),
        (Query::Larger(u32::MAX) | Query::Smaller(0), false) => *key == all(),
        (Query::Larger(bytes), false) => says(key, &Query::Smaller(bytes + 1)),
        (Query::Smaller(bytes), false) => says(key, &Query::Larger(bytes - 1)),
        (_, false) => matches!(key, Key::Not(key) if says(key, query)),
    }
}

fn all() -> Key {
    Key::Word("ALL".into(), vec![])
}

fn nothing() -> Key {
    Key::Not(Box::new(all()))
}

/// Tells whether a key is that of a single condition.
fn says(key: &Key, query: &Query) -> bool {
    let word = |name: &str, arguments: &[&[u8]]| matches!(key, Key::Word(word, given) if word == name && given.iter().eq(arguments.iter()));
    match query {
        Query::All(_) | Query::Any(_) | Query::Not(_) => false,
        Query::Flag(Flag::Keyword(keyword)) => word("KEYWORD", &[keyword.as_str().as_bytes()]),
        Query::Flag(flag) => word(&flag.to_string()[1..].to_uppercase(), &[]),
        Query::Unseen => word("UNSEEN", &[]),
        Query::Uids(uids) if uids.is_empty() => *key == nothing(),
        Query::Uids(uids) => {
            let Key::Word(name, arguments) = key else { return false };
            let mut expected: Vec<u32> = uids.iter().map(|uid| uid.get()).collect();
            expected.sort_unstable();
            expected.dedup();
            name == "UID" && numbers(&arguments[0]) == expected
        }
        Query::After(u32::MAX) => *key == nothing(),
        Query::After(uid) => word("UID", &[format!("{}:4294967295", uid + 1).as_bytes()]),
        Query::From(text) => word("FROM", &[text.as_bytes()]),
        Query::To(text) => word("TO", &[text.as_bytes()]),
        Query::Cc(text) => word("CC", &[text.as_bytes()]),
        Query::Subject(text) => word("SUBJECT", &[text.as_bytes()]),
        Query::Body(text) => word("BODY", &[text.as_bytes()]),
        Query::Text(text) => word("TEXT", &[text.as_bytes()]),
        Query::Header(name, text) => word("HEADER", &[name.as_bytes(), text.as_bytes()]),
        Query::MessageId(id) => word("HEADER", &[b"Message-ID", id.as_str().as_bytes()]),
        Query::Since(_) => matches!(key, Key::Word(word, date) if word == "SINCE" && is_day(&date[0])),
        Query::Before(_) => matches!(key, Key::Word(word, date) if word == "BEFORE" && is_day(&date[0])),
        Query::Larger(bytes) => word("LARGER", &[bytes.to_string().as_bytes()]),
        Query::Smaller(bytes) => word("SMALLER", &[bytes.to_string().as_bytes()]),
    }
}

/// Takes the ORs apart that join so many keys.
fn split<'a>(key: &'a Key, count: usize, leaves: &mut Vec<&'a Key>) {
    match key {
        Key::Or(left, right) if count > 1 => {
            split(left, count / 2, leaves);
            split(right, count - count / 2, leaves);
        }
        _ => leaves.push(key),
    }
}

fn numbers(set: &[u8]) -> Vec<u32> {
    let set = std::str::from_utf8(set).unwrap();
    let range = |text: &str| {
        let (first, last) = text.split_once(':').unwrap_or((text, text));
        first.parse::<u32>().unwrap()..=last.parse::<u32>().unwrap()
    };
    set.split(',').flat_map(range).collect()
}

fn is_day(text: &[u8]) -> bool {
    matches!(text, [d1, d2, b'-', m1, m2, m3, b'-', year @ ..] if d1.is_ascii_digit() && d2.is_ascii_digit()
        && [m1, m2, m3].iter().all(|byte| byte.is_ascii_alphabetic()) && year.len() == 4)
}

/// What goes over the wire, and a command behind it.
fn sent(command: &Command<'_>) -> Vec<u8> {
    let mut bytes = command.bytes();
    bytes.extend_from_slice(b"\r\nA9 NOOP\r\n");
    bytes
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,20}",
        "[\u{1}-\u{10ffff}]{0,10}",
        proptest::sample::select(vec![
            "",
            "\"",
            "\\",
            "{5}",
            "{5+}\r\n",
            "\r\nA1 DELETE INBOX\r\n",
            "x) OR ALL (",
            "NIL",
            "\"\r\n",
            "*",
            "%",
            "\u{fc}\r\n",
            "~{3}",
            "a\tb",
        ])
        .prop_map(str::to_owned),
    ]
}

fn any_query() -> impl Strategy<Value = Query> {
    let uid = || (1..=u32::MAX).prop_filter_map("never zero", Uid::new);
    let time =
        (0..400_000_000_000_u64).prop_map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
    let flag = prop_oneof![
        proptest::sample::select(vec![Flag::Answered, Flag::Deleted, Flag::Draft, Flag::Flagged, Flag::Seen]),
        "[!-~]{1,20}".prop_filter_map("an atom", |text| Flag::keyword(&text).ok()),
    ];
    let leaf = prop_oneof![
        flag.prop_map(Query::Flag),
        Just(Query::Unseen),
        proptest::collection::vec(prop_oneof![uid(), (1..40_u32).prop_filter_map("", Uid::new)], 0..8)
            .prop_map(Query::Uids),
        prop_oneof![any::<u32>(), Just(u32::MAX)].prop_map(Query::After),
        any_text().prop_map(Query::From),
        any_text().prop_map(Query::To),
        any_text().prop_map(Query::Cc),
        any_text().prop_map(Query::Subject),
        any_text().prop_map(Query::Body),
        any_text().prop_map(Query::Text),
        ("[!-9;-~]{1,20}", any_text()).prop_map(|(name, text)| Query::Header(name, text)),
        "[!-~]{1,30}".prop_filter_map("an id", |text| text.parse().ok().map(Query::MessageId)),
        time.clone().prop_map(Query::Since),
        time.prop_map(Query::Before),
        any::<u32>().prop_map(Query::Larger),
        any::<u32>().prop_map(Query::Smaller),
    ];
    leaf.prop_recursive(6, 40, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Query::All),
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Query::Any),
            inner.prop_map(|query| !query),
        ]
    })
}

/// What announces a literal counts as well: a server ends a connection whose command is too long.
#[test]
fn many_literals_are_long() {
    let many = |count: usize| Query::Any(vec![Query::To("\u{fc}".into()); count]);
    assert!(write(&many(1000)).is_ok());
    assert!(matches!(write(&many(6000)), Err(crate::wire::Fault::Invalid { what: "query", .. })));
}

proptest! {
    #[test]
    fn a_query_arrives_as_it_was_meant(query in any_query()) {
        prop_assume!(query.check().is_ok());
        let bytes = sent(&write(&query).unwrap());
        let (tokens, rest) = lex(&bytes);
        prop_assert_eq!(rest, b"A9 NOOP\r\n", "no command is gained or lost");
        let mut tokens = tokens.iter();
        let key = parse(&mut tokens);
        prop_assert!(tokens.as_slice().is_empty(), "{:?} is left", tokens);
        prop_assert!(means(&key, &query, true), "{:?} became {:?}", query, key);
    }

    #[test]
    fn names_and_flags_arrive_as_they_were_meant(
        name in prop_oneof!["\\PC{1,60}", "[ -~]{1,60}", any_text()],
        flags in proptest::collection::vec("[!-~]{1,20}|\\\\(Seen|Draft)", 0..5),
    ) {
        let Ok(name) = name.parse::<FolderName>() else { return Ok(()) };
        let flags: Vec<Flag> = flags.iter().filter_map(|flag| flag.parse().ok()).collect();
        let bytes = sent(&Command::new("APPEND ").folder(&name).words(" "));
        let (tokens, rest) = lex(&bytes);
        prop_assert_eq!(rest, b"A9 NOOP\r\n");
        let written = match tokens.as_slice() {
            [Token::Atom(_), Token::Atom(inbox)] if inbox == "INBOX" => inbox.as_bytes(),
            [Token::Atom(_), Token::Text(text)] => text,
            _ => return Err(TestCaseError::fail(format!("{tokens:?}"))),
        };
        prop_assert_eq!(mailbox_name::decode(written), Some(name));
        let bytes = sent(&Command::new("STORE ").flags(&flags));
        let listed = String::from_utf8(bytes).unwrap();
        let inner = listed.strip_prefix("STORE (").and_then(|rest| rest.strip_suffix(")\r\nA9 NOOP\r\n")).unwrap();
        let read: Vec<Flag> = inner.split_whitespace().map(|flag| flag.parse().unwrap()).collect();
        prop_assert_eq!(read, flags);
    }
}

#[test]
fn a_query_of_any_width_is_short_or_refused() {
    let wide = |count: u32| Query::Uids((1..=count).map(|number| Uid::new(number * 2).unwrap()).collect());
    assert!(write(&wide(8000)).is_ok());
    assert!(write(&wide(20_000)).is_err());
    assert!(write(&Query::Any(vec![Query::Body("x".repeat(999)); 100])).is_err());
    assert_eq!(
        sent(&write(&Query::Any(vec![Query::Unseen; 3])).unwrap()),
        b"OR UNSEEN OR UNSEEN UNSEEN\r\nA9 NOOP\r\n"
    );
}
