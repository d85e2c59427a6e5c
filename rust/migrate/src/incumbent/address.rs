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
    if server.contains(['/', '?', '#', '@']) {
        return Err(format!("its server {server:?} is no host name"));
    }
    if port.is_empty() {
        return Err("its port is empty, which their sampler refuses; give one".to_owned());
    }
    let mut notes = Vec::new();
    if path.starts_with("${") {
        notes.push(format!(
            "the path begins with a variable ({path}): its value must begin with / or ?"
        ));
    }
    if let Some(odd) = path
        .chars()
        .find(|c| " \"<>#\\^`{|}".contains(*c) || !c.is_ascii() || c.is_control())
    {
        if !path.contains("${") || odd == '#' || odd == ' ' {
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
