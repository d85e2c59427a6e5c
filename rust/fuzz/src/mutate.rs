//! New inputs out of known ones: bits turned, pieces cut, doubled, moved from one to another, and numbers and words that break
//! parsers.

/// What parsers stumble over: ends of number ranges, signs, exponents, other digits, ends of lines and of texts.
const WORDS: &[&[u8]] = &[
    b"0",
    b"-1",
    b"1e309",
    b"-0.0",
    b"NaN",
    b"inf",
    b"255",
    b"65536",
    b"2147483648",
    b"4294967296",
    b"9223372036854775807",
    b"18446744073709551616",
    b"0.00000000000000000000000000001",
    b"99999999999999999999999999999999999999999999",
    b"\0",
    b"\r\n",
    b"\r\n\r\n",
    b"\n",
    b"\r",
    b" ",
    b"\t",
    b",",
    b";",
    b":",
    b"=",
    b"\"",
    b"\\",
    b"'",
    b"%",
    b"{",
    b"}",
    b"[",
    b"]",
    b"(",
    b")",
    b"(.*)*",
    b"\xff",
    b"\xc3",
    b"\xf0\x9f\x92\xa9",
    b"\xef\xbb\xbf",
    b"\xd9\xa1",
    b"\x7f\xff\xff\xff\xff\xff\xff\xff",
    b"\x80\0\0\0",
    b"\x7e\xff\xff",
    b"Transfer-Encoding: chunked\r\n",
    b"Content-Length: 18446744073709551615\r\n",
    b"null",
    b"true",
];

/// An endless row of inputs; the same seed and corpus make the same row.
#[derive(Debug)]
pub struct Mutator {
    state: u64,
    corpus: Vec<Vec<u8>>,
    longest: usize,
}

impl Mutator {
    /// Makes inputs of at most `longest` bytes out of these, of which there must be one.
    #[must_use]
    pub fn new(seed: u64, corpus: Vec<Vec<u8>>, longest: usize) -> Self {
        Self {
            state: seed,
            corpus,
            longest,
        }
    }

    /// One to six changes to a known input.
    pub fn next_input(&mut self) -> Vec<u8> {
        let mut input = self.known();
        for _ in 0..=self.below(6) {
            self.change(&mut input);
            input.truncate(self.longest);
        }
        input
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len() + 1);
        let end = at + self.below((input.len() - at).min(64) + 1);
        match self.below(9) {
            0 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << self.below(8);
                }
            }
            1 => {
                let random = self.next().to_le_bytes()[0];
                if let Some(byte) = input.get_mut(at) {
                    *byte = random;
                }
            }
            2 => drop(input.drain(at..end)),
            3 => input.truncate(at),
            4 => {
                let word = WORDS[self.below(WORDS.len())];
                drop(input.splice(at..at, word.iter().copied()));
            }
            5 => {
                let word = WORDS[self.below(WORDS.len())];
                drop(input.splice(at..end, word.iter().copied()));
            }
            6 => {
                let most = if self.below(8) == 0 { 200 } else { 3 };
                let times = 1 + self.below(most);
                let piece = input[at..end].repeat(times);
                drop(input.splice(at..at, piece));
            }
            7 => {
                let other = self.known();
                let from = self.below(other.len() + 1);
                let to = from + self.below(other.len() - from + 1);
                drop(input.splice(at..end, other[from..to].iter().copied()));
            }
            _ => {
                let piece: Vec<u8> = input.drain(at..end).collect();
                let to = self.below(input.len() + 1);
                drop(input.splice(to..to, piece));
            }
        }
    }

    fn known(&mut self) -> Vec<u8> {
        let index = self.below(self.corpus.len());
        self.corpus[index].clone()
    }

    /// A number from 0 to `bound - 1`.
    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).expect("it is below a usize")
    }

    /// SplitMix64 (Steele, Lea, Flood 2014). By hand: a seed that found a fault must find it again whatever a library's next version does.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
