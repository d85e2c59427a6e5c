//! The keys of the samplers that use an open connection: what they send, what they wait for, how they close.

use super::{DEFAULTS, Key, Kind, choice, key};

const SENDING: &[&str] = &["SendSampler", "ExchangeSampler", DEFAULTS];
const PAYLOAD: &[&str] = &["SendSampler", "ExchangeSampler", "PingSampler", DEFAULTS];
const TIMED: &[&str] = &[
    "SendSampler",
    "ReceiveSampler",
    "ExchangeSampler",
    "PingSampler",
    DEFAULTS,
];
const WAITING: &[&str] = &["ReceiveSampler", "ExchangeSampler", DEFAULTS];
const REPEATING: &[&str] = &["ExchangeSampler", DEFAULTS];
const PINGING: &[&str] = &["PingSampler", DEFAULTS];
const CLOSING: &[&str] = &["CloseSampler", DEFAULTS];

const fn of(elements: &'static [&'static str], key: Key) -> Key {
    Key { elements, ..key }
}

pub(super) const KEYS: &[Key] = &[
    of(
        PAYLOAD,
        choice(
            "message",
            "wsb.payloadType",
            "Payload is",
            &["text", "hex", "base64", "file", "file-text", "file-raw"],
            "text",
            "text goes out as a text message, hex and base64 as the bytes they stand for, file as the bytes of a file, file-text as its text with variables replaced, file-raw as its text as it stands.",
        ),
    ),
    of(
        PAYLOAD,
        key(
            "message",
            "wsb.payload",
            "Payload",
            Kind::Text,
            "",
            "What to send, in the form that the payload's type says; a ping takes at most 125 bytes.",
        ),
    ),
    of(
        PAYLOAD,
        key(
            "message",
            "wsb.payloadFile",
            "Payload file",
            Kind::File,
            "",
            "File to send where the payload's type is file, file-text or file-raw; read once.",
        ),
    ),
    of(
        PAYLOAD,
        key(
            "message",
            "wsb.payload.charset",
            "File's charset",
            Kind::Text,
            "UTF-8",
            "Charset of the file where the payload's type is file-text or file-raw; bytes that stand for nothing in it fail the sample. What is sent is UTF-8.",
        ),
    ),
    of(
        PINGING,
        choice(
            "message",
            "wsb.ping.mode",
            "Send a",
            &["ping", "pong"],
            "ping",
            "ping: waits for its pong; pong: nobody asked for it, and nothing is waited for.",
        ),
    ),
    of(
        SENDING,
        key(
            "message",
            "wsb.fragmentSize",
            "Fragment size",
            Kind::Size,
            "",
            "Sends the message in frames of at most so many bytes; empty: in one frame.",
        ),
    ),
    of(
        REPEATING,
        key(
            "message",
            "wsb.repeat",
            "Repeat",
            Kind::Integer,
            "1",
            "Exchanges made in one sample, natively one after another; the sample then reports their spread.",
        ),
    ),
    of(
        TIMED,
        key(
            "message",
            "wsb.readTimeout",
            "Time-out",
            Kind::Duration,
            "6s",
            "Longest time to send and to wait for what is waited for; with repeat, of each exchange.",
        ),
    ),
    of(
        WAITING,
        choice(
            "match",
            "wsb.match.mode",
            "Message that",
            &[
                "next",
                "contains",
                "equals",
                "regex",
                "json",
                "binary-prefix",
                "binary-contains",
                "binary-equals",
            ],
            "next",
            "Which message is the awaited one: the next; one that contains, equals or (regex) matches the value; has it at a JSON Pointer (json); begins with these bytes in hex (binary-prefix), contains them or is them.",
        ),
    ),
    of(
        WAITING,
        key(
            "match",
            "wsb.match.value",
            "Value",
            Kind::Text,
            "",
            "What the awaited message has; for json empty means: the place is there, whatever its value.",
        ),
    ),
    of(
        WAITING,
        key(
            "match",
            "wsb.match.pointer",
            "JSON Pointer",
            Kind::Text,
            "",
            "Place in a JSON message (RFC 6901), as in /data/0/id; empty is the whole message.",
        ),
    ),
    of(
        WAITING,
        choice(
            "match",
            "wsb.match.kind",
            "Kind",
            &["any", "text", "binary"],
            "any",
            "Kind of the awaited message.",
        ),
    ),
    of(
        WAITING,
        key(
            "match",
            "wsb.match.count",
            "Count",
            Kind::Integer,
            "1",
            "How many matching messages to wait for; the last one is the sample's data.",
        ),
    ),
    of(
        WAITING,
        choice(
            "match",
            "wsb.match.others",
            "Other messages",
            &["discard", "keep", "fail"],
            "discard",
            "What happens to messages that do not match: discard, keep for a later sampler, or fail the sample; they are counted each time.",
        ),
    ),
    of(
        WAITING,
        key(
            "match",
            "wsb.match.discard",
            "Always discard",
            Kind::Text,
            "",
            "Messages that are discarded wherever they are met, whatever becomes of the others, as heartbeats: a condition a line, and one that is met is enough. Each is text or binary if it is for one kind, not to turn it round, then contains, equals, regex, json, binary-prefix, binary-contains or binary-equals, and its value (json: pointer and value).",
        ),
    ),
    of(
        WAITING,
        choice(
            "result",
            "wsb.result.discarded",
            "Discarded messages",
            &["none", "subresults"],
            "none",
            "subresults shows messages that the sample discarded as sub-results, at most 1000 and 1 MiB of them; JMeter's dashboard then counts them as samples.",
        ),
    ),
    of(
        WAITING,
        key(
            "match",
            "wsb.optional",
            "Optional",
            Kind::Boolean,
            "false",
            "true: no such message at all within the time-out is a success with the code No message; of several awaited, some are a failure.",
        ),
    ),
    of(
        CLOSING,
        key(
            "close",
            "wsb.close.code",
            "Code",
            Kind::Integer,
            "1000",
            "Close code to send (RFC 6455, section 7.4): 1000 to 1014 but for 1004 to 1006, or 3000 to 4999; 0 sends none.",
        ),
    ),
    of(
        CLOSING,
        key(
            "close",
            "wsb.close.reason",
            "Reason",
            Kind::Text,
            "",
            "Reason to send, at most 123 bytes.",
        ),
    ),
    of(
        CLOSING,
        key(
            "close",
            "wsb.close.timeout",
            "Time-out",
            Kind::Duration,
            "1s",
            "Longest wait for the server's close frame.",
        ),
    ),
    of(
        CLOSING,
        key(
            "close",
            "wsb.close.abort",
            "Abort",
            Kind::Boolean,
            "false",
            "true: ends TCP at once, without a close frame.",
        ),
    ),
];
