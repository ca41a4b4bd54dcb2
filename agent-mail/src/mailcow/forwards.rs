//! Forwards: sieve filters (RFC 5228) that redirect, with or without `:copy` (RFC 3894).

use mail_access::Address;
use mailcow_api::{Filter, FilterId, FilterKind, MailboxAddress, NewFilter};

use super::admin::Step;
use super::mailbox_address;
use crate::spec::ForwardEntry;
use crate::{Error, ErrorKind};

impl Step<'_> {
    pub(super) async fn set_forward(&self, forward: &ForwardEntry) -> Result<(), Error> {
        let address = mailbox_address(&forward.address)?;
        let targets = forward.targets.iter().map(mailbox_address).collect::<Result<Vec<_>, _>>()?;
        self.mailbox(&forward.address).await?;
        let all = self.did(self.client.mailbox_filters(&address).await)?;
        let is_other = |filter: &&Filter| {
            filter.active && filter.kind == FilterKind::Before && filter.description != DESCRIPTION
        };
        if let Some(other) = all.iter().find(is_other) {
            let detail =
                format!("the filter {:?} runs already, and Mailcow runs one only", other.description);
            let error = self.failed(ErrorKind::AlreadyExists, detail);
            return Err(error.with_fix("put the redirect into that filter, or switch it off"));
        }
        let script = write(&targets, forward.keep_copy);
        let wanted = NewFilter::new(address.clone(), FilterKind::Before, DESCRIPTION, &script);
        let kept = self.did(self.client.ensure_filter(&wanted).await)?.value.id;
        // A write that was given up may have been carried out late and made another.
        let surplus = ours(&all).into_iter().filter(|id| *id != kept).collect::<Vec<_>>();
        self.delete_filters(&address, &surplus).await
    }

    pub(super) async fn remove_forward(&self, address: &Address) -> Result<(), Error> {
        let address = mailbox_address(address)?;
        let all = self.did(self.client.mailbox_filters(&address).await)?;
        self.delete_filters(&address, &ours(&all)).await
    }

    async fn delete_filters(&self, address: &MailboxAddress, ids: &[FilterId]) -> Result<(), Error> {
        if ids.is_empty() {
            return Ok(());
        }
        let done = self.client.delete_filters(ids).await;
        let is_so = async {
            let left = self.client.mailbox_filters(address).await?;
            Ok(!left.iter().any(|filter| ids.contains(&filter.id)))
        };
        self.settled(done, is_so).await
    }
}

/// Returns the forward that a filter is, if it is one of ours and runs.
pub(super) fn read(filter: &Filter) -> Option<ForwardEntry> {
    if !filter.active || filter.description != DESCRIPTION {
        return None;
    }
    let lines = filter.script.lines().filter(|line| !line.trim().is_empty() && *line != REQUIRE);
    let redirects: Vec<_> = lines.map(redirect).collect::<Option<_>>()?;
    let keep_copy = redirects.first()?.1;
    if redirects.iter().any(|(_, copy)| *copy != keep_copy) {
        return None;
    }
    let targets = redirects.into_iter().map(|(target, _)| target).collect();
    Some(ForwardEntry { address: filter.mailbox.parse().ok()?, targets, keep_copy })
}

fn write(targets: &[MailboxAddress], keep_copy: bool) -> String {
    let mut script = if keep_copy { format!("{REQUIRE}\n") } else { String::new() };
    let command = if keep_copy { COPY } else { REDIRECT };
    for target in targets {
        // In a quoted string of sieve these two are escaped (RFC 5228 section 2.4.2).
        let target = target.as_str().replace('\\', "\\\\").replace('"', "\\\"");
        script.push_str(&format!("{command}\"{target}\";\n"));
    }
    script
}

/// Reads a line that [`write`] wrote: the target, and whether a copy is kept.
fn redirect(line: &str) -> Option<(Address, bool)> {
    let (rest, copy) = match (line.strip_prefix(COPY), line.strip_prefix(REDIRECT)) {
        (Some(rest), _) => (rest, true),
        (None, Some(rest)) => (rest, false),
        (None, None) => return None,
    };
    let quoted = rest.trim_end().strip_prefix('"')?.strip_suffix("\";")?;
    let (mut target, mut chars) = (String::new(), quoted.chars());
    while let Some(c) = chars.next() {
        match c {
            '\\' => target.push(chars.next()?),
            '"' => return None,
            other => target.push(other),
        }
    }
    Some((target.parse().ok()?, copy))
}

fn ours(all: &[Filter]) -> Vec<FilterId> {
    all.iter().filter(|filter| filter.description == DESCRIPTION).map(|filter| filter.id).collect()
}

/// By this a filter is known as ours.
const DESCRIPTION: &str = "agent-mail forward";
const REQUIRE: &str = "require [\"copy\"];";
const COPY: &str = "redirect :copy ";
const REDIRECT: &str = "redirect ";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filter(script: &str, active: u8) -> Filter {
        let filter = json!({
            "id": 7, "username": "bob@agents.example", "filter_type": "prefilter",
            "script_desc": DESCRIPTION, "script_data": script, "active": active,
        });
        serde_json::from_value(filter).unwrap()
    }

    #[test]
    fn what_is_written_is_read_again() {
        for keep_copy in [true, false] {
            let targets = ["a@x.example", "o'brien+{y}&`$%@x.example"];
            let script = write(&targets.map(|target| target.parse().unwrap()), keep_copy);
            let entry = read(&filter(&script.replace('\n', "\r\n"), 1)).unwrap();
            assert_eq!(entry.targets, targets.map(|target| target.parse::<Address>().unwrap()));
            assert_eq!(entry.keep_copy, keep_copy, "{script}");
            assert_eq!(read(&filter(&script, 0)), None, "it does not run");
        }
    }

    #[test]
    fn what_others_made_of_it_is_no_forward() {
        for script in [
            "",
            "keep;",
            "redirect \"a@x.example\";\nredirect :copy \"b@x.example\";",
            "redirect \"a@x.example\"; stop;",
            "redirect \"not an address\";",
            "if true { redirect \"a@x.example\"; }",
        ] {
            assert_eq!(read(&filter(script, 1)), None, "{script}");
        }
        let odd = read(&filter("redirect \"\\\"a b\\\"@x.example\";", 1)).unwrap();
        assert_eq!(odd.targets[0].local_part(), "\"a b\"");
    }
}
