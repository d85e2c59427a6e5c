//! Thread groups: what is one, and JMeter's own made one of virtual users where that is asked for.

use crate::jmx::{Change, ItemId, Plan};
use crate::ours;
use crate::told::{Entry, Outcome};

/// What becomes of JMeter's Thread Groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Groups {
    /// They stay.
    #[default]
    Threads,
    /// Each becomes one whose users are virtual threads. Those for setting up and tearing down stay.
    Virtual,
}

/// JMeter's own, as plans have it, and as some tools write it.
const THREAD_GROUPS: [&str; 2] = ["ThreadGroup", "org.apache.jmeter.threads.ThreadGroup"];

/// What its users must know, as the plan then needs another Java.
const JAVA: &str = "its users are virtual threads: JMeter must run on Java 21 or newer, better 24";

/// Whether it is a thread group by its class: all of JMeter's and of other plugins are called so.
pub(crate) fn is_group(class: &str) -> bool {
    class.ends_with("ThreadGroup") || class == ours::VIRTUAL_USER_GROUP
}

/// Makes each Thread Group one of virtual users.
pub(crate) fn convert(plan: &Plan, change: &mut Change, told: &mut Vec<Entry>) {
    let ours = ours::virtual_users();
    let theirs = |item: &ItemId| THREAD_GROUPS.contains(&plan.class(*item));
    for group in plan.items().filter(theirs) {
        change.rename(group, &ours);
        let moved = Outcome::Moved(ours::label(&ours).to_owned());
        told.push(Entry::of(plan, group, moved).with(vec![JAVA.to_owned()]));
    }
}
