//! The figures that the product promises: 200 users at once against real limits, and the demo's comparison.

use std::process::Command;
use std::time::Duration;

use limiter::LimitSpec;
use system::plan::{Group, Plan};
use system::process::Process;
use system::serve::{Serve, Stats};

use crate::say;
use crate::support::{folder, jmeter_of, run, together, waiting};

const USERS: u32 = 200;

/// One limit with what is promised for it.
struct Promise {
    limit: &'static str,
    retry_after: &'static str,
    /// `wsb.shared.mode`.
    shared: &'static str,
    seeds: &'static [&'static str],
    /// When the last user is connected, in seconds, the mean of the seeds.
    last_connect: fn(bound: f64) -> f64,
    /// Attempts a user, the mean of the seeds.
    attempts: f64,
}

const SEEDS: &[&str] = &["1", "2", "3"];

/// The most attempts a user where no promise is made.
const ANY: f64 = 1_000.0;

/// Each user for itself.
const ALONE: &[Promise] = &[
    Promise {
        limit: "token-bucket rate=10 burst=20",
        retry_after: "none",
        shared: "off",
        seeds: SEEDS,
        last_connect: |bound| 2.0 * bound,
        attempts: 5.5,
    },
    Promise {
        limit: "token-bucket rate=5 burst=20",
        retry_after: "none",
        shared: "off",
        seeds: SEEDS,
        last_connect: |bound| 2.0 * bound,
        attempts: 5.5,
    },
    Promise {
        limit: "token-bucket rate=5 burst=20",
        retry_after: "seconds",
        shared: "off",
        seeds: SEEDS,
        last_connect: |bound| 2.0 * bound,
        attempts: 5.5,
    },
    Promise {
        limit: "fixed-window limit=100 window=60s",
        retry_after: "seconds",
        shared: "off",
        seeds: &["1"],
        last_connect: |_| 70.0,
        attempts: 2.0,
    },
    Promise {
        limit: "sliding-window limit=50 window=10s reject-counts=true",
        retry_after: "seconds",
        shared: "off",
        seeds: &["1"],
        last_connect: |_| 120.0,
        attempts: ANY,
    },
];

/// All behind one gate.
const PACED: &[Promise] = &[
    Promise {
        limit: "token-bucket rate=10 burst=20",
        retry_after: "none",
        shared: "pace",
        seeds: SEEDS,
        last_connect: |bound| 1.10 * bound,
        attempts: 1.15,
    },
    Promise {
        limit: "token-bucket rate=5 burst=20",
        retry_after: "seconds",
        shared: "pace",
        seeds: SEEDS,
        last_connect: |bound| 1.08 * bound,
        attempts: 1.08,
    },
    Promise {
        limit: "fixed-window limit=100 window=60s",
        retry_after: "seconds",
        shared: "pace",
        seeds: SEEDS,
        last_connect: |_| 66.0,
        attempts: 1.1,
    },
    Promise {
        limit: "sliding-window limit=50 window=10s reject-counts=true",
        retry_after: "seconds",
        shared: "pace",
        seeds: SEEDS,
        last_connect: |bound| 1.5 * bound,
        attempts: 1.1,
    },
];

#[test]
fn two_hundred_users_at_once_are_all_in_as_soon_as_promised() {
    check("figures_alone", ALONE);
}

#[test]
fn behind_one_gate_two_hundred_users_are_in_nearly_as_fast_as_the_limit_lets_them() {
    check("figures_paced", PACED);
}

