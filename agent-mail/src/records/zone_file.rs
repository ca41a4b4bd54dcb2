//! Zone files (RFC 1035 section 5.1), for those whose provider takes and gives nothing else.

use mail_access::DomainName;

use super::below;
use super::lexer::{Entry, entries};
use crate::backend::RrSet;
use crate::{Error, ErrorKind};

/// Writes RRsets as a zone file, in the order given.
///
/// # Errors
/// [`InvalidInput`](ErrorKind::InvalidInput) if a name or record would be read as something else: it has a line break, a
/// comment, a parenthesis, or a quote that doesn't end.
pub fn zone_file(zone: &DomainName, sets: &[RrSet]) -> Result<String, Error> {
    let mut file = format!("$ORIGIN {zone}.\n");
    for set in sets {
        let name = if set.name.is_empty() { "@" } else { &set.name };
        for record in &set.records {
            let line = format!("{name} {} IN {} {record}", set.ttl, set.rtype);
            let words = |text: &str| text.bytes().all(|b| b.is_ascii_graphic() && !b"$;()\"\\".contains(&b));
            if !words(name) || !words(&set.rtype) || !is_one_entry(&line, record) {
                return Err(Error::new(
                    ErrorKind::InvalidInput,
                    "write zone file",
                    format!("{name:?} {}", set.rtype),
                )
                .with_detail("it can't be written as one line of a zone file")
                .with_fix("write names without blanks, and texts in quotes"));
            }
            file.push_str(&line);
            file.push('\n');
        }
    }
    Ok(file)
}

/// Reads a zone file: the RRsets of `zone`, in the order in which they begin.
///
/// Names may be relative, times may have units (`1h`), and entries may go over lines in parentheses. What a provider
/// keeps by itself (SOA, signatures) is left out. A set whose records live for different times gets the shortest.
///
/// # Errors
/// [`InvalidInput`](ErrorKind::InvalidInput) with the line: what is there, and what is expected.
pub fn read_zone_file(zone: &DomainName, text: &str) -> Result<Vec<RrSet>, Error> {
    let wrong = |line: usize, problem: &str| {
        Error::new(ErrorKind::InvalidInput, "read zone file", format!("line {line}")).with_detail(problem)
    };
    let mut reader = Reader { origin: format!("{zone}."), owner: None, ttl: DEFAULT_TTL, sets: Vec::new() };
    for entry in entries(text).map_err(|(line, problem)| wrong(line, problem))? {
        reader.entry(&entry, zone).map_err(|problem| wrong(entry.line, &problem))?;
    }
    Ok(reader.sets)
}

struct Reader {
    origin: String,
    owner: Option<String>,
    ttl: u32,
    sets: Vec<RrSet>,
}

