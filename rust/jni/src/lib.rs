//! The exports for `io.github.wsbackoff.core.Native`: conversions only. Every export is the same three lines over a
//! function that returns `Result`; no thread of ours ever attaches to the JVM, and nothing here calls Java back.
//!
//! Not here: what a request means and what a result says (`jmeter`), and the version of this boundary, which stands beside them.

// The one crate with `unsafe`: exporting a symbol under a fixed name is unsafe by definition, and `jni_mangle` does it.
#![allow(unsafe_code)]
// A native method's arguments come by value.
#![allow(clippy::needless_pass_by_value)]

mod commands;
mod convert;
mod failure;

use std::time::Duration;

use jmeter::{Engine, Taken};
use jni::objects::{JByteArray, JClass, JLongArray};
use jni::sys::{jboolean, jint, jlong, jsize};
use jni::{EnvUnowned, jni_mangle};

use convert::{bytes, count, handle, java_bytes, java_bytes_or_null, java_handle, left, optional_bytes};
use failure::{Failure, Throw};

/// Version of this boundary; Java refuses to work with another one.
#[jni_mangle("io.github.wsbackoff.core.Native")]
pub fn abi<'local>(mut env: EnvUnowned<'local>, _class: JClass<'local>) -> jlong {
    env.with_env(|_| {
        failure::keep_panics_off_stderr();
        Ok::<_, Failure>(jmeter::ABI)
    })
    .resolve::<Throw>()
}

/// A test begins; settings and answer are UTF-8 JSON.
#[jni_mangle("io.github.wsbackoff.core.Native")]
pub fn begin<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    settings: JByteArray<'local>,
) -> JByteArray<'local> {
    env.with_env(|env| {
        let settings = bytes(env, &settings)?;
        java_bytes(env, &Engine::global().begin(&settings)?)
    })
    .resolve::<Throw>()
}

/// Answers a question to the figures of a test; both are UTF-8 JSON.
#[jni_mangle("io.github.wsbackoff.core.Native")]
pub fn live<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    question: JByteArray<'local>,
) -> JByteArray<'local> {
    env.with_env(|env| {
        let question = bytes(env, &question)?;
        java_bytes(env, &Engine::global().live(&question)?)
    })
    .resolve::<Throw>()
}

/// A new connection handle with nothing behind it yet.
#[jni_mangle("io.github.wsbackoff.core.Native")]
pub fn open<'local>(mut env: EnvUnowned<'local>, _class: JClass<'local>) -> jlong {
    env.with_env(|_| Ok::<_, Failure>(java_handle(Engine::global().open())))
        .resolve::<Throw>()
}

/// Connects as prepared, on the calling thread if the ticket is 0; the figures are written in place. Answers the texts, one behind
/// another, or null where the ticket will be told.
#[jni_mangle("io.github.wsbackoff.core.Native")]
pub fn connect<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    connection: jlong,
    prepared: jlong,
    ordinal: jlong,
    own: JByteArray<'local>,
    left_millis: jlong,
    ticket: jlong,
    figures: JLongArray<'local>,
) -> JByteArray<'local> {
    env.with_env(|env| {
        let own = optional_bytes(env, &own)?;
        let (connection, prepared) = (handle(connection), handle(prepared));
        let (ordinal, left) = (count(ordinal), left(left_millis));
        let engine = Engine::global();
        let call = match ticket {
            0 => Some(
                engine
                    .connect(connection, prepared, ordinal, own.as_deref(), left)?
                    .into(),
            ),
            _ => engine.connect_parked(
                connection,
                prepared,
                ordinal,
                own.as_deref(),
                left,
                handle(ticket),
            )?,
        };
        answer(env, call, &figures)
    })
    .resolve::<Throw>()
}

/// Ends whatever the connection is doing, from another thread.
#[jni_mangle("io.github.wsbackoff.core.Native")]
pub fn cancel<'local>(mut env: EnvUnowned<'local>, _class: JClass<'local>, connection: jlong) -> jboolean {
    env.with_env(|_| Ok::<_, Failure>(Engine::global().cancel(handle(connection))))
        .resolve::<Throw>()
}

