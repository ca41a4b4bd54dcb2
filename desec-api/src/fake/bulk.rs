//! `PATCH /domains/{name}/rrsets/`: every item is checked, then all are stored, or none.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{State, routes::Answer, zone::Zone};
use crate::{
    RecordType, SubName,
    canonical::{Flaw, comparable, normalise},
};

pub(super) fn patch(state: &mut State, domain: &str, body: &[u8]) -> Answer {
    let given = match serde_json::from_slice(body) {
        Ok(Value::Array(given)) => given,
        Ok(Value::Null) => return refused(&json!({ "non_field_errors": ["No data provided"] })),
        Ok(other) => {
            let text = format!("Expected a list of items but got {}.", python_type(&other));
            return refused(&json!({ "non_field_errors": [text] }));
        }
        Err(error) => return refused(&json!({ "detail": format!("JSON parse error - {error}") })),
    };
    if let Some(errors) = errors(given.iter().map(misshapen)) {
        return refused(&errors);
    }
    let zone = &state.domains[domain];
    let items: Vec<Item> = given.iter().map(|given| Item::new(zone, domain, given)).collect();
    let numbered = || items.iter().enumerate();
    if let Some(errors) = errors(numbered().map(|(n, item)| check(&items, n, item))) {
        return refused(&errors);
    }
    if let Some(errors) = errors(numbered().map(|(n, item)| conflict(zone, &items, n, item))) {
        return refused(&errors);
    }
    // Found while saving, and so without a position.
    if let Some(error) = items.iter().find_map(found_late) {
        return refused(&json!([error]));
    }
    let writes: Vec<_> = items.iter().map(Item::owned).collect();
    store(state, domain, &writes)
}

fn store(state: &mut State, domain: &str, writes: &[Write]) -> Answer {
    let deletions = writes.iter().filter(|write| write.deletes());
    let others = writes.iter().filter(|write| !write.deletes());
    for Write { subname, rtype, ttl, records } in deletions.chain(others) {
        let tick = state.tick();
        let zone = state.domains.get_mut(domain).expect("it was looked up before");
        zone.write(subname, rtype, *ttl, records.as_deref(), tick);
    }
    let zone = &state.domains[domain];
    let left = writes.iter().rev().filter(|write| !write.deletes());
    Answer::json(200, &left.map(|write| zone.json(domain, &write.subname, write.rtype.as_str())).collect())
}

struct Write {
    subname: String,
    rtype: RecordType,
    ttl: Option<u32>,
    records: Option<Vec<String>>,
}

impl Write {
    fn deletes(&self) -> bool {
        self.records.as_ref().is_some_and(Vec::is_empty)
    }
}

struct Item<'a> {
    domain: &'a str,
    minimum_ttl: u32,
    subname: Option<&'a str>,
    rtype: Option<&'a str>,
    ttl: Option<&'a Value>,
    records: Option<&'a Value>,
    exists: bool,
}

impl<'a> Item<'a> {
    fn new(zone: &Zone, domain: &'a str, given: &'a Value) -> Self {
        let text = |name| given.get(name).and_then(Value::as_str);
        let (subname, rtype) = (text("subname").map(str::trim), text("type"));
        let key = subname.zip(rtype).map(|(subname, rtype)| (subname.to_owned(), rtype.to_owned()));
        let exists = key.is_some_and(|key| zone.sets.contains_key(&key));
        let (ttl, records) = (given.get("ttl"), given.get("records"));
        Self { domain, minimum_ttl: zone.minimum_ttl, subname, rtype, ttl, records, exists }
    }

    fn deletes(&self) -> bool {
        self.records.is_some_and(|records| records == &json!([]))
    }

    fn typed(&self) -> RecordType {
        self.rtype.unwrap_or_default().parse().unwrap_or_else(|_| RecordType::Other(String::new()))
    }

    fn contents(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.records.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }

    fn owned(&self) -> Write {
        Write {
            subname: self.subname.unwrap_or_default().to_owned(),
            rtype: self.typed(),
            ttl: self.ttl.and_then(seconds).and_then(|ttl| ttl.try_into().ok()),
            records: self.records.map(|_| self.contents().map(str::to_owned).collect()),
        }
    }
}

fn misshapen(given: &Value) -> Value {
    let Some(members) = given.as_object() else {
        let text = format!("Expected a dictionary, but got {}.", python_type(given));
        return json!({ "non_field_errors": text });
    };
    for name in ["subname", "type"] {
        if let Some(value) = members.get(name).filter(|value| !value.is_string()) {
            return json!({ name: format!("Expected a string, but got {}.", python_type(value)) });
        }
    }
    json!({})
}

