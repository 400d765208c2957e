//! What a client sent that is no message: its answer, with the id that can still be read in it.
//!
//! Good messages are parsed once and never looked at here again; only what could not be parsed is
//! looked at closely. One kind of text is mended instead of refused: half of a surrogate pair,
//! which `JSON.stringify` writes for text that was cut in the middle of a character.

use std::fmt;

use axum::body::Bytes;
use rmcp::model::ClientJsonRpcMessage;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Value, error::Category, json};

const PARSE_ERROR: i32 = -32_700;
const INVALID_REQUEST: i32 = -32_600;
const INVALID_PARAMS: i32 = -32_602;

/// Why something is no message.
#[derive(Debug, PartialEq)]
pub(crate) struct Refusal {
    id: Value,
    code: i32,
    why: String,
    /// A notification: nobody waits for an answer.
    pub(crate) unasked: bool,
}

/// Reads a message; `text` changes where it has to be mended.
pub(crate) fn read(text: &mut [u8]) -> Result<ClientJsonRpcMessage, Refusal> {
    let error = match serde_json::from_slice(text) {
        Ok(message) => return Ok(message),
        Err(error) => error,
    };
    if !mend(text) {
        return Err(Refusal::of(text, &error));
    }
    serde_json::from_slice(text).map_err(|error| Refusal::of(text, &error))
}

/// The same text without halves of surrogate pairs.
pub(crate) fn mended(text: Bytes) -> Bytes {
    // Without an escape there is nothing to look for.
    if !text.contains(&b'\\') {
        return text;
    }
    let mut own = text.to_vec();
    if mend(&mut own) { own.into() } else { text }
}

/// Replaces halves of surrogate pairs by U+FFFD, as text decoders do. Tells whether there were any.
fn mend(text: &mut [u8]) -> bool {
    let (mut at, mut mended) = (0, false);
    while let Some(next) = text.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == b'\\')) {
        let escape = at + next;
        at = escape
            + match (unit(text, escape), unit(text, escape + 6)) {
                (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
                (Some(0xd800..=0xdfff), _) => {
                    if let Some(digits) = text.get_mut(escape + 2..escape + 6) {
                        digits.copy_from_slice(b"fffd");
                        mended = true;
                    }
                    6
                }
                (Some(_), _) => 6,
                (None, _) => 2,
            };
    }
    mended
}

/// What `\uXXXX` at this place stands for.
fn unit(text: &[u8], at: usize) -> Option<u16> {
    let digits = text.get(at..at + 6)?.strip_prefix(b"\\u")?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

impl Refusal {
    /// Of something that is too long to be read. The beginning may hold the id.
    pub(crate) fn too_long(beginning: &[u8], limit: usize) -> Self {
        let (id, why) = (Seen::of(beginning).id(), format!("a message may have {} MiB at most", limit >> 20));
        Self { id, code: INVALID_REQUEST, why, unasked: false }
    }

    fn of(text: &[u8], error: &serde_json::Error) -> Self {
        let seen = Seen::of(text);
        let (code, why) = match error.classify() {
            Category::Syntax | Category::Eof | Category::Io => {
                (PARSE_ERROR, format!("parse error: {error}; a message is one line of JSON in UTF-8"))
            }
            Category::Data => {
                let (code, why) = seen.fault();
                (code, why.to_owned())
            }
        };
        let unasked = code != PARSE_ERROR && seen.method.is_some() && seen.ids == 0;
        Self { id: seen.id(), code, why, unasked }
    }

    /// The answer, as JSON.
    pub(crate) fn answer(&self) -> Value {
        json!({ "jsonrpc": "2.0", "id": self.id, "error": { "code": self.code, "message": self.why } })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.why)
    }
}

/// What can be read of something that is no message, up to where it cannot be read any more.
#[derive(Default)]
struct Seen {
    batch: bool,
    object: bool,
    version: bool,
    ids: u8,
    id: Option<Value>,
    method: Option<bool>,
    answers: bool,
}

impl Seen {
    fn of(text: &[u8]) -> Self {
        let mut seen = Self::default();
        // Ends at the place that cannot be read; what was seen before that place counts. Values
        // that are passed over may be as deep and their numbers as large as they like.
        let _ = serde_json::Deserializer::from_str(&String::from_utf8_lossy(text)).deserialize_any(&mut seen);
        seen
    }

    /// An id stands for one request, and a response repeats the id of a request of ours.
    fn id(&self) -> Value {
        let id = self.id.clone().filter(|id| id.is_string() || id.is_number());
        id.filter(|_| self.ids == 1 && !self.answers).unwrap_or_default()
    }

    /// What is wrong with JSON that is no message.
    fn fault(&self) -> (i32, &'static str) {
        let why = match self {
            Self { batch: true, .. } => "batches are not taken; send one message at a time",
            Self { object: false, .. } => "a message is a JSON object",
            Self { version: false, .. } => "jsonrpc must be \"2.0\"",
            Self { ids: 2.., .. } => "id comes twice",
            Self { id: Some(id), .. } if !(id.is_string() || id.is_i64()) => "id must be a string or an integer",
            Self { method: Some(_), answers: true, .. } => "a message is a request or a response, not both",
            Self { method: Some(false), .. } => "method must be a string",
            Self { method: None, answers: false, .. } => "a method is missing",
            Self { method: Some(true), .. } => {
                return (INVALID_PARAMS, "params must be an object, and so must their _meta");
            }
            Self { .. } => "this is no response",
        };
        (INVALID_REQUEST, why)
    }
}

