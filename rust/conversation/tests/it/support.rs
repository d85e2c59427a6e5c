//! Frames as a server sends them, and short ways to hand them to a conversation.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use conversation::{Agreement, Answers, Budget, Conversation, Outgoing};

pub const TEXT: u8 = 0x81;
pub const BINARY: u8 = 0x82;
pub const PING: u8 = 0x89;
pub const PONG: u8 = 0x8a;
pub const CLOSE: u8 = 0x88;

/// So many milliseconds after a moment that is the same for all.
pub fn at(ms: u64) -> Instant {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    *ORIGIN.get_or_init(Instant::now) + Duration::from_millis(ms)
}

/// With 1 MiB as the bound of a message, and a mask that changes nothing.
pub fn conversation() -> Conversation {
    answering(Answers::default())
}

/// The same that answers this.
pub fn answering(answers: Answers) -> Conversation {
    Conversation::new(Agreement {
        max_message: 1 << 20,
        deflate: None,
        leftover: Vec::new(),
        at: at(0),
        mask: || [0; 4],
        answers,
    })
}

/// A short unmasked frame.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    assert!(length < 126);
    [&[first, length], payload].concat()
}

/// The bytes come, in one piece or as the conversation has room for.
pub fn come(conversation: &mut Conversation, mut bytes: &[u8], ms: u64) {
    while !bytes.is_empty() {
        let space = conversation.space();
        let taken = space.len().min(bytes.len());
        space[..taken].copy_from_slice(&bytes[..taken]);
        conversation.filled(taken, at(ms));
        bytes = &bytes[taken..];
    }
}

/// The payload of the next message.
pub fn next(conversation: &mut Conversation) -> Option<Vec<u8>> {
    let found = conversation.next(&mut Budget::UNBOUNDED.clone());
    found.unwrap().map(|received| received.payload)
}

/// Sends a text as a driver does whose socket takes all.
pub fn send(conversation: &mut Conversation, text: &str) {
    let mut sending = conversation.begin(&Outgoing::text(text));
    while !sending.is_whole() {
        conversation.fill(&mut sending);
    }
}

/// First byte and payload of all short frames that wait to go out, which go.
pub fn sent(conversation: &mut Conversation) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    loop {
        let mut rest = conversation.unsent();
        let size = rest.len();
        if size == 0 {
            return frames;
        }
        while let [first, length, _, _, _, _, payload @ ..] = rest {
            let (payload, behind) = payload.split_at(usize::from(length & 0x7f));
            frames.push((*first, payload.to_vec()));
            rest = behind;
        }
        conversation.taken(size);
    }
}
