//! Reads single values of a plan: the key's default where nothing is set, and errors that name key, value and what is allowed.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io;
use std::path::Path;
use std::str::FromStr;
use std::sync::LazyLock;
use std::time::Duration;

use super::keys::{KEYS, Key};

/// A property that cannot be used. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {} ({problem}); allowed: {allowed}", Quoted(.value))]
pub struct Invalid {
    /// The property's key, or the name of a header.
    pub key: String,
    /// What was set.
    pub value: String,
    /// What is wrong with it.
    pub problem: String,
    /// What may stand there.
    pub allowed: String,
}

impl Invalid {
    /// Names a wrong value.
    pub fn new(
        key: impl Into<String>,
        value: impl Into<String>,
        problem: impl Into<String>,
        allowed: impl Into<String>,
    ) -> Self {
        Invalid {
            key: key.into(),
            value: value.into(),
            problem: problem.into(),
            allowed: allowed.into(),
        }
    }

    /// A trace file that cannot be opened.
    pub fn trace(path: &Path, error: &io::Error) -> Self {
        Invalid::new(
            "wsb.trace",
            path.display().to_string(),
            error.to_string(),
            "a file that can be written",
        )
    }
}

/// Shows a value on one line and at a bounded length.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LONGEST: usize = 200;
        let cut: String = self.0.chars().take(LONGEST).collect();
        let mark = if cut.len() < self.0.len() { "..." } else { "" };
        write!(f, "{cut:?}{mark}")
    }
}

/// An element's properties as they stand in the plan, variables replaced.
#[derive(Debug, Clone, Default)]
pub struct Values(BTreeMap<String, String>);

impl Values {
    /// Takes the flat properties of an element.
    ///
    /// # Errors
    /// A key that the table does not have.
    pub fn new(properties: BTreeMap<String, String>) -> Result<Self, Invalid> {
        for (name, value) in &properties {
            if find(name).is_none() {
                let near: Vec<&str> = KEYS
                    .iter()
                    .map(|key| key.name)
                    .filter(|known| known.rsplit('.').next() == name.rsplit('.').next())
                    .collect();
                let allowed = if near.is_empty() {
                    "the keys in docs/reference/properties.md".to_owned()
                } else {
                    near.join(", ")
                };
                return Err(Invalid::new(name, value, "no property of this version", allowed));
            }
        }
        Ok(Values(properties))
    }

    /// What is in force for a key: the set value, else the default. Empty when there is neither.
    pub fn text(&self, name: &str) -> &str {
        match self.0.get(name).map(|value| value.trim()) {
            Some(value) if !value.is_empty() => value,
            _ => table_key(name).default,
        }
    }

    /// As [`Values::text`], with its blanks: for what is sent or compared as it stands.
    pub fn raw(&self, name: &str) -> &str {
        match self.0.get(name) {
            Some(value) if !value.is_empty() => value,
            _ => table_key(name).default,
        }
    }

    /// Reads a reason for a close frame, blanks and all (RFC 6455, section 5.5: a control frame holds 125 bytes, two of them the code).
    pub fn close_reason(&self, name: &str) -> Result<&str, Invalid> {
        const LONGEST: usize = 123;
        let reason = self.raw(name);
        if reason.len() <= LONGEST {
            return Ok(reason);
        }
        let given = format!("{} bytes", reason.len());
        Err(Invalid::new(name, reason, given, "at most 123 bytes"))
    }

    /// Reads a duration.
    pub fn duration(&self, name: &str) -> Result<Duration, Invalid> {
        let text = self.text(name);
        units::parse_duration(text)
            .map_err(|error| Invalid::new(name, text, error.to_string(), units::DURATION_FORMS))
    }

    /// Reads a duration that must be above zero.
    pub fn positive_duration(&self, name: &str) -> Result<Duration, Invalid> {
        let duration = self.duration(name)?;
        if duration.is_zero() {
            return Err(Invalid::new(name, self.text(name), "zero", "a duration above 0"));
        }
        Ok(duration)
    }

    /// Reads a size of at least `least` bytes.
    pub fn size(&self, name: &str, least: usize) -> Result<usize, Invalid> {
        let text = self.text(name);
        let wrong = |problem: String| Invalid::new(name, text, problem, units::SIZE_FORMS);
        let size = units::parse_size(text).map_err(|error| wrong(error.to_string()))?;
        match usize::try_from(size) {
            Ok(size) if size >= least => Ok(size),
            _ => Err(wrong(format!("less than {least}"))),
        }
    }

