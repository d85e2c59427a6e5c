//! A server that keeps what it was sent, connection by connection, and answers as the plans of `tests/migrate` expect.

use std::io::Read;
use std::net::Shutdown;
use std::sync::{Arc, Mutex};

use crate::raw::{
    BINARY, CLOSE, Line, PING, PONG, TEXT, accept, frame, head, header, listen, say, short_frame, whole,
};

/// What came over one connection: requests and frames.
pub type Heard = Vec<String>;

/// A server for one plan, to the end of the process.
pub struct Recorder {
    pub port: u16,
    heard: Arc<Mutex<Vec<Heard>>>,
}

/// How many requests are still refused.
type Refusals = Mutex<usize>;

impl Recorder {
    /// One that refuses the first requests with 429.
    pub fn refusing(first: usize) -> Self {
        let heard = Arc::<Mutex<Vec<Heard>>>::default();
        let (kept, refusals) = (heard.clone(), Refusals::new(first));
        let address = listen(move |tcp| {
            let connection = {
                let mut kept = kept.lock().unwrap();
                kept.push(Vec::new());
                kept.len() - 1
            };
            let keep = |what: String| kept.lock().unwrap()[connection].push(what);
            serve(&mut Line::new(tcp, None), &refusals, &keep);
        });
        Self {
            port: address.port(),
            heard,
        }
    }

    /// What came until now, in the order in which the connections were opened.
    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }
}

fn serve(line: &mut Line, refusals: &Refusals, keep: &dyn Fn(String)) {
    while let Some(head) = head(line) {
        let length: usize = header(&head, "Content-Length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        if line.read_exact(&mut body).is_err() {
            return;
        }
        keep(format!("{}{}", request(&head), String::from_utf8_lossy(&body)));
        // What a plan asks for before its loop is none of the tries.
        let tried = !head.starts_with("GET /before ");
        let refused = tried && {
            let mut refusals = refusals.lock().unwrap();
            let refused = *refusals > 0;
            *refusals = refusals.saturating_sub(1);
            refused
        };
        if refused {
            say(
                line,
                b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 4\r\n\r\nslow",
            );
        } else if header(&head, "Upgrade").is_none() {
            say(line, b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nok done");
        } else {
            accept(line, &head);
            return talk(line, keep);
        }
    }
}

/// A request without what each client of WebSockets makes in its own way: its first line, and its other headers by name.
fn request(head: &str) -> String {
    const MADE: [&str; 7] = [
        "host",
        "upgrade",
        "connection",
        "sec-websocket-key",
        "sec-websocket-version",
        "sec-websocket-accept",
        "user-agent",
    ];
    let mut lines = head.trim_end().lines();
    let first = lines.next().unwrap_or_default().to_owned();
    let mut headers: Vec<String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .filter(|(name, _)| !MADE.contains(&name.as_str()))
        .map(|(name, value)| match name.as_str() {
            // Which extension is offered is the plan's, with what words is the client's.
            "sec-websocket-extensions" => (name, value.split(';').next().unwrap_or_default()),
            _ => (name, value),
        })
        .map(|(name, value)| format!("\n{name}: {value}"))
        .collect();
    headers.sort();
    first + &headers.concat() + "\n"
}

fn talk(line: &mut Line, keep: &dyn Fn(String)) {
    while let Some((first, payload)) = short_frame(line) {
        let opcode = first & 0xf;
        keep(told(first, &payload));
        match opcode {
            TEXT => answer(line, &String::from_utf8_lossy(&payload)),
            BINARY => say(line, &whole(BINARY, &payload)),
            PING => say(line, &whole(PONG, &payload)),
            CLOSE => {
                say(line, &whole(CLOSE, &payload));
                return line.end(Shutdown::Write);
            }
            _ => {}
        }
    }
}

/// A frame as people read it. What a ping carries is its sender's.
fn told(first: u8, payload: &[u8]) -> String {
    let hex: String = payload.iter().map(|byte| format!("{byte:02x}")).collect();
    match first & 0xf {
        PING => format!("{first:02x} ping"),
        TEXT => format!("{first:02x} {:?}", String::from_utf8_lossy(payload)),
        _ => format!("{first:02x} {hex}"),
    }
}

fn answer(line: &mut Line, text: &str) {
    if text == "mute" || text == "quiet" {
        return;
    }
    if text.starts_with("two") {
        say(line, &whole(TEXT, b"heartbeat"));
    }
    if text == "frag" {
        for part in [frame(TEXT, b"fr"), frame(0, b"ag"), frame(0x80, b"ment")] {
            say(line, &part);
        }
        return;
    }
    say(line, &whole(TEXT, format!("answer {text}").as_bytes()));
}
