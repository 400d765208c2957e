//! IAM SimulatePrincipalPolicy: everything is allowed but what the settings deny.

use axum::http::StatusCode;

use super::Tuning;
use super::iam;
use super::wire::{AwsError, escape};

/// The answer to actions, or to each action on each resource.
pub(crate) fn simulate(tuning: &Tuning, form: &[(String, String)]) -> Result<String, AwsError> {
    let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let source = field("PolicySourceArn").ok_or_else(|| validation("policySourceArn", "must not be null"))?;
    check_source(tuning, source)?;
    let actions = members(form, "ActionNames.member.");
    if actions.is_empty() {
        return Err(validation("actionNames", "must not be null"));
    }
    let mut resources = members(form, "ResourceArns.member.");
    if resources.is_empty() {
        resources.push("*");
    }
    let all: Vec<String> = actions
        .iter()
        .flat_map(|action| resources.iter().map(|resource| result(tuning, source, action, resource)))
        .collect();
    let limit = field("MaxItems").map_or(Ok(100), str::parse::<usize>);
    let limit = limit.ok().filter(|n| (1..=1000).contains(n)).ok_or_else(|| validation("maxItems", "1 to 1000"))?;
    let start = field("Marker").map_or(Ok(0), str::parse::<usize>);
    let start = start.map_err(|_| validation("marker", "must be one that was given"))?;
    let page: String = all.iter().skip(start).take(limit).map(String::as_str).collect();
    let end = start.saturating_add(limit);
    let next = if end < all.len() { format!("<Marker>{end}</Marker>") } else { String::new() };
    let truncated = !next.is_empty();
    Ok(format!("<EvaluationResults>{page}</EvaluationResults><IsTruncated>{truncated}</IsTruncated>{next}"))
}

/// A list of the Query protocol, in its order.
fn members<'a>(form: &'a [(String, String)], prefix: &str) -> Vec<&'a str> {
    let numbered = form.iter().filter_map(|(key, value)| {
        let n: u32 = key.strip_prefix(prefix)?.parse().ok()?;
        Some((n, value.as_str()))
    });
    let mut numbered: Vec<(u32, &str)> = numbered.collect();
    numbered.sort_unstable();
    numbered.into_iter().map(|(_, value)| value).collect()
}

/// Users, groups and roles have policies; sessions of a role have not.
fn check_source(tuning: &Tuning, arn: &str) -> Result<(), AwsError> {
    let entity = arn.split(':').nth(5).unwrap_or_default();
    let missing = |what: &str| {
        let message =
            format!("The {what} with name {} cannot be found.", entity.rsplit('/').next().unwrap_or_default());
        AwsError::new("NoSuchEntity", StatusCode::NOT_FOUND, message)
    };
    match entity.split_once('/').map(|(kind, _)| kind) {
        Some("role") if arn.contains(":iam:") && !iam::has_role(tuning, arn) => Err(missing("role")),
        Some("user") if arn.contains(":iam:") && arn != tuning.caller() => Err(missing("user")),
        Some("role" | "user" | "group") if arn.contains(":iam:") => Ok(()),
        _ => {
            let message = format!("Invalid Entity Arn: {arn} does not clearly define entity type and name.");
            Err(AwsError::refused("InvalidInput", message))
        }
    }
}

fn result(tuning: &Tuning, source: &str, action: &str, resource: &str) -> String {
    let denied = tuning.denied_actions.iter().any(|pattern| fits(pattern, source, action));
    let decision = if denied { "implicitDeny" } else { "allowed" };
    let matched = if denied {
        String::new()
    } else {
        "<member><SourcePolicyId>Simulated</SourcePolicyId><SourcePolicyType>IAM Policy</SourcePolicyType></member>"
            .to_owned()
    };
    format!(
        "<member><EvalActionName>{}</EvalActionName><EvalResourceName>{}</EvalResourceName>\
         <EvalDecision>{decision}</EvalDecision><MatchedStatements>{matched}</MatchedStatements>\
         <MissingContextValues/></member>",
        escape(action),
        escape(resource)
    )
}

/// Whether a setting denies an action: `s3:*`, or for one principal only,
/// `SageMakerExec s3:GetObject`.
fn fits(pattern: &str, source: &str, action: &str) -> bool {
    let (who, pattern) = pattern.split_once(' ').map_or((None, pattern), |(who, action)| (Some(who), action));
    let meant = who.is_none_or(|who| source.rsplit('/').next() == Some(who));
    let (pattern, action) = (pattern.to_lowercase(), action.to_lowercase());
    meant && pattern.strip_suffix('*').map_or(action == pattern, |start| action.starts_with(start))
}

fn validation(field: &str, constraint: &str) -> AwsError {
    let message = format!("1 validation error detected: Value at '{field}' failed to satisfy constraint: {constraint}");
    AwsError::refused("ValidationError", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, action: &str, expected: bool) {
        assert_eq!(fits(pattern, "arn:aws:iam::1:role/a/Exec", action), expected, "{pattern} {action}");
    }

    #[test]
    fn denials_name_actions_by_wildcard_and_principal() {
        check("s3:GetObject", "s3:GetObject", true);
        check("s3:getobject", "S3:GetObject", true);
        check("s3:*", "s3:ListBucket", true);
        check("*", "ecr:BatchGetImage", true);
        check("s3:GetObject", "s3:GetObjectTagging", false);
        check("Exec s3:*", "s3:GetObject", true);
        check("Other s3:*", "s3:GetObject", false);
    }

    #[test]
    fn sessions_have_no_policies() {
        let of = |arn: &str| check_source(&Tuning::default(), arn).map_err(|error| error.code);
        assert_eq!(of("arn:aws:sts::123456789012:assumed-role/SageMakerExec/me"), Err("InvalidInput".to_owned()));
        assert_eq!(of("arn:aws:iam::123456789012:root"), Err("InvalidInput".to_owned()));
        assert_eq!(of("arn:aws:iam::123456789012:role/Absent"), Err("NoSuchEntity".to_owned()));
        assert_eq!(of("arn:aws:iam::123456789012:role/SageMakerExec"), Ok(()));
        assert_eq!(of(&Tuning::default().caller()), Ok(()));
    }
}
