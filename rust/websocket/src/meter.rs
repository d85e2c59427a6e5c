//! The stream under hyper: sends the request's head as we wrote it, counts and times the bytes, keeps the raw answer's head.

use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;
use tokio_rustls::client::TlsStream;

use crate::answer;
use crate::tcp::Socket;

/// Bound of all heads of an answer together, interim ones (1xx) included.
pub(crate) const MAX_HEAD: usize = 128 * 1024;

/// What the upgrade is spoken over.
#[derive(Debug)]
pub(crate) enum Io {
    Plain(Socket),
    Tls(Box<TlsStream<Socket>>),
}

/// See the file's sentence. hyper turns header names to lower case, sorts repeats together and renames reasons; so it gets a
/// request without headers to write, and the head that the user is shown goes out in its place.
#[derive(Debug)]
pub(crate) struct Meter {
    io: Io,
    request: Vec<u8>,
    written: usize,
    /// The request was written, or cannot be.
    asked: bool,
    waiting: Option<Waker>,
    raw: Vec<u8>,
    searched: usize,
    head: Option<Range<usize>>,
    received: usize,
    /// When the whole request was handed to the socket.
    pub(crate) sent_at: Option<Instant>,
    /// When the first byte of the answer came.
    pub(crate) head_at: Option<Instant>,
    /// The peer ended its side.
    pub(crate) ended: bool,
    /// The heads are longer than [`MAX_HEAD`].
    pub(crate) too_large: bool,
    /// The first error of the socket, of reading or of writing.
    pub(crate) error: Option<io::Error>,
}

impl Meter {
    pub(crate) fn new(io: Io, request: Vec<u8>) -> Self {
        Meter {
            io,
            request,
            written: 0,
            asked: false,
            waiting: None,
            raw: Vec::new(),
            searched: 0,
            head: None,
            received: 0,
            sent_at: None,
            head_at: None,
            ended: false,
            too_large: false,
            error: None,
        }
    }

    /// Bytes of the request that were written.
    pub(crate) fn sent_bytes(&self) -> usize {
        self.written
    }

    /// The raw head of the final answer, once it is whole.
    pub(crate) fn head(&self) -> Option<&[u8]> {
        self.head.clone().map(|range| &self.raw[range])
    }

    /// Bytes read after the head.
    pub(crate) fn body_bytes(&self) -> usize {
        self.head.as_ref().map_or(0, |head| self.received - head.end)
    }

    /// What came of an answer whose head is not whole.
    pub(crate) fn unfinished(&self) -> &[u8] {
        &self.raw
    }

    pub(crate) fn into_inner(self) -> Io {
        self.io
    }

    /// After a 101 the bytes are not HTTP any more: hyper would read ahead for nothing.
    fn is_upgraded(&self) -> bool {
        self.head().and_then(answer::status) == Some(101)
    }

    /// Takes note of bytes read; `raw` holds all up to the end of the final head.
    fn note(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.received += bytes.len();
        if self.head.is_some() {
            return Ok(());
        }
        self.raw.extend_from_slice(bytes);
        while let Some(end) = answer::head_end(&self.raw, self.searched) {
            let head = self.searched..end;
            let interim = answer::status(&self.raw[head.clone()])
                .is_some_and(|status| (100..200).contains(&status) && status != 101);
            if !interim {
                self.raw.truncate(end);
                self.head = Some(head);
                return Ok(());
            }
            self.searched = end;
        }
        if self.raw.len() >= MAX_HEAD {
            self.too_large = true;
            return Err(io::Error::other("the head of the answer is too large"));
        }
        Ok(())
    }

    fn fail(&mut self, error: io::Error) {
        self.error.get_or_insert(error);
    }

    fn poll_request(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.request.len() {
            let rest = &self.request[self.written..];
            self.written += ready!(Pin::new(&mut self.io).poll_write(cx, rest))?;
        }
        Pin::new(&mut self.io).poll_flush(cx)
    }
}

impl AsyncRead for Meter {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.asked || this.is_upgraded() {
            // hyper takes an answer that is there before the request for an error; servers that refuse at accept do that.
            this.waiting = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let before = buf.filled().len();
        if let Err(error) = ready!(Pin::new(&mut this.io).poll_read(cx, buf)) {
            let for_hyper = error.kind().into();
            this.fail(error);
            return Poll::Ready(Err(for_hyper));
        }
        let bytes = &buf.filled()[before..];
        if bytes.is_empty() {
            this.ended = true;
        } else {
            this.head_at.get_or_insert_with(Instant::now);
        }
        Poll::Ready(this.note(bytes))
    }
}

impl AsyncWrite for Meter {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if !this.asked {
            match ready!(this.poll_request(cx)) {
                Ok(()) => this.sent_at = Some(Instant::now()),
                // A peer that answered and went away makes the write fail, but its answer can still be read.
                Err(error) => this.fail(error),
            }
            this.asked = true;
            if let Some(waker) = this.waiting.take() {
                waker.wake();
            }
        }
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Io {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Io::Plain(socket) => Pin::new(socket).poll_read(cx, buf),
            Io::Tls(stream) => Pin::new(stream.as_mut()).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Io {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Io::Plain(socket) => Pin::new(socket).poll_write(cx, buf),
            Io::Tls(stream) => Pin::new(stream.as_mut()).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Io::Plain(socket) => Pin::new(socket).poll_flush(cx),
            Io::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Io::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            Io::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
        }
    }
}
