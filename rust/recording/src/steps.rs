//! What a user does, step by step: opens, sends, waits for answers and for what the server sends by itself, thinks, repeats.

use crate::har::{Body, Message, Recording, Request};
use crate::stable::{Match, reference, stable};
use crate::words::Words;

/// An answer that comes later is none.
const ANSWERED: f64 = 5.0;
/// A shorter pause is the application's, not the user's.
const THINKS: f64 = 0.1;
/// So many equal steps in a row are a loop.
const LOOP: usize = 3;

/// The upgrade's own fields (RFC 6455, section 4.1), and those that a client makes for each request.
const OWN: &[&str] = &[
    "host",
    "connection",
    "upgrade",
    "content-length",
    "accept-encoding",
    "proxy-connection",
];

/// What is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Payload {
    Text(Words),
    Binary(Vec<u8>),
}

/// What is waited for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wait {
    pub matches: Match,
    /// So many.
    pub count: usize,
    /// How long it took in the recording, in seconds.
    pub took: f64,
    /// The message, where it is one: values may be taken from it.
    pub came: Option<String>,
    /// What is kept of it.
    pub extracts: Vec<Extract>,
}

/// A variable, and how its value is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Extract {
    pub name: String,
    pub way: Way,
}

/// To a value in a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Way {
    /// A JSONPath.
    Path(String),
    /// Its first group.
    Regex(String),
}

/// What an upgrade, or another request, says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Opening {
    /// The whole of it: an answer may have said all, the server included.
    pub url: Words,
    /// Without those that are each client's own.
    pub headers: Vec<(String, Words)>,
}

/// A request beside the sockets.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Asking {
    pub method: String,
    /// As recorded.
    pub url: String,
    pub opening: Opening,
    pub body: Option<Words>,
    /// What it was answered with: values may be taken from it.
    pub came: Option<String>,
    /// What is kept of it.
    pub extracts: Vec<Extract>,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Act {
    Request(Box<Asking>),
    Open(Opening),
    Send(Payload),
    Exchange(Payload, Wait),
    Receive(Wait),
    Close,
    /// Steps, so many times.
    Loop(usize, Vec<Step>),
}

/// One of them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Step {
    /// Of the recording.
    pub socket: usize,
    /// Thinks so long before, in seconds.
    pub pause: f64,
    pub act: Act,
}

/// All steps in the order of their times.
pub(crate) fn steps(recording: &Recording) -> Vec<Step> {
    let mut timed: Vec<(f64, f64, Step)> = Vec::new();
    for nth in 0..recording.sockets.len() {
        of_socket(recording, nth, &mut timed);
    }
    timed.extend(recording.requests.iter().map(asking));
    timed.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut before = f64::NEG_INFINITY;
    timed
        .into_iter()
        .map(|(from, to, mut step)| {
            let pause = if before.is_finite() { from - before } else { 0.0 };
            let waits = matches!(step.act, Act::Receive(_));
            step.pause = if waits || pause < THINKS { 0.0 } else { pause };
            before = before.max(to);
            step
        })
        .collect()
}

/// Steps of one socket, each with the times between which it was done.
fn of_socket(recording: &Recording, nth: usize, timed: &mut Vec<(f64, f64, Step)>) {
    let socket = &recording.sockets[nth];
    let mut add = |from: f64, to: f64, act: Act| {
        let step = Step {
            socket: nth,
            pause: 0.0,
            act,
        };
        timed.push((from, to, step));
    };
    let opened = socket
        .messages
        .first()
        .map_or(socket.at, |first| socket.at.min(first.at));
    add(opened, opened, Act::Open(opening(&socket.url, &socket.headers)));
    let mut last = opened;
    let mut rest = &socket.messages[..];
    while let [message, behind @ ..] = rest {
        if !message.is_sent {
            let same = same(rest);
            let until = same.last().map_or(last, |latest| latest.at);
            add(
                until,
                until,
                Act::Receive(awaits(same, stable(&message.body), until - last)),
            );
            (rest, last) = (&rest[same.len()..], until);
            continue;
        }
        let payload = payload(&message.body);
        let answers = behind.split(|next| next.is_sent).next().unwrap_or_default();
        rest = behind;
        last = message.at;
        let Some((place, matches)) = answer(message, answers) else {
            add(message.at, message.at, Act::Send(payload));
            continue;
        };
        // What came before the answer was pushed meanwhile; whoever waits for it afterwards finds it kept.
        let came = &answers[place];
        let wait = awaits(std::slice::from_ref(came), matches, came.at - message.at);
        add(message.at, came.at, Act::Exchange(payload, wait));
        last = last.max(came.at);
        let others: Vec<Message> = [&answers[..place], &answers[place + 1..]].concat();
        let mut others = &others[..];
        while let [first, ..] = others {
            let same = same(others);
            let until = same.last().map_or(last, |latest| latest.at).max(last);
            add(
                until,
                until,
                Act::Receive(awaits(same, stable(&first.body), until - last)),
            );
            (others, last) = (&others[same.len()..], until);
        }
        rest = &rest[answers.len()..];
    }
    let closed = last.max(socket.until);
    add(closed, closed, Act::Close);
}

