#!/usr/bin/env python3
"""Write sample-logs/: one day of an invented organisation's CloudTrail logs, in the key layout of an organisation trail.

    python3 tests/make_sample_logs.py            writes sample-logs/AWSLogs anew
    python3 tests/make_sample_logs.py --check    says whether sample-logs/AWSLogs holds what would be written; exit 1 if not

Python's standard library only. Nothing is random: every id, time and count comes from a hash of its own name, so the same
records come out on every run and every machine. The gzip bytes are equal too wherever Python uses the same zlib; --check
therefore compares the names and the uncompressed bytes.

Nobody and nothing in here is real: the accounts and people are invented, public addresses are from the ranges kept for
documentation (192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24, 2001:db8::/32), names end in example.com, and the session
tokens are sentences that say so. sample-logs/README.md tells the day's story.
"""
import argparse
import base64
import dataclasses
import datetime as dt
import gzip
import hashlib
import json
import os
import shutil
import sys

DAY = dt.datetime(2026, 11, 18)
FILE_MINUTES = 30
ORG = "o-juniper4rc"
MGMT, IDENTITY, TOOLING, AUDIT = "210000000001", "210000000002", "210000000003", "210000000004"
SHOP_DEV, SHOP, DATA, LEGACY = "210000000005", "210000000006", "210000000007", "040000000008"
VENDOR, PARTNER = "390000000009", "390000000010"
HOME, EAST, IRELAND = "eu-central-1", "us-east-1", "eu-west-1"

OFFICE, VPN, BACKUP_HOST, COSTWATCH = "198.51.100.10", "198.51.100.12", "198.51.100.40", "192.0.2.200"
SHOP_NAT, DEV_NAT, LEGACY_IP = "198.51.100.20", "198.51.100.21", "198.51.100.30"
HOTEL, THIEF, THIEF_LATER = "192.0.2.140", "203.0.113.77", "203.0.113.91"

BROWSER = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
FIREFOX = "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
CLI_MAC = "aws-cli/2.31.4 md/awscrt#0.27.6 ua/2.1 os/macos#24.6.0 md/arch#arm64 lang/python#3.13.7 cfg/retry-mode#standard"
CLI_LINUX = "aws-cli/2.31.4 md/awscrt#0.27.6 ua/2.1 os/linux#6.8.0 md/arch#x86_64 lang/python#3.13.7 cfg/retry-mode#standard"
CLI_KALI = "aws-cli/2.17.18 md/awscrt#0.20.11 ua/2.0 os/linux#6.8.11-amd64 md/arch#x86_64 lang/python#3.12.6 md/distrib#kali.2024"
BOTO = "Boto3/1.41.2 md/Botocore#1.41.2 ua/2.1 os/linux#6.1.0 md/arch#x86_64 lang/python#3.12.11"
OLD_BOTO = "Boto3/1.17.112 Python/3.7.16 Linux/4.14.355-276.618.amzn2.x86_64 Botocore/1.20.112"
TERRAFORM = "APN/1.0 HashiCorp/1.0 Terraform/1.13.3 (+https://www.terraform.io) terraform-provider-aws/6.14.1 aws-sdk-go-v2/1.39.2 ua/2.1 os/linux lang/go#1.25.1"
ACTIONS = "aws-sdk-js/3.901.0 ua/2.1 os/linux#6.11.0 lang/js md/nodejs#20.19.5 api/sts#3.901.0 configure-aws-credentials-for-github-actions"
COLLECTOR = "CostWatch-Collector/4.2 Boto3/1.40.49 md/Botocore#1.40.49 ua/2.1 os/linux#6.1.0 lang/python#3.12.11"
JERSEY = "Jersey/${project.version} (HttpUrlConnection 17.0.12)"


# --- ids and times: all from hashes of names --------------------------------------------------------------------------
def number(*name):
    return int.from_bytes(hashlib.sha256("/".join(map(str, name)).encode()).digest(), "big")


def letters(n, alphabet, *name):
    x, out = number(*name), ""
    while len(out) < n:
        x, r = divmod(x, len(alphabet))
        out += alphabet[r]
    return out


def hexes(n, *name):
    return letters(n, "0123456789abcdef", *name)


def uuid(*name):
    h = hexes(32, "uuid", *name)
    return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}"


