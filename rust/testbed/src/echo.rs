//! An accepted WebSocket: echoes text and binary messages, answers pings and closes, says goodbye when the server stops.
//!
//! tokio-websockets and not tungstenite: it sends a message back out of the buffer that it was read into, and reads large ones in
//! few calls. A test server that costs more than the clients it measures hides what these gain.

use crate::server::Stopped;
use crate::stats::Tally;
use crate::stream::Stream;
use futures_util::{SinkExt, StreamExt};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;
use tokio_websockets::{CloseCode, Config, Error, Limits, Message, ServerBuilder, WebSocketStream};

/// How long the peer may take to answer a close frame.
const GOODBYE: Duration = Duration::from_secs(1);
const LARGEST_MESSAGE: usize = 16 << 20;

/// Serves the socket to its end.
pub(crate) async fn serve(stream: Stream, mut stop: Stopped, tally: &Tally) {
    let mut socket = ServerBuilder::new()
        .config(Config::default().frame_size(LARGEST_MESSAGE))
        .limits(Limits::default().max_payload_len(Some(LARGEST_MESSAGE)))
        .serve(stream);
    loop {
        tokio::select! {
            biased;
            () = stop.wait() => {
                say_goodbye(&mut socket).await;
                break;
            }
            message = socket.next() => match message {
                // Others were told before this task was woken for the stop. It says goodbye in the next round.
                Some(Ok(_)) if stop.came() => {}
                Some(Ok(message)) if message.is_text() || message.is_binary() => {
                    if socket.send(message).await.is_err() {
                        return;
                    }
                    tally.echoed();
                }
                // Pings and closes are answered when it is polled for the next message.
                Some(Ok(_)) => {}
                // What was wrong with its frames, the peer is still told.
                Some(Err(_)) => _ = timeout(GOODBYE, socket.flush()).await,
                None => break,
            }
        }
    }
    if socket.get_ref().is_tls() {
        // The close_notify: without it the peer must take the end for an attack.
        let _ = timeout(GOODBYE, socket.get_mut().shutdown()).await;
    }
}

async fn say_goodbye(socket: &mut WebSocketStream<Stream>) {
    let goodbye = Message::close(Some(CloseCode::GOING_AWAY), "the server stops");
    let _ = timeout(GOODBYE, async {
        socket.send(goodbye).await?;
        while socket.next().await.is_some_and(|message| message.is_ok()) {}
        Ok::<(), Error>(())
    })
    .await;
}
