//! `find`: what it prints for people and for programs, and what it says of inputs that it cannot use.

use crate::program::run;
use std::path::Path;

fn trace() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../find/tests/traces/go-xrate.jsonl.gz");
    path.to_str().unwrap().to_owned()
}

#[test]
fn the_limit_is_told_in_the_first_line_and_its_picture_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("decisions.svg");
    let ended = run(&["find", &trace(), "--picture", picture.to_str().unwrap()]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let first = ended.out.lines().next().unwrap();
    assert_eq!(
        first,
        "the limit: token bucket, 20 at once and 10 a second from then on, refusals do not count"
    );
    assert!(
        ended.out.contains("\"token-bucket rate=10 burst=20\""),
        "{}",
        ended.out
    );
    let alike = ended.out.lines().find(|line| line.contains("looks like"));
    assert!(
        alike.is_some_and(|line| line.ends_with("Envoy local rate limit, AWS API Gateway")),
        "{}",
        ended.out
    );
    let drawn = std::fs::read_to_string(picture).unwrap();
    assert!(drawn.contains("the most that the limit allows"));
}

#[test]
fn programs_get_json_or_the_limit_alone() {
    let ended = run(&["find", "--json", &trace()]);
    let json: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(
        (&json["kind"], &json["burst"], &json["refusalStatus"]),
        (&"token-bucket".into(), &20.into(), &429.into()),
        "{json}"
    );
    let makers = serde_json::json!(["Envoy local rate limit", "AWS API Gateway"]);
    assert_eq!(json["likelyMakers"], makers, "{json}");
    let ended = run(&["find", "--limit-only", &trace()]);
    assert_eq!(
        (ended.code, ended.out.as_str()),
        (Some(0), "token-bucket rate=10 burst=20\n")
    );
}

#[test]
fn what_cannot_be_used_fails_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let few = folder.path().join("few.jsonl");
    let line = r#"{"at":7,"target":"ws://h/","user":"U 1-1","ordinal":0,"attempt":1,"sentUs":1,"headUs":2,"totalUs":9,"status":101}"#;
    std::fs::write(&few, format!("{line}\n")).unwrap();
    let few = few.to_str().unwrap();
    let ended = run(&["find", few]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.out.contains("only 1 attempt was seen"), "{}", ended.out);
    let ended = run(&["find", "--limit-only", few]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("no limit to print"), "{}", ended.err);
    let ended = run(&["find", "no-such-file"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("there is no such file"), "{}", ended.err);
}

#[test]
fn no_text_of_a_trace_commands_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trace.jsonl");
    let line = |nth: u32| {
        let (at, status) = (
            1_795_824_000_000_000_u64 + u64::from(nth) * 1_000,
            if nth < 6 { 101 } else { 429 },
        );
        format!(
            r#"{{"at":{at},"target":"ws://h/","user":"U {nth}","ordinal":0,"attempt":1,"sentUs":1,"headUs":2,"totalUs":9,"status":{status},"hint":{{"source":"x\u001b[2J\u009b1m","raw":"4","ms":4000.0}}}}"#
        )
    };
    let lines: Vec<String> = (0..12).map(line).collect();
    std::fs::write(&file, lines.join("\n") + "\n").unwrap();
    let file = file.to_str().unwrap();
    let told = run(&["find", file]);
    assert_eq!(told.code, Some(0), "{}", told.err);
    assert!(told.out.contains("\\u001b[2J"), "{:?}", told.out);
    let json = run(&["find", "--json", file]);
    let value: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(value["hints"]["sources"][0], "x\u{1b}[2J\u{9b}1m");
    for text in [told.out, json.out] {
        assert!(!text.contains(['\u{1b}', '\u{9b}']), "{text:?}");
    }
}

