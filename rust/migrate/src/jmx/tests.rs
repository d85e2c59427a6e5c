//! Plans of all shapes: what no change names keeps its bytes, and what is no plan is refused in time.

use super::{Change, DEEPEST, ItemId, LARGEST, NewElement, Plan, Refusal};
use proptest::prelude::*;

/// Parts of a plan that stand between elements or properties.
const BETWEEN: [&str; 5] = [
    "",
    "\n    ",
    "\r\n\t",
    "<!-- <a> & \"not\" an element -->",
    "  <?target some data?>\n",
];

/// Values as they stand in files.
const VALUES: [&str; 6] = [
    "",
    "text",
    "&lt;a b=&quot;c&quot;&gt; &#xd;&#10;&amp;amp;",
    "<![CDATA[<not> & an \"element\"]]>",
    "two\r\nlines",
    "gr\u{fc}\u{df}e &#x20AC; &#x0; &unknown;",
];

fn property() -> impl Strategy<Value = String> {
    let key = prop::sample::select(vec!["server", "other.key", "TestPlan.comments"]);
    (0..BETWEEN.len(), key, 0..VALUES.len(), any::<bool>()).prop_map(|(between, key, value, single)| {
        let (between, value) = (BETWEEN[between], VALUES[value]);
        if single {
            format!("{between}<stringProp name='{key}'>{value}</stringProp>")
        } else {
            format!("{between}<stringProp name=\"{key}\">{value}</stringProp >")
        }
    })
}

fn element() -> impl Strategy<Value = String> {
    let class = prop::sample::select(vec![
        "ThreadGroup",
        "org.example.Unknown",
        "HTTPSamplerProxy",
        "a-b:c",
    ]);
    let properties = prop::collection::vec(property(), 0..4);
    let leaf =
        (class, properties, 0..BETWEEN.len(), any::<bool>()).prop_map(|(class, properties, between, gui)| {
            let between = BETWEEN[between];
            let gui = if gui { " guiclass='Gui'" } else { "" };
            if properties.is_empty() {
                format!("{between}<{class} testname=\"A &amp; B\"{gui} testclass=\"{class}\"/>")
            } else {
                let properties = properties.concat();
                format!(
                    "{between}<{class}\n testname='it' enabled=\"true\"{gui}>{properties}{between}</{class}>"
                )
            }
        });
    leaf.prop_recursive(5, 40, 5, |inner| {
        (inner.clone(), prop::collection::vec(inner, 0..5)).prop_map(|(element, below)| {
            if below.is_empty() {
                format!("{element}<hashTree/>")
            } else {
                format!("{element}\n<hashTree>{}\n</hashTree>", below.concat())
            }
        })
    })
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(element(), 0..5).prop_map(|elements| {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<jmeterTestPlan version=\"1.2\">\n<hashTree>{}</hashTree></jmeterTestPlan>\n",
            elements.concat()
        )
    })
}

/// The same text in the bytes of a charset.
fn encoded(text: &str, charset: usize) -> Vec<u8> {
    let named = |name: &str| text.replacen("UTF-8", name, 1);
    match charset {
        0 => text.as_bytes().to_vec(),
        1 => [b"\xef\xbb\xbf", text.as_bytes()].concat(),
        2 => named("ISO-8859-1")
            .chars()
            .map(|c| u8::try_from(u32::from(c)).expect("these texts are Latin"))
            .collect(),
        3 => [
            &b"\xff\xfe"[..],
            &named("UTF-16")
                .encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect::<Vec<u8>>(),
        ]
        .concat(),
        _ => named("UTF-16")
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect(),
    }
}

fn plan(text: &str) -> Plan {
    Plan::read(text.as_bytes()).unwrap_or_else(|refusal| panic!("{refusal}: {text}"))
}

/// Where no text differs but between these places.
fn same_around(old: &str, new: &str, place: std::ops::Range<usize>) -> bool {
    let behind = &old[place.end..];
    new.starts_with(old[..place.start].trim_end()) && new.ends_with(behind)
}

