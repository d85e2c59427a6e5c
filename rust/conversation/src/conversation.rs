//! The state of one conversation: what may be said, what has to be answered, how it ends. Bytes and times in, messages and bytes out.
//!
//! A driver writes [`Conversation::unsent`] whenever there is something, reads into [`Conversation::space`] when
//! [`Conversation::next`] or [`Conversation::look`] has nothing more, and ends TCP once [`Conversation::end`] says that it is over.

use std::time::{Duration, Instant};

use crate::answers::Answers;
use crate::deflate::{Agreed, Deflater, Inflater};
use crate::frame::write_close;
use crate::inbox::{Budget, Inbox};
use crate::outbox::{MaskKey, Outbox, Sending};
use crate::{Closed, MessageKind, Outgoing, Received, Violation};

/// How long a violation that nobody waited for is held back: whoever took the message before it is about to answer. A peer that
/// sends nonsense needs no quicker goodbye.
const GRACE: Duration = Duration::from_secs(1);

/// While so many bytes wait for a peer that does not read, its messages get no replies.
const MOST_WAITING: usize = 64 * 1024;

/// What the upgrade led to, as far as the conversation is concerned.
#[derive(Debug)]
pub struct Agreement {
    /// Bound of a message in either direction, in bytes, inflated.
    pub max_message: usize,
    /// permessage-deflate.
    pub deflate: Option<Agreed>,
    /// Bytes that came behind the 101.
    pub leftover: Vec<u8>,
    /// When they came.
    pub at: Instant,
    /// Keys to mask frames with.
    pub mask: MaskKey,
    /// What is answered by itself.
    pub answers: Answers,
}

/// How a conversation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The peer sent a close frame; it was answered.
    Peer(Closed),
    /// The peer broke the protocol; it was told so.
    Violated(Violation),
    /// This side ended it.
    Ours,
    /// TCP ended without a close frame: how.
    Lost(String),
    /// It was broken off from another thread.
    Cancelled,
}

/// See the file's sentence.
#[derive(Debug)]
pub struct Conversation {
    inbox: Inbox,
    outbox: Outbox,
    answers: Answers,
    replies: u64,
    has_sent_close: bool,
    /// What a look came across, and when.
    held: Option<(Violation, Instant)>,
    end: Option<End>,
}

impl Conversation {
    /// Goes on where the upgrade stopped.
    #[must_use]
    pub fn new(agreement: Agreement) -> Self {
        let Agreement {
            deflate, at, mask, ..
        } = agreement;
        let inflater = deflate.map(Inflater::new);
        Conversation {
            inbox: Inbox::new(agreement.max_message, inflater, agreement.leftover, at),
            outbox: Outbox::new(deflate.and_then(Deflater::new), mask),
            answers: agreement.answers,
            replies: 0,
            has_sent_close: false,
            held: None,
            end: None,
        }
    }