    /// Reads a whole number above zero.
    pub fn positive(&self, name: &str) -> Result<u64, Invalid> {
        const ALLOWED: &str = "a whole number from 1 on";
        match self.parse(name, ALLOWED)? {
            0 => Err(Invalid::new(name, self.text(name), "zero", ALLOWED)),
            number => Ok(number),
        }
    }

    /// Reads one of a choice's words, each with what it stands for.
    pub fn word<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Result<T, Invalid> {
        let text = self.text(name);
        let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
        found.map(|(_, value)| *value).ok_or_else(|| {
            Invalid::new(
                name,
                text,
                "not one of the words",
                table_key(name).choices.join(", "),
            )
        })
    }

    /// Reads a list of durations with commas between them.
    pub fn durations(&self, name: &str) -> Result<Vec<Duration>, Invalid> {
        self.list(name)
            .map(|item| {
                units::parse_duration(item).map_err(|error| {
                    Invalid::new(
                        name,
                        self.text(name),
                        format!("wrong at {item:?}: {error}"),
                        format!(
                            "durations with commas between them, each {}",
                            units::DURATION_FORMS
                        ),
                    )
                })
            })
            .collect()
    }

    /// The items of a list, without blanks and empty ones.
    pub fn list(&self, name: &str) -> impl Iterator<Item = &str> {
        self.text(name)
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
    }

    /// Reads `true` or `false`.
    pub fn boolean(&self, name: &str) -> Result<bool, Invalid> {
        match self.text(name).to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(Invalid::new(
                name,
                self.text(name),
                "neither true nor false",
                "true, false",
            )),
        }
    }

    /// Reads whatever has a `FromStr` whose error says what is wrong.
    pub fn parse<T>(&self, name: &str, allowed: &str) -> Result<T, Invalid>
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        let text = self.text(name);
        text.parse()
            .map_err(|error: T::Err| Invalid::new(name, text, error.to_string(), allowed))
    }

    /// As [`Values::parse`], but nothing set and no default is `None`.
    pub fn optional<T>(&self, name: &str, allowed: &str) -> Result<Option<T>, Invalid>
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        if self.text(name).is_empty() {
            Ok(None)
        } else {
            self.parse(name, allowed).map(Some)
        }
    }

    /// Reads one of a choice's words.
    pub fn choice<T>(&self, name: &str) -> Result<T, Invalid>
    where
        T: FromStr,
    {
        let text = self.text(name);
        let choices = table_key(name).choices;
        let word = choices.iter().find(|word| word.eq_ignore_ascii_case(text));
        let read = word.and_then(|word| word.parse().ok());
        read.ok_or_else(|| Invalid::new(name, text, "not one of the words", choices.join(", ")))
    }
}

/// The table's entry for a key that this crate itself asks for.
fn table_key(name: &str) -> &'static Key {
    find(name).expect("only keys of the table are asked for")
}

/// The table's entry of a name, if it has one. Every connect asks some fifty times: a walk over the table each time showed
/// in its profile.
fn find(name: &str) -> Option<&'static Key> {
    static BY_NAME: LazyLock<HashMap<&str, &Key>> =
        LazyLock::new(|| KEYS.iter().map(|key| (key.name, key)).collect());
    BY_NAME.get(name).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(pairs: &[(&str, &str)]) -> Values {
        Values::new(
            pairs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
        )
        .unwrap()
    }

    #[test]
    fn an_absent_or_blank_value_is_the_default() {
        assert_eq!(values(&[]).duration("wsb.retry.base"), Ok(Duration::from_secs(1)));
        assert_eq!(
            values(&[("wsb.retry.base", "  ")]).duration("wsb.retry.base"),
            Ok(Duration::from_secs(1))
        );
        assert_eq!(
            values(&[("wsb.retry.base", "2s")]).duration("wsb.retry.base"),
            Ok(Duration::from_secs(2))
        );
    }

    #[test]
    fn an_error_names_key_value_and_what_is_allowed() {
        let error = values(&[("wsb.retry.base", "soon")])
            .duration("wsb.retry.base")
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "wsb.retry.base: \"soon\" (not a duration); allowed: {}",
                units::DURATION_FORMS
            )
        );
    }

    #[test]
    fn a_misspelt_key_is_refused_with_the_near_ones() {
        let error = Values::new([("wsb.cap".to_owned(), "1s".to_owned())].into()).unwrap_err();
        assert_eq!(error.key, "wsb.cap");
        assert_eq!(error.allowed, "wsb.retry.cap");
    }

    #[test]
    fn a_long_value_with_line_breaks_is_shown_on_one_bounded_line() {
        let shown = Invalid::new("k", "x\r\n".repeat(500), "bad", "less").to_string();
        assert!(!shown.contains('\n') && shown.len() < 600, "{shown}");
    }
}
