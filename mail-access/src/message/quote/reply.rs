use super::PartKind;
use super::attribution;
use super::block::{self, Block};
use super::line::Line;
use super::marked;
use super::signature::is_mobile;
use super::words::{KEEP_WITH, contains_word};

/// Marks what is quoted. Returns the kinds of all lines and how many of them, from the first, are the writer's or
/// quoted by him; the rest is a message passed on, which stays as it is.
pub(super) fn mark(lines: &[Line<'_>]) -> (Vec<PartKind>, usize) {
    let mut kinds = vec![PartKind::New; lines.len()];
    let fenced = fenced(lines);
    let next_marked = next_marked(lines, &fenced);
    let mut above = vec![Above::default(); lines.len() + 1];
    let mut attributed = None;
    let mut own = lines.len();
    let mut quoted_from = lines.len();

    for at in 0..lines.len() {
        let line = &lines[at];
        above[at + 1] = above[at].and(line);
        if fenced[at] || line.is_blank() || line.is_marked() {
            continue;
        }
        match block::beginning_at(lines, at) {
            Some(Block::Earlier) if above[at].asks_to_cut() => {
                quoted_from = at;
                break;
            }
            Some(_) => {
                own = at;
                break;
            }
            None => {}
        }
        let Some(found) = attribution::ending_at(lines, at) else { continue };
        let next = next_marked[at];
        let follows = (at + 1..lines.len()).take(3).find(|&next| !lines[next].is_blank());
        let introduces = next.is_some() && next == follows;
        // A marked line further down is either below this attribution, or below an older one that is quoted.
        let older = next.is_none_or(|next| is_attributed(lines, next));
        if !introduces && found.certain && older {
            if above[found.start].asks_to_cut() {
                quoted_from = found.start;
                break;
            }
        } else if introduces || found.certain {
            kinds[found.start..=at].fill(PartKind::Quoted);
            above[at + 1] = above[found.start];
            attributed.get_or_insert(found.start);
        }
    }

    let end = own.min(quoted_from);
    marked::mark(&lines[..end], &fenced[..end], attributed, quoted_from < lines.len(), &mut kinds[..end]);
    kinds[quoted_from..].fill(PartKind::Quoted);
    (kinds, own)
}

/// What the writer says above an earlier message that carries no marks.
#[derive(Clone, Copy, Debug, Default)]
struct Above {
    said: usize,
    passes_on: bool,
    /// The last thing said ends with a colon, so what follows is shown.
    shows: bool,
}

impl Above {
    fn and(self, line: &Line<'_>) -> Self {
        if line.is_blank() || line.is_marked() {
            return self;
        }
        let shows = line.ends_with_colon();
        if self.said == MOST_ASKED {
            return Self { shows, ..self };
        }
        match line.folded() {
            Some(folded) if is_mobile(&folded) => self,
            folded => Self {
                shows,
                // Nobody answers with a greeting alone; it begins a letter that shows something.
                said: self.said + usize::from(!line.body.ends_with([',', '，'])),
                passes_on: self.passes_on
                    || folded
                        .is_some_and(|folded| KEEP_WITH.iter().any(|words| contains_word(&folded, words))),
            },
        }
    }

    /// An earlier message is quoted if somebody says something above it, and does not say that he shows it, passes
    /// it on or has written into it.
    fn asks_to_cut(self) -> bool {
        self.said > 0 && !self.passes_on && !self.shows
    }
}

/// Tells which lines are in code listings between fences; an open fence without an end fences nothing.
fn fenced(lines: &[Line<'_>]) -> Vec<bool> {
    let mut fenced = vec![false; lines.len()];
    let mut open = None;
    for (at, _) in lines.iter().enumerate().filter(|(_, line)| line.is_fence()) {
        match open.take() {
            Some(start) => fenced[start..=at].fill(true),
            None => open = Some(at),
        }
    }
    fenced
}

/// Returns for each line the next one below it that is marked.
fn next_marked(lines: &[Line<'_>], fenced: &[bool]) -> Vec<Option<usize>> {
    let mut all = vec![None; lines.len()];
    let mut next = None;
    for at in (0..lines.len()).rev() {
        all[at] = next;
        if lines[at].is_marked() && !fenced[at] {
            next = Some(at);
        }
    }
    all
}

/// Tells whether an attribution stands right above a marked line.
fn is_attributed(lines: &[Line<'_>], marked: usize) -> bool {
    let above = (0..marked).rev().take(3).find(|&at| !lines[at].is_blank());
    above.is_some_and(|at| attribution::ending_at(lines, at).is_some())
}

/// Lines in which someone says what he does with the earlier message.
const MOST_ASKED: usize = 10;

#[cfg(test)]
mod tests {
    use super::super::split;

    #[test]
    fn a_greeting_alone_is_no_answer() {
        let told =
            "On May 6, 2024 at 10:12 AM your agent Bob <bob@shop.example> wrote:\n\n\"We refund you.\"\n";
        let letter = format!("Dear support,\n\n{told}\nThat never happened. Please refund 40 EUR now.\n");
        assert_eq!(split(&letter).new_text(), letter.trim_end());
        let answer = format!("Dear Bob,\n\nThank you.\n\n{told}");
        assert_eq!(split(&answer).new_text(), "Dear Bob,\n\nThank you.");
    }

    #[test]
    fn what_nobody_has_written_line_by_line_stays_whole() {
        let quoted = "> a\n".repeat(20_000);
        assert_eq!(split(&quoted).new_text(), "");
        let longer = format!("{quoted}> b\n");
        assert_eq!(split(&longer).new_text(), longer.trim_end());
    }
}
