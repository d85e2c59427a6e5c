//! `probe` before limiters that other people wrote, an everyday choice of them. All of them are a matter of
//! `script/limiters --probe`.

use std::path::Path;

use system::finding::Verdict;
use system::limiters::{Limiter, Probed};

use crate::say;
use crate::support::{alone, folder, waiting};

const BUDGET: u32 = 300;

/// Those whose experiments are short: what comes late by a busy machine is another limiter.
const SHORT: [&str; 3] = [
    "nginx limit_conn 20, 503",
    "HAProxy conn_cur 20, 429",
    "HAProxy conn_rate 60 per 5 s, reset",
];

/// A queue that takes seconds to drain before each experiment: longer than a busy machine is late.
const QUEUE: &str = "nginx limit_req 10 r/s burst 30 queued, 503";

/// Probes a limiter, which may not be told wrongly, nor cost more than allowed.
fn probe(name: &str, folder: &Path) -> Probed {
    let limiter = Limiter::named(name).unwrap();
    let probed = limiter.probe(BUDGET, &folder.join("limiter")).unwrap();
    let words = probed.found.words();
    say!(
        "{name}: {words}, {} upgrades, {:.0} s",
        probed.upgrades,
        probed.took.as_secs_f64()
    );
    assert!(
        probed.upgrades <= BUDGET.into(),
        "{name}: {} upgrades",
        probed.upgrades
    );
    assert_ne!(
        probed.verdict,
        Verdict::Wrong,
        "{name} is {}: {words}",
        limiter.limit
    );
    for (figure, near) in &probed.figures {
        assert!(near, "{figure} of {name}, which is {}: {words}", limiter.limit);
    }
    probed
}

#[test]
fn probe_tells_the_limits_of_nginx_and_haproxy_within_its_budget() {
    let _turn = alone();
    let folder = folder("probing");
    let probed = SHORT.map(|name| probe(name, &folder));
    let right = probed
        .iter()
        .filter(|probed| probed.verdict != Verdict::CannotTell);
    let told = probed.iter().map(|probed| probed.figures.len()).sum::<usize>();
    // A machine that is too busy makes it say that it cannot tell, which is no wrong word, but may not be the usual one.
    assert!(right.count() >= 2, "of {}", SHORT.len());
    assert!(told >= 2, "{told} figures were told by a narrow interval");
}

#[test]
fn probe_tells_a_queue_of_nginx() {
    let _turn = waiting();
    let probed = probe(QUEUE, &folder("probing-queue"));
    assert_ne!(probed.verdict, Verdict::CannotTell, "{}", probed.found.words());
}
