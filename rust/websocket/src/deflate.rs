//! permessage-deflate (RFC 7692): what is offered and agreed on, and the two directions of it. No I/O.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use crate::{Answer, Code, Error};

pub(crate) const EXTENSIONS: &str = "Sec-WebSocket-Extensions";

/// What we ask for, most wanted first: as browsers do, so that the server does for us what it does for them; else the same for a
/// server that wants each of our messages to stand alone, which must be offered first (RFC 7692 section 7.1.1.2).
pub(crate) const OFFER: &str = "permessage-deflate; client_max_window_bits, \
    permessage-deflate; client_no_context_takeover; client_max_window_bits";

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

/// What the server agreed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Agreed {
    server_keeps_context: bool,
    client_keeps_context: bool,
    server_bits: u8,
    client_bits: u8,
}

/// Reads the extensions of a 101: none, or permessage-deflate when it was offered. Gives it as the server wrote it, too.
///
/// # Errors
/// `upgrade.extension`: another extension than offered; `upgrade.extension-parameter`: what RFC 7692 section 7.1 does not allow.
pub(crate) fn agreed(answer: &Answer, offered: bool) -> Result<Option<(Agreed, String)>, Error> {
    let all: Vec<&str> = answer
        .header(EXTENSIONS)
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|one| !one.is_empty())
        .collect();
    let wrong = |code, what: &str| {
        Err(Error::Upgrade {
            code,
            what: format!("the server chose {:?}: {what}", all.join(", ")),
        })
    };
    let fault = |what: &str| wrong(Code::UpgradeExtension, what);
    let bad_parameter = |what: &str| wrong(Code::UpgradeParameter, what);
    let one = match all.as_slice() {
        [] => return Ok(None),
        [one] if offered => one,
        [_] => return fault("no extension was offered"),
        _ => return fault("more than was offered"),
    };
    let mut parts = one.split(';').map(str::trim);
    if !parts
        .next()
        .is_some_and(|name| name.eq_ignore_ascii_case("permessage-deflate"))
    {
        return fault("another extension than was offered");
    }
    let mut agreed = Agreed {
        server_keeps_context: true,
        client_keeps_context: true,
        server_bits: MAX_BITS,
        client_bits: MAX_BITS,
    };
    let mut seen: Vec<&str> = Vec::new();
    for part in parts {
        let (name, value) = part.split_once('=').map_or((part, None), |(name, value)| {
            (name.trim_end(), Some(value.trim_start()))
        });
        match (name, value, value.and_then(window_bits)) {
            _ if seen.contains(&name) => {
                return bad_parameter(&format!("parameter {name} stands there twice"));
            }
            ("server_no_context_takeover", None, _) => agreed.server_keeps_context = false,
            ("client_no_context_takeover", None, _) => agreed.client_keeps_context = false,
            ("server_max_window_bits", _, Some(bits)) => agreed.server_bits = bits,
            ("client_max_window_bits", _, Some(bits)) => agreed.client_bits = bits,
            _ => {
                return bad_parameter(&format!(
                    "{part:?} is no parameter of permessage-deflate, or not such a value"
                ));
            }
        }
        seen.push(name);
    }
    Ok(Some((agreed, (*one).to_owned())))
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

/// Compresses messages. Its state (some 300 KiB) is made for the first message.
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
        let stream = self.stream.get_or_insert_with(|| {
            Compress::new_with_window_bits(Compression::new(LEVEL), false, self.agreed.client_bits)
        });
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
        if !self.agreed.client_keeps_context {
            stream.reset();
        }
        out
    }
}

/// Inflates messages. Its state (some 40 KiB) is made for the first compressed one.
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
    /// `message.too-large`, `protocol.deflate`.
    pub(crate) fn inflate(&mut self, mut input: &[u8], out: &mut Vec<u8>, max: usize) -> Result<(), Error> {
        let bits = self.agreed.server_bits.max(MIN_BITS);
        let stream = self
            .stream
            .get_or_insert_with(|| Decompress::new_with_window_bits(false, bits));
        let fault = |what: &str| {
            Err(Error::Deflate {
                what: format!("a compressed message cannot be inflated: {what}"),
            })
        };
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
    fn drain(&mut self, out: &mut Vec<u8>, max: usize) -> Result<(), Error> {
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
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>, max: usize) -> Result<(), Error> {
        if !self.ended {
            self.inflate(&TAIL, out, max)?;
        }
        if let (Some(stream), false) = (&mut self.stream, self.agreed.server_keeps_context && !self.ended) {
            stream.reset(false);
        }
        self.ended = false;
        Ok(())
    }
}

pub(crate) fn too_large(max: usize) -> Error {
    Error::MessageTooLarge {
        what: format!("a message of more than {max} bytes came"),
    }
}

fn advance(before: u64, after: u64) -> usize {
    usize::try_from(after - before).expect("not more than a slice was taken")
}
