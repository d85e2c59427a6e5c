//! Whom to trust: issued certificates by the rules of webpki, one that the user named by itself, or anybody. And why not, in
//! words.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, SignatureScheme};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;

/// Whom to trust. Whoever it is must hold the certificate's key.
#[derive(Debug)]
pub(super) enum Trusted {
    /// Certificates that lead to a root, and those that stand in the user's own file or store themselves: `openssl req -x509` makes
    /// one that is a CA's at once, often with nothing but a common name in it, and webpki takes neither for a server's. Whoever named
    /// exactly this certificate trusts it; it must be for the host and of today all the same.
    NamedOrIssued {
        issued: Arc<WebPkiServerVerifier>,
        named: Vec<CertificateDer<'static>>,
    },
    /// `verify = false`.
    Anyone,
}

/// Decides by [`Trusted`], with the signatures that a provider knows.
#[derive(Debug)]
pub(super) struct Verifier {
    pub(super) trust: Trusted,
    pub(super) provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Trusted::NamedOrIssued { issued, named } = &self.trust else {
            return Ok(ServerCertVerified::assertion());
        };
        let issued = issued.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        if issued.is_ok() || !named.contains(end_entity) {
            return issued;
        }
        verify_named(end_entity, server_name, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// Dates and names of a certificate that is trusted by itself.
fn verify_named(
    der: &CertificateDer<'_>,
    server_name: &ServerName<'_>,
    now: UnixTime,
) -> Result<ServerCertVerified, rustls::Error> {
    let certificate = Certificate::from_der(der).map_err(|_| CertificateError::BadEncoding)?;
    let about = certificate.tbs_certificate();
    let since_1970 = |time: x509_cert::time::Time| UnixTime::since_unix_epoch(time.to_unix_duration());
    let not_before = since_1970(about.validity().not_before);
    let not_after = since_1970(about.validity().not_after);
    if now < not_before {
        return Err(CertificateError::NotValidYetContext {
            time: now,
            not_before,
        }
        .into());
    }
    if now > not_after {
        return Err(CertificateError::ExpiredContext { time: now, not_after }.into());
    }
    let has_names = !matches!(about.get_extension::<SubjectAltName>(), Ok(None));
    if has_names {
        rustls::client::verify_server_name(&ParsedCertificate::try_from(der)?, server_name)?;
        return Ok(ServerCertVerified::assertion());
    }
    let common_name = about.subject().common_name().ok().flatten();
    let common_name = common_name
        .map(|name| name.value().to_string())
        .unwrap_or_default();
    if is_for(&common_name, server_name) {
        return Ok(ServerCertVerified::assertion());
    }
    Err(CertificateError::NotValidForNameContext {
        expected: server_name.to_owned(),
        presented: vec![common_name],
    }
    .into())
}

/// Whether a common name means this host: the same name or address, or a star for its first label (RFC 6125 section 6.4.3).
fn is_for(common_name: &str, host: &ServerName<'_>) -> bool {
    match host {
        ServerName::DnsName(host) => {
            let host = host.as_ref();
            let below = |text: &str| text.split_once('.').map(|(_, rest)| rest.to_ascii_lowercase());
            common_name.eq_ignore_ascii_case(host)
                || common_name
                    .strip_prefix("*.")
                    .is_some_and(|rest| Some(rest.to_ascii_lowercase()) == below(host) && rest.contains('.'))
        }
        ServerName::IpAddress(address) => {
            let address = IpAddr::from(*address);
            common_name.parse().is_ok_and(|named: IpAddr| named == address)
        }
        _ => false,
    }
}

/// What is wrong with a certificate, for people.
pub(super) fn in_words(fault: &CertificateError) -> String {
    use CertificateError as E;
    match fault {
        E::UnknownIssuer => {
            "it is signed by nobody who is trusted here (UnknownIssuer): name its CA's certificate".into()
        }
        E::BadEncoding => "it cannot be read as an X.509 certificate".into(),
        E::BadSignature => "its signature is not by the issuer that it names".into(),
        E::Revoked => "its issuer has revoked it".into(),
        E::UnhandledCriticalExtension => "it has a critical extension that is not known here".into(),
        E::InvalidPurpose | E::InvalidPurposeContext { .. } => {
            "it is not made for servers (its extended key usage)".into()
        }
        E::ExpiredContext { time, not_after } => format!(
            "it has expired {} days ago",
            time.as_secs().saturating_sub(not_after.as_secs()) / 86_400
        ),
        E::NotValidYetContext { time, not_before } => format!(
            "it is not valid before {} days from now: compare the clocks",
            not_before
                .as_secs()
                .saturating_sub(time.as_secs())
                .div_ceil(86_400)
        ),
        E::NotValidForNameContext { expected, presented } if presented.is_empty() => {
            format!(
                "it is for no host at all, so not for {} (a common name alone does not count, unless the certificate itself is named in wsb.tls.caFile)",
                Host(expected)
            )
        }
        E::NotValidForNameContext { expected, presented } => {
            let names: Vec<&str> = presented.iter().map(|name| bare(name)).collect();
            format!("it is for {}, not for {}", names.join(", "), Host(expected))
        }
        E::Other(other) => of_webpki(&other.to_string()),
        E::Expired => "it has expired".into(),
        E::NotValidYet => "it is not valid yet: compare the clocks".into(),
        E::NotValidForName => "it is for another host".into(),
        E::UnsupportedSignatureAlgorithmContext { .. }
        | E::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "it is signed in a way that is not supported here (MD5, SHA-1, an unusual curve)".into()
        }
        other => of_webpki(&other.to_string()),
    }
}

/// Faults that rustls passes on, by the names that webpki gives them.
fn of_webpki(name: &str) -> String {
    match name {
        "CaUsedAsEndEntity" => "it is the certificate of a CA, and a server shows it as its own: to trust exactly this one, name it in wsb.tls.caFile".into(),
        "UnsupportedCertVersion" => "it is of X.509 version 1: make one of version 3".into(),
        "PathLenConstraintViolated" => "more CAs stand between it and its root than the root allows".into(),
        "NameConstraintViolation" => "its CA may not issue certificates for this host".into(),
        name => {
            let is_name = name.chars().all(char::is_alphanumeric);
            let mut words = String::from(if is_name { "it cannot be used:" } else { "it cannot be used: " });
            for letter in name.chars() {
                if is_name && letter.is_uppercase() {
                    words.push(' ');
                    words.extend(letter.to_lowercase());
                } else {
                    words.push(letter);
                }
            }
            words
        }
    }
}

/// rustls has `DnsName("a.test")`.
fn bare(name: &str) -> &str {
    name.split('"').nth(1).unwrap_or(name)
}

struct Host<'a>(&'a ServerName<'static>);

impl fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_common_name_means_a_host_an_address_or_the_hosts_below_it() {
        for (common_name, host, yes) in [
            ("localhost", "localhost", true),
            ("LocalHost", "localhost", true),
            ("127.0.0.1", "127.0.0.1", true),
            ("::1", "::1", true),
            ("*.a.test", "x.a.test", true),
            ("*.a.test", "a.test", false),
            ("*.a.test", "x.y.a.test", false),
            ("*.test", "a.test", false),
            ("", "localhost", false),
            ("other", "localhost", false),
            ("127.0.0.2", "127.0.0.1", false),
        ] {
            let host_name = ServerName::try_from(host).unwrap();
            assert_eq!(is_for(common_name, &host_name), yes, "{common_name} {host}");
        }
    }

    #[test]
    fn no_fault_is_told_in_the_librarys_debug_form() {
        let of = |name: &'static str| {
            let inner: Box<dyn std::error::Error + Send + Sync> = name.into();
            in_words(&CertificateError::Other(rustls::OtherError(Arc::from(inner))))
        };
        assert!(of("CaUsedAsEndEntity").contains("wsb.tls.caFile"));
        assert_eq!(of("EmptyEkuExtension"), "it cannot be used: empty eku extension");
        let all = [
            CertificateError::UnknownIssuer,
            CertificateError::Expired,
            CertificateError::NotValidForName,
        ];
        for text in all.iter().map(in_words).chain([of("SomeFault")]) {
            assert!(!text.contains("Other") && text.contains(' '), "{text}");
        }
    }
}
