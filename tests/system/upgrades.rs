//! More upgrades in a row than the machine has ports: none fails for want of one, as the server is let close first and so has
//! the ports in TIME_WAIT.

use std::time::{Duration, Instant};

use system::jmeter::{Home, Jmeter};
use system::plan::{Group, Plan};
use system::serve::Serve;

use crate::say;
use crate::support::{LIMIT, alone, folder};

const USERS: u32 = 16;
/// Together 32,000; Linux has 28,232 ports for connections to one address, and keeps one in TIME_WAIT for a minute.
const LOOPS: u32 = 2_000;
/// `/proc/net/tcp` calls TIME_WAIT so.
const TIME_WAIT: &str = "06";

/// Sockets in TIME_WAIT on this side of the server's port, and on the other.
fn in_time_wait(port: u16) -> (usize, usize) {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let end = format!(":{port:04X}");
    let waiting = table.lines().skip(1).filter_map(|row| {
        let columns: Vec<&str> = row.split_whitespace().collect();
        (columns[3] == TIME_WAIT).then(|| (columns[1].ends_with(&end), columns[2].ends_with(&end)))
    });
    waiting.fold((0, 0), |(at_server, at_client), (local, remote)| {
        (at_server + usize::from(local), at_client + usize::from(remote))
    })
}

#[test]
fn more_upgrades_than_ports_in_the_shortest_time_all_pass() {
    let _turn = alone();
    let folder = folder("upgrades");
    let serve = Serve::start(&["--limit", "none"]).unwrap();
    let users = Group::new("Users", USERS)
        .loops(LOOPS)
        .connect(
            "Connect",
            &[("wsb.url", &serve.url("/")), ("wsb.retry.strategy", "none")],
        )
        .sampler("Close", "Close", &[]);
    let plan = Plan::of(users).write(&folder.join("plan.jmx")).unwrap();
    // Without the JNI checks, which take their own time.
    let running = Jmeter::new(&Home::assembled().unwrap(), &plan, &folder.join("run"))
        .start()
        .unwrap();
    let begun = Instant::now();
    assert!(running.plan_ends_within(LIMIT), "the users do not end");
    let took = begun.elapsed();
    let (at_server, at_client) = in_time_wait(serve.address().port());
    let finished = running.finish(LIMIT).unwrap().succeeded().unwrap();

    let samples = finished.samples().unwrap();
    let failed: Vec<_> = samples.iter().filter(|sample| !sample.success).take(5).collect();
    assert!(failed.is_empty(), "{failed:?}");
    let upgrades = (USERS * LOOPS) as usize;
    assert_eq!(samples.len(), 2 * upgrades);
    assert_eq!(serve.stats().unwrap().accepted, upgrades as u64);
    say!(
        "{upgrades} upgrades in {:.1} s, {:.0}/s; in TIME_WAIT: {at_server} sockets of the server, {at_client} of JMeter",
        took.as_secs_f64(),
        upgrades as f64 / took.max(Duration::from_millis(1)).as_secs_f64()
    );
    // A server that is slow to close is not waited for without end, so a few may be ours.
    assert!(
        at_client < upgrades / 10,
        "{at_client} ports are ours to wait for"
    );
}
