use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn item(id: &str, from: &str, to: &str, before: &[&str], at: u64) -> Item {
    let id_of = |text: &str| format!("{text}@x.example").parse().unwrap();
    Item {
        id: Some(id_of(id)),
        digest: format!("{id}/{from}/{to}/{at}"),
        author: Some(from.to_owned()),
        own: from == "ada",
        people: vec![from.to_owned(), to.to_owned()],
        before: before.iter().map(|id| id_of(id)).collect(),
        subject: "engines".to_owned(),
        is_answer: false,
        arrived: SystemTime::UNIX_EPOCH + Duration::from_secs(at),
    }
}

/// The threads as their names and what is in them: digest, the parent's digest, whether it is disputed.
type Shown = BTreeSet<(String, Vec<(String, Option<String>, bool)>)>;

fn shown(items: &[Item]) -> Shown {
    let digest = |member: &Member| items[member.items[0]].digest.clone();
    let groups = threads(items).into_iter().map(|group| {
        let members = group.members.iter().map(|member| {
            let parent = member.parent.map(|parent| digest(&group.members[parent]));
            (digest(member), parent, member.disputed.is_some())
        });
        (group.name.clone(), members.collect())
    });
    groups.collect()
}

fn sizes(items: &[Item]) -> Vec<usize> {
    threads(items).iter().map(|group| group.members.len()).collect()
}

#[test]
fn answers_lie_below_what_they_answer() {
    let items = [
        item("1", "ada", "bob", &[], 1),
        item("2", "bob", "ada", &["1"], 2),
        item("3", "ada", "bob", &["2", "1"], 3),
        item("4", "bob", "ada", &["1"], 4),
    ];
    let all = threads(&items);
    assert_eq!(all.len(), 1);
    let parents: Vec<_> = all[0].members.iter().map(|member| member.parent).collect();
    assert_eq!(parents, [None, Some(0), Some(1), Some(0)]);
}

#[test]
fn what_is_missing_still_joins_and_keeps_the_name() {
    let first = item("1", "bob", "ada", &[], 1);
    let rest = [
        item("2", "ada", "bob", &["1"], 2),
        item("3", "bob", "ada", &["9", "1"], 3),
        item("4", "bob", "ada", &["9"], 4),
    ];
    let without = threads(&rest);
    assert_eq!(without.iter().map(|group| group.members.len()).collect::<Vec<_>>(), [3]);
    let with = threads(&[&rest[..], &[first]].concat());
    assert_eq!((with.len(), &with[0].name), (1, &without[0].name), "the first message came late");
}

#[test]
fn a_stranger_joins_no_thread_and_never_two() {
    let mut items = vec![
        item("1", "ada", "bob", &[], 1),
        item("2", "bob", "ada", &["1"], 2),
        item("7", "carol", "ada", &[], 3),
        item("8", "ada", "carol", &["7"], 4),
    ];
    assert_eq!(sizes(&items), [2, 2]);
    items.push(item("x", "eve", "ada", &["2", "8", "7", "1"], 5));
    let all = threads(&items);
    assert_eq!(all.len(), 3);
    assert!(all[2].members[0].disputed.is_some(), "that is said and not silent");
    // Carol had part in hers: what she sends joins that one, whatever else it names.
    items.push(item("y", "carol", "ada", &["2", "8"], 6));
    assert_eq!(sizes(&items), [2, 3, 1]);
    // A Message-ID that others name, taken by a stranger: it draws nothing to it.
    let mut items = vec![
        item("2", "bob", "ada", &["9", "1"], 2),
        item("3", "ada", "bob", &["2"], 3),
        item("7", "carol", "ada", &[], 3),
        item("9", "eve", "ada", &["7"], 4),
    ];
    assert_eq!(sizes(&items), [2, 1, 1]);
    // The same Message-ID with other words: the first to arrive has it.
    items.push(item("2", "eve", "ada", &[], 9));
    items.push(item("4", "bob", "ada", &["2"], 10));
    assert_eq!(sizes(&items), [3, 1, 1, 1]);
}

