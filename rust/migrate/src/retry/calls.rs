//! Calls that scripts of retries make, and what each comes to: JMeter's own things, numbers, texts and random.

use super::imagine::{Ran, Running, Try, Value};
use super::tokens::LONGEST;

/// What scripts take for a method of the sample, and what JMeter does not have.
const INVENTED: [&str; 8] = [
    "getResponseHeader",
    "getHeader",
    "getHeaders",
    "getResponseHeaderValue",
    "getHeaderValue",
    "getStatusCode",
    "getStatus",
    "getHttpStatus",
];

/// A function without something before it.
pub(super) fn function(running: &mut Running, name: &str, arguments: &[Value]) -> Ran<Value> {
    match (name, arguments) {
        ("sleep", [time]) => sleep(running, time, 1.0),
        ("parseInt" | "Number" | "parseFloat", [one, ..]) => running.number(one).map(Value::Number),
        ("String", [one]) => running.text(one).map(Value::Text),
        ("print" | "println", _) => {
            running.world.did.logs = true;
            Ok(Value::Null)
        }
        _ => running.other(format!("{name}(...)")),
    }
}

/// A new thing of a class.
pub(super) fn new(running: &Running, class: &str, arguments: &[Value]) -> Ran<Value> {
    match (class, arguments) {
        ("Random" | "SecureRandom", _) => Ok(Value::Thing("ThreadLocalRandom")),
        ("Date", []) => Ok(Value::Thing("Date")),
        ("String", [one]) => Ok(one.clone()),
        ("Integer" | "Long" | "Double", [one]) => running.number(one).map(Value::Number),
        _ => running.other(format!("new {class}(...)")),
    }
}

/// A method of a value.
pub(super) fn method(running: &mut Running, of: Value, name: &str, arguments: &[Value]) -> Ran<Value> {
    let logs = matches!(of, Value::Thing("log" | "OUT"));
    if let Some(Value::Unsure(what)) = arguments
        .iter()
        .find(|one| matches!(one, Value::Unsure(_)) && !logs)
    {
        return running.other(*what);
    }
    match of {
        Value::Thing("vars") => variables(running, name, arguments),
        Value::Thing("SampleResult" | "sampleResult") if running.world.own.is_some() => {
            own_sample(running, name, arguments)
        }
        Value::Thing("prev" | "SampleResult" | "sampleResult") => sample(running, name, arguments),
        Value::Thing("ctx") => match name {
            "getPreviousResult" => Ok(Value::Thing("prev")),
            "getVariables" => Ok(Value::Thing("vars")),
            "getCurrentSampler" => Ok(Value::Thing("sampler")),
            "getThreadNum" => Ok(Value::Unsure("ctx.getThreadNum()")),
            _ => running.other(format!("ctx.{name}(...)")),
        },
        Value::Thing("sampler") if name == "getName" => Ok(label(running)),
        Value::Thing("System") => clock(running, name),
        Value::Thing("Date") if name == "getTime" => clock(running, "currentTimeMillis"),
        Value::Thing("Arrays" | "List") if ["asList", "of"].contains(&name) => {
            Ok(Value::List(arguments.to_vec()))
        }
        Value::Thing("log" | "OUT") => {
            running.world.did.logs = true;
            Ok(Value::Null)
        }
        Value::Thing("Math") => math(running, name, arguments),
        Value::Thing("ThreadLocalRandom" | "RandomUtils") => random(running, name, arguments),
        Value::Thing("Thread") => match (name, arguments) {
            ("sleep", [time]) => sleep(running, time, 1.0),
            ("currentThread", []) => Ok(Value::Thing("Thread")),
            ("getName", []) => Ok(Value::Unsure("Thread.getName()")),
            // What is done when a wait was interrupted, which no imagined one is.
            _ => running.other(format!("Thread.{name}(...)")),
        },
        Value::Thing("MILLISECONDS") => of_unit(running, 1.0, name, arguments),
        Value::Thing("SECONDS") => of_unit(running, 1_000.0, name, arguments),
        Value::Thing("MINUTES") => of_unit(running, 60_000.0, name, arguments),
        Value::Thing(
            class @ ("Integer" | "Long" | "Double" | "Float" | "Number" | "NumberUtils" | "String"
            | "Boolean"),
        ) => converted(running, class, name, arguments),
        Value::Thing(thing) => running.other(format!("{thing}.{name}(...)")),
        Value::Body => body(running, name, arguments),
        Value::Unsure(what) => running.other(what),
        Value::Text(text) => of_text(running, text, name, arguments),
        Value::Number(number) => match name {
            "toString" => running.text(&Value::Number(number)).map(Value::Text),
            "intValue" | "longValue" | "toInteger" | "toLong" | "toFixed" => {
                Ok(Value::Number(number.trunc()))
            }
            "doubleValue" | "toDouble" => Ok(Value::Number(number)),
            "round" => Ok(Value::Number(number.round())),
            "power" => match arguments {
                [Value::Number(by)] => Ok(Value::Number(number.powf(*by))),
                _ => running.other("power(...)"),
            },
            "equals" => match arguments {
                [other] => Ok(Value::Bool(running.equal(&Value::Number(number), other))),
                _ => running.other("equals(...)"),
            },
            _ => running.other(format!(".{name}(...)")),
        },
        Value::Bool(truth) => match (name, arguments) {
            ("toString", []) => Ok(Value::Text(truth.to_string())),
            ("booleanValue", []) => Ok(Value::Bool(truth)),
            _ => running.other(format!(".{name}(...)")),
        },
        Value::List(all) => of_list(running, &all, name, arguments),
        Value::Null => running.thrown(format!("{name} is asked of something that has no value")),
    }
}

