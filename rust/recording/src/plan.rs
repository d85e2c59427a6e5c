//! Writes the plan.

use crate::har::{Body, Recording, Socket};
use crate::heartbeats::{Reply, line};
use crate::stable::{Match, stable};
use crate::steps::{Act, Payload, Step, Wait};
use crate::values::Values;
use crate::words::{Words, is_foreign};
use data_encoding::BASE64;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use std::fmt::Write as _;

/// A sampler waits so long by itself, in seconds.
const WAITS: f64 = 6.0;
/// What a label shows of a message.
const SHOWN: usize = 30;
/// A name is no longer.
const LONGEST_NAME: usize = 120;
/// The upgrade's own fields (RFC 6455, section 4.1), and those that a client makes for each request.
const OWN: &[&str] = &[
    "host",
    "connection",
    "upgrade",
    "content-length",
    "accept-encoding",
    "proxy-connection",
];

/// All that a plan is made of.
pub(crate) struct Scene<'a> {
    pub name: &'a str,
    pub recording: &'a Recording,
    pub replies: &'a [Reply],
    pub steps: &'a [Step],
    pub values: &'a Values,
}

/// What a person has to know of the plan.
pub(crate) fn notes(recording: &Recording, steps: &[Step]) -> Vec<String> {
    let mut notes: Vec<String> = servers(recording)
        .into_iter()
        .map(|(name, server)| {
            format!("Run it against another server than {server} with -J{name}=ws://HOST:PORT.")
        })
        .collect();
    let loops = steps
        .iter()
        .filter(|step| matches!(step.act, Act::Loop(..)))
        .count();
    if loops > 0 {
        notes.push(format!(
            "{loops} runs of equal messages became loops with their mean pause."
        ));
    }
    let vague = steps.iter().filter(|step| {
        let wait = match &step.act {
            Act::Exchange(_, wait) | Act::Receive(wait) => Some(wait),
            _ => None,
        };
        wait.is_some_and(|wait| matches!(wait.matches, Match::Next { .. }))
    });
    match vague.count() {
        0 => {}
        count => notes.push(format!(
            "{count} samplers take whatever message comes next, as nothing in theirs looks as if it stayed: look at their Match."
        )),
    }
    notes
}

/// The plan as JMX.
pub(crate) fn write(scene: &Scene<'_>) -> String {
    let mut plan = Plan(Writer::new_with_indent(Vec::new(), b' ', 2));
    plan.event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
    let root = [("version", "1.2"), ("properties", "5.0"), ("jmeter", "5.6.3")];
    plan.inside("jmeterTestPlan", &root, |plan| {
        plan.tree(|plan| {
            plan.element("TestPlan", "TestPlanGui", "TestPlan", scene.name, |plan| {
                let comment = format!(
                    "Made by ws-backoff import from {}. Run it with -Jusers and -Jrampup, in seconds.",
                    scene.name
                );
                plan.string("TestPlan.comments", &comment);
                plan.variables(scene);
            });
            plan.tree(|plan| {
                plan.users();
                plan.tree(|plan| plan.conversation(scene));
            });
        });
    });
    let text = String::from_utf8(plan.0.into_inner()).unwrap_or_default();
    text + "\n"
}

/// Variable and value of each server, `ws://host:port`.
fn servers(recording: &Recording) -> Vec<(String, String)> {
    let mut servers: Vec<(String, String)> = Vec::new();
    for socket in &recording.sockets {
        let (server, _) = apart(&socket.url);
        if !servers.iter().any(|(_, known)| known == server) {
            let name = match servers.len() {
                0 => "server".to_owned(),
                others => format!("server{}", others + 1),
            };
            servers.push((name, server.to_owned()));
        }
    }
    servers
}

/// Server and path.
fn apart(url: &str) -> (&str, &str) {
    let host = url.find("://").map_or(0, |at| at + 3);
    let end = url[host..].find(['/', '?']).map_or(url.len(), |at| host + at);
    url.split_at(end)
}

/// The id of a connection in the plan.
fn id(socket: usize) -> String {
    match socket {
        0 => "main".to_owned(),
        nth => format!("socket{}", nth + 1),
    }
}

struct Plan(Writer<Vec<u8>>);

impl Plan {
    fn event(&mut self, event: Event<'_>) {
        // A vector takes all.
        let _ = self.0.write_event(event);
    }

