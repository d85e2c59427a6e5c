//! The attempt: its stages in order under one deadline, redirects and challenges for a login, and the trace of it all.

use std::borrow::Cow;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use hyper::Response;
use hyper::body::Incoming;
use hyper::header::{LOCATION, WWW_AUTHENTICATE};
use tokio::time::{Instant, timeout_at};

use conversation::Answers;

use crate::connection::Opened;
use crate::deadline::Deadline;
use crate::deflate;
use crate::header::{check_header, subprotocols};
use crate::login::MOST_CHALLENGES;
use crate::meter::Io;
use crate::names::Asked;
use crate::proxy::ProxyKind;
use crate::socks;
use crate::tcp::{self, Socket};
use crate::upgrade::{Exchange, Upgrade, exchange};
use crate::{
    Answer, Attempt, Code, Connection, Cookies, Error, Login, Names, Proxy, Sources, Stage, Target, Tls,
    Trace, proxy,
};

/// Statuses of RFC 9110 section 15.4 that name another place; the request is a GET in each case.
const REDIRECTS: [u16; 5] = [301, 302, 303, 307, 308];

/// Asks for a login (RFC 9110 section 15.5.2).
const UNAUTHORIZED: u16 = 401;

const AUTHORIZATION: &str = "authorization";

/// Headers that are meant for the first host only.
const OWN_TO_HOST: [&str; 4] = ["host", AUTHORIZATION, "cookie", "proxy-authorization"];

/// All that one attempt needs.
#[derive(Clone, Debug)]
pub struct Dial {
    /// Where to.
    pub target: Target,
    /// The user's headers in order, checked by [`check_header`]; sent in the case given. `Host` replaces ours.
    pub headers: Vec<(String, String)>,
    /// Who logs in where the target asks with Digest; takes the place of an `Authorization` line among the headers then.
    pub login: Option<Login>,
    /// Subprotocols to ask for, most wanted first.
    pub subprotocols: Vec<String>,
    /// Addresses of the target's host; not empty: no lookup is made. Unused with a proxy, which looks the host up itself.
    pub addresses: Vec<IpAddr>,
    /// Who looks names up.
    pub names: Names,
    /// How long an address that was looked up is used again; zero: looked up each time, [`Duration::MAX`]: for ever.
    pub name_ttl: Duration,
    /// Through this proxy, HTTP CONNECT or SOCKS5.
    pub proxy: Option<Proxy>,
    /// Which addresses of this machine connections come from, to a proxy, too.
    pub sources: Sources,
    /// Used for `wss`.
    pub tls: Tls,
    /// For DNS, TCP, proxy and TLS together, of each hop.
    pub connect_timeout: Duration,
    /// How many redirects are followed; with 0 a redirect is a refusal like any other.
    pub max_redirects: u32,
    /// Ask for no upgrade: a plain GET, whose answer is in the trace and is a refusal, whatever it says.
    pub plain: bool,
    /// Offer permessage-deflate (RFC 7692); whether it is used is the server's choice.
    pub compression: bool,
    /// Bound of a message in either direction, in bytes before compression.
    pub max_message: usize,
    /// What the connection answers by itself: pings, unless a server is to see a client that is deaf, and an application's heartbeats.
    pub answers: Answers,
}

/// Makes one attempt: at most `timeout` long, redirects included. Needs a tokio runtime with I/O and time.
///
/// Under `block_on` it may hold the thread for 10 ms at a time while it waits for a peer that is near, so a select beside it is
/// served that much later; in a spawned task it never blocks.
///
/// `cookies` are sent as they apply, and learn what servers set.
///
/// Cancel safe: dropping the future closes the socket.
pub async fn open(dial: &Dial, cookies: &Cookies, timeout: Duration) -> Attempt {
    let mut run = Run::new(dial, cookies, timeout);
    let result = run.hops().await;
    run.trace.total = run.began.elapsed().saturating_sub(run.trace.stalled);
    Attempt {
        trace: run.trace,
        result,
    }
}

/// One attempt under way.
struct Run<'a> {
    dial: &'a Dial,
    cookies: &'a Cookies,
    began: Instant,
    deadline: Deadline,
    trace: Trace,
    /// The stage under way and when it began; the trace gets its length when it ends, or is ended.
    stage: Option<(Stage, Instant)>,
    /// When a thread took up the lookup that is waited for.
    lookup_taken: Arc<OnceLock<Instant>>,
}

