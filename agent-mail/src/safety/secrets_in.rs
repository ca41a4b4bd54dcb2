//! Finds what looks like a secret in a text.

use std::ops::Range;

use crate::password;

/// A secret in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Secret {
    pub(super) range: Range<usize>,
    pub(super) what: &'static str,
}

/// Finds secrets, from the first to the last, none within another.
pub(super) fn find(text: &str, exact: &[&str], random_words: bool) -> Vec<Secret> {
    let mut found = Vec::new();
    for secret in exact.iter().filter(|secret| secret.len() >= SHORTEST) {
        let all = text.match_indices(secret);
        found.extend(all.map(|(at, _)| Secret { range: at..at + secret.len(), what: "password" }));
    }
    private_keys(text, &mut found);
    labelled(text, &mut found);
    for run in pieces(text, |c| !c.is_whitespace() && !"<>\"'`".contains(c)) {
        let is_address = ["://", "data:", "cid:", "@"].iter().any(|mark| text[run.clone()].contains(mark));
        in_url(text, &run, &mut found);
        for word in pieces(&text[run.clone()], |c| c.is_ascii_alphanumeric() || "_-.+/=".contains(c)) {
            let range = run.start + word.start..run.start + word.end;
            let word = text[range.clone()].trim_matches(['.', '/', '=', '-']);
            let start = range.start + text[range].find(word).unwrap_or(0);
            let range = start..start + word.len();
            if let Some(what) = token(word) {
                found.push(Secret { range, what });
            } else if random_words && !is_address {
                for part in pieces(word, |c| c.is_ascii_alphanumeric() || "-+_".contains(c)) {
                    if is_random(&word[part.clone()]) {
                        let range = start + part.start..start + part.end;
                        found.push(Secret { range, what: "random word" });
                    }
                }
            }
        }
    }
    found.sort_by_key(|secret| (secret.range.start, usize::MAX - secret.range.end));
    let mut end = 0;
    found.retain(|secret| {
        let is_new = secret.range.start >= end;
        end = end.max(secret.range.end);
        is_new
    });
    found
}

fn private_keys(text: &str, found: &mut Vec<Secret>) {
    let mut from = 0;
    while let Some(at) = text[from..].find("-----BEGIN ").map(|at| from + at) {
        from = at + 11;
        // What such a line says is short, so that many of them in one line are no work.
        let line = &text[from..text.floor_char_boundary(from + LONGEST_LINE)];
        let line = line.split(['\n', '-']).next().unwrap_or_default();
        if line.contains("PRIVATE KEY") {
            let end = text[from..].find("-----END ").map_or(text.len(), |end| from + end);
            let end = text[end..].find('\n').map_or(text.len(), |line| end + line);
            found.push(Secret { range: at..end, what: "private key" });
            from = end;
        }
    }
}

/// Finds what stands behind `password:` and the like, if it is no plain word.
fn labelled(text: &str, found: &mut Vec<Secret>) {
    let lower = text.to_ascii_lowercase();
    for label in LABELS {
        let mut known = 0;
        for (at, _) in lower.match_indices(label) {
            if at < known {
                continue;
            }
            let behind = &text[at + label.len()..];
            let value = behind.trim_start_matches(['"', '\'', ' ']);
            let Some(value) =
                value.strip_prefix([':', '=']).or_else(|| label.ends_with(' ').then_some(value))
            else {
                continue;
            };
            let value = value.trim_start_matches([' ', '"', '\'']);
            let end = value.find(|c: char| c.is_whitespace() || "\"'<>,;".contains(c)).unwrap_or(value.len());
            let word = value[..end].trim_end_matches(['.', ')', '!', '?']);
            let is_plain = word.chars().all(char::is_alphabetic);
            let start = text.len() - value.len();
            let is_found = word.len() >= SHORTEST && !is_plain && !word.contains("://");
            if is_found || word.len() > LONGEST_NESTED {
                known = start + word.len();
            }
            if is_found {
                found.push(Secret { range: start..start + word.len(), what: "password" });
            }
        }
    }
}

