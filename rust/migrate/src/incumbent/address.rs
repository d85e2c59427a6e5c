//! Where a sampler of theirs connects to, as one address.

use crate::jmx::{ItemId, Plan};

/// An address of ours, whether it is under TLS, and what to look at.
#[derive(Debug)]
pub(super) struct Address {
    pub(super) url: String,
    pub(super) tls: bool,
    pub(super) notes: Vec<String>,
}

pub(super) fn address(plan: &Plan, item: ItemId) -> Result<Address, String> {
    let tls = match plan.value_or(item, "TLS", "false").as_str() {
        "true" => true,
        "false" | "" => false,
        other => {
            return Err(format!(
                "TLS is {other:?}; only true and false can be put into an address"
            ));
        }
    };
    let server = plan.value_or(item, "server", "");
    let server = server.trim();
    let port = plan.value_or(item, "port", "80");
    let port = port.trim();
    let path = plan.value_or(item, "path", "");
    if server.is_empty() {
        return Err("it has no server; a plan made by a program may have it under another name".to_owned());
    }
    let server = host(server)?;
    if port.is_empty() {
        return Err("its port is empty, which their sampler refuses; give one".to_owned());
    }
    let mut notes = Vec::new();
    let path = match fragment(&path) {
        Some(at) => {
            notes.push(format!(
                "{:?} at the end of its path was never sent, and is gone",
                &path[at..]
            ));
            path[..at].to_owned()
        }
        None => path,
    };
    if path.starts_with("${") {
        notes.push(format!(
            "the path begins with a variable ({path}): its value must begin with / or ?"
        ));
    }
    if let Some(odd) = path
        .chars()
        .find(|c| " \"<>\\^`{|}".contains(*c) || !c.is_ascii() || c.is_control())
    {
        if !path.contains("${") || odd == ' ' {
            notes.push(format!(
                "the path has {odd:?}, which was sent as it is; now it is sent as addresses allow it"
            ));
        }
    }
    let slash = if path.is_empty() || path.starts_with(['/', '?']) || path.starts_with("${") {
        ""
    } else {
        "/"
    };
    let scheme = if tls { "wss" } else { "ws" };
    Ok(Address {
        url: format!("{scheme}://{server}:{port}{slash}{path}"),
        tls,
        notes,
    })
}

/// A server as an address has it.
fn host(server: &str) -> Result<String, String> {
    // An IPv6 address stands in brackets there.
    let bare = server.contains(':') && server.chars().all(|c| c.is_ascii_hexdigit() || ":.".contains(c));
    let bracketed = server.starts_with('[') && server.ends_with(']');
    if bare && server.matches(':').count() > 1 {
        return Ok(format!("[{server}]"));
    }
    if server.contains(['/', '?', '#', '@']) || server.contains(':') && !bracketed && !server.contains("${") {
        return Err(format!("its server {server:?} is no host name"));
    }
    Ok(server.to_owned())
}

/// Where a `#` stands that no variable has in it.
fn fragment(path: &str) -> Option<usize> {
    let mut open = 0_usize;
    for (at, c) in path.char_indices() {
        match c {
            '{' if path[..at].ends_with('$') => open += 1,
            '}' => open = open.saturating_sub(1),
            '#' if open == 0 => return Some(at),
            _ => {}
        }
    }
    None
}
