//! Texts of others in Markdown (CommonMark, with the tables of GFM): they are shown, and never mean anything.

use std::fmt::Write;

/// Shows a text as code, in running text or in the cell of a table.
pub(crate) fn code(text: &str) -> String {
    let text = one_line(text);
    if text.is_empty() || text.starts_with(' ') || text.ends_with(' ') || text.contains(['`', '|', '\\']) {
        return format!("<code>{}</code>", entities(&text));
    }
    format!("`{text}`")
}

/// Shows a text as words.
pub(crate) fn words(text: &str) -> String {
    entities(&one_line(text))
}

/// A line break or control character would end a paragraph, a cell or a list.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() || ['\u{2028}', '\u{2029}'].contains(&c) { ' ' } else { c })
        .collect()
}

/// Character references are text and nothing else (CommonMark section 2.5).
fn entities(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for (place, c) in text.char_indices() {
        // Before a dot, `www` alone makes a link in GFM.
        let links = c == '.' && text.as_bytes()[..place].to_ascii_lowercase().ends_with(b"www");
        if links || (c.is_ascii_punctuation() && !".,-'".contains(c)) {
            write!(shown, "&#{};", u32::from(c)).expect("a string takes all");
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_texts_stay_readable() {
        assert_eq!(code("_dmarc.shop.example"), "`_dmarc.shop.example`");
        assert_eq!(words("Ada Lovelace-King of shop.example"), "Ada Lovelace-King of shop.example");
    }

    #[test]
    fn what_means_something_is_shown_as_it_is() {
        assert_eq!(code("a`b"), "<code>a&#96;b</code>");
        assert_eq!(code("a|b"), "<code>a&#124;b</code>");
        assert_eq!(words("<b>[x](y)\n# z"), "&#60;b&#62;&#91;x&#93;&#40;y&#41; &#35; z");
        assert_eq!(words("WWW.x.example http://x"), "WWW&#46;x.example http&#58;&#47;&#47;x");
    }

    proptest! {
        #[test]
        fn no_text_leaves_its_place(text in any::<String>()) {
            let shown = words(&text);
            prop_assert!(!shown.contains(|c: char| "<>|`*_[]()!\\~".contains(c) || c.is_control()), "{}", shown);
            let shown = code(&text);
            prop_assert!(!shown.contains(|c: char| c == '|' || c.is_control()), "{}", shown);
            let inner = shown.strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
            let inner = inner.or_else(|| shown.strip_prefix("<code>").and_then(|rest| rest.strip_suffix("</code>")));
            prop_assert!(!inner.expect("it is code").contains('`'), "{}", shown);
        }
    }
}
