//! The upgrade (RFC 6455 section 4.1): one HTTP/1.1 request, its answer whatever it is, and the checks of a 101.

use std::future::{Future, poll_fn};
use std::io::ErrorKind;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use http_body_util::Empty;
use hyper::body::{Body, Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::answer::{self, MAX_HEADERS};
use crate::content::{self, MAX_BODY};
use crate::deadline::Deadline;
use crate::deflate::{EXTENSIONS, OFFER};
use crate::header::PROTOCOL;
use crate::meter::{Io, MAX_HEAD, Meter};
use crate::{Answer, Code, Error, Stage, Target, Trace};

/// How long a refusal's body is waited for behind its head, in all and while nothing of it comes: what counts is in the head.
pub(crate) const BODY_TIME: Duration = Duration::from_secs(1);
const BODY_SILENCE: Duration = Duration::from_millis(400);

/// The request of one hop.
pub(crate) struct Upgrade {
    head: String,
    key: String,
    /// `host:port`, for messages.
    peer: String,
}

/// A whole answer, and the stream it came over.
pub(crate) struct Exchange {
    pub(crate) io: Io,
    /// Bytes behind the head of a 101: the first frames.
    pub(crate) leftover: Bytes,
    pub(crate) answer: Answer,
}

impl Upgrade {
    /// Writes the request; `headers` are the user's, in their order and case; `cookies` is the value of the `Cookie` line, what
    /// the user wrote into one included; `compression`: offer it.
    pub(crate) fn new(
        target: &Target,
        headers: &[(String, String)],
        cookies: Option<&str>,
        subprotocols: &[String],
        compression: bool,
    ) -> Self {
        let key = generate_key();
        let head = head(target, headers, cookies, |line| {
            line("Connection", "Upgrade");
            line("Upgrade", "websocket");
            line("Sec-WebSocket-Version", "13");
            line("Sec-WebSocket-Key", &key);
            if !subprotocols.is_empty() {
                line(PROTOCOL, &subprotocols.join(", "));
            }
            if compression {
                line(EXTENSIONS, OFFER);
            }
        });
        Upgrade {
            head,
            key,
            peer: target.host_and_port(),
        }
    }

    /// The same without an upgrade: a plain GET.
    pub(crate) fn plain(target: &Target, headers: &[(String, String)], cookies: Option<&str>) -> Self {
        Upgrade {
            head: head(target, headers, cookies, |line| line("Connection", "close")),
            key: String::new(),
            peer: target.host_and_port(),
        }
    }

    /// Checks a 101 (RFC 6455 section 4.1, items 2 to 4 and 6); gives the subprotocol that was agreed on.
    pub(crate) fn check(&self, answer: &Answer, requested: &[String]) -> Result<Option<String>, Error> {
        let fault = |code, what: String| Err(Error::Upgrade { code, what });
        for (name, token) in [("Upgrade", "websocket"), ("Connection", "upgrade")] {
            if !tokens(answer, name).any(|found| found.eq_ignore_ascii_case(token)) {
                let found: Vec<&str> = answer.header(name).collect();
                return fault(
                    Code::UpgradeBadHeaders,
                    format!("{name} is {found:?}, without {token:?}"),
                );
            }
        }
        let expected = derive_accept_key(self.key.as_bytes());
        let accepts: Vec<&str> = answer.header("Sec-WebSocket-Accept").collect();
        if accepts != [expected.as_str()] {
            let what = format!("Sec-WebSocket-Accept is {accepts:?}, expected {expected:?}");
            return fault(Code::UpgradeBadAccept, what);
        }
        // An empty one says that none was chosen.
        let chosen: Vec<&str> = answer.header(PROTOCOL).filter(|name| !name.is_empty()).collect();
        match chosen.as_slice() {
            [] => Ok(None),
            [one] if requested.iter().any(|name| name == one) => Ok(Some((*one).to_owned())),
            _ => fault(
                Code::UpgradeSubprotocol,
                format!("the server chose {chosen:?}, asked for were {requested:?}"),
            ),
        }
    }
}

/// The request's head: its line, the host, `ours`, and the user's headers with the cookies where they wrote some.
fn head(
    target: &Target,
    headers: &[(String, String)],
    mut cookies: Option<&str>,
    ours: impl FnOnce(&mut dyn FnMut(&str, &str)),
) -> String {
    let given_host = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("host"));
    let (host_name, host) = given_host.map_or(("Host", target.authority()), |(name, value)| {
        (name.as_str(), value.as_str())
    });
    let mut head = String::with_capacity(512);
    head.push_str("GET ");
    head.push_str(target.path_and_query());
    head.push_str(" HTTP/1.1\r\n");
    let mut line = |name: &str, value: &str| {
        for part in [name, ": ", value, "\r\n"] {
            head.push_str(part);
        }
    };
    line(host_name, host);
    ours(&mut line);
    for (name, value) in headers {
        if name.eq_ignore_ascii_case("cookie") {
            line(name, cookies.take().unwrap_or(value));
        } else if !name.eq_ignore_ascii_case("host") && !name.eq_ignore_ascii_case(PROTOCOL) {
            line(name, value);
        }
    }
    if let Some(cookies) = cookies {
        line("Cookie", cookies);
    }
    head.push_str("\r\n");
    head
}