fn check(items: &[Item<'_>], position: usize, item: &Item<'_>) -> Value {
    let twins = items.iter().enumerate().filter(|(n, other)| {
        *n != position && (other.subname, other.rtype) == (item.subname, item.rtype) && item.rtype.is_some()
    });
    let twins: Vec<String> = twins.map(|(n, _)| n.to_string()).collect();
    if !twins.is_empty() {
        let positions = twins.join(", ");
        let text = format!("Same subname and type as in position(s) {positions}, but must be unique.");
        return json!({ "non_field_errors": [text] });
    }
    let mut errors = Map::new();
    let fields = [
        ("subname", subname_errors(item)),
        ("type", type_errors(item)),
        ("ttl", ttl_errors(item)),
        ("records", record_errors(item)),
    ];
    errors
        .extend(fields.into_iter().filter(|(_, error)| *error != json!([])).map(|(n, e)| (n.to_owned(), e)));
    if errors.is_empty()
        && let Err(text) = contents(item)
    {
        errors.insert("non_field_errors".into(), json!([text]));
    }
    Value::Object(errors)
}

fn subname_errors(item: &Item<'_>) -> Value {
    let Some(subname) = item.subname else { return json!([REQUIRED]) };
    let mut errors = Vec::new();
    if subname != subname.to_lowercase() {
        errors.push(format!("Invalid value (not lowercase): {subname}"));
    }
    if subname.len() > 178 {
        errors.push("Ensure this field has no more than 178 characters.".into());
    } else if !subname.parse::<SubName>().is_ok_and(|parsed| parsed.as_str() == subname) {
        errors.push(BAD_SUBNAME.into());
    }
    json!(errors)
}

fn type_errors(item: &Item<'_>) -> Value {
    let Some(rtype) = item.rtype else { return json!([REQUIRED]) };
    if rtype.is_empty() {
        return json!(["This field may not be blank."]);
    }
    let mut errors = Vec::new();
    if rtype.len() > 10 {
        errors.push("Ensure this field has no more than 10 characters.".into());
    }
    if rtype != rtype.to_uppercase() {
        errors.push(format!("Invalid value (not uppercase): {rtype}"));
    }
    let starts = rtype.starts_with(|c: char| c.is_ascii_uppercase());
    if !starts || !rtype.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()) {
        errors.push("Type must be uppercase alphanumeric and start with a letter.".into());
    }
    if errors.is_empty() {
        let generic = rtype.strip_prefix("TYPE").is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()));
        if ["SOA", "RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "OPT", "KEY"].contains(&rtype) {
            errors.push(format!("You cannot tinker with the {rtype} RR set. It is managed automatically."));
        } else if generic {
            errors.push("Generic type format is not supported.".into());
        } else if matches!(item.typed(), RecordType::Other(_)) {
            errors.push(format!("The {rtype} RR set type is currently unsupported."));
        } else if rtype == "NS" && item.domain.ends_with(".dedyn.io") {
            errors.push("Cannot modify NS records for this domain.".into());
        }
    }
    json!(errors)
}

fn ttl_errors(item: &Item<'_>) -> Value {
    let Some(given) = item.ttl else {
        let needed = !item.exists && !item.deletes();
        return if needed { json!([REQUIRED]) } else { json!([]) };
    };
    let least = item.minimum_ttl;
    match seconds(given) {
        None => json!(["A valid integer is required."]),
        Some(ttl) if ttl < least.into() => {
            json!([format!("Ensure this value is greater than or equal to {least}.")])
        }
        Some(86_401..) => json!(["Ensure this value is less than or equal to 86400."]),
        Some(_) => json!([]),
    }
}

fn record_errors(item: &Item<'_>) -> Value {
    let records = match item.records {
        None if item.exists => return json!([]),
        None => return json!([REQUIRED]),
        Some(Value::Null) => return json!(["This field may not be null."]),
        Some(Value::Array(records)) => records,
        Some(other) => {
            let text = format!("Expected a list of items but got type \"{}\".", python_type(other));
            return json!({ "non_field_errors": [text] });
        }
    };
    let error = |record: &Value| match record.as_str() {
        None => json!(["Must be a string."]),
        Some(text) if text.trim().is_empty() => json!({ "content": ["This field may not be blank."] }),
        Some(text) if text.contains('\0') => json!({ "content": ["Null characters are not allowed."] }),
        Some(_) => json!({}),
    };
    errors(records.iter().map(error)).unwrap_or_else(|| json!([]))
}

