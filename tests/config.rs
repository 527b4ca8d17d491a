//! `rolecall.toml` from outside: where it is found, what it changes, and what its mistakes are told as.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use assert_cmd::cargo::cargo_bin;
use rolecall::config::Config;

use crate::s3_server::S3Server;

fn project() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn shown(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn rolecall(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(cargo_bin!("rolecall"));
    command.args(arguments).current_dir(folder);
    for variable in ["ROLECALL_LAKE", "ROLECALL_CONFIG", "COLUMNS"] {
        command.env_remove(variable);
    }
    command
}

fn told(command: &mut Command) -> (i32, String, String) {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    told(&mut rolecall(folder, arguments))
}

fn sample() -> PathBuf {
    project().join("sample-logs")
}

#[test]
fn the_readmes_example_is_a_configuration_and_names_every_key() {
    let readme = std::fs::read_to_string(project().join("README.md")).unwrap();
    let example = readme.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rolecall.toml");
    std::fs::write(&file, example).unwrap();
    let accounts = r#"{"Accounts":[{"Id":"111122223333","Name":"prod","Email":"a@example.com","Status":"ACTIVE"}]}"#;
    std::fs::write(folder.path().join("accounts.json"), accounts).unwrap();
    let config = Config::load(Some(&file)).unwrap();
    assert!(!config.sources.is_empty() && !config.people.is_empty());

    let schema = std::fs::read_to_string(project().join("src/config/schema.rs")).unwrap();
    let (_, sections) = schema.split_once("/// `[lake]`").unwrap();
    let keys: BTreeSet<&str> = sections
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub ")?.split_once(": "))
        .map(|(key, _)| key)
        .collect();
    let written: BTreeSet<&str> =
        example.lines().filter_map(|line| line.split_once(" = ")).map(|(key, _)| key).collect();
    let missing: Vec<_> = keys.iter().filter(|key| !key.contains(' ') && !written.contains(*key)).collect();
    assert!(keys.len() > 30 && missing.is_empty(), "the example does not name {missing:?}");
}

#[test]
fn it_is_found_where_the_contract_says() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let config = |lake: &str| format!("version = 1\n[lake]\nlocation = '{lake}'\n");
    let named = |given: &mut Command| {
        let (code, _, error) = told(given);
        assert_eq!(code, 1, "{error}");
        error.lines().find_map(|line| line.trim().strip_prefix("lake: ").map(str::to_owned)).unwrap()
    };
    let ask = ["sql", "SELECT 1"];
    assert_eq!(named(&mut rolecall(here, &ask)), "./rolecall-lake");
    std::fs::write(here.join("rolecall.toml"), config("beside")).unwrap();
    assert_eq!(named(&mut rolecall(here, &ask)), "beside");
    std::fs::create_dir(here.join("etc")).unwrap();
    std::fs::write(here.join("etc/a.toml"), config("by-variable")).unwrap();
    let variable = |command: &mut Command| named(command.env("ROLECALL_CONFIG", "etc/a.toml"));
    assert_eq!(variable(&mut rolecall(here, &ask)), "etc/by-variable");
    std::fs::write(here.join("etc/b.toml"), config("by-option")).unwrap();
    assert_eq!(variable(&mut rolecall(here, &["sql", "SELECT 1", "--config", "etc/b.toml"])), "etc/by-option");
    assert_eq!(named(rolecall(here, &ask).env("ROLECALL_LAKE", "env")), "env");
    assert_eq!(named(&mut rolecall(here, &["lake", "status"])), "beside");
    assert_eq!(named(&mut rolecall(here, &["who", "x", "--lake", "given"])), "given");
    let (code, out, error) = run(here, &["sql", "SELECT 1", "--config", "none.toml"]);
    assert!(code == 2 && out.is_empty() && error.contains("none.toml"), "{error}");
    std::fs::write(here.join("rolecall.toml"), "version = 1\n\n[lake]\nlocatoin = 'x'\n").unwrap();
    let (code, out, error) = run(here, &ask);
    assert_eq!((code, out.as_str()), (2, ""));
    assert_eq!(
        error,
        "Error: there is no key 'locatoin' in [lake]\n  file: rolecall.toml:4\nHint: did you mean location?\n"
    );
}

