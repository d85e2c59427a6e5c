//! Recordings of `tests/recordings`, imported and run in a real JMeter against a server that plays its part of them: it gets the same
//! messages in the same order, also where it gives other ids than in the recording.

use std::fs;
use std::io::Read;
use std::net::Shutdown;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use system::repository;

use crate::raw::{BINARY, CLOSE, Line, PONG, TEXT, accept, head, header, listen, say, short_frame, whole};
use crate::support::{folder, jmeter, run, together};

/// `mitmproxy` and `playwright` are what these two wrote of one visit with Chromium, the others are written by hand.
const NAMES: [&str; 8] = [
    "binary-polls",
    "json-rpc",
    "mitmproxy",
    "playwright",
    "signalr",
    "socket-io",
    "stomp",
    "two-sockets",
];

/// Ids of a recording that are others when the plan runs.
const RENEWED: [(&str, &str); 2] = [("s-71f00a2b", "s-00c4fe88"), ("acc-4711", "acc-0815")];

/// The connection answers them by itself, between any two messages of its user.
const HEARTBEATS: [&str; 2] = [r#"{"type":"hb"}"#, r#"{"type":"hb-ack"}"#];

/// A socket of a recording: its path and its messages.
#[derive(Clone)]
struct Part {
    path: String,
    messages: Vec<(bool, u8, Vec<u8>)>,
}

fn parts(recording: &Path) -> Vec<Part> {
    let har: Value = serde_json::from_slice(&fs::read(recording).unwrap()).unwrap();
    let entries = har["log"]["entries"].as_array().unwrap();
    let sockets = entries
        .iter()
        .filter(|entry| entry["_webSocketMessages"].is_array());
    sockets
        .map(|entry| {
            let url = entry["request"]["url"].as_str().unwrap();
            let (_, path) = url.split_once("//").unwrap().1.split_once('/').unwrap();
            let messages = entry["_webSocketMessages"].as_array().unwrap().iter();
            let messages = messages.filter(|message| !HEARTBEATS.iter().any(|beat| message["data"] == *beat));
            Part {
                path: format!("/{path}"),
                messages: messages.map(message).collect(),
            }
        })
        .collect()
}

fn message(frame: &Value) -> (bool, u8, Vec<u8>) {
    let data = frame["data"].as_str().unwrap();
    let is_sent = frame["type"] == "send";
    if frame["opcode"] == 2 {
        let bytes = data_encoding::BASE64.decode(data.as_bytes()).unwrap();
        return (is_sent, BINARY, bytes);
    }
    let renewed = RENEWED
        .iter()
        .fold(data.to_owned(), |text, (old, new)| text.replace(old, new));
    (is_sent, TEXT, renewed.into_bytes())
}

/// Plays the server's part, and says what was otherwise than in the recording.
fn play(line: &mut Line, parts: &[Part]) -> Result<(), String> {
    let head = head(line).ok_or("no request")?;
    let path = head.split(' ').nth(1).unwrap();
    let part = parts
        .iter()
        .find(|part| part.path == path)
        .ok_or(format!("{path} is asked for"))?;
    if header(&head, "Sec-WebSocket-Key").is_none() {
        return Err(head);
    }
    accept(line, &head);
    for (is_sent, opcode, payload) in &part.messages {
        if !is_sent {
            say(line, &whole(*opcode, payload));
            continue;
        }
        let (first, came) = data(line).ok_or(format!("{path} ends before {:?}", shown(payload)))?;
        if (first, &came) != (0x80 | opcode, payload) {
            return Err(format!(
                "{path}: {:?} in place of {:?}",
                shown(&came),
                shown(payload)
            ));
        }
    }
    match data(line) {
        None => Ok(()),
        Some((first, came)) => Err(format!("{path}: {first:x} {:?} at the end", shown(&came))),
    }
}

/// The next data frame; nothing at the close, which is answered.
fn data(line: &mut Line) -> Option<(u8, Vec<u8>)> {
    loop {
        let (first, payload) = short_frame(line)?;
        match first & 0xf {
            CLOSE => {
                say(line, &whole(CLOSE, &payload));
                line.end(Shutdown::Write);
                return None;
            }
            9 => say(line, &whole(PONG, &payload)),
            PONG => {}
            _ => return Some((first, payload)),
        }
    }
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What the server gives in place of what `login.har` has.
const TOKEN: &str = "tok-00aa11bb22";
const NODE: &str = "node-815";
const CHANNEL: &str = "channel-2342z";

/// Answers as the platform of `login.har`, and says what came: a line a request, and a message.
fn platform(line: &mut Line, address: &str, came: &Mutex<Vec<String>>) {
    while let Some(head) = head(line) {
        let mut said: Vec<String> = head.split(' ').take(2).map(str::to_owned).collect();
        for name in ["Authorization", "Cookie", "Content-Type"] {
            said.extend(header(&head, name).map(str::to_owned));
        }
        if header(&head, "Sec-WebSocket-Key").is_some() {
            came.lock().unwrap().push(said.join(" "));
            accept(line, &head);
            let message = data(line).map(|(_, message)| shown(&message));
            came.lock().unwrap().extend(message);
            say(line, &whole(TEXT, br#"{"topicName":"channel.metadata"}"#));
            return assert_eq!(data(line), None);
        }
        let length = header(&head, "Content-Length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        line.read_exact(&mut body).unwrap();
        said.push(shown(&body));
        came.lock().unwrap().push(said.join(" ").trim_end().to_owned());
        let (cookie, answer) = match said[1].as_str() {
            "/oauth/token" => (
                format!("Set-Cookie: route={NODE}; Path=/; HttpOnly\r\n"),
                format!(r#"{{"access_token":"{TOKEN}","expires_in":86400}}"#),
            ),
            "/api/channels" => (
                String::new(),
                format!(r#"{{"id":"{CHANNEL}","connectUri":"ws://{address}/streaming/{CHANNEL}?shard=17"}}"#),
            ),
            _ => (String::new(), "{}".to_owned()),
        };
        let answer = format!(
            "HTTP/1.1 200 OK\r\n{cookie}Content-Length: {}\r\n\r\n{answer}",
            answer.len()
        );
        say(line, answer.as_bytes());
    }
}

#[test]
fn requests_that_gave_what_a_socket_uses_come_before_it_and_give_it_anew() {
    let _turn = together();
    let folder = folder("recordings-http");
    let recording = repository::root().join("tests/recordings/login.har");
    let plan = folder.join("login.jmx");
    let made = Command::new(repository::program().unwrap())
        .args(["import", "--http"])
        .args([&recording, Path::new("-o"), &plan])
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let came = Arc::<Mutex<Vec<String>>>::default();
    let (heard, own) = (came.clone(), Arc::<Mutex<String>>::default());
    let asked = own.clone();
    let address = listen(move |tcp| {
        let address = asked.lock().unwrap().clone();
        platform(&mut Line::new(tcp, None), &address, &heard);
    });
    *own.lock().unwrap() = address.to_string();
    let site = format!("http://{address}");
    let finished = run(&jmeter(&plan, &folder).property("site", &site))
        .succeeded()
        .unwrap();
    let samples = finished.samples().unwrap();
    assert!(samples.iter().all(|sample| sample.success), "{samples:?}");
    // JMeter's HTTP Request sends the Cookie Manager's cookies in the place of a header's.
    let known = format!("Bearer {TOKEN} route={NODE}");
    assert_eq!(
        *came.lock().unwrap(),
        [
            "POST /oauth/token application/x-www-form-urlencoded grant_type=password&user=ann%40example&password=a%24%7Bx%7D1".to_owned(),
            format!("POST /api/channels {known} application/json {{}}"),
            format!("PUT /api/channels/{CHANNEL}/subscriptions {known} application/json [{{\"id\":\"agent.${{me}}\"}}]"),
            format!("GET /streaming/{CHANNEL}?shard=17 theme=dark; route={NODE}"),
            format!("{{\"message\":\"hello\",\"token\":\"{TOKEN}\"}}"),
        ]
    );
}

#[test]
fn an_imported_recording_says_to_the_server_what_was_recorded() {
    let _turn = together();
    let folder = folder("recordings");
    for name in NAMES {
        let recording = repository::root().join(format!("tests/recordings/{name}.har"));
        let parts = parts(&recording);
        let sockets = parts.len();
        let plan = folder.join(format!("{name}.jmx"));
        let made = Command::new(repository::program().unwrap())
            .arg("import")
            .args([&recording, Path::new("-o"), &plan])
            .output()
            .unwrap();
        assert!(made.status.success(), "{name}: {made:?}");
        let played = Arc::<Mutex<Vec<Result<(), String>>>>::default();
        let results = played.clone();
        let address = listen(move |tcp| {
            let result = play(&mut Line::new(tcp, None), &parts);
            results.lock().unwrap().push(result);
        });
        let server = format!("ws://{address}");
        let finished = run(&jmeter(&plan, &folder.join(name)).property("server", &server))
            .succeeded()
            .unwrap();
        let failed: Vec<_> = finished
            .samples()
            .unwrap()
            .into_iter()
            .filter(|sample| !sample.success)
            .collect();
        assert!(failed.is_empty(), "{name}: {failed:?}");
        let played = played.lock().unwrap();
        assert_eq!(*played, vec![Ok(()); sockets], "{name}");
    }
}