proptest! {
    #[test]
    fn without_a_change_the_text_comes_back_in_the_same_bytes(text in text(), charset in 0_usize..5) {
        let bytes = encoded(&text, charset);
        let plan = Plan::read(&bytes).map_err(|refusal| TestCaseError::fail(refusal.to_string()))?;
        prop_assert_eq!(plan.write(plan.text()), bytes);
        prop_assert!(Change::of(&plan).done().is_none());
    }

    #[test]
    fn a_change_touches_only_its_element(text in text(), which in any::<prop::sample::Index>(), how in 0..3) {
        let plan = plan(&text);
        prop_assume!(!plan.items().is_empty());
        let item: ItemId = which.index(plan.items().len());
        let mut change = Change::of(&plan);
        let new = NewElement::new("org.example.New", "org.example.NewGui").with("server", "a<b>\r\n\"c\"&\0");
        match how {
            0 => change.convert(item, &new, &["other.key"]),
            1 => change.remove(item),
            _ => change.unwrap(item),
        }
        let bytes = change.done().expect("there is a change");
        let changed = String::from_utf8(bytes.clone()).expect("UTF-8, as before");
        let place = plan.place(item);
        prop_assert!(same_around(&text, &changed, place));
        let again = Plan::read(&bytes).map_err(|refusal| TestCaseError::fail(format!("{refusal}: {changed}")))?;
        let count = plan.items().len();
        let expected = match how {
            0 => count,
            1 => count - 1 - plan.inside(item).len(),
            _ => count - 1,
        };
        prop_assert_eq!(again.items().len(), expected, "{}", changed);
        if how == 0 {
            prop_assert_eq!(again.class(item), "org.example.New");
            prop_assert_eq!(again.name(item), plan.name(item));
            prop_assert_eq!(again.value_or(item, "server", ""), "a<b>\r\n\"c\"&\0");
            prop_assert_eq!(again.value_or(item, "other.key", "gone"), "gone");
            prop_assert_eq!(again.value_or(item, "TestPlan.comments", ""), plan.value_or(item, "TestPlan.comments", ""));
        }
    }

    #[test]
    fn a_damaged_plan_is_refused_or_read(text in text(), cut in any::<prop::sample::Index>(), byte in any::<u8>(), drop_rest in any::<bool>()) {
        let mut bytes = text.into_bytes();
        let at = cut.index(bytes.len());
        if drop_rest {
            bytes.truncate(at);
        } else {
            bytes[at] = byte;
        }
        if let Ok(plan) = Plan::read(&bytes) {
            prop_assert_eq!(plan.write(plan.text()), bytes);
            for item in plan.items() {
                let _ = (plan.name(item), plan.line(item), plan.texts(item).count());
            }
        }
    }
}

#[test]
fn a_new_property_has_the_depth_and_the_line_ends_of_its_neighbours() {
    let text = "<jmeterTestPlan version=\"1.2\">\r\n  <hashTree>\r\n    <Old testname=\"x\">\r\n      <stringProp name=\"a\">1</stringProp>\r\n      <!-- kept -->\r\n    </Old>\r\n    <hashTree/>\r\n    <Old/>\r\n  </hashTree>\r\n</jmeterTestPlan>";
    let plan = plan(text);
    let mut change = Change::of(&plan);
    let new = NewElement::new("New", "NewGui").with("b", "two\nlines");
    change.convert(0, &new, &["a"]);
    change.convert(1, &new, &[]);
    let changed = String::from_utf8(change.done().unwrap()).unwrap();
    let expected = "<jmeterTestPlan version=\"1.2\">\r\n  <hashTree>\r\n    <New guiclass=\"NewGui\" testclass=\"New\" testname=\"x\">\r\n      <stringProp name=\"b\">two\r\nlines</stringProp>\r\n      <!-- kept -->\r\n    </New>\r\n    <hashTree/>\r\n    <New guiclass=\"NewGui\" testclass=\"New\">\r\n      <stringProp name=\"b\">two\r\nlines</stringProp>\r\n    </New>\r\n  </hashTree>\r\n</jmeterTestPlan>";
    assert_eq!(changed, expected);
}

#[test]
fn what_is_no_plan_is_refused_with_its_line() {
    let deep = "<a>".repeat(DEEPEST + 1);
    for (text, said) in [
        ("", "line 1: is no well-formed XML: nothing is in it"),
        (
            "a recording",
            "line 1: is no well-formed XML: text outside of the root element",
        ),
        ("<testResults version=\"1.2\"/>", "its root is <testResults>"),
        ("<jmeterTestPlan version=\"1.0\"/>", "format \"1.0\""),
        (
            "<jmeterTestPlan version=\"1.2\">\n<a></b>",
            "line 2: is no well-formed XML",
        ),
        (
            "<jmeterTestPlan version=\"1.2\">\n\n<hashTree>",
            "the element of line 3 has no end",
        ),
        (
            "<jmeterTestPlan version=\"1.2\" version=\"1.2\"/>",
            "is no well-formed XML",
        ),
        ("<a/><b/>", "several root elements"),
        (
            "<!DOCTYPE a [<!ENTITY b \"bb\"><!ENTITY c \"&b;&b;\">]>\n<a>&c;</a>",
            "has a document type",
        ),
        (&deep, "inside each other"),
    ] {
        let refusal = Plan::read(text.as_bytes()).unwrap_err().to_string();
        assert!(refusal.contains(said), "{refusal}");
    }
    let large = vec![b' '; LARGEST + 1];
    assert_eq!(Plan::read(&large).unwrap_err(), Refusal::TooLarge(LARGEST + 1));
}
