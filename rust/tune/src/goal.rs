//! What is best: one number for what came of some storms.

use simulate::Figures;
use std::fmt;
use std::str::FromStr;

/// What is best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Goal {
    /// All in as soon as possible.
    #[default]
    Soonest,
    /// As few attempts as possible.
    FewestAttempts,
    /// As even a stream of attempts as possible, without taking much longer.
    Steady,
}

impl Goal {
    /// The words of all.
    pub const NAMES: [&'static str; 3] = ["soonest", "fewest-attempts", "steady"];
    const ALL: [Self; 3] = [Self::Soonest, Self::FewestAttempts, Self::Steady];

    /// The less the better. Whoever is lost weighs more than all else; what the goal does not ask for still decides between equals.
    pub(crate) fn cost(self, figures: &Figures) -> f64 {
        let bound = figures.bound.map_or(1.0, |bound| bound.mean).max(1.0);
        let time = figures.makespan.mean / bound;
        let attempts = figures.attempts_per_user.mean;
        let users = figures.users.max(1) as f64;
        // As many as there would be in the busiest second, were they spread evenly over the shortest time.
        let peak = figures.peak.mean * bound / users;
        let lost = 1e3 * figures.lost.mean / users;
        lost + match self {
            Self::Soonest => time + 0.02 * attempts,
            Self::FewestAttempts => attempts + 0.02 * time,
            Self::Steady => 0.2 * peak + time + 0.1 * attempts,
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(Self::NAMES[*self as usize])
    }
}

impl FromStr for Goal {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let place = Self::NAMES.iter().position(|name| *name == text);
        place
            .map(|place| Self::ALL[place])
            .ok_or_else(|| format!("allowed are {}", Self::NAMES.join(", ")))
    }
}
