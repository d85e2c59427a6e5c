//! How a limit is written: `token-bucket rate=50 burst=50`, read and printed.

use crate::spec::{LARGEST_RATE, Limit, LimitError, LimitSpec, Rule, SMALLEST_RATE, WindowClock};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use units::{DURATION_FORMS, format_duration, parse_duration};

/// The rules as they may be written, one a line, for help texts and messages.
pub const RULE_FORMS: &[&str] = &[
    "token-bucket rate=50 burst=50",
    "fixed-window limit=120 window=60s",
    "fixed-window limit=120 window=60s clock=aligned offset=5s",
    "sliding-window limit=50 window=10s",
    "sliding-counter limit=50 window=10s",
    "sliding-counter limit=60 window=5s clock=first",
    "fixed-window limit=20 window=5s block=30s",
    "queue rate=10 burst=50 delay=5",
    "concurrency limit=20",
    "none",
    "token-bucket rate=10 burst=10 + fixed-window limit=120 window=60s",
];

/// Texts as a list of them, each in quotes.
pub(crate) fn quoted(forms: &[&str]) -> String {
    forms
        .iter()
        .map(|form| format!("\"{form}\""))
        .collect::<Vec<_>>()
        .join(", ")
}

/// What the value of a word may be.
pub(crate) fn allowed(word: &str) -> String {
    match word {
        "rate" => format!("a number a second, {SMALLEST_RATE} to {LARGEST_RATE}"),
        "burst" => format!("a whole number, 1 to {} (0, too, for a queue)", u32::MAX),
        "delay" => "a whole number, 0 to burst".to_owned(),
        "limit" => format!("a whole number, 0 to {} (0 refuses all)", u32::MAX),
        "window" | "block" => format!("a duration of at least 1ms: {DURATION_FORMS}"),
        "clock" => "first or aligned".to_owned(),
        "offset" => format!("a duration shorter than the window, with clock=aligned: {DURATION_FORMS}"),
        _ => "true or false".to_owned(),
    }
}

impl fmt::Display for LimitSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, limit) in self.limits.iter().enumerate() {
            if nth > 0 {
                f.write_str(" + ")?;
            }
            limit.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.rule.word())?;
        match self.rule {
            Rule::TokenBucket { rate, burst } => write!(f, " rate={rate} burst={burst}")?,
            Rule::Queue { rate, burst, delay } => {
                write!(f, " rate={rate} burst={burst}")?;
                if delay > 0 {
                    write!(f, " delay={delay}")?;
                }
            }
            Rule::FixedWindow { limit, window, .. }
            | Rule::SlidingWindow { limit, window }
            | Rule::SlidingCounter { limit, window, .. } => {
                write!(f, " limit={limit} window={}", exact(window))?;
            }
            Rule::Concurrency { limit } => write!(f, " limit={limit}")?,
            Rule::Unlimited => {}
        }
        let offset = match self.rule {
            Rule::FixedWindow {
                clock: WindowClock::Aligned { offset },
                ..
            } => {
                f.write_str(" clock=aligned")?;
                offset
            }
            Rule::SlidingCounter {
                clock: WindowClock::Aligned { offset },
                ..
            } => offset,
            Rule::SlidingCounter { .. } => {
                f.write_str(" clock=first")?;
                Duration::ZERO
            }
            _ => Duration::ZERO,
        };
        if !offset.is_zero() {
            write!(f, " offset={}", exact(offset))?;
        }
        if let Some(block) = self.block {
            write!(f, " block={}", exact(block))?;
        }
        if self.reject_counts {
            f.write_str(" reject-counts=true")?;
        }
        Ok(())
    }
}

/// The short form of a duration where it reads back as the same, else milliseconds with all digits.
fn exact(duration: Duration) -> String {
    let short = format_duration(duration);
    if parse_duration(&short) == Ok(duration) {
        return short;
    }
    let micros = duration.as_micros();
    format!("{}.{:03}ms", micros / 1_000, micros % 1_000)
}

/// The words of a text behind the rule, each at most once.
#[derive(Default)]
struct Words<'a> {
    rate: Option<&'a str>,
    burst: Option<&'a str>,
    limit: Option<&'a str>,
    window: Option<&'a str>,
    delay: Option<&'a str>,
    clock: Option<&'a str>,
    offset: Option<&'a str>,
    block: Option<&'a str>,
    reject_counts: Option<&'a str>,
}

