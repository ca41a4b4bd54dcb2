//! Measures quote splitting on a labelled set of mails.
//!
//! Each file in `mails` holds mails of one language. A record begins with `=== name | tune` or
//! `=== name | hold-out`; each line of the mail follows behind its label: `+` new text, `-` quoted, `~` signature.
//! A closing with the writer's name is new text, an address block below it is signature; a message that is passed
//! on is new text. The mails were written for this set, under the licence of the crate, before the splitter was;
//! those of the half `hold-out` were not looked at while it was tuned. `talon*.txt` comes from the tests of
//! mailgun/talon 1.4.4 (Apache-2.0), and `second.txt` was written after the first tuning.
//!
//! On its first run, before anything was changed for it, the splitter got 112 of 113 mails of the first hold-out
//! right, 11 of 12 of talon's clients, 39 of 49 of talon's cases and 23 of 26 of the second hold-out; of new lines
//! it lost two, both in the last.

mod codes;
mod hostile;
mod labelled;

use std::fmt::Write as _;

use labelled::{Mail, labelled};
use mail_access::quote::{PartKind, split};

#[derive(Clone, Copy, Debug, Default)]
struct Score {
    mails: usize,
    perfect: usize,
    new: usize,
    kept: usize,
    other: usize,
    cut: usize,
}

impl Score {
    fn of(mail: &Mail) -> Self {
        let mut score = Self { mails: 1, ..Self::default() };
        for (label, found) in compare(mail) {
            let is_new = found == PartKind::New;
            if label == PartKind::New {
                score.new += 1;
                score.kept += usize::from(is_new);
            } else {
                score.other += 1;
                score.cut += usize::from(!is_new);
            }
        }
        score.perfect = usize::from(score.kept == score.new && score.cut == score.other);
        score
    }

    fn and(self, more: Self) -> Self {
        Self {
            mails: self.mails + more.mails,
            perfect: self.perfect + more.perfect,
            new: self.new + more.new,
            kept: self.kept + more.kept,
            other: self.other + more.other,
            cut: self.cut + more.cut,
        }
    }

    /// New lines that were kept, of all new lines.
    fn kept_share(self) -> f64 {
        share(self.kept, self.new)
    }

    /// Lines of quotes and signatures that were cut, of all such lines.
    fn recall(self) -> f64 {
        share(self.cut, self.other)
    }

    /// Right cuts of all cuts, where a wrong cut counts ten times.
    fn precision(self) -> f64 {
        share(self.cut, self.cut + 10 * (self.new - self.kept))
    }
}

#[test]
fn the_labelled_set_is_split_as_well_as_it_ever_was() {
    let mut table = String::from("language   half      mails perfect   kept  recall precision\n");
    let mut totals = [Score::default(); 2];
    let mut languages = 0;
    for (language, mails) in labelled() {
        languages += 1;
        for hold_out in [false, true] {
            let of_half = mails.iter().filter(|mail| mail.hold_out == hold_out);
            let score = of_half.map(Score::of).fold(Score::default(), Score::and);
            totals[usize::from(hold_out)] = totals[usize::from(hold_out)].and(score);
            row(&mut table, &language, hold_out, score);
        }
    }
    row(&mut table, "all", false, totals[0]);
    row(&mut table, "all", true, totals[1]);
    println!("{table}");
    assert!(languages >= 10 && totals[0].mails + totals[1].mails >= 200, "{table}");
    for (total, (perfect, lost, recall, precision)) in totals.into_iter().zip(REACHED) {
        let reached = total.perfect >= perfect
            && total.new - total.kept <= lost
            && total.recall() >= recall
            && total.precision() >= precision;
        assert!(reached, "{}{table}", differences());
    }
}

/// Returns each mail that is split otherwise than its labels say.
fn differences() -> String {
    let mut all = String::new();
    for (language, mails) in labelled() {
        for mail in &mails {
            let found = compare(mail);
            if found.iter().any(|(label, found)| label != found) {
                writeln!(all, "--- {language} {}", mail.name).unwrap();
                let lines = mail.text.lines().filter(|line| !line.trim().is_empty());
                for (line, (label, found)) in lines.zip(found) {
                    let (label, found) = (format!("{label:?}"), format!("{found:?}"));
                    writeln!(all, "{label:10} {found:10} {line}").unwrap();
                }
            }
        }
    }
    all
}

fn row(table: &mut String, language: &str, hold_out: bool, score: Score) {
    let half = if hold_out { "hold-out" } else { "tune" };
    let Score { mails, perfect, .. } = score;
    let (kept, recall, precision) = (score.kept_share(), score.recall(), score.precision());
    writeln!(table, "{language:10} {half:9} {mails:5} {perfect:7} {kept:6.3} {recall:7.3} {precision:9.3}")
        .unwrap();
}

#[allow(clippy::cast_precision_loss)]
fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

/// Returns for each line that is not blank its label and what it was taken for.
fn compare(mail: &Mail) -> Vec<(PartKind, PartKind)> {
    let split = split(&mail.text);
    let found = split.parts().iter().flat_map(|part| part.text().lines().map(|_| part.kind()));
    let lines = mail.text.lines().zip(mail.labels.iter().copied().zip(found));
    lines.filter(|(line, _)| !line.trim().is_empty()).map(|(_, pair)| pair).collect()
}

/// Perfect mails, lost new lines, recall and precision of the half to tune with and of the hold-out: never worse.
const REACHED: [(usize, usize, f64, f64); 2] = [(160, 0, 0.97, 1.0), (150, 0, 0.99, 1.0)];
