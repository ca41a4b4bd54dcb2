//! Which lines may divide parts, and how much work it is to look for them.

use memchr::memchr_iter;

use super::Limit;
use super::block::ContentType;

/// The boundaries that were declared so far (RFC 2046 section 5.1.1).
pub(super) struct Boundaries {
    declared: Vec<Boundary>,
    /// A boundary is written in a way that only the parser understands: any `--` may be it.
    any: bool,
    unfound: usize,
    comparisons: usize,
    size: usize,
}

struct Boundary {
    text: Box<[u8]>,
    /// Declarations since it was last seen.
    pending: usize,
    /// Divides a digest, whose parts are messages (RFC 2046 section 5.1.5).
    is_digest: bool,
}

/// A line that may divide parts.
pub(super) struct Delimiter {
    /// A message may follow without a word of its type.
    pub(super) is_digest: bool,
}

impl Boundaries {
    pub(super) fn new(size: usize) -> Self {
        Self { declared: Vec::new(), any: false, unfound: 0, comparisons: 0, size }
    }

    pub(super) fn declare(&mut self, kind: ContentType<'_>) -> Result<(), Limit> {
        if !kind.may_be_multipart() {
            return Ok(());
        }
        let mut is_known = false;
        for found in kind.boundaries() {
            let Some(text) = found else {
                self.any = true;
                self.unfound += 1;
                continue;
            };
            is_known = true;
            if text.len() > MAX_BOUNDARY || self.declared.len() >= MAX_BOUNDARIES {
                return Err(Limit::Boundaries);
            }
            self.compare(self.declared.len())?;
            match self.declared.iter_mut().find(|known| *known.text == *text) {
                Some(known) => {
                    known.pending += 1;
                    known.is_digest |= kind.may_be_digest();
                }
                None if text.is_empty() => {}
                None => self.declared.push(Boundary {
                    text: text.into(),
                    pending: 1,
                    is_digest: kind.may_be_digest(),
                }),
            }
        }
        if !is_known {
            self.any = true;
        }
        Ok(())
    }

    /// Judges a line from its first `--` on.
    pub(super) fn delimiter(&mut self, line: &[u8]) -> Result<Option<Delimiter>, Limit> {
        let any = self.any.then_some(Delimiter { is_digest: true });
        if self.declared.is_empty() {
            return Ok(any);
        }
        let dashes = memchr_iter(b'-', line).filter(|at| line.get(at + 1) == Some(&b'-')).map(|at| at + 2);
        let mut delimiter = any;
        for (count, at) in dashes.enumerate() {
            if count == MAX_DASHES {
                return Ok(Some(Delimiter { is_digest: true }));
            }
            self.compare(self.declared.len())?;
            for boundary in self.declared.iter_mut().filter(|boundary| line[at..].starts_with(&boundary.text))
            {
                boundary.pending = 0;
                delimiter.get_or_insert(Delimiter { is_digest: false }).is_digest |= boundary.is_digest;
            }
        }
        Ok(delimiter)
    }

    /// The parser looks for a boundary that doesn't come through all that follows its declaration.
    pub(super) fn check(&self) -> Result<(), Limit> {
        let unfound = self.unfound + self.declared.iter().map(|boundary| boundary.pending).sum::<usize>();
        let work = unfound.saturating_mul(self.size);
        if unfound > FEW && work > MAX_WORK { Err(Limit::Boundaries) } else { Ok(()) }
    }

    fn compare(&mut self, times: usize) -> Result<(), Limit> {
        self.comparisons += times;
        if self.comparisons > MAX_COMPARISONS + 2 * self.size { Err(Limit::Boundaries) } else { Ok(()) }
    }
}

const MAX_BOUNDARIES: usize = 2_000;
/// RFC 2046 allows 70 characters.
const MAX_BOUNDARY: usize = 200;
/// A line of so many dashes counts as a delimiter without a closer look.
const MAX_DASHES: usize = 64;
const MAX_COMPARISONS: usize = 1 << 22;
/// Truncated messages lack the boundaries of a few parts.
const FEW: usize = 4;
/// Bytes.
const MAX_WORK: usize = 64 << 20;
