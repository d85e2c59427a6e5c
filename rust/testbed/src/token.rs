//! Access tokens: given for a while, and known again without being kept.

use crate::config::TokenConfig;
use crate::stats::TokenStats;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Gives tokens and counts.
#[derive(Debug)]
pub(crate) struct Mint {
    pub(crate) config: TokenConfig,
    /// The secret of this process. A test server's tokens need to be told apart, not to withstand an attack.
    secret: RandomState,
    issued: AtomicU64,
    unauthorized: AtomicU64,
    at_once: AtomicU64,
    most_at_once: AtomicU64,
}

impl Mint {
    pub(crate) fn new(config: TokenConfig) -> Self {
        Self {
            config,
            secret: RandomState::new(),
            issued: AtomicU64::new(0),
            unauthorized: AtomicU64::new(0),
            at_once: AtomicU64::new(0),
            most_at_once: AtomicU64::new(0),
        }
    }

    /// A request for a token has come, whatever becomes of it.
    pub(crate) fn fetch_begins(&self) {
        let now = self.at_once.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_at_once.fetch_max(now, Ordering::Relaxed);
    }

    /// It is answered, or will never be.
    pub(crate) fn fetch_ends(&self) {
        self.at_once.fetch_sub(1, Ordering::Relaxed);
    }

    /// A new token, and for how many whole seconds it is good; `now` is since any start that stays the same.
    pub(crate) fn issue(&self, now: Duration) -> (String, u64) {
        let number = self.issued.fetch_add(1, Ordering::Relaxed) + 1;
        let ends = u64::try_from((now + self.config.ttl).as_micros()).unwrap_or(u64::MAX);
        let token = format!("{number:x}.{ends:x}.{:x}", self.seal(number, ends));
        (token, self.config.ttl.as_secs())
    }

    /// Whether the attempt may go on: no token is required, or this one is good. Counts those that may not.
    pub(crate) fn admits(&self, token: Option<&str>, now: Duration) -> bool {
        let admitted = !self.config.required || token.is_some_and(|token| self.is_good(token, now));
        if !admitted {
            self.unauthorized.fetch_add(1, Ordering::Relaxed);
        }
        admitted
    }

    fn is_good(&self, token: &str, now: Duration) -> bool {
        let mut parts = token.splitn(3, '.').map(|part| u64::from_str_radix(part, 16));
        let (Some(Ok(number)), Some(Ok(ends)), Some(Ok(seal))) = (parts.next(), parts.next(), parts.next())
        else {
            return false;
        };
        seal == self.seal(number, ends) && now.as_micros() < u128::from(ends)
    }

    fn seal(&self, number: u64, ends: u64) -> u64 {
        self.secret.hash_one((number, ends))
    }

    pub(crate) fn stats(&self) -> TokenStats {
        TokenStats {
            issued: self.issued.load(Ordering::Relaxed),
            most_at_once: self.most_at_once.load(Ordering::Relaxed),
            unauthorized: self.unauthorized.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mint(required: bool) -> Mint {
        Mint::new(TokenConfig {
            path: "/token".to_owned(),
            ttl: Duration::from_millis(5_500),
            delay: Duration::ZERO,
            required,
        })
    }

    #[test]
    fn a_token_is_good_until_its_time_is_over() {
        let mint = mint(true);
        let now = Duration::from_secs(7);
        let (token, expires_in) = mint.issue(now);
        assert_eq!(expires_in, 5);
        let (other, _) = mint.issue(now);
        assert_ne!(token, other);
        for (at, good) in [(7_000, true), (12_499, true), (12_500, false), (60_000, false)] {
            assert_eq!(mint.admits(Some(&token), Duration::from_millis(at)), good, "{at}");
        }
        let stats = mint.stats();
        assert_eq!((stats.issued, stats.unauthorized), (2, 2));
    }

    #[test]
    fn what_was_not_given_here_is_not_good() {
        let mint = mint(true);
        let (token, _) = mint.issue(Duration::ZERO);
        let (elsewhere, _) = self::mint(true).issue(Duration::ZERO);
        let longer = token.replacen('.', ".f", 1);
        for text in [
            "",
            "x",
            "1.2",
            "1.2.3",
            &elsewhere,
            &longer,
            &format!("{token}.0"),
        ] {
            assert!(!mint.admits(Some(text), Duration::ZERO), "{text}");
        }
        assert!(!mint.admits(None, Duration::ZERO));
    }

    #[test]
    fn everybody_is_admitted_where_no_token_is_required() {
        let mint = mint(false);
        assert!(mint.admits(None, Duration::ZERO) && mint.admits(Some("x"), Duration::ZERO));
        assert_eq!(mint.stats().unauthorized, 0);
    }

    #[test]
    fn the_most_fetches_at_once_are_kept() {
        let mint = mint(false);
        mint.fetch_begins();
        mint.fetch_begins();
        mint.fetch_ends();
        mint.fetch_begins();
        assert_eq!(mint.stats().most_at_once, 2);
    }
}
