//! Plans of `tests/migrate` in a real JMeter, with the samplers of before and moved: what the server received and what the samples
//! say is the same, but for what the report tells.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::process::Command;

use roxmltree::{Document, Node};
use system::jmeter::{Home, Jmeter};
use system::jtl_xml::{self, Detailed};
use system::repository;

use crate::recorder::{Heard, Recorder};
use crate::support::{checked, folder, run, together, waiting};

/// A plan with an element that is in no plugin: JMeter opens neither the plan nor what it became.
const NOT_OPENED: &str = "left-alone-unknown-elements";

/// What two plugins say when they close: "JMeter closed session."
const REASON: &str = "4a4d6574657220636c6f7365642073657373696f6e2e";

/// What one plan did: what its server heard, and its samples, user by user.
#[derive(Debug, Default)]
struct Seen {
    heard: Vec<Heard>,
    samples: BTreeMap<String, Vec<Detailed>>,
}

/// A plan with its name.
type Named = (String, String);

/// A file's text: UTF-8, UTF-16 with a mark, else Latin-1.
fn text(path: &Path) -> String {
    let bytes = fs::read(path).unwrap();
    let wide = |of: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes[2..]
            .chunks_exact(2)
            .map(|unit| of([unit[0], unit[1]]))
            .collect();
        String::from_utf16(&units).unwrap()
    };
    match bytes[..] {
        [0xff, 0xfe, ..] => wide(u16::from_le_bytes),
        [0xfe, 0xff, ..] => wide(u16::from_be_bytes),
        _ => String::from_utf8(bytes)
            .unwrap_or_else(|error| error.into_bytes().into_iter().map(char::from).collect()),
    }
}

/// The tree of what is in a plan.
fn content<'d>(document: &'d Document<'_>) -> Node<'d, 'd> {
    let tree = |node: Node<'d, 'd>| {
        node.children()
            .find(|child| child.has_tag_name("hashTree"))
            .unwrap()
    };
    tree(tree(document.root_element()))
}

/// The thread groups of a plan, each named after it, for a server of its own.
fn groups(plan: &str, name: &str, port: u16) -> String {
    let document = Document::parse(plan).unwrap();
    let children = || content(&document).children().filter(Node::is_element);
    let names: Vec<Range<usize>> = children()
        .filter(|child| child.has_tag_name("ThreadGroup"))
        .map(|group| group.attribute_node("testname").unwrap().range_value())
        .collect();
    let mut text = String::new();
    let mut from = children().next().unwrap().range().start;
    for place in names {
        text.push_str(&plan[from..place.start]);
        text.push_str(name);
        text.push('/');
        from = place.start;
    }
    text.push_str(&plan[from..children().next_back().unwrap().range().end]);
    text.replace("${__P(port,9001)}", &port.to_string())
}

/// Plans as the groups of one, which all run side by side.
fn together_in_one(plans: &[Named], recorders: &[Recorder]) -> String {
    let all: String = plans
        .iter()
        .zip(recorders)
        .map(|((name, plan), recorder)| groups(plan, name, recorder.port))
        .collect();
    format!(
        "<jmeterTestPlan version=\"1.2\" properties=\"5.0\" jmeter=\"5.6.3\"><hashTree>\
         <TestPlan guiclass=\"TestPlanGui\" testclass=\"TestPlan\" testname=\"All\"/><hashTree>{all}</hashTree></hashTree></jmeterTestPlan>"
    )
}

/// Runs plans, and tells what each did.
fn seen(plans: &[Named], refusals: usize, home: &Home, folder: &Path) -> BTreeMap<String, Seen> {
    let recorders: Vec<Recorder> = plans.iter().map(|_| Recorder::refusing(refusals)).collect();
    let file = folder.with_extension("jmx");
    fs::write(&file, together_in_one(plans, &recorders)).unwrap();
    let files = repository::root().join("tests/migrate/samplers");
    let run_of = checked(Jmeter::new(home, &file, folder)).property("files", &files.display());
    let finished = run(&jtl_xml::recorded_by(run_of));
    let mut seen: BTreeMap<String, Seen> = BTreeMap::new();
    for ((name, _), recorder) in plans.iter().zip(&recorders) {
        seen.entry(name.clone()).or_default().heard = recorder.heard();
    }
    for sample in jtl_xml::read(&finished.files.samples()).unwrap() {
        let thread = sample.sample.thread.clone();
        let name = thread.split('/').next().unwrap();
        let users = &mut seen.get_mut(name).unwrap().samples;
        users.entry(thread.clone()).or_default().push(sample);
    }
    seen
}

