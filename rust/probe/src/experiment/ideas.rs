//! The experiments that could be done now, made to the measure of what each class of limits says.

use super::{Asked, Idea, Leg, Stage, Until, open_for, play};
use crate::TO_REST;
use crate::crowd::range;
use crate::history::NOTICED;
use crate::state::State;
use limiter::Decision;
use rand::RngExt;
use std::time::Duration;

/// Who fills a window makes so few tries first, and the others so much later, in windows: whether it slides shows when it opens.
const FIRST_ONES: u32 = 4;
const PAUSE: f64 = 0.3;
/// So long after the moment at which a model opens it is looked at.
const MARGIN: Duration = Duration::from_millis(10);

/// What is left open is used up first where it is no more than so many.
const FEW_TO_FILL: u32 = 12;
/// So many one behind the other tell a rate more closely than one way there and back does.
const TRAIN: u32 = 5;

/// What could be done now.
pub(super) fn ideas(asked: &[Asked], stage: &Stage, random: &mut impl RngExt) -> Vec<Idea> {
    let (now, held, close) = (stage.now, stage.held, stage.way.close());
    // As soon as it is likely to be open, not long after: where tokens come fast, that would tell nothing.
    let margin = stage.way.slack.min(MARGIN);
    let opens = asked
        .iter()
        .filter_map(|asked| opens_in(&asked.state, now))
        .collect();
    let at = spread(opens);
    let mut all = Vec::new();
    let mut idea = |legs: Vec<Leg>, purpose| {
        all.push(Idea {
            release: 0,
            legs,
            purpose,
        });
    };
    looks(&at, close, margin, &mut idea);
    count_refused(&at, close, margin, &mut idea);
    if let Some((fill, opens)) = filled(asked, stage) {
        let at = spread(opens);
        let mut behind = |legs: Vec<Leg>, purpose| idea([&[fill], &legs[..]].concat(), purpose);
        looks(&at, close, margin, &mut behind);
        count_refused(&at, close, margin, &mut behind);
    }
    let tokens = asked.iter().filter(|asked| asked.class.has_rate());
    let tokens: Vec<Duration> = tokens
        .map(|asked| Duration::from_secs_f64(1.0 / asked.scale))
        .collect();
    if !tokens.is_empty() {
        let token = spread(tokens);
        for share in [0.25, 0.5, 0.75] {
            let train = Leg::after(at(share), TRAIN, token(share).max(close), Until::Never);
            idea(vec![train], "how fast it lets in one after the other");
        }
    }
    for model in leaders(asked) {
        let open = at(0.9).mul_f64(1.02) + MARGIN;
        let alike = asked.iter().filter(|one| one.class == model.class);
        let scales = range(alike.map(|one| one.scale));
        model.series(open, close, Duration::from_secs_f64(scales.0), &mut idea);
        model.fill_and_watch(open, scales, close, random, &mut idea);
    }
    let places = || asked.iter().filter(|asked| asked.class.has_places());
    if held > 0 && places().next().is_some() {
        let count = held.div_ceil(2).min(3);
        // Where one gets free late, one has to look until then.
        let (least, most) = range(places().map(|asked| asked.scale));
        let middle = Duration::from_secs_f64((least.max(0.1) * most.max(0.1)).sqrt());
        all.push(Idea {
            release: count,
            legs: vec![Leg::after(NOTICED, 9, middle / 8, Until::Passed)],
            purpose: "when a place gets free",
        });
        all.push(Idea {
            release: count,
            legs: vec![Leg::after(NOTICED, count + 1, close, Until::Refused)],
            purpose: "whether a place gets free",
        });
    }
    distinct(all)
}

/// Where many models open at the same time, many ideas are the same.
fn distinct(all: Vec<Idea>) -> Vec<Idea> {
    let mut ideas: Vec<Idea> = Vec::new();
    for idea in all {
        if !ideas.contains(&idea) {
            ideas.push(idea);
        }
    }
    ideas
}

