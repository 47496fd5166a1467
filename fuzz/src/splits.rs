//! Reproducible ways to split an input into pieces.

/// A pseudo-random sequence that depends only on the input (xorshift64, seeded with its FNV-1a
/// hash).
pub struct Rng(u64);

impl Rng {
    /// The sequence of an input.
    pub fn of(input: &[u8]) -> Self {
        let hash = input.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Rng(hash | 1)
    }

    /// A number below `end`; 0 if `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 32).unwrap_or(0) % end.max(1)
    }

    /// Splits bytes into pieces. Some are empty, most are short.
    pub fn split_bytes<'a>(&mut self, input: &'a [u8]) -> Vec<&'a [u8]> {
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

    /// Splits a text into pieces of 1 to `longest` characters.
    pub fn split_text<'a>(&mut self, text: &'a str, longest: usize) -> Vec<&'a str> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let size = 1 + self.below(longest);
            let end = rest
                .char_indices()
                .nth(size)
                .map_or(rest.len(), |(at, _)| at);
            let (piece, after) = rest.split_at(end);
            pieces.push(piece);
            rest = after;
        }
        pieces
    }
}

/// The input split into single bytes, and split pseudo-randomly.
pub fn splits(input: &[u8]) -> [Vec<&[u8]>; 2] {
    [input.chunks(1).collect(), Rng::of(input).split_bytes(input)]
}
