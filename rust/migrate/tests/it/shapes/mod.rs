//! Loops that people write to try again, in the shapes that plans have them, each in three spellings: what becomes of each.

use crate::loops::{
    COUNT_AND_REMEMBER, Spelling, after, asked, assertion, body_extractor, http, include, list, loop_of,
    plan, sampler_script, timer, until,
};

mod meaning;
mod scripts;
mod spellings;
mod stay;
mod structures;

use migrate::{Outcome, migrate};
use scripts::SCRIPTS;
use spellings::SPELLINGS;
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
    let files = |file: &str| match file {
        "retry.txt" => Some(COUNT_AND_REMEMBER.as_bytes().to_vec()),
        "uses.jmx" => Some(b"<a>${ok}</a>".to_vec()),
        "other.jmx" => Some(b"<a>${okay}</a>".to_vec()),
        _ => None,
    };
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
    let shapes = [SCRIPTS, SPELLINGS, STRUCTURES].concat();
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

/// A loop for a flag and a number of tries, without what defines its variables.
fn bare(s: Spelling) -> String {
    until(
        &asked(s, &["ok!=true", "n<4"]),
        &http(&after(
            s,
            &s.counting(&s.remembering(s.succeeded(), "Thread.sleep(500);")),
        )),
    )
}

#[test]
fn loops_of_the_same_variables_move_where_these_are_set_back_between_them() {
    for s in Spelling::ALL {
        let begin = sampler_script(s, "vars.put(\"n\", \"0\"); vars.put(\"ok\", \"false\");");
        let (plan, said) = moved("set back", &(begin.clone() + &bare(s) + &begin + &bare(s)));
        assert_eq!(
            plan.unwrap_or_default()
                .matches("<io.github.wsbackoff.control.RetryController")
                .count(),
            2,
            "{said}"
        );
        assert!(!said.contains("LEFT"), "{said}");

        // Nobody comes to the second one, so that a controller of ours would ask where nobody asked.
        let (plan, said) = moved("not set back", &(begin + &bare(s) + &bare(s)));
        assert!(plan.is_none(), "{said}");
        assert!(
            said.contains("it is not entered with the variables that it has before it"),
            "{said}"
        );
    }
}

#[test]
fn assertions_that_a_script_did_not_see_are_final_as_before() {
    let fatal = "failedAssertions\">fatal<";
    for s in Spelling::ALL {
        let judge = s.counting(&s.remembering(s.succeeded(), "Thread.sleep(500);"));
        let list = list(&[("n", "0"), ("ok", "false")]);
        let around = |inner: &str| list.clone() + &until(&asked(s, &["ok!=true", "n<4"]), inner);
        // Post-processors run before assertions, and samplers behind them.
        let (before, said) = moved("before", &around(&http(&(assertion() + &after(s, &judge)))));
        assert!(
            before.unwrap().contains(fatal) && said.contains("did not see failed assertions"),
            "{said}"
        );
        let (behind, said) = moved(
            "behind",
            &around(&(http(&assertion()) + &sampler_script(s, &judge))),
        );
        assert!(!behind.unwrap().contains(fatal), "{said}");
        let (none, said) = moved("none", &around(&http(&after(s, &judge))));
        assert!(!none.unwrap().contains(fatal), "{said}");
    }
}

#[test]
fn texts_that_beanshell_compares_as_objects_are_pointed_out() {
    // As in JMeter 5.6.3: "1795".substring(0, 1) == "1" is false there.
    let judge = "prev.getResponseCode() == \"200\"";
    for (s, moves) in [
        (Spelling::BeanShell, false),
        (Spelling::Groovy, true),
        (Spelling::JavaScript, true),
    ] {
        let (plan, said) = moved(
            "by ==",
            &scripted(s, &s.counting(&s.remembering(judge, "Thread.sleep(500);"))),
        );
        assert_eq!(plan.is_some(), moves, "{s:?}: {said}");
        assert_eq!(said.contains(".equals() compares texts"), !moves, "{s:?}: {said}");
    }
    let (plan, said) = moved(
        "a wait that never is",
        &on_failure(
            Spelling::BeanShell,
            "if (prev.getResponseCode() == \"429\") Thread.sleep(500);",
        ),
    );
    assert!(
        plan.is_some() && said.contains("no waits") && said.contains(".equals() compares texts"),
        "{said}"
    );
}

#[test]
fn what_an_included_file_uses_keeps_a_loop() {
    let s = Spelling::Groovy;
    let list = list(&[("n", "0"), ("ok", "false")]);
    for (file, moves, says) in [
        ("uses.jmx", false, "ok is used in uses.jmx"),
        ("other.jmx", true, "RetryController"),
        (
            "elsewhere/gone.jmx",
            true,
            "elsewhere/gone.jmx, which the plan includes, is not beside it",
        ),
    ] {
        let (plan, said) = moved(file, &(list.clone() + &bare(s) + &include(file)));
        assert_eq!(plan.is_some(), moves, "{file}: {said}");
        assert!((said + &plan.unwrap_or_default()).contains(says), "{file}");
    }
}

#[test]
fn scripts_that_only_look_like_a_retry_are_told_and_stay() {
    for s in Spelling::ALL {
        for (script, says) in [
            (
                s.of(
                    "if (prev.getResponseCode().equals(\"429\")) { Thread.sleep(2000); }",
                    "if (prev.responseCode == '429') sleep(2000)",
                    "if (prev.getResponseCode() == '429') java.lang.Thread.sleep(2000);",
                ),
                "nothing tries again",
            ),
            (
                "if (!prev.isSuccessful()) { prev.setSuccessful(true); }",
                "shows failures as successes",
            ),
            (
                "log.info(prev.getResponseHeader(\"Retry-After\"));",
                "which JMeter does not have",
            ),
            (
                "for (int i = 0; i < 3; i++) {\n new URL(\"http://h\").openConnection();\n Thread.sleep(500); }",
                "LEFT it tries again by a client of its own (line",
            ),
        ] {
            let (plan, said) = moved(script, &http(&after(s, script)));
            assert!(plan.is_none() && said.contains(says), "{script}: {said}");
        }
        let (_, said) = moved(
            "a think time",
            &http(&after(s, "log.info(prev.getResponseCode()); Thread.sleep(100);")),
        );
        assert_eq!(said, "");
    }
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
        (
            "while it succeeds, in words",
            until(
                "${__jexl3(\"${JMeterThread.last_sample_ok}\" == \"true\")}",
                &http(""),
            ),
        ),
    ] {
        let (plan, said) = moved(name, &inner);
        assert!(plan.is_none() && said.is_empty(), "{name}: {said}");
    }
}