/// Whether the connection can still be used, as far as is known.
#[jni_mangle("io.github.wsbackoff.core.Native", "isOpen")]
pub fn is_open<'local>(mut env: EnvUnowned<'local>, _class: JClass<'local>, connection: jlong) -> jboolean {
    env.with_env(|_| Ok::<_, Failure>(Engine::global().is_open(handle(connection))))
        .resolve::<Throw>()
}

/// Closes the connection and frees its handle; at 0 ms without a goodbye. On the calling thread if the ticket is 0; else true where
/// the ticket will be told.
#[jni_mangle("io.github.wsbackoff.core.Native")]
pub fn close<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    connection: jlong,
    goodbye_millis: jlong,
    ticket: jlong,
) -> jboolean {
    env.with_env(|_| {
        let goodbye = Some(Duration::from_millis(count(goodbye_millis)));
        let goodbye = goodbye.filter(|goodbye| !goodbye.is_zero());
        let engine = Engine::global();
        if ticket == 0 {
            engine.close(handle(connection), goodbye)?;
            return Ok::<_, Failure>(false);
        }
        let call = engine.close_parked(handle(connection), goodbye, handle(ticket))?;
        Ok(call.is_none())
    })
    .resolve::<Throw>()
}

/// Reads what an element is to do; wrong properties make an operation that fails with them.
#[jni_mangle("io.github.wsbackoff.core.Native")]
pub fn prepare<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    spec: JByteArray<'local>,
) -> jlong {
    env.with_env(|env| {
        let spec = bytes(env, &spec)?;
        #[cfg(feature = "panic-probe")]
        failure::probe(&spec);
        Ok::<_, Failure>(java_handle(Engine::global().prepare(&spec)?))
    })
    .resolve::<Throw>()
}

/// Whether the system has no CA certificates and none were handed over either.
#[jni_mangle("io.github.wsbackoff.core.Native", "lacksRoots")]
pub fn lacks_roots<'local>(mut env: EnvUnowned<'local>, _class: JClass<'local>) -> jboolean {
    env.with_env(|_| Ok::<_, Failure>(jmeter::lacks_roots()))
        .resolve::<Throw>()
}

/// Trusts these CA certificates, a JSON array of DER in Base64, where the system has none.
#[jni_mangle("io.github.wsbackoff.core.Native")]
pub fn trust<'local>(mut env: EnvUnowned<'local>, _class: JClass<'local>, roots: JByteArray<'local>) {
    env.with_env(|env| Ok::<_, Failure>(jmeter::trust(&bytes(env, &roots)?)?))
        .resolve::<Throw>();
}

/// Frees an operation.
#[jni_mangle("io.github.wsbackoff.core.Native")]
pub fn discard<'local>(mut env: EnvUnowned<'local>, _class: JClass<'local>, operation: jlong) {
    env.with_env(|_| Ok::<_, Failure>(Engine::global().discard(handle(operation))?))
        .resolve::<Throw>();
}

/// Says why an operation cannot be done with this payload, as JSON, before anything is opened for it; null if it can.
#[jni_mangle("io.github.wsbackoff.core.Native")]
pub fn check<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    operation: jlong,
    payload: JByteArray<'local>,
) -> JByteArray<'local> {
    env.with_env(|env| {
        let given = optional_bytes(env, &payload)?;
        let failure = Engine::global().check(handle(operation), given.as_deref())?;
        java_bytes_or_null(env, failure.as_deref())
    })
    .resolve::<Throw>()
}

/// Says what a prepared assertion has against the data of a response, as JSON; null for nothing.
#[jni_mangle("io.github.wsbackoff.core.Native")]
pub fn judge<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    assertion: jlong,
    data: JByteArray<'local>,
) -> JByteArray<'local> {
    env.with_env(|env| {
        let data = bytes(env, &data)?;
        let failure = Engine::global().judge(handle(assertion), &data)?;
        java_bytes_or_null(env, failure.as_deref())
    })
    .resolve::<Throw>()
}

