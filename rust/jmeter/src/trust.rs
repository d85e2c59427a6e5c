//! The CA certificates that Java has, for systems that have none.

pub use websocket::lacks_roots;

use crate::Misuse;
use crate::encoding::base64;

/// Trusts these where the system has none: a JSON array of DER in Base64. What is no Base64 is passed over, as Java's own list may
/// hold what is no use to us.
///
/// # Errors
/// It is no such array.
pub fn trust(roots: &[u8]) -> Result<(), Misuse> {
    let texts: Vec<String> = serde_json::from_slice(roots)?;
    let certificates = texts.iter().filter_map(|text| base64(text.as_bytes()).ok());
    websocket::trust_for_want_of_system_roots(certificates.collect());
    Ok(())
}
