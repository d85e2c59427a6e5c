//! Our elements among JMeter's own: found in its menus, and sent to another machine's JMeter and back.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use system::jmeter::{Home, Jmeter};
use system::jtl_xml;
use system::peers::free_address;
use system::plan::{Group, Plan};
use system::process::Process;
use system::repository::{self, fresh_folder};
use system::serve::Serve;

use crate::support::{folder, jmeter_of, run, together};
use crate::{say, skip};

/// How long a JMeter may take to start, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// The simple names of all elements, from the product's own table of keys.
fn elements() -> Vec<String> {
    let output = Command::new(repository::program().unwrap())
        .args(["describe", "--format", "json"])
        .output()
        .unwrap();
    let table: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let keys = table["keys"].as_array().unwrap().iter();
    let names = keys.flat_map(|key| key["elements"].as_array().unwrap());
    let names: std::collections::BTreeSet<_> = names.map(|name| name.as_str().unwrap().to_owned()).collect();
    names.into_iter().collect()
}

#[test]
fn every_element_is_in_jmeters_menu_under_its_name() {
    let _turn = together();
    let mut java = java(&["-Djava.awt.headless=true"], "Menu.java");
    let ended = Process::start("Menu.java", &mut java)
        .unwrap()
        .wait(PATIENCE)
        .unwrap();
    assert!(ended.status.success(), "{}", ended.text());
    let ours: Vec<[&str; 3]> = ended
        .lines
        .iter()
        .filter_map(|line| line.text.split('\t').collect::<Vec<_>>().try_into().ok())
        .filter(|[_, label, _]: &[&str; 3]| label.ends_with(" (wsb)"))
        .collect();
    let mut elements = elements();
    assert!(elements.len() >= 7, "{elements:?}");
    // Its properties are JMeter's, and stand in no table of ours.
    elements.push("VirtualUserGroup".to_owned());
    for element in &elements {
        let panel = format!("io.github.wsbackoff.gui.{element}Gui");
        let places: Vec<_> = ours.iter().filter(|[_, _, class]| *class == panel).collect();
        let [[category, label, _]] = places[..] else {
            panic!("{element} is in {} places: {ours:?}", places.len())
        };
        let wanted = match element {
            sampler if sampler.ends_with("Sampler") => "menu_generative_controller",
            controller if controller.ends_with("Controller") => "menu_logic_controller",
            timer if timer.ends_with("Timer") => "menu_timer",
            listener if listener.ends_with("Listener") => "menu_listener",
            group if group.ends_with("Group") => "menu_threads",
            assertion if assertion.ends_with("Assertion") => "menu_assertions",
            _ => "menu_config_element",
        };
        assert_eq!(*category, wanted, "{label}");
    }
    assert_eq!(ours.len(), elements.len(), "{ours:?}");
}

/// What the plugin costs whoever does not use it: JMeter loads all classes of a jar whose functions it has to look for.
#[test]
fn a_start_of_jmeter_loads_next_to_none_of_our_classes() {
    let _turn = together();
    let folder = folder("class-loading");
    let loaded = folder.join("loaded.txt");
    let nobody = Plan::of(Group::new("G", 1));
    run(&jmeter_of(&nobody, &folder).jvm(format!("-Xlog:class+load:file={}", loaded.display())));
    let loaded = std::fs::read_to_string(loaded).unwrap();
    let ours: Vec<_> = loaded
        .lines()
        .filter(|line| line.contains(" io.github.wsbackoff."))
        .collect();
    assert!(
        loaded.contains(" org.apache.jmeter.JMeter "),
        "the log is of this JMeter"
    );
    assert!(ours.len() <= 5, "{ours:#?}");
}

