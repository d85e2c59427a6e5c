//! Addresses that plugins keep in parts: a protocol, a server, a port and a path, where the path may be the whole address.

/// The parts, as they stand in the plan.
pub(crate) struct Address {
    /// Empty: `ws`.
    pub(crate) protocol: String,
    pub(crate) server: String,
    /// Empty or 0: the protocol's own.
    pub(crate) port: String,
    pub(crate) path: String,
}

/// Whether a path is an address by itself.
pub(crate) fn is_whole(path: &str) -> bool {
    path.starts_with("ws://") || path.starts_with("wss://")
}

impl Address {
    /// # Errors
    /// What is said of an element that has none.
    pub(crate) fn url(&self, notes: &mut Vec<String>) -> Result<String, String> {
        let Self {
            protocol,
            server,
            port,
            path,
        } = self;
        if is_whole(path) {
            return Ok(path.clone());
        }
        if server.is_empty() {
            return Err("it has no server".to_owned());
        }
        let protocol = if protocol.is_empty() { "ws" } else { protocol };
        let port = match port.as_str() {
            "" | "0" => String::new(),
            port => format!(":{port}"),
        };
        if port.contains("${") {
            notes.push(
                "its port is a variable: empty or 0 meant the protocol's own port, and must be a number now"
                    .to_owned(),
            );
        }
        let slash = if path.starts_with('/') { "" } else { "/" };
        Ok(format!("{protocol}://{server}{port}{slash}{path}"))
    }
}
