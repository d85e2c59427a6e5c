//! Conditions of While and If Controllers: what they ask of variables, and of the sample before.

use super::imagine::{self, Stop, Value, World};
use super::syntax;
use super::tokens::LONGEST;
use crate::jmx::{ItemId, Plan};

pub(super) const WHILE: &str = "WhileController.condition";
pub(super) const IF: &str = "IfController.condition";

/// Functions of JMeter that evaluate an expression.
pub(super) const FUNCTIONS: [&str; 4] = ["__jexl3", "__jexl2", "__groovy", "__javaScript"];

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Question {
    /// An expression, in which variables are filled in.
    Expression(String),
    /// A text, with variables filled in, that says true or false.
    Text(String),
    /// Whether the last sample succeeded.
    Last,
}

impl Question {
    pub(super) fn of_while(condition: &str) -> Result<Self, String> {
        match condition.trim() {
            "" | "LAST" => Ok(Self::Last),
            condition => Self::of(condition),
        }
    }

    pub(super) fn of_if(plan: &Plan, item: ItemId) -> Result<Self, String> {
        let condition = plan.value_or(item, IF, "");
        // Without this, JMeter evaluates the text itself, as JavaScript.
        if plan.value_or(item, "IfController.useExpression", "false") == "true"
            || condition.trim().starts_with("${__")
        {
            Self::of(condition.trim())
        } else {
            Self::of(&condition).map(|_| Self::Expression(condition))
        }
    }

    fn of(condition: &str) -> Result<Self, String> {
        if condition.len() > LONGEST {
            return Err(format!("its condition has more than {LONGEST} bytes"));
        }
        let inside = |name: &&str| {
            let rest = condition
                .strip_prefix("${")?
                .strip_prefix(*name)?
                .strip_prefix('(')?;
            rest.strip_suffix(")}")
        };
        match FUNCTIONS.iter().find_map(inside) {
            Some(inner) => {
                let first = first_argument(inner);
                let rest = inner[first.len()..].trim_start_matches(',').trim();
                if rest.chars().any(|c| !c.is_alphanumeric() && c != '_') {
                    return Err(format!(
                        "in its condition JMeter ends the expression at a comma that is not written as \\, and evaluates {first:?} only"
                    ));
                }
                Ok(Self::Expression(first.replace("\\,", ",")))
            }
            None if condition.contains("${__") => {
                Err("its condition has functions that are not known".to_owned())
            }
            None => Ok(Self::Text(condition.to_owned())),
        }
    }

    /// What it comes to.
    pub(super) fn holds(&self, world: &mut World) -> Result<bool, String> {
        match self {
            Self::Last => Ok(world.last.is_none_or(|last| last.ok)),
            Self::Text(text) => Ok(!filled(text, world).eq_ignore_ascii_case("false")),
            Self::Expression(text) => {
                let text = filled(text, world);
                let expr = syntax::expression(&text)
                    .map_err(|unread| format!("its condition is not understood: {}", unread.what))?;
                match imagine::value(&expr, world) {
                    Ok(Value::Bool(holds)) => Ok(holds),
                    Ok(Value::Text(text)) => Ok(text == "true"),
                    Ok(_) => Err("its condition is neither true nor false".to_owned()),
                    Err(Stop::Other(unread)) if unread.what.starts_with("${") => {
                        Err(format!("nothing gives {} a value before it", unread.what))
                    }
                    Err(Stop::Other(unread)) => {
                        Err(format!("its condition is not understood: {}", unread.what))
                    }
                    Err(Stop::Thrown(_, why)) => Err(format!("its condition ends with an error: {why}")),
                }
            }
        }
    }
}

/// The text up to the comma at which JMeter ends a function's first argument.
fn first_argument(inner: &str) -> &str {
    let (mut open, mut before) = (0_usize, ' ');
    for (at, c) in inner.char_indices() {
        match c {
            '{' if before == '$' => open += 1,
            '}' => open = open.saturating_sub(1),
            ',' if open == 0 && before != '\\' => return &inner[..at],
            _ => {}
        }
        before = c;
    }
    inner
}

/// A text with the variables of JMeter in it filled in, as far as they have a value.
pub(super) fn filled(text: &str, world: &mut World) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, inside)) = rest.split_once("${") {
        out.push_str(before);
        // Values may be long and many; what is longer than a script is not read anyway.
        if out.len() > LONGEST {
            break;
        }
        let Some((name, behind)) = inside.split_once('}') else {
            out.push_str("${");
            rest = inside;
            continue;
        };
        match value(name, world) {
            Some(value) => out.push_str(&value),
            None => {
                out.push_str("${");
                out.push_str(name);
                out.push('}');
            }
        }
        rest = behind;
    }
    out + rest
}

fn value(name: &str, world: &mut World) -> Option<String> {
    let arguments = |function: &str| name.strip_prefix(function)?.strip_suffix(')');
    if let Some(range) = arguments("__Random(") {
        let mut ends = range.split(',').map(|end| end.trim().parse::<f64>());
        let (from, to) = (ends.next()?.ok()?, ends.next()?.ok()?);
        world.did.draws = true;
        return Some((from + world.drawn * (to - from)).to_string());
    }
    for function in ["__P(", "__property("] {
        if let Some(arguments) = arguments(function) {
            let (_, absent) = arguments.rsplit_once(',')?;
            return Some(match absent.trim().parse::<f64>() {
                Ok(number) if world.more != 0.0 => (number + world.more).to_string(),
                _ => absent.to_owned(),
            });
        }
    }
    match name {
        "JMeterThread.last_sample_ok" => Some(world.last.is_none_or(|last| last.ok).to_string()),
        name => world.vars.get(name).cloned(),
    }
}
