use super::PartKind;
use super::block::is_rule;
use super::line::Line;
use super::words::{ASTRAY, CLOSINGS, DEVICES, MOBILE_ENDS, MOBILE_STARTS, SECRET};

/// Marks the signature: at the end of the last thing that the writer says, and, if that is nothing but a
/// signature, at the end of what he says before. An address or a notice that is all there is stays.
pub(super) fn mark(lines: &[Line<'_>], kinds: &mut [PartKind]) {
    let mut end = lines.len();
    let first = lines.iter().position(|line| !line.is_blank()).unwrap_or(end);
    loop {
        while end > 0 && (kinds[end - 1] != PartKind::New || lines[end - 1].is_blank()) {
            end -= 1;
        }
        let start = (0..end).rev().take_while(|&at| kinds[at] == PartKind::New).last().unwrap_or(end);
        let signature = start + beginning(&lines[start..end]);
        kinds[signature..end].fill(PartKind::Signature);
        if end > 0 && start == 0 && signature == first && !is_plain_signature(&lines[first]) {
            kinds[..end].fill(PartKind::New);
        }
        if start == end || lines[start..signature].iter().any(|line| !line.is_blank()) {
            return;
        }
        end = start;
    }
}

/// Tells whether a line begins a signature even where nothing else is said.
fn is_plain_signature(line: &Line<'_>) -> bool {
    line.raw.trim_end() == "--" || line.folded().is_some_and(|folded| is_mobile(&folded))
}

/// Tells whether a line is the one that a mobile client adds.
pub(super) fn is_mobile(folded: &str) -> bool {
    let words = folded.trim_start_matches(['<', '(']);
    let words = words.split("http").next().unwrap_or(words).trim_end_matches(['<', '(', ' ', '>', ')']);
    let names = |device: &&str| {
        let before = |at: usize| words[..at].chars().next_back();
        words.match_indices(*device).any(|(at, _)| !before(at).is_some_and(|it| it.is_ascii_alphanumeric()))
    };
    words.chars().count() <= 100
        && (MOBILE_STARTS.iter().any(|start| words.starts_with(start))
            || MOBILE_ENDS.iter().any(|end| words.ends_with(end)))
        && DEVICES.iter().any(names)
}

/// Returns where the signature of these lines begins, their length if there is none.
fn beginning(lines: &[Line<'_>]) -> usize {
    let mut end = separated(lines).unwrap_or(lines.len());
    loop {
        end -= lines[..end].iter().rev().take_while(|line| line.is_blank()).count();
        let above = &lines[..end];
        let found = [mobile, footer, framed, notice, address].into_iter().find_map(|rule| rule(above));
        match found {
            Some(start) => end = start,
            None => break,
        }
    }
    // Blank lines belong to what is above them.
    end + lines[end..].iter().take_while(|line| line.is_blank()).count()
}

/// Below `-- ` (RFC 3676 section 4.3); without its space only if what follows is short and no prose.
fn separated(lines: &[Line<'_>]) -> Option<usize> {
    let is_separator = |line: &Line<'_>| matches!(line.raw.trim_end(), "--" | "—");
    let at = lines.iter().rposition(is_separator)?;
    let below = lines[at + 1..].iter().filter(|line| !line.is_blank());
    if lines[at].raw.trim_end_matches(['\r', '\n']) == "-- " {
        return (below.count() <= MOST_SIGNED).then_some(at);
    }
    let alone = !lines[..at].iter().any(is_separator);
    let is_prose = |line: &Line<'_>| {
        let long = line.body.chars().count() > 60 || line.body.ends_with(['.', '!', '?', '。']);
        long && !line.folded().is_some_and(|folded| is_mobile(&folded))
    };
    (alone && below.clone().count() <= 6 && !below.into_iter().any(is_prose)).then_some(at)
}

/// The line of a mobile client, with an address of the client on the next line if there is one.
fn mobile(lines: &[Line<'_>]) -> Option<usize> {
    let last = lines.len().checked_sub(1)?;
    let is_mobile = |at: usize| lines[at].folded().is_some_and(|folded| is_mobile(&folded));
    let is_address = lines[last].body.trim_start_matches('<').starts_with("http");
    match last.checked_sub(1) {
        Some(above) if is_address && is_mobile(above) => Some(above),
        _ => is_mobile(last).then_some(last),
    }
}

/// What mailing lists add below a rule.
fn footer(lines: &[Line<'_>]) -> Option<usize> {
    let from = lines.len().saturating_sub(8);
    let rule = from + lines[from..].iter().rposition(|line| is_rule(line.body))?;
    let named = lines[rule + 1..].iter().find(|line| !line.is_blank())?.folded()?;
    let listed =
        named.contains("mailing list") || named.contains("mailinglist") || named.contains("unsubscribe");
    listed.then_some(rule)
}

/// An address block below a rule, often with one more rule below.
fn framed(lines: &[Line<'_>]) -> Option<usize> {
    let last = lines.len().checked_sub(1)?;
    let inner = if is_rule(lines[last].body) { last } else { lines.len() };
    let from = inner.saturating_sub(10);
    let rule = from + lines[from..inner].iter().rposition(|line| is_rule(line.body))?;
    let block = &lines[rule + 1..inner];
    (block.iter().filter(|line| is_contact(line)).count() >= 2 && block.iter().all(is_short)).then_some(rule)
}

/// A last paragraph that says it is secret and what to do if it went astray.
fn notice(lines: &[Line<'_>]) -> Option<usize> {
    let length = lines.iter().rev().take(MOST_SIGNED + 1).take_while(|line| !line.is_blank()).count();
    let start = lines.len() - length;
    if length == 0 || length > MOST_SIGNED || start == 0 {
        return None;
    }
    let words: Vec<String> = lines[start..].iter().filter_map(Line::folded).collect();
    let words = words.join(" ");
    let says = |table: &[&str]| table.iter().any(|word| words.contains(word));
    (says(SECRET) && says(ASTRAY)).then_some(start)
}

/// An address block below a closing and a name; these two are still said by the writer.
fn address(lines: &[Line<'_>]) -> Option<usize> {
    let from = lines.len().saturating_sub(MOST_ADDRESS);
    let closing = from + lines[from..].iter().rposition(is_closing)?;
    let mut below = (closing + 1..lines.len()).filter(|&at| !lines[at].is_blank());
    let name = below.next()?;
    let start = below.next()?;
    let block = &lines[start..];
    let says_more = |line: &Line<'_>| {
        let folded = line.folded().unwrap_or_default();
        folded.starts_with("ps") || folded.starts_with("p.s") || line.body.ends_with(['?', '!', '？', ':'])
    };
    let contacts = block.iter().filter(|line| is_contact(line)).count();
    let enough = contacts >= 2 || contacts == 1 && (start == name + 1 || block.iter().any(is_phone));
    (enough && block.iter().all(is_short) && !block.iter().any(says_more)).then_some(start)
}

fn is_closing(line: &Line<'_>) -> bool {
    line.folded()
        .is_some_and(|folded| CLOSINGS.contains(&folded.trim_end_matches([',', '.', '!', ' ', '、', '。'])))
}

/// A phone number, a mail address or a site.
fn is_contact(line: &Line<'_>) -> bool {
    let body = line.body.trim_start_matches('<');
    is_phone(line) || body.contains('@') || body.contains("www.") || body.starts_with("http")
}

fn is_phone(line: &Line<'_>) -> bool {
    let Some(folded) = line.folded() else { return false };
    let digits = folded.bytes().filter(u8::is_ascii_digit).count();
    digits >= 7 && (folded.contains('+') || PHONES.iter().any(|label| folded.starts_with(label)))
}

fn is_short(line: &Line<'_>) -> bool {
    line.body.len() <= 120
}

/// Lines of an address block with the closing above it.
const MOST_ADDRESS: usize = 20;

/// Lines that follow a separator and are still a signature.
const MOST_SIGNED: usize = 30;

#[rustfmt::skip]
const PHONES: &[&str] = &[
    "tel", "tél", "phone", "mobil", "mob", "cell", "fax", "t:", "m:", "p:", "t.", "m.", "d:", "fon", "handy",
    "телефон", "тел", "моб", "電話", "电话", "手机", "携帯", "전화", "puh", "tlf",
];
