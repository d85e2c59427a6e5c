//! Whether `ws-backoff find` tells the truth: random limits of the test server, users of a real JMeter before them, and the traces
//! that they leave. How its answers are scored is in `finding/score.rs`.

mod score;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use limiter::LimitSpec;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use crate::herds::{Herd, side_by_side};
use crate::jmeter::Jmeter;
use crate::{Error, Result, at, during, repository, trace};

pub use score::{Found, Score, Verdict};

/// No set of herds takes longer: a user gives up after two minutes.
const LONGEST: Duration = Duration::from_secs(240);

/// The kinds of limits that are drawn, as the first words of their texts.
pub const KINDS: [&str; 8] = [
    "token-bucket",
    "fixed-window",
    "fixed-window clock=aligned",
    "sliding-window",
    "sliding-window reject-counts=true",
    "sliding-counter",
    "concurrency",
    "queue",
];

/// How users try, as values of `wsb.shared.mode`.
pub const MODES: [&str; 2] = ["off", "pace"];

/// Users before a limit, and the truth.
#[derive(Debug, Clone)]
pub struct Case {
    /// Of seed, number, kind and mode: for files.
    pub name: String,
    /// The truth.
    pub limit: LimitSpec,
    /// Options of `serve` that say how it refuses.
    pub refusal: &'static [&'static str],
    /// How many users come.
    pub users: u32,
    /// Over how many seconds they start.
    pub ramp_seconds: u32,
    /// How long one stays who is in.
    pub hold_ms: u32,
    /// One of [`MODES`].
    pub mode: &'static str,
}

/// A trace of a case, in a file.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The trace.
    pub file: PathBuf,
    /// The truth.
    pub limit: LimitSpec,
    /// How it refused, and who came, in words.
    pub about: String,
}

/// What `find` says of a trace, and what that is worth.
#[derive(Debug, Clone)]
pub struct Judged {
    /// What was said.
    pub found: Found,
    /// Its worth.
    pub verdict: Verdict,
}

/// Beside the traces: a line for each, with its name, the limit and what else is to be known of it between tabulators.
const TRUTH: &str = "truth.txt";

const REFUSALS: [&[&str]; 5] = [
    &["--retry-after", "seconds"],
    &["--retry-after", "none"],
    &["--status", "503", "--retry-after", "none"],
    &["--retry-after", "date"],
    &["--retry-after", "ms"],
];

/// So many limits, of all kinds in turn, each in both modes. A seed draws the same again.
#[must_use]
pub fn draw(limits: usize, seed: u64) -> Vec<Case> {
    let mut chance = Xoshiro256PlusPlus::seed_from_u64(seed);
    let kinds = KINDS.iter().cycle().take(limits);
    let cases = (1..).zip(kinds).flat_map(|(number, kind)| {
        let case = one(kind, &mut chance);
        let word = case.limit.limits[0].rule.word();
        MODES.map(|mode| Case {
            name: format!("{seed}-{number:03}-{word}-{mode}"),
            mode,
            ..case.clone()
        })
    });
    cases.collect()
}

/// A limit under which the last of its users may be in after some seconds at the earliest.
fn one(kind: &str, chance: &mut Xoshiro256PlusPlus) -> Case {
    let users = of(&[60_u32, 80, 120, 160, 200], chance);
    let seconds = chance.random_range(5.0..10.0);
    let later = chance.random_range(2_u32..=5);
    let at_once = (users / (later + 1) + chance.random_range(1..=4)).min(users / 2);
    let halves = |value: f64| ((2.0 * value).round() / 2.0).max(1.0);
    let window = halves(seconds / f64::from(later));
    let mut hold_ms = of(&[0, 3_000], chance);
    let (word, more) = kind.split_once(' ').unwrap_or((kind, ""));
    let text = match word {
        "token-bucket" | "queue" => {
            let burst = of(&[5, 10, 15, 20, 30], chance);
            let rate = halves(f64::from(users - burst) / seconds);
            format!("{kind} rate={rate} burst={burst}")
        }
        "concurrency" => {
            hold_ms = of(&[1_000, 1_500, 2_300], chance);
            format!("{kind} limit={at_once}")
        }
        "sliding-counter" => {
            let offset = chance.random_range(0..1_000);
            format!("{kind} limit={at_once} window={window}s offset={offset}ms")
        }
        _ => format!("{word} limit={at_once} window={window}s {more}"),
    };
    Case {
        name: String::new(),
        limit: text.parse().expect("a limit of the kinds above"),
        refusal: of(&REFUSALS, chance),
        users,
        ramp_seconds: of(&[0, 0, 1, 3], chance),
        hold_ms,
        mode: MODES[0],
    }
}

fn of<T: Copy>(all: &[T], chance: &mut Xoshiro256PlusPlus) -> T {
    all[chance.random_range(0..all.len())]
}

impl Case {
    fn about(&self) -> String {
        let Self {
            users,
            ramp_seconds,
            hold_ms,
            mode,
            refusal,
            ..
        } = self;
        let refusal = refusal.join(" ");
        format!("{refusal}, {users} users over {ramp_seconds} s, each for {hold_ms} ms, {mode}")
    }

    fn herd(&self) -> Herd {
        let limit = self.limit.to_string();
        let words = [&["--limit", limit.as_str()][..], self.refusal].concat();
        Herd {
            serve: words.into_iter().map(str::to_owned).collect(),
            users: self.users,
            ramp_seconds: self.ramp_seconds,
            hold_ms: self.hold_ms,
            properties: vec![("wsb.shared.mode", self.mode.to_owned())],
        }
    }
}