#[test]
fn ingest_reads_the_sources_it_names_and_leaves_out_what_they_skip() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let (code, _, error) = run(here, &["ingest"]);
    assert!(code == 2 && error.contains("name it as a [[source]] in rolecall.toml"), "{error}");
    let skip = "skip_accounts = ['040000000008']\nskip_regions = ['us-east-1']\n";
    let text = format!(
        "version = 1\n[lake]\nlocation = 'lake'\n[[source]]\nname = 'all'\nlocation = '{}'\n{skip}",
        sample().display()
    );
    std::fs::write(here.join("rolecall.toml"), text).unwrap();
    let (code, out, books) = run(here, &["ingest"]);
    assert_eq!((code, out.as_str()), (0, ""), "{books}");
    assert!(!books.contains(" 0 pruned"), "{books}");
    let ask = |sql: &str| run(here, &["sql", sql]).1;
    assert_eq!(ask("SELECT count(*) > 0 AS x FROM events"), "{\"x\":true}\n");
    let skipped = "SELECT count(*) AS n FROM ledger WHERE source_object LIKE '%/040000000008/%' OR source_object LIKE '%/us-east-1/%'";
    assert_eq!(ask(skipped), "{\"n\":0}\n");
    // Without the configuration the same lake takes in the rest.
    let (code, _, rest) = run(here, &["ingest", shown(&sample()), "--lake", "lake", "--config", "/dev/null"]);
    assert_eq!(code, 2, "an empty file has no version: {rest}");
    std::fs::write(here.join("empty.toml"), "version = 1\n").unwrap();
    let (code, _, rest) = run(here, &["ingest", shown(&sample()), "--lake", "lake", "--config", "empty.toml"]);
    assert!(code == 0 && rest.contains(" 0 pruned"), "{rest}");
    assert_eq!(ask("SELECT count(*) AS n FROM events"), "{\"n\":2451}\n");
}

#[test]
fn limits_of_reading_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let logs = sample().join("AWSLogs/o-juniper4rc/210000000001");
    let sql = "SELECT * FROM events ORDER BY user_agent, event_id";
    let ask = |reading: &str| {
        std::fs::write(here.join("rolecall.toml"), format!("version = 1\n[reading]\n{reading}\n")).unwrap();
        run(here, &["sql", sql, "--logs", shown(&logs), "--format", "csv"])
    };
    let (code, _, error) = ask("max_memory = '16 KiB'");
    assert!(code == 1 && error.contains("the query needs more memory than there is"), "{code} {error}");
    let (code, _, error) = ask("max_object = '1 KiB'");
    assert!(code == 3 && error.contains("too_large"), "{code} {error}");
    let (code, whole, error) = ask("max_memory = '1 GiB'\nmax_object = '1 GiB'");
    assert_eq!(code, 0, "{error}");
    assert!(whole.lines().count() > 10);
    // What is typed wins over the file, for every verb that reads files.
    for verb in [
        &["sql", sql, "--logs", shown(&logs)][..],
        &["ask", "who-used-role", "role=x", "--logs", shown(&logs)],
        &["who", "arn:aws:iam::210000000001:role/x", "--logs", shown(&logs)],
        &["timeline", "arn:aws:iam::210000000001:role/x", "--logs", shown(&logs)],
        &["ingest", shown(&logs), "--dry-run"],
    ] {
        let (code, _, error) = run(here, &[verb, &["--max-object", "1 KiB"]].concat());
        assert!(code == 3 && error.contains("too_large"), "{verb:?}: {code} {error}");
    }
    let (code, _, error) = ask("max_object = '1 KiB'");
    assert_eq!(code, 3, "{error}");
    let (code, _, error) = run(here, &["sql", sql, "--logs", shown(&logs), "--max-object", "1 GiB"]);
    assert_eq!(code, 0, "{error}");
    let (code, _, error) = run(here, &["sql", sql, "--logs", shown(&logs), "--max-object", "much"]);
    assert!(code == 2 && error.contains("512 MiB"), "{code} {error}");
    std::fs::write(here.join("taken"), "").unwrap();
    let (code, _, error) = ask("spill_dir = 'taken/x'");
    assert!(code == 2 && error.contains("taken/x"), "{code} {error}");
}

