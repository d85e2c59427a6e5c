//! The kinds of limits, with what is asked for at each: one table for all who print of it.

use simulate::{Hint, Look, Storm};
use std::time::Duration;

/// A kind of limit, and how it refuses.
pub struct Kind {
    pub name: &'static str,
    pub limit: &'static str,
    pub look: Look,
    pub hint: Hint,
    /// The most that is asked for: multiple of the bound alone, the same with the gate, attempts with the gate.
    pub most: (f64, f64, f64),
}

const fn kind(
    name: &'static str,
    limit: &'static str,
    look: Look,
    hint: Hint,
    most: (f64, f64, f64),
) -> Kind {
    Kind {
        name,
        limit,
        look,
        hint,
        most,
    }
}

const BUCKET: (f64, f64, f64) = (1.8, 1.1, 1.1);
const HINTED: (f64, f64, f64) = (1.9, 1.3, 1.05);
const UNHINTED: (f64, f64, f64) = (2.3, 1.5, 1.1);
const COUNTED: (f64, f64, f64) = (4.0, 1.6, 1.1);
const HELD: (f64, f64, f64) = (2.0, 1.3, 1.3);
const R429: Look = Look::Status(429);
const R503: Look = Look::Status(503);

#[rustfmt::skip] // one kind a line
pub const KINDS: &[Kind] = &[
    kind("bucket10", "token-bucket rate=10 burst=20", R429, Hint::Seconds, BUCKET),
    kind("bucket10", "token-bucket rate=10 burst=20", R429, Hint::None, BUCKET),
    kind("bucket5", "token-bucket rate=5 burst=20", R503, Hint::None, BUCKET),
    kind("bucket5", "token-bucket rate=5 burst=20", R503, Hint::Seconds, BUCKET),
    kind("bucket5 reset", "token-bucket rate=5 burst=20", Look::Reset, Hint::None, BUCKET),
    kind("bucket5 silence", "token-bucket rate=5 burst=20", Look::Silence, Hint::None, BUCKET),
    kind("bucket5 accept", "token-bucket rate=5 burst=20", Look::AcceptAndClose(1013), Hint::None, BUCKET),
    kind("gcra 10", "token-bucket rate=10 burst=1", R429, Hint::None, BUCKET),
    kind("gcra 5", "token-bucket rate=5 burst=1", R429, Hint::Seconds, BUCKET),
    kind("leaky nginx", "token-bucket rate=5 burst=11", R503, Hint::None, BUCKET),
    kind("queue 10/20", "queue rate=10 burst=20", R503, Hint::None, BUCKET),
    kind("queue 10/400", "queue rate=10 burst=400", R503, Hint::None, BUCKET),
    kind("queue 5/400", "queue rate=5 burst=400", R503, Hint::None, BUCKET),
    kind("fixed 40/5 first hint", "fixed-window limit=40 window=5s", R429, Hint::Seconds, HINTED),
    kind("fixed 40/5 aligned hint", "fixed-window limit=40 window=5s clock=aligned offset=3s", R429, Hint::Seconds, HINTED),
    kind("fixed 100/60 hint", "fixed-window limit=100 window=60s", R429, Hint::Seconds, HINTED),
    kind("fixed 100/60 whole", "fixed-window limit=100 window=60s clock=aligned", R429, Hint::WholeWindow, HINTED),
    kind("fixed 30/10 hint", "fixed-window limit=30 window=10s", R429, Hint::Date, HINTED),
    kind("fixed 40/5 first", "fixed-window limit=40 window=5s", R429, Hint::None, UNHINTED),
    kind("fixed 40/5 aligned", "fixed-window limit=40 window=5s clock=aligned offset=3s", R429, Hint::None, UNHINTED),
    kind("fixed 41/4.096 al", "fixed-window limit=41 window=4096ms clock=aligned offset=1s", R429, Hint::None, UNHINTED),
    kind("fixed 120/60", "fixed-window limit=120 window=60s", R429, Hint::None, UNHINTED),
    kind("sliding 40/5", "sliding-window limit=40 window=5s", R429, Hint::None, UNHINTED),
    kind("sliding 40/5 hint", "sliding-window limit=40 window=5s", R429, Hint::Seconds, UNHINTED),
    kind("counter 40/5", "sliding-counter limit=40 window=5s offset=2s", R429, Hint::None, UNHINTED),
    kind("counter 40/5 hint", "sliding-counter limit=40 window=5s offset=2s", R429, Hint::WholeWindow, UNHINTED),
    kind("counts 50/10 hint", "sliding-window limit=50 window=10s reject-counts=true", R429, Hint::Seconds, COUNTED),
    kind("counts 50/10", "sliding-window limit=50 window=10s reject-counts=true", R429, Hint::None, COUNTED),
    kind("counts 50/10 reset", "sliding-window limit=50 window=10s reject-counts=true", Look::Reset, Hint::None, COUNTED),
    kind("counts 50/10 silence", "sliding-window limit=50 window=10s reject-counts=true", Look::Silence, Hint::None, COUNTED),
    kind("counts 45/9 hint", "sliding-window limit=45 window=9s reject-counts=true", R429, Hint::Seconds, COUNTED),
    kind("counts 20/4 hint", "sliding-window limit=20 window=4s reject-counts=true", R429, Hint::Seconds, COUNTED),
    kind("counts 20/4 whole", "sliding-window limit=20 window=4s reject-counts=true", R429, Hint::WholeWindow, COUNTED),
    kind("counts 20/4", "sliding-window limit=20 window=4s reject-counts=true", R429, Hint::None, COUNTED),
    kind("counts fixed 40/5", "fixed-window limit=40 window=5s reject-counts=true", R429, Hint::None, COUNTED),
    kind("counts bucket 10/20", "token-bucket rate=10 burst=20 reject-counts=true", R429, Hint::None, COUNTED),
    kind("counts counter 40/5", "sliding-counter limit=40 window=5s reject-counts=true", R429, Hint::None, COUNTED),
    kind("counter 40/4 in 3 s", "sliding-counter limit=40 window=4s", R429, Hint::Always(Duration::from_secs(3)), UNHINTED),
    kind("counts counter 60/5", "sliding-counter limit=60 window=5s reject-counts=true", Look::Silence, Hint::None, COUNTED),
    kind("counts counter 50/10", "sliding-counter limit=50 window=10s reject-counts=true", R429, Hint::Always(Duration::from_secs(3)), COUNTED),
    kind("concurrency 20", "concurrency limit=20", R503, Hint::None, HELD),
    kind("two", "token-bucket rate=20 burst=20 + fixed-window limit=100 window=30s", R429, Hint::Seconds, HINTED),
];

impl Kind {
    /// So many users of the default policy before it, without a gate.
    pub fn storm(&self, users: usize) -> Storm {
        let mut storm = Storm::new(self.limit.parse().expect("the table's limits are legal"), users);
        (storm.look, storm.hint) = (self.look, self.hint);
        // Windows lie on the clock as chance has it, but where users are told of a whole one: who obeys is later than the limit asks
        // for, in all that began before.
        if self.hint != Hint::WholeWindow {
            storm.clock = None;
        }
        storm.held = self
            .limit
            .contains("concurrency")
            .then_some(Duration::from_millis(1_500));
        storm
    }
}
