use std::ops::Range;

use super::MOST_LINES;
use super::date::is_numeric_date;
use super::line::fold;
use super::links::candidate;
use super::words::{CODE_WORDS, FIRST_UNSPACED, NO_CODE_WORDS, contains_word};

/// A code that a text hands over, such as a one-time password; a secret while it is valid.
#[derive(Clone, PartialEq, Eq)]
pub struct Code {
    value: String,
    confidence: u8,
}

impl Code {
    /// Returns the code without spaces and hyphens inside a number: `482 913` is `482913`, `WDJB-MJHT` stays.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Returns how sure it is a code, from 1 to 100: words such as "code" right before it, a line of its own and
    /// a usual length raise it.
    pub fn confidence(&self) -> u8 {
        self.confidence
    }
}

/// Does not show the code.
impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Code").field("confidence", &self.confidence).finish_non_exhaustive()
    }
}

/// Finds codes in a text, the most likely first, each once.
///
/// A code has 4 to 10 digits (`482913`, `482 913`, `G-482913`), or digits and capital letters, and stands near a
/// word for it in some twenty languages, on its line or within two lines. Dates, times, prices, phone numbers,
/// numbers of orders and invoices, and whatever is in a URL or a mail address are left out, and so is what stands below
/// the first 20 000 lines.
///
/// ```
/// use mail_access::quote;
///
/// let codes = quote::codes("Ihr Bestätigungscode lautet:\n\n  482913\n\nBestellnummer 20240512");
/// assert_eq!(codes.len(), 1);
/// assert_eq!(codes[0].value(), "482913");
/// ```
pub fn codes(text: &str) -> Vec<Code> {
    let lines: Vec<(&str, String)> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .take(MOST_LINES)
        .map(|line| (line, folded(line)))
        .collect();
    let mut says = vec![None; lines.len()];
    let mut says_code = |at: usize| {
        *says[at].get_or_insert_with(|| CODE_WORDS.iter().any(|word| contains_word(&lines[at].1, word)))
    };
    let mut found: Vec<Code> = Vec::new();
    for (at, (line, _)) in lines.iter().enumerate().filter(|(_, (line, _))| line.len() <= MOST_BYTES) {
        let tokens = tokens(line);
        if tokens.is_empty() || !(at.saturating_sub(2)..lines.len().min(at + 3)).any(&mut says_code) {
            continue;
        }
        let (here, above) = (says_code(at), at > 0 && says_code(at - 1));
        for token in tokens {
            if let Some(confidence) = weigh(line, &token, here, above) {
                found.push(Code { value: token.value, confidence });
            }
        }
    }
    found.sort_by_key(|code| std::cmp::Reverse(code.confidence));
    let mut seen = std::collections::HashSet::new();
    found.retain(|code| seen.insert(code.value.clone()));
    found
}

struct Token {
    value: String,
    range: Range<usize>,
}

/// Returns what looks like a code by itself.
fn tokens(line: &str) -> Vec<Token> {
    let outside = without_addresses(line);
    let mut tokens: Vec<Token> = Vec::new();
    for run in words(&outside) {
        let word = outside[run.clone()].trim_matches(['-', '/', '_', '.']);
        let start = run.start + outside[run].find(word).unwrap_or(0);
        tokens.extend(token(word).map(|value| Token { value, range: start..start + word.len() }));
        if let [.., first, second] = tokens.as_slice()
            && &outside[first.range.end..second.range.start] == " "
            && let Some(value) = joined(&first.value, &second.value)
        {
            let range = first.range.start..second.range.end;
            tokens.truncate(tokens.len() - 2);
            tokens.push(Token { value, range });
        }
    }
    tokens.retain(|token| (4..=10).contains(&token.value.bytes().filter(u8::is_ascii_alphanumeric).count()));
    tokens
}

/// Returns the words of a line, where dates, times and amounts are one word, and a script without spaces ends one.
fn words(line: &str) -> Vec<Range<usize>> {
    let bytes = line.as_bytes();
    let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let thousands = |at: usize| (at + 1..at + 4).all(|at| digit(Some(at))) && !digit(Some(at + 4));
    let mut words: Vec<Range<usize>> = Vec::new();
    for (at, character) in line.char_indices() {
        let between_digits = digit(at.checked_sub(1)) && digit(Some(at + 1));
        let inner = match character {
            '-' | '/' | '_' => true,
            '.' | ':' => between_digits,
            ',' => between_digits && thousands(at),
            other => other.is_alphanumeric() && other < FIRST_UNSPACED,
        };
        let end = at + character.len_utf8();
        match words.last_mut().filter(|word| inner && word.end == at) {
            Some(word) => word.end = end,
            None if inner => words.push(at..end),
            None => {}
        }
    }
    words
}

