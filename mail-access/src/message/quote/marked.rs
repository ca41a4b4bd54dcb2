use std::ops::Range;

use super::PartKind;
use super::attribution::{ending_at, is_quoted_attribution};
use super::line::Line;

/// Marks the lines with `>` that quote; listings, prompts and citations with the same mark stay.
///
/// `attributed` is where the first line is, or ends, that says whose words follow. `cut` tells that more is quoted below the lines.
pub(super) fn mark(
    lines: &[Line<'_>],
    fenced: &[bool],
    attributed: Option<usize>,
    cut: bool,
    kinds: &mut [PartKind],
) {
    let blocks = blocks(lines, fenced);
    let first = lines.iter().position(|line| !line.is_blank());
    let introduced = |block: &Range<usize>| before(lines, block).is_some_and(Line::ends_with_colon);
    let answers =
        blocks.windows(2).any(|pair| lines[pair[0].end..pair[1].start].iter().any(|line| !line.is_blank()));
    let interleaved = answers && !blocks.iter().any(introduced);

    for block in &blocks {
        let last = !cut && lines[block.end..].iter().all(Line::is_blank);
        let apart = block.start == 0 || lines[block.start - 1].is_blank();
        let greeting =
            before(lines, block).is_some_and(|line| line.body.ends_with(',') && line.body.len() <= 40);
        let quotes = !is_listing(lines, block)
            && (attributed.is_some_and(|start| start <= block.start) && !is_shown(lines, kinds, block)
                || first == Some(block.start)
                || interleaved
                || lines[block.clone()].iter().any(is_quoted_attribution)
                || !introduced(block) && apart && (last || greeting));
        if quotes {
            kinds[block.clone()].fill(PartKind::Quoted);
        }
    }
}

/// Returns the runs of marked lines.
fn blocks(lines: &[Line<'_>], fenced: &[bool]) -> Vec<Range<usize>> {
    let mut blocks: Vec<Range<usize>> = Vec::new();
    for at in (0..lines.len()).filter(|&at| lines[at].is_marked() && !fenced[at]) {
        match blocks.last_mut().filter(|block| block.end == at) {
            Some(block) => block.end += 1,
            None => blocks.push(at..at + 1),
        }
    }
    blocks
}

/// Three marks and more on each line are a prompt or a merge conflict, `>From` is what mailboxes make of `From`
/// (RFC 4155), and `<` above is the other half of a comparison.
fn is_listing(lines: &[Line<'_>], block: &Range<usize>) -> bool {
    let inside = &lines[block.clone()];
    inside.iter().all(|line| line.depth >= 3)
        || inside.len() == 1 && inside[0].raw.starts_with(">From ")
        || before(lines, block).is_some_and(|line| line.raw.starts_with("< ") || line.raw.trim_end() == "---")
}

/// A new line with a colon shows something, a quoted one says whose words follow.
fn is_shown(lines: &[Line<'_>], kinds: &[PartKind], block: &Range<usize>) -> bool {
    let above = (0..block.start).rev().take(3).find(|&at| !lines[at].is_blank());
    above.is_some_and(|at| {
        lines[at].ends_with_colon() && kinds[at] == PartKind::New && ending_at(lines, at).is_none()
    })
}

fn before<'a, 'b>(lines: &'b [Line<'a>], block: &Range<usize>) -> Option<&'b Line<'a>> {
    lines[..block.start].iter().rev().take(3).find(|line| !line.is_blank())
}