impl<'de> Visitor<'de> for &mut Seen {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        self.batch = true;
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.object = true;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "jsonrpc" => self.version = map.next_value::<Value>()? == "2.0",
                "id" => {
                    self.ids = self.ids.saturating_add(1);
                    self.id = Some(map.next_value()?);
                }
                "method" => self.method = Some(map.next_value::<Value>()?.is_string()),
                "result" | "error" => {
                    self.answers = true;
                    map.next_value::<IgnoredAny>()?;
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Code, id and text of the answer to something that is no message.
    fn check(text: impl AsRef<[u8]>, code: i32, id: Value, why: &str) {
        let refusal = read(&mut text.as_ref().to_vec()).unwrap_err();
        let shown = String::from_utf8_lossy(text.as_ref()).chars().take(200).collect::<String>();
        assert_eq!((refusal.code, &refusal.id), (code, &id), "{shown}: {refusal:?}");
        assert!(refusal.why.contains(why), "{shown}: {refusal:?}");
    }

    /// A call with these arguments, as they stand.
    fn call(arguments: &str) -> String {
        let params = format!("{{\"name\":\"x\",\"arguments\":{arguments}}}");
        format!("{{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{params}}}")
    }

    #[test]
    fn what_cannot_be_parsed_is_a_parse_error_with_the_id_that_can_be_read() {
        let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
        check(call(&format!("{{\"deep\":{deep}}}")), PARSE_ERROR, json!(7), "recursion limit");
        check(call("{\"max_results\":1e999}"), PARSE_ERROR, json!(7), "number out of range");
        check(call("{\"a\":}"), PARSE_ERROR, json!(7), "expected value");
        check(call("{\"a\":\"half").trim_end_matches('}'), PARSE_ERROR, json!(7), "EOF");
        check([b"{\"id\":\"a\",\"b\":\"", &b"\xff\xfe\"}"[..]].concat(), PARSE_ERROR, json!("a"), "unicode");
        check("garbage", PARSE_ERROR, Value::Null, "expected value");
        check("{\"a\":tru,\"id\":7}", PARSE_ERROR, Value::Null, "parse error");
        check(deep, PARSE_ERROR, Value::Null, "recursion limit");
        check(format!("{}{}", call("{}"), call("{}")), PARSE_ERROR, json!(7), "trailing");
    }

    #[test]
    fn json_that_is_no_request_is_told_why() {
        let bad = |text: &str, id: Value, why: &str| check(text, INVALID_REQUEST, id, why);
        bad("[]", Value::Null, "batches");
        bad(&format!("[{}]", call("{}")), Value::Null, "batches");
        bad("5", Value::Null, "JSON object");
        bad("{\"jsonrpc\":\"2.0\"}", Value::Null, "method is missing");
        bad("{\"jsonrpc\":\"2.0\",\"id\":3}", json!(3), "method is missing");
        bad("{\"id\":3,\"method\":\"ping\"}", json!(3), "jsonrpc must be");
        bad("{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"ping\"}", json!(1.5), "an integer");
        bad("{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}", Value::Null, "an integer");
        bad("{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"ping\"}", Value::Null, "an integer");
        bad("{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2,\"method\":\"ping\"}", Value::Null, "id comes twice");
        bad("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":5}", json!(1), "method must be");
        bad("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"result\":{}}", Value::Null, "not both");
        bad("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{},\"error\":{}}", Value::Null, "no response");
        for params in ["[]", "\"x\"", "{\"_meta\":5}"] {
            let text = format!("{{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{params}}}");
            check(text, INVALID_PARAMS, json!(7), "params must be an object");
        }
    }

    #[test]
    fn only_a_notification_goes_without_an_answer() {
        let unasked = |text: &str| read(&mut text.as_bytes().to_vec()).unwrap_err().unasked;
        assert!(unasked("{\"method\":\"textDocument/didOpen\"}"));
        assert!(unasked("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":[]}"));
        assert!(!unasked("{\"method\":\"ping\",\"id\":null}"));
        assert!(!unasked("{\"method\":\"notifications/cancelled\",\"params\":{]}"));
    }

    /// The text argument of a call, as it is understood.
    fn understood(escaped: &str) -> String {
        let text = call(&format!("{{\"text\":\"{escaped}\"}}"));
        let over_http = mended(Bytes::from(text.clone()));
        let [own, theirs] = [text.into_bytes(), over_http.to_vec()].map(|mut text| {
            let message = json!(read(&mut text).unwrap());
            message["params"]["arguments"]["text"].clone()
        });
        assert_eq!(own, theirs);
        own.as_str().unwrap().to_owned()
    }

    #[test]
    fn half_of_a_surrogate_pair_is_replaced_and_nothing_else() {
        for (escaped, text) in [
            (r"\ud800", "\u{fffd}"),
            (r"a\uDFFFb", "a\u{fffd}b"),
            (r"\ud83d\ud83d\ude00", "\u{fffd}\u{1f600}"),
            (r"\ude00\ud83d", "\u{fffd}\u{fffd}"),
            (r"\ud83d\n", "\u{fffd}\n"),
            (r"\ud83d\ude00\\ud800\u00e4", "\u{1f600}\\ud800\u{e4}"),
            (r"\\\ud800", "\\\u{fffd}"),
        ] {
            assert_eq!(understood(escaped), text, "{escaped}");
        }
        assert!(read(&mut call(r#"{"a":"\ud8"}"#).into_bytes()).is_err());
        assert!(read(&mut call(r#"{"a":"\ud800","b":1e999}"#).into_bytes()).is_err());
    }

    #[test]
    fn the_beginning_of_what_is_too_long_may_hold_the_id() {
        let beginning = call("{\"a\":\"aaaa");
        let answer = Refusal::too_long(beginning.as_bytes(), 16 << 20).answer();
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(7), &json!(INVALID_REQUEST)), "{answer}");
    }
}
