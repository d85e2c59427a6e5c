//! Turns what an element connects by into a checked plan, once, and the plan into the specification of each call: everything
//! the loop needs, or the first thing that is wrong.

mod dial;
mod gates;
mod policy;
mod request;

use std::sync::{Arc, Mutex};

use backoff::Strategy;
use conversation::queue::Bounds;
use engine::connecting::spec::{ConnectSpec, Farewell, Keeping};
use engine::gates::gate::Gates;
use engine::locks::lock;
use websocket::{Cookies, Sessions};

use crate::values::{Invalid, Values};
use crate::variables::CONNECT_SAMPLER;
pub(crate) use dial::join;
pub(crate) use gates::{gate, gate_of_mode, quota_by, quota_key};
pub(crate) use policy::policy;
pub use request::{CallRequest, ConnectRequest, IdentityRequest, LoginRequest};

/// What counts as a sample's elapsed time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ElapsedMode {
    /// Work only; waits are idle time.
    Attempts,
    /// Waits too.
    Total,
}

/// What of a connect call is shown, and how.
#[derive(Debug, Clone, Copy)]
pub struct ShownAs {
    /// What counts as elapsed.
    pub elapsed: ElapsedMode,
    /// Whether every attempt becomes a sub-result.
    pub subresults: bool,
}

/// What an element connects by, checked: any number of calls are made from it.
#[derive(Debug)]
pub struct ConnectPlan {
    /// The call without what is its own.
    call: ConnectSpec,
    /// The user's seed, of which each call has a stream.
    seed: Option<u64>,
    /// TLS sessions of the user's newest visit, and which that is.
    sessions: Mutex<(u64, Sessions)>,
    /// For its results.
    pub shown: ShownAs,
}

impl ConnectPlan {
    /// Checks what an element connects by; its gate is one of `gates`.
    ///
    /// # Errors
    /// The first property that cannot be used.
    pub fn new(mut request: ConnectRequest, gates: &Gates) -> Result<Self, Invalid> {
        let values = Values::new(std::mem::take(&mut request.properties))?;
        if !matches!(request.trace_show.as_str(), "" | "all") {
            return Err(Invalid::new(
                "wsb.trace.show",
                request.trace_show,
                "no word that is known",
                "all, or nothing: secrets in addresses are hidden",
            ));
        }
        let mut policy = policy(&values)?;
        let seed = values.optional("wsb.retry.seed", "a whole number from 0 to 18446744073709551615")?;
        let elapsed = values.word(
            "wsb.result.elapsed",
            &[("attempts", ElapsedMode::Attempts), ("total", ElapsedMode::Total)],
        )?;
        let subresults = values.word("wsb.result.attempts", &[("none", false), ("subresults", true)])?;
        let sessions = Sessions::of(&request.user, 0);
        let mut dial = dial::dial(&values, &request)?;
        dial.tls = dial.tls.of_user(sessions.clone());
        let quota = gates::quota_of(&dial.target);
        let (crowd, gate) = if request.apart {
            gates::settings(&values)?;
            (Arc::default(), None)
        } else {
            let crowd = gates.crowd(&quota_key(&values, &quota));
            (crowd, gate(&values, &quota, gates)?)
        };
        let mut keeping = keeping(&values)?;
        if request.apart {
            policy.strategy = Strategy::None;
            policy.attempt_timeout = policy.attempt_timeout.min(dial.connect_timeout);
            keeping.reconnect = false;
            request.trace = None;
        }
        let call = ConnectSpec {
            dial: Arc::new(dial),
            cookies: Cookies::default(),
            keeping,
            settle: values.duration("wsb.settle")?,
            asks: false,
            policy: Arc::new(policy),
            seed: None,
            user: request.user.into(),
            ordinal: 0,
            trace: request.trace.map(Arc::from),
            gate,
            crowd,
            apart: request.apart,
            keep_texts: subresults,
            element: CONNECT_SAMPLER,
            connection: values.text("wsb.connection").into(),
        };
        let shown = ShownAs { elapsed, subresults };
        Ok(ConnectPlan {
            call,
            seed,
            sessions: Mutex::new((0, sessions)),
            shown,
        })
    }

    /// The user's call of this number, from 0.
    ///
    /// # Errors
    /// The first header that cannot be used.
    pub fn call(&self, ordinal: u64, own: CallRequest) -> Result<ConnectSpec, Invalid> {
        let mut call = self.call.clone();
        call.ordinal = ordinal;
        call.seed = self
            .seed
            .map(|seed| backoff::stream_seed(seed, &call.user, ordinal));
        call.asks = own.asks;
        call.cookies = Cookies::default(); // a jar of its own
        let sessions = (own.visit != 0).then(|| self.sessions(own.visit));
        own.put_into(&mut call, sessions)?;
        Ok(call)
    }
}

impl ConnectPlan {
    /// Those of the user that calls now; held from call to call.
    fn sessions(&self, visit: u64) -> Sessions {
        let mut held = lock(&self.sessions);
        if held.0 != visit {
            *held = (visit, Sessions::of(&self.call.user, visit));
        }
        held.1.clone()
    }
}

fn keeping(values: &Values) -> Result<Keeping, Invalid> {
    Ok(Keeping {
        keep_alive: values.duration("wsb.keepAlive")?,
        pong_timeout: values.positive_duration("wsb.pongTimeout")?,
        queue: Bounds {
            messages: values.parse("wsb.queue.messages", "a whole number from 0 on")?,
            bytes: values.size("wsb.queue.bytes", 0)?,
        },
        queue_total: values.size("wsb.queue.total", 0)?,
        reconnect: values.word("wsb.reconnect", &[("no", false), ("on-next-use", true)])?,
        farewell: farewell(values)?,
    })
}

fn farewell(values: &Values) -> Result<Farewell, Invalid> {
    let reason = values.close_reason("wsb.end.reason")?;
    let closes = values.word("wsb.end", &[("close", true), ("abort", false)])?;
    Ok(if closes {
        Farewell::Close(reason.into())
    } else {
        Farewell::Abort
    })
}
