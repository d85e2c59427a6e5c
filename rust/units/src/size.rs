//! Sizes in bytes as people write them; the units are binary, as for memory.

/// The largest size that any setting takes: what one WebSocket message may be on a 32-bit machine.
pub const LARGEST: u64 = 2 << 30;

/// What a size may look like, for error messages.
pub const SIZE_FORMS: &str = "bytes (65536) or a whole number with a unit: k, M, G (64k, 16M), up to 2G";

/// Why a text is no size. The message repeats no input: the caller names key and value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SizeError {
    /// Not a whole number with an optional unit.
    #[error("not a size")]
    Form,
    /// Above [`LARGEST`].
    #[error("larger than 2G")]
    TooLarge,
}

/// Reads a size. A bare number counts bytes; k, M and G are 1024, 1024^2 and 1024^3 bytes, with or without `B` or `iB` behind.
///
/// # Errors
/// Anything else than a whole number with one of the units; more than [`LARGEST`].
pub fn parse_size(text: &str) -> Result<u64, SizeError> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    if digits.is_empty() {
        return Err(SizeError::Form);
    }
    let each: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        _ => return Err(SizeError::Form),
    };
    // Only digits are left, so what does not parse is too long.
    let number: u64 = digits.parse().map_err(|_| SizeError::TooLarge)?;
    number
        .checked_mul(each)
        .filter(|size| *size <= LARGEST)
        .ok_or(SizeError::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_form() {
        for (text, bytes) in [
            ("0", 0),
            ("65536", 65_536),
            (" 64k ", 65_536),
            ("64 KB", 65_536),
            ("16M", 16 << 20),
            ("16MiB", 16 << 20),
            ("2G", LARGEST),
            ("12b", 12),
        ] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_size() {
        for (text, why) in [
            ("", SizeError::Form),
            ("k", SizeError::Form),
            ("-1", SizeError::Form),
            ("1.5M", SizeError::Form),
            ("many", SizeError::Form),
            ("1T", SizeError::Form),
            ("3G", SizeError::TooLarge),
            ("99999999999999999999999", SizeError::TooLarge),
            ("18446744073709551615k", SizeError::TooLarge),
        ] {
            assert_eq!(parse_size(text), Err(why), "{text}");
        }
    }
}
