//! One frame (RFC 6455 section 5): what heads a server may send, masking, and the payload of a close frame.
//!
//! By hand: tungstenite brings sockets and a random source with its heads, and leaves half of these rules to its caller. Its
//! `WebSocket` knows no permessage-deflate, checks UTF-8 only when a message is whole, and hides sizes, times and fragments.

use crate::{Closed, MessageKind, Violation};

/// Bound of a control frame's payload (RFC 6455 section 5.5).
pub const MAX_CONTROL: usize = 125;

/// No status code was in the close frame (RFC 6455 section 7.4.1); never sent.
pub(crate) const NO_STATUS: u16 = 1005;

// Bits of a head's first byte, and of its second.
const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
const RSV2: u8 = 0x20;
const RSV3: u8 = 0x10;
const MASKED: u8 = 0x80;

/// The head of a frame that may stand here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// `None`: a continuation.
    pub(crate) kind: Option<MessageKind>,
    pub(crate) is_final: bool,
    /// RSV1: the message that begins here is compressed (RFC 7692 section 6).
    pub(crate) is_compressed: bool,
    pub(crate) length: u64,
    /// Bytes of the head itself.
    pub(crate) size: usize,
}

/// The state of the conversation that decides which frame may follow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expects {
    /// A message has begun: the next data frame continues it.
    pub(crate) continuation: bool,
    /// permessage-deflate was agreed on.
    pub(crate) compression: bool,
}

impl Head {
    /// Reads the head that `bytes` begin with; `None` when it is not all there.
    ///
    /// # Errors
    /// A server must not send this, or not here.
    pub(crate) fn read(bytes: &[u8], expects: Expects) -> Result<Option<Head>, Violation> {
        let Some(&first) = bytes.first() else {
            return Ok(None);
        };
        let kind = match first & 15 {
            0 => None,
            1 => Some(MessageKind::Text),
            2 => Some(MessageKind::Binary),
            8 => Some(MessageKind::Close),
            9 => Some(MessageKind::Ping),
            10 => Some(MessageKind::Pong),
            opcode => return fault(format!("unknown opcode {opcode}")),
        };
        let Some(&second) = bytes.get(1) else {
            return Ok(None);
        };
        if second & MASKED != 0 {
            return fault("a masked frame from the server".into());
        }
        if first & (RSV2 | RSV3) != 0 {
            return fault("a reserved bit is set".into());
        }
        let (length, size, shortest) = match (second, bytes) {
            (126, &[_, _, a, b, ..]) => (u64::from(u16::from_be_bytes([a, b])), 4, 126),
            (127, &[_, _, a, b, c, d, e, f, g, h, ..]) => {
                (u64::from_be_bytes([a, b, c, d, e, f, g, h]), 10, 0x1_0000)
            }
            (126 | 127, _) => return Ok(None),
            (short, _) => (u64::from(short), 2, 0),
        };
        if length > i64::MAX as u64 || length < shortest {
            return fault(format!("length {length} is not written in the shortest way"));
        }
        let is_final = first & FIN != 0;
        let is_compressed = first & RSV1 != 0;
        let is_control = kind.is_some_and(MessageKind::is_control);
        if is_control && !is_final {
            return fault("a control frame in fragments".into());
        }
        if is_control && length > MAX_CONTROL as u64 {
            return fault(format!("a control frame of {length} bytes"));
        }
        if is_compressed && (is_control || kind.is_none() || !expects.compression) {
            return fault("RSV1 is set where nothing can be compressed".into());
        }
        match kind {
            None if !expects.continuation => return fault("a continuation of no message".into()),
            Some(kind) if expects.continuation && !kind.is_control() => {
                return fault("a new message within another".into());
            }
            _ => {}
        }
        Ok(Some(Head {
            kind,
            is_final,
            is_compressed,
            length,
            size,
        }))
    }
}

fn fault<T>(what: String) -> Result<T, Violation> {
    Err(Violation::Protocol(what))
}

/// A frame to be written: its head without length and mask.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    /// `None`: a continuation.
    pub(crate) kind: Option<MessageKind>,
    pub(crate) is_final: bool,
    pub(crate) is_compressed: bool,
}

