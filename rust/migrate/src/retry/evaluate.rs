//! What expressions of scripts and conditions come to.

use super::calls;
use super::filling;
use super::imagine::{Language, Ran, Running, Stop, Value};
use super::syntax::{Expr, Function};
use super::tokens::LONGEST;

/// Things that names stand for in scripts.
const THINGS: [&str; 24] = [
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
    "System",
    "Arrays",
];

impl Running<'_, '_> {
    pub(super) fn value(&mut self, expr: &Expr) -> Ran<Value> {
        self.step()?;
        match expr {
            Expr::Number(number) => Ok(Value::Number(*number)),
            Expr::Text(text) => Ok(Value::Text(text.clone())),
            Expr::Joined(text, _) if self.world.language != Language::Groovy => Ok(Value::Text(text.clone())),
            Expr::Joined(_, parts) => self.joined(parts),
            Expr::Maybe(inner) => self.value(inner),
            Expr::Unread => Ok(Value::Unsure("a text that is put together in a way of its own")),
            Expr::Step(name, by, before) => {
                let was = self.name(name)?;
                let now = Value::Number(self.number(&was)? + by);
                self.names.insert(name.clone(), now.clone());
                Ok(if *before { was } else { now })
            }
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
                let (maybe, of) = (matches!(**of, Expr::Maybe(_)), self.value(of)?);
                if maybe && of == Value::Null {
                    return Ok(of);
                }
                self.member(of, name)
            }
            Expr::Call(None, name, arguments) => {
                let arguments = self.values(arguments)?;
                match self.own_function(name, &arguments) {
                    Some(came) => came,
                    None => calls::function(self, name, &arguments),
                }
            }
            Expr::Call(Some(of), name, arguments) => {
                if let (Expr::Name(function), "call") = (&**of, name.as_str()) {
                    let arguments = self.values(arguments)?;
                    if let Some(came) = self.own_function(function, &arguments) {
                        return came;
                    }
                }
                let (maybe, of) = (matches!(**of, Expr::Maybe(_)), self.value(of)?);
                if maybe && of == Value::Null {
                    return Ok(of);
                }
                if let ([Expr::Closure(function)], Value::List(values)) = (arguments.as_slice(), &of) {
                    return self.closure(name, function, values);
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
            Expr::Closure(_) => self.other("{ ... }"),
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

    fn at(&mut self, of: &Value, place: &Value) -> Ran<Value> {
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

    /// `each`, `find` and the like of a list.
    fn closure(&mut self, name: &str, function: &Function, values: &[Value]) -> Ran<Value> {
        let mut kept = Vec::new();
        for value in values {
            let came = self.called(function, std::slice::from_ref(value))?;
            match name {
                "each" => {}
                "collect" => kept.push(came),
                "find" if self.truth(&came)? => return Ok(value.clone()),
                "any" if self.truth(&came)? => return Ok(Value::Bool(true)),
                "findAll" if self.truth(&came)? => kept.push(value.clone()),
                "find" | "any" | "findAll" => {}
                _ => return self.other(format!(".{name} {{ ... }}")),
            }
        }
        Ok(match name {
            "any" => Value::Bool(false),
            "collect" | "findAll" => Value::List(kept),
            _ => Value::Null,
        })
    }

    /// A text of parts; what one of them is may be told in a log, and no more, where that is not known.
    fn joined(&mut self, parts: &[Expr]) -> Ran<Value> {
        let mut out = String::new();
        for part in parts {
            let value = match self.value(part) {
                Err(Stop::Other(_)) => {
                    return Ok(Value::Unsure("a text that is put together in a way of its own"));
                }
                other => other?,
            };
            match value {
                Value::Body | Value::Thing(_) | Value::List(_) => {
                    return Ok(Value::Unsure("a text that is put together in a way of its own"));
                }
                Value::Unsure(what) => return Ok(Value::Unsure(what)),
                value => out.push_str(&self.text(&value)?),
            }
            if out.len() > LONGEST {
                return self.other(format!("a text of more than {LONGEST} bytes"));
            }
        }
        self.bounded(out)
    }

    fn name(&mut self, name: &str) -> Ran<Value> {
        if let Some(value) = self.names.get(name) {
            return Ok(value.clone());
        }
        Ok(match name {
            // A variable of JMeter that has no value.
            _ if name.starts_with("${") => return self.thrown(format!("{name} has no value")),
            "prev" if self.world.last.is_none() => Value::Null,
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
            Value::Thing("vars") => Ok(self.variable(name)),
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

    pub(super) fn variable(&mut self, name: &str) -> Value {
        match name {
            "JMeterThread.last_sample_ok" => {
                Value::Text(self.world.last.is_none_or(|last| last.ok).to_string())
            }
            name => filling::variable(name, self.world, 0).map_or(Value::Null, Value::Text),
        }
    }
}
