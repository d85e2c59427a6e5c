//! The picture of storms: users connected over time, and attempts a second, a line for each way to try.

use charts::{Axis, Chart, Series, Tone};
use simulate::{Answer, Habit, Storm};

/// Height of the upper and of the lower half, in pixels.
const HALVES: (u32, u32) = (360, 260);
const WIDTH: u32 = 860;

/// One storm as it went, in seconds.
pub(crate) struct Course {
    name: String,
    connected: Vec<f64>,
    attempts: Vec<f64>,
}

impl Course {
    /// The storm of the first seed.
    pub(crate) fn of(storm: &Storm, habit: &Habit, name: String) -> Self {
        let (mut connected, mut attempts) = (Vec::new(), Vec::new());
        let storm = storm.clone().of(habit).to_its_end();
        let _ = storm.run_watched(0, &mut |attempt| {
            attempts.push(attempt.sent.as_secs_f64());
            if attempt.answer == Answer::In {
                connected.push(attempt.answered.as_secs_f64());
            }
        });
        attempts.sort_unstable_by(f64::total_cmp);
        Self {
            name,
            connected,
            attempts,
        }
    }

    fn steps(&self, tone: Tone) -> Series {
        let begin = std::iter::once((0.0, 0.0));
        let steps = (1..).zip(&self.connected).map(|(nth, at)| (*at, f64::from(nth)));
        Series::steps(&self.name, tone, begin.chain(steps))
    }

    /// As many as in each second, from its begin on.
    fn rate(&self, tone: Tone, seconds: u32) -> Series {
        let mut counts = vec![0_u32; seconds as usize + 1];
        for at in &self.attempts {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            // the seconds are counted by the last of them
            let second = *at as usize;
            counts[second.min(seconds as usize)] += 1;
        }
        Series::steps(
            "",
            tone,
            (0..)
                .zip(counts)
                .map(|(second, count): (u32, u32)| (f64::from(second), f64::from(count))),
        )
    }
}

/// The picture as the text of an SVG file.
pub(crate) fn draw(title: &str, about: &str, users: usize, courses: &[Course]) -> String {
    let last = |times: &[f64]| times.last().copied().unwrap_or_default();
    let ends = courses
        .iter()
        .map(|course| last(&course.connected).max(last(&course.attempts)));
    let end = ends.fold(1.0, f64::max).min(f64::from(u32::MAX)).ceil();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // just cut to it
    let seconds = end as u32;
    let chart = |title: &str, up: &str| {
        Chart::new(title)
            .across(Axis::linear("seconds since the first start").within(0.0, end))
            .up(Axis::linear(up))
    };
    let mut upper = chart(title, "users connected")
        .about(about)
        .size(WIDTH, HALVES.0)
        .level(users as f64, &format!("all {users} users"));
    let mut lower = chart("", "attempts a second").size(WIDTH, HALVES.1);
    for (nth, course) in courses.iter().enumerate() {
        let tone = Tone::of_series(nth);
        upper = upper.with(course.steps(tone));
        lower = lower.with(course.rate(tone, seconds));
    }
    let below = lower
        .draw()
        .inline()
        .replacen("<svg ", &format!("<svg y=\"{}\" ", HALVES.0), 1);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{}\">\n{}\n{below}\n</svg>\n",
        HALVES.0 + HALVES.1,
        upper.draw().document(),
    )
}
