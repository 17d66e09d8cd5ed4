//! The program as a user meets it: started, asked, told wrong things, killed.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

const KEY: &str = "a-key-for-tests-0123456789abcdef";

fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bartizan"));
    command
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("BARTIZAN_ADMIN_KEY", KEY);
    command
}

pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Output {
    program(folder, arguments).output().unwrap()
}

struct Running {
    child: Child,
    address: SocketAddr,
    /// Kept open: the program would meet a closed pipe.
    _output: BufReader<ChildStdout>,
}

impl Running {
    fn start(folder: &Path) -> Self {
        let mut child = program(
            folder,
            &["serve", "--data", "data", "--listen", "127.0.0.1:0"],
        )
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut address = None;
        loop {
            let mut line = String::new();
            assert!(
                output.read_line(&mut line).unwrap() > 0,
                "the service ended"
            );
            if let Some((_, url)) = line.split_once("listening on http://") {
                address = url.split_whitespace().next().unwrap().parse().ok();
            }
            if line.contains("ready") {
                break;
            }
        }
        Self {
            child,
            address: address.unwrap(),
            _output: output,
        }
    }

    /// Waits up to ten seconds until so many queries run.
    fn wait_for_queries(&self, wanted: &str) {
        let line = format!("bartizan_queries_running {wanted}\n");
        let begin = Instant::now();
        while !self.call("GET", "/metrics", "").1.contains(&line) {
            assert!(begin.elapsed() < Duration::from_secs(10), "no {line}");
        }
    }

    fn send(&self, method: &str, path: &str, body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {KEY}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        stream
    }

    /// Status and body of an answer.
    fn call(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let mut stream = self.send(method, path, body);
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        (status, body.to_owned())
    }

    fn count(&self) -> String {
        let body =
            r#"{"query":"select count(*) as n from ApiManagementGatewayLogs","format":"csv"}"#;
        self.call("POST", "/api/v1/query", body).1
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Already dead where the test killed it.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

const RECORD: &str = r#"{"records":[{"time":"2026-01-01T00:00:00Z","category":"GatewayLogs","properties":{"method":"GET"}}]}"#;

#[test]
fn what_was_acknowledged_is_there_after_kill_and_after_terminate() {
    let folder = tempfile::tempdir().unwrap();
    let service = Running::start(folder.path());
    assert_eq!(service.call("POST", "/api/v1/ingest", RECORD).0, 200);
    assert!(service.count().contains("\n1\n"), "{}", service.count());
    drop(service);
    let mut service = Running::start(folder.path());
    assert!(service.count().contains("\n1\n"), "{}", service.count());
    assert_eq!(service.call("POST", "/api/v1/ingest", RECORD).0, 200);
    let pid = service.child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
    assert!(service.child.wait().unwrap().success());
    drop(service);
    let service = Running::start(folder.path());
    assert!(service.count().contains("\n2\n"), "{}", service.count());
}

#[test]
fn a_client_that_leaves_ends_its_query() {
    let folder = tempfile::tempdir().unwrap();
    let service = Running::start(folder.path());
    let records = vec![
        r#"{"time":"2026-01-01T00:00:00Z","category":"GatewayLogs","properties":{"method":"GET"}}"#;
        500
    ];
    let body = format!("[{}]", records.join(","));
    assert_eq!(service.call("POST", "/api/v1/ingest", &body).0, 200);
    let endless = r#"{"query":"select count(*) from ApiManagementGatewayLogs a, ApiManagementGatewayLogs b, ApiManagementGatewayLogs c, ApiManagementGatewayLogs d where a.Method || b.Method || c.Method || d.Method like '%x%'"}"#;
    let stream = service.send("POST", "/api/v1/query", endless);
    service.wait_for_queries("1");
    drop(stream);
    // Well before the query's own timeout of 30 s.
    service.wait_for_queries("0");
}

#[track_caller]
pub(crate) fn check_refused(folder: &Path, arguments: &[&str], words: &[&str]) {
    let output = run(folder, arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    for word in words {
        assert!(said.contains(word), "no {word} in: {said}");
    }
}

#[test]
fn a_start_that_cannot_work_says_why_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    check_refused(
        folder,
        &["serve", "--listen", &taken],
        &["listen on", "in use"],
    );
    fs::write(folder.join("file"), "").unwrap();
    let below_file = ["serve", "--data", "file/data", "--listen", "127.0.0.1:0"];
    check_refused(folder, &below_file, &["file/data"]);
    check_refused(folder, &["serve", "--config", "no.toml"], &["no.toml"]);
    check_refused(folder, &["serve", "--listen", "0.0.0.0:0"], &["TLS"]);
    fs::write(folder.join("bad.toml"), "[rules]\nlatness = '5s'\n").unwrap();
    check_refused(
        folder,
        &["check", "--config", "bad.toml"],
        &["bad.toml", "line 2", "latness"],
    );
    fs::create_dir(folder.join("rules")).unwrap();
    fs::write(
        folder.join("rules/broken.yaml"),
        "id: 1\nname: Broken\nqueryFreqency: 5m\n",
    )
    .unwrap();
    fs::write(folder.join("rules.toml"), "[rules]\nfolder = 'rules'\n").unwrap();
    check_refused(
        folder,
        &["check", "--config", "rules.toml"],
        &["broken.yaml"],
    );
}

#[test]
fn the_shipped_rules_and_an_empty_configuration_pass_the_check() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["check"]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "ok: configuration, 5 rules\n"
    );
}

#[test]
fn a_key_from_the_command_line_opens_what_its_scope_says() {
    let folder = tempfile::tempdir().unwrap();
    let service = Running::start(folder.path());
    let made = run(
        folder.path(),
        &["key", "create", "--scope", "read", "--data", "data"],
    );
    let key = String::from_utf8(made.stdout).unwrap();
    let url = format!("http://{}", service.address);
    let ask = ["query", "print one = 1", "--url", &url, "--key", key.trim()];
    let output = run(folder.path(), &ask);
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "+-----+\n| one |\n+-----+\n| 1   |\n+-----+\n1 rows\n"
    );
    check_refused(
        folder.path(),
        &["query", "select 1", "--url", &url, "--key", "wrong"],
        &["401"],
    );
    check_refused(
        folder.path(),
        &["query", "--sql", "select x", "--url", &url],
        &["unknown column"],
    );
    let output = run(folder.path(), &["query", "print a =\n  | 1", "--url", &url]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("\n    | 1\n    ^\n"), "{error}");
}
