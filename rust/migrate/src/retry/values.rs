//! Values of scripts against each other: compared, added up, taken for a truth, a number or a text.

use super::calls;
use super::imagine::{Language, Ran, Running, Value};
use super::tokens::LONGEST;

impl Running<'_, '_> {
    pub(super) fn two(&mut self, mark: &str, left: &Value, right: &Value) -> Ran<Value> {
        if *left == Value::Body || *right == Value::Body {
            return self.other("it judges the body in a way of its own");
        }
        if let (Value::Unsure(what), _) | (_, Value::Unsure(what)) = (left, right) {
            return if mark == "+" {
                Ok(Value::Unsure(what))
            } else {
                self.other(*what)
            };
        }
        let texts = matches!((left, right), (Value::Text(_), Value::Text(_)));
        Ok(match mark {
            "==" | "!=" if self.world.language == Language::BeanShell && texts => {
                self.world.did.compares_objects = true;
                Value::Bool(mark == "!=")
            }
            "==" | "===" | "eq" => Value::Bool(self.equal(left, right)),
            "!=" | "!==" | "ne" => Value::Bool(!self.equal(left, right)),
            "in" => match right {
                Value::List(all) => Value::Bool(all.iter().any(|one| self.equal(one, left))),
                _ => return self.other("in"),
            },
            "=~" | "==~" => {
                let (text, pattern) = (self.text(left)?, self.text(right)?);
                calls::matches(self, &text, &pattern, mark == "==~")?
            }
            "+" if matches!(left, Value::Text(_)) || matches!(right, Value::Text(_)) => {
                self.bounded(self.text(left)? + &self.text(right)?)?
            }
            _ => {
                let (left, right) = (self.number(left)?, self.number(right)?);
                match mark {
                    "+" => Value::Number(left + right),
                    "-" => Value::Number(left - right),
                    "*" => Value::Number(left * right),
                    "/" => Value::Number(left / right),
                    "%" => Value::Number(left % right),
                    "**" => Value::Number(left.powf(right)),
                    "<<" => Value::Number(left * right.exp2()),
                    "<" | "lt" => Value::Bool(left < right),
                    "<=" | "le" => Value::Bool(left <= right),
                    ">" | "gt" => Value::Bool(left > right),
                    ">=" | "ge" => Value::Bool(left >= right),
                    _ => return self.other(mark),
                }
            }
        })
    }

    /// A text that a script put together, which may double with each step.
    pub(super) fn bounded(&self, text: String) -> Ran<Value> {
        if text.len() > LONGEST {
            return self.other(format!("a text of more than {LONGEST} bytes"));
        }
        self.spend(text.len() / 8)?;
        Ok(Value::Text(text))
    }

    pub(super) fn equal(&self, left: &Value, right: &Value) -> bool {
        match (left, right) {
            (Value::Number(number), Value::Text(text)) | (Value::Text(text), Value::Number(number)) => {
                text.trim().parse() == Ok(*number)
            }
            (left, right) => left == right,
        }
    }

    pub(super) fn truth(&self, value: &Value) -> Ran<bool> {
        Ok(match value {
            Value::Null => false,
            Value::Bool(truth) => *truth,
            Value::Number(number) => *number != 0.0,
            Value::Text(text) => !text.is_empty(),
            Value::List(all) => !all.is_empty(),
            Value::Thing(_) => true,
            Value::Body => return self.other("it judges the body in a way of its own"),
            Value::Unsure(what) => return self.other(*what),
        })
    }

    pub(super) fn number(&self, value: &Value) -> Ran<f64> {
        match value {
            Value::Number(number) => Ok(*number),
            Value::Text(text) => text
                .trim()
                .parse()
                .or_else(|_| self.thrown(format!("{text:?} is no number"))),
            Value::Null => self.thrown("something that has no value was taken for a number"),
            Value::Unsure(what) => self.other(*what),
            _ => self.other("a number of something else"),
        }
    }

    pub(super) fn text(&self, value: &Value) -> Ran<String> {
        match value {
            Value::Null => Ok("null".to_owned()),
            Value::Bool(truth) => Ok(truth.to_string()),
            Value::Number(number) => Ok(number.to_string()),
            Value::Text(text) => Ok(text.clone()),
            Value::Unsure(what) => self.other(*what),
            Value::List(_) | Value::Thing(_) | Value::Body => self.other("a text of something else"),
        }
    }
}
