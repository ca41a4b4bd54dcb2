//! One RRset of a request, checked as the server checks it.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{
    domains::is_local,
    fields::{Fields, coerced, list},
    zone::{Write, Zone},
};
use crate::{
    Method, RecordType, SubName,
    canonical::{Flaw, comparable, normalise},
};

/// What an RRset is checked against.
#[derive(Clone, Copy)]
pub(super) struct Rules<'a> {
    pub(super) domain: &'a str,
    pub(super) zone: &'a Zone,
    pub(super) method: Method,
    /// Whether it is one of several.
    pub(super) bulk: bool,
    /// The subname and type of the RRset that a single request is about.
    pub(super) target: Option<(&'a str, &'a str)>,
}

/// An RRset whose members are well-formed, each for itself.
pub(super) struct Item<'a> {
    pub(super) subname: String,
    pub(super) rtype: RecordType,
    ttl: Option<u32>,
    contents: Option<Vec<&'a str>>,
}

impl<'a> Item<'a> {
    /// Reads the members; `partial` lets ttl and records be missing.
    pub(super) fn read(
        rules: &Rules<'_>,
        given: &'a Map<String, Value>,
        partial: bool,
    ) -> Result<Self, Map<String, Value>> {
        let mut fields = Fields::new(given).partial(partial);
        let subname = subname(rules, &mut fields, given);
        let rtype = rtype(rules, &mut fields);
        let ttl = ttl(rules, &mut fields);
        let contents = contents(rules, &mut fields);
        let errors = fields.errors();
        if !errors.is_empty() {
            return Err(errors);
        }
        let rtype = rtype.parse().unwrap_or_else(|_| RecordType::Other(String::new()));
        Ok(Self { subname, rtype, ttl, contents })
    }

    pub(super) fn deletes(&self) -> bool {
        self.contents.as_ref().is_some_and(Vec::is_empty)
    }

    /// Checks the contents, and what the domain allows.
    pub(super) fn check(&self, rules: &Rules<'_>) -> Result<(), Value> {
        let invalid = |text: String| json!({ "non_field_errors": [text] });
        let mut size = 288 + rules.domain.len() + 1;
        size += if self.subname.is_empty() { 0 } else { self.subname.len() + 1 };
        let mut seen = BTreeSet::new();
        let contents = self.contents.as_deref().unwrap_or_default();
        for content in contents {
            size +=
                12 + normalise(&self.rtype, content).map_err(|flaw| invalid(said(&self.rtype, &flaw)))?.len();
            if contents.len() > 1 && !seen.insert(comparable(&self.rtype, content)) {
                return Err(invalid("Duplicate: records must be semantically unique".into()));
            }
        }
        if let Some(over @ 1..) = size.checked_sub(65_535) {
            return Err(invalid(format!("Total length of RRset exceeds limit by {over} bytes.")));
        }
        // Name servers that were delegated to may be given up, but not those of the zone itself.
        let given_up = self.deletes() && !self.subname.is_empty();
        if self.rtype == RecordType::Ns && is_local(rules.domain) && !given_up {
            return Err(json!({ "type": [FIXED_NS] }));
        }
        Ok(())
    }

    /// Returns what is found only while it is saved, and so without a position.
    pub(super) fn found_late(&self) -> Option<String> {
        let (rtype, apex) = (&self.rtype, self.subname.is_empty());
        match rtype {
            _ if self.deletes() => None,
            RecordType::Cname | RecordType::Dname
                if self.contents.as_ref().is_some_and(|all| all.len() > 1) =>
            {
                Some(format!("{rtype} RRset cannot have multiple records."))
            }
            RecordType::Cname | RecordType::Ds if apex => {
                Some(format!("{rtype} RRset cannot have empty subname."))
            }
            RecordType::Dnskey if !apex => Some("DNSKEY RRset must have empty subname.".into()),
            _ => None,
        }
    }

    pub(super) fn write(self) -> Write {
        let records = self.contents.map(|all| all.into_iter().map(str::to_owned).collect());
        Write { subname: self.subname, rtype: self.rtype, ttl: self.ttl, records }
    }
}

/// Checks a subname that was given, other than for its place.
pub(super) fn subname_errors(fields: &mut Fields<'_>, name: &str) {
    if name != name.to_lowercase() {
        fields.wrong("subname", &format!("Invalid value (not lowercase): {name}"));
    }
    if name.len() > 178 {
        fields.wrong("subname", "Ensure this field has no more than 178 characters.");
    } else if !name.parse::<SubName>().is_ok_and(|parsed| parsed.as_str() == name) {
        fields.wrong("subname", BAD_SUBNAME);
    }
}

