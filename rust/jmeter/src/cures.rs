//! What a user of the elements can do: about each failure of a connection (the codes and their messages are `websocket`'s), and about
//! what attempts smell like.

use backoff::{Finding, Lead, LockedOut, Smell};
use engine::signs::Signs;
use websocket::Code;

/// One or two sentences; they name keys of the elements where those are the cure.
pub const fn cure(code: Code) -> &'static str {
    match code {
        Code::DnsNotFound => {
            "Check the host in the URL; resolve it on this machine with `getent hosts NAME`."
        }
        Code::DnsFailed => {
            "The resolver gave an error: check /etc/resolv.conf and the name server, or give addresses with a DNS Cache Manager."
        }
        Code::DnsTimeout => {
            "The resolver did not answer within the connect timeout: check the name server, or give addresses with a DNS Cache Manager."
        }
        Code::TcpRefused => {
            "Nothing listens on that port, or a firewall rejects: check host and port, and that the server is up."
        }
        Code::TcpTimeout => {
            "No answer to the TCP connect: a firewall drops it, or the server's accept queue is full; compare with wsb.connectTimeout."
        }
        Code::TcpUnreachable => {
            "There is no route to the address: check the network, the VPN and the address family."
        }
        Code::TcpNoPorts => {
            "All local ports towards this address are in use or in TIME_WAIT: widen net.ipv4.ip_local_port_range, keep connections open, or spread the load over more addresses of this machine (wsb.localAddress)."
        }
        Code::TcpNoFiles => {
            "The process is out of file descriptors: raise `ulimit -n` (or LimitNOFILE) for JMeter."
        }
        Code::TcpFailed => "The operating system gave the reason in the detail.",
        Code::ProxyAuth => {
            "Give user and password of the proxy (http://user:password@host:port, or socks5://...); only Basic is spoken, to SOCKS5 RFC 1929."
        }
        Code::ProxyRefused => {
            "The proxy does not allow a connection to this host and port: the detail has its status; ask who runs it."
        }
        Code::ProxyUnavailable => {
            "The proxy answered with an error or is overloaded: the detail has its status; check that it reaches the server."
        }
        Code::ProxyMalformed => {
            "What listens at the proxy's address speaks something else: check host and port, and whether it is http:// or socks5://."
        }
        Code::ProxyClosed => "The proxy ended the connection before its answer was whole.",
        Code::ProxyTimeout => "The proxy gave no whole answer within the connect timeout.",
        Code::TlsCertificate => {
            "The server's certificate is not trusted for this host: name the CA's PEM file, correct the host, or turn verification off (wsb.tls.verify=false)."
        }
        Code::TlsFailed => {
            "The two sides found no common ground (version, cipher, client certificate), or the port does not speak TLS: try ws:// or another port."
        }
        Code::TlsClosed => {
            "The server, or something before it, ended the connection in the TLS handshake; perhaps it wants another client certificate."
        }
        Code::TlsTimeout => {
            "The TLS handshake did not end within the connect timeout: the server is overloaded, or does not speak TLS on this port."
        }
        Code::TlsRoots => {
            "The CA file cannot be used, or the system has no CA certificates (package ca-certificates); see the detail."
        }
        Code::TlsIdentity => {
            "The client certificate or its private key is damaged, of a kind that is not supported, or they do not belong together."
        }
        Code::UpgradeHeader => "A header of the request cannot be sent: the detail names it.",
        Code::UpgradeStatus => "The server gave an HTTP answer other than 101: see status, headers and body.",
        Code::UpgradeTimeout => {
            "The server took the connection, but its answer was not complete within the attempt's timeout."
        }
        Code::UpgradeClosed => "The server ended the connection before a whole answer to the upgrade came.",
        Code::UpgradeReset => {
            "The server, or something before it, reset the connection before a whole answer to the upgrade came."
        }
        Code::UpgradeFailed => "The operating system or the TLS layer gave the reason in the detail.",
        Code::UpgradeMalformed => {
            "What came back is no HTTP/1 answer: check the port, and whether it needs wss:// in place of ws://."
        }
        Code::UpgradeTooLarge => {
            "The head of the answer is larger than 128 KiB or has more than 512 headers."
        }
        Code::UpgradeBadAccept => {
            "The server's accept key does not match the request: a cache or a proxy answered in its place, or the server is wrong."
        }
        Code::UpgradeBadHeaders => {
            "The 101 lacks `Upgrade: websocket` or `Connection: Upgrade`: a proxy on the way may have taken them out."
        }
        Code::UpgradeSubprotocol => "The server chose a subprotocol that is not in wsb.subprotocols.",
        Code::UpgradeExtension => "The server switched on a WebSocket extension that was not offered.",
        Code::UpgradeParameter => {
            "The server took permessage-deflate with a parameter or a value that RFC 7692 does not allow: see the detail; try without wsb.compression."
        }
        Code::UpgradeRedirect => {
            "Too many redirects, one from wss to ws, or a Location that is no usable address: use the final URL."
        }
        Code::MessageTimeout => "No whole message came, or could be sent, within the timeout.",
        Code::MessageTooLarge => {
            "A message is larger than wsb.maxMessageSize, or a control frame's payload larger than 125 bytes."
        }
        Code::CloseTimeout => {
            "The server did not answer the close frame within the timeout; the connection was ended."
        }
        Code::ConnectionLost => "The connection ended without a close frame.",
        Code::ConnectionClosed => {
            "The server sent a close frame, or the connection was closed before: the detail has code and reason."
        }
        Code::ProtocolError => "The server sent a frame that RFC 6455 does not allow: the detail says which.",
        Code::ProtocolUtf8 => "The server sent a text message, or a reason to close, that is not UTF-8.",
        Code::ProtocolDeflate => {
            "What the server compressed is damaged: try without wsb.compression, and look for something on the way that changes it."
        }
        Code::Cancelled => "The test was stopped.",
    }
}

