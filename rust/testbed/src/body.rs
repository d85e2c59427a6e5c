//! Reads a request's body and forgets it: nobody here wants it, but the next request stands behind it.

use crate::request::{Body, Refused};
use httparse::{Status, parse_chunk_size};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The largest body that is read.
const LARGEST_BODY: u64 = 16 << 20;
/// The largest line of a chunk's size, and the largest trailer section.
const LARGEST_LINE: usize = 8 * 1024;
/// What is read at a time.
const PIECE: usize = 8 * 1024;

/// Why a body has no end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The peer left within it.
    Left,
    /// It is none, or too large.
    Refused(Refused),
}

impl Body {
    /// Whether there is nothing to read.
    pub(crate) fn is_empty(self) -> bool {
        self == Self::Length(0)
    }

    /// Refuses a body that says itself that it is too large.
    pub(crate) fn check(self) -> Result<(), Refused> {
        match self {
            Self::Length(length) if length > LARGEST_BODY => Err(too_large()),
            _ => Ok(()),
        }
    }
}

fn too_large() -> Refused {
    Refused {
        status: 413,
        why: "the request's body is larger than 16 MiB",
    }
}

/// Reads the body to its end and gives its length. `buffer` has what came with the head, then what stands behind the body.
pub(crate) async fn skip<S>(stream: &mut S, buffer: &mut Vec<u8>, body: Body) -> Result<u64, Trouble>
where
    S: AsyncRead + Unpin,
{
    body.check().map_err(Trouble::Refused)?;
    match body {
        Body::Length(length) => {
            skip_bytes(stream, buffer, length).await?;
            Ok(length)
        }
        Body::Chunked => skip_chunks(stream, buffer).await,
    }
}

async fn skip_chunks<S>(stream: &mut S, buffer: &mut Vec<u8>) -> Result<u64, Trouble>
where
    S: AsyncRead + Unpin,
{
    let mut total = 0_u64;
    loop {
        let size = chunk_size(stream, buffer).await?;
        if size == 0 {
            skip_trailers(stream, buffer).await?;
            return Ok(total);
        }
        total = total.saturating_add(size);
        if total > LARGEST_BODY {
            return Err(Trouble::Refused(too_large()));
        }
        skip_bytes(stream, buffer, size).await?;
        while buffer.len() < 2 {
            more(stream, buffer).await?;
        }
        if !buffer.starts_with(b"\r\n") {
            return Err(bad(
                "a chunk does not end where its size says (RFC 9112 section 7.1)",
            ));
        }
        buffer.drain(..2);
    }
}

async fn chunk_size<S>(stream: &mut S, buffer: &mut Vec<u8>) -> Result<u64, Trouble>
where
    S: AsyncRead + Unpin,
{
    loop {
        match parse_chunk_size(buffer) {
            Ok(Status::Complete((length, size))) => {
                buffer.drain(..length);
                return Ok(size);
            }
            Ok(Status::Partial) if buffer.len() < LARGEST_LINE => more(stream, buffer).await?,
            Ok(Status::Partial) | Err(_) => return Err(bad("a chunk has no size (RFC 9112 section 7.1)")),
        }
    }
}

/// Reads up to and with the empty line behind the last chunk.
async fn skip_trailers<S>(stream: &mut S, buffer: &mut Vec<u8>) -> Result<(), Trouble>
where
    S: AsyncRead + Unpin,
{
    let mut read = 0;
    loop {
        let Some(end) = buffer.windows(2).position(|bytes| bytes == b"\r\n") else {
            if read + buffer.len() > LARGEST_LINE {
                return Err(bad("the trailers are larger than 8 KiB"));
            }
            more(stream, buffer).await?;
            continue;
        };
        buffer.drain(..end + 2);
        read += end + 2;
        if end == 0 {
            return Ok(());
        }
        if read > LARGEST_LINE {
            return Err(bad("the trailers are larger than 8 KiB"));
        }
    }
}

async fn skip_bytes<S>(stream: &mut S, buffer: &mut Vec<u8>, mut count: u64) -> Result<(), Trouble>
where
    S: AsyncRead + Unpin,
{
    loop {
        let here = usize::try_from(count).map_or(buffer.len(), |count| count.min(buffer.len()));
        buffer.drain(..here);
        count -= here as u64;
        if count == 0 {
            return Ok(());
        }
        more(stream, buffer).await?;
    }
}

async fn more<S>(stream: &mut S, buffer: &mut Vec<u8>) -> Result<(), Trouble>
where
    S: AsyncRead + Unpin,
{
    buffer.reserve(PIECE);
    match stream.read_buf(buffer).await {
        Ok(0) | Err(_) => Err(Trouble::Left),
        Ok(_) => Ok(()),
    }
}

fn bad(why: &'static str) -> Trouble {
    Trouble::Refused(Refused::bad(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The outcome and what is left behind the body, when it comes byte by byte and when it comes at once.
    fn skipped(body: Body, bytes: &[u8]) -> (Result<u64, Trouble>, Vec<u8>) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut outcomes = (0..=bytes.len()).map(|with_the_head| {
            let mut buffer = bytes[..with_the_head].to_vec();
            let mut rest = &bytes[with_the_head..];
            let outcome = runtime.block_on(skip(&mut rest, &mut buffer, body));
            buffer.extend(rest);
            (outcome, buffer)
        });
        let first = outcomes.next().unwrap();
        for other in outcomes {
            assert_eq!(other, first);
        }
        first
    }

    #[test]
    fn a_body_ends_where_it_says_and_the_next_request_stays() {
        for (body, bytes, length) in [
            (Body::Length(0), "GET", 0),
            (Body::Length(5), "helloGET", 5),
            (Body::Chunked, "0\r\n\r\nGET", 0),
            (
                Body::Chunked,
                "5;note=x\r\nhello\r\nA\r\n0123456789\r\n0\r\n\r\nGET",
                15,
            ),
            (Body::Chunked, "1\r\nx\r\n0\r\nDigest: y\r\nA: b\r\n\r\nGET", 1),
        ] {
            assert_eq!(
                skipped(body, bytes.as_bytes()),
                (Ok(length), b"GET".to_vec()),
                "{bytes}"
            );
        }
    }

    #[test]
    fn a_body_that_is_none_or_too_large_is_refused() {
        let status = |outcome: Result<u64, Trouble>| match outcome {
            Err(Trouble::Refused(refused)) => Some(refused.status),
            Err(Trouble::Left) => None,
            Ok(length) => panic!("{length}"),
        };
        for (body, bytes, expected) in [
            (Body::Length(LARGEST_BODY + 1), "", Some(413)),
            (Body::Length(u64::MAX), "", Some(413)),
            (Body::Chunked, "1000001\r\n", Some(413)),
            (Body::Chunked, "ffffffffffffffff\r\n", Some(413)),
            (Body::Chunked, "x\r\n", Some(400)),
            (Body::Chunked, "1\r\nxy0\r\n\r\n", Some(400)),
            (Body::Length(4), "abc", None),
            (Body::Chunked, "5\r\nab", None),
            (Body::Chunked, "0\r\n", None),
        ] {
            assert_eq!(status(skipped(body, bytes.as_bytes()).0), expected, "{bytes}");
        }
        let endless = format!("0\r\n{}", "A: b\r\n".repeat(LARGEST_LINE / 6 + 1));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let outcome = runtime.block_on(skip(&mut endless.as_bytes(), &mut Vec::new(), Body::Chunked));
        assert_eq!(status(outcome), Some(400));
    }
}
