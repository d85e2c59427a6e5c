//! What a user of the elements can do about each failure of a connection; the codes and their messages are `websocket`'s.

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
            "All local ports towards this address are in use or in TIME_WAIT: widen net.ipv4.ip_local_port_range, keep connections open, or spread the load over more addresses."
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cure_is_a_sentence() {
        for &code in Code::ALL {
            assert!(cure(code).ends_with('.') && cure(code).len() > 10, "{code:?}");
        }
    }
}
