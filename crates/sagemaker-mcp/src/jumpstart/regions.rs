//! Where JumpStart keeps its files in each region.

use serde::Serialize;

/// The JumpStart buckets of one region, and how its addresses are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Region {
    /// The region, e.g. `eu-west-1`.
    pub name: String,
    /// Bucket of the manifest, the specs, the EULAs and every open artifact.
    pub content_bucket: String,
    /// Bucket of the artifacts that are readable only after accepting a EULA.
    pub gated_bucket: String,
    /// Bucket of draft models that JumpStart does not provide itself; not in every region.
    pub draft_bucket: Option<String>,
}

/// Regions with a draft bucket. Source: `region_config.json` (`neo_content_bucket`) of the
/// SageMaker Python SDK, 2026-08.
const WITH_DRAFT_BUCKET: [&str; 17] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// Region prefix, partition, DNS suffix; what matches none is the standard partition.
/// Source: botocore's `partitions.json`.
const PARTITIONS: [(&str, &str, &str); 7] = [
    ("cn-", "aws-cn", "amazonaws.com.cn"),
    ("us-gov-", "aws-us-gov", "amazonaws.com"),
    ("us-iso-", "aws-iso", "c2s.ic.gov"),
    ("us-isob-", "aws-iso-b", "sc2s.sgov.gov"),
    ("eu-isoe-", "aws-iso-e", "cloud.adc-e.uk"),
    ("us-isof-", "aws-iso-f", "csp.hci.ic.gov"),
    ("eusc-", "aws-eusc", "amazonaws.eu"),
];

impl Region {
    /// The buckets of the region called `name`. The two main buckets follow one rule in all
    /// 44 published regions, so a region newer than this code is served by the rule too.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            content_bucket: format!("jumpstart-cache-prod-{name}"),
            gated_bucket: format!("jumpstart-private-cache-prod-{name}"),
            draft_bucket: WITH_DRAFT_BUCKET.contains(&name).then(|| format!("sagemaker-sd-models-prod-{name}")),
        }
    }

    /// The partition of the region's ARNs: `aws`, `aws-cn`, `aws-us-gov`, …
    #[must_use]
    pub fn partition(&self) -> &'static str {
        self.partition_row().1
    }

    /// The HTTPS address of an `s3://bucket/key` URI; anything else comes back unchanged.
    #[must_use]
    pub fn https(&self, uri: &str) -> String {
        match uri.strip_prefix("s3://").and_then(|rest| rest.split_once('/')) {
            Some((bucket, key)) => {
                format!("https://{bucket}.s3.{}.{}/{key}", self.name, self.partition_row().2)
            }
            None => uri.to_owned(),
        }
    }

    fn partition_row(&self) -> (&'static str, &'static str, &'static str) {
        PARTITIONS.into_iter().find(|(prefix, ..)| self.name.starts_with(prefix)).unwrap_or((
            "",
            "aws",
            "amazonaws.com",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, partition: &str, https: &str, draft: Option<&str>) {
        let region = Region::new(name);
        assert_eq!(region.content_bucket, format!("jumpstart-cache-prod-{name}"));
        assert_eq!(region.gated_bucket, format!("jumpstart-private-cache-prod-{name}"));
        assert_eq!(
            (region.partition(), region.https("s3://b/k/e.txt").as_str(), region.draft_bucket.as_deref()),
            (partition, https, draft)
        );
    }

    #[test]
    fn a_standard_region_with_a_draft_bucket() {
        let draft = Some("sagemaker-sd-models-prod-us-east-1");
        check("us-east-1", "aws", "https://b.s3.us-east-1.amazonaws.com/k/e.txt", draft);
    }

    #[test]
    fn a_standard_region_without_a_draft_bucket() {
        check("ca-west-1", "aws", "https://b.s3.ca-west-1.amazonaws.com/k/e.txt", None);
    }

    #[test]
    fn china_and_govcloud_are_partitions_of_their_own() {
        check("cn-north-1", "aws-cn", "https://b.s3.cn-north-1.amazonaws.com.cn/k/e.txt", None);
        check("us-gov-west-1", "aws-us-gov", "https://b.s3.us-gov-west-1.amazonaws.com/k/e.txt", None);
    }

    #[test]
    fn the_sovereign_regions_have_suffixes_of_their_own() {
        check("us-iso-east-1", "aws-iso", "https://b.s3.us-iso-east-1.c2s.ic.gov/k/e.txt", None);
        check("us-isob-east-1", "aws-iso-b", "https://b.s3.us-isob-east-1.sc2s.sgov.gov/k/e.txt", None);
        check("eusc-de-east-1", "aws-eusc", "https://b.s3.eusc-de-east-1.amazonaws.eu/k/e.txt", None);
    }

    #[test]
    fn what_is_no_s3_uri_is_left_alone() {
        assert_eq!(Region::new("us-east-1").https("https://x/y"), "https://x/y");
    }
}
