//! A headless Chromium, driven over WebDriver: what the report's page needs, and no more.
//!
//! <https://www.w3.org/TR/webdriver2/>

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use serde_json::{Value, json};

/// A browser with one window; it ends with the test.
pub struct Browser {
    driver: Child,
    port: u16,
    session: String,
    _profile: tempfile::TempDir,
}

/// Whether there is a driver; where continuous integration runs there has to be one.
pub fn is_there() -> bool {
    let found =
        Command::new("chromedriver").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    assert!(found || std::env::var("CI").is_err(), "chromedriver is needed: .ci/run installs it");
    found
}

impl Browser {
    pub fn start(dark: bool) -> Self {
        let mut driver =
            Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut said = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = said
            .find_map(|line| {
                let line = line.unwrap();
                line.rsplit_once("successfully on port ")
                    .map(|(_, port)| port.trim_end_matches('.').parse::<u16>().unwrap())
            })
            .unwrap();
        // What it says later is read and dropped, so that it never waits for a reader.
        std::thread::spawn(move || said.for_each(drop));
        let profile = tempfile::tempdir().unwrap();
        let mut browser = Self { driver, port, session: String::new(), _profile: profile };
        let mut args = vec![
            "--headless".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-quic".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            "--window-size=1500,1100".to_owned(),
            format!("--user-data-dir={}", browser._profile.path().display()),
        ];
        if dark {
            args.push("--blink-settings=preferredColorScheme=0".to_owned());
        }
        let wanted = json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": {"args": args}, "goog:loggingPrefs": {"browser": "ALL"}}}});
        let made = browser.send("POST", "/session", &wanted);
        browser.session = made["sessionId"].as_str().unwrap().to_owned();
        browser
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Value {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let body = if method == "POST" { body.to_string() } else { String::new() };
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        // The driver keeps the line open: the answer ends where its length says.
        let mut answer = BufReader::new(stream);
        let (mut status, mut length) = (String::new(), 0);
        answer.read_line(&mut status).unwrap();
        loop {
            let mut line = String::new();
            answer.read_line(&mut line).unwrap();
            let line = line.trim_end().to_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(n) = line.strip_prefix("content-length:") {
                length = n.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        answer.read_exact(&mut body).unwrap();
        let body = String::from_utf8(body).unwrap();
        assert!(status.contains(" 200 "), "{path}: {status}{body}");
        serde_json::from_str::<Value>(&body).unwrap()["value"].clone()
    }

    fn post(&self, path: &str, body: Value) -> Value {
        self.send("POST", &format!("/session/{}{path}", self.session), &body)
    }

    pub fn open(&self, url: &str) {
        self.post("/url", json!({"url": url}));
    }

    /// The value of an expression, once it is no longer null or false.
    pub fn js(&self, expression: &str) -> Value {
        let script = format!(
            "const done = arguments[0], look = tries => {{ let found; try {{ found = ({expression}); }} catch (e) {{ found = null; }} \
             if (found || found === 0 || tries > 200) done(found); else setTimeout(() => look(tries + 1), 50); }}; look(0);"
        );
        self.post("/execute/async", json!({"script": script, "args": []}))
    }

    fn element(&self, css: &str) -> String {
        let found = self.post("/element", json!({"using": "css selector", "value": css}));
        found.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned()
    }

    pub fn click(&self, css: &str) {
        self.post(&format!("/element/{}/click", self.element(css)), json!({}));
    }

    pub fn type_into(&self, css: &str, text: &str) {
        self.post(&format!("/element/{}/value", self.element(css)), json!({"text": text}));
    }

    /// What the page complained of.
    pub fn complaints(&self) -> Value {
        self.post("/se/log", json!({"type": "browser"}))
    }

    /// The page on paper.
    pub fn print(&self) -> Vec<u8> {
        let pdf = self.post("/print", json!({"orientation": "landscape"}));
        base64::engine::general_purpose::STANDARD.decode(pdf.as_str().unwrap()).unwrap()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() && !std::thread::panicking() {
            self.send("DELETE", &format!("/session/{}", self.session), &Value::Null);
        }
        _ = self.driver.kill();
        _ = self.driver.wait();
    }
}
