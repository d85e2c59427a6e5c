//! Puts messages together from the bytes that came: fragments with control frames between them, inflated, text checked as it
//! comes, all within bounds.

use std::time::Instant;

use crate::deflate::{Inflater, too_large};
use crate::frame::{Expects, Head, read_close};
use crate::{MessageKind, Received, Violation};

/// Allocated for each connection, so small: thousands are held open.
const BUFFER: usize = 4 * 1024;

/// While a large compressed message comes.
const LARGE_BUFFER: usize = 64 * 1024;

/// How much memory a mere announcement gets; then it doubles as the bytes come.
const FIRST_ROOM: usize = 1024 * 1024;

/// The most frames of one message. An empty continuation adds nothing to its size, and so would never end.
const MAX_FRAMES: u32 = 1 << 20;

/// How much one look at a connection may take from a peer that sends without end.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Frames to begin.
    pub frames: u32,
    /// Bytes to read; one read may go beyond.
    pub bytes: usize,
}

impl Budget {
    /// For who waits for a message until a deadline: that bounds the work.
    pub const UNBOUNDED: Budget = Budget {
        frames: u32::MAX,
        bytes: usize::MAX,
    };

    /// For a look at one of many connections: no more than a message of usual size, or some hundred small ones.
    pub const LOOK: Budget = Budget {
        frames: 512,
        bytes: 256 * 1024,
    };

    /// Whether it is used up: there may be more than was looked at.
    #[must_use]
    pub const fn is_spent(&self) -> bool {
        self.frames == 0 || self.bytes == 0
    }
}

/// See the file's sentence. [`Inbox::next`] says what there is; when there is nothing, the caller reads into [`Inbox::space`] and
/// tells [`Inbox::filled`].
#[derive(Debug)]
pub(crate) struct Inbox {
    max_message: usize,
    inflater: Option<Inflater>,
    /// Made by the first read. Only `start..end` are bytes that came.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// When the newest bytes were read, and when the first of a head was that is not whole yet.
    read_at: Instant,
    head_began: Option<Instant>,
    /// The frame whose payload comes now, and how much of it is missing.
    frame: Option<(Head, u64)>,
    /// The control frame and the message under way.
    control: Option<Part>,
    message: Option<Part>,
}

#[derive(Debug)]
struct Part {
    kind: MessageKind,
    is_compressed: bool,
    /// Only the first `filled` bytes came; the rest is room for a read.
    payload: Vec<u8>,
    filled: usize,
    /// So many of them are known to be UTF-8.
    checked: usize,
    first_byte: Instant,
    wire_bytes: u64,
    frames: u32,
}

impl Inbox {
    /// `leftover` came behind the 101, at `at`.
    pub(crate) fn new(
        max_message: usize,
        inflater: Option<Inflater>,
        leftover: Vec<u8>,
        at: Instant,
    ) -> Self {
        Inbox {
            max_message,
            inflater,
            end: leftover.len(),
            buffer: leftover,
            start: 0,
            read_at: at,
            head_began: None,
            frame: None,
            control: None,
            message: None,
        }
    }

    /// The next message or control frame, if it is whole and the budget's frames suffice.
    ///
    /// # Errors
    /// Nothing can be read after that.
    #[inline]
    pub(crate) fn next(&mut self, budget: &mut Budget) -> Result<Option<Received>, Violation> {
        // Two of three questions an exchange: before its look, and before it waits.
        if self.is_empty() {
            return Ok(None);
        }
        self.read_on(budget)
    }

    /// Nothing is there, nor under way but for fragments.
    fn is_empty(&self) -> bool {
        self.start == self.end && self.frame.is_none()
    }

