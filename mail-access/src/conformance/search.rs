use std::time::Duration;

use super::desk::{Desk, in_2020, inbox, keyword, letter, uids};
use super::exchange::{drop_after, moments};
use super::{Harness, Missing};
use crate::{Error, Flag, MessageId, Query, Uid};

pub(super) async fn uids_found_come_in_ascending_order_each_once(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let (desk, listing) = Desk::with_messages(harness, 4).await?;
    let all = uids(&listing.entries);
    let found = desk.store.search(&desk.login, &inbox(), &Query::everything()).await;
    let found = found.expect("the folder is searched");
    assert_eq!((found.uid_validity, &found.uids), (listing.uid_validity, &all));
    let twice = Query::Uids(vec![all[2], all[0], all[2]]).or(Query::Subject("message 1".into()));
    assert_eq!(desk.search(twice).await, [all[0], all[2]]);
    Ok(())
}

pub(super) async fn no_match_is_an_empty_list_and_a_failed_search_an_error(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let (desk, listing) = Desk::with_messages(harness, 1).await?;
    for query in [
        Query::Subject("nothing of that".into()),
        Query::Any(Vec::new()),
        Query::Uids(Vec::new()),
        Query::After(listing.entries[0].uid.get()),
        Query::Flag(keyword("never-set")),
        !Query::everything(),
    ] {
        assert_eq!(desk.search(query.clone()).await, [], "{query:?}");
    }
    for bad in [
        Query::Header("no name".into(), String::new()),
        Query::Body("\0".into()),
        (0..200).fold(Query::Unseen, |q, _| !q),
    ] {
        let answer = desk.store.search(&desk.login, &inbox(), &bad).await;
        assert!(matches!(answer, Err(Error::Invalid { .. })), "{answer:?}");
    }
    Ok(())
}

pub(super) async fn text_is_found_in_any_case_charset_and_encoding(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let desk = Desk::open(harness).await?;
    let plain = letter("=?utf-8?q?Gr=C3=BC=C3=9Fe_aus?=\r\n =?utf-8?b?IEvDtmxu?=", "x");
    let plain = desk.append(&inbox(), &plain, &[]).await;
    let coded = b"From: =?iso-8859-1?q?J=FCrgen?= <juergen@agents.example>\r\nTo: Bob <bob@agents.example>,\r\n \
        Carol <carol@agents.example>\r\nCc: dave@agents.example\r\nX-Odd: one\r\n two\r\nMIME-Version: 1.0\r\n\
        Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
        Der Z=FCrcher See ist unergr=\r\n=FCndlich.\r\n";
    let coded = desk.append(&inbox(), coded, &[]).await;
    let base64 = "Subject: \u{41f}\u{440}\u{438}\u{432}\u{435}\u{442}\r\nMIME-Version: 1.0\r\n\
        Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n5pel5pys6KqeIMOJdMOp\r\n";
    let base64 = desk.append(&inbox(), base64.as_bytes(), &[]).await;
    let text = |text: &str| text.to_owned();
    for (query, found) in [
        (Query::Subject(text("GR\u{dc}\u{df}E AUS K\u{f6}ln")), plain),
        (Query::Header(text("subject"), text("aus k\u{d6}LN")), plain),
        (Query::Text(text("\u{fc}\u{df}e")), plain),
        (Query::From(text("j\u{dc}RGEN")), coded),
        (Query::From(text("JUERGEN@agents")), coded),
        (Query::To(text("carol")), coded),
        (Query::Cc(text("Dave")), coded),
        (Query::Header(text("X-ODD"), text("one two")), coded),
        (Query::Body(text("Z\u{dc}RCHER see")), coded),
        (Query::Body(text("unergr\u{fc}ndlich")), coded),
        (Query::Text(text("z\u{fc}rcher")), coded),
        (Query::Subject(text("\u{43f}\u{420}\u{438}\u{432}")), base64),
        (Query::Body(text("\u{672c}\u{8a9e}")), base64),
        (Query::Body(text("\u{e9}T\u{c9}")), base64),
    ] {
        assert_eq!(desk.search(query.clone()).await, [found], "{query:?}");
    }
    for query in [Query::Body(text("juergen")), Query::Subject(text("bob")), Query::To(text("dave"))] {
        assert_eq!(desk.search(query.clone()).await, [], "{query:?}");
    }
    Ok(())
}

