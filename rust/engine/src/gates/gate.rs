//! The shared gate at work: `backoff::Pacer` with a clock and a timer, one for all users of a quota, and each user's place in it.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use backoff::{LockedOut, Pacer, PacerMode, PacerSettings, PacerState, Refusal, Stream, Ticket};
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep_until};

use super::crowd::Crowd;
use super::shelf::Shelf;
use crate::locks::{Mutex, MutexGuard};

/// The gates of a test, by the quota that they stand before.
#[derive(Debug, Default)]
pub struct Gates {
    by_key: Mutex<Shelf<Gate>>,
    /// Those who try at each quota, whether they want a gate or not.
    crowds: Mutex<Shelf<Crowd>>,
}

impl Gates {
    /// The gate of a key; the first to ask makes it.
    ///
    /// # Errors
    /// The settings of the gate that is there, when they are others.
    pub fn get(&self, key: &str, settings: PacerSettings) -> Result<Arc<Gate>, PacerSettings> {
        let mut gates = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        let gate = gates.get(key, || Gate::new(settings));
        if gate.settings == settings {
            Ok(gate)
        } else {
            Err(gate.settings)
        }
    }

    /// Those who try at the quota of a key; the first to ask makes them.
    pub fn crowd(&self, key: &str) -> Arc<Crowd> {
        let mut crowds = self.crowds.lock().unwrap_or_else(PoisonError::into_inner);
        crowds.get(key, Crowd::default)
    }

    /// What all gates do at the moment, each behind its key, in order.
    pub fn figures(&self) -> Vec<(String, PacerState)> {
        let shelf = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        let gates: Vec<_> = shelf
            .all()
            .map(|(key, gate)| (key.to_owned(), gate.clone()))
            .collect();
        drop(shelf);
        let figures = gates.into_iter().map(|(key, gate)| (key, gate.figures()));
        let mut figures: Vec<_> = figures.collect();
        figures.sort_by(|one, other| one.0.cmp(&other.0));
        figures
    }

