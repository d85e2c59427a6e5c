//! Makes frames of messages in a buffer that the driver writes out as far as its socket takes it; keeps what it did not take.

use std::borrow::Cow;

use crate::deflate::Deflater;
use crate::frame::{Start, apply_mask};
use crate::{MessageKind, Outgoing};

/// So much is masked and then written at once: it fits into the processor's cache.
const STEP: usize = 64 * 1024;

/// Room that is kept between messages.
const KEPT: usize = 512;

/// Where the keys to mask frames with come from (RFC 6455 section 5.3: nobody can foresee them).
pub type MaskKey = fn() -> [u8; 4];

/// See the file's sentence. A frame cannot be broken off, so what a deadline left goes out before anything else.
#[derive(Debug)]
pub(crate) struct Outbox {
    deflater: Option<Deflater>,
    mask: MaskKey,
    /// Frames, masked; the first `written` bytes were taken.
    bytes: Vec<u8>,
    written: usize,
    /// The newest ping that could not be answered yet (RFC 6455 section 5.5.3: the earlier ones need no answer).
    pong: Option<Vec<u8>>,
}

/// A message on its way into the buffer, piece by piece, so that a large one is never there twice.
#[derive(Debug)]
pub struct Sending<'a> {
    /// Deflated if that was agreed on.
    payload: Cow<'a, [u8]>,
    /// So much of it is in the buffer.
    done: usize,
    /// Bytes a frame.
    fragment: usize,
    /// Of the frame under way; the next one's where it is whole.
    start: Start,
    mask: [u8; 4],
    /// Where the frame under way ends in the payload; `None`: before the first.
    end: Option<usize>,
    wire_bytes: u64,
}

impl Sending<'_> {
    /// Whether all of it is in the buffer.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.end == Some(self.done) && self.done == self.payload.len()
    }

    /// Whether any of it is.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.end.is_some()
    }

    /// Bytes of the frames begun so far, heads included.
    #[must_use]
    pub fn wire_bytes(&self) -> u64 {
        self.wire_bytes
    }
}

impl Outbox {
    pub(crate) fn new(deflater: Option<Deflater>, mask: MaskKey) -> Self {
        Outbox {
            deflater,
            mask,
            bytes: Vec::new(),
            written: 0,
            pong: None,
        }
    }

    /// Whether something still has to go out.
    pub(crate) fn is_waiting(&self) -> bool {
        self.pong.is_some() || self.written < self.bytes.len()
    }

    /// How many bytes still have to go out.
    pub(crate) fn waiting(&self) -> usize {
        self.bytes.len() - self.written
    }

    /// What has to go out next; empty when there is nothing.
    pub(crate) fn unsent(&mut self) -> &[u8] {
        if self.written == self.bytes.len() {
            if let Some(payload) = self.pong.take() {
                self.frame(MessageKind::Pong, &payload);
            }
        }
        &self.bytes[self.written..]
    }

    /// So many bytes of it were taken.
    pub(crate) fn taken(&mut self, count: usize) {
        self.written += count;
        if self.written == self.bytes.len() {
            self.written = 0;
            self.bytes.clear();
        }
    }

    /// Does not keep the room that a large message took: thousands of connections are held open.
    pub(crate) fn trim(&mut self) {
        if self.bytes.is_empty() && self.bytes.capacity() > KEPT {
            self.bytes = Vec::new();
        }
    }

    /// Answers a ping behind what waits.
    pub(crate) fn answer(&mut self, ping: &[u8]) {
        self.pong = Some(ping.to_vec());
    }

    /// Begins a message; the caller has sent all that waited.
    pub(crate) fn begin<'a>(&mut self, message: &Outgoing<'a>) -> Sending<'a> {
        let (payload, is_compressed) = match &mut self.deflater {
            Some(deflater) if !message.kind.is_control() => {
                (Cow::Owned(deflater.deflate(message.payload)), true)
            }
            _ => (Cow::Borrowed(message.payload), false),
        };
        let fragment = match message.fragment {
            Some(most) if !message.kind.is_control() => most.max(1),
            _ => usize::MAX,
        };
        Sending {
            payload,
            done: 0,
            fragment,
            start: Start {
                kind: Some(message.kind),
                is_final: false,
                is_compressed,
            },
            mask: [0; 4],
            end: None,
            wire_bytes: 0,
        }
    }

    /// Puts more of the message into the buffer, until that is worth a write or the message is whole.
    pub(crate) fn fill(&mut self, sending: &mut Sending<'_>) {
        self.fill_to(sending, STEP);
    }

    /// Puts all that is missing of the message into the buffer: it will have to wait there. What no frame was begun for makes a
    /// single one, however short they were to be: millions of heads would take seconds, and the caller's time is up.
    pub(crate) fn keep(&mut self, mut sending: Sending<'_>) {
        sending.fragment = usize::MAX;
        self.fill_to(&mut sending, usize::MAX);
    }

    fn fill_to(&mut self, sending: &mut Sending<'_>, enough: usize) {
        while self.bytes.len() < enough && !sending.is_whole() {
            let length = sending.payload.len();
            let end = match sending.end {
                Some(end) if sending.done < end => end,
                _ => {
                    let end = length.min(sending.done.saturating_add(sending.fragment));
                    sending.start.is_final = end == length;
                    sending.mask = (self.mask)();
                    let before = self.bytes.len();
                    sending
                        .start
                        .write(end - sending.done, sending.mask, &mut self.bytes);
                    let size = self.bytes.len() - before + end - sending.done;
                    sending.wire_bytes += size as u64;
                    sending.start = Start {
                        kind: None,
                        is_compressed: false,
                        is_final: false,
                    };
                    sending.end = Some(end);
                    end
                }
            };
            // A multiple of four, so that the mask goes on where it stopped.
            let piece = (end - sending.done).min(STEP);
            let from = self.bytes.len();
            self.bytes
                .extend_from_slice(&sending.payload[sending.done..sending.done + piece]);
            apply_mask(&mut self.bytes[from..], sending.mask);
            sending.done += piece;
        }
    }

    /// Appends a frame, which is a whole message, behind all that waits, a pong included.
    pub(crate) fn append(&mut self, kind: MessageKind, payload: &[u8]) {
        if let Some(ping) = self.pong.take() {
            self.frame(MessageKind::Pong, &ping);
        }
        self.frame(kind, payload);
    }

    fn frame(&mut self, kind: MessageKind, payload: &[u8]) {
        let start = Start {
            kind: Some(kind),
            is_final: true,
            is_compressed: false,
        };
        let mask = (self.mask)();
        start.write(payload.len(), mask, &mut self.bytes);
        let from = self.bytes.len();
        self.bytes.extend_from_slice(payload);
        apply_mask(&mut self.bytes[from..], mask);
    }

    /// Gives its memory back: nothing more will be sent.
    pub(crate) fn clear(&mut self) {
        *self = Outbox::new(None, self.mask);
    }
}
