//! Whom everybody trusts: the CA certificates of the system's store, or where it has none, those that the process was given.
//!
//! Not the system's on macOS: its store is behind a framework that a cross linker does not have.

use std::sync::{LazyLock, RwLock};

use rustls::pki_types::CertificateDer;

use crate::Error;

type Certificates = Vec<CertificateDer<'static>>;

static GIVEN: RwLock<Certificates> = RwLock::new(Vec::new());

static SYSTEM_HAS_NONE: LazyLock<bool> = LazyLock::new(|| of_system().is_err());

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
/// `tls.roots`: there are none at all, and what the system said.
pub(super) fn common() -> Result<Certificates, Error> {
    chosen(of_system(), given())
}

fn chosen(of_system: Result<Certificates, String>, given: Certificates) -> Result<Certificates, Error> {
    match of_system {
        Ok(certificates) => Ok(certificates),
        Err(_) if !given.is_empty() => Ok(given),
        Err(why) => Err(Error::Roots {
            what: format!("the system has no CA certificates {why}").trim().into(),
        }),
    }
}

fn given() -> Certificates {
    GIVEN
        .read()
        .expect("nobody panics while it is held: it only moves and clones")
        .clone()
}

#[cfg(not(target_os = "macos"))]
fn of_system() -> Result<Certificates, String> {
    let native = rustls_native_certs::load_native_certs();
    if native.certs.is_empty() {
        let why: Vec<String> = native.errors.iter().map(ToString::to_string).collect();
        return Err(why.join("; "));
    }
    Ok(native.certs)
}

#[cfg(target_os = "macos")]
fn of_system() -> Result<Certificates, String> {
    Err("that this library can read".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_roots_come_before_those_given_and_an_error_says_why_there_are_none() {
        let (system, given) = (vec![vec![1].into()], vec![vec![2].into()]);
        let none = || Err("(no folder)".to_owned());
        assert_eq!(chosen(Ok(system.clone()), given.clone()).unwrap(), system);
        assert_eq!(chosen(none(), given.clone()).unwrap(), given);
        let error = chosen(none(), Vec::new()).unwrap_err();
        assert_eq!(error.code().as_str(), "tls.roots");
        assert!(
            error.detail().contains("no CA certificates (no folder)"),
            "{error}"
        );
    }
}
