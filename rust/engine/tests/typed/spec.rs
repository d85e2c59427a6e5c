//! A specification that no adapter has made.

use std::sync::Arc;
use std::time::Duration;

use backoff::Policy;
use conversation::queue::Bounds;
use engine::Engine;
use engine::connecting::spec::{ConnectSpec, Farewell, Keeping};
use websocket::{Answers, Cookies, Dial, Names, Sources, Target, Tls, TlsOptions};

pub const SECOND: Duration = Duration::from_secs(1);

fn dial(url: &str) -> Dial {
    let options = TlsOptions::default();
    Dial {
        target: Target::parse(url).unwrap(),
        headers: vec![("X-Team".to_owned(), "blue".to_owned())],
        login: None,
        subprotocols: Vec::new(),
        addresses: Vec::new(),
        names: Names::system(),
        name_ttl: Duration::ZERO,
        proxy: None,
        sources: Sources::default(),
        tls: Tls::new(&options).unwrap(),
        connect_timeout: 20 * SECOND,
        max_redirects: 0,
        plain: false,
        compression: false,
        max_message: 1 << 20,
        answers: Answers::default(),
    }
}

/// Of one who connects to `a quota`.
pub fn spec(engine: &Engine, url: &str, policy: Policy) -> Arc<ConnectSpec> {
    Arc::new(ConnectSpec {
        dial: Arc::new(dial(url)),
        cookies: Cookies::default(),
        keeping: Keeping {
            keep_alive: Duration::ZERO,
            pong_timeout: 10 * SECOND,
            queue: Bounds {
                messages: 10,
                bytes: 1 << 20,
            },
            queue_total: 1 << 20,
            reconnect: false,
            farewell: Farewell::default(),
        },
        settle: Duration::ZERO,
        asks: false,
        policy: Arc::new(policy),
        seed: Some(1),
        user: "somebody".into(),
        ordinal: 0,
        gate: None,
        crowd: engine.gates().crowd("a quota"),
        apart: false,
        keep_texts: false,
        trace: None,
        element: "test",
        connection: "main".into(),
    })
}