/// A method of a unit of time, of so many milliseconds.
fn of_unit(running: &mut Running, millis: f64, name: &str, arguments: &[Value]) -> Ran<Value> {
    match (name, arguments) {
        ("sleep", [time]) => sleep(running, time, millis),
        ("toMillis", [time]) => running.number(time).map(|time| Value::Number(time * millis)),
        _ => running.other(format!("TimeUnit.{name}(...)")),
    }
}

/// What the classes of numbers, texts and truths make of a value.
fn converted(running: &Running, class: &str, name: &str, arguments: &[Value]) -> Ran<Value> {
    let [one, ..] = arguments else {
        return running.other(format!("{class}.{name}()"));
    };
    match (class, name) {
        ("Boolean", "parseBoolean" | "valueOf") => running.text(one).map(|text| Value::Bool(text == "true")),
        ("String", "valueOf") | (_, "toString") => running.text(one).map(Value::Text),
        ("String" | "Boolean", _) => running.other(format!("{class}.{name}(...)")),
        (_, "parseInt" | "parseLong" | "parseDouble" | "parseFloat" | "valueOf" | "toInt") => {
            running.number(one).map(Value::Number)
        }
        _ => running.other(format!("{class}.{name}(...)")),
    }
}

fn variables(running: &mut Running, name: &str, arguments: &[Value]) -> Ran<Value> {
    match (name, arguments) {
        ("get", [Value::Text(name)]) => Ok(running.variable(name)),
        ("getObject", [Value::Text(name)]) => {
            let object = running.world.objects.get(name).cloned();
            // What another script has put is known as a text.
            Ok(object.unwrap_or_else(|| match running.variable(name) {
                Value::Text(text) => text.parse().map_or(Value::Text(text), Value::Number),
                other => other,
            }))
        }
        ("getThreadName", []) => Ok(Value::Unsure("vars.getThreadName()")),
        ("getIteration", []) => Ok(Value::Unsure("vars.getIteration()")),
        ("putObject", [Value::Text(name), value]) => {
            running.world.objects.insert(name.clone(), value.clone());
            running.world.puts.insert(name.clone());
            match running.text(value) {
                Ok(text) => running.world.vars.insert(name.clone(), text),
                Err(_) => running.world.vars.remove(name),
            };
            Ok(Value::Null)
        }
        ("put", [Value::Text(name), value]) => {
            let value = match value {
                Value::Null => return running.other("vars.put(..., null)"),
                // JMeter takes texts only, of which JavaScript makes one by itself.
                Value::Number(_) | Value::Bool(_) if running.world.language.is_strict() => {
                    return running.thrown("vars.put takes texts only, and got something else");
                }
                value => running.text(value)?,
            };
            running.world.objects.remove(name);
            running.world.puts.insert(name.clone());
            running.world.vars.insert(name.clone(), value);
            Ok(Value::Null)
        }
        ("remove", [Value::Text(name)]) => {
            running.world.puts.insert(name.clone());
            running.world.vars.remove(name);
            Ok(Value::Null)
        }
        _ => running.other(format!("vars.{name}(...)")),
    }
}