/// Finds the password in `https://user:password@host`.
fn in_url(text: &str, run: &Range<usize>, found: &mut Vec<Secret>) {
    let run_text = &text[run.clone()];
    let Some(host) = run_text.find("://").map(|at| at + 3) else { return };
    let end = run_text[host..].find(['/', '?', '#']).map_or(run_text.len(), |end| host + end);
    let Some(at) = run_text[host..end].rfind('@').map(|at| host + at) else { return };
    let Some(colon) = run_text[host..at].find(':').map(|colon| host + colon) else { return };
    if colon + 1 < at {
        found.push(Secret { range: run.start + colon + 1..run.start + at, what: "password" });
    }
}

fn token(word: &str) -> Option<&'static str> {
    let known = TOKENS.iter().find(|(prefix, length, _)| {
        let rest = word.strip_prefix(prefix);
        rest.is_some_and(|rest| {
            rest.len() >= *length && rest.chars().any(|c| c.is_ascii_digit() || c.is_uppercase())
        })
    });
    if let Some((.., what)) = known {
        return Some(what);
    }
    let is_jwt = word.starts_with("eyJ") && word.len() >= 40 && word.matches('.').count() == 2;
    is_jwt.then_some("web token")
}

/// Tells whether a word came out of a random generator: long, of all classes of characters, which change all the time.
fn is_random(word: &str) -> bool {
    let bytes = word.as_bytes();
    if bytes.len() < SHORTEST_RANDOM {
        return false;
    }
    let class = |byte: u8| match byte {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    };
    let has = |wanted| bytes.iter().any(|byte| class(*byte) == wanted);
    let changes = bytes.windows(2).filter(|pair| class(pair[0]) != class(pair[1])).count();
    // A password of ours is known by its form: by chance it may change less often.
    let least = if is_in_our_form(word) { 1 } else { 2 };
    has(0) && has(1) && has(2) && changes * 5 >= bytes.len() * least && entropy(bytes) >= 3.7
}

/// Tells whether a word has the form of the passwords that are made here: letters and digits around a hyphen.
fn is_in_our_form(word: &str) -> bool {
    let all_of = |half: &str| half.bytes().all(|byte| byte.is_ascii_alphanumeric());
    word.len() >= password::LENGTH
        && word
            .split_once('-')
            .is_some_and(|(one, other)| one.len() == (word.len() - 1) / 2 && all_of(one) && all_of(other))
}

/// Bits for each byte, by how often each stands there.
fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in bytes {
        counts[usize::from(*byte)] += 1;
    }
    let length = f64::from(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    let share = |count: &u32| f64::from(*count) / length;
    counts.iter().filter(|count| **count > 0).map(share).map(|share| -share * share.log2()).sum()
}

/// The longest stretches of characters that belong together.
fn pieces(text: &str, belongs: impl Fn(char) -> bool) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut begin = None;
    for (at, c) in text.char_indices() {
        match (belongs(c), begin) {
            (true, None) => begin = Some(at),
            (false, Some(from)) => {
                pieces.push(from..at);
                begin = None;
            }
            _ => {}
        }
    }
    pieces.extend(begin.map(|from| from..text.len()));
    pieces
}

