//! The jar as a program: `java -jar` with the commands, and its end on a signal.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use system::process::{Ended, Process};
use system::repository;
use system::serve::Serve;

use crate::skip;
use crate::support::{folder, together};

const PATIENCE: Duration = Duration::from_secs(30);

fn java(program: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .arg("-jar")
        .arg(repository::jar().unwrap())
        .args(arguments);
    command
}

fn output(program: &Path, arguments: &[&str]) -> Ended {
    Process::start("java -jar", &mut java(program, arguments))
        .unwrap()
        .wait(PATIENCE)
        .unwrap()
}

fn the_commands_work_on(program: &Path) {
    let help = output(program, &["--help"]);
    assert!(
        help.status.success() && help.text().contains("serve"),
        "{}",
        help.text()
    );
    let version = output(program, &["--version"]);
    let name = repository::jar()
        .unwrap()
        .file_stem()
        .unwrap()
        .to_string_lossy()
        .replace("ws-backoff-", "");
    assert!(
        version.status.success() && version.text().contains(&name),
        "{}",
        version.text()
    );
    let wrong = output(program, &["serv"]);
    assert_eq!(wrong.status.code(), Some(2), "{}", wrong.text());
    assert!(wrong.text().contains("serv"), "{}", wrong.text());

    let mut command = java(
        program,
        &[
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--limit",
            "fixed-window limit=3 window=1h",
        ],
    );
    let serve = Serve::launch(&mut command, None).unwrap();
    assert_eq!(serve.stats().unwrap().attempts, 0);
    let ended = serve.stop().unwrap();
    // 128 + 15: the JVM says that it ended by SIGTERM.
    assert_eq!(ended.status.code(), Some(143), "{}", ended.text());
}

static TRACES: AtomicU32 = AtomicU32::new(0);

/// What `probe` says of a server with TLS, with this as the system's store, and as Java's.
fn probed(url: &str, of_system: &Path, of_java: Option<&Path>) -> Ended {
    let mut command = Command::new("java");
    if let Some(store) = of_java {
        command.arg(format!("-Djavax.net.ssl.trustStore={}", store.display()));
        command.arg("-Djavax.net.ssl.trustStorePassword=changeit");
    }
    command.arg("-jar").arg(repository::jar().unwrap());
    command.args(["probe", "--budget", "10", "--time", "2s", url, "--trace"]);
    // Each has one of its own.
    let trace = format!("trace-{}.jsonl", TRACES.fetch_add(1, Ordering::Relaxed));
    command.arg(of_system.with_file_name(trace));
    command.env("SSL_CERT_FILE", of_system);
    // There may be a folder that this machine is told of.
    command.env("SSL_CERT_DIR", of_system.with_file_name("empty"));
    let process = Process::start("java -jar", &mut command).unwrap();
    process.wait(PATIENCE).unwrap()
}

#[test]
fn the_systems_roots_are_trusted_and_where_it_has_none_those_of_java() {
    let _turn = together();
    let folder = folder("roots");
    let certificate = folder.join("server.pem");
    let named = certificate.display().to_string();
    let serve = Serve::start(&["--limit", "none", "--tls", "--cert-out", &named]).unwrap();
    let url = serve.tls_url("/");
    std::fs::create_dir(folder.join("empty")).unwrap();
    let none = folder.join("none.pem");
    std::fs::write(&none, "").unwrap();
    let store = folder.join("java.p12");
    let mut keytool = Command::new("keytool");
    keytool.args([
        "-importcert",
        "-noprompt",
        "-storepass",
        "changeit",
        "-storetype",
        "PKCS12",
    ]);
    keytool
        .args(["-alias", "server", "-file", &named, "-keystore"])
        .arg(&store);
    let made = Process::start("keytool", &mut keytool).unwrap();
    assert!(made.wait(PATIENCE).unwrap().status.success());

    for (of_system, of_java) in [(&certificate, None), (&none, Some(&*store))] {
        let ended = probed(&url, of_system, of_java);
        assert!(
            ended.status.success(),
            "{of_system:?} {of_java:?}\n{}",
            ended.text()
        );
    }
    // The system's go before: a store that knows others is not added to.
    let other = folder.join("other.pem");
    std::fs::write(
        &other,
        rcgen::generate_simple_self_signed(["other".to_owned()])
            .unwrap()
            .cert
            .pem(),
    )
    .unwrap();
    for (of_system, of_java) in [(&other, Some(&*store)), (&none, None)] {
        let ended = probed(&url, of_system, of_java);
        let text = ended.text();
        // And not that there are none at all.
        assert!(
            text.contains("the server fails: localhost: it"),
            "{of_system:?} {of_java:?}\n{text}"
        );
        assert!(!ended.status.success(), "{of_system:?} {of_java:?}\n{text}");
    }
}

#[test]
fn the_jar_is_a_program() {
    let _turn = together();
    the_commands_work_on(Path::new("java"));
}

#[test]
fn the_jar_is_a_program_on_java_25() {
    let _turn = together();
    let Some(java) = repository::java_25() else {
        skip!("there is no Java 25 on this machine")
    };
    the_commands_work_on(java);
    let help = output(java, &["--help"]);
    assert!(
        !help.text().contains("WARNING"),
        "the jar allows itself native access: {}",
        help.text()
    );
}