fn asking(request: &Request) -> (f64, f64, Step) {
    let asking = Asking {
        method: request.method.clone(),
        url: request.url.clone(),
        opening: opening(&request.url, &request.headers),
        body: request.body.as_deref().map(Words::plain),
        came: request.answer.clone(),
        extracts: Vec::new(),
    };
    let step = Step {
        socket: 0,
        pause: 0.0,
        act: Act::Request(Box::new(asking)),
    };
    (request.at, request.until, step)
}

fn opening(url: &str, headers: &[(String, String)]) -> Opening {
    let kept = headers.iter().filter(|(name, _)| is_kept(name));
    Opening {
        url: Words::plain(url),
        headers: kept
            .map(|(name, value)| (name.clone(), Words::plain(value)))
            .collect(),
    }
}

/// Server and path.
pub(crate) fn apart(url: &str) -> (&str, &str) {
    let host = url.find("://").map_or(0, |at| at + 3);
    let end = url[host..].find(['/', '?']).map_or(url.len(), |at| host + at);
    url.split_at(end)
}

fn is_kept(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    !OWN.contains(&name.as_str()) && !name.starts_with("sec-websocket") && !name.starts_with(':')
}

/// Which of the messages until the next sending is the answer, and how it is known.
fn answer(question: &Message, came: &[Message]) -> Option<(usize, Match)> {
    let of_id = came.iter().enumerate().find_map(|(place, message)| {
        let known = reference(&question.body, &message.body)?;
        Some((place, known))
    });
    of_id.or_else(|| {
        let first = came.first().filter(|first| first.at - question.at <= ANSWERED)?;
        Some((0, stable(&first.body)))
    })
}

/// How many of the server's messages in a row are alike.
fn same(messages: &[Message]) -> &[Message] {
    let first = messages.first().map(|message| stable(&message.body));
    let alike = |message: &&Message| !message.is_sent && Some(stable(&message.body)) == first;
    &messages[..messages.iter().take_while(alike).count()]
}

fn awaits(messages: &[Message], matches: Match, took: f64) -> Wait {
    Wait {
        matches,
        count: messages.len(),
        took,
        came: match messages {
            [only] => only.body.text().map(str::to_owned),
            _ => None,
        },
        extracts: Vec::new(),
    }
}

fn payload(body: &Body) -> Payload {
    match body {
        Body::Text(text) => Payload::Text(Words::plain(text)),
        Body::Binary(bytes) => Payload::Binary(bytes.clone()),
    }
}

/// Equal steps in a row as a loop.
pub(crate) fn folded(steps: &[Step]) -> Vec<Step> {
    let mut folded = Vec::new();
    let mut rest = steps;
    while let [first, ..] = rest {
        let run = rest.iter().take_while(|step| is_alike(first, step)).count();
        let (same, behind) = rest.split_at(run.max(1));
        if run < LOOP {
            folded.extend_from_slice(same);
        } else {
            // Before the first one a user thinks of something else.
            let pauses = &same[1..];
            let mut step = first.clone();
            step.pause = pauses.iter().map(|step| step.pause).sum::<f64>() / pauses.len() as f64;
            folded.push(Step {
                socket: first.socket,
                pause: 0.0,
                act: Act::Loop(run, vec![step]),
            });
        }
        rest = behind;
    }
    folded
}

fn is_alike(one: &Step, other: &Step) -> bool {
    let acts = match (&one.act, &other.act) {
        (Act::Send(one), Act::Send(other)) => one == other,
        (Act::Exchange(one, its), Act::Exchange(other, others)) => {
            one == other
                && its.matches == others.matches
                && its.extracts.is_empty()
                && others.extracts.is_empty()
        }
        _ => false,
    };
    acts && one.socket == other.socket
}