/// Shorter exact secrets would be found everywhere.
pub(super) const SHORTEST: usize = 6;
const SHORTEST_RANDOM: usize = 24;
/// In `-----BEGIN RSA PRIVATE KEY-----` and the like.
const LONGEST_LINE: usize = 80;
/// In a longer word behind a label no other label is looked for.
const LONGEST_NESTED: usize = 1024;
const LABELS: &[&str] = &[
    "password",
    "passwort",
    "passwd",
    "passphrase",
    "secret",
    "api_key",
    "api-key",
    "apikey",
    "api key",
    "access_token",
    "auth_token",
    "private_key",
    "bearer ",
];
/// How a token begins, how long it goes on at least, and what it is.
const TOKENS: &[(&str, usize, &str)] = &[
    ("AKIA", 16, "aws access key"),
    ("ASIA", 16, "aws access key"),
    ("ghp_", 30, "github token"),
    ("gho_", 30, "github token"),
    ("ghu_", 30, "github token"),
    ("ghs_", 30, "github token"),
    ("ghr_", 30, "github token"),
    ("github_pat_", 30, "github token"),
    ("glpat-", 20, "gitlab token"),
    ("xoxb-", 10, "slack token"),
    ("xoxp-", 10, "slack token"),
    ("xoxa-", 10, "slack token"),
    ("xoxs-", 10, "slack token"),
    ("xapp-", 10, "slack token"),
    ("sk_live_", 16, "stripe key"),
    ("rk_live_", 16, "stripe key"),
    ("sk_test_", 16, "stripe key"),
    ("whsec_", 20, "stripe key"),
    ("AIza", 30, "google key"),
    ("ya29.", 20, "google token"),
    ("GOCSPX-", 20, "google secret"),
    ("sk-ant-", 20, "anthropic key"),
    ("sk-proj-", 20, "openai key"),
    ("sk-", 32, "openai key"),
    ("hf_", 30, "hugging face token"),
    ("npm_", 30, "npm token"),
    ("pypi-", 30, "pypi token"),
    ("SG.", 30, "sendgrid key"),
    ("dop_v1_", 40, "digitalocean token"),
    ("hvs.", 20, "vault token"),
    ("AGE-SECRET-KEY-1", 30, "age key"),
    ("shpat_", 30, "shopify token"),
    ("dckr_pat_", 20, "docker token"),
    ("lin_api_", 30, "linear key"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(&'static str, &str)> {
        let found = find(text, &["correct horse"], true);
        found.into_iter().map(|secret| (secret.what, &text[secret.range])).collect()
    }

    #[test]
    fn secrets_are_found() {
        let own = password::generate();
        let own = secrecy::ExposeSecret::expose_secret(&own);
        // Such a one comes once in a few hundred: it changes between the classes seldom.
        let calm = "abcdefGHIJKLmnop-qrstuvWXYZ12ABcd";
        let jwt =
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U";
        for (text, what, secret) in [
            ("x correct horse y".to_owned(), "password", "correct horse"),
            (format!("my login: {own}."), "random word", own),
            (format!("my login: {calm}."), "random word", calm),
            ("(AKIAIOSFODNN7EXAMPLE)".to_owned(), "aws access key", "AKIAIOSFODNN7EXAMPLE"),
            (format!("see {jwt}"), "web token", jwt),
            ("Password: hunter22.".to_owned(), "password", "hunter22"),
            ("{\"api_key\": \"abc-1234\"}".to_owned(), "password", "abc-1234"),
            ("Authorization: Bearer abc123def".to_owned(), "password", "abc123def"),
            ("psql://root:s3cr3t@db.example/x".to_owned(), "password", "s3cr3t"),
            (
                "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ0".to_owned(),
                "age key",
                "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ0",
            ),
            (
                "a\n-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----\nb".to_owned(),
                "private key",
                "-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----",
            ),
            (
                "-----BEGIN PRIVATE KEY-----\ncut off".to_owned(),
                "private key",
                "-----BEGIN PRIVATE KEY-----\ncut off",
            ),
        ] {
            assert_eq!(found(&text), [(what, secret)], "{text}");
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        for text in [
            "",
            "The password is required. Password: required",
            "Forgot your password? Password: see above",
            "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
            "id 123e4567-e89b-12d3-a456-426614174000",
            "https://shop.example/track?u=aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1x",
            "<20260102.aB3dE5fG7hJ9kL1mN3pQ5rS7@b.example>",
            "AbstractSingletonProxyFactoryBean2024Implementation",
            "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----",
            "task-based sk- AKIA hf_ ghp_short",
            "+49 170 1234567, DE89370400440532013000, 2026-01-02T03:04:05Z",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }

    #[test]
    fn a_flood_takes_one_pass() {
        for unit in ["-----BEGIN ", "password:", "password:x://", "bearer ", "https://a:b@", "sk-", "a1B-"] {
            let secrets = find(&unit.repeat((256 << 10) / unit.len()), &["secret-one"], true);
            assert!(secrets.len() <= 1 << 18, "{unit}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_searched(text in proptest::string::string_regex("(?s).{0,80}|(password|-----BEGIN |PRIVATE KEY|://|@|:|=| |\\n|ü|sk-){0,12}").unwrap()) {
            let mut end = 0;
            for secret in find(&text, &["secret-one"], true) {
                proptest::prop_assert!(secret.range.start >= end && text.get(secret.range.clone()).is_some());
                end = secret.range.end;
            }
        }

        #[test]
        fn every_password_of_ours_is_found(length in 0_usize..80) {
            let own = password::generate_of(length);
            let own = secrecy::ExposeSecret::expose_secret(&own);
            proptest::prop_assert_eq!(found(own), [("random word", own)]);
        }
    }
}
