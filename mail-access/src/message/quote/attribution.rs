use super::date::{has_date, has_time};
use super::line::{Line, fold};
use super::words::{VERBS, contains_word};

/// The lines that say whose words follow: "On .. wrote:", on one line or wrapped over some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Attribution {
    /// The first of its lines that is all its own.
    pub(super) start: usize,
    /// Names an address and a time, so that it stands for a quote even where none is marked.
    pub(super) certain: bool,
}

/// Finds the attribution that ends with line `last`.
pub(super) fn ending_at(lines: &[Line<'_>], last: usize) -> Option<Attribution> {
    if !lines[last].ends_with_colon() {
        return unusual(&lines[last], last);
    }
    let mut shortest = None;
    let mut joined = String::new();
    for start in (0..=last).rev().take(MOST_LINES) {
        let line = &lines[start];
        if line.is_blank() || line.is_marked() || start < last && ends_a_sentence(line) {
            break;
        }
        let folded = line.folded()?;
        joined = if start == last { folded.clone() } else { format!("{folded} {joined}") };
        if joined.len() > MOST_BYTES {
            break;
        }
        let Some(certain) = weigh(&joined) else { continue };
        let found = Attribution { start, certain };
        if begins_within(&folded) {
            return Some(Attribution { start: start + 1, certain: false });
        }
        if has_date(&folded) || has_time(&folded) {
            return Some(found);
        }
        shortest.get_or_insert(found);
    }
    shortest
}

/// Finds `---- On .. wrote ----` and, without verb and colon, `2011/4/7 Bob <bob@example.org>`.
fn unusual(line: &Line<'_>, at: usize) -> Option<Attribution> {
    let between_rules = line.body.starts_with("---") && line.body.ends_with("---");
    let bare = line.body.starts_with(|first: char| first.is_ascii_digit()) && line.body.ends_with('>');
    if !between_rules && !bare || line.body.len() > MOST_BYTES {
        return None;
    }
    let folded = line.folded()?;
    let certain = weigh(&folded)? || has_date(&folded) && has_time(&folded);
    Some(Attribution { start: at, certain: certain && between_rules })
}

/// Tells whether something else is said on the line before "on .. wrote:" begins.
fn begins_within(folded: &str) -> bool {
    folded.find(" on ").is_some_and(|at| {
        let said = folded[..at].trim_matches(['-', ' ']);
        let verb = VERBS.iter().any(|verb| contains_word(said, verb));
        !said.is_empty()
            && !verb
            && !said.contains([',', '<', ':'])
            && !has_date(said)
            && has_date(&folded[at..])
    })
}

/// Tells whether a quoted line is an attribution itself, one level deeper.
pub(super) fn is_quoted_attribution(line: &Line<'_>) -> bool {
    line.ends_with_colon() && line.body.len() <= MOST_BYTES && weigh(&fold(line.body)).is_some()
}

/// `None` if it is no attribution, else whether it is certain.
fn weigh(folded: &str) -> Option<bool> {
    let verb = VERBS.iter().any(|verb| contains_word(folded, verb));
    let address = has_address(folded);
    let (date, time) = (has_date(folded), has_time(folded));
    let when = date || time;
    if verb {
        let ends = ends_well(folded, when);
        (ends || when).then_some(ends && address && when)
    } else {
        (address && when).then(|| date && time && ends_with_address(folded))
    }
}

/// An attribution ends with its verb, a name with an address, or a time; prose that names all of them does not.
fn ends_well(folded: &str, when: bool) -> bool {
    let end = folded.trim_end_matches([':', ' ', '-']);
    let ends_with_time = end.ends_with(|last: char| last.is_ascii_digit() || last == ')')
        || ["uhr", "am", "pm", "a.m.", "p.m."].iter().any(|word| end.ends_with(word));
    ends_with_address(folded) || when && ends_with_time || VERBS.iter().any(|verb| end.ends_with(verb))
}

fn ends_with_address(folded: &str) -> bool {
    let end = folded.trim_end_matches([':', ' ']);
    let last = end.rsplit([' ', '<', '(']).next().unwrap_or(end);
    last.contains('@') && end.ends_with(['>', ')', ']']) || last.contains('@') && has_address(last)
}

fn has_address(folded: &str) -> bool {
    let near = |character: Option<char>| character.is_some_and(char::is_alphanumeric);
    folded
        .match_indices('@')
        .any(|(at, _)| near(folded[..at].chars().next_back()) && near(folded[at + 1..].chars().next()))
}

/// A line that ends a sentence is not the first half of an attribution; `23.` and a time with `a.m.` end none.
fn ends_a_sentence(line: &Line<'_>) -> bool {
    let end = line.body.trim_end_matches('.');
    let number = end.len() < line.body.len() && end.ends_with(|last: char| last.is_ascii_digit());
    line.ends_with_colon() || line.body.ends_with(['.', '!', '?', '。']) && !number && !has_time(line.body)
}

const MOST_LINES: usize = 4;

/// Bytes of all its lines.
const MOST_BYTES: usize = 600;

#[cfg(test)]
mod tests {
    use super::super::line::lines;
    use super::*;

    fn of(text: &str) -> Option<Attribution> {
        let lines = lines(text);
        ending_at(&lines, lines.len() - 1)
    }

    #[test]
    fn a_wrapped_attribution_begins_where_its_date_is() {
        let text = "Yes.\nOn Wed, Mar 12, 2025 at 9:03 AM Dan\nvia a list\n<dan@example.net> wrote:";
        assert_eq!(of(text), Some(Attribution { start: 1, certain: true }));
    }

    #[test]
    fn words_about_writing_are_not_certain() {
        assert_eq!(of("On Monday he wrote:"), Some(Attribution { start: 0, certain: false }));
        assert_eq!(of("On 12 March 2025 at 10:15 the court wrote:").map(|it| it.certain), Some(false));
        assert_eq!(of("The room has:"), None);
        assert_eq!(of("Dan wrote a long mail,\nthe core of it is this:"), None);
        let prose =
            "Dan <dan@example.net> wrote on 6 May 2024 at 10:12\nthat we should go. Here is the list:";
        assert_eq!(of(prose).map(|it| it.certain), Some(false));
        let agenda = "The call with bob@example.org is on 6 May 2024 at 10:12, agenda:";
        assert_eq!(of(agenda).map(|it| it.certain), Some(false));
    }
}