/// What a script that is a sampler does with its own sample, which goes with it.
fn own_sample(running: &mut Running, name: &str, arguments: &[Value]) -> Ran<Value> {
    let (ok, kept) = running.world.own.unwrap_or((true, true));
    running.world.own = Some(match (name, arguments) {
        ("setIgnore", []) => (ok, false),
        ("setSuccessful", [Value::Bool(ok)]) => (*ok, kept),
        (name, _) if name.starts_with("set") || ["sampleStart", "sampleEnd"].contains(&name) => (ok, kept),
        _ => return running.other(format!("SampleResult.{name}(...)")),
    });
    Ok(Value::Null)
}

/// The name of the sampler that is tried.
fn label(running: &Running) -> Value {
    match &running.world.label {
        Some(label) => Value::Text(label.clone()),
        None => Value::Unsure("prev.getSampleLabel()"),
    }
}

/// The time, as a script sees it; the plan began at a time that is as good as any.
fn clock(running: &Running, name: &str) -> Ran<Value> {
    const BEGAN: f64 = 1_767_225_600_000.0;
    let millis = BEGAN + running.world.clock;
    match name {
        "currentTimeMillis" => Ok(Value::Number(millis)),
        "nanoTime" => Ok(Value::Number(millis * 1e6)),
        _ => running.other(format!("System.{name}(...)")),
    }
}

fn sample(running: &mut Running, name: &str, arguments: &[Value]) -> Ran<Value> {
    let Some(last) = running.world.last else {
        return running.other(format!("prev.{name}"));
    };
    if INVENTED.contains(&name) {
        return running.thrown(format!("it called prev.{name}, which JMeter does not have"));
    }
    match (name, arguments) {
        ("getResponseCode", []) => Ok(Value::Text(last.code.to_owned())),
        ("isSuccessful", []) => Ok(Value::Bool(last.ok)),
        ("isResponseCodeOK", []) => {
            running.world.did.asks_for_200 = true;
            Ok(Value::Bool(last.code == "200"))
        }
        ("getResponseMessage", []) => Ok(match last.code {
            "429" => Value::Text("Too Many Requests".to_owned()),
            "200" => Value::Text("OK".to_owned()),
            _ => Value::Unsure("prev.getResponseMessage(), whose words differ"),
        }),
        ("getResponseHeaders", []) => {
            running.world.did.reads_headers = true;
            Ok(Value::Text(last.headers.to_owned()))
        }
        ("getResponseDataAsString" | "getResponseData", []) => Ok(Value::Body),
        ("getSampleLabel", []) => Ok(label(running)),
        ("getThreadName", []) => Ok(Value::Unsure("prev.getThreadName()")),
        ("getTime", []) => Ok(Value::Unsure("prev.getTime()")),
        ("getLatency", []) => Ok(Value::Unsure("prev.getLatency()")),
        ("getConnectTime", []) => Ok(Value::Unsure("prev.getConnectTime()")),
        ("getErrorCount", []) => Ok(Value::Number(if last.ok { 0.0 } else { 1.0 })),
        ("setSuccessful", [Value::Bool(true)]) | ("setResponseOK" | "setResponseCodeOK", []) => {
            running.world.did.hides |= !last.ok;
            running.world.last = Some(Try { ok: true, ..last });
            Ok(Value::Null)
        }
        // What lacks a text in its body is a failed sample now, too.
        ("setSuccessful", [Value::Bool(false)]) if !last.ok || !running.world.did.asks_body.is_empty() => {
            running.world.last = Some(Try { ok: false, ..last });
            Ok(Value::Null)
        }
        ("setSampleLabel" | "setResponseMessage", [_]) => {
            running.world.did.renames = true;
            Ok(Value::Null)
        }
        ("setIgnore", []) => {
            running.world.did.ignores = true;
            Ok(Value::Null)
        }
        _ => running.other(format!("prev.{name}(...)")),
    }
}

