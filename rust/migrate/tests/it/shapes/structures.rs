//! Loops of other parts: timers, counters, questions, pauses, scripts in other places.

use super::{Shape, on_failure, scripted};
use crate::loops::{
    IN_LOOP, after, asked, before, body_extractor, break_loop, code_extractor, counter, http, if_asked, list,
    loop_of, pause, sampler_script, script, scripted_timer, timer, transaction, uniform, until,
};

pub(crate) const STRUCTURES: &[Shape] = &[
    (
        "its code kept",
        |s| {
            list(&[("code", "none")])
                + &until(
                    &asked(s, &["code!=200"]),
                    &http(
                        &(after(
                            s,
                            s.of(
                                "vars.put(\"code\", prev.getResponseCode());",
                                "vars.put(\"code\", prev.responseCode)",
                                "vars.put('code', prev.getResponseCode());",
                            ),
                        ) + &timer("1000")),
                    ),
                )
        },
        (&[">1000ms<"], &["no limit", "waited before the first try"]),
    ),
    (
        "while throttled",
        |s| {
            list(&[("code", "429")])
                + &until(
                    &asked(s, &["code==429"]),
                    &(http(&after(s, "vars.put(\"code\", prev.getResponseCode());")) + &timer("2000")),
                )
        },
        (&[">2000ms<"], &["after 429 only"]),
    ),
    (
        "its code extracted",
        |s| {
            list(&[("code", "none")])
                + &until(
                    &asked(s, &["code!=200"]),
                    &(http(&code_extractor("code")) + &timer("1000")),
                )
        },
        (&[">1000ms<"], &["no limit"]),
    ),
    (
        "the sampler's own flag",
        |s| {
            list(&[("n", "0")]) + &until(s.of("${__jexl3((\"${JMeterThread.last_sample_ok}\" != \"true\" || ${n} == 0) && ${n} < 5)}", "${__groovy((vars.get(\"JMeterThread.last_sample_ok\") != \"true\" || vars.get(\"n\") == \"0\") && vars.get(\"n\").toInteger() < 5)}", "${__javaScript((\"${JMeterThread.last_sample_ok}\" != \"true\" || ${n} == 0) && ${n} < 5)}"), &(http(&after(s, &s.counting(""))) + &timer("300")))
        },
        (&[">300ms<"], &["at most 5 tries"]),
    ),
    (
        "a Counter",
        |s| {
            list(&[("ok", "false"), ("n", "0")])
                + &until(
                    &asked(s, &["ok!=true", "n<4"]),
                    &(counter("n") + &http(&after(s, &s.remembering(s.succeeded(), "Thread.sleep(500);")))),
                )
        },
        (&[">500ms<"], &["one for all users"]),
    ),
    (
        "the loop's own index",
        |s| {
            list(&[("ok", "false")])
                + &until(
                    s.of(
                        &format!("${{__jexl3(\"${{ok}}\" != \"true\" && ${{{IN_LOOP}}} < 6)}}"),
                        &format!("${{__groovy(\"${{ok}}\" != \"true\" && ${{{IN_LOOP}}} < 6)}}"),
                        &format!("${{__javaScript(\"${{ok}}\" != \"true\" && ${{{IN_LOOP}}} < 6)}}"),
                    ),
                    &http(&after(s, &s.remembering(s.succeeded(), "Thread.sleep(400);"))),
                )
        },
        (&[">400ms<"], &["at most 6 tries"]),
    ),
    (
        "a random timer",
        |s| {
            list(&[("n", "0"), ("ok", "false")])
                + &until(
                    &asked(s, &["ok!=true", "n<4"]),
                    &(http(&after(s, &s.counting(&s.remembering(s.succeeded(), ""))))
                        + &uniform("1000", "500")),
                )
        },
        (&[">1000ms<"], &["a part that is drawn"]),
    ),
    (
        "a timer with a variable",
        |s| {
            list(&[("n", "0"), ("ok", "false")])
                + &until(
                    &asked(s, &["ok!=true", "n<4"]),
                    &(http(&after(s, &s.counting(&s.remembering(s.succeeded(), "")))) + &timer("${pause}")),
                )
        },
        (&[">${pause}<"], &["waits of ${pause}"]),
    ),
    (
        "a scripted timer",
        |s| {
            list(&[("n", "0"), ("ok", "false")])
                + &until(
                    &asked(s, &["ok!=true", "n<4"]),
                    &(http(&after(s, &s.counting(&s.remembering(s.succeeded(), ""))))
                        + &scripted_timer(s, "return 500 * Integer.parseInt(vars.get(\"n\"));")),
                )
        },
        (&[">500ms<"], &["500, 1000, 1500 ms"]),
    ),
    (
        "a pause after a failure",
        |s| {
            list(&[("n", "0"), ("ok", "false")])
                + &until(
                    &asked(s, &["ok!=true", "n<4"]),
                    &(http(&after(s, &s.counting(&s.remembering(s.succeeded(), ""))))
                        + &if_asked(&asked(s, &["ok!=true"]), &pause("900"))),
                )
        },
        (&[">900ms<"], &["900, 900, 900 ms"]),
    ),
    (
        "a hint by a pattern",
        |s| {
            on_failure(s, s.of(
        "String wait = \"1\"; for (line : prev.getResponseHeaders().split(\"\\n\")) { if (line.startsWith(\"Retry-After:\")) wait = line.substring(12).trim(); } Thread.sleep(Long.parseLong(wait) * 1000);",
        "def m = prev.responseHeaders =~ /(?i)retry-after:\\s*(\\d+)/\nsleep(m.find() ? m.group(1).toInteger() * 1000 : 1000)",
        "var wait = 1; var at = prev.getResponseHeaders().indexOf('Retry-After:'); if (at >= 0) { wait = prev.getResponseHeaders().substring(at + 12, at + 14).trim(); } java.lang.Thread.sleep(wait * 1000);"))
        },
        (&[">1000ms<"], &["what Retry-After says"]),
    ),
    (
        "a hint that is nowhere",
        |s| {
            on_failure(
                s,
                "Thread.sleep(Integer.parseInt(prev.getResponseHeader(\"Retry-After\")) * 1000);",
            )
        },
        (
            &["RetryController"],
            &[
                "ended with an error in its line",
                "prev.getResponseHeader, which JMeter does not have",
            ],
        ),
    ),
    (
        "set back by a sampler",
        |s| {
            sampler_script(s, "vars.put(\"n\", \"0\"); vars.put(\"ok\", \"false\");")
                + &until(
                    &asked(s, &["ok!=true", "n<4"]),
                    &http(&after(
                        s,
                        &s.counting(&s.remembering(s.succeeded(), "Thread.sleep(500);")),
                    )),
                )
        },
        (&[">500ms<"], &["what it set back, nothing uses any more"]),
    ),
    (
        "set back below the sampler before",
        |s| {
            http(&after(s, "vars.put(\"n\", \"0\"); vars.put(\"ok\", \"false\");"))
                + &until(
                    &asked(s, &["ok!=true", "n<4"]),
                    &http(&after(
                        s,
                        &s.counting(&s.remembering(s.succeeded(), "Thread.sleep(500);")),
                    )),
                )
        },
        (&[">500ms<"], &["what it set back"]),
    ),
    (
        "set back beside other work",
        |s| {
            sampler_script(
                s,
                "vars.put(\"n\", \"0\"); vars.put(\"ok\", \"false\"); vars.put(\"user\", \"anna\");",
            ) + &until(
                &asked(s, &["ok!=true", "n<4"]),
                &http(&after(
                    s,
                    &s.counting(&s.remembering(s.succeeded(), "Thread.sleep(500);")),
                )),
            )
        },
        (&[">500ms<", "anna"], &[]),
    ),
    (
        "asked for behind it",
        |s| {
            on_failure(s, "Thread.sleep(500);")
                + &if_asked(&asked(s, &["ok!=true"]), &http(""))
                + &if_asked(&asked(s, &["ok==true"]), &http(""))
        },
        (
            &[
                "${ok.stop}&quot; != &quot;succeeded",
                "${ok.stop}&quot; == &quot;succeeded",
            ],
            &[],
        ),
    ),
    (
        "two scripts",
        |s| {
            list(&[("n", "0"), ("ok", "false")])
                + &until(
                    &asked(s, &["ok!=true", "n<4"]),
                    &(http(&after(s, &s.counting("")))
                        + &after(s, &s.remembering(s.succeeded(), "Thread.sleep(500);"))),
                )
        },
        (&[">500ms<"], &[]),
    ),
    (
        "a transaction in it",
        |s| {
            list(&[("n", "0"), ("ok", "false")])
                + &until(
                    &asked(s, &["ok!=true", "n<4"]),
                    &transaction(&http(&after(
                        s,
                        &s.counting(&s.remembering(s.succeeded(), "Thread.sleep(500);")),
                    ))),
                )
        },
        (&[">500ms<", "TransactionController"], &[]),
    ),
    (
        "a script of its own",
        |s| {
            list(&[("n", "0"), ("ok", "false")])
                + &until(
                    &asked(s, &["ok!=true", "n<4"]),
                    &(http("")
                        + &sampler_script(
                            s,
                            &s.counting(&s.remembering(s.succeeded(), "Thread.sleep(500);")),
                        )),
                )
        },
        (&[">500ms<"], &[]),
    ),
    (
        "before the sampler",
        |s| {
            list(&[("n", "0"), ("ok", "false")])
                + &until(
                    &asked(s, &["ok!=true", "n<4"]),
                    &http(
                        &(before(
                            s,
                            "if (Integer.parseInt(vars.get(\"n\")) > 0) { Thread.sleep(500); }",
                        ) + &after(s, &s.counting(&s.remembering(s.succeeded(), "")))),
                    ),
                )
        },
        (&[">500ms<"], &["500, 500, 500 ms"]),
    ),
    (
        "failures hidden",
        |s| on_failure(s, "prev.setSuccessful(true); Thread.sleep(500);"),
        (&["attemptsShown\">success<"], &["hid failures"]),
    ),
    (
        "failures ignored",
        |s| on_failure(s, "prev.setIgnore(); Thread.sleep(500);"),
        (&["attemptsShown\">ignore<"], &["setIgnore"]),
    ),
    (
        "variables in the script",
        |s| {
            scripted(
                s,
                &format!(
                    "int n = ${{n}} + 1; vars.put(\"n\", \"\" + n); {}",
                    s.remembering(s.succeeded(), "Thread.sleep(500 * ${n} + 500);")
                ),
            )
        },
        (&[">500ms<"], &["500, 1000, 1500 ms"]),
    ),
    (
        "a flag the other way round",
        |s| {
            list(&[("n", "0"), ("again", "true")]) + &until(&asked(s, &["again==true", "n<4"]), &http(&after(s, &s.counting(s.of("if (prev.isSuccessful()) vars.put(\"again\", \"false\"); else Thread.sleep(500);", "if (prev.successful) vars.put(\"again\", \"false\")\nelse sleep 500", "if (prev.isSuccessful()) { vars.put('again', 'false'); } else { java.lang.Thread.sleep(500); }")))))
        },
        (&[">500ms<"], &[]),
    ),
    (
        "one put for both",
        |s| {
            scripted(s, &s.counting(s.of("vars.put(\"ok\", String.valueOf(prev.isSuccessful())); if (!prev.isSuccessful()) Thread.sleep(500);", "vars.put(\"ok\", prev.successful ? \"true\" : \"false\")\nif (!prev.successful) sleep(500)", "vars.put('ok', prev.isSuccessful() ? 'true' : 'false'); if (!prev.isSuccessful()) java.lang.Thread.sleep(500);")))
        },
        (&[">500ms<"], &[]),
    ),
    (
        "another wait for another status",
        |s| {
            on_failure(
                s,
                s.of(
                    "if (prev.getResponseCode().equals(\"429\")) Thread.sleep(2000); else Thread.sleep(100);",
                    "if (prev.responseCode == \"429\") sleep(2000) else sleep(100)",
                    "java.lang.Thread.sleep(prev.getResponseCode() == '429' ? 2000 : 100);",
                ),
            )
        },
        (&[">2000ms<"], &[]),
    ),
    (
        "the body judged",
        |s| {
            scripted(
                s,
                &s.counting(&s.remembering(
                    s.of(
                        "prev.getResponseDataAsString().contains(\"done\")",
                        "prev.responseDataAsString.contains(\"done\")",
                        "prev.getResponseDataAsString().indexOf('done') >= 0",
                    ),
                    "Thread.sleep(500);",
                )),
            )
        },
        (
            &["ResponseAssertion", ">done<", "test_type\">16<"],
            &["lacks \"done\""],
        ),
    ),
    (
        "the body judged the other way round",
        |s| {
            scripted(
                s,
                &s.counting(&s.remembering(
                    s.of(
                        "prev.isSuccessful() && !prev.getResponseDataAsString().contains(\"busy\")",
                        "prev.successful && !prev.responseDataAsString.contains(\"busy\")",
                        "prev.isSuccessful() && prev.getResponseDataAsString().indexOf('busy') < 0",
                    ),
                    "Thread.sleep(500);",
                )),
            )
        },
        (
            &["ResponseAssertion", ">busy<", "test_type\">20<"],
            &["has \"busy\""],
        ),
    ),
    (
        "so many times, if not yet",
        |s| {
            list(&[("ok", "false")])
                + &loop_of(
                    "5",
                    &if_asked(
                        &asked(s, &["ok!=true"]),
                        &http(&after(s, &s.remembering(s.succeeded(), "Thread.sleep(500);"))),
                    ),
                )
        },
        (&[">500ms<"], &["at most 5 tries"]),
    ),
    (
        "so many times, and out",
        |s| {
            loop_of(
                "5",
                &(http("")
                    + &if_asked(
                        s.of(
                            "${JMeterThread.last_sample_ok}",
                            "${__groovy(prev.isSuccessful())}",
                            "${__javaScript(\"${JMeterThread.last_sample_ok}\" == \"true\")}",
                        ),
                        &break_loop(),
                    )
                    + &pause("800")),
            )
        },
        (&[">800ms<"], &["at most 5 tries"]),
    ),
    (
        "a script in a file",
        |s| {
            list(&[("n", "0"), ("ok", "false")])
                + &until(
                    &asked(s, &["ok!=true", "n<4"]),
                    &http(&script(s, "PostProcessor", "", "retry.txt")),
                )
        },
        (&[">500ms<"], &["500, 500, 500 ms"]),
    ),
    (
        "polling",
        |s| {
            until(
                &asked(s, &["status!=done"]),
                &(http(&body_extractor("status")) + &timer("1500")),
            )
        },
        (
            &[
                "retry.while",
                "!= &quot;done&quot;)}<",
                ">fixed<",
                "transientBase\">1500<",
            ],
            &["waits 1500 ms"],
        ),
    ),
    (
        "polling a number of times",
        |s| {
            list(&[("n", "0")])
                + &until(
                    &asked(s, &["status!=done", "n<20"]),
                    &(counter("n") + &http(&body_extractor("status")) + &pause("${pause}")),
                )
        },
        (
            &["retry.while", "CounterConfig", "transientBase\">${pause}<"],
            &["it gives up after"],
        ),
    ),
    (
        "polling with a script that counts",
        |s| {
            list(&[("n", "0")])
                + &until(
                    &asked(s, &["status!=done", "n<20"]),
                    &(http(&(body_extractor("status") + &after(s, &s.counting("log.info(\"polled\");"))))
                        + &uniform("1000", "100")),
                )
        },
        (&["retry.while", "polled"], &["a part of its wait was drawn"]),
    ),
];
