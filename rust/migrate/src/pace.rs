//! Throughput timers before sockets and calls, which send on at their rate whatever the server says: ours are offered, and nothing is
//! changed.

use crate::jmx::{ItemId, Plan};
use crate::told::{Entry, Outcome};

const TIMERS: [&str; 2] = ["ConstantThroughputTimer", "PreciseThroughputTimer"];

/// Tells of each of them that counts for a sampler.
pub(crate) fn offer(plan: &Plan, told: &mut Vec<Entry>) {
    let timers = plan
        .items()
        .filter(|item| TIMERS.contains(&plan.class(*item)) && plan.runs(*item));
    for timer in timers.take(100) {
        let asks = |item: &ItemId| {
            let class = plan.class(*item);
            class == "HTTPSamplerProxy" || class.contains("WebSocket") && class.ends_with("Sampler")
        };
        let before = plan
            .items()
            .filter(asks)
            .find(|item| plan.counts_for(timer, *item));
        if let Some(sampler) = before {
            let what = format!(
                "it sends {} and what else is in its scope at its rate, whatever the server says; a Pace Timer (wsb) holds a rate for all threads \
                 together (wsb.pace.mode=fixed), or slows down when the server throttles (wsb.pace.mode=pace)",
                plan.name(sampler)
            );
            told.push(Entry::of(plan, timer, Outcome::Noted(what)));
        }
    }
}
