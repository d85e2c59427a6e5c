//! JMeter's own elements for the requests beside the sockets.

use super::xml::Plan;
use crate::steps::{Asking, apart};
use crate::words::Words;

impl Plan {
    /// One user's cookies, for requests and upgrades.
    pub(super) fn cookies(&mut self) {
        self.element(
            "CookieManager",
            "CookiePanel",
            "CookieManager",
            "Cookies",
            |plan| {
                plan.inside("collectionProp", &[("name", "CookieManager.cookies")], |_| {});
                plan.property("boolProp", "CookieManager.clearEachIteration", "true");
                plan.property("boolProp", "CookieManager.controlledByThreadGroup", "false");
            },
        );
        self.leaf();
    }

    pub(super) fn request(&mut self, url: &Words, asking: &Asking, place: &str) {
        let path = apart(&asking.url).1;
        let path = path.split('?').next().unwrap_or_default();
        let name = format!("{place} {} {path}", asking.method);
        self.element(
            "HTTPSamplerProxy",
            "HttpTestSampleGui",
            "HTTPSamplerProxy",
            &name,
            |plan| {
                plan.property(
                    "boolProp",
                    "HTTPSampler.postBodyRaw",
                    if asking.body.is_some() { "true" } else { "false" },
                );
                let list = [("name", "HTTPsampler.Arguments"), ("elementType", "Arguments")];
                plan.inside("elementProp", &list, |plan| {
                    plan.inside("collectionProp", &[("name", "Arguments.arguments")], |plan| {
                        if let Some(body) = &asking.body {
                            plan.body(body);
                        }
                    });
                });
                // It takes a whole address, too.
                plan.string("HTTPSampler.path", &url.written());
                plan.string("HTTPSampler.method", &asking.method);
                plan.string("HTTPSampler.contentEncoding", "UTF-8");
                // Each hop was recorded by itself.
                plan.property("boolProp", "HTTPSampler.follow_redirects", "false");
                plan.property("boolProp", "HTTPSampler.auto_redirects", "false");
                plan.property("boolProp", "HTTPSampler.use_keepalive", "true");
            },
        );
    }

    fn body(&mut self, body: &Words) {
        self.inside(
            "elementProp",
            &[("name", ""), ("elementType", "HTTPArgument")],
            |plan| {
                plan.property("boolProp", "HTTPArgument.always_encode", "false");
                plan.string("Argument.value", &body.written());
                plan.string("Argument.metadata", "=");
            },
        );
    }
}
