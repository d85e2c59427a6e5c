//! Autobahn's cases, from the fuzzing server of the `kosoku` package, against our messages as users have them: the jar's
//! native library and the operations that our samplers make.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use system::jmeter::Home;
use system::peers::Peer;
use system::process::{Process, nice};
use system::repository;

use crate::say;
use crate::support::{folder, in_idle_time};

/// For one server's cases. Those with compression move gigabytes through deflate, most of the time on the server's side.
const PATIENCE: Duration = Duration::from_secs(1_800);

/// The cases of chapters 12 and 13; all others are about frames.
const COMPRESSION: usize = 216;
const WITHOUT_COMPRESSION: usize = 301;

/// The server's verdict on one case.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Verdict {
    behavior: String,
    behavior_close: String,
}

type Verdicts = BTreeMap<String, Verdict>;

/// Has our client go through the cases of a server of its own.
fn judged(name: &str, which: &[&str], compression: bool) -> Verdicts {
    let reports = folder(&format!("autobahn_{name}"));
    let server = Peer::fuzzing(&reports, which).unwrap();
    let home = Home::assembled().unwrap();
    let class_path = std::env::join_paths([home.extensions().join("*"), home.libraries().join("*")]).unwrap();
    let mut java = nice("java");
    java.arg("-cp").arg(class_path);
    java.arg(repository::root().join("tests/java/Autobahn.java"));
    java.arg(server.address().to_string())
        .arg(name)
        .arg(compression.to_string());
    let ended = Process::start("Autobahn.java", &mut java)
        .unwrap()
        .wait(PATIENCE)
        .unwrap();
    assert!(ended.status.success(), "{}", ended.text());
    verdicts(&reports.join("index.json"), name)
}

/// Reads the report of one client; the server writes it after its last answer.
fn verdicts(index: &Path, name: &str) -> Verdicts {
    for _ in 0..600 {
        // Half a file is no JSON.
        let text = std::fs::read_to_string(index).unwrap_or_default();
        if let Ok(mut clients) = serde_json::from_str::<BTreeMap<String, Verdicts>>(&text) {
            return clients.remove(name).expect("the report has our client");
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("{} was not written", index.display())
}

/// Prints how many cases of each chapter got which verdict, and returns those that failed.
fn table(verdicts: &Verdicts) -> Vec<String> {
    let mut chapters: BTreeMap<u32, [usize; 3]> = BTreeMap::new();
    let mut failed = Vec::new();
    for (case, verdict) in verdicts {
        let chapter = case.split('.').next().unwrap().parse().unwrap();
        let counts = chapters.entry(chapter).or_default();
        match (verdict.behavior.as_str(), verdict.behavior_close.as_str()) {
            ("OK", "OK") => counts[0] += 1,
            ("OK" | "INFORMATIONAL", "OK" | "INFORMATIONAL") => counts[1] += 1,
            (behavior, close) => {
                counts[2] += 1;
                failed.push(format!("{case}: {behavior}, close {close}"));
            }
        }
    }
    say!(
        "{:>7} {:>6} {:>6} {:>13} {:>6}",
        "chapter",
        "cases",
        "ok",
        "informational",
        "other"
    );
    for (chapter, [ok, informational, other]) in &chapters {
        let all = ok + informational + other;
        say!("{chapter:>7} {all:>6} {ok:>6} {informational:>13} {other:>6}");
    }
    failed
}

#[test]
fn every_case_of_autobahn_without_compression_is_strictly_passed() {
    let _turn = in_idle_time();
    let verdicts = judged("plain", &["-x", "12.*", "-x", "13.*"], false);
    let failed = table(&verdicts);
    assert_eq!(verdicts.len(), WITHOUT_COMPRESSION);
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn every_case_of_autobahn_with_compression_is_passed() {
    let _turn = in_idle_time();
    let mut verdicts = Verdicts::new();
    // Two servers, as each one works on one core.
    std::thread::scope(|scope| {
        let clients = [("deflate-12", "12.*"), ("deflate-13", "13.*")]
            .map(|(name, cases)| scope.spawn(move || judged(name, &["-i", cases], true)));
        for client in clients {
            verdicts.extend(client.join().expect("its cases are run"));
        }
    });
    let failed = table(&verdicts);
    let informational = verdicts
        .values()
        .filter(|verdict| verdict.behavior != "OK")
        .count();
    assert_eq!((verdicts.len(), informational), (COMPRESSION, 0));
    assert!(failed.is_empty(), "{failed:?}");
}