impl Reader {
    fn entry(&mut self, entry: &Entry, zone: &DomainName) -> Result<(), String> {
        let mut tokens = entry.tokens.iter().map(String::as_str).peekable();
        // Keywords may be written in either case, as BIND has it.
        let keyword = entry.tokens.first().map(|token| token.to_ascii_uppercase());
        match keyword.as_deref() {
            Some("$ORIGIN") => {
                let name = entry.tokens.get(1).ok_or("$ORIGIN needs a name")?;
                self.origin = self.absolute(name)?;
                return Ok(());
            }
            Some("$TTL") => {
                let time = entry.tokens.get(1).and_then(|token| seconds(token));
                self.ttl = time.ok_or("$TTL needs a time like 3600 or 1h")?;
                return Ok(());
            }
            Some(directive) if !entry.indented && directive.starts_with('$') => {
                return Err(format!("{directive} is not known here; $ORIGIN and $TTL are"));
            }
            _ => {}
        }
        if !entry.indented {
            let name = tokens.next().ok_or("an entry begins with a name")?;
            self.owner = Some(self.absolute(name)?);
        }
        let owner = self.owner.clone().ok_or("the first entry has no name")?;
        let mut ttl = self.ttl;
        while let Some(&token) = tokens.peek() {
            if token.eq_ignore_ascii_case("IN") {
            } else if let Some(time) = seconds(token) {
                ttl = time;
            } else if ["CH", "CS", "HS"].iter().any(|class| token.eq_ignore_ascii_case(class)) {
                return Err(format!("the class {token} is not that of the internet, IN"));
            } else {
                break;
            }
            tokens.next();
        }
        let rtype = tokens.next().ok_or("an entry needs a type and what it says")?.to_ascii_uppercase();
        if !rtype.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()) {
            return Err(format!("{rtype:?} is no type of record"));
        }
        let mut fields: Vec<String> = tokens.map(str::to_owned).collect();
        if fields.is_empty() {
            return Err(format!("the {rtype} says nothing"));
        }
        if OF_THE_PROVIDER.contains(&rtype.as_str()) {
            return Ok(());
        }
        let host = match rtype.as_str() {
            "CNAME" | "DNAME" | "NS" | "PTR" => Some(0),
            "AFSDB" | "HTTPS" | "KX" | "MX" | "SVCB" => Some(1),
            "SRV" => Some(3),
            _ => None,
        };
        if let Some(place) = host {
            let field = fields.get_mut(place).ok_or_else(|| format!("the {rtype} has no host"))?;
            *field = self.absolute(field)?;
        }
        let name = owner.trim_end_matches('.').to_ascii_lowercase();
        let name = below(&name, zone).ok_or_else(|| format!("{owner} does not lie in the zone {zone}"))?;
        self.add(name, rtype, ttl, fields.join(" "));
        Ok(())
    }

    fn absolute(&self, name: &str) -> Result<String, String> {
        if name.contains('"') {
            return Err(format!("{name:?} is no name"));
        }
        Ok(match name {
            "@" => self.origin.clone(),
            _ if name.ends_with('.') => name.to_owned(),
            _ if self.origin == "." => format!("{name}."),
            _ => format!("{name}.{}", self.origin),
        })
    }

    fn add(&mut self, name: &str, rtype: String, ttl: u32, record: String) {
        match self.sets.iter_mut().find(|set| set.name == name && set.rtype == rtype) {
            Some(set) => {
                set.ttl = set.ttl.min(ttl);
                set.records.push(record);
            }
            None => self.sets.push(RrSet::new(name, rtype, ttl, vec![record])),
        }
    }
}

fn is_one_entry(line: &str, record: &str) -> bool {
    let Ok(read) = entries(line) else { return false };
    // A comment or a parenthesis would be missing from what is read.
    let kept = |text: &str| text.chars().filter(|c| !c.is_ascii_whitespace()).count();
    let [Entry { tokens, indented: false, .. }] = read.as_slice() else { return false };
    !record.contains(['\n', '\r']) && tokens.len() > 4 && kept(&tokens.concat()) == kept(line)
}

/// Reads a time in seconds, or in units as BIND writes them.
fn seconds(text: &str) -> Option<u32> {
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (mut total, mut number) = (0_u32, None);
    for c in text.chars() {
        if let Some(digit) = c.to_digit(10) {
            number = Some(number.unwrap_or(0_u32).checked_mul(10)?.checked_add(digit)?);
            continue;
        }
        let unit = match c.to_ascii_lowercase() {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            'w' => 604_800,
            _ => return None,
        };
        total = total.checked_add(number.take()?.checked_mul(unit)?)?;
    }
    total.checked_add(number.unwrap_or(0))
}

