//! `/domains/{name}/zonefile/`: a zone as text.

use std::fmt::Write as _;

use super::{
    answer::{Answer, Reply},
    ask::Ask,
    clock::parts,
    state::State,
};
use crate::{Method, Scope};

/// Answers with the zone file. What is refused is refused in plain text by the caller.
pub(super) fn export(state: &mut State, ask: &Ask<'_>, domain: &str) -> Reply {
    let caller = state.caller(ask)?;
    // Exports share the bucket of the writes.
    if let Ok(domain) = domain.parse() {
        state.count(Some(caller.account), &Scope::Write(domain))?;
    }
    if ask.method != Method::Get {
        return Err(ask.not_allowed());
    }
    let (date, time) = parts(state.clock.now());
    let zone = state.owned(&caller, domain).ok_or_else(|| Answer::no_match("Domain"))?;
    let mut lines = Vec::new();
    for ((subname, rtype), stored) in &zone.sets {
        let mut records = stored.records.clone();
        records.sort_unstable();
        let name = if subname.is_empty() { format!("{domain}.") } else { format!("{subname}.{domain}.") };
        let line = |record: String| format!("{name}\t{}\tIN\t{rtype}\t{record}\n", stored.ttl);
        lines.extend(records.into_iter().map(|record| (subname.as_str(), rtype.as_str(), line(record))));
    }
    let serial = format!("{}01", date.replace('-', ""));
    let soa =
        format!("{domain}.\t300\tIN\tSOA\tget.desec.io. get.desec.io. {serial} 86400 3600 2419200 3600\n");
    lines.push(("", "SOA", soa));
    lines.sort_unstable();
    let mut text = String::new();
    writeln!(text, "; Zonefile for {domain} exported from desec.io at {date} {time}+00:00")
        .expect("a String takes everything");
    text.extend(lines.into_iter().map(|(_, _, line)| line));
    Ok(Answer::text(200, "text/dns", text))
}