    /// The end of a test: the next one finds gates that know nothing.
    pub fn clear(&self) {
        self.crowds.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.by_key.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// One quota's gate.
#[derive(Debug)]
pub struct Gate {
    settings: PacerSettings,
    start: Instant,
    state: Mutex<State>,
    /// The next turn is sooner than the one that is waited for.
    sooner: Notify,
}

#[derive(Debug)]
struct State {
    pacer: Pacer,
    /// How to tell a waiter that its turn has come.
    waiting: HashMap<Ticket, oneshot::Sender<()>>,
    /// The moment that the gate's one task waits for, since the gate's start; `None`: there is no task.
    deadline: Option<Duration>,
}

impl State {
    /// Whether the task must be told of a change. A turn that has moved away, or is gone, it finds out by itself at the moment
    /// that it waits for: thousands who give up, or refusals in a bunch, wake nobody.
    fn is_sooner(&self) -> bool {
        let next = self.pacer.ready();
        next.is_some_and(|turn| self.deadline.is_some_and(|deadline| turn.at < deadline))
    }
}

impl Gate {
    fn new(settings: PacerSettings) -> Self {
        Gate::of(settings, Pacer::new(settings))
    }

    /// Of `pace`, for those who locked each other out.
    pub(super) fn closed(found: &LockedOut, hint: Option<Duration>) -> Self {
        let settings = PacerSettings::of(PacerMode::Pace);
        Gate::of(settings, Pacer::closed(settings, Duration::ZERO, found, hint))
    }

    fn of(settings: PacerSettings, pacer: Pacer) -> Self {
        let state = State {
            pacer,
            waiting: HashMap::new(),
            deadline: None,
        };
        Gate {
            settings,
            start: Instant::now(),
            state: Mutex::new(state),
            sooner: Notify::new(),
        }
    }

    /// What the gate does.
    pub fn mode(&self) -> PacerMode {
        self.settings.mode
    }

    /// Its figures now.
    pub fn figures(&self) -> PacerState {
        self.lock().pacer.state(self.now())
    }

    /// A user's place, not in the queue yet; `seed` makes what it draws repeat.
    pub fn place(self: &Arc<Self>, seed: Option<u64>) -> Place {
        // Not the stream that the policy draws from: equal numbers in both would bind waits to gaps.
        let stream = Stream::new(seed.map(|seed| backoff::stream_seed(seed, "gate", 0)));
        Place {
            gate: self.clone(),
            stream,
            ticket: None,
        }
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Hands out turns as they come due, until nobody waits: the one timer of all who do.
    async fn drive(self: Arc<Self>) {
        loop {
            let Some(at) = self.hand_out() else { return };
            // The longest hold is bounded, so the sum cannot run over.
            let due = sleep_until(self.start + at);
            tokio::select! {
                () = due => {}
                () = self.sooner.notified() => {}
            }
        }
    }

    /// Tells those whose turn it is; the moment of the next turn, or `None` when nobody waits any more.
    fn hand_out(&self) -> Option<Duration> {
        let mut state = self.lock();
        while let Some(ticket) = state.pacer.take(self.now()) {
            if let Some(turn) = state.waiting.remove(&ticket) {
                // Whoever went away in this instant loses its turn; the others do not notice.
                let _ = turn.send(());
            }
        }
        state.deadline = state.pacer.ready().map(|turn| turn.at);
        state.deadline
    }

    /// Makes a change, and tells the task if the next turn comes sooner by it.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let done = change(&mut state);
        let sooner = state.is_sooner();
        drop(state);
        if sooner {
            self.sooner.notify_one();
        }
        done
    }

    // Every change under the lock is whole before anything can panic.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connect's place at a gate, kept over all its attempts. Dropping it gives the place up.
#[derive(Debug)]
pub struct Place {
    gate: Arc<Gate>,
    stream: Stream,
    ticket: Option<Ticket>,
}

impl Place {
    /// Waits for this user's turn; needs a tokio runtime. The attempt must start at once when it returns. `not_before`: by the
    /// user's own backoff, which the gate asks for where only this user is refused.
    ///
    /// Cancel safe: dropping it leaves the queue at the next [`Place::turn`] or with the place.
    pub async fn turn(&mut self, not_before: Instant) {
        let not_before = not_before.saturating_duration_since(self.gate.start);
        let (turn, told) = oneshot::channel();
        let unit = self.stream.unit();
        let old = self.ticket;
        let (ticket, starts) = self.gate.change(|state| {
            let ticket = match old {
                Some(ticket) => {
                    state.pacer.again(ticket, unit, not_before);
                    ticket
                }
                None => state.pacer.enter(unit),
            };
            state.waiting.insert(ticket, turn);
            let starts = state.deadline.is_none();
            // The task looks at once; until then nobody needs to tell it anything.
            state.deadline.get_or_insert(Duration::ZERO);
            (ticket, starts)
        });
        self.ticket = Some(ticket);
        if starts {
            tokio::spawn(self.gate.clone().drive());
        }
        // An error would mean that the runtime ends, and then the call is cancelled too.
        let _ = told.await;
    }

    /// The attempt that just began ends after `limit`, even without an answer.
    pub fn answers_by(&mut self, limit: Duration) {
        if let Some(ticket) = self.ticket {
            self.gate.change(|state| state.pacer.answers_by(ticket, limit));
        }
    }

    /// The server let this user in.
    pub fn passed(&mut self) {
        let now = self.gate.now();
        if let Some(ticket) = self.ticket {
            self.gate.change(|state| state.pacer.passed(now, ticket));
        }
    }

    /// An attempt of this user failed; what that says of the quota, the gate decides.
    pub fn refused(&mut self, refusal: &Refusal) {
        let now = self.gate.now();
        if let Some(ticket) = self.ticket {
            self.gate
                .change(|state| state.pacer.refused(now, ticket, refusal));
        }
    }

    /// Gives the place up: the next turn is waited for at the end of the queue.
    pub fn give_up(&mut self) {
        let Some(ticket) = self.ticket.take() else { return };
        self.gate.change(|state| {
            if state.pacer.leave(ticket) {
                state.waiting.remove(&ticket);
            }
        });
    }

    /// The gate.
    pub fn gate(&self) -> &Gate {
        &self.gate
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.give_up();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use backoff::Class;
    use tokio::time::{advance, timeout};

    fn throttle(hint: Option<Duration>) -> Refusal {
        Refusal {
            class: Class::Throttle,
            form: backoff::Form::Status(429),
            hint,
        }
    }

    /// One comes, is refused and goes.
    async fn refuse_one(gate: &Arc<Gate>, hint: Duration) {
        let mut place = gate.place(Some(0));
        place.turn(Instant::now()).await;
        place.refused(&throttle(Some(hint)));
    }

    fn gate(mode: PacerMode, rate: f64) -> Arc<Gate> {
        Arc::new(Gate::new(PacerSettings {
            rate,
            ..PacerSettings::of(mode)
        }))
    }

    #[tokio::test(start_paused = true)]
    async fn turns_come_in_the_order_of_the_first_wait_at_the_rate() {
        let gate = gate(PacerMode::Pace, 10.0);
        let begun = Instant::now();
        let (ends, mut ended) = tokio::sync::mpsc::unbounded_channel();
        for user in 0..50 {
            let mut place = gate.place(Some(user));
            let ends = ends.clone();
            tokio::spawn(async move {
                place.turn(Instant::now()).await;
                ends.send(user).unwrap();
            });
            // Each is in the queue before the next one comes.
            tokio::task::yield_now().await;
        }
        for user in 0..50 {
            assert_eq!(ended.recv().await, Some(user));
        }
        let took = begun.elapsed().as_secs_f64();
        assert!((4.0..6.0).contains(&took), "49 gaps of 0.1 s on average: {took}");
        assert_eq!(gate.figures().queue, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_blocks_nobody() {
        let gate = gate(PacerMode::Pace, 1.0);
        let mut first = gate.place(Some(1));
        first.turn(Instant::now()).await;
        first.refused(&throttle(Some(Duration::from_secs(5))));
        let mut gone = gate.place(Some(2));
        assert!(
            timeout(Duration::from_secs(1), gone.turn(Instant::now()))
                .await
                .is_err(),
            "nobody goes while the hint holds"
        );
        assert_eq!(gate.figures().queue, 1);
        drop(gone);
        assert_eq!(gate.figures().queue, 0);
        let begun = Instant::now();
        first.turn(Instant::now()).await;
        assert!(begun.elapsed() >= Duration::from_secs(4), "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_is_left_goes_at_the_moment_that_the_gate_names_sooner_or_later() {
        let (mut sooner, mut later) = (0, 0);
        for seed in 0..20 {
            let gate = Arc::new(Gate::new(PacerSettings {
                spread: Duration::from_secs(60),
                ..PacerSettings::of(PacerMode::Pause)
            }));
            refuse_one(&gate, Duration::from_secs(1)).await;
            let mut first = gate.place(Some(seed));
            assert!(
                timeout(Duration::from_millis(1), first.turn(Instant::now()))
                    .await
                    .is_err(),
                "held"
            );
            let second = tokio::spawn({
                let mut place = gate.place(Some(seed + 1_000));
                async move {
                    place.turn(Instant::now()).await;
                    place.gate.now()
                }
            });
            tokio::task::yield_now().await;
            let due = || gate.lock().pacer.ready().map(|turn| turn.at);
            let before = due();
            drop(first);
            let after = due();
            sooner += usize::from(after < before);
            later += usize::from(after > before);
            let late = second.await.unwrap() - after.unwrap();
            assert!(late <= Duration::from_millis(2), "{late:?} after {after:?}");
        }
        assert!(sooner > 0 && later > 0, "{sooner} {later}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_after_all_have_left_goes_when_the_hint_is_over() {
        let gate = gate(PacerMode::Pace, 10.0);
        refuse_one(&gate, Duration::from_secs(5)).await;
        let mut all: Vec<Place> = (0..10).map(|user| gate.place(Some(user))).collect();
        for place in &mut all {
            assert!(
                timeout(Duration::from_millis(10), place.turn(Instant::now()))
                    .await
                    .is_err()
            );
        }
        drop(all);
        let mut next = gate.place(Some(100));
        next.turn(Instant::now()).await;
        let came = gate.now();
        assert!(
            came >= Duration::from_secs(5) && came < Duration::from_millis(5_010),
            "{came:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_hint_holds_all_and_its_end_lets_another_one_go_first() {
        let gate = gate(PacerMode::Pace, 50.0);
        let mut refused = gate.place(Some(1));
        refused.turn(Instant::now()).await;
        let waits = tokio::spawn({
            let mut later = gate.place(Some(2));
            async move {
                later.turn(Instant::now()).await;
                later.passed();
                Instant::now()
            }
        });
        tokio::task::yield_now().await;
        refused.refused(&throttle(Some(Duration::from_secs(3))));
        let begun = Instant::now();
        refused.turn(Instant::now()).await;
        let (first, second) = (waits.await.unwrap(), Instant::now());
        assert!(first - begun >= Duration::from_secs(3) - Duration::from_millis(50));
        assert!(second >= first && second - first < Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn observing_holds_nobody() {
        let gate = gate(PacerMode::Observe, 1.0);
        let begun = Instant::now();
        for user in 0..100 {
            let mut place = gate.place(Some(user));
            place.turn(Instant::now()).await;
            place.refused(&throttle(Some(Duration::from_secs(60))));
        }
        assert_eq!(begun.elapsed(), Duration::ZERO);
        assert!(gate.figures().rate.unwrap() < 1.0, "but it learns");
        advance(Duration::from_secs(1)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn one_gate_a_key_and_no_second_kind_of_it() {
        let gates = Gates::default();
        let settings = PacerSettings::of(PacerMode::Pace);
        let first = gates.get("a", settings).unwrap();
        assert!(Arc::ptr_eq(&first, &gates.get("a", settings).unwrap()));
        assert!(!Arc::ptr_eq(&first, &gates.get("b", settings).unwrap()));
        assert_eq!(
            gates.get("a", PacerSettings::of(PacerMode::Pause)).unwrap_err(),
            settings
        );
        gates.clear();
        assert!(!Arc::ptr_eq(&first, &gates.get("a", settings).unwrap()));
    }

    #[tokio::test(start_paused = true)]
    async fn five_thousand_go_in_the_order_in_which_they_came() {
        let gate = Arc::new(Gate::new(PacerSettings {
            rate: 100_000.0,
            max_rate: 100_000.0,
            ..PacerSettings::of(PacerMode::Pace)
        }));
        let mut first = gate.place(Some(0));
        first.turn(Instant::now()).await;
        first.refused(&throttle(Some(Duration::from_secs(3))));
        let (ends, mut ended) = tokio::sync::mpsc::unbounded_channel();
        for user in 1..=5_000 {
            let mut place = gate.place(Some(user));
            let ends = ends.clone();
            tokio::spawn(async move {
                place.turn(Instant::now()).await;
                ends.send(user).unwrap();
            });
            tokio::task::yield_now().await;
        }
        assert_eq!(gate.figures().queue, 5_000);
        for user in 1..=5_000 {
            assert_eq!(ended.recv().await, Some(user));
        }
    }

    fn fixed(rate: f64, burst: u64) -> Arc<Gate> {
        Arc::new(Gate::new(PacerSettings::fixed(rate, burst)))
    }

    /// As a timer does for each sample.
    async fn one_turn(gate: &Arc<Gate>) {
        gate.place(Some(0)).turn(Instant::now()).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_goes_at_once_and_the_rest_at_the_rate() {
        let cases: &[(f64, u64, u64, f64)] = &[
            (10.0, 1, 21, 2.0),
            (10.0, 5, 25, 2.0),
            (0.5, 1, 3, 4.0),
            (1000.0, 100, 1100, 1.0),
        ];
        for &(rate, burst, turns, seconds) in cases {
            let gate = fixed(rate, burst);
            let begun = Instant::now();
            for _ in 0..turns {
                one_turn(&gate).await;
            }
            let took = begun.elapsed().as_secs_f64();
            // The timer's ticks are milliseconds, and one late turn may bring the next one forward.
            assert!((took - seconds).abs() < 0.02, "{rate}/s, burst {burst}: {took} s");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_refills_the_burst_and_no_more() {
        let gate = fixed(10.0, 5);
        for _ in 0..5 {
            one_turn(&gate).await;
        }
        advance(Duration::from_secs(60)).await;
        let begun = Instant::now();
        for _ in 0..6 {
            one_turn(&gate).await;
        }
        let took = begun.elapsed();
        assert!(
            took >= Duration::from_millis(80) && took < Duration::from_millis(120),
            "{took:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn turns_at_a_fixed_rate_come_in_the_order_of_arrival_and_who_leaves_costs_no_turn() {
        let gate = fixed(10.0, 1);
        let (ends, mut ended) = tokio::sync::mpsc::unbounded_channel();
        let begun = Instant::now();
        for user in 0..40_u32 {
            let (gate, ends) = (gate.clone(), ends.clone());
            tokio::spawn(async move {
                // Every other one has less time than its turn would take; the first in the queue too.
                let patience = Duration::from_millis(if user % 2 == 1 { 50 } else { 60_000 });
                if timeout(patience, one_turn(&gate)).await.is_ok() {
                    ends.send(user).unwrap();
                }
            });
            tokio::task::yield_now().await;
        }
        drop(ends);
        let mut order = Vec::new();
        while let Some(user) = ended.recv().await {
            order.push(user);
        }
        assert_eq!(order, (0..40).step_by(2).collect::<Vec<_>>());
        let took = begun.elapsed().as_secs_f64();
        assert!((1.85..2.0).contains(&took), "19 gaps of 0.1 s: {took}");
        assert_eq!(gate.figures().queue, 0);
        // Whatever the server says.
        let mut place = gate.place(Some(0));
        place.turn(Instant::now()).await;
        place.refused(&throttle(Some(Duration::from_secs(9))));
        assert_eq!(gate.figures().rate, Some(10.0));
        assert_eq!(gate.figures().hold, Duration::ZERO);
    }
}
