//! The flights of a test by key, and the waits at one: what [`Flight`] decides, with a clock, for threads that may go away at
//! any moment.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};

use backoff::{Seen, StopReason, Verdict};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::flight::{Fetch, Fetched, Flight, Found, Terms, Ticket, Told};
use crate::locks::lock;

/// The keys of a test.
#[derive(Debug, Default)]
pub struct Flights {
    by_key: Mutex<HashMap<String, Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    flight: Arc<SharedFlight>,
    /// Who came first.
    first: Option<Party>,
    /// Who came first of those that share the key and want other variables.
    other: Option<Party>,
}

/// A controller, as far as it must agree with all others of its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// What its user calls it.
    pub element: String,
    /// The variables that it hands on.
    pub variables: BTreeSet<String>,
}

/// Two controllers of one key that cannot use each other's values.
#[derive(Debug)]
pub struct Clash {
    /// Who came first.
    pub first: Party,
    /// Who wants other variables.
    pub other: Party,
}

impl Flights {
    /// The flight of a key for one who shares it; the first to ask makes it.
    ///
    /// # Errors
    /// Not all who share it set the same variables. From then on none of them has a flight.
    pub fn join(&self, key: &str, party: &Party) -> Result<Arc<SharedFlight>, Box<Clash>> {
        let mut flights = lock(&self.by_key);
        let shared = flights.entry(key.to_owned()).or_default();
        let first = shared.first.get_or_insert_with(|| party.clone());
        if first.variables != party.variables && shared.other.is_none() {
            shared.other = Some(party.clone());
        }
        match &shared.other {
            None => Ok(shared.flight.clone()),
            Some(other) => Err(Box::new(Clash {
                first: first.clone(),
                other: other.clone(),
            })),
        }
    }

    /// The flight of a key.
    pub fn get(&self, key: &str) -> Arc<SharedFlight> {
        let mut flights = lock(&self.by_key);
        flights.entry(key.to_owned()).or_default().flight.clone()
    }

    /// The end of a test: the next one finds no values.
    pub fn clear(&self) {
        lock(&self.by_key).clear();
    }
}

/// One key's flight, for many threads.
#[derive(Debug, Default)]
pub struct SharedFlight(Mutex<Flight>);

/// What came of asking for the value.
#[derive(Debug)]
pub enum Answer {
    /// Here it is.
    Use(Arc<Fetched>),
    /// The one who asked is to fetch it.
    Fetch(Fetching),
    /// The policy gave up on it.
    Failed(StopReason),
}

impl SharedFlight {
    /// Asks for the value, and waits for it or for the turn to fetch it.
    ///
    /// Cancel safe: dropping it gives the place in the queue up.
    pub async fn ask(self: &Arc<Self>, terms: &Terms) -> Answer {
        let arrived = self.lock().arrive(terms, Instant::now());
        let told = match arrived {
            Ok(told) => told,
            Err((ticket, wake)) => {
                let waiting = Waiting { flight: self, ticket };
                waiting.told(terms, &wake).await
            }
        };
        match told {
            Told::Use(value) => Answer::Use(value),
            Told::Failed(stop) => Answer::Failed(stop),
            Told::Fetch(fetch) => Answer::Fetch(Fetching {
                flight: self.clone(),
                fetch: Some(fetch),
                began: Instant::now(),
            }),
        }
    }

    /// The value, while it can be used.
    pub fn usable(&self) -> Option<Arc<Fetched>> {
        self.lock().usable(Instant::now())
    }

    fn lock(&self) -> MutexGuard<'_, Flight> {
        lock(&self.0)
    }
}

/// A place in the queue. Dropping it gives the place up.
struct Waiting<'a> {
    flight: &'a SharedFlight,
    ticket: Ticket,
}

impl Waiting<'_> {
    async fn told(&self, terms: &Terms, wake: &Notify) -> Told {
        loop {
            let found = self.flight.lock().look(self.ticket, terms, Instant::now());
            match found {
                Found::Told(told) => return told,
                Found::Nothing(None) => wake.notified().await,
                Found::Nothing(Some(again)) => tokio::select! {
                    () = wake.notified() => {}
                    () = sleep_until(again) => {}
                },
            }
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.flight.lock().leave(self.ticket);
    }
}

/// The duty to fetch. Dropping it hands the duty on.
#[derive(Debug)]
pub struct Fetching {
    flight: Arc<SharedFlight>,
    /// `None`: it was said what came of it.
    fetch: Option<Fetch>,
    began: Instant,
}

impl Fetching {
    /// When the duty was taken on.
    pub fn began(&self) -> Instant {
        self.began
    }

    /// The value is there.
    pub fn succeeded(mut self, value: Arc<Fetched>) {
        if let Some(fetch) = self.fetch.take() {
            self.flight.lock().succeed(fetch, value, Instant::now());
        }
    }

    /// It came to nothing; the policy's verdict, unless the fetch was overtaken.
    pub fn failed(mut self, seen: &Seen<'_>) -> Option<Verdict> {
        let fetch = self.fetch.take()?;
        self.flight.lock().fail(fetch, seen, Instant::now())
    }
}

