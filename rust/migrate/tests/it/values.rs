//! Values of other plugins' samplers that ours take in another form, or not at all; and what is told of an upgrade's surroundings.

use crate::loops::{Spelling, after, asked, element, http, include, list, open, plan, timer, until};
use crate::others::{THEIRS, moved};

/// One of their samplers or filters.
fn theirs(class: &str, properties: &[(&str, &str)], inner: &str) -> String {
    element(&format!("{THEIRS}.{class}"), class, properties, inner)
}

fn open_with(key: &str, value: &str) -> String {
    let mut all = vec![("server", "localhost"), ("port", "80"), ("path", "/agents")];
    all.retain(|(other, _)| *other != key);
    all.push((key, value));
    theirs("OpenWebSocketSampler", &all, "")
}

fn filter(how: &str, value: &str) -> String {
    let filter = theirs(
        "TextFrameFilter",
        &[("comparisonType", how), ("matchValue", value)],
        "",
    );
    open("")
        + &theirs(
            "SingleReadWebSocketSampler",
            &[("createNewConnection", "false")],
            &filter,
        )
}

fn send(bytes: &str) -> String {
    open("")
        + &theirs(
            "SingleWriteWebSocketSampler",
            &[("payloadType", "Binary"), ("requestData", bytes)],
            "",
        )
}

#[test]
fn values_become_those_that_ours_take() {
    for (inner, now) in [
        (open_with("server", "::1"), ">ws://[::1]:80/agents<"),
        (open_with("server", "[::1]"), ">ws://[::1]:80/agents<"),
        (open_with("path", "/a?x=1#frag"), ">ws://localhost:80/a?x=1<"),
        (open_with("path", "/a${__P(x,#)}"), "/a${__P(x,#)}<"),
        (open_with("readTimeout", "0"), "attemptTimeout\">1d<"),
        (open_with("connectTimeout", "0"), "connectTimeout\">1d<"),
        (send("1"), "payload\">01<"),
        (send("0x01 0x02"), "payload\">0x01 0x02<"),
        (filter("Contains", " ping"), ">text regex \\x20ping<"),
        (filter("Equals", "x "), ">text regex ^x $<"),
        (filter("EndsWith", " x"), ">text regex \\x20x$<"),
        (filter("StartsWith", "x\t"), ">text regex ^x\\t<"),
        (filter("NotContainsRegex", "a "), ">text not regex a\\x20<"),
        (filter("EqualsRegex", "\\d"), ">text regex ^(?:[0-9])$<"),
        (
            filter("ContainsRegex", "[\\w-]\\\\d"),
            ">text regex [[A-Za-z0-9_]-]\\\\d<",
        ),
        (filter("Contains", "a b"), ">text contains a b<"),
    ] {
        let (plan, said) = moved(&inner, &|_| None);
        assert!(
            plan.as_ref().is_some_and(|plan| plan.contains(now)),
            "{now}:\n{plan:?}\n{said}"
        );
        assert!(!said.contains("LEFT"), "{said}");
    }
}

#[test]
fn values_that_ours_do_not_take_are_told() {
    for (inner, why) in [
        (open_with("server", "localhost:8080"), "is no host name"),
        (send("123"), "half a byte"),
        (filter("ContainsRegex", "\\p{Alpha}"), "does not take"),
        (filter("ContainsRegex", "a\\ "), "would not see"),
    ] {
        let (plan, said) = moved(&inner, &|_| None);
        assert!(plan.is_none() && said.contains(why), "{why}:\n{said}");
    }
    for (inner, told) in [
        (filter("Contains", "${__P(none,)}"), "must have a value"),
        (
            theirs("CloseWebSocketSampler", &[("statusCode", "${c}")], ""),
            "its code is a variable",
        ),
        (
            element("AuthManager", "Auth", &[], "") + &open(""),
            "Auth (AuthManager): Noted(\"an upgrade sends the login",
        ),
    ] {
        let (plan, said) = moved(&inner, &|_| None);
        assert!(plan.is_some() && said.contains(told), "{told}:\n{said}");
    }
    let (_, said) = moved(&(element("AuthManager", "Auth", &[], "") + &http("")), &|_| None);
    assert!(!said.contains("login"), "{said}");
}

