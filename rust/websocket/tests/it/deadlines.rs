//! When a wait ends: on time, and never before what was already there was read.

use std::time::{Duration, Instant};

use websocket::{Connection, Error};

use crate::support::{PATIENCE, Server, attempt, connected, dial, frame};

/// The system's own timers are rounded up by an eighth of their length; ours must not be.
#[test]
fn a_receive_ends_on_time_however_long_it_is() {
    let server = Server::start(|mut peer| {
        peer.upgrade();
        peer.hold();
    });
    let waits = [
        1_000, 2_060, 2_085, 2_110, 2_135, 2_160, 2_185, 2_210, 2_235, 2_260,
    ]
    .map(Duration::from_millis);
    let open = || attempt(&dial(&server.url("/"))).result.unwrap();
    let late = |mut connection: Connection, wait: Duration| {
        let began = Instant::now();
        let error = connection.receive(wait).unwrap_err();
        assert!(matches!(error, Error::MessageTimeout { .. }), "{error}");
        began.elapsed().checked_sub(wait).expect("never early")
    };
    let mut lateness: Vec<Duration> = std::thread::scope(|scope| {
        let running = waits.map(|wait| {
            let connection = open();
            scope.spawn(move || late(connection, wait))
        });
        running.map(|thread| thread.join().unwrap()).into()
    });
    lateness.sort();
    // The processor may be given to others: not each has to be on time, but most.
    assert!(
        lateness[waits.len() / 2] <= Duration::from_millis(20),
        "{lateness:?}"
    );
}

#[test]
fn what_came_while_we_were_held_up_counts_although_the_time_is_up() {
    let (mut connection, _server) = connected(|mut peer| {
        peer.say(frame(0x81, b"in time"));
        peer.hold();
    });
    // As a process that was stopped finds it: the clock has run on, the answer lies in the socket.
    let long_ago = Instant::now();
    std::thread::sleep(Duration::from_millis(100));
    let message = connection.receive_since(long_ago, Duration::from_millis(50));
    assert_eq!(message.unwrap().payload, b"in time");
}

#[test]
fn a_peer_that_sends_without_end_does_not_extend_a_wait() {
    let (mut connection, _server) = connected(|mut peer| {
        peer.say(frame(0x01, b"begun"));
        let burst = frame(0x00, b"").repeat(2_000);
        while std::io::Write::write_all(&mut peer.stream, &burst).is_ok() {
            // Not so many that the bound on a message's frames is reached before the deadline.
            std::thread::sleep(Duration::from_millis(2));
        }
    });
    let began = Instant::now();
    let error = connection.receive(Duration::from_millis(300)).unwrap_err();
    assert!(matches!(error, Error::MessageTimeout { .. }), "{error}");
    assert!(began.elapsed() < PATIENCE / 2, "{:?}", began.elapsed());
}