    fn read_on(&mut self, budget: &mut Budget) -> Result<Option<Received>, Violation> {
        loop {
            let Some((head, missing)) = self.frame else {
                if budget.frames == 0 || !self.begin_frame()? {
                    return Ok(None);
                }
                budget.frames -= 1;
                continue;
            };
            if missing > 0 {
                if self.start == self.end {
                    return Ok(None);
                }
                self.take_buffered(missing)?;
                continue;
            }
            self.frame = None;
            if head.kind.is_some_and(MessageKind::is_control) {
                let part = self.control.take().expect("a control frame has begun");
                return self.finish(part).map(Some);
            }
            if head.is_final {
                let part = self.message.take().expect("a message has begun");
                return self.finish(part).map(Some);
            }
        }
    }

    /// Reads a head from the buffer; false when it is not whole.
    fn begin_frame(&mut self) -> Result<bool, Violation> {
        if self.start == self.end {
            return Ok(false);
        }
        let expects = Expects {
            continuation: self.message.is_some(),
            compression: self.inflater.is_some(),
        };
        let Some(head) = Head::read(&self.buffer[self.start..self.end], expects)? else {
            self.head_began.get_or_insert(self.read_at);
            return Ok(false);
        };
        self.start += head.size;
        let began = self.head_began.take().unwrap_or(self.read_at);
        let part = match head.kind {
            None => self
                .message
                .as_mut()
                .expect("a continuation was only allowed then"),
            Some(kind) => {
                let slot = if kind.is_control() {
                    &mut self.control
                } else {
                    &mut self.message
                };
                slot.insert(Part::new(kind, head.is_compressed, began))
            }
        };
        part.wire_bytes += head.size as u64 + head.length;
        part.frames += 1;
        if part.frames > MAX_FRAMES {
            return Err(Violation::TooLarge(format!(
                "a message of more than {MAX_FRAMES} frames came"
            )));
        }
        // Each deflated byte may be an empty block, so the wire has a bound of its own.
        let (bound, so_far) = if part.is_compressed {
            (self.max_message.saturating_add(LARGE_BUFFER), part.wire_bytes)
        } else {
            (self.max_message, part.filled as u64 + head.length)
        };
        if !part.kind.is_control() && so_far > bound as u64 {
            return Err(too_large(self.max_message));
        }
        if !part.is_compressed {
            let length = usize::try_from(head.length).map_err(|_| too_large(self.max_message))?;
            part.payload.truncate(part.filled);
            part.payload.reserve_exact(length.min(FIRST_ROOM));
        }
        self.frame = Some((head, head.length));
        Ok(true)
    }

    /// Moves what the buffer has of the frame's payload to where it belongs.
    fn take_buffered(&mut self, missing: u64) -> Result<(), Violation> {
        let there = self.end - self.start;
        let taken = usize::try_from(missing).map_or(there, |missing| missing.min(there));
        let bytes = &self.buffer[self.start..self.start + taken];
        self.start += taken;
        let part = current(self.frame, &mut self.control, &mut self.message);
        part.payload.truncate(part.filled);
        match &mut self.inflater {
            Some(inflater) if part.is_compressed => {
                inflater.inflate(bytes, &mut part.payload, self.max_message)?;
            }
            _ => part.payload.extend_from_slice(bytes),
        }
        part.filled = part.payload.len();
        part.check_text()?;
        if let Some((_, missing)) = &mut self.frame {
            *missing -= taken as u64;
        }
        Ok(())
    }

    /// Whether a part of a message or of its head has come, and the rest not.
    pub(crate) fn is_amid(&self) -> bool {
        self.message.is_some() || self.start < self.end
    }

    /// Whether a read may go straight into the payload: then nothing is copied.
    fn is_direct(&self) -> Option<u64> {
        let (head, missing) = self.frame?;
        let is_control = head.kind.is_some_and(MessageKind::is_control);
        let is_plain = self.message.as_ref().is_some_and(|part| !part.is_compressed);
        (!is_control && is_plain && missing >= BUFFER as u64 && self.start == self.end).then_some(missing)
    }

