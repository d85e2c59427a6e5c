//! Elements of others in a plan: JMeter's own, and the incumbent's.

use std::net::SocketAddr;

use super::{Group, strings};

/// JMeter's own.
impl Group {
    /// Adds the elements of another group, which each user goes through in its first loop only.
    #[must_use]
    pub fn once(self, inner: &Group) -> Self {
        self.element(
            "OnceOnlyController",
            "OnceOnlyControllerGui",
            "Once",
            "",
            &inner.elements.concat(),
        )
    }

    /// Adds the elements of another group, which each user repeats for so many seconds.
    #[must_use]
    pub fn during(self, seconds: u32, inner: &Group) -> Self {
        let body = strings(&[("RunTime.seconds", &seconds.to_string())]);
        self.element(
            "RunTime",
            "RunTimeGui",
            "For a time",
            &body,
            &inner.elements.concat(),
        )
    }

    /// Adds JMeter's own TCP sampler: each user waits at this address until the other side ends the connection.
    #[must_use]
    pub fn wait_at(self, address: SocketAddr) -> Self {
        let (host, port) = (address.ip().to_string(), address.port().to_string());
        let body = strings(&[
            ("TCPSampler.classname", "TCPClientImpl"),
            ("TCPSampler.server", &host),
            ("TCPSampler.port", &port),
            ("TCPSampler.reUseConnection", "false"),
            ("TCPSampler.request", "waiting"),
        ]);
        self.element("TCPSampler", "TCPSamplerGui", "Wait", &body, "")
    }

    /// Adds the elements of another group, which each user goes through so many times.
    #[must_use]
    pub fn times(self, loops: u32, inner: &Group) -> Self {
        let body = strings(&[("LoopController.loops", &loops.to_string())])
            + &flag("LoopController.continue_forever", true);
        self.element(
            "LoopController",
            "LoopControlPanel",
            "Loop",
            &body,
            &inner.elements.concat(),
        )
    }

    /// Adds the elements of another group under a condition that holds.
    #[must_use]
    pub fn if_true(self, inner: &Group) -> Self {
        let body = strings(&[("IfController.condition", "true")]) + &flag("IfController.useExpression", true);
        self.element(
            "IfController",
            "IfControllerPanel",
            "If",
            &body,
            &inner.elements.concat(),
        )
    }

    /// Adds the elements of another group as a transaction with a sample of its own, after them and without their timers.
    #[must_use]
    pub fn transaction(self, name: &str, inner: &Group) -> Self {
        let body = [
            "TransactionController.includeTimers",
            "TransactionController.parent",
        ]
        .map(|key| flag(key, false))
        .concat();
        self.element(
            "TransactionController",
            "TransactionControllerGui",
            name,
            &body,
            &inner.elements.concat(),
        )
    }

    /// Adds JMeter's own HTTP Request, a GET at this machine, around what another group adds for it alone.
    #[must_use]
    pub fn http(self, name: &str, port: u16, path: &str, inner: &Group) -> Self {
        let body = strings(&[
            ("HTTPSampler.domain", "127.0.0.1"),
            ("HTTPSampler.port", &port.to_string()),
            ("HTTPSampler.protocol", "http"),
            ("HTTPSampler.path", path),
            ("HTTPSampler.method", "GET"),
        ]) + &flag("HTTPSampler.use_keepalive", true)
            + "<elementProp name=\"HTTPsampler.Arguments\" elementType=\"Arguments\">\
               <collectionProp name=\"Arguments.arguments\"/></elementProp>\n";
        self.element(
            "HTTPSamplerProxy",
            "HttpTestSampleGui",
            name,
            &body,
            &inner.elements.concat(),
        )
    }

    /// Adds an extractor: a variable is set to the first group of a pattern in each body.
    #[must_use]
    pub fn extract(self, variable: &str, pattern: &str) -> Self {
        let body = strings(&[
            ("RegexExtractor.useHeaders", "false"),
            ("RegexExtractor.refname", variable),
            ("RegexExtractor.regex", pattern),
            ("RegexExtractor.template", "$1$"),
            ("RegexExtractor.match_number", "1"),
        ]);
        self.element("RegexExtractor", "RegexExtractorGui", variable, &body, "")
    }

