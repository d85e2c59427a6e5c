//! The server dies and comes back in the middle of a run: users with a policy get over it, each loss is told once, and what the
//! three lives of the server counted is what the users did.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

use system::codes::Codes;
use system::jtl::Sample;
use system::plan::{Group, Plan};
use system::serve::{Serve, Stats};
use system::trace::{self, Attempt};

use crate::say;
use crate::support::{LIMIT, complaints, folder, jmeter_of, since_1970, together, wait_for_stats};

/// They connect once and talk on, whatever happens.
const TALKERS: u32 = 20;
/// They connect once and wait for messages that never come.
const LISTENERS: u32 = 5;
/// They connect and close again and again, from the second life on.
const COMERS: u32 = 10;
/// How long nothing listens.
const DOWN: Duration = Duration::from_millis(1_500);
/// A connection that lived for so long lets the backoff start anew (`wsb.reconnect`); so each life is a bit longer, and each
/// loss meets the same first wait.
const LIFE: Duration = Duration::from_secs(6);

const POLICY: &[(&str, &str)] = &[
    ("wsb.reconnect", "on-next-use"),
    ("wsb.retry.strategy", "full"),
    ("wsb.retry.base", "100"),
    ("wsb.retry.transientBase", "100"),
    ("wsb.retry.cap", "300"),
    ("wsb.retry.maxElapsed", "60s"),
];

/// All go on until the run is stopped.
fn plan(serve: &Serve, gate: &TcpListener) -> Plan {
    let (talk, come) = (serve.url("/talk"), serve.url("/come"));
    let connect = Group::new("connect", 1).connect("Talk: connect", &[("wsb.url", &talk)]);
    let talkers = Group::new("Talkers", TALKERS)
        .forever()
        .defaults(POLICY)
        .once(&connect)
        .sampler("Exchange", "Talk", &[("wsb.payload", "still there?")])
        .pause("20");
    let connect = Group::new("connect", 1).connect("Listen: connect", &[("wsb.url", &talk)]);
    let listeners = Group::new("Listeners", LISTENERS)
        .forever()
        .defaults(POLICY)
        .once(&connect)
        .sampler(
            "Receive",
            "Listen",
            &[("wsb.optional", "true"), ("wsb.readTimeout", "3s")],
        );
    let single = [("wsb.url", come.as_str()), ("wsb.retry.strategy", "none")];
    let attempt = Group::new("attempt", 1).connect("Come", &single);
    let wait = Group::new("wait", 1).wait_at(gate.local_addr().unwrap());
    let comers = Group::new("Comers", COMERS)
        .forever()
        .defaults(POLICY)
        .once(&wait)
        .controller("Retry", "Come until it works", &[], &attempt)
        .sampler("Close", "Leave", &[])
        .pause("20");
    Plan::of(talkers).and(listeners).and(comers)
}

/// Waits until so many were let in at a path, then for the rest of the server's life.
fn live(serve: &Serve, path: &str, users: u32) {
    let begun = Instant::now();
    let let_in = |stats: &Stats| {
        let known = stats.paths.iter().find(|known| known.path == path);
        known.is_some_and(|path| path.accepted >= u64::from(users))
    };
    wait_for_stats(serve, LIMIT, let_in);
    std::thread::sleep(LIFE.saturating_sub(begun.elapsed()));
}

#[test]
fn users_get_over_two_deaths_of_their_server_and_every_attempt_is_accounted_for() {
    let _turn = together();
    let codes = Codes::described().unwrap();
    let folder = folder("restarts");
    let gate = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let first = Serve::start(&["--limit", "none"]).unwrap();
    let address = first.address();
    let trace_file = folder.join("trace.jsonl");
    let run = jmeter_of(&plan(&first, &gate), &folder)
        .property("wsb.trace", &trace_file.display())
        .property("sample_variables", "wsb.attempts,wsb.reconnects");
    let running = run.start().unwrap();
    live(&first, "/talk", TALKERS + LISTENERS);
    let waiting: Vec<_> = (0..COMERS).map(|_| gate.accept().unwrap()).collect();
    // Nobody comes any more, so this is all that it ever counts.
    let counted_first = first.stats().unwrap().attempts;
    let crash = Death::of(|| drop(first)); // killed
    std::thread::sleep(DOWN);

    let log = folder.join("second.log");
    let second = Serve::start_at_with_log(address, &["--limit", "none"], &log).unwrap();
    drop(waiting); // lets the others come
    live(&second, "/talk", TALKERS + LISTENERS);
    let mut counted_second = 0;
    let deployment = Death::of(|| counted_second = second.stop_and_read_log().unwrap().len() as u64);
    std::thread::sleep(DOWN);

    let third = Serve::start_at(address, &["--limit", "none"]).unwrap();
    live(&third, "/talk", TALKERS + LISTENERS);
    running.shut_down().unwrap();
    let finished = running.finish(LIMIT).unwrap().succeeded().unwrap();
    assert_eq!(complaints(&finished), Vec::<String>::new());
    let counted = [counted_first, counted_second, third.stats().unwrap().attempts];

    let samples: Vec<Sample> = finished.samples().unwrap();
    let unknown: Vec<_> = samples
        .iter()
        .filter(|sample| sample.label != "Wait" && !codes.knows(&sample.code))
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    deaths_cost_one_sample_each(&samples, "Talk", TALKERS);
    deaths_cost_one_sample_each(&samples, "Listen", LISTENERS);
    comers_came_in_the_end(&samples);
    let traced = trace::read(&trace_file).unwrap();
    counts_agree(&samples, &traced, counted);
    only_deaths_cut_off(&traced, &[crash, deployment]);
}

