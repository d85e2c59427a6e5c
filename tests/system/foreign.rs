//! Conversations with servers that are not ours: Python's `websockets` and Node's `ws`, plain and with TLS, with and without
//! compression, and nginx and HAProxy in front of them, also with TLS that asks for a client's certificate.

use std::net::SocketAddr;
use std::path::Path;

use system::jtl_xml::{self, Detailed};
use system::peers::{Certificates, Peer, free_address};
use system::plan::{Group, Plan};

use crate::say;
use crate::support::{folder, jmeter_of, run, together};

const GREETING: &str = "Grüße, 世界 🌍";
const MEBIBYTE: usize = 1 << 20;

/// Once through all that the servers in `tests/peers` can be asked: text, binary, long and fragmented messages, pings in both
/// directions, and both sides' close codes.
fn conversation(name: &str, open: &[(&str, &str)], long: &Path) -> Group {
    let long = long.display().to_string();
    let words = GREETING.repeat(300);
    let ask = |text| [("wsb.payload", text), ("wsb.match.kind", "text")];
    let hex = "00ff80deadbeef";
    Group::new(name, 1)
        .connect("connect", open)
        .sampler("Exchange", "text", &ask(GREETING))
        .sampler(
            "Exchange",
            "binary",
            &[
                ("wsb.payloadType", "hex"),
                ("wsb.payload", hex),
                ("wsb.match.kind", "binary"),
                ("wsb.match.mode", "binary-prefix"),
                ("wsb.match.value", hex),
            ],
        )
        .sampler(
            "Exchange",
            "1 MiB text",
            &[("wsb.payloadType", "file-text"), ("wsb.payloadFile", &long)],
        )
        .sampler(
            "Exchange",
            "1 MiB in fragments",
            &[
                ("wsb.payloadType", "file"),
                ("wsb.payloadFile", &long),
                ("wsb.fragmentSize", "10k"),
                ("wsb.match.kind", "binary"),
            ],
        )
        .sampler(
            "Exchange",
            "fragments within characters",
            &[("wsb.payload", words.as_str()), ("wsb.fragmentSize", "3")],
        )
        .sampler("Exchange", "fragments received", &ask("!fragments über"))
        .sampler("Exchange", "compression", &ask("!compression"))
        .sampler("Ping", "ping", &[("wsb.payload", "are you there?")])
        .sampler("Exchange", "pinged", &ask("!ping abc"))
        .sampler("Exchange", "closed", &ask("!close 4321 it is late"))
        .connect("connect", open)
        .sampler("Close", "close", &[])
        .connect("connect", open)
        .sampler(
            "Close",
            "close 4000",
            &[("wsb.close.code", "4000"), ("wsb.close.reason", "enough")],
        )
}

/// Checks one user's way through [`conversation`]; its mistakes as text.
fn mistakes(samples: &[&Detailed], long: &str, compressed: bool) -> Vec<String> {
    let words = GREETING.repeat(300);
    let expected: [(&str, &str, Option<&str>); 15] = [
        ("connect", "101", None),
        ("text", "200", Some(GREETING)),
        ("binary", "200", None),
        ("1 MiB text", "200", Some(long)),
        ("1 MiB in fragments", "200", None),
        ("fragments within characters", "200", Some(&words)),
        ("fragments received", "200", Some("über and über")),
        ("compression", "200", Some(if compressed { "on" } else { "off" })),
        ("ping", "200", None),
        ("pinged", "200", Some("pong abc")),
        ("closed", "closed.4321", None),
        ("connect", "101", None),
        ("close", "1000", None),
        ("connect", "101", None),
        ("close 4000", "4000", None),
    ];
    if samples.len() != expected.len() {
        return vec![format!("{} samples", samples.len())];
    }
    let mut wrong = Vec::new();
    for (each, (label, code, response)) in samples.iter().zip(expected) {
        let right = each.sample.label == label
            && each.sample.code == code
            && each.sample.success == (label != "closed")
            && response.is_none_or(|response| each.response == response);
        if !right {
            let shown: String = each.response.chars().take(200).collect();
            wrong.push(format!("{label}: {} {shown}", each.sample.code));
        }
    }
    if !samples[10].response_headers.contains("it is late") {
        wrong.push(format!("no reason in {:?}", samples[10].response_headers));
    }
    for long in &samples[3..5] {
        let wire = (long.sample.sent_bytes, long.sample.bytes);
        let whole = wire.0 > MEBIBYTE as u64 && wire.1 > MEBIBYTE as u64;
        let packed = wire.0 < MEBIBYTE as u64 && wire.1 < MEBIBYTE as u64;
        if (compressed && !packed) || (!compressed && !whole) {
            wrong.push(format!("{}: {wire:?} bytes", long.sample.label));
        }
    }
    wrong
}