/// The elements of a list header, over all its lines.
fn tokens<'a>(answer: &'a Answer, name: &'a str) -> impl Iterator<Item = &'a str> {
    answer
        .header(name)
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|token| !token.is_empty())
}

type Sending = http1::Connection<TokioIo<Meter>, Empty<Bytes>>;

/// Sends the request over `io` and reads the answer with the body of a refusal, all before the deadline. What was seen goes into
/// `trace`, also when it fails; its times count from `began`. `skip_body` names refusals whose body nobody wants.
///
/// Cancel safe: dropping it closes the socket.
pub(crate) async fn exchange(
    io: Io,
    upgrade: &Upgrade,
    deadline: &Deadline,
    began: Instant,
    skip_body: impl Fn(&Response<Incoming>) -> bool,
    trace: &mut Trace,
) -> Result<Exchange, Error> {
    trace.request_head.clone_from(&upgrade.head);
    let meter = Meter::new(io, upgrade.head.clone().into_bytes());
    let (mut sender, mut connection) = start(meter).await?;
    let mut body = Vec::new();
    let outcome = match timeout_at(deadline.at, response(&mut sender, &mut connection)).await {
        Err(_) => Err(deadline.missed(Stage::Upgrade, &upgrade.peer)),
        Ok(Err(error)) => Ok(Err(error)),
        Ok(Ok(answer)) if answer.status() == StatusCode::SWITCHING_PROTOCOLS || skip_body(&answer) => {
            Ok(Ok(true))
        }
        Ok(Ok(answer)) => {
            let from = Instant::now();
            let until = deadline.at.min(from + BODY_TIME);
            let reading = read_body(&mut connection, answer.into_body(), &mut body);
            let end = timeout_at(until, reading).await.unwrap_or(BodyEnd::Late);
            if end == BodyEnd::Late {
                trace.stalled = from.elapsed();
            }
            Ok(Ok(end == BodyEnd::Whole))
        }
    };
    let parts = connection.into_parts();
    let meter = parts.io.into_inner();
    record(trace, &meter, began);
    let answer = meter.head().and_then(answer::parse);
    match (outcome?, answer) {
        (Ok(whole), Some(answer)) => {
            let mut answer = Answer {
                body,
                body_cut: !whole,
                ..answer
            };
            content::decode(&mut answer);
            Ok(Exchange {
                io: meter.into_inner(),
                leftover: parts.read_buf,
                answer,
            })
        }
        // hyper could not make sense of the framing (two lengths, say), but the status is there.
        (Err(_), Some(answer)) if answer.status != 101 => {
            let answer = Answer {
                body_cut: true,
                ..answer
            };
            Ok(Exchange {
                io: meter.into_inner(),
                leftover: Bytes::new(),
                answer,
            })
        }
        (Err(error), answer) => Err(failure(&error, &meter, answer.is_some(), &upgrade.peer)),
        (Ok(_), None) => Err(Error::Upgrade {
            code: Code::UpgradeMalformed,
            what: format!("answered {:?}", answer::beginning(meter.unfinished())),
        }),
    }
}

async fn start(meter: Meter) -> Result<(http1::SendRequest<Empty<Bytes>>, Sending), Error> {
    let mut builder = http1::Builder::new();
    builder.max_buf_size(MAX_HEAD).max_headers(MAX_HEADERS);
    // As answer::leniency has it.
    builder.allow_spaces_after_header_name_in_responses(true);
    builder.allow_obsolete_multiline_headers_in_responses(true);
    builder.ignore_invalid_headers_in_responses(true);
    let started = builder.handshake(TokioIo::new(meter)).await;
    started.map_err(|error| Error::Upgrade {
        code: Code::UpgradeFailed,
        what: error.to_string(),
    })
}

