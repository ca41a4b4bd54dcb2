//! Several RRsets in one request: every item is checked, then all are stored, or none.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

use super::{
    answer::Answer,
    ask::python_type,
    items::{Item, Rules},
    zone::Write,
};
use crate::Method;

/// Which of the stored RRsets a request knows, and which RRsets it may write.
pub(super) struct View<'a> {
    pub(super) knows: &'a dyn Fn(&str, &str) -> bool,
    pub(super) may_write: &'a dyn Fn(&str, &str) -> bool,
}

/// Returns what `given` writes.
///
/// # Errors
/// The refusal, with an error for each item.
pub(super) fn check(rules: &Rules<'_>, view: &View<'_>, given: &[Value]) -> Result<Vec<Write>, Answer> {
    let (writes, errors) = judge(rules, view, given)?;
    if errors.iter().any(|error| *error != json!({})) {
        return Err(Answer::refused(errors.into()));
    }
    if let Some(error) = writes.iter().find_map(Item::found_late) {
        return Err(Answer::refused(json!([error])));
    }
    Ok(writes.into_iter().map(Item::write).collect())
}

/// Returns the items that are fine, and an error for each item, which is empty for those.
///
/// # Errors
/// The refusal of a token that may not write one of the RRsets.
pub(super) fn judge<'a>(
    rules: &Rules<'_>,
    view: &View<'_>,
    given: &'a [Value],
) -> Result<(Vec<Item<'a>>, Vec<Value>), Answer> {
    let shapes: Vec<Result<&Map<String, Value>, Value>> = given.iter().map(shape).collect();
    let places = Places::new(rules, &shapes);
    let (mut items, mut errors) = (Vec::new(), Vec::new());
    for (position, shape) in shapes.into_iter().enumerate() {
        let judged = shape.and_then(|members| {
            places.twins(position, members)?;
            places.conflicts(members)?;
            Ok(members)
        });
        let error = match judged {
            Err(error) => Some(error),
            Ok(members) => match one(rules, view, members)? {
                Ok(item) => {
                    items.push(item);
                    None
                }
                Err(error) => Some(error),
            },
        };
        errors.push(error.unwrap_or_else(|| json!({})));
    }
    Ok((items, errors))
}

fn one<'a>(
    rules: &Rules<'_>,
    view: &View<'_>,
    members: &'a Map<String, Value>,
) -> Result<Result<Item<'a>, Value>, Answer> {
    let (subname, rtype) = key(members);
    let known = subname.zip(rtype).is_some_and(|(subname, rtype)| (view.knows)(subname, rtype));
    // What is new and not deleted must be complete.
    let partial = rules.method == Method::Patch && (known || deletes(members)) && rtype.is_some();
    let item = match Item::read(rules, members, partial) {
        Ok(item) => item,
        Err(errors) => return Ok(Err(errors.into())),
    };
    if !(view.may_write)(&item.subname, item.rtype.as_str()) {
        return Err(Answer::detail(403, FORBIDDEN));
    }
    if !known && rules.zone.holds(&item.subname, item.rtype.as_str()) {
        return Ok(Err(json!({ "non_field_errors": [EXISTS] })));
    }
    Ok(item.check(rules).map(|()| item))
}

/// Where in the request, and whether in the zone, there are RRsets of a name.
struct Places<'a> {
    by_name: HashMap<Option<&'a str>, BTreeMap<Option<&'a str>, Place>>,
}

#[derive(Default)]
struct Place {
    all: Vec<usize>,
    /// Those that will be there after the request.
    left: Vec<usize>,
    stored: bool,
}

