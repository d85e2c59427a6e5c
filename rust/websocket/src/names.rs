//! Host names: one look-up for all who ask for a name at once, answers kept for a while, failures told apart by getaddrinfo's
//! code. Knows no port and opens no connection.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use dns_lookup::{AddrInfoHints, LookupError, LookupErrorKind, SockType, getaddrinfo};
use tokio::sync::watch;
use tokio::time::Instant;

/// How long an answer is kept where nobody says otherwise: as long as the JVM keeps one (`networkaddress.cache.ttl`).
pub const USUAL_TTL: Duration = Duration::from_secs(30);

/// How long a failure is kept: a crowd that comes within it costs one look-up, and no user's pause before his next attempt is so
/// short, so that each retry asks anew. The JVM's 10 s would hide that a name is back for most of a test's patience.
const FAILURE_TTL: Duration = Duration::from_millis(100);

/// A look-up that takes longer is not waited for by those who come later: resolv.conf's own patience with one name server, so
/// that its packet, or the server, was lost. They begin another one beside it; the first answer serves all.
const PATIENCE: Duration = Duration::from_secs(5);

/// Look-ups of one name that may run side by side for that. One cannot be broken off: a name whose server is dumb must not keep
/// the others' look-ups from their threads.
const SIDE_BY_SIDE: usize = 4;

/// Names that are remembered; more are known only while somebody waits for one of them.
const MOST_NAMES: usize = 1024;

/// The ways in which a name cannot be looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    /// There is no such name, or it has no address.
    NotFound,
    /// The resolver could not say.
    Passing,
    /// The process, or the system, is out of descriptors.
    NoFiles,
}

/// Why a name has no addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct NameError {
    reason: Reason,
    text: String,
}

impl NameError {
    /// What a failure of `getaddrinfo` means, by its code: its text is in the language of the process.
    ///
    /// All but "no such name" and "no address" may pass: `EAI_FAIL` is also what a name server that refuses to answer gives.
    fn new(error: LookupError) -> Self {
        let kind = error.kind();
        let number = error.error_num();
        let source = io::Error::from(error);
        let reason = match kind {
            LookupErrorKind::NoName | LookupErrorKind::NoData => Reason::NotFound,
            LookupErrorKind::IO if is_no_name(number) || source.kind() == io::ErrorKind::InvalidInput => {
                Reason::NotFound
            }
            _ if crate::error::is_out_of_files(&source) => Reason::NoFiles,
            _ => Reason::Passing,
        };
        NameError {
            reason,
            text: source.to_string(),
        }
    }

    /// The failure that `getaddrinfo` has this code for (`EAI_AGAIN` and the others, as the platform numbers them).
    #[must_use]
    pub fn of_code(code: i32) -> Self {
        NameError::new(LookupError::new(code))
    }

    /// Whether the name is not there, in contrast to a resolver that could not say.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.reason == Reason::NotFound
    }

    pub(crate) fn is_out_of_files(&self) -> bool {
        self.reason == Reason::NoFiles
    }

    fn passing(text: &str) -> Self {
        NameError {
            reason: Reason::Passing,
            text: text.to_owned(),
        }
    }
}

/// Codes that the crate has no word for: `EAI_ADDRFAMILY` (the name has no address of a family that is asked for) and
/// `EAI_IDN_ENCODE` (it is no name at all) of glibc.
fn is_no_name(number: i32) -> bool {
    cfg!(target_os = "linux") && matches!(number, -9 | -105)
}

type Resolve = dyn Fn(&str) -> Result<Vec<IpAddr>, NameError> + Send + Sync;

/// Looks names up, and remembers. Cheap to clone: clones share what they know.
#[derive(Clone)]
pub struct Names {
    shared: Arc<Shared>,
}

struct Shared {
    resolve: Box<Resolve>,
    known: Mutex<HashMap<String, Name>>,
}

