use super::command::Command;
use super::{date, set};
use crate::wire::Fault;
use crate::{Flag, Query};

/// Writes a query that was checked as the key of a SEARCH (RFC 9051 section 6.4.4). It finds those too in whose
/// Message-ID one that is asked for is contained.
pub(super) fn write(query: &Query) -> Result<Command<'static>, Fault> {
    let command = add(Command::default(), query);
    if command.length() > MAX_LENGTH {
        let problem = "it is longer than the 60000 bytes that servers take";
        return Err(Fault::Invalid { what: "query", problem });
    }
    Ok(command)
}

fn add(command: Command<'static>, query: &Query) -> Command<'static> {
    match query {
        // It is too long already.
        _ if command.length() > MAX_LENGTH => command,
        Query::All(all) => add_all(command, all, add),
        Query::Any(any) => add_any(command, any, add),
        Query::Not(query) => add_negated(command, query),
        Query::Flag(Flag::Keyword(keyword)) => command.words("KEYWORD ").words(keyword.as_str()),
        Query::Flag(system) => command.words(&system.to_string()[1..].to_ascii_uppercase()),
        Query::Unseen => command.words("UNSEEN"),
        Query::Uids(uids) if uids.is_empty() => command.words(NOTHING),
        Query::Uids(uids) => command.words("UID ").words(&set::sets(uids).join(",")),
        Query::After(uid) => match uid.checked_add(1) {
            Some(first) => command.words(&format!("UID {first}:4294967295")),
            None => command.words(NOTHING),
        },
        Query::From(text) => command.words("FROM ").astring(text),
        Query::To(text) => command.words("TO ").astring(text),
        Query::Cc(text) => command.words("CC ").astring(text),
        Query::Subject(text) => command.words("SUBJECT ").astring(text),
        Query::Body(text) => command.words("BODY ").astring(text),
        Query::Text(text) => command.words("TEXT ").astring(text),
        Query::Header(name, text) => command.words("HEADER ").astring(name).words(" ").astring(text),
        Query::MessageId(id) => command.words("HEADER Message-ID ").astring(id.as_str()),
        Query::Since(time) => command.words("SINCE ").words(&date::write_day(*time)),
        Query::Before(time) => command.words("BEFORE ").words(&date::write_day(*time)),
        Query::Larger(bytes) => command.words(&format!("LARGER {bytes}")),
        Query::Smaller(bytes) => command.words(&format!("SMALLER {bytes}")),
    }
}

/// Adds what the condition doesn't fit. Dovecot 2.3 joins dates and sizes that are negated wrongly, so that these are
/// turned round, and NOT stands before single conditions only.
fn add_negated(command: Command<'static>, query: &Query) -> Command<'static> {
    match query {
        Query::All(all) => add_any(command, all, add_negated),
        Query::Any(any) => add_all(command, any, add_negated),
        Query::Not(query) => add(command, query),
        Query::Since(time) => add(command, &Query::Before(*time)),
        Query::Before(time) => add(command, &Query::Since(*time)),
        Query::Larger(u32::MAX) | Query::Smaller(0) => command.words(EVERYTHING),
        Query::Larger(bytes) => add(command, &Query::Smaller(bytes + 1)),
        Query::Smaller(bytes) => add(command, &Query::Larger(bytes - 1)),
        one => add(command.words("NOT "), one),
    }
}

fn add_all(command: Command<'static>, all: &[Query], add: Add) -> Command<'static> {
    match all {
        [] => command.words(EVERYTHING),
        [one] => add(command, one),
        [first, others @ ..] => {
            let first = add(command.words("("), first);
            others.iter().fold(first, |command, query| add(command.words(" "), query)).words(")")
        }
    }
}

/// Joins by OR, which takes two; halves of halves keep it flat.
fn add_any(command: Command<'static>, any: &[Query], add: Add) -> Command<'static> {
    match any {
        [] => command.words(NOTHING),
        [one] => add(command, one),
        _ => {
            let (left, right) = any.split_at(any.len() / 2);
            add_any(add_any(command.words("OR "), left, add).words(" "), right, add)
        }
    }
}

type Add = fn(Command<'static>, &Query) -> Command<'static>;

const EVERYTHING: &str = "ALL";
const NOTHING: &str = "NOT ALL";
/// Dovecot ends a connection that sends a command of more than 64 KiB.
const MAX_LENGTH: usize = 60_000;

#[cfg(test)]
mod tests;
