//! Loops that mean more than their shape tells: they move when a policy means the same, else they stay and it is told.

use crate::loops::{Spelling, after, asked, element, http, if_asked, list, open, until};
use crate::others::{ask, moved};

const G: Spelling = Spelling::Groovy;
const COUNT: &str = "vars.put('n', (vars.get('n').toInteger() + 1).toString())\n";

/// A loop for a flag and a number of tries around a sampler.
fn around(sampler: impl Fn(&str) -> String, then: &str) -> String {
    let script = after(G, &format!("{COUNT}{then}"));
    list(&[("n", "0"), ("ok", "false")]) + &until(&asked(G, &["ok!=true", "n<4"]), &sampler(&script))
}

#[test]
fn what_a_script_asks_besides_the_answer_keeps_its_loop() {
    for (then, why) in [
        (
            "if (prev.isSuccessful() && prev.getTime() < 2000) vars.put('ok', 'true') else sleep(300)",
            "prev.getTime()",
        ),
        (
            "if (prev.isSuccessful() && prev.connectTime < 1000) vars.put('ok', 'true') else sleep(300)",
            "prev.getConnectTime()",
        ),
        (
            "if (prev.getResponseDataAsString().toLowerCase().contains('in')) vars.put('ok', 'true') else sleep(300)",
            "judges the body",
        ),
        (
            "if (prev.isSuccessful()) vars.put('ok', 'true')\nelse if (prev.getThreadName().startsWith('Vip')) sleep(100)\nelse sleep(5000)",
            "prev.getThreadName()",
        ),
        (
            "if (!prev.getResponseMessage().contains('Too Many')) vars.put('ok', 'true') else sleep(300)",
            "prev.getResponseMessage()",
        ),
        (
            "if (['OK'].contains(prev.getResponseMessage())) vars.put('ok', 'true') else sleep(300)",
            "prev.getResponseMessage()",
        ),
    ] {
        let (plan, said) = moved(&around(http, then), &|_| None);
        assert!(
            plan.is_none() && said.contains("looks like a retry, and stays") && said.contains(why),
            "{then}\n{said}"
        );
    }
}

#[test]
fn what_a_script_only_logs_keeps_no_loop() {
    let logs = "log.info('took ' + prev.getTime() + ' ' + prev.getThreadName() + prev.responseMessage)\n\
                if (prev.isSuccessful()) vars.put('ok', 'true') else sleep(300)";
    let (plan, said) = moved(&around(http, logs), &|_| None);
    assert!(
        plan.unwrap().contains("RetryController") && !said.contains("LEFT"),
        "{said}"
    );
    // The name of the sampler is always the same.
    let label =
        "if (prev.getSampleLabel() == 'Call' && prev.isSuccessful()) vars.put('ok', 'true') else sleep(300)";
    let (plan, said) = moved(&around(http, label), &|_| None);
    assert!(plan.unwrap().contains("RetryController"), "{said}");
}

#[test]
fn a_wait_for_any_hint_is_no_obedience() {
    let then = "if (prev.isSuccessful()) vars.put('ok', 'true')\n\
                else if (prev.getResponseHeaders().contains('Retry-After')) sleep(60000)\nelse sleep(300)";
    let (_, said) = moved(&around(http, then), &|_| None);
    assert!(
        said.contains("where the answer had a Retry-After, it waited 60000 ms whatever that said"),
        "{said}"
    );
    assert!(!said.contains("it waited for what Retry-After says"), "{said}");
}

#[test]
fn conditions_behind_a_loop_ask_how_it_ended_or_keep_it() {
    let then = "if (prev.isSuccessful()) vars.put('ok', 'true') else sleep(300)";
    let until_throttled = "if (prev.responseCode == '429') sleep(300) else vars.put('ok', 'true')";
    for (then, behind, moves) in [
        (then, asked(G, &["ok==true"]), true),
        (then, asked(G, &["ok==true", "n<3"]), false),
        // It says so after a 404, too.
        (until_throttled, asked(G, &["ok==true"]), false),
    ] {
        let inner = around(http, then) + &if_asked(&behind, &http(""));
        let (plan, said) = moved(&inner, &|_| None);
        assert_eq!(plan.is_some(), moves, "{behind}\n{said}");
        assert_eq!(said.contains("LEFT"), !moves, "{behind}\n{said}");
    }
}

#[test]
fn an_open_that_asks_for_200_is_told() {
    let then = "if (prev.isResponseCodeOK()) vars.put('ok', 'true') else sleep(300)";
    let (_, said) = moved(&around(open, then), &|_| None);
    assert!(
        said.contains("LEFT") && said.contains("isResponseCodeOK()"),
        "{said}"
    );
    let (plan, said) = moved(&around(http, then), &|_| None);
    assert!(plan.is_some() && !said.contains("LEFT"), "{said}");
}

#[test]
fn a_loop_around_a_connection_of_its_own_moves() {
    let then = "if (prev.responseCode == '101') vars.put('ok', 'true') else sleep(300)";
    let (plan, said) = moved(&around(|inner| ask(true, inner), then), &|_| None);
    let plan = plan.unwrap();
    assert!(
        plan.contains("RetryController") && plan.contains("ExchangeSampler"),
        "{said}"
    );
    assert!(!plan.contains("JSR223") && !said.contains("LEFT"), "{said}");
    // The Defaults below say none, and count for the controller, too.
    assert!(
        plan.contains("<stringProp name=\"wsb.retry.strategy\">decorrelated<"),
        "{plan}"
    );
}

#[test]
fn scripts_in_files_keep_the_variables_that_they_use() {
    let then = "if (prev.isSuccessful()) vars.put('ok', 'true') else sleep(300)";
    let tell = element("JSR223Sampler", "Tell", &[("filename", "tell.groovy")], "");
    let inner = around(http, then) + &tell;
    let uses = |text: &'static str| moved(&inner, &|_: &str| Some(text.as_bytes().to_vec()));
    let (plan, said) = uses("if (vars.get('ok') != 'true') SampleResult.setSuccessful(false)");
    assert!(
        plan.is_none() && said.contains("ok is used in tell.groovy, which the plan has a script in"),
        "{said}"
    );
    let (plan, said) = uses("log.info('done')");
    assert!(plan.is_some() && !said.contains("LEFT"), "{said}");
    let (plan, said) = moved(&inner, &|_| None);
    assert!(
        plan.is_some() && said.contains("tell.groovy, which the plan has a script in, is not beside it"),
        "{said}"
    );
}
