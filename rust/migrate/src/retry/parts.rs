//! What a loop is made of: its sampler, and the scripts, timers, counters, questions and pauses around it that a policy can take over.

use super::imagine::Language;
use super::question::Question;
use super::syntax::{self, Statement};
use super::tokens::LONGEST;
use crate::Files;
use crate::incumbent::Survey;
use crate::jmx::{ItemId, Plan};
use crate::scripts::{SCRIPTS, is_sampler, source};

/// A step of a loop, in the order in which JMeter takes them.
#[derive(Debug)]
pub(super) enum Step {
    /// The sampler, with what is done before it and behind it.
    Try {
        before: Vec<Act>,
        after: Vec<Act>,
    },
    Act(Act),
    If(Question, Vec<Step>),
    /// Flow Control Action: Break Current Loop.
    Break,
}

/// Something that a policy does in another way.
#[derive(Debug)]
pub(super) enum Act {
    Script {
        item: ItemId,
        script: Vec<Statement>,
        parameters: String,
        delays: bool,
    },
    /// A script with variables of JMeter, which are filled in each time.
    Filled {
        item: ItemId,
        script: String,
        parameters: String,
        delays: bool,
    },
    /// Milliseconds: the least, and what may be drawn on top.
    Wait {
        least: String,
        drawn: String,
    },
    Count {
        name: String,
        from: f64,
        by: f64,
    },
    /// The response code goes into a variable.
    Code {
        name: String,
    },
}

/// A loop that is made of such parts only.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) steps: Vec<Step>,
    pub(super) sampler: ItemId,
    /// What goes with it.
    pub(super) gone: Vec<ItemId>,
    /// Controllers that go and whose content stays.
    pub(super) opened: Vec<ItemId>,
    /// A wait that is no number: how it stands in the plan.
    pub(super) varying: Option<String>,
    /// A Counter that all users share.
    pub(super) shared_count: bool,
}

/// Reads what is in a loop.
pub(super) fn parts(plan: &Plan, item: ItemId, theirs: &Survey, files: &Files) -> Result<Parts, String> {
    let mut reader = Reader {
        plan,
        theirs,
        files,
        root: item,
        sampler: None,
        gone: Vec::new(),
        opened: Vec::new(),
        varying: None,
        shared_count: false,
    };
    let steps = reader.level(item, (Vec::new(), Vec::new()), 0)?;
    let sampler = reader
        .sampler
        .ok_or("it has no sampler that can be tried again")?;
    Ok(Parts {
        steps,
        sampler,
        gone: reader.gone,
        opened: reader.opened,
        varying: reader.varying,
        shared_count: reader.shared_count,
    })
}

/// The language of a script.
pub(super) fn language(plan: &Plan, item: ItemId) -> Language {
    let language = plan.value_or(item, "scriptLanguage", "").to_ascii_lowercase();
    match language.as_str() {
        _ if plan.class(item).starts_with("BeanShell") => Language::BeanShell,
        "beanshell" | "bsh" => Language::BeanShell,
        "javascript" | "nashorn" | "ecmascript" | "js" | "rhino" => Language::JavaScript,
        _ => Language::Groovy,
    }
}

/// A script as an act.
pub(super) fn script(plan: &Plan, item: ItemId, files: &Files) -> Result<Act, String> {
    let (text, parameters, line) = source(plan, item, files)?;
    if text.len() + parameters.len() > LONGEST {
        return Err(format!("has a script of more than {LONGEST} bytes"));
    }
    let delays = plan.class(item).ends_with("Timer");
    if text.contains("${") {
        return Ok(Act::Filled {
            item,
            script: text,
            parameters,
            delays,
        });
    }
    let script = syntax::script(&text).map_err(|unread| {
        format!(
            "has something that is not understood: {} (line {})",
            unread.what,
            line + unread.line
        )
    })?;
    Ok(Act::Script {
        item,
        script,
        parameters,
        delays,
    })
}

struct Reader<'a> {
    plan: &'a Plan,
    theirs: &'a Survey,
    files: &'a Files<'a>,
    root: ItemId,
    sampler: Option<ItemId>,
    gone: Vec<ItemId>,
    opened: Vec<ItemId>,
    varying: Option<String>,
    shared_count: bool,
}

/// What is done before the samplers of a level, and behind them.
type Around = (Vec<Act>, Vec<Act>);

const DEEPEST: usize = 8;

