//! What the demo is to run: users, their arrival, the server's limit, the sampler's policy.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Parser;
use limiter::LimitSpec;
use serde::{Serialize, Serializer};
use system::repository;

use crate::story::Story;

/// Today's plan and ours against a throttled server, in a real JMeter, and the figures side by side.
#[derive(Debug, Parser)]
#[command(name = "script/demo", version)]
pub struct Arguments {
    /// How many users connect, each once [default: 200; quick: 20]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    users: Option<u32>,
    /// How many users start a second, 0: all at once [default: 50; quick: 20]
    #[arg(long, value_parser = clap::value_parser!(u32).range(0..=5_000))]
    rate: Option<u32>,
    /// The server's limit, as `serve --limit` takes it [default: fixed-window limit=120 window=60s; quick: fixed-window
    /// limit=12 window=5s]
    #[arg(long)]
    limit: Option<LimitSpec>,
    /// The sampler's policy: a strategy, then settings, such as "full base=1s cap=60s hint.mode=ignore"
    #[arg(long, default_value = "")]
    policy: Policy,
    /// The whole story of a shift change: a token endpoint, REST calls and the upgrade, which all throttle
    #[arg(long, conflicts_with_all = ["limit", "policy"])]
    story: bool,
    /// A small case that is over in half a minute
    #[arg(long)]
    quick: bool,
    /// The folder that the run leaves its files in; it is emptied first [default: build/demo]
    #[arg(long)]
    out: Option<PathBuf>,
}

/// What is to be run.
#[derive(Debug)]
pub enum Job {
    /// Connects alone.
    Connects(Case),
    /// All of a shift change.
    Story(Story),
}

impl Arguments {
    /// What is given, else the defaults.
    pub fn job(self) -> Result<Job, String> {
        if !self.story {
            return self.case().map(Job::Connects);
        }
        let (users, rate) = if self.quick { (20, 20) } else { (200, 50) };
        let folder = self.out.unwrap_or_else(|| repository::build().join("demo"));
        Story::new(
            self.users.unwrap_or(users),
            self.rate.unwrap_or(rate),
            self.quick,
            folder,
        )
        .map(Job::Story)
        .map_err(|error| error.to_string())
    }

    fn case(self) -> Result<Case, String> {
        let (users, rate, limit) = if self.quick {
            (20, 20, "fixed-window limit=12 window=5s")
        } else {
            (200, 50, "fixed-window limit=120 window=60s")
        };
        Ok(Case {
            users: self.users.unwrap_or(users),
            rate: self.rate.unwrap_or(rate),
            limit: self.limit.map_or_else(
                || limit.parse().map_err(|e: limiter::LimitError| e.to_string()),
                Ok,
            )?,
            policy: self.policy,
            folder: self.out.unwrap_or_else(|| repository::build().join("demo")),
        })
    }
}

/// One comparison.
#[derive(Debug, Serialize)]
pub struct Case {
    /// How many users connect, each once.
    pub users: u32,
    /// How many start a second; 0: all at once.
    pub rate: u32,
    /// The server's limit.
    #[serde(serialize_with = "as_text")]
    pub limit: LimitSpec,
    /// The sampler's policy.
    #[serde(serialize_with = "as_text")]
    pub policy: Policy,
    /// Where the run leaves its files.
    #[serde(skip)]
    pub folder: PathBuf,
}

impl Case {
    /// JMeter's ramp-up in whole seconds.
    pub fn ramp_up_seconds(&self) -> u32 {
        ramp_up_seconds(self.users, self.rate)
    }

    /// When all users can be connected at the earliest, by the limit alone.
    pub fn bound(&self) -> Option<Duration> {
        self.limit.bound(self.users)
    }

    /// How the users come, in words.
    pub fn arrival(&self) -> String {
        arrival(self.rate)
    }
}

/// JMeter's ramp-up in whole seconds; so few users may start faster than asked, never slower.
pub fn ramp_up_seconds(users: u32, rate: u32) -> u32 {
    users.checked_div(rate).unwrap_or(0)
}

/// How users come that start at so many a second, in words.
pub fn arrival(rate: u32) -> String {
    match rate {
        0 => "all at once".to_owned(),
        rate => format!("{rate} a second"),
    }
}

