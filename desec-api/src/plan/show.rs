//! Plans in words.

use std::fmt;

use super::{Change, Cost, Plan, RrData};

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for change in &self.changes {
            write!(f, "{change}")?;
        }
        for kept in &self.kept {
            for content in &kept.records {
                writeln!(f, "  {} {} {content} (not ours, stays)", kept.subname, kept.rtype)?;
            }
        }
        if self.is_empty() {
            write!(f, "nothing to write in {}", self.domain)
        } else {
            write!(f, "{}", self.cost())
        }
    }
}

impl fmt::Display for Change {
    /// Shows each record on a line: `+` is new, `-` goes away, `~` is the RRset of which only some change.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subname, rtype, before, after } = self;
        let all = |f: &mut fmt::Formatter<'_>, sign: char, data: &RrData| {
            let RrData { ttl, records } = data;
            records.iter().try_for_each(|content| writeln!(f, "{sign} {subname} {rtype} {ttl} {content}"))
        };
        match (before, after) {
            (Some(before), Some(after)) => {
                write!(f, "~ {subname} {rtype} {}", before.ttl)?;
                if before.ttl != after.ttl {
                    write!(f, " -> {}", after.ttl)?;
                }
                writeln!(f)?;
                let without = |these: &RrData, those: &RrData, sign: char, f: &mut fmt::Formatter<'_>| {
                    let only = these.records.iter().filter(|content| !those.records.contains(content));
                    only.into_iter().try_for_each(|content| writeln!(f, "    {sign} {content}"))
                };
                without(before, after, '-', f)?;
                without(after, before, '+', f)
            }
            (before, after) => {
                before.iter().try_for_each(|data| all(f, '-', data))?;
                after.iter().try_for_each(|data| all(f, '+', data))
            }
        }
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { writes, limit, .. } = self;
        write!(f, "{writes} {}", if *writes == 1 { "write" } else { "writes" })?;
        match self.used_today {
            Some(used) => write!(f, ", {} of {limit} today", used + writes),
            None => write!(f, " of {limit} a day"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_said_with_what_was_spent() {
        let shown = |writes, used_today| Cost { writes, reads: 1, used_today, limit: 300 }.to_string();
        assert_eq!(shown(1, Some(0)), "1 write, 1 of 300 today");
        assert_eq!(shown(2, Some(40)), "2 writes, 42 of 300 today");
        assert_eq!(shown(1, None), "1 write of 300 a day");
    }
}
