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

/// What the end of a test may take in all: 3 s for calls that hang, 0.5 s for goodbyes, 1 s for the runtime; most take none.
const END_MS: i64 = 5_000;

/// JMeter's line before it tells the elements that the test has ended.
pub const END_OF_TEST: &str = "Notifying test listeners of end of test";

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

/// Switches on the JVM's checks of what native code does; [`complaints`] reads them. Its second compiler is left out: it takes
/// almost half of a start's processor time, and pays after minutes.
pub fn checked(run: Jmeter) -> Jmeter {
    run.jvm("-Xcheck:jni").jvm("-XX:TieredStopAtLevel=1")
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

/// What the JVM's checks found, and an end of the test that took too long.
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
        .chain(slow_end(&finished.log().unwrap()))
        .collect()
}

/// Whether the elements held up JMeter when they were told of the test's end: it says nothing until they are done.
fn slow_end(log: &str) -> Option<String> {
    let told = |line: &&str| line.contains(END_OF_TEST);
    let (from, line) = log.lines().enumerate().find(|(_, line)| told(line))?;
    let next = log.lines().skip(from + 1).find_map(log_millis)?;
    let took = next - log_millis(line)?;
    (took > END_MS).then(|| format!("the end of the test took {took} ms"))
}

/// Milliseconds of the day in a log line's stamp, as in `2026-01-31 09:30:00,123`.
pub fn log_millis(line: &str) -> Option<i64> {
    let stamp = line.split_whitespace().nth(1)?;
    let parts: Vec<i64> = stamp
        .split([':', ','])
        .map(|part| part.parse().ok())
        .collect::<Option<_>>()?;
    let [hours, minutes, seconds, millis] = parts[..] else {
        return None;
    };
    Some(((hours * 60 + minutes) * 60 + seconds) * 1_000 + millis)
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

#[test]
fn only_an_end_that_stands_still_is_told() {
    let log = |summary: &str| {
        format!(
            "2026-01-31 09:30:00,100 INFO Thread finished: U 1-1\n\
             2026-01-31 09:30:10,250 INFO Notifying test listeners of end of test\n\
             a line without a stamp\n\
             2026-01-31 {summary} INFO summary = 1\n\
             2026-01-31 09:40:00,000 INFO Dashboard generated\n"
        )
    };
    assert_eq!(slow_end(&log("09:30:12,250")), None);
    let told = slow_end(&log("09:31:06,300"));
    assert_eq!(told.as_deref(), Some("the end of the test took 56050 ms"));
}
