//! Makes frames of messages and writes them, as far as the socket takes them; keeps what it did not take.

use std::io::{self, ErrorKind, Write};

use crate::deflate::Deflater;
use crate::frame::{Start, apply_mask};
use crate::wire::Wire;
use crate::{MessageKind, Outgoing};

/// So much is masked and then written at once: it fits into the processor's cache.
const STEP: usize = 64 * 1024;

/// Room that is kept between messages.
const KEPT: usize = 512;

/// See the file's sentence. A frame cannot be broken off, so what a deadline left goes out before anything else.
#[derive(Debug)]
pub(crate) struct Outbox {
    deflater: Option<Deflater>,
    /// Frames, masked; the first `written` bytes were taken.
    bytes: Vec<u8>,
    written: usize,
    /// The newest ping that could not be answered yet (RFC 6455 section 5.5.3: the earlier ones need no answer).
    pong: Option<Vec<u8>>,
}

impl Outbox {
    pub(crate) fn new(deflater: Option<Deflater>) -> Self {
        Outbox {
            deflater,
            bytes: Vec::new(),
            written: 0,
            pong: None,
        }
    }

    /// Whether something still has to go out.
    pub(crate) fn is_waiting(&self, wire: &Wire) -> bool {
        self.pong.is_some() || self.written < self.bytes.len() || wire.is_writing()
    }

    /// Writes what is left from before.
    ///
    /// # Errors
    /// `WouldBlock` at the deadline, and what the socket says.
    pub(crate) fn flush(&mut self, wire: &mut Wire) -> io::Result<()> {
        self.write_out(wire)?;
        if let Some(payload) = self.pong.take() {
            self.frame(control(MessageKind::Pong), &payload);
            self.write_out(wire)?;
        }
        self.trim();
        wire.flush_out()
    }

    /// Answers a ping as soon as the socket takes it.
    pub(crate) fn answer(&mut self, ping: &[u8]) {
        self.pong = Some(ping.to_vec());
    }

    /// Writes one message after all that waits; gives the bytes of its frames.
    ///
    /// # Errors
    /// `WouldBlock` at the deadline: when it came before the message began, nothing of it is kept; else all that was not written.
    pub(crate) fn send(&mut self, message: &Outgoing<'_>, wire: &mut Wire) -> io::Result<u64> {
        self.flush(wire)?;
        let deflated;
        let (mut payload, is_compressed) = match &mut self.deflater {
            Some(deflater) if !message.kind.is_control() => {
                deflated = deflater.deflate(message.payload);
                (deflated.as_slice(), true)
            }
            _ => (message.payload, false),
        };
        let most = match message.fragment {
            Some(most) if !message.kind.is_control() => most.max(1),
            _ => usize::MAX,
        };
        let mut start = Start {
            kind: Some(message.kind),
            is_final: false,
            is_compressed,
        };
        let mut wire_bytes = 0;
        let mut outcome = Ok(());
        loop {
            let (now, later) = payload.split_at(payload.len().min(most));
            start.is_final = later.is_empty();
            wire_bytes += self.head(start, now.len(), |outbox, mask| {
                for piece in now.chunks(STEP) {
                    let from = outbox.bytes.len();
                    outbox.bytes.extend_from_slice(piece);
                    apply_mask(&mut outbox.bytes[from..], mask);
                    if outbox.bytes.len() >= STEP && outcome.is_ok() {
                        outcome = outbox.write_out(wire);
                    }
                }
            });
            if start.is_final || matches!(&outcome, Err(error) if error.kind() != ErrorKind::WouldBlock) {
                break;
            }
            payload = later;
            start = Start {
                kind: None,
                is_compressed: false,
                ..start
            };
        }
        outcome?;
        self.write_out(wire)?;
        self.trim();
        wire.flush_out()?;
        Ok(wire_bytes)
    }

    /// Appends a whole frame.
    fn frame(&mut self, start: Start, payload: &[u8]) {
        self.head(start, payload.len(), |outbox, mask| {
            let from = outbox.bytes.len();
            outbox.bytes.extend_from_slice(payload);
            apply_mask(&mut outbox.bytes[from..], mask);
        });
    }

    /// Appends a head, then what `payload` appends; gives the size of the frame.
    fn head(&mut self, start: Start, length: usize, payload: impl FnOnce(&mut Self, [u8; 4])) -> u64 {
        let mask = rand::random::<u32>().to_ne_bytes();
        let before = self.bytes.len();
        start.write(length, mask, &mut self.bytes);
        let size = self.bytes.len() - before;
        payload(self, mask);
        (size + length) as u64
    }

    fn write_out(&mut self, wire: &mut Wire) -> io::Result<()> {
        while self.written < self.bytes.len() {
            match wire.write(&self.bytes[self.written..])? {
                0 => return Err(ErrorKind::WriteZero.into()),
                taken => self.written += taken,
            }
        }
        self.written = 0;
        self.bytes.clear();
        Ok(())
    }

    /// Does not keep the room that a large message took: thousands of connections are held open.
    fn trim(&mut self) {
        if self.bytes.capacity() > KEPT {
            self.bytes = Vec::new();
        }
    }

    /// Gives its memory back: nothing more will be sent.
    pub(crate) fn clear(&mut self) {
        *self = Outbox::new(None);
    }
}

fn control(kind: MessageKind) -> Start {
    Start {
        kind: Some(kind),
        is_final: true,
        is_compressed: false,
    }
}
