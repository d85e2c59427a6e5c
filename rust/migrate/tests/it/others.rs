//! Plans of other plugins whose scripts, assertions and controllers know more of the samplers than their names: what becomes of each.

use crate::loops::{Spelling, after, before, element, open, plan, sampler_script};
use migrate::{Migration, Outcome, migrate};

const THEIRS: &str = "eu.luminis.jmeter.wssampler";
const ADDRESS: [(&str, &str); 3] = [("server", "localhost"), ("port", "80"), ("path", "/agents")];

/// Their Request-Response, over a connection of its own or the one that is open.
pub(crate) fn ask(new: bool, inner: &str) -> String {
    let new = if new { "true" } else { "false" };
    let own = [
        ("createNewConnection", new),
        ("payloadType", "Text"),
        ("requestData", "hi"),
    ];
    let properties = [&ADDRESS[..], &own[..]].concat();
    element(
        &format!("{THEIRS}.RequestResponseWebSocketSampler"),
        "Ask",
        &properties,
        inner,
    )
}

/// The plan that it becomes; none where it stays as it is.
pub(crate) fn moved(inner: &str, files: &migrate::Files) -> (Option<String>, String) {
    let Migration { plan, entries } = migrate(plan(inner).as_bytes(), files).unwrap();
    let mut said = String::new();
    for entry in &entries {
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
    (plan.map(|plan| String::from_utf8(plan).unwrap()), said)
}

/// Maciej Zaleski's sampler.
pub(crate) fn call(name: &str, inner: &str) -> String {
    let class = "JMeter.plugins.functional.samplers.websocket.WebSocketSampler";
    let properties = [
        ("serverAddress", "localhost"),
        ("contextPath", "/ws"),
        ("requestPayload", "hi"),
    ];
    element(class, name, &properties, inner)
}

#[test]
fn scripts_that_take_hold_of_a_sampler_keep_it() {
    let g = Spelling::Groovy;
    for script in [
        "sampler.setRequestData('{\"id\":1}')",
        "sampler.setProperty('requestData', 'from-script')",
        "sampler.path = '/agents?user=1'",
        "ctx.getCurrentSampler().setProperty('requestData', 'x')",
        "ctx.currentSampler.setPath('/x')",
        "def s = sampler\ns.setPath('/x')",
        "change(sampler)",
        "log.info('sent ' + sampler.getPropertyAsString('requestData'))",
        "sampler?.setPath('/x')",
        "sampler['path'] = '/x'",
        "log.info(\"to ${sampler.path}\")",
    ] {
        for inner in [
            open(&before(g, script)) + &ask(false, ""),
            open("") + &ask(false, &after(g, script)),
            before(g, script) + &open(""),
            open("") + &ask(false, &before(Spelling::BeanShell, script)),
            call("Call", &before(g, script)),
            before(g, script) + &call("Call", ""),
        ] {
            let (plan, said) = moved(&inner, &|_| None);
            assert!(
                plan.is_none() && said.contains("uses the sampler"),
                "{script}:\n{said}"
            );
        }
    }
    let filled = element(
        &format!("{THEIRS}.OpenWebSocketSampler"),
        "Open",
        &[
            ("server", "localhost"),
            ("port", "80"),
            ("path", "/${__groovy(sampler.getComment())}"),
        ],
        "",
    );
    let (plan, said) = moved(&filled, &|_| None);
    assert!(plan.is_none() && said.contains("uses the sampler"), "{said}");
    let previous = open("") + &sampler_script(g, "ctx.previousSampler.setProperty('path', '/x')");
    let (plan, said) = moved(&previous, &|_| None);
    assert!(plan.is_none() && said.contains("uses the sampler"), "{said}");
}

#[test]
fn scripts_that_ask_for_what_all_samplers_have_keep_none() {
    let g = Spelling::Groovy;
    for script in [
        "log.info(sampler.getName() + ' by ' + sampler.threadName)",
        "sampler.getHeaderManager()?.add(null)",
        "log.info('the sampler failed, and another sampler may follow')",
        "// sampler.setPath('/x')",
        "def my_sampler = 1\nvars.put('a', my_sampler.toString())",
    ] {
        for inner in [
            open(&before(g, script)),
            call("Call", &before(g, script)),
            open("")
                + &element(
                    "HTTPSamplerProxy",
                    "Get",
                    &[],
                    &before(g, "sampler.setPath('/x')"),
                ),
            open("") + &sampler_script(g, "sampler.setName('x')"),
        ] {
            let (plan, said) = moved(&inner, &|_| None);
            assert!(plan.is_some() && !said.contains("LEFT"), "{script}:\n{said}");
        }
    }
}

/// A script in a file.
fn in_file(kind: &str, file: &str) -> String {
    element(&format!("JSR223{kind}"), "In a file", &[("filename", file)], "")
}

#[test]
fn scripts_in_files_keep_samplers_as_those_in_the_plan_do() {
    let files = |name: &str| {
        let text = match name {
            "holds.groovy" => "sampler.setPath('/x')",
            "reflects.groovy" => "def x = eu.luminis.jmeter.wssampler.WebsocketSampler",
            "frames.groovy" => "log.info(vars.get('websocket.last_frame_final'))",
            "harmless.groovy" => "log.info('x')",
            _ => return None,
        };
        Some(text.as_bytes().to_vec())
    };
    for (inner, why) in [
        (
            open(&in_file("PreProcessor", "holds.groovy")),
            Some("uses the sampler by sampler.setPath"),
        ),
        (
            open("") + &in_file("Sampler", "reflects.groovy"),
            Some("uses their classes (the file reflects.groovy)"),
        ),
        (
            open("") + &in_file("Sampler", "frames.groovy"),
            Some("is asked for (the file frames.groovy)"),
        ),
        (
            open(&in_file("PreProcessor", "elsewhere.groovy")),
            Some("which is not beside the plan"),
        ),
        (
            call("Call", &in_file("PreProcessor", "holds.groovy")),
            Some("uses the sampler by sampler.setPath"),
        ),
        (open(&in_file("PreProcessor", "harmless.groovy")), None),
    ] {
        let (plan, said) = moved(&inner, &files);
        assert_eq!(plan.is_none(), why.is_some(), "{said}");
        assert!(said.contains(why.unwrap_or_default()), "{said}");
    }
}