/// Where the next request goes, and what it brings.
struct Hop<'a> {
    target: Cow<'a, Target>,
    headers: Cow<'a, [(String, String)]>,
    addresses: Cow<'a, [IpAddr]>,
    /// `None` at a host that it is not meant for.
    login: Option<&'a Login>,
    /// The answer to a challenge of this target, for `Authorization`.
    authorization: Option<String>,
    /// How many challenges of it were answered.
    challenges: u32,
}

impl<'a> Hop<'a> {
    fn first(dial: &'a Dial) -> Self {
        Hop {
            target: Cow::Borrowed(&dial.target),
            headers: Cow::Borrowed(&dial.headers),
            addresses: Cow::Borrowed(&dial.addresses),
            login: dial.login.as_ref(),
            authorization: None,
            challenges: 0,
        }
    }

    /// The headers, with the answer to the challenge in the place of another login.
    fn headers(&self) -> Cow<'_, [(String, String)]> {
        let Some(answer) = &self.authorization else {
            return Cow::Borrowed(&self.headers);
        };
        let others = self
            .headers
            .iter()
            .filter(|(name, _)| !name.eq_ignore_ascii_case(AUTHORIZATION));
        let mut all: Vec<(String, String)> = others.cloned().collect();
        all.push(("Authorization".to_owned(), answer.clone()));
        Cow::Owned(all)
    }

    /// What answers a challenge in these `WWW-Authenticate` lines; `None`: the 401 is final.
    fn answer<'v>(&self, status: u16, challenges: impl Iterator<Item = &'v str>) -> Option<String> {
        let login = self
            .login
            .filter(|_| status == UNAUTHORIZED && self.challenges < MOST_CHALLENGES)?;
        let mut challenge = login.challenge(challenges, self.challenges > 0)?;
        login.answer(&mut challenge, "GET", self.target.path_and_query())
    }

    /// Whether an answer is followed by another request, whatever its body says.
    fn goes_on(&self, answer: &Response<Incoming>, follows: bool) -> bool {
        let status = answer.status().as_u16();
        let lines = answer.headers().get_all(WWW_AUTHENTICATE).iter();
        follows && REDIRECTS.contains(&status) && answer.headers().contains_key(LOCATION)
            || self
                .answer(status, lines.filter_map(|line| line.to_str().ok()))
                .is_some()
    }
}

impl<'a> Run<'a> {
    fn new(dial: &'a Dial, cookies: &'a Cookies, timeout: Duration) -> Self {
        let began = Instant::now();
        let trace = Trace::new(SystemTime::now());
        Run {
            dial,
            cookies,
            began,
            deadline: Deadline::new(began, timeout),
            trace,
            stage: None,
            lookup_taken: Arc::default(),
        }
    }

