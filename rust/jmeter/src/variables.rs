//! The table of JMeter variables that samplers set.

/// A JMeter variable.
#[derive(Debug, Clone, Copy)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// One sentence.
    pub help: &'static str,
    /// Class names of the elements that set it.
    pub elements: &'static [&'static str],
}

/// The element that connects.
pub const CONNECT_SAMPLER: &str = "ConnectSampler";

/// The element that runs its children again.
pub const RETRY_CONTROLLER: &str = "RetryController";

/// Attempts made.
pub const ATTEMPTS: &str = "wsb.attempts";
/// Attempts throttled.
pub const THROTTLED: &str = "wsb.throttled";
/// Waits in all.
pub const WAITED_MS: &str = "wsb.waitedMs";
/// Waits included.
pub const TIME_TO_CONNECT_MS: &str = "wsb.timeToConnectMs";
/// Waits included.
pub const TIME_TO_SUCCESS_MS: &str = "wsb.timeToSuccessMs";
/// The last usable hint.
pub const HINT_MS: &str = "wsb.hintMs";
/// Why it ended.
pub const STOP: &str = "wsb.stop";
/// The last answer's status.
pub const LAST_STATUS: &str = "wsb.lastStatus";

/// Whose they are.
pub const SAMPLE: &str = "wsb.sample";

/// The gate's rate.
pub const RATE: &str = "wsb.rate";
/// The gate's queue.
pub const GATE_QUEUE: &str = "wsb.gateQueue";

/// What a virtual thread waited for a processor.
pub const SCHEDULING_US: &str = "wsb.schedulingUs";

/// The element that lets one thread run its children for all.
pub const ONCE_CONTROLLER: &str = "OnceController";
/// The element that holds samples back.
pub const PACE_TIMER: &str = "PaceTimer";

/// How a thread came by the values.
pub const ONCE_RESULT: &str = "wsb.once.result";
/// Why it did not.
pub const ONCE_STOP: &str = "wsb.once.stop";
/// How long it waited for them.
pub const ONCE_WAITED_MS: &str = "wsb.once.waitedMs";
/// How long a sample waited for its turn.
pub const PACE_WAITED_MS: &str = "wsb.pace.waitedMs";

const ONCE: &[&str] = &[ONCE_CONTROLLER];
const PACE: &[&str] = &[PACE_TIMER];
const GATED: &[&str] = &[CONNECT_SAMPLER, RETRY_CONTROLLER, PACE_TIMER];
const CONNECT: &[&str] = &[CONNECT_SAMPLER];
const RETRY: &[&str] = &[RETRY_CONTROLLER];
const RETRYING: &[&str] = &[CONNECT_SAMPLER, RETRY_CONTROLLER];
const WAITING: &[&str] = &["ReceiveSampler", "ExchangeSampler"];
const ROUND: &[&str] = &["ExchangeSampler", "PingSampler"];
const REPEATING: &[&str] = &["ExchangeSampler"];
const TALKING: &[&str] = &[
    "SendSampler",
    "ReceiveSampler",
    "ExchangeSampler",
    "PingSampler",
    "CloseSampler",
];

/// All that sample.
const SAMPLING: &[&str] = &[
    CONNECT_SAMPLER,
    "SendSampler",
    "ReceiveSampler",
    "ExchangeSampler",
    "PingSampler",
    "CloseSampler",
];

