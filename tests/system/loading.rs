//! The native library inside the JVM: how it loads, how it fails to, what a panic does, other Javas and class loaders.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use system::jmeter::{Home, Jmeter};
use system::jtl_xml::{self, Detailed};
use system::plan::{Group, Plan};
use system::process::Process;
use system::repository;
use system::serve::Serve;

use crate::skip;
use crate::support::{checked, folder, jmeter, jmeter_of, run, together};

/// How long cargo may take to build the library with its probe.
const BUILD: Duration = Duration::from_secs(600);

/// Runs a command to its end and fails the test if it fails.
fn must(command: &mut Command) {
    let name = format!("{command:?}");
    let ended = Process::start(&name, command).unwrap().wait(BUILD).unwrap();
    assert!(ended.status.success(), "{name}: {}", ended.text());
}

/// A plan of one connect, which is not to reach anybody.
fn one_connect() -> Plan {
    Plan::of(
        Group::new("G", 1)
            .loops(2)
            .connect("Connect", &[("wsb.url", "ws://127.0.0.1:9/")]),
    )
}

/// Runs a plan in which the library cannot be loaded: JMeter ends well, and every sample names what is wrong and the cure.
fn cannot_load(run: Jmeter, words: &[&str]) {
    let finished = crate::support::run(&jtl_xml::recorded_by(run));
    let samples = jtl_xml::read(&finished.files.samples()).unwrap();
    assert_eq!(samples.len(), 2, "the plan goes on");
    for Detailed {
        sample,
        response_headers,
        ..
    } in &samples
    {
        assert!(!sample.success && sample.started_ms > 0, "{sample:?}");
        assert_eq!(sample.code, "Non HTTP response code: native.unavailable");
        for word in [words, &["Library:", "System:", "Cure:", "Java"]].concat() {
            assert!(
                response_headers.contains(word),
                "{word:?} is not in {response_headers:?}"
            );
        }
    }
    let log = finished.log().unwrap();
    assert!(
        log.contains("Cure:"),
        "JMeter's log names it before the first user comes: {log}"
    );
}

#[test]
fn a_library_that_is_not_there_is_a_failed_sample_that_names_the_cure() {
    let _turn = together();
    let run = jmeter_of(&one_connect(), &folder("no_library"));
    cannot_load(
        run.property("wsb.native.path", "/no/such/library.so"),
        &["/no/such/library.so", "wsb.native.path"],
    );
}

#[test]
fn a_system_that_the_jar_does_not_know_is_a_failed_sample_that_names_the_cure() {
    let _turn = together();
    let run = jmeter_of(&one_connect(), &folder("no_system"));
    cannot_load(
        run.jvm("-Dos.arch=sparc"),
        &["linux-sparc", "linux-x86_64", "wsb.native.path"],
    );
}

#[test]
fn a_damaged_library_is_a_failed_sample_that_names_the_cure() {
    let _turn = together();
    let folder = folder("damaged");
    let home = Home::assembled().unwrap().copy_to(&folder.join("home")).unwrap();
    let plugin = home.plugin().unwrap();
    let damaged = folder.join("damaged.jar");
    std::fs::copy(&plugin, &damaged).unwrap();
    let library = format!(
        "natives/{}-{}/libws_backoff.so",
        std::env::consts::OS,
        std::env::consts::ARCH
    );
    must(
        Command::new("jar")
            .current_dir(&folder)
            .arg("xf")
            .arg(&damaged)
            .arg(&library),
    );
    let mut bytes = std::fs::read(folder.join(&library)).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(folder.join(&library), bytes).unwrap();
    must(
        Command::new("jar")
            .current_dir(&folder)
            .arg("uf")
            .arg(&damaged)
            .arg(&library),
    );
    // The home's jar is a link to the product: replaced, not written to.
    std::fs::remove_file(&plugin).unwrap();
    std::fs::rename(&damaged, &plugin).unwrap();
    let plan = one_connect().write(&folder.join("plan.jmx")).unwrap();
    cannot_load(
        checked(Jmeter::new(&home, &plan, &folder.join("run"))),
        &["wrong checksum", "copy it again"],
    );
}

/// A folder from which nothing may run; unmounted on drop.
struct NoExec(PathBuf);

impl NoExec {
    fn mount(folder: PathBuf) -> Option<Self> {
        std::fs::create_dir_all(&folder).unwrap();
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", "noexec,size=64m", "tmpfs"])
            .arg(&folder);
        let mounted = Process::start("mount", &mut mount)
            .ok()?
            .wait(BUILD)
            .ok()?
            .status
            .success();
        mounted.then_some(Self(folder))
    }
}

impl Drop for NoExec {
    fn drop(&mut self) {
        must(Command::new("umount").arg(&self.0));
    }
}

