//! The crate's one error enum and the table of its stable codes; nothing here does I/O, nor knows what a user can do about a failure:
//! that depends on what drives the crate.

use std::io;
use std::time::Duration;

use conversation::Violation;

use crate::NameError;

/// How a failure is to be read by a retry policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Something between the two hosts, or on the server's side, that may well be over in a moment.
    Network,
    /// A deadline of ours passed.
    Timeout,
    /// Trying again cannot help: the set-up has to change.
    Fatal,
    /// The server gave a whole HTTP answer; its status decides.
    Answer,
}

macro_rules! codes {
    ($($name:ident $text:literal $kind:ident $message:literal;)*) => {
        /// Why an attempt or an exchange of messages failed: a stable noun that users filter and group by.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $(#[doc = concat!("`", $text, "`: ", $message)] $name,)*
        }

        impl Code {
            /// Every code, in the order of the stages.
            pub const ALL: &[Code] = &[$(Code::$name),*];

            /// The code as users see it, as `tcp.refused`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Code::$name => $text),* }
            }

            /// One constant sentence a code: reports group by it, so hosts and numbers are in [`Error::detail`].
            #[must_use]
            pub const fn message(self) -> &'static str {
                match self { $(Code::$name => $message),* }
            }

            /// How a retry policy should read it.
            #[must_use]
            pub const fn kind(self) -> Kind {
                match self { $(Code::$name => Kind::$kind),* }
            }
        }
    };
}

codes! {
    DnsNotFound "dns.not-found" Fatal "Host name not found";
    DnsFailed "dns.failed" Network "Host name lookup failed";
    DnsTimeout "dns.timeout" Timeout "Host name lookup timed out";
    TcpRefused "tcp.refused" Network "Connection refused";
    TcpTimeout "tcp.timeout" Timeout "TCP connect timed out";
    TcpUnreachable "tcp.unreachable" Network "Host or network unreachable";
    TcpNoPorts "tcp.no-ports" Network "No free local port";
    TcpNoFiles "tcp.no-files" Network "Too many open files";
    TcpFailed "tcp.failed" Network "TCP connect failed";
    ProxyAuth "proxy.auth" Fatal "Proxy asks for a password";
    ProxyRefused "proxy.refused" Fatal "Proxy refused the tunnel";
    ProxyUnavailable "proxy.unavailable" Network "Proxy could not open the tunnel";
    ProxyMalformed "proxy.malformed" Fatal "Proxy's answer is not understood";
    ProxyClosed "proxy.closed" Network "Proxy closed the connection";
    ProxyTimeout "proxy.timeout" Timeout "Proxy did not answer in time";
    TlsCertificate "tls.certificate" Fatal "Certificate not accepted";
    TlsFailed "tls.failed" Fatal "TLS handshake failed";
    TlsClosed "tls.closed" Network "Connection ended during the TLS handshake";
    TlsTimeout "tls.timeout" Timeout "TLS handshake timed out";
    TlsRoots "tls.roots" Fatal "No trusted certificates";
    TlsIdentity "tls.identity" Fatal "Client certificate cannot be used";
    UpgradeHeader "upgrade.header" Fatal "Request header not allowed";
    UpgradeStatus "upgrade.status" Answer "Server refused the upgrade";
    UpgradeTimeout "upgrade.timeout" Timeout "No answer to the upgrade in time";
    UpgradeClosed "upgrade.closed" Network "Connection closed before the answer";
    UpgradeReset "upgrade.reset" Network "Connection reset before the answer";
    UpgradeFailed "upgrade.failed" Network "Input or output failed during the upgrade";
    UpgradeMalformed "upgrade.malformed" Fatal "Answer to the upgrade is not HTTP";
    UpgradeTooLarge "upgrade.too-large" Fatal "Answer's head is too large";
    UpgradeBadAccept "upgrade.bad-accept" Fatal "Wrong Sec-WebSocket-Accept";
    UpgradeBadHeaders "upgrade.bad-headers" Fatal "101 without the upgrade headers";
    UpgradeSubprotocol "upgrade.subprotocol" Fatal "Subprotocol that was not asked for";
    UpgradeExtension "upgrade.extension" Fatal "Extension that was not asked for";
    UpgradeParameter "upgrade.extension-parameter" Fatal "Parameter of compression not understood";
    UpgradeRedirect "upgrade.redirect" Fatal "Redirect not followed";
    MessageTimeout "message.timeout" Timeout "No message in time";
    MessageTooLarge "message.too-large" Fatal "Message too large";
    CloseTimeout "close.timeout" Timeout "Close not answered in time";
    ConnectionLost "connection.lost" Network "Connection lost";
    ConnectionClosed "connection.closed" Network "Connection closed";
    ProtocolError "protocol.error" Fatal "WebSocket protocol violated";
    ProtocolUtf8 "protocol.utf8" Fatal "Text that is not UTF-8";
    ProtocolDeflate "protocol.deflate" Fatal "Compressed message that cannot be inflated";
    Cancelled "cancelled" Fatal "Cancelled";
}