fn sleep(running: &mut Running, time: &Value, millis: f64) -> Ran<Value> {
    let time = running.number(time)? * millis;
    if !time.is_finite() || time < 0.0 {
        return running.thrown("it waited for a time that is none");
    }
    running.world.slept += time;
    running.world.clock += time;
    Ok(Value::Null)
}

fn math(running: &mut Running, name: &str, arguments: &[Value]) -> Ran<Value> {
    let numbers: Ran<Vec<f64>> = arguments.iter().map(|one| running.number(one)).collect();
    Ok(Value::Number(match (name, numbers?.as_slice()) {
        ("pow", [base, by]) => base.powf(*by),
        ("min", [one, other]) => one.min(*other),
        ("max", [one, other]) => one.max(*other),
        ("round", [one]) => one.round(),
        ("floor", [one]) => one.floor(),
        ("ceil", [one]) => one.ceil(),
        ("abs", [one]) => one.abs(),
        ("random", []) => {
            running.world.did.draws = true;
            running.world.drawn
        }
        _ => return running.other(format!("Math.{name}(...)")),
    }))
}

fn random(running: &mut Running, name: &str, arguments: &[Value]) -> Ran<Value> {
    let numbers: Ran<Vec<f64>> = arguments.iter().map(|one| running.number(one)).collect();
    let (from, to) = match (name, numbers?.as_slice()) {
        ("current", []) => return Ok(Value::Thing("ThreadLocalRandom")),
        ("nextDouble" | "nextFloat", []) => (0.0, 1.0),
        ("nextInt" | "nextLong", [to]) => (0.0, *to),
        ("nextInt" | "nextLong" | "nextDouble", [from, to]) => (*from, *to),
        _ => return running.other(format!("random {name}(...)")),
    };
    running.world.did.draws = true;
    Ok(Value::Number(from + running.world.drawn * (to - from)))
}

/// What is asked of the body: whether it has a text.
fn body(running: &mut Running, name: &str, arguments: &[Value]) -> Ran<Value> {
    let has = running.world.last.is_some_and(|last| last.has);
    match (name, arguments) {
        ("contains", [Value::Text(text)]) => {
            running.world.did.asks_body.insert(text.clone());
            Ok(Value::Bool(has))
        }
        ("indexOf", [Value::Text(text)]) => {
            running.world.did.asks_body.insert(text.clone());
            Ok(Value::Number(if has { 0.0 } else { -1.0 }))
        }
        ("toString" | "trim", []) => Ok(Value::Body),
        _ => running.other("it judges the body in a way of its own"),
    }
}

fn of_text(running: &mut Running, text: String, name: &str, arguments: &[Value]) -> Ran<Value> {
    running.spend(text.len() / 8)?;
    let texts: Vec<String> = arguments
        .iter()
        .filter_map(|one| running.text(one).ok())
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    Ok(match (name, texts.as_slice()) {
        ("equals", [other]) => Value::Bool(text == *other),
        ("equalsIgnoreCase", [other]) => Value::Bool(text.eq_ignore_ascii_case(other)),
        ("contains" | "includes", [part]) => Value::Bool(text.contains(part)),
        ("test", [other]) => {
            let found = matches(running, other, &text, false)?;
            Value::Bool(running.truth(&found)?)
        }
        ("match", [pattern]) => matches(running, &text, pattern, false)?,
        ("startsWith", [part]) => Value::Bool(text.starts_with(part)),
        ("endsWith", [part]) => Value::Bool(text.ends_with(part)),
        ("matches", [pattern]) => matches(running, &text, pattern, true)?,
        ("toLowerCase", []) => Value::Text(text.to_lowercase()),
        ("toUpperCase", []) => Value::Text(text.to_uppercase()),
        ("trim" | "toString", []) => Value::Text(text.trim().to_owned()),
        ("length" | "size", []) => number(text.len()),
        ("isEmpty", []) => Value::Bool(text.is_empty()),
        ("isNumber" | "isInteger" | "isLong", []) => Value::Bool(text.trim().parse::<f64>().is_ok()),
        ("toInteger" | "toLong" | "toDouble" | "intValue" | "longValue" | "toBigDecimal" | "toFloat", []) => {
            Value::Number(running.number(&Value::Text(text))?)
        }
        ("toBoolean", []) => Value::Bool(text == "true"),
        ("indexOf", [part]) => text.find(part).map_or(Value::Number(-1.0), number),
        ("split" | "tokenize", [by]) => {
            let by = by
                .replace("\\r?\\n", "\n")
                .replace("\\n", "\n")
                .replace("\\s*", "");
            if by.is_empty() || by.contains(['[', '(', '|', '*', '+']) {
                return running.other(format!("split({by:?})"));
            }
            list(text.split(by.as_str()))
        }
        ("readLines", []) => list(text.lines()),
        ("substring", [from]) => Value::Text(part(running, &text, from, None)?),
        ("substring", [from, to]) => Value::Text(part(running, &text, from, Some(to))?),
        ("replace", [from, to]) if !from.is_empty() && text.len() * to.len().max(1) <= LONGEST => {
            running.bounded(text.replace(from, to))?
        }
        _ => return running.other(format!(".{name}(...)")),
    })
}

