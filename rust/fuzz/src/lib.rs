//! Bounded fuzzing inside of `cargo test`: inputs of a corpus that lies beside the test, changed by a seeded generator, are given
//! to a function that must neither panic, nor hang, nor take more memory than it should. For tests only, in no product.
//!
//! A corpus is a text file, one input a line, with `\r \n \t \0 \\ \xNN` for what a line cannot show, `\-` for nothing; lines that begin with `# ` and
//! empty ones are not inputs. An input that fails is added to it at once, so that it is tried first from then on.
//!
//! The memory is that of the process: such tests are a test target of their own, apart from tests that need more.
//!
//! `WSB_FUZZ_CASES=100000` makes a long run of it, `WSB_FUZZ_SEED=7` another one.

mod corpus;
mod mutate;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub use corpus::{escaped, unescaped};
pub use mutate::Mutator;

/// A case that takes longer than this hangs. Far above what any case takes on a machine that is loaded tenfold.
const HANG: Duration = Duration::from_secs(60);
/// How much the process may grow: the inputs are small, and so must be what is made of them.
const MEMORY_KIB: u64 = 256 * 1024;
/// The inputs' seed, unless the environment says another one.
const SEED: u64 = 20_261_123;

/// What is tried, and how much of it.
#[derive(Debug, Clone)]
pub struct Fuzz {
    corpus: PathBuf,
    cases: u64,
    longest: usize,
}

/// The input under way and its begin.
type UnderWay = Mutex<Option<(Vec<u8>, Instant)>>;

impl Fuzz {
    /// Tries the inputs of this corpus, then `cases` that are made of them.
    #[must_use]
    pub fn new(corpus: impl AsRef<Path>, cases: u64) -> Self {
        Self {
            corpus: corpus.as_ref().to_owned(),
            cases: number("WSB_FUZZ_CASES").unwrap_or(cases),
            longest: 4 * 1024,
        }
    }

    /// Makes no inputs longer than this many bytes; without it 4 KiB.
    #[must_use]
    pub fn longest(mut self, bytes: usize) -> Self {
        self.longest = bytes;
        self
    }

    /// Gives each input to `judge`, which panics if what comes of it is wrong.
    ///
    /// # Panics
    /// When a case panics (its input is in the corpus then), when the memory grew beyond its bound, or when there is no corpus.
    /// A case that hangs ends the process, as nothing else can end it.
    pub fn run(&self, mut judge: impl FnMut(&[u8])) {
        let known = corpus::read(&self.corpus);
        assert!(!known.is_empty(), "{} has no inputs", self.corpus.display());
        let seed = number("WSB_FUZZ_SEED").unwrap_or(SEED);
        let mut mutator = Mutator::new(seed, known.clone(), self.longest);
        let made = std::iter::repeat_with(|| mutator.next_input());
        let cases = usize::try_from(self.cases).unwrap_or(usize::MAX);
        let under_way: Arc<UnderWay> = Arc::default();
        let watch = self.watch(&under_way);
        let before = peak_memory();
        for input in known.into_iter().chain(made.take(cases)) {
            *lock(&under_way) = Some((input.clone(), Instant::now()));
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| judge(&input))) {
                corpus::add(&self.corpus, &input);
                eprintln!(
                    "the input is {}, now in {}",
                    escaped(&input),
                    self.corpus.display()
                );
                *lock(&under_way) = None;
                resume_unwind(panic);
            }
        }
        *lock(&under_way) = None;
        watch.join().expect("the watch does not panic");
        if let (Some(before), Some(after)) = (before, peak_memory()) {
            assert!(
                after <= before + MEMORY_KIB,
                "grown from {before} KiB to {after} KiB"
            );
        }
    }

    /// Looks at the case under way until there is none.
    fn watch(&self, under_way: &Arc<UnderWay>) -> std::thread::JoinHandle<()> {
        let (under_way, corpus) = (under_way.clone(), self.corpus.clone());
        *lock(&under_way) = Some((Vec::new(), Instant::now()));
        std::thread::spawn(move || {
            loop {
                // In a statement of its own: the lock must not be held while this thread sleeps.
                let current = lock(&under_way).clone();
                let Some((input, begun)) = current else { return };
                if begun.elapsed() > HANG {
                    corpus::add(&corpus, &input);
                    eprintln!("hangs: {}, now in {}", escaped(&input), corpus.display());
                    std::process::abort();
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        })
    }
}

fn lock(under_way: &UnderWay) -> MutexGuard<'_, Option<(Vec<u8>, Instant)>> {
    under_way.lock().unwrap_or_else(PoisonError::into_inner)
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable}={text} is no number")),
    )
}

/// The most that was resident until now, in KiB; only Linux tells.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corpus(name: &str, text: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("fuzz-{name}-{}.txt", std::process::id()));
        std::fs::write(&path, text).expect("the temporary folder can be written");
        path
    }

    #[test]
    fn each_input_of_the_corpus_comes_first_and_the_made_ones_repeat() {
        let path = corpus("order", "# two\none\nt\\x77o\\n\n");
        let take = || {
            let mut seen = Vec::new();
            Fuzz::new(&path, 50)
                .longest(100)
                .run(|input| seen.push(input.to_vec()));
            seen
        };
        let seen = take();
        assert_eq!(seen[..2], [b"one".to_vec(), b"two\n".to_vec()]);
        assert_eq!(seen.len(), 52);
        assert!(seen.iter().all(|input| input.len() <= 100));
        assert_eq!(seen, take());
        std::fs::remove_file(path).expect("it was there");
    }

    #[test]
    fn an_input_that_panics_is_added_to_the_corpus() {
        let path = corpus("panic", "good\n");
        let fuzz = Fuzz::new(&path, 10_000);
        let failed = catch_unwind(AssertUnwindSafe(|| {
            fuzz.run(|input| assert!(input.starts_with(b"g")));
        }));
        assert!(failed.is_err());
        let inputs = corpus::read(&path);
        assert_eq!(inputs.len(), 2);
        assert!(!inputs[1].starts_with(b"g"));
        std::fs::remove_file(path).expect("it was there");
    }
}
