//! `dashboard`: the lines for `user.properties` that put our graphs into JMeter's HTML dashboard.

use crate::{Failure, say_all};
use clap::Args;

#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP, after_help = "More: --help with an example.")]
pub(crate) struct Options {}

const AFTER_HELP: &str = "JMeter's own graphs know nothing of backoff, and its graphs of variables count a connect again with every later sample
of its thread. These count each once, when it was over: time to connect, attempts, waits, hints, how it ended, and the
shared gate. They stand in the dashboard under \"Customs Graphs\"; the page of `report` lies beside index.html.

Example:
    ws-backoff dashboard > dashboard.properties
    jmeter -n -t plan.jmx -q dashboard.properties -l result.jtl -e -o dashboard

The lines may as well stand in user.properties. JMeter reads only one sample_variables: join yours with this one.";

pub(crate) fn run(_: &Options) -> Result<(), Failure> {
    say_all(&jmeter::dashboard_properties())
}