impl Drop for Fetching {
    fn drop(&mut self) {
        if let Some(fetch) = self.fetch {
            self.flight.lock().abandon(fetch);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use backoff::{FailureKind, Policy};
    use tokio::task::yield_now;
    use tokio::time::{sleep, timeout};

    fn terms(lease: Duration) -> Terms {
        Terms {
            lease,
            policy: Arc::new(Policy::default()),
            seed: Some(1),
        }
    }

    fn lasting(seconds: u64) -> Arc<Fetched> {
        let until = Instant::now() + Duration::from_secs(seconds);
        Arc::new(Fetched {
            values: [("token".to_owned(), format!("{until:?}"))].into(),
            due: Some(until - Duration::from_millis(seconds * 100)),
            until: Some(until),
        })
    }

    /// Two hundred who need a value that is good for 5 s, all the time, for 30 s; a fetch takes 300 ms.
    #[tokio::test(start_paused = true)]
    async fn a_crowd_fetches_once_a_lifetime_and_never_twice_at_once() {
        let flight = Arc::new(SharedFlight::default());
        let (running, fetches) = (Arc::new(Mutex::new(0)), Arc::new(Mutex::new(0)));
        let end = Instant::now() + Duration::from_secs(30);
        let crowd: Vec<_> = (0..200)
            .map(|_| {
                let (flight, running, fetches) = (flight.clone(), running.clone(), fetches.clone());
                tokio::spawn(async move {
                    let terms = terms(Duration::from_secs(10));
                    let mut longest = Duration::ZERO;
                    while Instant::now() < end {
                        let begun = Instant::now();
                        match flight.ask(&terms).await {
                            Answer::Use(value) => assert!(value.until.unwrap() > Instant::now()),
                            Answer::Fetch(fetching) => {
                                *running.lock().unwrap() += 1;
                                *fetches.lock().unwrap() += 1;
                                assert_eq!(*running.lock().unwrap(), 1);
                                sleep(Duration::from_millis(300)).await;
                                *running.lock().unwrap() -= 1;
                                fetching.succeeded(lasting(5));
                            }
                            Answer::Failed(stop) => panic!("{stop}"),
                        }
                        longest = longest.max(begun.elapsed());
                        sleep(Duration::from_millis(50)).await;
                    }
                    longest
                })
            })
            .collect();
        for one in crowd {
            assert!(one.await.unwrap() <= Duration::from_millis(310));
        }
        // Every 4.5 s, and the fetch itself.
        assert_eq!(*fetches.lock().unwrap(), 7);
    }

    #[tokio::test(start_paused = true)]
    async fn a_hanging_fetch_holds_the_others_for_its_lease_at_most() {
        let flight = Arc::new(SharedFlight::default());
        let terms = terms(Duration::from_secs(2));
        let Answer::Fetch(hangs) = flight.ask(&terms).await else {
            panic!()
        };
        let begun = Instant::now();
        let Answer::Fetch(second) = flight.ask(&terms).await else {
            panic!()
        };
        let waited = begun.elapsed();
        assert!(
            waited >= Duration::from_secs(2) && waited < Duration::from_secs(4),
            "{waited:?}"
        );
        second.succeeded(lasting(60));
        drop(hangs);
        assert!(matches!(flight.ask(&terms).await, Answer::Use(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_fetch_that_is_dropped_and_a_waiter_that_gives_up_block_nobody() {
        let flight = Arc::new(SharedFlight::default());
        let terms = terms(Duration::from_secs(60));
        let Answer::Fetch(first) = flight.ask(&terms).await else {
            panic!()
        };
        let patience = Duration::from_millis(100);
        assert!(timeout(patience, flight.ask(&terms)).await.is_err());
        let next = tokio::spawn({
            let (flight, terms) = (flight.clone(), terms.clone());
            async move { matches!(flight.ask(&terms).await, Answer::Fetch(_)) }
        });
        yield_now().await;
        let begun = Instant::now();
        drop(first);
        assert!(next.await.unwrap());
        assert!(begun.elapsed() < patience);
    }

    #[tokio::test(start_paused = true)]
    async fn failures_hand_the_duty_on_in_the_order_of_the_queue_and_with_growing_waits() {
        let flight = Arc::new(SharedFlight::default());
        let terms = terms(Duration::from_secs(60));
        let order = Arc::new(Mutex::new(Vec::new()));
        let crowd: Vec<_> = (0..5)
            .map(|user| {
                let (flight, terms, order) = (flight.clone(), terms.clone(), order.clone());
                tokio::spawn(async move {
                    match flight.ask(&terms).await {
                        Answer::Fetch(fetching) if user < 4 => {
                            order.lock().unwrap().push(user);
                            fetching.failed(&Seen::Failure(FailureKind::Network)).unwrap();
                        }
                        Answer::Fetch(fetching) => {
                            order.lock().unwrap().push(user);
                            fetching.succeeded(lasting(60));
                        }
                        other => panic!("{other:?}"),
                    }
                })
            })
            .collect();
        let begun = Instant::now();
        for one in crowd {
            one.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), [0, 1, 2, 3, 4]);
        assert!(
            begun.elapsed() >= 4 * Policy::default().transient_base,
            "{:?}",
            begun.elapsed()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn five_thousand_who_wait_are_told_in_one_go() {
        let flight = Arc::new(SharedFlight::default());
        let terms = terms(Duration::from_secs(60));
        let Answer::Fetch(first) = flight.ask(&terms).await else {
            panic!()
        };
        let crowd: Vec<_> = (0..5_000)
            .map(|_| {
                let (flight, terms) = (flight.clone(), terms.clone());
                tokio::spawn(async move { matches!(flight.ask(&terms).await, Answer::Use(_)) })
            })
            .collect();
        yield_now().await;
        let begun = Instant::now();
        first.succeeded(lasting(60));
        for one in crowd {
            assert!(one.await.unwrap());
        }
        assert_eq!(begun.elapsed(), Duration::ZERO, "no timer was needed");
    }
}