/// A mebibyte of hexadecimal digits that no compression finds anything in, beyond their being digits.
fn noise() -> String {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut text = String::with_capacity(MEBIBYTE + 16);
    while text.len() < MEBIBYTE {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        text += &format!("{state:016x}");
    }
    text
}

/// nginx in front of a server, plain or with TLS that wants a certificate of the authority.
fn nginx(folder: &Path, certificates: Option<&Certificates>, behind: SocketAddr) -> Peer {
    let address = free_address().unwrap();
    let tls = certificates.map_or(String::new(), |certificates| {
        let [certificate, key, _] = certificates.server().map(|path| path.display().to_string());
        format!(
            "ssl_certificate {certificate}; ssl_certificate_key {key};\n\
             ssl_client_certificate {}; ssl_verify_client on;\n",
            certificates.authority().display()
        )
    });
    let ssl = if certificates.is_some() { " ssl" } else { "" };
    let http = format!(
        "server {{ listen {address}{ssl};\n{tls}location / {{\nproxy_pass http://{behind};\nproxy_http_version 1.1;\n\
         proxy_set_header Upgrade $http_upgrade;\nproxy_set_header Connection upgrade;\n}} }}"
    );
    Peer::nginx(folder, address, &http).unwrap()
}

/// HAProxy in front of a server, plain or with TLS that wants a certificate of the authority.
fn haproxy(folder: &Path, certificates: Option<&Certificates>, behind: SocketAddr) -> Peer {
    let address = free_address().unwrap();
    let tls = certificates.map_or(String::new(), |certificates| {
        let [.., both] = certificates.server();
        let authority = certificates.authority();
        format!(
            " ssl crt {} ca-file {} verify required",
            both.display(),
            authority.display()
        )
    });
    let sections = format!(
        "frontend outside\n  bind {address}{tls}\n  default_backend inside\nbackend inside\n  server one {behind}"
    );
    Peer::haproxy(folder, address, &sections).unwrap()
}