#[test]
fn a_payload_is_edited_in_jmeters_editor_on_a_screen() {
    let _turn = together();
    if Command::new("Xvfb").arg("-version").output().is_err() {
        skip!("there is no Xvfb here (Debian's package xvfb)");
    }
    let mut screen = Command::new("sh");
    // What it prints is then only the number of its display.
    screen.args([
        "-c",
        "exec Xvfb -displayfd 1 -screen 0 1000x800x24 -nolisten tcp 2>/dev/null",
    ]);
    let screen = Process::start("Xvfb", &mut screen).unwrap();
    let display = screen.wait_for_line("", PATIENCE).unwrap().text;
    let mut java = java(&[], "PayloadEditor.java");
    java.env("DISPLAY", format!(":{display}"));
    let ended = Process::start("PayloadEditor.java", &mut java)
        .unwrap()
        .wait(PATIENCE)
        .unwrap();
    assert!(ended.status.success(), "{}", ended.text());
}

/// A program of `tests/java` with JMeter's and our classes, which is given the home.
fn java(options: &[&str], program: &str) -> Command {
    let home = Home::assembled().unwrap();
    let class_path = std::env::join_paths([home.extensions().join("*"), home.libraries().join("*")]).unwrap();
    let mut java = Command::new("java");
    java.args(options).arg("-cp").arg(class_path);
    java.arg(repository::root().join("tests/java").join(program));
    java.arg(home.libraries().parent().unwrap());
    java
}

/// Starts JMeter as a server for remote tests, without RMI's TLS.
pub fn remote_server(java: &Path, home: &Home, folder: &Path) -> (Process, SocketAddr) {
    let address = free_address().unwrap();
    let mut java = Command::new(java);
    java.current_dir(folder).arg("-Xmx256m");
    java.arg(format!("-Dserver_port={}", address.port()));
    java.args(["-Djava.rmi.server.hostname=127.0.0.1", "-jar"]);
    java.arg(home.libraries().parent().unwrap().join("bin/ApacheJMeter.jar"));
    java.args(["-s", "-Jserver.rmi.ssl.disable=true", "-j", "server.log"]);
    let server = Process::start("JMeter server", &mut java).unwrap();
    server.wait_for_line("Created remote object", PATIENCE).unwrap();
    (server, address)
}

#[test]
fn every_element_goes_to_a_remote_jmeter_and_its_samples_come_back() {
    let _turn = together();
    let folder = folder("remote");
    let home = Home::assembled().unwrap();
    let (server, address) = remote_server(
        Path::new("java"),
        &home,
        &fresh_folder(&folder.join("server")).unwrap(),
    );
    let serve = Serve::start(&["--limit", "none"]).unwrap();
    let payload = ("wsb.payload", "from afar");
    let group = Group::new("G", 3)
        .loops(2)
        .defaults(&[("wsb.url", &serve.url("/")), ("wsb.readTimeout", "20s")])
        .connect("Connect", &[])
        .sampler("Exchange", "Exchange", &[payload])
        .sampler("Send", "Send", &[payload])
        .sampler("Receive", "Receive", &[])
        .sampler("Ping", "Ping", &[])
        .sampler("Close", "Close", &[]);
    let plan = Plan::of(group).write(&folder.join("plan.jmx")).unwrap();
    let client = Jmeter::new(&home, &plan, &folder.join("run"))
        .jvm("-Djava.rmi.server.hostname=127.0.0.1")
        // Else JMeter leaves out what was received.
        .property("mode", "Standard")
        .remote(address);
    let finished = run(&jtl_xml::recorded_by(client));
    let samples = jtl_xml::read(&finished.files.samples()).unwrap();
    let of = |label: &str| samples.iter().filter(|each| each.sample.label == label).count();
    for label in ["Connect", "Exchange", "Send", "Receive", "Ping", "Close"] {
        assert_eq!(of(label), 6, "{label}: {samples:?}");
    }
    let failed: Vec<_> = samples.iter().filter(|each| !each.sample.success).collect();
    assert!(failed.is_empty(), "{failed:?}");
    let answers = samples.iter().filter(|each| each.response == "from afar").count();
    assert_eq!(answers, 2 * 6, "of Exchange and Receive");
    say!(
        "{} samples of 6 elements came back from a remote JMeter",
        samples.len()
    );
    // The client tells it to end with the test.
    assert!(server.wait(PATIENCE).unwrap().status.success());
}
