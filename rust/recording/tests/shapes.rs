//! What becomes a plan and what does not, whatever wrote the recording.

use proptest::prelude::*;
use recording::{Refusal, import};

fn of(entry: &str) -> Vec<u8> {
    format!("{{\"log\":{{\"entries\":[{entry}]}}}}").into_bytes()
}

fn plan(entry: &str) -> String {
    import(&of(entry), "x.har").expect("a recording").plan
}

/// How often a text is there.
fn count(plan: &str, what: &str) -> usize {
    plan.matches(what).count()
}

const MESSAGES: &str = r#""_webSocketMessages":[{"type":"send","time":1,"opcode":1,"data":"a"},{"type":"receive","time":1.2,"opcode":1,"data":"ready"}]"#;

#[test]
fn what_is_no_recording_of_a_socket_is_refused() {
    assert!(matches!(import(b"<html>", "x"), Err(Refusal::NoHar(_))));
    assert!(matches!(import(b"{\"log\":{}}", "x"), Err(Refusal::NoHar(_))));
    let page = of(r#"{"request":{"url":"http://h/"}}"#);
    assert_eq!(import(&page, "x"), Err(Refusal::NoSocket(1)));
    let silent = of(r#"{"request":{"url":"wss://h/"},"_resourceType":"websocket"}"#);
    assert_eq!(import(&silent, "x"), Err(Refusal::NoMessage(1)));
    let long = vec![r#"{"data":""}"#; recording::MOST_MESSAGES + 1].join(",");
    let long = of(&format!(
        r#"{{"request":{{"url":"ws://h/"}},"_webSocketMessages":[{long}]}}"#
    ));
    assert_eq!(import(&long, "x"), Err(Refusal::TooLong));
}

#[test]
fn a_proxys_http_address_is_that_of_a_socket() {
    for (url, server, path) in [
        ("https://h:8443/a?b=1", "wss://h:8443", "${server}/a?b=1"),
        ("http://h", "ws://h", "${server}"),
        ("ws://h/", "ws://h", "${server}/"),
    ] {
        let plan = plan(&format!(r#"{{"request":{{"url":"{url}"}},{MESSAGES}}}"#));
        assert!(plan.contains(&format!("${{__P(server,{server})}}")), "{plan}");
        assert!(
            plan.contains(&format!("<stringProp name=\"wsb.url\">{path}</stringProp>")),
            "{plan}"
        );
    }
}

#[test]
fn what_each_client_says_in_its_own_way_is_left_out() {
    let headers = r#"[{"name":"Sec-WebSocket-Key","value":"x"},{"name":"Host","value":"h"},{"name":":path","value":"/"},{"name":"Origin","value":"o"},{"name":"X-Auth-Token","value":"t0k3n77"}]"#;
    let plan = plan(&format!(
        r#"{{"request":{{"url":"ws://h/?key=t0k3n77","headers":{headers}}},{MESSAGES}}}"#
    ));
    assert_eq!(count(&plan, "elementType=\"Header\""), 2, "{plan}");
    assert_eq!(count(&plan, "t0k3n77"), 1, "once, among the variables: {plan}");
    assert_eq!(count(&plan, "${x_auth_token}"), 2, "{plan}");
}

#[test]
fn a_short_value_is_no_secret_wherever_it_stands() {
    let plan = plan(
        r#"{"request":{"url":"ws://h/a/1?session=1"},"_webSocketMessages":[{"type":"send","time":1,"data":"{\"n\":1}"}]}"#,
    );
    assert!(plan.contains(">${server}/a/1?session=1<"), "{plan}");
    assert!(!plan.contains("${session}"), "{plan}");
}

#[test]
fn what_xml_cannot_hold_is_in_no_name_and_no_header() {
    let plan = plan(
        r#"{"request":{"url":"ws://h\u0001/","headers":[{"name":"X\u0002","value":"v\u0003"}]},"_webSocketMessages":[
            {"type":"send","time":1,"data":"{\"type\":\"a\u0004${x}\"}"},{"type":"receive","time":1,"data":"{\"type\":\"b\\u0005\"}"}]}"#,
    );
    assert!(!plan.contains(|c: char| c < ' ' && c != '\n'), "{plan}");
    assert!(plan.contains("v${__char(3)}"), "{plan}");
}

#[test]
fn an_id_that_the_user_made_itself_or_that_stands_twice_is_no_variable() {
    for answer in [
        r#"{\"of\":\"mine-12345\"}"#,
        r#"{\"a\":\"id-7777\",\"b\":\"id-7777\"}"#,
    ] {
        let messages = [
            r#"{"type":"send","time":1,"data":"{\"ref\":\"mine-12345\"}"}"#.to_owned(),
            format!(r#"{{"type":"receive","time":1.1,"data":"{answer}"}}"#),
            r#"{"type":"send","time":1.2,"data":"{\"x\":\"mine-12345\",\"y\":\"id-7777\"}"}"#.to_owned(),
        ];
        let entry = format!(
            r#"{{"request":{{"url":"ws://h/"}},"_webSocketMessages":[{}]}}"#,
            messages.join(",")
        );
        assert_eq!(count(&plan(&entry), "JSONPostProcessor"), 0, "{answer}");
    }
}

#[test]
fn control_frames_are_nobodys_and_milliseconds_are_read() {
    let entry = r#"{"request":{"url":"ws://h/"},"_webSocketMessages":[
        {"type":"send","time":1795168800000,"opcode":1,"data":"a"},
        {"type":"receive","time":1795168800500,"opcode":9,"data":""},
        {"type":"send","time":1795168803000,"opcode":1,"data":"b"},
        {"type":"receive","time":1795168803000,"opcode":8,"data":""}]}"#;
    let plan = plan(entry);
    assert_eq!(
        count(&plan, "testclass=\"io.github.wsbackoff.sampler.SendSampler\""),
        2
    );
    assert!(
        plan.contains("<stringProp name=\"ConstantTimer.delay\">3000</stringProp>"),
        "{plan}"
    );
}

proptest! {
    #[test]
    fn whatever_was_said_makes_a_plan_that_is_xml(
        texts in prop::collection::vec((any::<bool>(), -1e12..1e12, ".{0,40}|[{\\[].{0,20}"), 1..30),
    ) {
        let frames: Vec<serde_json::Value> = texts
            .iter()
            .map(|(sent, time, data)| serde_json::json!({"type": if *sent { "send" } else { "receive" }, "time": time, "data": data}))
            .collect();
        let har = serde_json::json!({"log": {"entries": [{"request": {"url": "ws://h/"}, "_webSocketMessages": frames}]}});
        let made = import(har.to_string().as_bytes(), "x.har").unwrap();
        let mut reader = quick_xml::Reader::from_str(&made.plan);
        loop {
            match reader.read_event().unwrap() {
                quick_xml::events::Event::Eof => break,
                quick_xml::events::Event::Text(text) => _ = text.decode().unwrap(),
                _ => {}
            }
        }
        prop_assert!(!made.plan.contains(|c: char| c < ' ' && !"\n\t".contains(c)));
    }

    #[test]
    fn garbage_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(import(&bytes, "x").is_err());
    }
}
