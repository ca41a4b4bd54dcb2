use std::fmt;

/// A place in a text; both count from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: u64,
    /// The column.
    pub column: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Why a text is no list of mailboxes: every problem in it, each with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailListError {
    problems: Vec<(Place, String)>,
}

impl MailListError {
    pub(super) fn new(mut problems: Vec<(Place, String)>) -> Self {
        problems.sort();
        Self { problems }
    }

    /// Returns the problems in the order of the text: where, what was found, what is expected. There is at least one.
    pub fn problems(&self) -> &[(Place, String)] {
        &self.problems
    }
}

/// Shows one problem in each line, at most twenty.
impl fmt::Display for MailListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (place, problem)) in self.problems.iter().take(SHOWN).enumerate() {
            let gap = if n == 0 { "" } else { "\n" };
            write!(f, "{gap}{place}: {problem}")?;
        }
        match self.problems.len().checked_sub(SHOWN) {
            None | Some(0) => Ok(()),
            Some(more) => write!(f, "\nand {more} more"),
        }
    }
}

impl std::error::Error for MailListError {}

const SHOWN: usize = 20;
