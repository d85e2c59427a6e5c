//! BlazeMeter's samplers where something else in the plan knows of them: what becomes of each.

use crate::loops::{Spelling, after, asked, before, element, http, timer, until};
use crate::others::{moved, state};

const PACKAGE: &str = "blazemeter.jmeter.plugins.websocket.sampler";

fn config() -> String {
    let prefix = "WebSocketConnectionConfig";
    let properties = [("Server", "localhost"), ("Port", "80"), ("Path", "/ws")];
    let properties: String = properties
        .iter()
        .map(|(key, value)| format!("<stringProp name=\"{prefix}.{key}\">{value}</stringProp>"))
        .collect();
    format!(
        "<ConfigTestElement guiclass=\"{PACKAGE}.gui.{prefix}Gui\" testclass=\"ConfigTestElement\" testname=\"Where\">{properties}</ConfigTestElement><hashTree/>"
    )
}

fn send(payload: &str, pattern: &str, inner: &str) -> String {
    let properties = [
        ("payloadContent", payload),
        (
            "waitUntilResponse",
            if pattern.is_empty() { "false" } else { "true" },
        ),
        ("responsePattern", pattern),
        ("responseTimeout", "700"),
    ];
    element(
        &format!("{PACKAGE}.WebSocketSendSampler"),
        "Ask",
        &properties,
        inner,
    )
}

fn collect(timeout: &str, waits: bool, closes: bool, inner: &str) -> String {
    let word = |yes: bool| if yes { "true" } else { "false" };
    let properties = [
        ("waitUntilResponse", word(waits)),
        ("closeConnection", word(closes)),
        ("responsePattern", "x"),
        ("responseTimeout", timeout),
    ];
    element(
        &format!("{PACKAGE}.WebSocketCollectorSampler"),
        "Wait",
        &properties,
        inner,
    )
}

#[test]
fn scripts_that_take_hold_of_a_sampler_keep_all_of_them() {
    let script = "sampler.setPayloadContent('x')";
    for inner in [
        config() + &send("hi", "", &before(Spelling::Groovy, script)) + &collect("5", true, false, ""),
        config() + &before(Spelling::BeanShell, script) + &send("hi", "", ""),
    ] {
        let (plan, said) = moved(&inner, &|_| None);
        assert!(plan.is_none() && said.contains("uses the sampler"), "{said}");
    }
    let harmless = after(Spelling::Groovy, "log.info(sampler.getName())");
    let (plan, said) = moved(&(config() + &send("hi", "", &harmless)), &|_| None);
    assert!(plan.is_some() && !said.contains("LEFT"), "{said}");
}

#[test]
fn a_pause_stands_behind_what_took_longer_than_its_wait() {
    let pause = |wait: &str| format!("<stringProp name=\"ActionProcessor.duration\">{wait}</stringProp>");
    for (timeout, paused) in [
        ("700", true),
        ("${t}", true),
        ("0", false),
        ("soon", false),
        ("", false),
    ] {
        let (plan, said) = moved(&(config() + &collect(timeout, true, false, "")), &|_| None);
        assert_eq!(
            plan.unwrap().contains(&pause(timeout)),
            paused,
            "{timeout}: {said}"
        );
    }
    // A timer that counts for both would wait twice; one for the sampler alone does not.
    let beside = config() + &timer("100") + &collect("700", true, false, "");
    let (plan, said) = moved(&beside, &|_| None);
    assert!(!plan.unwrap().contains("TestAction"), "{said}");
    assert!(said.contains("or the load grows"), "{said}");
    let below = config() + &collect("700", true, false, &timer("100"));
    let (plan, _) = moved(&below, &|_| None);
    assert!(plan.unwrap().contains(&pause("700")));
}

#[test]
fn connections_have_names_where_a_user_may_have_several() {
    let (plan, _) = moved(&(config() + &send("a", "", "") + &send("b", "", "")), &|_| None);
    assert!(!plan.unwrap().contains("wsb.connection"));
    for other in ["/other", "/${room}"] {
        let other = config().replace("/ws", other);
        let inner = config() + &http("") + &send("a", "", "") + &send("b", "", &other);
        let (plan, said) = moved(&inner, &|_| None);
        let plan = plan.unwrap();
        assert_eq!(plan.matches("\"wsb.connection\"").count(), 2, "{plan}\n{said}");
    }
}

#[test]
fn a_config_that_nobody_uses_stays() {
    let (plan, said) = moved(&(config() + &http("")), &|_| None);
    assert!(
        plan.is_none() && said.contains("no sampler of its plugin"),
        "{said}"
    );
}

#[test]
fn a_loop_around_one_becomes_a_policy() {
    let g = Spelling::Groovy;
    let script = g.counting(&g.remembering("prev.isSuccessful()", "sleep(300)"));
    let looped = state()
        + &until(
            &asked(g, &["ok!=true", "n<4"]),
            &send("hi", "answer", &after(g, &script)),
        );
    let (plan, said) = moved(&(config() + &looped), &|_| None);
    let plan = plan.unwrap();
    assert!(!said.contains("LEFT"), "{said}");
    // What its defaults say, that nothing is tried again, is not for it.
    let retry = plan.split("RetryController ").nth(1).unwrap();
    assert!(
        retry.contains("<stringProp name=\"wsb.retry.strategy\">decorrelated"),
        "{plan}"
    );
    assert!(plan.contains("ExchangeSampler"), "{plan}");
}
