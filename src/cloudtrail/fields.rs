//! The names of the fields that the decoder knows, by the object that they stand in.

macro_rules! fields {
    ($($name:ident)*) => {
        /// The fields that get a span of their own; those of one object and of the objects in it stand together.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(usize)]
        pub(super) enum Field { $($name),* }

        pub(super) const FIELDS: usize = [$(Field::$name),*].len();
    };
}

// `Low...` are the spellings `eventId`, `requestId`, `sharedEventId` of exports; `Context...` and `Attributes...` are tolerated
// places of fields that belong one level up.
fields! {
    EventVersion EventTime EventSource EventName AwsRegion SourceIp UserAgent ErrorCode ErrorMessage RequestParameters
    ResponseElements AdditionalEventData RequestId EventId ReadOnly Resources EventType ManagementEvent
    RecipientAccountId SharedEventId EventCategory VpcEndpointId VpcEndpointAccountId FromConsole
    LowEventId LowRequestId LowSharedEventId
    Detail DetailType CloudTrailEvent Digest NotificationSource
    Type PrincipalId Arn AccountId AccessKeyId UserName InvokedBy IdentityProvider CredentialId SignInSessionArn
    OnBehalfOfUserId
    IssuedTo ScopeSourceArn
    SourceIdentity Ec2RoleDelivery ContextSignInSessionArn
    IssuerType IssuerPrincipalId IssuerArn IssuerAccountId IssuerUserName
    CreationDate Mfa AttributesSourceIdentity
    FederatedProvider
    TlsVersion TlsHost
}

/// The object that a field stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub(super) enum Within {
    Record,
    Identity,
    Context,
    Issuer,
    Attributes,
    WebIdentity,
    OnBehalfOf,
    InScopeOf,
    Tls,
}

impl Within {
    /// The last object inside this one, in the order of the variants.
    pub(super) fn last(self) -> Within {
        match self {
            Within::Record => Within::Tls,
            Within::Identity => Within::InScopeOf,
            Within::Context => Within::WebIdentity,
            leaf => leaf,
        }
    }

    /// The first and the last field in this object and the objects in it.
    pub(super) fn fields(self) -> (Field, Field) {
        match self {
            Within::Record => (Field::EventVersion, Field::TlsHost),
            Within::Identity => (Field::Type, Field::FederatedProvider),
            Within::Context => (Field::SourceIdentity, Field::FederatedProvider),
            Within::Issuer => (Field::IssuerType, Field::IssuerUserName),
            Within::Attributes => (Field::CreationDate, Field::AttributesSourceIdentity),
            Within::WebIdentity => (Field::FederatedProvider, Field::FederatedProvider),
            Within::OnBehalfOf => (Field::OnBehalfOfUserId, Field::OnBehalfOfUserId),
            Within::InScopeOf => (Field::IssuedTo, Field::ScopeSourceArn),
            Within::Tls => (Field::TlsVersion, Field::TlsHost),
        }
    }
}

/// What becomes of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// It has a span of its own.
    Field(Field),
    /// It has one that only tells what kind of record this is; as an event's field it is unknown.
    Mark(Field),
    /// It is an object whose members are looked at.
    Inside(Within),
    /// It has no column.
    Other,
}

/// A known name.
struct Name {
    within: Within,
    name: &'static [u8],
    target: Target,
}

const fn field(within: Within, name: &'static [u8], field: Field) -> Name {
    Name { within, name, target: Target::Field(field) }
}

const fn mark(name: &'static [u8], field: Field) -> Name {
    Name { within: Within::Record, name, target: Target::Mark(field) }
}

const fn inside(within: Within, name: &'static [u8], inner: Within) -> Name {
    Name { within, name, target: Target::Inside(inner) }
}

