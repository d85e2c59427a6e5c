//! What a scripted server does with a request, as data for tables of cases.

use std::time::Duration;

use websocket::Attempt;

use crate::support::{Peer, Server, attempt_within, dial};

pub const LONG: Duration = Duration::from_secs(20);
pub const SHORT: Duration = Duration::from_millis(200);

/// What the peer does after it read the request; then it closes, unless the last step says otherwise.
pub enum Step {
    Say(Vec<u8>),
    Drip(Vec<u8>, Duration),
    Repeat(Vec<u8>),
    HalfClose,
    Reset,
    Hold,
}
pub fn say(text: &str) -> Step {
    Step::Say(text.as_bytes().to_vec())
}

fn play(mut peer: Peer, steps: &[Step]) {
    peer.read_head();
    for step in steps {
        match step {
            Step::Say(bytes) => peer.say(bytes),
            Step::Drip(bytes, pause) => {
                for byte in peer.filled(bytes) {
                    peer.say([byte]);
                    std::thread::sleep(*pause);
                }
            }
            Step::Repeat(bytes) => while peer.stream.write_all(bytes).is_ok() {},
            Step::HalfClose => {
                peer.half_close();
                peer.hold();
            }
            Step::Reset => return peer.reset(),
            Step::Hold => peer.hold(),
        }
    }
}

pub fn run(steps: Vec<Step>, timeout: Duration) -> Attempt {
    let server = Server::start(move |peer| play(peer, &steps));
    attempt_within(&dial(&server.url("/")), timeout)
}