    fn inside(&mut self, tag: &str, attributes: &[(&str, &str)], content: impl FnOnce(&mut Self)) {
        let mut start = BytesStart::new(tag);
        attributes
            .iter()
            .for_each(|attribute| start.push_attribute(*attribute));
        self.event(Event::Start(start));
        content(self);
        self.event(Event::End(BytesEnd::new(tag)));
    }

    fn tree(&mut self, content: impl FnOnce(&mut Self)) {
        self.inside("hashTree", &[], content);
    }

    fn leaf(&mut self) {
        self.event(Event::Empty(BytesStart::new("hashTree")));
    }

    fn element(&mut self, tag: &str, gui: &str, class: &str, name: &str, content: impl FnOnce(&mut Self)) {
        let name = &short(name, LONGEST_NAME);
        let attributes = [
            ("guiclass", gui),
            ("testclass", class),
            ("testname", name),
            ("enabled", "true"),
        ];
        self.inside(tag, &attributes, content);
    }

    /// One of ours.
    fn ours(&mut self, package: &str, kind: &str, name: &str, content: impl FnOnce(&mut Self)) {
        let class = format!("io.github.wsbackoff.{package}.{kind}");
        let gui = format!("io.github.wsbackoff.gui.{kind}Gui");
        self.element(&class, &gui, &class, name, content);
    }

    fn property(&mut self, tag: &str, name: &str, value: &str) {
        let mut start = BytesStart::new(tag);
        start.push_attribute(("name", name));
        self.event(Event::Start(start));
        // Words write it by a function; what is left is no text of a person.
        let value = value.replace(is_foreign, "");
        // A carriage return would come back as a line feed.
        let mut parts = value.split('\r');
        if let Some(first) = parts.next() {
            self.event(Event::Text(BytesText::new(first)));
        }
        for part in parts {
            self.event(Event::Text(BytesText::from_escaped("&#13;")));
            self.event(Event::Text(BytesText::new(part)));
        }
        self.event(Event::End(BytesEnd::new(tag)));
    }

    fn string(&mut self, name: &str, value: &str) {
        self.property("stringProp", name, value);
    }

    fn variables(&mut self, scene: &Scene<'_>) {
        let list = [
            ("name", "TestPlan.user_defined_variables"),
            ("elementType", "Arguments"),
            ("guiclass", "ArgumentsPanel"),
            ("testclass", "Arguments"),
            ("testname", "User Defined Variables"),
        ];
        let servers = servers(scene.recording);
        self.inside("elementProp", &list, |plan| {
            plan.inside("collectionProp", &[("name", "Arguments.arguments")], |plan| {
                for (name, server) in &servers {
                    plan.argument(name, &format!("${{__P({name},{server})}}"));
                }
                for (name, value) in &scene.values.given {
                    plan.argument(name, &Words::plain(value).written());
                }
            });
        });
    }

    fn argument(&mut self, name: &str, value: &str) {
        self.inside(
            "elementProp",
            &[("name", name), ("elementType", "Argument")],
            |plan| {
                plan.string("Argument.name", name);
                plan.string("Argument.value", value);
                plan.string("Argument.metadata", "=");
            },
        );
    }

    fn users(&mut self) {
        self.element("ThreadGroup", "ThreadGroupGui", "ThreadGroup", "Users", |plan| {
            plan.string("ThreadGroup.num_threads", "${__P(users,1)}");
            plan.string("ThreadGroup.ramp_time", "${__P(rampup,1)}");
            plan.string("ThreadGroup.on_sample_error", "startnextloop");
            plan.property("boolProp", "ThreadGroup.same_user_on_next_iteration", "false");
            let main = [
                ("name", "ThreadGroup.main_controller"),
                ("elementType", "LoopController"),
                ("guiclass", "LoopControlPanel"),
                ("testclass", "LoopController"),
                ("testname", "Loop Controller"),
            ];
            plan.inside("elementProp", &main, |plan| {
                plan.string("LoopController.loops", "1");
                plan.property("boolProp", "LoopController.continue_forever", "false");
            });
        });
    }

