//! Users at one gate, in thousands of orders: each gets its turn, whoever gives up, and none before a hint is over.

// Helpers of tests may fail as tests do.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use backoff::{Class, Form, PacerMode, PacerSettings, Refusal};
use models::gate::{Gate, Gates};
use models::time;
use shuttle::future::{block_on, spawn, yield_now};
use shuttle::rand::{Rng, thread_rng};
use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, FailurePersistence, MaxSteps, Runner};

/// Orders that are drawn evenly, and as many with few but well-placed switches.
const ORDERS: usize = 3_000;
/// Where switches are placed.
const SWITCHES: usize = 3;
/// Far more than any user of these models needs: one that never gets its turn ends the execution here.
const STEPS: usize = 20_000;
const HINT: Duration = Duration::from_secs(5);

fn in_many_orders(model: fn(Arc<Gate>)) {
    let run = move || {
        time::reset();
        let settings = PacerSettings::of(PacerMode::Pace);
        let gate = Gates::default().get("quota", settings).unwrap();
        model(gate);
    };
    let config = || {
        let mut config = Config::new();
        config.max_steps = MaxSteps::FailAfter(STEPS);
        config.failure_persistence = FailurePersistence::Print;
        config
    };
    Runner::new(RandomScheduler::new_from_seed(1, ORDERS), config()).run(run);
    Runner::new(PctScheduler::new_from_seed(2, SWITCHES, ORDERS), config()).run(run);
}

/// Counts the users of a model who have come to their end.
#[derive(Clone, Default)]
struct Ended(Arc<AtomicUsize>);

impl Ended {
    fn one(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    /// Lets the time go on until so many have.
    fn await_all(&self, users: usize) {
        while self.0.load(Ordering::SeqCst) < users {
            block_on(yield_now());
            time::advance_to_next();
        }
    }
}

fn throttle(hint: Option<Duration>) -> Refusal {
    Refusal {
        class: Class::Throttle,
        form: Form::Status(429),
        hint,
    }
}

/// Is refused with a hint, has the others come, and comes again.
async fn refused(gate: Arc<Gate>, ended: Ended, others: fn(&Arc<Gate>, &Ended, time::Instant)) {
    let mut place = gate.place(Some(0));
    place.turn(time::Instant::now()).await;
    let begun = time::Instant::now();
    place.refused(&throttle(Some(HINT)));
    others(&gate, &ended, begun);
    place.turn(time::Instant::now()).await;
    assert!(
        begun.elapsed() >= HINT,
        "it came again after {:?}",
        begun.elapsed()
    );
    place.passed();
    ended.one();
}

/// Comes once and is let in, after a hint that was given at `begun`.
fn comes(gate: &Arc<Gate>, ended: &Ended, begun: time::Instant, user: u64) {
    let (gate, ended) = (gate.clone(), ended.clone());
    spawn(async move {
        let mut place = gate.place(Some(user));
        place.turn(time::Instant::now()).await;
        assert!(begun.elapsed() >= HINT, "{user} came after {:?}", begun.elapsed());
        place.passed();
        ended.one();
    });
}

/// Comes, and gives up after a while.
fn gives_up(gate: &Arc<Gate>, ended: &Ended, user: u64) {
    let (gate, ended) = (gate.clone(), ended.clone());
    spawn(async move {
        let mut place = gate.place(Some(user));
        let patience = async {
            for _ in 0..thread_rng().gen_range(0..8) {
                yield_now().await;
            }
        };
        models::first_of(place.turn(time::Instant::now()), patience).await;
        drop(place);
        ended.one();
    });
}

#[test]
fn everybody_gets_a_turn_and_nobody_before_the_hint_is_over() {
    in_many_orders(|gate| {
        let ended = Ended::default();
        spawn(refused(gate.clone(), ended.clone(), |gate, ended, begun| {
            (1..=3).for_each(|user| comes(gate, ended, begun, user));
        }));
        ended.await_all(4);
        assert_eq!(gate.figures().queue, 0);
    });
}

#[test]
fn who_gives_up_at_any_moment_takes_no_turn_from_the_others() {
    in_many_orders(|gate| {
        let ended = Ended::default();
        spawn(refused(gate.clone(), ended.clone(), |gate, ended, begun| {
            gives_up(gate, ended, 1);
            comes(gate, ended, begun, 2);
            gives_up(gate, ended, 3);
        }));
        ended.await_all(4);
        assert_eq!(gate.figures().queue, 0);
    });
}

#[test]
fn the_last_to_leave_and_the_next_to_come_may_meet() {
    in_many_orders(|gate| {
        let ended = Ended::default();
        // No hint: the gate's task ends whenever nobody waits, and begins anew with the next one.
        for user in 0..3 {
            let (gate, ended) = (gate.clone(), ended.clone());
            spawn(async move {
                let mut place = gate.place(Some(user));
                for _ in 0..2 {
                    place.turn(time::Instant::now()).await;
                    place.refused(&throttle(None));
                }
                drop(place);
                ended.one();
            });
        }
        ended.await_all(3);
        assert_eq!(gate.figures().queue, 0);
    });
}
