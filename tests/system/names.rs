//! Host names that cannot be looked up for a while: the policy retries what may pass, gives up at once what cannot, and the names
//! work as soon as the resolver does.

use system::plan::{Group, Plan};
use system::serve::Serve;
use system::trace::{self, Attempt};

use crate::conversation::wait_for_samples;
use crate::support::{LIMIT, complaints, folder, jmeter_of, together, wait_for_stats};
use crate::world::World;

/// Of each kind.
const USERS: u32 = 4;
/// How long a lookup may take that has no end; any other has all the time that it needs.
const TIMEOUT_MS: &str = "100";
/// Failed samples before the names come back: two users have four of them in each pause, so it takes two seconds at least. The
/// lookup of one name, which all its users share, hangs for all that time, and the other names must not notice.
const FAILED: usize = 160;
const PAUSE_MS: &str = "50";

#[test]
fn names_that_fail_and_heal_are_retried_as_their_failure_deserves() {
    let _turn = together();
    let folder = folder("names");
    let serve = Serve::start(&["--limit", "none"]).unwrap();
    let port = serve.address().port();
    let url = |name: &str| format!("ws://{name}.test:{port}/{name}");
    let policy = [
        ("wsb.retry.base", "50"),
        ("wsb.retry.transientBase", "50"),
        ("wsb.retry.cap", "300"),
        ("wsb.retry.maxElapsed", "100s"),
    ];
    // These wait until they are in, and stay there.
    let patient = |kind: &str, timeout: &str| {
        let group = Group::new(kind, USERS).defaults(&policy);
        group
            .connect(kind, &[("wsb.url", &url(kind)), ("wsb.connectTimeout", timeout)])
            .pause("600000")
    };
    // These come again and again, with the policy's answer to each failure.
    let again = |label: &str, name: &str, more: &[(&str, &str)]| {
        let group = Group::new(label, 1).forever().defaults(&policy).defaults(more);
        let group = group.connect(label, &[("wsb.url", &url(name))]);
        group.sampler("Close", "Close", &[]).pause(PAUSE_MS)
    };
    let plan = Plan::of(patient("passing", ""))
        .and(patient("slow", TIMEOUT_MS))
        .and(again("missing", "missing", &[]))
        .and(again("at once", "passing", &[("wsb.retry.strategy", "none")]));
    let world = World::new(&folder);
    world.lose_names();
    let trace_file = folder.join("trace.jsonl");
    let run = jmeter_of(&plan, &folder)
        .property("jmeter.save.saveservice.autoflush", "true")
        .property("wsb.trace", &trace_file.display());
    let running = world.around(run).start().unwrap();
    wait_for_samples(&running, &folder, FAILED);
    assert_eq!(
        serve.stats().unwrap().attempts,
        0,
        "nobody knows where the server is"
    );

    world.heal_names();
    // All kinds get in, the last two more than once.
    let in_at = |stats: &system::serve::Stats, name: &str| {
        let path = format!("/{name}");
        let known = stats.paths.iter().find(|known| known.path == path);
        known.map_or(0, |path| path.accepted)
    };
    wait_for_stats(&serve, LIMIT, |stats| {
        let users = u64::from(USERS);
        in_at(stats, "slow") == users && in_at(stats, "passing") >= users + 2 && in_at(stats, "missing") >= 2
    });
    running.stop_now().unwrap();
    let finished = running.finish(LIMIT).unwrap().succeeded().unwrap();
    assert_eq!(complaints(&finished), Vec::<String>::new());

    let traced = trace::read(&trace_file).unwrap();
    for (user, error, class, retried) in [
        ("passing", "dns.failed", "transient", true),
        ("slow", "dns.timeout", "transient", true),
        ("missing", "dns.not-found", "fatal", false),
        ("at once", "dns.failed", "transient", false),
    ] {
        check(&traced, user, error, class, retried);
    }
    for sample in finished.samples().unwrap() {
        let expected = match sample.label.as_str() {
            "missing" => "dns.not-found",
            "at once" => "dns.failed",
            _ => continue,
        };
        let cancelled = sample.code.ends_with("cancelled");
        assert!(
            sample.success || cancelled || sample.code.ends_with(expected),
            "{sample:?}"
        );
    }
}

/// The failures of these users are of this kind, all before their successes; a connect repeats them, or ends with each.
fn check(traced: &[Attempt], user: &str, error: &str, class: &str, retried: bool) {
    let begin = format!("{user} ");
    let own: Vec<&Attempt> = traced
        .iter()
        .filter(|attempt| attempt.user.starts_with(&begin) && attempt.stop.as_deref() != Some("cancelled"))
        .collect();
    let failed: Vec<_> = own.iter().filter(|attempt| attempt.error.is_some()).collect();
    assert!(!failed.is_empty(), "{user}");
    for attempt in &failed {
        let seen = (attempt.error.as_deref(), attempt.class.as_deref());
        assert_eq!(seen, (Some(error), Some(class)), "{attempt:?}");
        assert_eq!(attempt.wait_ms.is_some(), retried, "{attempt:?}");
    }
    let last_attempts = own.iter().filter(|attempt| attempt.status == Some(101));
    let repeated = last_attempts.filter(|attempt| attempt.attempt > 1).count();
    assert_eq!(repeated > 0, retried, "{user}: {own:?}");
}