def key_id(account, prefix, *name):
    """A unique id of today's form: its first characters hold the account. ASIA/AKIA have 20 characters, AROA/AIDA 21."""
    bits = 1 << 47 | int(account) << 7 | number("low", prefix, *name) % 128
    head = base64.b32encode(bits.to_bytes(6, "big")).decode()[:9]
    long = 8 if prefix in ("AROA", "AIDA") else 7
    return prefix + head + letters(long, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", prefix, *name)


def at(clock):
    """A time of the day: "09:02:11"; "-1 22:10:00" is the day before."""
    day, _, clock = clock.rpartition(" ")
    h, m, s = map(int, clock.split(":"))
    return DAY + dt.timedelta(days=int(day or 0), hours=h, minutes=m, seconds=s)


def after(t, seconds):
    return t + dt.timedelta(seconds=seconds)


def iso(t):
    return t.strftime("%Y-%m-%dT%H:%M:%SZ")


def epoch(t):
    return int(t.replace(tzinfo=dt.timezone.utc).timestamp())


def display(t):
    """The form of responseElements.credentials.expiration: Nov 23, 2026, 3:08:00 PM."""
    month = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()[t.month - 1]
    return f"{month} {t.day}, {t.year}, {t.hour % 12 or 12}:{t:%M:%S} {'PM' if t.hour >= 12 else 'AM'}"


def token(key):
    """Has a session token's form, and says what it is."""
    text = f"Not a credential: filler of rolecall's sample logs, in the place of the session token of {key}. It opens nothing. "
    return "IQoJb3JpZ2luX2Vj" + base64.b64encode((text * 4)[:300].encode()).decode()


def role(account, name, path="/"):
    return f"arn:aws:iam::{account}:role{path}{name}"


def role_id(arn):
    return key_id(arn.split(":")[4], "AROA", arn)


def user(account, name):
    return {"type": "IAMUser", "principalId": key_id(account, "AIDA", name), "arn": f"arn:aws:iam::{account}:user/{name}",
            "accountId": account, "accessKeyId": key_id(account, "AKIA", name), "userName": name}


# --- who calls ----------------------------------------------------------------------------------------------------------
@dataclasses.dataclass
class Session:
    """An issued credential: the identity its calls show, and when it ends."""
    identity: dict
    expires: dt.datetime
    issued_key: str

    @property
    def account(self):
        return self.identity["accountId"]

    @property
    def arn(self):
        return self.identity["arn"]


@dataclasses.dataclass
class Client:
    """An identity at an address, with a program in hand."""
    identity: dict
    ip: str
    agent: str
    region: str = HOME
    more: dict = dataclasses.field(default_factory=dict)

    def do(self, t, call, request=None, response=None, error=None, region=None, read_only=None, **more):
        source, name = call.split(":")
        return record(t, self.identity["accountId"], region or self.region, source, name, self.identity, self.ip, self.agent,
                      request=request, response=response, error=error, read_only=read_only, **{**self.more, **more})

    def routine(self, start, end, times, menu, region=None):
        """Ordinary calls, spread over the time; the menu repeats its frequent entries."""
        start, end = at(start) if isinstance(start, str) else start, at(end) if isinstance(end, str) else end
        span = int((end - start).total_seconds())
        for i in range(times):
            n = number("routine", self.identity.get("principalId"), iso(start), i)
            source, name, request = menu[n % len(menu)]
            more = {}
            if source == "s3" and name in ("GetObject", "PutObject"):
                request = dict(request, key=f"{request['key']}/{hexes(12, n)}.json")
            elif name == "CreateLogStream":
                request = dict(request, logStreamName=f"{start:%Y/%m/%d}/[$LATEST]{hexes(32, n)}")
            self.do(after(start, span * i // times + n // 97 % max(1, span // times)), f"{source}:{name}", request,
                    region=region or (EAST if source == "iam" else None), **more)


RECORDS = []
READS = ("Describe", "Get", "List", "Lookup", "Decrypt", "Head", "Assume", "Search", "BatchGet")


def record(t, account, region, source, name, identity, ip, agent, request=None, response=None, error=None, read_only=None, **more):
    """One record, as CloudTrail would write it into the account's log."""
    n = len(RECORDS)
    sign_in, data = source == "signin", source == "s3" and name in ("GetObject", "PutObject", "ListObjects")
    rec = {"eventVersion": "1.11", "userIdentity": identity, "eventTime": iso(t), "eventSource": f"{source}.amazonaws.com",
           "eventName": name, "awsRegion": region, "sourceIPAddress": ip, "userAgent": agent}
    if error:
        rec["errorCode"], rec["errorMessage"] = error
    rec["requestParameters"], rec["responseElements"] = request, response
    host = more.pop("host", f"{source}.{region}.amazonaws.com")
    if source == "s3":
        rec["additionalEventData"] = {"SignatureVersion": "SigV4", "CipherSuite": "TLS_AES_128_GCM_SHA256", "bytesTransferredIn": 0,
                                      "AuthenticationMethod": "AuthHeader", "bytesTransferredOut": number("bytes", n) % 90000}
        if request and "bucketName" in request:
            bucket = f"arn:aws:s3:::{request['bucketName']}"
            more["resources"] = [{"accountId": account, "type": "AWS::S3::Bucket", "ARN": bucket}]
            if "key" in request:
                more["resources"].insert(0, {"type": "AWS::S3::Object", "ARN": f"{bucket}/{request['key']}"})
    if source in ("iam", "organizations", "cloudfront"):
        host = f"{source}.amazonaws.com"
    if "additionalEventData" in more:
        rec["additionalEventData"] = more.pop("additionalEventData")
    if not sign_in:
        rec["requestID"] = letters(16, "ABCDEFGHJKMNPQRSTVWXYZ0123456789", "s3", n) if source == "s3" else more.pop("requestID", uuid("request", n))
    rec["eventID"] = uuid("event", n)
    rec["readOnly"] = name.startswith(READS) if read_only is None else read_only
    by_service = ip.endswith(".amazonaws.com") or ip == "AWS Internal" or more.get("eventType") == "AwsServiceEvent"
    rec.update(more)
    rec.update({"eventType": rec.pop("eventType", "AwsConsoleSignIn" if sign_in else "AwsApiCall"), "managementEvent": not data,
                "recipientAccountId": account, "eventCategory": "Data" if data else "Management"})
    if not by_service:
        rec["tlsDetails"] = {"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256", "clientProvidedHostHeader": host}
    RECORDS.append(rec)
    return rec


# --- credentials ------------------------------------------------------------------------------------------------------
def session_identity(arn, name, key, issued, mfa=False, provider=None, source_identity=None, delivery=None, in_scope=None, person=None):
    """userIdentity of a role session's own calls."""
    account, role_name = arn.split(":")[4], arn.rsplit("/", 1)[1]
    context = {"sessionIssuer": {"type": "Role", "principalId": role_id(arn), "arn": arn, "accountId": account, "userName": role_name},
               "webIdFederationData": {"federatedProvider": provider, "attributes": {}} if provider else {},
               "attributes": {"creationDate": iso(issued), "mfaAuthenticated": "true" if mfa else "false"}}
    if source_identity:
        context["sourceIdentity"] = source_identity
    if delivery:
        context["ec2RoleDelivery"] = delivery
    identity = {"type": "AssumedRole", "principalId": f"{role_id(arn)}:{name}", "accountId": account,
                "arn": f"arn:aws:sts::{account}:assumed-role/{role_name}/{name}"}
    if key:
        identity["accessKeyId"] = key
    identity["sessionContext"] = context
    if person:
        identity["onBehalfOf"] = on_behalf_of(person)
    if in_scope:
        identity["inScopeOf"] = {"issuerType": "AWS::Lambda::Function", "credentialsIssuedTo": in_scope}
    return identity


def issued(t, arn, name, seconds, assumed_role_user=True, source_identity=None):
    """responseElements of a call that gives a role's credentials, and the key."""
    account = arn.split(":")[4]
    key = key_id(account, "ASIA", arn, name, iso(t), len(RECORDS))
    response = {"credentials": {"accessKeyId": key, "sessionToken": token(key), "expiration": display(after(t, seconds))}}
    if assumed_role_user:
        response["assumedRoleUser"] = {"assumedRoleId": f"{role_id(arn)}:{name}",
                                       "arn": f"arn:aws:sts::{account}:assumed-role/{arn.rsplit('/', 1)[1]}/{name}"}
    if source_identity:
        response["sourceIdentity"] = source_identity
    return key, response


def role_resource(arn):
    return [{"accountId": arn.split(":")[4], "type": "AWS::IAM::Role", "ARN": arn}]


def refused(client, t, arn, why=""):
    """A denial shows no parameters: the role is in the message alone, and only the caller's account hears of it."""
    client.do(at(t) if isinstance(t, str) else t, "sts:AssumeRole", error=(
        "AccessDenied", f"User: {client.identity['arn']} is not authorized to perform: sts:AssumeRole on resource: {arn}{why}"))


def worldwide(serving=HOME):
    """The global endpoint of STS: recorded in us-east-1, served elsewhere."""
    return {"region": EAST, "host": "sts.amazonaws.com",
            "additionalEventData": {"RequestDetails": {"endpointType": "global", "awsServingRegion": serving}}}


def assume(client, t, arn, name, asked=None, mfa=False, source_identity=None, tags=None, transitive=None, used_key=None, policy=None, **where):
    """AssumeRole by a user or a session; a call across accounts is recorded in both."""
    t = at(t) if isinstance(t, str) else t
    me, account = client.identity, arn.split(":")[4]
    region = where.pop("region", client.region)
    request = {"roleArn": arn, "roleSessionName": name}
    if asked:
        request["durationSeconds"] = asked
    if source_identity:
        request["sourceIdentity"] = source_identity
    if tags:
        request["tags"] = [{"key": k, "value": v} for k, v in tags.items()]
    if transitive:
        request["transitiveTagKeys"] = transitive
    if policy:
        request["policy"] = policy
    kept = source_identity or me.get("sessionContext", {}).get("sourceIdentity")
    seconds = asked or 3600
    key, response = issued(t, arn, name, seconds, source_identity=kept)
    if tags or policy:
        response["packedPolicySize"] = 4
    more = {"resources": role_resource(arn), **where}
    if account != me["accountId"]:
        more["sharedEventID"] = uuid("shared", len(RECORDS))
        more["requestID"] = uuid("request", "shared", len(RECORDS))
    record(t, me["accountId"], region, "sts", "AssumeRole", me, client.ip, client.agent, request, response, **more)
    if account != me["accountId"]:
        stranger = {"type": "AWSAccount", "principalId": me["principalId"], "accountId": me["accountId"]}
        record(t, account, region, "sts", "AssumeRole", stranger, client.ip, client.agent, request, response, **more)
    mfa = mfa or me.get("sessionContext", {}).get("attributes", {}).get("mfaAuthenticated") == "true" and me["type"] == "IAMUser"
    return Session(session_identity(arn, name, used_key or key, t, mfa=mfa, source_identity=kept), after(t, seconds), key)


def assume_for_service(t, host, arn, name, seconds, asked=None, assumed_role_user=False, tags=None, region=HOME, **context):
    """AssumeRole by a service: the other copy belongs to the service's own account, so a sharedEventID is there without it."""
    t = at(t) if isinstance(t, str) else t
    request = {"roleArn": arn, "roleSessionName": name}
    if asked:
        request["durationSeconds"] = asked
    if tags:
        request.update(tags=[{"key": k, "value": v} for k, v in tags.items()], transitiveTagKeys=list(tags))
    if "source_identity" in context:
        request["sourceIdentity"] = context["source_identity"]
    key, response = issued(t, arn, name, seconds, assumed_role_user, context.get("source_identity"))
    record(t, arn.split(":")[4], region, "sts", "AssumeRole", {"type": "AWSService", "invokedBy": host}, host, host, request, response,
           resources=role_resource(arn), sharedEventID=uuid("shared", len(RECORDS)))
    return Session(session_identity(arn, name, key, t, **context), after(t, seconds), key)


# --- Identity Center -----------------------------------------------------------------------------------------------------
SETS = {"PowerUser": 28800, "ReadOnly": 3600, "Administrator": 3600}


def sso_role(account, permission_set):
    return role(account, f"AWSReservedSSO_{permission_set}_{hexes(16, 'sso', permission_set, account)}", f"/aws-reserved/sso.amazonaws.com/{HOME}/")


def on_behalf_of(person):
    return {"userId": uuid("person", person), "identityStoreArn": f"arn:aws:identitystore::{MGMT}:identitystore/d-99670a1b2c"}


def portal(person, t, account, permission_set, ip, agent, seconds=None, lag=0):
    """A person takes a role: the management account hears of the person's address, the role's account of AWS's own."""
    t = at(t) if isinstance(t, str) else t
    arn = sso_role(account, permission_set)
    record(after(t, -lag), MGMT, HOME, "sso", "GetRoleCredentials",
           {"type": "IdentityCenterUser", "accountId": MGMT, "onBehalfOf": on_behalf_of(person), "credentialId": uuid("credential", person)},
           ip, agent, eventType="AwsServiceEvent", serviceEventDetails={"role_name": permission_set, "account_id": account})
    seconds = seconds or SETS[permission_set]
    qualifier = base64.b64encode(hashlib.sha256(f"qualifier {account}".encode()).digest()[:20]).decode()
    provider = f"arn:aws:iam::{account}:saml-provider/AWSSSO_{hexes(16, 'idp', account)}_DO_NOT_DELETE"
    request = {"sAMLAssertionID": "_" + uuid("assertion", person, iso(t)), "roleSessionName": person, "durationSeconds": seconds,
               "roleArn": arn, "principalArn": provider}
    key, response = issued(t, arn, person, seconds - 1)
    response.update({"subjectType": "persistent", "subject": person, "nameQualifier": qualifier, "audience": "https://signin.aws.amazon.com/saml",
                     "issuer": f"https://portal.sso.{HOME}.amazonaws.com/saml/assertion/{letters(24, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', account)}"})
    record(t, account, HOME, "sts", "AssumeRoleWithSAML",
           {"type": "SAMLUser", "principalId": f"{qualifier}:{person}", "userName": person, "identityProvider": qualifier},
           "AWS Internal", "AWS Internal", request, response,
           resources=role_resource(arn) + [{"accountId": account, "type": "AWS::IAM::SAMLProvider", "ARN": provider}])
    used = key_id(account, "ASIA", "handed out", key)  # the key a person gets is not the one in the record
    return Session(session_identity(arn, person, used, t, person=person), after(t, seconds - 1), key)


# --- what is called in ordinary life ----------------------------------------------------------------------------------------
LOOK = [("ec2", "DescribeInstances", {"instancesSet": {}, "filterSet": {}}), ("ecs", "DescribeServices", {"cluster": "shop", "services": ["web"]}),
        ("logs", "DescribeLogGroups", {"limit": 50}), ("cloudformation", "DescribeStacks", None), ("iam", "ListRoles", None),
        ("rds", "DescribeDBInstances", None), ("lambda", "ListFunctions20150331", None), ("s3", "ListBuckets", {"Host": "s3.amazonaws.com"}),
        ("ec2", "DescribeSecurityGroups", {"securityGroupSet": {}, "filterSet": {}}), ("sts", "GetCallerIdentity", None)]
BUILD = LOOK + [("lambda", "UpdateFunctionCode20150331v2", {"functionName": "dev-mailer"}), ("ecs", "UpdateService", {"cluster": "dev", "service": "web"}),
                ("dynamodb", "CreateTable", {"tableName": "carts-try"}), ("ec2", "CreateTags", {"resourcesSet": {"items": []}})]
DEPLOY = [("ecs", "RegisterTaskDefinition", {"family": "web"}), ("ecs", "UpdateService", {"cluster": "shop", "service": "web"}),
          ("ecs", "DescribeServices", {"cluster": "shop", "services": ["web"]}), ("ec2", "DescribeSubnets", None), ("iam", "GetRole", {"roleName": "shop-web"}),
          ("lambda", "UpdateFunctionCode20150331v2", {"functionName": "order-mailer"}), ("ec2", "DescribeVpcs", None),
          ("elasticloadbalancing", "DescribeTargetHealth", None)]
STATE = [("s3", "GetObject", {"bucketName": "juniper-terraform-state", "key": "env"}), ("s3", "PutObject", {"bucketName": "juniper-terraform-state", "key": "env"}),
         ("kms", "Decrypt", {"encryptionAlgorithm": "SYMMETRIC_DEFAULT"})]
WEB = [("s3", "GetObject", {"bucketName": "juniper-shop-assets", "key": "img"}), ("dynamodb", "DescribeTable", {"tableName": "orders"}),
       ("ssm", "GetParameter", {"name": "/shop/web/config", "withDecryption": True}), ("kms", "Decrypt", {"encryptionAlgorithm": "SYMMETRIC_DEFAULT"})]
OLD_APP = [("s3", "ListObjects", {"bucketName": "juniper-legacy-files"}), ("s3", "GetObject", {"bucketName": "juniper-legacy-files", "key": "in"}),
           ("sqs", "GetQueueUrl", {"queueName": "legacy-jobs"}), ("ssm", "UpdateInstanceInformation", {"agentName": "amazon-ssm-agent"})]
ETL = [("s3", "GetObject", {"bucketName": "juniper-warehouse", "key": "raw"}), ("s3", "PutObject", {"bucketName": "juniper-warehouse", "key": "clean"}),
       ("glue", "GetTable", {"databaseName": "orders", "name": "lines"}), ("kms", "Decrypt", {"encryptionAlgorithm": "SYMMETRIC_DEFAULT"})]
FUNCTION = [("logs", "CreateLogStream", {"logGroupName": "/aws/lambda/app"}), ("s3", "GetObject", {"bucketName": "juniper-shop-assets", "key": "orders"}),
            ("ses", "SendEmail", {"source": "shop@example.com"}), ("dynamodb", "DescribeTable", {"tableName": "orders"})]
COPY = [("ec2", "DescribeVolumes", None), ("ec2", "CreateSnapshot", {"volumeId": "vol-0a1b2c3d4e5f60718"}), ("rds", "DescribeDBSnapshots", None),
        ("rds", "CreateDBSnapshot", {"dBInstanceIdentifier": "main"})]
COST = [("ec2", "DescribeInstances", {"instancesSet": {}, "filterSet": {}}), ("ec2", "DescribeVolumes", None), ("rds", "DescribeDBInstances", None),
        ("elasticloadbalancing", "DescribeLoadBalancers", None), ("ce", "GetCostAndUsage", {"granularity": "DAILY"})]
LOOKOUT = [("iam", "ListRoles", None), ("iam", "GetAccountAuthorizationDetails", None), ("guardduty", "ListDetectors", None),
           ("cloudtrail", "DescribeTrails", None), ("ec2", "DescribeSecurityGroups", {"securityGroupSet": {}, "filterSet": {}})]


# --- the day ------------------------------------------------------------------------------------------------------------------
def mail(name):
    return f"{name}@example.com"


def people():
    """Identity Center: six people, from the office, from home, from an hotel, in the night."""
    ada, bram, chidi, dana, finn = map(mail, ("ada.moreau", "bram.okafor", "chidi.lund", "dana.petrov", "finn.haas"))
    s = portal(ada, "08:04:12", SHOP_DEV, "PowerUser", OFFICE, CLI_MAC)
    Client(s.identity, OFFICE, CLI_MAC).routine("08:04:30", "11:40:00", 60, BUILD)
    s = portal(ada, "13:15:40", SHOP, "ReadOnly", OFFICE, CLI_MAC, lag=1)
    Client(s.identity, OFFICE, CLI_MAC).routine("13:16:00", "14:05:00", 25, LOOK)

    # bram travels: a session from an hotel, and a chain of two into the audit account
    s = portal(bram, "07:21:05", DATA, "PowerUser", HOTEL, CLI_LINUX)
    me = Client(s.identity, HOTEL, CLI_LINUX)
    me.routine("07:22:00", "10:50:00", 45, LOOK + ETL)
    s = assume(me, "09:10:33", role(AUDIT, "archive-reader"), "bram.okafor", tags={"team": "data"}, transitive=["team"])
    Client(s.identity, HOTEL, CLI_LINUX).routine("09:10:50", "09:40:00", 12, [("s3", "ListObjects", {"bucketName": "juniper-customer-archive"}),
                                                                             ("s3", "GetObject", {"bucketName": "juniper-customer-archive", "key": "2025"})])

    # chidi works in the console from home: one session, two keys, none of them the issued one
    home = "2001:db8:40:1::7"
    s = portal(chidi, "08:31:20", SHOP_DEV, "PowerUser", home, BROWSER)
    first, console = s.identity["accessKeyId"], key_id(SHOP_DEV, "ASIA", "console", chidi)
    Client(s.identity, home, JERSEY).do(at("08:31:21"), "signin:GetSigninToken", read_only=False, host=f"{HOME}.signin.aws.amazon.com",
                                        response={"credentials": {"accessKeyId": console}, "GetSigninToken": "Success"},
                                        additionalEventData={"MobileVersion": "No", "MFAUsed": "No"})
    keyless = {k: v for k, v in s.identity.items() if k != "accessKeyId"}
    Client(keyless, home, BROWSER).do(at("08:31:23"), "signin:ConsoleLogin", response={"ConsoleLogin": "Success"}, read_only=False, host=f"{HOME}.signin.aws.amazon.com",
                                      additionalEventData={"LoginTo": f"https://{HOME}.console.aws.amazon.com/console/home", "MobileVersion": "No", "MFAUsed": "No"})
    for key, start, end in ((console, "08:32:00", "10:10:00"), (first, "10:12:00", "11:30:00")):
        Client(dict(s.identity, accessKeyId=key), home, BROWSER, more={"sessionCredentialFromConsole": "true"}).routine(start, end, 22, BUILD)

    # dana is refused in production, for good
    s = portal(dana, "09:47:02", SHOP_DEV, "PowerUser", OFFICE, CLI_MAC)
    me = Client(s.identity, OFFICE, CLI_MAC)
    me.routine("09:48:00", "12:20:00", 40, BUILD)
    for clock in ("10:31:10", "10:31:44", "10:33:02"):
        refused(me, clock, role(SHOP, "deploy"), " because no identity-based policy allows the sts:AssumeRole action")
    s = portal(dana, "14:22:51", SHOP_DEV, "PowerUser", OFFICE, CLI_MAC, lag=1)
    Client(s.identity, OFFICE, CLI_MAC).routine("14:23:10", "16:30:00", 35, BUILD)

    # finn is called out of bed at three; by day the VPN comes up in the middle of a session
    flat = "192.0.2.31"
    s = portal(finn, "03:12:44", SHOP, "PowerUser", flat, CLI_LINUX, seconds=3600)
    Client(s.identity, flat, CLI_LINUX).routine("03:13:00", "03:48:00", 22, LOOK + DEPLOY[1:3])
    s = portal(finn, "10:02:16", SHOP, "PowerUser", flat, CLI_LINUX)
    Client(s.identity, flat, CLI_LINUX).routine("10:02:40", "11:05:00", 18, LOOK)
    me = Client(s.identity, VPN, CLI_LINUX)
    me.routine("11:12:00", "14:10:00", 25, LOOK + DEPLOY)
    s = assume(me, "11:20:05", role(DATA, "support-readonly"), "support")
    Client(s.identity, VPN, CLI_LINUX).routine("11:20:20", "11:45:00", 8, LOOK)


def users():
    """IAM users: the console with a switched role, MFA on the command line, a federated token, a script with a key."""
    # greta signs in to the console and switches role: AWS calls STS for her, and only SwitchRole knows her address
    greta, home = user(IDENTITY, "greta.lind"), "192.0.2.44"
    hidden = {"type": "IAMUser", "accountId": IDENTITY, "accessKeyId": "", "userName": "HIDDEN_DUE_TO_SECURITY_REASONS"}
    login = {"LoginTo": "https://console.aws.amazon.com/console/home", "MobileVersion": "No"}
    record(at("12:01:40"), IDENTITY, EAST, "signin", "ConsoleLogin", hidden, home, FIREFOX, response={"ConsoleLogin": "Failure"}, read_only=False,
           additionalEventData=dict(login, MFAUsed="No"), host="signin.aws.amazon.com", errorMessage="No username found in supplied account")
    person = {k: v for k, v in greta.items() if k != "accessKeyId"}
    record(at("12:02:19"), IDENTITY, EAST, "signin", "ConsoleLogin", person, home, FIREFOX, response={"ConsoleLogin": "Success"}, read_only=False,
           additionalEventData=dict(login, MFAUsed="Yes", MFAIdentifier=f"arn:aws:iam::{IDENTITY}:mfa/greta.lind"), host="signin.aws.amazon.com")
    console = dict(greta, accessKeyId=key_id(IDENTITY, "ASIA", "console", "greta"), sessionContext={
        "sessionIssuer": {}, "webIdFederationData": {}, "attributes": {"creationDate": iso(at("12:02:19")), "mfaAuthenticated": "true"}})
    Client(console, home, FIREFOX, EAST, {"sessionCredentialFromConsole": "true"}).routine("12:02:40", "12:12:00", 8, [("iam", "ListUsers", None), ("iam", "GetUser", None)])
    t, arn = at("12:14:08"), role(SHOP, "support-console")
    s = assume(Client(console, "AWS Internal", "AWS Internal", EAST), t, arn, "greta.lind", used_key=key_id(SHOP, "ASIA", "switched", "greta"), mfa=True)
    keyless = {k: v for k, v in s.identity.items() if k != "accessKeyId"}
    record(t, SHOP, EAST, "signin", "SwitchRole", keyless, home, FIREFOX, response={"SwitchRole": "Success"}, read_only=False, host="signin.aws.amazon.com",
           additionalEventData={"SwitchFrom": greta["arn"], "RedirectTo": f"https://{HOME}.console.aws.amazon.com/ecs/home"})
    Client(s.identity, home, FIREFOX, more={"sessionCredentialFromConsole": "true"}).routine("12:14:20", "13:00:00", 26, LOOK)

    # hana: MFA once in the morning, then the role
    hana, ip = user(IDENTITY, "hana.novak"), "192.0.2.52"
    me = Client(hana, ip, CLI_LINUX, EAST)
    t, key = at("07:55:31"), key_id(IDENTITY, "ASIA", "mfa", "hana")
    serial = f"arn:aws:iam::{IDENTITY}:mfa/hana.novak"
    me.do(t, "sts:GetSessionToken", {"durationSeconds": 43200, "serialNumber": serial}, read_only=False, host="sts.amazonaws.com",
          response={"credentials": {"accessKeyId": key, "sessionToken": token(key), "expiration": display(after(t, 43200))}},
          additionalEventData=worldwide()["additionalEventData"])
    own = dict(hana, accessKeyId=key, sessionContext={"sessionIssuer": {}, "webIdFederationData": {},
                                                     "attributes": {"creationDate": iso(t), "mfaAuthenticated": "true"}})
    me = Client(own, ip, CLI_LINUX)
    me.do(at("07:56:02"), "sts:GetCallerIdentity")
    for clock, account in (("07:56:20", SHOP), ("13:30:12", DATA)):
        s = assume(me, clock, role(account, "support-readonly"), "support", asked=3600)
        Client(s.identity, ip, CLI_LINUX).routine(after(at(clock), 20), after(at(clock), 2400), 15, LOOK)

    # the broker hands a kiosk a federated token for the day
    broker, ip = user(IDENTITY, "svc-broker"), "198.51.100.55"
    t, name, key = at("06:30:00"), "visitor-kiosk", key_id(IDENTITY, "ASIA", "kiosk")
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::juniper-kiosk/*"}]})
    Client(broker, ip, BOTO).do(t, "sts:GetFederationToken", {"name": name, "durationSeconds": 36000, "policy": policy}, read_only=False, response={
        "credentials": {"accessKeyId": key, "sessionToken": token(key), "expiration": display(after(t, 36000))},
        "federatedUser": {"federatedUserId": f"{IDENTITY}:{name}", "arn": f"arn:aws:sts::{IDENTITY}:federated-user/{name}"}, "packedPolicySize": 4})
    kiosk = {"type": "FederatedUser", "principalId": f"{IDENTITY}:{name}", "arn": f"arn:aws:sts::{IDENTITY}:federated-user/{name}", "accountId": IDENTITY,
             "accessKeyId": key, "sessionContext": {
                 "sessionIssuer": {"type": "IAMUser", "principalId": broker["principalId"], "arn": broker["arn"], "accountId": IDENTITY, "userName": "svc-broker"},
                 "webIdFederationData": {}, "attributes": {"creationDate": iso(t), "mfaAuthenticated": "false"}}}
    Client(kiosk, ip, BOTO).routine("06:31:00", "16:20:00", 20, [("s3", "GetObject", {"bucketName": "juniper-kiosk", "key": "badge"})])

    # the backup script: a long-term key, every six hours, three accounts; one name below the allowed length
    me = Client(user(IDENTITY, "svc-backup"), BACKUP_HOST, BOTO)
    for hour in (1, 7, 13, 19):
        for i, account in enumerate((SHOP, DATA, LEGACY)):
            t = at(f"{hour:02}:0{i}:{11 + i:02}")
            s = assume(me, t, role(account, "backup"), "backup", **(worldwide() if hour == 7 else {}))
            Client(s.identity, BACKUP_HOST, BOTO).routine(after(t, 5), after(t, 1500), 9, COPY)
    me.do(at("13:03:40"), "sts:AssumeRole", {"roleArn": role(SHOP, "backup"), "roleSessionName": "b"}, error=(
        "ValidationError", "1 validation error detected: Value 'b' at 'roleSessionName' failed to satisfy constraint: Member must have length greater than or equal to 2"))


def pipelines():
    """CI: GitHub's token, a hub role, deploy roles in three accounts, the state role: chains of three."""
    provider = f"arn:aws:iam::{TOOLING}:oidc-provider/token.actions.githubusercontent.com"
    hub = role(TOOLING, "ci-hub")

    def hub_session(t, subject, ip, error=None):
        request = {"roleArn": hub, "roleSessionName": "GitHubActions", "durationSeconds": 3600}
        who = {"type": "WebIdentityUser", "principalId": f"{provider}:sts.amazonaws.com:{subject}", "userName": subject, "identityProvider": provider}
        key, response = issued(t, hub, "GitHubActions", 3600)
        response.update({"provider": provider, "audience": "sts.amazonaws.com", "subjectFromWebIdentityToken": subject})
        record(t, TOOLING, HOME, "sts", "AssumeRoleWithWebIdentity", who, ip, ACTIONS, request, None if error else response, error,
               resources=None if error else role_resource(hub),
               additionalEventData={"identityProviderConnectionVerificationMethod": "IAMTrustStore"})
        return Session(session_identity(hub, "GitHubActions", key, t, provider=provider), after(t, 3600), key)

    shop, data, infra = "repo:juniper/shop:ref:refs/heads/main", "repo:juniper/warehouse:ref:refs/heads/main", "repo:juniper/infra:environment:production"
    runs = [("00:15:09", infra, (SHOP_DEV, SHOP, DATA)), ("07:42:30", shop, (SHOP_DEV,)), ("08:58:17", shop, (SHOP_DEV, SHOP)), ("10:05:44", data, (DATA,)),
            ("10:49:21", shop, (SHOP_DEV,)), ("11:36:08", shop, (SHOP_DEV, SHOP)), ("13:20:55", data, (DATA,)), ("14:11:37", infra, (SHOP_DEV, SHOP, DATA)),
            ("15:27:02", shop, (SHOP_DEV, SHOP)), ("16:40:48", shop, (SHOP_DEV,)), ("21:15:10", infra, (SHOP_DEV, SHOP, DATA))]
    for i, (clock, subject, targets) in enumerate(runs):
        t, ip = at(clock), f"192.0.2.{64 + number('runner', i) % 48}"
        s = hub_session(t, subject, ip)
        ci, tf = Client(s.identity, ip, ACTIONS), Client(s.identity, ip, TERRAFORM)
        ci.do(after(t, 4), "sts:GetCallerIdentity")
        ci.routine(after(t, 6), after(t, 60), 3, [("ecr", "GetAuthorizationToken", None), ("s3", "GetObject", {"bucketName": "juniper-artifacts", "key": "build"})])
        for j, account in enumerate(targets):
            t2 = after(t, 70 + 200 * j)
            name = f"aws-go-sdk-{epoch(t2)}{number('ns', i, j) % 10**9:09}"
            if i in (2, 7) and j == 0:
                assume(tf, t2, role(account, "deploy"), name, asked=900)  # asked for twice in one second, used once
            short = i == 5 and j == 1
            d = assume(tf, t2, role(account, "deploy"), name, asked=900 if short else 3600, tags={"repo": subject.split(":")[1]}, transitive=["repo"])
            me = Client(d.identity, ip, TERRAFORM)
            me.routine(after(t2, 5), after(t2, 170), 14, DEPLOY)
            stack = Client(dict(d.identity, invokedBy="cloudformation.amazonaws.com"), "cloudformation.amazonaws.com", "cloudformation.amazonaws.com")
            stack.routine(after(t2, 30), after(t2, 90), 2, [("ec2", "CreateTags", {"resourcesSet": {"items": []}}), ("iam", "GetRole", {"roleName": "shop-web"})])
            state = assume(me, after(t2, 12), role(AUDIT, "terraform-state"), "terraform-state", **(worldwide(IRELAND) if i % 3 == 0 else {}))
            Client(state.identity, ip, TERRAFORM).routine(after(t2, 14), after(t2, 160), 4, STATE)
            if short:  # the job hangs, its fifteen minutes pass
                me.do(after(t2, 1260), "sts:AssumeRole", error=("ExpiredToken", "The security token included in the request is expired"))
            if i == 7 and account == SHOP:  # a role made this second is not known everywhere yet
                made = role(SHOP, "preview-deploy")
                me.do(after(t2, 40), "iam:CreateRole", {"roleName": "preview-deploy", "path": "/", "maxSessionDuration": 3600}, region=EAST,
                      response={"role": {"arn": made, "roleName": "preview-deploy", "roleId": role_id(made), "createDate": display(after(t2, 40)), "path": "/"}})
                for wait in (42, 44, 47):
                    refused(me, after(t2, wait), made)
                p = assume(me, after(t2, 49), made, "preview")
                Client(p.identity, ip, TERRAFORM).routine(after(t2, 52), after(t2, 140), 6, DEPLOY)
            if i == 10 and account == DATA:
                me.do(after(t2, 50), "sts:AssumeRole", {"roleArn": role(AUDIT, "terraform-state"), "roleSessionName": "terraform-state", "durationSeconds": 7200}, error=(
                    "ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."))
    hub_session(at("11:52:13"), "repo:juniper/website:ref:refs/heads/redesign", "192.0.2.99",
                ("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"))


def workloads():
    """Instances, functions, a pod, service-linked roles, services that look after themselves."""
    machines = [("web-a", SHOP, "shop-web", SHOP_NAT, {}, WEB), ("web-b", SHOP, "shop-web", SHOP_NAT, {}, WEB), ("dev", SHOP_DEV, "dev-box", DEV_NAT, {}, WEB),
                ("etl", DATA, "etl-worker", "10.20.3.14", {"vpcEndpointId": "vpce-0d1e2f3a4b5c60718", "vpcEndpointAccountId": DATA}, ETL)]
    for name, account, role_name, ip, more, menu in machines:
        instance, arn = "i-0" + hexes(16, "instance", name), role(account, role_name)
        # issued the evening before, out of these logs' sight, and used until the first refresh of the day
        before = at("-1 20:03:00")
        s = Session(session_identity(arn, instance, key_id(account, "ASIA", name, "before"), before, delivery="2.0"), after(before, 23700), "")
        Client(s.identity, ip, BOTO, more=more).routine("00:01:00", "02:00:00", 8, menu)
        for hour in (2, 8, 14, 20):
            t = at(f"{hour:02}:0{number(name, hour) % 4}:{number(name, 's', hour) % 60:02}")
            assume_for_service(t, "ec2.amazonaws.com", arn, instance, 23700, delivery="1.0")
            s = assume_for_service(t, "ec2.amazonaws.com", arn, instance, 23700, delivery="2.0")
            Client(s.identity, ip, BOTO, more=more).routine(after(t, 30), min(after(t, 21600), at("23:50:00")), 26, menu)

    functions = [("order-mailer", SHOP, SHOP_NAT, 20), ("resize-images", SHOP, SHOP_NAT, 24), ("dev-mailer", SHOP_DEV, DEV_NAT, 8), ("nightly-export", DATA, "10.20.9.77", 14)]
    for name, account, ip, calls in functions:
        arn, fn = role(account, f"{name}-role", "/service-role/"), f"arn:aws:lambda:{HOME}:{account}:function:{name}"
        for hour in ((1,) if name == "nightly-export" else (0, 6, 12, 18)):
            t = at(f"{hour:02}:{number(name, hour) % 50:02}:{number(name, 's', hour) % 60:02}")
            s = assume_for_service(t, "lambda.amazonaws.com", arn, name, 43200, in_scope=fn)
            more = {"vpcEndpointId": "vpce-0d1e2f3a4b5c60718", "vpcEndpointAccountId": DATA} if ip.startswith("10.") else {}
            Client(s.identity, ip, BOTO + " exec-env/AWS_Lambda_python3.12", more=more).routine(after(t, 3), after(t, 14000), calls, FUNCTION)

    # a pod of the shop's cluster: the node asks for it, STS hears the service
    node, arn = "i-0" + hexes(16, "instance", "node"), role(SHOP, "shop-node")
    for hour in (4, 10, 16, 22):
        t = at(f"{hour:02}:10:20")
        assume_for_service(t, "ec2.amazonaws.com", arn, node, 23700, delivery="1.0")
        n = assume_for_service(t, "ec2.amazonaws.com", arn, node, 23700, delivery="2.0")
        Client(n.identity, SHOP_NAT, BOTO).do(after(t, 300), "eks-auth:AssumeRoleForPodIdentity",
                                              {"clusterName": "shop", "token": "HIDDEN_DUE_TO_SECURITY_REASONS"}, read_only=True)
        pod = f"checkout-7c9d8b6f5-{hexes(5, 'pod')}"
        p = assume_for_service(after(t, 300), "pods.eks.amazonaws.com", role(SHOP, "checkout-pod"), f"eks-shop-{pod[:18]}-{uuid('pod', hour)}", 21600, asked=21600,
                               assumed_role_user=True, tags={"eks-cluster-arn": f"arn:aws:eks:{HOME}:{SHOP}:cluster/shop", "eks-cluster-name": "shop",
                                                             "kubernetes-namespace": "shop", "kubernetes-service-account": "checkout",
                                                             "kubernetes-pod-name": pod, "kubernetes-pod-uid": uuid("pod")})
        Client(p.identity, SHOP_NAT, BOTO).routine(after(t, 305), min(after(t, 6000), at("23:55:00")), 14, WEB)

    # service-linked roles: their calls carry no key; where two sessions begin in one second nobody can tell whose call it was
    arn = role(SHOP, "AWSServiceRoleForAutoScaling", "/aws-service-role/autoscaling.amazonaws.com/")
    for i, clock in enumerate(("05:20:31", "09:14:02", "12:40:47", "17:05:19", "17:05:19")):
        s = assume_for_service(clock, "autoscaling.amazonaws.com", arn, "AutoScaling", 1800, asked=1800, assumed_role_user=True)
        identity = {k: v for k, v in s.identity.items() if k != "accessKeyId"}
        me = Client(dict(identity, invokedBy="autoscaling.amazonaws.com"), "autoscaling.amazonaws.com", "autoscaling.amazonaws.com")
        if i != 3:
            me.do(at(clock), "ec2:DescribeInstanceStatus", {"instancesSet": {}, "filterSet": {}})
            me.do(after(at(clock), 1), "ec2:TerminateInstances", {"instancesSet": {"items": [{"instanceId": "i-0" + hexes(16, "scaled", i)}]}})

    for hour in range(0, 24, 3):
        service = {"type": "AWSService", "invokedBy": "cloudtrail.amazonaws.com"}
        record(at(f"{hour:02}:07:30"), AUDIT, HOME, "s3", "GetBucketAcl", service, "cloudtrail.amazonaws.com", "cloudtrail.amazonaws.com",
               {"bucketName": "juniper-org-trail", "acl": "", "Host": f"juniper-org-trail.s3.{HOME}.amazonaws.com"}, sharedEventID=uuid("acl", hour))
    record(at("04:00:00"), DATA, HOME, "secretsmanager", "RotationStarted", {"accountId": DATA, "invokedBy": "secretsmanager.amazonaws.com"},
           "secretsmanager.amazonaws.com", "secretsmanager.amazonaws.com", eventType="AwsServiceEvent", read_only=False,
           additionalEventData={"SecretId": f"arn:aws:secretsmanager:{HOME}:{DATA}:secret:warehouse/admin"})


def vendor():
    """A cost watcher with an external id: the caller is an account and an id, no more."""
    pid = key_id(VENDOR, "AROA", "collector") + ":costwatch-collector"
    for hour in range(0, 24, 2):
        t, arn = at(f"{hour:02}:33:{number('vendor', hour) % 60:02}"), role(MGMT if hour % 4 else AUDIT, "vendor-costwatch")
        request = {"roleArn": arn, "roleSessionName": "costwatch-collector", "externalId": "juniper-7f3a91", "durationSeconds": 3600}
        key, response = issued(t, arn, "costwatch-collector", 3600)
        record(t, arn.split(":")[4], HOME, "sts", "AssumeRole", {"type": "AWSAccount", "principalId": pid, "accountId": VENDOR}, COSTWATCH, COLLECTOR, request, response,
               resources=role_resource(arn), sharedEventID=uuid("vendor", hour))
        Client(session_identity(arn, "costwatch-collector", key, t), COSTWATCH, COLLECTOR).routine(after(t, 3), after(t, 900), 10, COST)


def security():
    """elif looks after the accounts: read-only by a chain with her source identity, root's credentials by AssumeRoot."""
    boss = mail("elif.santos")
    s = portal(boss, "09:20:00", AUDIT, "Administrator", OFFICE, CLI_MAC)
    me = Client(s.identity, OFFICE, CLI_MAC)
    me.routine("09:20:20", "09:30:00", 8, LOOKOUT)
    for i, account in enumerate((SHOP, DATA, LEGACY)):
        t = at(f"09:2{2 + i}:10")
        c = assume(me, t, role(account, "security-audit"), "elif.santos", source_identity=boss)
        Client(c.identity, OFFICE, CLI_MAC).routine(after(t, 5), after(t, 600), 9, LOOKOUT)
    s = portal(boss, "11:02:30", MGMT, "Administrator", OFFICE, CLI_MAC)
    me, t = Client(s.identity, OFFICE, CLI_MAC), at("11:04:12")
    me.do(after(t, -60), "organizations:ListAccounts", region=EAST)
    shared, key = uuid("assume root"), key_id(LEGACY, "ASIA", "root")
    request = {"targetPrincipal": LEGACY, "taskPolicyArn": {"arn": "arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials"}, "durationSeconds": 900}
    response = {"credentials": {"accessKeyId": key, "sessionToken": token(key), "expiration": display(after(t, 900))}}
    me.do(t, "sts:AssumeRoot", request, response, read_only=False, sharedEventID=shared, requestID=shared)
    record(t, LEGACY, HOME, "sts", "AssumeRoot", {"type": "AWSAccount", "principalId": me.identity["principalId"], "accountId": MGMT}, OFFICE, CLI_MAC, request, response,
           read_only=False, sharedEventID=shared, requestID=shared)
    root = {"type": "Root", "principalId": LEGACY, "accountId": LEGACY, "arn": f"arn:aws:iam::{LEGACY}:root", "accessKeyId": key,
            "sessionContext": {"attributes": {"creationDate": iso(t), "mfaAuthenticated": "false"}, "assumedRoot": "true"}}
    for i, name in enumerate(("GetAccountSummary", "ListMFADevices", "ListAccessKeys")):
        Client(root, OFFICE, CLI_MAC, EAST).do(after(t, 6 + 4 * i), f"iam:{name}")


def theft():
    """An old application hands out its instance's key. A stranger uses it, reaches a second account and a third, and stays."""
    instance, arn = "i-0" + hexes(16, "instance", "legacy"), role(LEGACY, "legacy-app")
    before = at("-1 21:10:00")
    s = Session(session_identity(arn, instance, key_id(LEGACY, "ASIA", "legacy", "before"), before, delivery="1.0"), after(before, 23700), "")
    Client(s.identity, LEGACY_IP, OLD_BOTO).routine("00:02:00", "03:10:00", 8, OLD_APP)
    sync, vault = role(DATA, "legacy-sync"), role(AUDIT, "archive-reader")
    for clock, until in (("03:11:40", "09:10:00"), ("09:12:05", "15:05:00"), ("15:09:10", "21:08:00"), ("21:10:33", "23:50:00")):
        s = assume_for_service(clock, "ec2.amazonaws.com", arn, instance, 23700, delivery="1.0")
        assume_for_service(clock, "ec2.amazonaws.com", arn, instance, 23700, delivery="2.0")
        app = Client(s.identity, LEGACY_IP, OLD_BOTO)
        app.routine(after(at(clock), 30), until, 26, OLD_APP)
        if clock == "03:11:40":  # what the role is for: a copy job every night
            job = assume(app, "03:30:02", sync, "legacy-nightly")
            Client(job.identity, LEGACY_IP, OLD_BOTO).routine("03:30:10", "03:50:00", 14, [("s3", "PutObject", {"bucketName": "juniper-warehouse", "key": "legacy"})])
        if clock == "09:12:05":
            stolen, own = s, app
    me = Client(stolen.identity, THIEF, CLI_KALI)
    me.do(at("13:41:52"), "sts:GetCallerIdentity")
    me.do(at("13:42:10"), "iam:ListRoles", region=EAST, error=("AccessDenied", f"User: {stolen.arn} is not authorized to perform: iam:ListRoles on resource: "
                                                             f"arn:aws:iam::{LEGACY}:role/ because no identity-based policy allows the iam:ListRoles action"))
    me.do(at("13:42:31"), "s3:ListBuckets", {"Host": "s3.amazonaws.com"})
    me.do(at("13:42:40"), "ec2:DescribeInstanceAttribute", {"instanceId": instance, "attribute": "userData"})
    names = [(DATA, "admin"), (DATA, "Administrator"), (DATA, "OrganizationAccountAccessRole"), (DATA, "deploy"), (SHOP, "OrganizationAccountAccessRole"), (SHOP, "admin"),
             (SHOP, "deploy"), (SHOP, "backup"), (IDENTITY, "OrganizationAccountAccessRole"), (IDENTITY, "admin"), (MGMT, "OrganizationAccountAccessRole"), (AUDIT, "archive-reader")]
    for i, (account, name) in enumerate(names):
        refused(me, after(at("13:43:05"), 6 * i), role(account, name))
    t = at("13:44:58")
    s = assume(me, t, sync, f"botocore-session-{epoch(t)}")
    me2 = Client(s.identity, THIEF, CLI_KALI)
    me2.do(at("13:45:20"), "sts:GetCallerIdentity")
    me2.do(at("13:46:02"), "secretsmanager:ListSecrets", {"maxResults": 100})
    for clock, name in (("13:46:15", "warehouse/admin"), ("13:46:31", "partner/sftp")):
        me2.do(at(clock), "secretsmanager:GetSecretValue", {"secretId": name})
    me2.do(at("13:47:10"), "iam:ListUsers", region=EAST)
    planted = key_id(DATA, "AKIA", "planted")
    me2.do(at("13:47:44"), "iam:CreateAccessKey", {"userName": "svc-reporting"}, region=EAST, response={
        "accessKey": {"accessKeyId": planted, "status": "Active", "userName": "svc-reporting", "createDate": display(at("13:47:44"))}})
    t = at("13:49:05")
    s = assume(me2, t, vault, f"botocore-session-{epoch(t)}")
    me3 = Client(s.identity, THIEF, CLI_KALI)
    me3.do(at("13:49:30"), "s3:ListObjects", {"bucketName": "juniper-customer-archive"})
    me3.routine("13:50:00", "13:57:00", 24, [("s3", "GetObject", {"bucketName": "juniper-customer-archive", "key": "2026"})])
    kept = Client(dict(user(DATA, "svc-reporting"), accessKeyId=planted), THIEF_LATER, CLI_KALI)
    kept.do(at("13:58:20"), "sts:GetCallerIdentity")
    kept.do(at("13:58:41"), "s3:ListBuckets", {"Host": "s3.amazonaws.com"})
    kept.routine("14:02:00", "14:40:00", 10, [("s3", "GetObject", {"bucketName": "juniper-warehouse", "key": "clean"})])
    me2.do(at("14:05:00"), "cloudtrail:StopLogging", {"name": f"arn:aws:cloudtrail:{HOME}:{MGMT}:trail/org-trail"}, error=(
        "AccessDenied", f"User: {me2.identity['arn']} is not authorized to perform: cloudtrail:StopLogging with an explicit deny in a service control policy"))

    # elif finds it and shuts the door: sessions of both roles from before this minute are refused from now on
    boss = mail("elif.santos")
    for account, clock, name in ((LEGACY, "15:02:20", "legacy-app"), (DATA, "15:07:30", "legacy-sync")):
        a = portal(boss, clock, account, "Administrator", OFFICE, CLI_MAC)
        desk = Client(a.identity, OFFICE, CLI_MAC)
        desk.do(after(at(clock), 40), "cloudtrail:LookupEvents", {"maxResults": 50})
        t = after(at(clock), 172)
        document = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": ["*"], "Resource": ["*"], "Condition": {
            "DateLessThan": {"aws:TokenIssueTime": t.strftime("%Y-%m-%dT%H:%M:%S.000Z")}}}]})
        desk.do(t, "iam:PutRolePolicy", {"roleName": name, "policyName": "AWSRevokeOlderSessions", "policyDocument": document}, region=EAST)
        if account == LEGACY:
            desk.do(at("15:08:55"), "ec2:ReplaceIamInstanceProfileAssociation", {"associationId": "iip-assoc-0f1e2d3c4b5a69788"})
        else:
            desk.do(at("15:11:30"), "iam:UpdateAccessKey", {"userName": "svc-reporting", "accessKeyId": planted, "status": "Inactive"}, region=EAST)
            desk.do(at("15:14:05"), "iam:DeleteAccessKey", {"userName": "svc-reporting", "accessKeyId": planted}, region=EAST)
    for client, clocks in ((me, ("15:06:40", "15:06:58")), (own, ("15:06:02", "15:08:02"))):
        for clock in clocks:
            client.do(at(clock), "s3:ListObjects", {"bucketName": "juniper-legacy-files"}, error=(
                "AccessDenied", f"User: {stolen.arn} is not authorized to perform: s3:ListBucket on resource: \"arn:aws:s3:::juniper-legacy-files\" "
                "with an explicit deny in an identity-based policy"))


def rarities():
    """What happens seldom, and every saved question looks for: another identity provider, a partner, old software, odd requests."""
    # SAML without Identity Center: the mainframe team's own provider. The tool takes two roles with one assertion.
    gus, provider = mail("gus.ferrer"), f"arn:aws:iam::{LEGACY}:saml-provider/adfs"
    for clock, name in (("06:58:12", "mainframe-operator"), ("06:58:15", "mainframe-readonly")):
        t, arn = at(clock), role(LEGACY, name)
        key, response = issued(t, arn, gus, 28800)
        response.update({"subjectType": "persistent", "subject": "EXAMPLE\\gus.ferrer", "nameQualifier": "bWFpbmZyYW1lIHRlYW0=",
                         "issuer": "http://adfs.example.com/adfs/services/trust", "audience": "https://signin.aws.amazon.com/saml"})
        record(t, LEGACY, HOME, "sts", "AssumeRoleWithSAML",
               {"type": "SAMLUser", "principalId": "bWFpbmZyYW1lIHRlYW0=:EXAMPLE\\gus.ferrer", "userName": "EXAMPLE\\gus.ferrer", "identityProvider": "bWFpbmZyYW1lIHRlYW0="},
               OFFICE, CLI_LINUX, {"sAMLAssertionID": "_" + uuid("assertion", gus), "roleSessionName": gus, "roleArn": arn, "principalArn": provider, "durationSeconds": 28800},
               response, resources=role_resource(arn) + [{"accountId": LEGACY, "type": "AWS::IAM::SAMLProvider", "ARN": provider}])
        Client(session_identity(arn, gus, key, t), OFFICE, CLI_LINUX).routine(after(t, 20), after(t, 3000), 5, LOOK[:4])

    # a service account of the cluster, by the cluster's own provider, whose certificate AWS checks by its thumbprint
    t, arn = at("09:30:40"), role(SHOP, "search-indexer")
    provider, subject = f"arn:aws:iam::{SHOP}:oidc-provider/oidc.eks.{HOME}.amazonaws.com/id/{hexes(32, 'cluster').upper()}", "system:serviceaccount:shop:search"
    key, response = issued(t, arn, f"botocore-session-{epoch(t)}", 3600)
    response.update({"provider": provider, "audience": "sts.amazonaws.com", "subjectFromWebIdentityToken": subject})
    record(t, SHOP, HOME, "sts", "AssumeRoleWithWebIdentity",
           {"type": "WebIdentityUser", "principalId": f"{provider}:sts.amazonaws.com:{subject}", "userName": subject, "identityProvider": provider}, SHOP_NAT, BOTO,
           {"roleArn": arn, "roleSessionName": f"botocore-session-{epoch(t)}"}, response, resources=role_resource(arn),
           additionalEventData={"identityProviderConnectionVerificationMethod": "Thumbprint"})
    Client(session_identity(arn, f"botocore-session-{epoch(t)}", key, t, provider=provider), SHOP_NAT, BOTO).routine(after(t, 5), after(t, 3000), 6, WEB)

    # the portal's tokens: ada signs in where she sits; finn's tool on a rented machine shows a code that he confirms elsewhere
    for person, clock, ip, signs_in in ((mail("ada.moreau"), "08:03:40", OFFICE, True), (mail("finn.haas"), "16:05:31", "192.0.2.150", False)):
        identity = {"type": "IdentityCenterUser", "accountId": MGMT, "onBehalfOf": on_behalf_of(person), "credentialId": uuid("credential", person)}
        if signs_in:
            record(after(at(clock), -25), MGMT, HOME, "signin", "UserAuthentication", {k: v for k, v in identity.items() if k != "credentialId"}, ip, BROWSER,
                   read_only=False, eventType="AwsServiceEvent", serviceEventDetails={"UserAuthentication": "Success", "CredentialType": "PASSWORD"})
        record(at(clock), MGMT, HOME, "sso", "CreateToken", identity, ip, CLI_LINUX, {"clientId": hexes(22, "client"), "grantType": "urn:ietf:params:oauth:grant-type:device_code"},
               read_only=False, response={"expiresIn": 28800, "tokenType": "Bearer"})

    # the shop's app lets visitors upload: credentials of an identity pool, without anybody signing in
    guest = {"type": "Unknown", "principalId": "Anonymous"}
    for i, clock in enumerate(("10:40:02", "10:52:47", "18:21:30")):
        record(at(clock), SHOP, HOME, "cognito-identity", "GetCredentialsForIdentity", guest, f"192.0.2.{180 + i}", BROWSER, {"identityId": f"{HOME}:{uuid('guest', i)}"},
               read_only=False, additionalEventData={"identityPoolId": f"{HOME}:{uuid('pool')}"})

    # Roles Anywhere: the printing house's server comes with a certificate, through a proxy that puts its own name into the request
    t, arn, serial, ip = at("05:10:00"), role(SHOP, "label-printer"), hexes(32, "serial"), "198.51.100.60"
    s = assume_for_service(t, "rolesanywhere.amazonaws.com", arn, serial, 3600, asked=3600, assumed_role_user=True, source_identity="CN=printer-1")
    record(t, SHOP, HOME, "rolesanywhere", "CreateSession", {"type": "Unknown", "principalId": "", "accountId": SHOP}, ip, OLD_BOTO,
           {"profileArn": f"arn:aws:rolesanywhere:{HOME}:{SHOP}:profile/{uuid('profile')}", "roleArn": arn, "durationSeconds": 3600,
            "trustAnchorArn": f"arn:aws:rolesanywhere:{HOME}:{SHOP}:trust-anchor/{uuid('anchor')}", "cert": "CN=printer-1"},
           {"subjectArn": f"arn:aws:rolesanywhere:{HOME}:{SHOP}:subject/{uuid('subject')}", "credentialSet": [{"sourceIdentity": "CN=printer-1", "roleArn": arn}]}, read_only=False)
    for i in range(3):
        rec = Client(s.identity, ip, OLD_BOTO).do(after(t, 60 + 400 * i), "s3:GetObject", {"bucketName": "juniper-shop-assets", "key": f"labels/{i}.pdf"})
        rec["tlsDetails"] = {"tlsVersion": "TLSv1.2", "cipherSuite": "ECDHE-RSA-AES128-GCM-SHA256", "clientProvidedHostHeader": "s3.proxy.example.com"}

    # the backup user is too fast once; hana asks in a region that is switched off
    me = Client(user(IDENTITY, "svc-backup"), BACKUP_HOST, BOTO)
    for i in range(4):
        me.do(after(at("19:00:02"), 2 * i), "sts:AssumeRole", {"roleArn": role(SHOP, "backup"), "roleSessionName": "backup"}, error=("ThrottlingException", "Rate exceeded"))
    Client(user(IDENTITY, "hana.novak"), "192.0.2.52", CLI_LINUX).do(at("07:54:50"), "sts:GetSessionToken", {"durationSeconds": 43200}, read_only=False, region="eu-south-1", error=(
        "RegionDisabledException", "STS is not activated in this region for account:" + IDENTITY + ". Your account administrator can activate STS in this region using the IAM Console."))

    # elif lets a new partner in and makes a role for a report that nobody has taken yet; the partner comes, without an external id
    s = portal(mail("elif.santos"), "10:17:30", DATA, "Administrator", OFFICE, CLI_MAC)
    desk, upload = Client(s.identity, OFFICE, CLI_MAC), role(DATA, "partner-upload")
    trust = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": f"arn:aws:iam::{PARTNER}:root"}}]})
    desk.do(at("10:19:05"), "iam:UpdateAssumeRolePolicy", {"roleName": "partner-upload", "policyDocument": trust}, region=EAST)
    report = role(DATA, "quarterly-report")
    desk.do(at("10:21:40"), "iam:CreateRole", {"roleName": "quarterly-report", "path": "/", "maxSessionDuration": 3600}, region=EAST, response={
        "role": {"arn": report, "roleName": "quarterly-report", "roleId": role_id(report), "createDate": display(at("10:21:40")), "path": "/"}})
    for i, clock in enumerate(("10:31:22", "16:31:20")):
        t, pid = at(clock), key_id(PARTNER, "AIDA", "upload")
        key, response = issued(t, upload, "upload", 3600)
        record(t, DATA, HOME, "sts", "AssumeRole", {"type": "AWSAccount", "principalId": pid, "accountId": PARTNER}, "192.0.2.220", BOTO,
               {"roleArn": upload, "roleSessionName": "upload"}, response, resources=role_resource(upload), sharedEventID=uuid("partner", i))
        Client(session_identity(upload, "upload", key, t), "192.0.2.220", BOTO).routine(after(t, 4), after(t, 600), 4, [("s3", "PutObject", {"bucketName": "juniper-partner", "key": "in"})])

    # the vendor calls once through an endpoint of its own network
    t, arn = at("09:41:10"), role(AUDIT, "vendor-costwatch")
    key, response = issued(t, arn, "costwatch-collector", 3600)
    record(t, AUDIT, HOME, "sts", "AssumeRole", {"type": "AWSAccount", "principalId": key_id(VENDOR, "AROA", "collector") + ":costwatch-collector", "accountId": VENDOR},
           COSTWATCH, COLLECTOR, {"roleArn": arn, "roleSessionName": "costwatch-collector", "externalId": "juniper-7f3a91", "durationSeconds": 3600}, response,
           resources=role_resource(arn), sharedEventID=uuid("vendor", "extra"))
    Client(session_identity(arn, "costwatch-collector", key, t), "10.8.0.4", COLLECTOR, more={"vpcEndpointId": "vpce-0c057a7c400000001", "vpcEndpointAccountId": VENDOR}).routine(
        after(t, 3), after(t, 300), 3, COST)

    # the broker narrows the kiosk's role by a policy, and forgets to in the afternoon
    me, kiosk = Client(user(IDENTITY, "svc-broker"), "198.51.100.55", BOTO), role(SHOP, "kiosk-reader")
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::juniper-kiosk/*"}]})
    for clock, narrowed in (("06:31:10", True), ("11:00:12", True), ("15:45:09", False)):
        s = assume(me, clock, kiosk, "kiosk", policy=policy if narrowed else None)
        Client(s.identity, "198.51.100.55", BOTO).routine(after(at(clock), 5), after(at(clock), 900), 2, [("s3", "GetObject", {"bucketName": "juniper-kiosk", "key": "badge"})])

    # a batch instance in a private network: it takes its own role anew, and in the evening it is seen from a public address
    instance, arn = "i-0" + hexes(16, "instance", "batch"), role(DATA, "batch-runner")
    private = {"vpcEndpointId": "vpce-0d1e2f3a4b5c60718", "vpcEndpointAccountId": DATA}
    s = assume_for_service("12:05:20", "ec2.amazonaws.com", arn, instance, 23700, delivery="2.0")
    me = Client(s.identity, "10.20.3.30", BOTO, more=private)
    me.routine("12:06:00", "17:30:00", 8, ETL)
    own = assume(Client(s.identity, "10.20.3.30", BOTO), "12:10:00", arn, "batch-runner", additionalEventData={"explicitTrustGrant": True})
    Client(own.identity, "10.20.3.30", BOTO, more=private).routine("12:10:20", "12:40:00", 3, ETL)
    Client(s.identity, "198.51.100.22", BOTO).routine("18:05:00", "18:20:00", 3, ETL)

    # dana looks for a fault: she takes the development instance's role under the instance's name, and runs a function's code by hand
    s = portal(mail("dana.petrov"), "17:01:44", SHOP_DEV, "PowerUser", OFFICE, CLI_MAC)
    d = assume(Client(s.identity, OFFICE, CLI_MAC), "17:03:02", role(SHOP_DEV, "dev-box"), "i-0" + hexes(16, "instance", "dev"))
    Client(d.identity, OFFICE, CLI_MAC).routine("17:03:20", "17:10:00", 4, WEB[1:])
    fn = f"arn:aws:lambda:{HOME}:{SHOP_DEV}:function:dev-import"
    t = at("17:12:08")
    f = assume_for_service(t, "lambda.amazonaws.com", role(SHOP_DEV, "dev-import-role", "/service-role/"), "dev-import", 43200, in_scope=fn)
    Client(f.identity, DEV_NAT, BOTO + " exec-env/AWS_Lambda_python3.12").routine(after(t, 3), after(t, 240), 4, FUNCTION)
    by_hand = {k: v for k, v in f.identity.items() if k != "inScopeOf"}
    Client(by_hand, OFFICE, CLI_MAC).routine("17:21:00", "17:26:00", 3, FUNCTION[1:2] + FUNCTION[3:])

    # a temporary user takes a role under a name that looks like elif's
    t, arn = at("20:14:33"), role(SHOP, "support-readonly")
    s = assume(Client(user(IDENTITY, "tmp-review"), "192.0.2.61", CLI_LINUX), t, arn, "elif.sant0s")
    Client(s.identity, "192.0.2.61", CLI_LINUX).routine(after(t, 10), after(t, 900), 5, LOOK)


# --- delivery -----------------------------------------------------------------------------------------------------------
def object_key(account, region, t, folder="CloudTrail", prefix=f"AWSLogs/{ORG}", stamp="%Y%m%dT%H%MZ", infix=""):
    unique = letters(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", prefix, folder, account, region, iso(t))
    return f"{prefix}/{account}/{folder}/{region}/{t:%Y/%m/%d}/{account}_{folder}_{region}_{infix}{t.strftime(stamp)}" + (".json.gz" if infix else f"_{unique}.json.gz")


def slot(t):
    """Files are delivered some minutes after the interval that they hold."""
    begin = t - dt.timedelta(minutes=t.minute % FILE_MINUTES, seconds=t.second)
    return after(begin, 60 * (FILE_MINUTES + 4))


def objects():
    """Every object: key -> text. Records lie in their file in no order; a few come twice, one comes eight hours late."""
    files = {}

    def put(rec, when, prefix):
        files.setdefault(object_key(rec["recipientAccountId"], rec["awsRegion"], slot(when), prefix=prefix), []).append(rec)

    for i, rec in enumerate(RECORDS):
        t = dt.datetime.fromisoformat(rec["eventTime"][:-1])
        late = rec["eventName"] == "PutObject" and rec["userIdentity"].get("arn", "").endswith("legacy-nightly") and rec["eventTime"] > iso(at("03:48:00"))
        if late:
            rec["addendum"] = {"reason": "DELIVERY_DELAY"}
        put(rec, after(t, 8 * 3600 if late else 0), f"AWSLogs/{ORG}")
        if i % 150 == 7:  # delivered again
            put(rec, after(t, 3600), f"AWSLogs/{ORG}")
        if rec["recipientAccountId"] == LEGACY:  # this account kept the trail that it had before it joined
            put(rec, t, "AWSLogs")
    text = {}
    for key, records in files.items():
        records.sort(key=lambda r: number("order", key, r["eventID"]))
        text[key] = json.dumps({"Records": records}, separators=(",", ":"))
    t = at("10:00:00")
    logs = sorted(k for k in text if f"/{MGMT}/CloudTrail/{HOME}/" in k and at("09:00:00") <= dt.datetime.strptime(k.split("_")[3], "%Y%m%dT%H%MZ") < t)
    digest = object_key(MGMT, HOME, t, "CloudTrail-Digest", stamp="%Y%m%dT%H%M%SZ", infix=f"org-trail_{HOME}_")
    text[digest] = json.dumps({
        "awsAccountId": MGMT, "digestStartTime": iso(after(t, -3600)), "digestEndTime": iso(t), "digestS3Bucket": "juniper-org-trail", "digestS3Object": digest,
        "digestPublicKeyFingerprint": hexes(32, "fingerprint"), "digestSignatureAlgorithm": "SHA256withRSA", "newestEventTime": None, "oldestEventTime": None,
        "previousDigestS3Bucket": None, "previousDigestS3Object": None, "previousDigestHashValue": None, "previousDigestHashAlgorithm": None,
        "previousDigestSignature": None, "logFiles": [{"s3Bucket": "juniper-org-trail", "s3Object": k, "hashValue": hashlib.sha256(text[k].encode()).hexdigest(),
                                                      "hashAlgorithm": "SHA-256", "newestEventTime": None, "oldestEventTime": None} for k in logs]}, separators=(",", ":"))
    text[object_key(LEGACY, HOME, at("14:10:00"), "CloudTrail-Insight")] = json.dumps({"Records": [{
        "eventVersion": "1.08", "eventTime": iso(at("13:44:00")), "awsRegion": HOME, "eventID": uuid("insight"), "eventType": "AwsCloudTrailInsight",
        "recipientAccountId": LEGACY, "sharedEventID": uuid("insight pair"), "eventCategory": "Insight", "insightDetails": {
            "state": "Start", "eventSource": "sts.amazonaws.com", "eventName": "AssumeRole", "errorCode": "AccessDenied", "insightType": "ApiErrorRateInsight",
            "insightContext": {"statistics": {"baseline": {"average": 0.0007}, "insight": {"average": 11.5}, "insightDuration": 1, "baselineDuration": 10080}}}}]},
        separators=(",", ":"))
    text[object_key(MGMT, IRELAND, at("12:04:00"))] = '{"Records":[]}'
    return text


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--out", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "sample-logs"))
    p.add_argument("--check", action="store_true", help="compare with what is there, write nothing")
    a = p.parse_args()
    for part in (people, users, pipelines, workloads, vendor, security, theft, rarities):
        part()
    text = objects()
    if a.check:
        there = {}
        for folder, _, names in os.walk(os.path.join(a.out, "AWSLogs")):
            for name in names:
                path = os.path.join(folder, name)
                with gzip.open(path, "rb") as f:
                    there[os.path.relpath(path, a.out).replace(os.sep, "/")] = f.read().decode()
        wrong = sorted(k for k in text.keys() | there.keys() if text.get(k) != there.get(k))
        for key in wrong[:5]:
            print(f"differs: {key}", file=sys.stderr)
        print(f"{len(text)} objects, {len(wrong)} differ")
        sys.exit(1 if wrong else 0)
    shutil.rmtree(os.path.join(a.out, "AWSLogs"), ignore_errors=True)
    size = 0
    for key, body in text.items():
        path = os.path.join(a.out, *key.split("/"))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f, gzip.GzipFile(filename="", mode="wb", fileobj=f, compresslevel=9, mtime=0) as g:
            g.write(body.encode())
        size += os.path.getsize(path)
    print(f"{len(text)} objects, {len(RECORDS)} events, {size} bytes")


if __name__ == "__main__":
    main()
