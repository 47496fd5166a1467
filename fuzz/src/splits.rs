//! Ways to cut an input, the same ones every time for the same input.

/// Numbers that look random and depend on the input alone (xorshift64, from an FNV-1a hash).
pub struct Dice(u64);

impl Dice {
    /// Dice for an input.
    pub fn of(input: &[u8]) -> Self {
        let hash = input.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Dice(hash | 1)
    }

    /// A number below `end`; 0 where `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 32).unwrap_or(0) % end.max(1)
    }

    /// Pieces that are the input when put together, some of them empty, most of them short.
    pub fn cut<'a>(&mut self, input: &'a [u8]) -> Vec<&'a [u8]> {
        let mut pieces = Vec::new();
        let mut rest = input;
        while !rest.is_empty() {
            let longest = [2, 8, 64, rest.len() + 1][self.below(4)];
            let (piece, after) = rest.split_at(self.below(longest).min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        pieces
    }
}

/// The input byte by byte, and cut in a way that depends on it.
pub fn ways(input: &[u8]) -> [Vec<&[u8]>; 2] {
    [input.chunks(1).collect(), Dice::of(input).cut(input)]
}
