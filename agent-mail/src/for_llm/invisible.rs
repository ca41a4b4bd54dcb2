//! Characters that nobody sees and a program reads.

/// Takes out what is not seen: zero-width characters, marks that turn the direction, tags, fillers, control characters but
/// line ends and tabs. Tells whether any of it can't have stood there for the sake of the writing.
pub(super) fn strip(text: &str) -> (String, bool) {
    let mut clean = String::with_capacity(text.len());
    let mut hidden = false;
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let is_joiner = matches!(c, '\u{200c}' | '\u{200d}');
        // Between letters of Persian or parts of an emoji a joiner belongs to the writing.
        let joins = is_joiner
            && !before.is_ascii()
            && !is_unseen(before)
            && chars.peek().is_some_and(|next| !next.is_ascii() && !is_unseen(*next));
        // One says how the sign before it looks; many in a row carry a message.
        let is_row = matches!(c, '\u{fe0e}' | '\u{fe0f}') && matches!(before, '\u{fe00}'..='\u{fe0f}');
        if joins || !(is_unseen(c) || is_row) {
            clean.push(c);
        } else {
            hidden |=
                !matches!(c, '\u{ad}' | '\u{200c}' | '\u{200d}' | '\u{feff}' | '\u{34f}') && !c.is_control();
        }
        before = c;
    }
    (clean, hidden)
}

/// Makes one line of it, of at most `most` characters.
pub(super) fn line(text: &str, most: usize) -> (String, bool) {
    let (clean, hidden) = strip(text);
    let words: Vec<&str> = clean.split_whitespace().collect();
    (cut(&words.join(" "), most), hidden)
}

/// Keeps `most` characters, the last of which says that there were more.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['\u{2026}']).collect(),
    }
}

fn is_unseen(c: char) -> bool {
    !matches!(c, '\n' | '\t')
        && (c.is_control() || UNSEEN.iter().any(|(first, last)| (*first..=*last).contains(&c)))
}

const UNSEEN: &[(char, char)] = &[
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{2800}', '\u{2800}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0d}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff9}', '\u{fffb}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_goes_and_what_writing_needs_stays() {
        for (before, after, hidden) in [
            ("plain\n\ttext", "plain\n\ttext", false),
            ("so\u{ad}ft", "soft", false),
            ("a\u{200b}b", "ab", true),
            ("pay\u{202e}lave\u{202c}", "paylave", true),
            ("hi\u{e0049}\u{e0067}\u{e006e}", "hi", true),
            ("\u{feff}bom", "bom", false),
            ("\u{1f468}\u{200d}\u{1f469}", "\u{1f468}\u{200d}\u{1f469}", false),
            ("\u{645}\u{6cc}\u{200c}\u{62e}", "\u{645}\u{6cc}\u{200c}\u{62e}", false),
            ("a\u{200d}b", "ab", false),
            ("\u{3164}\u{2062}\u{2800}", "", true),
            ("\u{2764}\u{fe0f}", "\u{2764}\u{fe0f}", false),
            ("\u{2764}\u{fe0f}\u{fe0e}\u{fe0f}\u{fe05}\u{e0105}", "\u{2764}\u{fe0f}", true),
            ("x\u{1b}[31m", "x[31m", false),
            ("gr\u{fc}\u{df}e \u{5e9}\u{5dc}", "gr\u{fc}\u{df}e \u{5e9}\u{5dc}", false),
        ] {
            assert_eq!(strip(before), (after.to_owned(), hidden), "{before:?}");
        }
        assert_eq!(line(" a\n b\u{200b} ", 9), ("a b".to_owned(), true));
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab\u{2026}");
    }
}
