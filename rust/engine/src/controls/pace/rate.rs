//! A fixed rate with a burst, for as many as like to wait: in the order of arrival, and a place that is given up is nobody's loss.

use std::sync::Mutex as StdMutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

use crate::locks::lock;

/// A timer or a thread that wakes this late costs no rate: the next turn counts from when this one was due.
const LATENESS: Duration = Duration::from_millis(10);

/// Turns at a fixed rate.
#[derive(Debug)]
pub struct FixedRate {
    /// Turns a second.
    per_second: f64,
    /// How many may go at once after a pause.
    burst: u64,
    /// Whoever holds it is next. It is handed on in the order of arrival.
    next: Mutex<()>,
    /// When all that was handed out would have been due without a burst (GCRA's theoretical arrival time).
    booked: StdMutex<Option<Instant>>,
    waiting: AtomicUsize,
}

impl FixedRate {
    /// `per_second` above 0, `burst` from 1 on.
    pub fn new(per_second: f64, burst: u64) -> Self {
        FixedRate {
            per_second,
            burst,
            next: Mutex::new(()),
            booked: StdMutex::new(None),
            waiting: AtomicUsize::new(0),
        }
    }

    /// Turns a second, and how many may go at once.
    pub fn figures(&self) -> (f64, u64) {
        (self.per_second, self.burst)
    }

    /// How many wait.
    pub fn queue(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Waits for a turn.
    ///
    /// Cancel safe: a wait that is given up takes no turn, and the next in the queue gets it.
    pub async fn turn(&self) {
        let _counted = Counted::new(&self.waiting);
        let _next = self.next.lock().await;
        sleep_until(self.due(Instant::now())).await;
        self.book(Instant::now());
    }

    /// When the next turn is due.
    fn due(&self, now: Instant) -> Instant {
        let early = self.times(self.burst - 1);
        lock(&self.booked).map_or(now, |booked| booked.checked_sub(early).unwrap_or(now))
    }

    /// A turn is taken.
    fn book(&self, now: Instant) {
        let mut booked = lock(&self.booked);
        let late = now.checked_sub(LATENESS).unwrap_or(now);
        *booked = Some(booked.map_or(now, |booked| booked.max(late)) + self.times(1));
    }

    fn times(&self, turns: u64) -> Duration {
        // A rate is at least one in 1000 s and a burst at most a million.
        Duration::from_secs_f64(turns as f64 / self.per_second)
    }
}

/// One who waits is counted as long as this lives.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn new(counter: &'a AtomicUsize) -> Self {
        counter.fetch_add(1, Ordering::Relaxed);
        Counted(counter)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use tokio::sync::mpsc;
    use tokio::time::timeout;

    #[tokio::test(start_paused = true)]
    async fn a_burst_goes_at_once_and_the_rest_at_the_rate() {
        let cases: &[(f64, u64, u64, f64)] = &[
            (10.0, 1, 21, 2.0),
            (10.0, 5, 25, 2.0),
            (0.5, 1, 3, 4.0),
            (1000.0, 100, 1100, 1.0),
        ];
        for &(rate, burst, turns, seconds) in cases {
            let gate = FixedRate::new(rate, burst);
            let begun = Instant::now();
            for _ in 0..turns {
                gate.turn().await;
            }
            let took = begun.elapsed().as_secs_f64();
            // The timer's ticks are milliseconds, and one late turn may bring the next one forward.
            assert!((took - seconds).abs() < 0.02, "{rate}/s, burst {burst}: {took} s");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_refills_the_burst_and_no_more() {
        let gate = FixedRate::new(10.0, 5);
        for _ in 0..5 {
            gate.turn().await;
        }
        tokio::time::advance(Duration::from_secs(60)).await;
        let begun = Instant::now();
        for _ in 0..6 {
            gate.turn().await;
        }
        let took = begun.elapsed();
        assert!(
            took >= Duration::from_millis(80) && took < Duration::from_millis(120),
            "{took:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn turns_come_in_the_order_of_arrival_and_who_leaves_costs_no_turn() {
        let gate = Arc::new(FixedRate::new(10.0, 1));
        let (ends, mut ended) = mpsc::unbounded_channel();
        let begun = Instant::now();
        for user in 0..40_u32 {
            let (gate, ends) = (gate.clone(), ends.clone());
            tokio::spawn(async move {
                // Every other one has less time than its turn would take; the first in the queue too.
                let patience = Duration::from_millis(if user % 2 == 1 { 50 } else { 60_000 });
                if timeout(patience, gate.turn()).await.is_ok() {
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
        assert_eq!(gate.queue(), 0);
    }
}