/// Does an operation on a connection, on the calling thread if the ticket is 0; the figures are written in place. Answers the
/// message, null where there is none or the ticket will be told, or JSON that says why it failed.
#[jni_mangle("io.github.wsbackoff.core.Native")]
pub fn perform<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    connection: jlong,
    operation: jlong,
    payload: JByteArray<'local>,
    left_millis: jlong,
    ticket: jlong,
    figures: JLongArray<'local>,
) -> JByteArray<'local> {
    env.with_env(|env| {
        let given = optional_bytes(env, &payload)?;
        let (connection, operation) = (handle(connection), handle(operation));
        let left = left(left_millis);
        let engine = Engine::global();
        let call = match ticket {
            0 => Some(
                engine
                    .perform(connection, operation, given.as_deref(), left)?
                    .into(),
            ),
            _ => engine.perform_parked(connection, operation, given, left, handle(ticket))?,
        };
        answer(env, call, &figures)
    })
    .resolve::<Throw>()
}

/// Takes what a call came to whose ticket was told; figures and answer are as of that call.
#[jni_mangle("io.github.wsbackoff.core.Native")]
pub fn taken<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    ticket: jlong,
    figures: JLongArray<'local>,
) -> JByteArray<'local> {
    env.with_env(|env| {
        let taken = Engine::global().take(handle(ticket))?;
        answer(env, Some(taken), &figures)
    })
    .resolve::<Throw>()
}

/// How many tests have ended, for `drive`.
#[jni_mangle("io.github.wsbackoff.core.Native")]
pub fn ends<'local>(mut env: EnvUnowned<'local>, _class: JClass<'local>) -> jlong {
    env.with_env(|_| Ok::<_, Failure>(java_handle(Engine::global().ends())))
        .resolve::<Throw>()
}

/// Serves calls that were given tickets, on the calling thread, until some are done: their tickets are written in place. Answers how
/// many; -1: another test has ended than those that `ends` counted.
#[jni_mangle("io.github.wsbackoff.core.Native")]
pub fn drive<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    ends: jlong,
    tickets: JLongArray<'local>,
) -> jint {
    env.with_env(|env| {
        let mut done = [0; TOLD];
        let room = tickets.len(env)?.min(TOLD);
        let Some(count) = Engine::global().drive(handle(ends), &mut done[..room])? else {
            return Ok::<_, Failure>(-1);
        };
        let done: Vec<jlong> = done[..count].iter().copied().map(java_handle).collect();
        tickets.set_region(env, 0, &done)?;
        Ok(jint::try_from(count).unwrap_or(jint::MAX))
    })
    .resolve::<Throw>()
}

/// The place among the figures that says, by 1, that a call goes on and its ticket will be told.
const PARKED: jsize = 29;

/// So many tickets are told at once.
const TOLD: usize = 256;

/// What a call answers: its bytes, null where there are none or it goes on; its numbers are written in place.
fn answer<'local>(
    env: &mut jni::Env<'local>,
    call: Option<Taken>,
    figures: &JLongArray<'local>,
) -> Result<JByteArray<'local>, Failure> {
    let Some(taken) = call else {
        figures.set_region(env, PARKED, &[1])?;
        return Ok(JByteArray::null());
    };
    if let Some(numbers) = &taken.figures {
        figures.set_region(env, 0, numbers)?;
    }
    java_bytes_or_null(env, taken.bytes.as_deref())
}

/// Says by what a lost connection is made anew when the operation that asked is done again. Answers null, or JSON that says why
/// it cannot.
#[jni_mangle("io.github.wsbackoff.core.Native")]
pub fn renew<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    connection: jlong,
    own: JByteArray<'local>,
) -> JByteArray<'local> {
    env.with_env(|env| {
        let own = bytes(env, &own)?;
        let failure = Engine::global().renew(handle(connection), &own)?;
        java_bytes_or_null(env, failure.as_deref())
    })
    .resolve::<Throw>()
}

/// Takes what servers set in the connection's last reconnect, two lines for each cookie.
#[jni_mangle("io.github.wsbackoff.core.Native", "takeCookies")]
pub fn take_cookies<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    connection: jlong,
) -> JByteArray<'local> {
    env.with_env(|env| {
        let lines = Engine::global().take_cookies(handle(connection))?;
        java_bytes(env, lines.as_bytes())
    })
    .resolve::<Throw>()
}