impl<'a> Words<'a> {
    fn read(
        rule: &'static str,
        takes: &'static str,
        words: impl Iterator<Item = &'a str>,
    ) -> Result<Self, LimitError> {
        let mut read = Self::default();
        for word in words {
            let unknown = || LimitError::Word {
                word: word.to_owned(),
                rule,
                allowed: takes,
            };
            let (name, value) = word.split_once('=').ok_or_else(unknown)?;
            let Some(known) = takes.split(", ").find(|known| *known == name) else {
                return Err(unknown());
            };
            let place = match known {
                "rate" => &mut read.rate,
                "burst" => &mut read.burst,
                "limit" => &mut read.limit,
                "window" => &mut read.window,
                "delay" => &mut read.delay,
                "clock" => &mut read.clock,
                "offset" => &mut read.offset,
                "block" => &mut read.block,
                _ => &mut read.reject_counts,
            };
            if place.replace(value).is_some() {
                return Err(LimitError::Twice(known));
            }
        }
        Ok(read)
    }
}

/// The value of a word that must be there.
fn value<T>(
    rule: &'static str,
    word: &'static str,
    text: Option<&str>,
    read: impl Fn(&str) -> Option<T>,
) -> Result<T, LimitError> {
    let text = text.ok_or_else(|| LimitError::Missing {
        rule,
        word,
        allowed: allowed(word),
    })?;
    read(text).ok_or_else(|| LimitError::Value {
        word,
        value: text.to_owned(),
        allowed: allowed(word),
    })
}

/// A duration with its unit: where others take a number alone as milliseconds, a window of five was meant to be of seconds.
fn duration(rule: &'static str, word: &'static str, text: Option<&str>) -> Result<Duration, LimitError> {
    let without = text.filter(|text| text.parse().is_ok_and(|number: f64| number > 0.0));
    if let Some(number) = without {
        return Err(LimitError::Value {
            word,
            value: number.to_owned(),
            allowed: format!("it needs its unit, {word}={number}s or {word}={number}ms"),
        });
    }
    value(rule, word, text, |text| parse_duration(text).ok())
}

/// A plain decimal: `f64` alone would also take `inf`, `NaN` and `1e3`.
fn decimal(text: &str) -> Option<f64> {
    text.bytes()
        .all(|b| b.is_ascii_digit() || b == b'.')
        .then(|| text.parse().ok())?
}

fn whole(text: &str) -> Option<u32> {
    text.bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| text.parse().ok())?
}

impl FromStr for LimitSpec {
    type Err = LimitError;

    fn from_str(text: &str) -> Result<Self, LimitError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        if words.is_empty() {
            return Err(LimitError::Nothing(", the text is empty"));
        }
        // A plus that stands alone: "+3" is a wrong number, not another limit.
        let limits = words.split(|word| *word == "+");
        if limits.clone().any(<[&str]>::is_empty) {
            return Err(LimitError::Nothing(" beside a +, which stands between two"));
        }
        let limits: Result<_, LimitError> = limits.map(limit).collect();
        let spec = Self { limits: limits? };
        spec.check()?;
        Ok(spec)
    }
}

/// The rule's word and the words that may follow it.
fn takes(first: &str) -> Result<(&'static str, &'static str), LimitError> {
    Ok(match first {
        "token-bucket" => ("token-bucket", "rate, burst, block, reject-counts"),
        "fixed-window" => (
            "fixed-window",
            "limit, window, clock, offset, block, reject-counts",
        ),
        "sliding-window" => ("sliding-window", "limit, window, block, reject-counts"),
        "sliding-counter" => (
            "sliding-counter",
            "limit, window, clock, offset, block, reject-counts",
        ),
        "queue" => ("queue", "rate, burst, delay"),
        "concurrency" => ("concurrency", "limit"),
        "none" => ("none", "no further words"),
        _ => return Err(LimitError::Rule(first.to_owned())),
    })
}

