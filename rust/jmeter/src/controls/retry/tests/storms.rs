//! Storms through RetryControllers, in virtual time: many users before one quota, some of them always refused.

use std::sync::Mutex;

use limiter::{Decision, Limiter};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::*;

const WAY: Duration = Duration::from_millis(25);
const USERS: u64 = 200;

/// Who storms against what.
#[derive(Clone, Copy)]
struct Storm {
    limit: &'static str,
    /// Every so many-eth user is refused whatever the limit says; 0: nobody.
    banned: u64,
    hints: bool,
    mode: &'static str,
    seed: u64,
}

/// What came of those that nobody banned.
#[derive(Debug, Default)]
struct Outcome {
    lost: usize,
    makespan: Duration,
    warnings: Vec<String>,
}

impl Storm {
    async fn run(self) -> Outcome {
        let gates = Arc::new(Gates::default());
        let limiter = Arc::new(Mutex::new(Limiter::new(&self.limit.parse().unwrap())));
        let begun = Instant::now();
        let mut users = JoinSet::new();
        for user in 0..USERS {
            users.spawn(self.user(user, gates.clone(), limiter.clone(), begun));
        }
        let mut outcome = Outcome::default();
        while let Some(ended) = users.join_next().await {
            let (user, inside, warnings) = ended.unwrap();
            outcome.warnings.extend(warnings);
            if !self.is_banned(user) {
                outcome.lost += usize::from(inside.is_none());
                outcome.makespan = outcome.makespan.max(inside.unwrap_or_default());
            }
        }
        outcome
    }

    fn is_banned(self, user: u64) -> bool {
        self.banned > 0 && user % self.banned == self.banned / 2
    }

    /// One user: when it got in, and what it had to say.
    async fn user(
        self,
        user: u64,
        gates: Arc<Gates>,
        limiter: Arc<Mutex<Limiter>>,
        begun: Instant,
    ) -> (u64, Option<Duration>, Vec<String>) {
        let seed = self.seed.to_string();
        let properties = [("wsb.shared.mode", self.mode), ("wsb.retry.seed", &seed)];
        let mut bench = Bench::beside(&gates, &format!("u {user}"), &properties);
        let mut warnings = Vec::new();
        bench.begin().await;
        loop {
            bench.turn("http://h/login").await;
            sleep(WAY).await;
            let decision = if self.is_banned(user) {
                Decision::Reject { retry_in: None }
            } else {
                limiter.lock().unwrap().try_pass(begun.elapsed())
            };
            sleep(WAY).await;
            let over = if let Decision::Reject { retry_in } = decision {
                let hint = retry_in.filter(|_| self.hints).map(|wait| wait.as_secs() + 1);
                let headers = hint.map(|hint| format!("Retry-After: {hint}"));
                bench.failed("429", &headers.unwrap_or_default()).await;
                bench.over(false, "429").await
            } else {
                bench.over(true, "200").await
            };
            warnings.extend(over["warning"].as_str().map(str::to_owned));
            if over["go"] == false {
                return (user, decision.passed().then(|| begun.elapsed()), warnings);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn users_who_obey_their_hints_do_not_lock_each_other_out_where_refusals_count() {
    for hints in [true, false] {
        let outcome = Storm {
            limit: "sliding-window limit=20 window=4s reject-counts=true",
            banned: 0,
            hints,
            mode: "off",
            seed: 1,
        }
        .run()
        .await;
        assert_eq!(outcome.lost, 0, "hints: {hints}, {outcome:?}");
        let told = |what: &str| {
            let warnings = outcome.warnings.iter();
            warnings.filter(|warning| warning.contains(what)).count()
        };
        let (seen, other) = if hints {
            ("refusals seem to count", "next to none of so many")
        } else {
            ("next to none of so many", "refusals seem to count")
        };
        assert_eq!((told(seen), told(other)), (1, 0), "{outcome:?}");
        // Where hints had them come when some could get in, that was seen before.
        assert_eq!(told("try at one quota"), usize::from(hints), "{outcome:?}");
        assert!(outcome.makespan <= Duration::from_secs(90), "{outcome:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn those_who_are_always_refused_starve_nobody() {
    for (limit, hints) in [
        ("none", false),
        ("token-bucket rate=10 burst=20", true),
        ("fixed-window limit=100 window=5s", false),
    ] {
        let mut makespans = [0.0; 2];
        for seed in 0..5 {
            for (banned, sum) in [0, 10].into_iter().zip(&mut makespans) {
                let storm = Storm {
                    limit,
                    banned,
                    hints,
                    mode: "pace",
                    seed,
                };
                let outcome = storm.run().await;
                assert_eq!(outcome.lost, 0, "{limit} {seed}: {outcome:?}");
                *sum += outcome.makespan.as_secs_f64();
            }
        }
        let [without, with] = makespans;
        assert!(with <= 1.5 * without, "{limit}: {with} against {without}");
    }
}
