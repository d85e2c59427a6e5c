//! A file's bytes as text, whatever wrote them: packed, in another encoding, with what no text may have.

use crate::{LARGEST, Refusal};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use flate2::read::MultiGzDecoder;
use std::borrow::Cow;
use std::io::Read;

const GZIP: &[u8] = b"\x1f\x8b";

/// The text of a file.
///
/// # Errors
/// A packed one that is broken, or too large.
pub(crate) fn of(bytes: &[u8]) -> Result<Cow<'_, str>, Refusal> {
    if !bytes.starts_with(GZIP) {
        return Ok(decoded(bytes));
    }
    let mut unpacked = Vec::new();
    let read = MultiGzDecoder::new(bytes)
        .take(LARGEST + 1)
        .read_to_end(&mut unpacked);
    match read {
        Err(error) => Err(Refusal::NoHar(format!(
            "it is packed, and cannot be unpacked: {error}"
        ))),
        Ok(size) if size as u64 > LARGEST => Err(Refusal::TooLarge),
        Ok(_) => Ok(Cow::Owned(decoded(&unpacked).into_owned())),
    }
}

/// As its first bytes say: a mark of its encoding, or a brace with a zero beside it (some shells write what they redirect so).
fn decoded(bytes: &[u8]) -> Cow<'_, str> {
    let encoding = match bytes {
        [b'{', 0, ..] => UTF_16LE,
        [0, b'{', ..] => UTF_16BE,
        _ => Encoding::for_bom(bytes).map_or(UTF_8, |(encoding, _)| encoding),
    };
    encoding.decode(bytes).0
}

/// JSON with U+FFFD for each half of a surrogate pair that stands alone: browsers write such halves, which no text can have.
pub(crate) fn whole(json: &str) -> String {
    let mut whole = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        whole.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = match (unit(rest), rest.get(6..).and_then(unit)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(0xd800..=0xdfff), _) => {
                whole.push_str("\\ufffd");
                rest = &rest[6..];
                continue;
            }
            (Some(_), _) => 6,
            // The backslash and what it stands before.
            (None, _) => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
        };
        whole.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    whole + rest
}

/// The number of the `\uXXXX` that a text begins with.
fn unit(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u32::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_that_stand_alone_are_replaced_and_nothing_else() {
        for (json, whole_one) in [
            (r#""\ud83d x""#, r#""\ufffd x""#),
            (r#""\udc00\ud83d\ude00\ud83d""#, r#""\ufffd\ud83d\ude00\ufffd""#),
            (r#""\\ud83d \n é \u00e9""#, r#""\\ud83d \n é \u00e9""#),
            (r#""\u12""#, r#""\u12""#),
            ("\"\\", "\"\\"),
            ("\\é", "\\é"),
        ] {
            assert_eq!(whole(json), whole_one);
        }
    }
}
