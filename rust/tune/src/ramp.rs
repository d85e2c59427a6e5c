//! The ramp-up that needs no retry at all: the shortest one at which nobody is refused.

use crate::answer::{Kind, Setting};
use crate::search::Search;
use simulate::Habit;
use std::time::Duration;

/// No test wants a longer one, in seconds.
const LONGEST: u64 = 24 * 3_600;

/// Nobody is refused in any storm; `Some(None)`: not even over a day.
#[allow(clippy::option_option)] // the outer one is the stop of the search
pub(crate) fn calm(search: &mut Search<'_>) -> Option<Option<Setting>> {
    let mut too_short = None;
    let mut enough = search.question.storm.ramp.as_secs().max(1);
    while refused(search, enough)? {
        too_short = Some(enough);
        if enough >= LONGEST {
            return Some(None);
        }
        enough = (2 * enough).min(LONGEST);
    }
    let mut least = too_short.unwrap_or(0);
    while least + 1 < enough {
        let middle = u64::midpoint(least, enough);
        if refused(search, middle)? {
            least = middle;
        } else {
            enough = middle;
        }
    }
    let ramp = Duration::from_secs(enough);
    search.measured(Kind::Calm, Habit::default(), ramp).map(Some)
}

/// Whether anybody is refused who starts in so many seconds: JMeter knows whole ones only.
fn refused(search: &mut Search<'_>, seconds: u64) -> Option<bool> {
    // The first refusals of most ramps that are too short show in the first storm.
    for seeds in [1, search.question.seeds] {
        let figures = search.figures(&Habit::default(), Duration::from_secs(seconds), seeds)?;
        if figures.refused.most > 0.0 || figures.lost.most > 0.0 {
            return Some(true);
        }
    }
    Some(false)
}
