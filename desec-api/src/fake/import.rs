//! Zone files that are given with a new domain (RFC 1035, section 5).

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{
    bulk::{self, View},
    items::{AUTOMATIC, Item, Rules},
    zone::{Write, Zone},
};
use crate::{Method, RecordType, canonical::normalise};

/// Returns what a zone file writes into a new zone.
///
/// # Errors
/// What the server says about it.
pub(super) fn read(domain: &str, zone: &Zone, text: &str) -> Result<Vec<Write>, Vec<String>> {
    let entries = parse(domain, text)
        .map_err(|line| vec![format!("Zonefile contains syntax error in line {line}.")])?;
    // Of one name and type, in the order of the file, with the least time to live among them.
    let mut sets: Vec<Set> = Vec::new();
    let mut places = HashMap::new();
    let skipped = |subname: &str, rtype: &str| {
        AUTOMATIC.contains(&rtype)
            || ["CDS", "CDNSKEY", "DNSKEY"].contains(&rtype)
            || subname.is_empty() && rtype == "NS"
    };
    for Entry { subname, ttl, rtype, content } in entries {
        if !skipped(&subname, &rtype) {
            let place = *places.entry((subname.clone(), rtype.clone())).or_insert_with(|| {
                sets.push(Set { subname, rtype, ttl, records: Vec::new() });
                sets.len() - 1
            });
            let set = &mut sets[place];
            set.ttl = set.ttl.min(ttl);
            if !set.records.contains(&content) {
                set.records.push(content);
            }
        }
    }
    let show = |Set { subname, rtype, ttl, records }: &Set| -> Value {
        let ttl = (*ttl).max(zone.minimum_ttl).min(86_400);
        json!({ "subname": subname, "type": rtype, "ttl": ttl, "records": records })
    };
    let given: Vec<Value> = sets.iter().map(show).collect();
    let rules = Rules { domain, zone, method: Method::Post, bulk: true, target: None };
    let view = View { knows: &|_, _| false, may_write: &|_, _| true };
    let (items, errors) = bulk::judge(&rules, &view, &given).map_err(|_| Vec::new())?;
    let mut said = Vec::new();
    for (Set { subname, rtype, .. }, error) in sets.iter().zip(&errors) {
        let name = format!("{subname}.{domain}");
        let texts =
            error.as_object().into_iter().flat_map(|fields| fields.values()).filter_map(Value::as_array);
        let texts = texts.flatten().filter_map(Value::as_str);
        said.extend(texts.map(|text| format!("{}/{rtype}: {text}", name.trim_start_matches('.'))));
    }
    said.extend(items.iter().find_map(Item::found_late));
    if said.is_empty() { Ok(items.into_iter().map(Item::write).collect()) } else { Err(said) }
}

struct Set {
    subname: String,
    rtype: String,
    ttl: u32,
    records: Vec<String>,
}

struct Entry {
    subname: String,
    ttl: u32,
    rtype: String,
    content: String,
}

// Or the number of the line that cannot be read.
fn parse(domain: &str, text: &str) -> Result<Vec<Entry>, usize> {
    let mut entries = Vec::new();
    let (mut origin, mut default_ttl, mut owner) = (format!("{domain}."), None, None);
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let number = number + 1;
        let mut words = words(line).ok_or(number)?;
        // Parentheses join lines.
        while words.iter().filter(|word| *word == "(").count()
            > words.iter().filter(|word| *word == ")").count()
        {
            let (_, next) = lines.next().ok_or(number)?;
            words.extend(self::words(next).ok_or(number)?);
        }
        words.retain(|word| word != "(" && word != ")");
        let mut words = words.into_iter().peekable();
        match words.peek().map(String::as_str) {
            None => continue,
            Some("$ORIGIN") => {
                origin = absolute(&words.nth(1).ok_or(number)?, &origin);
                continue;
            }
            Some("$TTL") => {
                default_ttl = Some(words.nth(1).as_deref().and_then(seconds).ok_or(number)?);
                continue;
            }
            Some(word) if word.starts_with('$') => return Err(number),
            Some(_) => {}
        }
        if !line.starts_with([' ', '\t']) {
            owner = words.next().map(|word| absolute(&word, &origin));
        }
        let mut ttl = None;
        let rtype = loop {
            let word = words.next().ok_or(number)?;
            if word.eq_ignore_ascii_case("IN") {
                continue;
            }
            match seconds(&word) {
                Some(given) => ttl = Some(given),
                None => break word.to_uppercase(),
            }
        };
        let content = content(&rtype, words.collect(), &origin).ok_or(number)?;
        let ttl = ttl.or(default_ttl).ok_or(number)?;
        default_ttl = default_ttl.or(Some(ttl));
        let name = owner.clone().ok_or(number)?.to_lowercase();
        let subname = match name.strip_suffix(&format!("{domain}.")) {
            Some("") => "",
            Some(rest) if rest.ends_with('.') => rest.trim_end_matches('.'),
            // A name of another zone.
            _ => continue,
        };
        entries.push(Entry { subname: subname.to_owned(), ttl, rtype, content });
    }
    Ok(entries)
}

fn content(rtype: &str, mut words: Vec<String>, origin: &str) -> Option<String> {
    let name = match rtype {
        "CNAME" | "NS" | "PTR" | "DNAME" => Some(0),
        "MX" | "KX" | "AFSDB" => Some(1),
        "SRV" => Some(3),
        _ => None,
    };
    if words.is_empty() || !rtype.starts_with(|c: char| c.is_ascii_uppercase()) {
        return None;
    }
    if let Some(word) = name.and_then(|place| words.get_mut(place)) {
        *word = absolute(word, origin);
    }
    let content = words.join(" ");
    match rtype.parse().ok()? {
        RecordType::Other(_) => Some(content),
        known => normalise(&known, &content).ok(),
    }
}

fn absolute(name: &str, origin: &str) -> String {
    match name {
        "@" => origin.to_owned(),
        _ if name.ends_with('.') => name.to_owned(),
        _ => format!("{name}.{origin}"),
    }
}

// Numbers, and units as in `1h30m`.
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
            'h' => 3_600,
            'd' => 86_400,
            'w' => 604_800,
            _ => return None,
        };
        total = total.checked_add(number.take()?.checked_mul(unit)?)?;
    }
    total.checked_add(number.unwrap_or_default())
}

// Quoted strings stay as they are; a semicolon starts a comment.
fn words(line: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => word.extend([c, chars.next()?]),
            '"' => {
                word.push(c);
                quoted = !quoted;
            }
            _ if quoted => word.push(c),
            ';' => break,
            ' ' | '\t' => words.push(std::mem::take(&mut word)),
            '(' | ')' => words.extend([std::mem::take(&mut word), c.to_string()]),
            _ => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    (!quoted).then_some(words)
}
