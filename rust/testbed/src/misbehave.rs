//! Plays the faults: strange ways to let in, to refuse and to fail.

use crate::answers::{self, Answer, Framing};
use crate::config::Refusal;
use crate::connection::{Next, discard, finish};
use crate::fault::{Effect, Fault};
use crate::shared::{Attempt, Shared};
use crate::stream::Stream;
use crate::upgrade::Upgrade;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::time::sleep;

/// How long a socket lives that is cut afterwards.
pub(crate) const MOMENT: Duration = Duration::from_millis(200);
/// How long the tar pit keeps its answer back.
const TARPIT: Duration = Duration::from_secs(2);
/// 64 lines of 1 KiB: below the 100 headers that HTTP clients commonly bound.
const HUGE_HEADERS: (usize, usize) = (64, 1024);
const HUGE_BODY: usize = 1 << 20;
/// A piece of the endless body and the pause behind it: 400 kB/s, so that it never fills memory.
const ENDLESS: (usize, Duration) = (4096, Duration::from_millis(10));
/// What a 101 carries along: one unmasked text frame, "early" (RFC 6455 section 5.7).
const FIRST_FRAME: &[u8] = b"\x81\x05early";
const EARLY_HINTS: &[u8] = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n";
const GARBAGE: &[u8] = b"\x00\xff\x13\x37 this is not HTTP \x80\x81\r\n\r\n\x00\x01\x02";

/// Sends a 101 in the fault's way. Whether it was sent.
pub(crate) async fn accept(fault: Fault, shared: &Shared, stream: &mut Stream, upgrade: &Upgrade) -> bool {
    let plain = || answers::accepted(upgrade, "Upgrade", "");
    let bytes = match fault {
        Fault::Drip => {
            let Some(_held) = shared.hold() else { return false };
            return drip(stream, &plain(), shared.config.drip_pace).await;
        }
        Fault::EarlyHints => {
            let mut bytes = EARLY_HINTS.to_vec();
            bytes.extend(plain());
            bytes
        }
        Fault::FrameWith101 => {
            let mut bytes = plain();
            bytes.extend(FIRST_FRAME);
            bytes
        }
        Fault::KeepAliveUpgrade => answers::accepted(upgrade, "keep-alive, Upgrade", ""),
        Fault::BadAccept => answers::accepted_wrongly(upgrade),
        Fault::BadSubprotocol => {
            let nobody = Upgrade {
                key: upgrade.key.clone(),
                subprotocol: Some("unasked.v1".to_owned()),
            };
            answers::accepted(&nobody, "Upgrade", "")
        }
        Fault::BadExtension => {
            answers::accepted(upgrade, "Upgrade", "Sec-WebSocket-Extensions: x-unasked\r\n")
        }
        _ => plain(),
    };
    stream.write_all(&bytes).await.is_ok()
}

/// Whether a fault that lets in can show in the answer to a plain request; an HTTP/1.0 client knows no 103.
pub(crate) fn strikes_plain(fault: Fault, http11: bool) -> bool {
    match fault {
        Fault::EarlyHints => http11,
        Fault::Drip | Fault::DropAfter => true,
        _ => false,
    }
}

/// Sends the answer to a plain request in the fault's way. Whether the connection can go on.
pub(crate) async fn answer(fault: Fault, shared: &Shared, stream: &mut Stream, bytes: &[u8]) -> bool {
    if fault == Fault::Drip {
        let Some(_held) = shared.hold() else { return false };
        return drip(stream, bytes, shared.config.drip_pace).await;
    }
    let mut all = if fault == Fault::EarlyHints {
        EARLY_HINTS.to_vec()
    } else {
        Vec::new()
    };
    all.extend(bytes);
    if stream.write_all(&all).await.is_err() || stream.flush().await.is_err() {
        return false;
    }
    if fault == Fault::DropAfter {
        sleep(MOMENT).await;
    }
    fault != Fault::DropAfter
}

/// Plays a fault that asks no limit.
pub(crate) async fn fail(
    fault: Fault,
    effect: Effect,
    shared: &Arc<Shared>,
    stream: &mut Stream,
    mut attempt: Attempt,
    place: &str,
) -> Next {
    attempt.struck_by(fault);
    if effect == Effect::Refuses {
        return refuse(fault, shared, stream, &mut attempt, place).await;
    }
    go_wrong(fault, shared, stream).await;
    Next::Done
}

