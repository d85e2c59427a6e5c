//! Hides in an address what its names say is a secret: traces are sent around.

use std::borrow::Cow;

/// Parts of names, in lower case.
const TELLING: [&str; 8] = [
    "token",
    "key",
    "secret",
    "password",
    "signature",
    "code",
    "auth",
    "passwd",
];

/// What stands in the place of a secret.
const HIDDEN: &str = "***";

/// The address with the values of telling names in its query replaced; what cannot be a query is left as it is.
pub fn hidden(address: &str) -> Cow<'_, str> {
    let Some((before, query)) = address.split_once('?') else {
        return Cow::Borrowed(address);
    };
    if !query.split('&').any(is_telling) {
        return Cow::Borrowed(address);
    }
    let shown: Vec<Cow<'_, str>> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, _)) if is_telling(pair) => Cow::Owned(format!("{name}={HIDDEN}")),
            _ => Cow::Borrowed(pair),
        })
        .collect();
    Cow::Owned(format!("{before}?{}", shown.join("&")))
}

fn is_telling(pair: &str) -> bool {
    let Some((name, value)) = pair.split_once('=') else {
        return false;
    };
    let name = name.to_ascii_lowercase();
    !value.is_empty() && TELLING.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_telling_names_are_hidden_and_others_are_not() {
        for (given, expected) in [
            ("ws://h/chat", "ws://h/chat"),
            ("ws://h/token=1/x", "ws://h/token=1/x"),
            ("ws://h/?room=1&v=2", "ws://h/?room=1&v=2"),
            (
                "ws://h/?access_token=abc&room=1",
                "ws://h/?access_token=***&room=1",
            ),
            ("ws://h/?room=1&API-KEY=a=b", "ws://h/?room=1&API-KEY=***"),
            (
                "ws://h/?X-Amz-Signature=f00&code=7&Authorization=x",
                "ws://h/?X-Amz-Signature=***&code=***&Authorization=***",
            ),
            (
                "ws://h/?token&secret=&password=p",
                "ws://h/?token&secret=&password=***",
            ),
        ] {
            assert_eq!(hidden(given), expected, "{given}");
        }
    }
}