impl Start {
    /// Appends the head of a frame with a payload of `length` bytes, masked with `mask`.
    pub(crate) fn write(self, length: usize, mask: [u8; 4], out: &mut Vec<u8>) {
        let opcode = match self.kind {
            None => 0,
            Some(MessageKind::Text) => 1,
            Some(MessageKind::Binary) => 2,
            Some(MessageKind::Close) => 8,
            Some(MessageKind::Ping) => 9,
            Some(MessageKind::Pong) => 10,
        };
        let fin = if self.is_final { FIN } else { 0 };
        let rsv1 = if self.is_compressed { RSV1 } else { 0 };
        let mut head = [0; 14];
        head[0] = fin | rsv1 | opcode;
        let size = match (u8::try_from(length), u16::try_from(length)) {
            (Ok(short @ 0..=125), _) => {
                head[1] = MASKED | short;
                2
            }
            (_, Ok(middle)) => {
                head[1] = MASKED | 126;
                head[2..4].copy_from_slice(&middle.to_be_bytes());
                4
            }
            _ => {
                head[1] = MASKED | 127;
                head[2..10].copy_from_slice(&(length as u64).to_be_bytes());
                10
            }
        };
        head[size..size + 4].copy_from_slice(&mask);
        out.extend_from_slice(&head[..size + 4]);
    }
}

/// Masks bytes (RFC 6455 section 5.3); the first of them stands at a multiple of four in its payload.
pub(crate) fn apply_mask(bytes: &mut [u8], mask: [u8; 4]) {
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let mut words = bytes.chunks_exact_mut(8);
    for word in &mut words {
        let value = u64::from_ne_bytes(word.try_into().expect("chunks are of eight bytes"));
        word.copy_from_slice(&(value ^ wide).to_ne_bytes());
    }
    for (byte, key) in words.into_remainder().iter_mut().zip(mask.iter().cycle()) {
        *byte ^= key;
    }
}

/// Reads the payload of a close frame.
///
/// # Errors
/// One byte, a code that must not be sent (RFC 6455 section 7.4), or a reason that is not UTF-8.
pub(crate) fn read_close(payload: &[u8]) -> Result<Closed, Violation> {
    let (code, reason) = match payload {
        [] => (NO_STATUS, &[][..]),
        [_] => return fault("a close frame of one byte".into()),
        [high, low, reason @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            // 1004 has no meaning, 1005, 1006 and 1015 never stand in a frame; 1012 to 1014 are in IANA's registry.
            if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
                return fault(format!("close code {code}"));
            }
            (code, reason)
        }
    };
    let reason = std::str::from_utf8(reason)
        .map_err(|error| Violation::Utf8(format!("the reason of close code {code}: {error}")))?;
    Ok(Closed {
        code,
        reason: reason.to_owned(),
    })
}

