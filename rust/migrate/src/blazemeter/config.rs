//! The element that says where and how their samplers connect, which becomes our defaults in the same place.

use super::{PACKAGE, REASON};
use crate::address::Address;
use crate::jmx::{Change, ItemId, Plan};
use crate::ours;
use crate::told::{Entry, Outcome};
use std::collections::BTreeSet;

const PREFIX: &str = "WebSocketConnectionConfig.";

/// The protocol that is not MQTT; what is older than this choice has none.
const WEB_SOCKET: [&str; 2] = ["Web Socket", ""];

/// What a time-out that is no number means.
pub(super) const TIMEOUT: &str = "20000";

const KEYS: [&str; 13] = [
    "WebSocketConnectionConfig.Server",
    "WebSocketConnectionConfig.Port",
    "WebSocketConnectionConfig.ConnectionTimeout",
    "WebSocketConnectionConfig.Protocol",
    "WebSocketConnectionConfig.Path",
    "WebSocketConnectionConfig.Topic",
    "WebSocketConnectionConfig.Encoding",
    "WebSocketConnectionConfig.Implementation",
    "WebSocketConnectionConfig.CloseConnectionPattern",
    "WebSocketConnectionConfig.ProtocolWSMQTTComboBox",
    "WebSocketConnectionConfig.LogLevel",
    ARGUMENTS,
    PATTERNS,
];
const ARGUMENTS: &str = "WebSocketConnectionConfig.HTTPRequest.ARGUMENTS";
const PATTERNS: &str = "WebSocketConnectionConfig.ResponsePatterns.ARGUMENTS";

/// What is different for all of their samplers.
const GENERAL: [&str; 5] = [
    "samples that succeed have the code 200, or 101 where they opened the connection, and failures have codes of their own; theirs had none",
    "of all waits for a message on a connection theirs made the first only, and the others succeeded at once, whatever came; now each waits, and fails when nothing comes",
    "a connection lasts until the test ends, as before (wsb.scope=test), and is closed with the code 1001 then, where theirs had 1000; empty that field, and each ends with its thread",
    "a connect is tried once, as before (wsb.retry.strategy=none); empty that field, and it waits and tries again",
    "TLS is not verified, as before (wsb.tls.verify=false)",
];

fn is_config(plan: &Plan, item: ItemId) -> bool {
    let gui = || {
        plan.xml()
            .attribute(plan.node(item), "guiclass")
            .unwrap_or_default()
    };
    plan.class(item) == "ConfigTestElement"
        && gui().strip_prefix(PACKAGE) == Some("gui.WebSocketConnectionConfigGui")
}

/// The configs that count for an element, the nearest first: an empty field of it is another's.
#[derive(Debug)]
pub(super) struct Configs<'a> {
    plan: &'a Plan,
    nearest_first: Vec<ItemId>,
}

impl<'a> Configs<'a> {
    /// # Errors
    /// What is said of an element for which two count in the same place.
    pub(super) fn of(plan: &'a Plan, item: ItemId) -> Result<Self, String> {
        let depth = |config: &ItemId| plan.above(*config).count();
        let mut nearest_first: Vec<ItemId> = plan
            .items()
            .filter(|config| is_config(plan, *config) && plan.counts_for(*config, item))
            .collect();
        nearest_first.sort_by_key(|config| std::cmp::Reverse(depth(config)));
        let same = |pair: &&[ItemId]| plan.parent(pair[0]) == plan.parent(pair[1]);
        match nearest_first.windows(2).find(same) {
            Some(pair) => Err(format!(
                "two connection configs beside each other count for it (lines {} and {})",
                plan.line(pair[0]),
                plan.line(pair[1])
            )),
            None => Ok(Self { plan, nearest_first }),
        }
    }

    fn value(&self, key: &str) -> String {
        let key = format!("{PREFIX}{key}");
        let values = self
            .nearest_first
            .iter()
            .map(|config| self.plan.value_or(*config, &key, ""));
        values
            .map(|value| value.trim().to_owned())
            .find(|value| !value.is_empty())
            .unwrap_or_default()
    }

    pub(super) fn address(&self) -> Address {
        Address {
            protocol: self.value("Protocol"),
            server: self.value("Server"),
            port: self.value("Port"),
            path: self.value("Path"),
        }
    }

