//! CloudWatch Logs: groups, streams, and events that are read and written.

use serde_json::{Map, Value, json};

use super::Scope;
use super::input::Input;
use super::listing::{self, Page};
use super::log_pattern::Pattern;
use super::log_store::{Event, Group, Stream, milliseconds};
use super::state::World;
use super::wire::{AwsError, partition};

const NO_GROUP: &str = "The specified log group does not exist.";
const NO_STREAM: &str = "The specified log stream does not exist.";

pub(crate) fn describe_groups(world: &World, scope: Scope<'_>, input: Input<'_>) -> Result<Value, AwsError> {
    let limit = input.whole("limit", 1, 50)?.unwrap_or(50);
    let prefix = input.text("logGroupNamePrefix")?.unwrap_or_default();
    let part = input.text("logGroupNamePattern")?.unwrap_or_default();
    if !prefix.is_empty() && !part.is_empty() {
        return Err(invalid("logGroupNamePrefix and logGroupNamePattern are mutually exclusive parameters."));
    }
    let seen = world.logs.groups(scope.region).filter(|(_, group)| world.sees(group.created));
    let fitting = seen.filter(|(name, _)| name.starts_with(prefix) && contains_ignoring_case(name, part));
    let line = |(name, group): (&str, &Group)| {
        let arn = arn(world, scope, name);
        let line = json!({
            "logGroupName": name,
            "creationTime": milliseconds(world.clock.wall_at(group.created)),
            "metricFilterCount": 0,
            "arn": format!("{arn}:*"),
            "logGroupArn": arn,
            "storedBytes": 0,
            "logGroupClass": "STANDARD",
        });
        (name.to_owned(), line)
    };
    answer(input, "logGroups", fitting.map(line).collect(), true, limit)
}

pub(crate) fn describe_streams(world: &World, scope: Scope<'_>, input: Input<'_>) -> Result<Value, AwsError> {
    let limit = input.whole("limit", 1, 50)?.unwrap_or(50);
    let by_time = input.word("orderBy", &["LogStreamName", "LastEventTime"])? == Some("LastEventTime");
    let prefix = input.text("logStreamNamePrefix")?;
    if by_time && prefix.is_some() {
        return Err(invalid("Cannot order by LastEventTime with a logStreamNamePrefix."));
    }
    let (group_name, group) = group(world, scope, input)?;
    let seen = group.streams.iter().filter(|(_, stream)| world.sees(stream.created));
    let fitting = seen.filter(|(name, _)| prefix.is_none_or(|prefix| name.starts_with(prefix)));
    let line = |(name, stream): (&String, &Stream)| {
        let mut line = json!({
            "logStreamName": name,
            "creationTime": milliseconds(world.clock.wall_at(stream.created)),
            "arn": format!("{}:log-stream:{name}", arn(world, scope, group_name)),
            "storedBytes": 0,
        });
        let stamps: Vec<u64> = events(world, stream).iter().map(|event| event.timestamp(&world.clock)).collect();
        if let (Some(first), Some(last), Some(line)) = (stamps.first(), stamps.last(), line.as_object_mut()) {
            line.insert("firstEventTimestamp".to_owned(), json!(first));
            line.insert("lastEventTimestamp".to_owned(), json!(last));
            line.insert("lastIngestionTime".to_owned(), json!(last));
            line.insert("uploadSequenceToken".to_owned(), json!(token(stamps.len())));
        }
        let last = stamps.last().copied().unwrap_or_default();
        (if by_time { format!("{last:020}/{name}") } else { name.clone() }, line)
    };
    let descending = input.flag("descending")?;
    answer(input, "logStreams", fitting.map(line).collect(), !descending, limit)
}

