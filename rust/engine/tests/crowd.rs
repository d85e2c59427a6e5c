//! Five thousand threads that wait at one gate: what they cost while nothing happens, and how fast all of them can be called off.

#![cfg(target_os = "linux")]
// Helpers of tests may fail as tests do.
#![allow(clippy::unwrap_used)]

use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use engine::{Engine, Handle};
use serde_json::{Value, json};

const WAITERS: usize = 5_000;

fn timer(engine: &Engine, user: usize) -> Handle {
    let request = json!({"element": "PaceTimer", "name": "gate", "user": format!("users 1-{user}")});
    engine.control(request.to_string().as_bytes()).unwrap()
}

fn step(engine: &Engine, control: Handle, event: &Value) -> Value {
    let answer = engine.step(control, event.to_string().as_bytes()).unwrap();
    serde_json::from_slice(&answer).unwrap()
}

/// CPU time of all threads of this process but the calling one. Linux counts it in nanoseconds.
fn cpu_of_others() -> Duration {
    let own = std::fs::read_link("/proc/thread-self").unwrap();
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let spent = tasks
        .map(|task| task.unwrap())
        .filter(|task| Some(task.file_name().as_os_str()) != own.file_name())
        .filter_map(|task| std::fs::read_to_string(task.path().join("schedstat")).ok())
        .map(|text| text.split(' ').next().unwrap().parse::<u64>().unwrap());
    Duration::from_nanos(spent.sum())
}

#[test]
fn five_thousand_who_wait_cost_nothing_and_can_be_called_off_at_once() {
    let engine = Arc::new(Engine::default());
    let first = timer(&engine, 0);
    assert_eq!(step(&engine, first, &json!({"event": "turn"}))["go"], true);
    let refused = json!({"event": "sampled", "ok": false, "code": "429", "headers": "Retry-After: 170"});
    step(&engine, first, &refused);

    let ready = Arc::new(Barrier::new(WAITERS + 1));
    let controls: Vec<Handle> = (1..=WAITERS).map(|user| timer(&engine, user)).collect();
    let waiters: Vec<_> = controls
        .iter()
        .map(|&control| {
            let (engine, ready) = (engine.clone(), ready.clone());
            let waits = move || {
                ready.wait();
                step(&engine, control, &json!({"event": "turn"}))
            };
            thread::Builder::new()
                .stack_size(128 * 1024)
                .spawn(waits)
                .unwrap()
        })
        .collect();
    ready.wait();
    // Until all of them wait, they spend time.
    let mut before = cpu_of_others();
    loop {
        thread::sleep(Duration::from_millis(500));
        let now = cpu_of_others();
        if now - before < Duration::from_millis(2) {
            break;
        }
        before = now;
    }

    let (begun, before) = (Instant::now(), cpu_of_others());
    thread::sleep(Duration::from_secs(5));
    let share = (cpu_of_others() - before).as_secs_f64() / begun.elapsed().as_secs_f64();
    println!("{:.3} ms of CPU a second while all wait", share * 1000.0);
    assert!(share < 0.001, "{share}");

    let begun = Instant::now();
    let cancelled = controls
        .iter()
        .filter(|&&control| engine.cancel_control(control))
        .count();
    assert_eq!(cancelled, WAITERS);
    for waiter in waiters {
        let reply = waiter.join().unwrap();
        assert_eq!(
            (&reply["go"], &reply["stop"]),
            (&json!(false), &json!("cancelled"))
        );
    }
    println!("all called off after {:?}", begun.elapsed());
    // 0.2 s on a quiet machine with two cores.
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    engine.shutdown().unwrap();
}