#[test]
fn who_is_not_believed_has_no_part() {
    let mut forged = item("2", "bob", "ada", &["1"], 2);
    forged.author = None;
    assert_eq!(sizes(&[item("1", "ada", "bob", &[], 1), forged]), [1, 1]);
}

#[test]
fn a_subject_joins_answers_that_name_nothing() {
    let answer = |id: &str, from: &str, at: u64| Item {
        is_answer: true,
        ..item(id, from, if from == "ada" { "bob" } else { "ada" }, &[], at)
    };
    let first = item("1", "ada", "bob", &[], 100);
    assert_eq!(sizes(&[first.clone(), answer("2", "bob", 200), answer("3", "ada", 300)]), [3]);
    assert_eq!(sizes(&[first.clone(), answer("2", "eve", 200)]), [1, 1]);
    assert_eq!(sizes(&[first.clone(), item("2", "bob", "ada", &[], 200)]), [1, 1], "it is no answer");
    assert_eq!(sizes(&[first, answer("2", "bob", 100 + 31 * 86_400)]), [1, 1], "it is too late");
}

#[test]
fn what_counts_of_a_message_is_taken_out_of_it() {
    let ada: Address = "ada@x.example".parse().unwrap();
    let of = |header: &str, sent: bool, is_believed: bool| {
        let raw = format!("{header}\r\nTo: Ada@X.example\r\nMessage-ID: <3@x>\r\n\r\nhello\r\n");
        let uid = mail_access::Uid::new(1).unwrap();
        let message = Received::parse(uid, SystemTime::UNIX_EPOCH, false, raw.into_bytes());
        Item::of(&message, (&ada, sent), is_believed)
    };
    let item = of(
        "From: Bob@x.example\r\nSubject: AW: Re[2]: Engines\r\nReferences: <1@x> <2@x> <3@x>\r\nIn-Reply-To: <9@x>",
        false,
        true,
    );
    let before: Vec<_> = item.before.iter().map(MessageId::as_str).collect();
    assert_eq!((before, &*item.subject, item.is_answer), (vec!["9@x", "2@x", "1@x"], "engines", true));
    assert_eq!((item.author.as_deref(), item.people.len()), (Some("bob@x.example"), 2));
    let forward = of("From: bob@x.example\r\nSubject: Fwd: Note: x", false, true);
    assert_eq!((&*forward.subject, forward.is_answer), ("note: x", false));
    assert_eq!(of("From: bob@x.example", false, false).author, None, "it is not believed");
    assert_eq!(of("From: ada@x.example", false, true).author, None, "the agent didn't send it");
    assert!(of("From: ada@x.example", true, true).author.is_some());
    let many = (0..200).map(|n| format!(" <{n}@y>")).collect::<Vec<_>>().concat();
    assert_eq!(
        of(&format!("From: bob@x.example\r\nReferences:{many}"), false, true).before.len(),
        MAX_BEFORE
    );
}

#[test]
fn copies_are_one_message() {
    let original = item("1", "ada", "ada", &[], 1);
    let copy = Item { arrived: SystemTime::UNIX_EPOCH + Duration::from_secs(5), ..original.clone() };
    let all = threads(&[copy, original]);
    assert_eq!((all.len(), &all[0].members[0].items), (1, &vec![1, 0]));
}

#[test]
fn circles_end() {
    let items = [
        item("1", "bob", "ada", &["3"], 1),
        item("2", "bob", "ada", &["1"], 2),
        item("3", "bob", "ada", &["2"], 3),
        item("4", "bob", "ada", &["4", "3"], 4),
    ];
    let all = threads(&items);
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].members[0].parent, None);
    assert!(all[0].members[1..].iter().all(|member| member.parent.is_some()));
}

