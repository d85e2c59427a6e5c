//! The codes that a sample may end with: statuses, close codes, and those of the product's own table.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use serde::Deserialize;

use crate::process::Process;
use crate::{Error, Result, repository};

/// How long the program may take to print its table.
const PATIENCE: Duration = Duration::from_secs(60);

/// The product's table of codes, without those that mean a defect, a broken installation or a wrong plan.
#[derive(Debug, Clone)]
pub struct Codes {
    own: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Described {
    codes: Vec<Code>,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

impl Codes {
    /// As the program describes them.
    ///
    /// # Errors
    /// When it is not built, or prints something else.
    pub fn described() -> Result<Self> {
        let mut command = Command::new(repository::program()?);
        command.args(["describe", "--format", "json"]);
        let text = Process::start("describe", &mut command)?.wait(PATIENCE)?.text();
        let described: Described = serde_json::from_str(&text).map_err(|error| Error::Content {
            what: "describe --format json".to_owned(),
            why: error.to_string(),
        })?;
        let codes = described.codes.into_iter().map(|code| code.code);
        Ok(Self {
            own: codes
                .filter(|code| !code.starts_with("native.") && code != "spec.invalid")
                .collect(),
        })
    }

    /// Whether a sample may have this code.
    #[must_use]
    pub fn knows(&self, code: &str) -> bool {
        let number =
            |text: &str, digits| text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
        if let Some(own) = code.strip_prefix("Non HTTP response code: ") {
            return self.own.contains(own);
        }
        number(code, 3)
            || number(code, 4)
            || code.strip_prefix("closed.").is_some_and(|code| number(code, 4))
            || code == "No message"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_statuses_close_codes_or_of_the_table() {
        let codes = Codes {
            own: ["tcp.refused".to_owned()].into(),
        };
        for good in [
            "101",
            "429",
            "1000",
            "closed.1011",
            "No message",
            "Non HTTP response code: tcp.refused",
        ] {
            assert!(codes.knows(good), "{good}");
        }
        for bad in [
            "",
            "tcp.refused",
            "Non HTTP response code: java.net.SocketException",
            "closed.",
            "12345",
        ] {
            assert!(!codes.knows(bad), "{bad}");
        }
    }
}