/// The stage of an attempt that a deadline ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Looking the host name up.
    Dns,
    /// TCP connect.
    Tcp,
    /// Proxy CONNECT.
    Proxy,
    /// TLS handshake.
    Tls,
    /// Request and answer of the upgrade.
    Upgrade,
}

/// What went wrong with an attempt or a connection. [`Error::code`] is the stable noun, [`Error::detail`] the particulars.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The name could not be resolved.
    #[error("{host}: {source}")]
    Dns {
        /// The name that was looked up.
        host: String,
        /// What the resolver said.
        source: NameError,
    },
    /// No address accepted a TCP connection; the error is that of the last address that failed.
    #[error("{peer}: {source}")]
    Tcp {
        /// Name, port and the addresses tried.
        peer: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// A deadline passed.
    #[error("{peer}: no end within {} ms", after.as_millis())]
    Timeout {
        /// In this stage.
        stage: Stage,
        /// The other side of the stage.
        peer: String,
        /// The timeout that ran out: the one for connecting, or the attempt's.
        after: Duration,
    },
    /// The proxy answered to CONNECT with something other than 2xx.
    #[error("proxy {proxy} answered {status} {reason} to CONNECT{wish}")]
    ProxyStatus {
        /// `host:port` of the proxy.
        proxy: String,
        /// Its status.
        status: u16,
        /// Its reason phrase.
        reason: String,
        /// How it asks for a login, as the end of the sentence.
        wish: String,
    },
    /// The proxy answered with something that is no HTTP head, or one without end.
    #[error("proxy {proxy}: {what}")]
    ProxyMalformed {
        /// `host:port` of the proxy.
        proxy: String,
        /// What was wrong.
        what: String,
    },
    /// A SOCKS proxy gave a reason why not.
    #[error("proxy {proxy}: {what}")]
    Socks {
        /// `host:port` of the proxy.
        proxy: String,
        /// One of the `proxy.*` codes.
        code: Code,
        /// The reason.
        what: String,
    },
    /// The connection to the proxy ended before its answer.
    #[error("proxy {proxy}: {what}")]
    ProxyClosed {
        /// `host:port` of the proxy.
        proxy: String,
        /// How it ended.
        what: String,
    },
    /// The certificate was not accepted.
    #[error("{host}: {what}")]
    Certificate {
        /// The host the certificate should be for.
        host: String,
        /// The verifier's reason.
        what: String,
    },
    /// The TLS handshake failed for another reason than the certificate.
    #[error("{host}: {what}")]
    Tls {
        /// The server.
        host: String,
        /// What rustls said.
        what: String,
    },
    /// The connection ended within the TLS handshake.
    #[error("{host}: {source}")]
    TlsClosed {
        /// The server.
        host: String,
        /// How it ended.
        source: io::Error,
    },
    /// There is nothing to verify certificates with.
    #[error("{what}")]
    Roots {
        /// The file, and what is wrong with it.
        what: String,
    },
    /// The client certificate cannot be used.
    #[error("{what}")]
    Identity {
        /// Why not.
        what: String,
    },
    /// A whole HTTP answer that is not 101; it is in [`crate::Trace::answer`].
    #[error("{status} {reason}")]
    Status {
        /// Its status.
        status: u16,
        /// Its reason phrase.
        reason: String,
    },
    /// The upgrade failed in another way; `code` is one of the `upgrade.*` codes.
    #[error("{what}")]
    Upgrade {
        /// Which way.
        code: Code,
        /// The particulars.
        what: String,
    },
    /// No message within the timeout; the connection stays usable.
    #[error("nothing within {} ms", after.as_millis())]
    MessageTimeout {
        /// The timeout.
        after: Duration,
    },
    /// A message could not be sent, or not all of it, within the timeout; the connection stays usable.
    #[error("{}", not_sent(*length, *begun, *after))]
    SendTimeout {
        /// Bytes of the message.
        length: usize,
        /// Whether a part of it is on its way: then the rest goes out before anything else.
        begun: bool,
        /// The timeout.
        after: Duration,
    },
    /// A message over the bound, in either direction.
    #[error("{what}")]
    MessageTooLarge {
        /// Size and bound.
        what: String,
    },
    /// The peer did not answer our close frame; the TCP connection was ended all the same.
    #[error("no close frame within {} ms", after.as_millis())]
    CloseTimeout {
        /// The timeout.
        after: Duration,
    },
    /// The connection ended without a close frame.
    #[error("{what}")]
    Lost {
        /// How.
        what: String,
    },
    /// The connection was closed before, by the peer's close frame or by ours.
    #[error("{what}")]
    Closed {
        /// Code and reason of the peer, or that it was us.
        what: String,
    },
    /// The peer broke RFC 6455.
    #[error("{what}")]
    Protocol {
        /// In which way.
        what: String,
    },
    /// The peer sent text that is not UTF-8.
    #[error("{what}")]
    Utf8 {
        /// Where.
        what: String,
    },
    /// A compressed message is damaged.
    #[error("{what}")]
    Deflate {
        /// In which way.
        what: String,
    },
    /// [`crate::Canceller::cancel`] was called.
    #[error("cancelled from another thread")]
    Cancelled,
}

