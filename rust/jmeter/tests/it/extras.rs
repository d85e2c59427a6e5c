//! What JMeter's own elements add to a connect, and what the result tells them.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::support::*;

fn connect(url: &str, more: Properties<'_>, beside: &Value) -> Value {
    Client::connect(Arc::default(), url, more, beside).1
}

#[test]
fn addresses_stand_in_for_a_look_up() {
    let url = server(|mut peer| peer.echo()).replace("127.0.0.1", "nowhere.invalid");
    let result = connect(&url, &[], &json!({"addresses": ["127.0.0.1"]}));
    assert_eq!(result["outcome"], "connected", "{result:#}");
    assert!(
        result["requestHead"]
            .as_str()
            .unwrap()
            .contains("Host: nowhere.invalid:")
    );
}

#[test]
fn the_base_url_of_jmeter_counts_where_there_is_no_own() {
    let url = server(|mut peer| peer.echo());
    let base = json!({"baseUrl": format!("{url}a/b")});
    for (own_url, own_base, expected) in [
        ("c", "", format!("{url}a/c")),
        ("", "", format!("{url}a/b")),
        ("c", "x/y", format!("{url}x/c")),
    ] {
        let own_base = if own_base.is_empty() {
            String::new()
        } else {
            format!("{url}{own_base}")
        };
        let result = connect(own_url, &[("wsb.baseUrl", &own_base)], &base);
        assert_eq!(result["url"], expected, "{own_url} {own_base}");
    }
}

#[test]
fn the_proxy_of_jmeter_counts_where_there_is_no_own() {
    let proxy = raw_server(|_, mut peer| {
        peer.read_head();
        peer.raw(b"HTTP/1.1 403 Not Through Me\r\nContent-Length: 0\r\n\r\n");
    });
    let of_jmeter = json!({"proxy": proxy.replace("ws://", "http://").trim_end_matches('/')});
    let url = server(|mut peer| peer.echo());
    let once = ("wsb.retry.strategy", "none");
    let result = connect(&url, &[once], &of_jmeter);
    assert_eq!(
        result["code"], "Non HTTP response code: proxy.refused",
        "{result:#}"
    );
    let result = connect(&url, &[once, ("wsb.proxy", "http://127.0.0.1:1")], &of_jmeter);
    assert_eq!(
        result["code"], "Non HTTP response code: tcp.refused",
        "the own one wins"
    );
    let result = connect(&url, &[], &json!({"proxy": "ftp://x"}));
    assert_eq!(result["outcome"], "invalid");
}

#[test]
fn cookies_of_refusals_and_of_the_upgrade_are_told() {
    let url = raw_server(|number, mut peer| {
        if number == 0 {
            peer.read_head();
            peer.raw(b"HTTP/1.1 429 Slow\r\nSet-Cookie: a=1\r\nset-cookie: b=2; Path=/\r\nContent-Length: 0\r\n\r\n");
        } else {
            peer.upgrade("Set-Cookie: a=3\r\n");
            peer.echo();
        }
    });
    let result = connect(&url, &[("wsb.retry.base", "10ms")], &json!({}));
    assert_eq!(
        result["setCookies"],
        json!([[url, "a=1"], [url, "b=2; Path=/"], [url, "a=3"]])
    );
    assert_eq!(result["extensions"], "");
}

#[test]
fn the_trust_store_of_jmeter_adds_roots() {
    let config = testbed::Config {
        tls: true,
        ..testbed::Config::default()
    };
    let server = testbed::Server::start(config).unwrap();
    let pem = server.certificate_pem().unwrap();
    let der: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let url = server.url();
    let once = ("wsb.retry.strategy", "none");
    let trusted = connect(&url, &[once], &json!({"roots": [der]}));
    assert_eq!(trusted["outcome"], "connected", "{trusted:#}");
    let unknown = connect(&url, &[once], &json!({}));
    assert_eq!(unknown["outcome"], "failed", "{unknown:#}");
    let wrong = connect(&url, &[once], &json!({"roots": ["*"]}));
    assert_eq!(wrong["outcome"], "invalid");
    let wrong = connect(
        &url,
        &[once],
        &json!({"identity": {"chain": ["AAAA"], "key": "AAAA"}}),
    );
    assert_eq!(
        wrong["outcome"], "invalid",
        "no certificate and no key: {wrong:#}"
    );
    assert!(
        wrong["timeline"].as_str().unwrap().starts_with("the key store's"),
        "{wrong:#}"
    );
    server.stop();
}

#[test]
fn compression_is_offered_when_it_is_asked_for() {
    let url = server(|mut peer| peer.echo());
    for (asked, offered) in [("true", true), ("false", false)] {
        let result = connect(&url, &[("wsb.compression", asked)], &json!({}));
        let head = result["requestHead"].as_str().unwrap();
        assert_eq!(head.contains("permessage-deflate"), offered, "{head}");
        assert_eq!(result["extensions"], "", "the server did not agree");
    }
}