struct Name {
    latest: watch::Sender<Option<Arc<Found>>>,
    /// Oldest first.
    under_way: Vec<UnderWay>,
}

struct UnderWay {
    began: Instant,
    /// When a thread took it up.
    taken: Arc<OnceLock<Instant>>,
}

/// What a look-up gave, and when.
#[derive(Debug)]
struct Found {
    result: Result<Vec<IpAddr>, NameError>,
    at: Instant,
}

/// What is known of a name at once.
pub(crate) enum Asked {
    /// An answer that is fresh enough.
    Known(Result<Vec<IpAddr>, NameError>),
    /// A look-up has to be waited for.
    Waits(Waiting),
}

/// One who waits for a look-up, his own or somebody else's.
pub(crate) struct Waiting {
    latest: watch::Receiver<Option<Arc<Found>>>,
    /// When a thread took the look-up up; before that it stood in our own queue.
    pub(crate) taken: Arc<OnceLock<Instant>>,
}

impl Names {
    /// Those of the operating system, shared by the whole process.
    #[must_use]
    pub fn system() -> Self {
        static SYSTEM: LazyLock<Names> = LazyLock::new(Names::default);
        SYSTEM.clone()
    }

    /// Names that `resolve` knows; it may block, and is called on tokio's blocking pool.
    pub fn by(resolve: impl Fn(&str) -> Result<Vec<IpAddr>, NameError> + Send + Sync + 'static) -> Self {
        Names {
            shared: Arc::new(Shared {
                resolve: Box::new(resolve),
                known: Mutex::default(),
            }),
        }
    }

    /// The addresses of `host`, if an answer not older than `ttl` is known; else begins a look-up, or joins the one under way.
    /// A `ttl` of zero keeps nothing, and joins all the same. Needs a tokio runtime.
    pub(crate) fn ask(&self, host: &str, ttl: Duration) -> Asked {
        let now = Instant::now();
        let mut known = self.shared.lock();
        if !known.contains_key(host) {
            forget_some(&mut known);
        }
        let name = known.entry(host.to_owned()).or_insert_with(|| Name {
            latest: watch::Sender::new(None),
            under_way: Vec::new(),
        });
        let fresh = name
            .latest
            .borrow()
            .as_ref()
            .and_then(|found| found.fresh(now, ttl));
        if let Some(result) = fresh {
            return Asked::Known(result);
        }
        let latest = name.latest.subscribe();
        let newest = name.under_way.last();
        let joined = newest.filter(|newest| {
            now.saturating_duration_since(newest.began) < PATIENCE || name.under_way.len() >= SIDE_BY_SIDE
        });
        if let Some(newest) = joined {
            return Asked::Waits(Waiting {
                latest,
                taken: newest.taken.clone(),
            });
        }
        let taken = Arc::<OnceLock<Instant>>::default();
        name.under_way.push(UnderWay {
            began: now,
            taken: taken.clone(),
        });
        drop(known);
        let look_up = LookUp {
            shared: self.shared.clone(),
            host: host.to_owned(),
            taken: taken.clone(),
        };
        // Runs on also when nobody waits any more. A runtime that ends drops it instead, which tells those who wait.
        drop(tokio::task::spawn_blocking(move || look_up.run()));
        Asked::Waits(Waiting { latest, taken })
    }
}

/// Those of the operating system, with a memory of its own.
impl Default for Names {
    fn default() -> Self {
        Names::by(ask_system)
    }
}

