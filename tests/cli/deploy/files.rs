//! The files themselves, each asked of the program that will read it.

use super::{ours, read};
use crate::cluster::Cluster;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

fn succeeds(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    assert!(status.success(), "{command:?}: {}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

/// `deploy/compose.yaml`, with anchors and merges resolved.
fn compose() -> Value {
    let script = "import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1])), sys.stdout)";
    serde_json::from_str(&succeeds(Command::new("python3").args(["-c", script]).arg(ours("deploy/compose.yaml")))).unwrap()
}

#[test]
fn systemd_takes_the_unit_and_finds_little_to_reach_from_it() {
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("tuban.service");
    let text = read("deploy/tuban.service");
    assert!(text.contains("ExecStart=/usr/bin/tuban serve\n") && read("tools/dist").contains("\"$package/usr/bin/$program\""), "it starts what is packed");
    // Whether the program is there is asked, too.
    std::fs::write(&unit, text.replace("/usr/bin/tuban", env!("CARGO_BIN_EXE_tuban"))).unwrap();
    succeeds(Command::new("systemd-analyze").arg("verify").arg(&unit));
    // Of 0 to 100, most exposed last; 20 is what it had when this was written.
    succeeds(Command::new("systemd-analyze").args(["security", "--offline=true", "--threshold=20"]).arg(&unit));
}

#[test]
fn every_setting_of_the_packages_file_is_in_the_papers() {
    let table = read("docs/OPERATIONS.md");
    let settings = read("deploy/tuban.env");
    let names: Vec<&str> =
        settings.lines().filter_map(|line| line.strip_prefix('#')?.split_once('=')).map(|(name, _)| name).filter(|name| !name.contains(' ')).collect();
    assert!(names.len() > 5, "{names:?}");
    for name in names {
        assert!(table.contains(&format!("`{name}`")), "{name}");
    }
}

#[test]
fn haproxy_takes_both_of_its_files() {
    let mut nodes = Command::new("haproxy");
    // With the names that nobody here knows: it starts before its nodes are there.
    for (name, value) in compose()["services"]["proxy"]["environment"].as_object().unwrap() {
        nodes.env(name, value.as_str().unwrap());
    }
    succeeds(nodes.args(["-c", "-f"]).arg(ours("deploy/haproxy.cfg")));
    let mut servers = Command::new("haproxy");
    let check = ours("deploy/primary-check");
    servers.env("TUBAN_PG_LISTEN", "127.0.0.1:6432").env("TUBAN_PG_ONE", "10.0.0.1:5432").env("TUBAN_PG_TWO", "10.0.0.2:5432").env("TUBAN_PG_CHECK", check);
    succeeds(servers.args(["-c", "-f"]).arg(ours("deploy/haproxy-postgres.cfg")));
}

#[test]
fn the_scripts_are_such_and_may_be_run() {
    for script in ["deploy/install", "deploy/postinst", "deploy/prerm", "deploy/primary-check", "tools/dist", "tools/dist-test", "tools/need", "tools/postgres"]
    {
        succeeds(Command::new("sh").arg("-n").arg(ours(script)));
    }
    for run in ["deploy/install", "deploy/primary-check"] {
        assert!(std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(ours(run)).unwrap().permissions()) & 0o111 == 0o111, "{run}");
    }
}

/// No container engine is asked: what they would refuse for its shape, and what would not fit together.
#[test]
fn the_compose_file_hangs_together() {
    let compose = compose();
    let services = compose["services"].as_object().unwrap();
    assert_eq!(services.keys().collect::<Vec<_>>(), ["database", "one", "proxy", "two"]);
    let named = |what: &str, value: &Value| {
        let known = compose[what].as_object().unwrap();
        for name in value.as_array().into_iter().flatten() {
            let name = name.as_str().unwrap().split(':').next().unwrap();
            assert!(known.contains_key(name) || ours("deploy").join(name).is_file(), "{what}: {name}");
        }
    };
    for (name, service) in services {
        assert!(service["image"].is_string() && service["restart"] == "unless-stopped", "{name}");
        named("networks", &service["networks"]);
        named("secrets", &service["secrets"]);
        named("volumes", &service["volumes"]);
        for depends in service["depends_on"]
            .as_object()
            .map(|of| of.keys().cloned().collect())
            .unwrap_or_else(|| service["depends_on"].as_array().into_iter().flatten().map(|name| name.as_str().unwrap().to_owned()).collect::<Vec<_>>())
        {
            assert!(services.contains_key(&depends), "{name} waits for {depends}");
        }
    }
    assert!(services["database"]["healthcheck"]["test"].is_array(), "the nodes wait until it is healthy");
    assert_eq!(compose["secrets"], serde_json::json!({ "password": { "file": "./password" } }));
    // Only the proxy is reached from outside, and only from this machine.
    for name in ["database", "one", "two"] {
        assert!(services[name]["ports"].is_null(), "{name}");
    }
    assert_eq!(services["proxy"]["ports"], serde_json::json!(["127.0.0.1:8080:8080"]));
    // docker and podman stop by force what has not ended by then: longer than a node takes.
    let one = &services["one"];
    assert_eq!((&one["stop_grace_period"], &one["environment"]["TUBAN_DRAIN"]), (&"90s".into(), &"5".into()));
    for key in ["image", "entrypoint", "command", "environment", "secrets", "build"] {
        assert_eq!(one[key], services["two"][key], "{key}");
    }
    let known = read("docs/OPERATIONS.md");
    for name in one["environment"].as_object().unwrap().keys() {
        assert!(known.contains(&format!("`{name}`")), "{name}");
    }
}

#[test]
fn the_image_is_made_of_the_package_and_starts_what_is_in_it() {
    let text = read("deploy/Containerfile");
    let instructions: Vec<(&str, &str)> = text.lines().filter(|line| !line.starts_with('#')).map(|line| line.split_once(' ').unwrap()).collect();
    let said = |instruction: &str| instructions.iter().find(|(name, _)| *name == instruction).unwrap_or_else(|| panic!("{instruction}")).1;
    let known = ["FROM", "COPY", "RUN", "USER", "WORKDIR", "ENTRYPOINT", "CMD"];
    assert!(instructions.iter().all(|(name, _)| known.contains(name)), "{instructions:?}");
    // What it is linked to is that release's.
    assert_eq!(said("FROM"), "debian:bookworm-slim");
    assert_eq!(said("COPY"), "target/dist/tuban_*.deb /tmp/");
    assert!(read("tools/dist").contains("deb=$out/tuban_${version}_$arch.deb") && read("Makefile").contains("tools/dist $(PACKED) target/dist"));
    assert!(read("deploy/postinst").contains("adduser --system --quiet --group --home /var/lib/tuban tuban"));
    assert_eq!((said("USER"), said("WORKDIR")), ("tuban", "/var/lib/tuban"));
    let (start, with): (Vec<String>, Vec<String>) = (serde_json::from_str(said("ENTRYPOINT")).unwrap(), serde_json::from_str(said("CMD")).unwrap());
    assert_eq!((start, with), (vec!["/usr/bin/tuban".to_owned()], vec!["serve".to_owned()]));
    let build = &compose()["services"]["one"]["build"];
    assert!(ours("deploy").join(build["context"].as_str().unwrap()).join(build["dockerfile"].as_str().unwrap()).is_file(), "{build}");
}

/// What a container is started with, here: secrets lie elsewhere, and so does the program.
fn as_in_a_container(service: &Value, secrets: &Path, arguments: &[&str]) -> Command {
    let words: Vec<String> = service["entrypoint"]
        .as_array()
        .unwrap()
        .iter()
        .map(|word| {
            let here = word.as_str().unwrap().replace("$$", "$").replace("/run/secrets", secrets.to_str().unwrap());
            here.replace("/usr/bin/tuban", env!("CARGO_BIN_EXE_tuban"))
        })
        .collect();
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).args(arguments).current_dir(secrets).env_remove("PGPASSWORD").env_remove("PGPASSFILE");
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_of_the_compose_file_logs_in_with_the_password_of_its_file() {
    let cluster = tokio::task::spawn_blocking(Cluster::start).await.unwrap();
    // A superuser, as the container's is.
    cluster.administer("CREATE ROLE tuban SUPERUSER LOGIN PASSWORD 'Sesam öffne dich'").await;
    cluster.administer("CREATE DATABASE tuban OWNER tuban").await;
    cluster.ask_for_passwords("tuban").await;
    let secrets = tempfile::tempdir().unwrap();
    let database = cluster.url("tuban").replace("postgres://postgres@", "postgres://tuban@");
    let compose = compose();
    let said = |password: &str| {
        std::fs::write(secrets.path().join("password"), password).unwrap();
        let mut command = as_in_a_container(&compose["services"]["one"], secrets.path(), &["survey", "list", "--database", &database]);
        command.output().unwrap()
    };
    let refused = said("wrong\n");
    assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("password authentication failed"), "{refused:?}");
    let taken = said("Sesam öffne dich\n");
    assert!(taken.status.success(), "{taken:?}");
}
