use super::*;
use backoff::{HttpAnswer, Next, Strategy};
use std::time::SystemTime;

const SECOND: Duration = Duration::from_secs(1);

fn terms() -> Terms {
    let policy = Policy {
        strategy: Strategy::Fixed,
        base: SECOND,
        max_attempts: 4,
        ..Policy::default()
    };
    Terms {
        lease: 10 * SECOND,
        policy: Arc::new(policy),
        seed: Some(1),
    }
}

fn value(text: &str, due: Option<Instant>, until: Option<Instant>) -> Arc<Fetched> {
    Arc::new(Fetched {
        values: [("token".to_owned(), text.to_owned())].into(),
        due,
        until,
    })
}

fn throttled() -> Seen<'static> {
    Seen::Answer(HttpAnswer {
        status: 429,
        headers: &[],
        body: b"",
        now: SystemTime::UNIX_EPOCH,
    })
}

/// A flight, and a clock that the test moves.
struct Scene {
    flight: Flight,
    terms: Terms,
    now: Instant,
}

impl Scene {
    fn new() -> Self {
        Scene {
            flight: Flight::default(),
            terms: terms(),
            now: Instant::now(),
        }
    }

    fn arrive(&mut self) -> Result<Told, Ticket> {
        let arrived = self.flight.arrive(&self.terms, self.now);
        arrived.map_err(|(ticket, _)| ticket)
    }

    /// Somebody who finds nothing.
    fn queue(&mut self) -> Ticket {
        self.arrive().unwrap_err()
    }

    fn look(&mut self, ticket: Ticket) -> Found {
        self.flight.look(ticket, &self.terms, self.now)
    }

    /// The first one, who fetches.
    fn fetches(&mut self) -> Fetch {
        let ticket = self.queue();
        match self.look(ticket) {
            Found::Told(Told::Fetch(fetch)) => fetch,
            other => panic!("{other:?}"),
        }
    }

    fn at(&self, seconds: u32) -> Instant {
        self.now + seconds * SECOND
    }
}

#[test]
fn one_fetches_and_all_who_wait_get_what_it_brought() {
    let mut scene = Scene::new();
    let fetch = scene.fetches();
    let waiting: Vec<Ticket> = (0..200).map(|_| scene.queue()).collect();
    assert_eq!(
        scene.look(waiting[0]),
        Found::Nothing(Some(scene.at(10))),
        "it watches the lease"
    );
    assert!(
        waiting[1..]
            .iter()
            .all(|&ticket| scene.look(ticket) == Found::Nothing(None))
    );
    let brought = value("a", None, None);
    scene.flight.succeed(fetch, brought.clone(), scene.now);
    for ticket in waiting {
        assert_eq!(scene.look(ticket), Found::Told(Told::Use(brought.clone())));
    }
    assert_eq!(scene.arrive(), Ok(Told::Use(brought)));
}

#[test]
fn a_due_value_is_fetched_by_one_while_the_others_use_the_old_one() {
    let mut scene = Scene::new();
    let fetch = scene.fetches();
    let old = value("old", Some(scene.at(4)), Some(scene.at(5)));
    scene.flight.succeed(fetch, old.clone(), scene.now);
    scene.now += 3 * SECOND;
    assert_eq!(scene.arrive(), Ok(Told::Use(old.clone())));
    scene.now += SECOND;
    let Ok(Told::Fetch(fetch)) = scene.arrive() else {
        panic!()
    };
    assert_eq!(scene.arrive(), Ok(Told::Use(old)));
    scene.now += SECOND;
    let waits = scene.queue();
    assert_eq!(
        scene.look(waits),
        Found::Nothing(Some(scene.at(9))),
        "it is over now"
    );
    let new = value("new", None, None);
    scene.flight.succeed(fetch, new.clone(), scene.now);
    assert_eq!(scene.look(waits), Found::Told(Told::Use(new)));
}

#[test]
fn a_value_whose_time_is_over_when_it_comes_still_serves_those_who_waited() {
    let mut scene = Scene::new();
    let fetch = scene.fetches();
    let waits = scene.queue();
    let short = value("short", Some(scene.now), Some(scene.now));
    scene.flight.succeed(fetch, short.clone(), scene.now);
    assert_eq!(scene.look(waits), Found::Told(Told::Use(short)));
    scene.fetches();
}

