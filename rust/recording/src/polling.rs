//! Socket.IO 4 begins with HTTP requests and takes their session to a socket then. A plan has no use for a session that has ended, and
//! needs no requests: a server says to who comes by WebSocket at once what it says to who polls. So what was polled becomes the socket's.

use crate::har::{Body, Message, Recording, Request, Socket};
use data_encoding::BASE64;

/// Between packets of one answer or request (Engine.IO protocol 4).
const BETWEEN: char = '\u{1e}';
/// An answer that says nothing, to end a poll.
const NOOP: &str = "6";
/// How the change to the socket is agreed upon.
const CHANGE: [(bool, &str); 3] = [(true, "2probe"), (false, "3probe"), (true, "5")];

/// Makes messages of what was polled; how many requests.
pub(crate) fn merge(recording: &mut Recording) -> usize {
    let before = recording.requests.len();
    for socket in &mut recording.sockets {
        let Some(session) = session(&socket.url).map(str::to_owned) else {
            continue;
        };
        let opened = format!("\"sid\":\"{session}\"");
        let is_its = |request: &Request| {
            query(&request.url, "EIO") == Some("4")
                && query(&request.url, "transport") == Some("polling")
                && match query(&request.url, "sid") {
                    Some(sid) => sid == session,
                    None => answer(request)
                        .is_some_and(|answer| answer.starts_with('0') && answer.contains(&opened)),
                }
        };
        // Without its begin the rest is of no use.
        if !recording
            .requests
            .iter()
            .any(|request| query(&request.url, "sid").is_none() && is_its(request))
        {
            continue;
        }
        let (polled, others) = std::mem::take(&mut recording.requests)
            .into_iter()
            .partition(is_its);
        recording.requests = others;
        take(socket, &session, polled);
    }
    let merged = before - recording.requests.len();
    recording.others -= merged;
    merged
}

fn take(socket: &mut Socket, session: &str, polled: Vec<Request>) {
    socket.messages.retain(|message| {
        !CHANGE
            .iter()
            .any(|(is_sent, text)| *is_sent == message.is_sent && message.body.text() == Some(text))
    });
    for request in polled {
        let sent = request.body.as_deref().into_iter().flat_map(packets);
        let came = answer(&request)
            .filter(|_| request.method == "GET")
            .into_iter()
            .flat_map(packets);
        let sent = sent.map(|body| Message {
            is_sent: true,
            at: request.at,
            body,
        });
        let came = came.map(|body| Message {
            is_sent: false,
            at: request.until,
            body,
        });
        socket.at = socket.at.min(request.at);
        socket.messages.extend(sent.chain(came));
    }
    socket.messages.sort_by(|one, other| one.at.total_cmp(&other.at));
    let (address, query) = socket.url.split_once('?').unwrap_or((&socket.url, ""));
    let others: Vec<&str> = query
        .split('&')
        .filter(|pair| *pair != format!("sid={session}"))
        .collect();
    socket.url = format!("{address}?{}", others.join("&"));
}

fn answer(request: &Request) -> Option<&str> {
    request.answer.as_deref()
}

fn packets(payload: &str) -> impl Iterator<Item = Body> {
    let packets = payload
        .split(BETWEEN)
        .filter(|packet| !packet.is_empty() && *packet != NOOP);
    packets.map(|packet| {
        match packet
            .strip_prefix('b')
            .map(|data| BASE64.decode(data.as_bytes()))
        {
            Some(Ok(bytes)) => Body::Binary(bytes),
            _ => Body::Text(packet.to_owned()),
        }
    })
}

/// That of a socket which was polled before.
fn session(url: &str) -> Option<&str> {
    let is_upgraded = query(url, "EIO") == Some("4") && query(url, "transport") == Some("websocket");
    query(url, "sid").filter(|_| is_upgraded)
}

fn query<'a>(url: &'a str, name: &str) -> Option<&'a str> {
    let pairs = url.split_once('?')?.1.split('&');
    pairs
        .filter_map(|pair| pair.split_once('='))
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(at: f64, method: &str, more: &str, body: Option<&str>, answer: &str) -> Request {
        Request {
            at,
            until: at + 0.1,
            method: method.to_owned(),
            url: format!("http://h/socket.io/?EIO=4&transport=polling&t=x{more}"),
            body: body.map(str::to_owned),
            answer: Some(answer.to_owned()),
            ..Request::default()
        }
    }

    fn recording(requests: Vec<Request>) -> Recording {
        let message = |(is_sent, at, text): (bool, f64, &str)| Message {
            is_sent,
            at,
            body: Body::Text(text.to_owned()),
        };
        let messages = [
            (true, 2.0, "2probe"),
            (false, 2.1, "3probe"),
            (true, 2.2, "5"),
            (true, 3.0, "42[\"a\"]"),
        ];
        Recording {
            sockets: vec![Socket {
                url: "ws://h/socket.io/?EIO=4&transport=websocket&sid=abc-1&x=y".to_owned(),
                at: 1.9,
                messages: messages.map(message).into(),
                ..Socket::default()
            }],
            others: requests.len(),
            requests,
            ..Recording::default()
        }
    }

    #[test]
    fn what_was_polled_becomes_the_sockets() {
        let mut heard = recording(vec![
            request(
                1.0,
                "GET",
                "",
                None,
                "0{\"sid\":\"abc-1\",\"upgrades\":[\"websocket\"]}",
            ),
            request(1.2, "POST", "&sid=abc-1", Some("40"), "ok"),
            request(1.3, "GET", "&sid=abc-1", None, "40{\"sid\":\"n\"}\u{1e}bAQI="),
            request(2.0, "GET", "&sid=abc-1", None, "6"),
            request(2.0, "GET", "&sid=others", None, "42[\"b\"]"),
        ]);
        assert_eq!(merge(&mut heard), 4);
        assert_eq!((heard.requests.len(), heard.others), (1, 1));
        let socket = &heard.sockets[0];
        assert_eq!(socket.url, "ws://h/socket.io/?EIO=4&transport=websocket&x=y");
        assert_eq!(socket.at, 1.0);
        let said: Vec<_> = socket
            .messages
            .iter()
            .map(|message| (message.is_sent, message.body.text().unwrap_or("bytes")))
            .collect();
        assert_eq!(
            said,
            [
                (false, "0{\"sid\":\"abc-1\",\"upgrades\":[\"websocket\"]}"),
                (true, "40"),
                (false, "40{\"sid\":\"n\"}"),
                (false, "bytes"),
                (true, "42[\"a\"]"),
            ]
        );
    }

    #[test]
    fn without_the_begin_nothing_changes() {
        let mut heard = recording(vec![request(1.2, "POST", "&sid=abc-1", Some("40"), "ok")]);
        assert_eq!(merge(&mut heard), 0);
        assert_eq!(heard.sockets[0].messages.len(), 4);
        assert!(heard.sockets[0].url.contains("sid=abc-1"));
    }
}
