//! The group of virtual users in a real JMeter on a Java that has virtual threads: everything as in JMeter's own Thread Group, which
//! stands beside it in most plans here; and what is said on an older Java.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use system::jmeter::{Finished, Home, Jmeter};
use system::jtl::Sample;
use system::plan::{Group, Plan};
use system::repository;
use system::serve::Serve;

use crate::elements::remote_server;
use crate::stopping::ends_after_stop;
use crate::support::{LIMIT, alone, folder, jmeter_of, run, together};
use crate::{say, skip};

/// How fast a JVM must be gone when its work is done, busy as the machine may be.
const EXIT: Duration = Duration::from_secs(10);
/// What a start may be off on a busy machine.
const LATE_MS: u64 = 400;

/// Says what thread it runs on, by its own account and by JMeter's.
const WHO: &str = "t = Thread.currentThread(); ResponseMessage = t.isVirtual() + \" \" + t.getName() + \" ${__threadNum} \" \
                   + ctx.getThreadNum() + \" \" + ctx.getThreadGroup().getNumberOfThreads() + \" \" \
                   + vars.isSameUserOnNextIteration();";

/// What a group gets besides its elements.
type With = fn(Group) -> Group;

/// What [`WHO`] says.
#[derive(Debug)]
struct Who {
    is_virtual: bool,
    thread: String,
    number: u32,
    index: u32,
    users: u32,
    same_user: bool,
}

impl Who {
    fn of(sample: &Sample) -> Self {
        assert!(sample.success, "{sample:?}");
        let words: Vec<&str> = sample.message.split(' ').collect();
        // The name has a blank of its own: "V 1-1".
        let [is_virtual, name, place, number, index, users, same_user] = words[..] else {
            panic!("{sample:?}")
        };
        Self {
            is_virtual: is_virtual.parse().unwrap(),
            thread: format!("{name} {place}"),
            number: number.parse().unwrap(),
            index: index.parse().unwrap(),
            users: users.parse().unwrap(),
            same_user: same_user.parse().unwrap(),
        }
    }
}

fn on(java: &Path, plan: &Plan, folder: &Path) -> Jmeter {
    let plan = plan.write(&folder.join("plan.jmx")).unwrap();
    Jmeter::new(&Home::assembled().unwrap(), &plan, &folder.join("run")).java(java)
}

/// Runs to the end, which nobody had to force.
fn to_the_end(run: &Jmeter) -> Finished {
    in_order(run.run(LIMIT).unwrap())
}

fn in_order(finished: Finished) -> Finished {
    let text = finished.ended.text();
    assert!(finished.ended.status.success(), "{text}");
    assert!(!text.contains("did not stop"), "{text}");
    let exit = finished.exit_time().expect("the run ended");
    assert!(exit < EXIT, "the JVM took {exit:?} to end");
    finished
}

/// The samples of users whose name begins so.
fn of<'a>(samples: &'a [Sample], group: &str) -> Vec<&'a Sample> {
    let begin = format!("{group} ");
    let own = samples.iter().filter(|sample| sample.thread.starts_with(&begin));
    own.collect()
}