/// Checks the spelling of a type.
pub(super) fn type_errors(fields: &mut Fields<'_>, rtype: &str) {
    if rtype.len() > 10 {
        fields.wrong("type", "Ensure this field has no more than 10 characters.");
    }
    if rtype != rtype.to_uppercase() {
        fields.wrong("type", &format!("Invalid value (not uppercase): {rtype}"));
    }
    let starts = rtype.starts_with(|c: char| c.is_ascii_uppercase());
    if !starts || !rtype.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()) {
        fields.wrong("type", "Type must be uppercase alphanumeric and start with a letter.");
    }
}

fn subname(rules: &Rules<'_>, fields: &mut Fields<'_>, given: &Map<String, Value>) -> String {
    let stays = rules.target.map_or("", |(subname, _)| subname).to_owned();
    if !given.contains_key("subname") && !rules.bulk && rules.method != Method::Put {
        return stays;
    }
    if !given.contains_key("subname") {
        fields.wrong("subname", super::fields::REQUIRED);
        return stays;
    }
    let Some(name) = fields.text("subname", usize::MAX) else { return stays };
    if !name.is_empty() {
        subname_errors(fields, &name);
    }
    if fields.is_fine("subname") {
        if rules.target.is_some() && name != stays {
            fields.wrong("subname", FIXED);
        }
        if name.len() + 1 + rules.domain.len() + 1 > 254 {
            let text = "This field combined with the domain name must not exceed 255 characters.";
            fields.wrong("subname", text);
        }
    }
    name
}

fn rtype(rules: &Rules<'_>, fields: &mut Fields<'_>) -> String {
    let stays = rules.target.map_or("", |(_, rtype)| rtype).to_owned();
    if fields.required("type").is_none() {
        return stays;
    }
    let Some(rtype) = fields.text("type", usize::MAX) else { return stays };
    if rtype.is_empty() {
        fields.wrong("type", super::fields::BLANK);
        return stays;
    }
    type_errors(fields, &rtype);
    if fields.is_fine("type") {
        let generic = rtype.strip_prefix("TYPE").is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()));
        if AUTOMATIC.contains(&rtype.as_str()) {
            let text = format!("You cannot tinker with the {rtype} RR set. It is managed automatically.");
            fields.wrong("type", &text);
        } else if generic {
            fields.wrong("type", "Generic type format is not supported.");
        } else if matches!(rtype.parse(), Ok(RecordType::Other(_))) {
            fields.wrong("type", &format!("The {rtype} RR set type is currently unsupported."));
        } else if rules.target.is_some() && rtype != stays {
            fields.wrong("type", FIXED);
        }
    }
    rtype
}

fn ttl(rules: &Rules<'_>, fields: &mut Fields<'_>) -> Option<u32> {
    fields.required("ttl")?;
    let given = fields.present("ttl")?;
    let least = rules.zone.minimum_ttl;
    match seconds(given) {
        None => fields.wrong("ttl", "A valid integer is required."),
        Some(ttl) if ttl < least.into() => {
            fields.wrong("ttl", &format!("Ensure this value is greater than or equal to {least}."));
        }
        Some(86_401..) => fields.wrong("ttl", "Ensure this value is less than or equal to 86400."),
        Some(ttl) => return ttl.try_into().ok(),
    }
    None
}

fn contents<'a>(rules: &Rules<'_>, fields: &mut Fields<'a>) -> Option<Vec<&'a str>> {
    fields.required("records")?;
    let given = match list(fields.present("records")?) {
        Ok(given) => given,
        Err(text) => {
            fields.note("records", json!({ "non_field_errors": [text] }));
            return None;
        }
    };
    if given.is_empty() && rules.method == Method::Post {
        fields.wrong("records", "This field must not be empty when using POST.");
    }
    let error = |record: &Value| match record.as_str() {
        None => json!(["Must be a string."]),
        Some(text) if text.trim().is_empty() => json!({ "content": [super::fields::BLANK] }),
        Some(text) if text.contains('\0') => json!({ "content": ["Null characters are not allowed."] }),
        Some(_) => json!({}),
    };
    let errors: Vec<Value> = given.iter().map(error).collect();
    if errors.iter().any(|error| *error != json!({})) {
        fields.note("records", json!(errors));
    }
    Some(given.iter().filter_map(Value::as_str).collect())
}

// A fraction of zero is cut off.
fn seconds(ttl: &Value) -> Option<i64> {
    let text = coerced(ttl)?;
    let whole = text.split_once('.').filter(|(_, zeros)| zeros.bytes().all(|b| b == b'0'));
    whole.map_or(text.as_str(), |(whole, _)| whole).parse().ok()
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

/// The types that the server keeps for itself.
pub(super) const AUTOMATIC: [&str; 7] = ["SOA", "RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "OPT", "KEY"];
pub(super) const FIXED_NS: &str = "Cannot modify NS records for this domain.";
const FIXED: &str = "Can only be written on create.";
const BAD_SUBNAME: &str = "Subname can only use (lowercase) a-z, 0-9, ., -, and _, may start with a '*.', or just be \
                           '*'. Components may not exceed 63 characters.";