impl Error {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Error::Dns { source, .. } => dns_code(source),
            Error::Tcp { source, .. } => tcp_code(source),
            Error::Timeout { stage, .. } => match stage {
                Stage::Dns => Code::DnsTimeout,
                Stage::Tcp => Code::TcpTimeout,
                Stage::Proxy => Code::ProxyTimeout,
                Stage::Tls => Code::TlsTimeout,
                Stage::Upgrade => Code::UpgradeTimeout,
            },
            Error::ProxyStatus { status: 407, .. } => Code::ProxyAuth,
            Error::ProxyStatus {
                status: 408 | 429 | 500..=599,
                ..
            } => Code::ProxyUnavailable,
            Error::ProxyStatus { .. } => Code::ProxyRefused,
            Error::ProxyMalformed { .. } => Code::ProxyMalformed,
            Error::ProxyClosed { .. } => Code::ProxyClosed,
            Error::Certificate { .. } => Code::TlsCertificate,
            Error::Tls { .. } => Code::TlsFailed,
            Error::TlsClosed { .. } => Code::TlsClosed,
            Error::Roots { .. } => Code::TlsRoots,
            Error::Identity { .. } => Code::TlsIdentity,
            Error::Status { .. } => Code::UpgradeStatus,
            Error::Upgrade { code, .. } | Error::Socks { code, .. } => *code,
            Error::MessageTimeout { .. } | Error::SendTimeout { .. } => Code::MessageTimeout,
            Error::MessageTooLarge { .. } => Code::MessageTooLarge,
            Error::CloseTimeout { .. } => Code::CloseTimeout,
            Error::Lost { .. } => Code::ConnectionLost,
            Error::Closed { .. } => Code::ConnectionClosed,
            Error::Protocol { .. } => Code::ProtocolError,
            Error::Utf8 { .. } => Code::ProtocolUtf8,
            Error::Deflate { .. } => Code::ProtocolDeflate,
            Error::Cancelled => Code::Cancelled,
        }
    }

    /// How a retry policy should read it: as its code's kind, but a proxy's refusal of the tunnel is an answer like the server's
    /// own (it is in [`crate::Trace::answer`]), unless the proxy asks for a login.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Error::ProxyStatus { status, .. } if *status != 407 => Kind::Answer,
            other => other.code().kind(),
        }
    }

    /// The particulars: hosts, ports, what the operating system said. Not constant for a code.
    #[must_use]
    pub fn detail(&self) -> String {
        self.to_string()
    }
}

