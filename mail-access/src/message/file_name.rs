//! Makes a name that a file can safely have of what a stranger calls it.

/// Gives a name that names a file of the folder it is joined to, on any system: one plain component of at most 200
/// bytes, not hidden, no name that Windows reserves, and nothing that a shell or a reader would take otherwise.
pub(super) fn safe(name: Option<&str>, content_type: &str) -> String {
    let last =
        name.unwrap_or("").rsplit(['/', '\\']).find(|part| !part.trim_matches(IDLE).is_empty()).unwrap_or("");
    let plain: String = last
        .chars()
        .filter(|c| !c.is_control() && !is_invisible(*c))
        .map(|c| if FORBIDDEN.contains(&c) || (c.is_whitespace() && c != ' ') { '_' } else { c })
        .collect();
    // A leading dot hides a file, a leading hyphen makes it an option; Windows drops dots and blanks at the end.
    let plain = plain.trim_start_matches(['.', '-', ' ', '~']).trim_end_matches(['.', ' ']);
    let shown = if plain.is_empty() { format!("attachment{}", extension(content_type)) } else { cut(plain) };
    let stem = shown.split('.').next().unwrap_or(&shown).trim_end();
    if is_reserved(stem) { cut(&format!("_{shown}")) } else { shown }
}

/// Cuts to the length that is left, before the extension if there is a short one.
fn cut(name: &str) -> String {
    if name.len() <= MAX_LENGTH {
        return name.to_owned();
    }
    let extension = name.rfind('.').map_or("", |dot| &name[dot..]);
    let extension = if extension.len() <= MAX_EXTENSION { extension } else { "" };
    let room = MAX_LENGTH - extension.len();
    let end = (0..=room).rev().find(|end| name.is_char_boundary(*end)).unwrap_or(0);
    let stem = name[..end].trim_end_matches(['.', ' ']);
    format!("{stem}{extension}")
}

/// Tells whether Windows gives the name to a device, whatever stands behind a dot.
fn is_reserved(stem: &str) -> bool {
    let upper = stem.to_uppercase();
    let digit = |prefix| {
        let mut rest = upper.strip_prefix(prefix).unwrap_or("").chars();
        matches!((rest.next(), rest.next()), (Some('0'..='9' | '\u{b9}' | '\u{b2}' | '\u{b3}'), None))
    };
    matches!(upper.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$")
        || digit("COM")
        || digit("LPT")
}

/// Tells whether a character is not seen or changes how others are.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn extension(content_type: &str) -> &'static str {
    match content_type {
        "text/plain" => ".txt",
        "text/html" => ".html",
        "text/csv" => ".csv",
        "text/calendar" => ".ics",
        "message/rfc822" | "message/global" => ".eml",
        "application/pdf" => ".pdf",
        "application/json" => ".json",
        "application/zip" => ".zip",
        "image/png" => ".png",
        "image/jpeg" => ".jpg",
        "image/gif" => ".gif",
        _ => "",
    }
}

/// What alone makes no name.
const IDLE: &[char] = &['.', ' '];
const FORBIDDEN: &[char] = &['<', '>', ':', '"', '|', '?', '*', '%', '$', '`', ';', '&', '\'', '/', '\\'];
/// Bytes; most systems allow 255, and a program may want to number its files.
const MAX_LENGTH: usize = 200;
const MAX_EXTENSION: usize = 16;

#[cfg(test)]
mod tests {
    use std::path::{Component, Path};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_stays_in_its_folder() {
        for (name, expected) in [
            ("plan.csv", "plan.csv"),
            ("Jahresbericht \u{fc}ber 2026.pdf", "Jahresbericht \u{fc}ber 2026.pdf"),
            ("../../etc/passwd", "passwd"),
            ("/etc/passwd/", "passwd"),
            ("C:\\Windows\\system32\\cmd.exe", "cmd.exe"),
            ("..%2f..%2fetc", "_2f.._2fetc"),
            ("..", "attachment.pdf"),
            ("", "attachment.pdf"),
            (". . /. .", "attachment.pdf"),
            (".bashrc", "bashrc"),
            ("-rf", "rf"),
            ("nul", "_nul"),
            ("CON .txt", "_CON .txt"),
            ("com1.tar.gz", "_com1.tar.gz"),
            ("lpt\u{b2}", "_lpt\u{b2}"),
            ("command.com", "command.com"),
            ("a\0b\r\n.txt", "ab.txt"),
            ("invoice\u{202e}fdp.exe", "invoicefdp.exe"),
            ("a:b.txt", "a_b.txt"),
            ("$(rm).txt. ", "_(rm).txt"),
        ] {
            assert_eq!(safe(Some(name), "application/pdf"), expected, "{name:?}");
        }
    }

    #[test]
    fn a_long_name_keeps_its_extension() {
        let name = safe(Some(&format!("{}.pdf", "\u{fc}".repeat(300))), "application/pdf");
        assert!(name.len() <= 200 && name.len() > 190 && name.ends_with("\u{fc}.pdf"), "{name}");
        assert_eq!(safe(Some(&"x.".repeat(300)), "").len(), 199);
    }

    proptest! {
        #[test]
        fn any_name_stays_in_its_folder(name in hostile()) {
            let safe = safe(Some(&name), "application/x");
            let components: Vec<_> = Path::new(&safe).components().collect();
            prop_assert!(matches!(&components[..], [Component::Normal(one)] if **one == *safe), "{safe:?}");
            prop_assert!(safe.len() <= 200 && !safe.is_empty());
            prop_assert!(!safe.contains(['/', '\\', ':', '\0']) && !safe.chars().any(char::is_control));
            prop_assert!(!safe.starts_with(['.', '-', ' ']) && !safe.ends_with(['.', ' ']), "{safe:?}");
            let stem = safe.split('.').next().unwrap().trim_end().to_uppercase();
            prop_assert!(!["CON", "PRN", "AUX", "NUL", "COM1", "LPT9"].contains(&stem.as_str()), "{safe:?}");
            prop_assert_eq!(super::safe(Some(&safe), "application/x"), safe.clone(), "safe twice is safe once");
        }
    }

    fn hostile() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            4 => prop::sample::select(vec![
                "../", "..\\", "/", "\\", ".", " ", "-", "~", "%2f", "C:", "CON", "nul", "aux.", "Com1", "LPT9", "\0",
                "\r\n", "\u{202e}", "\u{200b}", "\u{feff}", ".txt", "\u{ff0f}", "\u{2028}", "\u{a0}",
            ]).prop_map(str::to_owned),
            2 => any::<char>().prop_map(String::from),
            1 => "[a-z]{1,90}",
        ];
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }
}
