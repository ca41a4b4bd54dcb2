//! Nothing that was recorded is left out: every exchange of every recording is played by some test.

use std::{collections::BTreeSet, env, fs, process};

use crate::replay;

#[test]
fn every_recorded_exchange_is_played() {
    let mut missing = Vec::new();
    let (played, mut all) = (played(), 0);
    for (recording, fixture, count) in RECORDINGS {
        assert_eq!(replay::load(fixture).len(), *count, "{recording} is not all in {fixture}");
        all += count;
        let left = |at: &usize| !played.contains(&((*fixture).to_owned(), *at)) && !is_exempt(fixture, *at);
        missing.extend((0..*count).filter(left).map(|at| format!("{recording} {at} ({fixture})")));
    }
    println!("exchanges played: {}/{all}, exempt: {}", all - EXEMPT.len() - missing.len(), EXEMPT.len());
    for (fixture, at, reason) in EXEMPT {
        let is_played = played.contains(&((*fixture).to_owned(), *at));
        assert!(!is_played && !reason.is_empty(), "{fixture} {at} is played and need not be exempt");
    }
    assert_eq!(missing, Vec::<String>::new(), "not played");
}

/// Runs the other tests of this binary once more and returns what they played.
fn played() -> BTreeSet<(String, usize)> {
    let list = env::temp_dir().join(format!("mailcow-api-played-{}", process::id()));
    let _ = fs::remove_file(&list);
    let mut tests = process::Command::new(env::current_exe().unwrap());
    tests.env(replay::PLAYED, &list).args(["--skip", module_path!().split_once("::").unwrap().1]);
    for (slow, _) in WITHOUT_RECORDINGS {
        tests.args(["--skip", slow]);
    }
    let output = tests.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let lines = fs::read_to_string(&list).unwrap();
    fs::remove_file(&list).unwrap();
    let exchanges = lines.lines().map(|line| line.split_once(' ').unwrap());
    exchanges.map(|(fixture, at)| (fixture.to_owned(), at.parse().unwrap())).collect()
}

fn is_exempt(fixture: &str, at: usize) -> bool {
    EXEMPT.iter().any(|(exempt, number, _)| (*exempt, *number) == (fixture, at))
}

/// Tests that play nothing, and why running them once would do.
const WITHOUT_RECORDINGS: &[(&str, &str)] =
    &[("faults::", "real time"), ("canary::", "a subscriber of the process"), ("wire::", "real time")];

/// What nobody can send with this crate, and why.
const EXEMPT: &[(&str, usize, &str)] = &[
    ("cors/all.json", 3, "OPTIONS is what a browser sends"),
    ("search/mailbox-search.json", 6, "a search is never a GET"),
];

/// The recordings: their name, the fixture that holds them, and how many exchanges they are.
const RECORDINGS: &[(&str, &str, usize)] = &[
    ("admin", "admins/all.json", 6),
    ("alias-add", "aliases/add.json", 19),
    ("alias-delete", "aliases/delete.json", 4),
    ("alias-domain", "alias_domains/all.json", 13),
    ("alias-edit", "aliases/edit.json", 6),
    ("alias-get", "aliases/get.json", 6),
    ("alias-in-alias-domain", "aliases/in-alias-domain.json", 2),
    ("alias-of-mailbox", "aliases/of-mailbox.json", 2),
    ("app-passwd", "app_passwords/all.json", 15),
    ("auth-read-only-key", "server/auth-read-only-key.json", 5),
    ("auth", "server/auth.json", 15),
    ("backend-down", "server/backend-down.json", 3),
    ("bcc", "bcc_maps/all.json", 10),
    ("bulk-edit", "bulk/bulk-edit.json", 2),
    ("cors", "cors/all.json", 5),
    ("dkim-key-sizes", "dkim/key-sizes.json", 11),
    ("dkim", "dkim/all.json", 17),
    ("domain-add", "domains/add.json", 15),
    ("domain-admin", "domain_admins/all.json", 14),
    ("domain-delete", "domains/delete.json", 4),
    ("domain-edit", "domains/edit.json", 10),
    ("domain-footer", "domains/footer.json", 3),
    ("domain-get", "domains/get.json", 8),
    ("domain-tag-delete", "domains/tag-delete.json", 3),
    ("domain-template", "domains/template.json", 11),
    ("fail2ban", "fail2ban/all.json", 8),
    ("fido2-webauthn", "server/fido2-webauthn.json", 5),
    ("filter", "filters/all.json", 12),
    ("fwdhost", "forwarding_hosts/all.json", 9),
    ("get-empty-collections", "server/get-empty-collections.json", 34),
    ("get-nonexistent", "server/get-nonexistent.json", 31),
    ("hub-setup", "filters/hub-setup.json", 9),
    ("identity-provider", "identity_provider/all.json", 8),
    ("language", "presets/language.json", 3),
    ("logs", "logs/all.json", 18),
    ("mailbox-add", "mailboxes/add.json", 24),
    ("mailbox-delete", "mailboxes/delete.json", 6),
    ("mailbox-edit-ignored-fields", "mailboxes/edit-ignored-fields.json", 3),
    ("mailbox-edit", "mailboxes/edit.json", 23),
    ("mailbox-get", "mailboxes/get.json", 16),
    ("mailbox-search", "search/mailbox-search.json", 11),
    ("mailbox-tag-delete", "mailboxes/tag-delete.json", 3),
    ("mailbox-template", "mailboxes/template.json", 8),
    ("mailbox-user-settings", "mailboxes/user-settings.json", 20),
    ("mailq", "mail_queue/all.json", 8),
    ("mta-sts", "mta_sts/all.json", 8),
    ("names-and-encoding", "mailboxes/names-and-encoding.json", 1),
    ("password-policy", "password_policy/all.json", 10),
    ("presets", "presets/all.json", 2),
    ("protocol-errors", "server/protocol-errors.json", 23),
    ("quarantine", "quarantine/all.json", 7),
    ("quota-notification", "notifications/quota.json", 2),
    ("race-domain-capacity", "domains/overrun.json", 4),
    ("race-mailbox-add", "mailboxes/race.json", 9),
    ("ratelimit", "rate_limits/all.json", 15),
    ("relayhost", "relayhosts/all.json", 10),
    ("resource", "resources/all.json", 9),
    ("rspamd-settings", "rspamd/all.json", 7),
    ("self", "server/self.json", 1),
    ("session-cookie", "server/session-cookie.json", 4),
    ("spam-policy", "spam_policies/all.json", 12),
    ("status", "server/status.json", 6),
    ("syncjob", "sync_jobs/all.json", 9),
    ("time-limited-alias", "temporary_aliases/all.json", 11),
    ("tls-policy-map", "tls_policy_maps/all.json", 9),
    ("transport", "transports/all.json", 11),
    ("types-coercion", "mailboxes/types-coercion.json", 23),
    ("ui-settings", "notifications/ui-settings.json", 7),
    ("usage", "mailboxes/usage.json", 4),
];