/// From when a server was told to end until it had.
#[derive(Debug)]
struct Death {
    told: Duration,
    gone: Duration,
}

impl Death {
    fn of(end: impl FnOnce()) -> Self {
        let told = since_1970();
        end();
        let gone = since_1970();
        Self { told, gone }
    }

    /// Whether the attempt was under way meanwhile.
    fn met(&self, attempt: &Attempt) -> bool {
        let began = Duration::from_micros(attempt.at);
        let ended = began + Duration::from_micros(attempt.total_us);
        began <= self.gone && ended >= self.told
    }
}

/// By user: the samples with this label, in order.
fn by_user<'a>(samples: &'a [Sample], label: &str) -> BTreeMap<&'a str, Vec<&'a Sample>> {
    let mut users: BTreeMap<&str, Vec<&Sample>> = BTreeMap::new();
    for sample in samples.iter().filter(|sample| sample.label == label) {
        users.entry(&sample.thread).or_default().push(sample);
    }
    users
}

/// A death fails the message that was under way, and no other: the next use connects anew.
fn deaths_cost_one_sample_each(samples: &[Sample], label: &str, count: u32) {
    let users = by_user(samples, label);
    assert_eq!(users.len(), count as usize);
    let mut lost = Vec::new();
    for (user, talk) in &users {
        let failed: Vec<_> = talk.iter().filter(|sample| !sample.success).collect();
        assert!(failed.len() <= 2, "{user}: {failed:?}");
        lost.extend(failed.iter().map(|sample| sample.code.as_str()));
        let again: f64 = talk.iter().map(|sample| sample.number("wsb.reconnects")).sum();
        assert!((again - 2.0).abs() < 0.5, "{user} connected again {again} times");
        assert!(talk.last().is_some_and(|sample| sample.success), "{user}");
    }
    // The crash breaks connections off, the deployment closes them.
    let of = |code: &str| lost.iter().filter(|lost| **lost == code).count();
    let (broken, closed) = (of("Non HTTP response code: connection.lost"), of("closed.1001"));
    let all = users.values().map(Vec::len).sum::<usize>();
    say!("{label}: {count} users, {all} samples, {broken} broken off, {closed} ended by a close frame");
    assert_eq!(broken + closed, lost.len(), "{lost:?}");
    if label == "Listen" {
        assert!(broken > 0 && closed > 0, "somebody was listening: {lost:?}");
    }
}

fn comers_came_in_the_end(samples: &[Sample]) {
    let users = by_user(samples, "Come");
    assert_eq!(users.len(), COMERS as usize);
    let refused = |sample: &&&Sample| sample.code.ends_with("tcp.refused");
    for (user, attempts) in &users {
        assert!(
            attempts.iter().any(|attempt| refused(&attempt)),
            "{user} met no death"
        );
        let last_death = attempts.iter().rposition(|attempt| refused(&attempt)).unwrap();
        assert!(
            attempts[last_death..].iter().any(|attempt| attempt.success),
            "{user} did not come back: {:?}",
            attempts.last()
        );
    }
}

/// Each attempt is in a sample or belongs to a reconnect; each request that was answered is counted by one of the lives. One that
/// a death cut off may have been counted or not.
fn counts_agree(samples: &[Sample], traced: &[Attempt], counted: [u64; 3]) {
    let connects = samples
        .iter()
        .filter(|sample| sample.label.ends_with("onnect") || sample.label == "Come");
    let in_samples: u64 = connects
        .map(|sample| sample.variables["wsb.attempts"].parse::<u64>().unwrap())
        .sum();
    // A reconnect's have the ordinal of the connect that they repeat, and begin again at 1.
    let mut connected: BTreeMap<(&str, u64), u64> = BTreeMap::new();
    let mut in_reconnects = 0;
    for attempt in traced {
        let times = connected.entry((&attempt.user, attempt.ordinal)).or_default();
        in_reconnects += u64::from(*times > 0);
        *times += u64::from(attempt.status == Some(101));
    }
    let sent: u64 = traced.iter().map(Attempt::requests).sum();
    let answered = traced.iter().filter(|attempt| attempt.status.is_some()).count() as u64;
    let of_server: u64 = counted.iter().sum();
    say!(
        "attempts: {in_samples} in samples, {in_reconnects} in reconnects, {} in the trace, {sent} sent, {answered} answered; \
         the server's three lives counted {counted:?}",
        traced.len()
    );
    assert_eq!(in_samples + in_reconnects, traced.len() as u64);
    assert_eq!(
        counted[0],
        u64::from(TALKERS + LISTENERS),
        "all came once before the crash"
    );
    assert!((answered..=sent).contains(&of_server), "{of_server}");
}

/// A request that was sent and not answered was under way when a server died. A user may lose several to one death: full jitter
/// may wait for nothing, and a server on its way out still has a listening socket.
fn only_deaths_cut_off(traced: &[Attempt], deaths: &[Death]) {
    let mut unanswered = traced
        .iter()
        .filter(|attempt| attempt.sent_us.is_some() && attempt.status.is_none());
    let other = unanswered.find(|attempt| !deaths.iter().any(|death| death.met(attempt)));
    assert!(other.is_none(), "{other:?} met none of {deaths:?}");
}
