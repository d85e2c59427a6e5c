//! Runs a script on a try that is imagined, and keeps what it does: which variables it puts, how long it waits, what it does to the
//! sample. Whatever may do more than that ends it.

use super::syntax::{Expr, Function, Statement, Unread, What};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// What a try came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Try {
    pub(super) code: &'static str,
    /// Whether the sample is a success.
    pub(super) ok: bool,
    pub(super) headers: &'static str,
    /// Whether its body has the text that a script asks for.
    pub(super) has: bool,
}

/// What scripts do besides putting variables and waiting.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Did {
    /// Failures shown as successes.
    pub(super) hides: bool,
    /// Samples kept out of reports.
    pub(super) ignores: bool,
    /// Samples got other names.
    pub(super) renames: bool,
    pub(super) logs: bool,
    /// The answer's headers were read.
    pub(super) reads_headers: bool,
    /// Something was drawn at random.
    pub(super) draws: bool,
    /// It asked whether the code is 200, whatever else is a success.
    pub(super) asks_for_200: bool,
    /// A condition ended with an error behind a try.
    pub(super) asked_in_vain: bool,
    /// Texts that it looks for in the body.
    pub(super) asks_body: BTreeSet<String>,
    /// Texts were compared by `==` in BeanShell, which asks whether they are the same object.
    pub(super) compares_objects: bool,
    /// Where it ended with an error, and why.
    pub(super) broke: Option<(usize, String)>,
}

/// In what a script is written, as far as its meaning depends on that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    BeanShell,
    Groovy,
    JavaScript,
    Jexl,
}

impl Language {
    /// Whether a method that takes a text takes nothing else.
    pub(super) fn is_strict(self) -> bool {
        matches!(self, Self::BeanShell | Self::Groovy)
    }
}

/// What is around a script while it runs.
#[derive(Debug, Clone)]
pub(super) struct World<'f> {
    pub(super) vars: BTreeMap<String, String>,
    /// Names that scripts put.
    pub(super) puts: BTreeSet<String>,
    pub(super) last: Option<Try>,
    /// The sample of a sampler that is a script, while that runs: whether it succeeds, and whether it is kept.
    pub(super) own: Option<(bool, bool)>,
    /// Values under names of variables that are more than texts.
    pub(super) objects: BTreeMap<String, Value>,
    /// Milliseconds since the plan began.
    pub(super) clock: f64,
    /// The name of the sampler, where it is always the same.
    pub(super) label: Option<String>,
    /// What is drawn at random, as a share of its range.
    pub(super) drawn: f64,
    /// The function of a property that gives one more than the plan says where it is absent.
    pub(super) more: Option<String>,
    /// Milliseconds waited.
    pub(super) slept: f64,
    pub(super) did: Did,
    /// The language of the script that runs.
    pub(super) language: Language,
    /// Steps that are left for all scripts of the plan.
    pub(super) fuel: &'f Cell<u64>,
}

/// Why a script goes no further.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Stop {
    /// It does something else, or something that is not known.
    Other(Unread),
    /// An error that a `try` could catch.
    Thrown(usize, String),
}