impl<'a> Places<'a> {
    fn new(rules: &'a Rules<'a>, shapes: &[Result<&'a Map<String, Value>, Value>]) -> Self {
        let mut by_name: HashMap<_, BTreeMap<Option<&str>, Place>> = HashMap::new();
        for (position, members) in shapes.iter().enumerate() {
            let Ok(members) = members else { continue };
            let (subname, rtype) = key(members);
            let types = by_name.entry(subname).or_insert_with(|| {
                let stored = subname.into_iter().flat_map(|subname| rules.zone.types_at(subname));
                stored.map(|rtype| (Some(rtype), Place { stored: true, ..Place::default() })).collect()
            });
            let place = types.entry(rtype).or_default();
            place.all.push(position);
            if !deletes(members) {
                place.left.push(position);
            }
        }
        // What the request deletes does not stand beside anything.
        for members in shapes.iter().flatten().filter(|members| deletes(members)) {
            let (subname, rtype) = key(members);
            if let Some(place) = by_name.get_mut(&subname).and_then(|types| types.get_mut(&rtype)) {
                place.stored = false;
            }
        }
        Self { by_name }
    }

    fn twins(&self, position: usize, members: &Map<String, Value>) -> Result<(), Value> {
        let (subname, rtype) = key(members);
        let all = &self.by_name[&subname][&rtype].all;
        if all.len() == 1 {
            return Ok(());
        }
        let others = all.iter().filter(|other| **other != position);
        let others: Vec<String> = others.map(ToString::to_string).collect();
        let text =
            format!("Same subname and type as in position(s) {}, but must be unique.", others.join(", "));
        Err(json!({ "non_field_errors": [text] }))
    }

    // Nothing stands beside a CNAME: neither in the request nor among what the request does not delete.
    fn conflicts(&self, members: &Map<String, Value>) -> Result<(), Value> {
        if deletes(members) {
            return Ok(());
        }
        let (subname, rtype) = key(members);
        let (mut positions, mut stored) = (BTreeMap::<usize, Vec<&str>>::new(), Vec::new());
        for (other, place) in &self.by_name[&subname] {
            if (*other == Some("CNAME")) == (rtype == Some("CNAME")) {
                continue;
            }
            let other = other.unwrap_or("None");
            for position in &place.left {
                positions.entry(*position).or_default().push(other);
            }
            if place.stored {
                stored.push(other);
            }
        }
        let mut named: Vec<String> =
            positions.iter().map(|(position, types)| format!("{position} ({})", types.join(", "))).collect();
        if !stored.is_empty() {
            named.push(format!("database ({})", stored.join(", ")));
        }
        if named.is_empty() { Ok(()) } else { Err(conflict(&named.join(", "))) }
    }
}

/// Returns the error for an RRset that would stand beside a CNAME, or a CNAME beside others.
pub(super) fn conflict(places: &str) -> Value {
    json!({ "non_field_errors": [conflict_text(places)] })
}

pub(super) fn conflict_text(places: &str) -> String {
    format!(
        "RRset with conflicting type present at same subname: {places}. \
         (No other RRsets are allowed alongside CNAME.)"
    )
}

fn shape(given: &Value) -> Result<&Map<String, Value>, Value> {
    let Some(members) = given.as_object() else {
        let text = format!("Expected a dictionary, but got {}.", python_type(given));
        return Err(json!({ "non_field_errors": text }));
    };
    let mut errors = Map::new();
    for name in ["subname", "type"] {
        if let Some(value) = members.get(name).filter(|value| !value.is_string() && !value.is_null()) {
            errors.insert(name.into(), json!(format!("Expected a string, but got {}.", python_type(value))));
        }
    }
    if errors.is_empty() { Ok(members) } else { Err(errors.into()) }
}

fn key(members: &Map<String, Value>) -> (Option<&str>, Option<&str>) {
    let text = |name| members.get(name).and_then(Value::as_str);
    (text("subname"), text("type"))
}

fn deletes(members: &Map<String, Value>) -> bool {
    members.get("records").is_some_and(|records| records.as_array().is_some_and(Vec::is_empty))
}

pub(super) const EXISTS: &str =
    "Another RRset with the same subdomain and type exists for this domain. (Try modifying it.)";
pub(super) const FORBIDDEN: &str = "Insufficient token permissions.";
