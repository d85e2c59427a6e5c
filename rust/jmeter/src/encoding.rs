//! Bytes as people write them in a plan: hex and Base64. Pure.

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
        if digits.len() % 2 != 0 {
            return Err("an odd number of hex digits".to_owned());
        }
        for pair in digits.as_bytes().chunks(2) {
            let value = |digit: u8| char::from(digit).to_digit(16);
            let (Some(high), Some(low)) = (value(pair[0]), value(pair[1])) else {
                return Err("something that is no hex digit".to_owned());
            };
            bytes.push(u8::try_from(high << 4 | low).expect("two hex digits"));
        }
    }
    Ok(bytes)
}

/// Reads Base64, of the usual alphabet or the one for URLs, with or without padding; blanks are passed over (RFC 4648
/// sections 4 and 5).
///
/// # Errors
/// What is wrong, in words.
pub fn base64(text: &[u8]) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut group, mut bits, mut padded) = (0_u32, 0_u32, false);
    for &symbol in text.iter().filter(|symbol| !symbol.is_ascii_whitespace()) {
        let value = match symbol {
            b'A'..=b'Z' => symbol - b'A',
            b'a'..=b'z' => symbol - b'a' + 26,
            b'0'..=b'9' => symbol - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => {
                padded = true;
                continue;
            }
            _ => return Err("something that is no Base64".to_owned()),
        };
        if padded {
            return Err("Base64 that goes on after its end".to_owned());
        }
        group = group << 6 | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(group >> bits & 0xff).expect("eight bits"));
        }
    }
    if bits >= 6 {
        return Err("Base64 that breaks off".to_owned());
    }
    Ok(bytes)
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
            ("Zm8=", b"fo"),
            ("Zm9v\r\nYmFy", b"foobar"),
            ("-_8=", &[0xfb, 0xff]),
            ("+/8=", &[0xfb, 0xff]),
        ] {
            assert_eq!(base64(text.as_bytes()).as_deref(), Ok(bytes), "{text:?}");
        }
        for text in ["Z", "Zg==Zg==", "Z*==", "Zm9vY"] {
            assert!(base64(text.as_bytes()).is_err(), "{text:?}");
        }
    }
}
