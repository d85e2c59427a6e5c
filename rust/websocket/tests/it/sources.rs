//! Where connections come from: the addresses of this machine that a user names, by turns.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, channel};

use websocket::{Dial, Sources};

use crate::support::{attempt, code, dial};

/// Says who came, and resets each.
fn doorman(at: &str) -> (SocketAddr, Receiver<IpAddr>) {
    let listener = TcpListener::bind(at).unwrap();
    let address = listener.local_addr().unwrap();
    let (seen, came) = channel();
    std::thread::spawn(move || {
        while let Ok((_, peer)) = listener.accept() {
            if seen.send(peer.ip()).is_err() {
                return;
            }
        }
    });
    (address, came)
}

fn from(texts: &[&str], to: SocketAddr) -> Dial {
    let addresses: Vec<IpAddr> = texts.iter().map(|text| text.parse().unwrap()).collect();
    Dial {
        sources: Sources::of(&addresses).unwrap(),
        ..dial(&format!("ws://{to}/"))
    }
}

#[test]
fn connections_come_from_each_address_in_turn() {
    let (address, came) = doorman("127.0.0.1:0");
    let dial = from(&["127.0.0.21", "127.0.0.22", "127.0.0.23"], address);
    for expected in [21, 22, 23, 21] {
        attempt(&dial);
        assert_eq!(came.recv().unwrap(), IpAddr::from([127, 0, 0, expected]));
    }
}

#[test]
fn what_cannot_reach_the_target_from_there_is_told() {
    let (address, _) = doorman("[::1]:0");
    let done = attempt(&from(&["127.0.0.24"], address));
    assert_eq!(code(&done), "tcp.unreachable");
    let told = done.result.err().unwrap().detail();
    assert!(
        told.contains("no local address is of the family of ::1"),
        "{told}"
    );
}