fn not_sent(length: usize, begun: bool, after: Duration) -> String {
    let ms = after.as_millis();
    if begun {
        format!(
            "not all of a message of {length} bytes could be sent within {ms} ms: the server does not read; the rest goes out \
             before the next message"
        )
    } else {
        format!(
            "a message of {length} bytes could not be sent within {ms} ms: the server does not read what was sent before it"
        )
    }
}

impl From<Violation> for Error {
    fn from(violation: Violation) -> Self {
        let what = violation.to_string();
        match violation {
            Violation::Protocol(_) => Error::Protocol { what },
            Violation::Utf8(_) => Error::Utf8 { what },
            Violation::Deflate(_) => Error::Deflate { what },
            Violation::TooLarge(_) => Error::MessageTooLarge { what },
        }
    }
}

fn dns_code(error: &NameError) -> Code {
    if error.is_out_of_files() {
        Code::TcpNoFiles
    } else if error.is_not_found() {
        Code::DnsNotFound
    } else {
        Code::DnsFailed
    }
}

fn tcp_code(error: &io::Error) -> Code {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Code::TcpRefused,
        io::ErrorKind::TimedOut => Code::TcpTimeout,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable | io::ErrorKind::NetworkDown => {
            Code::TcpUnreachable
        }
        // EADDRNOTAVAIL of a connect: no local port is free.
        io::ErrorKind::AddrNotAvailable | io::ErrorKind::AddrInUse => Code::TcpNoPorts,
        _ if is_out_of_files(error) => Code::TcpNoFiles,
        _ => Code::TcpFailed,
    }
}

/// `EMFILE` (process) and `ENFILE` (system) on Unix, `WSAEMFILE` on Windows; std has no kind for them.
pub(crate) fn is_out_of_files(error: &io::Error) -> bool {
    let codes: &[i32] = if cfg!(windows) { &[10024] } else { &[24, 23] };
    error.raw_os_error().is_some_and(|code| codes.contains(&code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_all_texts_are_there() {
        let mut seen = std::collections::HashSet::new();
        let mut messages = std::collections::HashSet::new();
        for code in Code::ALL {
            assert!(seen.insert(code.as_str()), "{code:?}");
            assert!(messages.insert(code.message()), "{code:?}");
            assert!(
                !code.message().is_empty() && !code.message().ends_with('.'),
                "{code:?}"
            );
        }
        assert_eq!(Code::TcpRefused.as_str(), "tcp.refused");
    }

    #[test]
    fn exhausted_resources_have_their_own_codes() {
        let of = |number| {
            Error::Tcp {
                peer: "x".into(),
                source: io::Error::from_raw_os_error(number),
            }
            .code()
            .as_str()
        };
        if cfg!(target_os = "linux") {
            assert_eq!(of(24), "tcp.no-files");
            assert_eq!(of(23), "tcp.no-files");
            assert_eq!(of(99), "tcp.no-ports");
            assert_eq!(of(111), "tcp.refused");
            assert_eq!(of(113), "tcp.unreachable");
            assert_eq!(of(101), "tcp.unreachable");
            assert_eq!(of(110), "tcp.timeout");
            assert_eq!(of(13), "tcp.failed");
        }
    }
}
