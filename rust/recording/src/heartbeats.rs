//! Messages of the server that the user's side answers each time alike, and at once: its application does that, not its user. They become
//! `wsb.autoReply`, which also answers while a user thinks, as often as the server asks.

use crate::har::{Body, Message, Recording, Socket};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// An answer that comes later is somebody's.
const AT_ONCE: f64 = 1.0;
/// So many times alike.
const OFTEN: usize = 2;
/// A heartbeat is short.
const LONGEST: usize = 200;

/// A heartbeat and what it is answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    /// Of the recording.
    pub socket: usize,
    pub to: String,
    pub answer: String,
    pub times: usize,
}

/// Takes them out of the recording.
pub(crate) fn take_answered(recording: &mut Recording) -> Vec<Reply> {
    let mut replies = Vec::new();
    for (nth, socket) in recording.sockets.iter_mut().enumerate() {
        for ((to, answer), times) in answered(socket) {
            take(socket, &to, &answer);
            replies.push(Reply {
                socket: nth,
                to,
                answer,
                times,
            });
        }
    }
    replies
}

/// Pairs of a message and its answer, and how often they came.
fn answered(socket: &Socket) -> BTreeMap<(String, String), usize> {
    let mut pairs: BTreeMap<(String, String), usize> = BTreeMap::new();
    for pair in socket.messages.windows(2) {
        if let Some((to, answer)) = pair_of(pair) {
            *pairs.entry((to.to_owned(), answer.to_owned())).or_default() += 1;
        }
    }
    let count = |is_sent: bool, text: &str| {
        let same = |message: &&Message| message.is_sent == is_sent && message.body.text() == Some(text);
        socket.messages.iter().filter(same).count()
    };
    // Where one of both stands alone, too, it means something else.
    pairs.retain(|(to, answer), times| {
        *times >= OFTEN && count(false, to) == *times && count(true, answer) == *times
    });
    pairs
}

fn pair_of(pair: &[Message]) -> Option<(&str, &str)> {
    let [to, answer] = pair else {
        return None;
    };
    let is_pair = !to.is_sent && answer.is_sent && answer.at - to.at <= AT_ONCE;
    let (to, answer) = (to.body.text()?, answer.body.text()?);
    let is_short =
        to.len() <= LONGEST && answer.len() <= LONGEST && !to.is_empty() && !answer.trim().is_empty();
    (is_pair && is_short).then_some((to, answer))
}

fn take(socket: &mut Socket, to: &str, answer: &str) {
    socket
        .messages
        .retain(|message| match (&message.body, message.is_sent) {
            (Body::Text(text), false) => text != to,
            (Body::Text(text), true) => text != answer,
            (Body::Binary(_), _) => true,
        });
}

/// Its line in `wsb.autoReply`.
pub(crate) fn line(reply: &Reply) -> String {
    format!("regex ^{}$ -> {}", pattern(&reply.to), escaped(&reply.answer))
}

/// A line shows no control characters.
fn pattern(text: &str) -> String {
    let mut shown = String::new();
    for c in regex::escape(text).chars() {
        match c {
            // The condition ends where the arrow begins.
            '>' => shown.push_str("\\x3e"),
            c if c.is_control() || c == '\u{a0}' => _ = write!(shown, "\\x{{{:x}}}", u32::from(c)),
            c => shown.push(c),
        }
    }
    shown
}

fn escaped(text: &str) -> String {
    let mut shown = String::new();
    let blanks = text.len() - text.trim_end().len();
    let (middle, end) = text.split_at(text.len() - blanks);
    let begin = middle.len() - middle.trim_start().len();
    for (nth, c) in middle.char_indices() {
        match c {
            '\\' => shown.push_str("\\\\"),
            c if c.is_ascii_control() || nth < begin => hex(&mut shown, c),
            c => shown.push(c),
        }
    }
    end.chars().for_each(|c| hex(&mut shown, c));
    shown
}

fn hex(shown: &mut String, c: char) {
    let mut bytes = [0; 4];
    for byte in c.encode_utf8(&mut bytes).bytes() {
        let _ = write!(shown, "\\x{byte:02x}");
    }
}

/// What became of them, and of heartbeats that nobody can tell from what a user sends.
pub(crate) fn notes(recording: &Recording, replies: &[Reply]) -> Vec<String> {
    let url = |reply: &Reply| {
        recording
            .sockets
            .get(reply.socket)
            .map_or("", |socket| &socket.url)
    };
    replies
        .iter()
        .map(|reply| {
            format!(
                "{:?} from {} was answered with {:?} {} times: the Connect does that by itself (wsb.autoReply).",
                reply.to,
                url(reply),
                reply.answer,
                reply.times
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recording(messages: &[(bool, f64, &str)]) -> Recording {
        let messages = messages.iter().map(|&(is_sent, at, text)| Message {
            is_sent,
            at,
            body: Body::Text(text.to_owned()),
        });
        Recording {
            sockets: vec![Socket {
                url: "ws://h/".to_owned(),
                messages: messages.collect(),
                ..Socket::default()
            }],
            ..Recording::default()
        }
    }

    #[test]
    fn what_is_answered_alike_each_time_is_the_applications() {
        let mut heard = recording(&[
            (false, 0.0, "2"),
            (true, 0.1, "3"),
            (true, 1.0, "ask"),
            (false, 1.1, "answer"),
            (false, 25.0, "2"),
            (true, 25.01, "3"),
        ]);
        let replies = take_answered(&mut heard);
        assert_eq!(replies.len(), 1);
        assert_eq!(line(&replies[0]), "regex ^2$ -> 3");
        assert_eq!(heard.sockets[0].messages.len(), 2);
    }

    #[test]
    fn what_stands_alone_too_or_comes_late_is_the_users() {
        for messages in [
            &[
                (false, 0.0, "2"),
                (true, 0.1, "3"),
                (false, 1.0, "2"),
                (true, 1.1, "3"),
                (true, 9.0, "3"),
            ][..],
            &[
                (false, 0.0, "ready"),
                (true, 4.0, "go"),
                (false, 9.0, "ready"),
                (true, 12.0, "go"),
            ],
            &[(false, 0.0, "hello"), (true, 0.1, "login")],
        ] {
            let mut heard = recording(messages);
            assert_eq!(take_answered(&mut heard), []);
            assert_eq!(heard.sockets[0].messages.len(), messages.len());
        }
    }

    #[test]
    fn a_line_shows_what_cannot_stand_in_it() {
        let reply = Reply {
            socket: 0,
            to: "{\"type\":6}\u{1e}".to_owned(),
            answer: " a\\b\u{1e}\n".to_owned(),
            times: 2,
        };
        assert_eq!(
            line(&reply),
            "regex ^\\{\"type\":6\\}\\x{1e}$ -> \\x20a\\\\b\\x1e\\x0a"
        );
    }
}