#[test]
fn a_host_that_theirs_did_not_send_goes() {
    let manager = "<HeaderManager testname=\"Headers\"><collectionProp name=\"HeaderManager.headers\"><elementProp name=\"\">\
                   <stringProp name=\"Header.name\">Host</stringProp><stringProp name=\"Header.value\">example.com</stringProp>\
                   </elementProp></collectionProp></HeaderManager><hashTree/>";
    let (plan, said) = moved(&(manager.to_owned() + &open("")), &|_| None);
    assert!(
        !plan.unwrap().contains("example.com") && said.contains("without Host"),
        "{said}"
    );
    let (plan, said) = moved(&(manager.to_owned() + &open("") + &http("")), &|_| None);
    assert!(
        plan.unwrap().contains("example.com") && said.contains("LEFT Host"),
        "{said}"
    );
}

#[test]
fn a_poll_that_counts_its_tries_stays() {
    let extractor = element(
        "JSONPostProcessor",
        "Json",
        &[("JSONPostProcessor.referenceNames", "status")],
        "",
    );
    let poll = |condition: &str| until(condition, &(http(&extractor) + &timer("100")));
    let (plan, said) = moved(&poll("${__jexl3(\"${status}\" != \"done\")}"), &|_| None);
    assert!(plan.is_some() && !said.contains("LEFT"), "{said}");
    let counted = "${__jexl3(\"${status}\" != \"done\" && ${__jm__Until it works__idx} < 3)}";
    let (plan, said) = moved(&poll(counted), &|_| None);
    assert!(
        plan.is_none() && said.contains("which a Retry Controller (wsb) does not count"),
        "{said}"
    );
}

#[test]
fn what_stands_around_a_loop_is_told() {
    let g = Spelling::Groovy;
    let text = g.counting(&g.remembering("prev.responseCode == '101'", "log.info('x')"));
    let around = list(&[("n", "0"), ("ok", "false")])
        + &until(&asked(g, &["ok!=true", "n<4"]), &open(&after(g, &text)));
    let (_, said) = moved(&(timer("700") + &around), &|_| None);
    assert!(
        said.contains("no waits of its own") && said.contains("waited before each try, too"),
        "{said}"
    );
    let stopping = plan(&around).replace(
        "<stringProp name=\"LoopController.loops\">1</stringProp>",
        "<stringProp name=\"LoopController.loops\">3</stringProp><stringProp name=\"ThreadGroup.on_sample_error\">startnextloop</stringProp>",
    );
    let entries = migrate::migrate(stopping.as_bytes(), &|_| None).unwrap().entries;
    let notes: String = entries.iter().flat_map(|entry| entry.notes.clone()).collect();
    assert!(
        notes.contains("does not go on after a failed sample") && !notes.contains("first iteration only"),
        "{notes}"
    );
}

#[test]
fn samplers_stay_that_an_included_file_keeps() {
    let fragment = |inner: &str| {
        let inner = element("TestFragmentController", "Fragment", &[], inner);
        format!("<jmeterTestPlan version=\"1.2\"><hashTree>{inner}</hashTree></jmeterTestPlan>").into_bytes()
    };
    let reflects = element(
        "JSR223Sampler",
        "Look",
        &[("script", "eu.luminis.jmeter.wssampler.WebsocketSampler.class")],
        "",
    );
    let files = |name: &str| match name {
        "keeps.jmx" => Some(fragment(&(open("") + &reflects))),
        "moves.jmx" => Some(fragment(&open(""))),
        "deeper.jmx" => Some(fragment(&include("keeps.jmx"))),
        "round.jmx" => Some(fragment(&(open("") + &include("round.jmx")))),
        _ => None,
    };
    let ask = crate::others::ask(false, "");
    for (file, stays) in [
        ("keeps.jmx", true),
        ("deeper.jmx", true),
        ("moves.jmx", false),
        ("round.jmx", false),
    ] {
        let (plan, said) = moved(&(include(file) + &ask), &files);
        assert_eq!(plan.is_none(), stays, "{said}");
        assert_eq!(
            said.contains("LEFT it may share a connection with Include"),
            stays,
            "{said}"
        );
    }
    let (_, said) = moved(&(include("elsewhere.jmx") + &ask), &files);
    assert!(said.contains("elsewhere.jmx is not beside the plan"), "{said}");
    let alone = migrate::migrate(&fragment(&open("")), &files).unwrap();
    assert!(format!("{:?}", alone.entries).contains("see that those of the plans that include it move, too"));
}
