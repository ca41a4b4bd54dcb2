//! Fields as they stand in a header or a report: a name and one line.

use std::borrow::Cow;

use super::clean::one_line;
use super::survey::fields;

/// Gives names and values of the fields of a header, from its top, unfolded and cleaned, but not decoded.
pub(super) fn named_fields(header: &[u8]) -> impl Iterator<Item = (Cow<'_, str>, String)> {
    fields(header).filter_map(|field| {
        let colon = memchr::memchr(b':', field)?;
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
            let line = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
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

fn unfolded(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    if text.trim_end().contains('\n') { one_line(&text.replace(['\r', '\n'], "")) } else { one_line(&text) }
}

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
}