impl fmt::Display for Case {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} users, {}; server: {}; policy of the sampler: {}",
            self.users,
            self.arrival(),
            self.limit,
            self.policy
        )
    }
}

/// Properties of the sampler that differ from its defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    settings: Vec<(String, String)>,
}

impl Policy {
    /// The JMeter properties that `after.jmx` reads.
    pub fn properties(&self) -> impl Iterator<Item = (String, &str)> {
        self.settings.iter().map(|(key, value)| {
            let section = if key.starts_with("hint.") {
                "wsb"
            } else {
                "wsb.retry"
            };
            (format!("{section}.{key}"), value.as_str())
        })
    }
}

impl FromStr for Policy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let setting = |(place, word): (usize, &str)| match word.split_once('=') {
            Some((key, value)) if !key.is_empty() && !value.is_empty() => {
                Ok((key.to_owned(), value.to_owned()))
            }
            None if place == 0 => Ok(("strategy".to_owned(), word.to_owned())),
            _ => Err(format!(
                "{word:?} is no setting: a strategy comes first, then settings such as base=1s or hint.mode=ignore"
            )),
        };
        Ok(Self {
            settings: text
                .split_whitespace()
                .enumerate()
                .map(setting)
                .collect::<Result<_, _>>()?,
        })
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.settings.is_empty() {
            return out.write_str("default");
        }
        let words: Vec<String> = self
            .settings
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        out.write_str(&words.join(" "))
    }
}

/// Serialises a value as what it shows.
pub fn as_text<S: Serializer>(value: &impl fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_becomes_properties_of_the_sampler() {
        let policy: Policy = "full base=1s cap=60s hint.mode=ignore".parse().unwrap();
        let properties: Vec<(String, &str)> = policy.properties().collect();
        let expected = [
            ("wsb.retry.strategy", "full"),
            ("wsb.retry.base", "1s"),
            ("wsb.retry.cap", "60s"),
            ("wsb.hint.mode", "ignore"),
        ];
        assert_eq!(properties, expected.map(|(key, value)| (key.to_owned(), value)));
        assert_eq!("base=1s".parse::<Policy>().unwrap().to_string(), "base=1s");
        assert_eq!("".parse::<Policy>().unwrap().to_string(), "default");
    }

    #[test]
    fn a_word_that_is_no_setting_is_refused() {
        for text in ["base=1s full", "=3", "cap=", "full equal"] {
            assert!(text.parse::<Policy>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_case_is_what_is_given_else_the_default() {
        let case = |line: &[&str]| {
            Arguments::try_parse_from([&["demo"], line].concat())
                .unwrap()
                .case()
                .unwrap()
        };
        let full = case(&[]);
        assert_eq!(
            (full.users, full.ramp_up_seconds(), full.bound()),
            (200, 4, Some(Duration::from_secs(60)))
        );
        let quick = case(&["--quick", "--users", "30"]);
        assert_eq!((quick.users, quick.bound()), (30, Some(Duration::from_secs(10))));
        let own = case(&["--limit", "token-bucket rate=10 burst=20", "--rate", "0"]);
        assert_eq!(
            (own.ramp_up_seconds(), own.bound()),
            (0, Some(Duration::from_secs(18)))
        );
    }

    #[test]
    fn the_story_has_limits_of_its_own() {
        let job = |line: &[&str]| {
            Arguments::try_parse_from([&["demo", "--story"], line].concat())
                .unwrap()
                .job()
                .unwrap()
        };
        assert!(matches!(job(&["--quick"]), Job::Story(story) if story.users == 20));
        assert!(
            matches!(job(&["--users", "100"]), Job::Story(story) if (story.users, story.rate) == (100, 50))
        );
    }

    #[test]
    fn wrong_arguments_are_refused() {
        for line in [
            &["--users", "0"][..],
            &["--limit", "sometimes"],
            &["--policy", "base="],
            &["--story", "--limit", "none"],
            &["--story", "--policy", "full"],
        ] {
            assert!(
                Arguments::try_parse_from([&["demo"], line].concat()).is_err(),
                "{line:?}"
            );
        }
    }
}