/// All cases side by side in one JMeter, each with users and a server of its own: they mostly wait.
fn check(test: &str, promises: &[Promise]) {
    let _turn = waiting();
    let mut plan = Plan::default();
    let mut servers: Vec<Vec<Serve>> = Vec::new();
    for promise in promises {
        let mut of_seeds = Vec::new();
        for seed in promise.seeds {
            let serve =
                Serve::start(&["--limit", promise.limit, "--retry-after", promise.retry_after]).unwrap();
            let name = format!("{} seed {seed}", promise.limit);
            let properties = [
                ("wsb.url", serve.url("/")),
                ("wsb.retry.seed", (*seed).to_owned()),
                ("wsb.shared.mode", promise.shared.to_owned()),
            ];
            let properties = properties.each_ref().map(|(key, value)| (*key, value.as_str()));
            plan = plan.and(Group::new(&name, USERS).connect(&name, &properties));
            of_seeds.push(serve);
        }
        servers.push(of_seeds);
    }
    let samples = run(&jmeter_of(&plan, &folder(test))).samples().unwrap();
    let lost: Vec<_> = samples.iter().filter(|sample| !sample.success).collect();
    assert!(lost.is_empty(), "{} users are lost: {lost:?}", lost.len());
    compare(promises, &servers);
}

/// Prints what the servers saw, and fails where a promise was not kept.
fn compare(promises: &[Promise], servers: &[Vec<Serve>]) {
    say!(
        "{:54} {:6} {:>7} {:>14} {:>7} {:>14}",
        "limit",
        "hints",
        "bound s",
        "last connect s",
        "x bound",
        "attempts/user"
    );
    let mut broken = Vec::new();
    for (promise, of_seeds) in promises.iter().zip(servers) {
        let stats: Vec<Stats> = of_seeds.iter().map(|serve| serve.stats().unwrap()).collect();
        assert!(
            stats.iter().all(|stats| stats.accepted == u64::from(USERS)),
            "{stats:?}"
        );
        let mean = |value: fn(&Stats) -> f64| stats.iter().map(value).sum::<f64>() / stats.len() as f64;
        let last = mean(|stats| stats.last_connect().expect("all are connected").as_secs_f64());
        let attempts = mean(|stats| stats.attempts as f64) / f64::from(USERS);
        let limit: LimitSpec = promise.limit.parse().unwrap();
        let bound = limit.bound(USERS).unwrap().as_secs_f64();
        say!(
            "{:54} {:6} {bound:7.1} {last:14.2} {:7.2} {attempts:14.2}",
            promise.limit,
            if promise.retry_after == "none" {
                "no"
            } else {
                "yes"
            },
            last / bound
        );
        if last > (promise.last_connect)(bound) || attempts > promise.attempts {
            broken.push(promise.limit);
        }
        assert!(
            last >= bound * 0.98,
            "faster than the limit allows: the measurement is wrong"
        );
    }
    assert!(broken.is_empty(), "not as promised: {broken:?}");
}

#[test]
fn the_demo_shows_today_losing_two_in_five_and_ours_losing_none() {
    let _turn = together();
    let folder = folder("demo");
    let mut demo = Command::new(env!("CARGO_BIN_EXE_demo"));
    demo.arg("--quick").arg("--out").arg(&folder);
    let ended = Process::start("demo", &mut demo)
        .unwrap()
        .wait(Duration::from_secs(240))
        .unwrap();
    let text = ended.text();
    assert!(ended.status.success(), "{text}");
    assert!(text.contains("20 of 20") && text.contains("12 of 20"), "{text}");
    let summary = std::fs::read_to_string(folder.join("summary.json")).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    assert_eq!(
        (
            &summary["before"]["connected"],
            &summary["before"]["failedPercent"]
        ),
        (&12.into(), &40.0.into())
    );
    assert_eq!(
        (&summary["after"]["connected"], &summary["after"]["failedPercent"]),
        (&20.into(), &0.0.into())
    );
    // Eight users are refused four times each, then give up.
    assert_eq!(summary["before"]["attempts"], 12 + 8 * 4);
    for file in [
        "connected.svg",
        "connected.html",
        "before/dashboard/index.html",
        "after/dashboard/index.html",
    ] {
        assert!(folder.join(file).is_file(), "{file}");
    }
}