    fn conversation(&mut self, scene: &Scene<'_>) {
        // What comes while another message is waited for is for a later Receive.
        self.ours("config", "WebSocketDefaults", "wsb - Defaults", |plan| {
            plan.string("wsb.match.others", "keep");
        });
        self.leaf();
        for (nth, step) in scene.steps.iter().enumerate() {
            self.step(scene, step, &format!("{:02}", nth + 1));
        }
    }

    fn step(&mut self, scene: &Scene<'_>, step: &Step, place: &str) {
        let id = id(step.socket);
        match &step.act {
            Act::Open => {
                if let Some(socket) = scene.recording.sockets.get(step.socket) {
                    self.open(scene, step.socket, socket, place);
                }
            }
            Act::Send(payload) => {
                let name = format!("{place} Send {}", shown(payload));
                self.ours("sampler", "SendSampler", name.trim(), |plan| {
                    plan.string("wsb.connection", &id);
                    plan.payload(payload);
                });
                self.below(step.pause, &[]);
            }
            Act::Exchange(payload, wait) => {
                let name = format!("{place} Exchange {}", shown(payload));
                self.ours("sampler", "ExchangeSampler", name.trim(), |plan| {
                    plan.string("wsb.connection", &id);
                    plan.payload(payload);
                    plan.wait(wait);
                });
                self.below(step.pause, &wait.extracts);
            }
            Act::Receive(wait) => {
                let name = format!("{place} Receive {}", expected(&wait.matches));
                self.ours("sampler", "ReceiveSampler", name.trim(), |plan| {
                    plan.string("wsb.connection", &id);
                    plan.wait(wait);
                });
                self.below(0.0, &wait.extracts);
            }
            Act::Close => {
                self.ours("sampler", "CloseSampler", &format!("{place} Close"), |plan| {
                    plan.string("wsb.connection", &id);
                });
                self.below(step.pause, &[]);
            }
            Act::Loop(times, steps) => {
                self.element(
                    "LoopController",
                    "LoopControlPanel",
                    "LoopController",
                    &format!("{place} Again and again"),
                    |plan| {
                        plan.property("boolProp", "LoopController.continue_forever", "false");
                        plan.string("LoopController.loops", &times.to_string());
                    },
                );
                self.tree(|plan| {
                    for step in steps {
                        plan.step(scene, step, place);
                    }
                });
            }
        }
    }

    fn open(&mut self, scene: &Scene<'_>, nth: usize, socket: &Socket, place: &str) {
        let (server, path) = apart(&socket.url);
        let variable = servers(scene.recording)
            .into_iter()
            .find(|(_, known)| known == server);
        let name = variable.map(|(name, _)| name).unwrap_or_default();
        let url = Words::variable(&name).then(scene.values.in_place(path));
        let lines: Vec<String> = scene
            .replies
            .iter()
            .filter(|reply| reply.socket == nth)
            .map(line)
            .collect();
        let offered = socket
            .headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-protocol"));
        self.ours("sampler", "ConnectSampler", &format!("{place} Connect"), |plan| {
            plan.string("wsb.connection", &id(nth));
            plan.string("wsb.url", &url.written());
            if let Some((_, subprotocols)) = offered {
                plan.string("wsb.subprotocols", &Words::plain(subprotocols).written());
            }
            if socket.is_compressed {
                plan.string("wsb.compression", "true");
            }
            if !lines.is_empty() {
                plan.string("wsb.autoReply", &Words::plain(&lines.join("\n")).written());
            }
        });
        let headers: Vec<&(String, String)> =
            socket.headers.iter().filter(|(name, _)| is_kept(name)).collect();
        if headers.is_empty() {
            return self.leaf();
        }
        self.tree(|plan| plan.headers(scene, &headers));
    }

    fn headers(&mut self, scene: &Scene<'_>, headers: &[&(String, String)]) {
        self.element(
            "HeaderManager",
            "HeaderPanel",
            "HeaderManager",
            "Headers of the recording",
            |plan| {
                plan.inside("collectionProp", &[("name", "HeaderManager.headers")], |plan| {
                    for (name, value) in headers {
                        plan.inside(
                            "elementProp",
                            &[("name", ""), ("elementType", "Header")],
                            |plan| {
                                plan.string("Header.name", &Words::plain(name).written());
                                plan.string("Header.value", &scene.values.in_place(value).written());
                            },
                        );
                    }
                });
            },
        );
        self.leaf();
    }

