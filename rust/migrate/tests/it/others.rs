//! Plans of other plugins whose scripts, assertions and controllers know more of the samplers than their names: what becomes of each.

use crate::loops::{
    Spelling, after, asked, assertion, before, body_extractor, element, http, if_asked, list, loop_of, open,
    plan, sampler_script, timer, until,
};
use migrate::{Migration, Outcome, migrate};

pub(crate) const THEIRS: &str = "eu.luminis.jmeter.wssampler";
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
            let told = ["uses the sampler", "would count for the WebSocket Close (wsb)"];
            assert!(
                plan.is_none() && told.iter().any(|why| said.contains(why)),
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

/// A controller that takes its children by number or in turns.
fn counting(class: &str, inner: &str) -> String {
    let properties = [("SwitchController.value", "1"), ("InterleaveControl.style", "1")];
    element(class, "Counting", &properties, inner)
}

/// A retry loop around an Open.
fn connecting() -> String {
    let g = Spelling::Groovy;
    let text = g.counting(&g.remembering("prev.responseCode == '101'", "sleep(300)"));
    until(&asked(g, &["ok!=true", "n<4"]), &open(&after(g, &text)))
}

pub(crate) fn state() -> String {
    list(&[("n", "0"), ("ok", "false")])
}

/// Something that leads to a controller.
fn module(steps: &[&str]) -> String {
    let one = |step: &&str| format!("<stringProp name=\"1\">{step}</stringProp>");
    let steps: String = steps.iter().map(one).collect();
    format!(
        "<ModuleController testname=\"There\"><collectionProp name=\"ModuleController.node_path\">{steps}</collectionProp></ModuleController><hashTree/>"
    )
}

#[test]
fn controllers_that_others_find_by_name_or_place_stay_controllers() {
    let simple = "<GenericController guiclass=\"LogicControllerGui\" testclass=\"GenericController\" testname=\"Until it works\"";
    for class in [
        "SwitchController",
        "InterleaveControl",
        "RandomController",
        "kg.apc.WeightedSwitchController",
    ] {
        let (plan, said) = moved(
            &(state() + &counting(class, &(connecting() + &http("")))),
            &|_| None,
        );
        let plan = plan.unwrap();
        assert!(
            plan.contains(simple) && !said.contains("LEFT"),
            "{class}:\n{said}"
        );
    }
    let inner = state() + &connecting() + &module(&["Plan", "Users", "Until it works"]);
    let (plan, said) = moved(&inner, &|_| None);
    assert!(plan.unwrap().contains(simple) && !said.contains("LEFT"), "{said}");
    // What leads to nothing in it changes nothing.
    let (plan, said) = moved(
        &(state() + &connecting() + &module(&["Plan", "Users", "Another"])),
        &|_| None,
    );
    assert!(!plan.unwrap().contains("GenericController"), "{said}");
    // An If Controller around the Open is opened.
    let g = Spelling::Groovy;
    let text = g.counting(&g.remembering("prev.responseCode == '101'", "sleep(300)"));
    let inner = if_asked(&asked(g, &["ok!=true"]), &open(&after(g, &text)));
    let inner = state() + &loop_of("4", &inner) + &module(&["Plan", "Users", "If"]);
    let (plan, said) = moved(&inner, &|_| None);
    assert!(
        plan.unwrap().contains("testname=\"If\"") && said.contains("a Simple Controller"),
        "{said}"
    );
}

#[test]
fn loops_over_the_frames_of_a_message_keep_their_place() {
    let read = |name: &str| element(&format!("{THEIRS}.SingleReadWebSocketSampler"), name, &[], "");
    let frames = until(
        "${__jexl3(\"${websocket.last_frame_final}\" == \"false\")}",
        &read("More"),
    );
    let inner = open("") + &counting("SwitchController", &(read("First") + &frames + &http("")));
    let (plan, said) = moved(&inner, &|_| None);
    let plan = plan.unwrap();
    assert!(
        plan.contains("<GenericController") && !plan.contains("\"More\""),
        "{plan}"
    );
    assert!(!said.contains("LEFT"), "{said}");
}

#[test]
fn scripts_that_take_a_turn_keep_it() {
    let g = Spelling::Groovy;
    let reset = sampler_script(g, "vars.put('n','0'); vars.put('ok','false')");
    let inner = state() + &counting("InterleaveControl", &(reset + &connecting() + &http("")));
    let (plan, said) = moved(&inner, &|_| None);
    assert!(plan.unwrap().contains("JSR223Sampler"), "{said}");
}

#[test]
fn what_is_taken_one_sample_at_a_turn_stays() {
    let turns = |inner: &str| {
        element(
            "InterleaveControl",
            "Turns",
            &[("InterleaveControl.style", "0")],
            inner,
        )
    };
    for inner in [
        turns(&call("A", "")),
        state() + &turns(&(connecting() + &http(""))),
    ] {
        let (_, said) = moved(&inner, &|_| None);
        assert!(
            said.contains("LEFT") && said.contains("takes one sample of it at a turn"),
            "{said}"
        );
    }
}

#[test]
fn a_close_behind_a_call_takes_no_turn_and_fails_nothing() {
    let (plan, said) = moved(
        &counting("InterleaveControl", &(call("A", "") + &call("B", ""))),
        &|_| None,
    );
    let plan = plan.unwrap();
    for name in ["A", "B"] {
        let simple = format!("testclass=\"GenericController\" testname=\"{name}\"");
        assert!(plan.contains(&simple), "{plan}\n{said}");
    }
    assert_eq!(
        plan.matches("${JMeterThread.last_sample_ok}").count(),
        2,
        "{plan}"
    );
    for beside in [
        assertion(),
        timer("100"),
        body_extractor("x"),
        after(Spelling::Groovy, "log.info('x')"),
    ] {
        let (plan, said) = moved(&(beside.clone() + &call("Call", "")), &|_| None);
        assert!(
            plan.is_none() && said.contains("would count for the WebSocket Close (wsb) behind it"),
            "{said}"
        );
        let (plan, said) = moved(&call("Call", &beside), &|_| None);
        assert!(plan.is_some() && !said.contains("LEFT"), "{said}");
    }
}

#[test]
fn what_a_switch_takes_by_name_keeps_its_name() {
    let retrier = "<nz.co.breakpoint.jmeter.modifiers.RetryPostProcessor testname=\"R\"><stringProp name=\"maxRetries\">3</stringProp>\
                   </nz.co.breakpoint.jmeter.modifiers.RetryPostProcessor><hashTree/>";
    let (plan, _) = moved(&counting("SwitchController", &http(retrier)), &|_| None);
    assert!(
        plan.unwrap()
            .contains("testclass=\"io.github.wsbackoff.control.RetryController\" testname=\"Call\"")
    );
}
