//! An accepted WebSocket: echoes text and binary messages, answers pings and closes, says goodbye when the server stops.

use crate::server::Stopped;
use crate::stats::Tally;
use crate::stream::Stream;
use futures_util::{SinkExt, StreamExt};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

/// How long the peer may take to answer a close frame.
const GOODBYE: Duration = Duration::from_secs(1);
/// Thousands of sockets are open at a time: tungstenite's 128 KiB each would be their whole weight.
const BUFFER: usize = 4 * 1024;
const LARGEST_MESSAGE: usize = 16 << 20;

/// Serves the socket to its end. `early` are bytes that came behind the request head.
pub(crate) async fn serve(stream: Stream, early: Vec<u8>, mut stop: Stopped, tally: &Tally) {
    let settings = WebSocketConfig::default()
        .read_buffer_size(BUFFER)
        .write_buffer_size(0)
        .max_message_size(Some(LARGEST_MESSAGE))
        .max_frame_size(Some(LARGEST_MESSAGE));
    let mut socket = WebSocketStream::from_partially_read(stream, early, Role::Server, Some(settings)).await;
    loop {
        tokio::select! {
            biased;
            () = stop.wait() => {
                say_goodbye(&mut socket).await;
                break;
            }
            message = socket.next() => match message {
                // Pings and closes are answered by tungstenite when it is polled for the next message.
                Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) => {
                    if socket.send(message).await.is_err() {
                        return;
                    }
                    tally.echoed();
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => break,
            }
        }
    }
    if let Stream::Tls(tls) = socket.get_mut() {
        // The close_notify: without it the peer must take the end for an attack.
        let _ = timeout(GOODBYE, tls.shutdown()).await;
    }
}

async fn say_goodbye(socket: &mut WebSocketStream<Stream>) {
    let frame = CloseFrame {
        code: CloseCode::Away,
        reason: Utf8Bytes::from_static("the server stops"),
    };
    let _ = timeout(GOODBYE, async {
        socket.close(Some(frame)).await?;
        while socket.next().await.is_some_and(|message| message.is_ok()) {}
        Ok::<(), tokio_tungstenite::tungstenite::Error>(())
    })
    .await;
}
