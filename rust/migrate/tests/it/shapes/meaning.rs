//! Loops that ask for more, or have more in them, than a policy takes over.

use super::{moved, on_failure, scripted};
use crate::loops::{Spelling, after, asked, assertion, element, http, if_asked, list, open, pause, until};

fn judge(s: Spelling) -> String {
    after(
        s,
        &s.counting(&s.remembering(s.succeeded(), "Thread.sleep(500);")),
    )
}

fn in_loop(condition: &str, inner: &str) -> String {
    list(&[
        ("n", "0"),
        ("ok", "false"),
        ("tries", "4"),
        ("who", "${__P(who)}"),
    ]) + &until(condition, inner)
}

#[test]
fn conditions_on_what_the_loop_does_not_set_keep_it() {
    let s = Spelling::Groovy;
    let own = "${__jexl3(\"${ok}\" != \"true\" && ${n} < 4)}";
    for (condition, asks) in [
        ("${__jexl3(\"${role}\" != \"guest\")}", "role"),
        ("${__groovy(vars.get(\"role\") != \"guest\")}", "role"),
        ("${__groovy(vars['role'] != \"guest\")}", "role"),
        ("${__jexl3(\"${who}\" != \"guest\")}", "who"),
        ("${__jexl3(\"${__P(role)}\" != \"guest\")}", "__P(role)"),
        (
            "${__jexl3(\"${__P(role,agent)}\" != \"guest\")}",
            "__P(role,agent)",
        ),
        ("${__jexl3(${__P(on,1)} == 1)}", "__P(on,1)"),
        ("${__jexl3(${__P(on,1)} > 0)}", "__P(on,1)"),
        ("${__jexl3(${__Random(1,10)} < 5)}", "__Random(1,10)"),
    ] {
        let around = in_loop(own, &if_asked(condition, &http(&judge(s))));
        let both = own.replace(
            "\"${ok}",
            &format!("{} && \"${{ok}}", &condition[10..condition.len() - 2]),
        );
        for inner in [around, in_loop(&both, &http(&judge(s)))] {
            let (plan, said) = moved(condition, &inner);
            assert!(plan.is_none(), "{inner}: {said}");
            if !condition.contains("vars") {
                let asks = format!("asks for {asks}, which the loop does not set");
                assert!(said.contains(&asks), "{inner}: {said}");
            }
        }
    }
    for limit in ["${tries}", "${__P(tries,4)}", "${__property(tries,,4)}"] {
        let condition = own.replace('4', limit);
        let (plan, said) = moved(limit, &in_loop(&condition, &http(&judge(s))));
        assert!(
            plan.is_some() && said.contains("at most 4 tries"),
            "{limit}: {said}"
        );
    }
}

#[test]
fn what_stands_beside_an_open_counts_for_it_alone_as_before() {
    for s in Spelling::ALL {
        let condition = asked(s, &["ok!=true", "n<4"]);
        let (plan, said) = moved(
            "beside",
            &(in_loop(&condition, &(assertion() + &open(&judge(s)))) + &http("")),
        );
        let plan = plan.unwrap();
        let controller = plan
            .find("<GenericController guiclass=\"LogicControllerGui\"")
            .expect(&said);
        let tree = plan[controller..].find("</hashTree></hashTree>").unwrap();
        assert!(
            plan[controller..controller + tree].contains("<ResponseAssertion"),
            "{plan}"
        );
        assert!(!plan.contains("WhileController"), "{plan}");
        let (plan, said) = moved("alone", &in_loop(&condition, &open(&(assertion() + &judge(s)))));
        assert!(!plan.unwrap().contains("GenericController"), "{said}");

        let data = assertion().replace("ResponseAssertion", "CSVDataSet");
        let (plan, said) = moved("data", &in_loop(&condition, &(data + &open(&judge(s)))));
        assert!(
            plan.unwrap().contains("<WhileController") && said.contains("gives each try a line of its own"),
            "{said}"
        );
    }
}

/// A loop that tries again after these statuses only.
fn again_after(codes: &[&str]) -> String {
    let codes: Vec<String> = codes.iter().map(|code| format!("'{code}'")).collect();
    let s = Spelling::Groovy;
    let judge = format!(
        "if (prev.responseCode in [{}]) {{ sleep(500) }} else {{ vars.put('ok', 'true') }}",
        codes.join(", ")
    );
    scripted(s, &s.counting(&judge))
}

#[test]
fn what_was_tried_again_is_tried_again() {
    for code in ["401", "403", "409", "423", "520"] {
        let (plan, said) = moved(code, &again_after(&["429", code]));
        let list = format!("\"wsb.retry.transient\">408,425,500,502-504,network,timeout,{code}<");
        assert!(plan.unwrap().contains(&list), "{said}");
        assert!(
            said.contains(&format!("it tried again after 429 and {code} only")),
            "{said}"
        );
    }
    let (plan, said) = moved("more", &again_after(&["429", "502", "504"]));
    assert!(
        !plan.unwrap().contains("wsb.retry.transient") && said.contains("429, 502 and 504 only"),
        "{said}"
    );

    for (codes, says) in [
        (
            &["429", "202"][..],
            "it tries again after 202, which is a success for ws-backoff",
        ),
        (&["202"], "it tries again after 202 and not after 429"),
        (&["403"], "it tries again after 403 and not after 429"),
        (&["502", "503"], "it tries again after 502, 503 and not after 429"),
    ] {
        let (plan, said) = moved(says, &again_after(codes));
        assert!(plan.is_none() && said.contains(says), "{codes:?}: {said}");
    }
    let s = Spelling::Groovy;
    let created = s.counting(&s.remembering("prev.responseCode == '201'", "Thread.sleep(500);"));
    let (plan, said) = moved("201 only", &scripted(s, &created));
    assert!(plan.is_none() && said.contains("ends with 201"), "{said}");
    let good = s.counting(&s.remembering("prev.responseCode == '200'", "Thread.sleep(500);"));
    let (plan, said) = moved("200 only", &scripted(s, &good));
    assert!(
        plan.is_some() && said.contains("201, 204 and the like were tried again"),
        "{said}"
    );
}