/// Takes a word that is a code or half of one.
fn token(word: &str) -> Option<String> {
    let bytes = word.as_bytes();
    if !(3..=12).contains(&bytes.len()) || is_numeric_date(bytes, 0) {
        return None;
    }
    let parts: Vec<&str> = word.split('-').collect();
    let numeric = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let capital = |part: &&str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
    };
    match parts.as_slice() {
        [one] if numeric(one) => Some((*one).to_owned()),
        [first, second] if numeric(first) && numeric(second) => joined(first, second),
        // The prefix that a big provider puts before its codes.
        [prefix, rest] if prefix.len() == 1 && capital(prefix) && numeric(rest) => Some((*rest).to_owned()),
        [one] if capital(one) && mixed(one) && one.len() >= 4 => Some((*one).to_owned()),
        [one] if mixed(one) && one.len() >= 5 && one.bytes().all(|it| it.is_ascii_alphanumeric()) => {
            Some((*one).to_owned())
        }
        [first, second]
            if first.len() == second.len() && first.len() >= 3 && capital(first) && capital(second) =>
        {
            Some(word.to_owned())
        }
        _ => None,
    }
}

/// Puts two halves of a number together: `482 913`, `1234-5678`.
fn joined(first: &str, second: &str) -> Option<String> {
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let halves = first.len() == second.len() && (3..=4).contains(&first.len());
    (halves && digits(first) && digits(second)).then(|| format!("{first}{second}"))
}