#[test]
fn a_folder_from_which_nothing_may_run_is_a_failed_sample_that_names_the_cure() {
    let _turn = together();
    let folder = folder("noexec");
    let Some(mounted) = NoExec::mount(folder.join("mounted")) else {
        skip!("nothing can be mounted here")
    };
    let run = jmeter_of(&one_connect(), &folder).property("wsb.native.tmpdir", &mounted.0.display());
    cannot_load(
        run,
        &["noexec", "wsb.native.tmpdir", &mounted.0.display().to_string()],
    );
    let left: Vec<_> = std::fs::read_dir(&mounted.0).unwrap().collect();
    assert!(left.is_empty(), "the copy is removed: {left:?}");
}

#[test]
fn the_unpacked_library_leaves_nothing_in_its_folder() {
    let _turn = together();
    let serve = Serve::start(&["--limit", "none"]).unwrap();
    let folder = folder("unpacked");
    let place = folder.join("natives");
    let run_it = jmeter(&repository::plan("after.jmx"), &folder)
        .property("users", "1")
        .property("rampup", "0");
    let finished = run(&run_it
        .property("url", &serve.url("/"))
        .property("wsb.native.tmpdir", &place.display()));
    assert!(finished.samples().unwrap()[0].success);
    let left: Vec<_> = std::fs::read_dir(&place).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

/// The library of this checkout with its probe: a connect to `panic.invalid` panics.
fn library_with_probe() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let root = repository::root();
    // Chosen so that all other crates are as the tests of the crates have made them.
    let chosen = "build --quiet --locked --workspace --lib --examples --features ws-backoff/panic-probe";
    must(Command::new(cargo).current_dir(&root).args(chosen.split(' ')));
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    target.join("debug/libws_backoff.so")
}

#[test]
fn a_panic_is_a_failed_sample_and_the_jvm_lives() {
    let _turn = together();
    let library = library_with_probe();
    let serve = Serve::start(&["--limit", "none"]).unwrap();
    let url = serve.url("/");
    let group = Group::new("G", 3)
        .loops(2)
        .connect("panics", &[("wsb.url", "ws://panic.invalid/")])
        .connect("connects", &[("wsb.url", &url)]);
    let run_it =
        jmeter_of(&Plan::of(group), &folder("panic")).property("wsb.native.path", &library.display());
    let finished = run(&jtl_xml::recorded_by(run_it));
    let samples = jtl_xml::read(&finished.files.samples()).unwrap();
    assert_eq!(samples.len(), 12);
    for Detailed {
        sample,
        response_headers,
        ..
    } in &samples
    {
        let panics = sample.label == "panics";
        assert_eq!(sample.success, !panics, "{sample:?} {response_headers}");
        if panics {
            assert_eq!(sample.code, "Non HTTP response code: native.failure");
            assert!(
                response_headers.contains("panic"),
                "the panic's own words are kept: {response_headers}"
            );
        }
    }
}

#[test]
fn plans_run_on_java_25() {
    let _turn = together();
    let Some(java) = repository::java_25() else {
        skip!("there is no Java 25 on this machine")
    };
    let serve = Serve::start(&["--limit", "fixed-window limit=5 window=2s"]).unwrap();
    let run_it = jmeter(&repository::plan("after.jmx"), &folder("java_25")).java(java);
    let run_it = run_it
        .jvm("--enable-native-access=ALL-UNNAMED")
        .property("users", "8")
        .property("rampup", "0");
    let finished = run(&run_it.property("url", &serve.url("/")));
    let samples = finished.samples().unwrap();
    assert!(
        samples.len() == 8 && samples.iter().all(|sample| sample.success),
        "{samples:?}"
    );
    let text = finished.ended.text();
    assert!(
        !text.contains("restricted method") || !text.contains("wsbackoff"),
        "{text}"
    );
}

#[test]
fn two_class_loaders_of_one_jvm_do_not_disturb_each_other() {
    let _turn = together();
    let serve = Serve::start(&["--limit", "none"]).unwrap();
    let home = Home::assembled().unwrap();
    let jars = std::fs::read_dir(home.extensions())
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let parts = jars.filter(|jar| {
        jar.file_name()
            .unwrap()
            .to_string_lossy()
            .starts_with("ApacheJMeter")
    });
    let class_path = std::env::join_paths(parts.chain([home.libraries().join("*")])).unwrap();
    let mut java = Command::new("java");
    java.arg("-Xcheck:jni")
        .arg("-cp")
        .arg(class_path)
        .arg(source("TwoLoaders.java"));
    java.arg(home.plugin().unwrap()).arg(serve.url("/"));
    let ended = Process::start("TwoLoaders", &mut java)
        .unwrap()
        .wait(Duration::from_secs(60))
        .unwrap();
    let text = ended.text();
    assert!(ended.status.success(), "{text}");
    for line in [
        "same class: false",
        "first: 101",
        "second: 101",
        "second after the first's end: 101",
        "done",
    ] {
        assert!(text.contains(line), "{line:?} is not in:\n{text}");
    }
    let stats = serve.stats().unwrap();
    assert_eq!((stats.accepted, stats.open), (3, 0));
}

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("java").join(name)
}
