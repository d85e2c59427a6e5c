//! What every test here needs: a folder, a run with the JVM's JNI checks on, and a way past the test runner's silence.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use system::jmeter::{Finished, Home, Jmeter};
use system::plan::Plan;
use system::repository;
use system::serve::{Serve, Stats};

/// No plan of these tests takes longer unless it says so: two hundred users a limit of a minute, side by side with others.
pub const LIMIT: Duration = Duration::from_secs(240);

pub use crate::turns::{alone, in_idle_time, together, waiting};

/// The test's own folder, empty.
pub fn folder(test: &str) -> PathBuf {
    repository::fresh_folder(&repository::build().join("tests").join(test)).unwrap()
}

/// A run of a plan in the assembled home, with the JNI checks on.
pub fn jmeter(plan: &Path, folder: &Path) -> Jmeter {
    checked(Jmeter::new(
        &Home::assembled().unwrap(),
        plan,
        &folder.join("run"),
    ))
}

/// A run of a plan made in code.
pub fn jmeter_of(plan: &Plan, folder: &Path) -> Jmeter {
    jmeter(&plan.write(&folder.join("plan.jmx")).unwrap(), folder)
}

/// Switches on the JVM's checks of what native code does; [`complaints`] reads them.
pub fn checked(run: Jmeter) -> Jmeter {
    run.jvm("-Xcheck:jni")
}

/// Runs to the end, and looks at what the JVM said of the native code.
pub fn run(jmeter: &Jmeter) -> Finished {
    let finished = jmeter.run(LIMIT).unwrap();
    assert_eq!(complaints(&finished), Vec::<String>::new());
    finished
}

/// The wall clock, from 1970 on.
pub fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

/// What the JVM's checks found.
pub fn complaints(finished: &Finished) -> Vec<String> {
    let suspicious = |text: &str| {
        text.contains("WARNING in native")
            || text.contains("FATAL ERROR in native")
            || text.starts_with("WARNING: JNI")
    };
    finished
        .ended
        .lines
        .iter()
        .map(|line| line.text.clone())
        .filter(|text| suspicious(text))
        .collect()
}

/// Asks the server again and again until it has counted what is wanted; it has no way to tell by itself.
pub fn wait_for_stats(serve: &Serve, limit: Duration, wanted: impl Fn(&Stats) -> bool) -> Stats {
    let deadline = Instant::now() + limit;
    loop {
        let stats = serve.stats().unwrap();
        if wanted(&stats) {
            return stats;
        }
        assert!(Instant::now() < deadline, "the server still counts {stats:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Prints a line of results: past the test runner, which keeps what a passing test prints to itself.
pub fn say(line: std::fmt::Arguments<'_>) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "    {line}")
        .and_then(|()| out.flush())
        .expect("the output is open");
}

/// [`support::say`](say) with the arguments of `println!`.
#[macro_export]
macro_rules! say {
    ($($text:tt)*) => { $crate::support::say(format_args!($($text)*)) };
}

/// Ends a test that cannot run here, with the reason.
#[macro_export]
macro_rules! skip {
    ($($why:tt)*) => {{
        $crate::say!("skipped: {}", format_args!($($why)*));
        return;
    }};
}
