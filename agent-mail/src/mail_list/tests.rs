use proptest::prelude::*;

use super::*;

#[test]
fn users_are_local_parts_addresses_or_maps() {
    let list: MailList = "
# who has a mailbox
domains:
  - name: Shop.example
    users:
      - ada
      - bob@SHOP.example
      - name: cleo.sand
        display_name: \"Cleo: Sand\"
        quota_mib: 2048
      - {name: \"42\"}
  - {name: empty.example, users: []}
"
    .parse()
    .unwrap();
    let [shop, empty] = list.domains() else { panic!("{list:?}") };
    let addresses: Vec<String> = shop.users().iter().map(|user| user.address().to_string()).collect();
    assert_eq!(
        addresses,
        ["ada@shop.example", "bob@shop.example", "cleo.sand@shop.example", "42@shop.example"]
    );
    assert_eq!(shop.users()[2].display_name(), Some("Cleo: Sand"));
    assert_eq!(shop.users()[2].quota_mib(), Some(2048));
    assert_eq!((shop.users()[0].display_name(), shop.users()[0].quota_mib()), (None, None));
    assert!(empty.users().is_empty());
    assert_eq!(list.users(), 4);

    let template = DomainSpec::new("template.example".parse().unwrap(), "mail.example".parse().unwrap());
    let spec = shop.spec(&template);
    assert_eq!((spec.domain.as_str(), spec.mailboxes.len()), ("shop.example", 4));
    assert!(spec.mailboxes.iter().all(|mailbox| mailbox.must_change_password && mailbox.active));
    assert_eq!((&*spec.mailboxes[2].name, spec.mailboxes[2].quota_mib), ("Cleo: Sand", Some(2048)));
}

#[test]
fn each_problem_has_its_place_and_says_what_is_expected() {
    let users = |users: &str| format!("domains:\n  - name: a.example\n    users: {users}\n");
    let cases: &[(String, &str)] = &[
        (String::new(), "1:1 found nothing; expected is the key \"domains\" with a list"),
        ("domains:".into(), "1:8 found nothing; expected is a list of domains"),
        ("- a".into(), "1:1 found a list; expected is the key \"domains\" with a list"),
        (
            "domain: []".into(),
            "1:1 the key \"domain\" is unknown; expected is \"domains\" | 1:1 the key \"domains\" is missing here",
        ),
        ("domains: {}".into(), "1:10 found a map of keys and values; expected is a list of domains"),
        (
            "domains:\n  - a.example".into(),
            "2:5 found a text; expected is a domain: the keys \"name\" and \"users\"",
        ),
        ("domains:\n  - name: a.example".into(), "2:5 the key \"users\" is missing here"),
        ("domains:\n  - users: []".into(), "2:5 the key \"name\" is missing here"),
        (
            "domains:\n  - name: a..example\n    users: []".into(),
            "2:11 \"a..example\" is no domain name: each label has to be 1 to 63 characters long; expected is a domain name like shop.example",
        ),
        (
            "domains:\n  - name: localhost\n    users: []".into(),
            "2:11 \"localhost\" is no domain; expected is a name like shop.example",
        ),
        (
            "domains:\n  - name: 7\n    users: []".into(),
            "2:11 found a number; expected is a domain name, shop.example",
        ),
        (
            "domains:\n  - {name: a.example, users: []}\n  - {name: A.Example, users: []}".into(),
            "3:12 a.example stands in line 2 already; expected is each domain once",
        ),
        (users("ada"), "3:12 found a text; expected is a list of users, [] for none"),
        (users(""), "3:10 found nothing; expected is a list of users, [] for none"),
        (
            users("[ada, 7]"),
            "3:18 found a number; expected is a local part or an address; a text in quotes if it is one",
        ),
        (
            users("[ada, true]"),
            "3:18 found true or false; expected is a local part or an address; a text in quotes if it is one",
        ),
        (
            users("[ada, null]"),
            "3:18 found nothing; expected is a local part or an address; a text in quotes if it is one",
        ),
        (
            users("[ada, [bob]]"),
            "3:18 found a list; expected is a local part or an address; a text in quotes if it is one",
        ),
        (
            users("[bob, Ada]"),
            "3:18 \"Ada\" is no user; expected is a local part of 1 to 64 of a-z, 0-9, dot, hyphen and underscore, with a letter or digit at both ends and no two dots in a row",
        ),
        (
            users("[ada@b.example]"),
            "3:13 \"ada@b.example\" is not of a.example; expected is an address of it",
        ),
        (users("[ada, ada@a.example]"), "3:18 \"ada\" stands in line 3 already; expected is each user once"),
        (users("[{display_name: Ada}]"), "3:13 the key \"name\" is missing here"),
        (
            users("[{name: ada, quota: 7}]"),
            "3:25 the key \"quota\" is unknown; expected is \"name\" or \"display_name\" or \"quota_mib\"",
        ),
        (users("[{name: ada, quota_mib: 0}]"), "3:36 0 is no quota; expected are 1 to 1073741824 MiB"),
        (users("[{name: ada, quota_mib: -1}]"), "3:36 found a number; expected is a whole number of MiB"),
        (users("[{name: ada, quota_mib: \"7\"}]"), "3:36 found a text; expected is a whole number of MiB"),
        (
            users("[{name: ada, display_name: \"a\\nb\"}]"),
            "3:39 \"a\\nb\" is no name; expected are 1 to 120 visible characters",
        ),
        (users("[{name: ada, name: bob}]"), "3:25 the key \"name\" stands twice here"),
        ("domains: []\ndomains: []".into(), "2:1 the key \"domains\" stands twice here"),
        (users("[&a ada]"), "3:16 anchors and aliases are not taken; write the entry out"),
        (users("[*a]"), "3:13 anchors and aliases are not taken; write the entry out"),
        (
            users("[{<<: {name: ada}}]"),
            "3:13 the key \"name\" is missing here | 3:14 the key \"<<\" is unknown; expected is \"name\" or \"display_name\" or \"quota_mib\"",
        ),
        ("domains: []\n---\ndomains: []".into(), "2:1 a second document begins here; expected is one"),
    ];
    let wrong: Vec<String> = cases
        .iter()
        .filter(|(text, expected)| found(text) != *expected)
        .map(|(text, expected)| format!("{text}\n  found    {}\n  expected {expected}\n", found(text)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.concat());
}

#[test]
fn all_problems_are_told_at_once_in_the_order_of_the_text() {
    let text = "domains:\n  - name: a.example\n    users: [A, b, b]\n    extra: 1\n  - users: [x]\n";
    let error = text.parse::<MailList>().unwrap_err();
    let lines: Vec<(u64, u64)> =
        error.problems().iter().map(|(place, _)| (place.line, place.column)).collect();
    assert_eq!(lines, [(3, 13), (3, 19), (4, 5), (5, 5)]);

    let many = format!("domains: [{{name: a.example, users: [{}]}}]", "A, ".repeat(30));
    let error = many.parse::<MailList>().unwrap_err();
    assert_eq!((error.problems().len(), error.to_string().lines().count()), (30, 21));
    assert!(error.to_string().ends_with("\nand 10 more"));
    assert!(error.to_string().starts_with("line 1, column 37: \"A\" is no user"));
}

#[test]
fn bombs_and_broken_texts_are_refused_quickly() {
    let levels = ('b'..='z')
        .zip('a'..)
        .map(|(level, below)| format!("{level}: &{level} [{}]\n", vec![format!("*{below}"); 9].join(", ")));
    let bomb: String = ["a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned()].into_iter().chain(levels).collect();
    assert!(found(&bomb).contains("anchors"), "{}", found(&bomb));
    assert!(found(&"[".repeat(100_000)).starts_with("1:"));
    assert!(found(&format!("domains: {}", "{a: ".repeat(50))).contains("nested too deeply"));
    assert!(found(&"- a\n".repeat(300_000)).contains("1 MiB"));
    assert!(found(&"-\n".repeat(300_000)).contains("too long"));
    for broken in
        ["domains: [", "domains: \"a", "domains: !!binary x", "domains: !secret []", "\u{0}", "a: b: c"]
    {
        assert!(found(broken).starts_with(['1', '2']), "{broken:?}: {}", found(broken));
    }
}

proptest! {
    /// Any text is read or refused, and what is refused is refused at a place within it.
    #[test]
    fn no_text_ends_the_program(text in any_text()) {
        if let Err(error) = text.parse::<MailList>() {
            prop_assert!(!error.problems().is_empty());
            let lines = text.split('\n').count() as u64 + 1;
            for (place, problem) in error.problems() {
                prop_assert!(place.line >= 1 && place.line <= lines && place.column >= 1, "{place}: {problem}");
                prop_assert!(!problem.contains('\n'), "{problem:?}");
            }
        }
    }

    /// Wherever one bad user stands, line and column lead to it.
    #[test]
    fn a_place_leads_to_the_culprit(before in 0..20_usize, after in 0..20_usize, domains in 0..5_usize, flow: bool) {
        let others = (0..domains).map(|n| format!("  - name: d{n}.example\n    users: [u]\n"));
        let users = (0..before).map(|n| format!("b{n}")).chain(["BAD!".to_owned()]);
        let users: Vec<String> = users.chain((0..after).map(|n| format!("a{n}"))).collect();
        let users = if flow { format!(" [{}]\n", users.join(", ")) } else { format!("\n      - {}\n", users.join("\n      - ")) };
        let text = format!("domains:\n{}  - name: last.example\n    users:{users}", others.collect::<Vec<_>>().concat());
        let error = text.parse::<MailList>().unwrap_err();
        let [(place, _)] = error.problems() else { panic!("{error}") };
        let line = text.lines().nth(usize::try_from(place.line).unwrap() - 1).unwrap();
        prop_assert!(line[usize::try_from(place.column).unwrap() - 1..].starts_with("BAD!"), "{place} of\n{text}");
    }

    /// What was read and is written again is the same list.
    #[test]
    fn a_list_is_read_as_it_was_written(
        domains in proptest::collection::btree_map("[a-z]{1,8}\\.example", proptest::collection::btree_set("[a-z0-9]{1,8}", 0..6), 0..5)
    ) {
        let entries = domains.iter().map(|(name, users)| {
            let users: Vec<&String> = users.iter().collect();
            format!("{{name: {name}, users: {users:?}}}")
        });
        let text = format!("domains: [{}]", entries.collect::<Vec<_>>().join(",\n"));
        let list: MailList = text.parse().unwrap();
        let read: Vec<(String, Vec<String>)> = list.domains().iter().map(|domain| {
            (domain.name().to_string(), domain.users().iter().map(|user| user.address().local_part().to_owned()).collect())
        }).collect();
        let written: Vec<(String, Vec<String>)> = domains.into_iter().map(|(name, users)| (name, users.into_iter().collect())).collect();
        prop_assert_eq!(read, written);
    }
}

/// Texts of the pieces that lists are made of, and any others.
fn any_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("domains:"),
        Just("\n"),
        Just("  "),
        Just("- "),
        Just("name: "),
        Just("a.example"),
        Just("users: "),
        Just("["),
        Just("]"),
        Just("{"),
        Just("}"),
        Just(", "),
        Just("ada"),
        Just("&a "),
        Just("*a"),
        Just("!!str "),
        Just("\""),
        Just("'"),
        Just("|\n"),
        Just(">-\n"),
        Just("? "),
        Just(": "),
        Just("#"),
        Just("---\n"),
        Just("..."),
        Just("%YAML 1.2\n"),
        Just("<<: "),
        Just("\t"),
        Just("7"),
        Just("~"),
        Just("\u{feff}"),
        Just("ü"),
        Just("\r\n"),
    ];
    prop_oneof![
        3 => proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat()),
        1 => any::<String>(),
    ]
}

fn found(text: &str) -> String {
    let error = text.parse::<MailList>().expect_err(text);
    let told =
        error.problems().iter().map(|(place, problem)| format!("{}:{} {problem}", place.line, place.column));
    told.collect::<Vec<_>>().join(" | ")
}