    async fn hops(&mut self) -> Result<Connection, Error> {
        let dial = self.dial;
        let bad_header = |error: crate::HeaderError| Error::Upgrade {
            code: Code::UpgradeHeader,
            what: error.to_string(),
        };
        for (name, value) in &dial.headers {
            check_header(name, value).map_err(bad_header)?;
        }
        let asked = subprotocols(&dial.subprotocols, &dial.headers).map_err(bad_header)?;
        let follows = dial.max_redirects > 0;
        let mut hop = Hop::first(dial);
        loop {
            self.trace.forget_hop();
            let io = self.connect(&hop.target, &hop.addresses).await?;
            let headers = hop.headers();
            let given = headers
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case("cookie"));
            let cookies = self
                .cookies
                .line(&hop.target, given.map(|(_, value)| value.as_str()));
            let upgrade = if dial.plain {
                Upgrade::plain(&hop.target, &headers, cookies.as_deref())
            } else {
                let (target, cookies) = (&hop.target, cookies.as_deref());
                Upgrade::new(target, &headers, cookies, &asked, dial.compression)
            };
            let done = exchange(
                io,
                &upgrade,
                &self.deadline,
                self.began,
                |answer| hop.goes_on(answer, follows),
                &mut self.trace,
            )
            .await?;
            let Exchange { io, leftover, answer } = done;
            self.learn(&hop.target, &answer);
            let answer = Arc::new(answer);
            self.trace.answer = Some(answer.clone());
            if answer.status == 101 {
                self.trace.body_bytes = 0;
                let subprotocol = upgrade.check(&answer, &asked)?;
                let deflate = deflate::agreed(&answer, dial.compression)?;
                return Connection::new(Opened {
                    io,
                    leftover: leftover.to_vec(),
                    answer,
                    subprotocol,
                    deflate,
                    max_message: dial.max_message,
                    answers: dial.answers.clone(),
                });
            }
            if let Some(authorization) = hop.answer(answer.status, answer.header("www-authenticate")) {
                self.trace.challenges += 1;
                hop.authorization = Some(authorization);
                hop.challenges += 1;
                continue;
            }
            let Some(location) = redirect(&answer, follows) else {
                return Err(Error::Status {
                    status: answer.status,
                    reason: answer.reason.clone(),
                });
            };
            hop = self.follow(&hop, location)?;
            self.trace.redirects.push((answer.status, location.to_owned()));
        }
    }

    /// What an answer sets counts for the next request, of this attempt or of a later one.
    fn learn(&mut self, from: &Target, answer: &Answer) {
        for line in answer.header("set-cookie") {
            self.cookies.learn(from, line);
            self.trace.set_cookies.push((from.to_string(), line.to_owned()));
        }
    }

    /// The hop that `location` asks for, if it may be taken.
    fn follow(&self, hop: &Hop<'a>, location: &str) -> Result<Hop<'a>, Error> {
        let from = &hop.target;
        let fault = |what: String| Error::Upgrade {
            code: Code::UpgradeRedirect,
            what: format!("{from} redirects to {location:?}: {what}"),
        };
        if self.trace.redirects.len() >= self.dial.max_redirects as usize {
            return Err(fault(format!("more than {} redirects", self.dial.max_redirects)));
        }
        let target = from.join(location).map_err(|error| fault(error.to_string()))?;
        if from.is_tls() && !target.is_tls() {
            return Err(fault("from wss to ws, which would give up encryption".into()));
        }
        let same_host = target.host() == from.host();
        let same_place = same_host && target.port() == from.port();
        let stays = |name: &str| same_place || !OWN_TO_HOST.iter().any(|own| own.eq_ignore_ascii_case(name));
        let headers = hop.headers.iter().filter(|(name, _)| stays(name));
        Ok(Hop {
            headers: headers.cloned().collect(),
            addresses: if same_host {
                hop.addresses.clone()
            } else {
                Cow::default()
            },
            target: Cow::Owned(target),
            login: hop.login.filter(|_| same_place),
            authorization: None,
            challenges: 0,
        })
    }

    /// The stages before the upgrade, under the earlier of the two deadlines.
    async fn connect(&mut self, target: &Target, addresses: &[IpAddr]) -> Result<Io, Error> {
        let limit = Deadline::new(Instant::now(), self.dial.connect_timeout).or_earlier(self.deadline);
        let done = timeout_at(limit.at, self.stages(target, addresses)).await;
        let stage = self.leave();
        done.unwrap_or_else(|_| {
            let stage = stage.unwrap_or(Stage::Tcp);
            let proxy = self.dial.proxy.as_ref().filter(|_| stage != Stage::Tls);
            Err(limit.missed(
                stage,
                &proxy.map_or_else(|| target.host_and_port(), Proxy::address),
            ))
        })
    }

    async fn stages(&mut self, target: &Target, addresses: &[IpAddr]) -> Result<Io, Error> {
        let dial = self.dial;
        let (host, port, addresses) = match &dial.proxy {
            Some(proxy) => (proxy.host.as_str(), proxy.port, &[][..]),
            None => (target.host(), target.port(), addresses),
        };
        let addresses = self.resolve(host, port, addresses).await?;
        let mut authorization = dial.proxy.as_ref().and_then(Proxy::basic);
        let mut challenges = 0;
        let socket =
            loop {
                let mut socket = self.tcp(target, peer(host, port, &addresses), &addresses).await?;
                let Some(proxy) = &dial.proxy else { break socket };
                self.enter(Stage::Proxy);
                if proxy.kind == ProxyKind::Socks5 {
                    socks::connect(proxy, target.host(), target.port(), &mut socket).await?;
                    break socket;
                }
                let to = target.host_and_port();
                let refused =
                    match proxy::connect(proxy, &to, authorization.as_deref(), &mut socket, &mut self.trace)
                        .await
                    {
                        Ok(()) => break socket,
                        Err(refused) => refused,
                    };
                let answer = self.trace.answer.as_deref();
                // By a new connection: many close this one, and what is left of the refusal need not be read.
                authorization = answer.and_then(|answer| proxy.digest(answer, &to, challenges));
                if authorization.is_none() {
                    return Err(refused);
                }
                challenges += 1;
                self.trace.challenges += 1;
                self.trace.answer = None;
            };
        if !target.is_tls() {
            return Ok(Io::Plain(socket));
        }
        self.enter(Stage::Tls);
        Ok(Io::Tls(Box::new(dial.tls.connect(target.host(), socket).await?)))
    }

    async fn tcp(
        &mut self,
        target: &Target,
        peer: String,
        addresses: &[SocketAddr],
    ) -> Result<Socket, Error> {
        self.enter(Stage::Tcp);
        match tcp::connect(addresses, &self.dial.sources).await {
            Ok((socket, remote)) => {
                self.trace.remote = Some(remote);
                Ok(socket)
            }
            Err(source) => Err(self.not_connected(target, peer, source)),
        }
    }

    /// Whoever accepts and resets at once may be heard of here, or by the first read or write that follows: one cause, one code.
    fn not_connected(&self, target: &Target, peer: String, source: io::Error) -> Error {
        if source.kind() != io::ErrorKind::ConnectionReset {
            return Error::Tcp { peer, source };
        }
        match &self.dial.proxy {
            Some(proxy) => Error::ProxyClosed {
                proxy: proxy.address(),
                what: source.to_string(),
            },
            None if target.is_tls() => Error::TlsClosed { host: peer, source },
            None => Error::Upgrade {
                code: Code::UpgradeReset,
                what: format!("{peer}: {source} before the request"),
            },
        }
    }

    async fn resolve(
        &mut self,
        host: &str,
        port: u16,
        addresses: &[IpAddr],
    ) -> Result<Vec<SocketAddr>, Error> {
        if !addresses.is_empty() {
            return Ok(tcp::interleave(addresses, port));
        }
        if let Ok(literal) = host.parse() {
            return Ok(vec![SocketAddr::new(literal, port)]);
        }
        let found = match self.dial.names.ask(host, self.dial.name_ttl) {
            Asked::Known(found) => found,
            Asked::Waits(waiting) => {
                self.enter(Stage::Dns);
                self.lookup_taken = waiting.taken.clone();
                waiting.answer().await
            }
        };
        let found = found.map_err(|source| Error::Dns {
            host: host.into(),
            source,
        })?;
        Ok(tcp::interleave(&found, port))
    }

    fn enter(&mut self, stage: Stage) {
        self.leave();
        self.stage = Some((stage, Instant::now()));
    }

    /// Ends the stage under way, if there is one, and writes down its length.
    fn leave(&mut self) -> Option<Stage> {
        let (stage, began) = self.stage.take()?;
        let ended = Instant::now();
        let length = Some(ended - began);
        match stage {
            Stage::Dns => {
                // One that nobody took up is all queue.
                let taken = self.lookup_taken.get().map_or(ended, |taken| (*taken).max(began));
                self.trace.dns_queue = Some(taken - began);
                self.trace.dns = Some(ended - taken);
            }
            Stage::Tcp => self.trace.tcp = length,
            Stage::Proxy => self.trace.proxy = length,
            Stage::Tls => self.trace.tls = length,
            Stage::Upgrade => {}
        }
        Some(stage)
    }
}

/// The `Location` of a redirect, unless redirects are not followed at all.
fn redirect(answer: &Answer, follows: bool) -> Option<&str> {
    answer
        .header("location")
        .next()
        .filter(|_| follows && REDIRECTS.contains(&answer.status))
}

fn peer(host: &str, port: u16, addresses: &[SocketAddr]) -> String {
    let tried: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    match tried.as_slice() {
        [one] if one.trim_matches(['[', ']']).starts_with(host) => one.clone(),
        _ => format!("{host}:{port} ({})", tried.join(", ")),
    }
}
