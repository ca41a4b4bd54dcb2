//! What the header of a message tells of its spam score.

use super::catalogue::remedy;
use super::{Diagnosis, Remedy};

impl Diagnosis {
    pub(super) fn look_at_headers(&mut self, headers: Option<&str>) {
        let walk = self;
        let Some(headers) = headers else {
            return walk.skip("headers", "no header of a message was given");
        };
        let headers = unfold(headers);
        if let Some(result) = field(&headers, "x-spamd-result") {
            let mut costly: Vec<_> = symbols(result).into_iter().filter(|(_, score)| *score > 0.0).collect();
            costly.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(b.0)));
            for (symbol, score) in costly {
                let remedy = Remedy::of_symbol(symbol).unwrap_or(UNKNOWN_SYMBOL);
                walk.found("headers", remedy, format!("{symbol} costs {score} points"));
            }
        }
        if let Some(results) = field(&headers, "authentication-results") {
            let results = results.to_lowercase();
            for (words, symbol) in VERDICTS.iter().filter(|(words, _)| results.contains(words)) {
                let remedy = Remedy::of_symbol(symbol).unwrap_or(UNKNOWN_SYMBOL);
                if walk.find(remedy.code).is_none() {
                    walk.found("headers", remedy, (*words).to_owned());
                }
            }
        } else {
            walk.found("headers", NO_RESULTS, "there is no Authentication-Results");
        }
        walk.done("headers");
    }
}

/// Puts each field into one line (RFC 5322 section 2.2.3).
fn unfold(headers: &str) -> String {
    headers.replace("\r\n", "\n").replace("\n ", " ").replace("\n\t", " ")
}

/// Returns the first field of a name: the receiving server's own stands on top.
fn field<'a>(headers: &'a str, name: &str) -> Option<&'a str> {
    headers.lines().take_while(|line| !line.is_empty()).find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.trim().eq_ignore_ascii_case(name).then_some(value)
    })
}

/// Reads `default: False [-0.10 / 15.00]; R_SPF_FAIL(1.00)[-all]; MIME_GOOD(-0.10)[text/plain]`.
fn symbols<'a>(result: &'a str) -> Vec<(&'a str, f64)> {
    let mut depth = 0_usize;
    let parts = result.split(move |c: char| {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ';' && depth == 0
    });
    let read = |part: &'a str| {
        let (name, rest) = part.split_once('(')?;
        let score = rest.split_once(')')?.0.trim().parse().ok()?;
        Some((name.trim(), score))
    };
    parts.filter_map(read).collect()
}

/// What a receiving server says of the sender (RFC 8601), and the symbol of Rspamd that means the same.
const VERDICTS: &[(&str, &str)] = &[
    ("spf=fail", "R_SPF_FAIL"),
    ("spf=softfail", "R_SPF_SOFTFAIL"),
    ("spf=neutral", "R_SPF_NEUTRAL"),
    ("spf=none", "R_SPF_NA"),
    ("spf=permerror", "R_SPF_PERMFAIL"),
    ("dkim=fail", "R_DKIM_REJECT"),
    ("dkim=none", "R_DKIM_NA"),
    ("dkim=permerror", "R_DKIM_PERMFAIL"),
    ("dmarc=fail", "DMARC_POLICY_REJECT"),
    ("dmarc=none", "DMARC_NA"),
    ("dmarc=permerror", "DMARC_BAD_POLICY"),
];
const UNKNOWN_SYMBOL: Remedy = remedy(
    "other_symbol",
    "a rule of the spam filter costs points that this catalogue doesn't know",
    "look the symbol up in the web interface of Rspamd, under Symbols",
);
const NO_RESULTS: Remedy = remedy(
    "no_authentication_results",
    "the receiving server says nothing of SPF, DKIM and DMARC",
    "take the header from the recipient's mailbox, as a server that checks senders has filed it",
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_are_read_with_their_scores() {
        let result = " default: False [4.90 / 15.00]; R_SPF_FAIL(1.00)[-all:c]; BAYES_SPAM(3.5)[99.9%; x(9)]; ARC_NA(0.00)[]; \
                      MIME_GOOD(-0.10)[text/plain]; broken(; none()[]";
        assert_eq!(
            symbols(result),
            [("R_SPF_FAIL", 1.0), ("BAYES_SPAM", 3.5), ("ARC_NA", 0.0), ("MIME_GOOD", -0.1)]
        );
    }

    #[test]
    fn fields_are_unfolded_and_the_first_counts() {
        let headers = unfold(
            "Subject: x\r\nX-Spamd-Result: a;\r\n\tb\r\nX-Spamd-Result: c\r\n\r\nX-Other: in the body\r\n",
        );
        assert_eq!(field(&headers, "x-spamd-result"), Some(" a; b"));
        assert_eq!(field(&headers, "x-other"), None);
    }
}
