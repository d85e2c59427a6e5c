//! permessage-deflate (RFC 7692): what was agreed on, and the two directions of it.

use std::sync::{Mutex, PoisonError};

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use crate::Violation;

/// The largest window (RFC 7692 section 7.1.2), which is meant when none is named.
const MAX_BITS: u8 = 15;

/// zlib has no smaller window for raw streams. To inflate, a larger one does as well.
const MIN_BITS: u8 = 9;

/// How hard messages are packed. Level 1 has no Huffman codes but RFC 1951's fixed ones: digits and random bytes hardly shrink or
/// even grow, where every peer packs them. Level 2 makes its own codes and is within a fifth of level 6, the default of zlib and
/// so of servers; a load generator's processor is what runs out first. Of a message's size, and microseconds of one core:
///
/// | context kept, by messages of | level 1 | level 2 | level 6 |
/// |---|---|---|---|
/// | hex digits, 200 B; 2 KiB; 64 KiB | 0.87, 2; 0.86, 16; 0.86, 488 | 0.66, 6; 0.55, 30; 0.54, 854 | 0.66, 6; 0.55, 34; 0.54, 925 |
/// | JSON | 0.26, 1; 0.24, 4; 0.23, 115 | 0.25, 4; 0.19, 10; 0.18, 175 | 0.22, 4; 0.17, 21; 0.15, 527 |
/// | random bytes | 1.07, 2; 1.06, 19; 1.06, 579 | 1.03, 15; 1.00, 45; 1.00, 935 | 1.03, 15; 1.00, 51; 1.00, 1128 |
const LEVEL: u32 = 2;

/// What a flush ends with and the wire leaves out (RFC 7692 section 7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// States that no connection needs between two messages are lent to the next message of any: no more than this many wait for it.
const LENT: usize = 16;

/// What the server agreed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreed {
    server_keeps_context: bool,
    client_keeps_context: bool,
    server_bits: u8,
    client_bits: u8,
}

impl Agreed {
    /// Reads the parameters that a server answers with, `client_max_window_bits=15; server_no_context_takeover`, if it does.
    ///
    /// # Errors
    /// Parameters that RFC 7692 section 7.1 does not allow, in words.
    pub fn read(parameters: Option<&str>) -> Result<Agreed, &'static str> {
        let mut agreed = Agreed {
            server_keeps_context: true,
            client_keeps_context: true,
            server_bits: MAX_BITS,
            client_bits: MAX_BITS,
        };
        let mut seen: Vec<&str> = Vec::new();
        for part in parameters.iter().flat_map(|all| all.split(';')).map(str::trim) {
            let (name, value) = part.split_once('=').map_or((part, None), |(name, value)| {
                (name.trim_end(), Some(value.trim_start()))
            });
            match (name, value, value.and_then(window_bits)) {
                _ if seen.contains(&name) => return Err("a parameter stands there twice"),
                ("server_no_context_takeover", None, _) => agreed.server_keeps_context = false,
                ("client_no_context_takeover", None, _) => agreed.client_keeps_context = false,
                ("server_max_window_bits", _, Some(bits)) => agreed.server_bits = bits,
                ("client_max_window_bits", _, Some(bits)) => agreed.client_bits = bits,
                _ => return Err("a parameter or its value is unknown"),
            }
            seen.push(name);
        }
        Ok(agreed)
    }
}

/// States by the bits of their window, each as new.
struct Pool<T>(Mutex<Vec<(u8, T)>>);

static DEFLATING: Pool<Compress> = Pool(Mutex::new(Vec::new()));
static INFLATING: Pool<Decompress> = Pool(Mutex::new(Vec::new()));

impl<T> Pool<T> {
    fn take(&self, bits: u8) -> Option<T> {
        let mut states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = states.iter().position(|(of, _)| *of == bits)?;
        Some(states.swap_remove(place).1)
    }

    fn give(&self, bits: u8, state: T) {
        let mut states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if states.len() < LENT {
            states.push((bits, state));
        }
    }
}

/// `8` to `15`, perhaps in quotes, without a zero before it.
fn window_bits(value: &str) -> Option<u8> {
    let plain = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(value);
    let digits = !plain.starts_with('0') && plain.bytes().all(|b| b.is_ascii_digit());
    plain
        .parse()
        .ok()
        .filter(|bits| digits && (8..=MAX_BITS).contains(bits))
}

/// Compresses messages. Its state (some 300 KiB) is made for the first message, and kept only if the next one needs it.
#[derive(Debug)]
pub(crate) struct Deflater {
    agreed: Agreed,
    stream: Option<Compress>,
}

impl Deflater {
    /// `None` when the server asks for a window that zlib cannot keep to: an endpoint may always send without compression.
    pub(crate) fn new(agreed: Agreed) -> Option<Self> {
        (agreed.client_bits >= MIN_BITS).then_some(Deflater { agreed, stream: None })
    }