/// One limit of its words.
fn limit(words: &[&str]) -> Result<Limit, LimitError> {
    let mut words = words.iter().copied();
    let (rule, takes) = takes(words.next().unwrap_or_default())?;
    let words = Words::read(rule, takes, words)?;
    let rate = || value(rule, "rate", words.rate, decimal);
    let burst = || value(rule, "burst", words.burst, whole);
    let limit = || value(rule, "limit", words.limit, whole);
    let window = || duration(rule, "window", words.window);
    let offset = || duration(rule, "offset", words.offset.or(Some("0ms")));
    let reject_counts = words.reject_counts.or(Some("false"));
    Ok(Limit {
        rule: match rule {
            "token-bucket" => Rule::TokenBucket {
                rate: rate()?,
                burst: burst()?,
            },
            "fixed-window" => Rule::FixedWindow {
                limit: limit()?,
                window: window()?,
                clock: clock(words.clock.unwrap_or("first"), &words, offset()?)?,
            },
            "sliding-window" => Rule::SlidingWindow {
                limit: limit()?,
                window: window()?,
            },
            "sliding-counter" => Rule::SlidingCounter {
                limit: limit()?,
                window: window()?,
                clock: clock(words.clock.unwrap_or("aligned"), &words, offset()?)?,
            },
            "queue" => Rule::Queue {
                rate: rate()?,
                burst: burst()?,
                delay: value(rule, "delay", words.delay.or(Some("0")), whole)?,
            },
            "concurrency" => Rule::Concurrency { limit: limit()? },
            _ => Rule::Unlimited,
        },
        reject_counts: value(rule, "reject-counts", reject_counts, |text| text.parse().ok())?,
        block: words
            .block
            .map(|text| duration(rule, "block", Some(text)))
            .transpose()?,
    })
}

