//! A herd before one server: one fetch of a token for two hundred users, and samples of JMeter's own HTTP Request that go in turn.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use system::jtl::Sample;
use system::plan::{Group, Plan};
use system::trace;

use crate::http::{self, Answer};
use crate::say;
use crate::support::{folder, jmeter_of, run, together};

/// How long a token is good for.
const LIFETIME: Duration = Duration::from_secs(5);
/// How long the server takes to make one.
const WORK: Duration = Duration::from_millis(200);

/// A server that hands out tokens, takes them, and has a call of its own with a token bucket before it.
struct Server {
    port: u16,
    book: Arc<Mutex<Book>>,
}

/// What it remembers.
#[derive(Debug, Default)]
struct Book {
    /// When each token was made; its number is its name.
    tokens: Vec<Instant>,
    making: usize,
    most_making: usize,
    stale: usize,
    served: usize,
    refused: usize,
    bucket: Option<(Instant, f64)>,
}

impl Server {
    fn start() -> Self {
        let book = Arc::<Mutex<Book>>::default();
        let shared = book.clone();
        let port = http::serve(move |path| {
            let (status, body) = answer(path, &shared);
            Answer {
                status,
                headers: "",
                body,
            }
        });
        Server { port, book }
    }
}

fn answer(path: &str, book: &Mutex<Book>) -> (&'static str, String) {
    let lock = || book.lock().unwrap();
    if path == "/token" {
        {
            let mut book = lock();
            book.making += 1;
            book.most_making = book.most_making.max(book.making);
        }
        thread::sleep(WORK);
        let mut book = lock();
        book.making -= 1;
        book.tokens.push(Instant::now());
        let token = book.tokens.len() - 1;
        let seconds = LIFETIME.as_secs();
        return (
            "200 OK",
            format!("{{\"access_token\":\"{token}\",\"expires_in\":{seconds}}}"),
        );
    }
    let mut book = lock();
    let good = match path.split_once("token=") {
        Some((_, token)) => {
            let made = token.parse().ok().and_then(|token: usize| book.tokens.get(token));
            let good = made.is_some_and(|made| made.elapsed() < LIFETIME);
            book.stale += usize::from(!good);
            return if good {
                ("200 OK", "fine".to_owned())
            } else {
                ("401 Unauthorized", "stale".to_owned())
            };
        }
        None => book.admit(),
    };
    if good {
        ("200 OK", "fine".to_owned())
    } else {
        ("429 Too Many Requests", "slow".to_owned())
    }
}

impl Book {
    /// A token bucket: 20 a second, 10 at once.
    fn admit(&mut self) -> bool {
        let (seen, left) = self.bucket.unwrap_or((Instant::now(), 10.0));
        let left = (left + 20.0 * seen.elapsed().as_secs_f64()).min(10.0);
        let admitted = left >= 1.0;
        self.bucket = Some((Instant::now(), if admitted { left - 1.0 } else { left }));
        *(if admitted {
            &mut self.served
        } else {
            &mut self.refused
        }) += 1;
        admitted
    }
}

/// From the first sample's start to the last one's.
fn span(samples: &[Sample]) -> Duration {
    let starts = samples.iter().map(|sample| sample.started_ms);
    let (first, last) = (starts.clone().min().unwrap(), starts.max().unwrap());
    Duration::from_millis(last - first)
}

