//! Bytes of a file and the text that they stand for, in whatever charset its XML declaration names: there and back without a loss.

use super::Refusal;
use encoding_rs::{DecoderResult, EncoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// How a file's text is written as bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Charset {
    encoding: &'static Encoding,
    bom: &'static [u8],
}

const UTF_8_BOM: &[u8] = b"\xef\xbb\xbf";

impl Charset {
    /// Reads a file's bytes.
    ///
    /// # Errors
    /// A charset that is not known, and bytes that would not come back as they are.
    pub(crate) fn read(bytes: &[u8]) -> Result<(Self, String), Refusal> {
        let charset = Self::of(bytes)?;
        let content = &bytes[charset.bom.len()..];
        let text = charset
            .decoded(content)
            .filter(|text| charset.write(text).is_some_and(|again| again == bytes));
        text.map(|text| (charset, text))
            .ok_or_else(|| Refusal::Bytes(charset.encoding.name()))
    }

    fn of(bytes: &[u8]) -> Result<Self, Refusal> {
        for (bom, encoding) in [
            (UTF_8_BOM, UTF_8),
            (b"\xfe\xff", UTF_16BE),
            (b"\xff\xfe", UTF_16LE),
        ] {
            if bytes.starts_with(bom) {
                return Ok(Self { encoding, bom });
            }
        }
        // XML 1.0, appendix F: the declaration's first characters tell how wide a character is.
        let encoding = match bytes {
            [0, b'<', ..] => UTF_16BE,
            [b'<', 0, ..] => UTF_16LE,
            _ => declared(bytes).map_or(Ok(UTF_8), |label| {
                Encoding::for_label(label).ok_or_else(|| Refusal::Charset(shown(label)))
            })?,
        };
        Ok(Self { encoding, bom: b"" })
    }

    fn decoded(self, bytes: &[u8]) -> Option<String> {
        let mut decoder = self.encoding.new_decoder_without_bom_handling();
        let room = decoder.max_utf8_buffer_length_without_replacement(bytes.len())?;
        let mut text = String::with_capacity(room);
        let (result, _) = decoder.decode_to_string_without_replacement(bytes, &mut text, true);
        matches!(result, DecoderResult::InputEmpty).then_some(text)
    }

    /// The bytes of a text, with the mark in front that the file had; none where the charset lacks a character.
    pub(crate) fn write(self, text: &str) -> Option<Vec<u8>> {
        let mut bytes = self.bom.to_vec();
        // This library reads UTF-16 and does not write it.
        if self.encoding == UTF_16LE {
            bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
        } else if self.encoding == UTF_16BE {
            bytes.extend(text.encode_utf16().flat_map(u16::to_be_bytes));
        } else {
            let mut encoder = self.encoding.new_encoder();
            let room = encoder.max_buffer_length_from_utf8_without_replacement(text.len())?;
            bytes.reserve(room);
            let (result, _) = encoder.encode_from_utf8_to_vec_without_replacement(text, &mut bytes, true);
            if !matches!(result, EncoderResult::InputEmpty) {
                return None;
            }
        }
        Some(bytes)
    }

    /// A new text for this file: outside of Unicode's own forms, all but ASCII becomes references, as readers differ about the rest.
    pub(crate) fn fitting(self, text: &str) -> String {
        if self.encoding == UTF_8 || self.encoding == UTF_16LE || self.encoding == UTF_16BE {
            return text.to_owned();
        }
        let one = |c: char| {
            if c.is_ascii() {
                c.to_string()
            } else {
                format!("&#{};", u32::from(c))
            }
        };
        text.chars().map(one).collect()
    }
}

/// The charset that an XML declaration names.
fn declared(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.iter().take(256).position(|byte| *byte == b'>')?;
    let declaration = bytes[..end].strip_prefix(b"<?xml")?;
    let key = b"encoding";
    let at = declaration.windows(key.len()).position(|part| part == key)?;
    let rest = declaration[at + key.len()..]
        .trim_ascii_start()
        .strip_prefix(b"=")?
        .trim_ascii_start();
    let (quote, rest) = rest.split_first()?;
    let end = rest.iter().position(|byte| byte == quote)?;
    Some(&rest[..end])
}

fn shown(label: &[u8]) -> String {
    String::from_utf8_lossy(label).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_each_charset_wrote_is_read_and_written_again() {
        let text = |charset: &str| format!("<?xml version=\"1.0\" encoding='{charset}'?>\r\n<a>\u{e4}</a>");
        let latin: Vec<u8> = text("ISO-8859-1")
            .chars()
            .map(|c| u8::try_from(u32::from(c)).unwrap())
            .collect();
        let wide =
            |text: &str, bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
        let cases = [
            (text("UTF-8").into_bytes(), text("UTF-8")),
            ([UTF_8_BOM, text("utf-8").as_bytes()].concat(), text("utf-8")),
            (latin, text("ISO-8859-1")),
            (wide(&text("UTF-16"), u16::to_be_bytes), text("UTF-16")),
            (
                [b"\xff\xfe".to_vec(), wide(&text("UTF-16"), u16::to_le_bytes)].concat(),
                text("UTF-16"),
            ),
        ];
        for (bytes, text) in cases {
            let (charset, read) = Charset::read(&bytes).unwrap();
            assert_eq!(read, text);
            assert_eq!(charset.write(&read).unwrap(), bytes);
        }
    }

    #[test]
    fn a_character_that_the_charset_may_lack_becomes_a_reference() {
        let (charset, _) = Charset::read(b"<?xml version='1.0' encoding='us-ascii'?><a/>").unwrap();
        assert_eq!(charset.fitting("a\u{20ac}\u{3a9}"), "a&#8364;&#937;");
    }

    #[test]
    fn bytes_that_would_not_come_back_are_refused() {
        for bytes in [
            &b"<a>\xff</a>"[..],
            b"<?xml version='1.0' encoding='shift_jis'?>\x82",
            b"\xff\xfe<\0a",
        ] {
            assert!(
                matches!(Charset::read(bytes), Err(Refusal::Bytes(_))),
                "{bytes:?}"
            );
        }
        let unknown = Charset::read(b"<?xml version='1.0' encoding='klingon'?><a/>");
        assert!(matches!(unknown, Err(Refusal::Charset(name)) if name == "klingon"));
    }
}