#[test]
fn what_it_knows_is_in_the_tables() {
    let config = project().join("tests/enrichment/rolecall.toml");
    let sample = sample();
    let ask = |sql: &str, with: &[&str]| {
        let mut arguments = vec!["sql", sql, "--logs", shown(&sample), "--format", "csv"];
        arguments.extend(with);
        run(&project(), &arguments)
    };
    let known = ["--config", shown(&config)];
    let same = |sql: &str, expected: &str| {
        let (code, out, error) = ask(sql, &known);
        assert_eq!((code, out.as_str(), error.as_str()), (0, expected, ""), "{sql}");
    };
    same(
        "SELECT * FROM known_accounts WHERE name IS NOT NULL ORDER BY account_id",
        "account_id,name,environment,owner,in_organization\n040000000008,legacy,,,true\n\
         210000000007,data,production,data-platform,true\n",
    );
    same("SELECT * FROM known_vendors", "name,account_id\ncostwatch,390000000009\n");
    same("SELECT * FROM known_networks", "name,cidr,kind\noffice,198.51.100.10/32,office\n");
    same(
        "SELECT * FROM known_people WHERE person LIKE 'Finn%' ORDER BY alias",
        "person,alias\nFinn Haas,Finn Haas\nFinn Haas,finn.haas\n",
    );
    same(
        "SELECT * FROM known_roles ORDER BY tier",
        "pattern,tier,break_glass,canary\nAWSReservedSSO\\_Administrator\\_%,0,true,false\nbackup,1,false,false\n",
    );
    same("SELECT * FROM known_ci", "name,kind,value\ndeployments,subject,repo:%\n");
    same(
        "SELECT * FROM known_vpc_endpoints",
        "vpc_endpoint_id,name,account_id\nvpce-0a1b2c3d4e5f60718,data lake,210000000007\n",
    );
    same(
        "SELECT DISTINCT caller_account, origin_class FROM sessions WHERE outside_organization ORDER BY 1",
        "caller_account,origin_class\n390000000009,vendor\n390000000010,unknown\n",
    );
    same(
        "SELECT name, in_organization FROM accounts WHERE account_id IN ('210000000007', '390000000009') ORDER BY account_id",
        "name,in_organization\ndata,true\n,false\n",
    );
    same(
        "SELECT count(*) > 0 AS found FROM sessions s JOIN known_roles r ON s.role_arn LIKE r.pattern OR s.role_name LIKE r.pattern",
        "found\ntrue\n",
    );
    let empty = "SELECT (SELECT count(*) FROM known_accounts) + (SELECT count(*) FROM known_ci) AS rows,
                 (SELECT count(*) FROM sessions WHERE outside_organization IS NOT NULL OR origin_class = 'vendor') AS told";
    assert_eq!(ask(empty, &[]), (0, "rows,told\n0,0\n".to_owned(), String::new()));
}