impl Reader<'_> {
    fn told(&self, item: ItemId) -> String {
        format!("{} (line {})", self.plan.name(item), self.plan.line(item))
    }

    fn runs(&self, item: ItemId) -> bool {
        self.plan.runs(item) || !self.plan.runs(self.root)
    }

    /// The steps of one level: what counts for all samplers in it is put around the one that is there.
    fn level(&mut self, parent: ItemId, around: Around, depth: usize) -> Result<Vec<Step>, String> {
        let children: Vec<ItemId> = self
            .plan
            .children(parent)
            .filter(|child| self.runs(*child))
            .collect();
        let mut around = around;
        for child in &children {
            self.around(*child, &mut around)?;
        }
        in_turn(self.plan, &mut around);
        let mut around = Some(around);
        let mut steps = Vec::new();
        for child in children {
            steps.extend(self.child(child, &mut around, depth)?);
        }
        Ok(steps)
    }

    fn child(
        &mut self,
        child: ItemId,
        around: &mut Option<Around>,
        depth: usize,
    ) -> Result<Vec<Step>, String> {
        let class = self.plan.class(child);
        match class {
            "JSR223Sampler" | "BeanShellSampler" | "BSFSampler" => {
                let act = script(self.plan, child, self.files)
                    .map_err(|why| format!("{} {why}", self.told(child)))?;
                self.gone.push(child);
                Ok(vec![Step::Act(act)])
            }
            "TestAction" => Ok(vec![self.action(child)?]),
            "IfController" | "GenericController" | "TransactionController" if depth < DEEPEST => {
                self.controller(child, around, depth)
            }
            _ if self.is_try(child) => self.try_of(child, around),
            _ if self.is_around(child) => Ok(Vec::new()),
            _ => Err(self.unknown(child)),
        }
    }

    /// A controller in the loop, with what is in it.
    fn controller(
        &mut self,
        child: ItemId,
        around: &mut Option<Around>,
        depth: usize,
    ) -> Result<Vec<Step>, String> {
        let question = match self.plan.class(child) {
            "IfController" => {
                let why = |why| format!("{}: {why}", self.told(child));
                Some(Question::of_if(self.plan, child).map_err(why)?)
            }
            _ => None,
        };
        let has_sampler = self.has_sampler(child);
        let inner = if has_sampler {
            around
                .take()
                .ok_or_else(|| format!("{} is its second sampler", self.told(child)))?
        } else {
            Around::default()
        };
        let steps = self.level(child, inner, depth + 1)?;
        let Some(question) = question else {
            return Ok(steps);
        };
        if has_sampler {
            self.opened.push(child);
        } else {
            self.gone.push(child);
        }
        Ok(vec![Step::If(question, steps)])
    }

    /// The sampler that is tried again, with what counts for it.
    fn try_of(&mut self, child: ItemId, around: &mut Option<Around>) -> Result<Vec<Step>, String> {
        if self.sampler.replace(child).is_some() {
            return Err(format!("{} is its second sampler", self.told(child)));
        }
        let mut own = around.take().unwrap_or_default();
        let below: Vec<ItemId> = self
            .plan
            .children(child)
            .filter(|below| self.runs(*below))
            .collect();
        for below in below {
            if !self.around(below, &mut own)? {
                return Err(self.unknown(below));
            }
        }
        in_turn(self.plan, &mut own);
        Ok(vec![Step::Try {
            before: own.0,
            after: own.1,
        }])
    }

    fn unknown(&self, item: ItemId) -> String {
        format!(
            "{} is in it, which is no part of a retry that is known",
            self.told(item)
        )
    }

    fn is_try(&self, item: ItemId) -> bool {
        let class = self.plan.class(item);
        is_sampler(class) && (!class.starts_with("eu.luminis.") || self.theirs.moves.contains_key(&item))
    }

    fn has_sampler(&self, item: ItemId) -> bool {
        self.plan
            .inside(item)
            .any(|one| self.runs(one) && self.is_try(one) && !SCRIPTS.contains(&self.plan.class(one)))
    }

    /// Whether it stands beside samplers and is met with each of them.
    fn is_around(&self, item: ItemId) -> bool {
        let class = self.plan.class(item);
        SCRIPTS.contains(&class) && !is_sampler(class)
            || [
                "ConstantTimer",
                "UniformRandomTimer",
                "GaussianRandomTimer",
                "PoissonRandomTimer",
                "CounterConfig",
            ]
            .contains(&class)
            || is_kept(class)
    }

    /// Puts what stands beside samplers before or behind them; false for something else.
    fn around(&mut self, item: ItemId, around: &mut Around) -> Result<bool, String> {
        let (plan, class) = (self.plan, self.plan.class(item));
        let text = |key: &str| plan.value_or(item, key, "").trim().to_owned();
        match class {
            _ if SCRIPTS.contains(&class) && !is_sampler(class) => {
                let act = script(self.plan, item, self.files)
                    .map_err(|why| format!("{} {why}", self.told(item)))?;
                let before = class.ends_with("PreProcessor") || class.ends_with("Timer");
                if before {
                    around.0.push(act);
                } else {
                    around.1.push(act);
                }
                self.gone.push(item);
            }
            "ConstantTimer" => {
                let delay = text("ConstantTimer.delay");
                around.0.push(self.wait(delay, String::new())?);
                self.gone.push(item);
            }
            "UniformRandomTimer" | "GaussianRandomTimer" | "PoissonRandomTimer" => {
                let (least, drawn) = (text("ConstantTimer.delay"), text("RandomTimer.range"));
                around.0.push(self.wait(least, drawn)?);
                self.gone.push(item);
            }
            "CounterConfig" => {
                let told = self.told(item);
                let number = |key: &str, absent: f64| match text(key).as_str() {
                    "" => Ok(absent),
                    text => text
                        .parse::<f64>()
                        .map_err(|_| format!("{told} counts with a variable")),
                };
                self.shared_count |= text("CounterConfig.per_user") != "true";
                around.0.push(Act::Count {
                    name: text("CounterConfig.name"),
                    from: number("CounterConfig.start", 0.0)?,
                    by: number("CounterConfig.incr", 1.0)?,
                });
                self.gone.push(item);
            }
            "RegexExtractor" if text("RegexExtractor.useHeaders") == "code" => {
                around.1.push(Act::Code {
                    name: text("RegexExtractor.refname"),
                });
                self.gone.push(item);
            }
            _ => return Ok(is_kept(class)),
        }
        Ok(true)
    }

    fn wait(&mut self, least: String, drawn: String) -> Result<Act, String> {
        if least.len() + drawn.len() > LONGEST {
            return Err(format!("a wait of more than {LONGEST} bytes is in it"));
        }
        if least.contains("${") {
            self.varying.get_or_insert(least.clone());
        }
        Ok(Act::Wait { least, drawn })
    }

    /// A Flow Control Action.
    fn action(&mut self, item: ItemId) -> Result<Step, String> {
        let plan = self.plan;
        let text = |key: &str| plan.value_or(item, key, "").trim().to_owned();
        let step = match text("ActionProcessor.action").as_str() {
            "1" => {
                let duration = text("ActionProcessor.duration");
                Step::Act(self.wait(duration, String::new())?)
            }
            "5" => Step::Break,
            _ => return Err(format!("{} ends more than the loop", self.told(item))),
        };
        self.gone.push(item);
        if self.plan.inside(item).next().is_some() {
            return Err(format!("{} has elements below it", self.told(item)));
        }
        Ok(step)
    }
}