const fn variable(name: &'static str, elements: &'static [&'static str], help: &'static str) -> Variable {
    Variable { name, help, elements }
}

/// Every variable, in the order of documents.
pub const VARIABLES: &[Variable] = &[
    variable(ATTEMPTS, RETRYING, "Attempts made, the last one included."),
    variable(
        THROTTLED,
        RETRYING,
        "Attempts that were answered with a throttle.",
    ),
    variable(
        WAITED_MS,
        RETRYING,
        "Milliseconds waited between attempts, in all.",
    ),
    variable(
        TIME_TO_CONNECT_MS,
        CONNECT,
        "Milliseconds from the first attempt to the open socket, waits included; empty when it did not open.",
    ),
    variable(
        TIME_TO_SUCCESS_MS,
        RETRY,
        "Milliseconds from the first attempt to the end of the one that succeeded, waits included; empty when none did.",
    ),
    variable(
        HINT_MS,
        RETRYING,
        "The server's last usable hint in milliseconds; empty when it gave none.",
    ),
    variable(
        STOP,
        RETRYING,
        "Why it ended: connected (of a retry controller: succeeded), fatal, max-elapsed, max-attempts, hint-too-long, no-retry, schedule-end, cancelled, invalid; of a retry controller also no-sample: its last attempt ran none.",
    ),
    variable(
        LAST_STATUS,
        RETRYING,
        "HTTP status of the last answer; empty when there was none.",
    ),
    variable(
        SAMPLE,
        CONNECT,
        "Label of the sample that connected: in a JTL, rows of another label repeat what an earlier connect of their thread set; empty when what was open was used.",
    ),
    variable(
        RATE,
        GATED,
        "The shared gate's rate in attempts a second when this user's last turn came; empty without one.",
    ),
    variable(
        GATE_QUEUE,
        GATED,
        "How many users waited at the shared gate when this user's last turn came; empty without a gate.",
    ),
    variable(
        SCHEDULING_US,
        SAMPLING,
        "Microseconds that the virtual thread waited for a processor when all was done, which the elapsed time leaves out; empty on a platform thread, and where it never parked.",
    ),
    variable(
        ONCE_RESULT,
        ONCE,
        "How this thread came by the values: fetched (by itself), kept (they were there, or another thread fetched them), none.",
    ),
    variable(
        ONCE_STOP,
        ONCE,
        "Why it has none: timeout, schedule-end, fatal, max-elapsed, max-attempts, hint-too-long, no-retry, cancelled, invalid; else empty.",
    ),
    variable(
        ONCE_WAITED_MS,
        ONCE,
        "Milliseconds this thread waited for another one's fetch, or for its turn to fetch.",
    ),
    variable(
        PACE_WAITED_MS,
        PACE,
        "Milliseconds this thread's last sample waited for its turn.",
    ),
    variable("wsb.messages", WAITING, "Matching messages that came."),
    variable(
        "wsb.skipped",
        WAITING,
        "Messages that came and did not match, or could not be the answer.",
    ),
    variable(
        "wsb.queued",
        TALKING,
        "Messages that are kept for a later sampler of this connection.",
    ),
    variable(
        "wsb.dropped",
        TALKING,
        "Messages that this connection lost to the bounds of its queue so far, the oldest first.",
    ),
    variable(
        "wsb.messageAgeMs",
        WAITING,
        "Milliseconds that the message had been there when the sample began; 0 when it came later.",
    ),
    variable(
        "wsb.closeCode",
        TALKING,
        "The server's close code; empty while it has sent none.",
    ),
    variable(
        "wsb.roundTripUs",
        ROUND,
        "Microseconds from the start of sending to the whole answer; with repeat, the mean.",
    ),
    variable(
        "wsb.reconnects",
        TALKING,
        "How often this sample connected again before it began: 0 or 1.",
    ),
    variable(
        "wsb.rtt.minUs",
        REPEATING,
        "With repeat: the shortest round trip in microseconds.",
    ),
    variable(
        "wsb.rtt.meanUs",
        REPEATING,
        "With repeat: the mean round trip in microseconds.",
    ),
    variable(
        "wsb.rtt.p50Us",
        REPEATING,
        "With repeat: half of the round trips were not longer, microseconds.",
    ),
    variable(
        "wsb.rtt.p90Us",
        REPEATING,
        "With repeat: 90 % of the round trips were not longer, microseconds.",
    ),
    variable(
        "wsb.rtt.p99Us",
        REPEATING,
        "With repeat: 99 % of the round trips were not longer, microseconds.",
    ),
    variable(
        "wsb.rtt.maxUs",
        REPEATING,
        "With repeat: the longest round trip in microseconds.",
    ),
];