/// Lets the users of all cases come at once in one JMeter. Their traces stay in `folder`, each beside its truth.
///
/// # Errors
/// When JMeter does not end well, or a file cannot be written.
pub fn record(cases: &[Case], folder: &Path, setup: impl Fn(Jmeter) -> Jmeter) -> Result<Vec<Kept>> {
    fs::create_dir_all(folder).map_err(at(folder))?;
    let run = folder.join("run");
    let together = run.join("trace.jsonl");
    let herds: Vec<Herd> = cases.iter().map(Case::herd).collect();
    let traced = |jmeter: Jmeter| setup(jmeter.property("wsb.trace", &together.display()));
    let (_, served) = side_by_side(&herds, &run, LONGEST, traced)?;
    let all = fs::read_to_string(&together).map_err(at(&together))?;
    let mut kept = Vec::new();
    for (case, served) in cases.iter().zip(served) {
        let file = folder.join(format!("{}.jsonl", case.name));
        fs::write(&file, trace::to(&all, &served.url)?).map_err(at(&file))?;
        kept.push(Kept {
            file,
            limit: case.limit.clone(),
            about: case.about(),
        });
    }
    let truth = folder.join(TRUTH);
    let before = fs::read_to_string(&truth).unwrap_or_default();
    let lines: String = kept.iter().map(Kept::line).collect();
    fs::write(&truth, before + &lines).map_err(at(&truth))?;
    fs::remove_dir_all(&run).map_err(at(&run))?;
    Ok(kept)
}

impl Kept {
    fn line(&self) -> String {
        let name = self.file.file_name().unwrap_or_default().to_string_lossy();
        format!("{name}\t{}\t{}\n", self.limit, self.about)
    }

    /// Those that [`record`] left in this folder.
    ///
    /// # Errors
    /// When there are none, or a line is not as agreed.
    pub fn all(folder: &Path) -> Result<Vec<Self>> {
        let truth = folder.join(TRUTH);
        let text = fs::read_to_string(&truth).map_err(at(&truth))?;
        let kept = |line: &str| {
            let mut parts = line.splitn(3, '\t');
            Some(Self {
                file: folder.join(parts.next()?),
                limit: parts.next()?.parse().ok()?,
                about: parts.next()?.to_owned(),
            })
        };
        let lines = text.lines().map(|line| {
            kept(line).ok_or_else(|| Error::Content {
                what: truth.display().to_string(),
                why: format!("\"{line}\" is no name, limit and text with tabulators between"),
            })
        });
        lines.collect()
    }

    /// Asks `find`, and judges what it says.
    ///
    /// # Errors
    /// When it does not answer as agreed.
    pub fn judge(&self) -> Result<Judged> {
        let what = format!("ws-backoff find {}", self.file.display());
        let mut command = Command::new(repository::program()?);
        let output = command.arg("find").arg("--json").arg(&self.file).output();
        let output = output.map_err(during(what.clone()))?;
        let found: Found = serde_json::from_slice(&output.stdout).map_err(|error| Error::Content {
            what,
            why: format!("{error}: {}", String::from_utf8_lossy(&output.stderr)),
        })?;
        Ok(Judged {
            verdict: found.verdict(&self.limit),
            found,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_draws_the_same_again_and_every_kind_in_both_modes() {
        let texts = |seed| -> Vec<String> {
            let cases = draw(40, seed);
            cases.iter().map(|case| format!("{case:?}")).collect()
        };
        assert_eq!(texts(7), texts(7));
        assert_ne!(texts(7), texts(8));
        let cases = draw(40, 7);
        assert_eq!(cases.len(), 80);
        for kind in KINDS {
            let word = kind.split(' ').next().unwrap();
            for mode in MODES {
                let of_kind = |case: &&Case| case.limit.limits[0].rule.word() == word && case.mode == mode;
                assert!(cases.iter().filter(of_kind).count() >= 5, "{kind} {mode}");
            }
        }
    }

    #[test]
    fn what_is_drawn_refuses_some_and_may_be_over_soon() {
        for case in draw(400, 1) {
            let held = Some(Duration::from_millis(case.hold_ms.into()));
            let bound = |clock| case.limit.bound_from(case.users, clock, held).unwrap();
            let bounds = [0, 300, 900].map(|ms| bound(Duration::from_millis(ms)).as_secs_f64());
            assert!(
                bounds.iter().all(|bound| (2.0..25.0).contains(bound)),
                "{bounds:?} {case:?}"
            );
        }
    }

    #[test]
    fn what_is_kept_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let kept: Vec<Kept> = draw(8, 3)
            .iter()
            .map(|case| Kept {
                file: folder.path().join(format!("{}.jsonl", case.name)),
                limit: case.limit.clone(),
                about: case.about(),
            })
            .collect();
        let lines: String = kept.iter().map(Kept::line).collect();
        fs::write(folder.path().join(TRUTH), &lines).unwrap();
        let again = Kept::all(folder.path()).unwrap();
        assert_eq!(again.len(), 16);
        assert_eq!(again.iter().map(Kept::line).collect::<String>(), lines);
        fs::write(folder.path().join(TRUTH), "a trace without a limit\n").unwrap();
        let error = Kept::all(folder.path()).unwrap_err().to_string();
        assert!(error.contains("a trace without a limit"), "{error}");
    }
}
