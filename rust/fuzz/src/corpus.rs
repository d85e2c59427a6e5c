//! The corpus file: reading, adding, and the escapes of its lines.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

/// The inputs of a file in order.
///
/// # Panics
/// When it cannot be read, or a line has a wrong escape.
pub(crate) fn read(path: &Path) -> Vec<Vec<u8>> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let inputs = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("# "));
    inputs
        .map(|line| unescaped(line).unwrap_or_else(|| panic!("{}: a wrong escape in {line}", path.display())))
        .collect()
}

/// Adds an input unless it is there. A tree that cannot be written to is no further fault: the input is printed, too.
pub(crate) fn add(path: &Path, input: &[u8]) {
    if read(path).iter().any(|known| known == input) {
        return;
    }
    let file = OpenOptions::new().append(true).open(path);
    let _ = file.and_then(|mut file| writeln!(file, "{}", escaped(input)));
}

/// An input as a line.
#[must_use]
pub fn escaped(input: &[u8]) -> String {
    let mut line = String::with_capacity(input.len());
    for &byte in input {
        match byte {
            b'\\' => line.push_str("\\\\"),
            b'\r' => line.push_str("\\r"),
            b'\n' => line.push_str("\\n"),
            b'\t' => line.push_str("\\t"),
            0 => line.push_str("\\0"),
            b' '..=b'~' => line.push(char::from(byte)),
            _ => line.push_str(&format!("\\x{byte:02x}")),
        }
    }
    // Else they would be taken for nothing, and for a comment.
    if line.is_empty() {
        line.push_str("\\-");
    } else if line.starts_with("# ") {
        line.replace_range(..1, "\\x23");
    }
    line
}

/// The input of a line; `None`: a wrong escape.
#[must_use]
pub fn unescaped(line: &str) -> Option<Vec<u8>> {
    let mut input = Vec::with_capacity(line.len());
    let mut rest = line.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            input.push(byte);
            continue;
        }
        input.push(match rest.next()? {
            b'-' => continue,
            b'\\' => b'\\',
            b'r' => b'\r',
            b'n' => b'\n',
            b't' => b'\t',
            b'0' => 0,
            b'x' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            _ => return None,
        });
    }
    Some(input)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_input_survives_its_line() {
        let all: Vec<u8> = (0..=255).collect();
        for input in [&all[..], b"", b"# no comment", b"a\\x"] {
            let line = escaped(input);
            assert!(!line.is_empty() && !line.starts_with("# ") && !line.contains('\n'));
            assert_eq!(unescaped(&line).as_deref(), Some(input));
        }
    }

    #[test]
    fn a_wrong_escape_is_none() {
        for line in ["\\", "\\q", "\\x", "\\x1", "\\xg0"] {
            assert_eq!(unescaped(line), None, "{line}");
        }
    }
}