/// The times, by the share of them that are no later.
fn spread(mut times: Vec<Duration>) -> impl Fn(f64) -> Duration {
    times.sort_unstable();
    move |share| {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a share of its length
        let nth = (share * times.len().saturating_sub(1) as f64) as usize;
        times.get(nth).copied().unwrap_or_default()
    }
}

/// Tries that use up what is left, where most say that there is some, and how long from then on each says that it takes to open. Who
/// comes when it is open sees nothing of when it opened.
fn filled(asked: &[Asked], stage: &Stage) -> Option<(Leg, Vec<Duration>)> {
    let rated = || asked.iter().filter(|asked| !asked.class.has_places());
    let open = |asked: &&Asked| asked.state.look(stage.now).passed();
    let weight: f64 = rated().filter(open).map(|asked| asked.weight).sum();
    let most = rated().map(|asked| open_for(asked.state.clone(), stage.now));
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a small count
    let most = most.fold(0.0, f64::max) as u32;
    if weight < 0.5 || most > FEW_TO_FILL {
        return None;
    }
    let fill = Idea {
        release: 0,
        legs: vec![Leg::at_once(most + 2, stage.way.close(), Until::Refused)],
        purpose: "",
    };
    let opens = rated().filter_map(|asked| {
        let (_, state, at) = play(asked.state.clone(), &fill, stage.now, stage.way.round_trip);
        opens_in(&state, at)
    });
    let opens = opens.collect();
    Some((fill.legs[0], opens))
}