/// Refuses in the fault's way.
async fn refuse(
    fault: Fault,
    shared: &Arc<Shared>,
    stream: &mut Stream,
    attempt: &mut Attempt,
    place: &str,
) -> Next {
    let mut refusal = Answer::throttled(&shared.config, None);
    if fault != Fault::KeepOpen {
        refusal = refusal.with("Connection: close\r\n");
    }
    match fault {
        Fault::DripRefusal => {
            let Some(_held) = shared.hold() else {
                return Next::Done;
            };
            if drip(stream, &refusal.bytes(), shared.config.drip_pace).await {
                attempt.answered(refusal.status);
                finish(stream, &[]).await;
            }
            return Next::Done;
        }
        Fault::Tarpit => {
            let Some(_held) = shared.hold() else {
                return Next::Done;
            };
            sleep(TARPIT).await;
        }
        Fault::KeepOpen => {
            attempt.answered(refusal.status);
            let sent = stream.write_all(&refusal.bytes()).await.is_ok();
            return if sent { Next::Again } else { Next::Done };
        }
        Fault::EndlessBody => {
            let Some(_held) = shared.hold() else {
                return Next::Done;
            };
            refusal.framing = Framing::Close;
            attempt.answered(refusal.status);
            endless(stream, &refusal.head()).await;
            return Next::Done;
        }
        Fault::Http10 => {
            refusal.version = "HTTP/1.0";
            refusal.status = 503;
        }
        Fault::Chunked => refusal.framing = Framing::Chunked,
        Fault::NoLength => refusal.framing = Framing::Close,
        Fault::HugeHeaders => refusal = refusal.with(&huge_headers()),
        Fault::HugeBody => refusal.body = vec![b'x'; HUGE_BODY],
        _ => {
            // Redirect, the last one that refuses.
            let body = b"the same place\n".to_vec();
            refusal = Answer::new(302, body, "text/plain; charset=utf-8")
                .with(&format!("Location: {place}\r\nConnection: close\r\n"));
        }
    }
    attempt.answered(refusal.status);
    finish(stream, &refusal.bytes()).await;
    Next::Done
}

/// Refuses as the configuration says, where that is no answer. Without an `upgrade` there is nothing to accept.
pub(crate) async fn refuse_oddly(
    shared: &Shared,
    stream: &mut Stream,
    mut attempt: Attempt,
    upgrade: Option<&Upgrade>,
) -> Next {
    match (shared.config.refusal, upgrade) {
        (Refusal::AcceptAndClose(code), Some(upgrade)) => {
            attempt.refused(Some(101));
            let mut bytes = answers::accepted(upgrade, "Upgrade", "");
            // A close frame of two bytes, unmasked (RFC 6455 section 5.5.1).
            bytes.extend([0x88, 2]);
            bytes.extend(code.to_be_bytes());
            finish(stream, &bytes).await;
        }
        (Refusal::Reset, _) => {
            attempt.refused(None);
            let _ = stream.tcp().set_zero_linger();
        }
        (Refusal::Silence, _) => {
            attempt.refused(None);
            if let Some(_held) = shared.hold() {
                discard(stream).await;
            }
        }
        // The others are answers, and do not come here.
        (Refusal::Close | Refusal::Answer | Refusal::AcceptAndClose(_), _) => {
            attempt.refused(None);
            finish(stream, &[]).await;
        }
    }
    Next::Done
}

/// Fails in the fault's way.
async fn go_wrong(fault: Fault, shared: &Shared, stream: &mut Stream) {
    match fault {
        Fault::Reset => {
            // With SO_LINGER 0 the close that follows sends a RST.
            let _ = stream.tcp().set_zero_linger();
        }
        Fault::Garbage => finish(stream, GARBAGE).await,
        _ => {
            let Some(_held) = shared.hold() else { return };
            if fault == Fault::HalfClose && stream.shutdown().await.is_err() {
                return;
            }
            // Ends with the peer, or with the patience that is set around every answer.
            discard(stream).await;
        }
    }
}

async fn drip(stream: &mut Stream, bytes: &[u8], pace: Duration) -> bool {
    for (n, byte) in bytes.iter().enumerate() {
        if n > 0 {
            sleep(pace).await;
        }
        if stream.write_all(&[*byte]).await.is_err() || stream.flush().await.is_err() {
            return false;
        }
    }
    true
}

async fn endless(stream: &mut Stream, head: &[u8]) {
    if stream.write_all(head).await.is_err() {
        return;
    }
    let piece = vec![b'x'; ENDLESS.0];
    while stream.write_all(&piece).await.is_ok() {
        sleep(ENDLESS.1).await;
    }
}

fn huge_headers() -> String {
    let (count, length) = HUGE_HEADERS;
    let mut headers = String::with_capacity(count * length);
    for n in 0..count {
        let name = format!("X-Huge-{n:02}: ");
        let _ = write!(headers, "{name}{}\r\n", "x".repeat(length - name.len() - 2));
    }
    headers
}
