//! How users try, as a line of text: the plugin's policy and gate, or the loop that a script of today has around its connect. Not
//! here: what policy and gate do, which is `backoff`.

use backoff::{PacerMode, PacerSettings, Policy, PolicyError, PolicyTextError, Strategy};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use units::{DURATION_FORMS, LONGEST, format_duration, parse_duration};

/// Habits as they may be written, one a line, for help texts.
pub const HABIT_FORMS: &[&str] = &[
    "decorrelated",
    "full base=500ms cap=10s max-elapsed=5m",
    "pace",
    "pace rate=10 min-rate=5",
    "decorrelated max-elapsed=5m + pace rate=10",
    "pause spread=2s",
    "fixed=500ms tries=3",
    "exponential=1s tries=5",
];

/// The words of a gate's text.
const GATE_WORDS: &str = "rate, increase, beta, min-rate, max-rate, burst, spread";

/// How users try. Written as a policy, as a gate, as both with a `+` between them, or as a script: `fixed=500ms tries=3` is a loop
/// with 500 ms between its tries, three after the first one, that reads no hints and looks at no clock. Its first word is a strategy
/// and the base; the other words are those of a policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Habit {
    /// When and how long each user waits.
    pub policy: Arc<Policy>,
    /// What all users share.
    pub gate: PacerSettings,
    /// A script's own text; it knows nothing of other users.
    script: Option<String>,
}

/// Why a text is no habit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HabitError {
    /// Its policy is none.
    #[error(transparent)]
    Policy(#[from] PolicyTextError),
    /// Its gate has a word that none has, or one that stands twice.
    #[error("{word:?} is not for a gate; allowed are, each once: {GATE_WORDS}, as name=value")]
    GateWord {
        /// The word.
        word: String,
    },
    /// The value of a gate's word is not allowed.
    #[error("{word}={value:?} is not allowed: {allowed}")]
    GateValue {
        /// The word.
        word: String,
        /// Its value.
        value: String,
        /// What it may be.
        allowed: String,
    },
    /// Behind the plus stands no gate.
    #[error(
        "{0:?} is no gate; allowed are off, observe, pause, pace and fixed, with their figures: \"pace rate=10\""
    )]
    Gate(String),
    /// A script's wait is no duration.
    #[error(
        "{word:?} is no script: its first word is a strategy and a wait, as fixed=500ms; a wait is {DURATION_FORMS}"
    )]
    Script {
        /// The word.
        word: String,
    },
    /// Its number of tries is none.
    #[error("tries={0:?} is not allowed: a whole number, 0 to 999")]
    Tries(String),
    /// A script stands before a gate.
    #[error("a script has no gate: it knows nothing of other users")]
    ScriptAtGate,
}

impl Default for Habit {
    fn default() -> Self {
        Self::new(Policy::default(), PacerSettings::default())
    }
}

impl Habit {
    /// Of the plugin.
    #[must_use]
    pub fn new(policy: Policy, gate: PacerSettings) -> Self {
        Self {
            policy: Arc::new(policy),
            gate,
            script: None,
        }
    }

    /// Whether it is a loop around the connect, not the plugin.
    #[must_use]
    pub fn is_script(&self) -> bool {
        self.script.is_some()
    }
}

impl FromStr for Habit {
    type Err = HabitError;

    fn from_str(text: &str) -> Result<Self, HabitError> {
        let text = text.trim();
        let first = text.split_whitespace().next().unwrap_or_default();
        if PacerMode::HEARING.contains(&first) {
            return Ok(Self::new(Policy::default(), read_gate(text)?));
        }
        let (own, gate) = match text.rsplit_once(" + ") {
            Some((own, gate)) => (own, Some(gate)),
            None => (text, None),
        };
        match (first.contains('='), gate) {
            (true, None) => script(own),
            (true, Some(_)) => Err(HabitError::ScriptAtGate),
            (false, None) => Ok(Self::new(own.parse()?, PacerSettings::default())),
            (false, Some(gate)) => Ok(Self::new(own.parse()?, read_gate(gate)?)),
        }
    }
}

