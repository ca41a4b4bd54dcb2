use super::date::{has_date, has_time};
use super::line::Line;
use super::words::{FIELDS, FORWARDED, FORWARDED_LINES, Field, ORIGINAL};

/// What begins a message inside the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Block {
    /// The message that is answered, or passed on: only what stands above it tells which.
    Earlier,
    /// A message that is passed on.
    Forwarded,
}

/// Tells what begins at this line.
pub(super) fn beginning_at(lines: &[Line<'_>], at: usize) -> Option<Block> {
    let folded = lines[at].folded()?;
    if FORWARDED_LINES.contains(&folded.as_str()) {
        return Some(Block::Forwarded);
    }
    if let Some(title) = title(&folded) {
        if FORWARDED.contains(&title) {
            return Some(Block::Forwarded);
        }
        if ORIGINAL.contains(&title) {
            return Some(Block::Earlier);
        }
    }
    let header = if is_rule(&folded) { next_line(lines, at + 1) } else { Some(at) };
    header.filter(|&header| is_header(lines, header)).map(|_| Block::Earlier)
}

/// Tells whether a line is made of one repeated character, as drawn between messages and around signatures.
pub(super) fn is_rule(text: &str) -> bool {
    let mut characters = text.chars();
    let Some(first) = characters.next() else { return false };
    "-_=*~#＝─━―ー─＿".contains(first) && text.chars().count() >= 5 && characters.all(|other| other == first)
}

/// Returns the words between two rules on one line: `-----Original Message-----`.
fn title(folded: &str) -> Option<&str> {
    let dashes = ['-', '_', '=', '*', '—', ' '];
    let inner = folded.trim_matches(dashes);
    let start = folded.len() - folded.trim_start_matches(dashes).len();
    (start >= 3 && folded.len() - start - inner.len() >= 3).then_some(inner)
}

/// Tells whether a header stands here: who, when (with a time of day), and to whom or about what; both if the day
/// is written in a way that is not known here.
fn is_header(lines: &[Line<'_>], start: usize) -> bool {
    if field(&lines[start]).is_none() {
        return false;
    }
    let (mut from, mut day, mut time, mut to, mut subject) = (false, false, false, false, false);
    for line in lines[start..].iter().take(MOST_HEADER_LINES).take_while(|line| !line.is_blank()) {
        match field(line) {
            Some((Field::From, _)) => from = true,
            Some((Field::Date, value)) => (day, time) = (day || has_date(&value), time || has_time(&value)),
            Some((Field::To, _)) => to = true,
            Some((Field::Subject, _)) => subject = true,
            None => {}
        }
    }
    from && time && (day && (to || subject) || to && subject)
}

fn field(line: &Line<'_>) -> Option<(Field, String)> {
    let folded = line.folded().filter(|_| !line.is_marked())?;
    let (name, value) = folded.split_once(':')?;
    let name = name.trim_matches([' ', '*']);
    let field = FIELDS.iter().find(|(_, names)| names.contains(&name))?.0;
    Some((field, value.to_owned()))
}

fn next_line(lines: &[Line<'_>], from: usize) -> Option<usize> {
    (from..lines.len()).take(3).find(|&at| !lines[at].is_blank())
}

const MOST_HEADER_LINES: usize = 12;

#[cfg(test)]
mod tests {
    use super::super::line::lines;
    use super::*;

    #[test]
    fn a_header_needs_a_time_of_day() {
        let with = "*Von:* Jürgen\n*Gesendet:* 6. Mai 2024 10:12\n*Betreff:* x\n";
        assert_eq!(beginning_at(&lines(with), 0), Some(Block::Earlier));
        let without = "From: Leeds\nTo: London\nDate: 3 June 2024\n";
        assert_eq!(beginning_at(&lines(without), 0), None);
    }

    #[test]
    fn titles_tell_forwarded_from_original() {
        assert_eq!(beginning_at(&lines("---------- Forwarded message ---------"), 0), Some(Block::Forwarded));
        assert_eq!(beginning_at(&lines("-----Ursprüngliche Nachricht-----"), 0), Some(Block::Earlier));
        assert_eq!(beginning_at(&lines("Original Message"), 0), None);
        assert_eq!(beginning_at(&lines("-- --"), 0), None);
    }
}
