//! The table of faults, how one is written on a command line, and which attempts each strikes.

use std::fmt;
use std::str::FromStr;

/// What a fault does to the attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The attempt is let in, in a strange way; the limit decides first and may refuse it in the normal way.
    Accepts,
    /// The attempt is refused, whatever the limit says; the limit does not see it.
    Refuses,
    /// There is no answer, or none that is HTTP; the limit does not see the attempt.
    Breaks,
}

macro_rules! faults {
    ($($variant:ident $name:literal $effect:ident $help:literal)*) => {
        /// One way to misbehave. The help texts say what each does.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Fault {
            $(#[doc = $help] $variant,)*
            /// Any of the others, drawn anew for each attempt that it strikes.
            Random,
        }

        impl Fault {
            /// Every fault except [`Fault::Random`].
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The word on the command line.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Random => "random",
                }
            }

            /// What happens, in one sentence.
            #[must_use]
            pub fn help(self) -> &'static str {
                match self {
                    $(Self::$variant => $help,)*
                    Self::Random => "Any of the others, drawn anew each time.",
                }
            }

            /// What becomes of the attempt; `None` for [`Fault::Random`].
            #[must_use]
            pub fn effect(self) -> Option<Effect> {
                match self {
                    $(Self::$variant => Some(Effect::$effect),)*
                    Self::Random => None,
                }
            }
        }
    };
}

faults! {
    Drip "drip" Accepts "Sends the head of the 101 byte by byte (--drip-pace)."
    EarlyHints "early-hints" Accepts "Sends an interim 103 before the 101."
    FrameWith101 "frame-with-101" Accepts "Sends the first text frame in the same packet as the 101."
    KeepAliveUpgrade "keep-alive-upgrade" Accepts "Answers \"Connection: keep-alive, Upgrade\" in the 101, which is allowed."
    BadAccept "bad-accept" Accepts "Answers a 101 with a wrong Sec-WebSocket-Accept."
    BadSubprotocol "bad-subprotocol" Accepts "Answers a 101 with a subprotocol that nobody asked for."
    BadExtension "bad-extension" Accepts "Answers a 101 with an extension that nobody asked for."
    DropAfter "drop-after" Accepts "Lets in, then cuts the TCP connection after 200 ms, without a close frame."
    DripRefusal "drip-refusal" Refuses "Sends a refusal byte by byte (--drip-pace)."
    Tarpit "tarpit" Refuses "Refuses only after 2 s."
    KeepOpen "keep-open" Refuses "Refuses and leaves the connection open, as nginx and HAProxy do."
    Http10 "http10" Refuses "Refuses with an HTTP/1.0 503 and a Retry-After."
    Chunked "chunked" Refuses "Refuses with a chunked body."
    NoLength "no-length" Refuses "Refuses with a body that has no length and ends with the connection."
    HugeHeaders "huge-headers" Refuses "Refuses with 64 KiB of headers."
    HugeBody "huge-body" Refuses "Refuses with a body of 1 MiB."
    EndlessBody "endless-body" Refuses "Refuses with a body that does not end for 60 s."
    Redirect "redirect" Refuses "Answers a 302 that leads to the same place."
    Silent "silent" Breaks "Reads the request and never answers (gives up after 60 s)."
    Reset "reset" Breaks "Resets the TCP connection after the request."
    HalfClose "half-close" Breaks "Ends its side of the connection without an answer and goes on reading."
    Garbage "garbage" Breaks "Answers bytes that are no HTTP."
}

impl Fault {
    /// The words for all faults, `random` last.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::ALL.iter().copied().chain([Self::Random]).map(Self::name)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A fault and the share of attempts that it strikes; written `drip` (all of them) or `drip:0.25`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FaultShare {
    /// What happens.
    pub fault: Fault,
    /// To how many, 0 (none) to 1 (all).
    pub share: f64,
}

impl From<Fault> for FaultShare {
    fn from(fault: Fault) -> Self {
        Self { fault, share: 1.0 }
    }
}

/// Why a text is no [`FaultShare`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// No such fault.
    #[error("\"{0}\" is no fault: allowed are {names}", names = Fault::names().collect::<Vec<_>>().join(", "))]
    Name(String),
    /// What stands behind the colon is no share.
    #[error("share \"{0}\" is not allowed: a number from 0 (never) to 1 (every attempt)")]
    Share(String),
}

impl FromStr for FaultShare {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let (name, share) = text.split_once(':').unwrap_or((text, "1"));
        let fault = Fault::ALL
            .iter()
            .copied()
            .chain([Fault::Random])
            .find(|fault| fault.name() == name);
        let fault = fault.ok_or_else(|| FaultError::Name(name.to_owned()))?;
        let plain = share.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        match share.parse::<f64>() {
            Ok(share) if plain && share <= 1.0 => Ok(Self { fault, share }),
            _ => Err(FaultError::Share(share.to_owned())),
        }
    }
}

