//! Whom everybody trusts: the CA certificates of the system's store, or where it has none, those that the process was given.
//!
//! Not the system's on macOS: its store is behind a framework that a cross linker does not have.

use std::sync::{LazyLock, RwLock};

use rustls::pki_types::CertificateDer;

use crate::Error;

type Certificates = Vec<CertificateDer<'static>>;

static GIVEN: RwLock<Certificates> = RwLock::new(Vec::new());

static SYSTEM_HAS_NONE: LazyLock<bool> = LazyLock::new(|| matches!(of_system(), Err(Lack::Nothing(_))));

/// Why the system gave no CA certificates.
#[derive(Debug)]
enum Lack {
    /// It has none.
    Nothing(String),
    /// It may have some: whoever named a file that cannot be read is told so, and trusts nobody else in its place.
    Unreadable(String),
}

/// Trusts these CA certificates (DER) from now on wherever the system's store has none, as in a container without them; in place
/// of those that were given before.
pub fn trust_for_want_of_system_roots(certificates: Vec<Vec<u8>>) {
    let mut given = GIVEN
        .write()
        .expect("nobody panics while it is held: it only moves and clones");
    *given = certificates.into_iter().map(CertificateDer::from).collect();
}

/// Whether the system's store has no CA certificates, and the process was given none; looks at the store once.
#[must_use]
pub fn lacks_roots() -> bool {
    *SYSTEM_HAS_NONE && given().is_empty()
}

/// The system's, else those given.
///
/// # Errors
/// `tls.roots`: there are none at all, or they cannot be read, and what the system said.
pub(super) fn common() -> Result<Certificates, Error> {
    chosen(of_system(), given())
}

fn chosen(of_system: Result<Certificates, Lack>, given: Certificates) -> Result<Certificates, Error> {
    let what = match of_system {
        Ok(certificates) => return Ok(certificates),
        Err(Lack::Nothing(_)) if !given.is_empty() => return Ok(given),
        Err(Lack::Nothing(why)) => format!("the system has no CA certificates {why}"),
        Err(Lack::Unreadable(why)) => format!("the system's CA certificates cannot be read: {why}"),
    };
    Err(Error::Roots {
        what: what.trim().into(),
    })
}

fn given() -> Certificates {
    GIVEN
        .read()
        .expect("nobody panics while it is held: it only moves and clones")
        .clone()
}

#[cfg(not(target_os = "macos"))]
fn of_system() -> Result<Certificates, Lack> {
    let native = rustls_native_certs::load_native_certs();
    if !native.certs.is_empty() {
        return Ok(native.certs);
    }
    if native.errors.is_empty() {
        return Err(Lack::Nothing(String::new()));
    }
    let why: Vec<String> = native.errors.iter().map(ToString::to_string).collect();
    Err(Lack::Unreadable(why.join("; ")))
}

#[cfg(target_os = "macos")]
fn of_system() -> Result<Certificates, Lack> {
    Err(Lack::Nothing("that this library can read".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_roots_come_before_those_given_and_an_error_says_why_there_are_none() {
        let (system, given) = (vec![vec![1].into()], vec![vec![2].into()]);
        let none = || Err(Lack::Nothing("that anybody found".to_owned()));
        assert_eq!(chosen(Ok(system.clone()), given.clone()).unwrap(), system);
        assert_eq!(chosen(none(), given.clone()).unwrap(), given);
        let error = chosen(none(), Vec::new()).unwrap_err();
        assert_eq!(error.code().as_str(), "tls.roots");
        assert!(
            error.detail().contains("no CA certificates that anybody found"),
            "{error}"
        );
        let unreadable = Err(Lack::Unreadable("/typo.pem: no such file".to_owned()));
        let error = chosen(unreadable, given).unwrap_err();
        assert_eq!(error.code().as_str(), "tls.roots");
        assert!(
            error.detail().contains("cannot be read: /typo.pem"),
            "others are not trusted in its place: {error}"
        );
    }
}
