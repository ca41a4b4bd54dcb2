//! Fields as they stand in a header or a report: a name and one line.

use std::borrow::Cow;

use super::clean::one_line;
use memchr::memchr;

use super::Limits;
use super::survey::{FEW, count_items};

/// Gives names and values of the fields of a header, from its top, unfolded and cleaned, but not decoded.
pub(super) fn named_fields(header: &[u8]) -> impl Iterator<Item = (Cow<'_, str>, String)> {
    fields(header).take(MAX_FIELDS).filter_map(|field| {
        let colon = memchr(b':', field)?;
        let name = field[..colon].trim_ascii();
        (!name.is_empty()).then(|| (String::from_utf8_lossy(name), unfolded(&field[colon + 1..])))
    })
}

/// Gives the first value of a field.
pub(super) fn value_of(header: &[u8], name: &str) -> Option<String> {
    named_fields(header).find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// Splits what reports consist of: groups of fields between blank lines.
pub(super) fn groups(report: &[u8]) -> impl Iterator<Item = Vec<(Cow<'_, str>, String)>> {
    let mut rest = report;
    std::iter::from_fn(move || {
        loop {
            let line = memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            if line == 0 {
                return None;
            }
            if !rest[..line].trim_ascii().is_empty() {
                break;
            }
            rest = &rest[line..];
        }
        let length = fields(rest).map(<[u8]>::len).sum::<usize>();
        let (group, behind) = rest.split_at(length);
        rest = behind;
        Some(named_fields(group).collect())
    })
    .take(MAX_GROUPS)
}

/// Cuts a message to a header that can be shown: fields over the limits are left out.
pub(super) fn header_within(raw: &[u8], limits: &Limits) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut items = 0;
    for field in fields(raw).take(FEW / 10) {
        let more = count_items(field);
        if field.len() > limits.field() || items + more > FEW {
            continue;
        }
        items += more;
        if kept.len() + field.len() > limits.header() {
            break;
        }
        kept.extend_from_slice(field);
    }
    kept.extend_from_slice(b"\r\n");
    kept
}

/// Gives the fields of the header with their folded lines and line ends.
pub(crate) fn fields(raw: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = raw;
    std::iter::from_fn(move || {
        let mut end = 0;
        loop {
            let line = &rest[end..];
            let length = memchr(b'\n', line).map_or(line.len(), |at| at + 1);
            let is_more = end == 0 || line.starts_with(b" ") || line.starts_with(b"\t");
            let is_blank = line[..length].trim_ascii().is_empty();
            if !is_more || is_blank {
                break;
            }
            end += length;
        }
        let (field, behind) = rest.split_at(end);
        rest = behind;
        (!field.is_empty()).then_some(field)
    })
}

fn unfolded(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    if text.trim_end().contains('\n') { one_line(&text.replace(['\r', '\n'], "")) } else { one_line(&text) }
}

const MAX_FIELDS: usize = 10_000;
/// A report on more recipients than one envelope has is none.
const MAX_GROUPS: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_unfolded_and_end_with_the_header() {
        let raw = b"A: 1\r\n 2\r\njunk\r\n: none\r\nB :\t\x1b3\r\n\r\nC: 4\r\n";
        let fields: Vec<_> = named_fields(raw).collect();
        assert_eq!(fields, [("A".into(), "1 2".to_owned()), ("B".into(), "3".to_owned())]);
        assert_eq!(value_of(raw, "b").as_deref(), Some("3"));
    }

    #[test]
    fn groups_end_with_blank_lines() {
        let groups: Vec<_> = groups(b"\r\nA: 1\r\n\r\n \r\nB: 2\nC: 3\n\n\n").collect();
        assert_eq!(groups.len(), 2);
        assert_eq!(groups[1], [("B".into(), "2".to_owned()), ("C".into(), "3".to_owned())]);
    }

    #[test]
    fn an_opaque_message_keeps_the_fields_that_can_be_shown() {
        let raw = format!("Subject: a\r\nTo: {}\r\nFrom: b@c.example\r\n\r\nbody", "x,".repeat(40_000));
        assert_eq!(
            header_within(raw.as_bytes(), &Limits::default()),
            b"Subject: a\r\nFrom: b@c.example\r\n\r\n"
        );
    }
}
