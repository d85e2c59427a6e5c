//! Which server an attempt was for, by scheme, host and port of its address, as each has a limit of its own; and of which of several is
//! told. Where a limit is, is not found out here.

use crate::names::Names;
use crate::observations::Decision;
use crate::outcome::Outcome;
use std::collections::{BTreeMap, HashSet};
use url::{Position, Url};

/// Those behind so many are told together, as if they had no address: addresses may be made by chance.
const MOST_TOLD_APART: usize = 1_000;
/// So many others are named.
const MOST_NAMED: usize = 5;

/// A server by its number; `None`: what was tried has no address.
type Server = Option<u32>;

/// The servers of all targets.
#[derive(Debug, Clone, Default)]
pub(crate) struct Servers {
    names: Names,
    /// Of each target.
    of_targets: Vec<Server>,
    /// Those that are asked for; none: whichever tells most.
    asked_for: HashSet<Server>,
    /// Attempts that say nothing of a limit.
    aside: BTreeMap<Server, u64>,
}

/// What was seen of a server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Count {
    attempts: usize,
    passed: usize,
    refused: usize,
    denied: usize,
}

impl Count {
    /// The more the more is to be told of a limit. One that lets nobody in shows none, and may be out of order.
    fn weight(self) -> (bool, usize, usize, usize) {
        let limits = self.passed > 0 && self.refused + self.denied > 0;
        (limits, self.refused, self.denied, self.attempts)
    }

    fn told(self) -> String {
        match self.refused + self.denied {
            0 => format!("none of {} attempts", self.attempts),
            refused => format!("{refused} of {} attempts", self.attempts),
        }
    }
}

/// An address without what does not make another server: `http` is what `ws` begins with.
pub(crate) fn server(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let scheme = match url.scheme() {
        "ws" | "http" => "ws",
        "wss" | "https" => "wss",
        _ => return None,
    };
    url.has_host()
        .then(|| format!("{scheme}://{}", &url[Position::BeforeHost..Position::AfterPort]))
}

impl Servers {
    /// The number of a server by its name; its targets, which are numbered as they come, are told by [`Servers::target`].
    pub(crate) fn number(&mut self, name: Option<&str>) -> Server {
        let name = name?;
        let fits = self.names.count() < MOST_TOLD_APART || self.names.known(name).is_some();
        fits.then(|| self.names.number(name))
    }

    /// A target, which may be new, is one of this server.
    pub(crate) fn target(&mut self, target: u32, server: Server) {
        if usize::try_from(target).is_ok_and(|target| target == self.of_targets.len()) {
            self.of_targets.push(server);
        }
    }

    pub(crate) fn set_aside(&mut self, server: Server) {
        *self.aside.entry(server).or_default() += 1;
    }

    /// How many attempts at these servers say nothing of a limit.
    pub(crate) fn aside(&self, of: Option<&HashSet<Server>>) -> u64 {
        let counted = self.aside.iter();
        let counted = counted.filter(|(server, _)| of.is_none_or(|of| of.contains(server)));
        counted.map(|(_, count)| count).sum()
    }

    /// Whether there is one of this address, or host and port; it is asked for from now on, beside those that were before.
    pub(crate) fn ask_for(&mut self, address: &str) -> bool {
        let known: Vec<u32> = match server(address) {
            Some(name) => self.names.known(&name).into_iter().collect(),
            None => ["ws", "wss"]
                .into_iter()
                .filter_map(|scheme| server(&format!("{scheme}://{address}")))
                .filter_map(|name| self.names.known(&name))
                .collect(),
        };
        self.asked_for.extend(known.iter().copied().map(Some));
        !known.is_empty()
    }

    pub(crate) fn asked_for(&self) -> Option<&HashSet<Server>> {
        Some(&self.asked_for).filter(|asked| !asked.is_empty())
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.names.in_order()
    }

    pub(crate) fn of(&self, decision: &Decision) -> Server {
        let target = usize::try_from(decision.target).unwrap_or(usize::MAX);
        self.of_targets.get(target).copied().flatten()
    }

    fn counts(&self, decisions: &[Decision]) -> BTreeMap<Server, Count> {
        let mut counts: BTreeMap<Server, Count> = BTreeMap::new();
        for decision in decisions {
            let count = counts.entry(self.of(decision)).or_default();
            count.attempts += 1;
            match decision.outcome {
                Outcome::Passed => count.passed += 1,
                Outcome::Refused | Outcome::Unanswered => count.refused += 1,
                Outcome::Denied => count.denied += 1,
            }
        }
        counts
    }

    /// The servers of which these decisions tell: those that are asked for, else the one that refused most; `None`: all, as there is one
    /// only, or nobody was refused.
    pub(crate) fn told_of(&self, decisions: &[Decision]) -> Option<HashSet<Server>> {
        if let Some(asked) = self.asked_for() {
            return Some(asked.clone());
        }
        let counts = self.counts(decisions);
        let several = counts.len() > 1 && counts.values().any(|count| count.refused + count.denied > 0);
        let (most, _) = counts.into_iter().max_by_key(|(_, count)| count.weight())?;
        several.then(|| HashSet::from([most]))
    }

    /// Which others there are beside those that are told of, with what they did; `None`: none.
    pub(crate) fn others(&self, decisions: &[Decision], told_of: &HashSet<Server>) -> Option<String> {
        let (mut these, mut others): (Vec<_>, Vec<_>) = self
            .counts(decisions)
            .into_iter()
            .partition(|(server, _)| told_of.contains(server));
        let heaviest_first = |all: &mut Vec<(Server, Count)>| {
            all.sort_by_key(|(_, count)| std::cmp::Reverse(count.weight()));
        };
        heaviest_first(&mut these);
        heaviest_first(&mut others);
        if others.is_empty() {
            return None;
        }
        let names = self.names();
        let name = |server: Server| names.get(usize::try_from(server?).ok()?).copied();
        let told = |(server, count): &(Server, Count)| match name(*server) {
            Some(name) => format!("{name} refused {}", count.told()),
            None => format!("{} attempts have no address", count.attempts),
        };
        let of: Vec<String> = these
            .iter()
            .map(|(server, count)| {
                let name = name(*server).unwrap_or("what has no address");
                format!("{name}, which refused {}", count.told())
            })
            .collect();
        let mut beside: Vec<String> = others.iter().take(MOST_NAMED).map(told).collect();
        if others.len() > MOST_NAMED {
            beside.push(format!("and {} more", others.len() - MOST_NAMED));
        }
        let ask = others.iter().find_map(|(server, _)| name(*server));
        let ask = ask.map_or(String::new(), |name| {
            format!("; `find --target {name}` tells of that one")
        });
        Some(format!(
            "several servers were tried, and this is of {}; beside it: {}{ask}",
            of.join(" and "),
            beside.join(", ")
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::server;

    #[test]
    fn a_server_is_scheme_host_and_port() {
        for (address, name) in [
            ("ws://a.test/agents?x=1#y", Some("ws://a.test")),
            ("http://u:p@A.test:80", Some("ws://a.test")),
            ("https://a.test:8443/x", Some("wss://a.test:8443")),
            ("wss://[::1]:443/", Some("wss://[::1]")),
            ("Log in", None),
            ("null", None),
            ("jdbc:x://a.test/", None),
            ("a.test:9001", None),
        ] {
            assert_eq!(server(address).as_deref(), name, "{address}");
        }
    }
}
