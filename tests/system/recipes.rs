//! The plans in `docs/recipes`, in a real JMeter against real servers of their protocols.

use std::fs;

use system::jmeter::Jmeter;
use system::jtl::Sample;
use system::peers::Peer;
use system::repository;

use crate::support::{folder, jmeter, run, together};

/// Its server is a stand-in of ours.
const GENESYS: &str = "genesys-cloud";
const NAMES: [&str; 7] = [
    GENESYS,
    "graphql",
    "json-rpc",
    "mqtt",
    "signalr",
    "socket-io",
    "stomp",
];
const USERS: usize = 3;
/// Longer than the server waits for the answer to a heartbeat, in milliseconds.
const THINK: u32 = 5000;

/// A run of a recipe, with what all of them take.
fn run_of(name: &str, folder: &std::path::Path) -> Jmeter {
    let plan = repository::root().join(format!("docs/recipes/{name}.jmx"));
    jmeter(&plan, &folder.join(name)).property("users", &USERS)
}

/// The samples of a run in which none failed.
fn green(name: &str, run_of: &Jmeter) -> Vec<Sample> {
    let samples = run(run_of).succeeded().unwrap().samples().unwrap();
    let failed: Vec<_> = samples.iter().filter(|sample| !sample.success).collect();
    assert!(failed.is_empty(), "{name}: {failed:?}");
    samples
}

#[test]
fn each_recipe_gets_along_with_a_server_of_its_protocol() {
    let _turn = together();
    let folder = folder("recipes");
    let servers = [Peer::protocols(), Peer::spring_stomp(), Peer::signalr()];
    let [several, spring, signalr] = servers.map(Result::unwrap);
    for name in NAMES.into_iter().filter(|name| *name != GENESYS) {
        let server = match name {
            "stomp" => &spring,
            "signalr" => &signalr,
            _ => &several,
        };
        let run_of = run_of(name, &folder)
            .property("server", &server.url(""))
            .property("calls", &1)
            .property("think", &THINK);
        let samples = green(name, &run_of);
        let plan = fs::read_to_string(repository::root().join(format!("docs/recipes/{name}.jmx"))).unwrap();
        let samplers = ["SamplerGui\"", "HttpTestSampleGui\""].map(|gui| plan.matches(gui).count());
        assert_eq!(samples.len(), USERS * samplers.iter().sum::<usize>(), "{name}");
    }
}

#[test]
fn agents_wait_for_the_platforms_quotas_and_open_anew_before_it_closes() {
    let _turn = together();
    let folder = folder("recipe-genesys");
    let calls = 4;
    // Fewer requests a window than the agents begin with, fewer upgrades than there are agents, and an end of each first socket.
    let quotas = ["--allowed", "4", "--upgrades", "1", "--window", "2"];
    let ends = ["--beat", "0.3", "--life", "3", "--notice", "20"];
    let server = Peer::genesys(&[quotas, ends].concat()).unwrap();
    let site = format!("http://{}", server.address());
    let run_of = run_of(GENESYS, &folder)
        .property("api", &site)
        .property("login", &site)
        .property("rate", &20)
        .property("calls", &calls)
        .property("think", &1500);
    let samples = green(GENESYS, &run_of);
    let of = |label: &'static str| samples.iter().filter(move |sample| sample.label == label);
    let answered = |label: &'static str| of(label).filter(|sample| sample.code == "200").count();
    assert_eq!(answered("Token"), 1, "one for all");
    for (label, each) in [
        ("Create a channel", 1),
        ("Subscribe", 1),
        ("Set presence", calls),
        ("The presence came", calls),
        ("Health check", calls),
    ] {
        assert_eq!(answered(label), USERS * each, "{label}");
    }
    assert!(samples.iter().any(|sample| sample.code == "retried 429"));
    assert!(of("Connect").any(|sample| sample.idle_ms > 0), "{samples:?}");
    let anew = of("Connect anew").count();
    assert!(anew >= USERS, "{anew}");
    assert_eq!(of("Close the old one").count(), anew);
}

#[test]
fn each_recipe_is_in_the_docs_and_in_the_tests() {
    let root = repository::root();
    let page = fs::read_to_string(root.join("docs/recipes.md")).unwrap();
    let mut plans: Vec<String> = fs::read_dir(root.join("docs/recipes"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    plans.sort();
    assert_eq!(plans, NAMES.map(|name| format!("{name}.jmx")));
    for plan in plans {
        assert!(page.contains(&format!("(recipes/{plan})")), "{plan}");
    }
}