#[test]
fn ten_thousand_messages_are_put_together_at_once() {
    let count: u64 = std::env::var("AGENT_MAIL_THREADED").map_or(10_000, |count| count.parse().unwrap());
    let id = |n: u64| format!("{n}");
    let of = |shape: &str| -> Vec<Item> {
        (0..count)
            .map(|n| match shape {
                "a chain" => item(&id(n), "bob", "ada", &[&id(n.saturating_sub(1))], n),
                "a circle" => item(&id(n), "bob", "ada", &[&id((n + 1) % count)], n),
                "all one subject" => Item { is_answer: true, ..item(&id(n), "bob", "eve", &[], n) },
                "all one missing" => item(&id(n), &format!("p{n}"), "x", &["missing"], n),
                _ => item("same", &format!("p{n}"), "ada", &[], n),
            })
            .collect()
    };
    for (shape, threads_of_it) in [
        ("a chain", 1),
        ("a circle", 1),
        ("all one subject", 1),
        ("all one missing", count),
        ("all one name", count),
    ] {
        let items = of(shape);
        let begin = std::time::Instant::now();
        let all = threads(&items);
        let took = begin.elapsed();
        println!("{count} messages, {shape}: {took:?}");
        assert_eq!(all.len() as u64, threads_of_it, "{shape}");
        assert!(took < Duration::from_secs(5), "{shape}: {took:?}");
    }
}

fn mailbox() -> impl Strategy<Value = Vec<Item>> {
    let people = ["ada", "bob", "carol", "eve"];
    let message =
        (0..8_usize, 0..4_usize, 0..4_usize, prop::collection::vec(0..10_usize, 0..4), 0..20_u64, 0..3_u8);
    prop::collection::vec(message, 0..16).prop_map(move |messages| {
        let of = |(n, (id, from, to, before, at, kind)): (usize, (_, usize, usize, Vec<usize>, u64, u8))| {
            let before: Vec<String> = before.iter().map(usize::to_string).collect();
            let before: Vec<&str> = before.iter().map(String::as_str).collect();
            let id: usize = id;
            let mut item = item(&id.to_string(), people[from], people[to], &before, at);
            item.digest = format!("{}#{n}", item.digest);
            item.is_answer = kind == 0;
            if kind == 1 {
                item.id = None;
            }
            item
        };
        messages.into_iter().enumerate().map(of).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_arrival_gives_the_same_threads((items, shuffled) in mailbox().prop_flat_map(|items| {
        (Just(items.clone()), Just(items).prop_shuffle())
    })) {
        prop_assert_eq!(shown(&items), shown(&shuffled));
    }

    #[test]
    fn every_message_is_in_one_thread_and_below_one_that_is_there(items in mailbox()) {
        let all = threads(&items);
        let mut seen: Vec<usize> = all.iter().flat_map(|group| &group.members).flat_map(|m| m.items.clone()).collect();
        seen.sort_unstable();
        prop_assert_eq!(seen, (0..items.len()).collect::<Vec<_>>());
        let names: BTreeSet<_> = all.iter().map(|group| &group.name).collect();
        prop_assert_eq!(names.len(), all.len(), "each thread has a name of its own");
        for group in &all {
            prop_assert_eq!(group.members.iter().filter(|member| member.parent.is_none()).count(), 1);
            for start in 0..group.members.len() {
                let mut at = start;
                for _ in 0..group.members.len() {
                    at = group.members[at].parent.unwrap_or(at);
                }
                prop_assert_eq!(group.members[at].parent, None, "it is a tree");
            }
        }
    }

    #[test]
    fn a_stranger_s_message_joins_no_two_threads(items in mailbox(), before in prop::collection::vec(0..10_usize, 0..6)) {
        let thread_of_each = |items: &[Item]| {
            let mut threads_of = vec![0; items.len()];
            for (thread, group) in threads(items).iter().enumerate() {
                group.members.iter().flat_map(|member| &member.items).for_each(|item| threads_of[*item] = thread);
            }
            threads_of
        };
        let before: Vec<String> = before.iter().map(usize::to_string).collect();
        let before: Vec<&str> = before.iter().map(String::as_str).collect();
        // It comes last, under a name of its own, from somebody who had part in nothing.
        let mut with = items.clone();
        with.push(item("stranger", "mallory", "ada", &before, 100));
        let (without, with) = (thread_of_each(&items), thread_of_each(&with));
        for one in 0..items.len() {
            for other in 0..one {
                prop_assert_eq!(without[one] == without[other], with[one] == with[other]);
            }
            prop_assert_ne!(with[one], with[items.len()]);
        }
    }
}
