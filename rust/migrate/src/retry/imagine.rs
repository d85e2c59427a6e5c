//! Runs a script on a try that is imagined, and keeps what it does: which variables it puts, how long it waits, what it does to the
//! sample. Whatever may do more than that ends it.

use super::calls;
use super::syntax::{Expr, Statement, Unread, What};
use super::tokens::LONGEST;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

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
    pub(super) logs: bool,
    /// The answer's headers were read.
    pub(super) reads_headers: bool,
    /// Something was drawn at random.
    pub(super) draws: bool,
    /// It asked whether the code is 200, whatever else is a success.
    pub(super) asks_for_200: bool,
    /// Texts that it looks for in the body.
    pub(super) asks_body: BTreeSet<String>,
    /// Texts were compared by `==` in BeanShell, which asks whether they are the same object.
    pub(super) compares_objects: bool,
    /// Where it ended with an error, and why.
    pub(super) broke: Option<(usize, String)>,
}

/// What is around a script while it runs.
#[derive(Debug, Clone)]
pub(super) struct World<'f> {
    pub(super) vars: BTreeMap<String, String>,
    /// Names that scripts put.
    pub(super) puts: BTreeSet<String>,
    pub(super) last: Option<Try>,
    /// The name of the sampler, where it is always the same.
    pub(super) label: Option<String>,
    /// What is drawn at random, as a share of its range.
    pub(super) drawn: f64,
    /// What properties give more than the plan says where they are absent.
    pub(super) more: f64,
    /// Milliseconds waited.
    pub(super) slept: f64,
    pub(super) did: Did,
    /// Whether the script that runs is BeanShell.
    pub(super) beanshell: bool,
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

/// Things that names stand for in scripts.
const THINGS: [&str; 22] = [
    "vars",
    "prev",
    "log",
    "ctx",
    "Math",
    "Thread",
    "ThreadLocalRandom",
    "RandomUtils",
    "Integer",
    "Long",
    "Double",
    "String",
    "TimeUnit",
    "SampleResult",
    "sampleResult",
    "Boolean",
    "sampler",
    "Float",
    "OUT",
    "StringUtils",
    "Number",
    "NumberUtils",
];

/// How a statement ended.
#[derive(Debug, PartialEq)]
enum Flow {
    On,
    Break,
    Return(Value),
}

/// A script while it runs.
pub(super) struct Running<'w, 'f> {
    pub(super) world: &'w mut World<'f>,
    pub(super) parameters: &'w str,
    names: BTreeMap<String, Value>,
    line: usize,
}

pub(super) type Ran<T> = Result<T, Stop>;

