//! STS GetCallerIdentity, IAM GetRole, ListRoles and SimulatePrincipalPolicy: the
//! Query protocol.

use axum::response::Response;
use serde_json::json;

use super::service::Service;
use super::wire::{self, AwsError, escape, percent_encode};
use super::{Tuning, outcome, policy};

const SAGEMAKER: &str = "sagemaker.amazonaws.com";

/// The role that exists to be refused: another service may assume it.
const OTHER_ROLE: &str = "LambdaBasicExecution";

struct Role {
    path: &'static str,
    name: String,
    /// The service that may assume it.
    trusted: String,
}

impl Role {
    fn arn(&self, account: &str) -> String {
        format!("arn:aws:iam::{account}:role{}{}", self.path, self.name)
    }

    fn xml(&self, account: &str) -> String {
        let trust = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": {"Service": self.trusted},
                "Action": "sts:AssumeRole",
            }],
        });
        format!(
            "<Path>{}</Path><RoleName>{}</RoleName><RoleId>AROASIMULATED{:08X}</RoleId>\
             <Arn>{}</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate>\
             <AssumeRolePolicyDocument>{}</AssumeRolePolicyDocument>\
             <MaxSessionDuration>3600</MaxSessionDuration>",
            self.path,
            self.name,
            self.name.len(),
            self.arn(account),
            percent_encode(&trust.to_string())
        )
    }
}

/// The account's roles in alphabetical order, as IAM lists them.
fn roles(tuning: &Tuning) -> Vec<Role> {
    let mut roles = vec![Role { path: "/", name: OTHER_ROLE.to_owned(), trusted: "lambda.amazonaws.com".to_owned() }];
    for n in 1..=tuning.sagemaker_roles {
        // The first is as people name theirs, the others as the console does.
        let (path, name) = match n {
            1 => ("/", "SageMakerExec".to_owned()),
            n => ("/service-role/", format!("AmazonSageMaker-ExecutionRole-{n:04}")),
        };
        roles.push(Role { path, name, trusted: SAGEMAKER.to_owned() });
    }
    for (name, trusted) in &tuning.roles {
        roles.retain(|role| role.name != *name);
        roles.push(Role { path: "/", name: name.clone(), trusted: trusted.clone() });
    }
    roles.sort_by(|a, b| a.name.cmp(&b.name));
    roles
}

/// Whether the account has the role of this ARN.
pub(crate) fn has_role(tuning: &Tuning, arn: &str) -> bool {
    roles(tuning).iter().any(|role| role.arn(&tuning.account_id) == arn)
}

/// Refuses an execution role of this account that is not there, or that
/// SageMaker may not assume.
pub(crate) fn check_execution_role(tuning: &Tuning, arn: &str) -> Result<(), AwsError> {
    let own = format!("arn:aws:iam::{}:role/", tuning.account_id);
    let fits = |role: &Role| role.arn(&tuning.account_id) == arn && role.trusted == SAGEMAKER;
    if arn.starts_with(&own) && !roles(tuning).iter().any(fits) {
        return Err(AwsError::validation(outcome::cannot_assume(arn)));
    }
    if !arn.starts_with("arn:aws") || !arn.contains(":role/") {
        return Err(AwsError::validation(format!(
            "1 validation error detected: Value '{arn}' at 'executionRoleArn' failed to satisfy \
             constraint: Member must satisfy regular expression pattern: \
             ^arn:aws[a-z\\-]*:iam::\\d{{12}}:role/?[a-zA-Z_0-9+=,.@\\-_/]+$"
        )));
    }
    Ok(())
}

/// Answers an action of STS or IAM.
pub(crate) fn answer(tuning: &Tuning, service: Service, action: &str, form: &[(String, String)]) -> Response {
    let field = |name: &str| {
        let mut fields = form.iter().filter(|(key, _)| key == name);
        fields.next().map(|(_, value)| value.as_str())
    };
    let result = match action {
        "GetCallerIdentity" => Ok(caller(tuning)),
        "GetRole" => get_role(tuning, field("RoleName").unwrap_or_default()),
        "ListRoles" => list_roles(tuning, field("Marker"), field("MaxItems"), field("PathPrefix")),
        "SimulatePrincipalPolicy" => policy::simulate(tuning, form),
        other => Err(AwsError::new(
            "InvalidAction",
            axum::http::StatusCode::BAD_REQUEST,
            format!("Could not find operation {other}"),
        )),
    };
    wire::query(service, action, result)
}

fn caller(tuning: &Tuning) -> String {
    format!(
        "<Arn>{}</Arn><UserId>AIDASIMULATED0000001</UserId><Account>{}</Account>",
        escape(&tuning.caller()),
        tuning.account_id
    )
}

fn get_role(tuning: &Tuning, name: &str) -> Result<String, AwsError> {
    let missing = || {
        AwsError::new(
            "NoSuchEntity",
            axum::http::StatusCode::NOT_FOUND,
            format!("The role with name {name} cannot be found."),
        )
    };
    let roles = roles(tuning);
    let role = roles.iter().find(|role| role.name == name);
    let role = role.ok_or_else(missing)?;
    Ok(format!("<Role>{}</Role>", role.xml(&tuning.account_id)))
}

fn list_roles(
    tuning: &Tuning,
    marker: Option<&str>,
    max_items: Option<&str>,
    prefix: Option<&str>,
) -> Result<String, AwsError> {
    let limit = max_items.map_or(Ok(100), str::parse::<usize>);
    let limit = limit.ok().filter(|n| (1..=1000).contains(n)).ok_or_else(|| {
        AwsError::new(
            "ValidationError",
            axum::http::StatusCode::BAD_REQUEST,
            "1 validation error detected: Value at 'maxItems' failed to satisfy constraint: \
             Member must have value between 1 and 1000",
        )
    })?;
    let mut roles = roles(tuning);
    roles.retain(|role| role.path.starts_with(prefix.unwrap_or("/")));
    roles.retain(|role| marker.is_none_or(|marker| role.name.as_str() > marker));
    let truncated = roles.len() > limit;
    roles.truncate(limit);
    let member = |role: &Role| format!("<member>{}</member>", role.xml(&tuning.account_id));
    let members: String = roles.iter().map(member).collect();
    let next = roles.last().filter(|_| truncated);
    let next = next.map(|role| format!("<Marker>{}</Marker>", role.name));
    Ok(format!("<Roles>{members}</Roles><IsTruncated>{truncated}</IsTruncated>{}", next.unwrap_or_default()))
}