/// Refused ones now, and whether that puts the opening off.
fn count_refused(
    at: &impl Fn(f64) -> Duration,
    close: Duration,
    margin: Duration,
    idea: &mut impl FnMut(Vec<Leg>, &'static str),
) {
    for share in [0.5, 1.0] {
        let open = at(share).mul_f64(1.05) + margin;
        let gap = open / 5;
        idea(
            vec![
                Leg::after(gap, 4, gap, Until::Never),
                Leg::after(gap, 2, close, Until::Never),
            ],
            "whether refusals count",
        );
    }
}

/// Single looks, and series of them, when it may open.
fn looks(
    at: &impl Fn(f64) -> Duration,
    close: Duration,
    margin: Duration,
    idea: &mut impl FnMut(Vec<Leg>, &'static str),
) {
    for share in [0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0] {
        let wait = at(share) + margin;
        idea(
            vec![Leg::after(wait, 1, close, Until::Never)],
            "whether it is open again",
        );
        idea(
            vec![Leg::after(wait.mul_f64(1.03), 6, close, Until::Refused)],
            "how many it lets in again",
        );
    }
    for (from, to) in [(0.0, 0.5), (0.1, 0.9), (0.0, 1.0), (0.5, 1.0)] {
        let (from, to) = (at(from).mul_f64(0.98), at(to).mul_f64(1.02) + margin);
        for polls in [4, 8, 16] {
            let gap = (to.saturating_sub(from) / polls).max(close);
            let poll = Leg::after(from, polls + 1, gap, Until::Passed);
            idea(vec![poll], "when it opens");
            idea(
                vec![poll, Leg::after(close, 6, close, Until::Refused)],
                "when it opens, and for how many",
            );
        }
    }
}

/// One model of each class.
fn leaders(asked: &[Asked]) -> Vec<&Asked> {
    let mut leaders: Vec<&Asked> = Vec::new();
    for one in asked {
        if leaders.iter().all(|other| other.class != one.class) {
            leaders.push(one);
        }
    }
    leaders
}

impl Asked {
    /// A few now, the others later until it is full, then looks until it opens, and how many it lets in then. At moments by chance: what is
    /// repeated in the same measure can be in step with a window.
    fn fill_and_watch(
        &self,
        open: Duration,
        (least, most): (f64, f64),
        close: Duration,
        random: &mut impl RngExt,
        idea: &mut impl FnMut(Vec<Leg>, &'static str),
    ) {
        if self.class.has_rate() || self.class.has_places() {
            return;
        }
        for polls in [4, 8, 16] {
            let few = 0.1 + 0.3 * random.random::<f64>();
            let later = Duration::from_secs_f64(least * (0.15 + 0.5 * random.random::<f64>()));
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // counts of tries
            let part = |share: f64| (self.count * share).ceil().max(1.0) as u32;
            // Not always as soon as it opens: that would be in step with windows that begin by themselves.
            let open = open
                + Duration::from_secs_f64(most * random.random_range(0..2) as f64 * random.random::<f64>());
            let from = Duration::from_secs_f64(least * 0.98).saturating_sub(later);
            let to = Duration::from_secs_f64(most * 1.02).saturating_sub(later);
            idea(
                vec![
                    Leg::after(open, part(few), close, Until::Refused),
                    Leg::after(later, part(1.0 - few) + 2, close, Until::Refused),
                    Leg::after(from, polls + 1, (to - from) / polls, Until::Passed),
                    Leg::after(close, part(few) + 3, close, Until::Refused),
                ],
                "whether the window slides, and when it opens",
            );
        }
    }

    /// Longer experiments, made to its measure; no window of its class is shorter than `least`.
    fn series(
        &self,
        open: Duration,
        close: Duration,
        least: Duration,
        idea: &mut impl FnMut(Vec<Leg>, &'static str),
    ) {
        if self.class.has_places() {
            return;
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // counts of tries
        let part = |share: f64| (self.count * share).ceil().max(1.0) as u32;
        if self.class.has_rate() {
            idea(
                vec![Leg::after(
                    self.rest.mul_f64(TO_REST),
                    part(1.2) + 2,
                    close,
                    Until::Refused,
                )],
                "how many it lets in after a rest",
            );
            let refill = Duration::from_secs_f64((self.count.min(12.0) / self.scale).min(600.0));
            for share in [0.3, 1.0] {
                let wait = open + refill.mul_f64(share);
                idea(
                    vec![Leg::after(wait, part(1.0) + 2, close, Until::Refused)],
                    "how much came back meanwhile",
                );
            }
            return;
        }
        let window = Duration::from_secs_f64(self.scale);
        let fill = |wait: Duration, all: u32| {
            if self.count <= f64::from(FIRST_ONES) {
                return vec![Leg::after(wait, all, close, Until::Refused)];
            }
            let few = part(0.25).min(FIRST_ONES);
            vec![
                Leg::after(wait, few, close, Until::Refused),
                Leg::after(least.mul_f64(PAUSE), all - few, close, Until::Refused),
            ]
        };
        idea(fill(open, part(1.0) + 2), "how many it lets in again");
        idea(
            fill(self.rest.mul_f64(TO_REST), part(1.2) + 2),
            "how many it lets in after a rest",
        );
        // A few now, the others a good while later, and a look when the first ones are over: one by one, or all at once?
        let later = window.mul_f64(0.4);
        for few in [0.1, 0.25] {
            idea(
                vec![
                    Leg::after(open, part(few), close, Until::Refused),
                    Leg::after(later, part(1.0 - few) + 2, close, Until::Refused),
                    Leg::after(window.mul_f64(0.66), part(few) + 3, close, Until::Refused),
                ],
                "whether the window slides",
            );
        }
        // The same from where it stands, without waiting for an opening of all.
        for wait in [0.5, 0.8, 1.1] {
            idea(
                vec![
                    Leg::after(window.mul_f64(wait), part(0.15) + 1, close, Until::Refused),
                    Leg::after(window.mul_f64(0.3), part(0.15) + 1, close, Until::Refused),
                ],
                "how the window opens",
            );
        }
    }
}

/// How long until a try would be let in; `None`: nobody knows.
fn opens_in(state: &State, now: Duration) -> Option<Duration> {
    match state.look(now) {
        Decision::Reject { retry_in } => retry_in,
        Decision::Pass | Decision::PassLate { .. } => Some(Duration::ZERO),
    }
}
