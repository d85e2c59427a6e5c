//! The program `ws-backoff`: arguments in, exit code out, and signals that end a command in order.

use cli::StopToken;
use std::process::ExitCode;
use std::sync::mpsc::{self, Sender};

fn main() -> ExitCode {
    let args = std::env::args_os()
        .skip(1)
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    // A command that asks for no token leaves the signals as they are: they end it at once.
    let code = cli::run(args, || {
        let stop = StopToken::new();
        stop_on_signals(stop.clone());
        stop
    });
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

/// Waits for SIGTERM or SIGINT on a thread of its own; returns when it listens for them, as one that came earlier would end the
/// program without a goodbye. Without it (no thread, no handler) the program still works, and ends the way the system ends
/// programs.
fn stop_on_signals(stop: StopToken) {
    let (listens, listening) = mpsc::channel();
    let waiting = std::thread::Builder::new().name("signals".to_owned());
    let _ = waiting.spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
            return;
        };
        if runtime.block_on(signal(listens)).is_ok() {
            stop.stop();
        }
    });
    // It fails when the thread has ended, or is none: then there is nothing to wait for.
    let _ = listening.recv();
}

#[cfg(unix)]
async fn signal(listens: Sender<()>) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let _ = listens.send(());
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

#[cfg(windows)]
async fn signal(listens: Sender<()>) -> std::io::Result<()> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    let _ = listens.send(());
    interrupt.recv().await;
    Ok(())
}
