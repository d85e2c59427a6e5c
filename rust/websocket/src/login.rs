//! Whom to log in as when a server or a proxy asks with Digest (RFC 7616, RFC 2617), and which of its challenges is answered. How challenges
//! are read and answers are made is the crate's business; when to ask again is the attempt's.

use std::fmt;

use http_auth::parser::ChallengeParser;
use http_auth::{DigestClient, PasswordParams};

use crate::check_header;

/// A challenge, and once more where the nonce of the first one is too old: a server that finds each nonce so has no end.
pub(crate) const MOST_CHALLENGES: u32 = 2;

/// The schemes that challenge, as in `Digest, NTLM`; empty: none that can be read.
pub(crate) fn schemes<'v>(challenges: impl Iterator<Item = &'v str>) -> String {
    let mut schemes: Vec<&str> = challenges
        .flat_map(|value| ChallengeParser::new(value).map_while(Result::ok))
        .map(|challenge| challenge.scheme)
        .collect();
    schemes.dedup();
    schemes.join(", ")
}

/// A user with a password. It never leaves this side: what is sent is a hash, and nothing shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The user's name.
    pub user: String,
    /// The password.
    pub password: String,
    /// Only challenges of this realm are answered; empty: of any.
    pub realm: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("user", &self.user)
            .field("realm", &self.realm)
            .finish_non_exhaustive()
    }
}

impl Login {
    /// The first challenge among the values of `WWW-Authenticate` lines that can be answered. After an answer was refused, only one
    /// that says that the nonce was too old (`stale`), not the password wrong.
    pub(crate) fn challenge<'v>(
        &self,
        values: impl Iterator<Item = &'v str>,
        was_answered: bool,
    ) -> Option<DigestClient> {
        values
            .flat_map(|value| ChallengeParser::new(value).map_while(Result::ok))
            .filter_map(|challenge| DigestClient::try_from(&challenge).ok())
            .filter(|digest| self.realm.is_empty() || digest.realm() == self.realm)
            .find(|digest| !was_answered || digest.stale())
    }

    /// The value of the `Authorization` line for a request of this method and target; `None`: the challenge's own words do not fit
    /// into one.
    pub(crate) fn answer(&self, digest: &mut DigestClient, method: &str, target: &str) -> Option<String> {
        let answer = digest.respond(&PasswordParams {
            username: &self.user,
            password: &self.password,
            uri: target,
            method,
            body: None,
        });
        answer
            .ok()
            .filter(|value| check_header("Authorization", value).is_ok())
    }
}
