//! Numbers that follow from bytes: the same on each machine and in each release.

/// Makes 128 bits of pieces of bytes (FNV-1a). They don't hide what they were made of, and collisions can be made on
/// purpose.
pub(crate) fn of(pieces: &[&[u8]]) -> u128 {
    let mut hash = OFFSET;
    for piece in pieces {
        // The length keeps two pieces from being the same as one.
        for byte in piece.iter().chain(&piece.len().to_le_bytes()) {
            hash = (hash ^ u128::from(*byte)).wrapping_mul(PRIME);
        }
    }
    hash
}

const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_tells_pieces_apart_and_stays_the_same() {
        assert_ne!(of(&[b"ab", b"c"]), of(&[b"a", b"bc"]));
        assert_ne!(of(&[b"", b"a"]), of(&[b"a", b""]));
        assert_eq!(of(&[]), OFFSET);
        assert_eq!(of(&[b"a"]), of(&[b"a"]));
    }
}
