//! JMeter's real Plugins Manager with our entry for its catalogue, offline: it finds the plugin by a plan, installs, upgrades
//! and removes it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use system::jmeter::{Home, Jmeter};
use system::plan::{Group, Plan};
use system::process::Process;
use system::repository::{self, only_jar};
use system::serve::Serve;

use crate::support::{LIMIT, folder, together};

const PATIENCE: Duration = Duration::from_secs(90);
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// As if there had been one before.
const EARLIER: &str = "0.0.9";

/// A JMeter with the Plugins Manager and without our plugin, and a catalogue that has it.
struct Manager {
    home: Home,
    catalogue: PathBuf,
}

impl Manager {
    fn new(folder: &Path) -> Self {
        let home = Home::assembled().unwrap().copy_to(&folder.join("home")).unwrap();
        let shelf = repository::fresh_folder(&folder.join("catalogue")).unwrap();
        let plugin = home.plugin().unwrap();
        for version in [VERSION, EARLIER] {
            std::fs::copy(&plugin, shelf.join(jar(version))).unwrap();
        }
        std::fs::remove_file(plugin).unwrap();
        let jars = repository::build().join("peers/plugins-manager/jars");
        let fetched = |start: &str| {
            only_jar(&jars, start).unwrap_or_else(|error| panic!("{error}: script/test fetches it"))
        };
        let manager = fetched("jmeter-plugins-manager-");
        std::fs::copy(&manager, home.extensions().join(manager.file_name().unwrap())).unwrap();
        // It looks for its launcher by this name.
        std::fs::copy(fetched("cmdrunner-"), home.libraries().join("cmdrunner-2.2.jar")).unwrap();
        let catalogue = shelf.join("catalogue.json");
        std::fs::write(&catalogue, entry().to_string()).unwrap();
        Self { home, catalogue }
    }

    /// Runs a command of it, and says what it printed.
    fn run(&self, arguments: &[&str]) -> String {
        let mut java = Command::new("java");
        java.current_dir(self.home.launcher().parent().unwrap());
        java.args(["-Djava.awt.headless=true", "-Djpgc.repo.sendstats=false"]);
        java.arg(format!("-Djpgc.repo.address={}", self.catalogue.display()));
        java.arg("-jar")
            .arg(self.home.libraries().join("cmdrunner-2.2.jar"));
        java.args(["--tool", "org.jmeterplugins.repository.PluginManagerCMD"]);
        let ended = Process::start("the Plugins Manager", java.args(arguments))
            .unwrap()
            .wait(PATIENCE)
            .unwrap();
        assert!(ended.status.success(), "{arguments:?}: {}", ended.text());
        ended.text()
    }

    /// Waits until just this of ours lies in `lib/ext`: a process that it leaves behind moves jars in and out.
    fn comes_to(&self, wanted: &[String]) {
        let begun = Instant::now();
        loop {
            let entries = std::fs::read_dir(self.home.extensions()).unwrap();
            let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
            let ours: Vec<String> = names.filter(|name| name.starts_with("ws-backoff-")).collect();
            if ours == wanted {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{ours:?} in place of {wanted:?}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

fn jar(version: &str) -> String {
    format!("ws-backoff-{version}.jar")
}

/// Our entry, with jars that lie beside it.
fn entry() -> Value {
    let text = std::fs::read(repository::root().join("docs/ws-backoff.json")).unwrap();
    let mut catalogue: Value = serde_json::from_slice(&text).unwrap();
    let versions = &mut catalogue[0]["versions"];
    versions[VERSION]["downloadUrl"] = json!(jar(VERSION));
    versions[EARLIER] = json!({ "downloadUrl": jar(EARLIER) });
    catalogue
}

#[test]
fn the_plugins_manager_finds_the_plugin_by_a_plan_installs_upgrades_and_removes_it() {
    let _turn = together();
    let folder = folder("plugins-manager");
    let manager = Manager::new(&folder);
    let serve = Serve::start(&["--limit", "none"]).unwrap();
    let url = serve.url("/");
    let inner = Group::inner().connect("Connect", &[("wsb.url", &url)]);
    let users = Group::new("Users", 1)
        .controller("Retry", "Retry", &[], &inner)
        .sampler("Close", "Close", &[]);
    let plan = Plan::of(users).write(&folder.join("plan.jmx")).unwrap();

    manager.run(&["install-for-jmx", &plan.display().to_string()]);
    manager.comes_to(&[jar(VERSION)]);
    let finished = Jmeter::new(&manager.home, &plan, &folder.join("run"))
        .run(LIMIT)
        .unwrap()
        .succeeded()
        .unwrap();
    let samples = finished.samples().unwrap();
    assert!(
        samples.len() == 2 && samples.iter().all(|sample| sample.success),
        "{samples:?}"
    );

    manager.run(&["uninstall", "ws-backoff"]);
    manager.comes_to(&[]);
    manager.run(&["install", &format!("ws-backoff={EARLIER}")]);
    manager.comes_to(&[jar(EARLIER)]);
    let offered = manager.run(&["upgrades"]);
    assert!(offered.contains(&format!("[ws-backoff={VERSION}]")), "{offered}");
    manager.run(&["install", &format!("ws-backoff={VERSION}")]);
    manager.comes_to(&[jar(VERSION)]);
    let status = manager.run(&["status"]);
    assert!(status.contains(&format!("ws-backoff={VERSION}")), "{status}");
}
