//! The plans in `docs/recipes`, in a real JMeter against real servers of their protocols.

use std::fs;

use system::peers::Peer;
use system::repository;

use crate::support::{folder, jmeter, run, together};

const NAMES: [&str; 5] = ["graphql", "json-rpc", "mqtt", "socket-io", "stomp"];
const USERS: usize = 3;
/// Longer than the server waits for the answer to a heartbeat, in milliseconds.
const THINK: u32 = 5000;

#[test]
fn each_recipe_gets_along_with_a_server_of_its_protocol() {
    let _turn = together();
    let folder = folder("recipes");
    let [several, spring] = [Peer::protocols(), Peer::spring_stomp()].map(Result::unwrap);
    for name in NAMES {
        let server = if name == "stomp" { &spring } else { &several };
        let plan = repository::root().join(format!("docs/recipes/{name}.jmx"));
        let text = fs::read_to_string(&plan).unwrap();
        let finished = run(&jmeter(&plan, &folder.join(name))
            .property("server", &server.url(""))
            .property("users", &USERS)
            .property("calls", &1)
            .property("think", &THINK))
        .succeeded()
        .unwrap();
        let samples = finished.samples().unwrap();
        let failed: Vec<_> = samples.iter().filter(|sample| !sample.success).collect();
        assert!(failed.is_empty(), "{name}: {failed:?}");
        let samplers = text.matches("SamplerGui\"").count();
        assert_eq!(samples.len(), USERS * samplers, "{name}");
    }
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