impl fmt::Display for Habit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.script, self.gate.mode) {
            (Some(script), _) => out.write_str(script),
            (None, PacerMode::Off) => write!(out, "{}", self.policy),
            (None, _) if *self.policy == Policy::default() && self.gate.mode != PacerMode::Fixed => {
                out.write_str(&gate_text(&self.gate))
            }
            (None, _) => write!(out, "{} + {}", self.policy, gate_text(&self.gate)),
        }
    }
}

/// A loop of today: what a policy says beyond it is as such loops do, unless the text says otherwise.
fn script(text: &str) -> Result<Habit, HabitError> {
    let mut words = text.split_whitespace();
    let first = words.next().unwrap_or_default();
    let wrong = || HabitError::Script {
        word: first.to_owned(),
    };
    let (strategy, wait) = first.split_once('=').ok_or_else(wrong)?;
    let known = strategy.parse::<Strategy>().is_ok();
    let base = parse_duration(wait).ok().filter(|_| known).ok_or_else(wrong)?;
    let (tries, rest): (Vec<&str>, Vec<&str>) = words.partition(|word| word.starts_with("tries="));
    let mut parts = vec![Cow::Borrowed(strategy)];
    parts.extend(rest.iter().map(|word| Cow::Borrowed(*word)));
    if let [tries] = tries[..] {
        let tries = &tries["tries=".len()..];
        let count = tries.parse().ok().filter(|count: &u32| *count < 1_000);
        let count = count.ok_or_else(|| HabitError::Tries(tries.to_owned()))?;
        parts.push(format!("max-attempts={}", count + 1).into());
    } else if !tries.is_empty() {
        return Err(HabitError::Tries(tries.join(" ")));
    }
    let wait = format_duration(base);
    for (word, value) in [
        ("base", wait.as_str()),
        ("transient-base", wait.as_str()),
        ("cap", &format_duration(base.max(Duration::from_secs(3_600)))),
        ("max-elapsed", &format_duration(LONGEST)),
        ("throttle", "4xx,5xx"),
        ("hint", "ignore"),
    ] {
        if !rest.iter().any(|own| own.split('=').next() == Some(word)) {
            parts.push(format!("{word}={value}").into());
        }
    }
    Ok(Habit {
        policy: Arc::new(parts.join(" ").parse()?),
        gate: PacerSettings::default(),
        script: Some(text.split_whitespace().collect::<Vec<_>>().join(" ")),
    })
}

/// A gate as text: its mode, then what differs from the defaults.
fn read_gate(text: &str) -> Result<PacerSettings, HabitError> {
    let mut words = text.split_whitespace();
    let mode = words.next().unwrap_or_default();
    let mode: PacerMode = mode.parse().map_err(|_| HabitError::Gate(text.to_owned()))?;
    let mut gate = match mode {
        PacerMode::Fixed => PacerSettings::fixed(PacerSettings::default().rate, 1),
        mode => PacerSettings::of(mode),
    };
    let mut seen = Vec::new();
    for word in words {
        let unknown = || HabitError::GateWord {
            word: word.to_owned(),
        };
        let (name, value) = word.split_once('=').ok_or_else(unknown)?;
        if seen.contains(&name) {
            return Err(unknown());
        }
        seen.push(name);
        let refused = |allowed: &str| HabitError::GateValue {
            word: name.to_owned(),
            value: value.to_owned(),
            allowed: allowed.to_owned(),
        };
        let number = || {
            let plain = value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            let number = value.parse::<f64>().ok().filter(|_| plain);
            number.ok_or_else(|| refused("a plain number"))
        };
        match name {
            "rate" => gate.rate = number()?,
            "increase" => gate.increase = number()?,
            "beta" => gate.beta = number()?,
            "min-rate" => gate.min_rate = number()?,
            "max-rate" => gate.max_rate = number()?,
            "burst" => gate.burst = value.parse().map_err(|_| refused("a whole number"))?,
            "spread" => gate.spread = parse_duration(value).map_err(|_| refused(DURATION_FORMS))?,
            _ => return Err(unknown()),
        }
    }
    gate.check().map_err(misfit)?;
    Ok(gate)
}

/// The check speaks of stored names, the text of words.
fn misfit(error: PolicyError) -> HabitError {
    HabitError::GateValue {
        word: match error.field {
            "shared.minRate" => "min-rate",
            "shared.maxRate" => "max-rate",
            field => field.trim_start_matches("shared."),
        }
        .to_owned(),
        value: error.value,
        allowed: error.allowed,
    }
}