#[test]
fn addresses_are_told_by_the_databases_it_names_and_null_without() {
    let config = project().join("tests/enrichment/rolecall.toml");
    let sql = "SELECT ip, geo_country(ip) AS country, geo_asn(ip) AS asn, geo_org(ip) AS org, aws_range_service(ip) AS service, \
               aws_range_region(ip) AS region, geo_distance_km(ip, '198.51.100.10') AS km FROM (VALUES ('203.0.113.77'), ('192.0.2.72'), ('192.0.2.9'), \
               ('2001:db8:40:1::7'), ('10.0.0.1'), ('AWS Internal'), (NULL)) AS t(ip)";
    let logs = sample();
    let ask = |with: &[&str]| {
        let mut arguments = vec!["sql", sql, "--logs", shown(&logs), "--format", "csv"];
        arguments.extend(with);
        run(&project(), &arguments)
    };
    let (code, out, error) = ask(&["--config", shown(&config)]);
    assert_eq!((code, error.as_str()), (0, ""));
    assert_eq!(
        out,
        "ip,country,asn,org,service,region,km\n\
         203.0.113.77,NL,64511,'=Cheap Servers,,,1125\n\
         192.0.2.72,US,64505,Hosted Runners,EC2,eu-central-1,7726\n\
         192.0.2.9,US,64505,Hosted Runners,AMAZON,eu-central-1,7726\n\
         2001:db8:40:1::7,SE,64496,Juniper Shop AB,EC2,eu-central-1,0\n\
         10.0.0.1,,,,,,\nAWS Internal,,,,,,\n,,,,,,\n"
    );
    let (code, out, error) = ask(&["--quiet"]);
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("\n203.0.113.77,,,,,,\n"), "{out}");
    // One line says it all.
    assert_eq!(
        error,
        "Warning: aws_range_region(), aws_range_service(), geo_asn(), geo_country(), geo_distance_km() and geo_org() give null: \
         name files in [enrichment] of rolecall.toml, as asn, aws_ranges, city, country\n"
    );
    let sql = "SELECT geo_country('192.0.2.9') AS country";
    let (_, _, error) = run(&project(), &["sql", sql, "--logs", shown(&logs), "--format", "csv"]);
    assert_eq!(error, "Warning: geo_country() gives null: name a file as country in [enrichment] of rolecall.toml\n");
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("rolecall.toml");
    std::fs::write(&broken, "version = 1\n[enrichment]\ncountry = 'none.mmdb'\nasn = 'rolecall.toml'\n").unwrap();
    let (code, _, error) = ask(&["--config", shown(&broken)]);
    assert!(code == 1 && error.contains("none.mmdb") && error.contains("cannot be read"), "{error}");
}

/// Answers AssumeRole with the credentials given, once for each connection, and tells what was asked.
fn token_service(key: &str, secret: &str) -> (String, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (tell, told) = std::sync::mpsc::channel();
    let answer = format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><AssumedRoleUser>\
         <Arn>arn:aws:sts::111122223333:assumed-role/reader/rolecall</Arn><AssumedRoleId>AROAEXAMPLE:rolecall</AssumedRoleId>\
         </AssumedRoleUser><Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>\
         <SessionToken>a-token-of-a-test</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>\
         </AssumeRoleResult></AssumeRoleResponse>"
    );
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            let mut length = 0;
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if let Some((name, value)) = line.split_once(':')
                    && name.eq_ignore_ascii_case("content-length")
                {
                    length = value.trim().parse().unwrap();
                }
                if line.trim().is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            tell.send(String::from_utf8(body).unwrap()).unwrap();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n", answer.len());
            reader.get_mut().write_all(format!("{head}{answer}").as_bytes()).unwrap();
        }
    });
    (endpoint, told)
}

#[test]
fn a_source_is_read_with_the_role_it_names() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let logs = sample().join("AWSLogs/o-juniper4rc/210000000001/CloudTrail/eu-west-1");
    let bucket = here.join("s3/trail/AWSLogs/210000000001/CloudTrail");
    std::fs::create_dir_all(&bucket).unwrap();
    assert!(Command::new("cp").arg("-r").arg(&logs).arg(&bucket).status().unwrap().success());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _inside = runtime.enter();
    let server = S3Server::start(&here.join("s3"));
    let (endpoint, asked) = token_service(&server.access_key, &server.secret_key);
    std::fs::write(
        here.join("rolecall.toml"),
        "version = 1\n[[source]]\nname = 'trail'\nlocation = 's3://trail'\nrequester_pays = true\n\
         role_arn = 'arn:aws:iam::111122223333:role/reader'\nexternal_id = 'our id'\n",
    )
    .unwrap();
    let mut command = rolecall(here, &["ingest", "--lake", "lake"]);
    command.envs(server.env()).env("AWS_ENDPOINT_URL_STS", &endpoint);
    // These may not read the bucket; only the role may.
    command.env("AWS_ACCESS_KEY_ID", "AKIAI44QH8DHBEXAMPLE").env("AWS_SECRET_ACCESS_KEY", "not the bucket's");
    let (code, _, error) = told(&mut command);
    assert!(code == 0 && error.contains("Stored "), "{code} {error}");
    let body = asked.recv().unwrap();
    for words in [
        "Action=AssumeRole",
        "RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Freader",
        "ExternalId=our+id",
        "RoleSessionName=rolecall",
    ] {
        assert!(body.replace("%20", "+").contains(words), "{words}: {body}");
    }
}
