//! The plans of the clients that run in JMeter: the same shape for all, only the samplers differ.

use std::net::SocketAddr;

use system::plan::{Group, Plan};

use crate::case::{Case, Client, Work};
use crate::raw;
use crate::server::Server;

/// The name of the samplers that open a connection.
pub const OPEN: &str = "Open";
/// That of the samplers that echo.
pub const EXCHANGE: &str = "Exchange";
/// Users who do something each second come in so many seconds, else they would all do it at once.
const RAMP_UP: u32 = 10;
/// Longer than any run: users who hold a connection do no more.
const FOR_EVER: &str = "3600000";

/// A plan whose threads go on for `seconds` each time they are let through the gate.
pub fn in_turns(case: &Case, client: Client, server: &Server, gate: SocketAddr, seconds: u32) -> Plan {
    let group = users(case, client).forever();
    let nothing = Group::new("", 0);
    let plan = match case.work {
        Work::Echo { .. } => group
            .once(&open(nothing.clone(), client, server))
            .wait_at(gate)
            .during(seconds, &exchange(nothing, client, case.work)),
        Work::Refused => group
            .wait_at(gate)
            .during(seconds, &open(nothing, client, server)),
        Work::Connect | Work::Opening | Work::Idle => group
            .wait_at(gate)
            .during(seconds, &close(open(nothing, client, server), client)),
    };
    Plan::of(plan)
}

/// A plan whose threads do so much each, and end.
pub fn whole(case: &Case, client: Client, server: &Server, each: u32) -> Plan {
    let mut group = users(case, client).loops(each);
    if case.each_second {
        group = group.ramp_up(RAMP_UP).timer("1000");
    }
    let plan = match case.work {
        Work::Echo { .. } => {
            let opening = open(Group::new("", 0), client, server);
            exchange(group.once(&opening), client, case.work)
        }
        Work::Refused => open(group, client, server),
        Work::Connect | Work::Opening | Work::Idle => close(open(group, client, server), client),
    };
    Plan::of(plan)
}

/// A plan whose threads open a connection each and hold it; [`Client::Threads`] open none.
pub fn holding(case: &Case, client: Client, server: &Server) -> Plan {
    let group = users(case, client);
    let group = if client == Client::Threads {
        group
    } else {
        open(group, client, server)
    };
    Plan::of(group.pause(FOR_EVER))
}

fn users(case: &Case, client: Client) -> Group {
    let group = Group::new("Users", case.threads);
    if client.is_virtual() {
        group.virtual_users()
    } else {
        group
    }
}

fn open(group: Group, client: Client, server: &Server) -> Group {
    let address = server.address();
    if !client.is_ours() {
        let host = address.ip().to_string();
        return group.incumbent_open(OPEN, &host, address.port(), server.trust().is_some());
    }
    let url = server.url();
    let file = server.trust().map(|trust| trust.file.display().to_string());
    let mut properties = vec![("wsb.url", url.as_str()), ("wsb.retry.strategy", "none")];
    if let Some(file) = &file {
        properties.push(("wsb.tls.caFile", file));
        // What has been measured from the beginning, so that rows can be compared.
        properties.push(("wsb.tls.resume", "shared"));
    }
    group.connect(OPEN, &properties)
}

fn close(group: Group, client: Client) -> Group {
    if client.is_ours() {
        group.sampler("Close", "Close", &[])
    } else {
        group.incumbent_close("Close")
    }
}

fn exchange(group: Group, client: Client, work: Work) -> Group {
    let Work::Echo { bytes, repeat } = work else {
        return group;
    };
    let text = raw::text(bytes);
    if client.is_ours() {
        let repeat = repeat.to_string();
        let properties = [
            ("wsb.payload", text.as_str()),
            ("wsb.repeat", &repeat),
            ("wsb.readTimeout", "20s"),
        ];
        group.sampler("Exchange", EXCHANGE, &properties)
    } else {
        group.incumbent_exchange(EXCHANGE, &text)
    }
}