    /// Adds an assertion that a text is in the body, whatever the status.
    #[must_use]
    pub fn assert_has(self, text: &str) -> Self {
        const CONTAINS_SUBSTRING: u32 = 16;
        let body = format!(
            "<collectionProp name=\"Asserion.test_strings\">\n{}</collectionProp>\n{}{}\
             <intProp name=\"Assertion.test_type\">{CONTAINS_SUBSTRING}</intProp>\n",
            strings(&[("1", text)]),
            strings(&[("Assertion.test_field", "Assertion.response_data")]),
            flag("Assertion.assume_success", true),
        );
        self.element("ResponseAssertion", "AssertionGui", "Has", &body, "")
    }

    /// Adds a timer that has each user wait before each sample.
    #[must_use]
    pub fn timer(self, milliseconds: &str) -> Self {
        let body = strings(&[("ConstantTimer.delay", milliseconds)]);
        self.element("ConstantTimer", "ConstantTimerGui", "Timer", &body, "")
    }

    /// Adds a sampler that runs a BeanShell script, which may set `ResponseMessage` and `IsSuccess`.
    #[must_use]
    pub fn script(self, name: &str, script: &str) -> Self {
        let texts = [
            ("BeanShellSampler.query", script),
            ("BeanShellSampler.filename", ""),
            ("BeanShellSampler.parameters", ""),
        ];
        let body = strings(&texts) + &flag("BeanShellSampler.resetInterpreter", false);
        self.element("BeanShellSampler", "BeanShellSamplerGui", name, &body, "")
    }

    /// Adds an end of all users, by JMeter's Flow Control Action: after their samples, or now.
    #[must_use]
    pub fn stop_test(self, now: bool) -> Self {
        self.action(if now { "2" } else { "0" }, "2", "0")
    }

    /// Adds an end of the user that comes there.
    #[must_use]
    pub fn stop_user(self) -> Self {
        self.action("0", "0", "0")
    }

    /// Adds a pause of some milliseconds, or of a function's.
    #[must_use]
    pub fn pause(self, milliseconds: &str) -> Self {
        self.action("1", "0", milliseconds)
    }

    fn action(self, action: &str, target: &str, milliseconds: &str) -> Self {
        let texts = [
            ("ActionProcessor.action", action),
            ("ActionProcessor.target", target),
            ("ActionProcessor.duration", milliseconds),
        ];
        self.element("TestAction", "TestActionGui", "Pause", &strings(&texts), "")
    }
}

/// The incumbent's.
impl Group {
    /// Adds the incumbent's sampler, which opens a connection once.
    #[must_use]
    pub fn incumbent_open(self, name: &str, host: &str, port: u16, tls: bool) -> Self {
        let class = "eu.luminis.jmeter.wssampler.OpenWebSocketSampler";
        let port = port.to_string();
        let texts = [
            ("server", host),
            ("port", &port),
            ("path", "/"),
            ("connectTimeout", "20000"),
            ("readTimeout", "20000"),
        ];
        let body = format!("<boolProp name=\"TLS\">{tls}</boolProp>\n{}", strings(&texts));
        self.element(class, &format!("{class}Gui"), name, &body, "")
    }

    /// Adds the incumbent's sampler that sends a text over the open connection and waits for an answer.
    #[must_use]
    pub fn incumbent_exchange(self, name: &str, text: &str) -> Self {
        let class = "eu.luminis.jmeter.wssampler.RequestResponseWebSocketSampler";
        let flags = ["TLS", "createNewConnection", "loadDataFromFile"]
            .map(|key| format!("<boolProp name=\"{key}\">false</boolProp>\n"))
            .concat();
        let texts = [
            ("payloadType", "Text"),
            ("requestData", text),
            ("readTimeout", "20000"),
        ];
        self.element(
            class,
            &format!("{class}Gui"),
            name,
            &(flags + &strings(&texts)),
            "",
        )
    }

    /// Adds the incumbent's sampler that closes the connection.
    #[must_use]
    pub fn incumbent_close(self, name: &str) -> Self {
        let class = "eu.luminis.jmeter.wssampler.CloseWebSocketSampler";
        let body = strings(&[("statusCode", "1000"), ("readTimeout", "20000")]);
        self.element(class, &format!("{class}Gui"), name, &body, "")
    }
}

fn flag(name: &str, value: bool) -> String {
    format!("<boolProp name=\"{name}\">{value}</boolProp>\n")
}
