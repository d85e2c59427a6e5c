//! The story: a whole shift change, in which a token endpoint, REST calls and the upgrade all throttle.

use std::path::{Path, PathBuf};
use std::time::Duration;

use limiter::{LimitError, LimitSpec};
use serde::Serialize;
use system::chart::{self, Chart};
use system::jmeter::{Home, Jmeter};
use system::jtl::{self, Sample};
use system::report::{self, Row};
use system::serve::{PathStats, Serve, Stats};
use system::{Result, repository};

use crate::case::{arrival, as_text, ramp_up_seconds};
use crate::{LONGEST_RUN, Plan, VARIABLES, tell_files, watch};

const BEFORE: Plan = Plan {
    name: "before",
    about: "a token for each agent, WebSocket samplers 1.3.1, BeanShell loops: 500 ms, three retries",
    file: "shift-change-before.jmx",
    ours: false,
};
const AFTER: Plan = Plan {
    name: "after",
    about: "a Once for All Controller for the token, a Retry Controller around the REST calls, a WebSocket Connect",
    file: "shift-change.jmx",
    ours: true,
};

const TOKEN_PATH: &str = "/oauth/token";
const REST_PATH: &str = "/api";
const UPGRADE_PATH: &str = "/agents";
/// The labels of both plans whose samples say how far an agent came.
const CONNECT: &str = "Connect";
const LAST: &str = "Goodbye";

/// One shift change: who comes, and what the server allows.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Story {
    /// How many agents log in, each once.
    pub users: u32,
    /// How many start a second; 0: all at once.
    pub rate: u32,
    /// The limit of the token endpoint.
    #[serde(serialize_with = "as_text")]
    token_limit: LimitSpec,
    /// The limit of all REST calls together.
    #[serde(serialize_with = "as_text")]
    rest_limit: LimitSpec,
    /// The limit of the upgrades.
    #[serde(serialize_with = "as_text")]
    upgrade_limit: LimitSpec,
    /// How long a token is good, in seconds.
    token_seconds: u32,
    /// How long an agent is at work, in seconds.
    work_seconds: u32,
    /// The time between keep-alive pings, in seconds.
    keep_alive_seconds: u32,
    #[serde(skip)]
    folder: PathBuf,
}

impl Story {
    /// The story for so many users, in a fifth of its size when `quick`.
    pub fn new(users: u32, rate: u32, quick: bool, folder: PathBuf) -> std::result::Result<Self, LimitError> {
        let (token, rest, upgrade) = if quick {
            (
                "token-bucket rate=2 burst=4",
                "token-bucket rate=2 burst=3",
                "fixed-window limit=5 window=2s",
            )
        } else {
            (
                "token-bucket rate=12 burst=20",
                "token-bucket rate=8 burst=10",
                "fixed-window limit=50 window=10s",
            )
        };
        // A token outlives the longest way in, and ends while the agents are at work: all need a new one at once.
        let (token_seconds, work_seconds, keep_alive_seconds) =
            if quick { (15, 10, 2) } else { (60, 35, 10) };
        Ok(Self {
            users,
            rate,
            token_limit: token.parse()?,
            rest_limit: rest.parse()?,
            upgrade_limit: upgrade.parse()?,
            token_seconds,
            work_seconds,
            keep_alive_seconds,
            folder,
        })
    }

    /// Runs both plans, prints their figures side by side and leaves them with a picture in the folder.
    pub fn run(&self) -> Result<()> {
        let folder = repository::fresh_folder(&self.folder)?;
        let limits = format!(
            "tokens: {}, good for {} s; REST: {}; upgrades: {}",
            self.token_limit, self.token_seconds, self.rest_limit, self.upgrade_limit
        );
        let title = format!("Shift change: {} agents, {}", self.users, arrival(self.rate));
        println!("{title}\n{limits}\n");
        let (before, before_times) = self.measure(&BEFORE, &Home::with_incumbent()?, &folder)?;
        let (after, after_times) = self.measure(&AFTER, &Home::assembled()?, &folder)?;

        let rows = rows(&[&before, &after]);
        let names = [BEFORE.name, AFTER.name];
        println!("{}", report::table(&names, &rows));
        let chart = Chart {
            title: &title,
            subtitle: &limits,
            users: self.users,
            bound: self.bound(),
            series: vec![
                ("before: BeanShell loops, a token each", before_times),
                ("after: retries that wait, one token", after_times),
            ],
        };
        chart::write_svg(&folder.join("connected.svg"), &chart)?;
        chart::write_html(&folder.join("connected.html"), &chart, &names, &rows)?;
        let summary = Summary {
            case: self,
            before: &before,
            after: &after,
        };
        report::write_json(&folder.join("summary.json"), &summary)?;
        tell_files(&folder);
        Ok(())
    }