/// What attempts smell like: what it may be, and which key to set. The timeline and the log say the same.
pub fn smell(smell: Smell, signs: &Signs) -> String {
    let text = match smell {
        Smell::WaitingRoom => {
            "a page came in place of the upgrade: if this is a waiting room, wsb.retry.throttle=429,503,200 comes back to it"
        }
        Smell::ForbiddenLimit => {
            "this 403 speaks of a rate limit: if it is one, wsb.retry.throttle=429,503,403 waits for it"
        }
        Smell::Queue => {
            "attempts ended at their time-out: if the server queues, answers come late, not never, and a longer wsb.retry.attemptTimeout gets them"
        }
        Smell::RefusalsCount if signs.found.is_some_and(only_looks_closed) => {
            "next to none of so many who try is let in: the quota's window is long, or refusals count against it, or the server is down; wsb.shared.mode=pace needs fewer attempts"
        }
        Smell::RefusalsCount => {
            "whoever waited as long as asked was refused again: refusals seem to count against the quota, use wsb.shared.mode=pace"
        }
    };
    let mut text = text.to_owned();
    match (smell, &signs.found) {
        (Smell::RefusalsCount, Some(Finding::LockedOut(found))) => text.push_str(&lock_out(found, signs)),
        (Smell::Queue, Some(Finding::Queue(lead))) => text.push_str(&format!(
            "; until then {} users come back when the server is nearly through with those before, within {}",
            lead.users,
            seconds(lead.after.saturating_add(lead.width))
        )),
        _ => {}
    }
    text
}

/// Whether users line up although nothing shows that it is their refusals that keep them out.
fn only_looks_closed(found: Finding) -> bool {
    matches!(found, Finding::LockedOut(found) if !found.proven)
}

