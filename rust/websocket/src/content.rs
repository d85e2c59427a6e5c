//! The body of an answer as it is meant: content codings (RFC 9110 section 8.4) undone, to a bound. No I/O.

use std::io::Read;

use brotli_decompressor::Decompressor;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use crate::Answer;

/// How much of a body is kept, before and after its codings are undone.
pub(crate) const MAX_BODY: usize = 64 * 1024;

/// More codings than this on top of each other are no server's, but somebody's joke.
const MOST_CODINGS: usize = 4;

/// The working buffer of the brotli decoder; its window comes on top, of the size that the sender names.
const BROTLI_BUFFER: usize = 4096;

/// Undoes what `Content-Encoding` names, the last coding first. What cannot be undone, or is not known, stays as it came; of a
/// body that is damaged or cut what came out until then is kept, and it counts as cut.
pub(crate) fn decode(answer: &mut Answer) {
    let codings: Vec<String> = answer
        .header("content-encoding")
        .flat_map(|value| value.split(','))
        .map(|coding| coding.trim().to_ascii_lowercase())
        .filter(|coding| !coding.is_empty() && coding != "identity")
        .collect();
    if codings.len() > MOST_CODINGS {
        return;
    }
    for coding in codings.iter().rev() {
        let Some((plain, is_whole)) = inflate(coding, &answer.body) else {
            return;
        };
        answer.body = plain;
        answer.body_cut |= !is_whole;
    }
}

/// At most [`MAX_BODY`] bytes, and whether that is all; `None`: nothing came out.
fn inflate(coding: &str, body: &[u8]) -> Option<(Vec<u8>, bool)> {
    let mut reader: Box<dyn Read + '_> = match coding {
        "gzip" | "x-gzip" => Box::new(MultiGzDecoder::new(body)),
        // The name means zlib, and many mean the bare stream (RFC 9110 section 8.4.1.2).
        "deflate" if is_zlib(body) => Box::new(ZlibDecoder::new(body)),
        "deflate" => Box::new(DeflateDecoder::new(body)),
        "br" => Box::new(Decompressor::new(body, BROTLI_BUFFER)),
        _ => return None,
    };
    let mut plain = Vec::new();
    let bound = MAX_BODY as u64 + 1;
    // What was read before an error stays in the buffer.
    let done = reader.by_ref().take(bound).read_to_end(&mut plain);
    if done.is_err() && plain.is_empty() {
        return None;
    }
    let is_whole = done.is_ok() && plain.len() <= MAX_BODY;
    plain.truncate(MAX_BODY);
    Some((plain, is_whole))
}

/// RFC 1950 section 2.2: method 8, and the first two bytes are a multiple of 31.
fn is_zlib(body: &[u8]) -> bool {
    matches!(body, [method, flags, ..] if method & 15 == 8 && u16::from_be_bytes([*method, *flags]) % 31 == 0)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    const TEXT: &[u8] = br#"{"retryAfter":7}"#;
    /// [`TEXT`], by the reference implementation.
    const BROTLI: &[u8] = &[
        139, 7, 128, 123, 34, 114, 101, 116, 114, 121, 65, 102, 116, 101, 114, 34, 58, 55, 125, 3,
    ];

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(plain: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn bare(plain: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn decoded(codings: &[&str], body: &[u8]) -> (Vec<u8>, bool) {
        let lines: String = codings
            .iter()
            .map(|coding| format!("Content-Encoding: {coding}\r\n"))
            .collect();
        let mut answer = crate::answer::parse(format!("HTTP/1.1 429 x\r\n{lines}\r\n").as_bytes()).unwrap();
        answer.body = body.to_vec();
        decode(&mut answer);
        (answer.body, answer.body_cut)
    }

    #[test]
    fn each_coding_is_undone() {
        let twice = gzip(&zlib(TEXT));
        let cases: [(&[&str], &[u8]); 8] = [
            (&[], TEXT),
            (&["gzip"], &gzip(TEXT)),
            (&["X-GZIP"], &gzip(TEXT)),
            (&["deflate"], &zlib(TEXT)),
            (&["deflate"], &bare(TEXT)),
            (&["br"], BROTLI),
            (&["deflate, gzip"], &twice),
            (&["deflate", "identity, gzip"], &twice),
        ];
        for (codings, body) in cases {
            assert_eq!(decoded(codings, body), (TEXT.to_vec(), false), "{codings:?}");
        }
    }

    #[test]
    fn what_cannot_be_undone_stays() {
        for coding in [
            "gzip",
            "br",
            "zstd",
            "deflate, deflate, deflate, deflate, deflate",
        ] {
            let garbage = b"\xff\xfe not coded at all";
            assert_eq!(decoded(&[coding], garbage), (garbage.to_vec(), false), "{coding}");
        }
        assert_eq!(decoded(&["gzip"], b""), (Vec::new(), false));
    }

    #[test]
    fn a_bomb_is_cut_and_a_cut_body_gives_what_it_has() {
        let bomb = gzip(&vec![b'x'; 50 << 20]);
        assert_eq!(decoded(&["gzip"], &bomb), (vec![b'x'; MAX_BODY], true));
        let text: Vec<u8> = (0..20_000_u32).flat_map(|n| n.to_string().into_bytes()).collect();
        let whole = gzip(&text);
        let (begin, cut) = decoded(&["gzip"], &whole[..whole.len() / 2]);
        assert!(
            cut && begin.len() > 100 && text.starts_with(&begin),
            "{}",
            begin.len()
        );
    }
}
