//! A plain HTTP server inside a test, for answers that no option of the test server gives.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

/// What is answered to one request.
pub struct Answer {
    /// Code and reason.
    pub status: &'static str,
    /// Whole lines, besides the body's length.
    pub headers: &'static str,
    pub body: String,
}

/// Answers each request by its path, on a thread a connection, until the end of the process. Returns the port.
pub fn serve(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let answer = answer.clone();
            thread::spawn(move || answer_all(stream, &*answer));
        }
    });
    port
}

/// Answers every request of a connection; bodies are not expected.
fn answer_all(stream: TcpStream, answer: &dyn Fn(&str) -> Answer) {
    let mut out = stream.try_clone().unwrap();
    let mut lines = BufReader::new(stream).lines();
    loop {
        // The head ends at an empty line, the connection at none.
        let head: Vec<String> = lines
            .by_ref()
            .map_while(Result::ok)
            .take_while(|line| !line.is_empty())
            .collect();
        let Some(path) = head.first().and_then(|line| line.split(' ').nth(1)) else {
            return;
        };
        let Answer {
            status,
            headers,
            body,
        } = answer(path);
        let length = body.len();
        let text = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n{body}");
        if out.write_all(text.as_bytes()).is_err() {
            return;
        }
    }
}
