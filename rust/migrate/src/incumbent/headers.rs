//! Headers that plans gave to their samplers and that an upgrade of ours sets by itself.

use super::{Into, Move, Survey};
use crate::jmx::{Change, ItemId, Plan};
use crate::told::{Entry, Outcome};

const EXTENSIONS: &str = "Sec-WebSocket-Extensions";
/// Headers that ours refuse, as the handshake makes them, and one that ours would send and theirs did not.
const MADE: [&str; 4] = [EXTENSIONS, "Sec-WebSocket-Key", "Sec-WebSocket-Accept", "Host"];

/// A header of a Header Manager: the XML element that holds it, its name and its value.
struct Header {
    node: usize,
    name: String,
    value: String,
}

fn headers(plan: &Plan, manager: ItemId) -> Vec<Header> {
    let xml = plan.xml();
    let Some(list) = plan.property_node(manager, "HeaderManager.headers") else {
        return Vec::new();
    };
    let header = |node| {
        let field = |key: &str| {
            let mut fields = xml.children(node);
            let field = fields.find(|field| xml.attribute(*field, "name").is_some_and(|name| name == key));
            field.map(|field| xml.value(field)).unwrap_or_default()
        };
        Header {
            node,
            name: field("Header.name"),
            value: field("Header.value"),
        }
    };
    xml.children(list).map(header).collect()
}

fn is_made(header: &Header) -> bool {
    MADE.iter()
        .any(|made| made.eq_ignore_ascii_case(header.name.trim()))
}

/// More Header Managers than that with headers of the handshake are not looked at.
const MOST: usize = 100;

/// The Header Managers that have something of the handshake.
fn managers(plan: &Plan) -> impl Iterator<Item = ItemId> + '_ {
    let concerned =
        |item: &ItemId| plan.class(*item) == "HeaderManager" && headers(plan, *item).iter().any(is_made);
    plan.items().filter(concerned).take(MOST)
}

/// Turns on compression where a header asked for it.
pub(super) fn compress(plan: &Plan, survey: &mut Survey) {
    for manager in managers(plan) {
        let asks = |header: &Header| {
            header.name.trim().eq_ignore_ascii_case(EXTENSIONS) && header.value.contains("permessage-deflate")
        };
        if !headers(plan, manager).iter().any(asks) {
            continue;
        }
        for (item, found) in &mut survey.moves {
            let connects = match (&mut found.below, &mut found.into) {
                (Some(below), _) => below,
                (None, Into::Element(element)) if element.class.ends_with(".ConnectSampler") => element,
                _ => continue,
            };
            let on = ("wsb.compression", "true".to_owned());
            if plan.counts_for(manager, *item) && !connects.properties.contains(&on) {
                connects.properties.push(on);
            }
        }
    }
}

/// Tells of logins, which theirs did not send.
pub(super) fn tell_logins(plan: &Plan, survey: &Survey, told: &mut Vec<Entry>) {
    let logins = |item: &ItemId| plan.class(*item) == "AuthManager" && plan.runs(*item);
    for manager in plan.items().filter(logins).take(MOST) {
        let opens = |(item, found): (&ItemId, &Move)| {
            let connect =
                matches!(&found.into, Into::Element(element) if element.class.ends_with(".ConnectSampler"));
            (connect || found.below.is_some()) && plan.counts_for(manager, *item)
        };
        if survey.moves.iter().any(opens) {
            let what = "an upgrade sends the login that is for its address now, where theirs sent none: see that the server may have it";
            told.push(Entry::of(plan, manager, Outcome::Noted(what.to_owned())));
        }
    }
}

/// Takes out what an upgrade of ours sets by itself, where no other sampler needs it.
pub(super) fn rewrite(plan: &Plan, survey: &Survey, change: &mut Change, told: &mut Vec<Entry>) {
    for manager in managers(plan) {
        let all = headers(plan, manager);
        let made: Vec<&Header> = all.iter().filter(|header| is_made(header)).collect();
        let reaches_ours = survey.moves.keys().any(|item| plan.counts_for(manager, *item));
        if made.is_empty() || !reaches_ours {
            continue;
        }
        let http =
            |item: &ItemId| plan.class(*item).starts_with("HTTPSampler") && plan.counts_for(manager, *item);
        let names: Vec<&str> = made.iter().map(|header| header.name.as_str()).collect();
        let names = names.join(", ");
        if let Some(other) = plan.items().find(http) {
            let why = format!(
                "{names}: an upgrade of theirs set this by itself whatever a Header Manager said, and ours does not take it so, but \
                 {} (line {}) may need it; move it to a Header Manager below that sampler",
                plan.name(other),
                plan.line(other)
            );
            told.push(Entry::of(plan, manager, Outcome::Left(why)));
            continue;
        }
        for header in &made {
            change.remove_node(header.node);
        }
        let what = format!("without {names}: an upgrade of ours sets this by itself");
        told.push(Entry::of(plan, manager, Outcome::Changed(what)));
    }
}
