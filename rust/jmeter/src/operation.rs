//! Turns the JSON of one message element into a checked operation, or the first property that is wrong.

use std::borrow::Cow;
use std::collections::BTreeMap;

use engine::talking::operation::{Action, CloseSpec, Payload};
use serde::Deserialize;
use websocket::MessageKind;

use super::encoding::{base64, hex};
use super::matching::awaited;
use super::values::{Invalid, Values};

/// A ping's payload (RFC 6455, section 5.5).
const MAX_CONTROL: usize = 125;

/// One message element as Java sends it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperationRequest {
    /// Simple class name of the element.
    pub element: String,
    /// Its `wsb.*` properties.
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
}

/// What a message element does, and in which form its payload is written.
#[derive(Debug)]
pub struct Operation {
    /// For the engine.
    pub checked: engine::talking::operation::Operation,
    /// `None`: it has no payload.
    form: Option<Form>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Hex,
    Base64,
    File,
    FileText,
    FileRaw,
}

impl Operation {
    /// Checks an element. `None`: there is no such element.
    pub fn new(request: OperationRequest) -> Option<Result<Self, Invalid>> {
        let read: fn(&Values) -> Result<Action, Invalid> = match request.element.as_str() {
            "SendSampler" => |values| Ok(Action::Send(payload(values)?)),
            "ReceiveSampler" => |values| Ok(Action::Receive(awaited(values)?)),
            "ExchangeSampler" => exchange,
            "PingSampler" => ping,
            "CloseSampler" => close,
            _ => return None,
        };
        let timeout = match request.element.as_str() {
            "CloseSampler" => "wsb.close.timeout",
            _ => "wsb.readTimeout",
        };
        Some(Values::new(request.properties).and_then(|values| {
            // Of use only to who opens, yet nobody should believe that a wrong word does something.
            values.word("wsb.whenOpen", &[("replace", ()), ("reuse", ()), ("fail", ())])?;
            let action = read(&values)?;
            let form = match &action {
                Action::Receive(_) | Action::Close(_) => None,
                Action::Send(_) | Action::Exchange(..) | Action::Ping(_) => Some(form(&values)?),
            };
            let timeout = values.positive_duration(timeout)?;
            Ok(Operation {
                checked: engine::talking::operation::Operation { action, timeout },
                form,
            })
        }))
    }

    /// The bytes of a payload that a call brings, written in the element's form. `None`: the element's own is sent.
    ///
    /// # Errors
    /// What is given cannot be read in this form, or nothing is given for a file, which Java reads.
    pub fn read<'a>(&self, given: Option<&'a [u8]>) -> Result<Option<Cow<'a, [u8]>>, Invalid> {
        match (self.form, given) {
            (Some(form), Some(given)) => decoded(form, given).map(Some),
            (Some(Form::File | Form::FileText | Form::FileRaw), None) => Err(Invalid::new(
                "wsb.payloadFile",
                "",
                "its content was not given",
                "a file that can be read",
            )),
            _ => Ok(None),
        }
    }
}

fn exchange(values: &Values) -> Result<Action, Invalid> {
    let repeat = values.positive("wsb.repeat")?;
    Ok(Action::Exchange(payload(values)?, awaited(values)?, repeat))
}

fn ping(values: &Values) -> Result<Action, Invalid> {
    let payload = payload(values)?;
    if payload.bytes.len() > MAX_CONTROL {
        return Err(Invalid::new(
            "wsb.payload",
            values.raw("wsb.payload"),
            format!("{} bytes", payload.bytes.len()),
            "at most 125 bytes in a ping or a pong",
        ));
    }
    if values.word("wsb.ping.mode", &[("ping", false), ("pong", true)])? {
        return Ok(Action::Send(Payload {
            kind: MessageKind::Pong,
            ..payload
        }));
    }
    Ok(Action::Ping(payload))
}

fn close(values: &Values) -> Result<Action, Invalid> {
    const CODES: &str = "0 (none), 1000 to 1003, 1007 to 1014, 3000 to 4999";
    let code: u16 = values.parse("wsb.close.code", CODES)?;
    if !matches!(code, 0 | 1000..=1003 | 1007..=1014 | 3000..=4999) {
        let text = values.text("wsb.close.code");
        return Err(Invalid::new(
            "wsb.close.code",
            text,
            "not to be sent (RFC 6455, section 7.4)",
            CODES,
        ));
    }
    Ok(Action::Close(CloseSpec {
        code,
        reason: values.close_reason("wsb.close.reason")?.to_owned(),
        abort: values.boolean("wsb.close.abort")?,
    }))
}

fn form(values: &Values) -> Result<Form, Invalid> {
    values.word(
        "wsb.payloadType",
        &[
            ("text", Form::Text),
            ("hex", Form::Hex),
            ("base64", Form::Base64),
            ("file", Form::File),
            ("file-text", Form::FileText),
            ("file-raw", Form::FileRaw),
        ],
    )
}

fn payload(values: &Values) -> Result<Payload, Invalid> {
    let form = form(values)?;
    let fragment = if values.text("wsb.fragmentSize").is_empty() {
        None
    } else {
        Some(values.size("wsb.fragmentSize", 1)?)
    };
    Ok(Payload {
        kind: match form {
            Form::Text | Form::FileText | Form::FileRaw => MessageKind::Text,
            Form::Hex | Form::Base64 | Form::File => MessageKind::Binary,
        },
        bytes: decoded(form, values.raw("wsb.payload").as_bytes())?.into_owned(),
        fragment,
    })
}

fn decoded(form: Form, written: &[u8]) -> Result<Cow<'_, [u8]>, Invalid> {
    let wrong = |problem: String, allowed: &str| {
        Invalid::new("wsb.payload", String::from_utf8_lossy(written), problem, allowed)
    };
    match form {
        Form::File => Ok(Cow::Borrowed(written)),
        Form::Text | Form::FileText | Form::FileRaw => match std::str::from_utf8(written) {
            Ok(_) => Ok(Cow::Borrowed(written)),
            Err(error) => Err(wrong(
                format!("not UTF-8: {error}"),
                "UTF-8 in a text message; the type file sends bytes as they are",
            )),
        },
        Form::Hex => std::str::from_utf8(written)
            .map_err(|error| error.to_string())
            .and_then(hex)
            .map(Cow::Owned)
            .map_err(|problem| wrong(problem, "pairs of hex digits, as in 00ff10 or 00 ff 10")),
        Form::Base64 => base64(written)
            .map(Cow::Owned)
            .map_err(|problem| wrong(problem, "Base64, as in AP8Q")),
    }
}
