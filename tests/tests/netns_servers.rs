//! Servers and clients as Debian has them, of protocols whose server speaks first: `MariaDB` and its
//! client, and the mail server aiosmtpd with curl. The name of each service has the address of a host
//! that has no such server, so that only the proxy finds it.

use std::{fs, path::Path, process::Command};

use tests::{
    capability,
    daemon::Daemon,
    host::Place,
    network::Purpose,
    process::{self, Process},
    scenario::Scenario,
    wait,
};

/// `NAME.apps.local` leads to a TCP port of `serviceB`.
fn lead(scenario: &mut Scenario, name: &str, port: u16) -> Daemon {
    scenario.lead(name, "tcp", port).unwrap();
    scenario.daemon_a().start().unwrap()
}

fn assert_through(daemon: &Daemon, name: &str, port: u16, connections: u64) {
    let counter = format!("cluster.cds_egress_apps_{name}_tcp_{port}.upstream_cx_total");
    assert_eq!(daemon.stat(&counter).unwrap(), connections);
}

fn program(name: &str) -> std::path::PathBuf {
    capability::find(name).unwrap_or_else(|| panic!("{name} is there; run: cargo xtask setup"))
}

const DATABASE_PORT: u16 = 3306;
/// Bytes of the value that is stored and read back.
const VALUE: usize = 8 << 20;

/// `MariaDB` on `serviceB`, with a user that may connect from anywhere.
fn database(scenario: &Scenario) -> Process {
    let host = &scenario.service_b;
    let directory = host.directory().join("mariadb");
    fs::create_dir(&directory).unwrap();
    let own = |name: &str| directory.join(name);
    let data = format!("--datadir={}", own("data").display());
    let mut install = host.command(Place::Workload, program("mariadb-install-db"));
    let quiet = [
        "--no-defaults",
        "--user=root",
        "--skip-test-db",
        "--skip-name-resolve",
    ];
    process::run(install.args(quiet).arg(&data)).unwrap();
    let users = "CREATE USER app@'%' IDENTIFIED BY 'secret';\nGRANT ALL ON *.* TO app@'%';\n";
    fs::write(own("users.sql"), users).unwrap();
    let mut command = host.command(Place::Workload, program("mariadbd"));
    command
        .args(["--no-defaults", "--user=root", "--skip-name-resolve"])
        .args(["--bind-address=*", "--max-allowed-packet=64M"])
        .arg(format!("--port={DATABASE_PORT}"))
        .arg(&data)
        .arg(format!("--socket={}", own("socket").display()))
        .arg(format!("--pid-file={}", own("pid").display()))
        .arg(format!("--init-file={}", own("users.sql").display()));
    let mut server = Process::spawn("mariadbd", command, &own("log")).unwrap();
    wait::until_true("the database", || {
        server.ensure_running()?;
        let mut client = query(scenario, Place::Outside, "127.0.0.1", "SELECT 1");
        Ok(process::output(&mut client)?.status.success())
    })
    .unwrap();
    server
}

/// The client, on `serviceB` itself where it is outside the workload, else on `serviceA`.
fn query(scenario: &Scenario, place: Place, host: &str, statements: &str) -> Command {
    let on = if place == Place::Outside {
        &scenario.service_b
    } else {
        &scenario.service_a
    };
    let mut client = on.command(place, program("mariadb"));
    client
        .args([
            "--no-defaults",
            "--protocol=TCP",
            "--user=app",
            "--password=secret",
        ])
        .args(["--batch", "--skip-column-names", "--connect-timeout=20"])
        .args(["--max-allowed-packet=64M"])
        .arg(format!("--port={DATABASE_PORT}"))
        .arg(format!("--host={host}"))
        .arg(format!("--execute={statements}"));
    client
}

#[test]
fn mariadb_and_its_client_speak_through_the_mesh() {
    if !capability::namespace_ring() {
        return;
    }
    let mut scenario = Scenario::start(Purpose::Test).unwrap();
    let _server = database(&scenario);
    let daemon = lead(&mut scenario, "db", DATABASE_PORT);
    let ask = |statements: &str| {
        let name = "db.apps.local";
        process::run(&mut query(&scenario, Place::Workload, name, statements)).unwrap()
    };
    let made = ask(&format!(
        "CREATE DATABASE shop; CREATE TABLE shop.kept (value LONGBLOB); \
         INSERT INTO shop.kept VALUES (REPEAT('0123456789abcdef', {})); \
         SELECT LENGTH(value), MD5(value) FROM shop.kept",
        VALUE / 16
    ));
    assert_through(&daemon, "db", DATABASE_PORT, 1);
    let (length, _) = made.trim().split_once('\t').unwrap();
    assert_eq!(length, VALUE.to_string());
    // All of it comes to the client, and is what went to the server.
    let value = ask("SELECT value FROM shop.kept");
    assert!(value.trim_end() == "0123456789abcdef".repeat(VALUE / 16));
    assert_through(&daemon, "db", DATABASE_PORT, 2);
    let received = daemon.stat("tcp.egress.downstream_cx_tx_bytes_total");
    assert!(received.unwrap() > VALUE as u64);
}

const MAIL_PORT: u16 = 2525;

/// aiosmtpd on `serviceB`, which puts what it takes into a folder.
fn mail_server(scenario: &Scenario, folder: &Path) -> Process {
    let host = &scenario.service_b;
    let mut command = host.command(Place::Workload, program("aiosmtpd"));
    command
        .args(["--nosetuid", "--class", "aiosmtpd.handlers.Mailbox"])
        .arg(format!("--listen=0.0.0.0:{MAIL_PORT}"))
        .arg(folder);
    let log = host.directory().join("aiosmtpd.log");
    let mut server = Process::spawn("aiosmtpd", command, &log).unwrap();
    wait::until_true("the mail server", || {
        server.ensure_running()?;
        host.listens(MAIL_PORT)
    })
    .unwrap();
    server
}

#[test]
fn a_mail_server_takes_mail_through_the_mesh() {
    if !capability::namespace_ring() {
        return;
    }
    let mut scenario = Scenario::start(Purpose::Test).unwrap();
    let folder = scenario.service_b.directory().join("mail");
    let _server = mail_server(&scenario, &folder);
    let daemon = lead(&mut scenario, "mail", MAIL_PORT);
    let letter = scenario.service_a.directory().join("letter");
    let lines: Vec<String> = (0..20_000).map(|line| format!("line {line}\r\n")).collect();
    let text = format!("Subject: through the mesh\r\n\r\n{}", lines.concat());
    fs::write(&letter, &text).unwrap();
    let letter = letter.to_string_lossy().into_owned();
    let client = scenario.curl().args([
        "--mail-from",
        "app@apps.local",
        "--mail-rcpt",
        "shop@apps.local",
        "--upload-file",
        &letter,
    ]);
    let url = format!("smtp://mail.apps.local:{MAIL_PORT}");
    process::run(&mut client.command(&url)).unwrap();
    assert_through(&daemon, "mail", MAIL_PORT, 1);
    let taken: Vec<_> = fs::read_dir(folder.join("new")).unwrap().collect();
    let [taken] = &taken[..] else {
        panic!("one letter: {taken:?}")
    };
    let taken = fs::read_to_string(taken.as_ref().unwrap().path()).unwrap();
    // It has header fields of the server's own.
    let (_, body) = taken.split_once("\n\n").unwrap();
    assert!(body.replace("\r\n", "\n") == lines.concat().replace("\r\n", "\n"));
}
