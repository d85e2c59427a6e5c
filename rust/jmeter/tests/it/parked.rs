//! The same calls, made as virtual threads make them: they come back at once, and a thread that serves all of them tells when one is
//! done. The test target `parked` runs all conversations so.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, LazyLock, Mutex, Weak};
use std::thread;
use std::time::Duration;

use jmeter::{Engine, Handle, Misuse, Taken};
use serde_json::Value;

use super::{Done, result};

/// Whether this is that target.
pub fn are_all() -> bool {
    env!("CARGO_CRATE_NAME") == "parked"
}

static LAST: AtomicU64 = AtomicU64::new(0);
static WAITING: LazyLock<Mutex<HashMap<u64, Sender<()>>>> = LazyLock::new(Mutex::default);
/// By address, which is not used again as long as somebody holds a reference, be it a weak one.
static DRIVEN: LazyLock<Mutex<HashMap<usize, Weak<Engine>>>> = LazyLock::new(Mutex::default);

/// Makes a call and waits until it is done.
fn call(
    engine: &Arc<Engine>,
    make: impl FnOnce(u64) -> Result<Option<Taken>, Misuse>,
) -> Result<Taken, Misuse> {
    let ticket = LAST.fetch_add(1, Ordering::Relaxed) + 1;
    let (told, waits) = channel();
    WAITING.lock().unwrap().insert(ticket, told);
    drive(engine);
    let begun = make(ticket);
    let done = match begun {
        Ok(None) => {
            waits.recv().unwrap();
            engine.take(ticket)
        }
        Ok(Some(taken)) => Ok(taken),
        Err(misuse) => Err(misuse),
    };
    WAITING.lock().unwrap().remove(&ticket);
    done
}

/// Has a thread serve an engine's calls, as long as its test lasts.
fn drive(engine: &Arc<Engine>) {
    let place = Arc::as_ptr(engine) as usize;
    let driven = DRIVEN.lock().unwrap().insert(place, Arc::downgrade(engine));
    if driven.is_some() {
        return;
    }
    let mut ends = engine.ends();
    let engine = Arc::downgrade(engine);
    thread::spawn(move || {
        while let Some(engine) = engine.upgrade() {
            let mut tickets = [0; 16];
            // The end of a test is none of the engine's, which may be used again.
            let Some(count) = engine.drive(ends, &mut tickets).unwrap() else {
                ends = engine.ends();
                continue;
            };
            for ticket in &tickets[..count] {
                if let Some(told) = WAITING.lock().unwrap().get(ticket) {
                    let _ = told.send(());
                }
            }
        }
        DRIVEN.lock().unwrap().remove(&place);
    });
}

pub fn connect(engine: &Arc<Engine>, handle: Handle, spec: &Value) -> Result<Value, Misuse> {
    result::connect_by(engine, spec, |plan, ordinal, own, left| {
        let taken = call(engine, |ticket| {
            engine.connect_parked(handle, plan, ordinal, own, left, ticket)
        })?;
        let texts = String::from_utf8(taken.bytes.unwrap()).unwrap();
        Ok((taken.figures.unwrap(), texts))
    })
}

pub fn perform(
    engine: &Arc<Engine>,
    handle: Handle,
    operation: Handle,
    payload: Option<&[u8]>,
    left: Option<Duration>,
) -> Done {
    let payload = payload.map(<[u8]>::to_vec);
    let taken = call(engine, |ticket| {
        engine.perform_parked(handle, operation, payload, left, ticket)
    });
    let taken = taken.unwrap();
    Done {
        figures: taken.figures.unwrap(),
        payload: taken.bytes.unwrap_or_default(),
    }
}
