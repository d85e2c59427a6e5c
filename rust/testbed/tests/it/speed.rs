//! How many upgrades a second the server does, with the client on the same cores. To see the figure:
//! `cargo test --release -p testbed --test it speed -- --nocapture`.

use crate::client::{ACCEPT, Client, start, until};
use std::io::Read;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use testbed::Config;

const THREADS: usize = 16;
const TIME: Duration = Duration::from_secs(2);
/// Far below what any machine does: it only catches a server that waits somewhere. A Nagle delay, say, would be 40 ms each.
const LEAST: u64 = 500;

#[test]
fn thousands_of_upgrades_a_second() {
    let server = start(Config::default());
    let done = AtomicU64::new(0);
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let mut answer = [0; 512];
                while started.elapsed() < TIME {
                    let mut client = Client::connect(&server);
                    client.ask("/");
                    let mut length = 0;
                    while !answer[..length].ends_with(b"\r\n\r\n") {
                        length += client.0.read(&mut answer[length..]).unwrap();
                    }
                    assert!(
                        answer[..length]
                            .windows(ACCEPT.len())
                            .any(|part| part == ACCEPT.as_bytes())
                    );
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    let elapsed = started.elapsed().as_secs_f64();
    let done = done.into_inner();
    #[allow(clippy::cast_precision_loss)] // some ten thousands
    let rate = done as f64 / elapsed;
    println!("{rate:.0} upgrades/s, {THREADS} clients, opened and closed");
    assert!(done > LEAST, "{done} upgrades in {elapsed:.1} s");
    until(&server, "all closed", |stats| {
        stats.accepted == done && stats.open == 0
    });
}
