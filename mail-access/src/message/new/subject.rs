//! Subjects of answers and forwards.

/// Puts `Re: ` before a subject, unless it stands there in some language.
pub(super) fn answered(subject: &str) -> String {
    if begins_with(subject, ANSWERS) { subject.to_owned() } else { format!("Re: {subject}") }
}

/// Puts `Fwd: ` before a subject, unless it stands there in some language.
pub(super) fn forwarded(subject: &str) -> String {
    if begins_with(subject, FORWARDS) { subject.to_owned() } else { format!("Fwd: {subject}") }
}

/// Knows `Re: `, `RE : `, `Re[2]: ` and `Re\u{ff1a}` too.
fn begins_with(subject: &str, marks: &[&str]) -> bool {
    let Some((mark, _)) = subject.split_once([':', '\u{ff1a}']) else { return false };
    let mark = mark.split(['[', '(']).next().unwrap_or_default().trim().to_lowercase();
    marks.contains(&mark.as_str())
}

/// Returns a subject without the marks of answers and forwards before it, in whichever languages they are (RFC 5256
/// section 2.1), and whether one of them is an answer's.
///
/// ```
/// use mail_access::quote::base_subject;
///
/// assert_eq!(base_subject("Re: AW: Engines"), ("Engines", true));
/// assert_eq!(base_subject("Fwd: Engines"), ("Engines", false));
/// assert_eq!(base_subject("Note: Engines"), ("Note: Engines", false));
/// ```
pub fn base_subject(subject: &str) -> (&str, bool) {
    let (mut rest, mut is_answer) = (subject.trim(), false);
    while let Some((mark, behind)) = rest.split_once([':', '\u{ff1a}']) {
        // No mark is as long, with or without a count.
        let mark = mark.split(['[', '(']).next().unwrap_or_default().trim();
        if mark.len() > LONGEST_MARK {
            break;
        }
        let mark = mark.to_lowercase();
        if ANSWERS.contains(&&*mark) {
            is_answer = true;
        } else if !FORWARDS.contains(&&*mark) {
            break;
        }
        rest = behind.trim();
    }
    (rest, is_answer)
}

/// Bytes.
const LONGEST_MARK: usize = 40;
/// In lower case, by programs that write them: Outlook translates them, and others followed.
const ANSWERS: &[&str] = &[
    "re",
    "aw",
    "antw",
    "antwort",
    "ang",
    "atb",
    "bls",
    "hv",
    "odp",
    "ref",
    "res",
    "rif",
    "rép",
    "sv",
    "vs",
    "vá",
    "ynt",
    "απ",
    "σχετ",
    "отв",
    "ответ",
    "תגובה",
    "رد",
    "回复",
    "回覆",
    "答复",
    "答覆",
    "返信",
    "회신",
    "답장",
];
const FORWARDS: &[&str] = &[
    "fwd",
    "fw",
    "doorst",
    "enc",
    "fs",
    "i̇lt",
    "ilt",
    "pd",
    "rv",
    "továbbítás",
    "tr",
    "vb",
    "vl",
    "wg",
    "yml",
    "πρθ",
    "пересл",
    "הועבר",
    "إعادة توجيه",
    "転送",
    "轉寄",
    "轉發",
    "转发",
    "전달",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_marked_once() {
        for (subject, answer) in [
            ("Engines", "Re: Engines"),
            ("", "Re: "),
            ("Re: Engines", "Re: Engines"),
            ("RE:Engines", "RE:Engines"),
            ("re : Engines", "re : Engines"),
            ("Re[2]: Engines", "Re[2]: Engines"),
            ("Re (3): Engines", "Re (3): Engines"),
            ("AW: Maschinen", "AW: Maschinen"),
            ("Sv: Maskiner", "Sv: Maskiner"),
            ("回复：引擎", "回复：引擎"),
            ("Report: Engines", "Re: Report: Engines"),
            ("Fwd: Engines", "Re: Fwd: Engines"),
            ("Re Engines", "Re: Re Engines"),
            (": a", "Re: : a"),
        ] {
            assert_eq!(answered(subject), answer);
        }
    }

    #[test]
    fn a_forward_is_marked_once() {
        for (subject, forward) in [
            ("Engines", "Fwd: Engines"),
            ("Re: Engines", "Fwd: Re: Engines"),
            ("FW: Engines", "FW: Engines"),
            ("WG: Maschinen", "WG: Maschinen"),
        ] {
            assert_eq!(forwarded(subject), forward);
        }
    }
}