impl fmt::Display for FaultShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.fault, self.share)
    }
}

/// Says which fault strikes the nth attempt. It keeps no state: no lock, and the same answer for the same seed.
#[derive(Debug)]
pub(crate) struct Chooser {
    seed: u64,
    shares: Vec<FaultShare>,
    /// What the draw is scaled with: 1, or the sum of all shares where that is more.
    whole: f64,
}

impl Chooser {
    pub(crate) fn new(seed: u64, shares: Vec<FaultShare>) -> Self {
        let whole = shares.iter().map(|share| share.share).sum::<f64>().max(1.0);
        Self { seed, shares, whole }
    }

    pub(crate) fn choose(&self, ordinal: u64) -> Option<Fault> {
        let bits = mix(self.seed ^ mix(ordinal));
        let mut left = unit(bits) * self.whole;
        for FaultShare { fault, share } in &self.shares {
            if left < *share {
                return Some(match fault {
                    Fault::Random => pick(mix(bits)),
                    fault => *fault,
                });
            }
            left -= share;
        }
        None
    }
}

fn pick(bits: u64) -> Fault {
    let count = Fault::ALL.len() as u64;
    Fault::ALL[usize::try_from(bits % count).expect("below the number of faults")]
}

/// SplitMix64 (Steele, Lea, Flood 2014): one well mixed number for each counter value. By hand: it has no state, and the same seed must
/// strike the same attempts whatever a library's next version does.
fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The upper 53 bits as a number in `[0, 1)`.
#[allow(clippy::cast_precision_loss)] // 53 bits fit
fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{HashMap, HashSet};

    #[test]
    fn names_are_unique_and_read_back_with_and_without_a_share() {
        let names: HashSet<_> = Fault::names().collect();
        assert_eq!(names.len(), Fault::ALL.len() + 1);
        for name in Fault::names() {
            assert_eq!(
                name.parse::<FaultShare>().unwrap().to_string(),
                format!("{name}:1")
            );
            assert_eq!(format!("{name}:0.25").parse::<FaultShare>().unwrap().share, 0.25);
        }
    }

    #[test]
    fn each_fault_has_a_help_text_of_one_sentence() {
        for fault in Fault::ALL {
            let help = fault.help();
            assert!(help.len() <= 76 && help.ends_with(['.', ')']), "{help}");
        }
    }

    #[test]
    fn a_wrong_fault_is_told_with_what_is_allowed() {
        for (text, said) in [
            (
                "slow",
                vec!["\"slow\" is no fault", "drip, early-hints", "random"],
            ),
            ("", vec!["\"\" is no fault"]),
            ("drip:2", vec!["share \"2\"", "0 (never) to 1"]),
            ("drip:-1", vec!["share \"-1\""]),
            ("drip:", vec!["share \"\""]),
            ("drip:nan", vec!["share \"nan\""]),
            ("drip:1e-1", vec!["share \"1e-1\""]),
        ] {
            let message = text.parse::<FaultShare>().unwrap_err().to_string();
            for part in said {
                assert!(message.contains(part), "{text}: {message}");
            }
        }
    }

    fn counts(shares: &[&str]) -> HashMap<Option<Fault>, usize> {
        let chooser = Chooser::new(7, shares.iter().map(|text| text.parse().unwrap()).collect());
        let mut counts = HashMap::new();
        for ordinal in 0..100_000 {
            *counts.entry(chooser.choose(ordinal)).or_default() += 1;
        }
        counts
    }

    #[test]
    fn faults_strike_their_share_of_attempts() {
        let near = |count: usize, expected: usize| count.abs_diff(expected) < 1_000;
        let some = counts(&["drip:0.25", "silent:0.05"]);
        assert!(
            near(some[&Some(Fault::Drip)], 25_000) && near(some[&Some(Fault::Silent)], 5_000),
            "{some:?}"
        );
        assert!(near(some[&None], 70_000));
        let scaled = counts(&["drip", "silent:0.5"]);
        assert!(near(scaled[&Some(Fault::Drip)], 66_667) && near(scaled[&Some(Fault::Silent)], 33_333));
        assert_eq!(counts(&["reset"])[&Some(Fault::Reset)], 100_000);
        assert_eq!(counts(&["reset:0"])[&None], 100_000);
        let random = counts(&["random"]);
        assert_eq!(random.len(), Fault::ALL.len());
        assert!(
            random
                .values()
                .all(|count| near(*count, 100_000 / Fault::ALL.len())),
            "{random:?}"
        );
    }

    #[test]
    fn the_same_seed_strikes_the_same_attempts() {
        let draw = |seed| {
            let chooser = Chooser::new(
                seed,
                vec![FaultShare {
                    fault: Fault::Random,
                    share: 0.5,
                }],
            );
            (0..200)
                .map(|ordinal| chooser.choose(ordinal))
                .collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }
}