    /// The payload of a compressed message.
    pub(crate) fn deflate(&mut self, message: &[u8]) -> Vec<u8> {
        if message.is_empty() {
            // RFC 7692 section 7.2.3.6. zlib makes nothing of nothing when it has just flushed.
            return vec![0];
        }
        let bits = self.agreed.client_bits;
        let mut stream = self
            .stream
            .take()
            .or_else(|| DEFLATING.take(bits))
            .unwrap_or_else(|| Compress::new_with_window_bits(Compression::new(LEVEL), false, bits));
        let mut out = Vec::with_capacity(message.len() / 4 + 64);
        let mut rest = message;
        loop {
            let before = stream.total_in();
            stream
                .compress_vec(rest, &mut out, FlushCompress::Sync)
                .expect("deflate fails only for a wrong state or a wrong call");
            rest = &rest[advance(before, stream.total_in())..];
            if rest.is_empty() && out.len() < out.capacity() {
                break;
            }
            out.reserve(out.len().max(64));
        }
        debug_assert!(out.ends_with(&TAIL), "a sync flush ends with an empty block");
        out.truncate(out.len() - TAIL.len());
        if self.agreed.client_keeps_context {
            self.stream = Some(stream);
        } else {
            stream.reset();
            DEFLATING.give(bits, stream);
        }
        out
    }
}

/// Inflates messages. Its state (some 40 KiB) is made for the first compressed one, and kept only if the next one needs it.
#[derive(Debug)]
pub(crate) struct Inflater {
    agreed: Agreed,
    stream: Option<Decompress>,
    /// The last block said that it is the last (BFINAL), and nothing came after it.
    ended: bool,
}

impl Inflater {
    pub(crate) fn new(agreed: Agreed) -> Self {
        Inflater {
            agreed,
            stream: None,
            ended: false,
        }
    }

    /// Appends to `out` what a part of a message's payload stands for; `out` never holds more than `max` bytes and one.
    ///
    /// # Errors
    /// Too large, or damaged.
    pub(crate) fn inflate(
        &mut self,
        mut input: &[u8],
        out: &mut Vec<u8>,
        max: usize,
    ) -> Result<(), Violation> {
        let bits = self.agreed.server_bits.max(MIN_BITS);
        let stream = self.stream.get_or_insert_with(|| {
            INFLATING
                .take(bits)
                .unwrap_or_else(|| Decompress::new_with_window_bits(false, bits))
        });
        let fault = |what: &str| Err(Violation::Deflate(what.to_owned()));
        while !input.is_empty() {
            if out.len() == out.capacity() {
                let room = max.saturating_add(1) - out.len();
                out.reserve_exact(out.len().max(input.len() * 2).max(256).min(room));
            }
            let (taken, made) = (stream.total_in(), out.len());
            let status = match stream.decompress_vec(input, out, FlushDecompress::Sync) {
                Ok(status) => status,
                Err(error) => return fault(error.message().unwrap_or("damaged data")),
            };
            let taken = advance(taken, stream.total_in());
            input = &input[taken..];
            if out.len() > max {
                return Err(too_large(max));
            }
            self.ended = status == Status::StreamEnd;
            if self.ended {
                // RFC 7692 section 7.2.3.4 allows it; what follows begins a new stream.
                stream.reset(false);
            } else if taken == 0 && out.len() == made {
                return fault("it does not go on");
            }
        }
        self.drain(out, max)
    }

    /// What did not fit when the input came to its end.
    fn drain(&mut self, out: &mut Vec<u8>, max: usize) -> Result<(), Violation> {
        let Some(stream) = &mut self.stream else {
            return Ok(());
        };
        while out.len() == out.capacity() {
            let room = max.saturating_add(1) - out.len();
            out.reserve_exact(out.len().max(256).min(room));
            let made = out.len();
            // Without input an error means only that there is nothing to do.
            let _ = stream.decompress_vec(&[], out, FlushDecompress::Sync);
            if out.len() > max {
                return Err(too_large(max));
            }
            if out.len() == made {
                break;
            }
        }
        Ok(())
    }

    /// Ends a message.
    ///
    /// # Errors
    /// As of `inflate`.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>, max: usize) -> Result<(), Violation> {
        if !self.ended {
            self.inflate(&TAIL, out, max)?;
        }
        if !self.agreed.server_keeps_context || self.ended {
            if let Some(mut stream) = self.stream.take() {
                stream.reset(false);
                INFLATING.give(self.agreed.server_bits.max(MIN_BITS), stream);
            }
        }
        self.ended = false;
        Ok(())
    }
}

pub(crate) fn too_large(max: usize) -> Violation {
    Violation::TooLarge(format!("a message of more than {max} bytes came"))
}

fn advance(before: u64, after: u64) -> usize {
    usize::try_from(after - before).expect("not more than a slice was taken")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agreed(parameters: Option<&str>) -> Agreed {
        Agreed::read(parameters).unwrap()
    }

    #[test]
    fn a_state_is_kept_only_where_the_next_message_needs_it() {
        for (parameters, deflates, inflates) in [
            (None, true, true),
            (Some("client_no_context_takeover"), false, true),
            (Some("server_no_context_takeover"), true, false),
        ] {
            let agreed = agreed(parameters);
            let mut deflater = Deflater::new(agreed).unwrap();
            let mut inflater = Inflater::new(agreed);
            let mut server = Deflater::new(Agreed {
                client_keeps_context: agreed.server_keeps_context,
                ..agreed
            })
            .unwrap();
            for message in [&b"so and so"[..], b"so and so on"] {
                let mut out = Vec::new();
                deflater.deflate(message);
                let packed = server.deflate(message);
                inflater.inflate(&packed, &mut out, 100).unwrap();
                inflater.finish(&mut out, 100).unwrap();
                assert_eq!(out, message, "{parameters:?}");
            }
            let kept = (deflater.stream.is_some(), inflater.stream.is_some());
            assert_eq!(kept, (deflates, inflates), "{parameters:?}");
        }
    }
}