/// What the log is told of those who lined up and whose turn did not come in time.
pub fn no_turn() -> String {
    "users who line up as next to nobody is let in had no turn within wsb.retry.maxElapsed: each of them makes its last attempt without one".to_owned()
}

/// Users of one quota who wait by what all of them see.
pub fn flow(lead: &Lead) -> String {
    format!(
        "{} users try at one quota, and pause by how fast it lets them in; wsb.shared.mode=pace needs fewer attempts, and another wsb.retry.strategy than decorrelated keeps to its formula",
        lead.users
    )
}

fn seconds(time: std::time::Duration) -> String {
    format!("{:.0} s", time.as_secs_f64().ceil())
}

/// What the users do by themselves, and whether that can be enough.
fn lock_out(found: &LockedOut, signs: &Signs) -> String {
    let mut text = format!(
        "; {} users line up as if it were set, until nobody tries any more",
        found.users
    );
    if let Some(bound) = found.bound().filter(|bound| *bound > signs.max_elapsed) {
        // Without hints a window's length is what it looks like.
        let (sure, can) = if found.hinted {
            ("at best", "can")
        } else {
            ("as it looks so far", "may")
        };
        text.push_str(&format!(
            "; {} users at {} in {} take {} {sure}, and wsb.retry.maxElapsed ends at {}: not all of them {can} get in",
            found.users,
            found.quota,
            seconds(found.window),
            seconds(bound),
            seconds(signs.max_elapsed)
        ));
    }
    text
}

/// Messages that a connection lost by the bounds of its queue, as a line behind the particulars of a failure.
pub fn dropped(count: u64) -> String {
    format!(
        "The bounds of its queue (wsb.queue) have cost this connection {count} messages so far (wsb.dropped).\n"
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn signs(quota: usize, hinted: bool, max_elapsed: u64) -> Signs {
        let locked_out = LockedOut {
            users: 200,
            quota,
            window: Duration::from_secs(9),
            hinted,
            proven: hinted,
        };
        Signs {
            smells: vec![Smell::RefusalsCount],
            found: Some(Finding::LockedOut(locked_out)),
            max_elapsed: Duration::from_secs(max_elapsed),
        }
    }

    #[test]
    fn each_smell_names_the_key_to_set() {
        for smelt in Smell::ALL {
            assert!(smell(smelt, &signs(0, true, 1)).contains("wsb."), "{smelt:?}");
        }
    }

    #[test]
    fn that_refusals_count_is_told_only_where_it_seems_so() {
        for (hinted, seems) in [(true, true), (false, false)] {
            let told = smell(Smell::RefusalsCount, &signs(45, hinted, 600));
            assert_eq!(told.contains("refusals seem to count"), seems, "{told}");
            assert!(told.contains("200 users line up"), "{told}");
        }
    }

    #[test]
    fn a_time_that_cannot_be_enough_for_all_users_is_told_with_the_bound() {
        for (hinted, words) in [
            (true, ["take 40 s at best", "not all of them can get in"]),
            (
                false,
                ["take 40 s as it looks so far", "not all of them may get in"],
            ),
        ] {
            let told = smell(Smell::RefusalsCount, &signs(45, hinted, 30));
            for word in words
                .iter()
                .chain(&["200 users at 45 in 9 s", "wsb.retry.maxElapsed ends at 30 s"])
            {
                assert!(told.contains(word), "{word}: {told}");
            }
        }
        // Enough; and where nobody was let in yet, nothing is known.
        for honest in [signs(45, true, 40), signs(0, true, 1)] {
            let told = smell(Smell::RefusalsCount, &honest);
            assert!(
                told.contains("200 users line up") && !told.contains("maxElapsed"),
                "{told}"
            );
        }
    }

    #[test]
    fn every_cure_is_a_sentence() {
        for &code in Code::ALL {
            assert!(cure(code).ends_with('.') && cure(code).len() > 10, "{code:?}");
        }
    }
}