#[test]
fn a_wait_after_a_success_is_kept() {
    for s in Spelling::ALL {
        let sleep = s.of("Thread.sleep", "sleep", "java.lang.Thread.sleep");
        let after_each = s.counting(&s.remembering(s.succeeded(), "int x = 0;"));
        let after_each = after_each.replace("int x = 0;", "") + &format!("{sleep}(700);");
        let condition = asked(s, &["ok!=true", "n<4"]);
        let in_script = scripted(s, &after_each);
        let judge = s.counting(&s.remembering(s.succeeded(), ""));
        let behind = in_loop(&condition, &(http(&after(s, &judge)) + &pause("700")));
        for inner in [in_script.clone(), behind] {
            let (plan, said) = moved("after each", &inner);
            let plan = plan.expect(&said);
            assert!(
                plan.contains("</hashTree><TestAction") || plan.contains("</hashTree>\n<TestAction"),
                "{plan}"
            );
            assert!(
                plan.contains("ActionProcessor.duration\">700<") && said.contains("a pause behind it"),
                "{said}"
            );
        }
        let (plan, said) = moved(
            "one of several",
            &element(
                "RandomController",
                "Any",
                &[("InterleaveControl.style", "1")],
                &in_script,
            ),
        );
        assert!(
            plan.is_none() && said.contains("waits after a success, for 700 ms"),
            "{said}"
        );
        let more = s.remembering(s.succeeded(), &format!("{sleep}(500);")) + &format!("{sleep}(30000);");
        let (plan, said) = moved("more", &scripted(s, &s.counting(&more)));
        assert!(
            plan.is_none() && said.contains("waits after a success, for 30000 ms"),
            "{said}"
        );
    }
}

#[test]
fn whatever_names_a_variable_of_the_loop_keeps_it() {
    let s = Spelling::Groovy;
    let used = |class: &str, name: &str, property: (&str, &str)| element(class, name, &[property], "");
    for (other, says) in [
        (
            used("ForeachController", "Each", ("ForeachController.inputVal", "n")),
            "n is used in Each",
        ),
        (
            used("ResponseAssertion", "Asserts", ("Scope.variable", "ok")),
            "ok is used in Asserts",
        ),
        (
            used("JSONPostProcessor", "Reads", ("Scope.variable", "n")),
            "n is used in Reads",
        ),
        (
            used("DebugSampler", "After ${n}", ("x", "y")),
            "n is used in After",
        ),
        (
            used("DebugSampler", "Tells", ("x", "${__jm__Until it works__idx}")),
            "__jm__Until it works__idx is used in Tells",
        ),
    ] {
        let (plan, said) = moved(says, &(on_failure(s, "Thread.sleep(500);") + &http(&other)));
        assert!(plan.is_none() && said.contains(says), "{said}");
    }
    let rare = "if (prev.responseCode == '507') { vars.put('full', 'yes') }\nThread.sleep(500);";
    let asks = after(s, "if (vars.get('full') != null) { prev.setSuccessful(false) }");
    let (plan, said) = moved("rare", &(on_failure(s, rare) + &http(&asks)));
    assert!(plan.is_none() && said.contains("full is used in"), "{said}");
}

#[test]
fn more_loops_than_are_looked_at_are_told() {
    let many = on_failure(Spelling::Groovy, "Thread.sleep(500);").repeat(201);
    let (_, said) = moved("many", &many);
    assert_eq!(said.matches("no more than 200 loops").count(), 1);
}

#[test]
fn a_loop_moves_whatever_other_thread_groups_do_with_variables_of_its_names() {
    let s = Spelling::Groovy;
    let lists = list(&[("n", "0"), ("ok", "false")]);
    let around = |judge: &str| until(&asked(s, &["ok!=true", "n<4"]), &http(&after(s, judge)));
    let moves = around(&s.counting(&s.remembering(s.succeeded(), "Thread.sleep(500);")));
    let stays = around(&s.counting(&s.remembering("new JsonSlurper().parse(prev)", "Thread.sleep(500);")));
    let group = |name: &str, inner: &str| element("ThreadGroup", name, &[], inner);
    let both = lists + &group("One", &moves) + &group("Two", &stays);
    let (plan, said) = moved("two groups", &both);
    let plan = plan.expect(&said);
    for there in [
        "RetryController",
        "<WhileController",
        "\"Argument.name\">n<",
        "\"Argument.name\">ok<",
    ] {
        assert!(plan.contains(there), "{there}: {said}");
    }
    // A Module Controller takes a loop into another group.
    let (plan, said) = moved(
        "modules",
        &(both + &element("ModuleController", "Module", &[], "")),
    );
    assert!(plan.is_none() && said.contains("is used in"), "{said}");
}