impl Waiting {
    /// The next answer that comes.
    pub(crate) async fn answer(mut self) -> Result<Vec<IpAddr>, NameError> {
        let came = self.latest.changed().await.is_ok();
        let latest = self.latest.borrow();
        match latest.as_ref().filter(|_| came) {
            Some(found) => found.result.clone(),
            None => Err(NameError::passing("the look-up was given up")),
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Name>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Found {
    fn fresh(&self, now: Instant, ttl: Duration) -> Option<Result<Vec<IpAddr>, NameError>> {
        let kept = if self.result.is_ok() {
            ttl
        } else {
            ttl.min(FAILURE_TTL)
        };
        (now.saturating_duration_since(self.at) < kept).then(|| self.result.clone())
    }
}

/// A test may make names up without end.
fn forget_some(known: &mut HashMap<String, Name>) {
    if known.len() >= MOST_NAMES {
        known.retain(|_, name| !name.under_way.is_empty());
    }
}

/// A look-up that is begun; tells those who wait when it ends, in whatever way.
struct LookUp {
    shared: Arc<Shared>,
    host: String,
    taken: Arc<OnceLock<Instant>>,
}

impl LookUp {
    fn run(self) {
        self.taken.get_or_init(Instant::now);
        let found = (self.shared.resolve)(&self.host).and_then(|addresses| match addresses.is_empty() {
            true => Err(NameError {
                reason: Reason::NotFound,
                text: "the name has no address".into(),
            }),
            false => Ok(addresses),
        });
        self.tell(Some(found));
    }

    fn tell(&self, result: Option<Result<Vec<IpAddr>, NameError>>) {
        let mut known = self.shared.lock();
        let Some(name) = known.get_mut(&self.host) else {
            return;
        };
        let before = name.under_way.len();
        name.under_way.retain(|one| !Arc::ptr_eq(&one.taken, &self.taken));
        if name.under_way.len() == before {
            return; // told already
        }
        // One that was given up says nothing of the name, unless it was the last hope of those who wait.
        let result = match result {
            None if !name.under_way.is_empty() => return,
            None => Err(NameError::passing("the look-up was given up")),
            Some(result) => result,
        };
        let at = Instant::now();
        name.latest.send_replace(Some(Arc::new(Found { result, at })));
    }
}

impl Drop for LookUp {
    fn drop(&mut self) {
        self.tell(None);
    }
}

/// The system's resolver. One kind of socket, or each address would come three times.
fn ask_system(host: &str) -> Result<Vec<IpAddr>, NameError> {
    let hints = AddrInfoHints {
        socktype: SockType::Stream.into(),
        ..AddrInfoHints::default()
    };
    let found = getaddrinfo(Some(host), None, Some(hints)).map_err(NameError::new)?;
    Ok(found.flatten().map(|info| info.sockaddr.ip()).collect())
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Names({} known)", self.shared.lock().len())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use super::*;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    /// `EAI_AGAIN` on Linux.
    const AGAIN: i32 = -3;

    async fn addresses(names: &Names, host: &str, ttl: Duration) -> Result<Vec<IpAddr>, NameError> {
        match names.ask(host, ttl) {
            Asked::Known(result) => result,
            Asked::Waits(waiting) => waiting.answer().await,
        }
    }

    /// Names whose look-ups are counted.
    fn counted(
        answer: impl Fn(usize) -> Result<Vec<IpAddr>, NameError> + Send + Sync + 'static,
    ) -> (Names, Arc<AtomicUsize>) {
        let count = Arc::<AtomicUsize>::default();
        let counter = count.clone();
        let names = Names::by(move |_| answer(counter.fetch_add(1, Ordering::SeqCst) + 1));
        (names, count)
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_failure_is_judged_by_its_code_in_any_language() {
        let of = |code| {
            let error = crate::Error::Dns {
                host: "x".into(),
                source: NameError {
                    text: "Vor\u{fc}bergehender Fehler bei der Namensaufl\u{f6}sung".into(),
                    ..NameError::of_code(code)
                },
            };
            error.code().as_str()
        };
        for (code, expected) in [
            (AGAIN, "dns.failed"),
            (-4, "dns.failed"),
            (-10, "dns.failed"),
            (-11, "dns.failed"),
            (-2, "dns.not-found"),
            (-5, "dns.not-found"),
            (-9, "dns.not-found"),
            (-105, "dns.not-found"),
        ] {
            assert_eq!(of(code), expected, "{code}");
        }
    }

    #[test]
    fn what_is_no_name_is_not_found() {
        for host in ["nothing.invalid", "a\0b", &"x".repeat(300)] {
            let error = ask_system(host).unwrap_err();
            // Without any name server the first one may be a passing failure.
            assert!(
                error.is_not_found() || host == "nothing.invalid",
                "{host:?}: {error:?}"
            );
        }
        assert!(!ask_system("localhost").unwrap().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_kept_for_its_time_and_a_failure_for_a_moment() {
        let (names, count) = counted(|nth| match nth {
            1 => Err(NameError::of_code(AGAIN)),
            _ => Ok(vec![HOME]),
        });
        let asked = |ttl| addresses(&names, "a.test", ttl);
        let looked_up = || count.load(Ordering::SeqCst);
        assert!(asked(USUAL_TTL).await.is_err());
        assert!(asked(USUAL_TTL).await.is_err(), "the crowd behind the first");
        assert_eq!(looked_up(), 1);
        tokio::time::advance(FAILURE_TTL).await;
        assert!(asked(USUAL_TTL).await.is_ok());
        tokio::time::advance(USUAL_TTL - Duration::from_millis(1)).await;
        assert!(asked(USUAL_TTL).await.is_ok());
        assert_eq!(looked_up(), 2);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(asked(Duration::MAX).await.is_ok(), "for ever");
        assert_eq!(looked_up(), 2);
        assert!(asked(USUAL_TTL).await.is_ok());
        assert_eq!(looked_up(), 3);
        assert!(asked(Duration::ZERO).await.is_ok(), "zero keeps nothing");
        assert_eq!(looked_up(), 4);
    }

    #[tokio::test]
    async fn a_look_up_that_hangs_is_joined_for_a_while_then_others_run_beside_it() {
        let (heal, hangs) = mpsc::channel::<()>();
        let hangs = Mutex::new(hangs);
        let slow = AtomicUsize::default();
        let names = Names::by(move |host| {
            if host == "slow.test" && slow.fetch_add(1, Ordering::SeqCst) == 0 {
                let _ = hangs.lock().unwrap().recv();
            }
            Ok(vec![HOME])
        });
        let Asked::Waits(first) = names.ask("slow.test", USUAL_TTL) else {
            panic!("nothing can be known")
        };
        let Asked::Waits(joins) = names.ask("slow.test", USUAL_TTL) else {
            panic!("nothing can be known")
        };
        assert!(Arc::ptr_eq(&first.taken, &joins.taken));
        // Another name does not wait for it.
        assert!(addresses(&names, "quick.test", USUAL_TTL).await.is_ok());
        for one in &mut names.shared.lock().get_mut("slow.test").unwrap().under_way {
            one.began -= PATIENCE;
        }
        // The first may not have been taken up yet, and the one that hangs be the second.
        assert!(addresses(&names, "slow.test", USUAL_TTL).await.is_ok());
        assert!(first.answer().await.is_ok(), "whoever answers first answers all");
        assert!(joins.answer().await.is_ok());
        drop(heal);
    }

    #[tokio::test]
    async fn a_look_up_that_breaks_leaves_nobody_waiting() {
        let names = Names::by(|_| panic!("a resolver that is wrong"));
        let told = addresses(&names, "a.test", USUAL_TTL).await;
        assert!(told.is_err_and(|error| !error.is_not_found()));
        assert_eq!(names.shared.lock()["a.test"].under_way.len(), 0);
    }

    #[tokio::test]
    async fn names_without_end_are_forgotten() {
        let (names, _) = counted(|_| Ok(vec![HOME]));
        for number in 0..MOST_NAMES + 10 {
            addresses(&names, &format!("{number}.test"), USUAL_TTL)
                .await
                .unwrap();
        }
        assert!(names.shared.lock().len() <= MOST_NAMES);
    }
}
