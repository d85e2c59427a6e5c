//! Parts of plans with loops, written as JMeter writes them.

/// The language of a loop's scripts and condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spelling {
    BeanShell,
    Groovy,
    JavaScript,
}

/// The variable in which a While Controller of this name counts.
pub(crate) const IN_LOOP: &str = "__jm__Until it works__idx";

/// A script in BeanShell that waits 500 ms after a failure.
pub(crate) const COUNT_AND_REMEMBER: &str = "int n = Integer.parseInt(vars.get(\"n\")) + 1;\n\
    vars.put(\"n\", String.valueOf(n));\nif (prev.isSuccessful()) { vars.put(\"ok\", \"true\"); } else { Thread.sleep(500); }\n";

impl Spelling {
    pub(crate) const ALL: [Self; 3] = [Self::BeanShell, Self::Groovy, Self::JavaScript];

    pub(crate) fn of<'t>(self, beanshell: &'t str, groovy: &'t str, javascript: &'t str) -> &'t str {
        match self {
            Self::BeanShell => beanshell,
            Self::Groovy => groovy,
            Self::JavaScript => javascript,
        }
    }

    pub(crate) fn succeeded(self) -> &'static str {
        self.of(
            "prev.isSuccessful()",
            "prev.successful",
            "prev.isSuccessful() === true",
        )
    }

    /// Counts up n, then does something else.
    pub(crate) fn counting(self, then: &str) -> String {
        let count = self.of(
            "int n = Integer.parseInt(vars.get(\"n\")) + 1;\nvars.put(\"n\", String.valueOf(n));\n",
            "def n = (vars.get(\"n\") ?: \"0\").toInteger() + 1\nvars.put(\"n\", n as String)\n",
            "var n = parseInt(vars.get('n')) + 1;\nvars.put('n', n.toString());\n",
        );
        format!("{count}{then}")
    }

    /// Sets ok when something holds, else does something.
    pub(crate) fn remembering(self, when: &str, or: &str) -> String {
        match self {
            Self::BeanShell => {
                format!("if ({when}) {{\n    vars.put(\"ok\", \"true\");\n}} else {{\n    {or}\n}}\n")
            }
            Self::Groovy => format!("if ({when}) {{ vars.put(\"ok\", \"true\") }}\nelse {{\n    {or}\n}}\n"),
            Self::JavaScript => {
                let or = or
                    .replace("Thread.sleep", "java.lang.Thread.sleep")
                    .replace("java.lang.java.lang.", "java.lang.");
                format!("if ({when}) vars.put('ok', 'true'); else {{ {or} }}\n")
            }
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

pub(crate) fn element(class: &str, name: &str, properties: &[(&str, &str)], inner: &str) -> String {
    let properties: String = properties
        .iter()
        .map(|(key, value)| format!("<stringProp name=\"{key}\">{}</stringProp>", escaped(value)))
        .collect();
    format!(
        "<{class} guiclass=\"X\" testclass=\"{class}\" testname=\"{name}\">{properties}</{class}><hashTree>{inner}</hashTree>"
    )
}

pub(crate) fn plan(inner: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<jmeterTestPlan version=\"1.2\"><hashTree>{}</hashTree></jmeterTestPlan>",
        element(
            "TestPlan",
            "Plan",
            &[],
            &element("ThreadGroup", "Users", &[("LoopController.loops", "1")], inner)
        )
    )
}

/// User Defined Variables.
pub(crate) fn list(variables: &[(&str, &str)]) -> String {
    let one = |(name, value): &(&str, &str)| {
        format!(
            "<elementProp name=\"{name}\" elementType=\"Argument\"><stringProp name=\"Argument.name\">{name}</stringProp>\
             <stringProp name=\"Argument.value\">{value}</stringProp></elementProp>"
        )
    };
    let all: String = variables.iter().map(one).collect();
    format!(
        "<Arguments guiclass=\"ArgumentsPanel\" testclass=\"Arguments\" testname=\"State\"><collectionProp name=\"Arguments.arguments\">{all}</collectionProp></Arguments><hashTree/>"
    )
}

pub(crate) fn until(condition: &str, inner: &str) -> String {
    element(
        "WhileController",
        "Until it works",
        &[("WhileController.condition", condition)],
        inner,
    )
}

pub(crate) fn loop_of(times: &str, inner: &str) -> String {
    element(
        "LoopController",
        "Tries",
        &[("LoopController.loops", times)],
        inner,
    )
}

pub(crate) fn if_asked(condition: &str, inner: &str) -> String {
    element(
        "IfController",
        "If",
        &[
            ("IfController.condition", condition),
            ("IfController.useExpression", "true"),
        ],
        inner,
    )
}

/// A condition of questions as `ok!=true` and `n<4`.
pub(crate) fn asked(s: Spelling, questions: &[&str]) -> String {
    let one = |question: &&str| {
        for mark in ["!=", "=="] {
            if let Some((name, text)) = question.split_once(mark) {
                return match s {
                    Spelling::Groovy => format!("vars.get(\"{name}\") {mark} \"{text}\""),
                    _ => format!("\"${{{name}}}\" {mark} \"{text}\""),
                };
            }
        }
        let (name, number) = question.split_once('<').unwrap();
        match s {
            Spelling::Groovy => format!("vars.get(\"{name}\").toInteger() < {number}"),
            _ => format!("${{{name}}} < {number}"),
        }
    };
    let all: Vec<String> = questions.iter().map(one).collect();
    let function = s.of("__jexl3", "__groovy", "__javaScript");
    format!("${{{function}({})}}", all.join(" && "))
}

pub(crate) fn http(inner: &str) -> String {
    element("HTTPSamplerProxy", "Call", &[("HTTPSampler.path", "/api")], inner)
}

/// An Open of another plugin.
pub(crate) fn open(inner: &str) -> String {
    element(
        "eu.luminis.jmeter.wssampler.OpenWebSocketSampler",
        "Open",
        &[("server", "localhost"), ("port", "80"), ("path", "/agents")],
        inner,
    )
}

pub(crate) fn script(s: Spelling, kind: &str, text: &str, file: &str) -> String {
    let (class, key) = match (s, kind) {
        (Spelling::BeanShell, "Sampler") => ("BeanShellSampler".to_owned(), "BeanShellSampler.query"),
        (Spelling::BeanShell, kind) => (format!("BeanShell{kind}"), "script"),
        (_, kind) => (format!("JSR223{kind}"), "script"),
    };
    let language = s.of("beanshell", "groovy", "javascript");
    element(
        &class,
        "Script",
        &[("scriptLanguage", language), ("filename", file), (key, text)],
        "",
    )
}

pub(crate) fn after(s: Spelling, text: &str) -> String {
    script(s, "PostProcessor", text, "")
}

pub(crate) fn before(s: Spelling, text: &str) -> String {
    script(s, "PreProcessor", text, "")
}

pub(crate) fn sampler_script(s: Spelling, text: &str) -> String {
    script(s, "Sampler", text, "")
}

pub(crate) fn scripted_timer(s: Spelling, text: &str) -> String {
    script(s, "Timer", text, "")
}

pub(crate) fn timer(delay: &str) -> String {
    element("ConstantTimer", "Wait", &[("ConstantTimer.delay", delay)], "")
}

pub(crate) fn uniform(delay: &str, range: &str) -> String {
    element(
        "UniformRandomTimer",
        "Wait",
        &[("ConstantTimer.delay", delay), ("RandomTimer.range", range)],
        "",
    )
}

pub(crate) fn pause(duration: &str) -> String {
    element(
        "TestAction",
        "Pause",
        &[
            ("ActionProcessor.action", "1"),
            ("ActionProcessor.duration", duration),
        ],
        "",
    )
}

pub(crate) fn break_loop() -> String {
    element("TestAction", "Out", &[("ActionProcessor.action", "5")], "")
}

pub(crate) fn counter(name: &str) -> String {
    element(
        "CounterConfig",
        "Counter",
        &[
            ("CounterConfig.name", name),
            ("CounterConfig.start", "1"),
            ("CounterConfig.incr", "1"),
            ("CounterConfig.per_user", "false"),
        ],
        "",
    )
}

pub(crate) fn code_extractor(name: &str) -> String {
    element(
        "RegexExtractor",
        "Code",
        &[
            ("RegexExtractor.useHeaders", "code"),
            ("RegexExtractor.refname", name),
            ("RegexExtractor.regex", "(.*)"),
        ],
        "",
    )
}

pub(crate) fn body_extractor(name: &str) -> String {
    element(
        "RegexExtractor",
        "Status",
        &[
            ("RegexExtractor.useHeaders", "false"),
            ("RegexExtractor.refname", name),
            ("RegexExtractor.regex", "status\\W+(\\w+)"),
        ],
        "",
    )
}

pub(crate) fn assertion() -> String {
    element(
        "ResponseAssertion",
        "Asserts",
        &[("Assertion.test_field", "Assertion.response_data")],
        "",
    )
}

pub(crate) fn include(file: &str) -> String {
    element(
        "IncludeController",
        "Include",
        &[("IncludeController.includepath", file)],
        "",
    )
}

pub(crate) fn transaction(inner: &str) -> String {
    element("TransactionController", "Transaction", &[], inner)
}
