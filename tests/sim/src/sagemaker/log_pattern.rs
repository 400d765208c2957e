//! `filterPattern` of FilterLogEvents, for lines that are plain text.
//!
//! `a b` wants both, `?a ?b` one of them, `-a` none, `"a b"` the two words as they
//! stand. What looks into JSON (`{…}`), columns (`[…]`) or regular expressions
//! (`%…%`) is refused: the containers here write plain text.

use super::wire::AwsError;

/// A pattern, read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Pattern {
    all: Vec<String>,
    any: Vec<String>,
    none: Vec<String>,
}

impl Pattern {
    pub(crate) fn read(text: &str) -> Result<Self, AwsError> {
        let mut pattern = Self::default();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let (terms, after) = match rest.split_at_checked(1) {
                Some(("?", after)) => (&mut pattern.any, after),
                Some(("-", after)) => (&mut pattern.none, after),
                Some(("{" | "[" | "%", _)) => return Err(invalid()),
                _ => (&mut pattern.all, rest),
            };
            let (term, after) = match after.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').ok_or_else(invalid)?,
                None => after.split_once(char::is_whitespace).unwrap_or((after, "")),
            };
            terms.push(term.to_owned());
            rest = after.trim_start();
        }
        Ok(pattern)
    }

    pub(crate) fn matches(&self, line: &str) -> bool {
        let in_line = |term: &String| line.contains(term.as_str());
        self.all.iter().all(in_line)
            && (self.any.is_empty() || self.any.iter().any(in_line))
            && !self.none.iter().any(in_line)
    }
}

fn invalid() -> AwsError {
    AwsError::refused("InvalidParameterException", "Invalid filter pattern")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, line: &str, expected: bool) {
        assert_eq!(Pattern::read(pattern).unwrap().matches(line), expected, "{pattern} {line}");
    }

    #[test]
    fn terms_are_wanted_optional_or_unwanted() {
        let line = "torch.OutOfMemoryError: CUDA out of memory";
        check("", line, true);
        check("CUDA memory", line, true);
        check("CUDA disk", line, false);
        check("cuda", line, false);
        check("?Killed ?CUDA", line, true);
        check("?Killed ?403", line, false);
        check("CUDA -memory", line, false);
        check("\"out of memory\"", line, true);
        check("\"memory out\"", line, false);
        check("?\"out of\" -disk", line, true);
    }

    #[test]
    fn what_is_not_known_here_is_refused() {
        for pattern in ["{ $.a = 1 }", "[a, b]", "%x%", "\"open"] {
            assert!(Pattern::read(pattern).is_err(), "{pattern}");
        }
    }
}
