//! Several storms as figures for people: each with its mean and how far it spreads from storm to storm.

use crate::outcome::Outcome;
use std::time::Duration;

/// A figure over several storms.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The standard deviation from storm to storm; 0 of a single one.
    pub deviation: f64,
    /// The least.
    pub least: f64,
    /// The most.
    pub most: f64,
}

impl Spread {
    /// Of these; zeros of nothing.
    #[must_use]
    pub fn of(values: &[f64]) -> Self {
        let count = values.len() as f64;
        if values.is_empty() {
            return Self::default();
        }
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Self {
            mean,
            deviation: (squares / (count - 1.0).max(1.0)).sqrt(),
            least: values.iter().copied().fold(f64::INFINITY, f64::min),
            most: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        }
    }
}

/// What came of several storms of the same kind. Times in seconds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Figures {
    /// How many storms.
    pub storms: usize,
    /// Users of each.
    pub users: usize,
    /// Users that gave up, or still tried when the storm was over.
    pub lost: Spread,
    /// Of those, users that still tried when the storm was over.
    pub trying: Spread,
    /// When the last one got in, of those that did.
    pub makespan: Spread,
    /// The least that the limit and the starts ask for; `None` where nobody knows in one of the storms.
    pub bound: Option<Spread>,
    /// The makespan as a multiple of the bound; `None` where there is none, it is nothing, or somebody is lost.
    pub times_bound: Option<Spread>,
    /// Of all users, lost or not.
    pub attempts_per_user: Spread,
    /// Attempts that the server refused, or did not answer in time.
    pub refused: Spread,
    /// From a user's start until it is in, of those who are: the time that half of them did not exceed.
    pub median: Spread,
    /// That 95 % did not exceed.
    pub p95: Spread,
    /// The longest.
    pub longest: Spread,
    /// The most attempts that reached the server in one second.
    pub peak: Spread,
}

impl Figures {
    /// Of these storms.
    #[must_use]
    pub fn of(outcomes: &[Outcome]) -> Self {
        let spread =
            |figure: &dyn Fn(&Outcome) -> f64| Spread::of(&outcomes.iter().map(figure).collect::<Vec<_>>());
        let known = |figure: &dyn Fn(&Outcome) -> Option<f64>| {
            let values: Option<Vec<f64>> = outcomes.iter().map(figure).collect();
            values
                .filter(|values| !values.is_empty())
                .map(|values| Spread::of(&values))
        };
        let seconds = |time: Duration| time.as_secs_f64();
        Self {
            storms: outcomes.len(),
            users: outcomes.first().map_or(0, |one| one.times.len() + one.lost()),
            lost: spread(&|one| one.lost() as f64),
            trying: spread(&|one| one.gave_up.iter().filter(|why| why.is_none()).count() as f64),
            makespan: spread(&|one| seconds(one.makespan)),
            bound: known(&|one| one.bound.map(seconds)),
            times_bound: known(&|one| Some(one.times_bound()).filter(|times| times.is_finite())),
            attempts_per_user: spread(&Outcome::attempts_per_user),
            refused: spread(&|one| (one.attempts - one.times.len() as u64) as f64),
            median: spread(&|one| seconds(one.percentile(0.5))),
            p95: spread(&|one| seconds(one.percentile(0.95))),
            longest: spread(&|one| seconds(one.percentile(1.0))),
            peak: spread(&|one| f64::from(one.peak)),
        }
    }
}

impl Figures {
    /// The same as multiples of another bound, in seconds: that of a storm which these are compared with.
    #[must_use]
    pub fn against(mut self, bound: f64) -> Self {
        let times = |value: f64| value / bound;
        let Spread {
            mean,
            deviation,
            least,
            most,
        } = self.makespan;
        self.bound = Some(Spread::of(&[bound]));
        self.times_bound = (self.lost.most == 0.0 && bound > 0.0).then(|| Spread {
            mean: times(mean),
            deviation: times(deviation),
            least: times(least),
            most: times(most),
        });
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_mean_deviation_and_ends() {
        let spread = Spread::of(&[2.0, 4.0, 6.0]);
        assert_eq!((spread.mean, spread.deviation), (4.0, 2.0));
        assert_eq!((spread.least, spread.most), (2.0, 6.0));
        assert_eq!(Spread::of(&[3.0]).deviation, 0.0);
        assert_eq!(Spread::of(&[]), Spread::default());
    }
}
