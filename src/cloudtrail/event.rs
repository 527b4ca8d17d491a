//! One decoded CloudTrail record. Text borrows from the object's bytes wherever nothing had to be unescaped.
//!
//! Field meanings: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>.

use std::borrow::Cow;

/// Borrowed or unescaped text; `None` where the field is absent, null or (for text) empty.
pub type Text<'a> = Option<Cow<'a, str>>;

/// One event. Times are microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Event<'a> {
    /// eventTime; required.
    pub event_time: i64,
    /// eventID; required, not empty.
    pub event_id: Cow<'a, str>,
    /// sharedEventID: ties the copies of one call that several accounts received.
    pub shared_event_id: Text<'a>,
    /// requestID.
    pub request_id: Text<'a>,
    /// eventVersion, as written.
    pub event_version: Text<'a>,
    /// eventType: AwsApiCall, AwsServiceEvent, AwsConsoleSignIn, ...
    pub event_type: Text<'a>,
    /// eventCategory: Management, Data, NetworkActivity.
    pub event_category: Text<'a>,
    /// eventSource; required.
    pub event_source: Cow<'a, str>,
    /// eventName; required.
    pub event_name: Cow<'a, str>,
    /// awsRegion, as written.
    pub aws_region: Text<'a>,
    /// additionalEventData.RequestDetails.awsServingRegion: where the global STS endpoint really served the call.
    pub serving_region: Text<'a>,
    /// recipientAccountId, as written (the fall-backs are the lake's affair).
    pub recipient_account_id: Text<'a>,
    /// readOnly; text forms "true" and "false" (any case) are accepted.
    pub read_only: Option<bool>,
    /// managementEvent; likewise.
    pub management_event: Option<bool>,
    /// errorCode.
    pub error_code: Text<'a>,
    /// errorMessage.
    pub error_message: Text<'a>,
    /// sourceIPAddress, as written: an address, a service's host name, "AWS Internal", or anything else.
    pub source_ip_address: Text<'a>,
    /// userAgent; arrays and other shapes as their JSON text.
    pub user_agent: Text<'a>,
    /// vpcEndpointId.
    pub vpc_endpoint_id: Text<'a>,
    /// vpcEndpointAccountId.
    pub vpc_endpoint_account_id: Text<'a>,
    /// userIdentity.
    pub identity: Identity<'a>,
    /// sessionCredentialFromConsole; text or boolean.
    pub from_console: Option<bool>,
    /// The ARNs of resources[] (key `ARN`, tolerated `arn`), in the record's order.
    pub resource_arns: Vec<Cow<'a, str>>,
    /// requestParameters as JSON text (a bare string stays JSON text, quoted); `None` for null or absent. Secrets removed.
    pub request_parameters: Text<'a>,
    /// responseElements, likewise.
    pub response_elements: Text<'a>,
    /// additionalEventData, likewise.
    pub additional_event_data: Text<'a>,
    /// resources, likewise.
    pub resources: Text<'a>,
    /// tlsDetails.tlsVersion.
    pub tls_version: Text<'a>,
    /// tlsDetails.clientProvidedHostHeader.
    pub tls_host: Text<'a>,
    /// Every top-level field without a column of its own (serviceEventDetails, addendum, apiVersion, unknown ones, and fields of
    /// userIdentity and tlsDetails that no column holds, under "userIdentity" and "tlsDetails"), as one JSON object; `None` where there is none.
    pub extra: Text<'a>,
}

/// userIdentity: who called.
///
/// <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html>
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Identity<'a> {
    /// type.
    pub kind: Text<'a>,
    /// arn.
    pub arn: Text<'a>,
    /// accountId.
    pub account_id: Text<'a>,
    /// principalId.
    pub principal_id: Text<'a>,
    /// userName; the sentinel HIDDEN_DUE_TO_SECURITY_REASONS becomes `None`.
    pub user_name: Text<'a>,
    /// accessKeyId; empty text becomes `None`.
    pub access_key_id: Text<'a>,
    /// invokedBy.
    pub invoked_by: Text<'a>,
    /// sessionContext.sessionIssuer.arn.
    pub issuer_arn: Text<'a>,
    /// sessionContext.sessionIssuer.principalId.
    pub issuer_id: Text<'a>,
    /// sessionContext.attributes.creationDate (basic and extended ISO form), microseconds.
    pub created_at: Option<i64>,
    /// sessionContext.attributes.mfaAuthenticated.
    pub mfa: Option<bool>,
    /// sessionContext.sourceIdentity (tolerated inside attributes).
    pub source_identity: Text<'a>,
    /// identityProvider, else sessionContext.webIdFederationData.federatedProvider.
    pub identity_provider: Text<'a>,
    /// onBehalfOf.userId.
    pub on_behalf_of_user_id: Text<'a>,
    /// inScopeOf.credentialsIssuedTo, else inScopeOf.sourceArn.
    pub in_scope_of_arn: Text<'a>,
    /// sessionContext.ec2RoleDelivery.
    pub ec2_role_delivery: Text<'a>,
    /// credentialId.
    pub credential_id: Text<'a>,
    /// signInSessionArn (tolerated inside sessionContext).
    pub sign_in_session_arn: Text<'a>,
}

impl Event<'_> {
    /// The role session name: what follows the principal id's colon for an assumed role, else the last part of its ARN.
    pub fn session_name(&self) -> Option<&str> {
        if self.identity.kind.as_deref() != Some("AssumedRole") {
            return None;
        }
        let from_id = self.identity.principal_id.as_deref().and_then(|id| id.split_once(':')).map(|(_, name)| name);
        let from_arn = || {
            let resource = self.identity.arn.as_deref()?.splitn(6, ':').nth(5)?;
            resource.strip_prefix("assumed-role/")?.split_once('/').map(|(_, name)| name)
        };
        from_id.or_else(from_arn).filter(|name| !name.is_empty())
    }
}
