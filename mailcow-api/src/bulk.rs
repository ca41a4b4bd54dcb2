//! Bulk edits and deletes: what is known of each item afterwards.

use std::fmt;

use crate::{
    CallKind, Error, Problem,
    answer::{Entry, Operation},
    html::unescape,
    route::Success,
};

/// How far a call on several items came, item by item; see [`Error::PartlyDone`].
///
/// Mailcow's answer does not always name the item a problem belongs to. Such items are among the
/// [`unknown`](Self::unknown) ones, the problems among those [that name no item](Self::problems).
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct PartlyDone {
    /// The items that the server confirmed.
    pub done: Vec<String>,
    /// The items that the server refused by name.
    pub refused: Vec<(String, Problem)>,
    /// The items of which nobody knows: read them back.
    pub unknown: Vec<String>,
    /// The items that were not sent, because an earlier part of the call failed.
    pub not_sent: Vec<String>,
    /// The problems that name no item.
    pub problems: Vec<Problem>,
    /// The failure that ended the call early.
    pub cause: Option<Error>,
}

impl PartlyDone {
    /// Returns whether each item was confirmed and no problem was reported.
    pub fn is_done(&self) -> bool {
        let open = self.refused.len() + self.unknown.len() + self.not_sent.len() + self.problems.len();
        open == 0 && self.cause.is_none()
    }

    /// Sorts `items` by what the entries of one answer say about them.
    pub(crate) fn judge(
        &mut self,
        operation: Operation<'_>,
        success: Success<'_>,
        items: &[String],
        entries: &[Entry],
    ) {
        let named: Vec<_> = entries.iter().map(|entry| named(entry, items)).collect();
        let nameless: Vec<_> =
            entries.iter().zip(&named).filter(|(entry, name)| !entry.is_good() && name.is_none()).collect();
        // A problem of unknown owner may say that a confirmed edit changed nothing. Not so if it is the refusal of a
        // whole item, and a delete is one step.
        let is_tainted = operation.kind() != CallKind::Delete
            && nameless.iter().any(|(entry, _)| entry.problem.code() != "access_denied");
        // Names that are none of ours, as the address of an alias instead of its id.
        let all = named.iter().all(Option::is_none) && confirms_each(success, items, entries);
        for (at, item) in items.iter().enumerate() {
            let mut own =
                entries.iter().zip(&named).filter(|(_, name)| **name == Some(at)).map(|(entry, _)| entry);
            let is_confirmed = own.clone().any(|entry| entry.confirms(success));
            match own.find(|entry| !entry.is_good()) {
                // A success beside it: nobody can tell which of the two counts.
                Some(entry) if is_confirmed => {
                    self.problems.push(entry.problem.clone());
                    self.unknown.push(item.clone());
                }
                Some(entry) => self.refused.push((item.clone(), entry.problem.clone())),
                None if all || (is_confirmed && !is_tainted) => self.done.push(item.clone()),
                None => self.unknown.push(item.clone()),
            }
        }
        self.problems.extend(nameless.iter().map(|(entry, _)| entry.problem.clone()));
    }
}

impl fmt::Display for PartlyDone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (done, refused) = (self.done.len(), self.refused.len());
        let (unknown, not_sent) = (self.unknown.len(), self.not_sent.len());
        write!(f, "{done} done, {refused} refused, {unknown} unknown, {not_sent} not sent")?;
        let mut problems = self.refused.iter().map(|(_, problem)| problem).chain(&self.problems);
        problems.next().map_or(Ok(()), |problem| write!(f, ", the first problem is {problem}"))
    }
}

impl std::error::Error for PartlyDone {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_ref().map(|cause| cause as _)
    }
}

/// Returns which item an entry is about: of one item that one, else the one it names. Mailcow escapes some names and
/// writes others in lower case.
fn named(entry: &Entry, items: &[String]) -> Option<usize> {
    if items.len() == 1 {
        return Some(0);
    }
    let mut args = entry.problem.args().iter().map(|arg| unescape(arg));
    args.find_map(|arg| items.iter().position(|item| item.to_lowercase() == arg.to_lowercase()))
}