/// Runs a script to its end, and gives what it returns.
///
/// # Errors
/// Something that is not known; an error that JMeter would log is kept, and ends the script alone.
pub(super) fn run(script: &[Statement], parameters: &str, world: &mut World) -> Result<Value, Unread> {
    let mut running = Running::new(world, parameters);
    match running.all(script) {
        Ok(Flow::Return(value)) => Ok(value),
        Ok(_) => Ok(Value::Null),
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
    fn new(world: &'w mut World<'f>, parameters: &'w str) -> Self {
        Self {
            world,
            parameters,
            names: BTreeMap::new(),
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
    fn step(&self) -> Ran<()> {
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

    fn all(&mut self, statements: &[Statement]) -> Ran<Flow> {
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
                        Flow::On => {}
                        Flow::Break => break,
                        done @ Flow::Return(_) => return Ok(done),
                    }
                }
                Ok(Flow::On)
            }
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
            What::Name(name, value) => {
                let value = self.value(value)?;
                self.names.insert(name.clone(), value);
                Ok(Flow::On)
            }
            What::Expr(expr) => self.value(expr).map(|_| Flow::On),
        }
    }

    pub(super) fn value(&mut self, expr: &Expr) -> Ran<Value> {
        self.step()?;
        match expr {
            Expr::Number(number) => Ok(Value::Number(*number)),
            Expr::Text(text) => self.filled(text),
            Expr::Name(name) => self.name(name),
            Expr::List(all) => Ok(Value::List(self.values(all)?)),
            Expr::Not(inner) => {
                let inner = self.value(inner)?;
                self.truth(&inner).map(|truth| Value::Bool(!truth))
            }
            Expr::Minus(inner) => {
                let inner = self.value(inner)?;
                self.number(&inner).map(|number| Value::Number(-number))
            }
            Expr::Choice(asked, yes, no) => {
                let asked = self.value(asked)?;
                if self.truth(&asked)? {
                    self.value(yes)
                } else {
                    self.value(no)
                }
            }
            Expr::Two("&&" | "and", left, right) => self.either(left, right, false),
            Expr::Two("||" | "or", left, right) => self.either(left, right, true),
            Expr::Two(mark, left, right) => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                self.two(mark, &left, &right)
            }
            Expr::Member(of, name) => {
                let of = self.value(of)?;
                self.member(of, name)
            }
            Expr::Call(None, name, arguments) => {
                let arguments = self.values(arguments)?;
                calls::function(self, name, &arguments)
            }
            Expr::Call(Some(of), name, arguments) => {
                let of = self.value(of)?;
                if let ([Expr::Closure(word, body)], Value::List(values)) = (arguments.as_slice(), &of) {
                    return self.closure(name, word, body, values);
                }
                let arguments = self.values(arguments)?;
                calls::method(self, of, name, &arguments)
            }
            Expr::New(name, arguments) => {
                let arguments = self.values(arguments)?;
                calls::new(self, name, &arguments)
            }
            Expr::At(of, place) => {
                let (of, place) = (self.value(of)?, self.value(place)?);
                self.at(&of, &place)
            }
            Expr::Closure(..) => self.other("{ ... }"),
        }
    }

    /// The first one that is `decides`, else the second.
    fn either(&mut self, left: &Expr, right: &Expr, decides: bool) -> Ran<Value> {
        let left = self.value(left)?;
        if self.truth(&left)? == decides {
            return Ok(Value::Bool(decides));
        }
        let right = self.value(right)?;
        self.truth(&right).map(Value::Bool)
    }

    fn at(&self, of: &Value, place: &Value) -> Ran<Value> {
        match (of, place) {
            (Value::Thing("vars"), Value::Text(name)) => Ok(self.variable(name)),
            (Value::List(all), Value::Number(at)) => {
                match all.iter().zip(0_u32..).find(|(_, nth)| f64::from(*nth) == *at) {
                    Some((value, _)) => Ok(value.clone()),
                    None => self.thrown("a place that a list does not have"),
                }
            }
            _ => self.other("[...]"),
        }
    }

    fn values(&mut self, all: &[Expr]) -> Ran<Vec<Value>> {
        all.iter().map(|one| self.value(one)).collect()
    }

    /// `each`, `find` and `any` of a list.
    fn closure(&mut self, name: &str, word: &str, body: &[Statement], values: &[Value]) -> Ran<Value> {
        for value in values {
            self.names.insert(word.to_owned(), value.clone());
            let came = match body {
                [
                    Statement {
                        what: What::Expr(expr),
                        ..
                    },
                ] => self.value(expr)?,
                all => match self.all(all)? {
                    Flow::Return(value) => value,
                    _ => Value::Null,
                },
            };
            match name {
                "each" => {}
                "find" if self.truth(&came)? => return Ok(value.clone()),
                "any" if self.truth(&came)? => return Ok(Value::Bool(true)),
                "find" | "any" => {}
                _ => return self.other(format!(".{name} {{ ... }}")),
            }
        }
        Ok(if name == "any" {
            Value::Bool(false)
        } else {
            Value::Null
        })
    }

    fn name(&mut self, name: &str) -> Ran<Value> {
        if let Some(value) = self.names.get(name) {
            return Ok(value.clone());
        }
        Ok(match name {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "null" | "undefined" => Value::Null,
            "Parameters" => Value::Text(self.parameters.to_owned()),
            "args" => {
                let words = self.parameters.split_whitespace();
                Value::List(words.map(|word| Value::Text(word.to_owned())).collect())
            }
            "ResponseCode" => match self.world.last {
                Some(last) => Value::Text(last.code.to_owned()),
                None => return self.other(name),
            },
            "IsSuccess" => match self.world.last {
                Some(last) => Value::Bool(last.ok),
                None => return self.other(name),
            },
            _ => match THINGS.iter().find(|thing| **thing == name) {
                Some(thing) => Value::Thing(thing),
                None => return self.other(name),
            },
        })
    }

    fn member(&mut self, of: Value, name: &str) -> Ran<Value> {
        if of == Value::Thing("TimeUnit") {
            let units = ["SECONDS", "MILLISECONDS", "MINUTES"];
            return match units.iter().find(|unit| **unit == name) {
                Some(unit) => Ok(Value::Thing(unit)),
                None => self.other(name),
            };
        }
        // Groovy reads a property by its getter, or a size without brackets.
        match of {
            Value::List(_) | Value::Text(_) if name == "length" => calls::method(self, of, "length", &[]),
            of => {
                let mut getter = "get".to_owned();
                getter.extend(name.chars().take(1).flat_map(char::to_uppercase));
                getter.extend(name.chars().skip(1));
                let getter = if name == "successful" {
                    "isSuccessful".to_owned()
                } else {
                    getter
                };
                calls::method(self, of, &getter, &[])
            }
        }
    }

    pub(super) fn variable(&self, name: &str) -> Value {
        match name {
            "JMeterThread.last_sample_ok" => {
                Value::Text(self.world.last.is_none_or(|last| last.ok).to_string())
            }
            name => self
                .world
                .vars
                .get(name)
                .cloned()
                .map_or(Value::Null, Value::Text),
        }
    }

    /// A text with the names in it that Groovy fills in.
    fn filled(&self, text: &str) -> Ran<Value> {
        let mut out = text.to_owned();
        if text.contains('$') {
            for (name, value) in &self.names {
                let Ok(value) = self.text(value) else { continue };
                let name = format!("${{{name}}}");
                self.spend(out.len() / 8)?;
                let long = out.len() + out.matches(&name).count() * value.len();
                if long > LONGEST {
                    return self.other(format!("a text of more than {LONGEST} bytes"));
                }
                out = out.replace(&name, &value);
            }
        }
        self.bounded(out)
    }
}