/// The plans of a folder that move, before and after, by name.
fn plans(corpus: &str, folder: &Path) -> [Vec<Named>; 2] {
    let source = repository::root().join("tests/migrate").join(corpus);
    let moved = folder.join("moved");
    let mut command = Command::new(repository::program().unwrap());
    command.arg("migrate").arg(&source).arg("--out").arg(&moved);
    let output = command.output().unwrap();
    assert!([Some(0), Some(3)].contains(&output.status.code()), "{output:?}");
    let mut names: Vec<String> = fs::read_dir(&source)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "moved"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .filter(|name| name != NOT_OPENED)
        .collect();
    // Java has had no engine for JavaScript since 15: such scripts never get to their end.
    names.retain(|name| !text(&source.join(name).with_extension("jmx")).contains(">javascript<"));
    names.sort();
    [&source, &moved].map(|place| {
        let plan = |name: &String| (name.clone(), text(&place.join(name).with_extension("jmx")));
        names.iter().map(plan).collect()
    })
}

/// What the report says of a plan; a test of the crate holds it to be true.
fn report(corpus: &str, name: &str) -> String {
    let file = repository::root().join("tests/migrate").join(corpus).join(name);
    fs::read_to_string(file.with_extension("txt")).unwrap()
}

/// What a report notes about the element of a name.
fn notes<'r>(report: &'r str, label: &str) -> Vec<&'r str> {
    let entry = format!(": {label} (");
    let mut lines = report.lines().skip_while(|line| !line.contains(&entry)).skip(1);
    lines
        .by_ref()
        .take_while(|line| line.starts_with("    "))
        .map(str::trim)
        .collect()
}

/// What a sample shows to people, in a line. That JMeter has nothing to write is no difference.
fn shown(sample: &Detailed) -> String {
    let Detailed { sample, response, .. } = sample;
    let response = response.replace("Non-TEXT response data, cannot record: ()", "");
    format!("{} {} {} {response:?}", sample.label, sample.success, sample.code)
}

/// What a report says that samples show from now on, in place of what they showed.
const TOLD: [(&str, &str, &str); 3] = [
    ("its code is 200 where theirs was 101", " true 101 ", " true 200 "),
    (
        "when nothing comes, its code is No message where theirs was No response",
        "No response",
        "No message",
    ),
    (
        "its data is the server's reason alone, where theirs had the code before it",
        "\"CODE: ",
        "\"",
    ),
];

/// A user's samples as the report tells that they are from now on.
fn expected(samples: &[Detailed], report: &str) -> Vec<String> {
    let mut lines: Vec<String> = samples
        .iter()
        .filter(|sample| !notes(report, &sample.sample.label).contains(&"its samples are gone, too"))
        .map(|sample| {
            let told = notes(report, &sample.sample.label);
            let told = TOLD.iter().filter(|(note, ..)| told.contains(note));
            told.fold(shown(sample), |line, (_, from, to)| {
                line.replace(&from.replace("CODE", &sample.sample.code), to)
            })
        })
        .collect();
    // The frames of one message are one sample now; the test server sends only this message in frames.
    if report.contains("has the whole message now") || report.contains("waits for the whole message now") {
        let first = lines.iter().position(|line| line.ends_with("\"fr\"")).unwrap();
        lines[first] = lines[first].replace("\"fr\"", "\"fragment\"");
        lines.retain(|line| !line.ends_with("\"ag\"") && !line.ends_with("\"ment\""));
    }
    lines
}

/// Parallel users have no order.
fn in_any_order(heard: &[Heard], users: usize) -> Vec<Heard> {
    let mut heard = heard.to_vec();
    if users > 1 {
        heard.sort();
    }
    heard
}