pub(super) async fn empty_text_is_found_in_every_field_and_every_body(
    harness: &dyn Harness,
) -> Result<(), Missing> {
    let desk = Desk::open(harness).await?;
    let with = desk.append(&inbox(), b"Subject: x\r\nCc: a@b.example\r\n\r\nx\r\n", &[]).await;
    let without = desk.append(&inbox(), b"Subject: x\r\n\r\nx\r\n", &[]).await;
    for (query, found) in [
        (Query::Header("cc".into(), String::new()), vec![with]),
        (Query::Cc(String::new()), vec![with]),
        (Query::Header("X-None".into(), String::new()), vec![]),
        (Query::Subject(String::new()), vec![with, without]),
        (Query::Body(String::new()), vec![with, without]),
        (Query::Text(String::new()), vec![with, without]),
    ] {
        assert_eq!(desk.search(query.clone()).await, found, "{query:?}");
    }
    Ok(())
}

pub(super) async fn parts_are_searched_as_far_as_they_are_text(harness: &dyn Harness) -> Result<(), Missing> {
    let desk = Desk::open(harness).await?;
    let raw = b"Subject: outer\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=bb\r\n\r\npreamble\r\n\
        --bb\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p class=\"wide\">mark &amp; up</p>\r\n\
        --bb\r\nContent-Type: text/plain; name=notes.txt\r\nContent-Disposition: attachment; filename=notes.txt\r\n\r\n\
        some notes\r\n--bb\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n\
        YmluYXJ5c3RyaW5n\r\n--bb\r\nContent-Type: message/rfc822\r\n\r\nSubject: embedded\r\n\r\nwords within\r\n\
        --bb--\r\nepilogue\r\n";
    let uid = desk.append(&inbox(), raw, &[]).await;
    for (text, in_body, in_text) in [
        ("class=\"wide\">mark &amp;", true, true),
        ("mark & up", false, false),
        ("some notes", true, true),
        ("words within", true, true),
        ("embedded", false, true),
        ("notes.txt", false, true),
        ("subject: outer", false, true),
        ("binarystring", false, false),
        ("YmluYXJ5", false, false),
        ("preamble", false, false),
        ("epilogue", false, false),
    ] {
        let found = |is: bool| if is { vec![uid] } else { Vec::new() };
        assert_eq!(desk.search(Query::Body(text.into())).await, found(in_body), "body: {text}");
        assert_eq!(desk.search(Query::Text(text.into())).await, found(in_text), "text: {text}");
    }
    Ok(())
}

pub(super) async fn text_can_not_end_what_it_stands_in(harness: &dyn Harness) -> Result<(), Missing> {
    let (desk, _) = Desk::with_messages(harness, 2).await?;
    let odd = "a \"quoted\\\" (name) {5} %* \u{1f4ec}";
    let uid = desk.append(&inbox(), &letter(odd, odd), &[]).await;
    for query in
        [Query::Subject(odd.into()), Query::Body(odd.into()), Query::Header("Subject".into(), odd.into())]
    {
        assert_eq!(desk.search(query.clone()).await, [uid], "{query:?}");
    }
    for hostile in ["x\" ALL", "x\r\nA1 DELETE INBOX", "{3+}\r\nALL", "\\", "\"", "x\r\n", "OR ALL ALL"] {
        let found = desk.search(Query::Header("X-Never".into(), hostile.into())).await;
        assert_eq!(found, [], "{hostile:?}");
    }
    assert_eq!(desk.status(&inbox()).await.messages, 3);
    Ok(())
}

