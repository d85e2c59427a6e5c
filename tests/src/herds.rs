//! Herds of users who come to the test server in a real JMeter: several side by side in one JMeter, each before a server of its
//! own, and what each server counted.

use std::path::Path;
use std::time::Duration;

use crate::Result;
use crate::jmeter::{Finished, Home, Jmeter};
use crate::plan::{Group, Plan};
use crate::repository::fresh_folder;
use crate::serve::{Serve, Stats};

/// Users who all come to one server, each once.
#[derive(Debug, Clone)]
pub struct Herd {
    /// Options of `serve`, its limit among them.
    pub serve: Vec<String>,
    /// How many come.
    pub users: u32,
    /// JMeter's ramp-up.
    pub ramp_seconds: u32,
    /// How long one stays who is in.
    pub hold_ms: u32,
    /// Of their Connect sampler, besides its address.
    pub properties: Vec<(&'static str, String)>,
}

/// A herd's server when all was over.
#[derive(Debug, Clone)]
pub struct Served {
    /// Where the users came to.
    pub url: String,
    /// What it counted.
    pub stats: Stats,
}

impl Herd {
    fn group(&self, name: &str, url: &str) -> Group {
        let own = self.properties.iter().map(|(key, value)| (*key, value.as_str()));
        let properties: Vec<(&str, &str)> = [("wsb.url", url)].into_iter().chain(own).collect();
        Group::new(name, self.users)
            .ramp_up(self.ramp_seconds)
            .connect("Connect", &properties)
            .pause(&self.hold_ms.to_string())
    }
}

/// Lets all herds come at once; the servers' counts in the order of the herds.
///
/// # Errors
/// When a server refuses its options, or JMeter does not end well within `longest`.
pub fn side_by_side(
    herds: &[Herd],
    folder: &Path,
    longest: Duration,
    setup: impl Fn(Jmeter) -> Jmeter,
) -> Result<(Finished, Vec<Served>)> {
    let folder = fresh_folder(folder)?;
    let mut servers = Vec::new();
    let mut plan = Plan::default();
    for (nth, herd) in herds.iter().enumerate() {
        let options: Vec<&str> = herd.serve.iter().map(String::as_str).collect();
        let server = Serve::start(&options)?;
        let url = server.url("/agents");
        plan = plan.and(herd.group(&format!("Herd {nth}"), &url));
        servers.push((server, url));
    }
    let plan = plan.write(&folder.join("plan.jmx"))?;
    let jmeter = Jmeter::new(&Home::assembled()?, &plan, &folder.join("run"));
    let finished = setup(jmeter).run(longest)?;
    let mut served = Vec::new();
    for (server, url) in servers {
        let stats = server.stats()?;
        server.stop()?;
        served.push(Served { url, stats });
    }
    Ok((finished, served))
}