    fn payload(&mut self, payload: &Payload) {
        match payload {
            Payload::Text(words) => self.string("wsb.payload", &words.written()),
            Payload::Binary(bytes) => {
                self.string("wsb.payloadType", "base64");
                self.string("wsb.payload", &BASE64.encode(bytes));
            }
        }
    }

    fn wait(&mut self, wait: &Wait) {
        match &wait.matches {
            Match::Next { is_text } => {
                self.string("wsb.match.kind", if *is_text { "text" } else { "binary" });
            }
            Match::Json { pointer, value } => {
                self.string("wsb.match.mode", "json");
                self.string("wsb.match.pointer", pointer);
                self.string("wsb.match.value", &value.written());
            }
            Match::Regex(expression) => {
                self.string("wsb.match.mode", "regex");
                self.string("wsb.match.value", &Words::plain(expression).written());
            }
        }
        if wait.count > 1 {
            self.string("wsb.match.count", &wait.count.to_string());
        }
        // Twice as long as it took, and what a sampler has anyway.
        if wait.took > WAITS / 2.0 {
            self.string(
                "wsb.readTimeout",
                &format!("{:.0}s", (2.0 * wait.took + WAITS).ceil()),
            );
        }
    }

    /// What stands below a sampler: the time that a user thinks before, and what is kept of the answer.
    fn below(&mut self, pause: f64, extracts: &[(String, String)]) {
        if pause == 0.0 && extracts.is_empty() {
            return self.leaf();
        }
        self.tree(|plan| {
            if pause > 0.0 {
                plan.element(
                    "ConstantTimer",
                    "ConstantTimerGui",
                    "ConstantTimer",
                    "Thinks",
                    |plan| {
                        plan.string("ConstantTimer.delay", &format!("{:.0}", pause * 1e3));
                    },
                );
                plan.leaf();
            }
            if !extracts.is_empty() {
                plan.extractor(extracts);
            }
        });
    }

    fn extractor(&mut self, extracts: &[(String, String)]) {
        let joined =
            |of: fn(&(String, String)) -> &str| extracts.iter().map(of).collect::<Vec<_>>().join(";");
        let (names, paths) = (joined(|one| &one.0), joined(|one| &one.1));
        self.element(
            "JSONPostProcessor",
            "JSONPostProcessorGui",
            "JSONPostProcessor",
            &names,
            |plan| {
                plan.string("JSONPostProcessor.referenceNames", &names);
                plan.string("JSONPostProcessor.jsonPathExprs", &paths);
                plan.string(
                    "JSONPostProcessor.match_numbers",
                    &vec!["1"; extracts.len()].join(";"),
                );
                plan.string(
                    "JSONPostProcessor.defaultValues",
                    &vec!["NOT_FOUND"; extracts.len()].join(";"),
                );
            },
        );
        self.leaf();
    }
}

impl Values {
    /// A text of the upgrade, with the variables in it.
    fn in_place(&self, text: &str) -> Words {
        let mut words = Words::plain(text);
        for (name, value) in &self.given {
            words.put(value, name);
        }
        words
    }
}

fn is_kept(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    !OWN.contains(&name.as_str()) && !name.starts_with("sec-websocket") && !name.starts_with(':')
}

/// What a payload says, for a label.
fn shown(payload: &Payload) -> String {
    let Payload::Text(words) = payload else {
        return "bytes".to_owned();
    };
    let text = words.shown();
    match stable(&Body::Text(text.clone())) {
        Match::Json { value, .. } => value.shown(),
        Match::Regex(_) | Match::Next { .. } => short(&text, SHOWN),
    }
}

fn expected(matches: &Match) -> String {
    match matches {
        Match::Json { value, .. } => value.shown(),
        Match::Regex(expression) => short(expression.trim_start_matches('^'), SHOWN),
        Match::Next { .. } => String::new(),
    }
}

/// As a name: JMeter reads functions in none, and XML holds no control characters.
fn short(text: &str, most: usize) -> String {
    let mut shown = String::new();
    for c in text.chars().take(most) {
        match c {
            c if c.is_control() || is_foreign(c) => shown.push(' '),
            '$' => shown.push('_'),
            c => shown.push(c),
        }
    }
    if text.chars().nth(most).is_some() {
        let _ = write!(shown, "...");
    }
    shown
}
