//! Bytes as people write them in a plan: hex and Base64, with the blanks, marks and paddings that people leave in or out. Pure.

use std::sync::LazyLock;

use data_encoding::{DecodeKind, Encoding, HEXLOWER_PERMISSIVE, Specification};

/// Reads pairs of hex digits; blanks may stand anywhere between pairs, and `0x` before one.
///
/// # Errors
/// What is wrong, in words.
pub fn hex(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(text.len() / 2);
    for word in text.split_whitespace() {
        let digits = word
            .strip_prefix("0x")
            .or_else(|| word.strip_prefix("0X"))
            .unwrap_or(word);
        let read = HEXLOWER_PERMISSIVE.decode(digits.as_bytes());
        bytes.extend(read.map_err(|error| match error.kind {
            DecodeKind::Length => "an odd number of hex digits".to_owned(),
            _ => "something that is no hex digit".to_owned(),
        })?);
    }
    Ok(bytes)
}

/// Both alphabets, without padding; bits left over at the end are passed over, as most readers do.
static BASE64: LazyLock<Encoding> = LazyLock::new(|| {
    let mut both = Specification::new();
    both.symbols
        .push_str("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    both.translate.from.push_str("-_");
    both.translate.to.push_str("+/");
    both.check_trailing_bits = false;
    both.encoding().expect("64 symbols, and two more for two of them")
});

/// Reads Base64, of the usual alphabet or the one for URLs, with or without padding; blanks are passed over (RFC 4648
/// sections 4 and 5).
///
/// # Errors
/// What is wrong, in words.
pub fn base64(text: &[u8]) -> Result<Vec<u8>, String> {
    let mut symbols: Vec<u8> = text.to_vec();
    symbols.retain(|symbol| !symbol.is_ascii_whitespace());
    let padding = symbols.iter().rev().take_while(|symbol| **symbol == b'=').count();
    symbols.truncate(symbols.len() - padding);
    BASE64.decode(&symbols).map_err(|error| match error.kind {
        DecodeKind::Length => "Base64 that breaks off".to_owned(),
        _ if symbols.get(error.position) == Some(&b'=') => "Base64 that goes on after its end".to_owned(),
        _ => "something that is no Base64".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_read_with_blanks_and_marks() {
        for (text, bytes) in [
            ("", &[][..]),
            ("00fF10", &[0, 255, 16]),
            ("0x01 0X02\n03", &[1, 2, 3]),
            (" dead beef ", &[0xde, 0xad, 0xbe, 0xef]),
        ] {
            assert_eq!(hex(text).as_deref(), Ok(bytes), "{text:?}");
        }
        for text in ["0", "abc", "0x1", "zz", "1 2", "é0"] {
            assert!(hex(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn base64_is_read_in_both_alphabets() {
        for (text, bytes) in [
            ("", &b""[..]),
            ("Zg==", b"f"),
            ("Zg", b"f"),
            ("Zh", b"f"),
            ("Zm8=", b"fo"),
            ("Zm9v\r\nYmFy", b"foobar"),
            ("-_8=", &[0xfb, 0xff]),
            ("+/8=", &[0xfb, 0xff]),
        ] {
            assert_eq!(base64(text.as_bytes()).as_deref(), Ok(bytes), "{text:?}");
        }
        for (text, wrong) in [
            ("Z", "breaks off"),
            ("Zm9vY", "breaks off"),
            ("Zg==Zg==", "goes on after its end"),
            ("Z*==", "no Base64"),
        ] {
            let error = base64(text.as_bytes()).unwrap_err();
            assert!(error.contains(wrong), "{text:?}: {error}");
        }
    }
}