    /// Where to read the next bytes into; never empty.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        if self.is_empty() && self.buffer.len() >= BUFFER {
            (self.start, self.end) = (0, 0);
            return &mut self.buffer;
        }
        if let (Some(missing), Some(part)) = (self.is_direct(), &mut self.message) {
            if part.payload.len() == part.filled {
                let room = part.filled.max(FIRST_ROOM);
                let room = usize::try_from(missing).map_or(room, |missing| missing.min(room));
                part.payload.resize(part.filled + room, 0);
            }
            return &mut part.payload[part.filled..];
        }
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        let missing = self.frame.map_or(0, |(_, missing)| missing);
        let wanted =
            usize::try_from(missing).map_or(LARGE_BUFFER, |missing| missing.clamp(BUFFER, LARGE_BUFFER));
        // What is left in it is a part of a head: there is always room.
        if self.buffer.len() < wanted {
            self.buffer.resize(wanted, 0);
        }
        &mut self.buffer[self.end..]
    }

    /// `read` bytes were put into the space at `at`.
    ///
    /// # Errors
    /// Text that is not UTF-8.
    pub(crate) fn filled(&mut self, read: usize, at: Instant) -> Result<(), Violation> {
        self.read_at = at;
        match (self.is_direct(), &mut self.frame, &mut self.message) {
            (Some(_), Some((_, missing)), Some(part)) => {
                *missing -= read as u64;
                part.filled += read;
                part.check_text()
            }
            _ => {
                self.end += read;
                Ok(())
            }
        }
    }

    fn finish(&mut self, mut part: Part) -> Result<Received, Violation> {
        part.payload.truncate(part.filled);
        if let (true, Some(inflater)) = (part.is_compressed, &mut self.inflater) {
            inflater.finish(&mut part.payload, self.max_message)?;
            part.filled = part.payload.len();
            part.check_text()?;
        }
        if part.kind == MessageKind::Text && part.checked < part.filled {
            return Err(not_utf8(part.checked));
        }
        if self.start == self.end && self.buffer.len() > BUFFER {
            self.forget_buffer();
        }
        let close = (part.kind == MessageKind::Close)
            .then(|| read_close(&part.payload))
            .transpose()?;
        Ok(Received {
            kind: part.kind,
            payload: part.payload,
            close,
            first_byte: part.first_byte,
            at: self.read_at,
            wire_bytes: part.wire_bytes,
            is_answered: false,
        })
    }

    fn forget_buffer(&mut self) {
        self.buffer = Vec::new();
        (self.start, self.end) = (0, 0);
    }

    /// Gives its memory back: nothing more will be read.
    pub(crate) fn clear(&mut self) {
        self.forget_buffer();
        self.inflater = None;
        self.frame = None;
        self.message = None;
        self.control = None;
    }
}

/// What the payload that comes belongs to.
fn current<'a>(
    frame: Option<(Head, u64)>,
    control: &'a mut Option<Part>,
    message: &'a mut Option<Part>,
) -> &'a mut Part {
    let is_control = frame.is_some_and(|(head, _)| head.kind.is_some_and(MessageKind::is_control));
    let slot = if is_control { control } else { message };
    slot.as_mut().expect("a frame has begun, so its part has too")
}

impl Part {
    fn new(kind: MessageKind, is_compressed: bool, first_byte: Instant) -> Self {
        Part {
            kind,
            is_compressed,
            payload: Vec::new(),
            filled: 0,
            checked: 0,
            first_byte,
            wire_bytes: 0,
            frames: 0,
        }
    }

    /// Checks the text that is new, so that a wrong byte is noticed when it comes and not when the message is whole
    /// (RFC 6455 section 8.1). A character that is not complete is looked at again with its rest.
    fn check_text(&mut self) -> Result<(), Violation> {
        if self.kind != MessageKind::Text {
            return Ok(());
        }
        match simdutf8::compat::from_utf8(&self.payload[self.checked..self.filled]) {
            Ok(_) => self.checked = self.filled,
            Err(error) => {
                self.checked += error.valid_up_to();
                if error.error_len().is_some() {
                    return Err(not_utf8(self.checked));
                }
            }
        }
        Ok(())
    }
}

fn not_utf8(at: usize) -> Violation {
    Violation::Utf8(format!("text that is not UTF-8 at its byte {at}"))
}