#[test]
fn a_trace_and_the_result_file_of_its_run_count_once() {
    let folder = tempfile::tempdir().unwrap();
    let jtl = folder.path().join("run.jtl");
    let rows: String = (0..30)
        .map(|nth| format!("{},9,C,101,U {nth}\n", 1_795_824_000_000_u64 + nth))
        .collect();
    std::fs::write(
        &jtl,
        format!("timeStamp,elapsed,label,responseCode,threadName\n{rows}"),
    )
    .unwrap();
    let jtl = jtl.to_str().unwrap();
    let (trace, both) = (
        run(&["find", "--json", &trace()]),
        run(&["find", "--json", &trace(), jtl]),
    );
    assert_eq!(both.out, trace.out);
    assert!(
        both.err.contains("30 rows of result files do not count"),
        "{}",
        both.err
    );
    let alone = run(&["find", jtl]);
    assert!(
        alone.out.contains("none seen") && alone.err.is_empty(),
        "{}{}",
        alone.out,
        alone.err
    );
}

#[test]
fn of_several_servers_one_is_told_of_and_any_can_be_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trace.jsonl");
    let line = |nth: u64, address: &str, status: u16| {
        let at = 1_795_824_000_000_000_u64 + nth * 20_000;
        format!(
            r#"{{"at":{at},"target":"{address}","user":"U {nth}","ordinal":0,"attempt":1,"sentUs":1,"headUs":900,"totalUs":999,"status":{status}}}"#
        ) + "\n"
    };
    // One of five a second is let in here, and all there.
    let lines: String = (0..400)
        .map(|nth| {
            let passes = nth % 10 == 0;
            line(nth, "ws://a.test/x", if passes { 101 } else { 429 })
                + &line(nth, "wss://b.test:9443/y", 101)
        })
        .collect();
    std::fs::write(&file, lines).unwrap();
    let file = file.to_str().unwrap();
    let told = run(&["find", file]);
    assert_eq!(told.code, Some(0), "{}", told.err);
    let other = "this is of ws://a.test, which refused 360 of 400 attempts; beside it: wss://b.test:9443 refused none of 400 attempts";
    assert!(told.out.contains(other), "{}", told.out);
    let ended = run(&["find", file, "--target", "b.test:9443"]);
    assert!(ended.out.contains("nobody was refused"), "{}", ended.out);
    let ended = run(&["find", file, "--target", "ws://c.test"]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.err.contains("there are ws://a.test, wss://b.test:9443"),
        "{}",
        ended.err
    );
    let limit = run(&["find", "--limit-only", file]);
    assert_eq!(limit.code, Some(0), "{}", limit.err);
    assert!(
        limit.err.contains("find --target wss://b.test:9443"),
        "{}",
        limit.err
    );
    let json = run(&["find", "--json", file, "--target", "a.test"]);
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json["decisions"], 400, "{json}");
}

#[test]
fn a_guess_is_no_limit_to_take_and_a_probe_is_told_of_no_probe() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trace.jsonl");
    // 120 of 240 who come at once are let in, and all others when they come again: their window may be of any length up to then.
    let line = |nth: u64, ms: u64, status: u16| {
        let at = 1_795_824_000_000_000_u64 + 1_000 * ms;
        format!(
            r#"{{"at":{at},"element":"probe","target":"ws://h/","user":"U {nth}","ordinal":0,"attempt":1,"sentUs":1,"headUs":900,"totalUs":999,"status":{status}}}"#
        ) + "\n"
    };
    let first = (0..240).map(|nth| line(nth, nth, if nth < 120 { 101 } else { 429 }));
    let again = (120..240).map(|nth| line(nth, 4_000 + nth, 101));
    std::fs::write(&file, first.chain(again).collect::<String>()).unwrap();
    let file = file.to_str().unwrap();
    let told = run(&["find", file]);
    assert!(
        told.out.contains("a probe with a larger --budget may tell"),
        "{}",
        told.out
    );
    assert!(!told.out.contains("a probe would tell"), "{}", told.out);
    let limit = run(&["find", "--limit-only", file]);
    assert_eq!((limit.code, limit.out.as_str()), (Some(1), ""), "{}", limit.err);
    assert!(limit.err.contains("no limit to print"), "{}", limit.err);
}
