//! The jar as a program: `java -jar` with the commands, and its end on a signal.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use system::process::{Ended, Process};
use system::repository;
use system::serve::Serve;

use crate::skip;
use crate::support::together;

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
