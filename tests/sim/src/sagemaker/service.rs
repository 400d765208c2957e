//! The services that share the port, and the protocol that each speaks.

/// A service of AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    SageMaker,
    /// InvokeEndpoint has a host of its own at AWS.
    Runtime,
    Logs,
    Quotas,
    Scaling,
    Pricing,
    Sts,
    Iam,
    S3,
}

/// How a service speaks; each protocol has its own way to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Json,
    RestJson,
    Query,
    S3,
}

/// What `X-Amz-Target` begins with.
const TARGETS: [(&str, Service); 5] = [
    ("SageMaker.", Service::SageMaker),
    ("Logs_20140328.", Service::Logs),
    ("ServiceQuotasV20190624.", Service::Quotas),
    ("AnyScaleFrontendService.", Service::Scaling),
    ("AWSPriceListService.", Service::Pricing),
];

impl Service {
    /// The service and the operation that a target names. Another service's
    /// operation keeps its prefix, and so is unknown to SageMaker.
    pub(crate) fn of_target(target: &str) -> (Self, &str) {
        let mut named = TARGETS.iter().filter_map(|(prefix, service)| Some((*service, target.strip_prefix(prefix)?)));
        named.next().unwrap_or((Self::SageMaker, target))
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SageMaker => "sagemaker",
            Self::Runtime => "sagemaker-runtime",
            Self::Logs => "logs",
            Self::Quotas => "servicequotas",
            Self::Scaling => "application-autoscaling",
            Self::Pricing => "pricing",
            Self::Sts => "sts",
            Self::Iam => "iam",
            Self::S3 => "s3",
        }
    }

    /// What its actions begin with in policies.
    pub(crate) fn action_prefix(self) -> &'static str {
        if self == Self::Runtime { Self::SageMaker.name() } else { self.name() }
    }

    pub(crate) fn protocol(self) -> Protocol {
        match self {
            Self::SageMaker | Self::Logs | Self::Quotas | Self::Scaling | Self::Pricing => Protocol::Json,
            Self::Runtime => Protocol::RestJson,
            Self::Sts | Self::Iam => Protocol::Query,
            Self::S3 => Protocol::S3,
        }
    }

    pub(crate) fn query_namespace(self) -> &'static str {
        if self == Self::Sts {
            "https://sts.amazonaws.com/doc/2011-06-15/"
        } else {
            "https://iam.amazonaws.com/doc/2010-05-08/"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_name_the_service() {
        assert_eq!(Service::of_target("Logs_20140328.GetLogEvents"), (Service::Logs, "GetLogEvents"));
        assert_eq!(Service::of_target("SageMaker.ListModels"), (Service::SageMaker, "ListModels"));
        assert_eq!(Service::of_target("Other.List"), (Service::SageMaker, "Other.List"));
    }
}
