//! `find` on traces of a real JMeter, some limits of the test server side by side: that it tells the truth, and figures. Many more,
//! drawn at random, are a matter of `cargo run -p system --bin finding`.

use system::finding::{Case, Verdict, record};

use crate::say;
use crate::support::{checked, folder, waiting};

/// A limit, how it refuses, how many come, how long they stay, and how they try.
type Told = (&'static str, &'static [&'static str], u32, u32, &'static str);

/// Those that `find` can tell by name from what so many users see.
const CASES: [Told; 5] = [
    (
        "token-bucket rate=8 burst=20",
        &["--retry-after", "ms"],
        80,
        0,
        "off",
    ),
    (
        "token-bucket rate=5 burst=20",
        &["--retry-after", "ms"],
        60,
        3_000,
        "pace",
    ),
    (
        "sliding-window limit=24 window=2s reject-counts=true",
        &["--retry-after", "ms"],
        80,
        0,
        "off",
    ),
    (
        "concurrency limit=15",
        &["--retry-after", "none"],
        80,
        1_000,
        "off",
    ),
    (
        "queue rate=8 burst=20",
        &["--status", "503", "--retry-after", "none"],
        80,
        0,
        "off",
    ),
];

#[test]
fn find_names_the_limits_that_users_of_a_real_jmeter_met() {
    let _turn = waiting();
    let cases = CASES.map(|(limit, refusal, users, hold_ms, mode)| Case {
        name: format!("{}-{mode}", limit.split(' ').next().unwrap()),
        limit: limit.parse().unwrap(),
        refusal,
        users,
        ramp_seconds: 0,
        hold_ms,
        mode,
    });
    for kept in record(&cases, &folder("finding"), checked).unwrap() {
        let judged = kept.judge().unwrap();
        say!(
            "{}: {}",
            kept.limit,
            judged.found.limit_text.clone().unwrap_or_default()
        );
        assert_eq!(
            judged.verdict,
            Verdict::Named,
            "{}: {:?}",
            kept.limit,
            judged.found
        );
        for (figure, near) in judged.found.figures(&kept.limit) {
            assert!(near, "{figure} of {}: {:?}", kept.limit, judged.found);
        }
    }
}