    /// When all agents can be connected at the earliest: each needs one REST call and one upgrade, and one token serves all.
    fn bound(&self) -> Option<Duration> {
        let rest = self.rest_limit.bound(self.users)?;
        Some(self.upgrade_limit.bound(self.users)?.max(rest))
    }

    /// Runs one plan against a server of its own; also gives the seconds at which its agents were connected.
    fn measure(&self, plan: &Plan, home: &Home, folder: &Path) -> Result<(Outcome, Vec<f64>)> {
        println!("{}: {}", plan.name, plan.about);
        let serve = Serve::start(&[
            "--limit",
            &self.upgrade_limit.to_string(),
            "--limit-at",
            &format!("{TOKEN_PATH} {}", self.token_limit),
            "--limit-at",
            &format!("{REST_PATH} {}", self.rest_limit),
            "--token-path",
            TOKEN_PATH,
            "--token-ttl",
            &format!("{}s", self.token_seconds),
            "--token-delay",
            "100ms",
            "--token-required",
        ])?;
        let own = folder.join(plan.name);
        let mut jmeter = Jmeter::new(home, &repository::plan(plan.file), &own)
            .dashboard()
            .property("users", &self.users)
            .property("rampup", &ramp_up_seconds(self.users, self.rate))
            .property("host", &serve.address().ip())
            .property("port", &serve.address().port())
            .property("hold", &(self.work_seconds * 1_000))
            .property("keepAlive", &format!("{}s", self.keep_alive_seconds));
        if plan.ours {
            jmeter = jmeter
                .property("sample_variables", VARIABLES)
                .property("wsb.trace", &own.join("trace.jsonl").display());
        }
        let running = jmeter.start()?;
        watch(&running, &serve, "let in")?;
        let stats = serve.stats()?;
        let samples = running.finish(LONGEST_RUN)?.succeeded()?.samples()?;
        println!();
        let outcome = Outcome::new(self, &samples, &stats);
        Ok((outcome, jtl::times_of(&samples, CONNECT)))
    }
}

#[derive(Serialize)]
struct Summary<'a> {
    case: &'a Story,
    before: &'a Outcome,
    after: &'a Outcome,
}

/// What one run came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    agents: u32,
    /// Those that were connected in the end.
    connected: usize,
    /// Those that said goodbye at the end of their work.
    done: usize,
    token: Requests,
    /// Tokens given.
    tokens: u64,
    /// The most token requests at a time.
    most_token_requests_at_once: u64,
    rest: Requests,
    upgrade: Requests,
    /// Requests without a token that was good.
    unauthorized: u64,
    /// The server's busiest second.
    peak_requests_per_second: u64,
    /// Seconds from the server's first request to its last 101.
    last_connect_seconds: Option<f64>,
    /// Seconds that the limits alone demand.
    bound_seconds: Option<f64>,
}

/// What the server saw of one kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
struct Requests {
    all: u64,
    refused: u64,
}

impl Requests {
    fn below(stats: &Stats, path: &str) -> Self {
        let paths = || stats.paths.iter().filter(|own| own.path.starts_with(path));
        let sum = |count: fn(&PathStats) -> u64| paths().map(count).sum();
        Self {
            all: sum(|own| own.attempts),
            refused: sum(|own| own.refused),
        }
    }
}

impl Outcome {
    fn new(story: &Story, samples: &[Sample], stats: &Stats) -> Self {
        let upgrades = stats.paths.iter().find(|own| own.path == UPGRADE_PATH);
        let last_ms = upgrades.and_then(|own| own.last_accepted_ms?.checked_sub(stats.first_attempt_ms?));
        let token = stats.token;
        Self {
            agents: story.users,
            connected: jtl::times_of(samples, CONNECT).len(),
            done: jtl::times_of(samples, LAST).len(),
            token: Requests::below(stats, TOKEN_PATH),
            tokens: token.map_or(0, |token| token.issued),
            most_token_requests_at_once: token.map_or(0, |token| token.most_at_once),
            rest: Requests::below(stats, REST_PATH),
            upgrade: Requests::below(stats, UPGRADE_PATH),
            unauthorized: token.map_or(0, |token| token.unauthorized),
            peak_requests_per_second: stats.peak_attempts_per_second,
            last_connect_seconds: last_ms.map(|ms| Duration::from_millis(ms).as_secs_f64()),
            bound_seconds: story.bound().map(|bound| bound.as_secs_f64()),
        }
    }
}