    /// Whether messages can still be sent: neither side has closed, and no end was noticed so far.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.end.is_none() && !self.has_sent_close
    }

    /// Whether our close frame is under way; nothing may be sent after it.
    #[must_use]
    pub fn has_sent_close(&self) -> bool {
        self.has_sent_close
    }

    /// How it ended, once it has.
    #[must_use]
    pub fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// How many messages got a reply by [`Answers`].
    #[must_use]
    pub fn replies(&self) -> u64 {
        self.replies
    }

    /// Whether something has to go out.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.outbox.is_waiting()
    }

    /// The bytes that have to go out next; empty when there are none. [`Conversation::taken`] says how many went.
    pub fn unsent(&mut self) -> &[u8] {
        self.outbox.unsent()
    }

    /// So many bytes of [`Conversation::unsent`] are out.
    pub fn taken(&mut self, count: usize) {
        self.outbox.taken(count);
    }

    /// Everything is out: gives room back.
    pub fn trim(&mut self) {
        self.outbox.trim();
    }

    /// Begins to send a message, once all that waited is out. Then [`Conversation::fill`] and writes in turns, until it is whole;
    /// who breaks off hands it to [`Conversation::keep`].
    pub fn begin<'a>(&mut self, message: &Outgoing<'a>) -> Sending<'a> {
        if message.kind == MessageKind::Close {
            self.has_sent_close = true;
        }
        self.outbox.begin(message)
    }

    /// Makes the next bytes of a message ready to be written.
    pub fn fill(&mut self, sending: &mut Sending<'_>) {
        self.outbox.fill(sending);
    }

    /// Takes over what is missing of a message whose time is up: a frame cannot be broken off. It is [`Conversation::unsent`] now.
    pub fn keep(&mut self, sending: Sending<'_>) {
        if sending.has_begun() {
            self.outbox.keep(sending);
        }
    }

    /// Puts a close frame behind all that waits; gives its size. `code` 0 or 1005: without code and reason.
    pub fn say_close(&mut self, code: u16, reason: &str) -> u64 {
        let payload = write_close(code, reason);
        self.outbox.append(MessageKind::Close, &payload);
        self.has_sent_close = true;
        // Two bytes and the key; a control frame is short.
        (2 + 4 + payload.len()) as u64
    }

    /// The next message or control frame of those whose bytes came, for somebody who waits for it. Pings and the close are answered.
    ///
    /// # Errors
    /// The peer broke the protocol, in this call or in a look before. What was whole before came first; a close frame is
    /// [`Conversation::unsent`].
    #[inline]
    pub fn next(&mut self, budget: &mut Budget) -> Result<Option<Received>, Violation> {
        let mut found = if self.held.is_some() {
            self.held.take().map_or(Ok(None), |(violation, _)| Err(violation))
        } else {
            self.inbox.next(budget)
        };
        match &mut found {
            Ok(Some(received)) => self.answer(received),
            Ok(None) => {}
            Err(violation) => self.fail(violation.clone()),
        }
        found
    }

    /// As [`Conversation::next`], for somebody who only looks after the connection between two uses: a violation is held back
    /// for a moment, so that the user's answer to the message before it still goes out.
    ///
    /// # Errors
    /// As of `next`, when the moment has passed.
    #[inline]
    pub fn look(&mut self, budget: &mut Budget, now: Instant) -> Result<Option<Received>, Violation> {
        match &self.held {
            Some((_, since)) if now.saturating_duration_since(*since) < GRACE => return Ok(None),
            Some(_) => return self.next(budget),
            None => {}
        }
        let mut found = self.inbox.next(budget);
        match &mut found {
            Ok(Some(received)) => self.answer(received),
            Ok(None) => {}
            Err(violation) => {
                self.hold(violation.clone(), now);
                return Ok(None);
            }
        }
        found
    }

    /// Whether a violation is held back: nothing more is to be read, and a look is worth it every now and then.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.held.is_some()
    }

    /// Whether a message, or a part of its head, has come in part.
    #[must_use]
    pub fn is_amid(&self) -> bool {
        self.inbox.is_amid()
    }

    /// Where to read the next bytes into; never empty once all messages that came are taken.
    pub fn space(&mut self) -> &mut [u8] {
        self.inbox.space()
    }

    /// `read` bytes were put into [`Conversation::space`] at `at`. What is wrong with them the next call says.
    pub fn filled(&mut self, read: usize, at: Instant) {
        if let Err(violation) = self.inbox.filled(read, at) {
            self.hold(violation, at);
        }
    }

    /// It is over: nothing more is read or sent, and the memory is given back. What ended it first counts.
    pub fn finish(&mut self, end: End) {
        self.end.get_or_insert(end);
        self.release();
    }

    /// Gives the memory back of a conversation that has ended; how it ended stays.
    pub fn release(&mut self) {
        self.held = None;
        self.inbox.clear();
        self.outbox.clear();
    }

    fn hold(&mut self, violation: Violation, now: Instant) {
        self.held = Some((violation, now));
    }

    /// Gives control frames their answer, and messages that are to have one.
    fn answer(&mut self, received: &mut Received) {
        if !received.kind.is_control() {
            return self.reply(received);
        }
        if received.kind == MessageKind::Ping && self.answers.pings && !self.has_sent_close {
            self.outbox.answer(&received.payload);
        }
        if let Some(closed) = &received.close {
            if !self.has_sent_close {
                self.say_close(closed.code, "");
            }
            self.end = Some(End::Peer(closed.clone()));
        }
    }

    fn reply(&mut self, received: &mut Received) {
        let Some(reply) = self.answers.reply_to(received) else {
            return;
        };
        received.is_answered = true;
        // A peer that sends heartbeats and reads nothing must not fill our memory.
        if !self.has_sent_close && self.outbox.waiting() < MOST_WAITING {
            self.outbox.append(received.kind, &reply.payload);
            self.replies += 1;
        }
    }

    /// Fails the connection as RFC 6455 section 7.1.7 has it.
    fn fail(&mut self, violation: Violation) {
        if !self.has_sent_close {
            self.say_close(violation.close_code(), "");
        }
        self.end.get_or_insert(End::Violated(violation));
    }
}
