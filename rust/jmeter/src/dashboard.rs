//! The lines for `user.properties` that put graphs of the connects, and our page, into JMeter's HTML dashboard.

use std::fmt::Write as _;

use crate::variables;

/// A graph over time.
struct Graph {
    /// Its id behind `custom_wsb_`.
    id: &'static str,
    title: &'static str,
    /// What its values are.
    axis: &'static str,
    variable: &'static str,
    /// As the graph's class takes it.
    show: &'static str,
}

const GRAPHS: [Graph; 7] = [
    Graph {
        id: "time",
        title: "WebSocket: time to connect, waits included",
        axis: "Milliseconds",
        variable: variables::TIME_TO_CONNECT_MS,
        show: "median,p95,max",
    },
    Graph {
        id: "ends",
        title: "WebSocket: connects by how they ended",
        axis: "Connects a second",
        variable: variables::STOP,
        show: "count",
    },
    Graph {
        id: "attempts",
        title: "WebSocket: attempts a connect",
        axis: "Attempts",
        variable: variables::ATTEMPTS,
        show: "mean,max",
    },
    Graph {
        id: "waited",
        title: "WebSocket: waited between attempts",
        axis: "Milliseconds",
        variable: variables::WAITED_MS,
        show: "median,max",
    },
    Graph {
        id: "hint",
        title: "WebSocket: last hint of the server",
        axis: "Milliseconds",
        variable: variables::HINT_MS,
        show: "median,max",
    },
    Graph {
        id: "rate",
        title: "WebSocket: rate of the shared gate",
        axis: "Attempts a second",
        variable: variables::RATE,
        show: "mean",
    },
    Graph {
        id: "queue",
        title: "WebSocket: users waiting at the shared gate",
        axis: "Users",
        variable: variables::GATE_QUEUE,
        show: "max",
    },
];

const HEAD: &str = "\
# ws-backoff in JMeter's HTML dashboard: made by `ws-backoff dashboard`, for user.properties.
# Graphs of the connects are under \"Customs Graphs\"; the page about the run is ws-backoff.html beside index.html.

# JMeter reads one sample_variables only: put variables of your own into this line. In a distributed test it belongs on
# the controller and on every server.
";

/// The lines.
#[must_use]
pub fn dashboard_properties() -> String {
    let mut out = HEAD.to_owned();
    let shown = GRAPHS.iter().map(|graph| graph.variable);
    let columns: Vec<&str> = std::iter::once(variables::SAMPLE).chain(shown).collect();
    // Texts take everything.
    let _ = writeln!(out, "sample_variables={}", columns.join(","));
    for graph in &GRAPHS {
        let Graph {
            id,
            title,
            axis,
            variable,
            show,
        } = graph;
        let mut line = |key: &str, value: &str| {
            let _ = writeln!(out, "jmeter.reportgenerator.graph.custom_wsb_{id}.{key}={value}");
        };
        line("classname", "io.github.wsbackoff.report.ConnectsGraph");
        line("title", title);
        line("property.set_granularity", "1000");
        line("property.set_X_Axis", "Time at which the connect was over");
        line("property.set_Y_Axis", axis);
        line("property.setContentMessage", axis);
        line("property.setSampleVariableName", variable);
        line("property.setShow", show);
    }
    out.push_str(
        "\njmeter.reportgenerator.exporter.wsbackoff.classname=io.github.wsbackoff.report.PageExporter\n",
    );
    out
}
