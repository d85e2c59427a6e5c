//! When to try a refused WebSocket handshake again: policies, the server's hints, status classes and stop rules; and the gate
//! through which many users share one quota.
//!
//! Not here: sockets, who waits and where (`engine`), and names of keys (the adapters) but in advice for people.
//!
//! Pure: no clock, no I/O, no threads. Time comes in as an argument and a wait goes out as a value, so that the
//! sampler, the simulator and the tests run the very same code.
//!
//! ```
//! use backoff::{HttpAnswer, Backoff, Next, Policy, Seen, stream_seed};
//! use std::{sync::Arc, time::{Duration, SystemTime}};
//!
//! let policy = Arc::new(Policy::default());
//! policy.check()?;
//! let mut backoff = Backoff::new(policy, Some(stream_seed(7, "Thread Group 1-1", 0)));
//! let headers = [("Retry-After".to_string(), "5".to_string())];
//! let refusal = Seen::Answer(HttpAnswer { status: 429, headers: &headers, body: b"", now: SystemTime::now() });
//! let Next::Wait(wait) = backoff.after(&refusal, Duration::from_millis(40)).next else { panic!("gave up") };
//! assert!(wait >= Duration::from_secs(5));
//! # Ok::<(), backoff::PolicyError>(())
//! ```

mod attempts;
mod band;
mod body;
mod check;
mod connect;
mod crowd;
mod hint;
mod length;
mod pacer;
mod policy;
mod ratelimit;
mod read;
mod seed;
mod smell;
mod source;
mod status;
mod strategy;
mod text;
mod words;

pub use attempts::{Attempts, Form, Refusal, STABLE, Step};
pub use band::Band;
pub use body::{BodyPattern, BodyPatternError};
pub use connect::{Backoff, Class, FailureKind, HttpAnswer, Next, Seen, StopReason, Verdict};
pub use crowd::{Crowd, Finding, Lead, LockedOut};
pub use hint::{HintFault, HintJitter, HintMode, HintPolicy, HintReading, TooLong};
pub use pacer::{
    FASTEST_PACE, LARGEST_BURST, Pacer, PacerMode, PacerSettings, PacerState, SLOWEST_PACE, Ticket, Turn,
};
pub use policy::{ATTEMPT_GUARD, Policy, PolicyError};
pub use seed::{Stream, stream_seed};
pub use smell::{Sign, Smell, smells};
pub use source::HintSource;
pub use status::{StatusSet, StatusSetError};
pub use strategy::Strategy;
pub use text::{POLICY_FORMS, PolicyTextError};
pub use words::UnknownWord;