#[test]
fn servers_of_others_understand_every_sampler_and_are_understood() {
    let _turn = together();
    let folder = folder("foreign");
    let folders = ["nginx", "nginx-tls", "haproxy", "haproxy-tls"]
        .map(|name| system::repository::fresh_folder(&folder.join(name)).unwrap());
    let certificates = Certificates::new(&folder.join("certificates")).unwrap();
    let (python, node) = (Peer::python(None).unwrap(), Peer::node(None).unwrap());
    let python_tls = Peer::python(Some(&certificates)).unwrap();
    let node_tls = Peer::node(Some(&certificates)).unwrap();
    let before = [
        nginx(&folders[0], None, python.address()),
        haproxy(&folders[2], None, node.address()),
    ];
    let before_tls = [
        nginx(&folders[1], Some(&certificates), node.address()),
        haproxy(&folders[3], Some(&certificates), python.address()),
    ];
    let long = noise();
    let file = folder.join("long.txt");
    std::fs::write(&file, &long).unwrap();
    let authority = certificates.authority().display().to_string();

    let targets = [
        ("Python websockets", python.url("/"), false),
        ("Python websockets, compressed", python.url("/"), true),
        ("Node ws", node.url("/"), false),
        ("Node ws, compressed", node.url("/"), true),
        ("Python websockets, TLS", python_tls.tls_url("/"), false),
        (
            "Python websockets, TLS, compressed",
            python_tls.tls_url("/"),
            true,
        ),
        ("Node ws, TLS", node_tls.tls_url("/"), false),
        ("Node ws, TLS, compressed", node_tls.tls_url("/"), true),
        ("nginx before Python", before[0].url("/"), true),
        ("HAProxy before Node", before[1].url("/"), true),
        ("nginx with client certificate", before_tls[0].tls_url("/"), true),
        (
            "HAProxy with client certificate",
            before_tls[1].tls_url("/"),
            false,
        ),
    ];
    let mut plan = Plan::default();
    for (name, url, compressed) in &targets {
        let compression = compressed.to_string();
        let open = [
            ("wsb.url", url.as_str()),
            ("wsb.compression", &compression),
            ("wsb.tls.caFile", &authority),
            ("wsb.retry.strategy", "none"),
        ];
        plan = plan.and(conversation(name, &open, &file));
    }
    let store = certificates.client_store();
    let jmeter = jmeter_of(&plan, &folder)
        .jvm(format!("-Djavax.net.ssl.keyStore={}", store.display()))
        .jvm(format!(
            "-Djavax.net.ssl.keyStorePassword={}",
            Certificates::PASSWORD
        ));
    let finished = run(&jtl_xml::recorded_by(jmeter));
    let samples = jtl_xml::read(&finished.files.samples()).unwrap();
    let mut all = Vec::new();
    for (name, _, compressed) in &targets {
        let own: Vec<&Detailed> = samples.iter().filter(|each| group_of(each) == *name).collect();
        let wrong = mistakes(&own, &long, *compressed);
        say!("{name:34} {:>2} samples, {} wrong", own.len(), wrong.len());
        all.extend(wrong.into_iter().map(|text| format!("{name}: {text}")));
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

/// The group's name in a thread's name, "<group> <number of the group>-<number of the user>".
fn group_of(each: &Detailed) -> &str {
    each.sample.thread.rsplit_once(' ').map_or("", |(group, _)| group)
}

#[test]
fn a_client_without_the_certificate_is_told_so() {
    let _turn = together();
    let folder = folder("foreign_stranger");
    let folders =
        ["nginx", "haproxy"].map(|name| system::repository::fresh_folder(&folder.join(name)).unwrap());
    let certificates = Certificates::new(&folder.join("certificates")).unwrap();
    let python = Peer::python(None).unwrap();
    let nginx = nginx(&folders[0], Some(&certificates), python.address());
    let haproxy = haproxy(&folders[1], Some(&certificates), python.address());
    let authority = certificates.authority().display().to_string();
    let mut group = Group::new("G", 1);
    for peer in [&nginx, &haproxy] {
        let open = [
            ("wsb.url", peer.tls_url("/")),
            ("wsb.tls.caFile", authority.clone()),
            ("wsb.retry.strategy", "none".to_owned()),
        ];
        group = group.connect(
            "connect",
            &open.each_ref().map(|(key, value)| (*key, value.as_str())),
        );
    }
    let finished = run(&jtl_xml::recorded_by(jmeter_of(&Plan::of(group), &folder)));
    let samples = jtl_xml::read(&finished.files.samples()).unwrap();
    let [by_nginx, by_haproxy] = &samples[..] else {
        panic!("two samples are expected: {samples:?}")
    };
    // nginx lets the handshake pass and answers in HTTP; HAProxy refuses in TLS.
    assert_eq!(by_nginx.sample.code, "400", "{by_nginx:?}");
    assert!(
        by_nginx.response.contains("No required SSL certificate was sent"),
        "{by_nginx:?}"
    );
    assert!(
        by_haproxy.sample.code.starts_with("Non HTTP response code: tls.") && !by_haproxy.sample.success,
        "{by_haproxy:?}"
    );
}
