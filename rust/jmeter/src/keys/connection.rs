//! The keys that say where a connection goes, how it is made, and how it is kept between samples.

use super::{ALL, Key, Kind, OPENING, TALKING, choice, key};

pub(super) const KEYS: &[Key] = &[
    Key {
        elements: OPENING,
        // Else defaults for a Connect would have all samplers around it connect, too.
        own: TALKING,
        ..key(
            "connection",
            "wsb.url",
            "URL",
            Kind::Url,
            "",
            "Address of the WebSocket (ws, wss, http or https), or a part that is resolved against the base URL. In Send, Receive and Exchange: empty to use what is open; else they open it where it is not, as a Connect would with the settings of wsb - Defaults, in the same sample.",
        )
    },
    key(
        "connection",
        "wsb.baseUrl",
        "Base URL",
        Kind::Url,
        "",
        "Address that a relative URL is resolved against (RFC 3986, section 5).",
    ),
    Key {
        elements: ALL,
        ..key(
            "connection",
            "wsb.connection",
            "Connection id",
            Kind::Text,
            "main",
            "Name of the connection within its thread; a thread may hold several.",
        )
    },
    Key {
        elements: OPENING,
        own: TALKING,
        default_note: "replace or reuse",
        ..choice(
            "connection",
            "wsb.whenOpen",
            "When already open",
            &["replace", "reuse", "fail"],
            "replace",
            "What to do when this thread already holds an open connection of that id. Connect replaces it by default; Send, Receive and Exchange, where they have a URL of their own, use it.",
        )
    },
    key(
        "connection",
        "wsb.subprotocols",
        "Subprotocols",
        Kind::List,
        "",
        "Subprotocols to offer, in order of preference (Sec-WebSocket-Protocol).",
    ),
    key(
        "connection",
        "wsb.connectTimeout",
        "Connect time-out",
        Kind::Duration,
        "20s",
        "Longest time for DNS, TCP, proxy and TLS of one attempt together.",
    ),
    key(
        "connection",
        "wsb.settle",
        "Settle time",
        Kind::Duration,
        "0",
        "How long after the upgrade a close by the server still counts as a refusal with its close code, for limiters that accept and close at once; 0 is off.",
    ),
    key(
        "connection",
        "wsb.tls.verify",
        "Verify TLS certificate",
        Kind::Boolean,
        "true",
        "Check the server's certificate chain and host name; false accepts any certificate.",
    ),
    key(
        "connection",
        "wsb.tls.caFile",
        "Extra CA file",
        Kind::File,
        "",
        "PEM file with certificates to trust beside the system's roots.",
    ),
    choice(
        "connection",
        "wsb.tls.resume",
        "Resume TLS sessions",
        &["user", "shared", "off"],
        "user",
        "Whose TLS sessions a new connection takes up again: the user's own (one who is new in an iteration has none), those of all users, or nobody's.",
    ),
    key(
        "connection",
        "wsb.proxy",
        "Proxy",
        Kind::Text,
        "",
        "Proxy to tunnel through: http://host:port (CONNECT) or socks5://host:port, each with user:password@ if it asks (Basic, or Digest where it wants that); empty: JMeter's own.",
    ),
    key(
        "connection",
        "wsb.compression",
        "Compression",
        Kind::Boolean,
        "false",
        "Offer permessage-deflate (RFC 7692); it is used when the server agrees.",
    ),
    key(
        "connection",
        "wsb.maxMessageSize",
        "Largest message",
        Kind::Size,
        "16M",
        "A longer message, sent or received, fails its sample; also bounds what a compressed one may grow to.",
    ),
    choice(
        "connection",
        "wsb.scope",
        "Open until",
        &["thread", "iteration", "test"],
        "thread",
        "When a connection that is still open gets closed: at the end of its thread, of the iteration of a new user, or of the test.",
    ),
];

pub(super) const KEEPING: &[Key] = &[
    key(
        "keeping",
        "wsb.keepAlive",
        "Keep-alive ping",
        Kind::Duration,
        "30s",
        "How long the server may be silent, also while a sampler waits, before it is pinged; 0 sends no pings.",
    ),
    key(
        "keeping",
        "wsb.pongTimeout",
        "Pong time-out",
        Kind::Duration,
        "10s",
        "A server that has not answered a keep-alive ping for so long is taken for dead.",
    ),
    key(
        "keeping",
        "wsb.queue.messages",
        "Queued messages",
        Kind::Integer,
        "1000",
        "Messages kept for a later sampler; beyond that the oldest is dropped and counted.",
    ),
    key(
        "keeping",
        "wsb.queue.bytes",
        "Queued bytes",
        Kind::Size,
        "16M",
        "Bytes of messages kept for a later sampler; beyond that the oldest is dropped and counted.",
    ),
    key(
        "keeping",
        "wsb.queue.total",
        "Queued bytes of all",
        Kind::Size,
        "256M",
        "Bytes of messages that all connections of this JVM together keep for later samplers; beyond that each drops its oldest.",
    ),
    choice(
        "keeping",
        "wsb.reconnect",
        "Reconnect",
        &["no", "on-next-use"],
        "no",
        "on-next-use: a sampler that finds the connection lost connects again first, by the same retry policy; nothing is sent twice.",
    ),
];