#[rustfmt::skip]
const NAMES: &[Name] = {
    use Field::*;
    use Within::{Attributes, Context, Identity, InScopeOf, Issuer, OnBehalfOf, Record, Tls, WebIdentity};
    &[
        field(Record, b"eventVersion", EventVersion),
        inside(Record, b"userIdentity", Identity),
        field(Record, b"eventTime", EventTime),
        field(Record, b"eventSource", EventSource),
        field(Record, b"eventName", EventName),
        field(Record, b"awsRegion", AwsRegion),
        field(Record, b"sourceIPAddress", SourceIp),
        field(Record, b"userAgent", UserAgent),
        field(Record, b"errorCode", ErrorCode),
        field(Record, b"errorMessage", ErrorMessage),
        field(Record, b"requestParameters", RequestParameters),
        field(Record, b"responseElements", ResponseElements),
        field(Record, b"additionalEventData", AdditionalEventData),
        field(Record, b"requestID", RequestId),
        field(Record, b"eventID", EventId),
        field(Record, b"readOnly", ReadOnly),
        field(Record, b"resources", Resources),
        field(Record, b"eventType", EventType),
        field(Record, b"managementEvent", ManagementEvent),
        field(Record, b"recipientAccountId", RecipientAccountId),
        field(Record, b"sharedEventID", SharedEventId),
        field(Record, b"eventCategory", EventCategory),
        field(Record, b"vpcEndpointId", VpcEndpointId),
        field(Record, b"vpcEndpointAccountId", VpcEndpointAccountId),
        field(Record, b"sessionCredentialFromConsole", FromConsole),
        inside(Record, b"tlsDetails", Tls),
        field(Record, b"eventId", LowEventId),
        field(Record, b"requestId", LowRequestId),
        field(Record, b"sharedEventId", LowSharedEventId),
        mark(b"detail", Detail),
        mark(b"detail-type", DetailType),
        mark(b"CloudTrailEvent", CloudTrailEvent),
        mark(b"digestS3Object", Digest),
        mark(b"EventSource", NotificationSource),
        field(Identity, b"type", Type),
        field(Identity, b"principalId", PrincipalId),
        field(Identity, b"arn", Arn),
        field(Identity, b"accountId", AccountId),
        field(Identity, b"accessKeyId", AccessKeyId),
        field(Identity, b"userName", UserName),
        inside(Identity, b"sessionContext", Context),
        field(Identity, b"invokedBy", InvokedBy),
        field(Identity, b"identityProvider", IdentityProvider),
        field(Identity, b"credentialId", CredentialId),
        field(Identity, b"signInSessionArn", SignInSessionArn),
        inside(Identity, b"onBehalfOf", OnBehalfOf),
        inside(Identity, b"inScopeOf", InScopeOf),
        inside(Context, b"sessionIssuer", Issuer),
        inside(Context, b"attributes", Attributes),
        inside(Context, b"webIdFederationData", WebIdentity),
        field(Context, b"sourceIdentity", SourceIdentity),
        field(Context, b"ec2RoleDelivery", Ec2RoleDelivery),
        field(Context, b"signInSessionArn", ContextSignInSessionArn),
        field(Issuer, b"type", IssuerType),
        field(Issuer, b"principalId", IssuerPrincipalId),
        field(Issuer, b"arn", IssuerArn),
        field(Issuer, b"accountId", IssuerAccountId),
        field(Issuer, b"userName", IssuerUserName),
        field(Attributes, b"creationDate", CreationDate),
        field(Attributes, b"mfaAuthenticated", Mfa),
        field(Attributes, b"sourceIdentity", AttributesSourceIdentity),
        field(WebIdentity, b"federatedProvider", FederatedProvider),
        field(OnBehalfOf, b"userId", OnBehalfOfUserId),
        field(InScopeOf, b"credentialsIssuedTo", IssuedTo),
        field(InScopeOf, b"sourceArn", ScopeSourceArn),
        field(Tls, b"tlsVersion", TlsVersion),
        field(Tls, b"clientProvidedHostHeader", TlsHost),
    ]
};

/// Where a name stands in `TABLE`. The factors are such that no two known names meet; the compiler checks that.
#[inline]
const fn place(within: Within, name: &[u8]) -> usize {
    let length = name.len();
    let sum = length * 9
        + name[0] as usize * 25
        + name[length - 1] as usize * 41
        + name[length - 3] as usize * 50
        + within as usize * 31;
    sum & 255
}

/// Where nothing stands in `TABLE`.
const NONE: u8 = u8::MAX;

/// The places of `NAMES`, so that one comparison decides.
static TABLE: [u8; 256] = {
    let mut table = [NONE; 256];
    let mut i = 0;
    while i < NAMES.len() {
        let at = place(NAMES[i].within, NAMES[i].name);
        assert!(table[at] == NONE, "two names meet");
        table[at] = i as u8;
        i += 1;
    }
    table
};

/// What becomes of the member `name` of the object `within`.
#[inline]
pub(super) fn target(within: Within, name: &[u8]) -> Target {
    if name.len() < 3 {
        return Target::Other;
    }
    match NAMES.get(usize::from(TABLE[place(within, name)])) {
        Some(known) if known.within == within && known.name == name => known.target,
        _ => Target::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_name_is_found_where_it_belongs_and_nowhere_else() {
        for known in NAMES {
            assert_eq!(target(known.within, known.name), known.target);
            assert_eq!(target(known.within, &known.name[1..]), Target::Other);
            for other in NAMES.iter().filter(|other| other.within != known.within) {
                let there = NAMES.iter().any(|n| n.within == other.within && n.name == known.name);
                assert_eq!(target(other.within, known.name) != Target::Other, there);
            }
        }
        assert_eq!(target(Within::Record, b""), Target::Other);
        assert_eq!(target(Within::Record, b"ab"), Target::Other);
    }
}
