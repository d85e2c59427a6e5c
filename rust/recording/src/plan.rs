//! Writes the plan.

use crate::har::{Body, Recording};
use crate::heartbeats::{Reply, line};
use crate::stable::{Match, stable};
use crate::steps::{Act, Extract, Opening, Payload, Step, Wait, Way, apart};
use crate::values::Values;
use crate::words::Words;
use data_encoding::BASE64;
use std::collections::HashMap;
use xml::{Plan, short};

mod http;
mod xml;

/// A sampler waits so long by itself, in seconds.
const WAITS: f64 = 6.0;
/// Nobody waits longer for a plan without being told, in seconds.
const LONG_PAUSE: f64 = 60.0;
/// What a label shows of a message.
const SHOWN: usize = 30;
/// A longer message needs a word to the samplers, which take 16 MiB.
const LARGEST_MESSAGE: usize = 16 << 20;

/// All that a plan is made of.
pub(crate) struct Scene<'a> {
    pub name: &'a str,
    pub recording: &'a Recording,
    pub replies: &'a [Reply],
    pub steps: &'a [Step],
    pub values: &'a Values,
    pub servers: &'a Servers,
}

/// What a person has to know of the plan.
pub(crate) fn notes(servers: &Servers, steps: &[Step]) -> Vec<String> {
    let mut notes: Vec<String> = servers
        .list
        .iter()
        .map(|(name, server)| {
            let scheme = if server.starts_with("http") { "http" } else { "ws" };
            format!("Run it against another server than {server} with -J{name}={scheme}://HOST:PORT.")
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
    let longest = steps.iter().map(|step| step.pause).fold(0.0, f64::max);
    if longest > LONG_PAUSE {
        notes.push(format!(
            "The longest pause is {longest:.0} s, as in the recording: shorten its timer where nobody thinks so long."
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
    let mut plan = Plan::new();
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
    plan.text()
}

/// The servers of a recording, `ws://host:port`, each with a variable of the plan.
pub(crate) struct Servers {
    /// In the order in which they were met: variable and address.
    list: Vec<(String, String)>,
    /// Places in it by address.
    places: HashMap<String, usize>,
}

impl Servers {
    pub(crate) fn of(recording: &Recording) -> Self {
        let mut servers = Servers {
            list: Vec::new(),
            places: HashMap::new(),
        };
        recording
            .sockets
            .iter()
            .for_each(|socket| servers.add("server", &socket.url));
        recording
            .requests
            .iter()
            .for_each(|request| servers.add("site", &request.url));
        servers
    }

    fn add(&mut self, kind: &str, url: &str) {
        let (server, _) = apart(url);
        if self.places.contains_key(server) {
            return;
        }
        let name = match self
            .list
            .iter()
            .filter(|(name, _)| name.starts_with(kind))
            .count()
        {
            0 => kind.to_owned(),
            others => format!("{kind}{}", others + 1),
        };
        self.places.insert(server.to_owned(), self.list.len());
        self.list.push((name, server.to_owned()));
    }

    /// Their variables.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|(name, _)| name.as_str())
    }

    /// An address with the variable of its server in it, if no answer said the server.
    fn url(&self, recorded: &str, url: &Words) -> Words {
        let (server, _) = apart(recorded);
        match self.places.get(server) {
            Some(place) => url.clone().beginning(server, &self.list[*place].0),
            None => url.clone(),
        }
    }
}

/// The id of a connection in the plan.
fn id(socket: usize) -> String {
    match socket {
        0 => "main".to_owned(),
        nth => format!("socket{}", nth + 1),
    }
}

impl Plan {
    fn variables(&mut self, scene: &Scene<'_>) {
        let list = [
            ("name", "TestPlan.user_defined_variables"),
            ("elementType", "Arguments"),
            ("guiclass", "ArgumentsPanel"),
            ("testclass", "Arguments"),
            ("testname", "User Defined Variables"),
        ];
        self.inside("elementProp", &list, |plan| {
            plan.inside("collectionProp", &[("name", "Arguments.arguments")], |plan| {
                for (name, server) in &scene.servers.list {
                    plan.argument(name, &format!("${{__P({name},{server})}}"));
                }
                for (name, value) in &scene.values.given {
                    plan.argument(name, &Words::plain(value).written());
                }
            });
        });
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
        self.ours(
            "config",
            "WebSocketDefaults",
            "WebSocket Defaults (wsb)",
            |plan| {
                plan.string("wsb.match.others", "keep");
            },
        );
        self.leaf();
        if !scene.recording.requests.is_empty() {
            self.cookies();
        }
        for (nth, step) in scene.steps.iter().enumerate() {
            self.step(scene, step, &format!("{:02}", nth + 1));
        }
    }

    fn step(&mut self, scene: &Scene<'_>, step: &Step, place: &str) {
        let id = id(step.socket);
        match &step.act {
            Act::Open(opening) => {
                self.open(scene, step.socket, opening, place);
                self.below(step.pause, &[], &opening.headers);
            }
            Act::Request(asking) => {
                let url = scene.servers.url(&asking.url, &asking.opening.url);
                self.request(&url, asking, place);
                self.below(step.pause, &asking.extracts, &asking.opening.headers);
            }
            Act::Send(payload) => {
                let name = format!("{place} Send {}", shown(payload));
                self.ours("sampler", "SendSampler", name.trim(), |plan| {
                    plan.string("wsb.connection", &id);
                    plan.payload(payload);
                });
                self.below(step.pause, &[], &[]);
            }
            Act::Exchange(payload, wait) => {
                let name = format!("{place} Exchange {}", shown(payload));
                self.ours("sampler", "ExchangeSampler", name.trim(), |plan| {
                    plan.string("wsb.connection", &id);
                    plan.payload(payload);
                    plan.wait(wait);
                });
                self.below(step.pause, &wait.extracts, &[]);
            }
            Act::Receive(wait) => {
                let name = format!("{place} Receive {}", expected(&wait.matches));
                self.ours("sampler", "ReceiveSampler", name.trim(), |plan| {
                    plan.string("wsb.connection", &id);
                    plan.wait(wait);
                });
                self.below(0.0, &wait.extracts, &[]);
            }
            Act::Close => {
                self.ours("sampler", "CloseSampler", &format!("{place} Close"), |plan| {
                    plan.string("wsb.connection", &id);
                });
                self.below(step.pause, &[], &[]);
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

    fn open(&mut self, scene: &Scene<'_>, nth: usize, opening: &Opening, place: &str) {
        let Some(socket) = scene.recording.sockets.get(nth) else {
            return;
        };
        let url = scene.servers.url(&socket.url, &opening.url);
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
            let largest = socket.messages.iter().map(|message| message.body.size()).max();
            if let Some(largest) = largest.filter(|largest| *largest > LARGEST_MESSAGE) {
                plan.string("wsb.maxMessageSize", &format!("{}M", largest.div_ceil(1 << 20)));
            }
            if !lines.is_empty() {
                plan.string("wsb.autoReply", &Words::plain(&lines.join("\n")).written());
            }
        });
    }

    fn headers(&mut self, headers: &[(String, Words)]) {
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
                                plan.string("Header.value", &value.written());
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

    /// What stands below a sampler: the time that a user thinks before, headers, and what is kept of the answer.
    fn below(&mut self, pause: f64, extracts: &[Extract], headers: &[(String, Words)]) {
        if pause == 0.0 && extracts.is_empty() && headers.is_empty() {
            return self.leaf();
        }
        self.tree(|plan| {
            if !headers.is_empty() {
                plan.headers(headers);
            }
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
            let paths = extracts.iter().filter_map(|extract| match &extract.way {
                Way::Path(path) => Some((extract.name.as_str(), path.as_str())),
                Way::Regex(_) => None,
            });
            plan.json_extractor(&paths.collect::<Vec<_>>());
            for extract in extracts {
                if let Way::Regex(expression) = &extract.way {
                    plan.regex_extractor(&extract.name, expression);
                }
            }
        });
    }

    fn json_extractor(&mut self, paths: &[(&str, &str)]) {
        if paths.is_empty() {
            return;
        }
        let joined = |of: fn(&(&str, &str)) -> String| paths.iter().map(of).collect::<Vec<_>>().join(";");
        let names = joined(|(name, _)| (*name).to_owned());
        self.element(
            "JSONPostProcessor",
            "JSONPostProcessorGui",
            "JSONPostProcessor",
            &names,
            |plan| {
                plan.string("JSONPostProcessor.referenceNames", &names);
                plan.string(
                    "JSONPostProcessor.jsonPathExprs",
                    &joined(|(_, path)| (*path).to_owned()),
                );
                plan.string("JSONPostProcessor.match_numbers", &joined(|_| "1".to_owned()));
                plan.string(
                    "JSONPostProcessor.defaultValues",
                    &joined(|_| "NOT_FOUND".to_owned()),
                );
            },
        );
        self.leaf();
    }

    fn regex_extractor(&mut self, name: &str, expression: &str) {
        self.element(
            "RegexExtractor",
            "RegexExtractorGui",
            "RegexExtractor",
            name,
            |plan| {
                plan.string("RegexExtractor.useHeaders", "false");
                plan.string("RegexExtractor.refname", name);
                plan.string("RegexExtractor.regex", expression);
                plan.string("RegexExtractor.template", "$1$");
                plan.string("RegexExtractor.match_number", "1");
                plan.string("RegexExtractor.default", "NOT_FOUND");
            },
        );
        self.leaf();
    }
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