fn of_list(running: &mut Running, all: &[Value], name: &str, arguments: &[Value]) -> Ran<Value> {
    Ok(match (name, arguments) {
        ("contains" | "includes", [one]) => Value::Bool(all.iter().any(|other| running.equal(other, one))),
        ("size" | "length", []) => number(all.len()),
        ("isEmpty", []) => Value::Bool(all.is_empty()),
        ("first" | "last", []) => match if name == "first" { all.first() } else { all.last() } {
            Some(one) => one.clone(),
            None => return running.thrown("a place that a list does not have"),
        },
        ("indexOf", [one]) => {
            let place = all.iter().position(|other| running.equal(other, one));
            place.map_or(Value::Number(-1.0), number)
        }
        ("find" | "matches", []) => Value::Bool(!all.is_empty()),
        ("get" | "getAt" | "group", [Value::Number(at)]) => {
            let groups = match (name, all.first()) {
                ("group", Some(Value::List(groups))) => groups.as_slice(),
                ("group", _) => return running.thrown("no match has groups"),
                _ => all,
            };
            match groups.iter().zip(0_u32..).find(|(_, nth)| f64::from(*nth) == *at) {
                Some((one, _)) => one.clone(),
                None => return running.thrown("a place that a list does not have"),
            }
        }
        _ => return running.other(format!(".{name}(...)")),
    })
}

/// Whether a text matches as a whole, or all matches in it with their groups.
pub(super) fn matches(running: &Running, text: &str, pattern: &str, whole: bool) -> Ran<Value> {
    let pattern = if whole {
        format!("^(?:{pattern})$")
    } else {
        pattern.to_owned()
    };
    running.spend(1_000 + text.len())?;
    let Ok(pattern) = regex::RegexBuilder::new(&pattern).size_limit(1 << 16).build() else {
        return running.other(format!("the pattern {pattern:?}"));
    };
    if whole {
        return Ok(Value::Bool(pattern.is_match(text)));
    }
    let groups = pattern.captures_iter(text).map(|found| {
        let group = |group: Option<regex::Match>| {
            group.map_or(Value::Null, |group| Value::Text(group.as_str().to_owned()))
        };
        Value::List(found.iter().map(group).collect())
    });
    Ok(Value::List(groups.collect()))
}

fn part(running: &Running, text: &str, from: &str, to: Option<&str>) -> Ran<String> {
    let place = |place: &str| place.parse::<usize>().ok();
    let range = match to {
        Some(to) => place(from)
            .zip(place(to))
            .and_then(|(from, to)| text.get(from..to)),
        None => place(from).and_then(|from| text.get(from..)),
    };
    match range {
        Some(range) => Ok(range.to_owned()),
        None => running.thrown("a part that a text does not have"),
    }
}

fn list<'t>(parts: impl Iterator<Item = &'t str>) -> Value {
    Value::List(parts.map(|part| Value::Text(part.to_owned())).collect())
}

fn number(count: usize) -> Value {
    Value::Number(f64::from(u32::try_from(count).unwrap_or(u32::MAX)))
}
