//! Loops that people write to try again, in the shapes that plans have them, each in three spellings: what becomes of each.

use crate::loops::{
    COUNT_AND_REMEMBER, Spelling, after, asked, body_extractor, http, list, loop_of, plan, timer, until,
};

mod scripts;
mod stay;
mod structures;

use migrate::{Outcome, migrate};
use scripts::SCRIPTS;
use stay::STAY;
use structures::STRUCTURES;

/// What a loop becomes: texts that stand in the moved plan, and texts that the report has.
pub(crate) type Moves = (&'static [&'static str], &'static [&'static str]);

/// A loop: its name, how it is written, what it becomes.
pub(crate) type Shape = (&'static str, fn(Spelling) -> String, Moves);

/// A loop that stays: its name, how it is written, why.
pub(crate) type Stays = (&'static str, fn(Spelling) -> String, &'static str);

/// The plan that a loop becomes, and all that is said of it; none where it stays as it is.
fn moved(name: &str, inner: &str) -> (Option<String>, String) {
    let files = |file: &str| (file == "retry.txt").then(|| COUNT_AND_REMEMBER.as_bytes().to_vec());
    let migration =
        migrate(plan(inner).as_bytes(), &files).unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
    let mut said = String::new();
    for entry in &migration.entries {
        let word = match &entry.outcome {
            Outcome::Left(why) => format!("LEFT {why}"),
            other => format!("{other:?}"),
        };
        said.push_str(&format!(
            "{}: {word}\n  {}\n",
            entry.element,
            entry.notes.join("\n  ")
        ));
    }
    (migration.plan.map(|plan| String::from_utf8(plan).unwrap()), said)
}

/// A loop for a flag and a number of tries, with a script behind its sampler.
pub(crate) fn scripted(s: Spelling, text: &str) -> String {
    list(&[("n", "0"), ("ok", "false")]) + &until(&asked(s, &["ok!=true", "n<4"]), &http(&after(s, text)))
}

/// The same, with what is done after a failure.
pub(crate) fn on_failure(s: Spelling, what: &str) -> String {
    scripted(s, &s.counting(&s.remembering(s.succeeded(), what)))
}

#[test]
fn each_shape_becomes_a_policy_in_each_spelling() {
    let shapes = [SCRIPTS, STRUCTURES].concat();
    assert!(shapes.len() >= 40, "{}", shapes.len());
    let mut wrong = Vec::new();
    for (name, written, (in_plan, in_report)) in shapes {
        for spelling in Spelling::ALL {
            let (plan, said) = moved(name, &written(spelling));
            let plan = plan.unwrap_or_default();
            let lacks = in_plan.iter().find(|text| !plan.contains(**text));
            let lacks = lacks.or(in_report.iter().find(|text| !said.contains(**text)));
            if lacks.is_some() || !plan.contains("RetryController") || said.contains("LEFT") {
                wrong.push(format!("{name} in {spelling:?} lacks {lacks:?}:\n{said}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_is_not_understood_stays_with_the_reason() {
    assert!(STAY.len() >= 12, "{}", STAY.len());
    for (name, written, why) in STAY {
        for spelling in Spelling::ALL {
            let (plan, said) = moved(name, &written(spelling));
            assert!(plan.is_none(), "{name} in {spelling:?}: {said}");
            assert!(
                said.contains("LEFT") && said.contains(why),
                "{name} in {spelling:?}: {said:?}"
            );
        }
    }
}

#[test]
fn loops_that_are_no_retries_are_not_spoken_of() {
    for (name, inner) in [
        (
            "a plain loop",
            loop_of(
                "5",
                &(http(&after(Spelling::Groovy, "log.info(prev.getResponseCode())")) + &timer("1000")),
            ),
        ),
        (
            "pages",
            list(&[("page", "0")])
                + &until(
                    "${__jexl3(${page} < 5)}",
                    &http(&after(
                        Spelling::Groovy,
                        "vars.put(\"page\", (vars.get(\"page\").toInteger() + 1).toString()); log.info(prev.responseCode)",
                    )),
                ),
        ),
        (
            "pages with a think time",
            until(
                "${__jexl3(\"${next}\" != \"none\")}",
                &(http(&body_extractor("next")).replace("/api", "/api/${next}") + &timer("1000")),
            ),
        ),
        ("while it succeeds", until("LAST", &http(""))),
    ] {
        let (plan, said) = moved(name, &inner);
        assert!(plan.is_none() && said.is_empty(), "{name}: {said}");
    }
}