    /// # Errors
    /// What is said of an element that connects in a way that ours do not.
    pub(super) fn can_move(&self) -> Result<(), String> {
        if self.nearest_first.is_empty() {
            return Err("no connection config counts for it".to_owned());
        }
        if !WEB_SOCKET.contains(&self.value("ProtocolWSMQTTComboBox").as_str()) {
            return Err("it speaks MQTT; docs/recipes.md has a plan for MQTT over WebSocket".to_owned());
        }
        if !self.value("CloseConnectionPattern").is_empty() {
            return Err(
                "it closes its connection at a message that matches a pattern; ours close by a WebSocket Close (wsb)"
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// How long it may take to connect.
    fn timeout(&self) -> String {
        number_or_default(self.value("ConnectionTimeout"))
    }
}

/// A time-out as they read it; a variable is one.
pub(super) fn number_or_default(text: String) -> String {
    if text.contains("${") || text.parse::<u64>().is_ok() {
        text
    } else {
        TIMEOUT.to_owned()
    }
}

/// Whether these samplers may have several connections a user, each of which then needs a name.
pub(super) fn names(plan: &Plan, samplers: &[ItemId]) -> bool {
    let all = samplers.iter().filter(|item| plan.runs(**item));
    let named: BTreeSet<String> = all
        .filter_map(|item| Some(name(&Configs::of(plan, *item).ok()?.address())))
        .collect();
    let varies = |name: &String| {
        // Properties stay as they are for a whole run.
        name.replace("${__P(", "")
            .replace("${__property(", "")
            .contains("${")
    };
    named.len() > 1 || named.iter().any(varies)
}

/// What they call a connection of a user.
pub(super) fn name(address: &Address) -> String {
    format!("{}{}{}", address.server, address.path, address.port)
}

/// Makes defaults of the configs whose samplers have all moved, and tells it.
pub(super) fn apply(
    plan: &Plan,
    samplers: &[ItemId],
    moved: &BTreeSet<ItemId>,
    change: &mut Change,
    told: &mut Vec<Entry>,
) {
    // Told once, with the first.
    let mut general = &GENERAL[..];
    for config in plan.items().filter(|item| is_config(plan, *item)) {
        let mut users = samplers
            .iter()
            .filter(|item| plan.counts_for(config, **item))
            .peekable();
        if users.peek().is_none() {
            let what = "no sampler of its plugin is in its scope".to_owned();
            told.push(Entry::of(plan, config, Outcome::Noted(what)));
        } else if let Some(stays) = users.find(|item| !moved.contains(*item)) {
            let why = format!("{} (line {}) needs it", plan.name(*stays), plan.line(*stays));
            told.push(Entry::of(plan, config, Outcome::Left(why)));
        } else if let Ok(configs) = Configs::of(plan, config) {
            let mut entry = replace(plan, config, &configs, change);
            let first = std::mem::take(&mut general).iter().map(ToString::to_string);
            entry.notes.splice(0..0, first);
            told.push(entry);
        }
    }
}

fn replace(plan: &Plan, config: ItemId, configs: &Configs, change: &mut Change) -> Entry {
    let timeout = configs.timeout();
    let defaults = ours::defaults()
        .with("wsb.connectTimeout", timeout.as_str())
        .with("wsb.tls.verify", "false")
        .with("wsb.scope", "test")
        .with("wsb.end.reason", REASON)
        .with("wsb.keepAlive", "0")
        .with("wsb.match.kind", "text")
        .with("wsb.retry.attemptTimeout", timeout)
        .with("wsb.retry.strategy", "none");
    change.convert(config, &defaults, &KEYS);
    let mut notes = Vec::new();
    // What has no address of its own says so at its samplers.
    let _ = configs.address().url(&mut notes);
    for (key, what) in [(ARGUMENTS, "parameters"), (PATTERNS, "response patterns")] {
        let list = plan.property_node(config, key);
        let has_some = |list| {
            plan.xml()
                .leaves(list)
                .any(|leaf| !plan.xml().value(leaf).is_empty())
        };
        if list.is_some_and(has_some) {
            notes.push(format!("its {what} were never used, and are gone"));
        }
    }
    let into = ours::label(&defaults).to_owned();
    Entry::of(plan, config, Outcome::Moved(into)).with(notes)
}
