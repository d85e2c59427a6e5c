//! The kinds of limits that tries can tell from each other, and what is true of each whatever its figures.

/// A kind of limit, as far as tries can tell it from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Token bucket.
    Bucket,
    /// Fixed window that begins with the first try after the last one.
    Fixed,
    /// Fixed window on the clock.
    Aligned,
    /// Sliding window log.
    Sliding,
    /// Sliding window counter.
    Counter,
    /// Queue that delays.
    Queue,
    /// So many at a time.
    Concurrency,
    /// Token bucket from which refusals take, too.
    BucketCounts,
    /// Fixed window that each refusal renews.
    FixedCounts,
    /// Sliding window in which refusals count.
    SlidingCounts,
    /// Sliding window counter in which refusals count.
    CounterCounts,
    /// Window after which whoever was refused once is refused for a time.
    Blocks,
    /// The same, where each try meanwhile puts the end off.
    BlocksAnew,
    /// So many at a time, where a place gets free a good while after its connection was closed.
    Late,
    /// Token bucket from which refusals take even when it is empty, as Jetty's: two tokens have to come before the next one is let in.
    Drips,
}

impl Class {
    /// All of them, the simplest first.
    pub const ALL: [Class; 15] = [
        Class::Bucket,
        Class::Fixed,
        Class::Sliding,
        Class::Aligned,
        Class::Counter,
        Class::Concurrency,
        Class::Queue,
        Class::SlidingCounts,
        Class::FixedCounts,
        Class::BucketCounts,
        Class::CounterCounts,
        Class::Late,
        Class::Blocks,
        Class::BlocksAnew,
        Class::Drips,
    ];

    /// Whether whoever was refused is refused for a time.
    #[must_use]
    pub fn blocks(self) -> bool {
        matches!(self, Class::Blocks | Class::BlocksAnew)
    }

    /// Few servers do so.
    pub(crate) fn is_rare(self) -> bool {
        self.blocks() || matches!(self, Class::Late | Class::Drips)
    }

    /// Whether refusals count in it.
    #[must_use]
    pub fn refusals_count(self) -> bool {
        use Class::{BlocksAnew, BucketCounts, CounterCounts, Drips, FixedCounts, SlidingCounts};
        matches!(
            self,
            BlocksAnew | BucketCounts | CounterCounts | Drips | FixedCounts | SlidingCounts
        )
    }

    /// The one that stands for its kind: on whose clock windows begin is a figure, and so is how much a refusal takes.
    pub(crate) fn kind(self) -> Class {
        match self {
            Class::Aligned => Class::Fixed,
            Class::Drips => Class::BucketCounts,
            other => other,
        }
    }

    /// The one that does the same once somebody was refused: a window that each refusal renews is a block that each puts off.
    pub(crate) fn once_refused(self) -> Class {
        if self == Class::BlocksAnew {
            Class::FixedCounts
        } else {
            self.kind()
        }
    }

    /// Its windows lie on a clock that is not ours.
    pub(crate) fn is_on_a_clock(self) -> bool {
        matches!(self, Class::Aligned | Class::Counter | Class::CounterCounts)
    }

    /// It reckons with what came in the window that is open and in the one before it.
    pub(crate) fn has_two_counters(self) -> bool {
        matches!(self, Class::Counter | Class::CounterCounts)
    }

    /// It hangs on how many connections are open.
    pub(crate) fn has_places(self) -> bool {
        matches!(self, Class::Concurrency | Class::Late)
    }

    /// Its second figure is a rate, not a window.
    pub(crate) fn has_rate(self) -> bool {
        matches!(
            self,
            Class::Bucket | Class::BucketCounts | Class::Drips | Class::Queue
        )
    }

    /// The least count that makes it another limit than a simpler one: a window of one is a bucket of one, whatever it does as it ends.
    pub(crate) fn least(self) -> f64 {
        match self {
            Class::Fixed | Class::FixedCounts | Class::Sliding | Class::SlidingCounts => 2.0,
            // One in which nobody waits is a bucket of one.
            _ => 1.0,
        }
    }
}
