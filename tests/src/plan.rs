//! Test plans made in code, for tests that need many cases in one run: thread groups of samplers with literal property
//! values. The plans that people read are in `tests/plans`.

mod elements;
mod kinds;

use std::fmt::Write;
use std::path::{Path, PathBuf};

use kinds::Kind;

use crate::{Result, at};

/// A plan: groups that run side by side.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    groups: Vec<Group>,
}

/// Some users who all do the same.
#[derive(Debug, Clone)]
pub struct Group {
    name: String,
    users: u32,
    ramp_up_seconds: u32,
    /// None: until the run is stopped, or the time is over.
    loops: Option<u32>,
    seconds: Option<u32>,
    delay_seconds: u32,
    kind: Kind,
    on_error: &'static str,
    delayed_start: bool,
    same_user: bool,
    elements: Vec<String>,
}

impl Plan {
    /// A plan with one group.
    #[must_use]
    pub fn of(group: Group) -> Self {
        Self { groups: vec![group] }
    }

    /// Adds a group.
    #[must_use]
    pub fn and(mut self, group: Group) -> Self {
        self.groups.push(group);
        self
    }

    /// Writes it as JMeter's XML and returns the path.
    ///
    /// # Errors
    /// The file system's.
    pub fn write(&self, path: &Path) -> Result<PathBuf> {
        std::fs::write(path, self.to_string()).map_err(at(path))?;
        Ok(path.to_owned())
    }
}

impl std::fmt::Display for Plan {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <jmeterTestPlan version=\"1.2\" properties=\"5.0\" jmeter=\"5.6.3\">\n<hashTree>\n\
             <TestPlan guiclass=\"TestPlanGui\" testclass=\"TestPlan\" testname=\"Made by a test\">\n\
             <elementProp name=\"TestPlan.user_defined_variables\" elementType=\"Arguments\">\
             <collectionProp name=\"Arguments.arguments\"/></elementProp>\n</TestPlan>\n<hashTree>\n",
        )?;
        for group in &self.groups {
            group.write(out)?;
        }
        out.write_str("</hashTree>\n</hashTree>\n</jmeterTestPlan>\n")
    }
}

impl Group {
    /// Users that start at once and go through the elements once.
    #[must_use]
    pub fn new(name: &str, users: u32) -> Self {
        Self {
            name: name.to_owned(),
            users,
            ramp_up_seconds: 0,
            loops: Some(1),
            seconds: None,
            delay_seconds: 0,
            kind: Kind::Threads,
            on_error: "continue",
            delayed_start: false,
            same_user: true,
            elements: Vec::new(),
        }
    }

    /// Elements for others to hold: what a group without users adds.
    #[must_use]
    pub fn inner() -> Self {
        Self::new("", 0)
    }

    /// Spreads the users' starts over some seconds.
    #[must_use]
    pub fn ramp_up(mut self, seconds: u32) -> Self {
        self.ramp_up_seconds = seconds;
        self
    }

    /// Goes through the elements several times.
    #[must_use]
    pub fn loops(mut self, loops: u32) -> Self {
        self.loops = Some(loops);
        self
    }

    /// Goes through the elements again and again until the run is stopped.
    #[must_use]
    pub fn forever(mut self) -> Self {
        self.loops = None;
        self
    }

    /// Goes through the elements again and again until so many seconds are over: JMeter's schedule.
    #[must_use]
    pub fn lasting(mut self, seconds: u32) -> Self {
        self.seconds = Some(seconds);
        self.forever()
    }

    /// Adds a Connect sampler with these properties.
    #[must_use]
    pub fn connect(self, name: &str, properties: &[(&str, &str)]) -> Self {
        self.connect_with_headers(name, properties, &[])
    }

