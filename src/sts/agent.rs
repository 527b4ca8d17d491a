//! What a user agent tells: which program, and whether it is one of those that attackers bring along.

/// Marks of programs made for attacks, and of systems made for them.
const TOOLS: [&str; 12] = [
    "kali",
    "parrot",
    "pacu",
    "cloudfox",
    "scoutsuite",
    "stratus-red-team",
    "trufflehog",
    "aws_consoler",
    "enumerate-iam",
    "nuclei",
    "powerpwn",
    "peirates",
];

/// The program without its versions: `aws-cli macos`, `boto3 linux`, `browser`.
pub fn family(agent: &str) -> String {
    let lower = agent.to_lowercase();
    let system = ["kali", "windows", "macos", "mac os", "darwin", "linux", "exec-env/aws_lambda", "exec-env/aws_ecs"]
        .into_iter()
        .find(|word| lower.contains(word))
        .unwrap_or_default();
    let program = if lower.starts_with("mozilla/") {
        "browser"
    } else if lower.contains("terraform") {
        "terraform"
    } else {
        let end = lower.find(['/', ' ', ';', '(']).unwrap_or(lower.len());
        return format!("{} {system}", &lower[..end]).trim().to_owned();
    };
    format!("{program} {system}").trim().to_owned()
}

/// The mark of an attacker's tool in an agent.
pub fn tool(agent: &str) -> Option<&'static str> {
    let lower = agent.to_lowercase();
    TOOLS.into_iter().find(|mark| lower.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_without_versions() {
        for (agent, expected) in [
            ("aws-cli/2.31.4 md/awscrt#0.27.6 os/macos#24.6.0", "aws-cli macos"),
            ("aws-cli/2.15.0 Python/3.11.8 Linux/6.6.9-amd64 exe/x86_64.kali.2024", "aws-cli kali"),
            ("Boto3/1.40.49 md/Botocore#1.40.49 os/linux#6.1.0", "boto3 linux"),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Chrome/142.0.0.0", "browser mac os"),
            ("APN/1.0 HashiCorp/1.0 Terraform/1.13.3 os/linux", "terraform linux"),
            ("ec2.amazonaws.com", "ec2.amazonaws.com"),
            ("", ""),
        ] {
            assert_eq!(family(agent), expected);
        }
        assert_eq!(tool("aws-cli/2 exe/x86_64.kali.2024"), Some("kali"));
        assert_eq!(tool("Boto3/1.40"), None);
    }
}