/// A gate as [`read_gate`] reads it.
#[must_use]
pub fn gate_text(gate: &PacerSettings) -> String {
    let usual = match gate.mode {
        PacerMode::Fixed => PacerSettings::fixed(PacerSettings::default().rate, 1),
        mode => PacerSettings::of(mode),
    };
    let mut text = gate.mode.to_string();
    for (name, own, usual) in [
        ("rate", gate.rate, usual.rate),
        ("increase", gate.increase, usual.increase),
        ("beta", gate.beta, usual.beta),
        ("min-rate", gate.min_rate, usual.min_rate),
        ("max-rate", gate.max_rate, usual.max_rate),
    ] {
        if own.to_bits() != usual.to_bits() {
            text.push_str(&format!(" {name}={own}"));
        }
    }
    if gate.burst != usual.burst {
        text.push_str(&format!(" burst={}", gate.burst));
    }
    if gate.spread != usual.spread {
        text.push_str(&format!(" spread={}", format_duration(gate.spread)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use backoff::HintMode;

    #[test]
    fn writes_what_it_reads() {
        for text in HABIT_FORMS.iter().chain(&[
            "fixed base=500ms + fixed rate=2 burst=3",
            "observe",
            "none",
            "table=1s tries=0 table=1s,5s",
        ]) {
            let habit: Habit = text.parse().unwrap();
            assert_eq!(habit.to_string(), *text);
            assert_eq!(habit.to_string().parse::<Habit>().unwrap(), habit);
        }
        assert_eq!("off".parse::<Habit>().unwrap().to_string(), "decorrelated");
        assert_eq!(
            "  decorrelated   + pace ".parse::<Habit>().unwrap().to_string(),
            "pace"
        );
    }

    #[test]
    fn a_script_counts_its_tries_and_reads_no_hints() {
        let script: Habit = "fixed=500ms tries=3".parse().unwrap();
        assert!(script.is_script());
        let policy = &script.policy;
        assert_eq!((policy.strategy, policy.max_attempts), (Strategy::Fixed, 4));
        assert_eq!(policy.base, Duration::from_millis(500));
        assert_eq!(policy.transient_base, policy.base);
        assert_eq!(policy.hints.mode, HintMode::Ignore);
        assert!(policy.throttle.contains(403) && policy.max_elapsed == LONGEST);
        let own: Habit = "exponential=2h hint=floor max-elapsed=3h".parse().unwrap();
        assert_eq!(own.policy.cap, Duration::from_secs(7_200));
        assert_eq!(own.policy.hints.mode, HintMode::Floor);
        assert_eq!(own.policy.max_attempts, 0);
    }

    #[test]
    fn a_wrong_text_is_told_with_its_word_and_what_is_allowed() {
        for (text, said) in [
            ("", "\"\" is none of: none, fixed"),
            ("sometimes", "\"sometimes\" is none of"),
            ("decorrelated base=x", "base=\"x\" is not allowed"),
            ("pace rate=x", "rate=\"x\" is not allowed: a plain number"),
            ("pace rate=1 rate=2", "\"rate=2\" is not for a gate"),
            (
                "pace speed=2",
                "\"speed=2\" is not for a gate; allowed are, each once: rate",
            ),
            (
                "pace rate=500",
                "rate=\"500\" is not allowed: minRate to maxRate, 0.2 to 200",
            ),
            (
                "pace min-rate=300",
                "min-rate=\"300\" is not allowed: at most maxRate",
            ),
            ("pace beta=1", "beta=\"1\" is not allowed: above 0, below 1"),
            (
                "pause spread=soon",
                "spread=\"soon\" is not allowed: milliseconds (1500)",
            ),
            ("decorrelated + often", "\"often\" is no gate; allowed are off"),
            ("fixed=soon tries=3", "\"fixed=soon\" is no script"),
            ("often=5s", "\"often=5s\" is no script"),
            ("fixed=5s tries=some", "tries=\"some\" is not allowed"),
            (
                "fixed=5s tries=1 tries=2",
                "tries=\"tries=1 tries=2\" is not allowed",
            ),
            ("fixed=5s speed=3", "\"speed=3\" is not for a policy"),
            ("fixed=5s + pace", "a script has no gate"),
        ] {
            let error = text.parse::<Habit>().unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