/// Answers a stateless question to the policy; both are UTF-8 JSON.
#[jni_mangle("io.github.wsbackoff.core.Native")]
pub fn query<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    question: JByteArray<'local>,
) -> JByteArray<'local> {
    env.with_env(|env| {
        let question = bytes(env, &question)?;
        java_bytes(env, &jmeter::query(&question)?)
    })
    .resolve::<Throw>()
}

/// Makes what a controller or a timer remembers; wrong properties make one whose steps say so.
#[jni_mangle("io.github.wsbackoff.core.Native")]
pub fn control<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    spec: JByteArray<'local>,
) -> jlong {
    env.with_env(|env| Ok::<_, Failure>(java_handle(Engine::global().control(&bytes(env, &spec)?)?)))
        .resolve::<Throw>()
}

/// Tells a control what happened, on the calling thread if the ticket is 0, and waits as long as the control says; UTF-8 JSON both ways.
/// Answers null where the ticket will be told.
#[jni_mangle("io.github.wsbackoff.core.Native")]
pub fn step<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    control: jlong,
    event: JByteArray<'local>,
    ticket: jlong,
) -> JByteArray<'local> {
    env.with_env(|env| {
        let event = bytes(env, &event)?;
        let engine = Engine::global();
        if ticket == 0 {
            return java_bytes(env, &engine.step(handle(control), &event)?);
        }
        match engine.step_parked(handle(control), event, handle(ticket))? {
            Some(taken) => java_bytes_or_null(env, taken.bytes.as_deref()),
            None => Ok(JByteArray::null()),
        }
    })
    .resolve::<Throw>()
}

/// Ends the wait of a control, from another thread.
#[jni_mangle("io.github.wsbackoff.core.Native", "cancelControl")]
pub fn cancel_control<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    control: jlong,
) -> jboolean {
    env.with_env(|_| Ok::<_, Failure>(Engine::global().cancel_control(handle(control))))
        .resolve::<Throw>()
}

/// Frees a control.
#[jni_mangle("io.github.wsbackoff.core.Native")]
pub fn release<'local>(mut env: EnvUnowned<'local>, _class: JClass<'local>, control: jlong) {
    env.with_env(|_| Ok::<_, Failure>(Engine::global().release(handle(control))?))
        .resolve::<Throw>();
}

/// How many connection handles there are.
#[jni_mangle("io.github.wsbackoff.core.Native")]
pub fn handles<'local>(mut env: EnvUnowned<'local>, _class: JClass<'local>) -> jlong {
    env.with_env(|_| Ok::<_, Failure>(jlong::try_from(Engine::global().handles()).unwrap_or(jlong::MAX)))
        .resolve::<Throw>()
}

/// The end of a test: everything native is ended in order.
#[jni_mangle("io.github.wsbackoff.core.Native")]
pub fn shutdown<'local>(mut env: EnvUnowned<'local>, _class: JClass<'local>) {
    env.with_env(|_| Engine::global().shutdown().map_err(Failure::from))
        .resolve::<Throw>();
}

/// What the log is to be told now, a line each; empty where there is nothing.
#[jni_mangle("io.github.wsbackoff.core.Native")]
pub fn news<'local>(mut env: EnvUnowned<'local>, _class: JClass<'local>) -> JByteArray<'local> {
    env.with_env(|env| java_bytes(env, Engine::global().news().as_bytes()))
        .resolve::<Throw>()
}

/// Runs a command line, a JSON array of texts; answers the exit code.
#[jni_mangle("io.github.wsbackoff.core.Native")]
pub fn command<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    args: JByteArray<'local>,
) -> jint {
    env.with_env(|env| commands::run(&bytes(env, &args)?))
        .resolve::<Throw>()
}

/// Ends the command that runs, in order.
#[jni_mangle("io.github.wsbackoff.core.Native", "stopCommand")]
pub fn stop_command<'local>(mut env: EnvUnowned<'local>, _class: JClass<'local>) {
    env.with_env(|_| {
        commands::stop();
        Ok::<_, Failure>(())
    })
    .resolve::<Throw>();
}
