//! Loops that ask for more, or have more in them, than a policy takes over.

use super::moved;
use crate::loops::{Spelling, after, asked, assertion, http, if_asked, list, open, until};

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
