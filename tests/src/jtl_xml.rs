//! JMeter's result file in its XML form, which alone holds what a sample received and sent.

use std::path::Path;

use roxmltree::{Document, Node};

use crate::jmeter::Jmeter;
use crate::jtl::Sample;
use crate::{Error, Result, at};

/// A sample with its texts.
#[derive(Debug, Clone)]
pub struct Detailed {
    /// Its figures.
    pub sample: Sample,
    /// What View Results Tree shows as the response.
    pub response: String,
    /// The response headers.
    pub response_headers: String,
    /// The request headers.
    pub request_headers: String,
    /// Its sub-results.
    pub children: Vec<Detailed>,
}

/// Has a run write this form, with everything in it.
#[must_use]
pub fn recorded_by(run: Jmeter) -> Jmeter {
    [
        "response_data",
        "responseHeaders",
        "requestHeaders",
        "samplerData",
        "bytes",
        "idle_time",
        "connect_time",
    ]
    .into_iter()
    .fold(
        run.property("jmeter.save.saveservice.output_format", "xml"),
        |run, part| run.property(&format!("jmeter.save.saveservice.{part}"), "true"),
    )
}

/// Reads such a file.
///
/// # Errors
/// When it cannot be read or is not as expected.
pub fn read(path: &Path) -> Result<Vec<Detailed>> {
    let text = std::fs::read_to_string(path).map_err(at(path))?;
    let wrong = |why: String| Error::Content {
        what: path.display().to_string(),
        why,
    };
    let text = legal(&text);
    let document = Document::parse(&text).map_err(|error| wrong(error.to_string()))?;
    samples(document.root_element()).map_err(wrong)
}

/// JMeter writes the control characters of binary data as references that XML 1.0 does not allow: their pictures stand for them.
fn legal(text: &str) -> String {
    let mut parts = text.split("&#x");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let picture = part.split_once(';').and_then(|(code, rest)| {
            let code = u32::from_str_radix(code, 16).ok()?;
            let control = code < 0x20 && ![9, 10, 13].contains(&code);
            Some((char::from_u32(0x2400 + code).filter(|_| control)?, rest))
        });
        match picture {
            Some((picture, rest)) => out.extend([&picture.to_string(), rest]),
            None => out.extend(["&#x", part]),
        }
    }
    out
}

fn samples(parent: Node<'_, '_>) -> std::result::Result<Vec<Detailed>, String> {
    parent
        .children()
        .filter(|node| matches!(node.tag_name().name(), "sample" | "httpSample"))
        .map(sample)
        .collect()
}

fn sample(node: Node<'_, '_>) -> std::result::Result<Detailed, String> {
    let text = |name: &str| node.attribute(name).unwrap_or_default().to_owned();
    let number = |name: &str| {
        text(name)
            .parse()
            .map_err(|_| format!("{name} is {:?}", text(name)))
    };
    let content = |name: &str| {
        let found = node.children().find(|child| child.tag_name().name() == name);
        found
            .and_then(|child| child.text())
            .unwrap_or_default()
            .to_owned()
    };
    Ok(Detailed {
        sample: Sample {
            started_ms: number("ts")?,
            elapsed_ms: number("t")?,
            label: text("lb"),
            code: text("rc"),
            message: text("rm"),
            thread: text("tn"),
            success: text("s") == "true",
            bytes: number("by")?,
            sent_bytes: number("sby")?,
            latency_ms: number("lt")?,
            idle_ms: number("it")?,
            connect_ms: number("ct")?,
            variables: std::collections::BTreeMap::new(),
        },
        response: content("responseData"),
        response_headers: content("responseHeader"),
        request_headers: content("requestHeader"),
        children: samples(node)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_sub_results_are_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let text = r#"<?xml version="1.0" encoding="UTF-8"?>
<testResults version="1.2">
<sample t="3" it="20" lt="2" ct="1" ts="1000" s="false" lb="Connect" rc="429" rm="Too Many Requests" tn="G 1-1" dt="text" by="150" sby="140">
  <sample t="1" it="0" lt="1" ct="0" ts="1000" s="false" lb="Connect - attempt" rc="429" rm="Too Many Requests" tn="G 1-1" dt="text" by="75" sby="70"/>
  <responseHeader class="java.lang.String">HTTP/1.1 429 Too Many Requests&#xd;
Retry-After: 2</responseHeader>
  <requestHeader class="java.lang.String">GET / HTTP/1.1</requestHeader>
  <responseData class="java.lang.String">slow &lt;down&gt;&#x1;&#xd;</responseData>
</sample>
</testResults>"#;
        std::fs::write(file.path(), text).unwrap();
        let [found] = read(file.path()).unwrap().try_into().unwrap();
        assert_eq!((found.sample.wall_ms(), found.sample.code.as_str()), (23, "429"));
        assert_eq!(found.response, "slow <down>\u{2401}\r");
        assert_eq!(found.request_headers, "GET / HTTP/1.1");
        assert!(found.response_headers.ends_with("Retry-After: 2"));
        assert_eq!(found.children[0].sample.label, "Connect - attempt");
    }
}