pub(crate) fn filter(world: &World, scope: Scope<'_>, input: Input<'_>) -> Result<Value, AwsError> {
    let limit = input.whole("limit", 1, 10_000)?.unwrap_or(10_000);
    let pattern = Pattern::read(input.text("filterPattern")?.unwrap_or_default())?;
    let names = input.list("logStreamNames")?;
    let prefix = input.text("logStreamNamePrefix")?;
    if names.is_some() && prefix.is_some() {
        return Err(invalid("logStreamNamePrefix and logStreamNames are mutually exclusive parameters."));
    }
    let span = Span::read(input)?;
    let (_, group) = group(world, scope, input)?;
    let named = |name: &str| names.is_none_or(|names| names.contains(&json!(name)));
    let streams = group.streams.iter().filter(|(name, stream)| {
        world.sees(stream.created) && named(name) && prefix.is_none_or(|prefix| name.starts_with(prefix))
    });
    let mut keyed = Vec::new();
    for (name, stream) in streams {
        for event in events(world, stream) {
            let stamp = event.timestamp(&world.clock);
            if span.holds(stamp) && pattern.matches(&event.message) {
                let mut line = event.seen(&world.clock);
                if let Some(line) = line.as_object_mut() {
                    line.insert("logStreamName".to_owned(), json!(name));
                    line.insert("eventId".to_owned(), json!(token(usize::try_from(event.seq).unwrap_or_default())));
                }
                keyed.push((format!("{stamp:020}/{:012}", event.seq), line));
            }
        }
    }
    let mut out = answer(input, "events", keyed, true, limit)?;
    if let Some(out) = out.as_object_mut() {
        // No longer told by AWS, but still part of the answer.
        out.insert("searchedLogStreams".to_owned(), json!([]));
    }
    Ok(out)
}

/// Pages run in both directions; at an end, the token stays the same.
pub(crate) fn get(world: &World, scope: Scope<'_>, input: Input<'_>) -> Result<Value, AwsError> {
    let limit = input.whole("limit", 1, 10_000)?.unwrap_or(10_000);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let name = input.required_text("logStreamName")?;
    let span = Span::read(input)?;
    let (_, group) = group(world, scope, input)?;
    let stream = group.streams.get(name).filter(|stream| world.sees(stream.created));
    let stream = stream.ok_or_else(|| missing(NO_STREAM))?;
    let events = events(world, stream).into_iter();
    let events: Vec<&Event> = events.filter(|event| span.holds_before_end(event.timestamp(&world.clock))).collect();
    let all = events.len();
    let token_at = input.text("nextToken")?.map(read_token).transpose()?;
    let range = match token_at.map(|(forward, at)| (forward, at.min(all))) {
        Some((true, at)) => at..all.min(at.saturating_add(limit)),
        Some((false, at)) => at.saturating_sub(limit)..at,
        None if input.flag("startFromHead")? => 0..all.min(limit),
        None => all.saturating_sub(limit)..all,
    };
    let page = events.get(range.clone()).unwrap_or_default();
    Ok(json!({
        "events": page.iter().map(|event| event.seen(&world.clock)).collect::<Vec<_>>(),
        "nextForwardToken": format!("f/{}", token(range.end)),
        "nextBackwardToken": format!("b/{}", token(range.start)),
    }))
}

pub(crate) fn create_group(world: &mut World, scope: Scope<'_>, input: Input<'_>) -> Result<Value, AwsError> {
    let name = group_name(input)?;
    let now = world.now();
    if world.logs.group(scope.region, name).is_some_and(|group| group.created <= now) {
        return Err(exists("The specified log group already exists"));
    }
    world.logs.open_group(scope.region, name, now);
    Ok(Value::Null)
}

pub(crate) fn create_stream(world: &mut World, scope: Scope<'_>, input: Input<'_>) -> Result<Value, AwsError> {
    let stream = input.required_text("logStreamName")?;
    if stream.is_empty() || stream.len() > 512 || stream.contains([':', '*']) {
        return Err(invalid("Value at 'logStreamName' failed to satisfy constraint: Member must satisfy [^:*]*"));
    }
    let group = group_name(input)?;
    if find(world, scope, group)?.streams.contains_key(stream) {
        return Err(exists("The specified log stream already exists"));
    }
    let now = world.now();
    world.logs.open_stream(scope.region, group, stream, now);
    Ok(Value::Null)
}

pub(crate) fn put(world: &mut World, scope: Scope<'_>, input: Input<'_>) -> Result<Value, AwsError> {
    let stream = input.required_text("logStreamName")?;
    let lines = input.list("logEvents")?.map(Vec::as_slice).unwrap_or_default();
    if lines.is_empty() || lines.len() > 10_000 {
        return Err(invalid("1 validation error detected: Value at 'logEvents' must have 1 to 10000 members"));
    }
    let group = group_name(input)?;
    if !find(world, scope, group)?.streams.contains_key(stream) {
        return Err(missing(NO_STREAM));
    }
    let line = |line: &Value| {
        let stamp = line.get("timestamp").and_then(Value::as_u64);
        Some((stamp?, line.get("message")?.as_str()?.to_owned()))
    };
    let lines: Option<Vec<(u64, String)>> = lines.iter().map(line).collect();
    let lines = lines.ok_or_else(|| invalid("A log event has a timestamp and a message."))?;
    if !lines.is_sorted_by_key(|(stamp, _)| *stamp) {
        return Err(invalid("Log events in a single PutLogEvents request must be in chronological order."));
    }
    let (now, written) = (world.now(), lines.len());
    for (stamp, message) in lines {
        world.logs.write((scope.region, group, stream), now, Some(stamp), message);
    }
    Ok(json!({"nextSequenceToken": token(written)}))
}

