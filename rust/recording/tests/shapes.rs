//! What becomes a plan and what does not, whatever wrote the recording.

use proptest::prelude::*;
use recording::{Import, Refusal};

fn import(bytes: &[u8], name: &str) -> Result<Import, Refusal> {
    recording::import(bytes, name, false)
}

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
    let long = vec![r#"{"type":"send","data":""}"#; recording::MOST_MESSAGES + 1].join(",");
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

/// An entry with these messages.
fn with(messages: &str) -> String {
    format!(r#"{{"request":{{"url":"ws://h/"}},"_webSocketMessages":[{messages}]}}"#)
}

fn samplers(plan: &str) -> usize {
    count(plan, "testclass=\"io.github.wsbackoff.sampler.")
}

#[test]
fn what_is_of_another_type_or_not_there_spoils_nothing_else() {
    let messages = r#"{"type":"send","time":1,"opcode":1,"data":"a"},{"type":"receive","time":1.1,"opcode":1,"data":"ready"}"#;
    for request in [
        r#""request":{"url":"ws://h/","headers":null}"#,
        r#""request":{"url":"ws://h/","headers":[null,{"name":"a","value":null},{"name":null,"value":"x"},{"name":"b","value":5}]}"#,
        r#""request":{"url":"ws://h/"},"response":null"#,
        r#""request":{"url":"ws://h/"},"response":{"status":null,"headers":7}"#,
        r#""startedDateTime":7,"request":{"url":"ws://h/"},"response":{"status":"x"}"#,
    ] {
        let plan = plan(&format!("{{{request},\"_webSocketMessages\":[{messages}]}}"));
        assert_eq!(samplers(&plan), 3, "{request}");
    }
    for other in [
        "null",
        "[]",
        "{\"foo\":1}",
        r#"{"request":null}"#,
        r#"{"request":{"url":null}}"#,
    ] {
        let made = import(&of(&format!("{other},{}", with(messages))), "x").unwrap();
        assert_eq!(samplers(&made.plan), 3, "{other}");
        assert!(
            made.notes[0].starts_with("1 other requests"),
            "{other}: {:?}",
            made.notes
        );
    }
    for (lost, is_told) in [
        ("null", true),
        (r#"{"type":null,"data":"x"}"#, true),
        // Chrome notes errors of a connection so.
        (r#"{"type":"error","opcode":-1,"data":"net::ERR"}"#, true),
        (r#"{"type":"send","opcode":300,"data":"x"}"#, true),
        (r#"{"type":"send","opcode":0,"data":""}"#, false),
        (r#"{"type":"receive","opcode":8,"data":""}"#, false),
    ] {
        let made = import(&of(&with(&format!("{messages},{lost}"))), "x").unwrap();
        assert_eq!(samplers(&made.plan), 3, "{lost}");
        let is_said = made
            .notes
            .iter()
            .any(|note| note.starts_with("1 messages were left out"));
        assert_eq!(is_said, is_told, "{lost}: {:?}", made.notes);
    }
    for (data, payload) in [
        ("null", ""),
        (r#"{"a":1}"#, "{\"a\":1}"),
        ("5", "5"),
        (r#""caf\ud83d x""#, "caf\u{fffd} x"),
    ] {
        let plan = plan(&with(&format!(
            r#"{{"type":"SENT","opcode":"text","data":{data}}}"#
        )));
        let property = format!("<stringProp name=\"wsb.payload\">{payload}</stringProp>");
        assert!(plan.replace("&quot;", "\"").contains(&property), "{plan}");
    }
    let parts = r#"{"type":"send","opcode":1.0,"data":"be"},{"type":"receive","data":"x"},{"type":"send","opcode":0,"data":"gun"}"#;
    assert!(plan(&with(parts)).contains(">begun<"));
}

#[test]
fn times_are_read_in_each_unit_and_one_without_is_that_of_the_message_before() {
    for (first, second) in [
        ("1795168800", "1795168803"),
        ("1795168800000", "1795168803000"),
        ("1795168800000000", "1795168803000000"),
        ("1795168800000000000", "1795168803000000000"),
        ("\"1795168800\"", "\"1795168803\""),
        ("\"2026-11-20T10:00:00Z\"", "\"2026-11-20T12:00:03.000+02:00\""),
        ("-3", "0"),
    ] {
        for gap in ["", ",\"time\":null", ",\"time\":1e300", ",\"time\":{}"] {
            let plan = plan(&with(&format!(
                r#"{{"type":"send","time":{first},"data":"a"}},{{"type":"send"{gap},"data":"b"}},{{"type":"send","time":{second},"data":"c"}}"#
            )));
            let places: Vec<_> = ["Send a", "Send b", "Send c", ">3000<"]
                .iter()
                .map(|what| plan.find(what).expect(what))
                .collect();
            assert!(places.is_sorted(), "{first} {gap}: {plan}");
        }
    }
}

#[test]
fn each_encoding_of_a_file_is_read() {
    use std::io::Write;
    let har = String::from_utf8(of(&with(r#"{"type":"send","data":"é"}"#))).unwrap();
    let big: Vec<u8> = har.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let little: Vec<u8> = har.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(har.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    for bytes in [
        har.as_bytes().to_vec(),
        [b"\xef\xbb\xbf", har.as_bytes()].concat(),
        [&b"\xfe\xff"[..], &big].concat(),
        [&b"\xff\xfe"[..], &little].concat(),
        big,
        little,
        packed.clone(),
    ] {
        let made = import(&bytes, "x").expect("text");
        assert!(made.plan.contains(">é<"), "{}", made.plan);
    }
    assert!(matches!(import(&packed[..20], "x"), Err(Refusal::NoHar(_))));
    // A letter of Latin-1, which is no UTF-8.
    let latin: Vec<u8> = of(&with(r#"{"type":"send","data":"Z"}"#))
        .into_iter()
        .map(|byte| if byte == b'Z' { 0xe9 } else { byte })
        .collect();
    assert!(import(&latin, "x").unwrap().plan.contains(">\u{fffd}<"));
}

#[test]
fn upgrades_that_opened_nothing_are_told_and_left_out() {
    let refused = r#"{"request":{"url":"ws://h/busy"},"response":{"status":429,"headers":[{"name":"retry-after","value":"2"}]},"_resourceType":"websocket"}"#;
    let proxied = r#"{"request":{"url":"http://h/moved","headers":[{"name":"Upgrade","value":"websocket"}]},"response":{"status":302}}"#;
    let never = r#"{"request":{"url":"ws://h/never"},"response":{"status":-1}}"#;
    let http2 = r#"{"request":{"url":"https://h/two"},"response":{"status":200},"_webSocketMessages":[]}"#;
    let all = [refused, refused, proxied, never].join(",");
    assert_eq!(import(&of(&all), "x"), Err(Refusal::NoneOpened(4)));
    let made = import(
        &of(&format!(
            "{all},{http2},{}",
            with(r#"{"type":"send","data":"a"}"#)
        )),
        "x",
    )
    .unwrap();
    assert_eq!(samplers(&made.plan), 5, "two sockets: {}", made.plan);
    let notes = made.notes.join("\n");
    for note in [
        "ws://h/busy was answered with 429 (Retry-After: 2), 2 times in the recording",
        "ws://h/moved was answered with 302 in the recording",
        "ws://h/never was never opened",
        "wss://h/two has no message",
    ] {
        assert!(notes.contains(note), "{note}: {notes}");
    }
}

#[test]
fn an_address_is_what_a_client_can_connect_to() {
    for (url, server, path) in [
        ("HTTP://h:80/a#b", "ws://h:80", "${server}/a"),
        ("WSS://[::1]:9/", "wss://[::1]:9", "${server}/"),
        ("wss://me:p%40ss@h/?x", "wss://h", "${server}/?x"),
    ] {
        let plan = plan(&format!(r#"{{"request":{{"url":"{url}"}},{MESSAGES}}}"#));
        assert!(plan.contains(&format!("${{__P(server,{server})}}")), "{plan}");
        assert!(plan.contains(&format!(">{path}<")), "{plan}");
        // What a browser makes of user and password.
        assert_eq!(plan.contains(">Basic bWU6cEBzcw==<"), url.contains('@'), "{plan}");
    }
    for url in [
        "",
        "/a",
        "ws://",
        "ftp://h/",
        "ws://${host}/",
        "ws://a,b/",
        "ws://a b/",
    ] {
        let entry = format!(r#"{{"request":{{"url":"{url}"}},{MESSAGES}}}"#);
        assert_eq!(import(&of(&entry), "x"), Err(Refusal::NoSocket(1)), "{url}");
    }
}

#[test]
fn an_id_behind_a_packets_head_is_found_and_may_be_another_sockets_key() {
    let plan = plan(&format!(
        "{},{}",
        with(
            r#"{"type":"send","time":1,"data":"420[\"join\"]"},{"type":"receive","time":1.1,"data":"430[{\"server\":\"m-123456\"}]"},{"type":"send","time":1.2,"data":"42[\"say\",\"m-123456\"]"}"#
        ),
        r#"{"startedDateTime":"1970-01-01T00:00:02Z","request":{"url":"ws://h/feed?token=m-123456"},"_webSocketMessages":[]}"#,
    ));
    // ${server} is where it connects to.
    assert_eq!(count(&plan, "${server3}"), 0, "{plan}");
    assert_eq!(
        count(
            &plan,
            "<stringProp name=\"RegexExtractor.refname\">server2</stringProp>"
        ),
        1,
        "{plan}"
    );
    assert_eq!(
        count(&plan, "42[&quot;say&quot;,&quot;${server2}&quot;]"),
        1,
        "{plan}"
    );
    assert!(plan.contains(">${server}/feed?token=${server2}<"), "{plan}");
}

#[test]
fn a_long_pause_is_told() {
    let messages = |pause: u32| {
        with(&format!(
            r#"{{"type":"send","time":1,"data":"a"}},{{"type":"send","time":{},"data":"b"}}"#,
            1 + pause
        ))
    };
    for (pause, is_told) in [(60, false), (600, true)] {
        let made = import(&of(&messages(pause)), "x").unwrap();
        let is_said = made
            .notes
            .iter()
            .any(|note| note.contains("longest pause is 600 s"));
        assert_eq!(is_said, is_told, "{:?}", made.notes);
    }
}

#[test]
fn a_message_beyond_what_samplers_take_is_taken_all_the_same() {
    let large = "a".repeat((16 << 20) + 1);
    let small = plan(&with(r#"{"type":"receive","data":"a"}"#));
    assert!(!small.contains("wsb.maxMessageSize"));
    let large = plan(&with(&format!(r#"{{"type":"receive","data":"{large}"}}"#)));
    assert!(large.contains("<stringProp name=\"wsb.maxMessageSize\">17M</stringProp>"));
}

#[test]
fn requests_are_asked_for_and_only_those_that_sockets_need() {
    let page = r#"{"startedDateTime":"2026-11-20T10:00:00Z","request":{"url":"http://h/"},"response":{"status":200,"content":{"text":"build 20261120"}}}"#;
    let login = r#"{"startedDateTime":"2026-11-20T10:00:01Z","request":{"method":"post","url":"https://id/login","headers":[{"name":"If-None-Match","value":"x"}],
        "postData":{"params":[{"name":"user name","value":"a&b"}]}},"response":{"status":200,"content":{"encoding":"base64","text":"eyJ0aWNrZXQiOiJ0LTEyMzQ1NiJ9"}}}"#;
    let failed = login.replace("200", "500");
    let late = login.replace("10:00:01", "11:00:00");
    let socket = r#"{"startedDateTime":"2026-11-20T10:00:02Z","request":{"url":"ws://h/?t=t-123456"},"_webSocketMessages":[{"type":"send","time":1795168802.1,"data":"a"}]}"#;
    let of = |login: &str, http: bool| {
        let har = of(&format!("{socket},{login},null,{page}"));
        recording::import(&har, "x", http).unwrap()
    };
    let without = of(login, false);
    assert_eq!(count(&without.plan, "HTTPSamplerProxy"), 0);
    assert!(
        without.notes[0].contains("1 requests gave what the sockets use: POST https://id/login. With --http"),
        "{:?}",
        without.notes
    );
    assert!(
        without.notes[1].starts_with("3 other requests"),
        "{:?}",
        without.notes
    );
    let with = of(login, true);
    assert_eq!(
        count(&with.plan, "testclass=\"HTTPSamplerProxy\""),
        1,
        "{}",
        with.plan
    );
    for part in [
        ">${site}/login<",
        ">user%20name=a%26b<",
        ">POST<",
        ">${server}/?t=${ticket}<",
        "${__P(site,https://id)}",
    ] {
        assert!(with.plan.contains(part), "{part}: {}", with.plan);
    }
    assert!(
        !with.plan.contains("If-None-Match"),
        "it has to be answered each time"
    );
    for useless in [failed, late] {
        assert_eq!(
            count(&of(&useless, true).plan, "HTTPSamplerProxy"),
            0,
            "{useless}"
        );
    }
}

/// The work has to grow as the recording does: what compares each with each takes an hour for these.
#[test]
fn a_recording_of_many_ids_sockets_and_servers_is_no_work() {
    let each = |nth: usize| {
        format!(
            r#"{{"type":"receive","time":{nth},"data":"{{\"id\":\"id-{nth}99\"}}"}},{{"type":"send","time":{nth},"data":"{{\"of\":\"id-{nth}99\"}}"}}"#
        )
    };
    let messages: Vec<_> = (100_000..145_000).map(each).collect();
    let sockets =
        (0..5_000).map(|nth| format!(r#"{{"request":{{"url":"ws://h{nth}/"}},"_webSocketMessages":[]}}"#));
    let entries: Vec<_> = sockets.chain([with(&messages.join(","))]).collect();
    let begin = std::time::Instant::now();
    let plan = plan(&entries.join(","));
    assert_eq!(count(&plan, "testclass=\"JSONPostProcessor\""), 45_000);
    assert!(begin.elapsed().as_secs() < 60, "{:?}", begin.elapsed());
}