fn mixed(word: &str) -> bool {
    word.bytes().any(|byte| byte.is_ascii_digit()) && word.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// `None` if it is something else, else how sure it is a code.
fn weigh(line: &str, token: &Token, said_here: bool, said_above: bool) -> Option<u8> {
    let (before, after) = (&line[..token.range.start], &line[token.range.end..]);
    let (before, after) = (folded(last(before, NEAR)), folded(first(after, NEAR)));
    let alone = line.trim_matches(|it: char| !it.is_alphanumeric()).len() <= token.range.len();
    // How far before the token the nearest of some words ends.
    let distance = |words: &[&str]| {
        let named = words.iter().filter(|word| contains_word(&before, word));
        named.filter_map(|word| Some(before.len() - before.rfind(word)? - word.len())).min()
    };
    let (code, other) = (distance(CODE_WORDS), distance(NO_CODE_WORDS));
    let named_else = other.is_some_and(|other| code.is_none_or(|code| other <= code));
    if named_else || is_amount(&before, &after) || !said_here && !alone {
        return None;
    }
    let numeric = token.value.bytes().all(|byte| byte.is_ascii_digit());
    let year =
        numeric && token.value.len() == 4 && (token.value.starts_with("19") || token.value.starts_with("20"));
    let letters = token.value.bytes().any(|byte| byte.is_ascii_lowercase());
    let led = [":", " is", "="].iter().any(|end| before.trim_end().ends_with(end));
    if !alone && (letters && code.is_none() || year && !led) {
        return None;
    }
    let said_after = CODE_WORDS.iter().any(|word| contains_word(&after, word));
    let score = [
        (true, 20),
        (code.is_some(), 35),
        (code.is_some_and(|distance| distance <= 5), 15),
        (alone, 25),
        (alone && said_above, 25),
        (said_after, 20),
        (numeric && token.value.len() == 6, 5),
        (year, -30),
        (letters, -10),
    ];
    let score: i32 = score.iter().filter(|(holds, _)| *holds).map(|(_, points)| points).sum();
    Some(u8::try_from(score.clamp(1, 100)).unwrap_or(1))
}

/// Tells whether a number is a price, a phone number, a share or a measure.
fn is_amount(before: &str, after: &str) -> bool {
    let cents =
        after.strip_prefix([',', '.']).map(|cents| cents.trim_start_matches(|it: char| it.is_ascii_digit()));
    let paid = cents.filter(|rest| rest.len() + 1 < after.len()).unwrap_or(after);
    let dialled = before.trim_end_matches(|it: char| it.is_ascii_digit() || " ()-./".contains(it));
    before.trim_end().ends_with(['€', '$', '£', '¥', '₺', '₽'])
        || dialled.ends_with('+')
        || CURRENCIES.iter().any(|word| follows(paid, word))
        || UNITS.iter().any(|word| follows(after, word))
}

fn follows(after: &str, word: &str) -> bool {
    let after = after.trim_start();
    after.starts_with(word) && contains_word(first(after, word.len() + 4), word)
}

/// Blanks out URLs and mail addresses, byte for byte.
fn without_addresses(line: &str) -> String {
    let mut text = line.to_owned();
    let mut blank = |range: Range<usize>| text.replace_range(range.clone(), &" ".repeat(range.len()));
    let mut at = 0;
    while let Some((start, end)) = candidate(&line[at..]) {
        blank(at + start..at + end);
        at += end;
    }
    let mut start = 0;
    for word in line.split(' ') {
        if word.contains('@') {
            blank(start..start + word.len());
        }
        start += word.len() + 1;
    }
    text
}

fn folded(text: &str) -> String {
    fold(first(text, MOST_BYTES))
}

fn first(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

fn last(text: &str, bytes: usize) -> &str {
    &text[text.ceil_char_boundary(text.len().saturating_sub(bytes))..]
}

/// Bytes of a line; longer ones are not read for codes.
const MOST_BYTES: usize = 2_000;

/// Bytes on either side in which words tell what a number is.
const NEAR: usize = 80;

#[rustfmt::skip]
const CURRENCIES: &[&str] = &[
    "€", "$", "£", "¥", "eur", "euro", "euros", "usd", "gbp", "chf", "dollars", "zł", "pln", "kr", "kč",
    "руб", "₽", "tl", "₺", "円", "元", "원",
];

/// What is counted or measured is no code.
#[rustfmt::skip]
const UNITS: &[&str] = &[
    "%", "minutes", "minute", "min", "hours", "seconds", "days", "minuten", "stunden", "tage", "heures",
    "jours", "minutos", "horas", "días", "minuti", "ore", "giorni", "minuty", "минут", "часов", "分", "小时",
    "時間", "분", "kb", "mb", "gb", "km", "kg",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<String> {
        codes(text).into_iter().map(|code| code.value).collect()
    }

    #[test]
    fn codes_of_many_languages_and_shapes_are_found() {
        for (text, code) in [
            ("Your verification code is 482913.", "482913"),
            ("482913 is your login code. Don't share it.", "482913"),
            ("Use this code to sign in:\n\n482 913\n\nIt expires in 10 minutes.", "482913"),
            ("G-482913 is your verification code.", "482913"),
            ("Enter the code WDJB-MJHT on your device.", "WDJB-MJHT"),
            ("Your one-time password: 7KQ2M9", "7KQ2M9"),
            ("Your PIN is 4821", "4821"),
            ("Code: 1234-5678", "12345678"),
            ("Your access code is x7k9q2.", "x7k9q2"),
            ("Ihr Bestätigungscode lautet 482913.", "482913"),
            ("Votre code de vérification : 482913", "482913"),
            ("Tu código de verificación es 482913", "482913"),
            ("Il tuo codice è 482913.", "482913"),
            ("Seu código é 482913.", "482913"),
            ("Uw verificatiecode is 482913.", "482913"),
            ("Twój kod to 482913.", "482913"),
            ("Din kod är 482913.", "482913"),
            ("Din kode er 482913.", "482913"),
            ("Vahvistuskoodisi on 482913.", "482913"),
            ("Váš kód je 482913.", "482913"),
            ("Ваш код: 482913", "482913"),
            ("Doğrulama kodunuz: 482913", "482913"),
            ("確認コード:482913", "482913"),
            ("您的验证码是482913,10分钟内有效。", "482913"),
            ("인증번호는 482913 입니다.", "482913"),
            ("Code for https://example.org/?code=111111 and a@2222.example is 482913", "482913"),
        ] {
            assert_eq!(values(text), [code], "{text}");
        }
    }

    #[test]
    fn other_numbers_are_no_codes() {
        for text in [
            "The meeting is on 12.03.2025 at 10:15.",
            "Your code expires on 2025-03-12 at 10:15.",
            "The code costs 1500 EUR or $1600.",
            "We reviewed the code in 2024 and wrote 120000 minutes of tests.",
            "Questions about your code? Call +44 113 4960000.",
            "Order 20240512 has been shipped.",
            "Invoice number 482913, due in 30 days.",
            "Copy the code from https://example.org/482913 please.",
            "Zip code 80331",
            "Fehlercode 5005",
            "Use promo code SAVE20 at checkout.",
            "Your booking code ABC123 is on the ticket.",
            "482913",
            "",
        ] {
            assert_eq!(values(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn the_most_likely_code_comes_first_and_each_once() {
        let found =
            codes("Code list 771204 in room B.\n\nYour code:\n\n482913\n\nAgain, your code is 482913.");
        assert_eq!(found[0].value(), "482913");
        assert_eq!(found.iter().filter(|code| code.value() == "482913").count(), 1);
        assert!(found.windows(2).all(|pair| pair[0].confidence() >= pair[1].confidence()));
        assert!(!format!("{found:?}").contains("482913"));
    }
}