#[test]
fn two_hundred_users_fetch_one_token_a_lifetime_and_none_is_ever_stale() {
    const SECONDS: u32 = 30;
    const BOUND_MS: f64 = 20_000.0;
    let _turn = together();
    let server = Server::start();
    let folder = folder("herd_token");
    let fetch = [
        ("wsb.once.variables", "token"),
        ("wsb.once.expiresIn", "left"),
        ("wsb.once.timeout", "20s"),
        // A value must last for the pause that follows it, too.
        ("wsb.once.early", "45-50"),
    ];
    let token = Group::inner()
        .extract("token", "access_token\":\"(\\d+)")
        .extract("left", "expires_in\":(\\d+)");
    let users = Group::new("G", 200)
        .lasting(SECONDS)
        .controller(
            "Once",
            "log in",
            &fetch,
            &Group::inner().http("token", server.port, "/token", &token),
        )
        .http(
            "call",
            server.port,
            "/call?token=${token}",
            &Group::inner().timer("1000"),
        );
    let traced = folder.join("trace.jsonl");
    let finished = run(&jmeter_of(&Plan::of(users), &folder)
        .property(
            "sample_variables",
            "wsb.once.result,wsb.once.waitedMs,wsb.once.stop",
        )
        .property("wsb.trace", &traced.display()));
    let samples = finished.samples().unwrap();
    let book = server.book.lock().unwrap();
    assert_eq!(book.most_making, 1, "two fetches at once");
    // A value is fetched again when half of its time is over, at the earliest.
    let most = 30_000 / 2_500 + 2;
    let tokens = book.tokens.len();
    assert!((3..=most).contains(&tokens), "{tokens} tokens");
    let events = trace::events(&traced).unwrap();
    let of = |name: &str| events.iter().filter(|line| line.event == name).count();
    let fetched = of("fetched");
    // The end of the test may break the last one off.
    assert!(
        (tokens - 1..=tokens).contains(&fetched),
        "{fetched} of {tokens} fetches are in the trace"
    );
    assert!(of("fetch") >= tokens && of("failed") == 0, "{events:?}");
    let calls: Vec<&Sample> = samples.iter().filter(|sample| sample.label == "call").collect();
    assert!(
        calls
            .iter()
            .all(|call| call.variables["wsb.once.result"] != "none"),
        "somebody went on without a token"
    );
    let longest = calls
        .iter()
        .map(|call| call.number("wsb.once.waitedMs"))
        .fold(0.0, f64::max);
    assert!(longest <= BOUND_MS, "{longest} ms");
    let waited = |call: &&&Sample| {
        call.variables["wsb.once.result"] == "kept" && call.number("wsb.once.waitedMs") > 0.0
    };
    let waits = calls.iter().filter(waited).count();
    assert!(
        of("waited") >= waits,
        "{} of {waits} waits are in the trace",
        of("waited")
    );
    say!(
        "{tokens} tokens for {} calls, {} of them with a stale one; the longest wait took {longest} ms",
        calls.len(),
        book.stale
    );
    // On a busy machine a sample can be late between its token and the server.
    assert!(
        book.stale * 20 <= calls.len(),
        "{} of {} stale",
        book.stale,
        calls.len()
    );
}

#[test]
fn a_paced_herd_hardly_meets_the_limit_and_one_at_a_fixed_rate_below_it_even_less() {
    let _turn = together();
    let fixed = [
        ("wsb.pace.mode", "fixed"),
        ("wsb.pace.rate", "18"),
        ("wsb.pace.burst", "5"),
    ];
    let herd = Group::new("G", 20).loops(6);
    let cases = [
        ("none", herd.clone()),
        ("pace", herd.clone().pace(&[])),
        ("fixed", herd.pace(&fixed)),
    ];
    let mut refusals = Vec::new();
    for (name, herd) in cases {
        let server = Server::start();
        let folder = folder(&format!("herd_{name}"));
        let plan = Plan::of(herd.http("call", server.port, "/call", &Group::inner()));
        let traced = folder.join("trace.jsonl");
        let finished = run(&jmeter_of(&plan, &folder)
            .property("sample_variables", "wsb.rate,wsb.gateQueue,wsb.pace.waitedMs")
            .property("wsb.trace", &traced.display()));
        let samples = finished.samples().unwrap();
        assert_eq!(samples.len(), 120);
        let book = server.book.lock().unwrap();
        let span = span(&samples);
        say!(
            "{name}: {} served, {} refused within {span:?}",
            book.served,
            book.refused
        );
        assert_eq!(
            samples.iter().filter(|sample| !sample.success).count(),
            book.refused
        );
        if name != "none" {
            let events = trace::events(&traced).unwrap();
            let of = |event: &str| events.iter().filter(|line| line.event == event).count();
            // At a fixed rate nobody listens to throttles.
            let told = if name == "pace" { book.refused } else { 0 };
            assert_eq!((of("turn"), of("throttled")), (120, told), "the trace of {name}");
            assert!(
                samples.iter().all(|sample| sample.elapsed_ms < 2_000),
                "a wait is in no sample"
            );
            assert!(samples.iter().any(|sample| sample.number("wsb.gateQueue") > 5.0));
        }
        if name == "fixed" {
            // 6.4 s from the first turn on; its sample may start late, as JMeter loads classes for it.
            assert!(span >= Duration::from_secs(5), "115 at 18/s: {span:?}");
        }
        refusals.push(book.refused);
    }
    assert!(refusals[1] * 3 < refusals[0], "{refusals:?}");
    // None, but on a busy machine a JVM that stalls sends what piled up at once.
    assert!(refusals[2] * 10 <= refusals[0], "{refusals:?}");
}