/// What lies between `startTime` and `endTime`.
struct Span {
    start: Option<u64>,
    end: Option<u64>,
}

impl Span {
    fn read(input: Input<'_>) -> Result<Self, AwsError> {
        let time = |field| input.whole(field, 0, i64::MAX.unsigned_abs());
        Ok(Self { start: time("startTime")?, end: time("endTime")? })
    }

    /// FilterLogEvents has the end within.
    fn holds(&self, stamp: u64) -> bool {
        self.start.is_none_or(|start| stamp >= start) && self.end.is_none_or(|end| stamp <= end)
    }

    /// GetLogEvents has it without.
    fn holds_before_end(&self, stamp: u64) -> bool {
        self.holds(stamp) && self.end != Some(stamp)
    }
}

fn events<'a>(world: &World, stream: &'a Stream) -> Vec<&'a Event> {
    stream.events(&world.clock, |due| world.sees(due))
}

/// The group that a request names, where reads see it.
fn group<'a>(world: &'a World, scope: Scope<'_>, input: Input<'a>) -> Result<(&'a str, &'a Group), AwsError> {
    let name = match input.text("logGroupIdentifier")? {
        None => group_name(input)?,
        Some(_) if input.text("logGroupName")?.is_some() => {
            return Err(invalid("LogGroup name and LogGroup ARN are mutually exclusive parameters."));
        }
        Some(arn) => arn.rsplit_once("log-group:").map_or(arn, |(_, name)| name.trim_end_matches(":*")),
    };
    Ok((name, find(world, scope, name)?))
}

fn find<'a>(world: &'a World, scope: Scope<'_>, name: &str) -> Result<&'a Group, AwsError> {
    let found = world.logs.group(scope.region, name).filter(|group| world.sees(group.created));
    found.ok_or_else(|| missing(NO_GROUP))
}

fn group_name<'a>(input: Input<'a>) -> Result<&'a str, AwsError> {
    let name = input.required_text("logGroupName")?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || ".-_/#".contains(c);
    if name.is_empty() || name.len() > 512 || !name.chars().all(allowed) {
        return Err(invalid(&format!(
            "1 validation error detected: Value '{name}' at 'logGroupName' failed to satisfy constraint: Member must \
             satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+"
        )));
    }
    Ok(name)
}

fn answer(
    input: Input<'_>,
    field: &str,
    keyed: Vec<(String, Value)>,
    ascending: bool,
    limit: u64,
) -> Result<Value, AwsError> {
    let refused = |_| invalid("The specified nextToken is invalid.");
    let after = input.text("nextToken")?.map(listing::read_token).transpose().map_err(refused)?;
    let Page { items, next } = listing::page(keyed, ascending, after, limit);
    let mut out = Map::new();
    out.insert(field.to_owned(), Value::Array(items));
    if let Some(next) = next {
        out.insert("nextToken".to_owned(), json!(next));
    }
    Ok(Value::Object(out))
}

fn token(n: usize) -> String {
    format!("{n:056}")
}

/// Whether a token leads forward, and from where.
fn read_token(token: &str) -> Result<(bool, usize), AwsError> {
    let parts = token.split_once('/').and_then(|(way, at)| Some((way, at.parse().ok()?)));
    match parts {
        Some(("f", at)) => Ok((true, at)),
        Some(("b", at)) => Ok((false, at)),
        _ => Err(invalid("The specified nextToken is invalid.")),
    }
}

fn arn(world: &World, scope: Scope<'_>, group: &str) -> String {
    let (region, account) = (scope.region, &world.tuning.account_id);
    format!("arn:{}:logs:{region}:{account}:log-group:{group}", partition(region))
}

fn contains_ignoring_case(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(&part.to_lowercase())
}

fn invalid(message: &str) -> AwsError {
    AwsError::refused("InvalidParameterException", message)
}

fn missing(message: &str) -> AwsError {
    AwsError::refused("ResourceNotFoundException", message)
}

fn exists(message: &str) -> AwsError {
    AwsError::refused("ResourceAlreadyExistsException", message)
}
