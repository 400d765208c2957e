//! Filters, order and pages, the same for every List operation of SageMaker;
//! pages alone for the other services.

use serde_json::{Map, Value, json};

use super::input::Input;
use super::wire::AwsError;

/// One line of a list.
pub(crate) struct Item {
    pub(crate) name: String,
    /// Endpoints only.
    pub(crate) status: Option<String>,
    pub(crate) seq: u64,
    pub(crate) created: f64,
    pub(crate) modified: f64,
    pub(crate) summary: Value,
}

/// The words that a List operation sorts by: name, creation, status.
pub(crate) const SORT_KEYS: [&str; 3] = ["Name", "CreationTime", "Status"];

/// Answers a List operation: `field` names the list in the answer.
pub(crate) fn answer(input: Input<'_>, field: &str, items: Vec<Item>) -> Result<Value, AwsError> {
    answer_sorted(input, field, items, SORT_KEYS, 10)
}

/// The same, for an operation that has other words and another usual page.
pub(crate) fn answer_sorted(
    input: Input<'_>,
    field: &str,
    items: Vec<Item>,
    keys: [&'static str; 3],
    usual: u64,
) -> Result<Value, AwsError> {
    let limit = input.whole("MaxResults", 1, 100)?.unwrap_or(usual);
    let by = input.word("SortBy", &keys)?;
    let order = input.word("SortOrder", &["Ascending", "Descending"])?;
    let after = input.text("NextToken")?.map(read_token).transpose()?;
    let filter = Filter::read(input)?;
    let passing = items.into_iter().filter(|item| filter.lets_pass(item));
    let keyed = passing.map(|item| (sort_key(by, keys, &item), item.summary)).collect();
    let Page { items, next } = page(keyed, order == Some("Ascending"), after, limit);
    let mut out = Map::new();
    if let Some(next) = next {
        out.insert("NextToken".to_owned(), json!(next));
    }
    out.insert(field.to_owned(), Value::Array(items));
    Ok(Value::Object(out))
}

/// One page of a list.
pub(crate) struct Page {
    pub(crate) items: Vec<Value>,
    /// The token of the next one.
    pub(crate) next: Option<String>,
}

/// Sorts by the keys, of which no two are the same, and cuts a page. It continues
/// `after` the last line of the one before, wherever that is by now: lines that
/// came or went in between shift nothing.
pub(crate) fn page(mut keyed: Vec<(String, Value)>, ascending: bool, after: Option<String>, limit: u64) -> Page {
    keyed.sort_by(|(a, _), (b, _)| if ascending { a.cmp(b) } else { b.cmp(a) });
    if let Some(after) = after {
        keyed.retain(|(key, _)| if ascending { *key > after } else { *key < after });
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = keyed.len() > limit;
    keyed.truncate(limit);
    let next = keyed.last().filter(|_| more).map(|(key, _)| write_token(key));
    Page { items: keyed.into_iter().map(|(_, item)| item).collect(), next }
}

struct Filter<'a> {
    name_contains: Option<&'a str>,
    status: Option<&'a str>,
    created: (Option<f64>, Option<f64>),
    modified: (Option<f64>, Option<f64>),
}

impl<'a> Filter<'a> {
    fn read(input: Input<'a>) -> Result<Self, AwsError> {
        Ok(Self {
            name_contains: input.filter("NameContains")?,
            status: input.word("StatusEquals", STATUSES)?,
            created: (input.time("CreationTimeAfter")?, input.time("CreationTimeBefore")?),
            modified: (input.time("LastModifiedTimeAfter")?, input.time("LastModifiedTimeBefore")?),
        })
    }

    fn lets_pass(&self, item: &Item) -> bool {
        let between = |(after, before): (Option<f64>, Option<f64>), at: f64| {
            after.is_none_or(|after| at > after) && before.is_none_or(|before| at < before)
        };
        self.name_contains.is_none_or(|part| item.name.contains(part))
            && self.status.is_none_or(|wanted| item.status.as_deref() == Some(wanted))
            && between(self.created, item.created)
            && between(self.modified, item.modified)
    }
}

const STATUSES: &[&str] = &[
    "OutOfService",
    "Creating",
    "Updating",
    "SystemUpdating",
    "RollingBack",
    "InService",
    "Deleting",
    "Failed",
    "UpdateRollbackFailed",
];

/// Keys compare as text, and no two items share one.
fn sort_key(by: Option<&str>, [name, _, status]: [&str; 3], item: &Item) -> String {
    let seq = format!("{:012}", item.seq);
    match by {
        Some(by) if by == name => format!("{}/{seq}", item.name),
        Some(by) if by == status => format!("{}/{seq}", item.status.as_deref().unwrap_or_default()),
        _ => seq,
    }
}

fn write_token(key: &str) -> String {
    key.bytes().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn read_token(token: &str) -> Result<String, AwsError> {
    let byte = |pair: &[u8]| {
        let pair = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(pair, 16).ok()
    };
    let bytes: Option<Vec<u8>> = token.as_bytes().chunks(2).map(byte).collect();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| AwsError::validation("Invalid pagination token given."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items() -> Vec<Item> {
        let statuses = ["Failed", "InService", "InService", "Creating", "InService"];
        let item = |(n, status): (usize, &str)| Item {
            name: format!("ep-{}", ["b", "a", "e", "d", "c"][n]),
            status: Some(status.to_owned()),
            seq: n as u64,
            created: n as f64,
            modified: n as f64,
            summary: json!(["b", "a", "e", "d", "c"][n]),
        };
        statuses.into_iter().enumerate().map(item).collect()
    }

    fn pages(request: Value) -> String {
        let mut request = request.as_object().unwrap().clone();
        let mut out = Vec::new();
        loop {
            let page = answer(Input::new(&request), "Endpoints", items()).unwrap();
            let names = page["Endpoints"].as_array().unwrap();
            out.push(names.iter().map(|n| n.as_str().unwrap()).collect::<String>());
            match page.get("NextToken") {
                Some(token) => drop(request.insert("NextToken".to_owned(), token.clone())),
                None => return out.join(" "),
            }
        }
    }

    #[test]
    fn the_newest_come_first_unless_told_otherwise() {
        assert_eq!(pages(json!({})), "cdeab");
        assert_eq!(pages(json!({"SortOrder": "Ascending"})), "baedc");
        assert_eq!(pages(json!({"SortBy": "Name", "SortOrder": "Ascending"})), "abcde");
        assert_eq!(pages(json!({"SortBy": "Status", "SortOrder": "Ascending"})), "dbaec");
    }

    #[test]
    fn pages_continue_where_the_last_one_ended() {
        assert_eq!(pages(json!({"MaxResults": 2})), "cd ea b");
        assert_eq!(pages(json!({"MaxResults": 5})), "cdeab");
        assert_eq!(pages(json!({"MaxResults": 3, "SortBy": "Name"})), "edc ba");
    }

    #[test]
    fn filters_narrow_before_pages_are_cut() {
        assert_eq!(pages(json!({"StatusEquals": "InService", "MaxResults": 2})), "ce a");
        assert_eq!(pages(json!({"NameContains": "-d"})), "d");
        assert_eq!(pages(json!({"CreationTimeAfter": 1.0, "CreationTimeBefore": 4})), "de");
    }

    #[test]
    fn a_foreign_token_is_refused() {
        let request = json!({"NextToken": "zz"});
        let refused = answer(Input::new(request.as_object().unwrap()), "Endpoints", items());
        assert_eq!(refused.unwrap_err().code, "ValidationException");
    }
}
