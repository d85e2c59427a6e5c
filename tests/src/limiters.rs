//! Limiters that other people wrote, set up as people set them up: what each limits, how its users are to fare, and who
//! starts it. How they do fare is found out in `limiters/storm.rs`.

mod gateways;
mod haproxy;
mod nginx;
mod probe;
mod programs;
mod storm;

use std::net::SocketAddr;
use std::path::Path;

use crate::Result;
use crate::peers::Peer;

pub use probe::Probed;
pub use storm::{Fared, MODES, Mode, Storm, mean, misses};

/// How long a user keeps a connection that a limiter counts, in milliseconds.
pub const HELD_MS: u32 = 1_500;

/// A limiter before a server.
#[derive(Debug)]
pub struct Limiter {
    /// Who made it, what it limits, and how it refuses.
    pub name: &'static str,
    /// The same as `serve` takes it, as near as that comes.
    pub limit: &'static str,
    /// What it limits.
    pub kind: Kind,
    /// From which the earliest follows that it can let in all.
    pub quota: Quota,
    start: fn(&Path, SocketAddr) -> Result<Peer>,
}

/// What a limiter does, as far as a user's fate depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Tokens come back one by one, told or not.
    Bucket,
    /// A window that says when it opens.
    HintedWindow,
    /// A window, fixed or sliding, that does not say, or says something else.
    Window,
    /// What it refuses counts, too.
    RefusalsCount,
    /// So many at a time.
    Concurrency,
}

/// How many it lets in, and how soon.
#[derive(Debug, Clone, Copy)]
pub enum Quota {
    /// So many at once, the others one by one.
    Rate {
        /// The first ones.
        at_once: u32,
        /// The others.
        per_second: f64,
    },
    /// So many in each window.
    Windows {
        /// In one.
        each: u32,
        /// A window's length.
        seconds: f64,
    },
    /// So many at a time, each held for [`HELD_MS`].
    Held {
        /// At a time.
        at_once: u32,
    },
}

/// What is promised to users of a kind of limiter: nobody is lost, and no figure is larger.
#[derive(Debug, Clone, Copy)]
pub struct Promise {
    /// When the last one is in, as a multiple of the earliest.
    pub of_bound: f64,
    /// Attempts a user; users for themselves are promised nothing.
    pub attempts: f64,
}

impl Limiter {
    /// All that are known here.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        [nginx::ALL, haproxy::ALL, gateways::ALL, programs::ALL]
            .into_iter()
            .flatten()
    }

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::all().find(|limiter| limiter.name == name)
    }

    /// Starts it with its files in `folder`, which exists and is empty, before the server at `behind`. Those that are servers
    /// themselves have none behind them.
    ///
    /// # Errors
    /// When it is not installed or does not start.
    pub fn start(&self, folder: &Path, behind: SocketAddr) -> Result<Peer> {
        (self.start)(folder, behind)
    }
}

impl Kind {
    /// What it is called in a table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bucket => "bucket",
            Self::HintedWindow => "window, hint",
            Self::Window => "window",
            Self::RefusalsCount => "refusals count",
            Self::Concurrency => "concurrency",
        }
    }

    /// What is promised to its users.
    #[must_use]
    pub fn promise(self, mode: Mode) -> Promise {
        let (alone, of_bound, attempts) = match self {
            Self::Bucket => (1.8, 1.10, 1.10),
            Self::HintedWindow => (1.9, 1.30, 1.05),
            Self::Window => (2.3, 1.50, 1.10),
            Self::RefusalsCount => (4.0, 1.60, 1.10),
            Self::Concurrency => (2.0, 1.30, 1.30),
        };
        match mode {
            Mode::Alone => Promise {
                of_bound: alone,
                attempts: f64::INFINITY,
            },
            Mode::Pace => Promise { of_bound, attempts },
        }
    }
}

impl Quota {
    /// When the last of so many users who come at once can be in at the earliest, in seconds.
    #[must_use]
    pub fn bound(self, users: u32) -> f64 {
        let later_windows = |each: u32| f64::from(users.div_ceil(each).saturating_sub(1));
        match self {
            Self::Rate { at_once, per_second } => f64::from(users.saturating_sub(at_once)) / per_second,
            Self::Windows { each, seconds } => later_windows(each) * seconds,
            Self::Held { at_once } => later_windows(at_once) * f64::from(HELD_MS) / 1_000.0,
        }
    }

    /// Whether users must leave for others to come.
    #[must_use]
    pub fn is_held(self) -> bool {
        matches!(self, Self::Held { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_follows_from_the_quota() {
        let cases = [
            (
                Quota::Rate {
                    at_once: 21,
                    per_second: 10.0,
                },
                200,
                17.9,
            ),
            (
                Quota::Rate {
                    at_once: 21,
                    per_second: 10.0,
                },
                20,
                0.0,
            ),
            (
                Quota::Windows {
                    each: 41,
                    seconds: 4.0,
                },
                200,
                16.0,
            ),
            (
                Quota::Windows {
                    each: 40,
                    seconds: 5.0,
                },
                200,
                20.0,
            ),
            (Quota::Held { at_once: 20 }, 200, 13.5),
            (Quota::Held { at_once: 20 }, 20, 0.0),
        ];
        for (quota, users, bound) in cases {
            assert!((quota.bound(users) - bound).abs() < 1e-9, "{quota:?}, {users}");
        }
    }

    #[test]
    fn each_limiter_is_a_limit_of_serve() {
        for limiter in Limiter::all() {
            limiter.limit.parse::<limiter::LimitSpec>().unwrap();
        }
    }

    #[test]
    fn each_limiter_has_a_name_of_its_own() {
        let mut names: Vec<_> = Limiter::all().map(|limiter| limiter.name).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
        assert!(Limiter::named(names[0]).is_some());
    }
}
