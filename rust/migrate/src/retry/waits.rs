//! What expressions in a script come to: how long it waits before which try, and names that are put together.

use super::script::top_level_comma;
use super::tokens::{Kind, Token, behind};
use std::cell::Cell;
use std::collections::BTreeMap;

/// Names inside each other, and brackets.
const DEEPEST: usize = 30;

/// Steps for one expression.
const MOST_STEPS: u32 = 1_000;

/// What is known where an expression stands.
pub(super) struct Waits<'a> {
    pub(super) locals: &'a BTreeMap<String, Vec<Token>>,
    pub(super) counter: Option<&'a str>,
    pub(super) parameters: &'a str,
    /// Steps made so far: names that stand for names could else take for ever.
    pub(super) steps: Cell<u32>,
}

impl Waits<'_> {
    /// A number after so many failures, with what is drawn at random as a share of its range.
    pub(super) fn number(&self, tokens: &[Token], failures: f64, drawn: f64) -> Option<f64> {
        self.number_at(tokens, failures, drawn, 0)
    }

    fn number_at(&self, tokens: &[Token], failures: f64, drawn: f64, depth: usize) -> Option<f64> {
        let mut sum = Sum {
            waits: self,
            rest: tokens,
            failures,
            drawn,
            depth,
        };
        let value = sum.sum()?;
        sum.rest.is_empty().then_some(value)
    }

    /// Makes a step; false when there were too many.
    fn step(&self) -> bool {
        self.steps.set(self.steps.get() + 1);
        self.steps.get() < MOST_STEPS
    }

    /// A text: literals and names, added up.
    pub(super) fn text(&self, tokens: &[Token]) -> Option<String> {
        self.text_at(tokens, 0)
    }

    fn text_at(&self, tokens: &[Token], depth: usize) -> Option<String> {
        if depth > DEEPEST || !self.step() {
            return None;
        }
        let parts = tokens.split(|token| token.is("+"));
        parts.map(|part| self.part(part, depth)).collect()
    }

    fn part(&self, part: &[Token], depth: usize) -> Option<String> {
        match part {
            [
                Token {
                    kind: Kind::Text(text),
                    ..
                },
            ] => Some(text.clone()),
            [word] if word.is("Parameters") => Some(self.parameters.to_owned()),
            [
                Token {
                    kind: Kind::Word(name),
                    ..
                },
            ] => self.text_at(self.locals.get(name)?, depth + 1),
            [
                args,
                open,
                Token {
                    kind: Kind::Number(nth),
                    ..
                },
                close,
            ] if args.is("args") && open.is("[") && close.is("]") => {
                let mut words = self.parameters.split_whitespace();
                words.find_map({
                    let mut at = -1.0;
                    move |word| {
                        at += 1.0;
                        (at == *nth).then(|| word.to_owned())
                    }
                })
            }
            _ => None,
        }
    }
}

/// Reads an expression from the left.
struct Sum<'a> {
    waits: &'a Waits<'a>,
    rest: &'a [Token],
    failures: f64,
    drawn: f64,
    depth: usize,
}