/// What a file has that says nothing of it.
const DEFAULT_TTL: u32 = 3600;
const OF_THE_PROVIDER: [&str; 5] = ["SOA", "RRSIG", "NSEC", "NSEC3", "NSEC3PARAM"];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::text::quoted;
    use super::*;

    fn zone() -> DomainName {
        "shop.example".parse().unwrap()
    }

    fn read(text: &str) -> Result<Vec<RrSet>, String> {
        read_zone_file(&zone(), text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_of_another_program_is_read() {
        let text = "\
$TTL 1h
@ IN SOA ns1.example. host.example. ( 2026010101 ; serial
  7200 3600 1209600 3600 )
  IN NS ns1.example.
  86400 IN NS ns2
Mail 300 A 192.0.2.1 ; the host
@ MX 10 mail
@ TXT \"v=spf1 mx ; not a comment\" \"(nor this)\"
dkim._domainkey IN 1d2h TXT ( \"v=DKIM1;\"
   \"p=AB\" )
$ORIGIN sub.shop.example.
www CNAME @
_imaps._tcp SRV 0 0 0 .
$origin shop.example.
@ HTTPS 1 www.sub alpn=h2
";
        let sets = read(text).unwrap();
        let lines: Vec<String> = sets
            .iter()
            .map(|set| format!("{} {} {} {}", set.name, set.ttl, set.rtype, set.records.join(" | ")))
            .collect();
        assert_eq!(
            lines,
            [
                " 3600 NS ns1.example. | ns2.shop.example.",
                "mail 300 A 192.0.2.1",
                " 3600 MX 10 mail.shop.example.",
                " 3600 TXT \"v=spf1 mx ; not a comment\" \"(nor this)\"",
                "dkim._domainkey 93600 TXT \"v=DKIM1;\" \"p=AB\"",
                "www.sub 3600 CNAME sub.shop.example.",
                "_imaps._tcp.sub 3600 SRV 0 0 0 .",
                " 3600 HTTPS 1 www.sub.shop.example. alpn=h2",
            ]
        );
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (text, problem) in [
            ("@ A 192.0.2.1\n$INCLUDE other", "line 2: $INCLUDE is not known here"),
            ("@ TXT \"a\nb\"", "line 1: a quote is not closed"),
            ("@ TXT ( \"a\"\n", "line 1: a parenthesis is not closed"),
            ("@ A )", "line 1: a parenthesis is closed that was not opened"),
            ("  A 192.0.2.1", "line 1: the first entry has no name"),
            ("@ 3600 IN", "line 1: an entry needs a type"),
            ("@ CH TXT \"x\"", "line 1: the class CH"),
            ("www.other.example. A 192.0.2.1", "does not lie in the zone shop.example"),
            ("@ MX 10", "the MX has no host"),
            ("$TTL soon", "$TTL needs a time"),
            ("@ A", "the A says nothing"),
            ("@ SRV 0 0 0 \"x\"", "is no name"),
            ("@ A 192.0.2.1 \\", "line 1: a backslash stands at the end"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(problem), "{text:?}: {error}");
        }
    }

    #[test]
    fn what_a_line_cant_hold_is_refused() {
        for (name, record) in [
            ("", "\"a\nb\""),
            ("", "192.0.2.1 ; x"),
            ("", "( 192.0.2.1 )"),
            ("", "\"open"),
            ("", "\r"),
            ("a b", "192.0.2.1"),
            ("$TTL", "192.0.2.1"),
            ("a\nb", "192.0.2.1"),
        ] {
            let set = RrSet::new(name, "A", 3600, vec![record.to_owned()]);
            let refused = zone_file(&zone(), &[set]).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::InvalidInput, "{name:?} {record:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            texts in proptest::collection::vec(any::<String>(), 1..4),
            name in "([a-z0-9_-]{1,8}\\.){0,2}[a-z0-9_-]{1,8}|",
            ttl in 1_u32..1_000_000,
        ) {
            let sets = [
                RrSet::new(&name, "TXT", ttl, texts.iter().map(|text| format!("{} \"\"", quoted(text)).trim().to_owned()).collect()),
                RrSet::new("mail", "AAAA", 60, vec!["2001:db8::1".into()]),
                RrSet::new(&name, "MX", 3600, vec!["10 mail.shop.example.".into(), "20 .".into()]),
            ];
            let file = zone_file(&zone(), &sets).unwrap();
            prop_assert_eq!(read_zone_file(&zone(), &file).unwrap(), sets);
        }

        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            let _ = read_zone_file(&zone(), &text);
        }

        #[test]
        fn what_is_no_record_never_becomes_another(record in "[ -~\n\r\t]{1,12}") {
            let set = RrSet::new("a", "X", 60, vec![record.clone()]);
            if let Ok(file) = zone_file(&zone(), std::slice::from_ref(&set)) {
                let read = read_zone_file(&zone(), &file).unwrap();
                prop_assert_eq!(read.len(), 1, "{}", file);
                prop_assert_eq!(read[0].records.len(), 1);
            }
        }
    }
}