/// Puts what is done around a sampler in the order in which JMeter does it, whatever stands first.
fn in_turn(plan: &Plan, around: &mut Around) {
    let turn = |act: &Act| {
        let item = match act {
            Act::Script { item, .. } | Act::Filled { item, .. } => *item,
            Act::Count { .. } => return 0,
            Act::Code { .. } => return 1,
            Act::Wait { .. } => return 2,
        };
        let class = plan.class(item);
        let last = ["PreProcessor", "PostProcessor", "Timer", "Assertion", "Listener"];
        // Before the sampler: what prepares it, timers. Behind it: what looks at it, assertions, listeners.
        match last.iter().position(|end| class.ends_with(end)) {
            Some(0 | 1) => 1,
            Some(place) => place,
            None => 1,
        }
    };
    around.0.sort_by_key(turn);
    around.1.sort_by_key(turn);
}

/// What stays with its sampler: assertions, extractors, configuration.
pub(super) fn is_kept(class: &str) -> bool {
    const ENDS: [&str; 10] = [
        "Assertion",
        "Extractor",
        "Manager",
        "ConfigTestElement",
        "Arguments",
        "JSONPostProcessor",
        "JMESPathExtractor",
        "FrameFilter",
        "CSVDataSet",
        "Header",
    ];
    ENDS.iter().any(|end| class.ends_with(end)) && !SCRIPTS.contains(&class)
}
