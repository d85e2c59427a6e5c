//! permessage-deflate (RFC 7692) in the upgrade: what is offered, and what the server made of it.

use conversation::Agreed;

use crate::{Answer, Code, Error};

pub(crate) const EXTENSIONS: &str = "Sec-WebSocket-Extensions";

/// What we ask for, most wanted first: as browsers do, so that the server does for us what it does for them; else the same for a
/// server that wants each of our messages to stand alone, which must be offered first (RFC 7692 section 7.1.1.2).
pub(crate) const OFFER: &str = "permessage-deflate; client_max_window_bits, \
    permessage-deflate; client_no_context_takeover; client_max_window_bits";

/// Reads the extensions of a 101: none, or permessage-deflate when it was offered. Gives it as the server wrote it, too.
///
/// # Errors
/// `upgrade.extension`: another extension than offered; `upgrade.extension-parameter`: what RFC 7692 section 7.1 does not allow.
pub(crate) fn agreed(answer: &Answer, offered: bool) -> Result<Option<(Agreed, String)>, Error> {
    let all: Vec<&str> = answer
        .header(EXTENSIONS)
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|one| !one.is_empty())
        .collect();
    let wrong = |code, what: &str| Error::Upgrade {
        code,
        what: format!("the server chose {:?}: {what}", all.join(", ")),
    };
    let fault = |what: &str| Err(wrong(Code::UpgradeExtension, what));
    let one = match all.as_slice() {
        [] => return Ok(None),
        [one] if offered => *one,
        [_] => return fault("no extension was offered"),
        _ => return fault("more than was offered"),
    };
    let (name, parameters) = one
        .split_once(';')
        .map_or((one, None), |(name, rest)| (name, Some(rest)));
    if !name.trim().eq_ignore_ascii_case("permessage-deflate") {
        return fault("another extension than was offered");
    }
    let agreed = Agreed::read(parameters).map_err(|what| wrong(Code::UpgradeParameter, what))?;
    Ok(Some((agreed, one.to_owned())))
}