pub(super) async fn flags_uids_dates_and_sizes_are_found(harness: &dyn Harness) -> Result<(), Missing> {
    let desk = Desk::open(harness).await?;
    let append = async |text: &str, flags: &[Flag], seconds: u64| -> Uid {
        let message = letter("x", text);
        let place = desk.store.append(&desk.login, &inbox(), &message, flags, Some(in_2020(seconds))).await;
        super::desk::uid_at(place.expect("the message is filed").expect("its place is told"))
    };
    let first = append("short", &[Flag::Seen, keyword("Handled")], 0).await;
    let second = append(&"long ".repeat(15), &[Flag::Flagged], DAY).await;
    let third = append(&"longer still ".repeat(20), &[], DAY + DAY / 2 - 1).await;
    let size = |uid: Uid, listing: &crate::Listing| {
        let entry = listing.entries.iter().find(|entry| entry.uid == uid).expect("it is listed");
        u32::try_from(entry.size).expect("it is small")
    };
    let listing = desk.list(&inbox()).await;
    let middle = size(second, &listing);
    let day = |days: u64| in_2020(days * DAY + 3_600);
    for (query, found) in [
        (Query::Unseen, vec![second, third]),
        (Query::Flag(Flag::Seen), vec![first]),
        (Query::Flag(Flag::Flagged), vec![second]),
        (Query::Flag(keyword("handled")), vec![first]),
        (!Query::Flag(keyword("HANDLED")), vec![second, third]),
        (Query::Uids(vec![third, first]), vec![first, third]),
        (Query::After(first.get()), vec![second, third]),
        (Query::Since(day(1)), vec![second, third]),
        (Query::Before(day(1)), vec![first]),
        (Query::Since(day(2)), vec![]),
        (Query::Before(in_2020(0) - Duration::from_secs(DAY)), vec![]),
        (Query::Larger(middle), vec![third]),
        (Query::Smaller(middle), vec![first]),
        (Query::Larger(middle - 1).and(Query::Smaller(middle + 1)), vec![second]),
        (Query::Unseen.and(Query::Flag(Flag::Flagged)).or(Query::Flag(Flag::Seen)), vec![first, second]),
        (Query::All(vec![Query::Unseen, !Query::Flag(Flag::Flagged)]), vec![third]),
        (!(Query::Unseen.and(!Query::Flag(Flag::Flagged))), vec![first, second]),
    ] {
        assert_eq!(desk.search(query.clone()).await, found, "{query:?}");
    }
    Ok(())
}

pub(super) async fn a_message_is_searched_by_its_message_id(harness: &dyn Harness) -> Result<(), Missing> {
    let desk = Desk::open(harness).await?;
    let mut filed = Vec::new();
    for id in ["one@agents.example", "1.one@agents.example", "one@agents.example.org"] {
        let message = format!("Message-ID: <{id}>\r\nSubject: x\r\n\r\nx\r\n");
        filed.push(desk.append(&inbox(), message.as_bytes(), &[]).await);
    }
    let id: MessageId = "one@agents.example".parse().expect("it is a Message-ID");
    assert_eq!(desk.search(Query::MessageId(id)).await, filed[..1]);
    let other: MessageId = "two@agents.example".parse().expect("it is a Message-ID");
    assert_eq!(desk.search(Query::MessageId(other)).await, []);
    Ok(())
}

pub(super) async fn a_dropped_search_leaves_nothing_behind(harness: &dyn Harness) -> Result<(), Missing> {
    let (desk, listing) = Desk::with_messages(harness, 3).await?;
    for moment in moments() {
        drop_after(moment, desk.store.search(&desk.login, &inbox(), &Query::Body("text".into()))).await;
        assert_eq!(desk.search(Query::Subject("message 2".into())).await, [listing.entries[1].uid]);
    }
    assert_eq!(desk.list(&inbox()).await, listing);
    Ok(())
}

const DAY: u64 = 86_400;