impl Sum<'_> {
    fn sum(&mut self) -> Option<f64> {
        self.depth += 1;
        if self.depth > DEEPEST || !self.waits.step() {
            return None;
        }
        let mut value = self.product()?;
        loop {
            if self.take("+") {
                value += self.product()?;
            } else if self.take("-") {
                value -= self.product()?;
            } else if self.take("<<") {
                value *= 2_f64.powf(self.product()?);
            } else {
                self.depth -= 1;
                return Some(value);
            }
        }
    }

    fn product(&mut self) -> Option<f64> {
        let mut value = self.power()?;
        loop {
            if self.take("*") {
                value *= self.power()?;
            } else if self.take("/") {
                value /= self.power()?;
            } else {
                return Some(value);
            }
        }
    }

    fn power(&mut self) -> Option<f64> {
        let value = self.atom()?;
        // What names a kind of number changes none.
        let value = if self.take("**") {
            value.powf(self.power()?)
        } else {
            value
        };
        for cast in [
            &[".", "toInteger", "(", ")"][..],
            &[".", "toLong", "(", ")"],
            &["as", "int"],
            &["as", "long"],
        ] {
            self.take_all(cast);
        }
        Some(value)
    }

    fn atom(&mut self) -> Option<f64> {
        for cast in ["int", "long", "double"] {
            self.take_all(&["(", cast, ")"]);
        }
        let (first, behind_it) = self.rest.split_first()?;
        match &first.kind {
            Kind::Number(number) => {
                self.rest = behind_it;
                Some(*number)
            }
            Kind::Mark("(") => {
                self.rest = behind_it;
                let value = self.sum()?;
                self.take(")").then_some(value)
            }
            Kind::Word(name) => self.name(name),
            Kind::Mark(_) | Kind::Text(_) => None,
        }
    }

    fn name(&mut self, name: &str) -> Option<f64> {
        if self.take_all(&["Math", ".", "random", "(", ")"]) {
            return Some(self.drawn);
        }
        for random in [
            &["new", "Random", "(", ")", ".", "nextInt"][..],
            &["ThreadLocalRandom", ".", "current", "(", ")", ".", "nextInt"],
        ] {
            if self.take_all(random) {
                let (first, second) = self.arguments()?;
                let (from, to) = second.map_or((0.0, first), |to| (first, to));
                return Some(from + self.drawn * (to - from));
            }
        }
        type Of = fn(f64, f64) -> f64;
        let functions: [(&str, Of); 3] = [("pow", f64::powf), ("min", f64::min), ("max", f64::max)];
        for (function, of) in functions {
            if self.take_all(&["Math", ".", function]) {
                let (first, second) = self.arguments()?;
                return Some(of(first, second?));
            }
        }
        for reads in [
            &["Integer", ".", "parseInt"][..],
            &["Integer", ".", "valueOf"],
            &["Long", ".", "parseLong"],
            &["Math", ".", "round"],
        ] {
            if self.take_all(reads) {
                return self.arguments().map(|(first, _)| first);
            }
        }
        if self.take_all(&["vars", ".", "get", "("]) {
            let end = self.rest.iter().position(|token| token.is(")"))?;
            let name = self.waits.text(&self.rest[..end])?;
            self.rest = &self.rest[end + 1..];
            // It is read before it is counted up.
            return (Some(name.as_str()) == self.waits.counter).then_some(self.failures - 1.0);
        }
        let value = self.waits.locals.get(name)?;
        self.rest = &self.rest[1..];
        self.waits
            .number_at(value, self.failures, self.drawn, self.depth + 1)
    }

    /// One or two numbers in brackets.
    fn arguments(&mut self) -> Option<(f64, Option<f64>)> {
        let end = behind(self.rest, 0).filter(|_| self.rest[0].is("("))?;
        let inner = &self.rest[1..end - 1];
        self.rest = &self.rest[end..];
        let number = |tokens| {
            self.waits
                .number_at(tokens, self.failures, self.drawn, self.depth + 1)
        };
        match top_level_comma(inner) {
            Some(comma) => Some((number(&inner[..comma])?, Some(number(&inner[comma + 1..])?))),
            None => Some((number(inner)?, None)),
        }
    }

    fn take(&mut self, mark: &str) -> bool {
        self.take_all(&[mark])
    }

    fn take_all(&mut self, words: &[&str]) -> bool {
        let all =
            self.rest.len() >= words.len() && words.iter().zip(self.rest).all(|(word, token)| token.is(word));
        if all {
            self.rest = &self.rest[words.len()..];
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use crate::retry::script::{State, read};

    #[test]
    fn waits_are_told_in_many_spellings() {
        let state = State {
            flag: "ok".to_owned(),
            done: "true".to_owned(),
            counter: Some("n".to_owned()),
        };
        let constant = Some(vec![500.0; 5]);
        let linear = Some(vec![100.0, 200.0, 300.0, 400.0, 500.0]);
        let doubled = Some(vec![1000.0, 2000.0, 4000.0, 8000.0, 16000.0]);
        for (expression, waits, draws) in [
            ("500", &constant, false),
            ("500L", &constant, false),
            ("(long) (0.5 * 1000)", &constant, false),
            ("500 + new Random().nextInt(250)", &constant, true),
            ("ThreadLocalRandom.current().nextInt(500, 900)", &constant, true),
            ("100 * n", &linear, false),
            ("n * 100L", &linear, false),
            ("100 * (Integer.parseInt(vars.get(\"n\")) + 1)", &linear, false),
            ("Math.min(100 * n, 30000)", &linear, false),
            ("1000 * Math.pow(2, n - 1)", &doubled, false),
            ("(1 << (n - 1)) * 1000", &doubled, false),
            ("500 * 2 ** n", &doubled, false),
            ("step * n", &None, false),
        ] {
            let script = format!(
                "int n = Integer.parseInt(vars.get(\"n\")) + 1; int step = args; sleep({expression});"
            );
            let found = read(&script, "", &state).unwrap();
            assert_eq!((&found.waits, found.draws), (waits, draws), "{expression}");
        }
        let deep = format!("sleep({}1{})", "(".repeat(4_000), ")".repeat(4_000));
        assert_eq!(read(&deep, "", &state).unwrap().waits, None);
    }
}
