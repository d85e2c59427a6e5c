//! `probe` before limiters that other people wrote, an everyday choice of them, one after the other. All of them are a matter of
//! `script/limiters --probe`.

use system::finding::Verdict;
use system::limiters::Limiter;

use crate::say;
use crate::support::{alone, folder};

const BUDGET: u32 = 300;

/// Those whose experiments are short.
const LIMITERS: [&str; 4] = [
    "nginx limit_conn 20, 503",
    "nginx limit_req 10 r/s burst 30 queued, 503",
    "HAProxy conn_cur 20, 429",
    "HAProxy conn_rate 60 per 5 s, reset",
];

#[test]
fn probe_tells_the_limits_of_nginx_and_haproxy_within_its_budget() {
    // What comes late by a busy machine is another limiter.
    let _turn = alone();
    let folder = folder("probing");
    let (mut right, mut told) = (0, 0);
    for name in LIMITERS {
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
        right += u32::from(probed.verdict != Verdict::CannotTell);
        told += probed.figures.len();
        for (figure, near) in &probed.figures {
            assert!(near, "{figure} of {name}, which is {}: {words}", limiter.limit);
        }
    }
    // A machine that is too busy makes it say that it cannot tell, which is no wrong word, but may not be the usual one.
    assert!(right >= 3, "{right} of {}", LIMITERS.len());
    assert!(told >= 3, "{told} figures were told by a narrow interval");
}