fn wait_for_log(folder: &Path, text: &str, count: usize) {
    let deadline = Instant::now() + LIMIT;
    let seen = || {
        let log = std::fs::read_to_string(folder.join("run/jmeter.log")).unwrap_or_default();
        log.matches(text).count()
    };
    while seen() < count {
        assert!(Instant::now() < deadline, "{} of {count} times {text}", seen());
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn virtual_users_have_jmeters_names_numbers_and_counts() {
    let Some(java) = repository::java_25() else {
        skip!("there is no Java 25 on this machine")
    };
    let _turn = together();
    let who = |group: Group| group.script("who", WHO);
    let plan = Plan::of(who(Group::new("Set", 1).set_up()))
        .and(who(Group::new("V", 3).virtual_users().loops(2).pause("500")))
        .and(who(Group::new("T", 2)))
        .and(who(Group::new("Tear", 1).tear_down()));
    let finished = to_the_end(&on(java, &plan, &folder("virtual_names")));
    let samples = finished.samples().unwrap();
    let mut at = BTreeMap::new();
    for (group, users, each, is_virtual) in [
        ("Set", 1, 1, false),
        ("V", 3, 2, true),
        ("T", 2, 1, false),
        ("Tear", 1, 1, false),
    ] {
        let own = of(&samples, group);
        assert_eq!(own.len(), users * each, "{group}: {samples:?}");
        let said: Vec<Who> = own.iter().map(|sample| Who::of(sample)).collect();
        for (sample, who) in own.iter().zip(&said) {
            assert_eq!(who.is_virtual, is_virtual, "{who:?}");
            assert_eq!(
                who.thread, sample.thread,
                "the thread's own name is that of its samples"
            );
            assert_eq!(who.number, who.index + 1, "{who:?}");
            assert!(
                who.thread.ends_with(&format!("-{}", who.number)) && who.number as usize <= users,
                "{who:?}"
            );
            assert!(who.same_user, "{who:?}");
        }
        // Only these stay long enough to meet.
        let most = said.iter().map(|who| who.users).max().unwrap() as usize;
        assert!(!is_virtual || most == users, "of {group} at a time: {said:?}");
        let begin = own.iter().map(|sample| sample.started_ms).min().unwrap();
        let end = own.iter().map(|sample| sample.ended_ms()).max().unwrap();
        at.insert(group, (begin, end));
    }
    assert!(at["Set"].1 <= at["V"].0 && at["V"].1 <= at["Tear"].0, "{at:?}");
}

#[test]
fn errors_and_iterations_of_virtual_users_are_as_in_a_thread_group() {
    let Some(java) = repository::java_25() else {
        skip!("there is no Java 25 on this machine")
    };
    let _turn = together();
    let kinds: [(&str, With); 5] = [
        ("continue", |group| group),
        ("loop", |group| group.on_error("startnextloop")),
        ("thread", |group| group.on_error("stopthread")),
        ("ended", Group::stop_user),
        ("another", Group::another_user_each_loop),
    ];
    let mut plan = Plan::default();
    for (name, with) in kinds {
        let group = |kind: &str| Group::new(&format!("{kind}{name}"), 2).loops(3);
        for group in [group("T"), group("V").virtual_users()] {
            let group = with(group.script("first", WHO).script("fails", "IsSuccess = false;"));
            plan = plan.and(group.script("last", ""));
        }
    }
    let samples = to_the_end(&on(java, &plan, &folder("virtual_errors")))
        .samples()
        .unwrap();
    for (name, _) in kinds {
        let seen = |kind: &str| {
            let mut seen: Vec<_> = of(&samples, &format!("{kind}{name}"))
                .into_iter()
                .map(|sample| {
                    let who = (sample.label == "first").then(|| Who::of(sample));
                    let same_user = who.map(|who| who.same_user);
                    let user = sample.thread.rsplit('-').next().unwrap().to_owned();
                    (user, sample.label.clone(), sample.success, same_user)
                })
                .collect();
            seen.sort();
            seen
        };
        let (theirs, ours) = (seen("T"), seen("V"));
        assert_eq!(theirs, ours, "{name}");
        let expected = match name {
            "continue" | "another" => 18,
            "loop" => 12,
            _ => 4,
        };
        assert_eq!(ours.len(), expected, "{name}: {ours:?}");
        let same = ours.iter().filter_map(|seen| seen.3).all(|same| same);
        assert_eq!(same, name != "another", "{ours:?}");
    }
}

#[test]
fn a_sample_or_an_action_that_ends_the_test_ends_virtual_users() {
    let Some(java) = repository::java_25() else {
        skip!("there is no Java 25 on this machine")
    };
    let _turn = together();
    let failing = |action| {
        Group::new("Ends", 1)
            .on_error(action)
            .pause("1000")
            .script("fails", "IsSuccess = false;")
    };
    let acting = |now| Group::new("Ends", 1).pause("1000").stop_test(now);
    for (name, now, ending) in [
        ("stoptest", false, failing("stoptest")),
        ("stoptestnow", true, failing("stoptestnow")),
        ("action", false, acting(false)),
        ("action_now", true, acting(true)),
    ] {
        // A pause runs out when the test ends after the samples, so it must be short then.
        let pause = if now { "600000" } else { "300" };
        let others = Group::new("V", 20)
            .virtual_users()
            .forever()
            .script("who", WHO)
            .pause(pause);
        let plan = Plan::of(others.clone()).and(ending.clone().virtual_users());
        let folder = folder(&format!("virtual_{name}"));
        let finished = to_the_end(&on(java, &plan, &folder));
        let samples = finished.samples().unwrap();
        let last = samples.iter().map(Sample::ended_ms).max().unwrap();
        let first = samples.iter().map(|sample| sample.started_ms).min().unwrap();
        assert!(of(&samples, "V").len() >= 20, "{name}: {samples:?}");
        assert!(last - first < 5_000, "{name} took {} ms", last - first);
        let log = finished.log().unwrap();
        assert_eq!(log.matches("Thread finished: ").count(), 21, "{name}");
    }
}

/// When each user of a group began its first sample, and when the last sample of all ended, after the first of the plan.
fn times(samples: &[Sample], group: &str) -> (Vec<u64>, u64) {
    let begin = samples.iter().map(|sample| sample.started_ms).min().unwrap();
    let mut firsts: BTreeMap<&str, u64> = BTreeMap::new();
    let own = of(samples, group);
    for sample in &own {
        let at = sample.started_ms - begin;
        let first = firsts.entry(&sample.thread).or_insert(at);
        *first = (*first).min(at);
    }
    let mut firsts: Vec<u64> = firsts.into_values().collect();
    firsts.sort_unstable();
    let last = own.iter().map(|sample| sample.ended_ms() - begin).max().unwrap();
    (firsts, last)
}

#[test]
fn ramp_up_schedule_and_delayed_start_keep_jmeters_times() {
    let Some(java) = repository::java_25() else {
        skip!("there is no Java 25 on this machine")
    };
    let _turn = alone();
    let kinds: [(&str, With); 4] = [
        ("ramp", |group| group.ramp_up(2)),
        ("delayed", |group| group.ramp_up(2).delayed_start()),
        ("time", |group| group.lasting(2).after(1)),
        ("both", |group| {
            group.ramp_up(1).lasting(2).after(1).delayed_start()
        }),
    ];
    // JMeter starts groups one after the other, which takes it no time; a first sample pays for BeanShell.
    let mut plan = Plan::of(Group::new("Set", 1).set_up().script("who", WHO));
    plan = plan.and(Group::new("Begin", 1).script("who", WHO));
    for (name, with) in kinds {
        let group = |kind: &str| Group::new(&format!("{kind}{name}"), 5);
        for group in [group("T"), group("V").virtual_users()] {
            plan = plan.and(with(group).script("who", WHO).pause("100"));
        }
    }
    let samples = to_the_end(&on(java, &plan, &folder("virtual_times")))
        .samples()
        .unwrap();
    let samples: Vec<Sample> = samples
        .into_iter()
        .filter(|sample| !sample.thread.starts_with("Set"))
        .collect();
    for (name, _) in kinds {
        let theirs = times(&samples, &format!("T{name}"));
        let ours = times(&samples, &format!("V{name}"));
        say!("{name}: {ours:?}, a Thread Group {theirs:?}");
        assert_eq!(ours.0.len(), 5, "{ours:?}");
        let pairs = ours
            .0
            .iter()
            .chain([&ours.1])
            .zip(theirs.0.iter().chain([&theirs.1]));
        for (our, their) in pairs {
            assert!(our.abs_diff(*their) <= LATE_MS, "{name}: {ours:?}, {theirs:?}");
        }
        let samples = of(&samples, &format!("V{name}"));
        assert!(samples.iter().all(|sample| Who::of(sample).is_virtual));
    }
}

#[test]
fn shutdown_in_a_delayed_ramp_up_lets_samples_end_and_starts_nobody() {
    let Some(java) = repository::java_25() else {
        skip!("there is no Java 25 on this machine")
    };
    let _turn = together();
    let folder = folder("virtual_shutdown");
    let group = Group::new("V", 100)
        .virtual_users()
        .ramp_up(100)
        .delayed_start()
        .forever()
        .script("who", WHO)
        .pause("500");
    let running = on(java, &Plan::of(group), &folder).start().unwrap();
    wait_for_log(&folder, "Thread started: V 1-3", 1);
    running.shut_down().unwrap();
    let finished = in_order(running.finish(Duration::from_secs(20)).unwrap());
    let log = finished.log().unwrap();
    let (started, ended) = (
        log.matches("Thread started: ").count(),
        log.matches("Thread finished: ").count(),
    );
    assert_eq!(started, ended);
    assert!((3..=5).contains(&started), "{started}");
    assert!(finished.samples().unwrap().iter().all(|sample| sample.success));
}

/// Users that wait.
const MANY: u32 = 10_000;

/// Starts them, has JMeter's Stop end them, and gives how long that took, in milliseconds.
fn stop_many(java: &Path, name: &str, kind: With, threads: Option<usize>) -> u64 {
    let folder = folder(name);
    let plan = Plan::of(kind(Group::new("V", MANY).pause("600000")));
    let running = on(java, &plan, &folder).start().unwrap();
    wait_for_log(&folder, "Thread started: ", MANY as usize);
    std::thread::sleep(Duration::from_secs(2)); // from the start to the pause
    if let Some(most) = threads {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", running.id())).unwrap();
        let tasks = tasks.count();
        assert!(tasks < most, "{tasks} threads of the system");
    }
    running.stop_now().unwrap();
    let finished = in_order(running.finish(LIMIT).unwrap());
    let ends = ends_after_stop(&finished);
    assert_eq!(ends.len(), MANY as usize);
    *ends.last().unwrap()
}

#[test]
fn ten_thousand_users_end_within_a_second_of_stop_and_so_does_the_jvm() {
    let Some(java) = repository::java_25() else {
        skip!("there is no Java 25 on this machine")
    };
    let _turn = alone();
    let at_once = stop_many(java, "virtual_stop", Group::virtual_users, Some(80));
    let delayed = |group: Group| group.virtual_users().delayed_start();
    let delayed = stop_many(java, "virtual_stop_delayed", delayed, Some(80));
    let mut most = 1_000;
    if at_once.max(delayed) > most {
        // JMeter writes three lines for each into its log. On a machine that is slow today, its own threads are the measure.
        most = stop_many(java, "virtual_stop_yardstick", |group| group, None);
        say!("{MANY} users of a Thread Group ended {most} ms after Stop");
    }
    say!("{MANY} waiting users ended {at_once} ms after Stop, {delayed} ms with a delayed start");
    assert!(
        at_once.max(delayed) <= most,
        "{at_once} ms, {delayed} ms, not {most}"
    );
}

#[test]
fn a_java_without_virtual_threads_refuses_before_the_first_user() {
    let _turn = together();
    let folder = folder("virtual_refused");
    let plan = Plan::of(Group::new("Set", 1).set_up().pause("1"))
        .and(Group::new("T", 5).pause("1"))
        .and(Group::new("V", 5).virtual_users().pause("1"))
        .and(Group::new("W", 5).virtual_users().delayed_start().pause("1"));
    let run = jmeter_of(&plan, &folder);
    let finished = to_the_end(&run);
    let text = finished.ended.text();
    let log = finished.log().unwrap();
    if log.contains("java.version=21") || log.contains("java.version=25") {
        skip!("the usual Java of this machine has virtual threads")
    }
    let cure = "Virtual Thread Group (wsb) needs Java 21 or newer, better 24, and this JMeter runs on Java ";
    assert_eq!(text.matches(cure).count(), 1, "{text}");
    assert_eq!(log.matches(cure).count(), 1, "{log}");
    assert!(!log.contains("Thread started"), "{log}");
    assert!(log.contains("Notifying test listeners of end of test"), "{log}");
}

#[test]
fn java_21_is_told_once_that_it_pins() {
    let Some(java) = repository::java_21() else {
        skip!("there is no Java 21 on this machine")
    };
    let _turn = together();
    let group = |name: &str| {
        Group::new(name, 20)
            .virtual_users()
            .script("who", WHO)
            .pause("50")
    };
    let plan = Plan::of(group("V")).and(group("W").delayed_start());
    let finished = to_the_end(&on(java, &plan, &folder("virtual_java_21")));
    let log = finished.log().unwrap();
    assert_eq!(log.matches("(\"pinned\")").count(), 1, "{log}");
    let samples = finished.samples().unwrap();
    assert_eq!(samples.len(), 40);
    assert!(samples.iter().all(|sample| Who::of(sample).is_virtual));
}

#[test]
fn a_remote_server_runs_virtual_users_whatever_java_the_client_has() {
    let Some(java) = repository::java_25() else {
        skip!("there is no Java 25 on this machine")
    };
    let _turn = together();
    let folder = folder("virtual_remote");
    let home = Home::assembled().unwrap();
    let (server, address) = remote_server(
        java,
        &home,
        &repository::fresh_folder(&folder.join("server")).unwrap(),
    );
    let group = Group::new("V", 10).virtual_users().loops(2).script("who", WHO);
    let client = jmeter_of(&Plan::of(group), &folder)
        .jvm("-Djava.rmi.server.hostname=127.0.0.1")
        .remote(address);
    let samples = run(&client).samples().unwrap();
    assert_eq!(samples.len(), 20, "{samples:?}");
    for sample in &samples {
        let who = Who::of(sample);
        assert!(who.is_virtual, "{who:?}");
        assert_eq!(who.thread, sample.thread);
    }
    assert!(server.wait(LIMIT).unwrap().status.success());
}

#[test]
fn our_elements_work_in_a_group_of_virtual_users() {
    let Some(java) = repository::java_25() else {
        skip!("there is no Java 25 on this machine")
    };
    let _turn = together();
    let serve = Serve::start(&["--limit", "token-bucket rate=40 burst=10"]).unwrap();
    let payload = ("wsb.payload", "hello");
    let group = Group::new("V", 50)
        .virtual_users()
        .defaults(&[("wsb.url", &serve.url("/")), ("wsb.retry.base", "100")])
        .connect("Connect", &[])
        .sampler("Exchange", "Exchange", &[payload])
        .sampler("Ping", "Ping", &[])
        .sampler("Close", "Close", &[]);
    let run = jmeter_of(&Plan::of(group), &folder("virtual_elements")).java(java);
    let finished = in_order(run.run(LIMIT).unwrap());
    let samples = finished.samples().unwrap();
    assert_eq!(samples.len(), 200, "{samples:?}");
    assert!(samples.iter().all(|sample| sample.success), "{samples:?}");
    assert!(serve.stats().unwrap().refused > 0);
}
