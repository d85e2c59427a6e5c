//! What gates said of themselves over time: their rate, and how many waited.

use trace::GateRecord;

use crate::bins::{Bins, Merge};
use crate::spread::Spread;

/// A gate's figures in a moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Look {
    rates: f64,
    looks: u64,
    /// The longest queue that was seen.
    pub(crate) queue: u64,
}

impl Look {
    /// Turns a second, the mean of what was seen.
    pub(crate) fn rate(&self) -> Option<f64> {
        (self.looks > 0).then(|| self.rates / self.looks as f64)
    }
}

impl Merge for Look {
    fn merge(&mut self, other: &Self) {
        self.rates += other.rates;
        self.looks += other.looks;
        self.queue = self.queue.max(other.queue);
    }
}

/// All gates of a run.
#[derive(Debug, Default)]
pub(crate) struct Gates {
    pub(crate) looks: Bins<Look>,
    pub(crate) waits: Spread,
}

impl Gates {
    pub(crate) fn take(&mut self, at: u64, gate: &GateRecord<'_>) {
        let look = self.looks.at(at);
        if let Some(rate) = gate.rate.filter(|rate| rate.is_finite()) {
            look.rates += rate;
            look.looks += 1;
        }
        look.queue = look.queue.max(gate.queue);
        self.waits.add_ms(gate.waited_ms);
    }
}
