//! What stands around an endpoint.

use std::collections::BTreeMap;

use longhaul::clock;
use sagemaker_mcp::api::{Invocation, Invoked, LogLine, LogPage, LogSearch, Scaling, Surroundings};

use super::{Answer, Fake, aws, silence};

impl Surroundings for Fake {
    async fn log_tail(&self, endpoint: &str, _: Option<std::time::SystemTime>, lines: u32) -> Answer<Vec<LogLine>> {
        let state = self.ask("GetLogEvents", endpoint).await?;
        let log = state.log.clone().ok_or_else(|| aws("GetLogEvents", "ResourceNotFoundException", "no group", 400))?;
        let skipped = log.len().saturating_sub(lines as usize);
        Ok(log.into_iter().skip(skipped).map(line).collect())
    }

    async fn log_search(&self, endpoint: &str, search: &LogSearch) -> Answer<LogPage> {
        let state = self.ask("FilterLogEvents", endpoint).await?;
        let log = state.log.clone().ok_or_else(|| aws("FilterLogEvents", "ResourceNotFoundException", "none", 400))?;
        if search.cursor.as_ref().is_some_and(|cursor| cursor.parse::<u32>().is_err()) {
            return Err(aws(
                "FilterLogEvents",
                "InvalidParameterException",
                "The specified nextToken is invalid.",
                400,
            ));
        }
        let fits = |line: &LogLine| {
            search.contains.as_ref().is_none_or(|part| line.text.contains(part))
                && search.since.is_none_or(|since| line.at > since)
        };
        let (start, size) = (search.cursor.as_ref().map_or(0, |at| at.parse().unwrap()), search.limit as usize);
        let found: Vec<LogLine> = log.into_iter().map(line).filter(fits).collect();
        let cursor = (found.len() > start + size).then(|| (start + size).to_string());
        Ok(LogPage { lines: found.into_iter().skip(start).take(size).collect(), cursor })
    }

    async fn endpoint_quotas(&self) -> Answer<BTreeMap<String, f64>> {
        Ok(self.ask("ListServiceQuotas", "").await?.quotas.clone())
    }

    async fn role_is_trusting(&self, role_arn: &str) -> Answer<bool> {
        let state = self.ask("GetRole", role_arn).await?;
        if role_arn.contains("/missing") {
            return Err(aws("GetRole", "NoSuchEntity", "The role cannot be found.", 404));
        }
        Ok(!state.distrusted.iter().any(|role| role == role_arn))
    }

    async fn permissions(&self, _: &str, actions: &[&str]) -> Answer<BTreeMap<String, bool>> {
        drop(self.ask("SimulatePrincipalPolicy", "").await?);
        Ok(actions.iter().map(|action| ((*action).to_owned(), !action.starts_with("iam:"))).collect())
    }

    async fn hourly_usd(&self, instance_type: &str) -> Answer<Option<f64>> {
        Ok(self.ask("GetProducts", instance_type).await?.prices.get(instance_type).copied())
    }

    async fn scaling(&self, endpoint: &str, variant: &str) -> Answer<Option<Scaling>> {
        Ok(self.ask("DescribeScalableTargets", endpoint).await?.scaling.get(&format!("{endpoint}/{variant}")).copied())
    }

    async fn set_scaling(&self, endpoint: &str, variant: &str, scaling: &Scaling) -> Answer<()> {
        self.ask("SetScaling", endpoint).await?.scaling.insert(format!("{endpoint}/{variant}"), *scaling);
        Ok(())
    }

    async fn remove_scaling(&self, endpoint: &str, variant: &str) -> Answer<()> {
        let removed = self.ask("RemoveScaling", endpoint).await?.scaling.remove(&format!("{endpoint}/{variant}"));
        removed.map(drop).ok_or_else(|| aws("DeregisterScalableTarget", "ObjectNotFoundException", "none", 400))
    }

    async fn invoke(&self, invocation: &Invocation) -> Answer<Invoked> {
        let (body, took) = {
            let mut state = self.ask("InvokeEndpoint", &invocation.endpoint).await?;
            state.invoked.push(invocation.clone());
            (state.answer.clone(), state.thinking)
        };
        tokio::time::sleep(took.min(invocation.limit)).await;
        if took > invocation.limit {
            return Err(silence("InvokeEndpoint"));
        }
        let variant = Some("AllTraffic".to_owned());
        Ok(Invoked { body, content_type: Some("application/json".into()), variant, took })
    }
}

fn line(text: String) -> LogLine {
    LogLine { at: clock::now(), stream: "AllTraffic/i-1".to_owned(), text }
}
