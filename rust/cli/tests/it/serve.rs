//! `serve` from start to stop.

use crate::program::{Serve, run};
use cli::StopToken;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const UPGRADE: &[u8] = b"GET /agent HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// Asks for an upgrade and reads the head of the answer.
fn attempt(addr: std::net::SocketAddr) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(UPGRADE).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    (stream, String::from_utf8(head).unwrap())
}

#[test]
#[cfg(unix)]
fn sigterm_closes_sockets_with_1001_removes_the_port_file_and_exits_with_0() {
    let folder = tempfile::tempdir().unwrap();
    let (port, log) = (folder.path().join("port"), folder.path().join("log"));
    let serve = Serve::start(&[
        "--limit",
        "fixed-window limit=1 window=60s",
        "--port-file",
        port.to_str().unwrap(),
        "--log",
        log.to_str().unwrap(),
    ]);
    let addr = serve.addr;
    let expected = format!(
        "listening on ws://{addr}  limit: fixed-window limit=1 window=1m  stats: http://{addr}/stats\n"
    );
    assert_eq!(serve.first_line, expected);
    while fs::read_to_string(&port).unwrap_or_default() != format!("{addr}\n") {
        std::thread::sleep(Duration::from_millis(1));
    }
    let (mut inside, head) = attempt(addr);
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    let (_, head) = attempt(addr);
    assert!(
        head.contains("\r\nRetry-After: 60\r\n") || head.contains("\r\nRetry-After: 59\r\n"),
        "{head}"
    );

    serve.terminate();
    let mut frame = [0; 4];
    inside.read_exact(&mut frame).unwrap();
    assert_eq!((frame[0], &frame[2..]), (0x88, &[0x03, 0xe9][..]));
    let (code, rest) = serve.wait();
    assert_eq!(code, Some(0));
    let last = rest.lines().last().unwrap();
    assert!(
        last.starts_with("stopped after ") && last.contains("attempts 2, accepted 1, refused 1"),
        "{rest}"
    );
    assert!(!port.exists());
    assert_eq!(fs::read_to_string(log).unwrap().lines().count(), 2);
    let left: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["log"]);
}

/// Windows are over soon, and a block is not.
#[test]
fn a_limit_that_blocks_is_taken_by_serve_simulate_and_tune() {
    let limit = "fixed-window limit=2 window=100ms block=30s";
    let serve = Serve::start(&["--limit", limit]);
    let is_refused = |head: &str| !head.starts_with("HTTP/1.1 101 ");
    let refused = (0..200).any(|_| is_refused(&attempt(serve.addr).1));
    assert!(refused, "three of 200 come within 100 ms");
    std::thread::sleep(Duration::from_millis(300));
    let (_, head) = attempt(serve.addr);
    assert!(is_refused(&head), "{head}");
    assert!(
        head.contains("\r\nRetry-After: 30\r\n") || head.contains("\r\nRetry-After: 2"),
        "{head}"
    );
    for command in ["simulate", "tune"] {
        let ended = run(&[command, "--limit", limit, "--users", "20"]);
        assert_eq!(ended.code, Some(0), "{command}: {}", ended.err);
    }
}

#[test]
fn it_ends_by_itself_after_its_duration() {
    let started = Instant::now();
    let (code, rest) = Serve::start(&["--duration", "300ms"]).wait();
    assert_eq!(code, Some(0));
    assert!(started.elapsed() >= Duration::from_millis(300));
    assert!(rest.contains("attempts 0, accepted 0"), "{rest}");
}

#[test]
fn progress_is_told_while_there_is_traffic() {
    let serve = Serve::start(&["--duration", "2500ms"]);
    let (_inside, _) = attempt(serve.addr);
    let (_, rest) = serve.wait();
    assert!(
        rest.contains(" s  attempts 1 (+1)  accepted 1 (+1)  refused 0 (+0)  open 1\n"),
        "{rest}"
    );
}

#[test]
fn tls_prints_wss_and_writes_the_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    let serve = Serve::start(&[
        "--tls",
        "--cert-out",
        file.to_str().unwrap(),
        "--duration",
        "100ms",
    ]);
    assert!(
        serve.first_line.starts_with("listening on wss://127.0.0.1:"),
        "{}",
        serve.first_line
    );
    assert!(
        serve.first_line.contains("stats: https://127.0.0.1:"),
        "{}",
        serve.first_line
    );
    assert!(
        fs::read_to_string(file)
            .unwrap()
            .starts_with("-----BEGIN CERTIFICATE-----")
    );
    assert_eq!(serve.wait().0, Some(0));
}

#[test]
fn all_options_reach_the_server() {
    let serve = Serve::start(&[
        "--limit",
        "none",
        "--fault",
        "chunked",
        "--retry-after",
        "ms",
        "--status",
        "503",
        "--body",
        "later",
        "--workers",
        "1",
        "--seed",
        "7",
        "--drip-pace",
        "1ms",
        "--duration",
        "1s",
    ]);
    let (mut stream, head) = attempt(serve.addr);
    assert!(
        head.starts_with("HTTP/1.1 503 ") && head.contains("\r\nretry-after-ms: 1000\r\n"),
        "{head}"
    );
    let mut body = String::new();
    stream.read_to_string(&mut body).unwrap();
    assert_eq!(body, "2\r\nla\r\n3\r\nter\r\n0\r\n\r\n");
}

#[test]
fn plain_requests_paths_and_tokens_are_served_as_told() {
    let serve = Serve::start(&[
        "--limit-at",
        "/api fixed-window limit=0 window=1m",
        "--delay",
        "300ms",
        "--token-path",
        "/oauth/token",
        "--token-ttl",
        "7s",
        "--token-delay",
        "200ms",
        "--token-required",
        "--duration",
        "20s",
    ]);
    let mut stream = TcpStream::connect(serve.addr).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut ask = |request: &str| {
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        // All answers here end in a JSON object and a line's end.
        while !answer.ends_with(b"}\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            answer.push(byte[0]);
        }
        String::from_utf8(answer).unwrap()
    };
    assert!(ask("GET /x HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 401 "));
    let started = Instant::now();
    let answer = ask("POST /oauth/token HTTP/1.1\r\nContent-Length: 1\r\n\r\nx");
    assert!(started.elapsed() >= Duration::from_millis(200));
    assert!(answer.contains("\"expires_in\":7"), "{answer}");
    let token = answer
        .split("\"access_token\":\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let authorization = format!("HTTP/1.1\r\nAuthorization: Bearer {token}\r\n\r\n");
    let started = Instant::now();
    assert!(ask(&format!("GET /x {authorization}")).starts_with("HTTP/1.1 200 "));
    assert!(started.elapsed() >= Duration::from_millis(300));
    assert!(ask(&format!("GET /api/x {authorization}")).starts_with("HTTP/1.1 429 "));
}

#[test]
fn the_library_runs_it_until_its_token_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let port = folder.path().join("port");
    let args = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--port-file",
        port.to_str().unwrap(),
    ];
    let args = args.map(str::to_owned).to_vec();
    let stop = StopToken::new();
    let token = stop.clone();
    let running = std::thread::spawn(move || cli::run(args, || token));
    let mut addr = None;
    while addr.is_none() {
        std::thread::sleep(Duration::from_millis(1));
        addr = fs::read_to_string(&port).ok();
    }
    let (_inside, head) = attempt(addr.unwrap().trim().parse().unwrap());
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    stop.stop();
    assert_eq!(running.join().unwrap(), 0);
    assert!(!port.exists());
}