/// Returns whether there are as many confirmations as items, all about different things, and nothing else.
fn confirms_each(success: Success<'_>, items: &[String], entries: &[Entry]) -> bool {
    let mut about: Vec<_> =
        entries.iter().filter(|entry| entry.confirms(success)).map(|entry| entry.problem.args()).collect();
    about.sort();
    about.dedup();
    about.len() == items.len() && entries.iter().all(Entry::is_good)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::entries;

    fn judged(route: &'static str, success: &str, items: &[&str], body: &str) -> PartlyDone {
        let mut outcome = PartlyDone::default();
        let items: Vec<_> = items.iter().map(|&item| item.to_owned()).collect();
        let operation = Operation { route, subject: "x" };
        outcome.judge(operation, success.into(), &items, &entries(body.as_bytes()).unwrap());
        outcome
    }

    #[test]
    fn names_decide_and_not_positions() {
        let body = r#"[{"type":"success","msg":["mailbox_modified","a@b.example"]},
            {"type":"danger","msg":"access_denied"},
            {"type":"success","msg":["mailbox_modified","o&#039;c@b.example"]},
            {"type":"danger","msg":["username_invalid","not-an-address"]}]"#;
        let items = ["a@b.example", "nope@b.example", "o'c@b.example", "not-an-address"];
        let outcome = judged("edit/mailbox", "mailbox_modified", &items, body);
        assert_eq!(outcome.done, ["a@b.example", "o'c@b.example"]);
        assert_eq!(outcome.refused[0].0, "not-an-address");
        assert_eq!(outcome.unknown, ["nope@b.example"]);
        assert_eq!(outcome.problems[0].code(), "access_denied");
        assert!(!outcome.is_done());
        assert_eq!(
            outcome.to_string(),
            "2 done, 1 refused, 1 unknown, 0 not sent, the first problem is username_invalid (not-an-address)"
        );
    }

    #[test]
    fn ids_that_are_answered_by_addresses_are_done_if_all_are() {
        let both = r#"[{"type":"success","msg":["alias_removed","a@b.example"]},
            {"type":"success","msg":["alias_removed","b@b.example"]}]"#;
        assert!(judged("delete/alias", "alias_removed", &["23", "24"], both).is_done());
        let outcome = judged("delete/alias", "alias_removed", &["23", "24", "25"], both);
        assert_eq!(outcome.unknown, ["23", "24", "25"]);
        let twice = both.replace("b@b", "a@b");
        assert_eq!(judged("delete/alias", "alias_removed", &["23", "24"], &twice).unknown, ["23", "24"]);
    }

    #[test]
    fn a_problem_without_a_name_leaves_edits_open_but_not_deletes() {
        let body = r#"[{"type":"danger","msg":["goto_invalid","x@y"]},
            {"type":"success","msg":["alias_modified","a@b.example"]}]"#;
        let items = ["a@b.example", "c@b.example"];
        assert_eq!(judged("edit/alias", "alias_modified", &items, body).unknown, items);
        let outcome = judged("delete/alias", "alias_modified", &items, body);
        assert_eq!((outcome.done, outcome.unknown), (vec![items[0].to_owned()], vec![items[1].to_owned()]));
    }

    #[test]
    fn all_that_is_said_of_a_single_item_is_about_it() {
        let refused = r#"[{"type":"danger","msg":"access_denied"}]"#;
        let outcome = judged("delete/mailbox", "mailbox_removed", &["a@b.example"], refused);
        assert_eq!((outcome.refused.len(), outcome.unknown.len(), outcome.problems.len()), (1, 0, 0));
        let done = r#"[{"type":"success","msg":"mailbox_removed"}]"#;
        assert!(judged("delete/mailbox", "mailbox_removed", &["a@b.example"], done).is_done());
        let other = r#"[{"type":"success","msg":"rl_saved"}]"#;
        assert_eq!(judged("edit/mailbox", "mailbox_modified", &["a@b.example"], other).unknown.len(), 1);
    }

    #[test]
    fn a_success_and_a_problem_for_one_item_are_no_success() {
        let body = r#"[{"type":"success","msg":["alias_modified","a@b.example"]},
            {"type":"danger","msg":["alias_invalid","a@b.example"]}]"#;
        let outcome = judged("edit/alias", "alias_modified", &["a@b.example"], body);
        assert_eq!(outcome.unknown, ["a@b.example"]);
        assert_eq!(outcome.problems[0].code(), "alias_invalid");
    }
}
