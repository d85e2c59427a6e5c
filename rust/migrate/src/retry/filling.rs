//! Texts with variables and functions of JMeter in them, filled in as JMeter does it before it uses a property.

use super::imagine::{self, Language, Stop, Value, World};
use super::syntax;
use super::tokens::LONGEST;

/// Functions of JMeter that evaluate an expression.
pub(super) const FUNCTIONS: [(&str, Language); 4] = [
    ("__jexl3", Language::Jexl),
    ("__jexl2", Language::Jexl),
    ("__groovy", Language::Groovy),
    ("__javaScript", Language::JavaScript),
];

/// Functions and variables inside each other.
const DEEPEST: usize = 8;

/// A text with the variables and functions of JMeter in it filled in, as far as they have a value.
pub(super) fn filled(text: &str, world: &mut World) -> String {
    inside(text, world, 0)
}

fn inside(text: &str, world: &mut World, depth: usize) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("${") {
        out.push_str(before);
        // Values may be long and many; what is longer than a script is not read anyway.
        if out.len() > LONGEST || depth > DEEPEST {
            break;
        }
        let Some(end) = closing(behind) else {
            out.push_str("${");
            rest = behind;
            continue;
        };
        let name = inside(&behind[..end], world, depth + 1);
        match value(&name, world, depth + 1) {
            Some(value) => out.push_str(&value),
            None => {
                out.push_str("${");
                out.push_str(&name);
                out.push('}');
            }
        }
        rest = &behind[end + 1..];
    }
    out + rest
}

/// Where the bracket is that closes one that stands before a text.
fn closing(text: &str) -> Option<usize> {
    let mut open = 1_usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => open += 1,
            '}' if open == 1 => return Some(at),
            '}' => open -= 1,
            _ => {}
        }
    }
    None
}

fn value(name: &str, world: &mut World, depth: usize) -> Option<String> {
    if let Some((function, arguments)) = name.strip_suffix(')').and_then(|call| call.split_once('(')) {
        if let Some((_, language)) = FUNCTIONS.iter().find(|(name, _)| *name == function) {
            return evaluated(arguments, *language, world);
        }
        if function.starts_with("__") {
            return called(function, arguments, world);
        }
    }
    match name {
        "JMeterThread.last_sample_ok" => Some(world.last.is_none_or(|last| last.ok).to_string()),
        name => variable(name, world, depth),
    }
}

/// The value of a variable; a list of variables may define it by a function.
pub(super) fn variable(name: &str, world: &mut World, depth: usize) -> Option<String> {
    let value = world.vars.get(name)?.clone();
    Some(if value.contains("${__") {
        inside(&value, world, depth)
    } else {
        value
    })
}

/// What a function of JMeter gives, where that is known.
fn called(function: &str, arguments: &str, world: &mut World) -> Option<String> {
    let all: Vec<&str> = arguments.split(',').map(str::trim).collect();
    match function {
        "__Random" => {
            let (from, to) = (
                all.first()?.parse::<f64>().ok()?,
                all.get(1)?.parse::<f64>().ok()?,
            );
            world.did.draws = true;
            Some((from + world.drawn * (to - from)).floor().to_string())
        }
        "__P" | "__property" => {
            let absent = *all.last().filter(|_| all.len() > 1)?;
            Some(match absent.parse::<f64>() {
                Ok(number) if world.more.as_deref() == Some(&*format!("{function}({arguments})")) => {
                    (number + 1.0).to_string()
                }
                _ => absent.to_owned(),
            })
        }
        // The last one may be the name of a variable for the sum.
        "__intSum" | "__longSum" => {
            let numbers: Vec<f64> = all.iter().map_while(|one| one.parse().ok()).collect();
            (numbers.len() + 1 >= all.len() && !numbers.is_empty())
                .then(|| numbers.iter().sum::<f64>().to_string())
        }
        "__V" => variable(all.first()?, world, DEEPEST),
        "__time" => match all[..] {
            [""] => Some((1_767_225_600_000.0 + world.clock).to_string()),
            _ => None,
        },
        _ => None,
    }
}

/// What an expression comes to as a text, where it is understood.
fn evaluated(arguments: &str, language: Language, world: &mut World) -> Option<String> {
    let text = first_argument(arguments).replace("\\,", ",");
    let expr = syntax::expression(&text).ok()?;
    let before = std::mem::replace(&mut world.language, language);
    let value = imagine::value(&expr, world);
    world.language = before;
    match value {
        Ok(Value::Text(text)) => Some(text),
        Ok(Value::Number(number)) => Some(number.to_string()),
        Ok(Value::Bool(truth)) => Some(truth.to_string()),
        Err(Stop::Thrown(..)) => Some(String::new()),
        _ => None,
    }
}

/// The text up to the comma at which JMeter ends a function's first argument.
pub(super) fn first_argument(inner: &str) -> &str {
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
