//! The names of ws-backoff's elements, as plans have them.

use crate::jmx::NewElement;

/// What people call the Retry controller.
pub(crate) const RETRY: &str = "Retry Controller (wsb)";

/// What people call the assertion for bytes.
pub(crate) const BINARY_ASSERTION: &str = "Binary Assertion (wsb)";

/// The thread group whose users are virtual threads, by its class.
pub(crate) const VIRTUAL_USER_GROUP: &str = "io.github.wsbackoff.threads.VirtualUserGroup";

/// What a person calls an element, by the last part of its class.
const LABELS: [(&str, &str); 10] = [
    ("ConnectSampler", "WebSocket Connect (wsb)"),
    ("SendSampler", "WebSocket Send (wsb)"),
    ("ReceiveSampler", "WebSocket Receive (wsb)"),
    ("ExchangeSampler", "WebSocket Exchange (wsb)"),
    ("PingSampler", "WebSocket Ping (wsb)"),
    ("CloseSampler", "WebSocket Close (wsb)"),
    ("RetryController", RETRY),
    ("BinaryAssertion", BINARY_ASSERTION),
    ("WebSocketDefaults", "WebSocket Defaults (wsb)"),
    ("VirtualUserGroup", "Virtual Thread Group (wsb)"),
];

/// A sampler of ours: `Connect`, `Send`, `Receive`, `Exchange`, `Ping` or `Close`.
pub(crate) fn sampler(kind: &str) -> NewElement {
    element("sampler", &format!("{kind}Sampler"))
}

/// The controller that tries again what is in it.
pub(crate) fn retry() -> NewElement {
    element("control", "RetryController")
}

/// The assertion for bytes.
pub(crate) fn binary_assertion() -> NewElement {
    element("assertions", "BinaryAssertion")
}

/// The defaults of all elements in its scope.
pub(crate) fn defaults() -> NewElement {
    element("config", "WebSocketDefaults")
}

/// The thread group whose users are virtual threads.
pub(crate) fn virtual_users() -> NewElement {
    NewElement::new(VIRTUAL_USER_GROUP, "io.github.wsbackoff.gui.VirtualUserGroupGui")
}

fn element(folder: &str, name: &str) -> NewElement {
    NewElement::new(
        &format!("io.github.wsbackoff.{folder}.{name}"),
        &format!("io.github.wsbackoff.gui.{name}Gui"),
    )
}

/// What menus and the README call it.
pub(crate) fn label(element: &NewElement) -> &'static str {
    let is = |(name, _): &&(&str, &str)| element.class.ends_with(*name);
    LABELS.iter().find(is).map_or("wsb", |(_, label)| label)
}