/// The payload of a close frame; code 0 or 1005: none. There is room for 123 bytes of reason; what is longer is cut at a character.
pub(crate) fn write_close(code: u16, reason: &str) -> Vec<u8> {
    if code == 0 || code == NO_STATUS {
        return Vec::new();
    }
    let mut end = reason.len().min(MAX_CONTROL - 2);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    [&code.to_be_bytes(), &reason.as_bytes()[..end]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Expects = Expects {
        continuation: false,
        compression: false,
    };
    const WITHIN: Expects = Expects {
        continuation: true,
        compression: false,
    };
    const DEFLATE: Expects = Expects {
        continuation: false,
        compression: true,
    };

    #[test]
    fn heads_are_read_or_refused() {
        let long = |length: u64| [&[0x82, 127][..], &length.to_be_bytes()].concat();
        type Read = Result<Option<(u64, usize)>, &'static str>;
        let cases: [(&str, Vec<u8>, Expects, Read); 26] = [
            ("nothing", vec![], FIRST, Ok(None)),
            ("half", vec![0x81], FIRST, Ok(None)),
            ("length to come", vec![0x81, 126, 1], FIRST, Ok(None)),
            ("empty text", vec![0x81, 0], FIRST, Ok(Some((0, 2)))),
            ("126", vec![0x82, 126, 0, 126, 9], FIRST, Ok(Some((126, 4)))),
            ("65536", long(65_536), FIRST, Ok(Some((65_536, 10)))),
            (
                "126, too long a way",
                vec![0x82, 126, 0, 125],
                FIRST,
                Err("shortest"),
            ),
            ("65535, too long a way", long(65_535), FIRST, Err("shortest")),
            ("negative", long(1 << 63), FIRST, Err("shortest")),
            ("masked", vec![0x81, 0x80, 1, 2, 3, 4], FIRST, Err("masked")),
            ("RSV1", vec![0xc1, 0], FIRST, Err("RSV1")),
            ("RSV1 agreed", vec![0xc1, 0], DEFLATE, Ok(Some((0, 2)))),
            ("RSV1 of a ping", vec![0xc9, 0], DEFLATE, Err("RSV1")),
            (
                "RSV1 of a continuation",
                vec![0xc0, 0],
                Expects {
                    continuation: true,
                    ..DEFLATE
                },
                Err("RSV1"),
            ),
            ("RSV2", vec![0xa1, 0], DEFLATE, Err("reserved bit")),
            ("RSV3", vec![0x91, 0], FIRST, Err("reserved bit")),
            ("opcode 3", vec![0x83], FIRST, Err("opcode 3")),
            ("opcode 7", vec![0x87, 0], FIRST, Err("opcode 7")),
            ("opcode 11", vec![0x8b, 0], FIRST, Err("opcode 11")),
            ("opcode 15", vec![0x8f, 0], FIRST, Err("opcode 15")),
            ("ping in fragments", vec![0x09, 0], FIRST, Err("fragments")),
            ("long ping", vec![0x89, 126, 0, 126], FIRST, Err("126 bytes")),
            ("continuation of nothing", vec![0x80, 0], FIRST, Err("no message")),
            ("continuation", vec![0x80, 0], WITHIN, Ok(Some((0, 2)))),
            ("text within", vec![0x81, 0], WITHIN, Err("within")),
            ("ping within", vec![0x89, 0], WITHIN, Ok(Some((0, 2)))),
        ];
        for (name, bytes, expects, expected) in cases {
            match (Head::read(&bytes, expects), expected) {
                (Ok(found), Ok(expected)) => {
                    assert_eq!(found.map(|head| (head.length, head.size)), expected, "{name}");
                }
                (Err(error), Err(part)) => {
                    assert!(
                        matches!(&error, Violation::Protocol(what) if what.contains(part)),
                        "{name}: {error}"
                    );
                }
                (found, _) => panic!("{name}: {found:?}"),
            }
        }
    }

    #[test]
    fn masking_twice_changes_nothing() {
        let mask = [1, 2, 4, 200];
        for length in 0..40_u8 {
            let plain: Vec<u8> = (0..length).collect();
            let mut masked = plain.clone();
            apply_mask(&mut masked, mask);
            let expected: Vec<u8> = plain
                .iter()
                .zip(mask.iter().cycle())
                .map(|(a, b)| a ^ b)
                .collect();
            assert_eq!(masked, expected);
            apply_mask(&mut masked, mask);
            assert_eq!(masked, plain);
        }
    }

    #[test]
    fn close_codes_are_those_that_may_be_sent() {
        let valid = [1000, 1003, 1007, 1011, 1012, 1014, 3000, 3999, 4000, 4999];
        let invalid = [
            0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535,
        ];
        for code in valid {
            let closed = read_close(&write_close(code, "gr\u{fc}n")).unwrap();
            assert_eq!((closed.code, closed.reason.as_str()), (code, "gr\u{fc}n"));
        }
        for code in invalid {
            let error = read_close(&u16::to_be_bytes(code)).unwrap_err();
            assert!(error.to_string().contains(&code.to_string()), "{error}");
        }
        assert_eq!(read_close(&[]).unwrap().code, NO_STATUS);
        assert_eq!(read_close(&[3]).unwrap_err().close_code(), 1002);
        assert_eq!(read_close(&[3, 232, 0xff]).unwrap_err().close_code(), 1007);
    }

    #[test]
    fn a_long_reason_is_cut_at_a_character() {
        let payload = write_close(1000, &"\u{e4}".repeat(100));
        assert_eq!(payload.len(), 2 + 122);
        assert!(read_close(&payload).is_ok());
        assert!(write_close(0, "x").is_empty() && write_close(1005, "x").is_empty());
    }
}