#[test]
fn moved_samplers_say_the_same_and_show_what_the_report_tells() {
    let _turn = together();
    let folder = folder("migrate-samplers");
    let [before, after] = plans("samplers", &folder);
    assert!(before.len() >= 25, "{}", before.len());
    let before = seen(
        &before,
        0,
        &Home::with_incumbent().unwrap(),
        &folder.join("before"),
    );
    let after = seen(&after, 0, &Home::assembled().unwrap(), &folder.join("after"));
    for (name, was) in &before {
        let (is, report) = (&after[name], report("samplers", name));
        let users = was.samples.len();
        assert!(users > 0 && !was.heard.is_empty(), "{name} did nothing");
        assert_eq!(
            in_any_order(&is.heard, users),
            in_any_order(&was.heard, users),
            "{name}"
        );
        assert_eq!(is.samples.len(), users, "{name}");
        for (user, samples) in &was.samples {
            let shown: Vec<String> = is.samples[user].iter().map(shown).collect();
            assert_eq!(shown, expected(samples, &report), "{user}");
        }
    }
}

#[test]
fn moved_retries_ask_as_often_and_succeed_as_before() {
    let _turn = waiting();
    let folder = folder("migrate-retries");
    let [before, after] = plans("retries", &folder);
    assert!(before.len() >= 20, "{}", before.len());
    let before = seen(
        &before,
        2,
        &Home::with_incumbent().unwrap(),
        &folder.join("before"),
    );
    let after = seen(&after, 2, &Home::assembled().unwrap(), &folder.join("after"));
    for (name, was) in &before {
        let (is, report) = (&after[name], report("retries", name));
        let (asked, asks) = (was.heard.concat(), is.heard.concat());
        if report.contains("now it does in each") {
            assert!(asks.starts_with(&asked), "{name}: {asks:?} after {asked:?}");
        } else {
            assert_eq!(asks, asked, "{name}");
        }
        for (user, samples) in &was.samples {
            let in_the_end = ends(&expected(samples, &report));
            let shown: Vec<String> = is.samples[user].iter().map(shown).collect();
            assert_eq!(ends(&shown), in_the_end, "{user}");
            let all = in_the_end.values().all(|end| end.contains(" true "));
            assert_eq!(all, name != "http-assertion-fails", "{user}: {in_the_end:?}");
        }
    }
}

#[test]
fn moved_plans_of_other_plugins_run_green() {
    let _turn = together();
    let folder = folder("migrate-others");
    let home = Home::assembled().unwrap();
    for (corpus, refusals, least) in [("zaleski", 0, 7), ("retrier", 2, 5), ("blazemeter", 0, 7)] {
        let [_, mut after] = plans(corpus, &folder.join(corpus));
        // Those with an assertion that the report says to look at.
        after.retain(|(name, _)| !name.starts_with("left-"));
        assert!(after.len() >= least, "{corpus}: {}", after.len());
        for (name, is) in seen(&after, refusals, &home, &folder.join(format!("{corpus}-after"))) {
            let lines: Vec<String> = is.samples.values().flatten().map(shown).collect();
            if corpus == "retrier" && name == "turned-off" {
                assert_eq!(lines, ["Call false 429 \"\""]);
                continue;
            }
            assert!(
                !lines.is_empty() && lines.iter().all(|line| line.contains(" true ")),
                "{name}: {lines:?}"
            );
            let heard = is.heard.concat();
            // The last frame: a close with the plugin's reason, by a Close or when the test ends.
            let code = match corpus {
                "zaleski" if name != "streaming" => Some("03e8"),
                "blazemeter" => Some("03e9"),
                _ => None,
            };
            let wanted = code.map(|code| format!("88 {code}{REASON}"));
            let ended = heard.last().filter(|last| last.ends_with(REASON));
            assert_eq!(ended, wanted.as_ref(), "{name}: {heard:?}");
        }
    }
}

/// The last sample of each label.
fn ends(lines: &[String]) -> BTreeMap<String, String> {
    let label = |line: &String| {
        line.split_once(" true ")
            .or(line.split_once(" false "))
            .unwrap()
            .0
            .to_owned()
    };
    lines.iter().map(|line| (label(line), line.clone())).collect()
}