/// What expressions come to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Value>),
    /// Something that JMeter or Java has under this name.
    Thing(&'static str),
    /// The answer's body.
    Body,
    /// What differs from try to try in ways that nobody imagines: it may be told, and decides nothing.
    Unsure(&'static str),
}

/// How a statement ended.
#[derive(Debug, PartialEq)]
pub(super) enum Flow {
    On,
    Break,
    Continue,
    Return(Value),
}

/// A script while it runs.
pub(super) struct Running<'w, 'f> {
    pub(super) world: &'w mut World<'f>,
    pub(super) parameters: &'w str,
    pub(super) names: BTreeMap<String, Value>,
    functions: BTreeMap<String, Rc<Function>>,
    /// How many of its functions are inside each other.
    depth: usize,
    line: usize,
}

/// Functions of a script inside each other.
const DEEPEST: usize = 20;

pub(super) type Ran<T> = Result<T, Stop>;

/// Runs a script to its end, and gives what it returns.
///
/// # Errors
/// Something that is not known; an error that JMeter would log is kept, and ends the script alone.
pub(super) fn run(script: &[Statement], parameters: &str, world: &mut World) -> Result<Value, Unread> {
    let mut running = Running::new(world, parameters);
    match running.until_its_end(script) {
        Ok(value) => Ok(value),
        Err(Stop::Thrown(line, why)) => {
            world.did.broke.get_or_insert((line, why));
            Ok(Value::Null)
        }
        Err(Stop::Other(unread)) => Err(unread),
    }
}

/// The value of an expression alone.
pub(super) fn value(expr: &Expr, world: &mut World) -> Ran<Value> {
    Running::new(world, "").value(expr)
}

impl<'w, 'f> Running<'w, 'f> {
    pub(super) fn new(world: &'w mut World<'f>, parameters: &'w str) -> Self {
        Self {
            world,
            parameters,
            names: BTreeMap::new(),
            functions: BTreeMap::new(),
            depth: 0,
            line: 0,
        }
    }

    pub(super) fn other<T>(&self, what: impl Into<String>) -> Ran<T> {
        Err(Stop::Other(Unread {
            line: self.line,
            what: what.into(),
        }))
    }

    pub(super) fn thrown<T>(&self, why: impl Into<String>) -> Ran<T> {
        Err(Stop::Thrown(self.line, why.into()))
    }

    /// A step; too many of them are not made.
    pub(super) fn step(&self) -> Ran<()> {
        self.spend(1)
    }

    /// As many steps as something takes that is longer than one.
    pub(super) fn spend(&self, steps: usize) -> Ran<()> {
        let steps = u64::try_from(steps).unwrap_or(u64::MAX);
        match self.world.fuel.get().checked_sub(steps) {
            Some(left) => {
                self.world.fuel.set(left);
                Ok(())
            }
            None => self.other("too many steps"),
        }
    }

    pub(super) fn all(&mut self, statements: &[Statement]) -> Ran<Flow> {
        // A function may be called above the place where it stands.
        for statement in statements {
            if let What::Function(name, function) = &statement.what {
                self.functions.insert(name.clone(), function.clone());
            }
        }
        for statement in statements {
            let flow = self.statement(statement)?;
            if flow != Flow::On {
                return Ok(flow);
            }
        }
        Ok(Flow::On)
    }

    fn statement(&mut self, statement: &Statement) -> Ran<Flow> {
        self.step()?;
        self.line = statement.line;
        match &statement.what {
            What::Block(all) => self.all(all),
            What::If(asked, yes, no) => {
                let asked = self.value(asked)?;
                match (self.truth(&asked)?, no) {
                    (true, _) => self.statement(yes),
                    (false, Some(no)) => self.statement(no),
                    (false, None) => Ok(Flow::On),
                }
            }
            What::Each(name, of, body) => {
                let Value::List(values) = self.value(of)? else {
                    return self.other(format!("for ({name} ...)"));
                };
                for value in values {
                    self.names.insert(name.clone(), value);
                    match self.statement(body)? {
                        Flow::On | Flow::Continue => {}
                        Flow::Break => break,
                        done @ Flow::Return(_) => return Ok(done),
                    }
                }
                Ok(Flow::On)
            }
            What::While {
                asked,
                late,
                body,
                behind,
            } => self.rounds(asked, *late, body, behind.as_deref()),
            What::Switch(of, cases) => self.cases(of, cases),
            What::Function(..) => Ok(Flow::On),
            What::Try(tried, caught, finally) => {
                let mut flow = self.statement(tried);
                if let (Err(Stop::Thrown(..)), Some(caught)) = (&flow, caught) {
                    flow = self.statement(caught);
                }
                if let Some(finally) = finally {
                    self.statement(finally)?;
                }
                flow
            }
            What::Return(value) => Ok(Flow::Return(match value {
                Some(value) => self.value(value)?,
                None => Value::Null,
            })),
            What::Break => Ok(Flow::Break),
            What::Continue => Ok(Flow::Continue),
            What::Name(name, Expr::Closure(function)) => {
                self.functions.insert(name.clone(), function.clone());
                Ok(Flow::On)
            }
            What::Name(name, value) => {
                let value = self.value(value)?;
                self.names.insert(name.clone(), value);
                Ok(Flow::On)
            }
            What::Expr(expr) => self.value(expr).map(|_| Flow::On),
        }
    }

    fn rounds(
        &mut self,
        asked: &Expr,
        late: bool,
        body: &Statement,
        behind: Option<&Statement>,
    ) -> Ran<Flow> {
        let mut first = late;
        loop {
            let holds = first || {
                let asked = self.value(asked)?;
                self.truth(&asked)?
            };
            first = false;
            if !holds {
                return Ok(Flow::On);
            }
            match self.statement(body)? {
                Flow::On | Flow::Continue => {}
                Flow::Break => return Ok(Flow::On),
                done @ Flow::Return(_) => return Ok(done),
            }
            if let Some(behind) = behind {
                self.statement(behind)?;
            }
        }
    }

    fn cases(&mut self, of: &Expr, cases: &[(Option<Expr>, Vec<Statement>)]) -> Ran<Flow> {
        let of = self.value(of)?;
        let mut from = cases.iter().position(|(case, _)| case.is_none());
        for (at, (case, _)) in cases.iter().enumerate() {
            let Some(case) = case else { continue };
            let case = self.value(case)?;
            // Groovy asks whether it is in a list.
            let holds = match &case {
                Value::List(all) => all.iter().any(|one| self.equal(one, &of)),
                one => self.equal(one, &of),
            };
            if holds {
                from = Some(at);
                break;
            }
        }
        for (_, statements) in cases.iter().skip(from.unwrap_or(cases.len())) {
            match self.all(statements)? {
                Flow::On => {}
                Flow::Break => break,
                other => return Ok(other),
            }
        }
        Ok(Flow::On)
    }

    /// A function of the script's own, if there is one of this name.
    pub(super) fn own_function(&mut self, name: &str, arguments: &[Value]) -> Option<Ran<Value>> {
        let function = self.functions.get(name)?.clone();
        Some(self.called(&function, arguments))
    }

    /// What a function or a closure comes to; names that it gives values to are its own.
    pub(super) fn called(&mut self, function: &Function, arguments: &[Value]) -> Ran<Value> {
        if self.depth >= DEEPEST {
            return self.other("functions inside each other");
        }
        let kept = self.names.clone();
        let long = |value: &Value| {
            if let Value::Text(text) = value {
                text.len()
            } else {
                0
            }
        };
        self.spend(kept.len() + kept.values().map(long).sum::<usize>() / 8)?;
        let given = arguments.iter().cloned().chain(std::iter::repeat(Value::Null));
        self.names.extend(function.names.iter().cloned().zip(given));
        self.depth += 1;
        let came = self.until_its_end(&function.body);
        self.depth -= 1;
        let changed = std::mem::replace(&mut self.names, kept);
        for (name, value) in changed {
            // What stands around it may be given another value by it.
            if !function.names.contains(&name) && self.names.contains_key(&name) {
                self.names.insert(name, value);
            }
        }
        came
    }

    /// What statements return, or what the last of them comes to.
    fn until_its_end(&mut self, statements: &[Statement]) -> Ran<Value> {
        let (all, last) = match statements {
            [
                all @ ..,
                Statement {
                    what: What::Expr(expr),
                    line,
                },
            ] => (all, Some((expr, *line))),
            all => (all, None),
        };
        match (self.all(all)?, last) {
            (Flow::Return(value), _) => Ok(value),
            (Flow::On, Some((expr, line))) => {
                self.line = line;
                self.value(expr)
            }
            _ => Ok(Value::Null),
        }
    }
}
