//! Conditions of While and If Controllers: what they ask of variables, and of the sample before.

use super::filling::{FUNCTIONS, filled, first_argument};
use super::imagine::{self, Language, Stop, Value, World};
use super::syntax;
use super::tokens::LONGEST;
use crate::jmx::{ItemId, Plan};

pub(super) const WHILE: &str = "WhileController.condition";
pub(super) const IF: &str = "IfController.condition";

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Question {
    /// An expression in some language, in which variables are filled in.
    Expression(Language, String),
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
            Self::of(&condition).map(|_| Self::Expression(Language::JavaScript, condition))
        }
    }

    fn of(condition: &str) -> Result<Self, String> {
        if condition.len() > LONGEST {
            return Err(format!("its condition has more than {LONGEST} bytes"));
        }
        let inside = |(name, language): &(&str, Language)| {
            let rest = condition
                .strip_prefix("${")?
                .strip_prefix(*name)?
                .strip_prefix('(')?;
            Some((rest.strip_suffix(")}")?, *language))
        };
        match FUNCTIONS.iter().find_map(inside) {
            Some((inner, language)) => {
                let first = first_argument(inner);
                let rest = inner[first.len()..].trim_start_matches(',').trim();
                if rest.chars().any(|c| !c.is_alphanumeric() && c != '_') {
                    return Err(format!(
                        "in its condition JMeter ends the expression at a comma that is not written as \\, and evaluates {first:?} only"
                    ));
                }
                Ok(Self::Expression(language, first.replace("\\,", ",")))
            }
            None => Ok(Self::Text(condition.to_owned())),
        }
    }

    /// What it comes to; none where JMeter ends it with an error, which makes it an empty text.
    ///
    /// # Errors
    /// What is not understood.
    pub(super) fn holds(&self, world: &mut World) -> Result<Option<bool>, String> {
        let text = match self {
            Self::Last => return Ok(Some(world.last.is_none_or(|last| last.ok))),
            Self::Text(text) => {
                let text = filled(text, world);
                let unknown = text
                    .contains("${__")
                    .then(|| "its condition has functions that are not known".to_owned());
                return unknown.map_or(Ok(Some(!text.eq_ignore_ascii_case("false"))), Err);
            }
            Self::Expression(language, text) => {
                world.language = *language;
                filled(text, world)
            }
        };
        // Groovy calls something of this name, which fails where it comes to it; the others cannot read it.
        if world.language != Language::Groovy && lacks_a_value(&text) {
            return Ok(None);
        }
        let expr = syntax::expression(&text)
            .map_err(|unread| format!("its condition is not understood: {}", unread.what))?;
        match imagine::value(&expr, world) {
            Ok(Value::Bool(holds)) => Ok(Some(holds)),
            Ok(Value::Text(text)) => Ok(Some(text == "true")),
            Ok(_) => Err("its condition is neither true nor false".to_owned()),
            Err(Stop::Other(unread)) => Err(format!("its condition is not understood: {}", unread.what)),
            Err(Stop::Thrown(..)) => Ok(None),
        }
    }
}

/// Whether a variable without a value stands in an expression as a part of it, and not in a text of it: no language reads that.
fn lacks_a_value(expression: &str) -> bool {
    let mut quote = None;
    let mut before = ' ';
    for c in expression.chars() {
        match quote {
            Some(end) if c == end && before != '\\' => quote = None,
            Some(_) => {}
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c == '{' && before == '$' => return true,
            None => {}
        }
        before = c;
    }
    false
}