#[test]
fn after_a_failure_the_next_in_the_queue_fetches_when_the_policy_says_so() {
    let mut scene = Scene::new();
    let fetch = scene.fetches();
    let (second, third) = (scene.queue(), scene.queue());
    let verdict = scene.flight.fail(fetch, &throttled(), scene.now).unwrap();
    assert_eq!(verdict.next, Next::Wait(SECOND));
    assert_eq!(scene.look(second), Found::Nothing(Some(scene.at(1))));
    let back = scene.queue();
    scene.now += SECOND;
    assert_eq!(scene.look(third), Found::Nothing(None), "it is not its turn");
    assert!(matches!(scene.look(second), Found::Told(Told::Fetch(_))));
    assert_eq!(scene.look(third), Found::Nothing(Some(scene.at(10))));
    assert_eq!(
        scene.look(back),
        Found::Nothing(None),
        "who failed stands at the end"
    );
}

#[test]
fn when_the_policy_gives_up_nobody_waits_any_longer_and_nobody_hammers() {
    let mut scene = Scene::new();
    let waiting: Vec<Ticket> = {
        let fetch = scene.fetches();
        let waiting = (0..5).map(|_| scene.queue()).collect();
        let seen = Seen::Answer(HttpAnswer {
            status: 401,
            headers: &[],
            body: b"",
            now: SystemTime::UNIX_EPOCH,
        });
        scene.flight.fail(fetch, &seen, scene.now);
        waiting
    };
    for ticket in waiting {
        assert_eq!(scene.look(ticket), Found::Told(Told::Failed(StopReason::Fatal)));
    }
    let next = scene.queue();
    assert_eq!(
        scene.look(next),
        Found::Nothing(Some(scene.at(1))),
        "a rest of one base"
    );
    scene.now += SECOND;
    assert!(matches!(scene.look(next), Found::Told(Told::Fetch(_))));
}

#[test]
fn attempts_count_over_all_who_fetch_until_one_succeeds() {
    let mut scene = Scene::new();
    for attempt in 1..=4 {
        let fetch = scene.fetches();
        let next = scene.flight.fail(fetch, &throttled(), scene.now).unwrap().next;
        assert_eq!(
            matches!(next, Next::Stop(StopReason::MaxAttempts)),
            attempt == 4,
            "{attempt}"
        );
        scene.now += SECOND;
    }
    let fetch = scene.fetches();
    scene
        .flight
        .succeed(fetch, value("a", Some(scene.now), Some(scene.now)), scene.now);
    let fetch = scene.fetches();
    let next = scene.flight.fail(fetch, &throttled(), scene.now).unwrap().next;
    assert_eq!(next, Next::Wait(SECOND), "a success begins anew");
}

#[test]
fn a_fetch_that_hangs_is_overtaken_and_its_end_counts_only_if_it_helps() {
    let mut scene = Scene::new();
    let hangs = scene.fetches();
    let (second, third) = (scene.queue(), scene.queue());
    scene.now += 10 * SECOND;
    let Found::Nothing(Some(start)) = scene.look(second) else {
        panic!()
    };
    scene.now = start;
    let Found::Told(Told::Fetch(overtakes)) = scene.look(second) else {
        panic!()
    };
    assert_eq!(scene.flight.fail(hangs, &throttled(), scene.now), None);
    scene.flight.abandon(hangs);
    assert_eq!(
        scene.look(third),
        Found::Nothing(Some(scene.at(10))),
        "the second still fetches"
    );
    let late = value("late", None, None);
    scene.flight.succeed(hangs, late.clone(), scene.now);
    assert_eq!(scene.look(third), Found::Told(Told::Use(late)));
    let new = value("new", None, None);
    scene.flight.succeed(overtakes, new.clone(), scene.now);
    scene
        .flight
        .succeed(hangs, value("later still", None, None), scene.now);
    assert_eq!(scene.arrive(), Ok(Told::Use(new)));
}

#[test]
fn a_fetch_that_is_broken_off_hands_over_at_once() {
    let mut scene = Scene::new();
    let fetch = scene.fetches();
    let second = scene.queue();
    scene.flight.abandon(fetch);
    assert!(matches!(scene.look(second), Found::Told(Told::Fetch(_))));
}

#[test]
fn who_leaves_the_queue_is_no_obstacle() {
    let mut scene = Scene::new();
    let fetch = scene.fetches();
    let (second, third) = (scene.queue(), scene.queue());
    scene.flight.leave(second);
    assert_eq!(scene.look(third), Found::Nothing(Some(scene.at(10))));
    scene.flight.succeed(fetch, value("a", None, None), scene.now);
    scene.flight.leave(third);
    assert!(
        scene.flight.told.is_empty() && scene.flight.queue.is_empty(),
        "nothing is left behind"
    );
}