/// Polls hyper's connection together with the request, on this task: nothing is spawned.
async fn response(
    sender: &mut http1::SendRequest<Empty<Bytes>>,
    connection: &mut Sending,
) -> Result<Response<Incoming>, hyper::Error> {
    let mut response = pin!(sender.send_request(Request::new(Empty::new())));
    let mut open = true;
    // The request goes out in the first look, and only then may the answer be read: a second one at once saves a wake-up.
    let mut looks = 2;
    poll_fn(|cx| {
        while open && looks > 0 {
            // Its errors reach the request.
            open = connection.poll_without_shutdown(cx).is_pending();
            looks -= 1;
        }
        looks = 1;
        response.as_mut().poll(cx)
    })
    .await
}

/// How the reading of a body ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum BodyEnd {
    Whole,
    /// Over the bound, or broken off.
    Cut,
    /// Nothing came any more.
    Late,
}

/// Reads the body to its end or to the bound.
async fn read_body(connection: &mut Sending, mut body: Incoming, kept: &mut Vec<u8>) -> BodyEnd {
    let mut open = true;
    let mut silence = pin!(sleep(BODY_SILENCE));
    let mut until = silence.deadline();
    poll_fn(|cx| {
        // hyper reads on only when the body was asked for, and gives what it read at the next asking.
        let mut has_read = false;
        loop {
            match Pin::new(&mut body).poll_frame(cx) {
                Poll::Ready(None) => return Poll::Ready(BodyEnd::Whole),
                Poll::Ready(Some(Err(_))) => return Poll::Ready(BodyEnd::Cut),
                Poll::Ready(Some(Ok(frame))) => {
                    has_read = false;
                    until = Instant::now() + BODY_SILENCE;
                    let Ok(data) = frame.into_data() else { continue };
                    let room = MAX_BODY - kept.len();
                    kept.extend_from_slice(&data[..data.len().min(room)]);
                    if data.len() > room {
                        return Poll::Ready(BodyEnd::Cut);
                    }
                }
                Poll::Pending if has_read || !open => {
                    // A body that is there at once sets no timer: each one wakes the reactor's thread.
                    if silence.deadline() != until {
                        silence.as_mut().reset(until);
                    }
                    return silence.as_mut().poll(cx).map(|()| BodyEnd::Late);
                }
                Poll::Pending => {
                    open = connection.poll_without_shutdown(cx).is_pending();
                    has_read = true;
                }
            }
        }
    })
    .await
}

fn record(trace: &mut Trace, meter: &Meter, began: Instant) {
    trace.sent = meter.sent_at.map(|at| at - began);
    trace.head = meter.head_at.map(|at| at - began);
    trace.sent_bytes = meter.sent_bytes() as u64;
    trace.head_bytes = meter.head().map_or(0, <[u8]>::len) as u64;
    trace.body_bytes = meter.body_bytes() as u64;
}

/// Why no whole answer came; the socket's own story comes before hyper's.
fn failure(error: &hyper::Error, meter: &Meter, has_head: bool, peer: &str) -> Error {
    let fault = |code, what: String| Error::Upgrade {
        code,
        what: format!("{peer}: {what}"),
    };
    // With a whole head of a 101, only the number of headers can have been too much for hyper.
    if meter.too_large || has_head {
        let what = format!("more than {MAX_HEAD} bytes or {MAX_HEADERS} headers");
        return fault(Code::UpgradeTooLarge, what);
    }
    let seen = meter.unfinished();
    if error.is_parse() {
        return fault(
            Code::UpgradeMalformed,
            format!("answered {:?}", answer::beginning(seen)),
        );
    }
    if let Some(error) = &meter.error {
        if let Some(tls) = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<rustls::Error>())
        {
            return Error::Tls {
                host: peer.into(),
                what: tls.to_string(),
            };
        }
        let code = match error.kind() {
            ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
                Code::UpgradeReset
            }
            ErrorKind::UnexpectedEof => Code::UpgradeClosed,
            _ => Code::UpgradeFailed,
        };
        return fault(code, format!("{error} after {} bytes of the answer", seen.len()));
    }
    if meter.ended {
        return fault(
            Code::UpgradeClosed,
            format!("ended after {} bytes of the answer", seen.len()),
        );
    }
    fault(Code::UpgradeFailed, error.to_string())
}