fn clock(clock: &str, words: &Words<'_>, offset: Duration) -> Result<WindowClock, LimitError> {
    let refuse = |word: &'static str, value: &str| {
        Err(LimitError::Value {
            word,
            value: value.to_owned(),
            allowed: allowed(word),
        })
    };
    match (clock, words.offset) {
        ("aligned", _) => Ok(WindowClock::Aligned { offset }),
        ("first", None) => Ok(WindowClock::First),
        ("first", Some(offset)) => refuse("offset", offset),
        (other, _) => refuse("clock", other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_it_reads() {
        for text in [
            "token-bucket rate=50 burst=50",
            "token-bucket rate=0.000001 burst=1 reject-counts=true",
            "token-bucket rate=0.1 burst=4294967295",
            "fixed-window limit=120 window=1m",
            "fixed-window limit=0 window=1ms",
            "sliding-window limit=50 window=10s reject-counts=true",
            "sliding-window limit=50 window=1000.500ms",
            "fixed-window limit=120 window=1m clock=aligned",
            "fixed-window limit=120 window=1m clock=aligned offset=5s reject-counts=true",
            "sliding-counter limit=50 window=10s",
            "sliding-counter limit=50 window=10s offset=1.5s reject-counts=true",
            "sliding-counter limit=60 window=5s clock=first reject-counts=true",
            "fixed-window limit=20 window=5s block=30s",
            "fixed-window limit=20 window=5s clock=aligned offset=1s block=1000.500ms reject-counts=true",
            "token-bucket rate=5 burst=20 block=1m",
            "queue rate=10 burst=0",
            "queue rate=0.5 burst=40 delay=40",
            "concurrency limit=5",
            "none",
            "token-bucket rate=10 burst=10 + fixed-window limit=120 window=1m reject-counts=true",
            "queue rate=10 burst=5 + concurrency limit=5 + none + sliding-counter limit=1 window=1s",
        ] {
            let spec: LimitSpec = text.parse().unwrap();
            assert_eq!(spec.to_string(), text);
        }
    }

    #[test]
    fn takes_words_in_any_order_and_spacing() {
        let spec: LimitSpec = "  fixed-window\twindow=60s  reject-counts=false limit=120 "
            .parse()
            .unwrap();
        assert_eq!(
            spec,
            Rule::FixedWindow {
                limit: 120,
                window: Duration::from_secs(60),
                clock: WindowClock::First,
            }
            .into()
        );
    }

    #[test]
    fn a_wrong_text_is_told_with_word_value_and_what_is_allowed() {
        for (text, said) in [
            (
                "",
                vec![
                    "a limit is missing, the text is empty",
                    "token-bucket rate=50 burst=50",
                    "none",
                ],
            ),
            (
                "leaky-bucket rate=5",
                vec!["\"leaky-bucket\" is no limit", "sliding-window"],
            ),
            (
                "token-bucket rate=5",
                vec!["token-bucket needs burst", "1 to 4294967295"],
            ),
            (
                "token-bucket rate=x burst=5",
                vec!["rate=\"x\"", "a number a second"],
            ),
            (
                "token-bucket rate=0 burst=5",
                vec!["rate=\"0\"", "0.000001 to 1000000"],
            ),
            ("token-bucket rate=-1 burst=5", vec!["rate=\"-1\""]),
            ("token-bucket rate=inf burst=5", vec!["rate=\"inf\""]),
            ("token-bucket rate=NaN burst=5", vec!["rate=\"NaN\""]),
            ("token-bucket rate=1e3 burst=5", vec!["rate=\"1e3\""]),
            ("token-bucket rate= burst=5", vec!["rate=\"\""]),
            ("token-bucket rate=5 burst=0", vec!["burst=\"0\""]),
            ("token-bucket rate=5 burst=+3", vec!["burst=\"+3\""]),
            (
                "fixed-window limit=-1 window=1s",
                vec!["limit=\"-1\"", "0 to 4294967295"],
            ),
            (
                "fixed-window limit=4294967296 window=1s",
                vec!["limit=\"4294967296\""],
            ),
            (
                "fixed-window limit=3 window=0",
                vec!["window=\"0ms\"", "at least 1ms"],
            ),
            (
                "fixed-window limit=3 window=soon",
                vec!["window=\"soon\"", "1.5s"],
            ),
            (
                "fixed-window limit=3 limit=4 window=1s",
                vec!["limit stands twice"],
            ),
            (
                "fixed-window limit=3 window=1s burst=3",
                vec!["\"burst=3\" is not for fixed-window", "limit, window"],
            ),
            (
                "sliding-window limit=3 window=1s reject-counts=yes",
                vec!["reject-counts=\"yes\"", "true or false"],
            ),
            (
                "concurrency limit=3 reject-counts=true",
                vec!["\"reject-counts=true\" is not for concurrency"],
            ),
            ("concurrency 3", vec!["\"3\" is not for concurrency", "limit"]),
            (
                "fixed-window limit=3 window=1s clock=wall",
                vec!["clock=\"wall\"", "first or aligned"],
            ),
            (
                "fixed-window limit=3 window=1s offset=100ms",
                vec!["offset=\"100ms\"", "clock=aligned"],
            ),
            (
                "sliding-counter limit=3 window=1s clock=first offset=100ms",
                vec!["offset=\"100ms\"", "clock=aligned"],
            ),
            (
                "fixed-window limit=3 window=1s clock=aligned offset=1s",
                vec!["offset=\"1s\"", "shorter than the window"],
            ),
            (
                "fixed-window limit=3 window=1s block=0",
                vec!["block=\"0ms\"", "at least 1ms"],
            ),
            (
                "concurrency limit=3 block=1s",
                vec!["\"block=1s\" is not for concurrency"],
            ),
            ("queue rate=3 burst=4 delay=5", vec!["delay=\"5\"", "0 to burst"]),
            ("queue rate=3", vec!["queue needs burst"]),
            ("none +", vec!["a limit is missing beside a +"]),
            ("+ none", vec!["a limit is missing beside a +"]),
            ("none + + none", vec!["a limit is missing beside a +"]),
            (
                "fixed-window limit=3 window=5",
                vec!["window=\"5\" is not allowed", "window=5s or window=5ms"],
            ),
            (
                "fixed-window limit=3 window=5s block=1.5",
                vec!["block=\"1.5\" is not allowed", "block=1.5s or block=1.5ms"],
            ),
            ("none + none + none + none + none", vec!["5 limits", "1 to 4"]),
            (
                "none limit=3",
                vec!["\"limit=3\" is not for none", "no further words"],
            ),
        ] {
            let message = text.parse::<LimitSpec>().unwrap_err().to_string();
            for part in said {
                assert!(message.contains(part), "{text}: {message}");
            }
        }
    }

    #[test]
    fn the_forms_that_help_shows_are_limits() {
        for form in RULE_FORMS {
            form.parse::<LimitSpec>().unwrap();
        }
    }
}