fn rows(outcomes: &[&Outcome]) -> Vec<Row> {
    let row = |name, value: &dyn Fn(&Outcome) -> String| Row {
        name,
        values: outcomes.iter().map(|outcome| value(outcome)).collect(),
    };
    let seconds = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.1}"));
    vec![
        row("agents connected", &|o| {
            format!("{} of {}", o.connected, o.agents)
        }),
        row("agents at work to the end", &|o| {
            format!("{} of {}", o.done, o.agents)
        }),
        row("token requests", &|o| o.token.all.to_string()),
        row("  refused by the limit", &|o| o.token.refused.to_string()),
        row("  most at once", &|o| o.most_token_requests_at_once.to_string()),
        row("  tokens given", &|o| o.tokens.to_string()),
        row("REST calls", &|o| o.rest.all.to_string()),
        row("  refused", &|o| o.rest.refused.to_string()),
        row("upgrades", &|o| o.upgrade.all.to_string()),
        row("  refused", &|o| o.upgrade.refused.to_string()),
        row("without a good token", &|o| o.unauthorized.to_string()),
        row("peak requests a second", &|o| {
            o.peak_requests_per_second.to_string()
        }),
        row("last connect, s", &|o| seconds(o.last_connect_seconds)),
        row("bound by the limits for all, s", &|o| seconds(o.bound_seconds)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn story() -> Story {
        Story::new(200, 50, false, PathBuf::new()).unwrap()
    }

    #[test]
    fn the_slower_of_the_limits_that_each_agent_needs_is_the_bound() {
        assert_eq!(story().bound(), Some(Duration::from_secs(30)));
        let slow_rest = Story {
            rest_limit: "token-bucket rate=1 burst=100".parse().unwrap(),
            ..story()
        };
        assert_eq!(slow_rest.bound(), Some(Duration::from_secs(100)));
    }

    #[test]
    fn a_token_outlives_the_way_in_and_not_the_work() {
        for quick in [false, true] {
            let users = if quick { 20 } else { 200 };
            let story = Story::new(users, 0, quick, PathBuf::new()).unwrap();
            let token = Duration::from_secs(story.token_seconds.into());
            let work = Duration::from_secs(story.work_seconds.into());
            let way = story.bound().unwrap();
            assert!(way < token && token < way + work, "{story:?}");
            assert!(story.keep_alive_seconds < story.work_seconds);
        }
    }

    #[test]
    fn the_outcome_takes_each_figure_from_its_path() {
        let stats: Stats = serde_json::from_value(serde_json::json!({
            "attempts": 60, "accepted": 40, "refused": 20, "faulted": 0, "echoed": 0, "open": 0, "peakOpen": 9,
            "firstAttemptMs": 1_000, "lastAcceptedMs": 90_000, "peakAttemptsPerSecond": 33, "history": [],
            "paths": [
                {"path": "/oauth/token", "attempts": 10, "accepted": 7, "refused": 3, "lastAcceptedMs": 90_000,
                    "peakAttemptsPerSecond": 10},
                {"path": "/api/a", "attempts": 20, "accepted": 15, "refused": 5, "lastAcceptedMs": 80_000,
                    "peakAttemptsPerSecond": 20},
                {"path": "/api/b", "attempts": 1, "accepted": 1, "refused": 0, "lastAcceptedMs": 80_000,
                    "peakAttemptsPerSecond": 1},
                {"path": "/agents", "attempts": 29, "accepted": 17, "refused": 12, "lastAcceptedMs": 31_500,
                    "peakAttemptsPerSecond": 3}],
            "token": {"issued": 7, "mostAtOnce": 4, "unauthorized": 2}}))
        .unwrap();
        let outcome = Outcome::new(&story(), &[], &stats);
        assert_eq!((outcome.connected, outcome.done, outcome.tokens), (0, 0, 7));
        assert_eq!(outcome.token, Requests { all: 10, refused: 3 });
        assert_eq!(outcome.rest, Requests { all: 21, refused: 5 });
        assert_eq!(outcome.upgrade, Requests { all: 29, refused: 12 });
        assert_eq!(
            (outcome.last_connect_seconds, outcome.bound_seconds),
            (Some(30.5), Some(30.0))
        );
        let rows = rows(&[&outcome, &outcome]);
        assert_eq!(rows[0].values, ["0 of 200", "0 of 200"]);
        assert_eq!(
            rows.iter().find(|row| row.name == "REST calls").unwrap().values,
            ["21", "21"]
        );
    }
}