    /// Adds a Connect sampler that has a Header Manager of its own.
    #[must_use]
    pub fn connect_with_headers(
        self,
        name: &str,
        properties: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Self {
        let class = "io.github.wsbackoff.sampler.ConnectSampler";
        let mut children = String::new();
        if !headers.is_empty() {
            children = header_manager(headers);
        }
        self.element(
            class,
            "io.github.wsbackoff.gui.ConnectSamplerGui",
            name,
            &strings(properties),
            &children,
        )
    }

    /// Adds our defaults element, which counts for the whole group.
    #[must_use]
    pub fn defaults(self, properties: &[(&str, &str)]) -> Self {
        self.element(
            "io.github.wsbackoff.config.WebSocketDefaults",
            "io.github.wsbackoff.gui.WebSocketDefaultsGui",
            "Defaults",
            &strings(properties),
            "",
        )
    }

    /// Adds another of our samplers by its kind: `Send`, `Receive`, `Exchange`, `Ping` or `Close`.
    #[must_use]
    pub fn sampler(self, kind: &str, name: &str, properties: &[(&str, &str)]) -> Self {
        self.element(
            &format!("io.github.wsbackoff.sampler.{kind}Sampler"),
            &format!("io.github.wsbackoff.gui.{kind}SamplerGui"),
            name,
            &strings(properties),
            "",
        )
    }

    /// Adds one of our controllers by its kind, `Retry` or `Once`, around the elements of another group.
    #[must_use]
    pub fn controller(self, kind: &str, name: &str, properties: &[(&str, &str)], inner: &Group) -> Self {
        self.element(
            &format!("io.github.wsbackoff.control.{kind}Controller"),
            &format!("io.github.wsbackoff.gui.{kind}ControllerGui"),
            name,
            &strings(properties),
            &inner.elements.concat(),
        )
    }

    /// Adds our timer, before each sampler of the group.
    #[must_use]
    pub fn pace(self, properties: &[(&str, &str)]) -> Self {
        self.element(
            "io.github.wsbackoff.timer.PaceTimer",
            "io.github.wsbackoff.gui.PaceTimerGui",
            "Pace",
            &strings(properties),
            "",
        )
    }

    fn element(mut self, class: &str, gui: &str, name: &str, body: &str, children: &str) -> Self {
        let name = escaped(name);
        self.elements.push(format!(
            "<{class} guiclass=\"{gui}\" testclass=\"{class}\" testname=\"{name}\">\n{body}</{class}>\n\
             <hashTree>\n{children}</hashTree>\n"
        ));
        self
    }

    fn write(&self, out: &mut impl Write) -> std::fmt::Result {
        let (class, gui) = self.kind.names();
        write!(
            out,
            "<{class} guiclass=\"{gui}\" testclass=\"{class}\" testname=\"{}\">\n{}\
             <boolProp name=\"ThreadGroup.scheduler\">{}</boolProp>\n\
             <boolProp name=\"ThreadGroup.delayedStart\">{}</boolProp>\n\
             <boolProp name=\"ThreadGroup.same_user_on_next_iteration\">{}</boolProp>\n\
             <elementProp name=\"ThreadGroup.main_controller\" elementType=\"LoopController\" \
             guiclass=\"LoopControlPanel\" testclass=\"LoopController\">\n{}\
             <boolProp name=\"LoopController.continue_forever\">false</boolProp>\n</elementProp>\n</{class}>\n<hashTree>\n",
            escaped(&self.name),
            strings(&[
                ("ThreadGroup.num_threads", &self.users.to_string()),
                ("ThreadGroup.ramp_time", &self.ramp_up_seconds.to_string()),
                ("ThreadGroup.on_sample_error", self.on_error),
                (
                    "ThreadGroup.duration",
                    &self.seconds.unwrap_or_default().to_string()
                ),
                ("ThreadGroup.delay", &self.delay_seconds.to_string()),
            ]),
            self.seconds.is_some(),
            self.delayed_start,
            self.same_user,
            strings(&[(
                "LoopController.loops",
                &self.loops.map_or("-1".to_owned(), |loops| loops.to_string())
            )]),
        )?;
        for element in &self.elements {
            out.write_str(element)?;
        }
        out.write_str("</hashTree>\n")
    }
}

fn header_manager(headers: &[(&str, &str)]) -> String {
    let mut lines = String::new();
    for (name, value) in headers {
        let fields = strings(&[("Header.name", name), ("Header.value", value)]);
        write!(
            lines,
            "<elementProp name=\"\" elementType=\"Header\">\n{fields}</elementProp>\n"
        )
        .expect("a String takes everything");
    }
    format!(
        "<HeaderManager guiclass=\"HeaderPanel\" testclass=\"HeaderManager\" testname=\"Headers\">\n\
         <collectionProp name=\"HeaderManager.headers\">\n{lines}</collectionProp>\n</HeaderManager>\n<hashTree/>\n"
    )
}

fn strings(properties: &[(&str, &str)]) -> String {
    properties
        .iter()
        .map(|(name, value)| {
            format!(
                "<stringProp name=\"{}\">{}</stringProp>\n",
                escaped(name),
                escaped(value)
            )
        })
        .collect()
}

/// As text or attribute of XML. Line ends become character references, as a parser would else make blanks of them.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' | '\n' | '\t' => write!(out, "&#{};", u32::from(c)).expect("a String takes everything"),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_what_they_are() {
        let plan =
            Plan::of(Group::new("A & B", 3).connect("x \"y\"", &[("wsb.url", "ws://h/?a=1&b=<2>\r\n")]))
                .to_string();
        assert!(plan.contains("testname=\"A &amp; B\""), "{plan}");
        assert!(plan.contains("testname=\"x &quot;y&quot;\""), "{plan}");
        assert!(
            plan.contains("<stringProp name=\"wsb.url\">ws://h/?a=1&amp;b=&lt;2&gt;&#13;&#10;</stringProp>"),
            "{plan}"
        );
    }

    #[test]
    fn every_element_has_its_tree() {
        let group = Group::new("G", 1)
            .defaults(&[])
            .connect("c", &[])
            .connect_with_headers("d", &[], &[("X-A", "1"), ("X-B", "2")])
            .incumbent_open("o", "localhost", 9, true)
            .incumbent_close("z")
            .sampler("Ping", "p", &[])
            .pause("5")
            .wait_at(([127, 0, 0, 1], 9).into())
            .http(
                "h",
                9,
                "/",
                &Group::inner().extract("v", "(.)").assert_has("x").timer("1"),
            );
        let group = Group::new("H", 2).lasting(9).once(&group).during(3, &group);
        let plan = Plan::of(group.clone()).and(group).to_string();
        assert_eq!(
            plan.matches("<hashTree>").count(),
            plan.matches("</hashTree>").count()
        );
        // The plan, its content; in each of two groups itself, two controllers, and in each of these twelve elements.
        assert_eq!(plan.matches("<hashTree>").count(), 2 + 2 * (1 + 2 + 2 * 12));
        assert_eq!(plan.matches("elementType=\"Header\"").count(), 8);
        assert_eq!(
            plan.matches("<stringProp name=\"LoopController.loops\">-1<")
                .count(),
            2
        );
    }
}
