//! Text of vendors made safe to show to a model and in a terminal.
//!
//! Control, ANSI, bidirectional and zero-width characters are neutralised, secrets redacted, the
//! length is capped. What remains is data: nothing here judges what a text *says*.

use std::{borrow::Cow, sync::LazyLock};

use regex::Regex;
use serde_json::Value;

/// Longest text of one field, in bytes.
pub const FIELD_LIMIT: usize = 4096;

const CUT: &str = "… [cut]";

/// Made safe: neutralised, redacted, at most [`FIELD_LIMIT`] bytes long.
#[must_use]
pub fn clean(text: &str) -> String {
    clean_to(text, FIELD_LIMIT)
}

/// Like [`clean`], at most so many bytes long.
#[must_use]
pub fn clean_to(text: &str, limit: usize) -> String {
    // What is cut off in the end need not be searched: nobody may make us search megabytes.
    cap(&redact(&neutralise(&cap(text, limit.saturating_mul(2)))), limit).into_owned()
}

/// Makes every string inside `value` safe and at most `limit` bytes long, keys included.
///
/// The dispatcher sends no answer that has not passed here, so that no tool can forget it.
pub fn clean_value(value: &mut Value, limit: usize) {
    match value {
        Value::String(text) => {
            if needs_cleaning(text, limit) {
                *text = clean_to(text, limit);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| clean_value(item, limit)),
        Value::Object(fields) => {
            if fields.keys().any(|key| needs_cleaning(key, FIELD_LIMIT)) {
                *fields = std::mem::take(fields).into_iter().map(|(key, value)| (clean(&key), value)).collect();
            }
            for (key, value) in fields.iter_mut() {
                if let Value::String(text) = value
                    && is_secret_key(key)
                {
                    "[redacted]".clone_into(text);
                } else if let Value::String(cursor) = value
                    && key == "cursor"
                {
                    // Cut, it would be another place in the list.
                    *cursor = redact(&neutralise(cursor)).into_owned();
                } else {
                    clean_value(value, limit);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether a field of this name holds a secret, whatever it looks like.
fn is_secret_key(key: &str) -> bool {
    const KEYS: [&str; 7] = ["password", "passwd", "secret", "client_secret", "private_key", "api_key", "access_token"];
    KEYS.iter().any(|known| known.eq_ignore_ascii_case(key))
}

fn needs_cleaning(text: &str, limit: usize) -> bool {
    text.len() > limit || text.chars().any(is_unsafe) || SECRETS.is_match(text)
}

/// Replaces what could deceive a reader or drive a terminal. Newlines and tabs stay.
fn neutralise(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| if is_unsafe(c) { '\u{fffd}' } else { c }).collect())
}

/// Control characters, bidirectional overrides (CVE-2021-42574), zero-width characters and
/// Unicode tags, in which instructions can be hidden from a person but not from a model.
fn is_unsafe(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        '\u{20}'..='\u{7e}' => false,
        _ => {
            c.is_control()
                || matches!(c,
                    '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
                    | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                    | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
                    | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
        }
    }
}

#[expect(clippy::expect_used, reason = "a constant pattern, compiled by the tests of this file")]
static SECRETS: LazyLock<Regex> = LazyLock::new(|| {
    let words = r"password|passwd|passphrase|secret(?:_?access_?key)?|client_secret|api_?-?key|access_?token|auth_?token|session_?token|security_?token|private_?key|authorization|x-amz-signature|x-amz-security-token|x-amz-credential";
    Regex::new(&format!(
        concat!(
            // A colon alone is part of many names (arn:aws:secretsmanager:…).
            r"(?P<key>(?:(?i:[a-z0-9_-]*(?:{words})[a-z0-9_-]*)|\b[A-Z0-9_]*(?:TOKEN|PWD))\\?[\x22']?\s*(?:=\s*|:\s+|:\\?[\x22'])(?:(?i:basic|bearer)\s+)?\\?[\x22']?)(?P<value>[^\s\x22'\\,;&]+)",
            r"|(?P<bearer>(?i:bearer)\s+)[A-Za-z0-9._~+/=-]{{20,}}",
            r"|(?P<url>[a-zA-Z][a-zA-Z0-9+.-]*://)[^/\s:@]+:[^/\s@]+@",
            r"|\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{{16}}\b",
            r"|\beyJ[A-Za-z0-9_-]{{8,}}\.[A-Za-z0-9_-]{{8,}}\.[A-Za-z0-9_-]*",
            r"|\b(?:hf_[A-Za-z0-9]{{20,}}|gh[pousr]_[A-Za-z0-9]{{30,}}|sk-(?:(?:proj|ant|live|test)-[A-Za-z0-9_-]{{16,}}|[A-Za-z0-9]{{20,}})|xox[abprs]-[A-Za-z0-9-]{{10,}})",
            r"|-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]*PRIVATE KEY-----|\z)",
        ),
        words = words
    ))
    .expect("the pattern of secrets compiles")
});

/// Replaces what looks like a secret; what names it stays, so that a reader knows what was there.
#[must_use]
pub fn redact(text: &str) -> Cow<'_, str> {
    SECRETS.replace_all(text, |found: &regex::Captures<'_>| {
        if let Some(key) = found.name("key") {
            return format!("{}[redacted]", key.as_str());
        }
        if let Some(bearer) = found.name("bearer") {
            return format!("{}[redacted]", bearer.as_str());
        }
        if let Some(scheme) = found.name("url") {
            return format!("{}[redacted]@", scheme.as_str());
        }
        "[redacted]".to_owned()
    })
}

/// At most `limit` bytes, cut between characters, and said so.
#[must_use]
pub fn cap(text: &str, limit: usize) -> Cow<'_, str> {
    if text.len() <= limit {
        return Cow::Borrowed(text);
    }
    let end = text.floor_char_boundary(limit.saturating_sub(CUT.len()));
    Cow::Owned(format!("{}{CUT}", text.get(..end).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn megabytes_that_look_like_secrets_are_cut_before_they_are_searched() {
        let began = tokio::time::Instant::now();
        let text = clean(&"AKIAABCDEFGHIJKLMNOP-".repeat(100_000));
        assert!(text.len() <= FIELD_LIMIT && text.ends_with(CUT), "{}", text.len());
        // It took minutes when each hit searched to the end.
        assert!(began.elapsed() < std::time::Duration::from_secs(5), "{:?}", began.elapsed());
    }

    #[test]
    fn words_about_credentials_are_no_secret() {
        let told = "loading credentials: failed to load IMDS session token";
        assert_eq!(redact(told), told);
        assert!(!redact("x-amz-credential=AKIAX/20260101").contains("AKIAX"));
    }

    #[test]
    fn what_drives_terminals_or_hides_from_readers_is_replaced() {
        for bad in ["\u{1b}[2J", "\u{202e}evil", "a\u{200b}b", "\u{7}", "\u{e0041}", "a\rb", "\u{85}", "\u{9b}31m"] {
            let text = clean(&format!("x{bad}y"));
            assert!(text.contains('\u{fffd}') && !text.chars().any(is_unsafe), "{bad:?} → {text:?}");
        }
        assert_eq!(clean("two\nlines\tand ünïcödé 模型"), "two\nlines\tand ünïcödé 模型");
    }

    #[test]
    fn secrets_are_redacted_and_what_names_them_stays() {
        for (text, kept) in [
            ("password=hunter2canary", "password=[redacted]"),
            ("\"aws_secret_access_key\": \"hunter2canary\"", "\"aws_secret_access_key\": \"[redacted]"),
            ("Authorization: Bearer hunter2canary.x", "Authorization: Bearer [redacted]"),
            ("see https://me:hunter2canary@host/x", "see https://[redacted]@host/x"),
            ("key AKIAHUNTER2CANARYXYZ.", "key [redacted]."),
            ("{\\\"password\\\":\\\"hunter2canary\\\"}", "{\\\"password\\\":\\\"[redacted]"),
            ("HF_TOKEN=hunter2canary", "HF_TOKEN=[redacted]"),
            ("sk-ant-hunter2canary0123456789", "[redacted]"),
            ("HF_API_KEY=hunter2canary MODE=x", "HF_API_KEY=[redacted] MODE=x"),
            ("-----BEGIN RSA PRIVATE KEY-----\nhunter2canary", "[redacted]"),
            ("?X-Amz-Signature=hunter2canary&b=1", "?X-Amz-Signature=[redacted]&b=1"),
        ] {
            let cleaned = clean(text);
            let gone = !cleaned.to_lowercase().contains("hunter2");
            assert!(gone && cleaned.starts_with(kept), "{text} → {cleaned}");
        }
    }

    #[test]
    fn ordinary_text_passes_unchanged() {
        for text in [
            "The secret ingredient is patience.",
            "NextToken is not valid",
            "max_new_tokens: 64",
            "arn:aws:iam::123456789012:role/SageMakerExecution",
            "https://docs.example.com/a?b=c",
            "arn:aws:secretsmanager:us-east-1:123456789012:secret:x",
            "sk-learn-regression-prod-v2",
            "my-sk-learn-classification-endpoint",
            "Bearer authentication failed",
        ] {
            assert_eq!(clean(text), text);
        }
    }

    #[test]
    fn a_field_is_at_most_four_kibibytes_long_and_cut_between_characters() {
        let text = clean(&"模".repeat(4000));
        assert!(text.len() <= FIELD_LIMIT && text.ends_with(CUT), "{}", text.len());
    }

    #[test]
    fn a_secret_is_known_by_its_fields_name_and_a_cursor_is_never_cut() {
        let long = "c".repeat(2 * FIELD_LIMIT);
        let mut value = serde_json::json!({"Password": "plain words", "cursor": long});
        clean_value(&mut value, FIELD_LIMIT);
        assert_eq!(value, serde_json::json!({"Password": "[redacted]", "cursor": long}));
    }

    #[test]
    fn every_string_of_a_value_is_cleaned_keys_too() {
        let mut value = serde_json::json!({"a\u{1b}": ["b\u{202e}", {"c": "token=x \u{7}"}], "n": 1});
        clean_value(&mut value, FIELD_LIMIT);
        assert!(!value.to_string().contains("\\u001b") && !value.to_string().contains('\u{202e}'), "{value}");
        assert_eq!(value["n"], 1);
    }
}