fn contents(item: &Item<'_>) -> Result<(), String> {
    let rtype = item.typed();
    let (mut seen, mut size) = (BTreeSet::new(), 288 + item.subname.map_or(0, |name| name.len() + 1));
    size += item.domain.len() + 1;
    for content in item.contents() {
        size += 12 + normalise(&rtype, content).map_err(|flaw| said(&rtype, &flaw))?.len();
        if !seen.insert(comparable(&rtype, content)) {
            return Err("Duplicate: records must be semantically unique".into());
        }
    }
    match size.saturating_sub(65_535) {
        0 => Ok(()),
        over => Err(format!("Total length of RRset exceeds limit by {over} bytes.")),
    }
}

fn said(rtype: &RecordType, flaw: &Flaw) -> String {
    match flaw {
        Flaw::Malformed(reason) => format!("Record content for type {rtype} malformed: {reason}"),
        Flaw::Unquoted => format!("Data for {rtype} records must be given using quotation marks."),
        Flaw::Relative => "Hostname must be fully qualified (i.e., end in a dot: \"example.com.\")".into(),
        Flaw::LongName => "Hostname must be no longer than 255 characters".into(),
        Flaw::TooLong(size) => {
            format!("Ensure this value has no more than 64000 byte in wire format (it has {size}).")
        }
        Flaw::BadName(part, name) => format!("Cannot parse record contents: invalid {part}: {name}"),
    }
}

// Nothing stands beside a CNAME: neither in the request nor among what the request does not delete.
fn conflict(zone: &Zone, items: &[Item<'_>], position: usize, item: &Item<'_>) -> Value {
    if item.deletes() {
        return json!({});
    }
    let (subname, rtype) = (item.subname.unwrap_or_default(), item.rtype.unwrap_or_default());
    let clashes = |other: &str| other != rtype && (other == "CNAME" || rtype == "CNAME");
    let mentioned = |other: &str| items.iter().any(|i| i.subname == Some(subname) && i.rtype == Some(other));
    let mut places: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for (n, other) in items.iter().enumerate() {
        let other_type = other.rtype.unwrap_or_default();
        if n != position && other.subname == Some(subname) && !other.deletes() && clashes(other_type) {
            places.entry(n).or_default().push(other_type);
        }
    }
    let stored = zone.sets.keys().filter(|(at, other)| at == subname && clashes(other) && !mentioned(other));
    let stored: Vec<&str> = stored.map(|(_, other)| other.as_str()).collect();
    let mut named: Vec<String> =
        places.iter().map(|(n, types)| format!("{n} ({})", types.join(", "))).collect();
    if !stored.is_empty() {
        named.push(format!("database ({})", stored.join(", ")));
    }
    if named.is_empty() {
        return json!({});
    }
    let text = format!(
        "RRset with conflicting type present at same subname: {}. (No other RRsets are allowed alongside CNAME.)",
        named.join(", ")
    );
    json!({ "non_field_errors": [text] })
}

fn found_late(item: &Item<'_>) -> Option<String> {
    let (rtype, apex) = (item.typed(), item.subname == Some(""));
    match rtype {
        _ if item.deletes() => None,
        RecordType::Cname | RecordType::Dname if item.contents().count() > 1 => {
            Some(format!("{rtype} RRset cannot have multiple records."))
        }
        RecordType::Cname | RecordType::Ds if apex => {
            Some(format!("{rtype} RRset cannot have empty subname."))
        }
        RecordType::Dnskey if !apex => Some("DNSKEY RRset must have empty subname.".into()),
        _ => None,
    }
}

fn errors(errors: impl Iterator<Item = Value>) -> Option<Value> {
    let errors: Vec<Value> = errors.collect();
    errors.iter().any(|error| *error != json!({})).then_some(Value::Array(errors))
}

fn seconds(ttl: &Value) -> Option<i64> {
    ttl.as_i64().or_else(|| ttl.as_str()?.trim().parse().ok())
}

fn python_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

fn refused(errors: &Value) -> Answer {
    Answer::json(400, errors)
}

const REQUIRED: &str = "This field is required.";
const BAD_SUBNAME: &str = "Subname can only use (lowercase) a-z, 0-9, ., -, and _, may start with a '*.', or just be \
                           '*'. Components may not exceed 63 characters.";
